"""What the hub says of the directory is taken in, whatever order it comes in, and whatever in it cannot be."""

from __future__ import annotations

import gzip
import random
import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from firmware.store.database import connect
from firmware.store.load import load
from firmware.sync.arriving import Arriving
from firmware.sync.feeding import HELD_KINDS, KNOWN, Why, shrinks, start
from firmware.sync.laying import Feed, Laid, Page, feed_of, lay, people_in, set_aside
from firmware.sync.listing import items
from firmware.sync.wire import Digest, Item, WireError, write
from hil.municipality import generate

NOW = datetime(2026, 11, 23, 7, tzinfo=UTC)
FEED = Feed("0" * 16, "c.1", "e" * 16, KNOWN, 0, heard_at="")


def opened(path: Path) -> sqlite3.Connection:
    return connect(path, "directory")


@pytest.fixture
def db(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    made = opened(tmp_path / "directory.db")
    yield made
    made.close()


class Town(list[Item]):
    def __repr__(self) -> str:
        return "town"


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> list[Item]:
    """Two hundred people, as a hub would tell of them."""
    made = opened(tmp_path_factory.mktemp("hub") / "directory.db")
    load(made, generate(200), "test", NOW)
    found = Town(items(made))
    made.close()
    extension = next(item for item in found if item.kind == "extension" and item.row and item.row["person"])
    assert extension.row is not None
    entity = next(item for item in found if item.kind == "entity")
    found.append(item("role", {"person": extension.row["person"], "roles": [{"role": "operator", "scope": "*"}]}))
    found.append(item("pick_up", {"name": "a", "entity": entity.id, "barge_in": True, "members": [extension.id]}))
    hunt = dict(extension.row) | {
        "number": "199999", "kind": "hunt", "person": None, "direct_number": None, "distribution": "all",
        "members": [extension.id],
    }  # fmt: skip
    found.append(item("extension", hunt))
    return found


def item(kind: str, row: dict[str, Any]) -> Item:
    return Item.of({"kind": kind, "id": _id(kind, row), "row": row, "stamp": None, "by": "hub"})


def _id(kind: str, row: dict[str, Any]) -> str:
    return str(row[{"role": "person", "pick_up": "name", "extension": "number"}.get(kind, "id")])


def snapshot(file: Path, found: Sequence[Item], **head: object) -> Path:
    digest = Digest.of(found)
    lines: list[dict[str, Any]] = [
        {"hub": "0" * 16, "cursor": "c.9", "schema": 1, "counts": {}, "shrink_allowed": False} | head,
        *(one.plain() for one in found),
        {"end": True, "rows": digest.rows, "digest": str(digest)},
    ]
    file.write_bytes(gzip.compress(b"".join(write(line) + b"\n" for line in lines)))
    return file


def take(db: sqlite3.Connection, file: Path, both: list[Item] | None = None, keep: bool = False) -> Laid:
    with Arriving(db) as arriving:
        arriving.read(file, (both if both is not None else []).extend)
        if keep:
            arriving.keep_gone(HELD_KINDS)
        return lay(db, arriving, lambda: replace(FEED, cursor="c.9", people=people_in(db)), NOW)


def page(db: sqlite3.Connection, found: Sequence[Item]) -> Laid:
    return lay(db, Page(found, set_aside(db)), lambda: FEED, NOW)


def listed(db: sqlite3.Connection) -> str:
    return str(Digest.of(items(db)))


def found_by(db: sqlite3.Connection, words: str) -> int:
    return len(db.execute("SELECT rowid FROM found WHERE found MATCH ?", (words,)).fetchall())


def test_a_snapshot_is_what_the_hub_has_and_is_taken_once(
    db: sqlite3.Connection, town: list[Item], tmp_path: Path
) -> None:
    referral = Item("referral", "r", None, None, None)
    file, both = snapshot(tmp_path / "s.gz", [*town, referral]), list[Item]()
    assert take(db, file, both) == Laid(len(town), 0)
    assert listed(db) == str(Digest.of(town))
    assert both == [referral]
    assert feed_of(db) == replace(FEED, cursor="c.9", people=200)
    key = db.execute("SELECT key, id FROM person ORDER BY id LIMIT 1").fetchone()
    assert take(db, file) == Laid(0, 0)  # nothing was written: it is so already
    assert db.execute("SELECT key, id FROM person ORDER BY id LIMIT 1").fetchone() == key


def test_a_snapshot_after_others_changes_takes_and_removes_what_differs(
    db: sqlite3.Connection, town: list[Item], tmp_path: Path
) -> None:
    take(db, snapshot(tmp_path / "s.gz", town))
    victim = next(one for one in town if one.kind == "person" and one.id == "p000007")
    assert victim.row is not None
    other = Item.of(victim.plain() | {"row": dict(victim.row) | {"family": "Qvistberg"}})
    gone = {one.id for one in town if one.kind == "person" and one.id > "p000190"}
    later = [
        other if one is victim else one
        for one in town
        if one.id not in gone and (one.row or {}).get("person") not in gone
    ]
    assert take(db, snapshot(tmp_path / "t.gz", later)).aside == 0
    assert listed(db) == str(Digest.of(later))
    assert found_by(db, "qvistberg") == 1


FAULTS: tuple[tuple[str, str], ...] = (
    ("cut", "is no whole gzip"),
    ("no_end", "without its end"),
    ("after", "is after the end"),
    ("digest", "end.digest: is of"),
    ("html", "is no whole gzip"),
    ("long", "has a line of more than"),
    ("no_head", "counts: is missing"),
)


@pytest.mark.parametrize(("fault", "said"), FAULTS)
def test_what_is_no_whole_snapshot_changes_nothing(
    db: sqlite3.Connection, town: list[Item], tmp_path: Path, fault: str, said: str
) -> None:
    page(db, town[:50])
    before, file = listed(db), snapshot(tmp_path / "s.gz", town)
    lines = gzip.decompress(file.read_bytes()).splitlines(keepends=True)
    if fault == "cut":
        file.write_bytes(file.read_bytes()[:-200])
    elif fault == "html":
        file.write_bytes(b"<html>")
    else:
        change = {
            "no_end": lines[:-1],
            "after": [*lines, lines[1]],
            "digest": [*lines[:5], *lines[6:]],
            "long": [lines[0], b" " * 300_000 + lines[1], *lines[2:]],
            "no_head": lines[1:],
        }[fault]
        file.write_bytes(gzip.compress(b"".join(change)))
    with pytest.raises(WireError, match=said):
        take(db, file)
    assert listed(db) == before
    with pytest.raises(sqlite3.OperationalError):
        db.execute("SELECT 1 FROM temp.arrived")


@settings(max_examples=8, deadline=None)
@given(seed=st.integers(0, 1 << 30), pages=st.integers(1, 8))
def test_pages_in_any_order_come_to_the_same(
    seed: int, pages: int, tmp_path_factory: pytest.TempPathFactory, town: list[Item]
) -> None:
    """The hub's order is that of each thing's last change: a person may come before their unit."""
    chance = random.Random(seed)
    order = [*town]
    chance.shuffle(order)
    db = opened(tmp_path_factory.mktemp("unit") / "directory.db")
    size = len(order) // pages + 1
    for at in range(0, len(order), size):
        page(db, order[at : at + size])
    assert (listed(db), set_aside(db)) == (str(Digest.of(town)), [])
    # And away again: nobody is left, in whatever order they go.
    chance.shuffle(order)
    for at in range(0, len(order), size):
        page(db, [Item(one.kind, one.id, None) for one in order[at : at + size]])
    assert (list(items(db)), set_aside(db)) == ([], [])
    assert db.execute("SELECT count(*) FROM word").fetchone()[0] == 0
    db.close()


def test_numbers_that_change_places_within_a_page_are_no_clash(db: sqlite3.Connection, town: list[Item]) -> None:
    page(db, town)
    one, two = [x for x in town if x.kind == "extension" and x.row and x.row["direct_number"]][:2]
    assert one.row
    assert two.row
    swapped = [
        Item("extension", one.id, dict(one.row) | {"direct_number": two.row["direct_number"]}),
        Item("extension", two.id, dict(two.row) | {"direct_number": one.row["direct_number"]}),
    ]
    assert page(db, swapped) == Laid(2, 0)
    assert {x.id: x.row for x in items(db, ["extension"])}[one.id] == swapped[0].row


def test_what_cannot_be_is_set_aside_by_name_and_stops_nothing_else(db: sqlite3.Connection, town: list[Item]) -> None:
    page(db, town)
    person = next(x for x in town if x.kind == "person")
    one, two = [x for x in town if x.kind == "extension" and x.row and x.row["direct_number"]][:2]
    unit = next(x for x in town if x.kind == "unit")
    assert person.row
    assert one.row
    assert two.row
    bad = [
        Item("person", "x1", dict(person.row) | {"id": "x1", "unit": "nowhere"}),
        Item("person", "x2", dict(person.row) | {"id": "x2", "phone_hours": "när jag vill"}),
        Item("extension", two.id, dict(two.row) | {"direct_number": one.row["direct_number"]}),
        Item("unit", unit.id, None),
        Item("credential", "1001", {
            "extension": "1001", "mode": 1, "ha1_md5": None, "ha1_sha256": None, "realm": 'a"b', "user": "1001",
            "changed_at": "2026-11-23T06:35:39.000000Z",
        }),
        Item("person", "x3", dict(person.row) | {"id": "x3"}),
    ]  # fmt: skip
    laid = lay(db, Page(bad, (), {("person", "x4"): "family: is missing"}), lambda: FEED, NOW)
    assert laid == Laid(1, 6)
    why = {x.id: text for x, text in set_aside(db)}
    assert why["x1"] == "unit: nowhere is not there"
    assert why["x2"].startswith("phone_hours: cannot be so: ")
    assert why[two.id] == "direct_number: is another's"
    assert why[unit.id].endswith("is still of it")
    assert why["1001"] == "credential: cannot be so"
    assert why["x4"] == "family: is missing"
    assert {x.id for x in items(db, ["person"])} >= {"x3"}
    assert {x.id: x.row for x in items(db, ["extension"])}[two.id] == two.row
    # What was in the way goes: what waited is taken in.
    freed = Item("extension", one.id, dict(one.row) | {"direct_number": None})
    made = Item("unit", "nowhere", dict(unit.row or {}) | {"id": "nowhere"})
    laid = page(db, [freed, made])
    assert laid.aside == 4, [(x.id, text) for x, text in set_aside(db)]
    assert {x.id for x in items(db, ["person"])} >= {"x1"}


def test_removals_that_are_held_are_not_done_and_all_else_is(
    db: sqlite3.Connection, town: list[Item], tmp_path: Path
) -> None:
    take(db, snapshot(tmp_path / "s.gz", town))
    half = [x for x in town if x.kind not in ("person", "extension", "role", "pick_up")]
    with Arriving(db) as arriving:
        arriving.read(snapshot(tmp_path / "t.gz", half), lambda some: None)
        assert arriving.gone["person"] == 200
        assert shrinks(people_in(db), arriving.gone["person"], 200)
        arriving.keep_gone(HELD_KINDS)
        lay(db, arriving, lambda: FEED, NOW)
    assert people_in(db) == 200
    assert not list(items(db, ["role"]))  # what somebody may do goes at once


def test_a_directory_that_somebody_else_wrote_meanwhile_is_known(
    db: sqlite3.Connection, town: list[Item], tmp_path: Path
) -> None:
    other = opened(tmp_path / "directory.db")
    with Arriving(db) as arriving:
        arriving.read(snapshot(tmp_path / "s.gz", town), lambda some: None)
        assert arriving.unchanged()
        page(other, town[:1])
        assert not arriving.unchanged()
    other.close()


def test_who_was_taken_in_is_found_and_who_is_gone_is_not(
    db: sqlite3.Connection, town: list[Item], tmp_path: Path
) -> None:
    page(db, town)
    victim = next(x for x in town if x.kind == "person")
    assert victim.row
    page(db, [Item("person", victim.id, dict(victim.row) | {"family": "Qvistberg"})])
    assert found_by(db, "qvistberg") == 1
    unit = next(x for x in town if x.kind == "unit" and x.id == victim.row["unit"])
    page(db, [Item("unit", unit.id, dict(unit.row or {}) | {"name": "Zebrahuset"})])
    assert found_by(db, "zebrahuset") > 10


@pytest.mark.parametrize(
    ("feed", "epoch", "known", "why"),
    [
        (None, "e" * 16, True, Why.FIRST),
        (replace(FEED, cursor=None), "e" * 16, True, Why.FIRST),
        (FEED, "e" * 16, True, None),
        (FEED, "f" * 16, True, Why.JOURNAL),
        (replace(FEED, kinds="older"), "e" * 16, True, Why.KINDS),
        (FEED, "e" * 16, False, Why.UNKNOWN),
        (replace(FEED, gone=90), "e" * 16, True, None),
        (replace(FEED, gone=90, allowed=True), "e" * 16, True, Why.ALLOWED),
        (replace(FEED, gone=90, allowed=True, cursor=None), "e" * 16, True, Why.ALLOWED),
    ],
)
def test_a_snapshot_is_due_when(feed: Feed | None, epoch: str, known: bool, why: Why | None) -> None:
    assert start(feed, epoch, known=known) is why


@pytest.mark.parametrize(
    ("people", "gone", "before", "held"),
    [
        (100, 20, 100, False), (100, 21, 100, True), (100, 0, 1000, False), (10, 10, 10, False), (85, 1, 100, False),
        (81, 2, 100, True), (100, 100, 0, True),
    ],
)  # fmt: skip
def test_a_removal_is_held_when_it_is_of_more_than_a_fifth(people: int, gone: int, before: int, held: bool) -> None:
    assert shrinks(people, gone, before) is held
