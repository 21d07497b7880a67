"""Whose telephone somebody has whom another has identified: by their address of mail, their id, or their extension."""

from __future__ import annotations

from callcontrol.plan.model import Kind
from firmware.store.people import People

__all__ = ["OWN", "extension_of"]

OWN = frozenset({Kind.PERSON, Kind.OFFICE, Kind.RECEPTION, Kind.ON_CALL, Kind.MOBILE})
"""Kinds that may be one person's."""


def extension_of(people: People, means: str, value: str) -> str | None:
    """None where nobody, or more than one, is meant, and for who has no telephone that is not blocked. `means`: as
    ``[identity] means`` in the configuration. Raises Unreadable."""
    if means == "extension":
        extension = people.extension(value)
        person = extension.person if extension is not None else None
        return value if extension is not None and person and not extension.blocked and extension.kind in OWN else None
    # As the directory was given to us: what people change here of themselves makes nobody another.
    sql = (
        "SELECT id FROM person WHERE lower(email) = lower(?) LIMIT 2"
        if means == "email"
        else "SELECT id FROM person WHERE id = ?"
    )
    found = people.directory.execute(sql, (value,)).fetchall()
    if len(found) != 1:
        return None
    for number in sorted(people.extensions_of(str(found[0][0])), key=lambda one: (len(one), one)):
        extension = people.extension(number)
        if extension is not None and not extension.blocked and extension.kind in OWN:
            return number
    return None
