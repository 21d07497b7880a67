"""Reports of faults, in ``journal.db``: each stays until somebody answers it, and is told to the platform (F4)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from callcontrol.plan.faultreport import Fault, FaultReport, Source, checked
from firmware.store import outbox
from firmware.store.database import OfJournal, from_text, to_text, transact

__all__ = ["KIND", "OPEN_MAX", "FaultRows"]

KIND = "fault_report"
"""Of the outbox."""
OPEN_MAX = 500
"""Reports that nobody has answered; above it none is taken: who reports hears so."""
AN_HOUR_MAX = 20
"""That one reporter may leave in an hour."""
_COLUMNS = "id, at, extension, reporter, source, what, text, mode, incident, answered_at, answered_by, answer"


class FaultRows(OfJournal):
    """Every method that writes is one transaction, on the disk when it returns. Raises sqlite3.Error."""

    def report(self, report: FaultReport) -> bool:
        """Kept with the outage that it is left in. False: it is known. Raises ValueError, which names the field, and
        OverflowError where there are too many."""
        kept = checked(report)

        def work() -> bool:
            waiting = self._count("answered_at IS NULL")
            lately = "reporter = ? AND at BETWEEN ? AND ?"
            hour = to_text(kept.at.replace(minute=0, second=0, microsecond=0))
            if waiting >= OPEN_MAX or self._count(lately, kept.reporter, hour, to_text(kept.at)) >= AN_HOUR_MAX:
                raise OverflowError("too many reports")
            incident = kept.incident
            if incident is None:
                newest = self._db.execute("SELECT id, ended_at FROM incident ORDER BY id DESC LIMIT 1").fetchone()
                incident = newest[0] if newest is not None and newest[1] is None else None
            row = {
                "id": kept.id,
                "at": to_text(kept.at),
                "extension": kept.extension,
                "reporter": kept.reporter,
                "source": str(kept.source),
                "what": str(kept.what),
                "text": kept.text,
                "mode": kept.mode or ("NORMAL" if incident is None else "SURVIVAL"),
                "incident": incident,
            }
            names, places = ", ".join(row), ", ".join("?" for _ in row)
            sql = f"INSERT INTO fault_report ({names}) VALUES ({places}) ON CONFLICT DO NOTHING"  # noqa: S608  ours
            if self._db.execute(sql, tuple(row.values())).rowcount == 0:
                return False
            outbox.add(self._db, kept.at, KIND, kept.extension or "", row)
            return True

        return transact(self._db, work)

    def answer(self, name: str, answer: str, by: str, now: datetime) -> FaultReport | None:
        """As it is then; None: it was answered, or there is none."""

        def work() -> bool:
            sql = (
                "UPDATE fault_report SET answered_at = ?, answered_by = ?, answer = ?"
                " WHERE id = ? AND answered_at IS NULL RETURNING extension"
            )
            rows = self._db.execute(sql, (to_text(now), by, answer, name)).fetchall()
            for (extension,) in rows:
                body = {"id": name, "answer": answer, "answered_by": by}
                outbox.add(self._db, now, KIND, extension or "", body)
            return bool(rows)

        return self.one(name) if transact(self._db, work) else None

    def one(self, name: str) -> FaultReport | None:
        return next(iter(self._read("id = ?", name)), None)

    def waiting(self) -> tuple[FaultReport, ...]:
        """Those that nobody has answered, the oldest first."""
        return self._read("answered_at IS NULL")

    def lately(self, limit: int) -> tuple[FaultReport, ...]:
        """All, the newest first."""
        rows = self._db.execute(f"SELECT {_COLUMNS} FROM fault_report ORDER BY at DESC, id LIMIT ?", (limit,))  # noqa: S608
        return tuple(map(_report, rows))

    def _read(self, which: str, *places: str) -> tuple[FaultReport, ...]:
        sql = f"SELECT {_COLUMNS} FROM fault_report WHERE {which} ORDER BY at, id"  # noqa: S608  names of ours
        return tuple(map(_report, self._db.execute(sql, places)))

    def _count(self, which: str, *places: str) -> int:
        sql = f"SELECT count(*) FROM fault_report WHERE {which}"  # noqa: S608  names of ours
        return int(self._db.execute(sql, places).fetchone()[0])


def _report(row: Sequence[Any]) -> FaultReport:
    name, at, extension, reporter, source, what, text, mode, incident, answered_at, answered_by, answer = row
    return FaultReport(
        id=name,
        at=from_text(at),
        extension=extension,
        reporter=reporter,
        source=Source(source),
        what=Fault(what),
        text=text,
        mode=mode,
        incident=incident,
        answered_at=from_text(answered_at) if answered_at else None,
        answered_by=answered_by,
        answer=answer or "",
    )
