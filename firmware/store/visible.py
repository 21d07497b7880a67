"""Who sees what of whom (requirements.md, D1, D4, D5, E3). Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Protocol

from callcontrol.plan.model import Entity, Extension, Person, Unit, Visibility

__all__ = ["HIDEABLE", "Card", "Known", "Viewer", "card"]

HIDEABLE = (
    "title",
    "cost_centre",
    "duties",
    "search_words",
    "location",
    "email",
    "sms",
    "mobile",
    "deputy",
    "phone_hours",
)
"""What may be hidden of a person; name, unit and extension are always there for whoever may see the person."""

_EMPTY = {"title": "", "cost_centre": "", "location": "", "duties": (), "search_words": ()}  # of the others: None

_ORDER = (Visibility.PUBLIC, Visibility.STAFF, Visibility.OPERATOR, Visibility.SECRET)

_DEFAULT = {"title": Visibility.PUBLIC, "mobile": Visibility.OPERATOR, "sms": Visibility.OPERATOR}
"""Where neither person nor site said: numbers of mobiles are for operators, what is not named here for staff."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Viewer:
    """Who looks: up to which visibility, and at whose people; `municipalities` None: at all."""

    id: str
    sees: Visibility
    municipality: str = ""
    municipalities: frozenset[str] | None = None

    def sees_of(self, municipality: str) -> bool:
        return self.municipalities is None or municipality in self.municipalities


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """A person as a viewer sees them: what is hidden is empty, and named in `hidden`."""

    person: Person
    unit: str
    entity: str
    municipality: str
    extensions: tuple[str, ...]
    hidden: tuple[str, ...]


class Known(Protocol):
    """What is asked of the directory."""

    def unit(self, unit: str) -> Unit | None: ...
    def entity(self, entity: str) -> Entity | None: ...
    def extension(self, number: str) -> Extension | None: ...
    def extensions_of(self, person: str) -> tuple[str, ...]: ...


def card(person: Person, known: Known, viewer: Viewer) -> Card | None:
    """None for one whom this viewer must not see at all: another's people; somebody protected, but for operators."""
    unit = known.unit(person.unit)
    entity = known.entity(unit.entity) if unit else None
    if unit is None or entity is None or not viewer.sees_of(entity.municipality):
        return None
    if person.protected and not _reaches(viewer, Visibility.OPERATOR):
        return None
    hidden = tuple(name for name in HIDEABLE if getattr(person, name) and not _shown(person, name, viewer))
    empty: dict[str, Any] = {name: _EMPTY.get(name) for name in hidden}
    secret = person.protected and not _reaches(viewer, Visibility.SECRET)
    return Card(
        person=replace(person, **empty),
        unit="" if secret else unit.name,
        entity="" if secret else entity.name,
        municipality=entity.municipality,
        extensions=known.extensions_of(person.id),
        hidden=(*hidden, *(("unit",) if secret else ())),
    )


def _shown(person: Person, name: str, viewer: Viewer) -> bool:
    wanted = person.visibility.get(name, _DEFAULT.get(name, Visibility.STAFF))
    return _reaches(viewer, Visibility.SECRET if person.protected else wanted)


def _reaches(viewer: Viewer, wanted: Visibility) -> bool:
    return _ORDER.index(viewer.sees) >= _ORDER.index(wanted)
