"""The same seed is the same storm, and every round visits every pair of mode and fault."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from firmware.modes import Mode
from hil.invariants import EMERGENCIES
from hil.stormdeeds import CODERS, LEARNT, LEAVER, MATE, PATIENT, ROAMER, Do
from hil.stormplan import FAULTS, LONELY, WAYS_OUT, WELL_S, Fault, make_plan, pairs_of

FEW = settings(max_examples=settings().max_examples // 4)
"""A plan of many minutes takes some milliseconds to make."""
CHAPTER_S = 24.0
"""As measured, on the whole."""
SEEDS = st.integers(min_value=1, max_value=1_000_000)


@FEW
@given(SEEDS, st.integers(min_value=1, max_value=600))
def test_the_same_seed_gives_the_same_plan(seed: int, length_s: int) -> None:
    assert make_plan(seed, length_s) == make_plan(seed, length_s)


@FEW
@given(SEEDS)
def test_a_longer_storm_begins_as_a_shorter_one(seed: int) -> None:
    short, long = make_plan(seed, 60), make_plan(seed, 600)
    assert long.chapters[: len(short.chapters)] == short.chapters
    assert long.deeds[: len(short.deeds)] == short.deeds


def test_two_seeds_differ() -> None:
    assert make_plan(1, 60) != make_plan(2, 60)


@FEW
@given(SEEDS)
def test_every_round_visits_every_pair(seed: int) -> None:
    chapters = make_plan(seed, 600).chapters
    for turn in (1, 2):
        visits = Counter(pair for chapter in chapters if chapter.turn == turn for pair in chapter.pairs)
        assert set(visits) == set(pairs_of())


@FEW
@given(SEEDS)
def test_a_round_has_no_chapter_for_what_others_visit(seed: int) -> None:
    seen: set[tuple[Mode, Fault]] = set()
    for chapter in make_plan(seed, 600).chapters:
        if chapter.turn == 1:
            assert chapter.pairs - seen
            seen |= chapter.pairs


@FEW
@given(SEEDS)
def test_a_round_fits_twenty_five_minutes(seed: int) -> None:
    first = [chapter for chapter in make_plan(seed, 1200).chapters if chapter.turn == 1]
    assert sum(chapter.rest_s + CHAPTER_S for chapter in first) < 1500


@FEW
@given(SEEDS)
def test_a_chapter_can_be_played(seed: int) -> None:
    for number, chapter in enumerate(make_plan(seed, 300).chapters, 1):
        assert chapter.number == number
        least_s, most_s = FAULTS[chapter.fault]
        assert chapter.held_s <= most_s
        assert chapter.held_s >= least_s or (chapter.fault in LONELY and chapter.mode is not Mode.NORMAL)
        assert (chapter.by is None) == (chapter.mode is Mode.NORMAL and not chapter.through)
        assert chapter.faults >= {chapter.fault}
        assert all(caller != callee for caller, callee in chapter.burst)
        if chapter.across is not None:
            assert chapter.across.fault is not chapter.fault
            assert 0 <= chapter.across.after_s < chapter.held_s
            assert chapter.across.held_s > 0


@FEW
@given(SEEDS, st.floats(min_value=1, max_value=900))
def test_deeds_are_in_order_and_in_time(seed: int, length_s: float) -> None:
    deeds = make_plan(seed, length_s).deeds
    times = [deed.at_s for deed in deeds]
    assert times == sorted(times)
    assert all(0 < at < length_s + 0.01 for at in times)
    assert all(deed.caller != deed.callee for deed in deeds if deed.do in (Do.CALL, Do.CALL_BY_TCP))


@FEW
@given(SEEDS)
def test_who_goes_is_back_before_it_goes_again(seed: int) -> None:
    back_s = {ROAMER: 0.0, LEAVER: 0.0}
    for deed in make_plan(seed, 900).deeds:
        if deed.do in (Do.RESTART, Do.UNREGISTER, Do.UNPLUG):
            assert (deed.callee == LEAVER) == (deed.do is Do.UNPLUG)
            assert deed.at_s >= back_s[deed.callee]
            back_s[deed.callee] = deed.at_s + deed.hold_s


def test_who_is_called_for_what() -> None:
    deeds = make_plan(1, 3600).deeds
    assert {deed.do for deed in deeds} == set(Do)
    assert {deed.callee for deed in deeds if deed.do is Do.GIVE_UP} == {PATIENT}
    assert {deed.callee for deed in deeds if deed.do in EMERGENCIES} == {"112"}
    assert {deed.callee for deed in deeds if deed.do is Do.THIEF_REGISTERS} == {LEARNT}


@FEW
@given(SEEDS)
def test_codes_are_dialled_by_those_whom_they_are_for(seed: int) -> None:
    deeds = make_plan(seed, 120).deeds
    found = {do: [deed for deed in deeds if deed.do is do] for do in (Do.MEET, Do.PARK, Do.FETCH, Do.RING, Do.PICK_UP)}
    assert {deed.caller for deed in found[Do.MEET]} <= set(CODERS)
    slots = [deed.slot for deed in found[Do.PARK]]
    assert len(slots) == len(set(slots)), "nobody comes to a slot that is taken"
    parked = {deed.slot: deed.at_s for deed in found[Do.PARK]}
    assert all(deed.at_s > parked[deed.slot] for deed in found[Do.FETCH])
    assert len(found[Do.RING]) - len(found[Do.PICK_UP]) in (0, 1)
    assert {deed.caller for deed in found[Do.PICK_UP]} <= {MATE}


def test_a_prefix_has_fewer_chapters_and_the_same_deeds() -> None:
    plan = make_plan(5, 120)
    assert plan.prefix(2).chapters == plan.chapters[:2]
    assert plan.prefix(2).deeds == plan.deeds


@pytest.mark.parametrize("fault", [Fault.UNIT_KILLED, Fault.UNIT_STOPPED])
def test_the_edge_is_left_alone_beyond_its_lease_and_the_platform_dies_then(fault: Fault) -> None:
    for chapter in make_plan(3, 600).chapters:
        if chapter.fault is fault and chapter.mode is Mode.NORMAL:
            assert chapter.across is not None
            assert chapter.across.after_s > 10


def test_only_the_faults_that_are_asked_for() -> None:
    plan = make_plan(1, 120, [Fault.EDGE_KILLED, Fault.DISK_FULL])
    struck = {chapter.fault for chapter in plan.chapters}
    across = {chapter.across.fault for chapter in plan.chapters if chapter.across}
    assert struck | across == {Fault.EDGE_KILLED, Fault.DISK_FULL}


@FEW
@given(SEEDS)
def test_of_the_modems_one_thing_at_a_time_is_wrong(seed: int) -> None:
    spells = make_plan(seed, 300).spells
    assert [spell.at_s for spell in spells] == sorted(spell.at_s for spell in spells)
    assert all(spell.at_s >= WELL_S for spell in spells)
    for faults, _ in WAYS_OUT:
        row = [spell for spell in spells if spell.fault in faults]
        assert all(one.at_s + one.held_s < other.at_s for one, other in pairwise(row))


def test_all_that_can_be_wrong_with_the_ways_out_and_power_comes() -> None:
    """A halt comes of what is struck."""
    assert {spell.fault for spell in make_plan(1, 3600).spells} == set(Fault) - set(FAULTS) - {Fault.POWER_HALTED}
