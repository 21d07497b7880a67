"""The pins of the RP2040: reads, writes, decides nothing."""

import os
import time

import machine

from supply import limits, pins

INSIDE_MV, INSIDE_TENTHS, INSIDE_MV_PER_DEGREE = 706, 270, 1.721  # RP2040 datasheet 4.9.5


class Hal:
    def __init__(self):
        pin = machine.Pin
        self._uart = machine.UART(
            pins.UART, baudrate=pins.BAUD, tx=pin(pins.TX), rx=pin(pins.RX), rxbuf=1024, txbuf=1024
        )
        self._cut = None  # an output only when it is known what to say: till then the wiring holds what was
        self._warn = pin(pins.WARN, pin.OUT, value=0)
        self._mains = pin(pins.MAINS, pin.IN)
        self._kernel = pin(pins.KERNEL, pin.IN, pin.PULL_DOWN)
        self._halted = pin(pins.HALTED, pin.IN, pin.PULL_DOWN)
        self._battery, self._current = machine.ADC(pins.BATTERY), machine.ADC(pins.CURRENT)
        self._supply, self._inside = machine.ADC(pins.SUPPLY), machine.ADC(pins.INSIDE)
        self._watchdog = machine.WDT(timeout=limits.WATCHDOG_MS)

    def ticks(self):
        return time.ticks_ms()

    def random32(self):
        return int.from_bytes(os.urandom(4), "big")

    def cause(self):
        """As machine.reset_cause has it, 0 to 9."""
        return min(9, machine.reset_cause())

    def from_nothing(self):
        """Whether this start is one of power, not of the watchdog."""
        return machine.reset_cause() == machine.PWRON_RESET

    def sample(self):
        """What all pins say, in the units of the names; None where nothing is fitted."""
        return {
            "mains": bool(self._mains.value()) if pins.MAINS_FITTED else None,
            "kernel": bool(self._kernel.value()) if pins.KERNEL_FITTED else None,
            "halted": bool(self._halted.value()) if pins.HALTED_FITTED else None,
            "battery_mv": _mv(self._battery, pins.BATTERY_RATIO) if pins.BATTERY_FITTED else None,
            "unit_ma": self._ma() if pins.CURRENT_FITTED else None,
            "supply_mv": _mv(self._supply, pins.SUPPLY_RATIO),
            "tenths": INSIDE_TENTHS - int(10 * (_mv(self._inside, (1, 1)) - INSIDE_MV) / INSIDE_MV_PER_DEGREE),
        }

    def receive(self):
        return self._uart.read(self._uart.any()) or b"" if self._uart.any() else b""

    def send(self, data):
        self._uart.write(data)

    def supply(self, on):
        level = 0 if on else 1
        if self._cut is None:
            self._cut = machine.Pin(pins.CUT, machine.Pin.OUT, value=level)
        self._cut.value(level)

    def warn(self, on):
        self._warn.value(1 if on else 0)

    def feed(self):
        self._watchdog.feed()

    def reset(self):
        machine.reset()

    def _ma(self):
        return (_mv(self._current, (1, 1)) - pins.CURRENT_ZERO_MV) * 1000 // pins.CURRENT_MV_PER_A


def _mv(adc, ratio):
    return adc.read_u16() * pins.REFERENCE_MV * ratio[0] // (65535 * ratio[1])
