"""Milliseconds that never wrap, out of ticks that do."""


class Clock:
    """`ticks()` gives milliseconds that begin again at 2**`bits`; MicroPython's on the RP2040 at 2**30, after twelve
    days. `now` is to be called at least once in that time."""

    def __init__(self, ticks, bits=30):
        self._ticks = ticks
        self._mask = (1 << bits) - 1
        self._last = ticks() & self._mask
        self._now = 0

    def now(self):
        """Since this was made."""
        ticks = self._ticks() & self._mask
        self._now += (ticks - self._last) & self._mask
        self._last = ticks
        return self._now
