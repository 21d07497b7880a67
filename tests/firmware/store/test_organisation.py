"""The organisation's file: taken whole, refused with the key named."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from callcontrol.plan.number import LocalNumbering
from callcontrol.plan.reasons import READY, default_until
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


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    opened = connect(tmp_path / "journal.db", "journal")
    yield opened
    opened.close()


def state(db: sqlite3.Connection) -> list[str]:
    return [line for line in db.iterdump() if line.startswith("INSERT") and "found" not in line]


def test_it_is_taken_and_stays_when_people_are_loaded_again(
    db: sqlite3.Connection, journal: sqlite3.Connection
) -> None:
    applied = organisation.apply(db, WHOLE, LocalNumbering())

    assert applied.faults == ()
    people = People(db, journal, LocalNumbering())
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
        *(
            (f"[reason.m1.{key}]\nsv = 'Fika'\nen = 'Break'\n{line}\n", fault)
            for key, line, fault in (
                ("fika", "returns = '24:00'", 'fika.returns: as "15 min"'),
                ("fika", "returns = '0 min'", "fika.returns: as"),
                ("fika", "returns = 15", "fika.returns: as"),
                ("fika", "longest = '9000 h'", "fika.longest: as 90 min or 2 h"),
                ("fika", "digit = '12'", "fika.digit: one digit"),
                ("fika", "letters = 'fik'", "fika.letters: 2 to 6 capital letters"),
                ("fika", "public = ['a']", "fika.public: two words"),
                ("fika", "needs = 'love'", "fika.needs: one of nothing, time, date"),
                ("fika", "until = 'x'", "fika.until: is not known; one of sv, en"),
                ("FIKA", "", "'FIKA': a key of 1 to 32"),
                ("fika", "\n[reason.m1.paus]\nsv = 'Paus'", "paus.en: is missing"),
                (
                    "fika",
                    "digit = '1'\n[reason.m1.paus]\nsv = 'P'\nen = 'P'\ndigit = '1'",
                    "digit: twice in the table: 1",
                ),
            )
        ),
        ("[reason.m1.fika]\nsv = 'a\u202eb'\nen = 'x'\n", "fika.sv: a word of 1 to 40 signs"),
        ("[reason.m9.fika]\nsv = 'F'\nen = 'B'\n", 'reason."m9": there is none'),
        ("[reason]\nm1 = 3\n", "a table of at most 100 reasons"),
        ("[[role]]\nperson = 'p000001'\nrole = 'operator'\n", "role 2: scope is missing"),
        ("[[role]]\nperson = 'p000001'\nrole = 'king'\nscope = '*'\n", "role: 'king': one of"),
        *(
            (f"[pick_up.g]\n{lines}\n", f'pick_up."g": {fault}')
            for lines, fault in (
                ("entity = 'm1-kommun'", "extensions is missing"),
                ("entity = 'm9'\nextensions = []", "entity: 'm9': there is no such entity"),
                ("entity = 'm1-kommun'\nextensions = ['999']", "extensions: '999': no extension"),
                ("entity = 'm1-kommun'\nextensions = ['100001', '100001']", "extensions: '100001': in one group alone"),
                ("entity = 'm1-kommun'\nextensions = []\nbarge_in = 1", "barge_in: true or false"),
            )
        ),
        *(
            (f"[service.m1-kommun]\n{lines}\n", f'service."m1-kommun": {fault}')
            for lines, fault in (
                ("lunch = 'mån-fre 12:00-13:00'", "hours is missing"),
                ("hours = 'alltid'", "hours: ingen tid"),
                ("hours = 'mån 8-16'\nnight_to = '999'", "night_to: '999': no extension"),
                ("hours = 'mån 8-16'\nnite = 1", "nite: is not known"),
                ("hours = 'mån 8-16'\non_call = [{ name = 'A' }]", "on_call: number is missing"),
                ("hours = 'mån 8-16'\non_call = [{ name = 'A', number = '12' }]", "on_call: number: '12': a whole"),
                ("hours = 'mån 8-16'\non_call = [{ name = 'A', nummer = '12' }]", "on_call: nummer: is not known"),
            )
        ),
        ("[service.m9]\nhours = 'mån 8-16'\n", 'service."m9": there is none'),
        ("unit = 3\n", "unit: is a table of tables"),
        ("[unit\n", "Expected"),
    ],
)
def test_what_is_wrong_is_named_and_nothing_is_changed(db: sqlite3.Connection, text: str, fault: str) -> None:
    before = state(db)

    applied = organisation.apply(db, WHOLE + text if text.startswith("[[") else text, LocalNumbering())

    assert fault in applied.faults[0]
    assert state(db) == before


def test_a_group_of_pick_up_is_taken_as_a_whole(db: sqlite3.Connection, tmp_path: Path) -> None:
    people = People.open(tmp_path / "directory.db", tmp_path / "journal.db", LocalNumbering())

    def takes(text: str) -> None:
        assert organisation.apply(db, text, LocalNumbering()).faults == ()

    takes("[pick_up.g]\nentity = 'm1-kommun'\nextensions = ['100001', '100002']\nbarge_in = true\n")
    people.look_again()
    group = people.pick_up("100001")
    assert group is not None
    assert (group.name, sorted(group.extensions), group.barge_in) == ("g", ["100001", "100002"], True)
    assert {"100001", "100002"} <= people.special(NOW)

    takes("[pick_up.h]\nentity = 'm1-kommun'\nextensions = ['100002']\n")
    people.look_again()
    groups = [people.pick_up(number) for number in ("100001", "100002")]
    assert [None if one is None else (one.name, len(one.extensions)) for one in groups] == [("g", 1), ("h", 1)]

    takes("[pick_up.g]\nentity = 'm1-kommun'\nextensions = []\n")
    people.look_again()
    assert people.pick_up("100001") is None
    people.close()


def test_a_dry_run_changes_nothing(db: sqlite3.Connection) -> None:
    before = state(db)

    assert organisation.apply(db, WHOLE, LocalNumbering(), dry_run=True).changed > 0
    assert state(db) == before


def test_reasons_of_the_site_lie_over_the_ready_ones_or_stand_alone(
    db: sqlite3.Connection, journal: sqlite3.Connection
) -> None:
    own = """
[reason.m1.lunch]
sv = "Matrast"
en = "Meal"
digit = "1"
letters = "SAM"
public = ["Upptagen", "Engaged"]
returns = "12:30"
longest = "2 h"

[reason.m1.fika]
sv = "Fika"
en = "Break"
returns = "15 min"

[reason.m1.uppdrag]
sv = "Uppdrag"
en = "Errand"
returns = "asked"
needs = "date"

[reason.m1.ledig]
sv = "Ledig"
en = "Off"
returns = "working day 09:30"

[reason.m1.sjuk]
sv = "Sjuk"
en = "Ill"
returns = "until further notice"
"""
    people = People(db, journal, LocalNumbering())
    assert people.reasons("100001") is READY
    assert organisation.apply(db, own, LocalNumbering()).faults == ()
    assert people.reasons("100001") is READY, "as it was looked at"

    people = People(db, journal, LocalNumbering())
    people.look_again()
    table = people.reasons("100001")
    lunch, meeting = table.by_key("lunch"), table.by_key("meeting")
    assert lunch is not None
    assert meeting is not None
    assert (lunch.word(public=True), lunch.longest) == ("Upptagen", timedelta(hours=2))
    assert table.by_letters("SAM") is lunch
    assert meeting.letters == ""
    assert table.by_key("vacation") is not None
    noon = datetime(2026, 3, 3, 11, tzinfo=UTC)  # a Tuesday, 12:00 in Sweden
    back = {one.key: default_until(one, noon) for one in table}
    own_keys = ("lunch", "fika", "uppdrag", "ledig", "sjuk")
    told = [f"{moment:%d %H:%M}" if (moment := back[key]) else "" for key in own_keys]
    assert told == ["03 12:30", "03 12:15", "04 08:00", "04 09:30", ""]

    assert organisation.apply(db, "[municipality.m1]\nready_reasons = false\n", LocalNumbering()).faults == ()
    people = People(db, journal, LocalNumbering())
    people.look_again()
    assert {one.key for one in people.reasons("100001")} == set(own_keys)
    assert people.reasons("9") is READY, "of nobody"
