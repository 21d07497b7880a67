"""Items of the kinds that are the platform's, as rows of ``directory.db``: judged, written. Within the transaction of
whoever calls; listing.py reads them."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from callcontrol.plan.model import Visibility
from callcontrol.plan.pins import Pin
from callcontrol.plan.reach import Category
from callcontrol.plan.schedule import Schedule
from firmware.store import Credential, reasons, services
from firmware.sync.wire import WireError

__all__ = ["KEPT_KINDS", "REFERENCES", "Table", "clear_parts", "is_empty", "judge", "put", "remove", "table_of"]

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Part:
    """A list or map of a row that is a table of its own; `of`: its column that names the row."""

    field: str
    table: str
    of: str
    columns: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Table:
    """`flags` are booleans, `lists` are JSON in text."""

    kind: str
    name: str
    key: str
    columns: tuple[str, ...]
    flags: tuple[str, ...] = ()
    lists: tuple[str, ...] = ()
    parts: tuple[Part, ...] = ()

    def stored(self, row: Row) -> tuple[Any, ...]:
        """The values of a row, by `columns`."""
        values = []
        for column in self.columns:
            value = row[column]
            if column in self.lists:
                value = json.dumps(value, ensure_ascii=False, sort_keys=True)
            elif column in self.flags:
                value = int(value)
            values.append(value)
        return tuple(values)


_SERVICE = tuple(column for column in services.COLUMNS if column != "entity")

_TABLES: Mapping[str, Table] = {
    table.kind: table
    for table in (
        Table(
            "municipality", "municipality", "id", ("id", "name", "hours"),
            parts=(
                Part("choices", "choice", "municipality", ("name", "value")),
                Part("reasons", "reason", "municipality", ("key", "body")),
            ),
        ),
        Table("reach_class", "reach_class", "name", ("name", "open"), lists=("open",)),
        Table(
            "entity", "entity", "id", ("id", "municipality", "name", "greeting", "main_number", "reception"),
            parts=(
                Part("numbers", "entity_number", "entity", ("number",)),
                Part("service", "service", "entity", _SERVICE),
            ),
        ),
        Table(
            "unit", "unit", "id",
            (
                *("id", "entity", "parent", "name", "cost_centre", "secret", "identity", "telephony_contact"),
                *("attended_by", "unstaffed", "emergency_number", "on_call"),
            ),
            flags=("secret", "unstaffed"),
        ),
        Table(
            "person", "person", "id",
            (
                *("id", "given", "family", "unit", "title", "cost_centre", "duties", "search_words", "location"),
                *("email", "sms", "mobile", "deputy", "phone_hours", "protected", "visibility"),
            ),
            flags=("protected",), lists=("duties", "search_words", "visibility"),
        ),
        Table(
            "extension", "extension", "number",
            (
                *("number", "kind", "unit", "person", "reach", "identity", "direct_number", "mobile", "mobile_twin"),
                *("hours", "fallback", "voicemail", "announcement", "distribution"),
            ),
            flags=("voicemail",), parts=(Part("members", "member", "hunt", ("place", "extension")),),
        ),
        Table(
            "pick_up", "pick_up", "name", ("name", "entity", "barge_in"), flags=("barge_in",),
            parts=(Part("members", "pick_up_member", "pick_up", ("extension",)),),
        ),
        Table(
            "credential", "credential", "extension",
            ("extension", "mode", "ha1_md5", "ha1_sha256", "realm", "user", "changed_at"),
        ),
        Table("pin", "pin", "extension", ("extension", "hash")),
    )
}  # fmt: skip

_ROLES = Part("roles", "role", "person", ("role", "scope"))
"""All that a person may do is one item, and has no row but these."""

KEPT_KINDS = (
    "municipality",
    "reach_class",
    "entity",
    "unit",
    "person",
    "extension",
    "pick_up",
    "role",
    "credential",
    "pin",
)
"""Those that are kept in ``directory.db``, each after what it names."""

REFERENCES: Sequence[tuple[str, str, str]] = (
    ("entity", "municipality", "municipality"),
    ("unit", "entity", "entity"),
    ("person", "unit", "unit"),
    ("extension", "unit", "unit"),
    ("extension", "person", "person"),
    ("pick_up", "entity", "entity"),
    ("role", "person", "person"),
)
"""Kind, the field by which it names another, and whose kind that is."""


def table_of(kind: str) -> Table | None:
    return _TABLES.get(kind)


# Judging


def judge(kind: str, row: Row) -> None:
    """Beyond the schema: what would be read as nothing that can be. Raises WireError, which names the field."""
    field = ""
    try:
        if kind == "municipality":
            field = "hours"
            _schedule(row["hours"])
            field = "reasons"
            for key, body in row["reasons"].items():
                reasons.from_body(key, json.dumps(body))
        elif kind == "entity" and row["service"] is not None:
            field = "service"
            services.from_row({**{name: row["service"][name] for name in _SERVICE}, "entity": row["id"],
                               "on_call": json.dumps(row["service"]["on_call"])})  # fmt: skip
        elif kind == "person":
            field = "phone_hours"
            _schedule(row["phone_hours"])
            field = "visibility"
            for value in row["visibility"].values():
                Visibility(value)
        elif kind == "extension":
            field = "hours"
            _schedule(row["hours"])
            field = "distribution"
            if (row["kind"] == "hunt") != (row["distribution"] is not None):
                raise ValueError("there for a hunt group alone")
            field = "members"
            if row["members"] and row["kind"] != "hunt":
                raise ValueError("there for a hunt group alone")
        elif kind == "reach_class":
            field = "open"
            for value in row["open"]:
                Category(value)
        elif kind == "credential":
            field = "credential"
            Credential(**{column: row[column] for column in _TABLES["credential"].columns})
        elif kind == "pin":
            field = "hash"
            Pin(row["hash"])
    except (ValueError, TypeError, KeyError) as error:
        secret = kind in ("credential", "pin")
        raise WireError(field, "cannot be so" if secret else f"cannot be so: {str(error)[:200]}") from None


@lru_cache(1024)
def _schedule(text: str | None) -> None:
    if text is not None:
        Schedule.parse(text)


# Writing


def _taken_apart(part: Part, name: str, value: Any) -> Iterator[tuple[Any, ...]]:
    if part.field == "choices":
        yield from ((name, key, number) for key, number in value.items())
    elif part.field == "reasons":
        yield from ((name, key, json.dumps(body, ensure_ascii=False)) for key, body in value.items())
    elif part.field == "service":
        if value is not None:
            on_call = json.dumps(value["on_call"], ensure_ascii=False)
            yield (name, *((value | {"on_call": on_call})[column] for column in _SERVICE))
    elif part.table == "member":
        yield from ((name, place, member) for place, member in enumerate(value))
    elif part.field == "roles":
        yield from sorted({(name, each["role"], each["scope"]) for each in value})
    else:
        yield from ((name, each) for each in dict.fromkeys(value))


def is_empty(db: sqlite3.Connection, kind: str) -> bool:
    table = _TABLES.get(kind)
    sql = f"SELECT 1 FROM {table.name if table else _ROLES.table} LIMIT 1"  # noqa: S608  names of ours
    return db.execute(sql).fetchone() is None


def clear_parts(db: sqlite3.Connection, kind: str, names: Iterable[str]) -> None:
    """What must be out of the way before any row of `kind` is written: two of them may have changed a number with each
    other."""
    gone = [(name,) for name in names]
    for part in (_ROLES,) if kind == "role" else _TABLES[kind].parts:
        db.executemany(f"DELETE FROM {part.table} WHERE {part.of} = ?", gone)  # noqa: S608  names of ours
    if kind == "extension":
        db.executemany("UPDATE extension SET direct_number = NULL WHERE number = ?", gone)


def put(db: sqlite3.Connection, kind: str, rows: Sequence[tuple[str, Row]]) -> None:
    """Rows whose parts were cleared. Raises sqlite3.IntegrityError."""
    parts: tuple[Part, ...] = (_ROLES,)
    if kind != "role":
        table = _TABLES[kind]
        parts = table.parts
        names, places = ", ".join(table.columns), ", ".join("?" * len(table.columns))
        changed = ", ".join(f"{name} = excluded.{name}" for name in table.columns if name != table.key)
        sql = f"INSERT INTO {table.name} ({names}) VALUES ({places}) ON CONFLICT ({table.key}) DO UPDATE SET {changed}"  # noqa: S608
        db.executemany(sql, [table.stored(row) for _, row in rows])
    for part in parts:
        columns = ", ".join((part.of, *part.columns))
        places = ", ".join("?" * (1 + len(part.columns)))
        sql = f"INSERT INTO {part.table} ({columns}) VALUES ({places})"  # noqa: S608  names of ours
        made = [each for name, row in rows for each in _taken_apart(part, name, row[part.field])]
        if made:
            db.executemany(sql, made)


def remove(db: sqlite3.Connection, kind: str, names: Iterable[str]) -> None:
    """Rows whose parts were cleared."""
    if kind != "role":
        table = _TABLES[kind]
        db.executemany(f"DELETE FROM {table.name} WHERE {table.key} = ?", [(name,) for name in names])  # noqa: S608
