"""Reserve plans that were confirmed (A9), in ``journal.db``."""

from __future__ import annotations

import sqlite3
from dataclasses import asdict, dataclass
from datetime import datetime

from firmware.store import outbox
from firmware.store.database import OfJournal, from_text, to_text, transact

__all__ = ["WHO_MAX", "Confirmed", "ReserveRows", "confirmations"]

WHO_MAX = 100
"""Letters of who confirms."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Confirmed:
    """Raises ValueError, which names the field."""

    unit: str
    at: datetime
    confirmed_by: str
    digest: str

    def __post_init__(self) -> None:
        who = self.confirmed_by
        if not 0 < len(who.strip()) <= WHO_MAX or not who.isprintable():
            raise ValueError(f"confirmed_by: takes 1 to {WHO_MAX} letters")


class ReserveRows(OfJournal):
    """Belongs to the thread that opened it. Raises sqlite3.Error when the disk does not take it."""

    def confirm(self, confirmed: Confirmed) -> None:
        row = {**asdict(confirmed), "at": to_text(confirmed.at)}

        def work() -> None:
            sql = "INSERT INTO reserve (unit, at, confirmed_by, digest) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING"
            if self._db.execute(sql, (row["unit"], row["at"], row["confirmed_by"], row["digest"])).rowcount:
                outbox.add(self._db, confirmed.at, "reserve", confirmed.unit, row)

        transact(self._db, work)


def confirmations(journal: sqlite3.Connection, unit: str) -> tuple[Confirmed, ...]:
    """Of one unit, the newest first."""
    sql = "SELECT unit, at, confirmed_by, digest FROM reserve WHERE unit = ? ORDER BY at DESC"
    return tuple(
        Confirmed(unit=name, at=from_text(at), confirmed_by=who, digest=digest)
        for name, at, who, digest in journal.execute(sql, (unit,))
    )
