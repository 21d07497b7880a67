"""What the platform has to hear: one row for each change that is made here, written with it or not at all.

Each is numbered without gap within its epoch, a life of this journal, and has a stamp (firmware/sync/stamp.py). What
came from the hub has no row here, but its name in `taken_in`, for those who keep answers in memory.
"""

from __future__ import annotations

import json
import secrets
import sqlite3
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from firmware.store.database import to_text
from firmware.sync.stamp import DRIFT_MAX_MS, Stamp, after

__all__ = [
    "EPOCH_BYTES",
    "TAKEN_IN_MAX",
    "TOLD_AT_ONCE",
    "Entry",
    "add",
    "begin_epoch",
    "entries",
    "epoch",
    "has_hub",
    "met",
    "since",
    "taken_since",
    "tell_taken",
]

TOLD_AT_ONCE = 1000
"""Changes that are gone through one by one; after more, all is read anew."""

TAKEN_IN_MAX = 1000
"""Names that are kept of what came from the hub."""

EPOCH_BYTES = 8
"""Two lives of one unit get the same name once in 10^19."""


@dataclass(frozen=True, slots=True)
class Entry:
    """`number` is dense within `epoch`, from 1. `body` is JSON. `stamp` None: from before there were any."""

    epoch: str
    number: int
    at: str
    kind: str
    subject: str
    body: str
    stamp: str | None = None


def _wall_ms() -> int:
    """Of this machine's clock: stamps tell when something was written, whatever moment it is about."""
    return time.time_ns() // 1_000_000


def epoch(db: sqlite3.Connection, now: datetime) -> str:
    """The name of this life of the unit, made when there is none. Only within a transaction."""
    row = db.execute("SELECT epoch FROM epoch").fetchone()
    return str(row[0]) if row is not None else begin_epoch(db, now)


def begin_epoch(db: sqlite3.Connection, now: datetime, machine: str = "") -> str:
    """Another life: numbers begin anew, and stamps follow the clock again. `machine`: whose disk this is, "" as before.
    Only within a transaction."""
    name = secrets.token_hex(EPOCH_BYTES)
    known = db.execute("SELECT machine FROM epoch").fetchone()
    row = (name, to_text(now), machine or (known[0] if known else ""))
    db.execute("DELETE FROM epoch")
    db.execute("INSERT INTO epoch (id, epoch, began_at, machine) VALUES (1, ?, ?, ?)", row)
    return name


def add(
    db: sqlite3.Connection,
    now: datetime,
    kind: str,
    subject: str,
    body: Mapping[str, object],
    item: tuple[str, str] | None = None,
) -> int:
    """Write the next row; give its number. `item`: the kind and id of what goes both ways and is set by it. Only within
    the transaction that writes what it tells of."""
    life, stamp = _next_stamp(db, now)
    number = int(db.execute("UPDATE epoch SET number = number + 1, stamp = ? RETURNING number", (stamp,)).fetchone()[0])
    text = json.dumps(body, ensure_ascii=False, separators=(",", ":"), sort_keys=True)
    sql = "INSERT INTO outbox (epoch, number, at, kind, subject, body, stamp) VALUES (?, ?, ?, ?, ?, ?, ?)"
    db.execute(sql, (life, number, to_text(now), kind, subject, text, stamp))
    if item is not None:
        sql = "INSERT OR REPLACE INTO stamped (kind, id, stamp, by, epoch, number) VALUES (?, ?, ?, ?, ?, ?)"
        db.execute(sql, (*item, stamp, "", life, number))
    return number


def has_hub(db: sqlite3.Connection) -> bool:
    """Whether anybody would ever fetch what is told, and is not told of for its own sake: records, steps, incidents."""
    return db.execute("SELECT 1 FROM uplink").fetchone() is not None


def _next_stamp(db: sqlite3.Connection, now: datetime) -> tuple[str, str]:
    """The life, and the stamp of what is written now. A clock that was set back further than clocks may differ begins
    another life: stamps that run on from its future would be believed by nobody."""
    row = db.execute("SELECT epoch, stamp FROM epoch").fetchone()
    life, last = row if row is not None else (begin_epoch(db, now), "")
    now_ms = _wall_ms()
    if last and Stamp.of(last).ms > now_ms + DRIFT_MAX_MS:
        life, last = begin_epoch(db, now), ""
    return life, after(last, now_ms, life)


def met(db: sqlite3.Connection, stamps: Iterable[str]) -> None:
    """What is written from now on is stamped later than these, as far as they are not from the future. Only within a
    transaction."""
    now_ms = _wall_ms()
    near = [stamp for stamp in stamps if Stamp.of(stamp).ms <= now_ms + DRIFT_MAX_MS]
    if near:
        db.execute("UPDATE epoch SET stamp = max(stamp, ?)", (max(near),))


def entries(db: sqlite3.Connection, after: int, limit: int) -> tuple[Entry, ...]:
    """Those of this life numbered above `after`, in order."""
    sql = (
        "SELECT epoch, number, at, kind, subject, body, stamp FROM outbox"
        " WHERE epoch = (SELECT epoch FROM epoch) AND number > ? ORDER BY number LIMIT ?"
    )
    return tuple(Entry(*row) for row in db.execute(sql, (after, limit)))


def since(db: sqlite3.Connection, number: int) -> tuple[int, tuple[tuple[str, str], ...] | None]:
    """The last number of this life, and kind and subject of what came after `number`; None when that cannot be told."""
    row = db.execute("SELECT number FROM epoch").fetchone()
    last = int(row[0]) if row else 0
    if not 0 <= last - number <= TOLD_AT_ONCE:
        return last, None
    sql = "SELECT kind, subject FROM outbox WHERE epoch = (SELECT epoch FROM epoch) AND number > ?"
    changes = tuple(db.execute(sql, (number,)))
    return last, changes if len(changes) == last - number else None


def tell_taken(db: sqlite3.Connection, names: Iterable[tuple[str, str]]) -> None:
    """Kind and subject, as an entry has them, of what came from the hub. Only within a transaction."""
    db.executemany("INSERT INTO taken_in (kind, subject) VALUES (?, ?)", names)
    db.execute("DELETE FROM taken_in WHERE number <= (SELECT max(number) FROM taken_in) - ?", (TAKEN_IN_MAX,))


def taken_since(db: sqlite3.Connection, number: int) -> tuple[int, tuple[tuple[str, str], ...] | None]:
    """As `since`, of what came from the hub."""
    row = db.execute("SELECT seq FROM sqlite_sequence WHERE name = 'taken_in'").fetchone()
    last = int(row[0]) if row else 0
    if not 0 <= last - number <= TOLD_AT_ONCE:
        return last, None
    changes = tuple(db.execute("SELECT kind, subject FROM taken_in WHERE number > ?", (number,)))
    return last, changes if len(changes) == last - number else None
