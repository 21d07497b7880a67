"""When an outage is told by SMS (F4): when it has lasted a while, at set minutes, and when it is certainly over. Pure.

Outages that follow each other within a pause are one, so that a line that comes and goes is not told each time; and
nobody is told of more than some beginnings in a day.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

__all__ = ["END", "START", "STARTS_A_DAY", "Alarms", "Outage", "Span", "due", "outage_of"]

STARTS_A_DAY = 6
"""Beginnings that one number is told of in 24 hours; more are a nuisance, and known by then."""
START, END = "start", "end"


class Span(Protocol):
    """An incident as it is kept."""

    @property
    def id(self) -> int: ...
    @property
    def began_at(self) -> datetime: ...
    @property
    def ended_at(self) -> datetime | None: ...
    @property
    def cause(self) -> str: ...


@dataclass(frozen=True, slots=True)
class Outage:
    """`name` is that of its first incident, and stays; `cause` that of its last one."""

    name: int
    began_at: datetime
    ended_at: datetime | None
    cause: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Alarms:
    """Told after it has lasted `after`, and at `minutes`; `pause` is how long it must be over."""

    after: timedelta
    minutes: tuple[int, ...]
    pause: timedelta


def outage_of(incidents: Sequence[Span], pause: timedelta) -> Outage | None:
    """The last outage, of incidents with the newest first. One whose end nobody saw is none before another."""
    if not incidents:
        return None
    newest = first = incidents[0]
    for older in incidents[1:]:
        if older.ended_at is None or first.began_at - older.ended_at >= pause:
            break
        first = older
    return Outage(first.id, first.began_at, newest.ended_at, newest.cause)


def due(outage: Outage, told: Mapping[str, datetime], starts_today: int, alarms: Alarms, now: datetime) -> str | None:
    """What a number is to be told now: START, END, or a number of minutes. `told`: what it has been of this outage, and
    when. What should have been told while nobody could is not made up for."""
    if outage.ended_at is not None:
        over = now - outage.ended_at >= alarms.pause
        return END if over and START in told and END not in told else None
    age = now - outage.began_at
    if START not in told:
        return START if age >= alarms.after and starts_today < STARTS_A_DAY else None
    since = told[START] - outage.began_at
    passed = [one for one in sorted(alarms.minutes) if since < timedelta(minutes=one) <= age]
    if not passed or any(str(one) in told for one in alarms.minutes if one >= passed[-1]):
        return None
    return str(passed[-1])
