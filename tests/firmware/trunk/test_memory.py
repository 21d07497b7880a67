"""What `trunk` remembers: its rows, and the thread that keeps them."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import cast

import pytest

from callcontrol.records import Outcome, Record, Tried, Way
from callcontrol.trunk.readiness import Proof, What
from callcontrol.trunk.steps import KEPT, Step
from drivers.modem.model import Modem, Network, Sim
from firmware.store import Journal
from firmware.store.steps import STEPS_MAX, Noted
from firmware.store.trunk import Place, TrunkRows
from firmware.trunk.memory import Memory, Remembered, place_of, today

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
PLACE = Place("5f", "m1", "EG25 1.0", "24001")
GOOD, BAD = Proof(NOW, good=True), Proof(NOW, good=False, detail="not answered")


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A journal of today's schema, made once."""
    path = tmp_path_factory.mktemp("journal") / "journal.db"
    TrunkRows.open(path).close()
    return path


@pytest.fixture
def journal(tmp_path: Path, empty: Path) -> Path:
    return Path(shutil.copy(empty, tmp_path / "journal.db"))


@pytest.fixture
def rows(journal: Path) -> Iterator[TrunkRows]:
    opened = TrunkRows.open(journal)
    yield opened
    opened.close()


def step(call: str, what: Step, at: datetime = NOW, modem: str = "", detail: str = "") -> Noted:
    return Noted(call, at, what, modem, detail)


CALL = [step("a", Step.ASKED, NOW - MINUTE, detail="1001"), step("a", Step.DIALLED, NOW, "m2")]
UNASKED = [step("b", Step.DIALLED, NOW + MINUTE, "m1")]


@pytest.mark.parametrize(
    ("noted", "since", "call", "expected"),
    [
        ([], NOW, None, []),
        (CALL + UNASKED, NOW - MINUTE, None, CALL + UNASKED),
        (CALL + UNASKED, NOW - MINUTE, "a", CALL),
        (CALL + UNASKED, NOW, None, CALL[1:] + UNASKED),
        (CALL, NOW, "no such", []),
    ],
)
def test_steps(rows: TrunkRows, noted: list[Noted], since: datetime, call: str | None, expected: list[Noted]) -> None:
    for each in noted:
        rows.note(each)
    assert list(rows.steps(since, call)) == expected


def test_of_many_steps_the_newest(rows: TrunkRows, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("firmware.store.steps.STEPS_MAX", 2)
    for each in (*CALL, *UNASKED):
        rows.note(each)
    assert list(rows.steps(NOW - HOUR)) == [CALL[1], *UNASKED]
    assert STEPS_MAX > 2


def test_ways_that_the_edge_has_tried_stand_among_them(rows: TrunkRows, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the answer and the end that the records tell, but of calls by modem, whose steps say that."""
    tried = [
        Tried("a", NOW, "platform", None),
        Tried("a", NOW + MINUTE, "platform", 408),
        Tried("a", NOW + MINUTE, "gateway", None),
    ]
    record = Record(
        call_id="a", from_tag="f", to_tag="t", caller="1001", callee="112", began_at=NOW, answered_at=NOW + 2 * MINUTE,
        ended_at=NOW + HOUR, way=Way.GATEWAY, outcome=Outcome.ANSWERED, sip_code=200, emergency=True, time_certain=True,
    )  # fmt: skip
    given_up = replace(
        record,
        call_id="b",
        answered_at=None,
        ended_at=NOW + MINUTE,
        way=Way.NONE,
        outcome=Outcome.CANCELLED,
        sip_code=487,
    )
    others = [replace(record, call_id="c", way=Way.MODEM), replace(record, call_id="d", emergency=False)]
    journal = Journal(rows._db)
    assert journal.fold("acc_1.log", 7, 100, [record, given_up, *others], tried)
    assert not journal.fold("acc_1.log", 7, 100, [], tried), "folded before"
    assert [(each.call, each.at - NOW, each.step, each.detail) for each in rows.steps(NOW - HOUR)] == [
        ("a", 0 * MINUTE, "way", "platform"),
        ("a", MINUTE, "way_failed", "platform 408"),
        ("a", MINUTE, "way", "gateway"),
        ("b", MINUTE, "over", "cancelled"),
        ("a", 2 * MINUTE, "way_answered", "gateway"),
        ("a", HOUR, "over", "gateway"),
    ]
    assert [each.step for each in rows.steps(NOW + 2 * MINUTE, "a")] == ["way_answered", "over"]
    monkeypatch.setattr("firmware.store.steps.KEPT_MAX", 2)
    rows.note(CALL[0])
    assert [each.detail for each in rows.steps(NOW - HOUR, "a")] == ["1001", "gateway", "gateway", "gateway"]
    journal.forget_steps(NOW + KEPT)
    assert {each.step for each in rows.steps(NOW - HOUR, "a")} == {"way", "way_answered", "over"}


def test_who_called_112_by_which_modem(rows: TrunkRows) -> None:
    """Also one of whom nothing was noted before, and one that two modems took."""
    for each in (*CALL, step("a", Step.DIALLED, NOW + MINUTE, "m1"), *UNASKED):
        rows.note(each)
    assert rows.dialled(NOW) == (("m2", "1001", NOW), ("m1", "1001", NOW + MINUTE), ("m1", "", NOW + MINUTE))
    assert rows.dialled(NOW + HOUR) == ()


def test_seconds_of_a_day_never_become_fewer(rows: TrunkRows) -> None:
    for seconds in (60.0, 90.5, 30.0):
        rows.use("m1", "2026-11-22", seconds)
    assert [
        rows.used(modem, day) for modem, day in (("m1", "2026-11-22"), ("m1", "2026-11-23"), ("m2", "2026-11-22"))
    ] == [90.5, 0.0, 0.0]


@pytest.mark.parametrize("other", [{"sim": "60"}, {"modem": "m2"}, {"model": "EG25 1.1"}, {"operator": "24007"}])
def test_a_proof_is_of_one_way_out_alone(rows: TrunkRows, other: dict[str, str]) -> None:
    rows.prove(PLACE, {What.CALLED: GOOD, What.HEARD: GOOD})
    rows.prove(PLACE, {What.CALLED: BAD})
    assert rows.proofs(PLACE) == {What.CALLED: BAD, What.HEARD: GOOD}
    assert rows.proofs(replace(PLACE, **other)) == {}


def test_the_worst_signal(rows: TrunkRows) -> None:
    for hours, dbm in ((0, -80), (0, -95), (0, -70), (5, -110)):
        rows.signal("m1", NOW - hours * HOUR, dbm)
    assert [rows.worst_signal("m1", NOW - hours * HOUR) for hours in (0, 4, 5)] == [-95, -95, -110]
    assert rows.worst_signal("m2", NOW - KEPT) is None


def test_what_is_forgotten(rows: TrunkRows) -> None:
    rows.note(step("old", Step.ASKED, NOW - KEPT - MINUTE))
    rows.note(step("new", Step.ASKED, NOW - KEPT))
    rows.signal("m1", NOW - KEPT - HOUR, -110)
    rows.signal("m1", NOW - KEPT, -90)
    rows.use("m1", "2025-11-20", 60)
    rows.use("m1", "2025-11-21", 60)
    rows.forget(NOW)
    assert [each.call for each in rows.steps(NOW - 2 * KEPT)] == ["new"]
    assert rows.worst_signal("m1", NOW - 2 * KEPT) == -90
    assert [rows.used("m1", day) for day in ("2025-11-20", "2025-11-21")] == [0.0, 60.0]


async def test_what_was_handed_over_is_kept_by_its_end(journal: Path) -> None:
    """And the process after it knows."""
    now = datetime.now(UTC)
    memory = Memory(journal)
    memory.note(step("a", Step.ASKED, now, detail="1001"))
    memory.note(step("a", Step.DIALLED, now, "m1"))
    memory.note(step("b", Step.DIALLED, now - 2 * HOUR, "m1"))  # nobody calls back of that any more
    memory.use("m1", 61.5)
    memory.prove(PLACE, {What.CALLED: GOOD})
    memory.signal("m1", -88)
    memory.close()
    after = Memory(journal)
    assert await after.begin(["m1", "m2"]) == Remembered((("m1", "1001", now),), {"m1": 61.5, "m2": 0.0})
    assert await after.ask(lambda rows: rows.proofs(PLACE)) == {What.CALLED: GOOD}
    forgetting = asyncio.create_task(after.forget())
    await asyncio.sleep(0)
    forgetting.cancel()
    assert await after.ask(lambda rows: rows.worst_signal("m1", now)) == -88
    after.close()


async def test_a_disk_that_fails_costs_no_call(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """And is tried again each time."""
    place = tmp_path / "none" / "journal.db"
    place.parent.write_text("no folder")
    memory = Memory(place)
    memory.note(CALL[0])
    assert await memory.begin(["m1"]) == Remembered()
    assert "kind=store_fault" in caplog.text
    place.parent.unlink()
    place.parent.mkdir()
    memory.note(CALL[0])
    assert await memory.ask(lambda rows: rows.steps(NOW - HOUR)) == (CALL[0],)
    memory.close()


async def test_a_machine_that_starts_no_thread_costs_no_call(journal: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was to be kept is, as soon as there is one."""

    def no_thread(pool: ThreadPoolExecutor) -> None:
        raise RuntimeError("can't start new thread")

    memory = Memory(journal)
    with monkeypatch.context() as short:
        short.setattr(ThreadPoolExecutor, "_adjust_thread_count", no_thread)
        memory.note(CALL[0])
        assert await memory.begin(["m1"]) == Remembered()
    assert await memory.ask(lambda rows: rows.steps(NOW - HOUR)) == (CALL[0],)
    memory.close()


class _Known:
    """As much of a modem as its place needs."""

    name, model, firmware = "m1", "EG25", "1.0"

    def __init__(self, imsi: str | None, operator: str | None) -> None:
        self.sim, self.network = Sim(imsi=imsi), Network(operator=operator)


@pytest.mark.parametrize(("imsi", "operator"), [(None, "24001"), ("", "24001"), ("240010000000001", None)])
def test_a_way_out_that_is_not_known_yet(imsi: str | None, operator: str | None) -> None:
    assert place_of(cast(Modem, _Known(imsi, operator))) is None


def test_a_place_does_not_tell_the_imsi() -> None:
    one, other = (place_of(cast(Modem, _Known(f"24001000000000{n}", "24001"))) for n in (1, 2))
    assert one is not None
    assert other is not None
    assert (one.modem, one.model, one.operator) == ("m1", "EG25 1.0", "24001")
    assert one.sim != other.sim
    assert "240010" not in one.sim


def test_a_day_is_the_buildings(monkeypatch: pytest.MonkeyPatch) -> None:
    class Late(datetime):
        @classmethod
        def now(cls, tz=None):  # type: ignore[no-untyped-def]
            return datetime(2026, 11, 22, 23, 30, tzinfo=UTC).astimezone(tz)

    monkeypatch.setattr("firmware.trunk.memory.datetime", Late)
    assert today() == "2026-11-23"
