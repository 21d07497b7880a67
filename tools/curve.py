"""Power over the last hours as a curve in a terminal: charge, or minutes where no charge is known, and when mains was
lost. Nothing hangs on a colour. Pure."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple, Protocol

from callcontrol.plan.schedule import STOCKHOLM

__all__ = ["HOURS", "LOST", "ON", "Column", "Row", "Words", "ceiling", "columns", "curve", "lasting", "ticks"]

HOURS = 24
ROW_S = 90.0
"""A row tells of so long; they come each minute."""
LABEL = 5
"""Columns of the scale at the left."""
WIDTH_LEAST, HEIGHT_LEAST = 30, 2
ON, LOST = "on", "lost"
EIGHTHS = " ▁▂▃▄▅▆▇█"
STEPS = (10, 15, 30, 60, 120, 180, 300, 480, 720, 1440, 2880, 5760, 10080)
"""Minutes that a scale may end at."""


class Words(NamedTuple):
    sv: str
    en: str

    def __str__(self) -> str:
        return f"{self.sv} / {self.en}"


CHARGE, MINUTES = Words("Laddning, %", "charge, %"), Words("Minuter, säkra", "minutes, certain")
WITHOUT_MAINS, NOT_KNOWN = Words("strömavbrott", "power cut"), Words("okänt", "not known")


class Row(Protocol):
    """One minute, as firmware/store/power.py keeps it. None is not known; `minutes` are certain."""

    @property
    def at(self) -> datetime: ...
    @property
    def mains(self) -> str: ...
    @property
    def watts(self) -> float | None: ...
    @property
    def charge_percent(self) -> float | None: ...
    @property
    def minutes(self) -> float | None: ...
    @property
    def likely(self) -> float | None: ...


@dataclass(frozen=True, slots=True)
class Column:
    """A piece of time: the least of charge and minutes in it, the mean of watts, the worst of mains ("on", "lost", or
    "unknown", which is also where nothing was kept)."""

    charge: float | None = None
    minutes: float | None = None
    likely: float | None = None
    watts: float | None = None
    mains: str = "unknown"


def columns(rows: Sequence[Row], now: datetime, count: int, hours: float = HOURS) -> list[Column]:
    """The last hours until now in so many pieces, the oldest first. Rows may come in any order."""
    step_s = hours * 3600 / count
    held: list[list[Row]] = [[] for _ in range(count)]
    for row in rows:
        age_s = (now - row.at).total_seconds()
        if not 0 <= age_s <= hours * 3600 + ROW_S:
            continue
        first = count - 1 - math.floor(age_s / step_s)
        last = min(count - 1, count - 1 - math.floor(max(age_s - ROW_S, 0.0) / step_s))
        for n in range(max(first, 0), (last if step_s < ROW_S else first) + 1):
            held[n].append(row)
    return [_column(found) for found in held]


def curve(rows: Sequence[Row], now: datetime, *, width: int = 80, height: int = 8, hours: float = HOURS) -> list[str]:
    """Lines, at most `width` wide (30 at least): what is drawn, the curve on its scale, mains, times of day."""
    count = max(width, WIDTH_LEAST) - LABEL - 2
    found = columns(rows, now, count, hours)
    charged = any(column.charge is not None for column in found)
    values = [column.charge if charged else column.minutes for column in found]
    top = 100.0 if charged else ceiling(values)
    height = max(height, HEIGHT_LEAST) if any(value is not None for value in values) else 0
    lines = [f"{'':{LABEL}} {CHARGE if charged else MINUTES}"]
    for row in range(height, 0, -1):
        scale = f"{top * row / height:g}" if row % max(height // 4, 1) == 0 else ""
        cells = "".join(_cell(value, top, row, height) for value in values)
        lines.append(f"{scale:>{LABEL}} {'┤' if scale else '│'}{cells}".rstrip())
    below = "".join(_below(column, value) for column, value in zip(found, values, strict=True))
    lines.append(f"{'0':>{LABEL}} └{below}")
    lines.append(_times(now, count, hours).rstrip())
    legend = [
        f"{sign} {words}"
        for sign, words, shown in (
            ("▀", WITHOUT_MAINS, any(column.mains == LOST for column in found)),
            ("?", NOT_KNOWN, any(column.mains not in (ON, LOST) for column in found)),
        )
        if shown
    ]
    return [*lines, f"{'':{LABEL}} {'   '.join(legend)}"] if legend else lines


def ceiling(values: Sequence[float | None]) -> float:
    """Where a scale of minutes ends."""
    most = max((value for value in values if value is not None), default=0.0)
    return float(next((step for step in STEPS if step >= most), STEPS[-1]))


def ticks(now: datetime, hours: float = HOURS) -> list[tuple[float, str]]:
    """Whole hours in Stockholm: how far each is from the oldest (0) to now (1), and what it is called."""
    every = next((step for step in (1, 2, 3, 6, 12) if hours / step <= 9), 24)
    moment = now.replace(minute=0, second=0, microsecond=0)
    found = []
    while (ago := (now - moment).total_seconds() / 3600) <= hours:
        local = moment.astimezone(STOCKHOLM)
        if local.hour % every == 0:
            found.append((1 - ago / hours, f"{local:%H}"))
        moment -= timedelta(hours=1)
    return found[::-1]


def lasting(minutes: float) -> str:
    """``1 h 35 min``, rounded down, as both languages write it."""
    hours, rest = divmod(math.floor(minutes), 60)
    return f"{hours} h {rest} min" if hours else f"{rest} min"


def _column(rows: Sequence[Row]) -> Column:
    if not rows:
        return Column()
    watts = [row.watts for row in rows if row.watts is not None]
    mains = {row.mains for row in rows}
    return Column(
        charge=_least(rows, lambda row: row.charge_percent),
        minutes=_least(rows, lambda row: row.minutes),
        likely=_least(rows, lambda row: row.likely),
        watts=math.fsum(watts) / len(watts) if watts else None,
        mains=LOST if LOST in mains else ON if mains == {ON} else "unknown",
    )


def _least(rows: Sequence[Row], of: Callable[[Row], float | None]) -> float | None:
    return min((value for row in rows if (value := of(row)) is not None), default=None)


def _cell(value: float | None, top: float, row: int, height: int) -> str:
    """Of one row of the curve, 1 the lowest; what is more than nothing is seen."""
    if value is None:
        return " "
    eighths = min(max(value / top, 0.0), 1.0) * height * 8
    if row == 1 and value > 0:
        eighths = max(eighths, 1.0)
    return EIGHTHS[min(max(math.floor(eighths) - 8 * (row - 1), 0), 8)]


def _below(column: Column, value: float | None) -> str:
    if column.mains == LOST:
        return "▀"
    return "─" if column.mains == ON and value is not None else "?"


def _times(now: datetime, count: int, hours: float) -> str:
    line = [" "] * (LABEL + 2 + count)
    for share, text in ticks(now, hours):
        begins = min(LABEL + 2 + math.floor(share * count), len(line) - len(text))
        line[begins : begins + len(text)] = text
    return "".join(line)
