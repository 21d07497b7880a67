"""Whose turn it is to die, and how: the plan of a day of takeovers."""

from __future__ import annotations

from itertools import islice

from hil.stormplan import PLATFORMS
from hil.takeovers import Trouble, make_turns


def test_the_same_seed_gives_the_same_turns() -> None:
    assert list(islice(make_turns(7), 9)) == list(islice(make_turns(7), 9))
    assert list(islice(make_turns(7), 9)) != list(islice(make_turns(8), 9))


def test_each_trouble_comes_with_the_platform_well_and_ill() -> None:
    for seed in range(20):
        turns = list(islice(make_turns(seed), 4 * len(Trouble)))
        for four in (turns[at : at + len(Trouble)] for at in range(0, len(turns), len(Trouble))):
            assert {turn.trouble for turn in four} == set(Trouble)
            assert [turn.across in PLATFORMS for turn in four].count(True) == len(Trouble) // 2
