"""Callers who dial again, by a crowd that only says what is told it."""

from __future__ import annotations

from typing import cast

from hil.insisting import AGAIN_AFTER_S, Insisting
from hil.phone.hearing import Heard, Hearing, Manner


class Crowd:
    def __init__(self) -> None:
        self.calls: list[Heard] = []
        self.hung_up: list[int] = []
        self.now = 0.0

    def dial(self, caller: str, callee: str, manner: Manner, label: str) -> int:
        self.calls.append(Heard(len(self.calls), caller, callee, "", self.now, label))
        return len(self.calls) - 1

    def hang_up(self, number: int) -> None:
        self.hung_up.append(number)


def insisting(crowd: Crowd, *, stays: bool) -> Insisting:
    made = Insisting(cast(Hearing, crowd))
    made.dial("1001", "*55*7", Manner(), "", 0.0, 5.0, stays=stays)
    return made


def at(crowd: Crowd, made: Insisting, now: float) -> int:
    """How many calls there were by then."""
    crowd.now = now
    made.poll(now)
    return len(crowd.calls)


def test_who_is_refused_or_falls_out_dials_again_until_the_time_is_over() -> None:
    crowd = Crowd()
    made = insisting(crowd, stays=True)
    crowd.calls[0].over_at = 0.5
    assert at(crowd, made, 1.0) == 1
    assert at(crowd, made, 0.5 + AGAIN_AFTER_S) == 2
    crowd.calls[1].up_at = 1.6
    assert at(crowd, made, 3.0) == 2
    crowd.calls[1].over_at = 3.0
    assert at(crowd, made, 3.0 + AGAIN_AFTER_S) == 3
    crowd.calls[2].up_at = 4.1
    assert at(crowd, made, 5.0) == 3
    assert crowd.hung_up == [2]
    crowd.calls[2].over_at = 5.1
    assert at(crowd, made, 9.0) == 3


def test_who_has_got_what_was_wanted_does_not_dial_again() -> None:
    crowd = Crowd()
    made = insisting(crowd, stays=False)
    crowd.calls[0].up_at, crowd.calls[0].over_at = 0.2, 0.5
    assert at(crowd, made, 2.0) == 1
    assert not crowd.hung_up


def test_where_nobody_lifts_it_is_given_up() -> None:
    crowd = Crowd()
    made = insisting(crowd, stays=False)
    assert at(crowd, made, 4.0) == 1
    assert at(crowd, made, 5.0) == 1
    assert crowd.hung_up == [0]
    assert at(crowd, made, 9.0) == 1
