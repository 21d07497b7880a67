"""Makes up municipalities: six of them, people with names as common as they are in Sweden, none of whom exists.

Names and how many bear them: Statistics Sweden (SCB), namnstatistik 1999, per 100,000 bearers of the 200 most common of
their kind (``names.csv``). Those are borne by a third of the population; the other family names are made of two parts,
as most Swedish ones are. Same seed, same people.
"""

from __future__ import annotations

import csv
import random
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.resources import files
from itertools import accumulate

from callcontrol.plan.model import (
    Choices,
    Entity,
    Extension,
    Identity,
    Kind,
    Person,
    Unit,
    Visibility,
)
from callcontrol.plan.reach import DEFAULT_CLASS
from callcontrol.plan.schedule import Schedule
from firmware.store.load import Bulk, Municipality

__all__ = ["MUNICIPALITIES", "generate"]

MUNICIPALITIES = ("Norrby", "Söderås", "Älvnäs", "Västerhed", "Östervik", "Åfors")
"""None of these is one."""

_HOURS = "mån-fre 08:00-12:00, 13:00-16:30; helgdag stängt"

PEOPLE_PER_UNIT = 60


def generate(people: int = 100_000, seed: int = 1) -> Bulk:
    """So many people, spread over the six; each with an extension, nine of ten with a direct number."""
    places = tuple(f"m{number}" for number in range(1, len(MUNICIPALITIES) + 1))
    municipalities = tuple(
        Municipality(id=place, name=name, choices=_choices(number))
        for number, (place, name) in enumerate(zip(places, MUNICIPALITIES, strict=True))
    )
    entities = tuple(
        Entity(
            id=f"{place}-kommun",
            name=f"{name}s kommun",
            municipality=place,
            greeting=f"Välkommen till {name}s kommun",
            numbers=(f"+469{number}0000",),
            main_number=f"+469{number}0000",
            reception=f"{number}00000",
        )
        for number, (place, name) in enumerate(zip(places, MUNICIPALITIES, strict=True), 1)
    )
    units = tuple(_units(entities, people))
    persons = tuple(_people(people, seed, units))
    return Bulk(
        municipalities=municipalities,
        classes=(DEFAULT_CLASS,),
        entities=entities,
        units=units,
        people=persons,
        extensions=tuple(_extensions(persons, units, entities)),
    )


def _choices(number: int) -> Choices:
    return Choices(phone_hours=number % 2 == 0, message_by_sms=number % 3 != 0, abroad_by_operator=number == 2)


def _units(entities: tuple[Entity, ...], people: int) -> Iterator[Unit]:
    each = max(1, people // len(entities) // PEOPLE_PER_UNIT)
    for entity in entities:
        for number in range(each):
            department = _words("department")[number % len(_words("department"))]
            team = number // len(_words("department"))
            yield Unit(
                id=f"{entity.id}-{number}",
                name=department if team == 0 else f"{department} {team}",
                entity=entity.id,
                cost_centre=str(10_000 + number),
                secret=department == "Individ och familj",
            )


def _people(people: int, seed: int, units: tuple[Unit, ...]) -> Iterator[Person]:
    chance = random.Random(seed)
    hours = Schedule.parse(_HOURS)
    given, families = _names(), _names()["family"]
    for number in range(people):
        unit = units[number * len(units) // people]
        kind = chance.choice(("female", "male"))
        first = chance.choice(_words("given_elsewhere")) if chance.random() < 0.08 else _drawn(chance, given[kind])
        last = _family(chance, families)
        protected = chance.random() < 0.001
        mobile = f"+4670{chance.randrange(10**7):07}" if chance.random() < 0.7 else None
        yield Person(
            id=f"p{number:06}",
            given=first,
            family=last,
            unit=unit.id,
            title=chance.choice(_words("title")),
            cost_centre=unit.cost_centre,
            duties=tuple(sorted(chance.sample(_words("duty"), chance.choice((0, 0, 1, 1, 2))))),
            location=chance.choice(_words("place")),
            email=f"p{number:06}@kommun.example",
            mobile=mobile,
            phone_hours=hours if chance.random() < 0.1 else None,
            protected=protected,
            visibility={"mobile": Visibility.PUBLIC} if chance.random() < 0.2 else {},
        )


def _extensions(
    persons: tuple[Person, ...], units: tuple[Unit, ...], entities: tuple[Entity, ...]
) -> Iterator[Extension]:
    """Six digits: the municipality's, then from 00001 without 12xxx (none begins with 112); 00000 is its reception."""
    place = {entity.id: number for number, entity in enumerate(entities, 1)}
    by_unit: Mapping[str, Unit] = {unit.id: unit for unit in units}
    for entity in entities:
        unit = next(unit for unit in units if unit.entity == entity.id)
        number = f"{place[entity.id]}00000"
        yield Extension(number=number, kind=Kind.RECEPTION, unit=unit.id, reach=DEFAULT_CLASS, identity=Identity.MAIN)
    counts: dict[str, int] = {}
    for person in persons:
        entity_id = by_unit[person.unit].entity
        counts[entity_id] = counts.get(entity_id, 0) + 1
        local = f"{counts[entity_id] + (1_000 if counts[entity_id] >= 12_000 else 0):05}"
        yield Extension(
            number=f"{place[entity_id]}{local}",
            kind=Kind.PERSON,
            unit=person.unit,
            person=person.id,
            reach=DEFAULT_CLASS,
            direct_number=f"+4691{place[entity_id]}{local}" if counts[entity_id] % 10 else None,
            voicemail=counts[entity_id] % 3 == 0,
        )


def _family(chance: random.Random, families: tuple[tuple[str, ...], tuple[int, ...]]) -> str:
    drawn = chance.random()
    if drawn < 0.6:
        return _drawn(chance, families)
    made = chance.choice(_words("family_first")) + chance.choice(_words("family_last"))
    if drawn < 0.9:
        return made
    if drawn < 0.96:
        return chance.choice(_words("family_elsewhere"))
    return f"{_drawn(chance, families)}-{chance.choice(_words('family_first'))}{chance.choice(_words('family_last'))}"


def _drawn(chance: random.Random, names: tuple[tuple[str, ...], tuple[int, ...]]) -> str:
    return chance.choices(names[0], cum_weights=names[1])[0]


def _words(kind: str) -> tuple[str, ...]:
    return _names()[kind][0]


@cache
def _names() -> dict[str, tuple[tuple[str, ...], tuple[int, ...]]]:
    """By kind: names, and how many bear them, summed up."""
    rows: dict[str, list[tuple[str, int]]] = {}
    text = (files("hil") / "names.csv").read_text("utf-8")
    for row in csv.DictReader(text.splitlines()):
        rows.setdefault(row["kind"], []).append((row["name"], int(row["per_100000"])))
    return {
        kind: (tuple(name for name, _ in found), tuple(accumulate(count for _, count in found)))
        for kind, found in rows.items()
    }
