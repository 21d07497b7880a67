"""A small directory, made by hand, and the store that holds it."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from callcontrol.plan.model import Choices, Distribution, Entity, Extension, Kind, Person, Unit, Visibility
from callcontrol.plan.number import LocalNumbering
from callcontrol.plan.reach import DEFAULT_CLASS
from firmware.store.changes import Changes
from firmware.store.load import Bulk, Municipality, load
from firmware.store.people import People

NOW = datetime(2026, 3, 3, 11, tzinfo=UTC)

EVERYBODY = (
    Person(
        id="anna", given="Anna", family="Öberg", unit="bygg", title="Inspektör", duties=("bygglov",),
        location="Stadshuset", email="anna@norrby.example", sms="+46701111111", mobile="+46701111111",
        cost_centre="4711", search_words=("attefall",), deputy="bo",
    ),
    Person(id="bo", given="Bo", family="Ek", unit="bygg", visibility={"title": Visibility.OPERATOR}, title="Chef"),
    Person(id="siv", given="Siv", family="Lund", unit="bygg", title="Kurator", mobile="+46702222222", protected=True),
)  # fmt: skip


def bulk(people: tuple[Person, ...] = EVERYBODY, **fields: Any) -> Bulk:
    """Norrby: a unit, these people with extensions from 1001, a reception, and a hunt group of the first two."""
    numbers = [f"{1001 + place}" for place in range(len(people))]
    extensions = [
        Extension(
            number=number, kind=Kind.PERSON, unit="bygg", person=person.id, reach=DEFAULT_CLASS,
            direct_number=f"+469016{number}",
        )
        for number, person in zip(numbers, people, strict=True)
    ]  # fmt: skip
    extensions += [
        Extension(number="1000", kind=Kind.RECEPTION, unit="bygg", reach=DEFAULT_CLASS),
        Extension(number="1900", kind=Kind.HUNT, unit="bygg", reach=DEFAULT_CLASS),
    ]
    made: dict[str, Any] = {
        "municipalities": (Municipality(id="norrby", name="Norrby", choices=Choices(signals=3, phone_hours=True)),),
        "classes": (DEFAULT_CLASS,),
        "entities": (
            Entity(
                id="kommun", name="Norrby kommun", municipality="norrby", greeting="Hej", numbers=("+4690160000",),
                main_number="+4690160000", reception="1000",
            ),
        ),
        "units": (Unit(id="bygg", name="Bygg", entity="kommun", cost_centre="4711", telephony_contact="anna"),),
        "people": people,
        "extensions": tuple(extensions),
        "groups": {"1900": (Distribution.IN_TURN, tuple(numbers[:2]))},
    }  # fmt: skip
    return Bulk(**{**made, **fields})


@dataclass
class Store:
    """Both files, opened once as the one that changes and once as the one that decides."""

    folder: Path
    changes: Changes
    people: People

    def again(self) -> People:
        """The deciding side, after it has looked."""
        self.people.look_again()
        return self.people


@pytest.fixture
def everybody() -> tuple[Person, ...]:
    return EVERYBODY


@pytest.fixture
def bulk_of() -> Callable[..., Bulk]:
    return bulk


@pytest.fixture(scope="session")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with both files, closed: making them costs more than most tests of what is in them."""
    folder = tmp_path_factory.mktemp("loaded")
    Changes.open(folder / "journal.db").close()
    people = People.open(folder / "directory.db", folder / "journal.db", LocalNumbering())
    load(people.directory, bulk(), "by hand", NOW)
    people.close()
    return folder


@pytest.fixture
def store(loaded: Path, tmp_path: Path) -> Iterator[Store]:
    shutil.copytree(loaded, tmp_path, dirs_exist_ok=True)
    changes = Changes.open(tmp_path / "journal.db")
    people = People.open(tmp_path / "directory.db", tmp_path / "journal.db", LocalNumbering())
    people.look_again()
    yield Store(tmp_path, changes, people)
    people.close()
    changes.close()
