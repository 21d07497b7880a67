"""What people change: referrals, openings, forwardings, blocks, services, departments, who leaves, faults reported."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path
from typing import ClassVar

from callcontrol.plan.absence import Opening, Referral, Source
from callcontrol.plan.faultreport import Fault, FaultReport
from callcontrol.plan.faultreport import Source as Reported
from callcontrol.plan.leaver import Leaver
from callcontrol.plan.model import Condition, Forwarding, Whole
from callcontrol.plan.schedule import Schedule
from callcontrol.plan.service import Key, Service
from firmware.store.changes import Changes
from firmware.store.faults import FaultRows
from firmware.store.leavers import Leavers
from firmware.store.services import Services
from firmware.store.wholes import Wholes
from hil.storework.part import Left, Part, Told

__all__ = ["Changing"]

ALWAYS = Schedule.parse("mån-sön dygnet runt")
LIFTED = "200"
"""Whose block ends in the evening."""


class Changing(Part):
    found: ClassVar = {
        "referral": "SELECT 1 FROM referral WHERE id = ?",
        "opening": "SELECT 1 FROM opening WHERE id = ?",
        "forwarding": "SELECT 1 FROM forwarding WHERE extension = ?",
        "change": "SELECT 1 FROM change WHERE id = ?",
        "leaver": "SELECT 1 FROM leaver JOIN block ON why = 'leaver ' || id WHERE id = ?",
        "fault_report": "SELECT 1 FROM fault_report WHERE id = ?",
        "service": "SELECT 1 FROM service_key WHERE entity = ?",
        "department": "SELECT 1 FROM department_referral WHERE id = ?",
        "look": "SELECT 1 FROM look WHERE subject = ?",
        "lifted": "SELECT 1 WHERE NOT EXISTS (SELECT 1 FROM block WHERE extension = ?)",
    }
    judged: ClassVar = frozenset(("block",))
    outbox: ClassVar = {
        "referral": "SELECT id FROM referral",
        "opening": "SELECT id FROM opening",
        "forwarding": "SELECT extension FROM forwarding",
        "person": "SELECT id FROM change",
        "look": "SELECT subject FROM look",
        "service": "SELECT entity FROM service_key",
        "department": "SELECT id FROM department_referral",
        "leaver": "SELECT id FROM leaver",
        "fault_report": "SELECT id FROM fault_report",
    }

    def __init__(self, folder: Path, told: Told) -> None:
        super().__init__(folder, told)
        self._changes = self.open.enter_context(closing(Changes.open(self.journal)))
        self._services = self.open.enter_context(closing(Services.open(self.journal)))
        self._wholes = self.open.enter_context(closing(Wholes.open(self.journal)))

    def round(self, number: int, now: datetime) -> None:
        one, changes = f"r{number}", self._changes
        changes.refer([_referral(one, now), _referral(f"{one}-2", now)])
        self.told("referral", one)
        self.told("referral", f"{one}-2")
        changes.open_phone(
            Opening(id=f"o{number}", extension="1001", at=now, seen=frozenset({one}), set_by="anna"), now
        )
        self.told("opening", f"o{number}")
        changes.forward(
            Forwarding(extension=f"10{number}", condition=Condition.BUSY, target="1002", set_at=now), "anna"
        )
        self.told("forwarding", f"10{number}")
        changes.block(f"20{number}", "anna", "lost", now)
        self.told("block", f"20{number}")
        changes.change("person", f"p{number}", {"title": "Rektor"}, "anna", now)
        self.told("change", f"p{number}")
        changes.looked("operator", "person", f"p{number}", "mobile", "asked by the police", now)
        self.told("look", f"p{number}")
        self._services.press(Service(entity=one, hours=ALWAYS), Key.NIGHT, "1000", now)
        self.told("service", one)
        self._wholes.refer([f"u{number}"], Whole(id=one, reason="course", start=now, until=None, set_by="anna"), now)
        self.told("department", one)
        self._of_people(one, now)

    def evening(self, now: datetime) -> None:
        self._changes.lift(LIFTED, "anna", now)
        self.told("lifted", LIFTED)

    @classmethod
    def wrong(cls, left: Left) -> Iterable[str]:
        """Blocks without their row of the outbox, or the other way."""
        there = {str(extension) for (extension,) in left.journal.execute("SELECT extension FROM block")}
        sql = "SELECT subject, kind = 'lift' FROM outbox WHERE kind IN ('block', 'lift')"
        told = [(str(subject), bool(lifted)) for subject, lifted in left.journal.execute(sql)]
        blocked, lifted = ([subject for subject, over in told if over is which] for which in (False, True))
        # The block that is being lifted may be gone before that is acknowledged.
        yield from (f"lost block {name}" for name in left.names("block") - there - {*lifted})
        if len(there) + len(lifted) != len(blocked):
            yield f"block: {len(there)} there, {len(blocked)} told of, {len(lifted)} lifted"

    def _of_people(self, name: str, now: datetime) -> None:
        """Somebody leaves, and somebody reports a fault."""
        with closing(Leavers.open(self.journal)) as leavers:
            leaver = Leaver(
                id=name, person=name, name="Anna", unit="u", extensions=(f"3{name[1:]}",), last_day=None,
                began_at=now, set_by="bo",
            )  # fmt: skip
            leavers.begin(leaver, now)
            self.told("leaver", name)
        with closing(FaultRows.open(self.journal)) as faults:
            report = FaultReport(
                id=name, at=now, extension=None, reporter="1001", source=Reported.CODE, what=Fault.OTHER,
                mode="SURVIVAL",
            )  # fmt: skip
            faults.report(report)
            self.told("fault_report", name)


def _referral(name: str, now: datetime) -> Referral:
    return Referral(
        id=name, extension="1001", reason="meeting", start=now, until=now + timedelta(hours=1), source=Source.PAGE,
        set_by="anna", set_at=now,
    )  # fmt: skip
