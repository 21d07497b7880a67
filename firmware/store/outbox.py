"""What the platform has to hear: one row for each change that is made here, written with it or not at all."""

from __future__ import annotations

import json
import secrets
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from firmware.store.database import to_text

__all__ = ["EPOCH_BYTES", "Entry", "add", "entries", "epoch", "since"]

TOLD_AT_ONCE = 1000
"""Changes that are gone through one by one; after more, all is read anew."""

EPOCH_BYTES = 8
"""Two lives of one unit get the same name once in 10^19."""


@dataclass(frozen=True, slots=True)
class Entry:
    """`number` is dense within `epoch`, from 1. `body` is JSON."""

    epoch: str
    number: int
    at: str
    kind: str
    subject: str
    body: str


def epoch(db: sqlite3.Connection, now: datetime) -> str:
    """The name of this life of the unit, made when there is none. Only within a transaction."""
    row = db.execute("SELECT epoch FROM epoch").fetchone()
    if row is not None:
        return str(row[0])
    name = secrets.token_hex(EPOCH_BYTES)
    db.execute("INSERT INTO epoch (id, epoch, began_at) VALUES (1, ?, ?)", (name, to_text(now)))
    return name


def add(db: sqlite3.Connection, now: datetime, kind: str, subject: str, body: Mapping[str, object]) -> None:
    """Write the next row. Only within the transaction that writes what it tells of."""
    life = epoch(db, now)
    number = db.execute("SELECT coalesce(max(number), 0) + 1 FROM outbox WHERE epoch = ?", (life,)).fetchone()[0]
    text = json.dumps(body, ensure_ascii=False, separators=(",", ":"), sort_keys=True)
    db.execute("INSERT INTO outbox VALUES (?, ?, ?, ?, ?, ?)", (life, number, to_text(now), kind, subject, text))


def entries(db: sqlite3.Connection, after: int, limit: int) -> tuple[Entry, ...]:
    """Those of this life numbered above `after`, in order."""
    sql = (
        "SELECT epoch, number, at, kind, subject, body FROM outbox"
        " WHERE epoch = (SELECT epoch FROM epoch) AND number > ? ORDER BY number LIMIT ?"
    )
    return tuple(Entry(*row) for row in db.execute(sql, (after, limit)))


def since(db: sqlite3.Connection, number: int) -> tuple[int, tuple[tuple[str, str], ...] | None]:
    """The last number of this life, and kind and subject of what came after `number`; None when that cannot be told."""
    last = int(
        db.execute("SELECT coalesce(max(number), 0) FROM outbox WHERE epoch = (SELECT epoch FROM epoch)").fetchone()[0]
    )
    if not 0 <= last - number <= TOLD_AT_ONCE:
        return last, None
    sql = "SELECT kind, subject FROM outbox WHERE epoch = (SELECT epoch FROM epoch) AND number > ?"
    changes = tuple(db.execute(sql, (number,)))
    return last, changes if len(changes) == last - number else None
