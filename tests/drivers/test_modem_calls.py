"""The calls of a modem, from lists and from what is said between; each call is told as over exactly once."""

from __future__ import annotations

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from drivers.codec.at_lines import Ccinfo, Clcc, Clip
from drivers.modem.calls import DIALLED_SURE_S, SURE_S, Calls
from drivers.modem.model import CALLS_MAX, CallChanged, CallState

OUT = Clcc(1, True, 2, True, "0701234567")


def listed(stat: int, number: str | None = "0701234567", *, index: int = 1, outgoing: bool = True) -> Clcc:
    return Clcc(index, outgoing, stat, True, number)


def states(events: list[CallChanged]) -> list[CallState]:
    return [event.state for event in events]


def test_a_call_out_from_the_order_to_its_end() -> None:
    calls = Calls()
    assert calls.dialled("112", 0.0) == [CallChanged(1, CallState.DIALING, "112", outgoing=True)]
    assert calls.listed([], 0.1) == [], "it is not listed yet"
    assert calls.listed([listed(2, "112", index=3)], 0.2) == []
    assert states(calls.listed([listed(3, "112", index=3)], 0.3)) == [CallState.ALERTING]
    assert states(calls.listed([listed(0, "112", index=3)], 0.4)) == [CallState.ACTIVE]
    assert calls.listed([listed(0, "112", index=3)], 0.5) == []
    assert calls.listed([], 0.6) == [CallChanged(1, CallState.RELEASED, "112", outgoing=True)]
    assert calls.listed([], 0.7) == []


def test_a_call_that_is_never_listed_is_over_after_a_while() -> None:
    calls = Calls()
    calls.dialled("112", 0.0)
    assert calls.listed([], DIALLED_SURE_S - 0.1) == []
    assert states(calls.listed([], DIALLED_SURE_S)) == [CallState.RELEASED]


def test_a_call_that_is_told_before_the_order_is_answered_is_the_same() -> None:
    calls = Calls()
    assert states(calls.told(Ccinfo(2, True, 2, True, None), 0.0)) == [CallState.DIALING]
    assert calls.dialled("112", 0.1) == [CallChanged(1, CallState.DIALING, "112", outgoing=True)], "now with a number"
    assert calls.listed([listed(2, "112", index=2)], 0.2) == []
    assert len(calls) == 1


def test_what_was_told_is_not_undone_by_an_older_list() -> None:
    calls = Calls()
    calls.told(Ccinfo(2, False, 4, True, "070"), 10.0)
    assert calls.listed([], 10.1) == [], "asked before it came"
    assert states(calls.told(Ccinfo(2, False, None, True, "070"), 11.0)) == [CallState.RELEASED]
    assert calls.listed([listed(4, "070", index=2, outgoing=False)], 11.1) == [], "asked before it went"
    assert states(calls.listed([listed(4, "070", index=2, outgoing=False)], 11.0 + SURE_S)) == [CallState.INCOMING]


def test_who_calls_becomes_known_once() -> None:
    calls = Calls()
    calls.listed([listed(4, None, outgoing=False)], 0.0)
    assert calls.presented(Clip("0701234567", False)) == [CallChanged(1, CallState.INCOMING, "0701234567")]
    assert calls.presented(Clip("0701234567", False)) == []
    assert calls.listed([listed(4, None, outgoing=False)], 0.1) == []


def test_a_withheld_caller_stays_so() -> None:
    calls = Calls()
    calls.listed([listed(4, None, outgoing=False)], 0.0)
    assert calls.presented(Clip(None, True)) == [CallChanged(1, CallState.INCOMING, None, True)]
    assert calls.listed([listed(0, None, outgoing=False)], 0.1) == [CallChanged(1, CallState.ACTIVE, None, True)]


def test_the_presentation_of_a_caller_with_no_call_is_nobodys() -> None:
    calls = Calls()
    assert calls.presented(Clip("070", False)) == []
    calls.dialled("112", 0.0)
    assert calls.presented(Clip("070", False)) == []


def test_a_result_is_of_the_only_call() -> None:
    calls = Calls()
    calls.dialled("112", 0.0)
    assert calls.result(17, 0.5) == [CallChanged(1, CallState.RELEASED, "112", cause=17, outgoing=True)]
    assert calls.result(None, 0.6) == []


def test_a_result_with_two_calls_is_of_the_one_that_is_missed() -> None:
    calls = Calls()
    calls.listed([listed(0), listed(5, "070", index=2, outgoing=False)], 0.0)
    assert calls.result(None, 0.1) == []
    assert states(calls.listed([listed(0)], 0.2)) == [CallState.RELEASED]


def test_data_calls_are_nobodys() -> None:
    calls = Calls()
    assert calls.listed([Clcc(1, False, 0, False, None)], 0.0) == []
    assert calls.told(Ccinfo(1, False, 4, False, None), 0.0) == []
    calls.dialled("112", 0.0)
    assert states(calls.listed([Clcc(1, False, 0, False, None), listed(0, "112", index=2)], 0.1)) == [CallState.ACTIVE]


def test_what_is_hung_up_is_over_with_the_next_list() -> None:
    calls = Calls()
    calls.dialled("112", 0.0)
    calls.hanging_up(0.1)
    assert states(calls.listed([], 0.2)) == [CallState.RELEASED]


CLCC = st.builds(Clcc, st.integers(1, 9), st.booleans(), st.integers(0, 6), st.booleans(), st.none() | st.just("070"))
CCINFO = st.builds(
    Ccinfo, st.integers(1, 9), st.booleans(), st.none() | st.integers(0, 6), st.booleans(), st.none() | st.just("070")
)


class Machine(RuleBasedStateMachine):
    """Whatever a modem says: a call is new once, changes, and is over once."""

    def __init__(self) -> None:
        super().__init__()
        self.calls = Calls()
        self.now = 0.0
        self.up: dict[int, CallChanged] = {}

    def heard(self, events: list[CallChanged]) -> None:
        for event in events:
            assert 1 <= event.index <= CALLS_MAX
            if event.state is CallState.RELEASED:
                assert self.up.pop(event.index).outgoing == event.outgoing
            else:
                assert self.up.get(event.index) != event
                self.up[event.index] = event

    @rule(after=st.floats(0, 6))
    def passes(self, after: float) -> None:
        self.now += after

    @rule()
    def dialled(self) -> None:
        self.heard(self.calls.dialled("112", self.now))

    @rule(lines=st.lists(CLCC, max_size=9))
    def listed(self, lines: list[Clcc]) -> None:
        self.heard(self.calls.listed(lines, self.now))

    @rule(line=CCINFO)
    def told(self, line: Ccinfo) -> None:
        self.heard(self.calls.told(line, self.now))

    @rule(clip=st.builds(Clip, st.none() | st.just("070"), st.booleans()))
    def presented(self, clip: Clip) -> None:
        self.heard(self.calls.presented(clip))

    @rule(cause=st.sampled_from([17, 19, None]))
    def result(self, cause: int | None) -> None:
        self.heard(self.calls.result(cause, self.now))

    @rule()
    def empty_for_long(self) -> None:
        self.now += 10
        self.heard(self.calls.listed([], self.now))
        assert not self.up

    @rule()
    def hung_up(self) -> None:
        self.heard(self.calls.hung_up(self.now))
        assert not self.up

    @invariant()
    def agree(self) -> None:
        assert len(self.calls) == len(self.up)


TestMachine = Machine.TestCase
TestMachine.settings = settings(max_examples=60, stateful_step_count=25, deadline=None)
