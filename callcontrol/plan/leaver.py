"""What is left of somebody who leaves: a list that is gone through, so that nothing rings, is heard or is paid for
afterwards (E5). Pure.

Most of it the unit sees by itself: a thing is done when it is no longer so, by whoever. What it cannot see (a phone
that was given back) is ticked by hand. The list stays until all is done, or until somebody says that the rest will not
be.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from enum import StrEnum

__all__ = ["BY_HAND", "FORGOTTEN_AFTER", "Entry", "Leaver", "Tick", "What", "checklist", "late"]

FORGOTTEN_AFTER = timedelta(days=7)
"""After the last day: then somebody is told that the list is not done."""


class What(StrEnum):
    """In the order in which it is gone through."""

    PHONE = "phone"  # rings and calls yet
    RETURNED = "returned"
    WIPED = "wiped"
    TOLD = "told"
    FORWARDED = "forwarded"
    FORWARDED_HERE = "forwarded_here"
    ANSWERS_FOR = "answers_for"
    ATTENDS = "attends"
    CONTACT = "contact"
    DEPUTY = "deputy"
    GROUP = "group"
    ROLE = "role"
    MESSAGES = "messages"
    MEMOS = "memos"
    CALENDAR = "calendar"
    PIN = "pin"
    SECRET = "secret"  # noqa: S105  the phone's password, as a thing to take away
    PROTECTED = "protected"
    DIRECTORY = "directory"


BY_HAND = frozenset({What.RETURNED, What.WIPED, What.TOLD})
"""Nobody sees it but who has done it: the phones given back and wiped, who answers now told to those who call."""


@dataclass(frozen=True, slots=True)
class Tick:
    at: datetime
    by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Leaver:
    """`extensions`: those that were theirs when it began; the directory may have lost them since. `last_day`: on which
    they work yet; their phones are blocked when it is over. `blocked_at`: when that was done."""

    id: str
    person: str
    name: str
    unit: str
    extensions: tuple[str, ...]
    last_day: date | None
    began_at: datetime
    set_by: str
    blocked_at: datetime | None = None
    ended_at: datetime | None = None
    ended_by: str | None = None
    ticks: Mapping[What, Tick] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One thing of the list. `about`: of what it is so yet, as numbers, names of departments, ids; `done`: it is not,
    or somebody has ticked it."""

    what: What
    about: tuple[str, ...] = ()
    done: bool
    tick: Tick | None = None

    @property
    def by_hand(self) -> bool:
        return self.what in BY_HAND


def checklist(left: Mapping[What, tuple[str, ...]], ticks: Mapping[What, Tick]) -> tuple[Entry, ...]:
    """`left`: what is so yet, by what it is about."""
    return tuple(_entry(what, left.get(what, ()), ticks.get(what)) for what in What)


def late(leaver: Leaver, entries: tuple[Entry, ...], today: date) -> bool:
    """Whether somebody is to be told that it is not done."""
    last = leaver.last_day or leaver.began_at.date()
    return leaver.ended_at is None and today - last > FORGOTTEN_AFTER and any(not entry.done for entry in entries)


def _entry(what: What, about: tuple[str, ...], tick: Tick | None) -> Entry:
    done = tick is not None if what in BY_HAND else not about
    return Entry(what=what, about=about, done=done, tick=tick if what in BY_HAND else None)
