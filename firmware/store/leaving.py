"""What the unit sees of a leaver's list: what is theirs yet (callcontrol.plan.leaver)."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from datetime import datetime

from callcontrol.plan.leaver import Entry, Leaver, What, checklist
from firmware.store.calendars import Calendars
from firmware.store.mailbox import Mailbox
from firmware.store.memos import MemoRows
from firmware.store.people import People
from firmware.store.protections import protections

__all__ = ["checklist_of"]

SHOWN_MAX = 50
"""Of each thing: who has more has a list that is begun in any case."""


def checklist_of(people: People, leaver: Leaver, now: datetime) -> tuple[Entry, ...]:
    """The whole list as it is now. A number that is somebody else's by now is none of it. Raises sqlite3.Error."""
    own = tuple(number for number in leaver.extensions if _theirs(people, leaver, number))
    left = {
        What.PHONE: (number for number in own if _rings(people, number)),
        What.FORWARDED: (number for number in own if people.forwardings(number)),
        What.FORWARDED_HERE: _found(people.journal, "extension", "forwarding", "target", own),
        What.ANSWERS_FOR: _answers_for(people, own, now),
        What.ATTENDS: _attends(people, own),
        What.CONTACT: (unit.name for unit in people.units() if unit.telephony_contact == leaver.person),
        What.DEPUTY: _found(people.directory, "id", "person", "deputy", (leaver.person,)),
        What.GROUP: _groups(people, own),
        What.ROLE: (f"{given.role} {given.scope}" for given in people.roles(leaver.person)),
        What.MESSAGES: (number for number in own if Mailbox(people.journal).waiting(number).new),
        What.MEMOS: (memo.id for memo in MemoRows(people.journal).of(own, SHOWN_MAX)) if own else (),
        What.CALENDAR: (number for number in own if Calendars(people.journal).of(number) is not None),
        What.PIN: _pins(people, own),
        What.SECRET: (number for number in own if people.has_credential(number)),
        What.PROTECTED: (one.extension for one in protections(people.journal) if one.extension in own),
        What.DIRECTORY: (leaver.person,) if people.person(leaver.person) is not None else (),
    }
    return checklist({what: tuple(about)[:SHOWN_MAX] for what, about in left.items()}, leaver.ticks)


def _theirs(people: People, leaver: Leaver, number: str) -> bool:
    extension = people.extension(number)
    return extension is None or extension.person == leaver.person


def _rings(people: People, number: str) -> bool:
    there = people.extension(number) is not None or people.has_credential(number)
    return there and not people.blocked(number)


def _answers_for(people: People, own: Sequence[str], now: datetime) -> tuple[str, ...]:
    away = _found(people.journal, "extension", "referral", "answers_instead", own)
    return tuple(number for number in away if people.absent(number, now) is not None)


def _attends(people: People, own: Sequence[str]) -> tuple[str, ...]:
    """Departments, receptions and phones that go on to one of theirs."""
    units = [unit.name for unit in people.units() if {unit.attended_by, unit.on_call} & set(own)]
    entities = _found(people.directory, "name", "entity", "reception", own)
    return (*units, *entities, *_found(people.directory, "number", "extension", "fallback", own))


def _groups(people: People, own: Sequence[str]) -> tuple[str, ...]:
    hunts = _found(people.directory, "hunt", "member", "extension", own)
    return (*hunts, *sorted({group.name for number in own if (group := people.pick_up(number)) is not None}))


def _pins(people: People, own: Sequence[str]) -> tuple[str, ...]:
    both = ((people.journal, "pin_change"), (people.directory, "pin"))
    return tuple(sorted({one for db, table in both for one in _found(db, "extension", table, "extension", own)}))


def _found(db: sqlite3.Connection, give: str, table: str, column: str, keys: Sequence[str]) -> tuple[str, ...]:
    """A column of the rows of which another one is any of these, in order."""
    sql = (
        f"SELECT DISTINCT {give} FROM {table}"  # noqa: S608  names of ours
        f" WHERE {column} IN (SELECT value FROM json_each(?)) ORDER BY 1"
    )
    return tuple(found for (found,) in db.execute(sql, (json.dumps(list(keys)),)))
