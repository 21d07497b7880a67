"""What entries mean for an extension, by what its municipality has chosen."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

from callcontrol.plan.agenda import Agenda, Entry, Passed, understand
from firmware.store.people import People

__all__ = ["agenda_of"]


def agenda_of(
    people: People, extension: str, entries: Iterable[Entry], passed: Mapping[Passed, int], now: datetime
) -> Agenda | None:
    """`passed`: what the reader passed over already. None: there is no such extension. Raises UnreadableRow."""
    if (known := people.extension(extension)) is None:
        return None
    unit = people.unit(known.unit)
    entity = people.entity(unit.entity) if unit else None
    agenda = understand(
        entries,
        people.reasons(extension),
        now,
        hours=people.working_hours(known.unit),
        busy=bool(entity and entity.choices.calendar_busy),
        text=bool(entity and entity.choices.calendar_text),
    )
    both = {why: agenda.passed.get(why, 0) + passed.get(why, 0) for why in {*agenda.passed, *passed}}
    return Agenda(agenda.meant, both, agenda.unknown)
