"""``journal.db``: all that is made here and may not be lost. Every process writes it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from functools import reduce
from operator import attrgetter
from typing import Any

from callcontrol.plan.notices import Notice
from callcontrol.records import Outcome, Record, Tried, Way, join
from firmware.store import steps, telling
from firmware.store.changes import NOTICE_COLUMNS, notice_of
from firmware.store.database import OfJournal, from_text, to_text, transact

__all__ = ["Incident", "Journal"]

_COLUMNS = tuple(column.name for column in fields(Record))
_values = attrgetter(*_COLUMNS)
_SELECT = f"SELECT {', '.join(_COLUMNS)} FROM record"  # noqa: S608  names of ours
_SELECT_CALL = (
    f"SELECT id, {', '.join(_COLUMNS)} FROM record"  # noqa: S608  names of ours
    " WHERE (call_id = ? AND from_tag IN (?, ?)) OR (call_id = ? AND to_tag IN (?, ?))"
)
_INSERT = f"INSERT INTO record ({', '.join(_COLUMNS)}) VALUES ({', '.join('?' for _ in _COLUMNS)})"  # noqa: S608
_UPDATE = f"UPDATE record SET {', '.join(f'{name} = ?' for name in _COLUMNS)} WHERE id = ?"  # noqa: S608


@dataclass(frozen=True, slots=True)
class Incident:
    """A time in which the unit was not in NORMAL; ``ended_at`` is None while it lasts."""

    id: int
    began_at: datetime
    ended_at: datetime | None
    cause: str
    mode: str
    detail: str


class Journal(OfJournal):
    """The open file. Belongs to the thread that opened it; another thread or process opens its own."""

    def folded(self, file: str, inode: int) -> int:
        """Give how far this very file is folded, in bytes; 0 for one never met."""
        row = self._db.execute("SELECT offset FROM fold WHERE file = ? AND inode = ?", (file, inode)).fetchone()
        return int(row[0]) if row else 0

    def fold(
        self,
        file: str,
        inode: int,
        offset: int,
        records: Sequence[Record],
        tried: Sequence[Tried] = (),
        *,
        start: int = 0,
    ) -> bool:
        """Take in what ``file`` held from ``start`` to ``offset``: records, steps of 112 and new offset in one
        transaction.

        Give False, with nothing changed, when the file is not folded to just ``start`` any more: another process was
        quicker. A record of a call already known is joined to it, so that each call is one record.
        """

        def work() -> bool:
            if self.folded(file, inode) != start:
                return False
            for record in _joined(records):
                self._put(record)
            steps.put(self._db, map(steps.of_way, tried))
            # An inode met under another name is this file renamed, or one deleted whose number is used again.
            self._db.execute("DELETE FROM fold WHERE inode = ? AND file <> ?", (inode, file))
            self._db.execute(
                "INSERT OR REPLACE INTO fold (file, inode, offset) VALUES (?, ?, ?)", (file, inode, offset)
            )
            return True

        return transact(self._db, work)

    def forget_steps(self, now: datetime) -> None:
        """Of calls to 112, those that are older than they are kept."""
        transact(self._db, lambda: steps.forget(self._db, now))

    def fold_renamed(self, file: str, new_name: str, inode: int) -> None:
        """Say that ``file`` is called ``new_name`` now."""

        def work() -> None:
            self._db.execute("DELETE FROM fold WHERE file = ?", (new_name,))
            self._db.execute("UPDATE fold SET file = ? WHERE file = ? AND inode = ?", (new_name, file, inode))

        transact(self._db, work)

    def fold_deleted(self, file: str) -> None:
        """Say that ``file`` is no more."""
        transact(self._db, lambda: self._db.execute("DELETE FROM fold WHERE file = ?", (file,)))

    def records(self, limit: int) -> tuple[Record, ...]:
        """Give the newest records, newest first."""
        rows = self._db.execute(f"{_SELECT} ORDER BY began_at DESC, id DESC LIMIT ?", (limit,))
        return tuple(map(_record, rows))

    def record(self, call_id: str) -> Record | None:
        """Of a call; of several by one Call-ID the first."""
        rows = self._db.execute(f"{_SELECT} WHERE call_id = ? ORDER BY id LIMIT 1", (call_id,))
        return next(map(_record, rows), None)

    def records_after(self, number: int, limit: int) -> tuple[tuple[int, Record], ...]:
        """Those with a greater number of their row, in its order, each with it."""
        sql = f"SELECT id, {', '.join(_COLUMNS)} FROM record WHERE id > ? ORDER BY id LIMIT ?"  # noqa: S608  ours
        return tuple((key, _record(row)) for key, *row in self._db.execute(sql, (number, limit)))

    def count_since(self, moment: datetime) -> int:
        """Give how many calls began at ``moment`` or later."""
        row = self._db.execute("SELECT count(*) FROM record WHERE began_at >= ?", (to_text(moment),)).fetchone()
        return int(row[0])

    def messages(self) -> int:
        """Give how many messages callers have left; those that are being spoken do not count."""
        return int(self._db.execute("SELECT count(*) FROM message WHERE length_ms IS NOT NULL").fetchone()[0])

    def calls_up(self, since: datetime) -> int:
        """Give how many calls that began at ``since`` or later were answered and have not been seen to end."""
        # As the index record_up has it, word for word: else it is not used.
        sql = "SELECT count(*) FROM record WHERE began_at >= ? AND outcome = 'answered' AND ended_at IS NULL"
        return int(self._db.execute(sql, (to_text(since),)).fetchone()[0])

    def gone_out(self, caller: str, since: datetime) -> tuple[Record, ...]:
        """Give the calls of one caller that went outside, by whatever way, and began at ``since`` or later; no 112."""
        sql = (
            f"{_SELECT} WHERE began_at >= ? AND caller = ? AND way IN ('platform', 'gateway', 'modem')"
            " AND emergency = 0 ORDER BY began_at"
        )
        return tuple(map(_record, self._db.execute(sql, (to_text(since), caller))))

    def called(self, caller: str, since: datetime, until: datetime) -> tuple[Record, ...]:
        """Give all calls of one caller that began in that time."""
        sql = f"{_SELECT} WHERE began_at >= ? AND began_at < ? AND caller = ? ORDER BY began_at"
        return tuple(map(_record, self._db.execute(sql, (to_text(since), to_text(until), caller))))

    def notices(self, since: datetime, limit: int) -> tuple[Notice, ...]:
        """Give what somebody was told of at ``since`` or later, the newest first."""
        sql = f"SELECT {', '.join(NOTICE_COLUMNS)} FROM notice WHERE told_at >= ? ORDER BY told_at DESC LIMIT ?"  # noqa: S608
        return tuple(map(notice_of, self._db.execute(sql, (to_text(since), limit))))

    def incident_begin(self, at: datetime, cause: str, mode: str, detail: str = "") -> int:
        """Write that an incident began; give its number."""
        sql = "INSERT INTO incident (began_at, cause, mode, detail) VALUES (?, ?, ?, ?) RETURNING id"
        row = (to_text(at), cause, mode, detail)

        def work() -> int:
            number = int(self._db.execute(sql, row).fetchone()[0])
            whole = (number, row[0], None, cause, mode, detail)
            telling.incident(self._db, at, dict(zip(telling.INCIDENT, whole, strict=True)))
            return number

        return transact(self._db, work)

    def incident_open(self) -> int | None:
        """Give the newest incident, if nobody has seen its end."""
        row = self._db.execute("SELECT id, ended_at FROM incident ORDER BY id DESC LIMIT 1").fetchone()
        return int(row[0]) if row and row[1] is None else None

    def incident_end(self, number: int, at: datetime) -> None:
        """Write that an incident ended; the first end stays."""
        sql = (
            "UPDATE incident SET ended_at = ? WHERE id = ? AND ended_at IS NULL"
            " RETURNING id, began_at, ended_at, cause, mode, detail"
        )

        def work() -> None:
            for row in self._db.execute(sql, (to_text(at), number)).fetchall():
                telling.incident(self._db, at, dict(zip(telling.INCIDENT, row, strict=True)))

        transact(self._db, work)

    def incidents(self, limit: int) -> tuple[Incident, ...]:
        """Give the newest incidents, newest first; one that has not ended is still on."""
        sql = "SELECT id, began_at, ended_at, cause, mode, detail FROM incident ORDER BY id DESC LIMIT ?"
        return tuple(
            Incident(number, from_text(began), from_text(ended) if ended else None, cause, mode, detail)
            for number, began, ended, cause, mode, detail in self._db.execute(sql, (limit,))
        )

    def _put(self, record: Record) -> None:
        """Join a record to what is known of its call: the same Call-ID and at least one tag."""
        tags = (record.from_tag, record.to_tag or record.from_tag)
        rows = self._db.execute(_SELECT_CALL, (record.call_id, *tags, record.call_id, *tags)).fetchall()
        if not rows:
            self._db.execute(_INSERT, _row(record))
            telling.record(self._db, record)
            return
        whole = reduce(join, (_record(row[1:]) for row in rows), record)
        # A BYE and an early failure may have stood apart until the line that has both their tags.
        kept, *others = (row[0] for row in rows)
        self._db.executemany("DELETE FROM record WHERE id = ?", [(number,) for number in others])
        self._db.execute(_UPDATE, (*_row(whole), kept))
        if len(rows) > 1 or whole != _record(rows[0][1:]):
            telling.record(self._db, whole)


def _joined(records: Sequence[Record]) -> Iterable[Record]:
    """The same, those of one call with the same two tags joined: what began and ended since is written once."""
    found: dict[tuple[str, frozenset[str]], Record] = {}
    for record in records:
        key = record.call_id, frozenset((record.from_tag, record.to_tag))
        found[key] = join(found[key], record) if key in found else record
    return found.values()


def _row(record: Record) -> tuple[Any, ...]:
    return tuple(to_text(value) if isinstance(value, datetime) else value for value in _values(record))


def _record(row: Iterable[Any]) -> Record:
    values = dict(zip(_COLUMNS, row, strict=True))
    for name in ("began_at", "answered_at", "ended_at"):
        values[name] = from_text(values[name]) if values[name] else None
    for name in ("emergency", "time_certain"):
        values[name] = bool(values[name])
    return Record(**values | {"way": Way(values["way"]), "outcome": Outcome(values["outcome"])})
