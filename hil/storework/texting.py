"""Short messages: one of two parts is queued, given to a modem and reported; of another the answer never comes; one
comes."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import ClassVar

from callcontrol.trunk.smsqueue import Kind, Outcome
from firmware.store.sms import Report, Sms, SmsRows
from firmware.store.smscame import Came, CameRows, What
from hil.storework.part import Left, Part, Told

__all__ = ["Texting"]

MOBILE = "+46701234567"
_GIVEN = frozenset(("perhaps", "sent", "delivered"))
_ALLOWED = {"given": _GIVEN, "taken": _GIVEN - {"perhaps"}, "reported": frozenset(("delivered",))}
"""States of a part, by what was promised of it: one that a modem was given must not wait as if it had not been."""


class Texting(Part):
    found: ClassVar = {
        "sms": "SELECT 1 FROM sms JOIN sms_part ON sms = id WHERE id = ?",
        "pdu": "SELECT 1 FROM sms_pdu WHERE pdu = CAST(? AS BLOB)",
        "came": "SELECT 1 FROM sms_came JOIN sms_pdu ON whole = sms_came.id WHERE sms_came.id = ?",
    }
    judged: ClassVar = frozenset(_ALLOWED)
    outbox: ClassVar = {
        "sms": "SELECT id FROM sms WHERE ended_at IS NOT NULL",
        "sms_reply": "SELECT id FROM sms_came",
    }

    def __init__(self, folder: Path, told: Told) -> None:
        super().__init__(folder, told)
        self._sms = self.open.enter_context(closing(SmsRows.open(self.journal)))
        self._came = self.open.enter_context(closing(CameRows.open(self.journal)))

    def round(self, number: int, now: datetime) -> None:
        name, sms = f"r{number}", self._sms
        for which, parts in ((name, 2), (f"{name}-doubt", 1)):
            sms.put([Sms(id=which, kind=Kind.ALARM, number=MOBILE, text="hej", set_by="x", queued_at=now, parts=parts)])
            self.told("sms", which)
        while (taken := sms.take("m1", now)) is not None:
            attempt, due = taken
            given = f"{due.sms}/{due.part}"
            self.told("given", given)
            if due.sms == name:
                sms.ended(attempt, Outcome.TAKEN, now, reference=attempt)
                self.told("taken", given)
                sms.report(Report("m1", attempt, MOBILE, "", 0, "delivered"), now)
                self.told("reported", given)
        pdu = self._came.keep("m1", name.encode(), now)
        if pdu is None:
            raise AssertionError("a message that had come before")
        self.told("pdu", name)
        self._came.handled(Came(id=name, sender=MOBILE, text="hej", came_at=now, what=What.REPLY), (pdu.id,))
        self.told("came", name)

    @classmethod
    def recovered(cls, folder: Path, now: datetime) -> None:
        with closing(SmsRows.open(folder / "journal.db")) as sms:
            sms.crashed(now)

    @classmethod
    def wrong(cls, left: Left) -> Iterable[str]:
        for kind, name in left.promised:
            if kind in _ALLOWED:
                sms, _, part = name.partition("/")
                sql = "SELECT state FROM sms_part WHERE sms = ? AND number = ?"
                row = left.journal.execute(sql, (sms, part)).fetchone()
                if row is None or row[0] not in _ALLOWED[kind]:
                    yield f"{kind} {name}: {row[0] if row else 'gone'}"
