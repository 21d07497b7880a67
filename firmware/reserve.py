"""A unit's reserve plan: which phones go on without mains, for how long, and where its calls go (A9, A13); confirmed by
its manager with a date, which holds until something of it changes."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from callcontrol.plan.model import Unit, Visibility
from callcontrol.plan.number import pretty
from firmware.store.people import People
from firmware.store.protections import Protection, protections
from firmware.store.reserves import Confirmed, confirmations
from firmware.store.visible import Viewer, card

__all__ = ["Goes", "Phone", "ReservePlan", "confirmed_by", "phones", "plan_of", "unit_named"]

PLAN = Viewer(id="plan", sees=Visibility.STAFF)
"""A plan is printed, and lies about: it names whom everybody there may know."""


@dataclass(frozen=True, slots=True)
class Phone:
    """One protected phone. `lacks`: what it would not do without mains, in Swedish and English, "" for nothing."""

    protection: Protection
    unit: str
    who: str
    twin: str
    lacks: str


@dataclass(frozen=True, slots=True)
class Goes:
    """Where calls go: when, and to whom."""

    when: str
    to: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReservePlan:
    """`others`: phones of the unit that nothing was ordered for. `digest`: of all that is confirmed. `confirmed`: the
    last time; it `holds` while nothing has changed since."""

    unit: Unit
    entity: str
    contact: str
    phones: tuple[Phone, ...]
    others: tuple[str, ...]
    goes: tuple[Goes, ...]
    digest: str
    confirmed: Confirmed | None

    @property
    def holds(self) -> bool:
        return self.confirmed is not None and self.confirmed.digest == self.digest


def phones(people: People, unit: str | None = None) -> tuple[Phone, ...]:
    """All that are ordered, or those of a unit by its id."""
    ordered = (one for one in protections(people.journal) if unit is None or one.unit == unit)
    return tuple(_phone(people, one) for one in ordered)


def plan_of(people: People, unit: Unit) -> ReservePlan:
    entity = people.entity(unit.entity)
    protected = phones(people, unit.id)
    listed = {phone.protection.extension for phone in protected}
    others = tuple(number for number in people.phones_of(unit.id) if number not in listed)
    goes = tuple(_goes(people, unit, entity.reception if entity is not None else None))
    return ReservePlan(
        unit=unit, entity=entity.name if entity is not None else "", contact=_name(people, unit.telephony_contact),
        phones=protected, others=others, goes=goes, digest=_digest(protected, others, goes),
        confirmed=next(iter(confirmations(people.journal, unit.id)), None),
    )  # fmt: skip


def unit_named(people: People, text: str) -> Unit | None:
    """By its id, or by its name where that is one unit's alone."""
    if (found := people.unit(text)) is not None:
        return found
    names = people.directory.execute("SELECT id, name FROM unit")
    known = [name for name, called in names if called.casefold() == text.casefold()]
    return people.unit(known[0]) if len(known) == 1 else None


def _goes(people: People, unit: Unit, reception: str | None) -> Iterable[Goes]:
    if unit.attended_by:
        yield Goes("Ingen svarar på en anknytning", f"svarsstället {_extension(people, unit.attended_by)}")
    if unit.on_call:
        yield Goes("Utanför telefontid, och brådskande", f"jourtelefonen {_extension(people, unit.on_call)}")
    if reception:
        yield Goes("Ingen svarar där heller", f"växeln {_extension(people, reception)}")
    if unit.emergency_number:
        yield Goes("Enheten är obemannad: växeln når", pretty(unit.emergency_number))


def _phone(people: People, ordered: Protection) -> Phone:
    extension, unit = people.extension(ordered.extension), people.unit(ordered.unit)
    twin = extension.mobile_twin if extension is not None else None
    lacks: Iterable[str] = (
        "saknas i katalogen / not in the directory" if extension is None else "",
        "kan inte registreras här / cannot register here" if not people.has_credential(ordered.extension) else "",
        "ingen mobil tvilling / no mobile twin" if extension is not None and twin is None else "",
    )
    person = people.person(extension.person) if extension is not None and extension.person else None
    who = _name(people, person.id if person is not None else None)
    shown = pretty(twin) if twin and (person is None or not person.protected) else ""
    name = unit.name if unit is not None else ordered.unit
    return Phone(ordered, name, who, shown, next(filter(None, lacks), ""))


def _name(people: People, person: str | None) -> str:
    found = people.person(person) if person else None
    shown = card(found, people, PLAN) if found is not None else None
    return f"{shown.person.given} {shown.person.family}".strip() if shown is not None else ""


def _extension(people: People, number: str) -> str:
    extension = people.extension(number)
    who = _name(people, extension.person if extension is not None else None)
    return f"{number} ({who})" if who else number


def _digest(protected: Iterable[Phone], others: Iterable[str], goes: Iterable[Goes]) -> str:
    said = {
        "phones": [
            [one.protection.extension, one.protection.minutes, one.who, one.twin, one.lacks] for one in protected
        ],
        "others": list(others),
        "goes": [[one.when, one.to] for one in goes],
    }
    return hashlib.sha256(json.dumps(said, ensure_ascii=False, sort_keys=True).encode()).hexdigest()


def confirmed_by(plan: ReservePlan, who: str, now: datetime) -> Confirmed:
    """That somebody has read it and found it right."""
    return Confirmed(unit=plan.unit.id, at=now, confirmed_by=who, digest=plan.digest)
