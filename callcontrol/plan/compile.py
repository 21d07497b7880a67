"""The edge's table of extensions that are no plain ones: a plain call never reaches Python (design.md). Pure."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from enum import StrEnum

from callcontrol.plan.model import Condition, Directory, Extension, Kind

__all__ = ["Treatment", "table", "treatment"]

_ALWAYS = frozenset({Condition.ALWAYS, Condition.FOLLOW_ME, Condition.DO_NOT_DISTURB})


class Treatment(StrEnum):
    """What the edge does with a call to it by itself."""

    PLAIN = "plain"  # rings it
    ASK = "ask"  # asks `calls`; rings it where that does not listen
    BLOCKED = "blocked"  # neither rings it nor lets it ring, with `calls` or without


def table(numbers: Iterable[str], directory: Directory, now: datetime) -> dict[str, str]:
    """The rows of the edge's table `ask`; extensions that are plain, or nobody's, have none."""
    found = {}
    for number in numbers:
        extension = directory.extension(number)
        if extension is None:
            continue
        treated = treatment(extension, directory, now)
        if treated is not Treatment.PLAIN:
            found[number] = str(treated)
    return found


def treatment(extension: Extension, directory: Directory, now: datetime) -> Treatment:
    """What is set up for when it is rung in vain (busy, no answer) needs no asking before: the edge asks then."""
    if extension.blocked:
        return Treatment.BLOCKED
    if extension.kind not in (Kind.PERSON, Kind.GROUP):
        return Treatment.ASK
    if any(entry.condition in _ALWAYS for entry in directory.forwardings(extension.number)):
        return Treatment.ASK
    if directory.absent(extension.number, now) is not None:
        return Treatment.ASK
    unit = directory.unit(extension.unit)
    if unit is not None and unit.unstaffed:
        return Treatment.ASK
    person = directory.person(extension.person) if extension.person else None
    entity = directory.entity(unit.entity) if unit else None
    if person is not None and person.phone_hours is not None and entity is not None and entity.choices.phone_hours:
        return Treatment.PLAIN if person.phone_hours.open_at(now) else Treatment.ASK
    return Treatment.PLAIN
