"""What waits for the hub: kept until it is backed up there, told again by a hub that has lost it, never under a number
that the hub has otherwise."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from callcontrol.plan.model import Condition, Forwarding
from callcontrol.records import Outcome, Record, Way
from firmware.store import Journal, outbox
from firmware.store.changes import Changes
from firmware.store.outbox import TOLD_AT_ONCE
from firmware.store.sending import Sending
from firmware.sync.stamp import DRIFT_MAX_MS, Stamp

NOW = datetime(2026, 11, 23, 8, tzinfo=UTC)
HERE, ELSEWHERE = "a" * 32, "b" * 32

EVERY = range(1, 100)


class Store:
    def __init__(self, file: Path) -> None:
        self.sending, self.changes, self.journal = Sending.open(file), Changes.open(file), Journal.open(file)

    def close(self) -> None:
        for each in (self.sending, self.changes, self.journal):
            each.close()

    def blocks(self, first: int, last: int) -> None:
        for number in range(first, last + 1):
            self.changes.block(f"{number}", "anna", "lost", NOW)

    def numbers(self, lane: int = 0) -> list[int]:
        epoch, _ = self.sending.state()
        return [row.number for row in self.sending.rows(epoch, lane, 100)]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with closing(Store(tmp_path / "journal.db")) as made:
        made.sending.begin(HERE, NOW)
        yield made


def record(number: int, **fields: object) -> Record:
    made = Record(
        call_id=f"c{number}", from_tag="a", to_tag="b", caller="1001", callee="1002", began_at=NOW,
        answered_at=None, ended_at=None, way=Way.LOCAL, outcome=Outcome.NO_ANSWER, sip_code=408, emergency=False,
        time_certain=True,
    )  # fmt: skip
    return replace(made, **fields)  # type: ignore[arg-type]


def fold(store: Store, *records: Record) -> None:
    at = store.journal.folded("acc", 1)
    assert store.journal.fold("acc", 1, at + 1, records, start=at)


def test_the_important_goes_first_and_each_lane_in_order(store: Store) -> None:
    fold(store, record(1))
    store.changes.forward(Forwarding(extension="1", condition=Condition.BUSY, target="2", set_at=NOW), "anna")
    store.changes.block("1", "anna", "lost", NOW)
    store.changes.looked("anna", "person", "siv", "mobile", "why", NOW)
    store.changes.lift("1", "anna", NOW)
    assert [store.numbers(lane) for lane in range(4)] == [[3, 5], [2], [1, 4], []]
    epoch, last = store.sending.state()
    assert last == 5
    assert [row.number for row in store.sending.rows(epoch, 0, 10, without=[3])] == [5]
    assert store.sending.waiting() == {"record": 1, "forwarding": 1, "block": 1, "look": 1, "lift": 1}


def test_what_is_held_is_not_sent_again_and_goes_when_it_is_backed_up(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("firmware.store.sending.TOLD_AT_ONCE", 2)
    store.blocks(1, 9)
    epoch, _ = store.sending.state()
    store.sending.answered(epoch, EVERY, 2, [[4, 5], [8, 8]], 0, "g.1", NOW)
    assert store.numbers() == [3, 6, 7, 9]
    store.sending.answered(epoch, EVERY, 5, [[8, 8]], 5, "g.1", NOW)
    with closing(Changes.open(Path(str(store.sending._db.execute("PRAGMA database_list").fetchone()[2])))) as read:
        kept = [entry.number for entry in outbox.entries(read._db, 0, 100)]
    assert kept == [6, 7, 8, 9]
    store.blocks(10, 10)
    assert store.sending.state() == (epoch, 10)  # numbers go on, whatever was cleared away
    assert store.numbers() == [6, 7, 9, 10]


def test_the_newest_stay_for_who_goes_through_them(store: Store) -> None:
    store.blocks(1, 3)
    epoch, _ = store.sending.state()
    store.sending.answered(epoch, EVERY, 3, [], 3, "g.1", NOW)
    assert TOLD_AT_ONCE > 3
    assert outbox.since(store.sending._db, 0) == (3, (("block", "1"), ("block", "2"), ("block", "3")))


def test_a_hub_that_was_restored_is_told_again(store: Store) -> None:
    store.blocks(1, 6)
    epoch, _ = store.sending.state()
    store.sending.answered(epoch, EVERY, 6, [], 2, "g.1", NOW)
    assert store.numbers() == []
    store.sending.held({epoch: 3}, {epoch: 3})
    assert store.numbers() == [4, 5, 6]
    store.sending.held({}, {})
    assert store.numbers() == [1, 2, 3, 4, 5, 6]


@pytest.mark.parametrize("at_once", [1, 2, 100])
def test_another_row_by_the_same_number_begins_another_life(
    at_once: int, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("firmware.store.sending.MOVED_AT_ONCE", at_once)
    store.blocks(1, 5)
    epoch, _ = store.sending.state()
    store.sending.answered(epoch, EVERY, 2, [], 0, "g.1", NOW)
    life = store.sending.forked(epoch, 4, NOW)
    assert life != epoch
    assert store.sending.state() == (life, 3)
    rows = store.sending.rows(life, 0, 10)
    assert [(row.number, row.subject) for row in rows] == [(1, "3"), (2, "4"), (3, "5")]
    assert store.sending.epochs() == (life,)
    store.blocks(6, 6)
    assert store.numbers() == [1, 2, 3, 4]


def test_a_copied_card_is_another_life_and_a_restart_is_none(store: Store, tmp_path: Path) -> None:
    store.blocks(1, 2)
    epoch, _ = store.sending.state()
    assert store.sending.begin(HERE, NOW) == epoch
    other = store.sending.begin(ELSEWHERE, NOW)
    assert other != epoch
    assert store.sending.begin(ELSEWHERE, NOW) == other
    store.blocks(3, 3)
    assert store.sending.epochs() == (epoch, other)
    assert [row.number for row in store.sending.rows(epoch, 0, 9)] == [1, 2]
    assert store.numbers() == [1]


def test_a_clock_that_was_set_back_begins_another_life(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    now_ms = 2_000_000_000_000
    monkeypatch.setattr(outbox, "_wall_ms", lambda: now_ms)
    store.blocks(1, 2)
    epoch, _ = store.sending.state()
    now_ms -= DRIFT_MAX_MS
    store.blocks(3, 3)
    assert store.sending.state() == (epoch, 3)
    stamps = [str(row.stamp) for row in store.sending.rows(epoch, 0, 9)]
    assert stamps == sorted(stamps)
    now_ms -= 1_000_000
    store.blocks(4, 4)
    life, last = store.sending.state()
    assert (life != epoch, last) == (True, 1)
    assert Stamp.of(str(store.sending.rows(life, 0, 9)[0].stamp)).ms == now_ms


def test_records_are_told_once_they_are_at_their_end_and_again_when_more_is_known(store: Store) -> None:
    up = record(1, outcome=Outcome.ANSWERED, answered_at=NOW, sip_code=200)
    fold(store, up)
    assert store.numbers(2) == []
    fold(store, replace(up, ended_at=NOW + timedelta(seconds=9)))
    fold(store, replace(up, ended_at=NOW + timedelta(seconds=9)))
    assert store.numbers(2) == [1]
    fold(store, record(2), replace(up, ended_at=NOW + timedelta(seconds=4)))
    epoch, _ = store.sending.state()
    bodies = [json.loads(row.body) for row in store.sending.rows(epoch, 2, 9)]
    assert [(body["call_id"], body.get("ended_at")) for body in bodies] == [
        ("c1", "2026-11-23T08:00:09.000000Z"),
        ("c2", None),
        ("c1", "2026-11-23T08:00:04.000000Z"),
    ]


def test_the_end_of_an_incident_tells_all_of_it(store: Store) -> None:
    number = store.journal.incident_begin(NOW, "line", "survival", "why")
    store.journal.incident_end(number, NOW + timedelta(hours=1))
    store.journal.incident_end(number, NOW + timedelta(hours=2))
    bodies = [json.loads(row.body) for row in outbox.entries(store.sending._db, 0, 9)]
    whole = {
        "id": number,
        "began_at": "2026-11-23T08:00:00.000000Z",
        "cause": "line",
        "mode": "survival",
        "detail": "why",
    }
    assert bodies == [{**whole, "ended_at": None}, {**whole, "ended_at": "2026-11-23T09:00:00.000000Z"}]


def test_nothing_of_records_waits_where_there_is_no_hub_and_all_once_there_is(tmp_path: Path) -> None:
    with closing(Store(tmp_path / "journal.db")) as store:
        fold(store, *(record(number) for number in range(1_200)))
        earlier = store.journal.incident_begin(NOW - timedelta(hours=1), "line", "survival")
        assert store.sending.waiting() == {}
        store.sending.begin(HERE, NOW)
        fold(store, record(5_000))
        while store.sending.queue_earlier():
            pass
        assert not store.sending.queue_earlier()
        last = store.sending.state()[1]
        told: dict[str, int] = {}
        entries = outbox.entries(store.sending._db, 0, last)
        incidents = [json.loads(row.body) for row in entries if row.kind == "incident"]
        assert [(body["id"], body["cause"], body["ended_at"]) for body in incidents] == [(earlier, "line", None)]
        for row in (row for row in entries if row.kind == "record"):
            call = json.loads(row.body)["call_id"]
            told[call] = told.get(call, 0) + 1
        assert set(told) == {f"c{number}" for number in (*range(1_200), 5_000)}
        assert [call for call, times in told.items() if times > 1] in ([], ["c5000"])
