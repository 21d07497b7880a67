"""What the archive is promised: something is decided; a message that was heard goes by it; an extract is made, and a
reserve plan confirmed."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import ClassVar

from callcontrol.plan.extract import Order
from callcontrol.plan.number import LocalNumbering
from firmware.archive import Archive
from firmware.messages import Messages
from firmware.paths import Paths
from firmware.store.extracts import ExtractRows
from firmware.store.mailbox import Mailbox
from firmware.store.people import People
from firmware.store.reserves import Confirmed, ReserveRows
from firmware.store.retention import Kind, Retention, Rule
from hil.storework.part import Left, Part
from hil.storework.speaking import DELETING, leave

__all__ = ["Archiving"]


class Archiving(Part):
    found: ClassVar = {
        "retention": "SELECT 1 FROM retention WHERE decision = ?",
        "extract": "SELECT 1 FROM extract WHERE id = ?",
        "reserve": "SELECT 1 FROM reserve WHERE unit = ?",
    }
    judged: ClassVar = frozenset(("deleted",))
    outbox: ClassVar = {
        "retention": "SELECT municipality FROM retention",
        "extract": "SELECT id FROM extract",
        "reserve": "SELECT unit FROM reserve",
    }

    def evening(self, now: datetime) -> None:
        with closing(Messages(Paths(self.folder))) as messages:
            messages.recovered.result()
            name = leave(messages, DELETING, "archived")
        with closing(Mailbox.open(self.journal)) as mailbox:
            mailbox.heard(DELETING, name, "anna", now)
        with Archive(Paths(self.folder)) as archive:
            Retention(archive.journal).decide(
                Rule(municipality="", kind=Kind.MESSAGE, days=1, decision="KS 1", set_at=now, set_by="anna")
            )
            self.told("retention", "KS 1")
            later = datetime.now(UTC) + timedelta(days=2)  # the recording is of today
            if archive.run(later, {Kind.MESSAGE}) != {Kind.MESSAGE: 1}:
                raise AssertionError("what was heard is not deleted alone")
            self.told("deleted", name)
        with (
            closing(ExtractRows.open(self.journal)) as extracts,
            closing(People.open(self.folder / "directory.db", self.journal, LocalNumbering())) as people,
        ):
            order = Order(
                id="x1", extension="1001", since=now, until=later, asked_by="eva", why="cost", made_by="anna"
            )  # fmt: skip
            extracts.make(order, people, now)
            self.told("extract", "x1")
        with closing(ReserveRows.open(self.journal)) as reserves:
            reserves.confirm(Confirmed(unit="bygg", at=now, confirmed_by="eva", digest="0" * 64))
            self.told("reserve", "bygg")

    @classmethod
    def wrong(cls, left: Left) -> Iterable[str]:
        """What was deleted and is there, is not told of, or is told of and was not deleted."""
        sqls = (
            "SELECT coalesce(sum(items), 0) FROM deletion",
            "SELECT count(*) FROM outbox WHERE json_extract(body, '$.deleted') IS NOT NULL",
            "SELECT count(*) FROM outbox WHERE kind = 'deletion'",
        )
        deletions, emptied, news = (left.journal.execute(sql).fetchone()[0] for sql in sqls)
        if not deletions == emptied == news:
            yield f"deleted: {deletions} listed, {emptied} emptied, {news} told of"
        back = "SELECT id FROM message JOIN outbox ON id = json_extract(body, '$.id') AND body LIKE '%\"deleted\"%'"
        yield from (f"deleted {name}: made anew" for (name,) in left.journal.execute(back))
        for name in left.names("deleted"):
            if deletions != 1 or left.journal.execute("SELECT 1 FROM message WHERE id = ?", (name,)).fetchone():
                yield f"deleted {name}: its row is there"
            if (left.folder / "messages" / f"{name}.wav").exists():
                yield f"deleted {name}: its sound is there"
