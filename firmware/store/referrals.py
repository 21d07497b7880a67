"""Referrals and openings as rows, each with what the platform has to hear of it, within the transaction of whoever
writes."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping
from datetime import datetime

from callcontrol.plan.absence import Opening, Referral
from firmware.store import outbox
from firmware.store.database import to_text

__all__ = ["put_opening", "put_referral"]


def put_referral(db: sqlite3.Connection, referral: Referral) -> bool:
    """False: its id is known, and what is known stays as it was."""
    row = {
        "id": referral.id,
        "extension": referral.extension,
        "reason": referral.reason,
        "start": to_text(referral.start),
        "until": to_text(referral.until) if referral.until else None,
        "answers_instead": referral.answers_instead,
        "direct": int(referral.direct),
        "open": int(referral.open),
        "information": referral.information,
        "source": str(referral.source),
        "set_by": referral.set_by,
        "set_at": to_text(referral.set_at),
        "every": referral.every,
    }
    return _put(db, "referral", row, referral.set_at)


def put_opening(db: sqlite3.Connection, opening: Opening, now: datetime) -> bool:
    """False: its id is known."""
    row = {
        "id": opening.id,
        "extension": opening.extension,
        "at": to_text(opening.at),
        "seen": json.dumps(sorted(opening.seen)),
        "set_by": opening.set_by,
    }
    return _put(db, "opening", row, now)


def _put(db: sqlite3.Connection, table: str, row: Mapping[str, str | int | None], now: datetime) -> bool:
    names, places = ", ".join(row), ", ".join("?" for _ in row)
    # Not OR IGNORE, which would leave out a row that breaks a CHECK, too.
    sql = f"INSERT INTO {table} ({names}) VALUES ({places}) ON CONFLICT DO NOTHING"  # noqa: S608  names of ours
    new = db.execute(sql, tuple(row.values())).rowcount > 0
    if new:
        outbox.add(db, now, table, str(row["extension"]), row, (table, str(row["id"])))
    return new
