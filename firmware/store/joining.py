"""Items that go both ways, joined with what ``journal.db`` has of them. All of it within a transaction of the caller's.

A register that was set here is the hub's again when its feed was read up to where it has that (firmware/sync/merge.py).
What the feed says of it until then waits, the last of it alone: by then that is what stands.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from firmware.store import outbox
from firmware.store.database import to_text
from firmware.store.registers import REGISTERS
from firmware.sync.merge import stands_in
from firmware.sync.wire import Item

__all__ = ["GROWS", "OVERRULED_MAX", "Joining", "Taken", "put_register", "row_here"]

OVERRULED_MAX = 1_000
"""Kept of what was set here and does not stand; the oldest goes first."""

GROWS = {"referral": "referral", "opening": "opening", "block": "block_set", "lift": "lift"}
"""By kind: the table of a set that only grows."""
_COLUMNS: Mapping[str, tuple[str, ...]] = {
    "referral": (
        *("id", "extension", "reason", "start", "until", "answers_instead", "direct", "open"),
        *("information", "source", "set_by", "set_at", "every"),
    ),
    "opening": ("id", "extension", "at", "seen", "set_by"),
    "block": ("id", "extension", "since", "set_by", "why"),
    "lift": ("id", "extension", "at", "seen", "set_by"),
}
_FLAGS = ("direct", "open")
_LISTS = ("seen",)


@dataclass(frozen=True, slots=True)
class Taken:
    """How many items changed something here, were so already, or wait until the hub has what is set here; and how many
    of what was set here were overruled."""

    changed: int = 0
    known: int = 0
    waiting: int = 0
    overruled: int = 0


class Joining:
    """Items of one transaction: `take` and `settle`, then `end`."""

    def __init__(self, db: sqlite3.Connection, now: datetime) -> None:
        self._db, self._now = db, now
        self._counts = dict.fromkeys(("changed", "known", "waiting", "overruled"), 0)
        self._subjects: set[tuple[str, str]] = set()

    def take(self, item: Item) -> None:
        """One that goes both ways, as the feed has it."""
        if item.kind in GROWS:
            self._grow(item)
        elif self._set_here(item.kind, item.id) is not None:
            self._wait(item)
        else:
            self._register(item)

    def settle(self, cursor: str) -> None:
        """The feed was read up to `cursor`, and all of that taken. Changes of people that the platform has by then lie
        over the directory no more."""
        sql = "SELECT kind, id, effect FROM stamped WHERE effect IS NOT NULL AND number IS NOT NULL"
        there = [(kind, name) for kind, name, effect in self._db.execute(sql) if stands_in(effect, cursor)]
        for kind, name in there:
            if kind == "change":
                self._end_change(name)
            else:
                self._let_go(kind, name)

    def end(self) -> Taken:
        outbox.tell_taken(self._db, sorted(self._subjects))
        return Taken(**self._counts)

    def _wait(self, item: Item) -> None:
        sql = "INSERT OR REPLACE INTO waiting_item (kind, id, row, stamp, by) VALUES (?, ?, ?, ?, ?)"
        self._db.execute(sql, (item.kind, item.id, _text(item.row), item.stamp, item.by))
        self._counts["waiting"] += 1

    def _let_go(self, kind: str, name: str) -> None:
        """Whoever else set it may have overruled what was set here."""
        sql = "DELETE FROM waiting_item WHERE kind = ? AND id = ? RETURNING row, stamp, by"
        waited = self._db.execute(sql, (kind, name)).fetchone()
        if waited is not None:
            self._register(Item(kind, name, _read(waited[0]), waited[1], waited[2]))
        sql = "UPDATE stamped SET epoch = NULL, number = NULL, effect = NULL WHERE kind = ? AND id = ?"
        self._db.execute(sql, (kind, name))

    def _end_change(self, name: str) -> None:
        of, key = name.split("|", 1)
        self._db.execute("DELETE FROM stamped WHERE kind = 'change' AND id = ?", (name,))
        self._subjects.add((of, key))
        self._db.execute("DELETE FROM change WHERE kind = ? AND id = ?", (of, key))
        self._counts["changed"] += 1

    def _grow(self, item: Item) -> None:
        if item.row is None:  # nothing is ever taken out of these
            self._counts["known"] += 1
            return
        columns = _COLUMNS[item.kind]
        row = {column: item.row[column] for column in columns}
        row |= {column: int(row[column]) for column in _FLAGS if column in row}
        row |= {column: json.dumps(sorted(row[column])) for column in _LISTS if column in row}
        names, places = ", ".join(columns), ", ".join("?" for _ in columns)
        # What was here once and is not any more was deleted by a decision of the archive.
        once = self._db.execute("SELECT 1 FROM stamped WHERE kind = ? AND id = ?", (item.kind, item.id)).fetchone()
        sql = f"INSERT INTO {GROWS[item.kind]} ({names}) VALUES ({places}) ON CONFLICT DO NOTHING"  # noqa: S608  ours
        new = once is None and self._db.execute(sql, tuple(row.values())).rowcount > 0
        if item.kind == "lift" and new:
            lifted = [(block,) for block in item.row["seen"]]
            self._db.executemany("INSERT INTO lifted VALUES (?) ON CONFLICT DO NOTHING", lifted)
        other = self._stands(item)
        if new or other:
            self._subjects.add((item.kind, str(row["extension"])))
        self._counts["changed" if new or other else "known"] += 1

    def _register(self, item: Item) -> None:
        register = REGISTERS[item.kind]
        before = register.row(self._db, item.id)
        row = {column: item.row[column] for column in register.columns} if item.row is not None else None
        own = self._set_here(item.kind, item.id)
        if own is not None and before != row and own != item.stamp:
            self._overrule(item, before, own, row)
        changed = before != row
        if changed:
            put_register(self._db, item.kind, item.id, row)
            self._subjects.add((register.told, register.subject_of(item.id, row, before)))
        self._stands(item)
        self._counts["changed" if changed else "known"] += 1

    def _overrule(
        self, item: Item, before: Mapping[str, Any] | None, stamp: str, row: Mapping[str, Any] | None
    ) -> None:
        put = (
            "INSERT INTO overruled (at, kind, item, row, stamp, over_row, over_stamp, over_by)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
        )
        over = (_text(row), item.stamp or "", item.by or "")
        self._db.execute(put, (to_text(self._now), item.kind, item.id, _text(before), stamp, *over))
        sql = "DELETE FROM overruled WHERE id <= (SELECT max(id) FROM overruled) - ?"
        self._db.execute(sql, (OVERRULED_MAX,))
        self._counts["overruled"] += 1

    def _set_here(self, kind: str, name: str) -> str | None:
        """By which stamp, where the hub's feed was not read up to there yet."""
        sql = "SELECT stamp FROM stamped WHERE kind = ? AND id = ? AND number IS NOT NULL"
        found = self._db.execute(sql, (kind, name)).fetchone()
        return None if found is None else str(found[0])

    def _stands(self, item: Item) -> bool:
        """Its stamp is the one that counts everywhere; whether it was another here."""
        sql = "SELECT stamp FROM stamped WHERE kind = ? AND id = ?"
        known = self._db.execute(sql, (item.kind, item.id)).fetchone()
        sql = "INSERT OR REPLACE INTO stamped (kind, id, stamp, by) VALUES (?, ?, ?, ?)"
        self._db.execute(sql, (item.kind, item.id, item.stamp or "", item.by or ""))
        return known is not None and known[0] != (item.stamp or "")


def put_register(db: sqlite3.Connection, kind: str, name: str, row: Mapping[str, Any] | None) -> None:
    REGISTERS[kind].put(db, name, row)
    if kind == "pin_change":  # whoever signed in by the one before
        db.execute("DELETE FROM session WHERE extension = ?", (name,))


def row_here(db: sqlite3.Connection, kind: str, name: str) -> dict[str, Any] | None:
    """As an item has it."""
    if kind in REGISTERS:
        return REGISTERS[kind].row(db, name)
    columns = _COLUMNS[kind]
    sql = f"SELECT {', '.join(columns)} FROM {GROWS[kind]} WHERE id = ?"  # noqa: S608  names of ours
    found = db.execute(sql, (name,)).fetchone()
    if found is None:
        return None
    row = dict(zip(columns, found, strict=True))
    row |= {column: bool(row[column]) for column in _FLAGS if column in row}
    return row | {column: json.loads(row[column]) for column in _LISTS if column in row}


def _text(row: Mapping[str, Any] | None) -> str | None:
    return None if row is None else json.dumps(row, ensure_ascii=False, sort_keys=True)


def _read(text: str | None) -> dict[str, Any] | None:
    found: dict[str, Any] | None = None if text is None else json.loads(text)
    return found
