"""What units have sent: each row of each life of each unit, once, as it came; and which numbers are here."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice

from firmware.store.database import to_text
from firmware.sync.wire import Entry
from tools.hub.store import Store

__all__ = ["ABOVE_MAX", "Entries", "Forked", "Life"]

ABOVE_MAX = 1_000
"""Ranges above the first gap that an answer tells; the unit sends what is in others once more."""
DELETED = "deleted"
"""In a body that was emptied by a decision of the archive."""
SESSION_BYTES = 18
_OWN_NAME: Mapping[str, tuple[str, ...]] = {"record": ("call_id", "from_tag"), "step": ("call", "at", "step")}
"""What names a thing of this kind; all others by their `id`."""


class Forked(Exception):
    """A number is here with other content: two journals were one once."""

    def __init__(self, number: int) -> None:
        super().__init__(f"number {number}")
        self.number = number


@dataclass(frozen=True, slots=True)
class Life:
    """Of a unit's journal. `held`: all numbers up to there are here."""

    id: int
    unit: str
    epoch: str
    held: int
    backed_up: int


class Entries:
    """What writes does so within a transaction of the caller's."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._db = store.db

    def begin(self, unit: str, epoch: str, machine: str, now: datetime) -> str:
        """A session of a life, in the place of an older one."""
        session = secrets.token_urlsafe(SESSION_BYTES)
        sql = (
            "INSERT INTO life (unit, epoch, machine, began_at, seen_at, session) VALUES (?, ?, ?, ?, ?, ?)"
            " ON CONFLICT (unit, epoch) DO UPDATE SET seen_at = excluded.seen_at, session = excluded.session,"
            " machine = excluded.machine"
        )
        self._db.execute(sql, (unit, epoch, machine, to_text(now), to_text(now), session))
        return session

    def in_session(self, unit: str, session: str) -> bool:
        sql = "SELECT 1 FROM life WHERE unit = ? AND session = ?"
        return self._db.execute(sql, (unit, session)).fetchone() is not None

    def life(self, unit: str, epoch: str) -> Life | None:
        sql = "SELECT id, unit, epoch, held, backed_up FROM life WHERE unit = ? AND epoch = ?"
        found = self._db.execute(sql, (unit, epoch)).fetchone()
        return Life(*found) if found else None

    def ensure(self, unit: str, epoch: str, now: datetime) -> Life:
        """That life, also where the hub has not heard of it."""
        sql = (
            "INSERT INTO life (unit, epoch, machine, began_at, seen_at) VALUES (?, ?, '', ?, ?)"
            " ON CONFLICT (unit, epoch) DO NOTHING"
        )
        self._db.execute(sql, (unit, epoch, to_text(now), to_text(now)))
        found = self.life(unit, epoch)
        assert found is not None
        return found

    def spoke(self, life: Life, now: datetime) -> None:
        self._db.execute("UPDATE life SET seen_at = ? WHERE id = ?", (to_text(now), life.id))

    def forked(self, life: Life, now: datetime) -> None:
        self._db.execute("UPDATE life SET forked_at = coalesce(forked_at, ?) WHERE id = ?", (to_text(now), life.id))

    def said_of(self, life: Life, first: int, last: int) -> list[tuple[int, int]]:
        """What the unit has of a life, from and to: nothing below is waited for. Gives what is lost by that."""
        self._db.execute("UPDATE life SET last = max(last, ?) WHERE id = ?", (last, life.id))
        if first - 1 <= life.held:
            return []
        missing = self._gaps(life, 1, first - 1)
        if missing:
            self._db.executemany("INSERT INTO lost VALUES (?, ?, ?)", [(life.id, *gap) for gap in missing])
            self._join(life.id, missing)
            self._settle(life.id)
        return missing

    def take(self, life: Life, entries: Sequence[Entry], now: datetime) -> list[Entry]:
        """Put what is not here; gives that, by number. Raises Forked with nothing done."""
        given = self._once(entries)
        here = self._here(life, given) if given else frozenset()
        new = [entry for entry in given if entry.n not in here]
        if not new:
            return []
        at = to_text(now)
        rows = (
            (life.id, one.n, one.at, one.stamp, one.kind, one.subject, _text(one.body), bytes.fromhex(one.content),
             one.sound[0] if one.sound else None, at)
            for one in new
        )  # fmt: skip
        sql = (
            "INSERT INTO entry (life, number, at, stamp, kind, subject, body, content, sound, came_at)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
        )
        self._db.executemany(sql, rows)
        self._join(life.id, _runs(entry.n for entry in new))
        self._settle(life.id)
        self._know(life, new)
        return new

    def refuse(self, life: Life, number: int, why: str) -> None:
        """It is here, and has no effect."""
        sql = "UPDATE entry SET refused = ? WHERE life = ? AND number = ?"
        self._db.execute(sql, (why, life.id, number))

    def refused(self, limit: int) -> list[tuple[str, str, int, str, str, str]]:
        """The newest: unit, epoch, number, kind, why, when it came."""
        sql = (
            "SELECT unit, epoch, number, kind, refused, came_at FROM entry JOIN life ON life.id = entry.life"
            " WHERE refused IS NOT NULL ORDER BY seq DESC LIMIT ?"
        )
        return self._db.execute(sql, (limit,)).fetchall()

    def above(self, life: Life) -> list[list[int]]:
        sql = "SELECT low, high FROM span WHERE life = ? AND low > ? ORDER BY low LIMIT ?"
        return [[low, high] for low, high in self._db.execute(sql, (life.id, life.held + 1, ABOVE_MAX))]

    def has_sound(self, sha256: str) -> bool:
        return self._db.execute("SELECT 1 FROM sound WHERE sha256 = ?", (sha256,)).fetchone() is not None

    def _once(self, entries: Sequence[Entry]) -> list[Entry]:
        """Each number of a batch once, in order."""
        by_number: dict[int, Entry] = {}
        for entry in entries:
            other = by_number.setdefault(entry.n, entry)
            if other is not entry and other.content != entry.content:
                raise Forked(entry.n)
        return [by_number[number] for number in sorted(by_number)]

    def _here(self, life: Life, entries: Sequence[Entry]) -> frozenset[int]:
        """Those that are here; raises Forked for the first that is here with other content."""
        low, high = entries[0].n, entries[-1].n
        sql = "SELECT 1 FROM span WHERE life = ? AND low <= ? AND high >= ? LIMIT 1"
        if self._db.execute(sql, (life.id, high, low)).fetchone() is None:
            return frozenset()
        sql = "SELECT number, content FROM entry WHERE life = ? AND number IN (SELECT value FROM json_each(?))"
        numbers = json.dumps([entry.n for entry in entries])
        here = dict(self._db.execute(sql, (life.id, numbers)))
        for entry in entries:
            if entry.n in here and here[entry.n].hex() != entry.content:
                self._emptied(life, entry)
        return frozenset(here)

    def _emptied(self, life: Life, entry: Entry) -> None:
        """The archive had it deleted: that stands, whichever came first. Raises Forked for what is not that."""
        sql = "SELECT seq, body, sound FROM entry WHERE life = ? AND number = ?"
        seq, body, sound = self._db.execute(sql, (life.id, entry.n)).fetchone()
        if DELETED in json.loads(body):
            return
        if DELETED not in entry.body:
            raise Forked(entry.n)
        sql = "UPDATE entry SET subject = ?, body = ?, content = ?, sound = NULL WHERE seq = ?"
        self._db.execute(sql, (entry.subject, _text(entry.body), bytes.fromhex(entry.content), seq))
        if sound:
            self._db.execute(
                "DELETE FROM sound WHERE sha256 = ?1 AND NOT EXISTS (SELECT 1 FROM entry WHERE sound = ?1)", (sound,)
            )

    def _gaps(self, life: Life, low: int, high: int) -> list[tuple[int, int]]:
        """What is not here of these."""
        sql = "SELECT low, high FROM span WHERE life = ? AND high >= ? AND low <= ? ORDER BY low"
        found, at = [], low
        for begins, ends in self._db.execute(sql, (life.id, low, high)):
            if begins > at:
                found.append((at, begins - 1))
            at = max(at, ends + 1)
        if at <= high:
            found.append((at, high))
        return found

    def _join(self, life: int, runs: Iterable[tuple[int, int]]) -> None:
        """Each run with the spans that it meets is one span."""
        met = "SELECT low, high FROM span WHERE life = ? AND low <= ? ORDER BY low DESC LIMIT 1"
        after = "SELECT low, high FROM span WHERE life = ? AND low > ? AND low <= ? ORDER BY low"
        for low, high in runs:
            begins, ends, gone = low, high, []
            before = self._db.execute(met, (life, low)).fetchone()
            if before is not None and before[1] >= low - 1:
                begins, ends = before[0], max(high, before[1])
                gone.append(begins)
            for other, until in self._db.execute(after, (life, low, high + 1)).fetchall():
                ends = max(ends, until)
                gone.append(other)
            self._db.executemany("DELETE FROM span WHERE life = ? AND low = ?", [(life, one) for one in gone])
            self._db.execute("INSERT INTO span VALUES (?, ?, ?)", (life, begins, ends))

    def _settle(self, life: int) -> None:
        """How far all numbers are here."""
        sql = "UPDATE life SET held = coalesce((SELECT high FROM span WHERE life = ?1 AND low = 1), 0) WHERE id = ?1"
        self._db.execute(sql, (life,))

    def _know(self, life: Life, entries: Sequence[Entry]) -> None:
        named = [(entry, name) for entry in entries if (name := _name(entry))]
        sql = (
            "INSERT INTO known SELECT ?, ?, ?, seq FROM entry WHERE life = ? AND number = ?"
            " ON CONFLICT (kind, unit, id) DO UPDATE SET entry = excluded.entry WHERE excluded.entry > known.entry"
        )
        self._db.executemany(sql, [(one.kind, life.unit, name, life.id, one.n) for one, name in named])


def _name(entry: Entry) -> str:
    values = [entry.body.get(field) for field in _OWN_NAME.get(entry.kind, ("id",))]
    return "" if None in values else "|".join(map(str, values))


def _text(body: Mapping[str, object]) -> str:
    return json.dumps(body, ensure_ascii=False, separators=(",", ":"))


def _runs(numbers: Iterable[int]) -> Iterable[tuple[int, int]]:
    """Of ascending numbers, those that follow each other."""
    rest = iter(numbers)
    for first in islice(rest, 1):
        low = high = first
        for number in rest:
            if number != high + 1:
                yield low, high
                low = number
            high = number
        yield low, high
