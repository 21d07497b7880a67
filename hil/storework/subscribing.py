"""Calendars: subscribed to, read with two entries, and again with one of them gone."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path
from typing import ClassVar

from callcontrol.plan.agenda import Agenda, Meant
from firmware.store.calendars import CalendarRows
from hil.storework.part import Left, Part, Told

__all__ = ["Subscribing"]

WHOLE = {"": (0, 0, 0), "1": (2, 2, 0), "2": (1, 2, 1)}
"""By the reading: entries with their referrals, referrals, and openings of those that are gone."""


class Subscribing(Part):
    found: ClassVar = {
        "calendar": "SELECT 1 FROM calendar WHERE extension = ?",
        "calendar_read": "SELECT 1 FROM calendar WHERE extension = ? AND digest <> ''",
        "calendar_gone": "SELECT 1 FROM calendar JOIN calendar_entry USING (extension)"
        " WHERE extension = ? AND digest = '2' GROUP BY extension HAVING count(*) = 1",
    }
    outbox: ClassVar = {"calendar": "SELECT extension FROM calendar"}

    def __init__(self, folder: Path, told: Told) -> None:
        super().__init__(folder, told)
        self._rows = self.open.enter_context(closing(CalendarRows.open(self.journal)))

    def round(self, number: int, now: datetime) -> None:
        extension, rows = f"30{number}", self._rows
        rows.subscribe(extension, f"https://a.example/{extension}", "anna", now)
        self.told("calendar", extension)
        (due,) = (due for due in rows.waiting() if due.extension == extension)
        for digest, kind, listed in (("1", "calendar_read", "ab"), ("2", "calendar_gone", "a")):
            meant = tuple(
                Meant(key=f"{extension}{name}", start=now, until=now + timedelta(hours=1), reason="meeting", open=False)
                for name in listed
            )
            rows.read(due, Agenda(meant), now, now, etag="", modified="", digest=digest)
            self.told(kind, extension)

    @classmethod
    def wrong(cls, left: Left) -> Iterable[str]:
        """A reading of which a part is there, or an entry without its referral."""
        sql = (
            "SELECT extension, digest, (SELECT count(*) FROM calendar_entry e JOIN referral r ON r.id = e.referral"
            " WHERE e.extension = c.extension), (SELECT count(*) FROM referral r WHERE r.extension = c.extension),"
            " (SELECT count(*) FROM opening o WHERE o.extension = c.extension) FROM calendar c"
        )
        for extension, digest, *held in left.journal.execute(sql):
            if tuple(held) != WHOLE[digest]:
                yield f"calendar {extension}: {held} by reading {digest!r}"
