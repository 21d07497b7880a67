"""Whether this machine itself stood still, or had so much else to do that nothing can be said of times: a thread that
sleeps, and is late; that counts, and gets too little of the processor for it."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable

__all__ = ["watch_lag"]

TICK_S, LATE_S = 0.25, 0.6
SPIN_S = 0.008
"""So much work at each tick, a thirtieth of one processor."""
STARVED, TICKS = 4.0, 4
"""Work that takes so many times as long, in the mean of so many ticks: whoever has as much to do as a busy process has
got a quarter of a processor, and answers in seconds what takes it parts of one."""


def watch_lag(over: threading.Event, lagged: Callable[[float, float], None]) -> None:
    """Until `over`: tells of each such time, from and to, seconds of time.monotonic()."""
    before = time.monotonic()
    took_s: deque[float] = deque(maxlen=TICKS)
    while not over.wait(TICK_S):
        now = time.monotonic()
        took_s.append(_spun_s())
        if now - before > TICK_S + LATE_S or sum(took_s) > STARVED * SPIN_S * TICKS:
            lagged(before, time.monotonic())
        before = now


def _spun_s() -> float:
    """How long it takes to have SPIN_S of a processor."""
    began, own = time.monotonic(), time.thread_time()
    while time.thread_time() - own < SPIN_S:
        pass
    return time.monotonic() - began
