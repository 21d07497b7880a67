"""Lost phones and those of leavers: blocked until somebody lifts it (E5). Within the transaction of whoever calls."""

from __future__ import annotations

import sqlite3
from datetime import datetime

from firmware.store import outbox
from firmware.store.database import to_text

__all__ = ["lift_in", "put_block"]


def put_block(db: sqlite3.Connection, extension: str, set_by: str, why: str, now: datetime) -> bool:
    """False when it was blocked already."""
    row = {"extension": extension, "since": to_text(now), "set_by": set_by, "why": why}
    sql = "INSERT INTO block (extension, since, set_by, why) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING"
    if db.execute(sql, tuple(row.values())).rowcount == 0:
        return False
    outbox.add(db, now, "block", extension, row)
    return True


def lift_in(db: sqlite3.Connection, extension: str, set_by: str, now: datetime) -> bool:
    """False when it was not blocked."""
    if db.execute("DELETE FROM block WHERE extension = ?", (extension,)).rowcount == 0:
        return False
    outbox.add(db, now, "block", extension, {"extension": extension, "lifted": True, "set_by": set_by})
    return True
