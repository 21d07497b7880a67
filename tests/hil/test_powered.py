"""Evenings of power in virtual time, and the rules that judge them."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pytest

from firmware.power.shedding import Role
from hil.powered.evening import play
from hil.powered.plan import Moment, evening
from hil.powered.rules import POWER_RULES, power_breaches
from hil.powered.seen import Deed, Look, PowerSeen, Span

FULL = {"unit": None, "switch": None}
LEFT = {"unit": 60.0, "switch": 60.0}
FEW = {"unit": 3.0, "switch": 60.0}
LOADS = {"screens": ("switch", Role.REST), "emergency": ("switch", Role.EMERGENCY)}


def _look(at: float, state: str = "mains", left: Mapping[str, float | None] | None = None, **more: object) -> Look:
    return Look(at, FULL if left is None else left, state, **more)  # type: ignore[arg-type]


def _seen(*acts: tuple[float, Deed], looks: tuple[Look, ...] = (), lost: tuple[Span, ...] = ()) -> PowerSeen:
    seen = PowerSeen(3, loads=LOADS, looks=list(looks), lost=list(lost))
    for at, deed in acts:
        seen.did(at, deed)
    return seen


LAST = ((1200.0, Deed.HALTING), (1201.0, Deed.TOLD), (1210.0, Deed.FLUSHED), (1211.0, Deed.HALTS))
OUTAGE = (Span(100.0),)
BROKEN: dict[str, PowerSeen] = {
    "confirmed": _seen(*LAST, looks=(_look(1199, "battery", LEFT),)),
    "last_words": _seen(LAST[0], LAST[2], LAST[3], lost=OUTAGE, looks=(_look(1199, "low", FEW),)),
    "in_time": _seen((0, Deed.BEGAN), (1300, Deed.CUT), lost=OUTAGE, looks=(_look(110, "battery", LEFT),)),
    "returns": _seen(lost=(Span(100, 200),), looks=(_look(200, "halting", stage="commanded"),)),
    "known": _seen(lost=OUTAGE, looks=(_look(150, "mains", LEFT),)),
    "promised": _seen(lost=OUTAGE, looks=(_look(400, "battery", FEW, promised=20.0),)),
    "shed_last": _seen(
        lost=OUTAGE,
        looks=(_look(200, "battery", LEFT), _look(205, "battery", LEFT, shed=frozenset({"emergency"}))),
    ),
    "shed_rightly": _seen(looks=(_look(200), _look(205, shed=frozenset({"screens"})))),
    "kept": PowerSeen(3, loads=LOADS),
}
BROKEN["kept"].did(100, Deed.CUT, {"screens"})
BROKEN["kept"].did(160, Deed.BEGAN)


def test_every_rule_has_its_breach() -> None:
    assert set(BROKEN) == set(POWER_RULES)


@pytest.mark.parametrize("rule", list(POWER_RULES))
def test_a_rule_sees_what_it_is_for(rule: str) -> None:
    seen = BROKEN[rule]
    now = max((look.at for look in seen.looks), default=200.0) + 1500.0
    assert [found.rule for found in POWER_RULES[rule](seen, now)][:1] == [rule]


def test_a_good_end_breaks_nothing() -> None:
    looks = (_look(110, "battery", LEFT), *(_look(at, "battery", LEFT) for at in (500, 1000)), _look(1199, "low", FEW))
    seen = _seen((0, Deed.BEGAN), *LAST, (1220, Deed.DOWN), lost=(Span(100, 1500),), looks=looks)
    seen.did(1600, Deed.BEGAN)
    seen.looks.append(_look(1640))
    assert power_breaches(seen, 1650) == []


def _ends(seen: PowerSeen) -> bool:
    return any(seen.of(Deed.HALTS)) and any(seen.of(Deed.DOWN))


def _again_and_again(seen: PowerSeen) -> bool:
    """One outage after the other, of a battery that was never full."""
    return len(seen.lost) > len(evening(78).outages)


@pytest.mark.parametrize(("seed", "came_to"), [(2, _ends), (78, _again_and_again)])
def test_an_evening(seed: int, came_to: Callable[[PowerSeen], bool]) -> None:
    seen, broken = play(seed)
    assert seen.looks
    assert broken == []
    assert came_to(seen)


def test_evenings_come_upon_all() -> None:
    found = [evening(seed) for seed in range(1, 60)]
    assert {outage.moment for one in found for outage in one.outages} == {None, *Moment}
    assert {lie.who for one in found for lie in one.lies} == {"ups", "line", "mcu", "gauge", "current"}
    assert evening(7) == evening(7)


@pytest.mark.long
@pytest.mark.timeout(600)
def test_hundreds_of_evenings() -> None:
    broken = {seed: found for seed in range(1, 200) if (found := play(seed)[1])}
    assert broken == {}
