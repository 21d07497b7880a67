"""The arithmetic of ``rvx bench load`` and its reading of /proc; what it measures is measured by running it."""

import argparse
import json
import math
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from tools.bench import Report, lines
from tools.bench.figures import Figure, flat, missed
from tools.bench.load import CALLS_RATE, Found, Normal, conditions, figures, highest_clean, plan
from tools.bench.processes import ProcessError, confined, cpu_s, pss_mb, spent_s, tree
from tools.bench.side import Work
from tools.output import Paint

KEYS = [
    *("calls_per_cpu_s", "calls_rate", "calls_failed", "calls_rate_max_clean"),
    *("registers_per_cpu_s", "registers_rate", "registers_failed", "storm_500_s", "memory_mb"),
    *("idle_cpu_percent", "idle_cpu_percent_edge", "idle_cpu_percent_unit", "added_normal_ms_p99"),
    *("asterisk_calls_per_cpu_s", "asterisk_registers_per_cpu_s", "calls_vs_asterisk", "registers_vs_asterisk"),
    *("differs", "samples"),
]
PEER_KEYS = [key for key in KEYS if "asterisk" in key or key == "differs"]


def found(peer: bool = False) -> Found:
    """A measured unit, twice as costly as it may be in idleness."""
    return Found(
        normal=Normal(through=[4.0] * 98 + [7.0, 9.0], direct=[2.0, 2.5, 40.0]),
        idle_edge=[0.5, 0.7] * 10,
        idle_unit=[1.4] * 20,
        storm_s=[0.1] * 499 + [0.6],
        registers=Work(4000, 0, 4.0, 0.5),
        calls=Work(800, 0, 8.0, 0.8, 0),
        memory_mb=[50.0, 61.5] * 10,
        shared_used_mb=28.0,
        rising={150.0: Work(1200, 0, 8.0, 1.0, 0), 200.0: Work(1600, 0, 8.0, 1.0, 3)},
        peer_registers=Work(4000, 0, 4.0, 2.0) if peer else None,
        peer_calls=Work(795, 5, 8.0, 7.95, 4) if peer else None,
    )


def document(peer: bool = False) -> dict[str, object]:
    report = Report(figures(found(peer)), conditions(found(peer)))
    return {**flat(report.figures), **report.conditions}


def figure(key: str, of: Found) -> Figure:
    return next(figure for figure in figures(of) if figure.key == key)


def test_every_key_is_there_and_the_peer_null_without_one() -> None:
    alone, beside = document(), document(peer=True)
    assert set(KEYS) <= set(alone)
    assert set(alone) == set(beside)
    assert [key for key in PEER_KEYS if alone[key] is not None] == []
    assert [key for key in PEER_KEYS if beside[key] is None] == []
    assert all(not isinstance(value, dict | list) for value in json.loads(json.dumps(alone)).values())


def test_figures() -> None:
    told = document(peer=True)
    assert told["calls_per_cpu_s"] == 1000
    assert told["calls_rate"] == 100
    assert told["calls_vs_asterisk"] == 10
    assert told["registers_vs_asterisk"] == 4
    assert told["asterisk_calls_failed"] == 5
    assert told["memory_mb"] == 61.5
    assert told["storm_500_s"] == 0.6
    assert told["idle_cpu_percent"] == 2.0
    assert told["idle_cpu_percent_edge"] == 0.6
    assert told["samples"] == 20
    assert [figure.key for figure in missed(figures(found(peer=True)))] == ["idle_cpu_percent"]


def test_there_is_no_ratio_to_a_side_that_could_not_keep_up() -> None:
    beyond = found(peer=True)
    beyond.peer_calls = Work(700, 100, 20.0, 7.0, 900)
    ratio = figure("calls_vs_asterisk", beyond)
    assert (ratio.value, ratio.reached) == (None, None)
    assert figure("asterisk_calls_per_cpu_s", beyond).value == 100


def test_what_the_unit_adds_is_against_the_median_of_the_platform_alone() -> None:
    assert figure("added_normal_ms_p99", found()).value == 4.5
    silent = Found(normal=Normal(through=[3.0] * 90 + [math.inf] * 10, direct=[2.0] * 100))
    assert figure("added_normal_ms_p99", silent).reached is False
    assert figure("added_normal_ms_p50", silent).value == 1.0


def test_a_phone_that_is_not_bound_fails_the_storm() -> None:
    storm = figure("storm_500_s", Found(storm_s=[0.2] * 499 + [math.inf]))
    assert (storm.value, storm.reached, storm.failed) == (None, False, 1)


def test_nothing_measured_is_no_number() -> None:
    assert all(each.value is None for each in figures(Found()))
    assert conditions(Found())["calls_rate"] is None
    assert lines(Report(figures(Found())), Paint(sys.stdout, {}))


def test_the_highest_clean_rate_is_the_last_before_one_that_is_not() -> None:
    assert figure("calls_rate_max_clean", found()).value == 150
    nothing = Found(calls=Work(99, 1, 1.0, 0.1, 0))
    assert figure("calls_rate_max_clean", nothing).value is None
    assert figure("calls_rate_max_clean", Found(calls=Work(100, 0, 1.0, 0.1, 0))).value == CALLS_RATE


def test_a_rate_is_given_up_when_it_fails_twice() -> None:
    asked: list[float] = []

    def attempt(rate: float) -> Work:
        asked.append(rate)
        return Work(100, int(rate >= 200 or asked == [50.0]), 1.0, 0.1, 0)

    tried = highest_clean([50.0, 100.0, 200.0, 300.0], attempt)
    assert asked == [50.0, 50.0, 100.0, 200.0, 200.0]
    assert {rate: work.clean for rate, work in tried.items()} == {50.0: True, 100.0: True, 200.0: False}


def test_work_adds_up() -> None:
    both = Work(10, 1, 2.0, 0.5, 3) + Work(30, 0, 2.0, 1.5)
    assert both == Work(40, 1, 4.0, 2.0, 3)
    assert (both.rate, both.per_cpu_s, both.clean) == (10, 20, False)
    assert (Work() + Work(5, 0, 1.0, 1.0)).clean
    assert not Work().clean


@pytest.mark.parametrize("quick", [True, False])
def test_enough_is_measured_for_every_figure(quick: bool) -> None:
    planned = plan(argparse.Namespace(quick=quick, samples=None))
    assert planned.idle_s >= 20
    assert planned.normal_calls >= 100
    assert plan(argparse.Namespace(quick=quick, samples=7)).turns == 7


def test_a_tree_is_a_process_and_all_that_descend_from_it(tmp_path: Path) -> None:
    for pid, parent, name in ((10, 1, "a"), (11, 10, "b) S 99 ("), (12, 11, "c"), (13, 1, "d"), (14, 12, "e")):
        (tmp_path / str(pid)).mkdir()
        (tmp_path / str(pid) / "stat").write_text(f"{pid} ({name}) S {parent} 1 1 0\n")
    (tmp_path / "15").mkdir()  # ended while being read
    (tmp_path / "self").mkdir()
    assert tree(11, proc=tmp_path) == {11, 12, 14}
    assert tree(13, 12, 99, proc=tmp_path) == {12, 13, 14}


def test_memory_is_what_is_shared_divided(tmp_path: Path) -> None:
    for pid, pss_kb in ((1, 1024), (2, 512)):
        (tmp_path / str(pid)).mkdir()
        (tmp_path / str(pid) / "smaps_rollup").write_text(
            f"0-1 ---p 0 00:00 0 [rollup]\nRss: 9 kB\nPss:  {pss_kb} kB\n"
        )
    assert pss_mb([1, 2], proc=tmp_path) == 1.5
    with pytest.raises(ProcessError, match="process 3"):
        pss_mb([3], proc=tmp_path)


def test_cpu_counts_threads_that_have_ended() -> None:
    began = time.process_time()
    before = cpu_s([os.getpid()])
    thread = threading.Thread(target=sum, args=(range(2_000_000),))
    thread.start()
    thread.join()
    spent = spent_s(before, cpu_s(before))
    assert 0 < spent <= time.process_time() - began


def test_a_process_that_ended_is_not_measured() -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as child:
        before = cpu_s([child.pid])
        assert child.pid in tree(os.getpid())
    with pytest.raises(ProcessError):
        cpu_s(before)
    with pytest.raises(ProcessError):
        spent_s(before, {})


def test_what_is_started_meanwhile_is_confined() -> None:
    cores = os.sched_getaffinity(0)
    one = min(cores)
    with confined(one):
        shown = subprocess.run(
            [sys.executable, "-c", "import os; print(os.sched_getaffinity(0))"], capture_output=True, text=True
        )
    assert shown.stdout.strip() == str({one})
    assert os.sched_getaffinity(0) == cores
