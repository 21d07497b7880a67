"""A desk phone by linphonec (5.1 of Debian 12): configuration, its command line, what it prints.

By UDP several may live in one namespace on addresses of their own; by TCP not, its connections leave from the
interface's first address and it then registers over and over. It takes a host without a default route for one without
network, some seconds after its start, and so gives its host one.
"""

from __future__ import annotations

import contextlib
import os
import re
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, Any

from hil.debian import chroot
from hil.net import Host
from hil.phone import Account, PhoneError
from hil.phone.watched import Watched
from hil.sound import write_tone

__all__ = ["Linphone"]

TONE_S = 60  # of the file; it begins anew at its end, after a short silence
POLL_S = 0.1
ANSWER_TIMEOUT_S = 15.0
RETRY_MS = 2000
"""After two refreshes in a row have failed; linphone's own is a minute, which is longer than anybody waits here."""

_CONFIG = """\
[sip]
default_proxy=0
store_ha1_passwd=0
sip_port={udp_port}
sip_tcp_port={tcp_port}
sip_tls_port={tls_port}
{more}\
bind_address={ip}
guess_hostname=0
supported={supported}
contact=sip:{extension}@{ip}
[rtp]
bind_address={ip}
[video]
enabled=0
capture=0
display=0
[proxy_0]
reg_proxy=<sip:{proxy};transport={transport}>
reg_route=<sip:{proxy};transport={transport}>
reg_identity=sip:{extension}@{realm}
reg_expires={register_s}
reg_sendregister=1
publish=0
[auth_info_0]
username={extension}
userid={extension}
passwd={password}
realm={realm}
domain={realm}
"""
_INCOMING = re.compile(r"Receiving new incoming call from <?(?P<peer>[^>,]+)>?(?:, assigned id (?P<id>\d+))?")
_CALL = re.compile(r"Call \d+ (?:to|with) \S+ (?P<what>ringing|connected|ended|error)(?: \((?P<reason>[^)]*)\))?\.")
_CODEC = re.compile(r" *(?P<number>\d+): (?P<name>\S+) \((?P<rate>\d+)\) enabled")
_STATUS = re.compile(r"registered(?P<yes>,)?")


class Linphone(Watched):
    """See :class:`hil.phone.Phone`. Unless ``gruu`` is off it asks for a GRUU (RFC 5627), and uses what it is given.

    ``options`` are option tags that it has beside those that it always has here. ``sip`` goes into that section of its
    configuration. ``debian`` is the root of the Debian whose linphonec it is (`hil.debian`), None this machine's."""

    def __init__(
        self,
        host: Host,
        ip: str,
        account: Account,
        tone_hz: float,
        *,
        answers: bool = True,
        gruu: bool = True,
        debian: Path | None = None,
        sip: Mapping[str, int] | None = None,
        options: Sequence[str] = (),
    ) -> None:
        super().__init__(host, ip, account, tone_hz, answers=answers, name="linphone")
        self._debian = debian
        self._options = ("replaces", "outbound", "path", *(("gruu",) if gruu else ()), *options)
        self._sip = {"refresher_retry_after": RETRY_MS, **(sip or {})}
        self._recordings = 0  # it has been told to make; the last one is for the next call
        self._latest = 0  # that of the latest call
        self._statuses = 0
        self._registered = False

    def start(self) -> None:
        if not self.host.ip("route", "show", "default"):
            self.host.route("default", self.account.proxy.rpartition(":")[0])
        tone = write_tone(self._fresh_directory() / "tone.wav", self.tone_hz, TONE_S)
        (self.directory / ".local/share/linphone").mkdir(parents=True)  # it makes no directories
        ports = {f"{kind}_port": 5060 if self.account.transport == kind else 0 for kind in ("udp", "tcp", "tls")}
        more = f"root_ca={self.account.ca}\nverify_server_certs=1\nverify_server_cn=1\n" if self.account.ca else ""
        more += "media_encryption=srtp\nmedia_encryption_mandatory=1\n" if self.account.srtp else ""
        more += "".join(f"{key}={value}\n" for key, value in self._sip.items())
        config = self.directory / "linphonerc"  # which it rewrites
        supported = ", ".join(self._options)
        config.write_text(_CONFIG.format(ip=self.ip, supported=supported, more=more, **ports, **vars(self.account)))
        home = str(self.directory)
        command = ["linphonec", "-c", str(config), "-d", "1", "-l", f"{home}/log"]
        if self._debian:
            command = chroot(self._debian, {home: self.directory}, command)
        process = self.host.popen(
            [*self._names(), *command],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            errors="replace",
            env={**os.environ, "HOME": home, "XDG_DATA_HOME": home, "XDG_CONFIG_HOME": home},
        )
        self._process = process
        threading.Thread(target=self._read, args=(process.stdout,), daemon=True).start()
        self._command("soundcard use files")
        self._command("play", str(tone))
        self._record_next()
        self._command("codec list")  # whereupon all but PCMA are switched off

    def _names(self) -> list[str]:
        """The program before it: with a name server of its own, a mount namespace whose /etc/resolv.conf names that."""
        if self.account.names is None:
            return []
        file = self.directory / "resolv.conf"
        file.write_text(f"nameserver {self.account.names}\n")
        there = f"{self._debian or ''}/etc/resolv.conf"
        return ["unshare", "--mount", "sh", "-c", f'mount --bind "$0" {there} && exec "$@"', str(file)]

    def stop(self) -> None:
        with contextlib.suppress(PhoneError):
            self._command("quit")
        self._end()

    @property
    def registered(self) -> bool:
        """Asked of the phone each time; it does not tell by itself."""
        if self._process is None:
            return False
        with self._changed:
            before = self._statuses
            self._command("status register")
            if not self._changed.wait_for(lambda: self._statuses > before, ANSWER_TIMEOUT_S):
                raise PhoneError(f"{self.account.extension}: linphonec does not answer")
            return self._registered

    def wait_registered(self, timeout_s: float) -> None:
        deadline = time.monotonic() + timeout_s
        while not self.registered:
            if time.monotonic() > deadline:
                raise PhoneError(f"{self.account.extension} did not register within {timeout_s} s")
            time.sleep(POLL_S)

    def dial(self, number: str) -> None:
        self._begin_call(number, dialled=True)
        self._command("call", self.uri(number))

    def hang_up(self) -> None:
        self._command("terminate")

    def hold(self) -> None:
        self._command("pause")

    def resume(self, call: int) -> None:
        """The call of that number; they are counted from 1."""
        self._command("resume", str(call))

    def transfer(self, call: int, number: str) -> None:
        """Blind: whoever it talks with in that call is to call that number."""
        self._command("transfer", f"{call} {self.uri(number)}")

    def join(self, one: int, other: int) -> None:
        """Attended: those of two calls are to talk with each other."""
        self._command("transfer", f"{one} --to-call {other}")

    def press(self, key: str) -> None:
        """A key in the call, as its configuration has it (`use_rfc2833`, `use_info`); in band where neither is on."""
        self._command(key)

    def heard(self) -> Path:
        return self._recording(self._latest)

    def _begin_call(self, peer: str, *, dialled: bool) -> None:
        self._latest = self._recordings
        super()._begin_call(peer, dialled=dialled)

    def _recording(self, number: int) -> Path:
        return self.directory / f"heard-{number}.wav"

    def _record_next(self) -> None:
        self._recordings += 1
        self._command("record", str(self._recording(self._recordings)))

    def _command(self, name: str, params: str = "") -> None:
        if self._process is None or self._process.stdin is None:
            raise PhoneError(f"{self.account.extension} is not started")
        try:
            # The reader thread gives commands, too: a short line goes into a pipe whole (PIPE_BUF).
            os.write(self._process.stdin.fileno(), f"{name} {params}".rstrip().encode() + b"\n")
        except OSError as error:
            raise PhoneError(f"{self.account.extension}: linphonec has ended") from error

    def _read(self, out: IO[Any]) -> None:
        """Take what it prints until it ends. Runs in a thread."""
        with contextlib.suppress(OSError, ValueError, PhoneError):
            for line in out:
                self._take(line.rstrip().removeprefix("linphonec> "))

    def _take(self, line: str) -> None:
        if incoming := _INCOMING.match(line):
            self._begin_call(incoming["peer"], dialled=False)
            self._is_rung("answer", incoming["id"] or "")
        elif call := _CALL.match(line):
            match call["what"]:
                case "ringing":
                    self._saw_ringing()
                case "connected":
                    self._saw_established()
                case ended:
                    # Before anybody dials who waits for the end: as a call begins it makes linphonec stand still.
                    self._record_next()
                    self._saw_closed(call["reason"] or ended)
        elif codec := _CODEC.match(line):
            if codec["name"] != "PCMA":
                self._command("codec disable", codec["number"])
        elif status := _STATUS.match(line):
            with self._changed:
                self._registered = bool(status["yes"])
                self._statuses += 1
                self._changed.notify_all()
