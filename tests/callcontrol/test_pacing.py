"""How fast registrations go back: random start, cap, the platform's word."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callcontrol.pacing import WAIT_MAX_S, Pace, PaceSettings, retry_after_s

SETTINGS = PaceSettings(registrations_per_s=3, spread_s=30)
NOW_S = 1000.25


def pace(chance: float = 0.5, settings: PaceSettings = SETTINGS) -> Pace:
    return Pace(settings, lambda: chance)


def test_cap_is_per_second() -> None:
    one = pace()
    assert [one.admit(NOW_S) for _ in range(5)] == [True] * 3 + [False] * 2
    assert not one.admit(NOW_S + 0.5)
    assert one.admit(NOW_S + 1)


@pytest.mark.parametrize(("chance", "wait_s"), [(0.0, 0.0), (0.5, 15.0), (0.999, 29.97)])
def test_a_return_begins_at_a_moment_of_its_own(chance: float, wait_s: float) -> None:
    one = pace(chance)
    one.returned(NOW_S)
    assert one.wait_left_s(NOW_S) == pytest.approx(wait_s)
    assert one.admit(NOW_S + 30)


@pytest.mark.parametrize(
    ("named_s", "chance", "wait_s"),
    [(10, 0.0, 10), (10, 0.5, 15), (10, 0.999, 19.99), (0, 0.5, 0), (None, 0.5, 0), (10**9, 0.5, WAIT_MAX_S)],
)
def test_a_refusal_is_obeyed_by_the_whole_unit(named_s: int | None, chance: float, wait_s: float) -> None:
    one = pace(chance)
    one.refused(NOW_S, named_s)
    assert one.wait_left_s(NOW_S) == pytest.approx(wait_s)
    assert one.admit(NOW_S) is (wait_s == 0)


def test_a_second_refusal_within_the_wait_does_not_lengthen_it() -> None:
    one = pace(0.9)
    one.refused(NOW_S, 10)
    one.refused(NOW_S + 1, 10)
    assert one.wait_left_s(NOW_S) == pytest.approx(19)


def test_a_shorter_wait_does_not_end_a_longer_one() -> None:
    one = pace()
    one.wait(NOW_S, 100)
    one.wait(NOW_S, 1)
    assert one.wait_left_s(NOW_S) == 100


def test_a_clock_that_jumps_back_holds_nothing_for_long() -> None:
    one = pace()
    one.wait(NOW_S, 100)
    assert one.wait_left_s(NOW_S - 10**6) == WAIT_MAX_S


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        # RFC 3261 §20.33
        ("18000;duration=3600", 18000),
        ("120 (I'm in a meeting)", 120),
        ("5", 5),
        ("  7\t", 7),
        ("0", 0),
        (None, None),
        ("", None),
        ("soon", None),
        ("-5", None),
        ("5 minutes", None),
        ("9" * 10, None),
        ("٣", None),
    ],
)
def test_reading_retry_after(header: str | None, seconds: int | None) -> None:
    assert retry_after_s(header) == seconds


@given(
    seed=st.integers(),
    steps=st.lists(st.tuples(st.floats(0, 50), st.integers(0, 3), st.integers(0, 10**6)), max_size=60),
)
def test_whatever_comes_the_cap_and_the_bound_hold(seed: int, steps: list[tuple[float, int, int]]) -> None:
    one, now_s, admitted = Pace(SETTINGS, random.Random(seed).random), 0.0, [0, 0]
    for after_s, what, number in steps:
        now_s += after_s
        if what == 0:
            one.returned(now_s)
        elif what == 1:
            one.refused(now_s, number)
        elif what == 2:
            one.wait(now_s, number)
        elif one.admit(now_s):
            assert one.wait_left_s(now_s) == 0
            admitted = [int(now_s), admitted[1] + 1] if admitted[0] == int(now_s) else [int(now_s), 1]
            assert admitted[1] <= SETTINGS.registrations_per_s
        assert 0 <= one.wait_left_s(now_s) <= WAIT_MAX_S
