"""Leavers and fault reports as the store has them: blocked once, told once, and what is left is seen."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest

from callcontrol.plan.absence import Referral, Source
from callcontrol.plan.faultreport import Fault, FaultReport
from callcontrol.plan.faultreport import Source as From
from callcontrol.plan.leaver import Leaver, What
from callcontrol.plan.model import Condition, Forwarding
from firmware.noticing import notes
from firmware.store import Journal, outbox
from firmware.store.database import connect
from firmware.store.faults import AN_HOUR_MAX, FaultRows
from firmware.store.leavers import Leavers
from firmware.store.leaving import checklist_of

from .conftest import NOW, Store

ANNA = Leaver(
    id="l1", person="anna", name="Anna Öberg", unit="bygg", extensions=("1001",), last_day=None, began_at=NOW,
    set_by="bo",
)  # fmt: skip


@pytest.fixture
def leavers(store: Store, tmp_path: Path) -> Iterator[Leavers]:
    opened = Leavers.open(tmp_path / "journal.db")
    yield opened
    opened.close()


@pytest.fixture
def faults(store: Store, tmp_path: Path) -> Iterator[FaultRows]:
    opened = FaultRows.open(tmp_path / "journal.db")
    yield opened
    opened.close()


def told(store: Store) -> list[tuple[str, str]]:
    return [(row.kind, row.subject) for row in outbox.entries(store.people.journal, 0, 100)]


def left(store: Store, leaver: Leaver = ANNA) -> dict[str, tuple[str, ...]]:
    entries = checklist_of(store.again(), leaver, NOW)
    return {str(entry.what): entry.about for entry in entries if not entry.done}


def test_who_leaves_is_blocked_at_once_or_when_the_last_day_is_over(store: Store, leavers: Leavers) -> None:
    assert leavers.begin(ANNA, NOW)
    assert not leavers.begin(replace(ANNA, id="l2"), NOW)  # leaves already
    assert store.again().blocked("1001")
    bo = replace(ANNA, id="l3", person="bo", extensions=("1002",), last_day=date(2026, 3, 5))
    assert leavers.begin(bo, NOW)
    assert not store.again().blocked("1002")
    assert leavers.block_due(date(2026, 3, 5), NOW) == ()
    (blocked,) = leavers.block_due(date(2026, 3, 6), NOW + timedelta(days=3))
    assert blocked.person == "bo"
    assert store.again().blocked("1002")
    assert leavers.block_due(date(2026, 3, 7), NOW + timedelta(days=4)) == ()
    assert told(store) == [("leaver", "anna"), ("block", "1001"), ("leaver", "bo"), ("block", "1002")]


def test_who_stays_is_unblocked_but_not_a_phone_that_was_lost(store: Store, leavers: Leavers) -> None:
    store.changes.block("1002", "anna", "lost", NOW)
    leavers.begin(replace(ANNA, extensions=("1001", "1002")), NOW)
    assert leavers.end("l1", "bo", NOW, stays=True)
    assert not leavers.end("l1", "bo", NOW)
    people = store.again()
    assert (people.blocked("1001"), people.blocked("1002")) == (False, True)
    assert leavers.all() == ()
    (ended,) = leavers.all(ended=True)
    assert ended.ended_by == "bo"
    assert leavers.begin(replace(ANNA, id="l9"), NOW)  # another time


def test_what_is_ticked(store: Store, leavers: Leavers) -> None:
    leavers.begin(ANNA, NOW)
    assert leavers.tick("l1", What.RETURNED, "bo", NOW)
    assert not leavers.tick("l1", What.RETURNED, "bo", NOW)
    assert not leavers.tick("l8", What.RETURNED, "bo", NOW)
    with pytest.raises(ValueError, match="item: phone is seen"):
        leavers.tick("l1", What.PHONE, "bo", NOW)
    leaver = leavers.of("anna")
    assert leaver is not None
    assert "returned" not in left(store, leaver)


def test_what_is_left_is_seen(store: Store, leavers: Leavers) -> None:
    assert left(store) == {
        "phone": ("1001",), "returned": (), "wiped": (), "told": (), "contact": ("Bygg",), "group": ("1900",),
        "directory": ("anna",),
    }  # fmt: skip
    leavers.begin(ANNA, NOW)
    store.changes.forward(Forwarding(extension="1002", condition=Condition.BUSY, target="1001", set_at=NOW), "bo")
    store.changes.forward(Forwarding(extension="1001", condition=Condition.ALWAYS, target="1002", set_at=NOW), "anna")
    referral = Referral(
        id="r", extension="1003", reason="meeting", start=NOW, until=NOW + timedelta(hours=1), answers_instead="1001",
        source=Source.PAGE, set_by="siv", set_at=NOW,
    )  # fmt: skip
    store.changes.refer([referral])
    found = left(store)
    assert "phone" not in found  # it is blocked
    assert found["forwarded"] == ("1001",)
    assert found["forwarded_here"] == ("1002",)
    assert found["answers_for"] == ("1003",)
    with closing(connect(store.folder / "directory.db", "directory")) as db:
        db.execute("INSERT INTO role VALUES ('anna', 'operator', '*')")
        db.execute("UPDATE unit SET attended_by = '1001'")
        db.execute("UPDATE person SET deputy = 'anna' WHERE id = 'bo'")
    found = left(store)
    assert (found["role"], found["attends"], found["deputy"]) == (("operator *",), ("Bygg",), ("bo",))


def test_a_number_that_is_somebody_elses_by_now_is_none_of_it(store: Store, leavers: Leavers) -> None:
    with closing(connect(store.folder / "directory.db", "directory")) as db:
        db.execute("UPDATE extension SET person = 'bo' WHERE number = '1001'")
        db.execute("DELETE FROM person WHERE id = 'anna'")
    assert left(store) == {"returned": (), "wiped": (), "told": (), "contact": ("Bygg",)}


def test_a_list_that_nobody_goes_through_is_told(store: Store, leavers: Leavers) -> None:
    leavers.begin(ANNA, NOW)
    assert not [note for note in notes(store.again(), NOW + timedelta(days=7)) if note.rule == "E5"]
    (note,) = [note for note in notes(store.again(), NOW + timedelta(days=8)) if note.rule == "E5"]
    assert (note.to, note.words, dict(note.fill)["name"]) == ("operations", "leaver_late", "Anna Öberg")


def report(name: str, **fields: object) -> FaultReport:
    given = {
        "id": name, "at": NOW, "extension": "1001", "reporter": "1001", "source": From.CODE, "what": Fault.PHONE,
        "mode": "SURVIVAL", "incident": 3, **fields,
    }  # fmt: skip
    return FaultReport(**given)  # type: ignore[arg-type]


def test_a_report_waits_until_it_is_answered(store: Store, faults: FaultRows) -> None:
    assert faults.report(report("f1"))
    assert not faults.report(report("f1"))
    assert [one.id for one in faults.waiting()] == ["f1"]
    (note,) = [note for note in notes(store.again(), NOW) if note.words == "fault_waits"]
    assert note.to == "operations"
    answered = faults.answer("f1", "Ny sladd", "bo", NOW + timedelta(hours=1))
    assert answered is not None
    assert (answered.answer, answered.incident, answered.mode) == ("Ny sladd", 3, "SURVIVAL")
    assert faults.answer("f1", "Igen", "bo", NOW) is None
    assert faults.waiting() == ()
    assert [one.id for one in faults.lately(9)] == ["f1"]
    assert told(store) == [("fault_report", "1001")] * 2


def test_nobody_fills_the_list(store: Store, faults: FaultRows) -> None:
    for number in range(AN_HOUR_MAX):
        assert faults.report(report(f"f{number}"))
    with pytest.raises(OverflowError):
        faults.report(report("one more"))
    assert faults.report(report("another", reporter="1002"))
    assert faults.report(report("later", at=NOW + timedelta(hours=1)))
    assert faults.report(report("by a clock that was set right", at=NOW - timedelta(days=9)))


def test_those_concerned_hear_of_an_outage(store: Store) -> None:
    with closing(Journal.open(store.folder / "journal.db")) as journal:
        incident = journal.incident_begin(NOW, "platform", "SURVIVAL")
        assert not [note for note in notes(store.again(), NOW) if note.rule == "F4"]
        found = [note for note in notes(store.again(), NOW + timedelta(minutes=2)) if note.rule == "F4"]
        assert [(note.to, note.words) for note in found] == [("anna", "outage_began")]
        journal.incident_end(incident, NOW + timedelta(minutes=30))
        found = [note for note in notes(store.again(), NOW + timedelta(minutes=40)) if note.rule == "F4"]
        assert [(note.to, note.words) for note in found] == [("anna", "outage_ended")]
        assert json.loads(json.dumps(found[0].fill))
