"""The time, and what is to happen later: the loop's, or a test's own."""

from __future__ import annotations

import asyncio
import heapq
import itertools
from collections.abc import Callable
from typing import Protocol

__all__ = ["LoopTimers", "OwnTimers", "Timer", "Timers"]


class Timer(Protocol):
    """Something that will happen."""

    def cancel(self) -> None:
        """It will not; harmless when it has happened."""


class Timers(Protocol):
    """A clock (seconds, monotonic) and what it sets off."""

    def now(self) -> float:
        """Seconds since some moment."""

    def later(self, seconds: float, do: Callable[[], None]) -> Timer:
        """`do` after so long; at the earliest when what happens now is over."""


class LoopTimers:
    """Those of the running asyncio loop, whose clock is CLOCK_MONOTONIC."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop

    def now(self) -> float:
        return self._loop.time()

    def later(self, seconds: float, do: Callable[[], None]) -> Timer:
        return self._loop.call_later(max(seconds, 0.0), do)


class OwnTimers:
    """Time that passes only by :meth:`advance`."""

    def __init__(self) -> None:
        self._now = 0.0
        self._due: list[tuple[float, int, _Due]] = []
        self._number = itertools.count()

    def now(self) -> float:
        return self._now

    def later(self, seconds: float, do: Callable[[], None]) -> Timer:
        due = _Due(do)
        heapq.heappush(self._due, (self._now + max(seconds, 0.0), next(self._number), due))
        return due

    def advance(self, seconds: float) -> None:
        """Let so much time pass, with all that happens in it."""
        until = self._now + seconds
        while self._due and self._due[0][0] <= until:
            self._now, _, due = heapq.heappop(self._due)
            if due.do is not None:
                due.do()
        self._now = until


class _Due:
    def __init__(self, do: Callable[[], None]) -> None:
        self.do: Callable[[], None] | None = do

    def cancel(self) -> None:
        self.do = None
