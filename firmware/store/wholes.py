"""Departments that are referred whole for a time (B3), as ``journal.db`` has them."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from datetime import datetime

from callcontrol.plan.model import Whole
from firmware.store import outbox
from firmware.store.database import OfJournal, from_text, to_text, transact

__all__ = ["KIND", "Wholes", "wholes"]

KIND = "department"
"""Of the outbox."""
NEWEST = 5_000
"""More are over long since."""
_COLUMNS = "id, reason, start, until, emergency_number, information, set_by"


def wholes(journal: sqlite3.Connection) -> Mapping[str, tuple[Whole, ...]]:
    """Those that nobody has ended, by unit, the one that was set last first."""
    sql = (
        f"SELECT unit, {_COLUMNS} FROM department_referral"  # noqa: S608  names of ours
        " WHERE ended_at IS NULL ORDER BY set_at DESC, id DESC LIMIT ?"
    )
    found: dict[str, list[Whole]] = {}
    for unit, key, reason, start, until, emergency_number, information, set_by in journal.execute(sql, (NEWEST,)):
        whole = Whole(
            id=key,
            reason=reason,
            start=from_text(start),
            until=from_text(until) if until else None,
            emergency_number=emergency_number,
            information=information,
            set_by=set_by,
        )
        found.setdefault(unit, []).append(whole)
    return {unit: tuple(each) for unit, each in found.items()}


class Wholes(OfJournal):
    """Writes ``journal.db``, as `Changes` does. Raises sqlite3.Error."""

    def refer(self, units: Sequence[str], whole: Whole, now: datetime) -> None:
        """All of them or none, each by an id of its own, made of the one that is given."""

        def work() -> None:
            for place, unit in enumerate(units):
                key = whole.id if len(units) == 1 else f"{whole.id}.{place}"
                row = {
                    "id": key,
                    "unit": unit,
                    "reason": whole.reason,
                    "start": to_text(whole.start),
                    "until": to_text(whole.until) if whole.until else None,
                    "emergency_number": whole.emergency_number,
                    "information": whole.information,
                    "set_by": whole.set_by,
                    "set_at": to_text(now),
                }
                names, places = ", ".join(row), ", ".join("?" for _ in row)
                sql = f"INSERT INTO department_referral ({names}) VALUES ({places}) ON CONFLICT DO NOTHING"  # noqa: S608
                if self._db.execute(sql, tuple(row.values())).rowcount > 0:
                    told = {**row, "ended_at": None, "ended_by": None}
                    outbox.add(self._db, now, KIND, unit, told, (KIND, key))

        transact(self._db, work)

    def end(self, units: Sequence[str], set_by: str, now: datetime) -> tuple[str, ...]:
        """Those of these units that are not over; their ids."""

        def work() -> tuple[str, ...]:
            ended: list[str] = []
            for unit in units:
                sql = (
                    "UPDATE department_referral SET ended_at = ?1, ended_by = ?2"
                    " WHERE unit = ?3 AND ended_at IS NULL AND (until IS NULL OR until > ?1) RETURNING *"
                )
                found = self._db.execute(sql, (to_text(now), set_by, unit))
                names = [column for column, *_ in found.description]
                for row in sorted((dict(zip(names, each, strict=True)) for each in found), key=lambda row: row["id"]):
                    outbox.add(self._db, now, KIND, unit, row, (KIND, row["id"]))
                    ended.append(row["id"])
            return tuple(ended)

        return transact(self._db, work)
