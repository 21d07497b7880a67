"""Those who leave, in ``journal.db``: since when, until when, and what somebody has ticked (E5)."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from callcontrol.plan.leaver import BY_HAND, Leaver, Tick, What
from firmware.store import outbox
from firmware.store.blocks import lift_in, put_block
from firmware.store.database import OfJournal, from_text, to_text, transact

__all__ = ["KIND", "Leavers"]

KIND = "leaver"
"""Of the outbox."""
_COLUMNS = "id, person, name, unit, extensions, last_day, began_at, set_by, blocked_at, ended_at, ended_by"


class Leavers(OfJournal):
    """Every method that writes is one transaction, on the disk when it returns. Raises sqlite3.Error."""

    def begin(self, leaver: Leaver, now: datetime) -> bool:
        """False where this person leaves already. Who has no last day yet to come is blocked at once."""

        def work() -> bool:
            if self._open(leaver.person) is not None:
                return False
            row = (
                *(leaver.id, leaver.person, leaver.name, leaver.unit, json.dumps(leaver.extensions)),
                *(leaver.last_day.isoformat() if leaver.last_day else None, to_text(now), leaver.set_by),
            )
            sql = (
                "INSERT INTO leaver (id, person, name, unit, extensions, last_day, began_at, set_by)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
            )
            self._db.execute(sql, row)
            body = {"id": leaver.id, "extensions": list(leaver.extensions), "last_day": row[5], "set_by": leaver.set_by}
            outbox.add(self._db, now, KIND, leaver.person, body)
            if leaver.last_day is None or leaver.last_day < now.date():
                self._block(leaver, leaver.set_by, now)
            return True

        return transact(self._db, work)

    def block_due(self, today: date, now: datetime) -> tuple[Leaver, ...]:
        """Those whose last day is over are blocked; who they are."""
        if not any(_due(leaver, today) for leaver in self.all()):
            return ()

        def work() -> tuple[Leaver, ...]:
            due = tuple(leaver for leaver in self.all() if _due(leaver, today))
            for leaver in due:
                self._block(leaver, leaver.set_by, now)
            return due

        return transact(self._db, work)

    def tick(self, leaver: str, what: What, by: str, now: datetime) -> bool:
        """False where it was ticked, or nobody leaves by that id. ValueError for what is seen, not ticked."""
        if what not in BY_HAND:
            raise ValueError(f"item: {what} is seen by the unit, not ticked")

        def work() -> bool:
            sql = (
                "INSERT INTO leaver_tick (leaver, item, at, set_by)"
                " SELECT id, ?, ?, ? FROM leaver WHERE id = ? AND ended_at IS NULL ON CONFLICT DO NOTHING"
            )
            if self._db.execute(sql, (str(what), to_text(now), by, leaver)).rowcount == 0:
                return False
            outbox.add(self._db, now, KIND, self._person(leaver), {"id": leaver, "done": str(what), "set_by": by})
            return True

        return transact(self._db, work)

    def end(self, leaver: str, by: str, now: datetime, *, stays: bool = False) -> bool:
        """The list is gone through. `stays`: they do not leave after all, and what this blocked is lifted."""

        def work() -> bool:
            sql = "UPDATE leaver SET ended_at = ?, ended_by = ? WHERE id = ? AND ended_at IS NULL"
            if self._db.execute(sql, (to_text(now), by, leaver)).rowcount == 0:
                return False
            body = {"id": leaver, "ended": "stays" if stays else "done", "set_by": by}
            outbox.add(self._db, now, KIND, self._person(leaver), body)
            if stays:
                sql = "SELECT DISTINCT extension FROM block_set WHERE why = ?"
                for (extension,) in self._db.execute(sql, (_why(leaver),)).fetchall():
                    lift_in(self._db, extension, by, now, _why(leaver))
            return True

        return transact(self._db, work)

    def all(self, *, ended: bool = False) -> tuple[Leaver, ...]:
        """Those whose list is not done; or those whose list is."""
        which = "IS NOT NULL" if ended else "IS NULL"
        sql = f"SELECT {_COLUMNS} FROM leaver WHERE ended_at {which} ORDER BY began_at, id"  # noqa: S608  names of ours
        return tuple(self._leaver(row) for row in self._db.execute(sql).fetchall())

    def of(self, person: str) -> Leaver | None:
        """The list of a person that is not done."""
        return self._open(person)

    def _open(self, person: str) -> Leaver | None:
        sql = f"SELECT {_COLUMNS} FROM leaver WHERE person = ? AND ended_at IS NULL"  # noqa: S608  names of ours
        row = self._db.execute(sql, (person,)).fetchone()
        return self._leaver(row) if row else None

    def _person(self, leaver: str) -> str:
        return str(self._db.execute("SELECT person FROM leaver WHERE id = ?", (leaver,)).fetchone()[0])

    def _block(self, leaver: Leaver, by: str, now: datetime) -> None:
        for extension in leaver.extensions:
            put_block(self._db, extension, by, _why(leaver.id), now)
        self._db.execute("UPDATE leaver SET blocked_at = ? WHERE id = ?", (to_text(now), leaver.id))

    def _leaver(self, row: tuple[Any, ...]) -> Leaver:
        key, person, name, unit, extensions, last_day, began_at, set_by, blocked_at, ended_at, ended_by = row
        return Leaver(
            id=key,
            person=person,
            name=name,
            unit=unit,
            extensions=tuple(json.loads(extensions)),
            last_day=date.fromisoformat(last_day) if last_day else None,
            began_at=from_text(began_at),
            set_by=set_by,
            blocked_at=from_text(blocked_at) if blocked_at else None,
            ended_at=from_text(ended_at) if ended_at else None,
            ended_by=ended_by,
            ticks=_ticks(self._db, key),
        )


def _ticks(db: sqlite3.Connection, leaver: str) -> Mapping[What, Tick]:
    sql = "SELECT item, at, set_by FROM leaver_tick WHERE leaver = ?"
    return {What(item): Tick(from_text(at), by) for item, at, by in db.execute(sql, (leaver,))}


def _due(leaver: Leaver, today: date) -> bool:
    return leaver.blocked_at is None and leaver.last_day is not None and leaver.last_day < today


def _why(leaver: str) -> str:
    return f"leaver {leaver}"
