"""Gauges on I2C: byte order, what a brown-out takes, nonsense, signs; words of any kind are bounded."""

import asyncio
import dataclasses
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.ups.i2c import Words, open_bus, read_word
from drivers.ups.ina219 import CALIBRATION, Ina219, Ina219Settings
from drivers.ups.jumps import AGREEING, Steady
from drivers.ups.max1704x import CHIPS, Max1704x, Max1704xSettings
from drivers.ups.model import Reading, Trouble
from hil.powerbench import Heard, i2c_bench
from hil.sim.power.bus import BusFault, FakeBus, Ina219Chip, Max1704xChip
from hil.sim.power.cell import Battery, Chemistry
from hil.sim.power.supply import Supply

GAUGE, MONITOR = 0x36, 0x42
PATIENCE_S = 20.0


def supply(watts: float = 6.0) -> Supply:
    made = Supply(Battery(5.0, 1, Chemistry.LITHIUM, charge=0.7), watts=watts)
    made.advance(5.0)
    return made


def test_the_dump_of_a_real_board_is_read_as_its_owner_read_it() -> None:
    """i2cdump of a UPS-Lite (davidem): 02: b5 20, 04: 23 0f."""
    reading = Max1704x(Max1704xSettings("hat", "max17040")).judge((0xB520, 0x230F), 1.0)
    assert reading.volts == pytest.approx(3.6225)
    assert reading.charge_percent == pytest.approx(35.06, abs=0.01)


def test_words_come_low_byte_first_and_are_turned() -> None:
    bus = FakeBus({GAUGE: Max1704xChip(supply())})
    word = read_word(bus, GAUGE, 0x02)
    assert bus.history == [("read", GAUGE, 0x02, word)]
    assert bus.read_word_data(GAUGE, 0x02) == (word & 0xFF) << 8 | word >> 8


@pytest.mark.parametrize(("chip", "cells"), [("max17043", 1), ("max17048", 1)])
def test_a_gauge_tells_the_cell_it_is_on(chip: str, cells: int) -> None:
    fed = supply()
    gauge = Max1704x(Max1704xSettings("hat", chip))
    reading = gauge.judge(gauge.look(FakeBus({GAUGE: Max1704xChip(fed, chip == "max17048")})), 1.0)
    assert reading.volts == pytest.approx(fed.volts, abs=0.002)
    assert reading.charge_percent == pytest.approx(100 * fed.battery.charge, abs=0.1)
    assert reading.charging is (True if CHIPS[chip].has_rate else None)


@pytest.mark.parametrize(
    ("words", "volts", "percent"),
    [
        ((0xFFFF, 0xFFFF), None, None),
        ((0x0000, 0x0000), None, None),
        ((0xB520, 0x6700), 3.6225, 100.0),
        ((0xB520, 0xFF00), 3.6225, None),
        ((0x1000, 0x3200), None, 50.0),
    ],
)
def test_nonsense_of_a_gauge_is_not_known(words: Words, volts: float | None, percent: float | None) -> None:
    reading = Max1704x(Max1704xSettings("hat")).judge(words, 1.0)
    assert reading.volts == (None if volts is None else pytest.approx(volts))
    assert reading.charge_percent == percent
    assert (reading.trouble is Trouble.NONSENSE) == (volts is None or percent is None)


def test_a_jump_is_believed_when_it_has_stayed() -> None:
    steady = Steady(8.0)
    assert [steady.take(value) for value in (50.0, 51.0, 90.0, 51.0, 20.0)] == [50.0, 51.0, None, 51.0, None]
    assert [steady.take(20.0) for _ in range(AGREEING)] == [None, 20.0, 20.0]


@pytest.mark.parametrize("out_is_positive", [True, False])
@pytest.mark.parametrize("on_battery", [True, False])
def test_a_monitor_tells_which_way_the_current_flows(out_is_positive: bool, on_battery: bool) -> None:
    fed = supply()
    if on_battery:
        fed.set_mains(0.0)
    fed.advance(5.0)
    monitor = Ina219(Ina219Settings("hat", MONITOR, cells=1, positive_is_out=out_is_positive))
    bus = FakeBus({MONITOR: Ina219Chip(fed, 0.1, out_is_positive)})
    first, second = (monitor.judge(monitor.look(bus), at_s) for at_s in (1.0, 2.0))
    assert (first.amps, first.trouble) == (None, Trouble.WAITING)
    assert second.amps == pytest.approx(fed.amps, rel=0.02)
    assert second.charging is not on_battery
    assert (second.watts is not None) == on_battery


def test_a_brown_out_takes_the_calibration_and_it_is_written_again() -> None:
    fed = supply()
    fed.set_mains(0.0)
    fed.advance(5.0)
    chip = Ina219Chip(fed)
    monitor, bus = Ina219(Ina219Settings("hat", MONITOR, cells=1)), FakeBus({MONITOR: chip})

    def look() -> Reading:
        return monitor.judge(monitor.look(bus), 1.0)

    look()
    assert look().amps is not None
    chip.brown_out()
    assert look().amps is None
    assert chip.written[CALIBRATION] != 0
    assert look().amps == pytest.approx(fed.amps, rel=0.02)
    assert monitor.resets == 1


def test_a_current_that_its_shunt_does_not_bear_out_is_not_believed() -> None:
    monitor = Ina219(Ina219Settings("hat", MONITOR, cells=1))
    bus_word = round(3.8 / 4e-3) << 3
    assert monitor.judge((10_000, bus_word, 0, 1), 1.0).trouble is Trouble.NONSENSE
    assert monitor.judge((0xFFFF, bus_word, 0xFFFF, 1), 1.0) == Reading(1.0, trouble=Trouble.NONSENSE)
    assert monitor.judge((10_000, bus_word | 1, 10_240, 1), 1.0).amps is None


WORD = st.integers(0, 0xFFFF)


@given(st.lists(st.tuples(WORD, WORD, WORD, st.integers(0, 1)), max_size=20), st.sampled_from(sorted(CHIPS)))
def test_whatever_is_on_the_bus_is_bounded(all_words: list[Words], chip: str) -> None:
    gauge, monitor = Max1704x(Max1704xSettings("hat", chip)), Ina219(Ina219Settings("hat", MONITOR))
    for words in all_words:
        for reading in (gauge.judge(words[:3], 1.0), monitor.judge(words, 1.0)):
            numbers = [value for value in dataclasses.astuple(reading) if isinstance(value, float)]
            assert all(math.isfinite(number) for number in numbers)
            assert reading.charge_percent is None or 0 <= reading.charge_percent <= 100
            assert reading.volts is None or 2 < reading.volts < 10


async def test_a_bus_that_hangs_is_given_up_and_asked_by_one_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("drivers.ups.i2c.ANSWER_S", 0.05)
    monkeypatch.setattr("drivers.ups.i2c.FIRST_RETRY_S", 0.02)
    bench = await i2c_bench("max17043")
    assert bench.bus is not None
    bench.bus.hang_s = 0.3
    bench.bus.fault = BusFault.HANGS
    heard = Heard()
    loop = asyncio.get_running_loop()
    task = asyncio.create_task(bench.source.run(heard.told))
    async with asyncio.timeout(PATIENCE_S):
        await heard.first(lambda reading: reading.trouble is Trouble.SILENT)
        before_s = loop.time()
        await asyncio.sleep(0)
        assert loop.time() - before_s < 0.25
        bench.heal()
        await heard.first(lambda reading: reading.volts is not None)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_without_a_bus_the_gauge_is_not_reachable() -> None:
    with pytest.raises(OSError, match="i2c-31"):
        open_bus(31)
