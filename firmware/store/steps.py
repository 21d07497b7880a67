"""Steps of calls to 112 in ``journal.db``: the ways that the edge gives them, and modems, as `trunk` notes them."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta

from callcontrol.records import Outcome, Tried, Way
from callcontrol.trunk.steps import KEPT, Step
from firmware.store import outbox
from firmware.store.database import from_text, to_text

__all__ = ["KEPT_MAX", "Noted", "forget", "of_way", "put", "since"]

KEPT_MAX = 100_000
"""Rows: a phone that calls 112 again and again fills no disk."""
STEPS_MAX = 1_000
"""In one answer, the newest."""
LASTS = timedelta(hours=12)
"""A call that began earlier than the steps that are asked for may have ended among them."""


@dataclass(frozen=True, slots=True)
class Noted:
    """One step of a call. `modem`: "" where none has to do with it."""

    call: str
    at: datetime
    step: str
    modem: str
    detail: str


def of_way(tried: Tried) -> Noted:
    """What the edge has written down of a way."""
    step = Step.WAY if tried.status is None else Step.WAY_FAILED
    return Noted(tried.call_id, tried.at, step, "", " ".join((tried.way, str(tried.status or ""))).strip())


def put(db: sqlite3.Connection, noted: Iterable[Noted]) -> None:
    """Only within a transaction."""
    sql = "INSERT INTO emergency_step (call, at, step, modem, detail) VALUES (?, ?, ?, ?, ?)"
    those = tuple(noted)
    rows = [(each.call, to_text(each.at), each.step, each.modem, each.detail) for each in those]
    if rows:
        if outbox.has_hub(db):
            for each in those:
                outbox.add(db, each.at, "step", "", asdict(each) | {"at": to_text(each.at)})
        db.executemany(sql, rows)
        db.execute("DELETE FROM emergency_step WHERE id <= (SELECT max(id) FROM emergency_step) - ?", (KEPT_MAX,))


def forget(db: sqlite3.Connection, now: datetime) -> None:
    """What is older than it is kept. Only within a transaction."""
    db.execute("DELETE FROM emergency_step WHERE at < ?", (to_text(now - KEPT),))


def since(db: sqlite3.Connection, moment: datetime, call: str | None = None) -> tuple[Noted, ...]:
    """Since then, in order; of one call, or of all. What became of a call that no modem carried is its record's."""
    sql = "SELECT call, at, step, modem, detail FROM emergency_step WHERE at >= ? AND (? IS NULL OR call = ?)"
    rows = db.execute(f"{sql} ORDER BY at DESC, id DESC LIMIT ?", (to_text(moment), call, call, STEPS_MAX))
    noted = [Noted(name, from_text(at), step, modem, detail) for name, at, step, modem, detail in rows]
    noted.reverse()
    noted += (each for each in _ends(db, moment, call) if each.at >= moment)
    return tuple(sorted(noted, key=lambda each: each.at)[-STEPS_MAX:])


def _ends(db: sqlite3.Connection, moment: datetime, call: str | None) -> Iterable[Noted]:
    sql = (
        "SELECT call_id, way, outcome, answered_at, ended_at FROM record WHERE began_at >= ? AND emergency = 1"
        " AND way <> ? AND (? IS NULL OR call_id = ?) ORDER BY began_at DESC LIMIT ?"
    )
    rows = db.execute(sql, (to_text(moment - LASTS), Way.MODEM, call, call, STEPS_MAX))
    for name, way, outcome, answered_at, ended_at in rows:
        if answered_at is not None:
            yield Noted(name, from_text(answered_at), Step.WAY_ANSWERED, "", way)
        if ended_at is not None:
            detail = way if outcome == Outcome.ANSWERED else outcome
            yield Noted(name, from_text(ended_at), Step.OVER, "", detail)
