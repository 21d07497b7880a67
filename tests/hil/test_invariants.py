"""Each rule on a history made by hand: it is silent where all is well, tells its breach, and knows its excuses."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callcontrol.records import Outcome, Record, Way
from hil.history import Call, History, Phone, Size
from hil.invariants import (
    ACK_S,
    BACK_S,
    DETECT_ALONE_S,
    DETECT_S,
    END_S,
    KNOWN_S,
    LEAVE_S,
    LET_GO_S,
    PATIENCE_S,
    RECORD_S,
    RING_S,
    SOS_S,
    WARM_S,
    breaches,
)
from hil.phone.sipp import Message
from hil.storm import shortest_prefix
from hil.stormdeeds import LEARNT, Do
from hil.stormplan import Fault

NOW = 1000.0
"""Judged then; calls begin at 900."""
AT = 900.0
ID = "1-77@10.98.0.21"


def message(at: float, sent: bool, what: str, code: int | None = None, cseq: int = 2) -> Message:
    return Message(AT + at, sent, ID, cseq, what, code)


def said(*what: tuple[float, str, int | None], sent: bool) -> list[Message]:
    """Requests of a caller (sent) or heard by a callee; answers go the other way."""
    return [message(at, sent if code is None else not sent, method, code) for at, method, code in what]


def a_call(do: Do = Do.CALL, callee: str = "1002") -> Call:
    return Call("call 1.1", do, "1001", callee, AT, hold_s=2.0)


def town() -> History:
    """A building in which all has been well for long, in NORMAL."""
    history = History(began=0.0)
    for label, extensions in (("crowd", ("1001", "1002")), ("other", ("1003",))):
        phone = Phone(label, extensions)
        history.switched_on(phone, 1.0)
        for extension in extensions:
            phone.heard_ok(extension, AT - 100)
            phone.heard_ok(extension, AT - 1)
    history.mode_is("NORMAL", 2.0)
    return history


FINE = ((0.0, "INVITE", None), (0.3, "INVITE", 180), (0.6, "INVITE", 200), (0.6, "ACK", None), (2.6, "BYE", None))


def answered(history: History, do: Do = Do.CALL, label: str = "crowd") -> History:
    """A call from its INVITE to its BYE, seen by both."""
    history.placed(a_call(do))
    history.heard("call 1.1", said(*FINE, sent=True))
    history.heard(label, said(*FINE, sent=False))
    return history


def rules(history: History, now: float = NOW) -> set[str]:
    return {breach.rule for breach in breaches(history, now)}


def record(**over: object) -> Record:
    at = datetime(2026, 11, 22, tzinfo=UTC)
    whole = Record(ID, "a", "b", "1001", "1002", at, at, at, Way.LOCAL, Outcome.ANSWERED, 200, False, True)
    return replace(whole, **over)  # type: ignore[arg-type]


def test_a_good_day_breaks_nothing() -> None:
    assert rules(answered(town())) == set()


def test_a_call_that_nobody_answers() -> None:
    history = town()
    history.placed(a_call())
    assert rules(history, AT + PATIENCE_S) == set()
    assert rules(history) == {"reachable"}


@pytest.mark.parametrize(("code", "broken"), [(200, False), (480, True), (503, True), (None, True)])
def test_a_call_that_is_refused(code: int | None, broken: bool) -> None:
    history = town()
    history.placed(a_call())
    talk = [(0.0, "INVITE", None), (1.0, "INVITE", 180), (2.0, "INVITE", code)] if code else [(0.0, "INVITE", None)]
    history.heard("call 1.1", said(*talk, sent=True))
    assert ("reachable" in rules(history)) == broken


def test_a_late_answer_to_who_had_the_port_before_is_none_of_its_call() -> None:
    history = town()
    history.placed(a_call())
    stray = Message(AT, False, "1-7@10.98.0.21", 2, "INVITE", 487)
    history.heard("call 1.1", [stray, *said(*FINE, sent=True), stray])
    call = history.calls["call 1.1"]
    assert call.calling is not None
    assert (call.calling.call_id, call.calling.code) == (ID, 200)


def test_a_call_that_rings_too_late() -> None:
    history = town()
    history.placed(a_call())
    late = RING_S + 1
    history.heard("call 1.1", said((0.0, "INVITE", None), (late, "INVITE", 180), (late, "INVITE", 200), sent=True))
    assert "reachable" in rules(history)
    history.struck(Fault.PLATFORM_SLOW, AT - 1)
    assert "reachable" not in rules(history)


def registers_now(history: History) -> None:
    history.switched_on(Phone("crowd", ("1001", "1002")), AT - 3)
    history.phones["crowd"].heard_ok("1002", AT + 0.5)


EXCUSES: dict[str, Callable[[History], None]] = {
    "edge stopped": lambda h: h.struck(Fault.EDGE_STOPPED, AT - 5),
    "line lossy": lambda h: h.struck(Fault.LINE_LOSSY, AT - 5),
    "clock jump": lambda h: h.struck(Fault.CLOCK_JUMP, AT - 5),
    "machine stood still": lambda h: h.lags.append((AT + 1, AT + 2)),
    "phone switched off": lambda h: h.switched_off("crowd", AT + 1),
    "phone registers just now": registers_now,
    "phone is new": lambda h: h.switched_on(Phone("crowd", ("1001", "1002")), AT - 3),
}


@pytest.mark.parametrize("excuse", EXCUSES)
def test_what_excuses_a_call(excuse: str) -> None:
    history = town()
    history.placed(a_call())
    EXCUSES[excuse](history)
    assert "reachable" not in rules(history)


def test_what_excuses_no_call() -> None:
    for fault in (Fault.PLATFORM_KILLED, Fault.LINE_DOWN, Fault.UNIT_KILLED, Fault.DISK_FULL, Fault.DNS_GONE):
        history = town()
        history.placed(a_call())
        history.struck(fault, AT - 1)
        assert "reachable" in rules(history, AT + PATIENCE_S + 3), fault


def test_112_gets_a_way() -> None:
    history = town()
    history.placed(a_call(Do.EMERGENCY, "112"))
    history.heard("call 1.1", said((0.0, "INVITE", None), sent=True))
    assert rules(history, AT + SOS_S) == set()
    assert rules(history) == {"emergency"}
    history.struck(Fault.EDGE_KILLED, AT + 1)
    assert rules(history) == set()


def test_a_stranger_is_not_rung_for() -> None:
    assert "nobody_in" in rules(answered(town(), Do.STRANGER_CALLS))
    assert "nobody_in" in rules(answered(town(), Do.WRONG_KEY_CALLS))


@pytest.mark.parametrize(("code", "broken"), [(200, True), (401, False), (503, False), (None, False)])
def test_a_stranger_does_not_register(code: int | None, broken: bool) -> None:
    history = town()
    history.intrusions.append((AT, Do.STRANGER_REGISTERS, code))
    assert ("nobody_in" in rules(history)) == broken


def test_a_machine_that_stands_still_for_long_does_so_once() -> None:
    history = History()
    assert [history.stood_still(at, at + 1) for at in (1.0, 2.0, 2.9, 5.0)] == [True, False, False, True]
    assert history.lags == [(1.0, 3.9), (5.0, 6.0)]
    assert history.lagged_s(0.0, 5.5) == pytest.approx(3.4)


def test_answered_by_two() -> None:
    history = answered(town())
    history.heard("other", said(*FINE, sent=False))
    history.struck(Fault.PLATFORM_KILLED, AT)
    assert "once" in rules(history)


@pytest.mark.parametrize(
    ("at_s", "acked", "broken"), [(0.2, True, False), (0.2, False, True), (-1.0, True, True), (9.0, True, True)]
)
def test_who_lifts_as_the_platform_dies_is_heard_late(at_s: float, acked: bool, broken: bool) -> None:
    history = town()
    history.placed(a_call(Do.CALL))
    history.heard("call 1.1", said((0.0, "INVITE", None), (0.1, "INVITE", 180), (4.0, "INVITE", 200), sent=True))
    history.heard("twin1", said((0.1, "INVITE", None), (0.4, "INVITE", 200), sent=False))
    ack = [(4.1, "ACK", None)] if acked else []
    history.heard("twin2", said((0.1, "INVITE", None), (4.0, "INVITE", 200), *ack, sent=False))
    history.struck(Fault.PLATFORM_KILLED, AT + at_s)
    assert ("once" in rules(history)) is broken


def test_rung_twice() -> None:
    history = answered(town())
    history.heard("crowd", [message(1.0, False, "INVITE", cseq=3)])
    assert "once" in rules(history)


def test_rung_twice_over_a_clock_that_jumped() -> None:
    history = answered(town())
    history.heard("crowd", [message(1.0, False, "INVITE", cseq=3)])
    history.struck(Fault.CLOCK_JUMP, AT - 0.1)
    assert "once" not in rules(history)


def test_an_ack_that_never_came() -> None:
    history = town()
    history.placed(a_call())
    history.heard("call 1.1", said(*FINE[:4], sent=True))
    history.heard("crowd", said(*FINE[:3], sent=False))
    assert "acknowledged" not in rules(history, AT + 0.6 + ACK_S - 0.1)
    assert rules(history, AT + 0.6 + ACK_S + 0.1) == {"acknowledged"}
    history.struck(Fault.EDGE_STOPPED, AT + 1)
    assert rules(history) == set()


def test_a_bye_that_nobody_sent() -> None:
    history = town()
    history.placed(a_call())
    history.heard("call 1.1", said(*FINE[:4], sent=True))
    history.heard("crowd", said(*FINE, sent=False))
    assert "uncut" in rules(history)


def test_the_long_call_is_cut() -> None:
    history = town()
    history.cuts.append((AT, "1041: gone"))
    assert rules(history) == {"uncut"}


def test_a_bye_that_is_not_heard() -> None:
    history = town()
    history.placed(a_call())
    history.heard("call 1.1", said(*FINE, sent=True))
    history.heard("crowd", said(*FINE[:4], sent=False))
    assert "ended" not in rules(history, AT + 2.6 + END_S - 0.1)
    assert rules(history) == {"ended"}


def test_a_phone_that_rings_on() -> None:
    history = town()
    history.placed(a_call(Do.GIVE_UP))
    history.heard("call 1.1", said((0.0, "INVITE", None), (0.1, "INVITE", 180), (1.6, "CANCEL", None), sent=True))
    history.heard("crowd", said((0.1, "INVITE", None), (0.1, "INVITE", 180), sent=False))
    history.struck(Fault.PLATFORM_KILLED, AT + 1)
    assert "let_go" not in rules(history, AT + 1.6 + LET_GO_S - 0.1)
    assert "let_go" in rules(history)
    history.heard("crowd", said((1.7, "CANCEL", None), sent=False))
    assert "let_go" not in rules(history)


def test_a_phone_that_a_platform_has_forgotten_may_ring_on() -> None:
    history = town()
    history.placed(a_call(Do.GIVE_UP))
    history.heard("call 1.1", said((0.0, "INVITE", None), (0.1, "INVITE", 180), (1.6, "CANCEL", None), sent=True))
    history.heard("crowd", said((0.1, "INVITE", None), (0.1, "INVITE", 180), sent=False))
    history.struck(Fault.PLATFORM_AMNESIAC, AT + 1)
    assert "let_go" not in rules(history)


@pytest.mark.parametrize(
    ("fault", "at_s", "broken"),
    [(Fault.EDGE_KILLED, 0.5, False), (Fault.EDGE_KILLED, -2.0, True), (Fault.EDGE_STOPPED, 0.5, True)],
)
def test_an_edge_that_has_died_knows_nothing_of_what_rings(fault: Fault, at_s: float, broken: bool) -> None:
    history = town()
    history.placed(a_call(Do.CALL))
    history.struck(fault, AT + at_s)
    history.mended(fault, AT + at_s + 1)
    history.heard("call 1.1", said((0.0, "INVITE", None), (0.1, "INVITE", 180), (20.0, "CANCEL", None), sent=True))
    history.heard("crowd", said((0.1, "INVITE", None), (0.1, "INVITE", 180), sent=False))
    assert ("let_go" in rules(history)) is broken


class TestRecords:
    @staticmethod
    def survival() -> History:
        history = town()
        history.mode_is("SURVIVAL", AT - 30)
        history.struck(Fault.PLATFORM_KILLED, AT - 33)
        return answered(history)

    def test_a_call_of_the_unit_is_recorded(self) -> None:
        history = self.survival()
        assert rules(history, AT + 0.6 + RECORD_S - 0.1) == set()
        assert rules(history) == {"recorded"}
        history.recorded([record()])
        assert rules(history) == set()

    def test_a_call_of_the_platform_is_not_missed(self) -> None:
        assert rules(answered(town())) == set()

    @pytest.mark.parametrize(
        "records",
        [
            [record(), record()],
            [record(outcome=Outcome.NO_ANSWER)],
            [record(ended_at=None)],
        ],
    )
    def test_a_record_that_is_wrong(self, records: Iterable[Record]) -> None:
        history = self.survival()
        history.recorded(records)
        assert rules(history) == {"recorded"}

    @pytest.mark.parametrize("fault", [Fault.DISK_FULL, Fault.UNIT_KILLED])
    def test_what_cannot_be_recorded(self, fault: Fault) -> None:
        history = self.survival()
        history.struck(fault, AT + 0.1)
        assert "recorded" not in rules(history)

    @pytest.mark.parametrize(
        ("full", "over", "broken"),
        [
            (False, {"answered_at": None}, True),
            (True, {"answered_at": None}, False),
            (True, {}, True),
        ],
    )
    def test_the_end_of_a_call_alone_does_not_tell_that_it_was_to_112(
        self, full: bool, over: dict[str, object], broken: bool
    ) -> None:
        history = answered(town(), Do.EMERGENCY)
        if full:
            history.struck(Fault.DISK_FULL, AT - 1)
            history.mended(Fault.DISK_FULL, AT + 1)
        history.recorded([record(**over)])
        assert ("recorded" in rules(history)) is broken


class TestMaster:
    @pytest.mark.parametrize("fault", [Fault.PLATFORM_KILLED, Fault.LINE_BLACKHOLE])
    def test_a_death_is_known(self, fault: Fault) -> None:
        history = town()
        history.struck(fault, AT)
        assert rules(history, AT + DETECT_S) == set()
        assert rules(history, AT + DETECT_S + 1) == {"master"}
        history.mode_is("SURVIVAL", AT + DETECT_S)
        assert rules(history, AT + DETECT_S + 1) == set()

    def test_one_death_after_the_other_is_one(self) -> None:
        history = town()
        history.struck(Fault.PLATFORM_KILLED, AT)
        history.struck(Fault.LINE_DOWN, AT + 8)
        history.mended(Fault.PLATFORM_KILLED, AT + 9)
        assert rules(history, AT + 10) == set()

    def test_it_is_left_again(self) -> None:
        history = town()
        history.struck(Fault.PLATFORM_KILLED, AT - 20)
        history.mode_is("SURVIVAL", AT - 15)
        history.mended(Fault.PLATFORM_KILLED, AT)
        assert rules(history, AT + LEAVE_S) == set()
        assert rules(history, AT + LEAVE_S + 1) == {"master"}
        history.mode_is("RETURNING", AT + LEAVE_S)
        assert rules(history, AT + LEAVE_S + 1) == set()
        assert rules(history, AT + BACK_S + 1) == {"master"}

    def test_no_survival_without_a_reason(self) -> None:
        history = town()
        history.mode_is("SURVIVAL", AT)
        assert "master" in rules(history, AT + 1)

    def test_a_unit_that_is_away_is_given_its_lease(self) -> None:
        history = town()
        history.struck(Fault.UNIT_KILLED, AT)
        history.struck(Fault.PLATFORM_KILLED, AT + 1)
        assert rules(history, AT + 10 + DETECT_ALONE_S - 1) == set()
        assert rules(history, AT + 10 + DETECT_ALONE_S + 1) == {"master"}


class TestBindings:
    def test_who_unregistered_is_not_bound(self) -> None:
        history = town()
        history.switched_off("other", AT, unregistered=True)
        history.bound = AT + 1, {"1001": 1, "1002": 1, "1003": 1}
        assert rules(history, AT + 1) == set()
        history.bound = AT + 4, {"1001": 1, "1002": 1, "1003": 1}
        assert rules(history, AT + 4) == {"bound"}

    def test_who_is_gone_is_forgotten(self) -> None:
        history = town()
        history.switched_off("other", AT)
        history.bound = AT + 30, {"1001": 1, "1002": 1, "1003": 1}
        assert rules(history, AT + 30) == set()
        history.bound = AT + 40, {"1001": 1, "1002": 1, "1003": 1}
        assert rules(history, AT + 40) == {"bound"}

    def test_who_has_registered_is_bound(self) -> None:
        history = town()
        history.bound = AT + 6, {"1001": 1, "1003": 1}
        assert rules(history, AT + 6) == {"bound"}

    def test_the_platform_holds_who_is_here(self) -> None:
        history = town()
        history.known = AT, frozenset(("1001", "1003"))
        assert rules(history, AT) == {"known"}
        history.known = AT, frozenset(("1001", "1002", "1003"))
        assert rules(history, AT) == set()

    @pytest.mark.parametrize(("extension", "broken"), [(LEARNT, False), ("1001", True)])
    def test_who_must_be_asked_for_by_itself_is_given_longer(self, extension: str, broken: bool) -> None:
        history = town()
        phone = Phone("learnt", (LEARNT,))
        history.switched_on(phone, 1.0)
        phone.heard_ok(LEARNT, AT - 1)
        history.known = AT, frozenset({"1001", "1002", "1003", LEARNT} - {extension})
        assert rules(history, AT) == {"known"}
        history.struck(Fault.PLATFORM_AMNESIAC, AT - KNOWN_S - 10)
        history.mended(Fault.PLATFORM_AMNESIAC, AT - KNOWN_S - 8)
        assert (rules(history, AT) == {"known"}) == broken

    def test_a_machine_that_stood_still_is_given_its_time_again(self) -> None:
        history = town()
        history.struck(Fault.PLATFORM_KILLED, AT)
        history.lags.append((AT + 3, AT + 5))
        assert "master" not in rules(history, AT + DETECT_S + 2)
        assert "master" in rules(history, AT + DETECT_S + 7)

    def test_not_just_after_an_outage(self) -> None:
        history = town()
        history.struck(Fault.PLATFORM_KILLED, AT - KNOWN_S - 5)
        history.mended(Fault.PLATFORM_KILLED, AT - KNOWN_S + 1)
        history.known = AT, frozenset()
        assert "known" not in rules(history, AT)


@pytest.mark.parametrize(
    ("later", "broken"),
    [
        (Size(100, 50, 60.0, 9.0), False),
        (Size(200, 50, 60.0, 9.0), True),
        (Size(100, 150, 60.0, 9.0), True),
        (Size(100, 50, 160.0, 9.0), True),
        (Size(100, 50, 60.0, 90.0), True),
    ],
)
def test_the_unit_does_not_grow(later: Size, broken: bool) -> None:
    history = town()
    history.sizes = [
        (1.0, Size(0, 0, 0, 0)),
        (WARM_S + 1, Size(98, 49, 59.0, 8.0)),
        *((AT + i, later) for i in range(3)),
    ]
    assert (rules(history) == {"flat"}) == broken


def test_who_has_just_begun_is_no_measure() -> None:
    history = town()
    history.struck(Fault.POWER_HALTED, WARM_S)
    history.mended(Fault.POWER_HALTED, WARM_S + 3)
    sizes = [Size(files, 49, 59.0, 8.0) for files in (8, 8, 100, 100, 100)]
    history.sizes = [(WARM_S + 6 * at, size) for at, size in enumerate(sizes)]
    assert "flat" not in rules(history)


def test_what_calls_have_open_for_a_moment_is_no_growth() -> None:
    history = town()
    sizes = [Size(files, 49, 59.0, 8.0) for files in (98, 98, 198, 98, 198)]
    history.sizes = [(WARM_S + 5 * at, size) for at, size in enumerate(sizes)]
    assert rules(history) == set()


def test_no_process_ends_by_itself() -> None:
    history = town()
    history.deaths.append((AT, "unit"))
    assert rules(history) == {"whole"}
    history.struck(Fault.MEMORY_SHORT, AT - 1)
    assert rules(history) == set()


def test_no_process_is_an_orphan() -> None:
    history = town()
    history.orphans[4711] = AT
    assert rules(history, AT + 1) == set()
    assert rules(history) == {"whole"}


MESSAGES = st.builds(
    message,
    st.floats(0, 60),
    st.booleans(),
    st.sampled_from(["INVITE", "ACK", "BYE", "CANCEL", "REGISTER", "OPTIONS"]),
    st.one_of(st.none(), st.integers(100, 699)),
    st.integers(1, 5),
)


@given(st.lists(st.tuples(st.sampled_from(["call 1.1", "crowd", "other", "gateway"]), MESSAGES)), st.sampled_from(Do))
def test_whatever_phones_say_is_judged(heard: list[tuple[str, Message]], do: Do) -> None:
    history = town()
    history.placed(a_call(do))
    for label, each in heard:
        history.heard(label, [each])
    breaches(history, NOW)
    assert history.account("[call 1.1] of somebody")


@given(st.lists(st.tuples(st.sampled_from(["call 1.1", "crowd"]), MESSAGES)))
def test_it_does_not_matter_whose_trace_is_read_first(heard: list[tuple[str, Message]]) -> None:
    def judged(order: list[tuple[str, Message]]) -> set[str]:
        history = town()
        history.placed(a_call())
        for label, each in order:
            history.heard(label, [each])
        return rules(history)

    assert judged(heard) == judged(sorted(heard, key=lambda each: each[0]))


@given(st.integers(1, 60), st.data())
def test_the_shortest_prefix_is_found(chapters: int, data: st.DataObject) -> None:
    least = data.draw(st.integers(1, chapters))
    assert shortest_prefix(chapters, lambda count: count >= least, until=1.0, now=lambda: 0.0) == least


def test_the_search_ends_in_time() -> None:
    assert shortest_prefix(64, lambda count: True, until=0.0, now=lambda: 1.0) == 64
