"""An agent of ours at a desk of its own, by UDP and without an edge: what real phones are tried with alone."""

from __future__ import annotations

import contextlib
import random
import secrets
import socket
import time
from collections.abc import Callable

from callcontrol.sip.agent import Agent, Discarded
from callcontrol.sip.errors import RemoteError
from callcontrol.sip.events import SessionEvent
from callcontrol.sip.expiry import SESSION_S
from callcontrol.sip.message import Message, Request, parse
from callcontrol.sip.user_agent import UserAgent
from hil.net import Host

__all__ = ["Desk"]

PORT = 5060
STEP_S = 30.0
MOMENT_S = 0.01
LOOK_S = 0.2
"""A recording is long to look through, and the phones are waiting."""


class Desk:
    """`saw` is told of every event but of what was discarded, which is kept. It lives only while somebody waits."""

    def __init__(
        self, host: Host, ip: str, saw: Callable[[SessionEvent, float], None], *, session_s: int = SESSION_S
    ) -> None:
        self._socket = host.socket(socket.SOCK_DGRAM)
        self._socket.bind((ip, PORT))
        self._socket.settimeout(MOMENT_S)
        agent = Agent(f"{ip}:{PORT}", lambda: secrets.token_hex(8), transport="UDP")
        contact = f"<sip:desk@{ip}>"
        self.ua = UserAgent(agent, contact, lambda: secrets.token_hex(8), random.uniform, session_s=session_s)
        self._saw = saw
        self.discarded: list[Discarded] = []
        self.sent: list[Message] = []
        self.came: list[Message] = []

    def close(self) -> None:
        self._socket.close()

    def until(self, wanted: Callable[[], bool], what: str, within_s: float = STEP_S) -> None:
        deadline = time.monotonic() + within_s
        while not wanted():
            assert time.monotonic() < deadline, f"not within {within_s} s: {what}"
            self.turn(LOOK_S)

    def turn(self, for_s: float) -> None:
        until = time.monotonic() + for_s
        while time.monotonic() < until:
            self._turn()

    def _turn(self) -> None:
        now = time.monotonic()
        self.ua.on_timer(now)
        with contextlib.suppress(TimeoutError):
            data = self._socket.recv(65_536)
            with contextlib.suppress(RemoteError):  # a keep-alive, or what the agent says itself of it
                self.came.append(parse(data))
            self.ua.receive(data, now)
        while (event := self.ua.next_event()) is not None:
            if isinstance(event, Discarded):
                self.discarded.append(event)
            else:
                self._saw(event, now)
        while data := self.ua.data_to_send():
            message = parse(data)
            self.sent.append(message)
            host = message.request_uri.host if isinstance(message, Request) else message.vias[0].host
            self._socket.sendto(data, (host, PORT))
