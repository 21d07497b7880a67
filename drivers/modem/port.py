"""A modem's AT port in the asyncio loop: holds the core, moves bytes, re-arms one timer, decides nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from drivers.codec.at import Answer, AtCore, Command, Dead, Rank, Unsolicited, Verdict
from drivers.link import Link, open_link
from drivers.modem.model import ErrorKind, ModemError

__all__ = ["Port"]


class Port:
    """`said` hears what comes unasked; `lost`, once, why the port cannot be used any more (`unplugged`, `hung`,
    `silent`). Orders that wait then fail with GONE."""

    def __init__(self, said: Callable[[Unsolicited], None], lost: Callable[[str], None]) -> None:
        self._said = said
        self._lost = lost
        self._core = AtCore()
        self._link: Link | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._asked: dict[int, asyncio.Future[Answer]] = {}
        self._loop = asyncio.get_running_loop()

    async def open(self, url: str) -> None:
        """Raises LinkError. Orders may be given at once; they are written when the port is in step."""
        self._link = await open_link(url, self._received, self._lose)
        self._core.start(self._loop.time())
        self._pump()

    def close(self) -> None:
        """Orders that wait fail with GONE."""
        self._core.close()
        if self._timer:
            self._timer.cancel()
        if self._link is not None:
            self._link.close()
            self._link = None
        self._events()

    async def ask(self, command: Command) -> Answer:
        """The answer, whatever it is, but for GONE and SILENT, which are raised as ModemError."""
        answer: asyncio.Future[Answer] = self._loop.create_future()
        self._asked[id(command)] = answer
        self._core.order(command, self._loop.time())
        self._pump()
        try:
            told = await answer
        finally:
            self._asked.pop(id(command), None)
            self._core.withdraw(command)
        if told.verdict is Verdict.GONE:
            raise ModemError(ErrorKind.GONE)
        if told.verdict is Verdict.SILENT:
            raise ModemError(ErrorKind.SILENT)
        return told

    async def order(self, command: Command) -> tuple[str, ...]:
        """The lines of an answer that is OK; every other is raised as ModemError."""
        told = await self.ask(command)
        if told.verdict is not Verdict.OK:
            raise ModemError(ErrorKind.REFUSED, told.code)
        return told.lines

    async def lines(self, text: str, *, free: bool = False) -> tuple[str, ...]:
        """What a modem says to a question; nothing where it refuses it, or does not answer it. Raises ModemError
        where it is gone."""
        try:
            return (await self.ask(Command(text, rank=Rank.POLL, free=free))).lines
        except ModemError as error:
            if error.kind is ErrorKind.GONE:
                raise
            return ()

    def _received(self, data: bytes) -> None:
        self._core.receive(data, self._loop.time())
        self._pump()

    def _pump(self) -> None:
        if self._link is not None:
            self._link.write(self._core.data_to_send())
        self._events()
        if self._timer:
            self._timer.cancel()
            self._timer = None
        due = self._core.next_timer()
        if due is not None:
            self._timer = self._loop.call_at(due, self._on_timer)

    def _on_timer(self) -> None:
        self._timer = None
        self._core.on_timer(self._loop.time())
        self._pump()

    def _events(self) -> None:
        while (event := self._core.next_event()) is not None:
            if isinstance(event, Answer):
                asked = self._asked.get(id(event.command))
                if asked is not None and not asked.done():
                    asked.set_result(event)
            elif isinstance(event, Unsolicited):
                self._said(event)
            elif isinstance(event, Dead):
                self._lose("silent")

    def _lose(self, reason: str) -> None:
        if self._link is not None:
            self.close()
            self._lost(reason)
