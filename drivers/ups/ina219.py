"""A current monitor INA219 between battery and board, on I2C (Texas Instruments SBOS448): volts and amperes.

A brown-out of its supply takes its calibration without a word, and its current register then reads 0: calibration and
configuration are looked at, and written where they are not ours, in each look. The current is believed where the
shunt's own voltage agrees. How the shunt is wired, and so which way is out of the battery, differs by board: a
setting, proved by what happens when mains fail."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from drivers.ups.i2c import Bus, I2cSource, Words, open_bus, read_word, write_word
from drivers.ups.jumps import Steady
from drivers.ups.model import Reading, Trouble, bounded

__all__ = ["ADDRESSES", "Ina219", "Ina219Settings", "ina219"]

ADDRESSES = range(0x40, 0x50)
CONFIG, SHUNT, BUS_VOLTAGE, CURRENT, CALIBRATION = 0x00, 0x01, 0x02, 0x04, 0x05
CONFIGURATION = 0x3FFF
"""32 V, 320 mV over the shunt, both the mean of 128 samples (68 ms), continuously."""
SHUNT_V, BUS_V = 10e-6, 4e-3
"""Of the lowest bit."""
OVERFLOW = 0x0001
ABSENT_WORD = 0xFFFF
SHUNT_MAX_V = 0.32
CELL_VOLTS = 2.3, 4.6
JUMP_VOLTS = 1.0
"""Between looks a second apart, a cell; a load that comes and goes makes half of it."""
AGREES_PART, AGREES_A = 0.05, 0.03
"""How far current and shunt may be apart: the two are measured one after the other."""
IDLE_A = 0.02
"""Less than this flows neither in nor out."""


@dataclass(frozen=True, slots=True)
class Ina219Settings:
    """`address`: of ADDRESSES. `shunt_ohm`, `cells`: of the board. `positive_is_out`: which way it is wired."""

    name: str
    address: int = 0x42
    bus: int = 1
    shunt_ohm: float = 0.1
    cells: int = 2
    positive_is_out: bool = True

    @property
    def calibration(self) -> int:
        """For the finest step that the shunt's whole range leaves (data sheet, equation 1); its lowest bit is void."""
        return int(0.04096 / (self.step_a * self.shunt_ohm)) & 0xFFFE

    @property
    def step_a(self) -> float:
        return SHUNT_MAX_V / self.shunt_ohm / 0x8000


class Ina219:
    """A Gauge. `resets`: how often its calibration was lost."""

    def __init__(self, settings: Ina219Settings) -> None:
        self._settings = settings
        self._volts = Steady(JUMP_VOLTS * settings.cells)
        self._calibrated = False
        self.resets = 0

    def look(self, bus: Bus) -> Words:
        """Shunt, bus voltage, current, and whether the calibration was there, before and after."""
        address = self._settings.address
        was_there = self._calibrate(bus)
        shunt, volts, current = (read_word(bus, address, register) for register in (SHUNT, BUS_VOLTAGE, CURRENT))
        is_there = read_word(bus, address, CALIBRATION) == self._settings.calibration
        return shunt, volts, current, int(was_there and is_there)

    def judge(self, words: Words, at_s: float) -> Reading:
        shunt_word, volts_word, current_word, calibrated = words
        if volts_word == ABSENT_WORD or (shunt_word == ABSENT_WORD and current_word == ABSENT_WORD):
            return Reading(at_s, trouble=Trouble.NONSENSE)
        low, high = (limit * self._settings.cells for limit in CELL_VOLTS)
        volts = bounded((volts_word >> 3) * BUS_V, low, high)
        if volts is not None:
            volts = self._volts.take(volts)
        if calibrated and not volts_word & OVERFLOW:
            amps = self._amps(shunt_word, current_word)
            trouble = Trouble.NONSENSE if amps is None or volts is None else None
        else:
            amps, trouble = None, Trouble.WAITING if volts is not None else Trouble.NONSENSE
        return Reading(
            at_s,
            charging=None if amps is None else amps < -IDLE_A,
            volts=volts,
            amps=amps,
            watts=volts * amps if volts is not None and amps is not None and amps > IDLE_A else None,
            trouble=trouble,
        )

    def _calibrate(self, bus: Bus) -> bool:
        """Whether both were as we wrote them."""
        address, wanted = self._settings.address, self._settings.calibration
        is_there = read_word(bus, address, CALIBRATION) == wanted and read_word(bus, address, CONFIG) == CONFIGURATION
        if not is_there:
            self.resets += self._calibrated
            write_word(bus, address, CONFIG, CONFIGURATION)
            write_word(bus, address, CALIBRATION, wanted)
            self._calibrated = True
        return is_there

    def _amps(self, shunt_word: int, current_word: int) -> float | None:
        """None: the two do not agree."""
        by_shunt = _signed(shunt_word) * SHUNT_V / self._settings.shunt_ohm
        amps = _signed(current_word) * self._settings.step_a
        if abs(_signed(shunt_word) * SHUNT_V) > SHUNT_MAX_V:
            return None
        if abs(amps - by_shunt) > max(AGREES_A, AGREES_PART * abs(by_shunt)):
            return None
        return amps if self._settings.positive_is_out else -amps


def ina219(settings: Ina219Settings, open_by: Callable[[int], Bus] = open_bus) -> I2cSource:
    """The Source."""
    return I2cSource(settings.name, settings.bus, Ina219(settings), open_by)


def _signed(word: int) -> int:
    return word - 0x10000 if word & 0x8000 else word
