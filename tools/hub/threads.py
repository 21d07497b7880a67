"""The threads in which the store is asked: one that writes, a few that read, one for what takes seconds. Each has its
own connection, so that a snapshot of 100,000 people holds up nobody's batch."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from tools.hub.place import Place
from tools.hub.store import Store

__all__ = ["Busy", "Threads"]

READERS = 2
WAITING_MAX = 256
"""Of one kind; what comes above is told to come again."""

T = TypeVar("T")


class Busy(Exception):
    """So many wait already."""


class _Pool:
    def __init__(self, place: Place, name: str, count: int) -> None:
        self._place = place
        self._own = threading.local()
        self._opened: list[Store] = []
        self._pool = ThreadPoolExecutor(count, name)
        self._waiting = 0

    async def __call__(self, work: Callable[[Store], T]) -> T:
        """Raises Busy, and what `work` raises."""
        if self._waiting >= WAITING_MAX:
            raise Busy
        self._waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._pool, self._in_thread, work)
        finally:
            self._waiting -= 1

    def close(self) -> None:
        self._pool.shutdown(wait=True)
        for store in self._opened:
            store.close()

    def _in_thread(self, work: Callable[[Store], T]) -> T:
        store: Store | None = getattr(self._own, "store", None)
        if store is None:
            store = self._own.store = Store.again(self._place)
            self._opened.append(store)
        return work(store)


class Threads:
    def __init__(self, place: Place) -> None:
        self.write = _Pool(place, "hub-write", 1)
        self.read = _Pool(place, "hub-read", READERS)
        self.slow = _Pool(place, "hub-slow", 1)

    def close(self) -> None:
        for pool in (self.write, self.read, self.slow):
            pool.close()
