"""A unit that has a hub: what is set here waits for it, what it says is taken, what it overruled is brought back."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import ClassVar

from callcontrol.records import Outcome, Record, Way
from firmware.store import Journal
from firmware.store.changes import Changes
from firmware.store.database import to_text
from firmware.store.received import Received
from firmware.store.sending import Sending
from firmware.sync.stamp import HUB, Stamp
from firmware.sync.wire import Item
from hil.storework.part import Left, Part, Told

__all__ = ["Agreeing"]

MACHINE = "0" * 32
LATER_MS = 60_000
"""The hub's stamps are later than ours by so much, and not from the future."""


class Agreeing(Part):
    found: ClassVar = {
        "heard": "SELECT 1 FROM lock WHERE extension = ? AND set_by = 'bo'",
        "heard_to": "SELECT 1 FROM uplink WHERE taken >= ?",
        "called": "SELECT 1 FROM record JOIN outbox ON json_extract(body, '$.call_id') = call_id WHERE call_id = ?",
        "locked": "SELECT 1 FROM lock JOIN outbox ON subject = extension WHERE extension = ? AND outbox.kind = 'lock'",
        "overruled": "SELECT 1 FROM overruled WHERE item = ?",
        "undone": "SELECT 1 FROM lock JOIN overruled ON item = extension WHERE extension = ? AND undone_by = 'siv'",
    }

    def __init__(self, folder: Path, told: Told) -> None:
        super().__init__(folder, told)
        self._changes = self.open.enter_context(closing(Changes.open(self.journal)))
        self._sending = self.open.enter_context(closing(Sending.open(self.journal)))
        self._received = self.open.enter_context(closing(Received.open(self.journal)))
        self._calls = self.open.enter_context(closing(Journal.open(self.journal)))
        self._sending.begin(MACHINE, datetime.now(UTC))

    def round(self, number: int, now: datetime) -> None:
        heard, locked, over = f"70{number}", f"71{number}", f"72{number}"
        first = f"g.{2 * number + 1}"
        self._received.take([_locked(heard, now)], now, first)
        self.told("heard", heard)
        self.told("heard_to", first)
        for extension in (locked, over):
            self._changes.lock(extension, "anna", now)
        self.told("locked", locked)
        then = f"g.{2 * number + 2}"
        self._sent(then, now)
        self._received.take([Item("lock", over, None, _stamp(), HUB)], now, then)
        self._received.caught_up(then, now)
        self.told("overruled", over)
        self._calls.fold("acc_hub", 1, number + 1, [_missed(f"missed{number}", now)], start=number)
        self.told("called", f"missed{number}")

    def evening(self, now: datetime) -> None:
        over = self._received.overruled()[-1]
        self._received.undo(over.id, "siv", now)
        self.told("undone", over.item)

    def _sent(self, cursor: str, now: datetime) -> None:
        """Locks alone: changes of people end when the hub has them, and others are promised those."""
        epoch, last = self._sending.state()
        sent = [row.number for row in self._sending.rows(epoch, 0, last) if row.kind == "lock"]
        self._sending.answered(epoch, sent, last, [], 0, cursor, now)

    @classmethod
    def wrong(cls, left: Left) -> Iterable[str]:
        """What is set here and has no row that tells of it, or another stamp; what waits for nothing; calls that are
        not told of."""
        alone = (
            "SELECT stamped.kind, id FROM stamped LEFT JOIN outbox USING (epoch, number)"
            " WHERE number IS NOT NULL AND outbox.stamp IS NOT stamped.stamp"
        )
        yield from (f"stamped {name}: its row is not there" for name in left.journal.execute(alone))
        unstamped = "SELECT extension FROM lock WHERE extension NOT IN (SELECT id FROM stamped WHERE kind = 'lock')"
        yield from (f"lock {name}: has no stamp" for (name,) in left.journal.execute(unstamped))
        waiting = (
            "SELECT waiting_item.id FROM waiting_item LEFT JOIN stamped USING (kind, id) WHERE stamped.number IS NULL"
        )
        yield from (f"{name}: waits for nothing" for (name,) in left.journal.execute(waiting))
        stamps = [stamp for (stamp,) in left.journal.execute("SELECT stamp FROM outbox ORDER BY number")]
        if stamps != sorted(set(stamps)):
            yield "stamps of the outbox do not grow"
        ended = "outcome <> 'answered' OR ended_at IS NOT NULL"
        for table, key, which in (("record", "call_id", ended), ("incident", "id", "TRUE")):
            sql = f"SELECT {key} FROM {table} WHERE {which}"  # noqa: S608  names of ours
            there = {row for (row,) in left.journal.execute(sql)}
            sql = f"SELECT json_extract(body, '$.{key}') FROM outbox WHERE kind = '{table}'"  # noqa: S608  ours
            told = {row for (row,) in left.journal.execute(sql)}
            if there != told:
                yield f"{table}: {sorted(there)} is there, {sorted(told)} is told of"


def _locked(extension: str, now: datetime) -> Item:
    return Item("lock", extension, {"extension": extension, "since": to_text(now), "set_by": "bo"}, _stamp(), HUB)


def _missed(name: str, now: datetime) -> Record:
    return Record(
        call_id=name, from_tag="a", to_tag="b", caller="1001", callee="1002", began_at=now, answered_at=None,
        ended_at=None, way=Way.LOCAL, outcome=Outcome.NO_ANSWER, sip_code=408, emergency=False, time_certain=True,
    )  # fmt: skip


def _stamp() -> str:
    return str(Stamp(int(datetime.now(UTC).timestamp() * 1000) + LATER_MS, 0, HUB))
