"""What is found by looking at the directory, and is told to somebody before any call meets it (B3, C5)."""

from __future__ import annotations

from datetime import datetime

from callcontrol.plan.empty import empty_departments
from callcontrol.plan.holidays import next_working_day
from callcontrol.plan.model import Condition, Unreadable
from callcontrol.plan.schedule import STOCKHOLM
from callcontrol.plan.steps import Note
from firmware.store.people import People

__all__ = ["notes"]


def notes(people: People, now: datetime) -> tuple[Note, ...]:
    """Departments that are empty all of this day or the next working one, and what is forwarded to mobiles. What cannot
    be read is passed over. Raises sqlite3.Error."""
    return (*_empty(people, now), *_to_mobiles(people))


def _empty(people: People, now: datetime) -> tuple[Note, ...]:
    today = now.astimezone(STOCKHOLM).date()
    found: list[Note] = []
    referred = people.referred(now)
    for unit in sorted(people.units_of(referred)):
        try:
            known, own = people.unit(unit), people.phones_of(unit)
            # Somebody who is not referred at all is there: most departments are done with here.
            if known is not None and known.telephony_contact and referred.issuperset(own):
                hours = people.working_hours(unit)
                for day in (today, next_working_day(today, hours.rules)):
                    found += empty_departments(own, people, day, hours)
        except Unreadable:
            continue
    return tuple(found)


def _to_mobiles(people: People) -> tuple[Note, ...]:
    """Sparingly, told to operations (C5)."""
    found = []
    for number in people.forwarded():
        for moved in people.forwardings(number):
            if moved.condition is Condition.DO_NOT_DISTURB or not moved.target:
                continue
            if people.is_municipal_mobile(moved.target):
                fill = (("extension", number), ("condition", str(moved.condition)))
                found.append(Note(rule="C5", to="operations", words="forwarded_to_mobile", fill=fill))
    return tuple(found)
