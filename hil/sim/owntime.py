"""An asyncio loop whose time passes only when nothing else happens: hours in seconds, sockets and all.

For who has both ends in one loop, by sockets: what is sent is there at once. A pty's bytes and other threads take
their time, for which the clock does not wait."""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Mapping
from typing import Any

__all__ = ["OwnTimeLoop"]

STUCK_S = 5.0
"""Real time with nothing due at all: everybody waits for somebody else."""


class OwnTimeLoop(asyncio.SelectorEventLoop):
    """``asyncio.Runner(loop_factory=OwnTimeLoop)``."""

    def __init__(self) -> None:
        self._selector_of_ours = _Selector()
        super().__init__(self._selector_of_ours)

    def time(self) -> float:
        return self._selector_of_ours.passed_s


class _Selector(selectors.BaseSelector):
    """The system's; a wait is no wait but moves the clock."""

    def __init__(self) -> None:
        self._real = selectors.DefaultSelector()
        self.passed_s = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None:
            found = self._real.select(STUCK_S)
            if not found:
                raise RuntimeError("nothing is due, and nothing comes")
            return found
        found = self._real.select(0)
        if not found and timeout > 0:
            self.passed_s += timeout
        return found

    def register(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:
        return self._real.register(fileobj, events, data)

    def unregister(self, fileobj: Any) -> selectors.SelectorKey:
        return self._real.unregister(fileobj)

    def modify(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:
        return self._real.modify(fileobj, events, data)

    def get_map(self) -> Mapping[Any, selectors.SelectorKey]:
        return self._real.get_map()

    def close(self) -> None:
        self._real.close()
