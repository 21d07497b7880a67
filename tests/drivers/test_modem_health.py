"""The ladder of remedies, as a table of faults and what is done."""

from __future__ import annotations

import pytest

from drivers.modem.health import OTHER_FIRST_S, OTHER_MAX_S, WELL_S, Ladder, Reason
from drivers.modem.model import Step

REOPEN, RADIO, RESET, POWER, OTHER = Step.REOPEN, Step.RADIO, Step.RESET, Step.POWER, Step.OTHER
NO_POWER = frozenset(Step) - {POWER}


@pytest.mark.parametrize(
    ("reason", "can", "steps"),
    [
        (Reason.SILENT, frozenset(Step), [REOPEN] * 4 + [POWER] * 2 + [OTHER] * 3),
        (Reason.UNPLUGGED, NO_POWER, [REOPEN] * 4 + [OTHER] * 2),
        (Reason.UNREGISTERED, frozenset(Step), [RADIO, RESET, RESET, POWER, POWER, OTHER]),
        (Reason.SOUND, frozenset(Step), [RESET, RESET, POWER, POWER, OTHER]),
        (Reason.SOUND, NO_POWER, [RESET, RESET, OTHER, OTHER]),
        (Reason.TAKEN, frozenset(Step), [REOPEN] * 9),
        (Reason.URL, frozenset(Step), [REOPEN] * 9),
    ],
)
def test_a_fault_that_stays_climbs(reason: str, can: frozenset[Step], steps: list[Step]) -> None:
    ladder = Ladder(can)
    now = 100.0
    for number, step in enumerate(steps, 1):
        remedy = ladder.failed(reason, now)
        assert remedy.step is step
        assert remedy.at >= now
        assert (ladder.health.reason, ladder.health.since) == (reason, now)
        assert sum(ladder.health.counts.values()) == number
        now = remedy.at + 1


def test_the_first_remedy_is_at_once_and_the_last_ever_more_seldom() -> None:
    ladder = Ladder(NO_POWER)
    assert ladder.failed(Reason.SILENT, 5.0).at == 5.0
    waits = []
    for _ in range(12):
        remedy = ladder.failed(Reason.SILENT, 5.0)
        if remedy.step is OTHER:
            waits.append(remedy.at - 5.0)
    assert waits[:3] == [OTHER_FIRST_S, 2 * OTHER_FIRST_S, 4 * OTHER_FIRST_S]
    assert max(waits) == OTHER_MAX_S


def test_what_works_long_enough_is_well_again() -> None:
    ladder = Ladder()
    ladder.failed(Reason.SILENT, 0.0)
    ladder.worked(10.0)
    ladder.worked(10.0 + WELL_S - 1)
    assert ladder.health.step is REOPEN, "not yet"
    ladder.worked(10.0 + WELL_S)
    assert (ladder.health.step, ladder.health.reason) == (Step.FINE, "")
    assert ladder.health.counts == {REOPEN: 1}
    assert ladder.failed(Reason.SILENT, 999.0).step is REOPEN


def test_what_works_and_fails_again_and_again_climbs_all_the_same() -> None:
    ladder = Ladder()
    now, steps = 0.0, []
    for _ in range(5):
        steps.append(ladder.failed(Reason.SILENT, now).step)
        for _ in range(3):
            now += WELL_S / 4
            ladder.worked(now)
    assert steps == [REOPEN] * 4 + [POWER]


def test_a_worse_fault_goes_up_and_a_lesser_one_not_down() -> None:
    ladder = Ladder()
    assert ladder.failed(Reason.SILENT, 0.0).step is REOPEN
    assert ladder.failed(Reason.SOUND, 1.0).step is RESET
    assert ladder.failed(Reason.UNREGISTERED, 2.0).step is RESET
    assert ladder.failed(Reason.SILENT, 3.0).step is POWER, "a silent modem cannot be told to start anew"
