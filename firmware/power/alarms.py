"""When somebody is told by SMS that mains is gone (F4): when it has been for a while, when few minutes are left, and
when it is surely back. Pure. Not more often than is bearable: outages within a pause of each other are one, and one
number is told of `STARTS_A_DAY` beginnings in 24 hours."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from callcontrol.trunk.smsalarms import END, START, STARTS_A_DAY, Outage

__all__ = ["Alarms", "due"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Alarms:
    """`minutes`: of those that are left."""

    after: timedelta
    minutes: Sequence[int]
    pause: timedelta


def due(
    outage: Outage, told: Collection[str], starts_today: int, left: float | None, alarms: Alarms, now: datetime
) -> str | None:
    """What a number is to be told now: START, END, or minutes that are left. `told`: what it was of this outage. Who
    was not told of the beginning is told of nothing else."""
    if outage.ended_at is not None:
        over = now - outage.ended_at >= alarms.pause
        return END if over and START in told and END not in told else None
    if START not in told:
        return START if now - outage.began_at >= alarms.after and starts_today < STARTS_A_DAY else None
    passed = [one for one in sorted(alarms.minutes) if left is not None and left <= one]
    if not passed or any(str(one) in told for one in alarms.minutes if one <= passed[0]):
        return None
    return str(passed[0])
