"""Whether the time that a mobile network tells (NITZ, 22.042) is taken, where nobody else keeps the clock. Pure."""

from __future__ import annotations

from datetime import datetime, timedelta

from callcontrol.records import EARLIEST

__all__ = ["OFF_BY", "wants_time"]

OFF_BY = timedelta(seconds=60)
"""Networks are some seconds wrong themselves."""


def wants_time(own: datetime, told: datetime) -> bool:
    """Of a clock that nobody synchronises. A time before this program was written is none."""
    return told >= EARLIEST and abs(told - own) > OFF_BY
