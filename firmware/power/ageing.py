"""How a battery ages, by what its discharges over the years have shown it to hold. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from firmware.store.batteries import Capacity

__all__ = ["CHANGE_PERCENT", "Trend", "trend"]

CHANGE_PERCENT = 70.0
"""Of what it held at first: below it a battery is changed; its end comes quickly then."""
SPAN_LEAST = timedelta(days=60)
POINTS_LEAST = 3
"""Fewer discharges, or in less time, say nothing of how fast it ages."""
YEAR = timedelta(days=365.25)
YEARS_MOST = 10.0


@dataclass(frozen=True, slots=True)
class Trend:
    """`percent`: of what it held when it was first learnt. `change_at`: when it comes to CHANGE_PERCENT, if it goes on
    ageing so; None: not known, or not within ten years."""

    wh: float
    percent: float
    a_year_percent: float | None = None
    change_at: datetime | None = None


def trend(points: Sequence[Capacity]) -> Trend | None:
    """`points`: the oldest first; None: there are none."""
    if not points:
        return None
    first, last = points[0], points[-1]
    now = Trend(last.wh, 100 * last.wh / first.wh)
    if len(points) < POINTS_LEAST or last.at - first.at < SPAN_LEAST:
        return now
    years = [(point.at - first.at) / YEAR for point in points]
    shares = [100 * point.wh / first.wh for point in points]
    year, share = math.fsum(years) / len(years), math.fsum(shares) / len(shares)
    steep = math.fsum((x - year) * (y - share) for x, y in zip(years, shares, strict=True)) / math.fsum(
        (x - year) ** 2 for x in years
    )
    left = (share + steep * (years[-1] - year) - CHANGE_PERCENT) / -steep if steep < 0 else math.inf
    change_at = last.at + max(left, 0.0) * YEAR if left <= YEARS_MOST else None
    return Trend(now.wh, now.percent, steep, change_at)
