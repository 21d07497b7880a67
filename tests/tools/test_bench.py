"""Benchmarks, as far as they are pure: percentiles, goals, keys, the table, and what a run is planned to be."""

from __future__ import annotations

import argparse
import io
import json
import math
import sys
from types import ModuleType

import pytest

from tools import bench
from tools.bench import Report, failover, lines
from tools.bench.failover import KINDS, ROUND_TRIP_MS, Loss, Samples, figures, plan
from tools.bench.figures import LEAST_SAMPLES, Class, Figure, Goal, flat, missed, percentile, share, timed
from tools.commands import COMMANDS
from tools.errors import DONE, FAILED, UserError
from tools.output import Paint
from tools.parser import parser_of

ENOUGH = [float(number) for number in range(1, LEAST_SAMPLES + 1)]
S = Class.SIMULATED
PLAIN = Paint(io.StringIO(), {})


@pytest.mark.parametrize(
    ("values", "percent", "expected"),
    [
        ([7.0], 95, 7.0),
        (ENOUGH, 95, 19.0),
        (ENOUGH, 50, 10.0),
        (ENOUGH, 100, 20.0),
        (list(reversed(ENOUGH)), 1, 1.0),
        ([*ENOUGH, math.inf], 95, 20.0),
        ([*ENOUGH, math.inf, math.inf], 95, math.inf),
    ],
)
def test_percentile_by_nearest_rank(values: list[float], percent: float, expected: float) -> None:
    assert percentile(values, percent) == expected


@pytest.mark.parametrize(("values", "percent"), [([], 95), ([1.0], 0), ([1.0], 101)])
def test_percentile_of_nothing(values: list[float], percent: float) -> None:
    with pytest.raises(ValueError, match="percentile"):
        percentile(values, percent)


def test_too_few_samples_have_no_value_and_miss_no_goal() -> None:
    figure = timed("known", "ms_p95", "near", [1e6] * (LEAST_SAMPLES - 1), S, goal=Goal(10))
    assert (figure.value, figure.samples, figure.reached) == (None, 19, None)
    rate = share("kept", 0, 19, S, goal=Goal(100, at_least=True))
    assert (rate.key, rate.value, rate.reached) == ("kept_percent", None, None)


def test_what_never_came_is_worse_than_any_time() -> None:
    one = timed("known", "ms_p95", "near", [*ENOUGH[:-1], math.inf], S, goal=Goal(30))
    assert (one.value, one.failed, one.reached) == (19.0, 1, True)
    two = timed("known", "ms_p95", "near", [*ENOUGH[:-2], math.inf, math.inf], S, goal=Goal(30))
    assert (two.value, two.failed, two.reached) == (None, 2, False)


@pytest.mark.parametrize(
    ("goal", "value", "met"),
    [
        (Goal(10), 10, True),
        (Goal(10), 10.001, False),
        (Goal(100, at_least=True), 100, True),
        (Goal(100, at_least=True), 99.999, False),
    ],
)
def test_a_goal_holds_its_bound(goal: Goal, value: float, met: bool) -> None:
    assert goal.met(value) is met


def test_flat_names_samples_by_figure_and_the_fewest_of_all() -> None:
    found = flat(
        [
            timed("killed_first", "ms_p95", "near", ENOUGH * 2, S),
            timed("detected", "ms_p95", "near", [1.0], S),
            share("up_calls_kept", 29, 30, S),
        ]
    )
    assert found == {
        "killed_first_ms_p95_near": 19.0,
        "detected_ms_p95_near": None,
        "up_calls_kept_percent": 96.667,
        "killed_first_samples_near": 40,
        "detected_samples_near": 1,
        "up_calls_kept_samples": 30,
        "samples": 30,
    }
    assert flat([]) == {"samples": 0}


# ---- failover


def samples(first_ms: float = 250.0, kept: int = 20, deaths: int = 20) -> Samples:
    return Samples(
        first_ms=[first_ms] * 20,
        known_ms=[5.0] * 20,
        detected_ms=[2500.0] * 10,
        return_s=[2.0] * 10,
        timer_a_ms=[250.0, 268.0],
        up=20,
        kept=kept,
        deaths=deaths,
    )


def everywhere(**options: float) -> dict[tuple[str, str], Samples]:
    return {(place, kind): samples(**options) for place in ROUND_TRIP_MS for kind in KINDS}  # type: ignore[arg-type]


WELL = Loss(calls=4000, diverted=4, answered=4000, false_deaths=0)


def test_failover_has_every_key_that_was_asked_for() -> None:
    found = flat(figures(everywhere(), WELL))
    names = ["killed_first_ms_p95", "blackholed_first_ms_p95", "known_ms_p95", "detected_ms_p95", "return_seen_s"]
    expected = {f"{name}_{place}" for name in names for place in ("near", "20", "60")}
    expected |= {"up_calls_kept_percent", "diverted_at_1_loss_percent", "samples"}
    assert expected <= found.keys()
    assert all(found[key] is not None for key in expected)
    assert found["killed_first_samples_near"] == 20
    assert found["known_samples_near"] == 40


def test_failover_keeps_its_goals() -> None:
    assert missed(figures(everywhere(), WELL)) == []


@pytest.mark.parametrize(
    ("place", "bad", "loss", "keys"),
    [
        ("near", samples(first_ms=301), WELL, ["killed_first_ms_p95_near"]),
        ("60", samples(first_ms=301), WELL, []),  # no goal is set there
        ("60", samples(kept=19), WELL, ["up_calls_kept_percent"]),
        ("near", samples(), Loss(4000, 5, 4000, 0), ["diverted_at_1_loss_percent"]),
    ],
)
def test_failover_misses_a_goal(place: str, bad: Samples, loss: Loss, keys: list[str]) -> None:
    found = figures({**everywhere(), (place, "killed"): bad}, loss)
    assert [figure.key for figure in missed(found)] == keys


def arguments(*words: str) -> argparse.Namespace:
    return parser_of(COMMANDS["bench"]).parse_args(["failover", *words])


@pytest.mark.parametrize(
    ("words", "calls_per_figure", "deaths_each"),
    [([], 50, 5), (["--quick"], 20, 2), (["--samples", "25"], 25, 2), (["--samples", "1"], 1, 2)],
)
def test_failover_plans_enough_deaths(words: list[str], calls_per_figure: int, deaths_each: int) -> None:
    planned = plan(arguments(*words))
    assert planned.with_calls >= deaths_each
    assert planned.with_calls * failover.CROWD >= calls_per_figure
    assert 1 <= planned.talks <= planned.with_calls


def test_a_full_run_gives_every_figure_a_value() -> None:
    planned = plan(arguments())
    assert planned.quiet * len(KINDS) >= LEAST_SAMPLES
    assert planned.loss_calls >= 2000  # one call in a thousand must be seen


# ---- the command


REPORT = Report(
    [
        Figure("known_ms_p95_near", 5.25, 40, "known_samples_near", S, Goal(10)),
        Figure("known_ms_p95_20", 6, 40, "known_samples_20", S),
        Figure("detected_ms_p95_near", None, 2, "detected_samples_near", S, Goal(3000)),
        Figure("kept_percent", 99.5, 200, "kept_samples", Class.REAL_PEER, Goal(100, at_least=True)),
    ],
    {"cores": 2, "peers": "sipp"},
)


def test_the_table_tells_value_goal_samples_and_class() -> None:
    found = lines(REPORT, PLAIN)
    assert [line.split() for line in found[:5]] == [
        ["figure", "value", "goal", "samples", "class"],
        ["[ok]", "known_ms_p95_near", "5.25", "≤", "10", "40", "S"],
        ["known_ms_p95_20", "6", "40", "S"],
        ["[skip]", "detected_ms_p95_near", "–", "≤", "3,000", "2", "S"],
        ["[fail]", "kept_percent", "99.5", "≥", "100", "200", "R"],
    ]
    assert found[-2:] == ["cores  2", "peers  sipp"]


@pytest.fixture
def measured(monkeypatch: pytest.MonkeyPatch) -> None:
    """A benchmark that takes no time, whoever runs it."""
    module = ModuleType("tools.bench.failover")
    module.measure = lambda args, tell: (tell("measuring"), REPORT)[1]  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "tools.bench.failover", module)
    monkeypatch.setattr("os.geteuid", lambda: 0)


def command(*words: str) -> argparse.Namespace:
    args = argparse.Namespace(json=False, no_color=True)
    for name, value in vars(arguments(*words)).items():
        setattr(args, name, value)
    return args


@pytest.mark.usefixtures("measured")
def test_json_is_one_flat_object_and_a_missed_goal_fails(capsys: pytest.CaptureFixture[str]) -> None:
    assert bench.run(command("--json")) == FAILED
    out, side = capsys.readouterr()
    found = json.loads(out)
    assert found["verdict"] == "fail"
    assert found["known_ms_p95_near"] == 5.25
    assert found["detected_ms_p95_near"] is None
    assert found["samples"] == 40
    assert found["peers"] == "sipp"
    assert not [name for name, value in found.items() if isinstance(value, dict | list) and name != "problems"]
    assert "measuring" in side


@pytest.mark.usefixtures("measured")
def test_goals_kept_end_well(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    kept = Report(REPORT.figures[:3])
    monkeypatch.setattr(sys.modules["tools.bench.failover"], "measure", lambda args, tell: kept)
    assert bench.run(command()) == DONE
    assert "known_ms_p95_near" in capsys.readouterr().out


def test_without_root_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    with pytest.raises(UserError, match="RVX-N05"):
        bench.run(command())
