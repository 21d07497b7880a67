"""What the hub says of what goes both ways, taken into ``journal.db``: each item once, whatever comes twice.

The hub orders (firmware/sync/merge.py), so an item is taken as it is; but for what was set here and the hub had not
acknowledged when that reading of its feed began: the hub will say what stands of it, once it has it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from firmware.store import outbox
from firmware.store.database import OfJournal, to_text, transact
from firmware.store.registers import REGISTERS
from firmware.sync.wire import Item

__all__ = ["OVERRULED_MAX", "Overruled", "Received", "Taken"]

OVERRULED_MAX = 1_000
"""Kept of what was set here and does not stand; the oldest goes first."""
LIVE_AT_ONCE = 1_000

_GROWS: Mapping[str, tuple[str, ...]] = {
    "referral": (
        *("id", "extension", "reason", "start", "until", "answers_instead", "direct", "open"),
        *("information", "source", "set_by", "set_at", "every"),
    ),
    "opening": ("id", "extension", "at", "seen", "set_by"),
    "block_set": ("id", "extension", "since", "set_by", "why"),
    "lift": ("id", "extension", "at", "seen", "set_by"),
}
_TABLES = {"referral": "referral", "opening": "opening", "block": "block_set", "lift": "lift"}
_FLAGS = ("direct", "open")
_LISTS = ("seen",)


@dataclass(frozen=True, slots=True)
class Taken:
    """How many items changed something here, were so already, waited for what is set here, or are of no kind that is
    known; and how many of what was set here were overruled."""

    changed: int = 0
    known: int = 0
    waiting: int = 0
    unknown: int = 0
    overruled: int = 0


@dataclass(frozen=True, slots=True)
class Overruled:
    """What was set here and does not stand, and what does: rows as items have them, None where it is not set."""

    id: int
    at: str
    kind: str
    item: str
    row: Mapping[str, Any] | None
    stamp: str
    over_row: Mapping[str, Any] | None
    over_stamp: str
    over_by: str


class Received(OfJournal):
    """Belongs to the thread that opened it. Every method is one transaction. Raises sqlite3.Error."""

    def acks(self) -> int:
        """How many answers of the hub were taken; to be asked for before a reading of its feed begins."""
        row = self._db.execute("SELECT answers FROM uplink").fetchone()
        return int(row[0]) if row else 0

    def take(self, items: Iterable[Item], acks: int, now: datetime) -> Taken:
        """Those that go both ways, in this order; others are left out. Each was judged (firmware/sync/wire.py)."""
        those = [item for item in items if item.kind in _TABLES or item.kind in REGISTERS]

        def work() -> Taken:
            counts = dict.fromkeys(("changed", "known", "waiting", "overruled"), 0)
            subjects: set[tuple[str, str]] = set()
            for item in those:
                if self._pending(item, acks):
                    counts["waiting"] += 1
                    continue
                register = item.kind in REGISTERS
                done = self._register(item, now, subjects) if register else self._grows(item, subjects)
                for name in done:
                    counts[name] += 1
            outbox.tell_taken(self._db, sorted(subjects))
            outbox.met(self._db, [item.stamp for item in those if item.stamp])
            return Taken(**counts)

        return transact(self._db, work)

    def caught_up(self, acks: int) -> int:
        """The feed was read to its end, by a reading that began after so many answers: what had been acknowledged by
        then stands there. Changes of people that the platform has heard of lie over the directory no more; how many."""

        def work() -> int:
            heard = [
                str(name).split("|", 1)
                for (name,) in self._db.execute(
                    "SELECT id FROM stamped WHERE kind = 'change' AND acknowledged <= ?", (acks,)
                )
            ]
            for kind, name in heard:
                self._db.execute("DELETE FROM change WHERE kind = ? AND id = ?", (kind, name))
            self._db.execute("DELETE FROM stamped WHERE kind = 'change' AND acknowledged <= ?", (acks,))
            sql = "UPDATE stamped SET epoch = NULL, number = NULL, acknowledged = NULL WHERE acknowledged <= ?"
            self._db.execute(sql, (acks,))
            outbox.tell_taken(self._db, [(kind, name) for kind, name in heard])
            return len(heard)

        return transact(self._db, work)

    def live(self) -> Iterator[list[Item]]:
        """All that goes both ways and is known here, with its stamp, in batches: for a hub that has lost some of it."""
        sql = "SELECT kind, id, stamp, by FROM stamped WHERE kind <> 'change' AND (kind, id) > (?, ?) ORDER BY kind, id"
        at = ("", "")
        while rows := self._db.execute(f"{sql} LIMIT {LIVE_AT_ONCE}", at).fetchall():
            batch = []
            for kind, name, stamp, by in rows:
                row = REGISTERS[kind].row(self._db, name) if kind in REGISTERS else self._grown(kind, name)
                if kind in REGISTERS or row is not None:
                    batch.append(Item(kind, name, row, stamp or None, by or None))
            yield batch
            at = rows[-1][:2]

    def overruled(self) -> tuple[Overruled, ...]:
        """Those that nobody has brought back, the newest first."""
        sql = (
            "SELECT id, at, kind, item, row, stamp, over_row, over_stamp, over_by FROM overruled"
            " WHERE undone_at IS NULL ORDER BY id DESC"
        )
        return tuple(
            Overruled(key, at, kind, item, _read(row), stamp, _read(over), over_stamp, over_by)
            for key, at, kind, item, row, stamp, over, over_stamp, over_by in self._db.execute(sql)
        )

    def undo(self, name: int, by: str, now: datetime) -> bool:
        """Set it again as it was set here, as a change like any other. False: it is not there, or was brought back."""

        def work() -> bool:
            sql = (
                "UPDATE overruled SET undone_at = ?, undone_by = ? WHERE id = ? AND undone_at IS NULL"
                " RETURNING kind, item, row"
            )
            found = self._db.execute(sql, (to_text(now), by, name)).fetchone()
            if found is None:
                return False
            kind, item, text = found
            register, row = REGISTERS[kind], _read(text)
            if row is not None:
                row = {**row, **{field: by for field in ("set_by",) if field in row}}
                row |= {field: to_text(now) for field in ("set_at", "since", "at") if field in row}
            before = register.row(self._db, item)
            self._put(kind, item, row)
            body = dict(row) if row is not None else register.ended(item) | {"set_by": by}
            if kind == "signed_out":
                hunt, extension = item.split("|", 1)
                body = {"hunt": hunt, "extension": extension, "at": to_text(now), "signed_in": row is None}
            elif kind == "service_key" and row is None:
                body = {"entity": item, "state": None, "set_at": to_text(now), "until": None, "set_by": by}
            elif kind == "pin_change":
                body = {"hash": row["hash"] if row else None, "set_at": to_text(now), "set_by": by}
            outbox.add(self._db, now, register.told, register.subject_of(item, row, before), body, (kind, item))
            return True

        return transact(self._db, work)

    # Within a transaction

    def _pending(self, item: Item, acks: int) -> bool:
        sql = (
            "SELECT 1 FROM stamped WHERE kind = ? AND id = ? AND number IS NOT NULL"
            " AND (acknowledged IS NULL OR acknowledged > ?)"
        )
        return self._db.execute(sql, (item.kind, item.id, acks)).fetchone() is not None

    def _grows(self, item: Item, subjects: set[tuple[str, str]]) -> tuple[str, ...]:
        if item.row is None:
            return ("known",)  # nothing is ever taken out of these
        table = _TABLES[item.kind]
        columns = _GROWS[table]
        row = {column: item.row[column] for column in columns}
        row |= {column: int(row[column]) for column in _FLAGS if column in row}
        row |= {column: json.dumps(sorted(row[column])) for column in _LISTS if column in row}
        places = ", ".join("?" for _ in columns)
        sql = f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({places}) ON CONFLICT DO NOTHING"  # noqa: S608  ours
        new = self._db.execute(sql, tuple(row.values())).rowcount > 0
        if item.kind == "lift" and new:
            lifted = [(block,) for block in item.row["seen"]]
            self._db.executemany("INSERT INTO lifted VALUES (?) ON CONFLICT DO NOTHING", lifted)
        stands = self._stands(item)
        if new or stands:
            subjects.add((item.kind, str(row["extension"])))
        return ("changed",) if new or stands else ("known",)

    def _register(self, item: Item, now: datetime, subjects: set[tuple[str, str]]) -> tuple[str, ...]:
        register = REGISTERS[item.kind]
        before = register.row(self._db, item.id)
        row = {column: item.row[column] for column in register.columns} if item.row is not None else None
        known = self._db.execute(
            "SELECT stamp, number FROM stamped WHERE kind = ? AND id = ?", (item.kind, item.id)
        ).fetchone()
        done: tuple[str, ...] = ()
        if known is not None and known[1] is not None and before != row and known[0] != item.stamp:
            put = (
                "INSERT INTO overruled (at, kind, item, row, stamp, over_row, over_stamp, over_by)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
            )
            over = (_text(row), item.stamp or "", item.by or "")
            self._db.execute(put, (to_text(now), item.kind, item.id, _text(before), known[0], *over))
            sql = "DELETE FROM overruled WHERE id <= (SELECT max(id) FROM overruled) - ?"
            self._db.execute(sql, (OVERRULED_MAX,))
            done = ("overruled",)
        changed = before != row
        if changed:
            self._put(item.kind, item.id, row)
            subjects.add((register.told, register.subject_of(item.id, row, before)))
        self._stands(item)
        return (*done, "changed" if changed else "known")

    def _put(self, kind: str, name: str, row: Mapping[str, Any] | None) -> None:
        REGISTERS[kind].put(self._db, name, row)
        if kind == "pin_change":  # whoever signed in by the one before
            self._db.execute("DELETE FROM session WHERE extension = ?", (name,))

    def _stands(self, item: Item) -> bool:
        """Its stamp is the one that counts everywhere; whether it was another here."""
        sql = "SELECT stamp FROM stamped WHERE kind = ? AND id = ?"
        known = self._db.execute(sql, (item.kind, item.id)).fetchone()
        sql = "INSERT OR REPLACE INTO stamped (kind, id, stamp, by) VALUES (?, ?, ?, ?)"
        self._db.execute(sql, (item.kind, item.id, item.stamp or "", item.by or ""))
        return known is not None and known[0] != (item.stamp or "")

    def _grown(self, kind: str, name: str) -> dict[str, Any] | None:
        table = _TABLES[kind]
        columns = _GROWS[table]
        found = self._db.execute(f"SELECT {', '.join(columns)} FROM {table} WHERE id = ?", (name,)).fetchone()  # noqa: S608
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
