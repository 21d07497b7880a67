"""What must hold of power in a storm, and what excuses it."""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path

import pytest

from firmware import unit
from hil.history import History
from hil.outsideseen import NetworkCall
from hil.powered.actor import _TOLD
from hil.powered.seen import Deed, Look, Span
from hil.powered.stormy import powered_breaches
from hil.stormplan import POWER_ENDS, POWER_FAULTS, Fault, make_plan

NOW = 300.0


def _history(state: str = "mains", looked_at: float = NOW - 1) -> History:
    history = History(began=0.0)
    history.power.did(10, Deed.BEGAN)
    history.power.lost.append(Span(100, 120))
    history.power.looks.append(Look(looked_at, {"unit": None}, state))
    return history


def _rules(history: History) -> set[str]:
    return {found.rule for found in powered_breaches(history, NOW)}


def test_a_unit_runs_again() -> None:
    assert _rules(_history()) == set()
    assert "runs_again" in _rules(_history(looked_at=130.0))
    assert "runs_again" in _rules(_history(state="battery"))


@pytest.mark.parametrize("fault", [Fault.UNIT_STOPPED, Fault.JOURNAL_LOCKED, Fault.EDGE_KILLED])
def test_what_it_suffers_excuses_it(fault: Fault) -> None:
    history = _history(looked_at=130.0)
    history.struck(fault, NOW - 40)
    assert "runs_again" not in _rules(history)


def test_that_it_halted_does_not() -> None:
    history = _history(looked_at=130.0)
    history.struck(Fault.POWER_HALTED, 110.0)
    assert "runs_again" in _rules(history)


@pytest.mark.parametrize(("calls", "broken"), [(1, False), (0, True), (None, True)])
def test_who_is_outside_is_told(calls: int | None, broken: bool) -> None:
    history = _history()
    history.power.told.append((200.0, calls))
    history.outside.calls[1] = NetworkCall("m1", "+46701110001", 150.0, False, up_at=160.0)
    history.outside.calls[2] = NetworkCall("m2", "+46701110002", 198.0, False, up_at=199.0)
    assert ("told_all" in _rules(history)) is broken
    history.struck(Fault.TRUNK_KILLED, 190.0)
    assert "told_all" not in _rules(history)


def test_storms_come_upon_power() -> None:
    spells = [spell.fault for seed in range(1, 30) for spell in make_plan(seed, 240.0).spells]
    assert {*POWER_FAULTS, *POWER_ENDS} <= set(spells)


@pytest.mark.parametrize(("answers", "calls"), [(True, [b"3"]), (False, [None])])
def test_what_the_unit_logs_of_its_last_words_is_read(
    answers: bool, calls: list[bytes | None], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Of calls by modem alone."""

    async def tell(place: Path) -> int:
        if not answers:
            raise ConnectionRefusedError
        return 3 if place.stem == "trunk" else 1

    monkeypatch.setattr(unit, "tell_power_ends", tell)

    async def speak() -> None:
        for place in (Path("trunk.sock"), Path("calls.sock")):
            await unit._tell_by(place)

    with caplog.at_level(logging.INFO, logger="rvx"):
        asyncio.run(speak())
    found = [_TOLD.search(record.getMessage().encode()) for record in caplog.records]
    assert [told[1] for told in found if told is not None] == calls
