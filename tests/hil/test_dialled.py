"""The rules for codes, on histories made by hand: silent where all is well, and each with its excuse."""

from __future__ import annotations

from dataclasses import replace

import pytest

from hil.dialled import RINGS_S, dialled_breaches
from hil.history import History
from hil.phone.hearing import Heard
from hil.stormdeeds import MATE, MEETING, PARKED, PICK_UP, RINGER, Do
from hil.stormplan import Fault

AT, NOW = 900.0, 1000.0
MET = Heard(1, "1033", MEETING, "a", AT, Do.MEET, 200, AT + 0.1, AT + 8)
UNMET = replace(MET, code=486, up_at=None, over_at=AT + 0.1)
WAITS = Heard(2, PARKED, "*70*3", "b", AT - 5, "", 200, AT - 4, AT + 10)
FETCHES = Heard(3, "1034", "%2370*3%23", "c", AT, Do.FETCH, 404, None, AT + 1)
RINGS = Heard(4, RINGER, "1021", "d", AT - 5, over_at=AT + 10)
PICKS = Heard(5, MATE, PICK_UP, "e", AT, Do.PICK_UP, 404, None, AT + 1)


def rules(*calls: Heard, mode: str = "SURVIVAL", fault: Fault | None = None) -> set[str]:
    history = History(began=0.0)
    history.mode_is(mode, 2.0)
    history.heard_calls = list(calls)
    if fault is not None:
        history.struck(fault, AT - 4)
    return {breach.rule for breach in dialled_breaches(history, NOW)}


def in_a_row(one: Heard, count: int) -> tuple[Heard, ...]:
    times = [AT + 2 * at for at in range(count)]
    return tuple(replace(one, call_id=str(at), began_at=at, over_at=at) for at in times)


@pytest.mark.parametrize(
    "calls",
    [
        (MET,),
        in_a_row(UNMET, 3),
        (*in_a_row(UNMET, 3), replace(MET, began_at=AT + 7), replace(UNMET, began_at=AT + 9, over_at=AT + 9)),
        (WAITS, replace(FETCHES, code=200, up_at=AT + 1, over_at=AT + 5)),
        (WAITS, replace(FETCHES, peer="%2370*4%23")),  # nobody waits there
        (replace(WAITS, up_at=None), FETCHES),
        (replace(WAITS, over_at=AT + 1.1), FETCHES),  # gone meanwhile
        (replace(WAITS, up_at=AT - 0.1), FETCHES),
        (RINGS, replace(PICKS, code=200, up_at=AT + 1, over_at=AT + 5)),
        (replace(RINGS, over_at=AT + 1.1), PICKS),
        (PICKS,),
        (replace(RINGS, began_at=NOW - RINGS_S + 1, over_at=None),),
    ],
)
def test_all_is_well(calls: tuple[Heard, ...]) -> None:
    assert rules(*calls) == set()


@pytest.mark.parametrize(
    ("rule", "calls"),
    [
        ("met", in_a_row(UNMET, 4)),
        ("fetched", (WAITS, FETCHES)),
        ("picked", (RINGS, PICKS)),
        ("picked", (replace(RINGS, began_at=NOW - RINGS_S - 1, over_at=None),)),
    ],
)
def test_a_breach_and_what_excuses_it(rule: str, calls: tuple[Heard, ...]) -> None:
    assert rules(*calls) == {rule}
    for fault in (Fault.EDGE_KILLED, Fault.CALLS_CRASHED):
        assert rules(*calls, fault=fault) == set()


@pytest.mark.parametrize("calls", [in_a_row(UNMET, 4), (WAITS, FETCHES), (RINGS, PICKS)])
def test_the_platform_knows_nothing_of_it(calls: tuple[Heard, ...]) -> None:
    assert rules(*calls, mode="NORMAL") == set()


def test_a_group_that_was_loaded_anew_may_not_be_known_for_a_while() -> None:
    assert rules(RINGS, PICKS, fault=Fault.DIRECTORY_LOADED) == set()
    assert rules(WAITS, FETCHES, fault=Fault.DIRECTORY_LOADED) == {"fetched"}
