"""A discharge that ends with its process, or with the machine, teaches what it can at the next start."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest

from drivers.ups.model import Mains, Part, Reading, Trouble
from firmware.config import Ups
from firmware.power.gauges import Gauges
from firmware.power.interrupted import look_of, samples_of
from firmware.power.minutes import Sample
from firmware.power.remembered import Found, recall
from firmware.power.sources import Believed, Seen
from firmware.store.batteries import LOOKS_KEPT, BatteryRows, Look

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
UPS = Ups(name="ups", kind="nut", capacity_wh=200)
HOUR_S = 3600


def fed(
    seconds: Sequence[int], gauges: Gauges | None = None, *, watts: float = 60.0, full_s: int = 3 * HOUR_S
) -> Gauges:
    """On mains until 0, then a battery that its percent calls empty at `full_s`."""
    gauges = gauges or Gauges([UPS], {})
    for at_s in seconds:
        gauges.feed(_believed(at_s, watts, full_s), at_s)
    return gauges


def _believed(at_s: int, watts: float, full_s: int) -> Believed:
    mains = Mains.ON if at_s < 0 else Mains.LOST
    reading = Reading(at_s, mains, watts=watts, charge_percent=100.0 - 100.0 * max(at_s, 0) / full_s)
    seen = Seen("ups", frozenset({Part.UNIT}), reading, 0.0, None)
    return Believed((seen,), {Part.UNIT: mains})


def kept(rows: BatteryRows, until_s: int, boot: str) -> Gauges:
    """A discharge of so long, its looks on the disk."""
    gauges = Gauges([UPS], {})
    for at_s in range(-10, until_s, 10):
        for samples in gauges.feed(_believed(at_s, 60.0, 3 * HOUR_S), at_s).looks.values():
            rows.look("ups", [look_of(sample, boot) for sample in samples])
    return gauges


@pytest.fixture
def rows(tmp_path: Path) -> BatteryRows:
    return BatteryRows.open(tmp_path / "journal.db")


def found(rows: BatteryRows, boot: str, *, halted: bool = False) -> Found:
    return recall(rows, [UPS], boot, NOW, halted=halted)


def test_a_battery_that_took_the_machine_with_it_has_taught_what_it_held(rows: BatteryRows) -> None:
    """Its percent said 30 when it was empty: 60 W in 2.1 hours."""
    kept(rows, int(2.1 * HOUR_S), "a")
    after = found(rows, "b")
    assert after.died == ("ups",)
    battery = Gauges([UPS], after.learnt).battery("ups")
    assert battery is not None
    assert battery.full_wh == pytest.approx(126, rel=0.02)
    assert [one.wh for one in rows.capacities("ups")] == [battery.full_wh]
    assert rows.looks("ups") == ()
    assert found(rows, "b") == after._replace(died=())


def test_a_cable_pulled_early_is_no_death(rows: BatteryRows) -> None:
    kept(rows, HOUR_S, "a")
    after = found(rows, "b")
    assert after.died == ()
    assert rows.looks("ups") == ()


def test_a_halt_is_no_death_and_teaches_by_what_was_left(rows: BatteryRows) -> None:
    kept(rows, int(2.1 * HOUR_S), "a")
    after = found(rows, "a", halted=True)
    assert (after.died, dict(after.under_way)) == ((), {})
    battery = Gauges([UPS], after.learnt).battery("ups")
    assert battery is not None
    assert battery.discharges == 1
    assert battery.full_wh is not None
    assert 180 < battery.full_wh < 200  # between its percent and its label


def test_a_process_that_ended_alone_is_followed_by_one_that_goes_on(rows: BatteryRows) -> None:
    before = kept(rows, HOUR_S, "a")
    after = found(rows, "a")
    assert len(rows.looks("ups")) == len(after.under_way["ups"]) == 61
    gauges = Gauges([UPS], after.learnt, after.under_way)
    fed(range(HOUR_S, 2 * HOUR_S, 10), gauges)
    seen = Seen("ups", frozenset({Part.UNIT}), Reading(0.0), 0.0, None)
    known, whole = gauges.left(seen).likely, fed(range(HOUR_S, 2 * HOUR_S, 10), before).left(seen).likely
    assert known == pytest.approx(whole, rel=0.02)


def test_of_one_whose_beginning_nobody_saw_nothing_is_learnt(rows: BatteryRows) -> None:
    rows.look(
        "ups", [look_of(Sample(at_s=60.0 * n, discharging=True, watts=60.0, percent=30.0), "a") for n in range(90)]
    )
    assert found(rows, "b") == Found({}, {}, ())
    assert rows.looks("ups") == ()


def test_what_is_kept_is_bounded_and_what_was_spoilt_is_left_out(rows: BatteryRows) -> None:
    rows.look("ups", [Look("a", float(n), "{}") for n in range(LOOKS_KEPT + 5)])
    rows.look("ups", [Look("a", 1e6, "{}")])
    assert len(rows.looks("ups")) == LOOKS_KEPT
    bad = (
        "{}",
        "[]",
        "x",
        '{"discharging": true, "watts": "x"}',
        '{"discharging": true, "heat": 1}',
        '{"discharging": 1e999, "watts": 1e999}',
    )
    assert samples_of(Look("a", 1.0, said) for said in bad) == []


def test_a_battery_that_tells_no_charge_and_was_just_used_is_not_taken_for_full() -> None:
    """Two discharges within an hour: the second one's beginning is not known."""
    gauges, over = Gauges([UPS], {}), []
    for at_s in range(0, 4 * HOUR_S, 10):
        mains = Mains.LOST if at_s % (2 * HOUR_S) > 600 else Mains.ON
        reading = Reading(at_s, mains, watts=60.0, volts=12.6 - (at_s % (2 * HOUR_S)) / HOUR_S * 0.3)
        seen = Seen("ups", frozenset({Part.UNIT}), reading, 0.0, None)
        over += list(gauges.feed(Believed((seen,), {Part.UNIT: mains}), at_s).over.values())
    reading = Reading(4 * HOUR_S, Mains.ON, watts=60.0)
    seen = Seen("ups", frozenset({Part.UNIT}), reading, 0.0, None)
    over += list(gauges.feed(Believed((seen,), {Part.UNIT: Mains.ON}), 4 * HOUR_S).over.values())
    assert [one is None for one in over] == [False, True]


def test_a_ups_that_empties_its_battery_by_its_own_order_teaches_too() -> None:
    """Whether there is mains meanwhile it does not say."""
    gauges, over = Gauges([UPS], {}), []
    for at_s in range(0, 3 * HOUR_S, 10):
        tests = 600 < at_s <= 600 + 2 * HOUR_S
        reading = Reading(
            at_s,
            Mains.UNKNOWN if tests else Mains.ON,
            charging=False if tests else None,
            watts=60.0,
            charge_percent=100.0 - 30 * (at_s - 600) / HOUR_S if tests else 100.0,
            trouble=Trouble.CALIBRATING if tests else None,
        )
        seen = Seen("ups", frozenset({Part.UNIT}), reading, 0.0, reading.trouble)
        over += list(gauges.feed(Believed((seen,), {Part.UNIT: reading.mains}), at_s).over.values())
    assert [one is not None and one.wh is not None for one in over] == [True]
