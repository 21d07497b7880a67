"""Every change, with what the platform hears of it: both or neither; and whoever decides sees it at the next call."""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Protocol

import pytest

from callcontrol.plan.absence import Opening, Referral, Source
from callcontrol.plan.model import Condition, Forwarding
from firmware.store import outbox
from firmware.store.changes import Changes, new_id
from firmware.store.checked import CHANGEABLE, checked
from firmware.store.database import StoreError, connect
from firmware.store.load import Bulk, load
from firmware.store.outbox import TOLD_AT_ONCE
from firmware.store.people import People
from firmware.store.protections import Protection, protections

NOW = datetime(2026, 3, 3, 11, tzinfo=UTC)
PROTECTION = Protection(
    extension="1001",
    unit="u",
    applicant="Anna Öberg",
    cost_centre="4711",
    port="1.12",
    minutes=240,
    ordered_at=NOW,
    set_by="bo",
)  # fmt: skip
LATER = NOW + timedelta(hours=1)


class Store(Protocol):
    folder: Path
    changes: Changes
    people: People

    def again(self) -> People: ...


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "journal.db"


@pytest.fixture
def changes(file: Path) -> Iterator[Changes]:
    with closing(Changes.open(file)) as opened:
        yield opened


@pytest.fixture
def read(file: Path, changes: Changes) -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(file, isolation_level=None)) as opened:
        yield opened


def referral(name: str = "r1", extension: str = "1001", **fields: Any) -> Referral:
    made: dict[str, Any] = {"reason": "meeting", "start": NOW, "until": NOW + timedelta(hours=2)}
    made |= {"source": Source.PAGE, "set_by": "anna", "set_at": NOW}
    return Referral(id=name, extension=extension, **{**made, **fields})


def opening(name: str = "o1", *seen: str) -> Opening:
    return Opening(id=name, extension="1001", at=NOW, seen=frozenset(seen), set_by="anna")


def forwarding(condition: Condition = Condition.ALWAYS, target: str | None = "1002") -> Forwarding:
    return Forwarding(extension="1001", condition=condition, target=target, set_at=NOW)


MADE: dict[str, Callable[[Changes], object]] = {
    "referral": lambda db: db.refer([referral()]),
    "opening": lambda db: db.open_phone(opening(), NOW),
    "forwarding": lambda db: db.forward(forwarding(), "anna"),
    "block": lambda db: db.block("1001", "anna", "lost", NOW),
    "lock": lambda db: db.lock("1001", "1001", NOW),
    "signed_out": lambda db: db.sign("1900", "1001", signed_in=False, now=NOW),
    "protection": lambda db: db.protect(PROTECTION),
    "change": lambda db: db.change("person", "anna", {"title": "Chef", "email": None}, "bo", NOW),
    "look": lambda db: db.looked("operator", "person", "siv", "mobile", "the police asked", NOW),
}
"""A change by the table it is written to."""

UNMADE: dict[str, Callable[[Changes], object]] = {
    "forwarding": lambda db: db.end_forwarding("1001", Condition.ALWAYS, "anna", NOW),
    "block": lambda db: db.lift("1001", "anna", NOW),
    "lock": lambda db: db.unlock("1001", "1001", NOW),
    "signed_out": lambda db: db.sign("1900", "1001", signed_in=True, now=NOW),
    "protection": lambda db: db.end_protection("1001", "anna", NOW),
}

KINDS = {"signed_out": ("member", "1900"), "change": ("person", "anna"), "look": ("look", "siv")}
"""What the outbox calls it, where that is not its table, of extension 1001."""


def count(db: sqlite3.Connection, table: str) -> int:
    return int(db.execute(f"SELECT count(*) FROM {table}").fetchone()[0])


@pytest.mark.parametrize("table", MADE)
def test_a_change_has_its_row_in_the_outbox(table: str, changes: Changes, read: sqlite3.Connection) -> None:
    MADE[table](changes)
    assert count(read, table) == (2 if table == "change" else 1)
    (entry,) = outbox.entries(read, 0, 10)
    assert (entry.number, entry.at) == (1, "2026-03-03T11:00:00.000000Z")
    assert (entry.kind, entry.subject) == KINDS.get(table, (table, "1001"))
    assert json.loads(entry.body)


def test_forwardings_are_ended_together_or_not_at_all(changes: Changes, read: sqlite3.Connection) -> None:
    both = (Condition.ALWAYS, Condition.BUSY)
    for condition in both:
        changes.forward(forwarding(condition), "anna")
    read.execute(
        "CREATE TRIGGER no BEFORE DELETE ON forwarding WHEN old.condition = 'busy' BEGIN SELECT RAISE(ABORT, 'no'); END"
    )
    with pytest.raises(sqlite3.Error, match="no"):
        changes.end_forwardings("1001", both, "anna", NOW)
    assert (count(read, "forwarding"), count(read, "outbox")) == (2, 2)
    read.execute("DROP TRIGGER no")
    assert changes.end_forwardings("1001", tuple(Condition), "anna", NOW)
    assert (count(read, "forwarding"), count(read, "outbox")) == (0, 4)
    assert not changes.end_forwardings("1001", both, "anna", NOW)


def test_who_ordered_protection_is_kept(changes: Changes, read: sqlite3.Connection) -> None:
    assert changes.protect(PROTECTION)
    assert protections(read) == (PROTECTION,)
    assert changes.end_protection("1001", "bo", LATER)
    assert protections(read) == ()


@pytest.mark.parametrize("table", MADE)
def test_without_its_row_in_the_outbox_it_is_not_made(table: str, changes: Changes, read: sqlite3.Connection) -> None:
    read.execute("CREATE TRIGGER full BEFORE INSERT ON outbox BEGIN SELECT RAISE(ABORT, 'full'); END")
    with pytest.raises(sqlite3.Error, match="full"):
        MADE[table](changes)
    assert [count(read, name) for name in (table, "outbox", "epoch")] == [0, 0, 0]
    read.execute("DROP TRIGGER full")
    MADE[table](changes)
    assert count(read, "outbox") == 1


@pytest.mark.parametrize("table", UNMADE)
def test_what_is_ended_is_gone_and_told_of_once(table: str, changes: Changes, read: sqlite3.Connection) -> None:
    assert not UNMADE[table](changes)
    MADE[table](changes)
    assert UNMADE[table](changes)
    assert not UNMADE[table](changes)
    assert count(read, table) == 0
    assert [entry.number for entry in outbox.entries(read, 0, 10)] == [1, 2]


@pytest.mark.parametrize("table", ["block", "signed_out", "protection", "referral", "opening"])
def test_what_is_so_already_is_not_told_of_again(table: str, changes: Changes, read: sqlite3.Connection) -> None:
    MADE[table](changes)
    assert not MADE[table](changes)
    assert (count(read, table), count(read, "outbox")) == (1, 1)


def test_a_referral_whose_id_is_known_stays_as_it_was(changes: Changes, read: sqlite3.Connection) -> None:
    changes.refer([referral("r1"), referral("r2")])
    changes.refer([referral("r1", reason="lunch"), referral("r3")])
    found = read.execute("SELECT id, reason FROM referral ORDER BY id").fetchall()
    assert found == [("r1", "meeting"), ("r2", "meeting"), ("r3", "meeting")]
    assert [json.loads(entry.body)["id"] for entry in outbox.entries(read, 0, 10)] == ["r1", "r2", "r3"]


def test_many_referrals_are_set_all_or_none(changes: Changes, read: sqlite3.Connection) -> None:
    read.execute(
        "CREATE TRIGGER full BEFORE INSERT ON outbox WHEN NEW.number = 3 BEGIN SELECT RAISE(ABORT, 'full'); END"
    )
    with pytest.raises(sqlite3.Error, match="full"):
        changes.refer(referral(f"r{number}") for number in range(5))
    assert (count(read, "referral"), count(read, "outbox")) == (0, 0)


def test_a_row_that_cannot_be_is_not_left_out_silently(changes: Changes, read: sqlite3.Connection) -> None:
    with pytest.raises(sqlite3.IntegrityError):
        changes.forward(forwarding(Condition.ALWAYS, None), "anna")
    assert (count(read, "forwarding"), count(read, "outbox")) == (0, 0)


def test_a_forwarding_is_replaced_by_condition(changes: Changes, read: sqlite3.Connection) -> None:
    changes.forward(forwarding(target="1002"), "anna")
    changes.forward(forwarding(target="1003"), "anna")
    changes.forward(forwarding(Condition.BUSY, "1004"), "anna")
    rows = read.execute("SELECT condition, target FROM forwarding ORDER BY condition").fetchall()
    assert rows == [("always", "1003"), ("busy", "1004")]
    assert count(read, "outbox") == 3


def test_numbers_are_dense_and_the_life_is_one(changes: Changes, file: Path, read: sqlite3.Connection) -> None:
    with closing(Changes.open(file)) as other:
        for number in range(6):
            (changes, other)[number % 2].block(f"{number}", "anna", "", NOW)
    entries = outbox.entries(read, 0, 100)
    assert [entry.number for entry in entries] == [1, 2, 3, 4, 5, 6]
    assert len({entry.epoch for entry in entries}) == 1
    assert [entry.number for entry in outbox.entries(read, 2, 3)] == [3, 4, 5]


def test_what_came_since_is_told_or_not_known(changes: Changes, read: sqlite3.Connection) -> None:
    assert outbox.since(read, 0) == (0, ())
    changes.block("1", "anna", "", NOW)
    changes.lift("1", "anna", NOW)
    assert outbox.since(read, 0) == (2, (("block", "1"), ("lift", "1")))
    assert outbox.since(read, 2) == (2, ())
    assert outbox.since(read, 3) == (2, None)  # a restored file: another life
    read.execute("DELETE FROM outbox WHERE number = 1")  # what the platform has taken may be cleared away
    assert outbox.since(read, 0) == (2, None)
    assert outbox.since(read, 1) == (2, (("lift", "1"),))
    assert outbox.since(read, 1 - TOLD_AT_ONCE)[1] is None


@pytest.mark.parametrize(
    ("kind", "field"),
    [("person", "id"), ("person", "protected"), ("person", "visibility"), ("unit", "secret"), ("extension", "number")],
)
def test_what_is_the_platforms_alone_is_refused(
    kind: str, field: str, changes: Changes, read: sqlite3.Connection
) -> None:
    with pytest.raises(ValueError, match=f"{kind} {field}"):
        changes.change(kind, "anna", {"title": "x", field: "y"} if kind == "person" else {field: "y"}, "bo", NOW)
    assert (count(read, "change"), count(read, "outbox")) == (0, 0)


@pytest.mark.parametrize(
    ("kind", "field", "value", "why"),
    [
        ("person", "title", 7, "is no text"),
        ("person", "title", None, "is no text"),
        ("person", "title", "x" * 1001, "longer than 1000"),
        ("person", "title", "=1+1", "a formula"),
        ("person", "given", "An\u200bna", "not seen"),
        ("person", "family", " ", "is empty"),
        ("person", "duties", "bygglov", "is no list"),
        ("person", "duties", ["x"] * 51, "is no list of at most 50"),
        ("person", "duties", ["a, b"], "without | or comma"),
        ("person", "search_words", [""], "is empty"),
        ("person", "mobile", "070-111 11 11", "a number with its country"),
        ("person", "sms", "+0", "a number with its country"),
        ("person", "email", "anna@norrby.example\nBcc: x@y", "an address"),
        ("person", "deputy", "an na", "the id of a person"),
        ("person", "phone_hours", "whenever", "whenever"),
        ("unit", "name", "", "is empty"),
        ("unit", "unstaffed", 1, "true or false"),
        ("unit", "emergency_number", "112", "a number with its country"),
        ("unit", "attended_by", "1123", "an extension"),
        ("unit", "telephony_contact", 7, "the id"),
        ("extension", "reach", "mars", "not known"),
        ("extension", "reach", ["x"], "is no text"),
        ("extension", "identity", "hidden", "direct, main or withheld"),
        ("extension", "voicemail", "ja", "true or false"),
        ("extension", "fallback", "1" * 16, "an extension"),
        ("extension", "announcement", "", "is empty"),
        ("extension", "hours", "", "is empty"),
    ],
)
def test_a_value_that_cannot_be_is_refused_by_its_field(
    kind: str, field: str, value: object, why: str, changes: Changes, read: sqlite3.Connection
) -> None:
    with pytest.raises(ValueError, match=f"{kind} {field}: .*{re.escape(why)}"):
        changes.change(kind, "anna", {field: value}, "bo", NOW)
    assert (count(read, "change"), count(read, "outbox")) == (0, 0)


def test_values_are_kept_as_an_import_keeps_them() -> None:
    fields = {"title": " Chef  för  allt ", "duties": ("a", "a", "b"), "phone_hours": "Mån-fre 8-12", "mobile": None}
    assert checked("person", fields) == {
        "title": "Chef för allt",
        "duties": ["a", "b"],
        "phone_hours": "mån-fre 08:00-12:00",
        "mobile": None,
    }
    assert checked("extension", {"reach": "own"}, {"own"}) == {"reach": "own"}


def test_nothing_is_changed_by_no_field(changes: Changes, read: sqlite3.Connection) -> None:
    changes.change("person", "anna", {}, "bo", NOW)
    assert count(read, "outbox") == 0


def test_what_may_be_changed_is_there(store: Store) -> None:
    tables = {"person": "person", "unit": "unit", "extension": "extension"}
    for kind, fields in CHANGEABLE.items():
        known = {row[1] for row in store.people.directory.execute(f"PRAGMA table_info({tables[kind]})")}
        assert fields <= known


def test_a_look_is_kept_with_its_why(changes: Changes, read: sqlite3.Connection) -> None:
    MADE["look"](changes)
    found = read.execute("SELECT viewer, kind, subject, field, why FROM look").fetchone()
    assert found == ("operator", "person", "siv", "mobile", "the police asked")
    assert "mobile" in outbox.entries(read, 0, 1)[0].body


# What is decided by


def refer(db: Changes) -> None:
    db.refer([referral()])


SEEN: list[tuple[str, Callable[[Changes], object], Callable[[Any], Any], Any, Any]] = [
    ("referral", refer, lambda people: people.absent("1001", LATER) is not None, False, True),
    (
        "forwarding",
        MADE["forwarding"],
        lambda people: [one.target for one in people.forwardings("1001")],
        [],
        ["1002"],
    ),
    ("block", MADE["block"], lambda people: people.extension("1001").blocked, False, True),
    (
        "signed out",
        MADE["signed_out"],
        lambda people: [member.signed_in for member in people.group("1900").members],
        [True, True],
        [False, True],
    ),
    ("title", MADE["change"], lambda people: people.person("anna").title, "Inspektör", "Chef"),
    ("no e-mail", MADE["change"], lambda people: people.person("anna").email, "anna@norrby.example", None),
    (
        "duties",
        lambda db: db.change("person", "anna", {"duties": ["rivning"]}, "bo", NOW),
        lambda people: people.person("anna").duties,
        ("bygglov",),
        ("rivning",),
    ),
    (
        "mobile",
        lambda db: db.change("person", "bo", {"mobile": "+46703333333"}, "bo", NOW),
        lambda people: people.is_municipal_mobile("+46703333333"),
        False,
        True,
    ),
    (
        "phone hours",
        lambda db: db.change("person", "bo", {"phone_hours": "mån-fre 08:00-09:00"}, "bo", NOW),
        lambda people: people.person("bo").phone_hours and people.person("bo").phone_hours.open_at(NOW),
        None,
        False,
    ),
    (
        "unit unstaffed",
        lambda db: db.change("unit", "bygg", {"unstaffed": True, "emergency_number": "+46701234567"}, "bo", NOW),
        lambda people: (people.unit("bygg").unstaffed, people.unit("bygg").emergency_number),
        (False, None),
        (True, "+46701234567"),
    ),
    (
        "fallback",
        lambda db: db.change("extension", "1001", {"fallback": "1002", "voicemail": True}, "bo", NOW),
        lambda people: (people.extension("1001").fallback, people.extension("1001").voicemail),
        (None, False),
        ("1002", True),
    ),
]


@pytest.mark.parametrize(("make", "ask", "before", "after"), [row[1:] for row in SEEN], ids=[row[0] for row in SEEN])
def test_a_change_is_seen_at_the_next_look_and_not_before(
    make: Callable[[Changes], object], ask: Callable[[People], Any], before: Any, after: Any, store: Store
) -> None:
    assert ask(store.people) == before
    make(store.changes)
    assert ask(store.people) == before  # kept: one decision is made of one moment
    assert ask(store.again()) == after
    assert not store.people.look_again()


@pytest.mark.parametrize("table", ["forwarding", "block", "signed_out"])
def test_an_end_is_seen_too(table: str, store: Store) -> None:
    ask = {"forwarding": SEEN[1], "block": SEEN[2], "signed_out": SEEN[3]}[table]
    MADE[table](store.changes)
    assert ask[2](store.again()) == ask[4]
    UNMADE[table](store.changes)
    assert ask[2](store.again()) == ask[3]


def test_an_opening_ends_what_it_had_seen(store: Store) -> None:
    refer(store.changes)
    absent = store.again().absent("1001", LATER)
    assert absent is not None
    store.changes.open_phone(opening("o1", *absent.seen), NOW)
    assert store.again().absent("1001", LATER) is None
    store.changes.refer([referral("r2")])
    assert store.again().absent("1001", LATER) is not None


def test_a_referral_begins_and_ends_without_any_look(store: Store) -> None:
    store.changes.refer([referral("r1", start=LATER, until=LATER + timedelta(hours=1))])
    people = store.again()
    moments = [NOW, LATER, LATER + timedelta(minutes=59), LATER + timedelta(hours=1)]
    assert [people.absent("1001", moment) is not None for moment in moments] == [False, True, True, False]


def test_more_changes_than_are_gone_through_are_seen_all_the_same(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outbox, "TOLD_AT_ONCE", 3)
    assert store.people.person("anna") is not None
    for number in range(5):
        store.changes.change("person", "anna", {"title": f"Chef {number}"}, "bo", NOW)
    changed = store.again().person("anna")
    assert changed is not None
    assert changed.title == "Chef 4"


def test_a_journal_that_was_put_back_is_read_anew(store: Store) -> None:
    MADE["block"](store.changes)
    assert store.again().extension("1001").blocked  # type: ignore[union-attr]
    with closing(sqlite3.connect(store.folder / "journal.db")) as db, db:
        db.executescript("DELETE FROM block_set; DELETE FROM outbox; DELETE FROM epoch;")
    assert not store.again().extension("1001").blocked  # type: ignore[union-attr]


def test_a_directory_that_is_loaded_anew_is_seen_whole(store: Store, bulk_of: Callable[..., Bulk]) -> None:
    assert store.people.extension("1001") is not None
    MADE["change"](store.changes)
    with closing(connect(store.folder / "directory.db", "directory")) as other:
        load(other, bulk_of(people=()), "again", LATER)
    people = store.again()
    assert people.extension("1001") is None
    assert people.person("anna") is None
    assert people.by_direct_number("+4690161001") is None
    assert people.unit("bygg") is not None


@pytest.mark.parametrize(
    ("kind", "name", "fields", "ask"),
    [
        ("person", "anna", {"phone_hours": "whenever"}, lambda people: people.person("anna")),
        ("person", "anna", {"duties": 7}, lambda people: people.person("anna")),
        ("extension", "1001", {"hours": "whenever"}, lambda people: people.extension("1001")),
        ("extension", "1001", {"reach": ["x"]}, lambda people: people.extension("1001")),
    ],
)
def test_a_row_that_nobody_here_writes_is_the_stores_fault(
    kind: str,
    name: str,
    fields: dict[str, object],
    ask: Callable[[People], object],
    store: Store,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("firmware.store.changes.checked", lambda kind, fields, classes: fields)
    store.changes.change(kind, name, fields, "bo", NOW)
    people = store.again()
    for _ in range(2):
        with pytest.raises(StoreError, match=f"{kind} {name}"):
            ask(people)
    assert people.person("bo") is not None
    store.changes.change(
        kind, name, {next(iter(fields)): {"duties": [], "reach": "x"}.get(next(iter(fields)))}, "", NOW
    )
    assert ask(store.again()) is not None


def test_a_field_that_nobody_here_knows_is_the_stores_fault(store: Store) -> None:
    with closing(sqlite3.connect(store.folder / "journal.db")) as db, db:
        db.execute("INSERT INTO change VALUES ('unit', 'bygg', 'colour', '1', '', '')")
        outbox.add(db, NOW, "unit", "bygg", {})
    for _ in range(2):
        people = store.again()
        assert list(people.unreadable) == ["unit bygg"]
        with pytest.raises(StoreError, match="unit bygg"):
            people.unit("bygg")
    assert people.entity("kommun") is not None


def test_a_look_that_failed_is_taken_again(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    assert store.people.extension("1001") is not None
    MADE["block"](store.changes)
    with monkeypatch.context() as patched:
        patched.setattr(outbox, "since", lambda db, number: db.execute("SELECT nonsense"))
        with pytest.raises(sqlite3.OperationalError):
            store.again()
    assert store.again().extension("1001").blocked  # type: ignore[union-attr]


def test_what_is_kept_is_bounded(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("firmware.store.people.KEPT_MAX", 10)
    for number in range(100):
        assert store.people.extension(f"7{number}") is None
    assert len(store.people._kept) <= 10


def test_those_that_may_not_be_plain(store: Store) -> None:
    assert store.people.special(NOW) == {"1000", "1900"}
    store.changes.refer([referral("r1", "1001"), referral("r2", "1002", until=None)])
    store.changes.refer([referral("r3", "1003", start=NOW - timedelta(days=9), until=NOW - timedelta(days=8))])
    assert store.people.special(NOW) == {"1000", "1900", "1001", "1002"}


def test_what_is_asked_of_nobody_is_nothing(store: Store) -> None:
    people = store.people
    assert [people.unit("x"), people.entity("x"), people.extension("x"), people.person("x"), people.group("x")] == (
        [None] * 5
    )
    assert (people.forwardings("x"), people.absent("x", NOW), people.by_direct_number("x")) == ((), None, None)
    assert people.by_entity_number("+4690160000") == "kommun"
    assert not people.is_municipal_mobile("+46")
    assert people.is_absent((), NOW) is None
    assert people.is_absent(("1001",), NOW) is False
    assert people.extensions_of("anna") == ("1001",)


def test_what_a_municipality_has_chosen(store: Store) -> None:
    entity = store.people.entity("kommun")
    assert entity is not None
    assert (entity.choices.signals, entity.choices.phone_hours, entity.choices.signal_s) == (3, True, 6)
    assert entity.numbers == ("+4690160000",)


def test_a_name_is_no_option_of_a_command() -> None:
    assert all(new_id().isalnum() for _ in range(100))
