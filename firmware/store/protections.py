"""Protected telephony: which phones are to go on working without mains, who ordered it, and who pays (A13)."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from datetime import datetime

from firmware.store.database import from_text

__all__ = ["Protection", "protections"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Protection:
    """`unit`: the id of the one that ordered it. `applicant`: who asked for it there. `port`: of the switch, "1.12", ""
    where not known. `minutes`: for how long it was promised; 0: nothing was."""

    extension: str
    unit: str
    applicant: str
    cost_centre: str
    port: str = ""
    minutes: int = 0
    ordered_at: datetime
    set_by: str


def protections(journal: sqlite3.Connection) -> tuple[Protection, ...]:
    """All, by extension."""
    names = "extension, unit, applicant, cost_centre, port, minutes, ordered_at, set_by"
    sql = f"SELECT {names} FROM protection ORDER BY extension"  # noqa: S608  names of ours
    return tuple(
        Protection(
            extension=extension,
            unit=unit,
            applicant=applicant,
            cost_centre=cost_centre,
            port=port,
            minutes=minutes,
            ordered_at=from_text(ordered_at),
            set_by=set_by,
        )
        for extension, unit, applicant, cost_centre, port, minutes, ordered_at, set_by in journal.execute(sql)
    )
