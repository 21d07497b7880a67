"""The rules of the path by data, on histories made by hand: silent where all is well, each with breach and excuse."""

from __future__ import annotations

import pytest

from hil.bydata import DATA_BACK_S, FILES_MORE, FREED_S, HOME_S, MOVED_S, data_breaches
from hil.history import History
from hil.invariants import BACK_S, DETECT_S
from hil.stormplan import Fault

AT = 900.0
FAULTS = [Fault.PLATFORM_KILLED, Fault.EDGE_STOPPED, Fault.UNIT_KILLED, Fault.CLOCK_JUMP, Fault.CELL_GONE]


def day(mode: str = "NORMAL", path: str = "line", at: float = 2.0) -> History:
    history = History(began=0.0)
    history.mode_is(mode, at)
    history.path_is(path, at)
    return history


def rules(history: History, now: float) -> set[str]:
    return {breach.rule for breach in data_breaches(history, now)}


def test_the_path_is_data_when_the_line_alone_is_cut() -> None:
    history = day("SUSPECT")
    history.struck(Fault.LINE_CUT, AT)
    assert not rules(history, AT + MOVED_S - 1)
    assert rules(history, AT + MOVED_S + 1) == {"moved"}
    history.path_is("data", AT + 5)
    history.mode_is("RETURNING", AT + 5)
    assert not rules(history, AT + HOME_S - 1)
    assert rules(history, AT + HOME_S + 1) == {"moved"}
    history.mode_is("NORMAL", AT + HOME_S)
    assert not rules(history, AT + HOME_S + 1)


@pytest.mark.parametrize("fault", FAULTS)
def test_a_path_that_is_gone_or_a_unit_that_is_ill_need_not_move(fault: Fault) -> None:
    history = day("SUSPECT")
    history.struck(Fault.LINE_CUT, AT)
    history.struck(fault, AT + 1)
    assert "moved" not in rules(history, AT + MOVED_S + 1)
    history.mended(fault, AT + 2)
    assert "moved" not in rules(history, AT + MOVED_S + 1)
    assert rules(history, AT + DATA_BACK_S + BACK_S + MOVED_S + 3) == {"moved"}


def test_where_both_are_cut_the_unit_is_master() -> None:
    history = day("SUSPECT")
    history.struck(Fault.LINE_CUT, AT)
    history.struck(Fault.CELL_GONE, AT + 5)
    assert not rules(history, AT + 5 + DETECT_S - 1)
    assert rules(history, AT + 5 + DETECT_S + 1) == {"alone"}
    history.mode_is("SURVIVAL", AT + 20)
    assert not rules(history, AT + 100)


def test_a_line_that_is_well_is_the_path_again() -> None:
    history = day("NORMAL", "data", AT)
    history.struck(Fault.LINE_CUT, AT - 5)
    assert not rules(history, AT + 3 * BACK_S)
    history.mended(Fault.LINE_CUT, AT + 10)
    assert not rules(history, AT + 10 + BACK_S - 1)
    assert rules(history, AT + 10 + BACK_S + 1) == {"by_line"}


def test_a_call_that_is_over_holds_no_place() -> None:
    history = day()
    history.by_data = AT, FILES_MORE + 1
    assert rules(history, AT) == {"freed"}
    history.by_data = AT, 0
    assert not rules(history, AT)
    history.by_data = AT, FILES_MORE + 1
    history.struck(Fault.EDGE_KILLED, AT - 10)
    assert not rules(history, AT), "it died over them"
    history = day(path="data", at=2.0)
    history.path_is("line", AT - FREED_S + 1)
    history.by_data = AT, FILES_MORE + 1
    assert not rules(history, AT)
