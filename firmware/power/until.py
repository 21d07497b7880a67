"""Until when somebody in this house can answer: what is guaranteed, what limits it, and what is only likely. Pure.

Guaranteed is the least of what answering takes and somebody watches: unit, switch, router, fibre box. Unit and switch
are needed for any call at all, so where nothing is known of one of them nothing is guaranteed; router and fibre box
that nobody watches are named beside it. A box that went silent with the mains (firmware/power/boxes.py) has no time
left. The mobile network is nobody's here to promise: its typical time is what the configuration says, and stands
beside.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from drivers.ups.model import Part

__all__ = ["NEEDED", "Left", "Until", "part_minutes", "until", "until_clock"]

NEEDED = (Part.UNIT, Part.SWITCH)
PLANNED = 0.5
COARSE_MIN = 60.0
"""From here on a time is told to the five minutes, below it to the minute; always the earlier one."""


@dataclass(frozen=True, slots=True)
class Left:
    """Minutes of one source: those that are certain, those that are likely, and at the most. None: not known."""

    lower: float | None = None
    likely: float | None = None
    upper: float | None = None
    why: str = ""

    @property
    def planned(self) -> float | None:
        """What is acted by: half of what is likely, where that is more than is certain. Of a battery that nobody knows
        yet so little is certain that all would be shed, and halted, with most of it unused."""
        if self.likely is None:
            return self.lower
        return max(self.lower or 0.0, PLANNED * self.likely)


GONE = Left(0.0, 0.0, 0.0, "silent")


@dataclass(frozen=True, slots=True)
class Until:
    """`minutes`: guaranteed from now on, `limits` what ends them. `inside`: for calls within the house. `unknown`:
    what answering takes, and nobody watches. `mobile`: the mobile network's typical time, None where not known."""

    minutes: float | None
    limits: Part | None
    likely: float | None
    inside: float | None
    unknown: tuple[Part, ...]
    mobile: float | None


def part_minutes(sources: Iterable[tuple[frozenset[Part], Left]]) -> Mapping[Part, Left]:
    """By part. What hangs on two batteries lasts as long as the better one."""
    found: dict[Part, Left] = {}
    for keeps, left in sources:
        for part in keeps:
            known = found.get(part)
            if known is None or (left.lower or -1.0) > (known.lower or -1.0):
                found[part] = left
    return found


def until(
    parts: Mapping[Part, Left],
    mobile_minutes: float | None,
    elapsed_minutes: float = 0.0,
    gone: Collection[Part] = (),
) -> Until:
    """`elapsed_minutes`: since mains was lost; the mobile network's time began then. `gone`: what is there no more,
    whatever its battery says."""
    parts = {**parts, **dict.fromkeys(gone, GONE)}
    lower = {part: found for part in Part if part in parts and (found := parts[part].lower) is not None}
    likely = [left.likely for left in parts.values() if left.likely is not None]
    unknown = tuple(part for part in Part if part not in lower)
    certain = all(part in lower for part in NEEDED)
    limits = min(lower, key=lambda part: lower[part]) if certain or gone else None
    return Until(
        minutes=lower[limits] if limits else None,
        limits=limits,
        likely=min(likely) if limits and likely else None,
        inside=min(lower[part] for part in NEEDED) if certain else 0.0 if Part.SWITCH in gone else None,
        unknown=unknown,
        mobile=None if mobile_minutes is None else max(0.0, mobile_minutes - elapsed_minutes),
    )


def until_clock(minutes: float, now: datetime) -> datetime:
    """The time of day that is told: never later than what is certain."""
    end = (now + timedelta(minutes=max(0.0, minutes))).replace(second=0, microsecond=0)
    return end - timedelta(minutes=end.minute % 5) if minutes >= COARSE_MIN else end
