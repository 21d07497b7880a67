"""SIP with this unit's edge over one TCP connection on loopback: moves bytes and re-arms one timer, decides nothing."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import math
import random
import secrets
from collections.abc import Callable, Iterator
from functools import partial
from typing import cast

from callcontrol.sip.agent import Agent
from callcontrol.sip.digest import Credentials
from callcontrol.sip.errors import RemoteError
from callcontrol.sip.message import Request, Response
from callcontrol.sip.user_agent import UserAgent, UserAgentEvent
from firmware.led import Book

__all__ = ["Link"]

HOST = "127.0.0.1"
RECONNECT_S = 0.5
PING_EVERY_S = 10.0
"""The edge closes a connection on which nothing comes; a double CRLF is nothing but life (RFC 5626 §3.5.1)."""
PING = b"\r\n\r\n"
RANDOM_BYTES = 12
TOGETHER_S = 0.05
"""So much later than it is due may a timer ring; the least of SIP's, when a 100 is owed, is 0.2 s."""
FAULTS_MAX = 16
"""Messages at fault in what comes at once; more, and nothing can be made of that stream."""
WAITING_BYTES_MAX = 1 << 20
"""What waits for a connection; of more the newest is lost."""

log = logging.getLogger("rvx")


class Link:
    """`run` keeps the connection; without one a request fails at once, and what is said within a call waits for the
    next one: an edge that starts anew takes a BYE still. `came` hears of each event of a call; `book` of what is up.
    `name`: the process's.

    Whoever does something with a session outside of `came` calls `pump` after it."""

    def __init__(
        self,
        port: int,
        came: Callable[[UserAgentEvent, float], None],
        book: Book | None = None,
        *,
        name: str = "calls",
    ) -> None:
        self._port = port
        self._name = name
        self._came = came
        self._wire: asyncio.Transport | None = None
        self._waiting = b""  # to be said by the next connection
        self._timer: asyncio.TimerHandle | None = None
        self.connected = asyncio.Event()
        """Set while there is a connection."""
        self.ua = UserAgent(Agent(HOST, _token), f"<sip:{name}@{HOST}>", _token, random.uniform)
        if book is not None:
            self.ua.turned = book.turned

    @property
    def local_port(self) -> int | None:
        """Of the connection; None where there is none."""
        return None if self._wire is None else int(self._wire.get_extra_info("sockname")[1])

    async def run(self) -> None:
        """Until cancelled."""
        loop = asyncio.get_running_loop()
        while True:
            with contextlib.suppress(OSError):
                made = partial(_Connection, self._made, self._received)
                _, connection = await loop.create_connection(made, HOST, self._port)
                await self._serve(connection)
            await asyncio.sleep(RECONNECT_S)

    async def request(self, request: Request, credentials: Credentials | None = None) -> Response | None:
        """The final response, challenges answered by `credentials`; None where there is none."""
        if self._wire is None:
            return None
        future: asyncio.Future[Response | None] = asyncio.get_running_loop().create_future()

        def heard(response: Response | None, now: float) -> None:
            if not future.done() and (response is None or response.status >= 200):
                future.set_result(response)

        self.ua.ask(request, self._now(), credentials, heard)
        self.pump()
        return await future

    async def options(self, user: str = "") -> Response | None:
        """Asks the edge itself (RFC 3261 §11), for `user` where that is something it hands over."""
        who = f"<sip:{self._name}@{HOST}>"
        asked = Request.new(
            "OPTIONS",
            f"sip:{user}@{HOST}" if user else f"sip:{HOST}",
            from_=f"{who};tag={_token()}",
            to=who,
            call_id=_token(),
            cseq=1,
        )
        return await self.request(asked)

    def send(self, ack: Request) -> None:
        """An ACK; without a connection it is lost."""
        if self._wire is not None:
            self.ua.acknowledge(ack)
            self.pump()

    def pump(self) -> None:
        """What the agent has to say, to send, and to be woken for."""
        while (event := self.ua.next_event()) is not None:
            with _judged():
                self._came(event, self._now())
        data = self.ua.data_to_send()
        if data and self._wire is not None:
            self._wire.write(data)
        elif len(self._waiting) + len(data) <= WAITING_BYTES_MAX:
            self._waiting += data
        due = self.ua.next_timer()
        if due is None:
            return
        # Those of many calls ring together; one that rings in vain costs less than one that is set with every message.
        at = math.ceil(due / TOGETHER_S) * TOGETHER_S
        if self._timer is None or at < self._timer.when():
            if self._timer is not None:
                self._timer.cancel()
            self._timer = asyncio.get_running_loop().call_at(at, self._on_timer)

    def _made(self, wire: asyncio.Transport) -> None:
        host, port = wire.get_extra_info("sockname")[:2]
        self.ua.moved(f"{host}:{port}", f"<sip:{self._name}@{host}:{port};transport=tcp>")
        self._wire = wire
        wire.write(self._waiting)
        self._waiting = b""
        self.connected.set()

    def _received(self, data: bytes) -> None:
        for _ in range(FAULTS_MAX):
            try:
                with _judged() as fault:
                    self.ua.receive(data, self._now())
            except RemoteError as error:
                log.warning("rvx-event kind=link_broken field=%s", error.field)
                self._give_up()
            if not fault:
                break
            data = b""  # what stands behind the message at fault is gone through all the same
        else:
            self._give_up()
        self.pump()

    def _give_up(self) -> None:
        """This connection; `run` makes the next one."""
        if self._wire is not None:
            self._wire.close()
            self._wire = None
            self.connected.clear()

    async def _serve(self, connection: _Connection) -> None:
        pinging = asyncio.create_task(self._ping(connection.wire))
        try:
            await connection.over
        finally:
            pinging.cancel()
            self.connected.clear()
            self._wire = None
            self.ua.lost(self._now())
            self.pump()
            connection.wire.close()

    async def _ping(self, wire: asyncio.Transport) -> None:
        while True:
            await asyncio.sleep(PING_EVERY_S)
            wire.write(PING)

    def _on_timer(self) -> None:
        self._timer = None
        try:
            self.ua.on_timer(self._now())
        finally:  # a fault of one call's timer is not to hold up the others'
            self.pump()

    def _now(self) -> float:
        return asyncio.get_running_loop().time()


class _Connection(asyncio.Protocol):
    """`over` is done when it is closed, by whomever."""

    wire: asyncio.Transport

    def __init__(self, made: Callable[[asyncio.Transport], None], received: Callable[[bytes], None]) -> None:
        self.over: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._made = made
        self._received = received

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.wire = cast(asyncio.Transport, transport)
        self._made(self.wire)

    def data_received(self, data: bytes) -> None:
        self._received(data)

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.over.done():
            self.over.set_result(None)


@contextlib.contextmanager
def _judged() -> Iterator[list[Exception]]:
    """A fault of ours, whatever the message, costs that message: not the connection, which is all calls' (a RemoteError
    is the other side's, and goes on)."""
    faults: list[Exception] = []
    try:
        yield faults
    except RemoteError:
        raise
    except Exception as fault:
        log.error("rvx-event kind=fault of=link", exc_info=fault)
        faults.append(fault)


def _token() -> str:
    return secrets.token_hex(RANDOM_BYTES)
