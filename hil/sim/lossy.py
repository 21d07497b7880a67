"""A link in virtual time that loses, doubles, delays and reorders, as UDP may; or, as TCP, only delays and cuts."""

from __future__ import annotations

import heapq
import itertools
import random
from dataclasses import dataclass, field
from typing import Literal

__all__ = ["Link", "Transport"]

Transport = Literal["TCP", "UDP"]


@dataclass
class Link:
    """Carries data one way. Over TCP all comes once and in order, in any pieces."""

    transport: Transport
    rng: random.Random
    loss: float = 0.0
    doubled: float = 0.0
    delay_max_s: float = 0.0
    _under_way: list[tuple[float, int, bytes]] = field(default_factory=list)
    _count: itertools.count[int] = field(default_factory=itertools.count)
    _last: float = 0.0

    def send(self, data: bytes, now: float) -> None:
        if self.transport == "TCP":
            while data:
                cut = self.rng.randint(1, len(data))
                self._last = max(self._last, now + self.rng.uniform(0, self.delay_max_s))
                self._put(self._last, data[:cut])
                data = data[cut:]
            return
        if self.rng.random() >= self.loss:
            for _ in range(2 if self.rng.random() < self.doubled else 1):
                self._put(now + self.rng.uniform(0, self.delay_max_s), data)

    def next(self) -> float | None:
        """When the next piece arrives."""
        return self._under_way[0][0] if self._under_way else None

    def take(self, now: float) -> list[bytes]:
        """What has arrived by now."""
        taken = []
        while self._under_way and self._under_way[0][0] <= now:
            taken.append(heapq.heappop(self._under_way)[2])
        return taken

    def _put(self, when: float, data: bytes) -> None:
        heapq.heappush(self._under_way, (when, next(self._count), data))
