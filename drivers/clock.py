"""The system's clock, as the kernel itself judges it (adjtimex(2)); it does not matter who sets it."""

from __future__ import annotations

import ctypes
import time
from dataclasses import dataclass
from datetime import datetime

__all__ = ["Clock", "clock", "set_clock"]

TIME_ERROR = 5
"""What adjtimex gives for a clock that nobody synchronises."""


class _Timex(ctypes.Structure):
    _fields_ = (
        ("modes", ctypes.c_uint),
        *((name, ctypes.c_long) for name in ("offset", "freq", "maxerror", "esterror")),
        ("status", ctypes.c_int),
        ("rest", ctypes.c_byte * 256),
    )


@dataclass(frozen=True, slots=True)
class Clock:
    """``error_s`` is how far off it may be at the most; None where it is not synchronised."""

    synchronised: bool
    error_s: float | None


def clock() -> Clock | None:
    """None where the kernel does not say."""
    told = _Timex()
    state = ctypes.CDLL(None, use_errno=True).adjtimex(ctypes.byref(told))
    if state < 0:
        return None
    synchronised = state != TIME_ERROR
    return Clock(synchronised, told.maxerror / 1e6 if synchronised else None)


def set_clock(moment: datetime) -> None:
    """The system's clock, at once; nobody keeps it after that either. Raises OSError: it may not be set."""
    time.clock_settime(time.CLOCK_REALTIME, moment.timestamp())
