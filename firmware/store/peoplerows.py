"""Rows of ``directory.db`` with what was changed here laid over them, and rows of the journal about the same people.

Each question is one or two reads by a key, and nothing is kept. Raises ValueError, TypeError, KeyError for a row that
cannot be."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any

from callcontrol.plan.absence import Opening, Referral, Source
from callcontrol.plan.model import (
    Condition,
    Distribution,
    Extension,
    Forwarding,
    Group,
    Identity,
    Kind,
    Member,
    Person,
    Visibility,
)
from callcontrol.plan.reach import DEFAULT_CLASS, ReachClass
from callcontrol.plan.schedule import Schedule
from firmware.store.database import from_text
from firmware.store.mailbox import Mailbox

__all__ = ["PeopleRows", "rows_of"]

SCHEDULES_KEPT_MAX = 1024
"""Opening hours that differ from each other."""

CHANGED_MAX = 1_000
"""Fields of people that were changed here and are looked through by each search; more are the platform's by then."""

_ASKED_FOR = ("given", "family", "title", "duties", "search_words", "location", "mobile")

_REFERRALS = (
    "SELECT referral.*, coalesce(stamp, '') AS stamp FROM referral"
    " LEFT JOIN stamped ON stamped.kind = 'referral' AND stamped.id = referral.id"
    " WHERE extension = ? ORDER BY referral.id"
)


class PeopleRows:
    """Belongs to the thread that opened the two."""

    def __init__(self, directory: sqlite3.Connection, journal: sqlite3.Connection) -> None:
        self._directory, self._journal = directory, journal
        self._mailbox = Mailbox(journal)

    def extension(self, number: str, classes: Mapping[str, ReachClass]) -> Extension | None:
        row = next(rows_of(self._directory, "SELECT * FROM extension WHERE number = ?", number), None)
        if row is None:
            return None
        row |= self.changed("extension", number)
        row.pop("distribution")
        hours = row.pop("hours")
        return Extension(
            **row
            | {
                "kind": Kind(row["kind"]),
                "identity": Identity(row["identity"]),
                "reach": classes.get(row["reach"], DEFAULT_CLASS),
                "voicemail": bool(row["voicemail"]),
            },
            hours=_schedule(hours),
            blocked=self.blocked(number),
            takes_messages=self._mailbox.settings(number).takes_messages,
            unheard_since=self._mailbox.unheard(number),
            locked=self.locked(number),
        )

    def person(self, person: str) -> Person | None:
        row = next(rows_of(self._directory, "SELECT * FROM person WHERE id = ?", person), None)
        if row is None:
            return None
        del row["key"]
        row |= {name: json.loads(row[name]) for name in ("duties", "search_words", "visibility")}
        row |= self.changed("person", person)
        hours = row.pop("phone_hours")
        return Person(
            **row
            | {
                "duties": tuple(row["duties"]),
                "search_words": tuple(row["search_words"]),
                "visibility": {name: Visibility(value) for name, value in row["visibility"].items()},
                "protected": bool(row["protected"]),
            },
            phone_hours=_schedule(hours),
        )

    def group(self, extension: str) -> Group | None:
        sql = "SELECT distribution FROM extension WHERE number = ? AND distribution IS NOT NULL"
        row = self._directory.execute(sql, (extension,)).fetchone()
        if row is None:
            return None
        out = {
            number
            for (number,) in self._journal.execute("SELECT extension FROM signed_out WHERE hunt = ?", (extension,))
        }
        listed = self._directory.execute("SELECT extension FROM member WHERE hunt = ? ORDER BY place", (extension,))
        members = tuple(Member(extension=number, signed_in=number not in out) for (number,) in listed)
        return Group(extension=extension, distribution=Distribution(row[0]), members=members)

    def forwardings(self, extension: str) -> tuple[Forwarding, ...]:
        sql = "SELECT condition, target, set_at FROM forwarding WHERE extension = ? ORDER BY condition"
        return tuple(
            Forwarding(extension=extension, condition=Condition(condition), target=target, set_at=from_text(set_at))
            for condition, target, set_at in self._journal.execute(sql, (extension,))
        )

    def referrals(self, extension: str) -> tuple[tuple[Referral, ...], tuple[Opening, ...]]:
        found = tuple(_referral(row) for row in rows_of(self._journal, _REFERRALS, extension))
        sql = "SELECT id, extension, at, seen, set_by FROM opening WHERE extension = ? ORDER BY id"
        openings = tuple(
            Opening(**row | {"at": from_text(row["at"]), "seen": frozenset(json.loads(row["seen"]))})
            for row in rows_of(self._journal, sql, extension)
        )
        return found, openings

    def blocked(self, extension: str) -> bool:
        row = self._journal.execute("SELECT 1 FROM block WHERE extension = ?", (extension,)).fetchone()
        return row is not None

    def locked(self, extension: str) -> bool:
        """By whoever has it, with their PIN."""
        row = self._journal.execute("SELECT 1 FROM lock WHERE extension = ?", (extension,)).fetchone()
        return row is not None

    def by_direct_number(self, number: str) -> str | None:
        row = self._directory.execute("SELECT number FROM extension WHERE direct_number = ?", (number,)).fetchone()
        return str(row[0]) if row else None

    def is_mobile(self, number: str) -> bool:
        sql = "SELECT 1 FROM person WHERE mobile = ?1 UNION ALL SELECT 1 FROM extension WHERE mobile = ?1 LIMIT 1"
        here = "SELECT 1 FROM change WHERE kind = 'person' AND field = 'mobile' AND value = ?"
        return (
            self._directory.execute(sql, (number,)).fetchone() is not None
            or self._journal.execute(here, (json.dumps(number),)).fetchone() is not None
        )

    def extensions_of(self, person: str) -> tuple[str, ...]:
        found = self._directory.execute("SELECT number FROM extension WHERE person = ? ORDER BY number", (person,))
        return tuple(number for (number,) in found)

    def changed_people(self) -> Iterator[tuple[str, str]]:
        fields = ", ".join("?" for _ in _ASKED_FOR)
        sql = (
            f"SELECT id, value FROM change WHERE kind = 'person' AND field IN ({fields})"  # noqa: S608  question marks
            " ORDER BY set_at DESC LIMIT ?"
        )
        for person, value in self._journal.execute(sql, (*_ASKED_FOR, CHANGED_MAX)):
            read = json.loads(value)
            yield person, " ".join(map(str, read)) if isinstance(read, list) else str(read or "")

    def changed(self, kind: str, name: str) -> Mapping[str, Any]:
        sql = "SELECT field, value FROM change WHERE kind = ? AND id = ?"
        return {field: json.loads(value) for field, value in self._journal.execute(sql, (kind, name))}


def rows_of(db: sqlite3.Connection, sql: str, *places: str) -> Any:
    """Rows as dictionaries, by column."""
    cursor = db.execute(sql, places)
    names = [column[0] for column in cursor.description]
    return (dict(zip(names, row, strict=True)) for row in cursor)


@lru_cache(maxsize=SCHEDULES_KEPT_MAX)
def _schedule(hours: str | None) -> Schedule | None:
    return Schedule.parse(hours) if hours else None


def _referral(row: dict[str, Any]) -> Referral:
    moments = {name: from_text(row[name]) for name in ("start", "set_at")}
    until = from_text(row["until"]) if row["until"] else None
    flags = {name: bool(row[name]) for name in ("direct", "open")}
    return Referral(**row | moments | flags | {"until": until, "source": Source(row["source"])})
