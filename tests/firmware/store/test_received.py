"""What the hub says of what goes both ways: taken once, not over what is set here, and seen by who decides."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from callcontrol.plan.absence import Opening, Referral, Source
from callcontrol.plan.model import Condition, Forwarding
from callcontrol.plan.number import LocalNumbering
from firmware.store import outbox
from firmware.store.changes import Changes
from firmware.store.joining import GROWS, Taken
from firmware.store.people import People
from firmware.store.received import Received
from firmware.store.registers import REGISTERS
from firmware.store.sending import Sending
from firmware.sync.kinds import KINDS, Way
from firmware.sync.merge import item_of
from firmware.sync.stamp import Stamp
from firmware.sync.wire import Item

NOW = datetime(2026, 11, 23, 8, tzinfo=UTC)
AT = "2026-11-23T08:00:00.000000Z"
MS = int(NOW.timestamp() * 1000)


def stamp(later_ms: int = 0, node: str = "hub") -> str:
    return str(Stamp(MS + later_ms, 0, node))


class Store:
    def __init__(self, folder: Path) -> None:
        file = folder / "journal.db"
        self.received, self.sending, self.changes = Received.open(file), Sending.open(file), Changes.open(file)
        self.people = People.open(folder / "directory.db", file, LocalNumbering())
        self.sending.begin("a" * 32, NOW)

    def close(self) -> None:
        for each in (self.received, self.sending, self.changes, self.people):
            each.close()

    def take(self, *items: Item) -> Taken:
        return self.received.take(items, NOW)

    def page(self, place: int, *items: Item, life: str = "g") -> Taken:
        """What the feed says up to a place, all of it."""
        taken = self.received.take(items, NOW)
        settled = self.received.caught_up(f"{life}.{place}", NOW)
        return Taken(*(getattr(taken, name) + getattr(settled, name) for name in Taken.__slots__))

    def acknowledge(self, place: int, life: str = "g") -> None:
        """The hub has all, and its feed is at a place."""
        epoch, last = self.sending.state()
        self.sending.answered(epoch, range(1, last + 1), last, [], 0, f"{life}.{place}", NOW)

    def forward(self, target: str) -> None:
        forwarding = Forwarding(extension="1001", condition=Condition.ALWAYS, target=target, set_at=NOW)
        self.changes.forward(forwarding, "anna")

    @property
    def target(self) -> str | None:
        row = REGISTERS["forwarding"].row(self.received._db, "1001|always")
        return row["target"] if row else None


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    monkeypatch.setattr(outbox, "_wall_ms", lambda: MS)
    with closing(Store(tmp_path)) as made:
        yield made


def forwarding(target: str | None, later_ms: int = 0) -> Item:
    row = {"extension": "1001", "condition": "always", "target": target, "set_at": AT, "set_by": "bo"}
    return Item("forwarding", "1001|always", row if target else None, stamp(later_ms), "other")


ROWS: dict[str, dict[str, Any]] = {
    "referral": {
        "id": "r1", "extension": "1001", "reason": "lunch", "start": AT, "until": None, "answers_instead": "",
        "direct": True, "open": False, "information": "", "source": "page", "set_by": "anna", "set_at": AT,
        "every": None,
    },
    "opening": {"id": "o1", "extension": "1001", "at": AT, "seen": ["r1", "r2"], "set_by": "anna"},
    "block": {"id": "b1", "extension": "1001", "since": AT, "set_by": "bo", "why": "lost"},
    "lift": {"id": "l1", "extension": "1001", "at": AT, "seen": ["b0"], "set_by": "bo"},
    "forwarding": {"extension": "1001", "condition": "busy", "target": "1002", "set_at": AT, "set_by": "bo"},
    "lock": {"extension": "1001", "since": AT, "set_by": "bo"},
    "signed_out": {"hunt": "1900", "extension": "1001", "at": AT},
    "service_key": {"entity": "e1", "state": "night", "set_at": AT, "until": None, "set_by": "bo"},
    "department": {
        "id": "d1", "unit": "u1", "reason": "course", "start": AT, "until": None, "emergency_number": None,
        "information": "", "set_by": "bo", "set_at": AT, "ended_at": None, "ended_by": None,
    },
    "pin_change": {"extension": "1001", "hash": "$argon2id$x", "set_at": AT, "set_by": "bo"},
}  # fmt: skip


def test_every_kind_that_goes_both_ways_is_taken_and_given_again(store: Store) -> None:
    assert set(ROWS) == {kind.name for kind in KINDS.values() if kind.way is not Way.DOWN} == {*GROWS, *REGISTERS}
    items = [Item(kind, KINDS[kind].id_of(row), row, stamp(), "hub") for kind, row in ROWS.items()]
    assert store.take(*items) == Taken(changed=len(items))
    assert store.take(*items) == Taken(known=len(items))
    live = {item.kind: item for batch in store.received.live() for item in batch}
    assert live == {item.kind: item for item in items}
    assert store.sending.waiting() == {}  # nothing goes back to where it came from


@pytest.mark.parametrize("kind", sorted(REGISTERS))
def test_what_is_set_no_more(kind: str, store: Store) -> None:
    name = KINDS[kind].id_of(ROWS[kind])
    store.take(Item(kind, name, ROWS[kind], stamp(), "hub"))
    assert store.take(Item(kind, name, None, stamp(1), "hub")) == Taken(changed=1)
    assert REGISTERS[kind].row(store.received._db, name) is None
    assert store.take(Item(kind, name, None, stamp(1), "hub")) == Taken(known=1)


def test_whoever_decides_sees_it_at_the_next_look(store: Store) -> None:
    people = store.people
    people.look_again()
    assert not people.blocked("1001")
    assert people.referrals("1001") == ((), ())
    store.take(*(Item(kind, ROWS[kind]["id"], ROWS[kind], stamp(), "hub") for kind in ("block", "referral")))
    assert people.look_again()
    assert people.blocked("1001")
    (found,) = people.referrals("1001")[0]
    assert (found.id, found.stamp) == ("r1", stamp())
    assert not people.look_again()


def test_a_block_that_the_lift_had_not_seen_holds(store: Store) -> None:
    def block(name: str) -> Item:
        return Item("block", name, {**ROWS["block"], "id": name}, stamp(), "hub")

    def lift(name: str, *seen: str) -> Item:
        return Item("lift", name, {**ROWS["lift"], "id": name, "seen": list(seen)}, stamp(), "hub")

    store.take(block("b1"), block("b2"), lift("l1", "b1"))
    assert store.people.blocked("1001")
    store.take(lift("l3", "b3"))  # before the block that it lifts
    store.take(block("b3"), lift("l2", "b2"))
    assert not store.people.blocked("1001")


def test_what_the_archive_had_deleted_does_not_come_again(store: Store) -> None:
    item = Item("referral", "r1", ROWS["referral"], stamp(), "hub")
    assert store.take(item) == Taken(changed=1)
    store.received._db.execute("DELETE FROM referral")
    assert store.take(item) == Taken(known=1)
    assert [items for items in store.received.live() if items] == []


def test_what_is_set_here_stays_until_the_feed_is_read_up_to_where_the_hub_has_it(store: Store) -> None:
    store.forward("1005")
    assert store.page(3, forwarding("1002")) == Taken(waiting=1)
    assert store.target == "1005"
    store.acknowledge(7)
    assert store.target == "1005"  # the feed up to 3 may not have had it
    assert store.page(6, forwarding("1003")) == Taken(waiting=1)
    assert store.target == "1005"
    assert store.page(7, forwarding("1004", later_ms=9)) == Taken(waiting=1, changed=1, overruled=1)
    assert store.target == "1004"
    (over,) = store.received.overruled()
    assert (over.kind, over.item, over.over_by) == ("forwarding", "1001|always", "other")
    assert over.row is not None
    assert over.row["target"] == "1005"
    assert store.page(8, forwarding("1006", later_ms=10)) == Taken(changed=1)


def test_what_came_while_the_hubs_answer_was_lost_is_not(store: Store) -> None:
    """The hub took it, its answer was lost, somebody else set it there, and the feed said that before we sent again."""
    store.forward("1005")
    store.page(9, forwarding("1002", later_ms=9))
    store.acknowledge(9)
    assert store.target == "1002"
    store.forward("1005")
    store.page(12, forwarding("1003", later_ms=12))
    store.acknowledge(20)
    assert store.target == "1005"
    store.page(20)
    assert store.target == "1003"


def test_a_hub_that_was_restored_and_has_it_says_what_stands(store: Store) -> None:
    store.forward("1005")
    store.acknowledge(700)
    store.page(2, forwarding("1002", later_ms=9), life="other")
    assert store.target == "1002"
    store.forward("1005")
    store.page(3, life="other")
    store.acknowledge(2, life="third")
    store.page(1, forwarding("1003", later_ms=12), life="third")
    assert store.target == "1005"  # that life's own snapshot has it, or one further on
    store.page(2, life="third")
    assert store.target == "1003"


def test_ones_own_comes_back_and_is_no_news(store: Store) -> None:
    store.forward("1005")
    (entry,) = outbox.entries(store.received._db, 0, 9)
    store.acknowledge(1)
    own = item_of(entry.kind, entry.subject, json.loads(entry.body), entry.stamp, "unit-1")
    assert own is not None
    assert store.page(1, own) == Taken(waiting=1, known=1)
    assert store.page(2, forwarding("1002", later_ms=5)) == Taken(changed=1)  # set later by somebody who had seen it
    assert store.received.overruled() == ()


def test_what_was_overruled_is_brought_back_by_one_word(store: Store) -> None:
    store.forward("1005")
    store.acknowledge(1)
    store.page(1, forwarding(None, later_ms=9))
    assert REGISTERS["forwarding"].row(store.received._db, "1001|always") is None
    (over,) = store.received.overruled()
    assert store.received.undo(over.id, "anna", NOW + timedelta(minutes=1))
    assert not store.received.undo(over.id, "anna", NOW)
    assert store.target == "1005"
    assert store.received.overruled() == ()
    entry = outbox.entries(store.received._db, 0, 9)[-1]
    item = item_of(entry.kind, entry.subject, json.loads(entry.body), entry.stamp, "unit-1")
    assert item is not None
    assert item.row is not None
    assert (item.row["target"], item.row["set_by"], str(item.stamp) > stamp(9)) == ("1005", "anna", True)


@pytest.mark.parametrize("kind", sorted(REGISTERS))
@pytest.mark.parametrize("ended", [True, False])
def test_every_register_can_be_brought_back(kind: str, ended: bool, store: Store) -> None:
    """Whether it was set here, or ended."""
    register, name = REGISTERS[kind], KINDS[kind].id_of(ROWS[kind])
    row = None if ended else ROWS[kind]
    sql = "INSERT INTO overruled (at, kind, item, row, stamp, over_row, over_stamp, over_by) VALUES (?,?,?,?,?,?,?,?)"
    text = json.dumps(row) if row else None
    store.received._db.execute(sql, (AT, kind, name, text, stamp(), None, stamp(1), "hub"))
    if ended:
        store.take(Item(kind, name, ROWS[kind], stamp(1), "hub"))
    assert store.received.undo(1, "anna", NOW)
    entry = outbox.entries(store.received._db, 0, 9)[-1]
    item = item_of(entry.kind, entry.subject, json.loads(entry.body), entry.stamp, "unit-1")
    assert item is not None
    assert (item.kind, item.id) == (kind, name)
    assert item.row == register.row(store.received._db, name)
    assert (item.row is None) is ended


def test_a_persons_change_lies_over_the_directory_until_the_platform_has_answered(store: Store) -> None:
    def fields() -> list[tuple[str, str]]:
        return store.received._db.execute("SELECT id, field FROM change ORDER BY id, field").fetchall()

    store.changes.change("person", "anna", {"title": "Chef"}, "bo", NOW)
    store.acknowledge(4)
    assert store.page(3) == Taken()
    store.changes.change("person", "siv", {"title": "Chef"}, "bo", NOW)
    assert store.page(4) == Taken(changed=1)
    assert fields() == [("siv", "title")]


def test_a_change_made_again_meanwhile_stays(store: Store) -> None:
    store.changes.change("person", "anna", {"title": "Chef"}, "bo", NOW)
    store.acknowledge(4)
    store.changes.change("person", "anna", {"location": "Hus B"}, "bo", NOW)
    assert store.page(5) == Taken()


@pytest.mark.parametrize("change", ["referral", "opening", "block", "lift", "forwarding", "lock", "member"])
def test_what_a_unit_tells_is_an_item_that_the_wire_takes(change: str, store: Store) -> None:
    made = Referral(
        id="r1", extension="1001", reason="lunch", start=NOW, until=None, source=Source.PAGE, set_by="anna", set_at=NOW
    )
    opening = Opening(id="o1", extension="1001", at=NOW, seen=frozenset(("r1",)), set_by="anna")
    deeds: dict[str, Callable[[], object]] = {
        "referral": lambda: store.changes.refer([made]),
        "opening": lambda: store.changes.open_phone(opening, NOW),
        "block": lambda: store.changes.block("1001", "anna", "lost", NOW),
        "lift": lambda: (store.changes.block("1001", "anna", "lost", NOW), store.changes.lift("1001", "anna", NOW)),
        "forwarding": lambda: store.forward("1002"),
        "lock": lambda: store.changes.lock("1001", "1001", NOW),
        "member": lambda: store.changes.sign("1900", "1001", signed_in=False, now=NOW),
    }
    deeds[change]()
    for entry in outbox.entries(store.received._db, 0, 9):
        item = item_of(entry.kind, entry.subject, json.loads(entry.body), entry.stamp, "unit-1")
        assert item is not None
        assert Item.of(item.plain()) == item


def test_what_the_archive_has_emptied_sets_nothing() -> None:
    assert item_of("referral", "", {"id": "r1", "deleted": "d1"}, stamp(), "unit-1") is None
    assert item_of("record", "1001", {"call_id": "c1"}, stamp(), "unit-1") is None
