"""Cursors, and how a waiting unit hears at once of what is new."""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass

from tools.hub.store import Store

__all__ = ["Cursor", "Wake"]

POLLED_S = 0.1
"""So often is looked for what other processes have written."""
_CURSOR = re.compile(r"([0-9a-f]{16})\.([0-9]{1,10})\.([0-9]{1,16})")


@dataclass(frozen=True, slots=True)
class Cursor:
    """`generation` of the hub, `partition` of the unit, place in the feed."""

    generation: str
    partition: int
    place: int

    @classmethod
    def of(cls, text: str) -> Cursor | None:
        found = _CURSOR.fullmatch(text)
        return cls(found[1], int(found[2]), int(found[3])) if found else None

    def __str__(self) -> str:
        return f"{self.generation}.{self.partition}.{self.place}"


class Wake:
    """Tells whoever waits that something was written: in this process at once, by another one soon."""

    def __init__(self) -> None:
        self._news = asyncio.Event()

    def tell(self) -> None:
        news, self._news = self._news, asyncio.Event()
        news.set()

    def next(self) -> asyncio.Event:
        """Is set at the next news; to be taken before one looks."""
        return self._news

    async def look(self, store: Store) -> None:
        """At what others write, until cancelled. `store`: a connection of this thread's own."""
        seen = store.version()
        while True:
            await asyncio.sleep(POLLED_S)
            if (now := store.version()) != seen:
                seen = now
                self.tell()

    @contextlib.asynccontextmanager
    async def looking(self, store: Store) -> AsyncIterator[None]:
        task = asyncio.create_task(self.look(store))
        try:
            yield
        finally:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
