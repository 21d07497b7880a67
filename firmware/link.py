"""SIP with this unit's edge over one TCP connection on loopback: moves bytes and re-arms one timer, decides nothing."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
import secrets
from collections.abc import Callable

from callcontrol.sip.agent import Agent
from callcontrol.sip.digest import Credentials
from callcontrol.sip.errors import RemoteError
from callcontrol.sip.message import Request, Response
from callcontrol.sip.user_agent import UserAgent, UserAgentEvent

__all__ = ["Link"]

HOST = "127.0.0.1"
RECONNECT_S = 0.5
READ_BYTES = 1 << 16
PING_EVERY_S = 10.0
"""The edge closes a connection on which nothing comes; a double CRLF is nothing but life (RFC 5626 §3.5.1)."""
PING = b"\r\n\r\n"
RANDOM_BYTES = 12

log = logging.getLogger("rvx")


class Link:
    """`run` keeps the connection; without one a request fails at once. `came` hears of each event of a call.

    Whoever does something with a session outside of `came` calls `pump` after it."""

    def __init__(self, port: int, came: Callable[[UserAgentEvent, float], None]) -> None:
        self._port = port
        self._came = came
        self._writer: asyncio.StreamWriter | None = None
        self._timer: asyncio.TimerHandle | None = None
        self.connected = asyncio.Event()
        """Set by the first connection."""
        self.ua = UserAgent(Agent(HOST, _token), f"<sip:calls@{HOST}>", _token, random.uniform)

    @property
    def local_port(self) -> int | None:
        """Of the connection; None where there is none."""
        return None if self._writer is None else int(self._writer.get_extra_info("sockname")[1])

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            with contextlib.suppress(OSError):
                await self._serve(*await asyncio.open_connection(HOST, self._port))
            await asyncio.sleep(RECONNECT_S)

    async def request(self, request: Request, credentials: Credentials | None = None) -> Response | None:
        """The final response, challenges answered by `credentials`; None where there is none."""
        if self._writer is None:
            return None
        future: asyncio.Future[Response | None] = asyncio.get_running_loop().create_future()

        def heard(response: Response | None, now: float) -> None:
            if not future.done() and (response is None or response.status >= 200):
                future.set_result(response)

        self.ua.ask(request, self._now(), credentials, heard)
        self.pump()
        return await future

    def send(self, ack: Request) -> None:
        """An ACK; without a connection it is lost."""
        if self._writer is not None:
            self.ua.acknowledge(ack)
            self.pump()

    def pump(self) -> None:
        """What the agent has to say, to send, and to be woken for."""
        while (event := self.ua.next_event()) is not None:
            self._came(event, self._now())
        data = self.ua.data_to_send()
        if data and self._writer is not None:
            self._writer.write(data)
        if self._timer is not None:
            self._timer.cancel()
        due = self.ua.next_timer()
        self._timer = None if due is None else asyncio.get_running_loop().call_at(due, self._on_timer)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        host, port = writer.get_extra_info("sockname")[:2]
        self.ua.moved(f"{host}:{port}", f"<sip:calls@{host}:{port};transport=tcp>")
        self._writer = writer
        self.connected.set()
        pinging = asyncio.create_task(self._ping(writer))
        try:
            while data := await reader.read(READ_BYTES):
                self.ua.receive(data, self._now())
                self.pump()
        except RemoteError as error:
            log.warning("rvx-event kind=link_broken field=%s", error.field)
        finally:
            pinging.cancel()
            self._writer = None
            self.ua.lost(self._now())
            self.pump()
            writer.close()

    async def _ping(self, writer: asyncio.StreamWriter) -> None:
        while True:
            await asyncio.sleep(PING_EVERY_S)
            writer.write(PING)

    def _on_timer(self) -> None:
        self.ua.on_timer(self._now())
        self.pump()

    def _now(self) -> float:
        return asyncio.get_running_loop().time()


def _token() -> str:
    return secrets.token_hex(RANDOM_BYTES)
