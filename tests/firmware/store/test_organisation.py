"""The organisation's file: taken whole, refused with the key named."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from callcontrol.plan.number import LocalNumbering
from callcontrol.plan.rights import Given, Role
from firmware.store import organisation
from firmware.store.database import connect
from firmware.store.load import load
from firmware.store.people import People
from hil.municipality import generate

NOW = datetime(2026, 3, 2, tzinfo=UTC)
WHOLE = """
[municipality.m1]
phone_hours = true
signals = 3

[entity.m1-kommun]
greeting = "Hej"
numbers = ["090-16 10 00", "+46 90 161001"]
main_number = "0046 90 161000"
reception = "100001"

[unit.m1-kommun-0]
unstaffed = true
emergency_number = "070-123 45 67"
identity = "main"
telephony_contact = "p000001"

[reach.utland]
open = ["abroad", "mobile"]

[[role]]
person = "p000001"
role = "operator"
scope = "*"
"""


@pytest.fixture
def db(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    opened = connect(tmp_path / "directory.db", "directory")
    load(opened, generate(40), "made", NOW)
    yield opened
    opened.close()


def state(db: sqlite3.Connection) -> list[str]:
    return [line for line in db.iterdump() if line.startswith("INSERT") and "found" not in line]


def test_it_is_taken_and_stays_when_people_are_loaded_again(db: sqlite3.Connection, tmp_path: Path) -> None:
    applied = organisation.apply(db, WHOLE, LocalNumbering())

    assert applied.faults == ()
    people = People(db, connect(tmp_path / "journal.db", "journal"), LocalNumbering())
    people.look_again()
    entity, unit = people.entity("m1-kommun"), people.unit("m1-kommun-0")
    assert entity is not None
    assert unit is not None
    assert (entity.greeting, entity.choices.phone_hours, entity.choices.signals) == ("Hej", True, 3)
    assert people.by_entity_number("+4690161001") == "m1-kommun"
    assert (unit.unstaffed, unit.emergency_number, unit.telephony_contact) == (True, "+46701234567", "p000001")
    assert people.roles("p000001") == (Given(Role.OPERATOR, "*"),)


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("[munisipality.m1]\n", "munisipality: is not known; did you mean municipality?"),
        ("[municipality.m9]\n", 'municipality."m9": there is none'),
        ("[municipality.m1]\nphone_hour = true\n", "phone_hour: is not known; did you mean phone_hours?"),
        ("[municipality.m1]\nphone_hours = 1\n", "phone_hours: true or false"),
        ("[municipality.m1]\nsignals = 5\n", "signals: a whole number, 1 to 4"),
        ("[municipality.m1]\nsignals = true\n", "signals: a whole number"),
        ("[entity.m1-kommun]\nnumbers = ['12']\n", "numbers: '12': a whole number"),
        ("[entity.m1-kommun]\nnumbers = 'x'\n", "numbers: a list"),
        ("[entity.m1-kommun]\nreception = '999'\n", "reception: '999': no extension"),
        ('[entity.m1-kommun]\ngreeting = "a\\nb"\n', "greeting: a text of 1 to 200 signs"),
        ("[unit.m1-kommun-0]\nidentity = 'secret'\n", "identity: 'secret': one of direct, main, withheld"),
        ("[unit.m1-kommun-0]\ntelephony_contact = 'nobody'\n", "telephony_contact: 'nobody': there is no such person"),
        ("[reach.x]\nopen = ['moon']\n", "open: 'moon': one of"),
        ("[[role]]\nperson = 'p000001'\nrole = 'operator'\n", "role 2: scope is missing"),
        ("[[role]]\nperson = 'p000001'\nrole = 'king'\nscope = '*'\n", "role: 'king': one of"),
        ("unit = 3\n", "unit: is a table of tables"),
        ("[unit\n", "Expected"),
    ],
)
def test_what_is_wrong_is_named_and_nothing_is_changed(db: sqlite3.Connection, text: str, fault: str) -> None:
    before = state(db)

    applied = organisation.apply(db, WHOLE + text if text.startswith("[[") else text, LocalNumbering())

    assert fault in applied.faults[0]
    assert state(db) == before


def test_a_dry_run_changes_nothing(db: sqlite3.Connection) -> None:
    before = state(db)

    assert organisation.apply(db, WHOLE, LocalNumbering(), dry_run=True).changed > 0
    assert state(db) == before
