"""Keys heard in the sound itself (ITU-T Q.24), by Goertzel's filters: for lines and gateways without telephone events.

Blocks of 20 ms, each 10 ms on from the last, so that a key of 40 ms fills two of them wherever it falls. A key is what
two blocks in a row agree on: nearly all of the block's power in one row and one column, each well above its neighbours,
and neither much louder than the other. Speech has its power elsewhere as well. Pure.
"""

from __future__ import annotations

import math
from array import array
from functools import cache
from operator import mul

from callcontrol.media.pcm import RATE_HZ, samples
from callcontrol.media.tones import KEY_HZ, ROWS

__all__ = ["Keys", "holds"]

_BLOCK = RATE_HZ // 50
_HOP = RATE_HZ // 100
_QUIET = 1e4
"""Mean square below which nothing is looked for: -50 dB of overload."""
_SHARE = 0.72
"""Of the power of a block that must lie in the two tones."""
_TWIST = 10 ** (-0.8), 10**0.4
"""Column to row, in power: 8 dB weaker to 4 dB stronger."""
_ABOVE = 3.0
"""Of each tone's power to that of the next in its group."""


class Keys:
    """Of one leg."""

    def __init__(self) -> None:
        self._left = array("h")
        self._before: str | None = None
        self._held: str | None = None

    def heard(self, pcm: bytes) -> str:
        """The keys that began in this sound, each once however long it is held."""
        self._left.extend(samples(pcm))
        found = ""
        at = 0
        while at + _BLOCK <= len(self._left):
            key = _key(self._left[at : at + _BLOCK])
            if key == self._before and key != self._held:
                self._held = key
                found += key or ""
            self._before = key
            at += _HOP
        del self._left[:at]
        return found


def holds(frame: bytes, hz: int) -> bool:
    """Whether a frame is one tone, and no more."""
    block = samples(frame)
    power = sum(map(mul, block, block))
    return bool(power >= _QUIET * _BLOCK and 2 * _power(block, hz) >= _SHARE * _BLOCK * power)


def _key(block: array[int]) -> str | None:
    power = sum(map(mul, block, block))
    if power < _QUIET * _BLOCK:
        return None
    rows, columns = ([_power(block, hz) for hz in group] for group in KEY_HZ)
    row, column = max(rows), max(columns)
    if 2 * (row + column) < _SHARE * _BLOCK * power:
        return None
    if not _TWIST[0] < column / row < _TWIST[1]:
        return None
    if sorted(rows)[-2] * _ABOVE > row or sorted(columns)[-2] * _ABOVE > column:
        return None
    return ROWS[rows.index(row)][columns.index(column)]


def _power(block: array[int], hz: int) -> float:
    """Of one frequency; a pure sine has its power times half the block's length."""
    cosine, sine = _waves(hz)
    real, imaginary = sum(map(mul, block, cosine)), sum(map(mul, block, sine))
    return float(real * real + imaginary * imaginary)


@cache
def _waves(hz: int) -> tuple[list[float], list[float]]:
    turn = 2 * math.pi * hz / RATE_HZ
    return [math.cos(turn * n) for n in range(_BLOCK)], [math.sin(turn * n) for n in range(_BLOCK)]
