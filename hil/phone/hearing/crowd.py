"""The crowd as its users see it: they dial, hang up, press keys, and ask what was heard."""

from __future__ import annotations

import socket
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace

from hil.net import Host
from hil.phone import PhoneError
from hil.phone.hearing.calls import Call, Calls, is_good
from hil.phone.hearing.coming import Coming
from hil.phone.hearing.facts import Heard, Manner
from hil.phone.hearing.loop import Loop
from hil.phone.hearing.registering import Registering
from hil.phone.hearing.signalling import Signalling
from hil.phone.hearing.sound import SAYS_EVERY_S
from hil.phone.hearing.transfer import transfer
from hil.phone.sipp import User

__all__ = ["Hearing"]


class Hearing:
    """`users` are registered, and answer as `manners` says of each. A context manager."""

    def __init__(
        self,
        host: Host,
        ip: str,
        users: Sequence[User],
        proxy: str,
        realm: str,
        *,
        manners: Mapping[str, Manner] | None = None,
        port: int = 5060,
        register_s: int = 60,
        refresh_s: float | None = None,
        rings: bool = True,
    ) -> None:
        """With `rings` False nobody is registered: they only call."""
        self.ip, self.port = ip, port
        self._realm, self._rings = realm, rings
        self._users = {user.extension: user for user in users}
        self._loop = Loop()
        self._signalling = Signalling(self._loop, host, ip, port, proxy, realm)
        self._calls = Calls(self._loop, self._signalling, host, self._users, self._up)
        self._coming = Coming(self._calls, self._users, dict(manners or {}))
        self._registering = Registering(
            self._loop, self._signalling, self._users, register_s, refresh_s or register_s * 0.5
        )

    def __enter__(self) -> Hearing:
        self.start()
        return self

    def __exit__(self, *raised: object) -> None:
        self.stop()

    def start(self) -> None:
        """On, and registering. Raises OSError."""
        self._signalling.open(self._coming.take, self._calls.repeated)
        if self._rings:
            self._registering.start()
        self._loop.at(SAYS_EVERY_S, self._say)
        self._loop.start()

    def stop(self) -> None:
        """Off, without a word to anybody."""
        if not self._loop.running:
            return
        self._loop.stop()
        with self._loop.lock:
            self._calls.clear()
            self._signalling.close()
            self._registering.registered.clear()

    @property
    def registered(self) -> dict[str, float]:
        """When each heard its last 200 to a REGISTER (s, time.monotonic())."""
        with self._loop.lock:
            return dict(self._registering.registered)

    def wait_registered(self, timeout_s: float) -> None:
        """Raises PhoneError."""
        deadline = time.monotonic() + timeout_s
        while self._rings and len(self.registered) < len(self._users):
            if time.monotonic() > deadline:
                raise PhoneError(f"registered: {sorted(self.registered)} of {sorted(self._users)}")
            time.sleep(0.05)

    @property
    def calls(self) -> list[Heard]:
        """Every call since the beginning, as of now."""
        with self._loop.lock:
            return [replace(each, sources=dict(each.sources)) for each in self._calls.all]

    def dial(self, caller: str, callee: str, manner: Manner | None = None, label: str = "") -> int:
        """Begins a call; its number, by which it is found among `calls`."""
        with self._loop.lock:
            call = self._calls.dial(caller, f"sip:{callee}@{self._realm}", manner or Manner(), label)
        self._loop.wake()
        return call.heard.number

    def hang_up(self, number: int) -> None:
        """Ends a call, where it is not over: by CANCEL, BYE, or by refusing it."""
        with self._loop.lock:
            if (call := self._calls.numbered(number)) is not None:
                self._calls.hang_up(call)
        self._loop.wake()

    def press(self, number: int, key: str) -> None:
        """In a call, where it is not over; `key` is one of 0 to 9, * and #, A to D."""
        with self._loop.lock:
            if (call := self._calls.numbered(number)) is not None:
                call.sound.press(key)
        self._loop.wake()

    def within(self, number: int, method: str, more: Mapping[str, str] | None = None, body: str = "") -> None:
        """Sends a request within a call, where it is not over, and looks no further: for who means harm."""
        with self._loop.lock:
            if (call := self._calls.numbered(number)) is not None:
                self._send_within(call, method, more, body)
        self._loop.wake()

    def described(self, number: int) -> str:
        """A call's own session description. Raises PhoneError where it is over."""
        with self._loop.lock:
            return self._lasting(number).described()

    def sound_of(self, number: int) -> socket.socket:
        """The socket by which a call's sound comes and goes. Raises PhoneError where it is over."""
        with self._loop.lock:
            return self._lasting(number).sound.wire

    def _lasting(self, number: int) -> Call:
        call = self._calls.numbered(number)
        if call is None:
            raise PhoneError(f"call {number} is over")
        return call

    def _send_within(self, call: Call, method: str, more: Mapping[str, str] | None, body: str) -> None:
        def heard(answer: str) -> None:
            if method == "INVITE" and is_good(answer):
                self._calls.acknowledge(call, answer, "" if body else call.described())

        self._calls.within(call, method, heard, more, body)

    def _up(self, call: Call) -> None:
        if call.manner.transfers_to:
            self._loop.at(call.manner.transfer_s, lambda: transfer(self._calls, call))

    def _say(self) -> None:
        self._loop.at(SAYS_EVERY_S, self._say)
        for call in self._calls.known:
            call.sound.say()
