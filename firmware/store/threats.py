"""Calls that were marked as threats, in ``journal.db``; their sound is firmware/threats.py's. Nothing here is deleted:
that is the authority's to decide (E4)."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime

from firmware.store import outbox
from firmware.store.database import OfJournal, from_text, to_text, transact

__all__ = ["Threat", "ThreatRows"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Threat:
    """`extension` has marked it. `length_ms`: of the sound, once that is at its end."""

    id: str
    extension: str
    other: str
    call_id: str
    other_call_id: str
    marked_at: datetime
    recorded: bool
    length_ms: int | None = None


class ThreatRows(OfJournal):
    """Belongs to the thread that opened it. Every method is one transaction, and on the disk when it returns. Raises
    sqlite3.Error when the disk does not take it."""

    def mark(self, threat: Threat) -> None:
        """Kept, and the platform has to hear of it."""
        values = (*_values(threat), None)

        def work() -> None:
            self._db.execute("INSERT INTO threat VALUES (?, ?, ?, ?, ?, ?, ?, ?)", values)
            self._tell(threat)

        transact(self._db, work)

    def end(self, threat: Threat) -> None:
        """Its sound is on the disk, once."""

        def work() -> None:
            sql = "UPDATE threat SET length_ms = ? WHERE id = ? AND length_ms IS NULL"
            if self._db.execute(sql, (threat.length_ms, threat.id)).rowcount:
                self._tell(threat)

        transact(self._db, work)

    def all(self) -> tuple[Threat, ...]:
        """In the order in which they were marked."""
        columns = "id, extension, other, call_id, other_call_id, marked_at, recorded, length_ms"
        rows = self._db.execute(f"SELECT {columns} FROM threat ORDER BY marked_at, id")  # noqa: S608  names of ours
        return tuple(map(_threat, rows))

    def _tell(self, threat: Threat) -> None:
        body = {**asdict(threat), "marked_at": to_text(threat.marked_at)}
        outbox.add(self._db, threat.marked_at, "threat", threat.extension, body)


def _values(threat: Threat) -> tuple[object, ...]:
    known = threat.id, threat.extension, threat.other, threat.call_id, threat.other_call_id
    return (*known, to_text(threat.marked_at), threat.recorded)


def _threat(row: tuple[str, str, str, str, str, str, int, int | None]) -> Threat:
    name, extension, other, call_id, other_call_id, marked_at, recorded, length_ms = row
    return Threat(
        id=name, extension=extension, other=other, call_id=call_id, other_call_id=other_call_id,
        marked_at=from_text(marked_at), recorded=bool(recorded), length_ms=length_ms,
    )  # fmt: skip
