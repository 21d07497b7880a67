"""The edge's table of extensions that are no plain ones: a plain call never reaches Python (design.md). Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from callcontrol.plan.model import Condition, Directory, Extension, Kind, Unreadable, choices_of, whole_at

__all__ = ["Table", "Treatment", "table", "treatment"]

_ALWAYS = frozenset({Condition.ALWAYS, Condition.FOLLOW_ME, Condition.DO_NOT_DISTURB})


class Treatment(StrEnum):
    """What the edge does with a call to it by itself."""

    PLAIN = "plain"  # rings it
    ASK = "ask"  # asks `calls`; rings it where that does not listen
    LED = "led"  # the same, and asks about calls from it too
    BLOCKED = "blocked"  # neither rings it nor lets it ring, with `calls` or without


class Table(NamedTuple):
    rows: Mapping[str, str]
    unreadable: Mapping[str, str]
    """Extensions of which something cannot be read, and why."""


def table(numbers: Iterable[str], directory: Directory, now: datetime) -> Table:
    """The edge's table `ask`; extensions that are plain, or nobody's, have no row. What cannot be read is asked about,
    and holds back none of the others."""
    rows, unreadable = {}, {}
    for number in numbers:
        try:
            extension = directory.extension(number)
            treated = Treatment.PLAIN if extension is None else treatment(extension, directory, now)
        except Unreadable as error:
            unreadable[number] = str(error)
            treated = Treatment.BLOCKED if directory.blocked(number) else Treatment.ASK
        if treated is not Treatment.PLAIN:
            rows[number] = str(treated)
    return Table(rows, unreadable)


def treatment(extension: Extension, directory: Directory, now: datetime) -> Treatment:
    """What is set up for when it is rung in vain (busy, no answer) needs no asking before: the edge asks then."""
    if extension.blocked:
        return Treatment.BLOCKED
    if directory.pick_up(extension.number) is not None:
        return Treatment.LED
    if extension.kind not in (Kind.PERSON, Kind.GROUP):
        return Treatment.ASK
    if any(entry.condition in _ALWAYS for entry in directory.forwardings(extension.number)):
        return Treatment.ASK
    if directory.absent(extension.number, now) is not None:
        return Treatment.ASK
    unit = directory.unit(extension.unit)
    if whole_at(unit, now) is not None:
        return Treatment.ASK
    person = directory.person(extension.person) if extension.person else None
    chosen = choices_of(unit.entity if unit else None, directory)
    if person is not None and person.phone_hours is not None and chosen.phone_hours:
        return Treatment.PLAIN if person.phone_hours.open_at(now) else Treatment.ASK
    return Treatment.PLAIN
