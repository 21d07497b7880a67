"""Who is master: as tables, against a small world of probes and calls, and whatever hypothesis thinks of."""

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path as FilePath

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from firmware.modes import (
    CALM_S,
    CONFIRM_FACTOR,
    GUARDS,
    RETURNING_MAX_S,
    SAMPLE_CLOSE_S,
    SAMPLE_S,
    TRANSITIONS,
    Cause,
    Mode,
    ModeSettings,
    Path,
    Reason,
    State,
    When,
    advance,
    diagram,
    start,
)
from firmware.signs import (
    DOUBT_S,
    SICK_CALLS,
    SICK_S,
    TRUNK_CALLS,
    TRUNK_MEMORY_S,
    UNPROBED_CALLS,
    UNPROBED_S,
    NodeSign,
    Signs,
    Verdict,
    node_signs,
)

N, S, V, R = Mode.NORMAL, Mode.SUSPECT, Mode.SURVIVAL, Mode.RETURNING
SETTINGS = ModeSettings(good_probes=3, hold_down_s=10, hold_down_max_s=600, register_s=60, registrations_per_s=1000)
URI = "sip:10.99.0.2:5060"
PROBE_S, PROBE_TIMEOUT_S = 1.0, 0.8
DETECTED_S = 4.0


def node(serving: bool | None, *, trying: bool = False, lost: int | None = None, path: Path = Path.LINE) -> NodeSign:
    return NodeSign(f"{URI};p={path}", serving, 2.0 if serving else None, path, trying, lost)


GOOD, TRYING, DOWN, UNSEEN = node(True), node(True, trying=True), node(False), node(None)


@dataclass
class Unit:
    """The machine fed by hand: one call of `see` is so many seconds of the same signs."""

    settings: ModeSettings = SETTINGS
    signs: Signs = field(default_factory=lambda: Signs(0.0, (GOOD,)))
    state: State = field(init=False)
    modes: list[Mode] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.state = start(self.signs.now_s, self.settings)
        self.modes = [self.state.mode]

    def see(
        self, seconds: float = SAMPLE_S, *nodes: NodeSign, answered: int = 0, unanswered: int = 0, **more: object
    ) -> Mode:
        signs = replace(
            self.signs,
            nodes=nodes or self.signs.nodes,
            answered=self.signs.answered + answered,
            unanswered=self.signs.unanswered + unanswered,
            **more,  # type: ignore[arg-type]
        )
        for _ in range(max(1, round(seconds / SAMPLE_S))):
            signs = replace(signs, now_s=signs.now_s + SAMPLE_S)
            self.state = advance(self.state, signs, self.settings)
            if self.state.mode is not self.modes[-1]:
                self.modes.append(self.state.mode)
        self.signs = signs
        return self.state.mode

    def cause(self) -> Cause | None:
        return self.state.cause

    def normal(self) -> "Unit":
        assert self.see(5, GOOD) is N
        self.modes = [N]
        return self

    def returned(self) -> "Unit":
        """From SURVIVAL to NORMAL, with every phone confirmed at once."""
        self.see(self.state.hold_left_s + 5, GOOD, confirmed=5, registered=5)
        assert self.state.mode is N
        return self


@dataclass
class World:
    """A platform, a line that loses packets, and the edge's dispatcher between them and the unit.

    Probes go each second; one that is lost is known to be after 0.8 s; two in a row take a node out, `good_probes`
    bring it back. A call is counted when it is known what became of it. Two that go unanswered take a node out too;
    one that is out gets no calls, unless `calls_when_out`.
    """

    alive: Callable[[float], bool]
    probe_loss: float = 0.0
    call_loss: float = 0.0
    calls_each_s: float | None = None
    rtt_s: float = 0.002
    phase_s: float = 0.0
    seed: int = 1
    call_timeout_s: float = 0.25
    calls_when_out: bool = False

    def run(self, seconds: float, sample_phase_s: float = 0.0, close: bool = True) -> Iterator[tuple[float, State]]:
        dice = random.Random(self.seed)
        events: list[tuple[float, str, bool]] = []
        at = self.phase_s
        while at < seconds:
            ok = self.alive(at) and self.alive(at + self.rtt_s) and dice.random() >= self.probe_loss
            ok = ok and self.rtt_s < PROBE_TIMEOUT_S
            events.append((at + (self.rtt_s if ok else PROBE_TIMEOUT_S), "probe", ok))
            at += PROBE_S
        at = self.calls_each_s or seconds
        while at < seconds:
            ok = self.alive(at) and dice.random() >= self.call_loss
            events.append((at + (self.rtt_s if ok else self.call_timeout_s), "call", ok))
            at += (self.calls_each_s or 0) * dice.uniform(0.5, 1.5)
        events.sort()

        state = start(0.0, SETTINGS)
        failed = good = answered = unanswered = lost = strikes = 0
        serving: bool | None = None
        now = sample_phase_s
        while now < seconds:
            while events and events[0][0] <= now:
                _, kind, ok = events.pop(0)
                if kind == "probe":
                    failed, good = (0, good + 1) if ok else (failed + 1, 0)
                    lost += not ok
                    if failed >= 2:
                        serving = False
                    elif serving is not False or good >= SETTINGS.good_probes:
                        serving = True
                elif (serving or self.calls_when_out) and state.mode is not V:
                    answered, unanswered = answered + ok, unanswered + (not ok)
                    strikes = 0 if ok else strikes + 1
                    if strikes >= 2:
                        serving, good, strikes = False, 0, 0
            sign = NodeSign(URI, serving, self.rtt_s * 1000, trying=failed == 1, lost=lost)
            signs = Signs(now, (sign,), answered, unanswered, confirmed=1, registered=1)
            state = advance(state, signs, SETTINGS)
            yield now, state
            now += state.next_sample_s if close else SAMPLE_S


# ---- the table -------------------------------------------------------------------------------------------------------


def test_table_is_whole() -> None:
    assert set(TRANSITIONS) == {(mode, verdict) for mode in Mode for verdict in Verdict}
    steps = {(before, after) for (before, _), after in TRANSITIONS.items() if before is not after}
    assert set(GUARDS) <= steps


def test_only_death_leads_to_survival_and_only_good_leaves_it() -> None:
    assert {verdict for (mode, verdict), after in TRANSITIONS.items() if mode is not V and after is V} == {Verdict.DEAD}
    left = {verdict for (mode, verdict), after in TRANSITIONS.items() if mode is V and after is not V}
    assert left == {Verdict.GOOD, Verdict.BETTER}


def test_unknown_never_leads_to_normal() -> None:
    assert all(TRANSITIONS[mode, Verdict.UNKNOWN] is not N for mode in Mode)


def test_diagram_shows_every_step() -> None:
    drawn = diagram()
    for (before, _), after in TRANSITIONS.items():
        assert (f"{before} --> {after}:" in drawn) is (before is not after)


def test_diagram_in_the_documents_is_the_table() -> None:
    document = FilePath(__file__).parents[2] / "docs" / "architecture.md"
    if not document.exists() or "<!-- modes -->" not in document.read_text("utf-8"):
        pytest.skip("docs/architecture.md has no <!-- modes --> yet")
    drawn = document.read_text("utf-8").split("<!-- modes -->")[1].split("<!-- /modes -->")[0]
    assert drawn.strip() == diagram()


# ---- one sample ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("nodes", "more", "mode", "reason", "cause"),
    [
        ((GOOD,), {}, N, Reason.SERVING, None),
        ((GOOD, DOWN), {}, N, Reason.SERVING, None),
        ((TRYING,), {}, S, Reason.PROBES_LOST, None),
        ((TRYING, DOWN), {}, S, Reason.PROBES_LOST, None),
        ((DOWN, UNSEEN), {}, S, Reason.PROBES_LOST, None),
        ((UNSEEN,), {}, S, Reason.NOT_PROBED, None),
        ((DOWN,), {}, V, Reason.SILENT, Cause.UNKNOWN),
        ((DOWN, DOWN), {}, V, Reason.SILENT, Cause.UNKNOWN),
        ((DOWN, node(False, path=Path.DATA)), {}, V, Reason.SILENT, Cause.PLATFORM),
        ((DOWN, node(True, path=Path.DATA)), {}, R, Reason.LINE_LOST, None),
        ((DOWN,), {"answered": 1}, S, Reason.PROBES_LOST, None),
        ((DOWN,), {"unanswered": 3}, V, Reason.SILENT, Cause.UNKNOWN),
        ((GOOD,), {"unanswered": 1}, S, Reason.CALLS_UNANSWERED, None),
        ((GOOD,), {"unanswered": 1, "answered": 1}, N, Reason.SERVING, None),
        ((GOOD,), {"carrier": True}, N, Reason.SERVING, None),
        ((GOOD,), {"carrier": False}, V, Reason.NO_CARRIER, Cause.LINE),
        ((GOOD,), {"carrier": False, "answered": 1}, V, Reason.NO_CARRIER, Cause.LINE),
        ((GOOD,), {"drill": True}, V, Reason.DRILL, Cause.DRILL),
    ],
)
def test_first_sample_after_a_good_day(
    nodes: tuple[NodeSign, ...], more: dict[str, object], mode: Mode, reason: Reason, cause: Cause | None
) -> None:
    unit = Unit().normal()
    unit.see(SAMPLE_S, *nodes, **more)  # type: ignore[arg-type]
    assert (unit.state.mode, unit.state.reason, unit.state.cause) == (mode, reason, cause)


def test_no_platform_is_survival_for_ever() -> None:
    unit = Unit(signs=Signs(0.0, ()))
    unit.see(3600)
    assert unit.modes == [S, V]
    assert (unit.state.cause, unit.state.reason) == (Cause.UNIT, Reason.NO_PLATFORM)


def test_begins_in_doubt_and_proves_the_platform_first() -> None:
    unit = Unit()
    assert unit.see(SAMPLE_S, UNSEEN) is S
    assert unit.see(60, UNSEEN) is S
    assert unit.see(SAMPLE_S, GOOD) is S
    assert unit.see(2, GOOD) is N


def test_what_the_edge_still_holds_is_kept() -> None:
    state = start(0.0, SETTINGS, Mode.NORMAL)
    assert advance(state, Signs(0.1, (GOOD,)), SETTINGS).mode is N


# ---- who is master ---------------------------------------------------------------------------------------------------


def test_one_lost_probe_is_no_outage() -> None:
    unit = Unit().normal()
    assert unit.see(0.9, TRYING) is S
    unit.see(5, GOOD)
    assert unit.modes == [N, S, N]


@pytest.mark.parametrize("seeds", [range(4), pytest.param(range(4, 12), marks=pytest.mark.long)], ids=["few", "more"])
@pytest.mark.parametrize("calls_when_out", [False, True])
@pytest.mark.parametrize(("call_loss", "rtt_s"), [(0.0, 0.7), (0.02, 0.06), (0.05, 0.3)])
def test_slow_and_lossy_but_living_platform_stays_master(
    call_loss: float, rtt_s: float, calls_when_out: bool, seeds: range
) -> None:
    """One probe in five is lost for good: of packets, of which the edge sends four a probe, more than half.

    Where a node that is out gets no calls, the first two losses of a line that was good until then may deceive: once in
    some twenty such lines.
    """
    outages = 0
    for seed in seeds:
        world = World(lambda _: True, 0.2, call_loss, 1.0, rtt_s, seed=seed, calls_when_out=calls_when_out)
        outages += sum(1 for _ in _entries(world.run(300), V))
    assert outages <= (0 if calls_when_out else 1)


def test_platform_that_does_not_answer_probes_stays_master_while_calls_are_answered() -> None:
    unit = Unit().normal()
    for _ in range(600):
        unit.see(1.0, DOWN, answered=1)
    assert unit.modes == [N, S]


def test_line_that_has_cried_wolf_is_given_longer() -> None:
    """With no call at all to speak for it, and one probe in ten lost: some eighteen such silences in half an hour."""
    runs = [World(lambda _: True, probe_loss=0.1, seed=seed).run(1800) for seed in range(10)]
    assert sum(1 for run in runs for _ in _entries(run, V)) <= 5


def _entries(run: Iterator[tuple[float, State]], mode: Mode) -> Iterator[float]:
    before: Mode | None = None
    for at, state in run:
        if state.mode is mode and before is not mode:
            yield at
        before = state.mode


@pytest.mark.parametrize("calls_each_s", [None, 0.2, 3.0])
@pytest.mark.parametrize("rtt_s", [0.002, 0.02, 0.06, 0.3])
def test_death_is_known_within_four_seconds(calls_each_s: float | None, rtt_s: float) -> None:
    worst = 0.0
    for phase in range(10):
        for sample in range(5):
            died = 20.0
            world = World(lambda t: t < 20.0, phase_s=phase / 10 + 0.003, calls_each_s=calls_each_s, rtt_s=rtt_s)
            known = next(_entries(world.run(30, sample / 10), V))
            worst = max(worst, known - died)
            assert known > died
    assert worst <= DETECTED_S


def test_plain_sampling_alone_is_not_enough_for_that() -> None:
    """Why the unit looks more often after the first lost probe: 3.8 s of probes, and then half a second too late."""
    runs = [World(lambda t: t < 20.0, phase_s=n / 20 + 0.003).run(30, n / 7 % SAMPLE_S, close=False) for n in range(20)]
    late = max(next(_entries(run, V)) for run in runs) - 20.0
    assert DETECTED_S < late <= 3 * PROBE_S + PROBE_TIMEOUT_S + SAMPLE_S


def test_close_watch_is_short() -> None:
    unit = Unit().normal()
    unit.see(SAMPLE_S, TRYING)
    assert unit.state.next_sample_s == SAMPLE_CLOSE_S
    for _ in range(20):
        unit.see(SAMPLE_S, DOWN, answered=1)
    assert unit.state.mode is S
    assert unit.state.next_sample_s == SAMPLE_S


def test_node_put_aside_for_calls_is_no_outage_while_probes_are_answered() -> None:
    unit = Unit()
    unit.see(5, node(True, lost=4))
    assert unit.see(SAMPLE_S, node(False, lost=4), unanswered=2) is S
    assert unit.see(3, node(False, lost=4)) is S
    unit.see(SAMPLE_S, node(True, lost=4), answered=1)
    assert V not in unit.modes


def test_node_put_aside_for_calls_is_dead_at_its_third_lost_probe() -> None:
    unit = Unit()
    unit.see(5, node(True, lost=4))
    assert unit.see(SAMPLE_S, node(False, lost=4), unanswered=2) is S
    assert unit.see(1, node(False, lost=5)) is S
    assert unit.see(1, node(False, lost=6)) is S
    assert unit.see(SAMPLE_S, node(False, lost=7)) is V


def test_probe_answered_between_two_lost_ones_is_known() -> None:
    unit = Unit()
    unit.see(5, node(True, lost=4))
    unit.see(SAMPLE_S, node(False, lost=4), unanswered=2)
    for lost in range(5, 20):
        assert unit.see(2, node(False, lost=lost)) is S
    assert unit.see(1, node(False, lost=20)) is S
    assert unit.see(1, node(False, lost=21)) is S
    assert unit.see(1, node(False, lost=22)) is V


def test_restarted_unit_does_not_take_a_node_put_aside_for_a_death() -> None:
    unit = Unit()
    assert unit.see(1, node(False, lost=7)) is S
    assert unit.see(1, node(False, lost=8)) is S
    assert unit.see(1, node(False, lost=9)) is S
    assert unit.see(1, node(False, lost=10)) is V


def test_refusing_everything_is_an_outage_of_the_platform_after_a_while() -> None:
    """503 to everything: probes are answered, so none is lost, but the node does not come back."""
    unit = Unit()
    unit.see(5, node(True, lost=4))
    assert unit.see(4, node(False, lost=4)) is S
    assert unit.see(4, node(False, lost=4)) is V
    assert (unit.state.cause, unit.state.reason) == (Cause.PLATFORM, Reason.REFUSING)


def test_lost_probes_counted_anew_by_a_new_edge() -> None:
    unit = Unit()
    unit.see(5, node(True, lost=400))
    unit.see(1, node(None, lost=0))
    unit.see(1, node(True, trying=True, lost=1))
    assert unit.see(1, node(False, lost=2)) is S
    assert unit.see(SAMPLE_S, node(False, lost=3)) is V


def test_counters_of_a_new_edge_are_no_evidence() -> None:
    unit = Unit(signs=Signs(0.0, (GOOD,), answered=500, unanswered=500)).normal()
    unit.see(SAMPLE_S, GOOD, answered=-500, unanswered=-500)
    assert unit.modes == [N]
    assert unit.see(SAMPLE_S, DOWN) is V


def test_sick_platform_that_answers_probes_only() -> None:
    unit = Unit().normal()
    for _ in range(SICK_CALLS):
        assert unit.state.mode is not V
        unit.see(SICK_S / (SICK_CALLS - 1), GOOD, unanswered=1)
    unit.see(SAMPLE_S, GOOD)
    assert (unit.state.mode, unit.state.cause) == (V, Cause.PLATFORM)
    # It goes on answering probes: given one more chance, it loses it by the first call.
    assert unit.see(DOUBT_S - 1, GOOD) is V
    assert unit.see(10, GOOD, registered=9, confirmed=0) is R
    hold_down_s = unit.state.hold_down_s
    assert unit.see(SAMPLE_S, GOOD, unanswered=1) is V
    assert unit.state.hold_down_s == 2 * hold_down_s


def test_silence_explains_the_calls_before_it() -> None:
    unit = Unit().normal()
    unit.see(SAMPLE_S, TRYING, unanswered=9)
    unit.see(SAMPLE_S, DOWN)
    unit.see(12, DOWN)
    assert unit.see(3, GOOD) is R


def test_never_left_on_probes_alone_while_calls_go_unanswered() -> None:
    unit = Unit().normal()
    unit.see(20, DOWN)
    for _ in range(60):
        assert unit.see(10, GOOD, unanswered=1) is V


def test_request_sent_before_the_death_is_no_evidence_after_it() -> None:
    """A short outage: a REGISTER of before it is given up when the platform is back already."""
    for late_s in (0.5, 1.5, 2.5):
        unit = Unit().normal()
        assert unit.see(3, DOWN) is V
        unit.see(late_s, GOOD)
        unit.see(SAMPLE_S, GOOD, unanswered=1)
        assert unit.see(unit.state.hold_left_s + 3, GOOD) is R


# ---- causes ----------------------------------------------------------------------------------------------------------


def test_a_proxy_without_backend_is_dead_by_its_bare_100s() -> None:
    unit = Unit().normal()
    unit.see(SAMPLE_S, GOOD, answered=1, stalled=1)
    assert (unit.state.mode, unit.state.reason) == (S, Reason.CALLS_STALLED)
    unit.see(5, GOOD, answered=2, stalled=2)
    assert unit.state.mode is S
    unit.see(6, GOOD, answered=3, stalled=3)
    assert (unit.state.mode, unit.state.cause) == (V, Cause.PLATFORM)
    # It goes on saying 100: given one more chance, it loses it by the first call.
    assert unit.see(DOUBT_S + 10, GOOD, registered=9, confirmed=0) is R
    hold_down_s = unit.state.hold_down_s
    assert unit.see(SAMPLE_S, GOOD, stalled=4) is V
    assert unit.state.hold_down_s == 2 * hold_down_s
    assert unit.see(DOUBT_S + hold_down_s * 2, GOOD, registered=9, confirmed=9) in (R, N)
    unit.see(SAMPLE_S, GOOD, carried=1)
    assert unit.see(SAMPLE_S, GOOD, stalled=5) is S


def test_stalled_calls_among_carried_ones_are_doubt_at_most() -> None:
    unit = Unit().normal()
    for number in range(1, 20):
        unit.see(2, GOOD, stalled=number)
        unit.see(2, GOOD, carried=number)
    assert V not in unit.modes


def test_trunk_gone_is_told_and_no_outage() -> None:
    unit = Unit().normal()
    unit.see(SAMPLE_S, GOOD, outside_failed=TRUNK_CALLS - 1)
    assert unit.state.trunk_gone is False
    unit.see(SAMPLE_S, GOOD, outside_failed=TRUNK_CALLS)
    assert (unit.state.mode, unit.state.cause, unit.state.trunk_gone) == (N, None, True)
    unit.see(SAMPLE_S, GOOD, outside_carried=1)
    assert unit.state.trunk_gone is False
    unit.see(SAMPLE_S, GOOD, outside_failed=2 * TRUNK_CALLS)
    unit.see(TRUNK_MEMORY_S + 1, GOOD)
    assert unit.state.trunk_gone is False, "not tried again, not known"


def test_a_platform_that_is_not_probed_is_judged_by_requests() -> None:
    unit = Unit()
    unprobed = {"probed": False}
    assert unit.see(60, UNSEEN, **unprobed) is S
    assert unit.see(5, UNSEEN, answered=1, **unprobed) is N
    assert unit.see(5, UNSEEN, unanswered=1) is S
    unit.see(SAMPLE_S, UNSEEN, unanswered=1)
    assert unit.see(5, UNSEEN, answered=1) is N, "a pause"
    for _ in range(UNPROBED_CALLS):
        assert unit.state.mode is not V
        unit.see(UNPROBED_S, UNSEEN, unanswered=1)
    assert unit.state.mode is V
    assert unit.see(300, UNSEEN) is V, "nothing was tried"
    assert unit.see(300, UNSEEN, unanswered=1) is V
    assert unit.see(10, UNSEEN, answered=1, registered=9, confirmed=0) is R
    assert unit.see(SAMPLE_S, UNSEEN, answered=1, registered=9, confirmed=9) is N


def test_cause_that_is_found_out_later_takes_the_place_of_unknown() -> None:
    unit = Unit().normal()
    unit.see(SAMPLE_S, DOWN, carrier=True)
    assert unit.cause() is Cause.UNKNOWN
    unit.see(SAMPLE_S, DOWN, carrier=False)
    assert unit.cause() is Cause.LINE
    unit.see(SAMPLE_S, DOWN, carrier=True)
    assert unit.cause() is Cause.LINE


def test_outage_in_a_drill_is_an_outage() -> None:
    unit = Unit().normal()
    unit.see(5, DOWN, drill=True)
    assert unit.cause() is Cause.DRILL
    unit.see(5, DOWN, drill=False)
    assert unit.cause() is Cause.UNKNOWN
    unit.see(5, DOWN, drill=True)
    assert unit.cause() is Cause.UNKNOWN


def test_drills_do_not_count_as_flapping() -> None:
    unit = Unit().normal()
    for _ in range(5):
        unit.see(30, GOOD, drill=True)
        unit.see(SAMPLE_S, GOOD, drill=False)
        unit.returned()
    assert unit.state.hold_down_s == SETTINGS.hold_down_s


# ---- going back ------------------------------------------------------------------------------------------------------


def test_returns_after_good_probes_and_hold_down() -> None:
    unit = Unit().normal()
    unit.see(SAMPLE_S, DOWN)
    assert unit.see(2, GOOD) is V  # proved, but held down
    assert unit.see(7, GOOD) is V
    assert unit.see(1, GOOD, registered=3, confirmed=0) is R
    assert unit.cause() is Cause.UNKNOWN
    assert unit.see(1, GOOD, confirmed=2) is R
    assert unit.see(SAMPLE_S, GOOD, confirmed=3) is N
    assert unit.cause() is None


def test_good_probes_are_in_a_row() -> None:
    unit = Unit().normal()
    unit.see(60, DOWN)
    for _ in range(20):
        unit.see(2, GOOD)
        assert unit.see(SAMPLE_S, TRYING) is V
    assert unit.see(2.5, GOOD) is R


@pytest.mark.parametrize(("last", "end"), [(GOOD, N), (TRYING, S), (UNSEEN, S), (DOWN, V)])
def test_returning_always_ends(last: NodeSign, end: Mode) -> None:
    unit = Unit().normal()
    unit.see(20, DOWN)
    assert unit.see(3, GOOD, registered=9, confirmed=0) is R
    unit.see(CONFIRM_FACTOR * SETTINGS.register_s + SAMPLE_S, last)
    assert unit.state.mode is end


def test_flapping_grows_the_hold_down_to_its_bound_and_calm_halves_it() -> None:
    unit = Unit().normal()
    grown = []
    for _ in range(9):
        unit.see(SAMPLE_S, DOWN)
        grown.append(unit.state.hold_down_s)
        unit.returned()
    assert grown == [10, 20, 40, 80, 160, 320, 600, 600, 600]
    calm = []
    for _ in range(8):
        unit.see(CALM_S, GOOD)
        calm.append(unit.state.hold_down_s)
    assert calm == [300, 150, 75, 37.5, 18.75, 10, 10, 10]
    unit.see(SAMPLE_S, DOWN)
    assert unit.state.hold_down_s == 10


@pytest.mark.parametrize(
    ("good_s", "held"),
    [
        # How long the platform stays after each return, and the hold-down of the outage that follows.
        ((1, 1, 1, 1), (20, 40, 80, 160)),
        ((300, 300), (20, 40)),
        ((CALM_S - 10, 1), (20, 40)),
        ((CALM_S + 10, 1), (10, 20)),
        ((1, 1, CALM_S + 10), (20, 40, 40)),
        ((1, 1, 1, 2 * CALM_S + 10, 1), (20, 40, 80, 40, 80)),
        ((1,) * 8, (20, 40, 80, 160, 320, 600, 600, 600)),
    ],
)
def test_hold_down_by_how_the_platform_flaps(good_s: tuple[float, ...], held: tuple[float, ...]) -> None:
    unit = Unit().normal()
    unit.see(SAMPLE_S, DOWN)
    found = []
    for seconds in good_s:
        unit.returned()
        unit.see(seconds, GOOD)
        unit.see(SAMPLE_S, DOWN)
        found.append(unit.state.hold_down_s)
    assert tuple(found) == held


# ---- when ------------------------------------------------------------------------------------------------------------

READY_S = 10.0
"""A hold-down."""
LONGEST_S = 7200.0
IDLE = replace(SETTINGS, when=When.IDLE, longest_wait_s=LONGEST_S)
AT_THREE = replace(SETTINGS, when=When.HOUR, hour_min=3 * 60, longest_wait_s=LONGEST_S)


def ready(settings: ModeSettings, **more: object) -> Unit:
    """In SURVIVAL, with nothing to wait for but what `when` says."""
    unit = Unit(settings=settings).normal()
    unit.see(SAMPLE_S, DOWN)
    unit.see(READY_S + 1, GOOD, **{"registered": 9, "confirmed": 0} | more)  # type: ignore[arg-type]
    return unit


@pytest.mark.parametrize(("calls_up", "mode"), [(0, R), (1, V), (None, V)])
def test_idle_waits_for_the_last_call(calls_up: int | None, mode: Mode) -> None:
    unit = ready(IDLE, calls_up=calls_up)
    assert unit.state.mode is mode
    assert unit.see(SAMPLE_S, GOOD, calls_up=0) is R


def test_idle_with_a_call_that_never_ends_waits_no_longer_than_is_said() -> None:
    unit = ready(IDLE, calls_up=1)
    assert unit.see(LONGEST_S - 5, GOOD) is V
    assert unit.see(5, GOOD) is R


def test_longest_wait_is_not_begun_anew_by_a_platform_that_loses_probes() -> None:
    unit = ready(IDLE, calls_up=1)
    for _ in range(int(LONGEST_S / 600) - 1):
        assert unit.see(599.5, GOOD) is V
        unit.see(SAMPLE_S, TRYING)
    unit.see(600, GOOD)
    assert unit.see(2, GOOD) is R


@pytest.mark.parametrize(
    ("local_min", "hour_min", "mode"),
    [
        (3 * 60, 3 * 60, R),
        (3 * 60 + 59, 3 * 60, R),
        (4 * 60, 3 * 60, V),
        (2 * 60 + 59, 3 * 60, V),
        (10, 23 * 60 + 30, R),
        (None, 3 * 60, V),
    ],
)
def test_hour_is_one_hour_of_the_day(local_min: int | None, hour_min: int, mode: Mode) -> None:
    unit = ready(replace(AT_THREE, hour_min=hour_min), local_min=local_min)
    assert unit.state.mode is mode


def test_hour_comes_at_the_latest_with_the_longest_wait() -> None:
    unit = ready(AT_THREE, local_min=None)
    assert unit.see(LONGEST_S, GOOD) is R


@pytest.mark.parametrize("settings", [IDLE, AT_THREE])
def test_another_path_is_not_waited_for(settings: ModeSettings) -> None:
    """Mobile data that takes over is no return."""
    data = node(True, path=Path.DATA)
    unit = Unit(settings=settings, signs=Signs(0.0, (GOOD, data), registered=4, confirmed=4, calls_up=1))
    unit.see(5)
    assert unit.see(SAMPLE_S, DOWN, data, confirmed=0) is R
    assert unit.see(SAMPLE_S, DOWN, data, confirmed=4) is N
    assert unit.state.path is Path.DATA


def test_returning_does_not_end_while_registrations_are_held_back() -> None:
    unit = ready(SETTINGS, held_back=True)
    assert unit.state.mode is R
    assert unit.see(300, GOOD) is R
    assert unit.see(CONFIRM_FACTOR * SETTINGS.register_s - 1, GOOD, held_back=False) is R
    assert unit.see(2, GOOD) is N


def test_returning_ends_however_long_registrations_are_held_back() -> None:
    unit = ready(SETTINGS, held_back=True)
    assert unit.see(RETURNING_MAX_S, GOOD) is N


def test_returning_lasts_as_long_as_the_cap_needs() -> None:
    unit = ready(replace(SETTINGS, registrations_per_s=2), registered=100)
    unit.see(CONFIRM_FACTOR * SETTINGS.register_s, GOOD)
    assert unit.state.mode is R
    assert unit.see(100 / 2, GOOD) is N


def test_dying_while_returning_grows_the_hold_down() -> None:
    unit = Unit().normal()
    unit.see(20, DOWN)
    assert unit.see(3, GOOD, registered=9, confirmed=0) is R
    unit.see(SAMPLE_S, DOWN)
    assert (unit.state.mode, unit.state.hold_down_s) == (V, 20)


def test_hold_down_of_nothing_grows_too() -> None:
    unit = Unit(settings=replace(SETTINGS, hold_down_s=0)).normal()
    grown = []
    for _ in range(4):
        unit.see(SAMPLE_S, DOWN)
        grown.append(unit.state.hold_down_s)
        unit.returned()
    assert grown == [0, 1, 2, 4]


# ---- line and data ---------------------------------------------------------------------------------------------------


def test_data_takes_over_from_the_line_and_gives_back() -> None:
    data = node(True, path=Path.DATA)
    unit = Unit(signs=Signs(0.0, (GOOD, data), registered=4, confirmed=4))
    assert unit.see(5, GOOD, data) is N
    assert unit.see(SAMPLE_S, DOWN, data, confirmed=0) is R  # the platform is master all the time
    assert (unit.state.reason, unit.state.path) == (Reason.LINE_LOST, Path.DATA)
    assert unit.see(3, DOWN, data) is R
    assert unit.see(SAMPLE_S, DOWN, data, confirmed=4) is N
    assert unit.modes == [S, N, R, N]
    assert unit.see(SETTINGS.hold_down_s, GOOD, data, confirmed=0) is N  # the line is back, and must show it
    assert unit.state.path is Path.DATA
    assert unit.see(SAMPLE_S, GOOD, data) is R
    assert (unit.state.path, unit.state.reason) == (Path.LINE, Reason.LINE_BACK)
    assert unit.see(SAMPLE_S, GOOD, data, confirmed=4) is N


def test_data_that_dies_is_survival_until_either_serves() -> None:
    dead = node(False, path=Path.DATA)
    unit = Unit(signs=Signs(0.0, (GOOD, dead), registered=1, confirmed=1))
    unit.see(5)
    assert unit.see(60, DOWN, dead) is V
    assert unit.state.cause is Cause.PLATFORM
    unit.see(5, DOWN, node(True, path=Path.DATA))
    assert (unit.state.mode, unit.state.path) == (N, Path.DATA)
    assert unit.see(SAMPLE_S, DOWN, dead) is V


def test_a_line_that_flaps_must_prove_itself_for_longer() -> None:
    data = node(True, path=Path.DATA)
    unit = Unit(signs=Signs(0.0, (GOOD, data), registered=1, confirmed=1))
    unit.see(5)
    waits = []
    for _ in range(3):
        unit.see(SAMPLE_S, DOWN, data)
        while unit.state.path is Path.DATA:
            unit.see(SAMPLE_S, GOOD, data)
        waits.append(unit.state.hold_down_s)
    assert waits == [10, 20, 40]
    assert V not in unit.modes


def test_data_that_dies_gives_back_to_a_line_that_serves_at_once() -> None:
    unit = Unit(signs=Signs(0.0, (DOWN, node(True, path=Path.DATA)), registered=1, confirmed=1))
    unit.see(5)
    assert unit.state.path is Path.DATA
    unit.see(SAMPLE_S, GOOD, node(False, path=Path.DATA), confirmed=0)
    assert (unit.state.mode, unit.state.path) == (R, Path.LINE)


@pytest.mark.parametrize("more", [{"unanswered": SICK_CALLS}, {"stalled": SICK_CALLS}])
def test_a_platform_that_is_sick_is_so_by_every_path(more: dict[str, int]) -> None:
    data = node(True, path=Path.DATA)
    unit = Unit(signs=Signs(0.0, (GOOD, data), registered=1, confirmed=1))
    unit.see(5)
    unit.signs = replace(unit.signs, **more)  # type: ignore[arg-type]
    unit.see(SICK_S + 1)
    more_still = {name: 2 * count for name, count in more.items()}
    unit.signs = replace(unit.signs, **more_still)  # type: ignore[arg-type]
    assert unit.see() is V


# ---- whatever happens ------------------------------------------------------------------------------------------------

NODES = st.sampled_from([GOOD, TRYING, DOWN, UNSEEN, node(True, lost=1), node(False, lost=1), node(False, lost=2)])


class AnyDay(RuleBasedStateMachine):
    """Signs come in any order; these things hold all the same."""

    @initialize(
        hold_down_s=st.sampled_from([0.0, 2.0, 10.0]), good_probes=st.integers(1, 5), when=st.sampled_from(When)
    )
    def begin(self, hold_down_s: float, good_probes: int, when: When) -> None:
        self.settings = ModeSettings(good_probes, hold_down_s, 60.0, 15.0, when, 180, 30.0, 1000)
        self.signs = Signs(0.0, (UNSEEN,))
        self.state = start(0.0, self.settings)
        self.before = self.state
        self.unanswered_s: float | None = None
        self.lost_in_a_row = 0

    def sample(self, signs: Signs) -> None:
        if signs.answered > self.signs.answered:
            self.unanswered_s = None
        elif signs.unanswered > self.signs.unanswered:
            self.unanswered_s = signs.now_s
        self.before, self.state = self.state, advance(self.state, signs, self.settings)
        self.signs = signs

    @rule(
        nodes=st.lists(NODES, min_size=1, max_size=2, unique_by=lambda n: n.lost),
        answered=st.integers(0, 1),
        unanswered=st.integers(0, 2),
        carrier=st.sampled_from([True, True, None, False]),
        confirmed=st.sampled_from([None, 0, 3]),
        after_s=st.sampled_from([0.1, 0.5, 0.5, 2.0]),
        drill=st.sampled_from([False] * 9 + [True]),
        calls_up=st.sampled_from([None, 0, 0, 2]),
        local_min=st.sampled_from([None, 100, 200]),
    )
    def see(
        self,
        nodes: list[NodeSign],
        answered: int,
        unanswered: int,
        carrier: bool | None,
        confirmed: int | None,
        after_s: float,
        drill: bool,
        calls_up: int | None,
        local_min: int | None,
    ) -> None:
        self.sample(
            Signs(
                self.signs.now_s + after_s,
                tuple(nodes),
                self.signs.answered + answered,
                self.signs.unanswered + unanswered,
                carrier=carrier,
                drill=drill,
                confirmed=confirmed,
                registered=3,
                calls_up=calls_up,
                local_min=local_min,
            )
        )

    @rule(seconds=st.integers(1, 40), steady=st.sampled_from([GOOD, DOWN, TRYING, UNSEEN]))
    def same_for_a_while(self, seconds: int, steady: NodeSign) -> None:
        for _ in range(2 * seconds):
            self.sample(replace(self.signs, now_s=self.signs.now_s + 0.5, nodes=(steady,), carrier=None, drill=False))
            self.check()

    @precondition(lambda self: self.state.mode is R)
    @rule(odd=st.sampled_from([GOOD, TRYING, UNSEEN]))
    def returning_ends(self, odd: NodeSign) -> None:
        for _ in range(int(2 * CONFIRM_FACTOR * self.settings.register_s) + 1):
            if self.state.mode is R:
                good = replace(self.signs, now_s=self.signs.now_s + 0.5, nodes=(odd,), confirmed=0, drill=False)
                self.sample(good)
        assert self.state.mode is not R

    @invariant()
    def check(self) -> None:
        if not hasattr(self, "state"):
            return
        before, state, signs = self.before, self.state, self.signs
        alone = not signs.drill and signs.carrier is not False
        entered = state.mode is V and before.mode is not V
        left = before.mode is V and state.mode is not V
        serves = any(node.serving for node in signs.nodes)
        if entered and alone and serves:
            # Not for lost probes: a node still serves. Only a row of calls with none answered says so.
            assert state.reason is Reason.CALLS_UNANSWERED
            assert state.memory.unanswered_row >= SICK_CALLS
        if entered:
            assert state.cause is not None
        if left:
            assert state.mode is R
            assert any(node.serving and not node.trying for node in signs.nodes)
            assert signs.carrier is not False
            assert signs.now_s - before.since_s >= state.hold_down_s - 1e-6  # sums of floats
            assert not signs.drill
            waited_s = None if before.ready_since_s is None else signs.now_s - before.ready_since_s
            if waited_s is None or waited_s < self.settings.longest_wait_s:
                assert self.settings.when is not When.IDLE or signs.calls_up == 0
                assert self.settings.when is not When.HOUR or signs.local_min == 200
        assert state.ready_since_s is None or state.mode is V
        if state.mode is V and before.mode is V and before.ready_since_s is not None:
            assert state.ready_since_s == before.ready_since_s
        if state.mode is N and before.mode is not N:
            assert any(node.serving and not node.trying for node in signs.nodes)
        if state.mode is N:
            assert state.cause is None
        assert self.settings.hold_down_s <= state.hold_down_s <= self.settings.hold_down_max_s
        assert len(state.memory.wobbles) < 10
        assert state.since_s <= signs.now_s


AnyDay.TestCase.settings = settings(stateful_step_count=25)
TestAnyDay = AnyDay.TestCase


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.text(max_size=3), lambda x: st.lists(x, max_size=3)))
def test_reading_the_dispatcher_never_raises(answer: object) -> None:
    assert node_signs(answer, {1: Path.LINE}) == ()
    assert node_signs({"RECORDS": [{"SET": {"ID": 1, "TARGETS": answer}}]}, {1: Path.LINE}) == ()
    odd = {"URI": "sip:a", "FLAGS": answer, "LATENCY": answer}
    (sign,) = node_signs({"RECORDS": [{"SET": {"ID": 1, "TARGETS": [{"DEST": odd}]}}]}, {1: Path.LINE})
    assert sign.uri == "sip:a"


def _latency(smoothed: float, most: float, lost: int) -> dict[str, float]:
    return {"AVG": smoothed, "STD": 0, "EST": smoothed, "MAX": most, "TIMEOUT": lost}


@pytest.mark.parametrize(
    ("flags", "latency", "sign"),
    [
        # As Kamailio 5.6.3 said it of a node before its first probe, serving, after one lost probe, after two.
        ("AX", _latency(0, 0, 0), NodeSign("sip:n", None, None, lost=0)),
        ("AP", _latency(20, 20, 0), NodeSign("sip:n", True, 20.0, lost=0)),
        ("TP", _latency(20, 20, 1), NodeSign("sip:n", True, 20.0, trying=True, lost=1)),
        ("IP", _latency(82.5, 270, 4), NodeSign("sip:n", False, 82.5, lost=4)),
        ("DX", _latency(0, 0, 0), NodeSign("sip:n", False, None, lost=0)),
        ("AP", None, NodeSign("sip:n", True)),
    ],
)
def test_reading_the_dispatcher(flags: str, latency: object, sign: NodeSign) -> None:
    target = {"DEST": {"URI": "sip:n", "FLAGS": flags, "PRIORITY": 0, "LATENCY": latency}}
    answer = {
        "NRSETS": 1,
        "RECORDS": [{"SET": {"ID": 1, "TARGETS": [target]}}, {"SET": {"ID": 9, "TARGETS": [target]}}],
    }
    assert node_signs(answer, {1: Path.LINE, 2: Path.DATA}) == (sign,)


def test_a_late_time_out_from_before_the_death_does_not_delay_the_return() -> None:
    unit = Unit().normal()
    unit.see(20, DOWN)
    assert unit.see(SAMPLE_S, DOWN, unanswered=1) is V
    assert unit.see(15, GOOD, registered=9, confirmed=0) is R
