"""Rows of a file laid over the directory: gathered beside it, compared with it, and taken in at once or not at all.

What is gathered stands in temporary tables, which SQLite keeps on the disk and nobody else sees: a file of any size
takes little memory, and one with a fault in its last line has changed nothing. A row says what it names; what it does
not name stays as it is, or is as for somebody new. A whole file also says who is gone: whoever is not in it. In a file
of changes they are named.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from types import TracebackType
from typing import Any, Self, TextIO

from callcontrol.plan.reach import ReachClass
from firmware.store.database import transact
from firmware.store.departments import Departments
from firmware.store.load import loaded, mark_loaded, plain, put_organisation
from firmware.store.people_csv import Action, Place, Reading, Row
from firmware.store.search import FEW, index, put_in, take_out

__all__ = ["LISTED_MAX", "Difference", "Overtaken", "Stage"]

LISTED_MAX = 100
"""Entries of a dry run that are told one by one."""

_PERSON = (
    *("id", "given", "family", "unit", "title", "cost_centre", "duties", "search_words", "location", "email", "sms"),
    *("mobile", "deputy", "phone_hours", "protected", "visibility"),
)
_PHONE = (
    *("number", "kind", "unit", "person", "reach", "identity", "direct_number", "mobile", "mobile_twin", "hours"),
    *("fallback", "voicemail", "announcement", "distribution"),
)
_NEW_PERSON: Mapping[str, Any] = dict.fromkeys(_PERSON) | {
    **dict.fromkeys(("given", "family", "title", "cost_centre", "location"), ""),
    "duties": "[]",
    "search_words": "[]",
    "protected": 0,
    "visibility": "{}",
}
_NEW_PHONE: Mapping[str, Any] = dict.fromkeys(_PHONE) | {
    "kind": "person", "reach": "sweden", "identity": "direct", "voicemail": 0,
}  # fmt: skip

_TABLES = (
    "CREATE TEMP TABLE staged_person AS SELECT {person}, 0 AS line, '' AS changed FROM person WHERE 0",
    "CREATE UNIQUE INDEX staged_person_id ON staged_person (id)",
    "CREATE TEMP TABLE staged_phone AS SELECT {phone}, 0 AS line, '' AS changed FROM extension WHERE 0",
    "CREATE UNIQUE INDEX staged_phone_number ON staged_phone (number)",
    "CREATE UNIQUE INDEX staged_direct ON staged_phone (direct_number) WHERE direct_number IS NOT NULL",
    "CREATE TEMP TABLE staged_member (hunt TEXT, place INTEGER, extension TEXT, line INTEGER)",
    "CREATE TEMP TABLE removed_person (id TEXT PRIMARY KEY, line INTEGER)",
    "CREATE TEMP TABLE removed_phone (number TEXT PRIMARY KEY, line INTEGER)",
    "CREATE TEMP TABLE gone_person (id TEXT PRIMARY KEY)",
    "CREATE TEMP TABLE gone_phone (number TEXT PRIMARY KEY)",
)
_GATHERED = (
    *("staged_person", "staged_phone", "staged_member"),
    *("removed_person", "removed_phone", "gone_person", "gone_phone"),
)

_FAULTS = (
    (
        "members",
        "{}: no extension",
        "SELECT line, extension FROM staged_member WHERE line > 0 AND extension NOT IN (SELECT number FROM staged_phone"
        " UNION SELECT number FROM main.extension EXCEPT SELECT number FROM gone_phone)",
    ),
    (
        "id",
        "{}: nobody has this id",
        "SELECT line, person FROM staged_phone WHERE person NOT IN (SELECT id FROM staged_person) AND"
        " (person IN (SELECT id FROM gone_person) OR person NOT IN (SELECT id FROM main.person))",
    ),
    (
        "direct_number",
        "{}: is another extension's",
        "SELECT line, one.direct_number FROM staged_phone AS one JOIN main.extension AS other"
        " ON other.direct_number = one.direct_number WHERE other.number NOT IN (SELECT number FROM staged_phone)"
        " AND other.number NOT IN (SELECT number FROM gone_phone)",
    ),
    (
        "id",
        "{}: is removed on another line",
        "SELECT line, id FROM staged_person WHERE id IN (SELECT id FROM removed_person)",
    ),
    (
        "extension",
        "{}: is somebody else's, until a line takes it from them (bort)",
        "SELECT line, one.number FROM staged_phone AS one JOIN main.extension AS other USING (number)"
        " WHERE other.person IS NOT one.person AND other.number NOT IN (SELECT number FROM removed_phone)"
        " AND coalesce(other.person, '') NOT IN (SELECT id FROM removed_person)",
    ),
)
"""Column, what is said of a value, and the lines with values that cannot be; the last of a file of changes alone."""


class Overtaken(Exception):
    """Another load was taken in since this one began to look; nothing of this one was."""


class _Refused(ValueError):
    def __init__(self, column: str, message: str) -> None:
        super().__init__(message)
        self.column, self.message = column, message


@dataclass(frozen=True, slots=True)
class Difference:
    """What is taken in changes: of `people` that are then there so many are new, were there, of these changed; gone."""

    before: int
    people: int
    extensions: int
    units: int
    new: int
    kept: int
    changed: int
    gone: int
    missing: int
    """Removed by a file of changes, and not there."""
    listed: tuple[tuple[str, str], ...]
    """Who, and "new", "gone" or which columns: at most LISTED_MAX."""


class Stage:
    """One file on its way into the directory of `db`; a context manager, which leaves nothing behind."""

    def __init__(self, db: sqlite3.Connection, *, changes: bool = False) -> None:
        self._db = db
        self._changes = changes
        self._missing = 0

    def __enter__(self) -> Self:
        for sql in _TABLES:
            self._db.execute(sql.format(person=", ".join(_PERSON), phone=", ".join(_PHONE)))
        # One view of the directory until it is compared: who writes meanwhile is not kept waiting.
        self._db.execute("BEGIN")
        self._base = loaded(self._db)
        self._departments = Departments(self._db)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self._db.in_transaction:
            self._db.execute("ROLLBACK")
        with suppress(sqlite3.Error):  # a full disk; they end with the connection
            for table in _GATHERED:
                self._db.execute(f"DROP TABLE IF EXISTS temp.{table}")

    def read(self, reading: Reading, file: TextIO, told: Callable[[int], None] = lambda rows: None) -> None:
        """Take all rows of a file; what is wrong with any is among `reading.faults` afterwards."""
        for row in reading.rows(file, told):
            try:
                self._put(row)
            except _Refused as refused:
                reading.fault(row.line, refused.column, refused.message)
        if not reading.faults:
            self._find_gone()
            for column, message, sql in _FAULTS if self._changes else _FAULTS[:-1]:
                for line, value in self._db.execute(sql):
                    reading.fault(line, column, message.format(value))

    def difference(self) -> Difference:
        """To be asked for after `read`, when there were no faults."""

        def count(sql: str) -> int:
            return int(self._db.execute(f"SELECT count(*) FROM {sql}").fetchone()[0])  # noqa: S608  names of ours

        new = count("staged_person WHERE changed IS NULL")
        before, gone = count("main.person"), count("gone_person")
        kept = before - gone
        extensions = (
            count("main.extension")
            - count("gone_phone")
            + count("staged_phone WHERE number NOT IN (SELECT number FROM main.extension)")
        )
        places = "SELECT unit FROM staged_person UNION SELECT unit FROM staged_phone"
        return Difference(
            before=before,
            people=kept + new,
            extensions=extensions,
            units=count(f"({places})"),
            new=new,
            kept=kept,
            changed=count("staged_person WHERE changed <> ''"),
            gone=gone,
            missing=self._missing,
            listed=tuple(self._listed()),
        )

    def take_in(self, source: str, now: datetime, told: Callable[[int], None] = lambda people: None) -> None:
        """All of it, in one transaction. Raises Overtaken, or sqlite3.Error, with nothing changed."""
        self._db.execute("COMMIT")  # of what was only looked at
        transact(self._db, lambda: self._take_in(source, now, told))

    def _take_in(self, source: str, now: datetime, told: Callable[[int], None]) -> None:
        db = self._db
        if loaded(db) != self._base:
            raise Overtaken
        db.execute("PRAGMA defer_foreign_keys = ON")
        few = self._few()
        if few is not None:
            take_out(db, few)
        put_organisation(db, *self._departments.made)
        # Anew rather than in place: two phones may have changed their direct numbers with each other.
        db.execute(
            "DELETE FROM main.extension WHERE number IN (SELECT number FROM gone_phone UNION ALL"
            " SELECT number FROM staged_phone WHERE changed IS NOT '')"
        )
        db.execute("DELETE FROM main.person WHERE id IN (SELECT id FROM gone_person)")
        names = ", ".join(_PERSON)
        settings = ", ".join(f"{name} = excluded.{name}" for name in _PERSON[1:])
        db.execute(
            f"INSERT INTO main.person ({names}) SELECT {names} FROM staged_person WHERE changed IS NOT ''"  # noqa: S608
            f" ON CONFLICT (id) DO UPDATE SET {settings}"
        )
        names = ", ".join(_PHONE)
        db.execute(
            f"INSERT INTO main.extension ({names}) SELECT {names} FROM staged_phone WHERE changed IS NOT ''"  # noqa: S608
        )
        db.execute("DELETE FROM main.member WHERE hunt IN (SELECT number FROM staged_phone)")
        db.execute("INSERT INTO main.member SELECT hunt, place, extension FROM staged_member")
        for table in ("member", "pick_up_member"):
            db.execute(f"DELETE FROM main.{table} WHERE extension NOT IN (SELECT number FROM main.extension)")  # noqa: S608
        if few is not None:
            put_in(db, few)
        else:
            index(db, told)
        mark_loaded(db, source, now)

    def _few(self) -> Sequence[str] | None:
        """The ids of those of whom the index may have something else afterwards; None where they are many, or where
        the municipalities are others, by whose order it tells them apart."""
        sql = (
            "SELECT id FROM staged_person WHERE changed IS NOT '' UNION SELECT id FROM gone_person"
            " UNION SELECT person FROM staged_phone WHERE changed IS NOT '' UNION SELECT person FROM main.extension"
            " WHERE number IN (SELECT number FROM gone_phone UNION SELECT number FROM staged_phone"
            " WHERE changed IS NOT '') LIMIT ?"
        )
        people = [person for (person,) in self._db.execute(sql, (FEW + 1,)) if person is not None]
        return None if self._departments.made.municipalities or len(people) > FEW else people

    # One row

    def _put(self, row: Row) -> None:
        if row.action is Action.REMOVE:
            self._remove(row)
            return
        unit = None
        if row.person is not None:
            unit = self._put_person(row, row.person)
        if row.extension:
            self._put_phone(row, unit)

    def _put_person(self, row: Row, fields: Mapping[str, object]) -> str:
        """Gives the unit."""
        old = self._old("person", "id", row.id, _PERSON)
        self._judge(row, "id", row.id, old is not None)
        new = {**(old or _NEW_PERSON), "id": row.id, **{name: _stored(value) for name, value in fields.items()}}
        new["unit"] = self._unit(row.place, old["unit"] if old else None)
        if not new["family"]:
            raise _Refused("family", "is empty")
        changed = self._changed(row, "id", old, new)
        self._insert("staged_person", new, row.line, changed, {"id": row.id})
        return str(new["unit"])

    def _put_phone(self, row: Row, unit: str | None) -> None:
        fields = dict(row.phone)
        members = fields.pop("members", None)
        old = self._old("extension", "number", row.extension, _PHONE)
        if row.person is None and not row.id:
            self._judge(row, "extension", row.extension, old is not None)
        if old is not None and fields.get("person", old["person"]) != old["person"]:
            old = None  # another's number begins anew
        new = {**(old or _NEW_PHONE), "number": row.extension}
        new |= {name: _stored(value) for name, value in fields.items()}
        new["unit"] = self._unit(row.place, old["unit"] if old else unit)
        if new["kind"] != "mobile":
            new["mobile"] = None
        elif not new["mobile"]:
            raise _Refused("mobile", "a mobile that is an extension has a number")
        line = row.line
        if new["kind"] != "hunt":
            if members:
                raise _Refused("members", "only a svarsgrupp has members")
            new["distribution"], members = None, ()
        else:
            new["distribution"] = new["distribution"] or "all"
        kept = tuple(self._members(row.extension)) if old is not None else ()
        if members is None:
            members, line = kept, 0
        changed = self._changed(row, "extension", old, new, ("members",) if members != kept else ())
        once = {"extension": row.extension, "direct_number": new["direct_number"]}
        self._insert("staged_phone", new, row.line, changed, once)
        self._db.executemany(
            "INSERT INTO staged_member VALUES (?, ?, ?, ?)",
            [(row.extension, place, member, line) for place, member in enumerate(members)],
        )

    def _unit(self, place: Place | None, old: str | None) -> str:
        if place is not None:
            return self._departments.unit(place, old)
        if old is None:
            raise _Refused("unit", "somebody new has one")
        return old

    def _remove(self, row: Row) -> None:
        """A person with all numbers, or a number alone; who is not there, or has it no more, is gone already."""
        of_person = row.person is not None
        table, key = ("person", row.id) if of_person else ("phone", row.extension)
        there: bool
        if of_person:
            there = self._old("person", "id", row.id, _PERSON) is not None
        else:
            phone = self._old("extension", "number", row.extension, _PHONE)
            there = phone is not None and (not row.id or phone["person"] == row.id)
            if phone is not None and not row.id and phone["person"] == f"ext-{row.extension}":
                self._db.execute("INSERT OR IGNORE INTO removed_person VALUES (?, ?)", (phone["person"], row.line))
        if not there:
            self._missing += 1
            return
        try:
            self._db.execute(f"INSERT INTO removed_{table} VALUES (?, ?)", (key, row.line))  # noqa: S608  ours
        except sqlite3.IntegrityError:
            column = "id" if of_person else "extension"
            raise _Refused(column, f"{key}: is removed on a line before") from None

    def _judge(self, row: Row, column: str, key: str, there: bool) -> None:
        if row.action is Action.CHANGE and not there:
            raise _Refused(column, f"{key}: is not there: a new one is ny")

    def _changed(
        self, row: Row, key: str, old: Mapping[str, Any] | None, new: Mapping[str, Any], more: Sequence[str] = ()
    ) -> str | None:
        """The columns that differ; None of somebody new."""
        if old is None:
            return None
        differ = [name for name in new if new[name] != old[name]] + list(more)
        if differ and row.action is Action.ADD:
            raise _Refused(key, f"is there already, with another {differ[0]}: a change is ändrad")
        return ",".join(differ)

    def _insert(
        self, table: str, row: Mapping[str, Any], line: int, changed: str | None, once: Mapping[str, str | None]
    ) -> None:
        sql = f"INSERT INTO {table} ({', '.join(row)}, line, changed) VALUES ({', '.join('?' * len(row))}, ?, ?)"  # noqa: S608
        try:
            self._db.execute(sql, (*row.values(), line, changed))
        except sqlite3.IntegrityError:
            for column, value in once.items():
                name = "number" if column == "extension" else column
                found = self._db.execute(f"SELECT line FROM {table} WHERE {name} = ?", (value,)).fetchone()  # noqa: S608
                if value is not None and found is not None:
                    raise _Refused(column, f"{value}: is on line {found[0]} already") from None
            raise

    def _old(self, table: str, key: str, value: str, names: Sequence[str]) -> dict[str, Any] | None:
        sql = f"SELECT {', '.join(names)} FROM main.{table} WHERE {key} = ?"  # noqa: S608  names of ours
        found = self._db.execute(sql, (value,)).fetchone()
        return dict(zip(names, found, strict=True)) if found else None

    def _members(self, hunt: str) -> Iterator[str]:
        listed = self._db.execute("SELECT extension FROM main.member WHERE hunt = ? ORDER BY place", (hunt,))
        return (number for (number,) in listed)

    # The whole

    def _find_gone(self) -> None:
        db = self._db
        if not self._changes:
            db.execute("INSERT INTO gone_person SELECT id FROM main.person EXCEPT SELECT id FROM staged_person")
            db.execute(
                "INSERT INTO gone_phone SELECT number FROM main.extension EXCEPT SELECT number FROM staged_phone"
            )
            return
        db.execute("INSERT INTO gone_person SELECT id FROM removed_person EXCEPT SELECT id FROM staged_person")
        db.execute(
            "INSERT INTO gone_phone SELECT number FROM (SELECT number FROM removed_phone UNION SELECT number"
            " FROM main.extension WHERE person IN (SELECT id FROM gone_person)) EXCEPT SELECT number FROM staged_phone"
        )

    def _listed(self) -> Iterator[tuple[str, str]]:
        sql = (
            "SELECT id, 'gone' AS what FROM gone_person UNION ALL SELECT number, 'gone' FROM gone_phone UNION ALL"
            " SELECT id, coalesce(changed, 'new') FROM staged_person WHERE changed IS NOT '' UNION ALL"
            " SELECT number, coalesce(changed, 'new') FROM staged_phone WHERE changed IS NOT '' LIMIT ?"
        )
        return iter(self._db.execute(sql, (LISTED_MAX,)).fetchall())


def _stored(value: object) -> Any:
    """A value of a row as its column holds it."""
    if isinstance(value, tuple):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, Mapping):
        return json.dumps({name: str(who) for name, who in value.items()}, sort_keys=True)
    return value.name if isinstance(value, ReachClass) else plain(value)
