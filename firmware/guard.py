"""What an extension has rung outside in the last hour, as the records tell: so it outlives every process (F2, E1)."""

from __future__ import annotations

from datetime import datetime, timedelta

from callcontrol.plan.model import Choices, Directory, choices_of
from callcontrol.plan.number import parse_dialled
from callcontrol.plan.reach import ORE_A_MINUTE, Guard, GuardLimits, OutgoingCall, category
from callcontrol.records import Record
from firmware.store import Journal

__all__ = ["guard_of"]

LOOK_BACK = timedelta(hours=4)
"""Calls that began earlier are over, or have lost their BYE."""
ORE = 100
"""In a krona."""


def guard_of(caller: str, directory: Directory, journal: Journal, now: datetime) -> Guard | None:
    """None for one that the directory does not have. Raises sqlite3.Error."""
    extension = directory.extension(caller)
    if extension is None:
        return None
    unit = directory.unit(extension.unit)
    limits = _limits(choices_of(unit.entity if unit else None, directory))
    records = journal.gone_out(caller, now - LOOK_BACK)
    return Guard.at((_outgoing(record, directory) for record in records), limits, now)


def _limits(chosen: Choices) -> GuardLimits:
    return GuardLimits(
        calls=chosen.guard_calls or None,
        cost_ore=chosen.guard_kr * ORE or None,
        ore_a_minute=ORE_A_MINUTE,
    )


def _outgoing(record: Record, directory: Directory) -> OutgoingCall:
    """What was not answered costs nothing."""
    ended = record.ended_at if record.answered_at else record.began_at
    return OutgoingCall(record.began_at, category(parse_dialled(record.callee, directory.numbering)), ended)
