"""A real phone with real-time text: liblinphone, driven by `hil.phone.texting_program`. It lifts whatever comes."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import IO

from hil.net import Host
from hil.phone import PhoneError

__all__ = ["RUNNING", "TextPhone"]

PROGRAM = Path(__file__).with_name("texting_program.py")
READY_S = 20.0
END_S = 10.0
MARK = "text: "
RUNNING = 8
"""Of LinphoneCallState: up, and its media run."""

_CONFIG = """\
[sip]
sip_port=5060
sip_tcp_port=0
sip_tls_port=0
bind_address={ip}
guess_hostname=0
contact=sip:{number}@{ip}
[rtp]
bind_address={ip}
[video]
enabled=0
capture=0
display=0
"""


class TextPhone:
    """A context manager. ``written`` is what it was written to, ``state`` that of its call."""

    def __init__(self, host: Host, ip: str, number: str) -> None:
        self.number, self.ip = number, ip
        self.state, self.written = 0, ""
        self._ready = threading.Event()
        if not host.ip("route", "show", "default"):
            host.ip("route", "add", "default", "dev", "eth0")
        home = host.directory / f"text-{number}"
        (home / ".local/share/linphone").mkdir(parents=True)  # it makes no directories
        self._errors = (home / "errors").open("w")
        self._process = host.popen(
            [sys.executable, str(PROGRAM), _CONFIG.format(ip=ip, number=number)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            text=True,
            env={**os.environ, "HOME": str(home), "XDG_DATA_HOME": str(home), "XDG_CONFIG_HOME": str(home)},
        )
        assert self._process.stdout is not None
        threading.Thread(target=self._read, args=(self._process.stdout,), daemon=True).start()

    def __enter__(self) -> TextPhone:
        if not self._ready.wait(READY_S):
            raise PhoneError(f"{self.number}: liblinphone did not start")
        return self

    def __exit__(self, *_: object) -> None:
        assert self._process.stdin is not None
        with contextlib.suppress(OSError):
            self._process.stdin.close()
        try:
            self._process.wait(END_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._errors.close()

    def dial(self, uri: str) -> None:
        self._tell(f"dial {uri}")

    def write(self, words: str) -> None:
        self._tell(f"say {words}")

    def transfer(self, uri: str) -> None:
        self._tell(f"transfer {uri}")

    def hang_up(self) -> None:
        self._tell("end")

    def _tell(self, line: str) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(f"{line}\n")
        self._process.stdin.flush()

    def _read(self, out: IO[str]) -> None:
        for line in out:
            if not line.startswith(MARK):
                continue
            match line.removeprefix(MARK).split():
                case ["ready"]:
                    self._ready.set()
                case ["state", number]:
                    self.state = int(number)
                case ["heard", character]:
                    self.written += chr(int(character, 16))
