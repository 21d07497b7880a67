"""A desk phone by baresip (1.0.0 of Debian 12): configuration, its control connection, its events.

Several may live in one namespace on addresses of their own, but their RTP leaves from the interface's first address;
one namespace each is what a building looks like. Its jitter buffer is off: it drops all that another sender sends after
the first one, as when a re-INVITE lets the sound past the platform.
"""

from __future__ import annotations

import contextlib
import json
import socket
import threading
import time
from pathlib import Path
from typing import Any

from hil.debian import chroot
from hil.net import Host
from hil.phone import Account, PhoneError
from hil.phone.watched import Watched

__all__ = ["Baresip", "NetstringReader"]

CONTROL_PORT = 4444
CONTROL_TIMEOUT_S = 20.0
RETRY_S = 0.05
MAX_MESSAGE_BYTES = 64 * 1024

_CONFIG = """\
sip_listen {ip}:5060
net_interface {ip}
audio_source ausine,{hz}
ausrc_srate 48000
auplay_srate 8000
ausrc_channels 2
auplay_channels 1
module_path /usr/lib/baresip/modules
{more}\
module g711.so
module ausine.so
module sndfile.so
module ctrl_tcp.so
module account.so
module menu.so
ctrl_tcp_listen {ip}:{port}
jitter_buffer_delay 0-0
snd_path {recordings}
"""
_ACCOUNT = (
    "<sip:{extension}@{realm};transport={transport}>;auth_user={extension};auth_pass={password}"
    ';outbound="sip:{proxy};transport={transport}";regint={register_s};answermode=manual;audio_codecs={codecs}{more}\n'
)


class NetstringReader:
    """Netstrings (``5:hello,``) out of a stream, in whatever pieces it comes. Raises ValueError on anything else."""

    def __init__(self) -> None:
        self._left = b""

    def receive(self, data: bytes) -> list[bytes]:
        self._left += data
        whole: list[bytes] = []
        while b":" in self._left[: len(str(MAX_MESSAGE_BYTES)) + 1]:
            digits, _, rest = self._left.partition(b":")
            if not digits.isdigit() or (size := int(digits)) > MAX_MESSAGE_BYTES:
                raise ValueError(f"no netstring: {self._left[:20]!r}")
            if len(rest) <= size:
                return whole
            if rest[size : size + 1] != b",":
                raise ValueError(f"a netstring of {size} bytes does not end in a comma")
            whole.append(rest[:size])
            self._left = rest[size + 1 :]
        if len(self._left) > len(str(MAX_MESSAGE_BYTES)):
            raise ValueError(f"no netstring: {self._left[:20]!r}")
        return whole


class Baresip(Watched):
    """See :class:`hil.phone.Phone`. ``parameters`` of its account, ";name=value", and ``settings``, whole lines of its
    configuration, come beside the rig's. ``codecs`` as baresip names them. ``debian`` is the root of the Debian whose
    baresip it is (see `hil.debian`), None this machine's."""

    def __init__(
        self,
        host: Host,
        ip: str,
        account: Account,
        tone_hz: float,
        *,
        answers: bool = True,
        debian: Path | None = None,
        parameters: str = "",
        settings: str = "",
        codecs: str = "PCMA",
    ) -> None:
        super().__init__(host, ip, account, tone_hz, answers=answers, name="baresip")
        self._debian = debian
        self._parameters, self._settings = parameters, settings
        self._codecs = codecs
        self._control: socket.socket | None = None
        self.keys = ""
        """That were pressed at the other end, of all its calls."""
        self._registered = False
        self._began = 0.0
        self._incoming = ""  # the Call-ID of the latest incoming call

    def start(self) -> None:
        recordings = self._fresh_directory() / "heard"
        recordings.mkdir()
        more = self._settings + (f"sip_cafile {self.account.ca}\n" if self.account.ca else "")
        more += "module srtp.so\n" if self.account.srtp else ""
        config = _CONFIG.format(ip=self.ip, hz=round(self.tone_hz), port=CONTROL_PORT, recordings=recordings, more=more)
        if self.account.names:
            config += f"dns_server {self.account.names}:53\n"
        (self.directory / "config").write_text(config)
        more = self._parameters + (";mediaenc=srtp-mand" if self.account.srtp else "")
        (self.directory / "accounts").write_text(_ACCOUNT.format(more=more, codecs=self._codecs, **vars(self.account)))
        (self.directory / "contacts").touch()  # else it writes an example of its own
        with (self.directory / "log").open("wb") as log:
            command = ["baresip", "-4", "-f", str(self.directory)]
            if self._debian:
                command = chroot(self._debian, {str(self.directory): self.directory}, command)
            self._process = self.host.popen(command, stdout=log, stderr=log)
        self._control = self._connect()
        threading.Thread(target=self._read, args=(self._control,), daemon=True).start()
        self._command("reginfo")  # it may have registered before anybody listened

    def stop(self) -> None:
        if self._control is not None:
            with contextlib.suppress(OSError):
                self._command("quit")
        self._end()

    @property
    def registered(self) -> bool:
        with self._changed:
            return self._registered

    def wait_registered(self, timeout_s: float) -> None:
        with self._changed:
            if not self._changed.wait_for(lambda: self._registered, timeout_s):
                raise PhoneError(f"{self.account.extension} did not register within {timeout_s} s")

    def dial(self, number: str) -> None:
        self._begin_call(number, dialled=True)
        self._command("dial", self.uri(number))

    def hang_up(self) -> None:
        self._command("hangup")

    def hold(self) -> None:
        self._command("hold")

    def resume(self) -> None:
        self._command("resume")

    def transfer(self, number: str) -> None:
        """Blind: whoever it talks with is to call that number."""
        self._command("transfer", self.uri(number))

    def press(self, key: str) -> None:
        """A key in the call, as a telephone event where that was agreed on."""
        self._command("sndcode", key)

    def heard(self) -> Path:
        directory = self.directory / "heard"
        recordings = [path for path in directory.glob("*-dec.wav") if path.stat().st_mtime >= self._began]
        return max(recordings, default=directory / "nothing-yet.wav")  # named by their time

    def _begin_call(self, peer: str, *, dialled: bool) -> None:
        self._began = time.time()  # as the file system counts
        super()._begin_call(peer, dialled=dialled)

    def _connect(self) -> socket.socket:
        deadline = time.monotonic() + CONTROL_TIMEOUT_S
        while True:
            control = self.host.socket(socket.SOCK_STREAM)
            control.settimeout(CONTROL_TIMEOUT_S)
            try:
                control.connect((self.ip, CONTROL_PORT))
            except OSError as error:
                control.close()
                if time.monotonic() > deadline:
                    raise PhoneError(f"{self.account.extension}: baresip does not listen: {error}") from error
                time.sleep(RETRY_S)
            else:
                control.settimeout(None)
                return control

    def _command(self, name: str, params: str = "") -> None:
        if self._control is None:
            raise PhoneError(f"{self.account.extension} is not started")
        message = json.dumps({"command": name, "params": params, "token": name}).encode()
        self._control.sendall(b"%d:%s," % (len(message), message))

    def _read(self, control: socket.socket) -> None:
        """Take events until the phone ends. Runs in a thread."""
        reader = NetstringReader()
        with control, contextlib.suppress(OSError):
            while data := control.recv(MAX_MESSAGE_BYTES):
                for message in reader.receive(data):
                    self._take(json.loads(message))
        self._set_registered(False)

    def _take(self, message: dict[str, Any]) -> None:
        match message:
            case {"direction": "incoming", "id": str(call_id), "peeruri": str(peer)} if call_id != self._incoming:
                self._incoming = call_id
                self._begin_call(peer, dialled=False)
                self._is_rung("accept")
        match message:
            case {"response": True, "token": "reginfo", "data": str(text)} if "OK" in text:
                self._set_registered(True)
            case {"type": "REGISTER_OK"}:
                self._set_registered(True)
            case {"type": "REGISTER_FAIL" | "UNREGISTERING"}:
                self._set_registered(False)
            case {"type": "CALL_RINGING"}:
                self._saw_ringing()
            case {"type": "CALL_ESTABLISHED"}:
                self._saw_established()
            case {"type": "CALL_DTMF_START", "param": str(key)}:
                self.keys += key
            case {"type": "CALL_CLOSED", "param": str(reason)}:
                self._saw_closed(reason)

    def _set_registered(self, registered: bool) -> None:
        with self._changed:
            self._registered = registered
            self._changed.notify_all()
