"""A small municipality in memory, for plans."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from callcontrol.plan.absence import Absent
from callcontrol.plan.model import (
    Condition,
    Distribution,
    Entity,
    Extension,
    Forwarding,
    Group,
    Identity,
    Kind,
    Member,
    Person,
    PickUp,
    Unit,
    Unreadable,
)
from callcontrol.plan.number import DirectRange, ExtensionRange, LocalNumbering
from callcontrol.plan.reach import DEFAULT_CLASS
from callcontrol.plan.reasons import OFFICE_HOURS, SWEDISH, ReasonTable
from callcontrol.plan.schedule import Schedule
from callcontrol.plan.service import Pressed, Service

EARLIER = datetime(2026, 3, 2, 8, tzinfo=UTC)


class Town:
    """Implements `callcontrol.plan.model.Directory`; each test changes what it is about."""

    def __init__(self) -> None:
        self.numbering = LocalNumbering(
            line_prefixes=("0",),
            area_code="090",
            extensions=(ExtensionRange("1", 4), ExtensionRange("2", 4)),
            main_numbers=("+4690161000",),
            direct=(DirectRange("+469016", "", 4),),
        )
        self.entities = {
            "k": Entity(
                id="k", name="Norrby kommun", municipality="m", greeting="Norrby kommun", numbers=("+4690161000",),
                main_number="+4690161000", reception="1000",
            ),
            "b": Entity(
                id="b", name="Bolaget AB", municipality="m", greeting="Bolaget", numbers=("+4690162000",),
                main_number="+4690162000", reception="2000",
            ),
        }  # fmt: skip
        self.units = {
            "u": Unit(id="u", name="Bygg", entity="k", cost_centre="4711", telephony_contact="anna"),
            "s": Unit(id="s", name="Socialkontoret", entity="k", secret=True),
            "b": Unit(id="b", name="Bolaget", entity="b"),
        }
        self.people = {
            "anna": Person(id="anna", given="Anna", family="Öberg", unit="u", mobile="+46701111111"),
            "bo": Person(id="bo", given="Bo", family="Ek", unit="u"),
            "siv": Person(id="siv", given="Siv", family="Lund", unit="s"),
        }
        self.extensions: dict[str, Extension] = {}
        self.add("1000", kind=Kind.RECEPTION)
        self.add("2000", kind=Kind.RECEPTION, unit="b")
        self.add("1001", person="anna", direct_number="+4690161001")
        self.add("1002", person="bo", direct_number="+4690161002")
        self.add("1003", unit="s", person="siv")
        self.add("1004")
        self.services: dict[str, tuple[Service, Pressed | None]] = {}
        self.groups: dict[str, Group] = {}
        self.pick_ups: dict[str, PickUp] = {}
        self.moved: dict[str, list[Forwarding]] = {}
        self.away: dict[str, Absent] = {}
        self.reason_table = SWEDISH
        self.unreadable: set[str] = set()

    def add(self, number: str, **fields: Any) -> None:
        given = {"kind": Kind.PERSON, "unit": "u", "reach": DEFAULT_CLASS, "identity": Identity.DIRECT, **fields}
        self.extensions[number] = Extension(number=number, **given)

    def change(self, number: str, **fields: Any) -> None:
        self.extensions[number] = replace(self.extensions[number], **fields)

    def change_unit(self, unit: str, **fields: Any) -> None:
        self.units[unit] = replace(self.units[unit], **fields)

    def choose(self, **choices: Any) -> None:
        for name, entity in self.entities.items():
            self.entities[name] = replace(entity, choices=replace(entity.choices, **choices))

    def forward(self, extension: str, condition: Condition, target: str | None, at: datetime = EARLIER) -> None:
        moved = Forwarding(extension=extension, condition=condition, target=target, set_at=at)
        self.moved.setdefault(extension, []).append(moved)

    def hunt(self, number: str, distribution: Distribution, *members: Member, **fields: Any) -> None:
        self.add(number, kind=Kind.HUNT, **fields)
        self.groups[number] = Group(extension=number, distribution=distribution, members=members)

    def extension(self, number: str) -> Extension | None:
        if number in self.unreadable:
            raise Unreadable(f"extension {number}: its hours")
        return self.extensions.get(number)

    def person(self, person: str) -> Person | None:
        return self.people.get(person)

    def unit(self, unit: str) -> Unit | None:
        return self.units.get(unit)

    def entity(self, entity: str) -> Entity | None:
        return self.entities.get(entity)

    def service(self, entity: str) -> tuple[Service, Pressed | None] | None:
        return self.services.get(entity)

    def group(self, extension: str) -> Group | None:
        return self.groups.get(extension)

    def pick_up(self, extension: str) -> PickUp | None:
        return self.pick_ups.get(extension)

    def pick_up_group(self, name: str, *extensions: str, barge_in: bool = False) -> None:
        group = PickUp(name=name, entity="k", extensions=frozenset(extensions), barge_in=barge_in)
        self.pick_ups.update(dict.fromkeys(extensions, group))

    def forwardings(self, extension: str) -> tuple[Forwarding, ...]:
        return tuple(self.moved.get(extension, ()))

    def working_hours(self, unit: str) -> Schedule:
        return OFFICE_HOURS

    def absent(self, extension: str, now: datetime) -> Absent | None:
        return self.away.get(extension)

    def reasons(self, extension: str) -> ReasonTable:
        return self.reason_table

    def blocked(self, extension: str) -> bool:
        return extension in self.extensions and self.extensions[extension].blocked

    def is_municipal_mobile(self, number: str) -> bool:
        return any(person.mobile == number for person in self.people.values())

    def by_direct_number(self, number: str) -> str | None:
        return next((one.number for one in self.extensions.values() if one.direct_number == number), None)

    def by_entity_number(self, number: str) -> str | None:
        return next((entity.id for entity in self.entities.values() if number in entity.numbers), None)


@pytest.fixture
def town() -> Town:
    return Town()


@pytest.fixture(scope="session")
def town_of() -> type[Town]:
    """Makes one anew for each example."""
    return Town
