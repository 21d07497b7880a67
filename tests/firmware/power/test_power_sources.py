"""Who is believed of mains and battery."""

import math

import pytest

from drivers.ups.model import Mains, Part, Reading
from firmware.power.sources import Believed, Doubt, Sources, Spec

ALL = frozenset({Part.UNIT, Part.SWITCH})


def told(says: dict[str, list[Reading]], **more: object) -> Believed:
    """All of them, judged at the last reading's time."""
    sources = Sources(Spec(name, ALL, 15.0) for name in says)
    end_s = max(one.at_s for readings in says.values() for one in readings)
    for at_s in range(int(end_s) + 1):
        for name, readings in says.items():
            for one in readings:
                if one.at_s == at_s:
                    sources.take(name, one)
        found = sources.judge(at_s)
    return found


def steady(mains: Mains, seconds: int, **values: float) -> list[Reading]:
    return [Reading(float(at_s), mains, **values) for at_s in range(seconds)]  # type: ignore[arg-type]


def doubts(found: Believed) -> dict[str, tuple[str, ...]]:
    return {one.name: one.doubts for one in found.sources if one.doubts}


def test_nothing_told_is_not_known() -> None:
    found = Sources([Spec("ups", ALL, 15.0)]).judge(100.0)
    assert (found.of_unit, found.sure, doubts(found)) == (Mains.UNKNOWN, frozenset(), {"ups": (Doubt.ABSENT,)})


def test_two_of_three_outvote_the_third_and_name_it() -> None:
    found = told({"a": steady(Mains.LOST, 40), "b": steady(Mains.LOST, 40), "c": steady(Mains.ON, 40)})
    assert found.of_unit is Mains.LOST
    assert Part.UNIT in found.sure
    assert doubts(found) == {"c": (Doubt.OUTVOTED,)}


def test_who_is_only_slow_is_not_named() -> None:
    slow = [*steady(Mains.ON, 30), *(Reading(float(s), Mains.LOST) for s in range(30, 40))]
    found = told({"a": [Reading(float(s), Mains.ON if s < 22 else Mains.LOST) for s in range(40)], "b": slow})
    assert (found.of_unit, doubts(found)) == (Mains.LOST, {})


def test_two_that_differ_are_lost_but_not_surely() -> None:
    found = told({"a": steady(Mains.LOST, 40), "b": steady(Mains.ON, 40)})
    assert (found.of_unit, found.sure) == (Mains.LOST, frozenset())
    assert doubts(found) == {"a": (Doubt.DISPUTED,), "b": (Doubt.DISPUTED,)}


@pytest.mark.parametrize("says", [Mains.ON, Mains.LOST])
def test_a_battery_proves_a_line_wrong(says: Mains) -> None:
    """Drained while the line says ON; charged while it says LOST."""
    drained = says is Mains.ON
    gauge = [
        Reading(float(s), volts=3.9 - 0.001 * s if drained else 3.9 + 0.001 * s, amps=0.8 if drained else -0.5)
        for s in range(60)
    ]
    found = told({"line": steady(says, 60), "gauge": gauge})
    assert found.of_unit is (Mains.LOST if drained else Mains.ON)
    assert Part.UNIT in found.sure
    assert doubts(found) == {"line": (Doubt.AGAINST_BATTERY,)}


def test_a_source_that_says_on_while_its_own_battery_is_drained() -> None:
    ups = [Reading(float(s), Mains.ON, volts=12.5 - 0.004 * s, amps=4.0) for s in range(60)]
    assert told({"ups": ups}).of_unit is Mains.LOST


def test_a_battery_whose_volts_fall_is_not_charged_whatever_its_current_says() -> None:
    """A gauge that is connected the wrong way round proves no mains."""
    turned = [Reading(float(s), volts=3.9 - 0.001 * s, amps=-0.8) for s in range(60)]
    found = told({"line": steady(Mains.LOST, 60), "gauge": turned})
    assert (found.of_unit, doubts(found)) == (Mains.LOST, {})


def test_a_gauge_that_stands_still_while_it_is_drained() -> None:
    found = told({"ups": steady(Mains.LOST, 902, volts=3.8, charge_percent=88.0)})
    (seen,) = found.sources
    assert seen.doubts == (Doubt.STUCK,)
    assert seen.reading is not None
    assert (seen.reading.charge_percent, seen.reading.volts) == (None, None)
    rests = [*steady(Mains.ON, 902, volts=3.8, charge_percent=88.0), Reading(902.0, Mains.LOST, volts=3.8)]
    assert told({"ups": rests}).sources[0].doubts == ()


def test_a_charge_that_jumps_is_left_out_for_a_while() -> None:
    sources = Sources([Spec("hat", ALL, 15.0)])
    sources.take("hat", Reading(0.0, Mains.LOST, charge_percent=80.0))
    sources.take("hat", Reading(5.0, Mains.LOST, charge_percent=20.0))
    (seen,) = sources.judge(6.0).sources
    assert seen.doubts == (Doubt.JUMPS,)
    sources.take("hat", Reading(400.0, Mains.LOST, charge_percent=19.0))
    (seen,) = sources.judge(400.0).sources
    assert seen.reading is not None
    assert (seen.doubts, seen.reading.charge_percent) == ((), 19.0)


def test_half_full_with_empty_cells() -> None:
    found = told({"hat": steady(Mains.LOST, 5, volts=3.1, charge_percent=90.0)})
    assert found.sources[0].doubts == (Doubt.AGAINST_VOLTS,)


def test_what_is_old_is_not_known() -> None:
    sources = Sources([Spec("ups", ALL, 15.0)])
    sources.take("ups", Reading(0.0, Mains.ON, charge_percent=100.0))
    found = sources.judge(15.1)
    assert (found.of_unit, found.sources[0].reading, found.sources[0].doubts) == (Mains.UNKNOWN, None, (Doubt.OLD,))
    assert math.isclose(found.sources[0].age_s or 0.0, 15.1)


def test_a_switch_that_hangs_elsewhere_is_judged_for_itself() -> None:
    sources = Sources([Spec("a", frozenset({Part.UNIT}), 15.0), Spec("b", frozenset({Part.SWITCH}), 15.0)])
    sources.take("a", Reading(0.0, Mains.ON))
    sources.take("b", Reading(0.0, Mains.LOST))
    found = sources.judge(20.0 - 10.0)
    assert (found.mains[Part.UNIT], found.mains[Part.SWITCH]) == (Mains.ON, Mains.LOST)
    assert doubts(found) == {}


def test_what_looks_only_votes_for_the_unit_and_keeps_nothing() -> None:
    sources = Sources([Spec("line", frozenset(), 15.0)])
    sources.take("line", Reading(0.0, Mains.LOST))
    assert sources.judge(1.0).of_unit is Mains.LOST


def test_a_halt_that_is_ordered() -> None:
    assert told({"ups": [Reading(1.0, Mains.LOST, halt=True)]}).halt == "ups"
