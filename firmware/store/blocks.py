"""Lost phones and those of leavers: blocked until somebody lifts it (E5). Within the transaction of whoever calls."""

from __future__ import annotations

import json
import sqlite3
from datetime import datetime
from secrets import token_hex

from firmware.store import outbox
from firmware.store.database import to_text

__all__ = ["lift_in", "put_block"]


ID_BYTES = 12

_STANDS = "extension = :extension AND id NOT IN (SELECT block FROM lifted)"


def put_block(db: sqlite3.Connection, extension: str, set_by: str, why: str, now: datetime) -> bool:
    """False when it was blocked already."""
    if db.execute(f"SELECT 1 FROM block_set WHERE {_STANDS}", {"extension": extension}).fetchone():  # noqa: S608  ours
        return False
    row = {"id": token_hex(ID_BYTES), "extension": extension, "since": to_text(now), "set_by": set_by, "why": why}
    db.execute("INSERT INTO block_set VALUES (:id, :extension, :since, :set_by, :why)", row)
    outbox.add(db, now, "block", extension, row, ("block", row["id"]))
    return True


def lift_in(db: sqlite3.Connection, extension: str, set_by: str, now: datetime, why: str | None = None) -> bool:
    """Lift the blocks that are known here, those of `why` alone where it is given; one that somebody sets meanwhile
    elsewhere holds. False when there was none."""
    sql = f"SELECT id FROM block_set WHERE {_STANDS} AND (:why IS NULL OR why = :why) ORDER BY id"  # noqa: S608  ours
    seen = [name for (name,) in db.execute(sql, {"extension": extension, "why": why})]
    if not seen:
        return False
    name = token_hex(ID_BYTES)
    row = {"id": name, "extension": extension, "at": to_text(now), "seen": seen, "set_by": set_by}
    db.execute("INSERT INTO lift VALUES (?, ?, ?, ?, ?)", (name, extension, row["at"], json.dumps(seen), set_by))
    db.executemany("INSERT INTO lifted VALUES (?) ON CONFLICT DO NOTHING", [(block,) for block in seen])
    outbox.add(db, now, "lift", extension, row, ("lift", name))
    return True
