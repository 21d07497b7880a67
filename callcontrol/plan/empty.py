"""A department that will be empty a whole day: its telephony contact is told before it is (B3; Hällefors, Nora).
Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import date, datetime, time, timedelta

from callcontrol.plan.model import Directory, Kind
from callcontrol.plan.schedule import Schedule, local_moment
from callcontrol.plan.steps import Note

__all__ = ["LOOKED_AT", "empty_departments"]

LOOKED_AT = timedelta(minutes=30)
"""So often within a working day it is looked whether anybody is there."""


def empty_departments(numbers: Iterable[str], directory: Directory, day: date, hours: Schedule) -> tuple[Note, ...]:
    """One note for each unit whose phones are all referred through the whole of a working day, in the units' order.

    `numbers` are the extensions that are looked at; phones of nobody (groups, on-call) keep a unit from being empty.
    """
    moments = _working_moments(day, hours)
    phones: dict[str, list[str]] = defaultdict(list)
    for number in numbers:
        extension = directory.extension(number)
        if extension is not None and extension.kind in (Kind.PERSON, Kind.GROUP, Kind.ON_CALL, Kind.OFFICE):
            phones[extension.unit].append(number)
    notes = []
    for name in sorted(phones):
        unit = directory.unit(name)
        if unit is None or unit.telephony_contact is None or not moments:
            continue
        if not any(_anybody(phones[name], directory, moment) for moment in moments):
            fill = (("unit", unit.name), ("day", day.isoformat()))
            notes.append(Note(rule="B3", to=unit.telephony_contact, words="department_empty", fill=fill))
    return tuple(notes)


def _working_moments(day: date, hours: Schedule) -> list[datetime]:
    found = []
    for span in hours.hours(day):
        for minute in range(span.begins, span.ends, int(LOOKED_AT.total_seconds() // 60)):
            found.append(local_moment(day, time(*divmod(minute, 60))))
    return found


def _anybody(numbers: Iterable[str], directory: Directory, moment: datetime) -> bool:
    return any(directory.absent(number, moment) is None for number in numbers)
