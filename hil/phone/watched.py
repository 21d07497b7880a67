"""What the phones with sound have in common: a program in a namespace, and what its reader thread saw of it."""

from __future__ import annotations

import contextlib
import shutil
import subprocess
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from hil.net import Host
from hil.phone import Account, PhoneError, Seen

__all__ = ["Watched"]

TONE_S = 2  # of the file played; the phones begin it anew at its end
STOP_TIMEOUT_S = 15.0
LIFTED_S = 0.3
"""From its ringing until somebody lifts it, who is quick. A phone that answers by itself sends 180 and 200 in one
breath, and UDP by servers of many processes keeps no order: the caller may hear 200 first, and no 180."""


class Watched:
    """Base of a phone that is a program: keeps what was seen under a lock and lets others wait for it.

    ``answers`` off lets it ring; else it is answered after LIFTED_S. Its files live in the host's directory and go
    with it.
    """

    def __init__(
        self, host: Host, ip: str, account: Account, tone_hz: float, *, answers: bool = True, name: str
    ) -> None:
        self.host = host
        self.ip = ip
        self.account = account
        self.tone_hz = tone_hz
        self.answers = answers
        self.directory = host.directory / f"{name}-{account.extension}"
        self._process: subprocess.Popen[Any] | None = None
        self._changed = threading.Condition()
        self._seen = Seen()

    @property
    def call(self) -> Seen:
        with self._changed:
            return self._seen

    def wait_ringing(self, timeout_s: float) -> Seen:
        return self._wait(lambda seen: seen.ringing_at is not None, timeout_s, "ringing")

    def wait_established(self, timeout_s: float) -> Seen:
        return self._wait(lambda seen: seen.established_at is not None, timeout_s, "an established call")

    def wait_closed(self, timeout_s: float) -> Seen:
        return self._wait(lambda seen: seen.closed_at is not None, timeout_s, "the end of the call")

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait(STOP_TIMEOUT_S)
            self._process = None

    def uri(self, number: str) -> str:
        return number if number.startswith("sip:") else f"sip:{number}@{self.account.realm}"

    def _command(self, name: str, params: str = "") -> None:
        """Give the program one command. Raises PhoneError or OSError when it has ended."""
        raise NotImplementedError

    def _is_rung(self, command: str, params: str = "") -> None:
        """Somebody hears it ring, and answers by this command of the program's."""
        if not self.answers:
            return

        def lift() -> None:
            with contextlib.suppress(PhoneError, OSError):  # its plug has been pulled
                self._command(command, params)

        lifting = threading.Timer(LIFTED_S, lift)
        lifting.daemon = True
        lifting.start()

    def _fresh_directory(self) -> Path:
        shutil.rmtree(self.directory, ignore_errors=True)
        self.directory.mkdir(parents=True)
        return self.directory

    def _end(self) -> None:
        """Wait for a program that was told to end; kill it if it does not."""
        if self._process is not None:
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(STOP_TIMEOUT_S)
            self.kill()

    def _begin_call(self, peer: str, *, dialled: bool) -> None:
        now = time.monotonic()
        with self._changed:
            self._seen = Seen(peer, dialled_at=now) if dialled else Seen(peer, ringing_at=now)
            self._changed.notify_all()

    def _saw_ringing(self) -> None:
        self._saw(lambda seen: replace(seen, ringing_at=seen.ringing_at or time.monotonic()))

    def _saw_established(self) -> None:
        self._saw(lambda seen: replace(seen, established_at=seen.established_at or time.monotonic()))

    def _saw_closed(self, reason: str) -> None:
        self._saw(lambda seen: seen if seen.closed_at else replace(seen, closed_at=time.monotonic(), reason=reason))

    def _saw(self, change: Callable[[Seen], Seen]) -> None:
        with self._changed:
            self._seen = change(self._seen)
            self._changed.notify_all()

    def _wait(self, reached: Callable[[Seen], bool], timeout_s: float, what: str) -> Seen:
        """Wait until it is reached; a call that is over reaches nothing more."""
        with self._changed:
            self._changed.wait_for(lambda: reached(self._seen) or self._seen.closed_at is not None, timeout_s)
            if not reached(self._seen):
                raise PhoneError(f"{self.account.extension}: no sign of {what} within {timeout_s} s: {self._seen}")
            return self._seen
