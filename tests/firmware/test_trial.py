"""How a configuration that was sent is judged: tables, and what holds whatever happens."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmware.trial import ATTEMPTS_MAX, BAD_S, OUTAGE_S, START_S, WELL_S, Due, Health, Trial, due, may_try, worse

WELL = Health(edge=True, calls_process=True, platform=True, registered=10, modems=1, pages=True, hub=True)
STEADY_S = 70.0


@pytest.mark.parametrize(
    ("before", "now", "found"),
    [
        (WELL, WELL, ()),
        (Health(), Health(edge=True, calls_process=True), ()),  # nothing was known: nothing is missed
        (WELL, Health(), ("edge", "calls_process", "platform", "pages", "hub", "registered", "modems")),
        (WELL, Health(edge=True, calls_process=True, platform=True, registered=8, modems=1, pages=True, hub=True), ()),
        (
            WELL,
            Health(edge=True, calls_process=True, platform=True, registered=7, modems=1, pages=True, hub=True),
            ("registered",),
        ),
        (
            WELL,
            Health(edge=True, calls_process=True, platform=None, registered=10, modems=0, pages=True, hub=True),
            ("platform", "modems"),
        ),
        (Health(edge=False), Health(edge=False, calls_process=True), ("edge",)),
        (Health(platform=False, hub=None), Health(edge=True, calls_process=True, platform=False), ()),
    ],
)
def test_what_was_well_and_is_not(before: Health, now: Health, found: tuple[str, ...]) -> None:
    assert worse(before, now) == found


def followed(looks: list[tuple[float, bool]], boot: str = "one") -> tuple[Due, float]:
    """What came of a trial that was looked at so, and when."""
    trial = Trial(boot=boot, began_s=0.0, before=WELL)
    for now_s, well in looks:
        what, trial = due(trial, boot, now_s, well=well, steady_s=STEADY_S)
        if what is not Due.WAIT:
            return what, now_s
    return Due.WAIT, looks[-1][0]


def each_second(until_s: int, well: range) -> list[tuple[float, bool]]:
    return [(float(second), second in well) for second in range(1, until_s)]


@pytest.mark.parametrize(
    ("looks", "expected"),
    [
        (each_second(200, range(200)), (Due.CONFIRM, STEADY_S)),
        (each_second(200, range(0)), (Due.ROLL_BACK, START_S)),
        (each_second(200, range(5, 200)), (Due.CONFIRM, STEADY_S)),
        (each_second(200, range(65)), (Due.ROLL_BACK, 65 + BAD_S)),  # phones did not come again
        (each_second(200, range(66, 200)), (Due.ROLL_BACK, START_S)),
        (each_second(200, range(24, 200)), (Due.CONFIRM, STEADY_S)),
        ([(float(s), s % 4 < 2) for s in range(1, 200)], (Due.ROLL_BACK, STEADY_S + WELL_S + BAD_S)),
    ],
)
def test_a_trial_ends_in_time(looks: list[tuple[float, bool]], expected: tuple[Due, float]) -> None:
    assert followed(looks) == expected


def test_a_start_of_the_machine_begins_it_again_and_not_for_ever() -> None:
    trial = Trial(boot="0", began_s=5.0, before=WELL)
    for again in range(1, ATTEMPTS_MAX):
        what, trial = due(trial, str(again), 1.0, well=True, steady_s=STEADY_S)
        assert (what, trial.attempts, trial.began_s) == (Due.BEGIN_AGAIN, again + 1, 1.0)
    assert due(trial, "last", 1.0, well=True, steady_s=STEADY_S)[0] is Due.ROLL_BACK


@given(st.lists(st.tuples(st.floats(0.1, 20), st.booleans()), min_size=20, max_size=60))
def test_no_trial_lasts_for_ever_and_none_is_confirmed_that_was_not_well(steps: list[tuple[float, bool]]) -> None:
    trial, now_s, ends = Trial(boot="b", began_s=0.0), 0.0, STEADY_S + WELL_S + BAD_S
    for pause_s, well in steps:
        now_s += pause_s
        what, trial = due(trial, "b", now_s, well=well, steady_s=STEADY_S)
        if what is Due.CONFIRM:
            assert well
            assert now_s >= STEADY_S
        if what is not Due.WAIT:
            return
        assert now_s < ends


@pytest.mark.parametrize(
    ("calls", "normal", "mains", "busy", "waited_s", "why"),
    [
        (0, True, True, False, 0, ""),
        (0, True, None, False, 0, ""),  # no source of power is configured
        (1, True, True, False, 9_999, "calls"),
        (None, True, True, False, 0, "calls"),
        (0, True, True, True, 0, "calls"),
        (0, False, True, False, 0, "outage"),
        (0, False, True, False, OUTAGE_S - 1, "outage"),
        (0, False, True, False, OUTAGE_S, ""),
        (0, None, True, False, 9_999, "outage"),
        (0, True, False, False, 9_999, "battery"),
    ],
)
def test_when_it_may_be_tried(
    calls: int | None, normal: bool | None, mains: bool | None, busy: bool, waited_s: float, why: str
) -> None:
    found = may_try(calls=calls, normal=normal, mains=mains, edge_busy=lambda: busy, waited_s=waited_s)
    assert found == why
