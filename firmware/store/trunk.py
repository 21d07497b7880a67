"""What `trunk` remembers, in ``journal.db``: steps of calls to 112, minutes used, what was proved of each way out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from callcontrol.trunk.readiness import Proof, What
from callcontrol.trunk.steps import KEPT, Step
from firmware.store import steps
from firmware.store.database import OfJournal, from_text, to_text, transact
from firmware.store.steps import Noted

__all__ = ["Place", "TrunkRows"]


@dataclass(frozen=True, slots=True)
class Place:
    """One way out: this SIM (a hash of its IMSI) in this modem of this model, with this operator."""

    sim: str
    modem: str
    model: str
    operator: str


class TrunkRows(OfJournal):
    """Belongs to the thread that opened it. Every method is one transaction, and on the disk when it returns. Raises
    sqlite3.Error when the disk does not take it."""

    def note(self, noted: Noted) -> None:
        transact(self._db, lambda: steps.put(self._db, (noted,)))

    def steps(self, since: datetime, call: str | None = None) -> tuple[Noted, ...]:
        """See `firmware.store.steps`."""
        return steps.since(self._db, since, call)

    def dialled(self, since: datetime) -> tuple[tuple[str, str, datetime], ...]:
        """Of each call to 112 that a modem has taken since then: modem, the caller's extension, when."""
        sql = (
            "SELECT d.modem, coalesce(max(a.detail), ''), d.at FROM emergency_step d"
            " LEFT JOIN emergency_step a ON a.call = d.call AND a.step = ?"
            " WHERE d.step = ? AND d.at >= ? GROUP BY d.id ORDER BY d.id"
        )
        rows = self._db.execute(sql, (Step.ASKED, Step.DIALLED, to_text(since)))
        return tuple((modem, caller, from_text(at)) for modem, caller, at in rows)

    def used(self, modem: str, day: str) -> float:
        """Seconds of ordinary calls of that day."""
        row = self._db.execute("SELECT seconds FROM modem_day WHERE modem = ? AND day = ?", (modem, day)).fetchone()
        return float(row[0]) if row else 0.0

    def use(self, modem: str, day: str, seconds: float) -> None:
        """So many in all."""
        sql = (
            "INSERT INTO modem_day VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET seconds = max(seconds, excluded.seconds)"
        )
        transact(self._db, lambda: self._db.execute(sql, (modem, day, seconds)))

    def prove(self, place: Place, proved: Mapping[What, Proof]) -> None:
        sql = "INSERT OR REPLACE INTO proof VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
        key = (place.sim, place.modem, place.model, place.operator)
        rows = [(*key, what, to_text(proof.at), proof.good, proof.detail) for what, proof in proved.items()]
        transact(self._db, lambda: self._db.executemany(sql, rows))

    def proofs(self, place: Place) -> dict[What, Proof]:
        sql = "SELECT what, at, good, detail FROM proof WHERE sim = ? AND modem = ? AND model = ? AND operator = ?"
        rows = self._db.execute(sql, (place.sim, place.modem, place.model, place.operator))
        return {What(what): Proof(from_text(at), bool(good), detail) for what, at, good, detail in rows}

    def signal(self, modem: str, at: datetime, dbm: int) -> None:
        sql = (
            "INSERT INTO signal VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE SET"
            " least = min(least, excluded.least), most = max(most, excluded.most)"
        )
        transact(self._db, lambda: self._db.execute(sql, (modem, _hour(at), dbm, dbm)))

    def worst_signal(self, modem: str, since: datetime) -> int | None:
        """dBm; None where none was told."""
        sql = "SELECT min(least) FROM signal WHERE modem = ? AND hour >= ?"
        found = self._db.execute(sql, (modem, _hour(since))).fetchone()[0]
        return None if found is None else int(found)

    def forget(self, now: datetime) -> None:
        """What is older than it is kept."""

        def work() -> None:
            steps.forget(self._db, now)
            self._db.execute("DELETE FROM signal WHERE hour < ?", (_hour(now - KEPT),))
            self._db.execute("DELETE FROM modem_day WHERE day < ?", ((now - timedelta(days=366)).date().isoformat(),))

        transact(self._db, work)


def _hour(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H")
