"""The registrations of a crowd, kept alive."""

from __future__ import annotations

import random
import time
from collections.abc import Mapping

from hil.phone.hearing.loop import Loop
from hil.phone.hearing.signalling import KEYS_TRIED, T2_S, Signalling, new_tag
from hil.phone.raw import status
from hil.phone.sipp import User

__all__ = ["Registering"]


class Registering:
    """`users` by their extension; each asks for `expires_s`, and again each `refresh_s`."""

    def __init__(
        self, loop: Loop, signalling: Signalling, users: Mapping[str, User], expires_s: int, refresh_s: float
    ) -> None:
        self.registered: dict[str, float] = {}
        """When each heard its last 200; s, time.monotonic()."""
        self._loop, self._signalling, self._users = loop, signalling, users
        self._expires_s, self._refresh_s = expires_s, refresh_s
        self._call_ids = {
            extension: f"ears-{extension}-{random.getrandbits(32):x}@{signalling.ip}" for extension in users
        }
        self._cseq = 0

    def start(self) -> None:
        for extension in self._users:
            self._loop.at(0.0, lambda extension=extension: self._register(extension))  # type: ignore[misc]

    def _register(self, extension: str) -> None:
        self._cseq += 1
        who = f"<sip:{extension}@{self._signalling.realm}>"
        lines = {
            "From": f"{who};tag={new_tag()}",
            "To": who,
            "Call-ID": self._call_ids[extension],
            "CSeq": f"{self._cseq} REGISTER",
            "Contact": f"{self._signalling.contact(extension)};expires={self._expires_s}",
        }
        request = self._signalling.request("REGISTER", f"sip:{self._signalling.realm}", lines)
        self._signalling.ask(request, lambda answer: self._answered(extension, request, answer, 0))

    def _answered(self, extension: str, request: str, answer: str, tried: int) -> None:
        code = status(answer) if answer else 0
        if code in (401, 407) and tried < KEYS_TRIED:
            self._cseq += 1
            again = self._signalling.with_key(request, answer, self._users[extension], self._cseq)
            self._signalling.ask(again, lambda more: self._answered(extension, request, more, tried + 1))
            return
        if code == 200:
            self.registered[extension] = time.monotonic()
        self._loop.at(self._refresh_s if code == 200 else T2_S / 2, lambda: self._register(extension))
