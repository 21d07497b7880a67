"""Calls and incidents, told to the platform: from when the unit has one that it tells (`uplink`). Within
the transaction of whoever writes them."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime

from callcontrol.records import Outcome, Record
from firmware.store import outbox
from firmware.store.database import from_text, to_text

__all__ = ["INCIDENT", "body_of", "earlier_incidents", "incident", "record"]

INCIDENT = ("id", "began_at", "ended_at", "cause", "mode", "detail")
"""What is told of one."""
INCIDENTS_MAX = 10_000
"""From before there was a hub, the newest."""


def body_of(record: Record) -> dict[str, object]:
    """Without what nobody has said: most records of a branch are of calls within the house."""
    given = asdict(record) | {
        name: to_text(moment) if moment else None
        for name, moment in (
            ("began_at", record.began_at),
            ("answered_at", record.answered_at),
            ("ended_at", record.ended_at),
        )
    }
    return {name: value for name, value in given.items() if value not in (None, "", False) or name == "time_certain"}


def record(db: sqlite3.Connection, record: Record) -> None:
    """One that is at its end; again when more of it is known. The platform joins them by the call."""
    if (record.outcome is not Outcome.ANSWERED or record.ended_at is not None) and outbox.has_hub(db):
        outbox.add(db, record.ended_at or record.began_at, "record", record.caller, body_of(record))


def incident(db: sqlite3.Connection, at: datetime, body: Mapping[str, object]) -> None:
    """Its begin, or its end; all of it."""
    if outbox.has_hub(db):
        outbox.add(db, at.astimezone(UTC), "incident", "", body)


def earlier_incidents(db: sqlite3.Connection, before: str) -> None:
    """Those that began before a time."""
    sql = f"SELECT {', '.join(INCIDENT)} FROM incident WHERE began_at < ? ORDER BY id DESC LIMIT ?"  # noqa: S608  ours
    for row in reversed(db.execute(sql, (before, INCIDENTS_MAX)).fetchall()):
        body = dict(zip(INCIDENT, row, strict=True))
        incident(db, from_text(body["began_at"]), body)
