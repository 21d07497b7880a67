"""SIP with this unit's edge over one TCP connection on loopback: moves bytes and re-arms one timer, decides nothing."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import secrets
from collections.abc import Callable

from callcontrol.sip.agent import Agent, RequestReceived, ResponseReceived, TransactionFailed, TransactionId
from callcontrol.sip.digest import Credentials
from callcontrol.sip.errors import RemoteError
from callcontrol.sip.message import Request, Response

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
    """`run` keeps the connection; without one a request fails at once. `answer` gives the final answer to a request."""

    def __init__(self, port: int, answer: Callable[[Request], Response]) -> None:
        self._port = port
        self._answer = answer
        self._agent: Agent | None = None
        self._writer: asyncio.StreamWriter | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._waiting: dict[TransactionId, asyncio.Future[Response | None]] = {}

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
        if self._agent is None:
            return None
        identity = self._agent.request(request, self._now(), credentials)
        future: asyncio.Future[Response | None] = asyncio.get_running_loop().create_future()
        self._waiting[identity] = future
        self._pump()
        try:
            return await future
        finally:
            self._waiting.pop(identity, None)

    def send(self, ack: Request) -> None:
        """An ACK; without a connection it is lost."""
        if self._agent is not None:
            self._agent.send(ack)
            self._pump()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        host, port = writer.get_extra_info("sockname")[:2]
        self._agent = Agent(f"{host}:{port}", lambda: secrets.token_hex(RANDOM_BYTES))
        self._writer = writer
        pinging = asyncio.create_task(self._ping(writer))
        try:
            while data := await reader.read(READ_BYTES):
                self._agent.receive(data, self._now())
                self._pump()
        except RemoteError as error:
            log.warning("rvx-event kind=link_broken field=%s", error.field)
        finally:
            pinging.cancel()
            self._agent.lost()
            self._pump()
            self._agent = self._writer = None
            writer.close()

    async def _ping(self, writer: asyncio.StreamWriter) -> None:
        while True:
            await asyncio.sleep(PING_EVERY_S)
            writer.write(PING)

    def _pump(self) -> None:
        """What the agent has to send, to say, and to be woken for."""
        agent, writer = self._agent, self._writer
        if agent is None or writer is None:
            return
        while (event := agent.next_event()) is not None:
            match event:
                case ResponseReceived(identity, response) if response.status >= 200:
                    self._settle(identity, response)
                case TransactionFailed(identity, _):
                    self._settle(identity, None)
                case RequestReceived(identity, request):
                    agent.respond(identity, self._answer(request), self._now())
        if data := agent.data_to_send():
            writer.write(data)
        if self._timer is not None:
            self._timer.cancel()
        due = agent.next_timer()
        self._timer = None if due is None else asyncio.get_running_loop().call_at(due, self._on_timer)

    def _on_timer(self) -> None:
        if self._agent is not None:
            self._agent.on_timer(self._now())
            self._pump()

    def _settle(self, identity: TransactionId, response: Response | None) -> None:
        future = self._waiting.get(identity)
        if future is not None and not future.done():
            future.set_result(response)

    def _now(self) -> float:
        return asyncio.get_running_loop().time()
