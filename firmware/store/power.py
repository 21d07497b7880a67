"""What is kept of power in ``journal.db``: a row a minute, what happened, times without mains, what is shed."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import astuple, dataclass, fields
from datetime import datetime, timedelta

from firmware.store.database import OfJournal, from_text, to_text, transact

__all__ = ["PowerEvent", "PowerMinute", "PowerOutage", "PowerRows"]

MINUTES_KEPT = timedelta(hours=48)
EVENTS_KEPT = 2_000
OUTAGES_KEPT = 500


@dataclass(frozen=True, slots=True)
class PowerMinute:
    """None is not known. `minutes`: those that were certain."""

    at: datetime
    state: str
    mains: str
    volts: float | None = None
    watts: float | None = None
    charge_percent: float | None = None
    minutes: float | None = None
    likely: float | None = None


@dataclass(frozen=True, slots=True)
class PowerEvent:
    at: datetime
    what: str
    name: str
    detail: str


@dataclass(frozen=True, slots=True)
class PowerOutage:
    """`cause` is that of all of them, for who tells outages of several kinds (callcontrol.trunk.smsalarms.Span)."""

    id: int
    began_at: datetime
    ended_at: datetime | None
    time_certain: bool
    cause: str = "mains"


_MINUTE = tuple(field.name for field in fields(PowerMinute))


class PowerRows(OfJournal):
    """Belongs to the thread that opened it. What writes is one transaction. Raises sqlite3.Error."""

    def minute(self, row: PowerMinute) -> None:
        """Another one of the same minute replaces it."""
        values = (to_text(row.at.replace(second=0, microsecond=0)), *astuple(row)[1:])

        def work() -> None:
            self._db.execute(
                f"INSERT OR REPLACE INTO power_minute ({', '.join(_MINUTE)})"  # noqa: S608  names of ours
                f" VALUES ({', '.join('?' for _ in _MINUTE)})",
                values,
            )
            self._db.execute("DELETE FROM power_minute WHERE at < ?", (to_text(row.at - MINUTES_KEPT),))

        transact(self._db, work)

    def minutes(self, since: datetime) -> tuple[PowerMinute, ...]:
        """The oldest first."""
        sql = f"SELECT {', '.join(_MINUTE)} FROM power_minute WHERE at >= ? ORDER BY at"  # noqa: S608  names of ours
        return tuple(PowerMinute(from_text(at), *rest) for at, *rest in self._db.execute(sql, (to_text(since),)))

    def event(self, at: datetime, what: str, name: str = "", detail: str = "") -> None:
        def work() -> None:
            sql = "INSERT INTO power_event (at, what, name, detail) VALUES (?, ?, ?, ?) RETURNING id"
            number = self._db.execute(sql, (to_text(at), what, name, detail)).fetchone()[0]
            self._db.execute("DELETE FROM power_event WHERE id <= ?", (number - EVENTS_KEPT,))

        transact(self._db, work)

    def events(self, limit: int) -> tuple[PowerEvent, ...]:
        """The newest first."""
        sql = "SELECT at, what, name, detail FROM power_event ORDER BY id DESC LIMIT ?"
        return tuple(PowerEvent(from_text(at), *rest) for at, *rest in self._db.execute(sql, (limit,)))

    def outage_begin(self, at: datetime, *, time_certain: bool) -> None:
        """One that is open goes on."""

        def work() -> None:
            if self._db.execute("SELECT 1 FROM power_outage WHERE ended_at IS NULL").fetchone() is None:
                sql = "INSERT INTO power_outage (began_at, time_certain) VALUES (?, ?) RETURNING id"
                number = self._db.execute(sql, (to_text(at), int(time_certain))).fetchone()[0]
                self._db.execute("DELETE FROM power_outage WHERE id <= ?", (number - OUTAGES_KEPT,))

        transact(self._db, work)

    def outage_end(self, at: datetime) -> None:
        """Whatever is open ends."""
        sql = "UPDATE power_outage SET ended_at = max(?, began_at) WHERE ended_at IS NULL"
        transact(self._db, lambda: self._db.execute(sql, (to_text(at),)))

    def outages(self, limit: int) -> tuple[PowerOutage, ...]:
        """The newest first."""
        sql = "SELECT id, began_at, ended_at, time_certain FROM power_outage ORDER BY id DESC LIMIT ?"
        return tuple(
            PowerOutage(number, from_text(began), from_text(ended) if ended else None, bool(certain))
            for number, began, ended, certain in self._db.execute(sql, (limit,))
        )

    def shed(self, name: str, at: datetime, before: Mapping[str, str]) -> None:
        """On the disk before it is switched off, so that it comes back whoever dies meanwhile."""
        sql = "INSERT OR IGNORE INTO power_shed (name, at, before) VALUES (?, ?, ?)"
        transact(self._db, lambda: self._db.execute(sql, (name, to_text(at), json.dumps(dict(before)))))

    def back(self, name: str) -> None:
        transact(self._db, lambda: self._db.execute("DELETE FROM power_shed WHERE name = ?", (name,)))

    def shed_now(self) -> dict[str, dict[str, str]]:
        """What is to be written to have each back, by name."""
        found: dict[str, dict[str, str]] = {}
        for name, before in self._db.execute("SELECT name, before FROM power_shed ORDER BY at"):
            read = json.loads(before)
            found[name] = {str(key): str(value) for key, value in read.items()} if isinstance(read, dict) else {}
        return found
