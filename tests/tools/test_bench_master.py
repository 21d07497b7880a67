"""The arithmetic of ``rvx bench master``; what it measures is measured by running it."""

import argparse
import math
import threading

import pytest

from hil.phone.sipp import Result
from tools.bench.figures import Scalar, flat, missed
from tools.bench.master import Plan, _run, figures, plan
from tools.bench.master.stage import Counts, Stopped

KEYS = [
    *("amnesia_failed_calls", "amnesia_inbound_gap_s_p95", "false_survivals", "observed_h", "diverted_calls"),
    *("double_rings", "double_answers", "ghost_calls", "setup_calls_lost", "calls_lost", "calls_attempted"),
    *("unit_death_call_s_p95", "unit_death_call_s_p95_linphone", "unit_death_call_s_p95_baresip"),
    *("unit_frozen_call_s_p95", "standby_takeover_s_p95", "standby_hung_takeover_s_p95"),
    *("restart_calls_lost", "flood_call_ms_p99", "samples"),
]


def counts() -> Counts:
    """All good, and just enough."""
    return Counts(
        attempted=10_000,
        calm_calls=9_000,
        observed_s=1800,
        diverted=3,
        slow_calls=500,
        setups=160,
        amnesia_calls=1_800,
        amnesia_gap_s=[2.0] * 20,
        restart_calls=240,
        unit_death_s=[4.0] * 20,
        unit_death_baresip_s=[4.0] * 20,
        unit_frozen_s=[4.0] * 20,
        takeover_s=[2.0] * 20,
        takeover_hung_s=[2.0] * 20,
        flood_ms=[9.0] * 100,
    )


def call(completed: bool) -> Result:
    return Result(1, "1-1@x", 0.0, 200 if completed else 503, 9.0, 9.0, 1, completed)


def found(of: Counts) -> dict[str, Scalar]:
    return flat(figures(of))


def test_a_good_run_misses_no_goal() -> None:
    values = found(counts())
    assert set(KEYS) <= values.keys()
    assert missed(figures(counts())) == []
    assert (values["observed_h"], values["diverted_calls"], values["calls_attempted"]) == (0.5, 3, 10_000)
    assert values["samples"] == 20


def test_nothing_tried_is_nothing_known() -> None:
    values = found(Counts())
    assert [values[key] for key in KEYS if key != "samples"] == [None] * (len(KEYS) - 1)


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("amnesia_failed", "amnesia_failed_calls"),
        ("false_survivals", "false_survivals"),
        ("double_rings", "double_rings"),
        ("double_answers", "double_answers"),
        ("ghosts", "ghost_calls"),
        ("setups_lost", "setup_calls_lost"),
        ("lost", "calls_lost"),
        ("restart_lost", "restart_calls_lost"),
    ],
)
def test_a_single_one_is_a_goal_missed(name: str, key: str) -> None:
    bad = counts()
    setattr(bad, name, 1)
    assert [figure.key for figure in missed(figures(bad))] == [key]


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("amnesia_gap_s", "amnesia_inbound_gap_s_p95"),
        ("unit_death_s", "unit_death_call_s_p95_linphone"),
        ("unit_death_baresip_s", "unit_death_call_s_p95_baresip"),
        ("unit_frozen_s", "unit_frozen_call_s_p95"),
        ("takeover_s", "standby_takeover_s_p95"),
    ],
)
def test_what_never_came_is_worse_than_any_time(name: str, key: str) -> None:
    bad = counts()
    getattr(bad, name).extend([math.inf] * 2)
    assert [figure.key for figure in missed(figures(bad))] == [key]


def test_calls_are_counted_once_and_the_lost_are_told() -> None:
    said: list[str] = []
    total = Counts()
    assert total.calls([call(True), call(False), call(True)], said.append) == 1
    assert (total.attempted, total.lost, len(said)) == (3, 1, 1)


def test_the_whole_run_attempts_ten_thousand_calls() -> None:
    whole = plan(argparse.Namespace(quick=False, samples=None))
    assert isinstance(whole, Plan)
    crowd = 20
    amnesia_calls = whole.amnesias * 300
    assert whole.calm_calls + crowd * (len(whole.slow_points) + whole.setup_deaths) + amnesia_calls >= 10_000
    assert whole.unit_deaths >= 20
    assert all(list(whole.takeovers).count(hung) >= 20 for hung in (True, False))


class Scenes:
    """Two lanes, of which one fails while the other waits."""

    def __init__(self) -> None:
        self._stopped = threading.Event()
        self.done: list[str] = []

    def lanes(self) -> tuple[tuple[object, ...], ...]:
        return ((self._fails, self._never), (self._waits,))

    def stop(self) -> None:
        self._stopped.set()

    def _fails(self) -> None:
        raise ValueError("a scene")

    def _never(self) -> None:
        self.done.append("never")

    def _waits(self) -> None:
        if self._stopped.wait(5):
            raise Stopped


def test_the_first_failure_ends_all_and_is_what_is_told() -> None:
    scenes = Scenes()
    with pytest.raises(ValueError, match="a scene"):
        _run(scenes)  # type: ignore[arg-type]
    assert scenes.done == []
