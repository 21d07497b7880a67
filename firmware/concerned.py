"""What those concerned are told without having asked: an outage's beginning and end, faults that wait for an answer
(F4), and lists of leavers that nobody goes through (E5)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from callcontrol.plan.faultreport import OVER_FOR, disturbance
from callcontrol.plan.leaver import late
from callcontrol.plan.model import Unreadable
from callcontrol.plan.schedule import STOCKHOLM
from callcontrol.plan.steps import Note
from callcontrol.trunk.smsalarms import outage_of
from firmware.store import Journal
from firmware.store.faults import FaultRows
from firmware.store.leavers import Leavers
from firmware.store.leaving import checklist_of
from firmware.store.people import People

__all__ = ["disturbed", "leavers"]

INCIDENTS_MAX = 50
"""Looked back through for the beginning of an outage that comes and goes."""
CONTACTS_MAX = 200
"""Who is told of one outage."""
REPORTS_MAX = 20
"""That operations are told of at once, the oldest."""


def disturbed(people: People, now: datetime) -> Iterator[Note]:
    """Telephony contacts hear of outages, operations of what was reported. Raises sqlite3.Error."""
    outage = outage_of(Journal(people.journal).incidents(INCIDENTS_MAX), OVER_FOR)
    contacts = sorted({unit.telephony_contact for unit in people.units() if unit.telephony_contact})[:CONTACTS_MAX]
    yield from disturbance(outage, contacts, now)
    for one in FaultRows(people.journal).waiting()[:REPORTS_MAX]:
        fill = (("report", one.id), ("reporter", one.reporter))
        yield Note(rule="F4", to="operations", words="fault_waits", fill=fill)


def leavers(people: People, now: datetime) -> Iterator[Note]:
    """Whoever looks after the department's telephony, a week after the last day. Raises sqlite3.Error."""
    today = now.astimezone(STOCKHOLM).date()
    for leaver in Leavers(people.journal).all():
        try:
            unit = people.unit(leaver.unit)
            is_late = late(leaver, checklist_of(people, leaver, now), today)
        except Unreadable:
            continue
        contact = unit.telephony_contact if unit is not None else None
        if is_late:
            to = contact if contact and contact != leaver.person else "operations"
            yield Note(rule="E5", to=to, words="leaver_late", fill=(("name", leaver.name),))
