"""What broke is played again, by the shortest way, in most replays of three."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from firmware.modes import Mode
from hil.invariants import Breach
from hil.planted import Planted
from hil.storm import Outcome, Told
from hil.stormplan import FAULTS, Fault, Plan, make_plan, pairs_of
from tools.storm import pairs_table, planted_table, shortest_way

SEED = 7


def storm_with_bug(breaks: Callable[[Plan, int], bool]) -> tuple[Callable[[Plan, Told], Outcome], list[Plan]]:
    """Instead of a real storm; `breaks` is asked with the plan and how often it was played before."""
    played: list[Plan] = []

    def storm(plan: Plan, told: Told) -> Outcome:
        before = sum(other.chapters == plan.chapters for other in played)
        played.append(plan)
        outcome = Outcome(plan.seed, chapters=len(plan.chapters))
        if breaks(plan, before):
            outcome.broken.append(Breach("reachable", 1.0, "nobody answers"))
        return outcome

    return storm, played


def broken_by(plan: Plan) -> Outcome:
    outcome = Outcome(plan.seed, chapters=len(plan.chapters), broken_after_s=plan.length_s)
    outcome.broken.append(Breach("reachable", 1.0, "nobody answers"))
    return outcome


@pytest.mark.parametrize("fault", [Fault.DISK_FULL, Fault.UNIT_KILLED, Fault.PLATFORM_SICK])
def test_the_shortest_way_ends_with_the_fault_that_broke(fault: Fault) -> None:
    plan = make_plan(SEED, 300)
    number = next(chapter.number for chapter in plan.chapters if fault in chapter.faults)
    storm, played = storm_with_bug(lambda plan, before: any(fault in chapter.faults for chapter in plan.chapters))
    assert shortest_way(plan, broken_by(plan), lambda line: None, storm) == number
    assert all(each.seed == SEED and each.chapters == plan.chapters[: len(each.chapters)] for each in played)


def test_what_breaks_in_most_replays_breaks() -> None:
    plan = make_plan(SEED, 60).prefix(4)
    two_of_three, _ = storm_with_bug(lambda plan, before: len(plan.chapters) >= 3 and before % 3 != 1)
    assert shortest_way(plan, broken_by(plan), lambda line: None, two_of_three) == 3
    one_of_three, _ = storm_with_bug(lambda plan, before: len(plan.chapters) >= 3 and before % 3 == 1)
    assert shortest_way(plan, broken_by(plan), lambda line: None, one_of_three) == 4, "what was seen once, and no more"


def test_a_replay_is_no_longer_than_it_must_be() -> None:
    plan = make_plan(SEED, 600)
    outcome = broken_by(plan)
    outcome.broken_after_s, outcome.chapters = 20.0, 2
    storm, played = storm_with_bug(lambda plan, before: True)
    shortest_way(plan, outcome, lambda line: None, storm)
    assert {each.length_s for each in played} == {35.0}


def test_every_pair_stands_in_the_table() -> None:
    head, *rows = pairs_table(Outcome(1, visited={(Mode.NORMAL, Fault.DISK_FULL)}))
    assert head.split()[-4:] == list(Mode)
    assert len(rows) == len(FAULTS)
    assert sum(row.split().count("x") for row in rows) == 1
    assert sum(row.split().count("-") for row in rows) == len(pairs_of()) - 1


def test_what_became_of_planted_bugs_is_a_table() -> None:
    lines = planted_table([Planted("01-lost-ack", "acknowledged", 9.4, 5, 1), Planted("02", None, 90.0, 152, 2)])
    assert [line.split()[0] for line in lines[1:]] == ["01-lost-ack", "02"]
    assert "acknowledged" in lines[1]
    assert "missed" in lines[2]
