"""Where each kind of what is kept lies: one table, by which it is counted, found, exported and deleted (E4)."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from firmware.store import outbox
from firmware.store.database import to_text, transact
from firmware.store.retention import Deletion, Kind

__all__ = ["KEPT", "Item", "Place", "count", "delete", "items", "municipalities_of"]

_IN = "IN (SELECT value FROM json_each(:keys))"

BATCH = 500
"""Rows that are looked at, or deleted, at once: nobody else waits for the store meanwhile."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A table of ``journal.db``. `at`: the column of the time that counts. `of`: columns that may hold an extension.
    `ended`: what must be so of a row for it to be deleted at all; `due`: for it to be deleted by its age; `done_at`:
    the column that says since when whom it is to has no more use for it. `parts`: tables whose rows go with those that
    they name, and the column that names them. `folder`: of Paths, where sound of that name lies. `told`: the kinds of
    the outbox that say what a row says; `name`: the column by which they name it."""

    kind: Kind
    table: str
    key: str = "id"
    at: str
    of: tuple[str, ...] = ()
    ended: str = "TRUE"
    due: str = "TRUE"
    done_at: str = ""
    parts: tuple[tuple[str, str], ...] = ()
    folder: str = ""
    told: tuple[str, ...] = ()
    name: str = "id"


KEPT = (
    Place(
        kind=Kind.MESSAGE, table="message", at="left_at", of=("extension",), ended="length_ms IS NOT NULL",
        due="kept_at IS NULL AND (heard_at IS NOT NULL OR discarded_at IS NOT NULL)", done_at="discarded_at",
        folder="messages", told=("message",),
    ),
    Place(
        kind=Kind.MEMO, table="memo", at="taken_at", of=("extension",), due="state = 'handled'",
        told=("memo",),
    ),
    Place(
        kind=Kind.MAIL, table="mail", at="queued_at", ended="ended_at IS NOT NULL", parts=(("mail_try", "mail"),),
        told=("mail",),
    ),
    Place(
        kind=Kind.SMS, table="sms", at="queued_at", of=("reply_to",), ended="ended_at IS NOT NULL", told=("sms",),
        parts=(("sms_try", "sms"), ("sms_part", "sms"), ("sms_report", "sms")),
    ),
    Place(
        kind=Kind.SMS, table="sms_came", at="came_at", of=("extension",), told=("sms_reply",),
        parts=(("sms_pdu", "whole"),),
    ),
    Place(
        kind=Kind.RECORD, table="record", at="began_at", of=("caller", "callee"), told=("record",), name="call_id",
    ),
    Place(
        kind=Kind.THREAT, table="threat", at="marked_at", of=("extension", "other"), folder="threats", told=("threat",)
    ),
    Place(
        kind=Kind.REFERRAL, table="referral", at="until", of=("extension",),
        ended="until IS NOT NULL AND every IS NULL", told=("referral",),
    ),
    Place(
        kind=Kind.FAULT, table="fault_report", at="at", of=("extension",), due="answered_at IS NOT NULL",
        done_at="answered_at", told=("fault_report",),
    ),
)  # fmt: skip
"""In the order in which people ask for them."""


@dataclass(frozen=True, slots=True)
class Item:
    """A row: its key, its time as text, and what may be extensions."""

    key: Any
    at: str
    of: tuple[str, ...]


def count(db: sqlite3.Connection, place: Place) -> tuple[int, str | None, str | None]:
    """How many there are, and the times of the oldest and the newest."""
    sql = f"SELECT count(*), min({place.at}), max({place.at}) FROM {place.table}"  # noqa: S608  names of ours
    number, first, last = db.execute(sql).fetchone()
    return int(number), first, last


def items(
    db: sqlite3.Connection, place: Place, since: datetime | None, until: datetime | None, which: str = "TRUE"
) -> Iterator[Sequence[Item]]:
    """Those of a time, oldest first, in batches; rows may be deleted between two. `which`: a condition of
    its place."""
    columns = ", ".join((place.key, place.at, *place.of))
    sql = (
        f"SELECT {columns} FROM {place.table} WHERE ({place.at}, {place.key}) > (?, ?) AND {place.at} < ?"  # noqa: S608
        f" AND ({which}) ORDER BY {place.at}, {place.key} LIMIT {BATCH}"
    )
    at, key = to_text(since) if since else "", _least(db, place)
    end = to_text(until) if until else "~"  # behind every time
    while rows := db.execute(sql, (at, key, end)).fetchall():
        yield [Item(key, at, tuple(filter(None, of))) for key, at, *of in rows]
        key, at, *_ = rows[-1]


def _least(db: sqlite3.Connection, place: Place) -> object:
    """What comes before every key."""
    kind = db.execute(f"SELECT typeof({place.key}) FROM {place.table} LIMIT 1").fetchone()  # noqa: S608  names of ours
    return -1 if kind and kind[0] == "integer" else ""


def municipalities_of(directory: sqlite3.Connection, batch: Sequence[Item]) -> list[frozenset[str]]:
    """Whose each of these is, as far as the directory knows their extensions."""
    numbers = json.dumps(sorted({number for item in batch for number in item.of}))
    sql = (
        "SELECT extension.number, entity.municipality FROM extension JOIN unit ON unit.id = extension.unit"
        " JOIN entity ON entity.id = unit.entity WHERE extension.number IN (SELECT value FROM json_each(?))"
    )
    known = dict(directory.execute(sql, (numbers,)))
    return [frozenset(known[number] for number in item.of if number in known) for item in batch]


def delete(db: sqlite3.Connection, place: Place, keys: Sequence[Any], deletion: Deletion) -> int:
    """All of these and what goes with them, with its line in the list of deletions, by one transaction; how many there
    were. What the outbox says of them is emptied, and waits again: it tells the platform of the deletion instead. Their
    sound must be gone before: what has sound and no row is taken for a message that nobody has noted yet."""
    given = {"keys": json.dumps(list(keys)), "decision": deletion.decision}
    told = ", ".join(f"'{kind}'" for kind in place.told)

    def work() -> int:
        for table, column in place.parts:
            db.execute(f"DELETE FROM {table} WHERE {column} {_IN}", given)  # noqa: S608  names of ours
        sql = f"SELECT DISTINCT {place.name} FROM {place.table} WHERE {place.key} {_IN}"  # noqa: S608  names of ours
        names = {name for (name,) in db.execute(sql, given)}
        gone = db.execute(f"DELETE FROM {place.table} WHERE {place.key} {_IN}", given).rowcount  # noqa: S608
        if not gone:
            return 0
        if told:
            # One call may have several records, of which some are younger.
            sql = f"SELECT DISTINCT {place.name} FROM {place.table} WHERE {place.name} {_IN}"  # noqa: S608  names of ours
            left = {name for (name,) in db.execute(sql, {"keys": json.dumps(sorted(names))})}
            over = {"keys": json.dumps(sorted(names - left)), "decision": deletion.decision}
            name = f"json_extract(body, '$.{place.name}')"
            emptied = f"subject = '', held = 0, body = json_object('{place.name}', {name}, 'deleted', :decision)"
            db.execute(f"UPDATE outbox SET {emptied} WHERE kind IN ({told}) AND {name} {_IN}", over)  # noqa: S608
        row = {
            **asdict(deletion),
            "at": to_text(deletion.at),
            "kind": deletion.kind.value,
            "items": gone,
            "first_at": to_text(deletion.first_at),
            "last_at": to_text(deletion.last_at),
        }
        places = ", ".join("?" for _ in row)
        sql = f"INSERT INTO deletion ({', '.join(row)}) VALUES ({places})"  # noqa: S608  names of ours
        db.execute(sql, tuple(row.values()))
        outbox.add(db, deletion.at, "deletion", deletion.municipality, row)
        return gone

    return transact(db, work)
