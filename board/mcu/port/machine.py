"""`machine` for MicroPython's unix port: what a rig needs of it (hil/sim/mcuport.py), first on MICROPYPATH.

The UART is standard input and output; pins and voltages go as lines over the terminal that RVX_PINS names: in
`pin NUMBER 0|1` and `adc NUMBER 0..65535`, out `pin NUMBER 0|1` at each change, and `fed` once a second."""

import os
import select
import sys
import time

PWRON_RESET, WDT_RESET = 1, 3
FED_EVERY_MS = 1000
RESET_STATUS = 3

_levels = {}
_volts = {}
_line = b""
_world = open(os.getenv("RVX_PINS"), "r+b")
_poll = select.poll()
_poll.register(_world, select.POLLIN)


def reset_cause():
    return WDT_RESET if os.getenv("RVX_AGAIN") else PWRON_RESET


def reset():
    sys.exit(RESET_STATUS)


def look():
    """Takes what the world says."""
    global _line
    while _poll.poll(0):
        byte = _world.read(1)
        if not byte:
            return
        if byte != b"\n":
            _line += byte
            continue
        kind, number, value = _line.decode().split()
        _line = b""
        (_levels if kind == "pin" else _volts)[int(number)] = int(value)


def tell(text):
    _world.write(text.encode() + b"\n")


class Pin:
    IN, OUT = 0, 1
    PULL_DOWN = 2

    def __init__(self, number, mode=-1, pull=None, value=None):
        self._number = number
        self._told = None
        if value is not None:
            self.value(value)

    def value(self, level=None):
        if level is None:
            look()
            return _levels.get(self._number, 0)
        if level != self._told:
            self._told = level
            tell("pin %d %d" % (self._number, level))


class ADC:
    def __init__(self, number):
        self._number = number

    def read_u16(self):
        return _volts.get(self._number, 0)


class WDT:
    def __init__(self, timeout=5000):
        self._at = None

    def feed(self):
        now = time.ticks_ms()
        if self._at is None or time.ticks_diff(now, self._at) >= FED_EVERY_MS:
            self._at = now
            tell("fed")


class UART:
    def __init__(self, number, **settings):
        self._in, self._out = select.poll(), select.poll()
        self._in.register(sys.stdin, select.POLLIN)
        self._out.register(sys.stdout, select.POLLOUT)

    def any(self):
        return 1 if self._in.poll(0) else 0

    def read(self, count):
        data = b""
        while self._in.poll(0):
            data += sys.stdin.buffer.read(1)
        return data

    def write(self, data):
        """Into the void where nobody takes it, as a wire does."""
        if self._out.poll(0):
            sys.stdout.buffer.write(data)
