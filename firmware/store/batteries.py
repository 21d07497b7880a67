"""What is kept of batteries in ``journal.db``: what each has taught, looks of a discharge that is not over, and what it
was learnt to hold over the years."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from firmware.store.database import OfJournal, from_text, to_text, transact

__all__ = ["BatteryRows", "Capacity", "Look"]

BATTERY_MAX_BYTES = 64 * 1024
LOOKS_KEPT = 2_000
"""Of each battery: 33 hours of a look a minute."""
CAPACITIES_KEPT = 200


@dataclass(frozen=True, slots=True)
class Look:
    """`boot`: of the kernel whose monotonic clock `at_s` is. `said`: the rest (firmware/power/interrupted.py)."""

    boot: str
    at_s: float
    said: str


@dataclass(frozen=True, slots=True)
class Capacity:
    """What a full one gives, Wh at its power of reference, as was known after a discharge that ended then."""

    at: datetime
    wh: float


class BatteryRows(OfJournal):
    """Belongs to the thread that opened it. What writes is one transaction. Raises sqlite3.Error."""

    def battery(self, name: str) -> str | None:
        """What was learnt, as it was kept."""
        row = self._db.execute("SELECT learnt FROM power_battery WHERE name = ?", (name,)).fetchone()
        return str(row[0]) if row else None

    def learn(self, name: str, at: datetime, learnt: str, wh: float | None) -> None:
        """Its discharge is over, and its looks have taught all that they can. `wh`: what it was learnt to hold; None:
        nothing of that. Raises ValueError for what no battery has to say."""
        if len(learnt) > BATTERY_MAX_BYTES:
            raise ValueError(f"{name}: {len(learnt)} bytes of a battery")

        def work() -> None:
            sql = "INSERT OR REPLACE INTO power_battery (name, at, learnt) VALUES (?, ?, ?)"
            self._db.execute(sql, (name, to_text(at), learnt))
            self._db.execute("DELETE FROM power_look WHERE name = ?", (name,))
            if wh is not None:
                sql = "INSERT OR REPLACE INTO power_capacity (name, at, wh) VALUES (?, ?, ?)"
                self._db.execute(sql, (name, to_text(at), wh))
                sql = (
                    "DELETE FROM power_capacity WHERE name = ?1 AND at NOT IN"
                    " (SELECT at FROM power_capacity WHERE name = ?1 ORDER BY at DESC LIMIT ?2)"
                )
                self._db.execute(sql, (name, CAPACITIES_KEPT))

        transact(self._db, work)

    def capacities(self, name: str) -> tuple[Capacity, ...]:
        """The oldest first."""
        sql = "SELECT at, wh FROM power_capacity WHERE name = ? ORDER BY at"
        return tuple(Capacity(from_text(at), wh) for at, wh in self._db.execute(sql, (name,)))

    def look(self, name: str, looks: Sequence[Look]) -> None:
        """More of its discharge; of too many the oldest stay, as how full it was at first cannot be had again."""

        def work() -> None:
            kept = self._db.execute("SELECT count(*) FROM power_look WHERE name = ?", (name,)).fetchone()[0]
            sql = "INSERT OR REPLACE INTO power_look (name, boot, at_s, said) VALUES (?, ?, ?, ?)"
            for each in looks[: max(LOOKS_KEPT - kept, 0)]:
                self._db.execute(sql, (name, each.boot, each.at_s, each.said))

        transact(self._db, work)

    def forget(self, name: str) -> None:
        """Its discharge is over, and has taught nothing."""
        transact(self._db, lambda: self._db.execute("DELETE FROM power_look WHERE name = ?", (name,)))

    def looks(self, name: str) -> tuple[Look, ...]:
        """In order."""
        sql = "SELECT boot, at_s, said FROM power_look WHERE name = ? ORDER BY boot, at_s"
        return tuple(Look(*row) for row in self._db.execute(sql, (name,)))
