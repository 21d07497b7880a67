"""A whole municipality, or several, taken into ``directory.db`` in the place of what was there: all of it or
nothing."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import datetime
from itertools import islice
from typing import Any

from callcontrol.plan.model import Choices, Distribution, Entity, Extension, Person, Unit
from callcontrol.plan.reach import ReachClass
from firmware.store.database import to_text, transact
from firmware.store.search import index

__all__ = ["Bulk", "Loaded", "Municipality", "load", "loaded", "mark_loaded", "plain", "put_organisation"]

_TABLES = (
    *("pick_up", "member", "extension", "person", "role", "reason"),
    *("unit", "entity", "choice", "reach_class", "municipality"),
)
_IF_NEW = "INSERT OR IGNORE"

AT_ONCE = 2_000
"""Rows between two reports of progress."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Municipality:
    id: str
    name: str
    choices: Choices = field(default_factory=Choices)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bulk:
    """What a directory is made of. The iterables are run through once, in this order."""

    municipalities: Sequence[Municipality]
    classes: Sequence[ReachClass] = ()
    entities: Iterable[Entity]
    units: Iterable[Unit]
    people: Iterable[Person]
    extensions: Iterable[Extension]
    groups: Mapping[str, tuple[Distribution, Sequence[str]]] = field(default_factory=dict)
    """By the extension of a Kind.HUNT: how it is rung, and its members in order."""


@dataclass(frozen=True, slots=True)
class Loaded:
    at: str
    source: str
    people: int


def loaded(db: sqlite3.Connection) -> Loaded | None:
    """When and from what the directory was loaded; None when it never was."""
    row = db.execute("SELECT at, source, people FROM loaded").fetchone()
    return Loaded(*row) if row else None


def load(
    db: sqlite3.Connection, bulk: Bulk, source: str, now: datetime, told: Callable[[int], None] = lambda count: None
) -> int:
    """Take it in, credentials untouched; give how many people it has. `told` hears of the people as they are written.

    Raises sqlite3.IntegrityError, with nothing changed, where something refers to what is not there.
    """

    def work() -> int:
        db.execute("PRAGMA defer_foreign_keys = ON")
        for table in _TABLES:
            db.execute(f"DELETE FROM {table}")  # noqa: S608  names of ours
        classes = ({"name": known.name, "open": json.dumps(sorted(known.open))} for known in bulk.classes)
        _put_many(db, "reach_class", classes)
        put_organisation(db, bulk.municipalities, bulk.entities, bulk.units)
        count = _put_many(db, "person", map(_person, bulk.people), told)
        groups = {number: distribution for number, (distribution, _) in bulk.groups.items()}
        _put_many(db, "extension", (_extension(extension, groups) for extension in bulk.extensions))
        for number, (_, members) in bulk.groups.items():
            for place, member in enumerate(members):
                _put(db, "member", {"hunt": number, "place": place, "extension": member})
        index(db)
        mark_loaded(db, source, now)
        return count

    return transact(db, work)


def mark_loaded(db: sqlite3.Connection, source: str, now: datetime) -> None:
    """Say when and from what the people are. Only within the transaction that brings them."""
    people = db.execute("SELECT count(*) FROM person").fetchone()[0]
    _put(db, "loaded", {"id": 1, "at": to_text(now), "source": source, "people": people}, "INSERT OR REPLACE")


def put_organisation(
    db: sqlite3.Connection, municipalities: Iterable[Municipality], entities: Iterable[Entity], units: Iterable[Unit]
) -> None:
    """Those of them that are not there yet. Only within a transaction."""
    there = {name for (name,) in db.execute("SELECT id FROM municipality")}
    for municipality in municipalities:
        if municipality.id in there:
            continue
        _put(db, "municipality", {"id": municipality.id, "name": municipality.name})
        for choice in fields(Choices):
            value = int(getattr(municipality.choices, choice.name))
            _put(db, "choice", {"municipality": municipality.id, "name": choice.name, "value": value})
    known = tuple(entities)
    _put_many(db, "entity", map(_entity, known), verb=_IF_NEW)
    for entity in known:
        numbers = ({"number": number, "entity": entity.id} for number in entity.numbers)
        _put_many(db, "entity_number", numbers, verb=_IF_NEW)
    _put_many(db, "unit", map(_unit, units), verb=_IF_NEW)


def _entity(entity: Entity) -> dict[str, Any]:
    names = ("id", "municipality", "name", "greeting", "main_number", "reception")
    return {name: getattr(entity, name) for name in names}


def _unit(unit: Unit) -> dict[str, Any]:
    return {column.name: plain(getattr(unit, column.name)) for column in fields(Unit) if column.name != "referred"}


def _person(person: Person) -> dict[str, Any]:
    row = {column.name: plain(getattr(person, column.name)) for column in fields(Person)}
    visibility = {name: str(who) for name, who in person.visibility.items()}
    lists = {name: json.dumps(getattr(person, name), ensure_ascii=False) for name in ("duties", "search_words")}
    return row | lists | {"visibility": json.dumps(visibility, sort_keys=True)}


_OF_JOURNAL = ("blocked", "locked", "takes_messages", "unheard_since")
"""Of an extension, what is not the directory's: tables block, lock, mailbox and message."""


def _extension(extension: Extension, groups: Mapping[str, Distribution]) -> dict[str, Any]:
    row = {column.name: plain(getattr(extension, column.name)) for column in fields(Extension)}
    for name in _OF_JOURNAL:
        del row[name]
    return row | {"reach": extension.reach.name, "distribution": groups.get(extension.number)}


def plain(value: Any) -> Any:
    if value is None or isinstance(value, int):
        return value if value is None else int(value)
    return str(value)


def _put(db: sqlite3.Connection, table: str, row: dict[str, Any], verb: str = "INSERT") -> None:
    sql = f"{verb} INTO {table} ({', '.join(row)}) VALUES ({', '.join('?' for _ in row)})"
    db.execute(sql, tuple(row.values()))


def _put_many(
    db: sqlite3.Connection,
    table: str,
    rows: Iterable[dict[str, Any]],
    told: Callable[[int], None] = lambda count: None,
    verb: str = "INSERT",
) -> int:
    count = 0
    source = iter(rows)
    while some := list(islice(source, AT_ONCE)):
        names = tuple(some[0])
        sql = f"{verb} INTO {table} ({', '.join(names)}) VALUES ({', '.join('?' for _ in names)})"
        db.executemany(sql, [tuple(row.values()) for row in some])
        count += len(some)
        told(count)
    return count
