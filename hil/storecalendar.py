"""Of hil/storework.py: calendars that are subscribed to and read, and what a cut may not leave of it."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from datetime import datetime, timedelta

from callcontrol.plan.agenda import Agenda, Meant
from firmware.store.calendars import CalendarRows

__all__ = ["CALENDAR_FOUND", "calendar_torn", "read_calendar"]

CALENDAR_FOUND = {
    "calendar": "SELECT 1 FROM calendar WHERE extension = ?",
    "calendar_read": "SELECT 1 FROM calendar WHERE extension = ? AND digest <> ''",
    "calendar_gone": "SELECT 1 FROM calendar JOIN calendar_entry USING (extension)"
    " WHERE extension = ? AND digest = '2' GROUP BY extension HAVING count(*) = 1",
}


def read_calendar(rows: CalendarRows, extension: str, now: datetime, told: Callable[[str, str], None]) -> None:
    """Subscribed to, read with two entries, and again with one of them gone."""
    rows.subscribe(extension, f"https://a.example/{extension}", "anna", now)
    told("calendar", extension)
    (due,) = (due for due in rows.waiting() if due.extension == extension)
    for digest, kind, listed in (("1", "calendar_read", "ab"), ("2", "calendar_gone", "a")):
        meant = tuple(
            Meant(key=f"{extension}{name}", start=now, until=now + timedelta(hours=1), reason="meeting", open=False)
            for name in listed
        )
        rows.read(due, Agenda(meant), now, now, etag="", modified="", digest=digest)
        told(kind, extension)


def calendar_torn(journal: sqlite3.Connection) -> list[str]:
    """A reading of which a part is there, or an entry without its referral."""
    sql = (
        "SELECT extension, digest, (SELECT count(*) FROM calendar_entry e JOIN referral r ON r.id = e.referral"
        " WHERE e.extension = c.extension), (SELECT count(*) FROM referral r WHERE r.extension = c.extension),"
        " (SELECT count(*) FROM opening o WHERE o.extension = c.extension) FROM calendar c"
    )
    whole = {"": (0, 0, 0), "1": (2, 2, 0), "2": (1, 2, 1)}
    return [
        f"calendar {extension}: {held} by reading {digest!r}"
        for extension, digest, *held in journal.execute(sql)
        if tuple(held) != whole[digest]
    ]
