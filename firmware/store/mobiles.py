"""Whose a mobile is, and which mobiles are somebody's: the directory, with what was changed here over it."""

from __future__ import annotations

import json
from dataclasses import dataclass

from callcontrol.plan.model import Kind, choices_of
from firmware.store.people import People

__all__ = ["Owner", "address_of", "owner_of", "twins_here"]

OWN = frozenset({Kind.PERSON, Kind.MOBILE})
"""Extensions that are one person's alone."""


@dataclass(frozen=True, slots=True)
class Owner:
    """`name` is a person's id, or an extension that has none; `extensions` are those that are theirs alone."""

    name: str
    extensions: tuple[str, ...]


def owner_of(number: str, people: People) -> Owner | None:
    """None for a number that is nobody's, or of several. Raises UnreadableRow."""
    changed = people.journal.execute(
        "SELECT id FROM change WHERE kind = 'person' AND field IN ('mobile', 'sms') AND value = ?",
        (json.dumps(number),),
    )
    listed = people.directory.execute("SELECT id FROM person WHERE mobile = ?1 OR sms = ?1", (number,))
    asked = {name for (name,) in (*listed, *changed)}
    # What was changed here may have taken the number from them.
    known = [person for name in asked if (person := people.person(name)) and number in (person.mobile, person.sms)]
    mobiles = [
        extension
        for (name,) in people.directory.execute("SELECT number FROM extension WHERE mobile = ?", (number,))
        if (extension := people.extension(name)) is not None
    ]
    names = {person.id for person in known} | {extension.person or extension.number for extension in mobiles}
    if len(names) != 1:
        return None
    (name,) = names
    own = {*people.extensions_of(name), *(extension.number for extension in mobiles)}
    found = (people.extension(number) for number in sorted(own))
    return Owner(name, tuple(one.number for one in found if one and one.kind in OWN and not one.blocked))


def address_of(person: str, people: People) -> str | None:
    """Where somebody is told something by SMS: their number for that, or, where the municipality has chosen messages by
    SMS, their mobile. Raises UnreadableRow."""
    known = people.person(person)
    if known is None or known.sms:
        return known.sms if known else None
    unit = people.unit(known.unit)
    return known.mobile if choices_of(unit.entity if unit else None, people).message_by_sms else None


def twins_here(people: People, limit: int) -> tuple[tuple[str, str], ...]:
    """Extensions that may be registered here, each with its mobile twin. Raises UnreadableRow."""
    rows = people.directory.execute(
        "SELECT number FROM extension JOIN credential ON credential.extension = number ORDER BY number"
    )
    found = (people.extension(number) for (number,) in rows)
    return tuple((one.number, one.mobile_twin) for one in found if one and one.mobile_twin and not one.blocked)[:limit]
