"""The time as modems tell it: `+CCLK`, `+QLTS`, `*PSUTTZ`, `^NWTIME`. Zones are in quarters of an hour (24.008
§10.5.3.8)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

__all__ = ["Told", "parse_time"]

LOCAL = re.compile(
    r'(?:\+CCLK|\+QLTS|\^NWTIME):\s*"?(\d{2}(?:\d{2})?)/(\d\d)/(\d\d),(\d\d):(\d\d):(\d\d)(?:([+-]\d{1,3}))?'
)
"""Local time, and its zone."""
GENERAL = re.compile(r'\*PSUTTZ:\s*(\d{4}),(\d+),(\d+),(\d+),(\d+),(\d+),"?([+-]\d{1,3})"?')
"""Universal time, and the zone."""
ZONE_MAX = 64
"""Quarters; the network can tell 79, nobody lives beyond 56."""


@dataclass(frozen=True, slots=True)
class Told:
    """`offset_min`: local time less UTC; None where no zone was told, and then `utc` is the local time."""

    utc: datetime
    offset_min: int | None


def parse_time(line: str) -> Told | None:
    """None for every other line, and for what is no time."""
    local, general = LOCAL.match(line), GENERAL.match(line)
    told = local or general
    if told is None:
        return None
    year, month, day, hour, minute, second = (int(part) for part in told.groups()[:6])
    quarters = int(told[7]) if told[7] else None
    if quarters is not None and abs(quarters) > ZONE_MAX:
        return None
    try:
        time = datetime(year if year > 99 else 2000 + year, month, day, hour, minute, second, tzinfo=UTC)
        if local and quarters is not None:
            time -= timedelta(minutes=15 * quarters)
    except (ValueError, OverflowError):
        return None
    return Told(time, None if quarters is None else 15 * quarters)
