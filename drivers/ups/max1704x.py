"""Fuel gauges MAX17040 to 17044, 17048 and 17049 on I2C (Maxim 19-5210, 19-6171): volts of the cell, and its charge by
ModelGauge. They know nothing of mains, and before the 17048 nothing of which way the current flows.

The charge is what the chip's model makes of the voltage: it is right at rest, some 10 % off under a load, and learns
nothing of the cell's age."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from drivers.ups.i2c import Bus, I2cSource, Words, open_bus, read_word
from drivers.ups.jumps import Steady
from drivers.ups.model import Reading, Trouble, bounded

__all__ = ["ADDRESS", "CHIPS", "Chip", "Max1704x", "Max1704xSettings", "max1704x"]

ADDRESS = 0x36
VCELL, SOC, CRATE = 0x02, 0x04, 0x16
ABSENT_WORDS = (0x0000, 0xFFFF)
"""Of VCELL: a chip without its cell, and a bus that nothing pulls down."""
CELL_VOLTS = 2.3, 4.6
"""What a cell of lithium has, however treated; under 2.5 V the chip itself stops."""
CHARGE_PERCENT_MAX = 115.0
"""Gauges tell somewhat more than 100 of a cell that is fuller than their model's."""
JUMP_VOLTS, JUMP_PERCENT = 0.5, 8.0
"""Between looks a second apart, a cell."""
RATE_PERCENT_H = 0.208
"""Of CRATE, signed; into the cell is positive."""
SURE_RATE_PERCENT_H = 1.0


@dataclass(frozen=True, slots=True)
class Chip:
    """`volts`: of the lowest bit of VCELL. `cells`: whose sum it measures. `has_rate`: CRATE."""

    volts: float
    cells: int
    has_rate: bool = False


CHIPS = {
    "max17040": Chip(1.25e-3 / 16, 1),
    "max17041": Chip(2.5e-3 / 16, 2),
    "max17043": Chip(1.25e-3 / 16, 1),
    "max17044": Chip(2.5e-3 / 16, 2),
    "max17048": Chip(78.125e-6, 1, has_rate=True),
    "max17049": Chip(156.25e-6, 2, has_rate=True),
}
"""The older ones have twelve bits, in the upper ones of the word."""


@dataclass(frozen=True, slots=True)
class Max1704xSettings:
    """`chip`: of CHIPS. `bus`: ``/dev/i2c-BUS``."""

    name: str
    chip: str = "max17043"
    bus: int = 1
    address: int = ADDRESS


class Max1704x:
    """A Gauge."""

    def __init__(self, settings: Max1704xSettings) -> None:
        self._chip = CHIPS[settings.chip]
        self._address = settings.address
        self._volts = Steady(JUMP_VOLTS * self._chip.cells)
        self._percent = Steady(JUMP_PERCENT)

    def look(self, bus: Bus) -> Words:
        registers = (VCELL, SOC, CRATE) if self._chip.has_rate else (VCELL, SOC)
        return tuple(read_word(bus, self._address, register) for register in registers)

    def judge(self, words: Words, at_s: float) -> Reading:
        chip = self._chip
        if words[0] in ABSENT_WORDS:
            return Reading(at_s, trouble=Trouble.NONSENSE)
        low, high = (limit * chip.cells for limit in CELL_VOLTS)
        mask = 0xFFFF if chip.has_rate else 0xFFF0
        volts = bounded((words[0] & mask) * chip.volts, low, high)
        percent = bounded(words[1] / 256.0, 0.0, CHARGE_PERCENT_MAX)
        if volts is not None:
            volts = self._volts.take(volts)
        if percent is not None:
            percent = self._percent.take(min(percent, 100.0))
        rate = _signed(words[2]) * RATE_PERCENT_H if chip.has_rate else 0.0
        return Reading(
            at_s,
            charging=rate > 0 if abs(rate) >= SURE_RATE_PERCENT_H else None,
            volts=volts,
            charge_percent=percent,
            trouble=Trouble.NONSENSE if volts is None or percent is None else None,
        )


def max1704x(settings: Max1704xSettings, open_by: Callable[[int], Bus] = open_bus) -> I2cSource:
    """The Source. Raises KeyError for a chip that is not in CHIPS."""
    return I2cSource(settings.name, settings.bus, Max1704x(settings), open_by)


def _signed(word: int) -> int:
    return word - 0x10000 if word & 0x8000 else word
