"""What the archive is promised among the writes of `hil.storework`, for a power cut to fall into."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

from callcontrol.plan.extract import Order
from callcontrol.plan.number import LocalNumbering
from firmware.archive import Archive
from firmware.messages import Kept, Messages
from firmware.paths import Paths
from firmware.store.extracts import ExtractRows
from firmware.store.mailbox import Mailbox
from firmware.store.people import People
from firmware.store.reserves import Confirmed, ReserveRows
from firmware.store.retention import Kind, Retention, Rule

__all__ = ["DELETING", "work", "wrong"]

DELETING = "9001"
"""Whose message is deleted."""


def work(
    folder: Path, messages: Messages, spoken: Sequence[bytes], now: datetime, told: Callable[[str, str], None]
) -> None:
    """Something is decided; a message that was heard goes by it; an extract is made, and a reserve plan confirmed."""
    recording = messages.begin(DELETING, "1002", "archived", "busy")
    for frame in spoken:
        recording.push(frame)
    if recording.finish().result() is not Kept.YES:
        raise AssertionError("a message that was not kept")
    name = recording.recorder.path.stem
    with closing(Mailbox.open(folder / "journal.db")) as mailbox:
        mailbox.heard(DELETING, name, "anna", now)
    with Archive(Paths(folder)) as archive:
        Retention(archive.journal).decide(
            Rule(municipality="", kind=Kind.MESSAGE, days=1, decision="KS 1", set_at=now, set_by="anna")
        )
        told("retention", "KS 1")
        later = datetime.now(UTC) + timedelta(days=2)  # the recording is of today
        if archive.run(later, {Kind.MESSAGE}) != {Kind.MESSAGE: 1}:
            raise AssertionError("what was heard is not deleted alone")
        told("deleted", name)
    with closing(ExtractRows.open(folder / "journal.db")) as extracts:
        people = People.open(folder / "directory.db", folder / "journal.db", LocalNumbering())
        order = Order(
            id="x1", extension="1001", since=now, until=later, asked_by="eva", why="cost", made_by="anna"
        )  # fmt: skip
        extracts.make(order, people, now)
        people.close()
        told("extract", "x1")
    with closing(ReserveRows.open(folder / "journal.db")) as reserves:
        reserves.confirm(Confirmed(unit="bygg", at=now, confirmed_by="eva", digest="0" * 64))
        told("reserve", "bygg")


def wrong(folder: Path, db: sqlite3.Connection, promised: Sequence[Sequence[str]]) -> list[str]:
    """What was deleted and is there, is not told of, or is told of and was not deleted."""
    found = []
    deletions = db.execute("SELECT coalesce(sum(items), 0) FROM deletion").fetchone()[0]
    emptied = db.execute("SELECT count(*) FROM outbox WHERE json_extract(body, '$.deleted') IS NOT NULL").fetchone()[0]
    news = db.execute("SELECT count(*) FROM outbox WHERE kind = 'deletion'").fetchone()[0]
    if not deletions == emptied == news:
        found.append(f"deleted: {deletions} listed, {emptied} emptied, {news} told of")
    back = "SELECT id FROM message JOIN outbox ON id = json_extract(body, '$.id') AND body LIKE '%\"deleted\"%'"
    found += [f"deleted {name}: made anew" for (name,) in db.execute(back)]
    for kind, name in promised:
        if kind == "deleted":
            if deletions != 1 or db.execute("SELECT 1 FROM message WHERE id = ?", (name,)).fetchone():
                found.append(f"deleted {name}: its row is there")
            if (folder / "messages" / f"{name}.wav").exists():
                found.append(f"deleted {name}: its sound is there")
    return found
