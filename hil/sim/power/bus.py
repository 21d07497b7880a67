"""A fake of `smbus2.SMBus`: gauges beside a supply, by their registers; SMBus's words have the low byte first.

The one place where no wire can be had: the kernel here has no I2C. It does what a bus does: nobody at an address is
EREMOTEIO, a bus that hangs ETIMEDOUT, one that nothing pulls down reads 0xFFFF; a chip that lost its supply has its
registers of before the first write."""

from __future__ import annotations

import errno
import os
import random
import time
from collections.abc import Mapping
from enum import StrEnum
from math import trunc
from typing import Protocol

from hil.sim.power.supply import Supply

__all__ = ["BusFault", "FakeBus", "Ina219Chip", "Max1704xChip"]

ADDRESS_MAX = 0x77
SHUNT_MAX = 32_000
"""Of an INA219 at its widest range: more than 320 mV are told as 320 mV (SBOS448, table 7)."""


class BusFault(StrEnum):
    NONE = "none"
    NACK = "nack"
    HANGS = "hangs"
    """Each transfer is given up after `hang_s`."""
    FLOATS = "floats"
    NOISE = "noise"
    """One transfer of five is another word."""


class Slave(Protocol):
    def read(self, register: int) -> int:
        """The word as the chip sends it, high byte first."""

    def write(self, register: int, word: int) -> None: ...


class FakeBus:
    """`chips`: by address. `history`: transfers as (what, address, register, word as on the wire)."""

    def __init__(self, chips: Mapping[int, Slave], seed: int = 1) -> None:
        self.chips = chips
        self.fault = BusFault.NONE
        self.hang_s = 0.0
        self.is_open = True
        self.history: list[tuple[str, int, int, int]] = []
        self._chance = random.Random(seed)

    def read_word_data(self, i2c_addr: int, register: int) -> int:
        word = self._chip(i2c_addr).read(register)
        if self.fault is BusFault.FLOATS:
            word = 0xFFFF
        elif self.fault is BusFault.NOISE and self._chance.random() < 0.2:
            word = self._chance.randrange(0x10000)
        self.history.append(("read", i2c_addr, register, word))
        return _low_first(word)

    def write_word_data(self, i2c_addr: int, register: int, value: int) -> None:
        word = _low_first(value)
        self._chip(i2c_addr).write(register, word)
        self.history.append(("write", i2c_addr, register, word))

    def close(self) -> None:
        self.is_open = False

    def opened(self, number: int) -> FakeBus:
        """Instead of smbus2's opening. Raises OSError as that does."""
        if self.fault is BusFault.HANGS and self.hang_s:
            time.sleep(self.hang_s)
        self.is_open = True
        return self

    def _chip(self, address: int) -> Slave:
        if not self.is_open:
            raise OSError(errno.EBADF, os.strerror(errno.EBADF))
        if self.fault is BusFault.HANGS:
            time.sleep(self.hang_s)
            raise OSError(errno.ETIMEDOUT, os.strerror(errno.ETIMEDOUT))
        if self.fault is BusFault.NACK or address not in self.chips or not 0 <= address <= ADDRESS_MAX:
            raise OSError(errno.EREMOTEIO, os.strerror(errno.EREMOTEIO))
        return self.chips[address]


class Max1704xChip:
    """Of one cell. `gauge_error`: in parts of charge, which it is wrong by (a lying gauge)."""

    def __init__(self, supply: Supply, is_48: bool = False) -> None:
        self._supply = supply
        self._is_48 = is_48
        self._written = {0x0C: 0x9700 if not is_48 else 0x971C}
        self.gauge_error = 0.0

    def read(self, register: int) -> int:
        supply = self._supply
        volts = supply.volts / supply.battery.series
        match register:
            case 0x02 if self._is_48:
                return _word(trunc(volts / 78.125e-6))
            case 0x02:
                return _word(trunc(volts / 1.25e-3)) << 4 & 0xFFF0
            case 0x04:
                return _word(trunc(100 * 256 * (supply.battery.charge + self.gauge_error)))
            case 0x08:
                return 0x0012 if self._is_48 else 0x0003
            case 0x16 if self._is_48:
                return trunc(-100 * supply.amps / supply.battery.holds_ah / 0.208) & 0xFFFF
        return self._written.get(register, 0)

    def write(self, register: int, word: int) -> None:
        self._written[register] = word


class Ina219Chip:
    """`out_is_positive`: how its shunt is wired."""

    def __init__(self, supply: Supply, shunt_ohm: float = 0.1, out_is_positive: bool = True) -> None:
        self._supply = supply
        self._shunt_ohm = shunt_ohm
        self._sign = 1 if out_is_positive else -1
        self.written: dict[int, int] = {}
        self.brown_out()

    def brown_out(self) -> None:
        """Its supply sagged: it begins anew."""
        self.written = {0x00: 0x399F, 0x05: 0x0000}

    def read(self, register: int) -> int:
        shunt = trunc(self._sign * self._supply.amps * self._shunt_ohm / 10e-6)
        shunt = min(max(shunt, -SHUNT_MAX), SHUNT_MAX)
        volts = trunc(self._supply.volts / 4e-3)
        match register:
            case 0x01:
                return shunt & 0xFFFF
            case 0x02:
                return _word(volts << 3 | 0x2)
            case 0x03:
                return _word(abs(trunc(shunt * self.written[0x05] / 4096)) * volts // 5000)
            case 0x04:
                return trunc(shunt * self.written[0x05] / 4096) & 0xFFFF
        return self.written.get(register, 0)

    def write(self, register: int, word: int) -> None:
        self.written[register] = word & 0xFFFE if register == 0x05 else word


def _low_first(word: int) -> int:
    return int.from_bytes(word.to_bytes(2, "big"), "little")


def _word(number: int) -> int:
    return min(max(number, 0), 0xFFFF)
