"""A directory is taken in whole or not at all, whatever fails, and credentials and rights outlive it."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from callcontrol.plan.model import Extension, Kind, Person, Unit
from callcontrol.plan.reach import DEFAULT_CLASS
from firmware.store import Credential, Directory
from firmware.store.database import connect
from firmware.store.load import AT_ONCE, Bulk, Loaded, load, loaded

NOW = datetime(2026, 3, 3, 11, tzinfo=UTC)
LEARNT = Credential("1001", 4, None, None, "region.example", "1001", "2026-11-22T00:41:09Z")

Made = Callable[..., Bulk]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "directory.db"


@pytest.fixture
def db(file: Path, bulk_of: Made) -> Iterator[sqlite3.Connection]:
    with closing(connect(file, "directory")) as opened:
        load(opened, bulk_of(), "first", NOW)
        yield opened


def dump(db: sqlite3.Connection) -> list[str]:
    """Everything, also what the index made of it."""
    return list(db.iterdump())


def column(db: sqlite3.Connection, sql: str) -> list[Any]:
    return [row[0] for row in db.execute(sql)]


def somebody(count: int) -> Iterator[Person]:
    return (Person(id=f"p{number}", given="Eva", family=f"Ek{number}", unit="bygg") for number in range(count))


def test_it_says_when_and_what(db: sqlite3.Connection) -> None:
    assert loaded(db) == Loaded("2026-03-03T11:00:00.000000Z", "first", 3)


def test_before_the_first_there_is_none(tmp_path: Path) -> None:
    with closing(connect(tmp_path / "directory.db", "directory")) as db:
        assert loaded(db) is None


def test_what_was_there_is_gone_with_all_that_it_was_found_by(db: sqlite3.Connection, bulk_of: Made) -> None:
    load(db, bulk_of(people=(Person(id="eva", given="Eva", family="Alm", unit="bygg"),)), "second", NOW)
    assert column(db, "SELECT id FROM person") == ["eva"]
    assert column(db, "SELECT number FROM extension ORDER BY number") == ["1000", "1001", "1900"]
    assert column(db, "SELECT count(*) FROM word WHERE word IN ('anna', 'oberg')") == [0]
    assert column(db, "SELECT count(*) FROM found WHERE found MATCH 'anna'") == [0]
    assert column(db, "SELECT count(*) FROM found WHERE found MATCH 'eva'") == [1]


def test_the_same_again_is_the_same(db: sqlite3.Connection, bulk_of: Made) -> None:
    load(db, bulk_of(), "first", NOW)
    once = [row for row in dump(db) if "found" not in row]
    load(db, bulk_of(), "first", NOW)
    assert [row for row in dump(db) if "found" not in row] == once


def _extension(**fields: Any) -> Extension:
    return Extension(**{"number": "1", "kind": Kind.PERSON, "unit": "bygg", "reach": DEFAULT_CLASS, **fields})


def _broken() -> Iterator[Person]:
    yield from somebody(3)
    raise RuntimeError("half a file")


@pytest.mark.parametrize(
    ("fields", "error"),
    [
        ({"people": (Person(id="a", given="", family="Ek", unit="nowhere"),)}, sqlite3.IntegrityError),
        ({"people": (*somebody(2), *somebody(1))}, sqlite3.IntegrityError),
        ({"extensions": (_extension(unit="nowhere"),)}, sqlite3.IntegrityError),
        ({"extensions": (_extension(person="nobody"),)}, sqlite3.IntegrityError),
        ({"extensions": (_extension(), _extension())}, sqlite3.IntegrityError),
        ({"extensions": (_extension(kind=Kind.HUNT),), "groups": {}}, sqlite3.IntegrityError),
        ({"units": (Unit(id="ny", name="Ny", entity="nobody's"),)}, sqlite3.IntegrityError),
        ({"people": _broken(), "extensions": ()}, RuntimeError),
    ],
    ids=["unit", "twice", "extension's unit", "extension's person", "number", "hunt", "entity", "the source ends"],
)
def test_what_cannot_be_leaves_the_old_one(
    fields: dict[str, Any], error: type[Exception], db: sqlite3.Connection, bulk_of: Made
) -> None:
    if "people" in fields and not isinstance(fields["people"], tuple):
        fields = {**fields, "people": _broken()}
    before = dump(db)
    made = bulk_of()
    extensions = fields.get("extensions", () if "people" in fields else made.extensions)
    with pytest.raises(error):
        load(db, replace(made, **{**fields, "extensions": extensions}), "second", NOW)
    assert dump(db) == before
    assert not db.in_transaction


def test_a_disk_that_fills_leaves_the_old_one(db: sqlite3.Connection, bulk_of: Made) -> None:
    before = dump(db)
    pages = db.execute("PRAGMA page_count").fetchone()[0]
    db.execute(f"PRAGMA max_page_count = {pages + 4}")
    many = bulk_of(people=(), extensions=(), groups={})
    with pytest.raises(sqlite3.OperationalError, match="full"):
        load(db, replace(many, people=somebody(3_000)), "second", NOW)
    assert not db.in_transaction
    assert dump(db) == before
    db.execute("PRAGMA max_page_count = 1073741823")
    assert load(db, replace(many, people=somebody(10)), "third", NOW) == 10


def test_credentials_are_not_its_business(file: Path, db: sqlite3.Connection, bulk_of: Made) -> None:
    with closing(Directory.open(file)) as directory:
        directory.put_credential(LEARNT)
        load(db, bulk_of(people=()), "second", NOW)
        assert directory.credentials() == (LEARNT,)


def test_progress_is_told_by_people(db: sqlite3.Connection, bulk_of: Made) -> None:
    told: list[int] = []
    many = bulk_of(people=(), extensions=(), groups={})
    load(db, replace(many, people=somebody(AT_ONCE + 1)), "second", NOW, told.append)
    assert told == [AT_ONCE, AT_ONCE + 1]


def test_it_is_read_once_and_as_it_comes(db: sqlite3.Connection, bulk_of: Made) -> None:
    """A million is not held in memory: what is given is a stream."""
    ahead: list[int] = []

    def stream() -> Iterator[Person]:
        for number, person in enumerate(somebody(AT_ONCE * 2)):
            ahead.append(number)
            yield person

    seen: list[int] = []
    many = bulk_of(people=(), extensions=(), groups={})
    load(db, replace(many, people=stream()), "second", NOW, lambda count: seen.append(len(ahead)))
    assert seen == [AT_ONCE, AT_ONCE * 2]


def test_two_at_once_are_one_after_the_other(file: Path, db: sqlite3.Connection, bulk_of: Made) -> None:
    inside, other_waits = threading.Event(), threading.Event()
    seen: list[list[str]] = []

    def slow() -> Iterator[Person]:
        yield Person(id="slow", given="", family="Slow", unit="bygg")
        inside.set()
        assert other_waits.wait(10)

    def first() -> None:
        with closing(connect(file, "directory")) as mine:
            load(mine, replace(bulk_of(people=(), extensions=(), groups={}), people=slow()), "slow", NOW)

    thread = threading.Thread(target=first)
    thread.start()
    assert inside.wait(10)
    seen.append(column(db, "SELECT id FROM person ORDER BY id"))  # who reads is not kept waiting, and sees the old
    timer = threading.Timer(0.05, other_waits.set)
    timer.start()
    load(db, bulk_of(), "fast", NOW)
    thread.join(10)
    timer.join()
    assert seen == [["anna", "bo", "siv"]]
    assert column(db, "SELECT id FROM person ORDER BY id") == ["anna", "bo", "siv"]
    assert loaded(db) == Loaded("2026-03-03T11:00:00.000000Z", "fast", 3)


def test_who_waits_too_long_is_told_so_and_changes_nothing(
    file: Path, db: sqlite3.Connection, bulk_of: Made, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("firmware.store.database.BACK_OFF_S", ())
    db.execute("PRAGMA busy_timeout = 0")
    before = dump(db)
    with closing(sqlite3.connect(file, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(sqlite3.OperationalError, match="locked"):
            load(db, bulk_of(people=()), "second", NOW)
    assert dump(db) == before
