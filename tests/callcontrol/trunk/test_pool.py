"""Which modem a call gets, and what makes way for it."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callcontrol.trunk.pool import Carried, Choice, Full, Line, Preempt, Priority, Service, Take, Use, choose, kept

REST = Carried(Priority.REST, up=True, since=10.0)
LATER = Carried(Priority.REST, up=True, since=20.0)
RINGS = Carried(Priority.REST, up=False, since=5.0)
RECEPTION = Carried(Priority.RECEPTION, up=True, since=10.0)
SOS = Carried(Priority.EMERGENCY, up=True, since=10.0)
A, B = Line(name="a", order=1), Line(name="b", order=2)


def busy(line: Line, carried: Carried) -> Line:
    return replace(line, carries=carried)


@pytest.mark.parametrize(
    ("lines", "choice"),
    [
        ([], Full.NO_MODEM),
        ([A], Take("a")),
        # The one that is kept is for this.
        ([A, B], Take("b")),
        ([busy(A, REST), B], Take("b")),
        # The lesser makes way: the least important, one that still rings, the latest.
        ([busy(A, REST)], Preempt("a")),
        ([busy(A, RECEPTION), busy(B, REST)], Preempt("b")),
        ([busy(A, REST), busy(B, LATER)], Preempt("b")),
        ([busy(A, REST), busy(B, RINGS)], Preempt("b")),
        # Another call to 112 never does.
        ([busy(A, SOS)], Full.BUSY),
        ([busy(A, SOS), busy(B, RECEPTION)], Preempt("b")),
        # Who can call with a lesser call on it is better than one of which nothing good is known.
        ([busy(A, REST), replace(B, service=Service.UNKNOWN)], Preempt("a")),
        ([busy(A, SOS), replace(B, service=Service.NONE)], Take("b")),
        ([replace(A, service=Service.EMERGENCY_ONLY), busy(B, REST)], Take("a")),
        ([replace(A, service=Service.AWAY)], Full.NO_MODEM),
        ([replace(A, use=Use.NEVER)], Full.NO_MODEM),
        # Minutes are not asked for.
        ([replace(A, left_s=0.0, day_s=600.0)], Take("a")),
    ],
)
def test_112(lines: list[Line], choice: Choice) -> None:
    assert choose(lines, Priority.EMERGENCY) == choice


@pytest.mark.parametrize(
    ("lines", "priority", "choice"),
    [
        ([A], Priority.REST, Take("a")),
        ([A, B], Priority.REST, Take("a")),
        # The last one that can call is kept, also from those on call.
        ([busy(A, REST), B], Priority.ON_CALL, Full.BUSY),
        ([busy(A, REST), B, Line(name="c", order=3)], Priority.REST, Take("b")),
        # Nobody but 112 has anybody cut.
        ([busy(A, REST)], Priority.ON_CALL, Full.BUSY),
        # One that cannot call is none to keep.
        ([A, replace(B, service=Service.NONE)], Priority.REST, Take("a")),
        ([replace(A, service=Service.EMERGENCY_ONLY)], Priority.REST, Full.NO_MODEM),
        ([replace(A, service=Service.UNKNOWN)], Priority.REST, Full.NO_MODEM),
        # One that is for nothing else leaves the others free.
        ([A, replace(B, use=Use.ONLY)], Priority.REST, Take("a")),
        ([replace(A, use=Use.ONLY)], Priority.REST, Full.NO_MODEM),
        ([A, replace(B, use=Use.NEVER)], Priority.REST, Take("b")),
        # The last quarter of a day's minutes is for those on call and the reception.
        ([replace(A, left_s=150.0, day_s=600.0)], Priority.REST, Full.MINUTES),
        ([replace(A, left_s=151.0, day_s=600.0)], Priority.REST, Take("a")),
        ([replace(A, left_s=150.0, day_s=600.0)], Priority.RECEPTION, Take("a")),
        ([replace(A, left_s=0.0, day_s=600.0)], Priority.ON_CALL, Full.MINUTES),
    ],
)
def test_others(lines: list[Line], priority: Priority, choice: Choice) -> None:
    assert choose(lines, priority) == choice


def test_where_none_is_kept_all_are_used() -> None:
    assert choose([busy(A, REST), B], Priority.REST, keep_one=False) == Take("b")
    assert kept([A, B], keep_one=False) == frozenset()


def test_each_modem_is_tried_once() -> None:
    assert choose([A, B], Priority.EMERGENCY, tried={"b"}) == Take("a")
    assert choose([A, B], Priority.EMERGENCY, tried={"a", "b"}) is Full.NO_MODEM


carried = st.none() | st.builds(Carried, st.sampled_from(Priority), st.booleans(), st.floats(0, 1e6))
made = st.builds(
    Line,
    name=st.just(""),
    order=st.integers(1, 9),
    use=st.sampled_from(Use),
    service=st.sampled_from(Service),
    carries=carried,
    left_s=st.none() | st.floats(-10, 600),
    day_s=st.just(600.0),
)
pools = st.lists(made, max_size=5).map(lambda lines: [replace(line, name=str(n)) for n, line in enumerate(lines)])


@given(pools)
def test_112_finds_a_modem_wherever_there_is_one_without_112(lines: list[Line]) -> None:
    choice = choose(lines, Priority.EMERGENCY)
    could = [
        line
        for line in lines
        if line.use is not Use.NEVER
        and line.service is not Service.AWAY
        and (line.carries is None or line.carries.priority is not Priority.EMERGENCY)
    ]
    assert isinstance(choice, Take | Preempt) == bool(could)
    if not isinstance(choice, Full):
        (line,) = [line for line in lines if line.name == choice.line]
        assert line in could
        assert line.free == isinstance(choice, Take)


@given(pools, st.sampled_from([Priority.ON_CALL, Priority.RECEPTION, Priority.REST]))
def test_nobody_else_cuts_a_call_or_takes_what_is_kept(lines: list[Line], priority: Priority) -> None:
    choice = choose(lines, priority)
    assert not isinstance(choice, Preempt)
    if isinstance(choice, Take):
        assert choice.line not in kept(lines)
        (line,) = [line for line in lines if line.name == choice.line]
        assert line.free
