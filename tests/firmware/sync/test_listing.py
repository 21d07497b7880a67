"""What directory.db holds is told as the schema says, all of it, each after what it names."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from callcontrol.plan.number import LocalNumbering
from firmware.store import organisation, people_csv
from firmware.store.database import connect
from firmware.store.people_csv import Reading
from firmware.store.staged import Stage
from firmware.sync.kinds import KINDS
from firmware.sync.listing import LISTED, items
from firmware.sync.wire import Item, definitions

NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
NUMBERING = LocalNumbering(area_code="090")

MORE = """
[municipality."norrby"]
signals = 3
[entity."norrby/norrby"]
numbers = ["090-16 10 00"]
[reason."norrby".fika]
sv = "Fika"
en = "Coffee break"
returns = "15 min"
[service."norrby/norrby"]
hours = "mån-fre 08:00-16:30"
on_call = [{ name = "Socialjouren", number = "090-16 19 00" }]
[reach."utland"]
open = ["abroad"]
[pick_up."Bygglov"]
entity = "norrby/norrby"
extensions = ["1001", "1002"]
[[role]]
person = "anna"
role = "operator"
scope = "norrby"
"""
PEOPLE = """kommun;enhet;id;förnamn;efternamn;anknytning;ansvar
Norrby;Bygg;anna;Anna;Öberg;1001;bygglov
Norrby;Bygg;bo;Bo;Ek;1002;
"""


@pytest.fixture
def directory(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    db = connect(tmp_path / "directory.db", "directory")
    file = tmp_path / "people.csv"
    file.write_text(PEOPLE, "utf-8")
    with people_csv.opened(file) as text, Stage(db) as stage:
        reading = Reading(NUMBERING)
        stage.read(reading, text)
        assert not reading.faults, reading.faults
        stage.take_in("people.csv", NOW)
    applied = organisation.apply(db, MORE, NUMBERING)
    assert not applied.faults, applied.faults
    db.execute("INSERT INTO credential VALUES ('1001', 1, ?, NULL, 'norrby.se', '1001', ?)", ("a" * 32, "2026-11-23T09:00:00.000000Z"))  # fmt: skip  # noqa: E501
    db.execute("INSERT INTO pin VALUES ('1001', '$argon2id$v=19$x')")
    yield db
    db.close()


def test_all_is_as_the_schema_says(directory: sqlite3.Connection) -> None:
    found = list(items(directory))
    assert {item.kind for item in found} == set(LISTED)
    for item in found:
        assert Item.of(item.plain()) == item
        assert item.row is not None
        assert set(item.row) == set(definitions()[f"row_{item.kind}"]["properties"]), item.kind


def test_each_comes_after_what_it_names(directory: sqlite3.Connection) -> None:
    kinds = [item.kind for item in items(directory)]
    order = list(KINDS)
    assert kinds == sorted(kinds, key=order.index)


def test_what_hangs_on_a_row_is_in_it(directory: sqlite3.Connection) -> None:
    rows = {(item.kind, item.id): item.row or {} for item in items(directory)}
    assert rows["municipality", "norrby"]["choices"]["signals"] == 3
    assert rows["municipality", "norrby"]["reasons"]["fika"]["sv"] == "Fika"
    assert rows["entity", "norrby/norrby"]["service"]["on_call"] == [["Socialjouren", "+4690161900", None]]
    assert rows["pick_up", "Bygglov"]["members"] == ["1001", "1002"]
    assert rows["role", "anna"]["roles"] == [{"role": "operator", "scope": "norrby"}]
    assert rows["person", "anna"]["duties"] == ["bygglov"]


def test_only_the_kinds_that_are_asked_for(directory: sqlite3.Connection) -> None:
    assert {item.kind for item in items(directory, ("person", "pin"))} == {"person", "pin"}
