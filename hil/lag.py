"""Whether this machine itself stood still: a thread that only sleeps, and is late."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

__all__ = ["watch_lag"]

TICK_S, LATE_S = 0.2, 0.6


def watch_lag(over: threading.Event, lagged: Callable[[float, float], None]) -> None:
    """Until `over`: tells of each such time, from and to, seconds of time.monotonic()."""
    before = time.monotonic()
    while not over.wait(TICK_S):
        now = time.monotonic()
        if now - before > TICK_S + LATE_S:
            lagged(before, now)
        before = now
