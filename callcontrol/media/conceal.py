"""What is played in place of sound that did not come, and how sound is made a little shorter or longer unheard.

Speech repeats itself from one pitch period to the next, so a hole is filled with the last period again and again,
fading, as in ITU-T G.711 appendix I, but without its delay of 3.75 ms: nothing of what was played is changed
afterwards. Silent after 60 ms: by then a repeated period sounds like a machine. To shorten or lengthen, a period is
taken out or put in where it resembles its neighbour, with a cross-fade (WSOLA). Pure.
"""

from __future__ import annotations

import math
from array import array
from collections.abc import Iterable
from operator import mul

from callcontrol.media.pcm import RATE_HZ, SAMPLE_BYTES, clipped, samples

__all__ = ["FADED_S", "LONGEST", "Concealer", "lengthened", "shortened"]

FADED_S = 0.06
"""After so long nothing is left of what is repeated."""
_LEAST, _MOST = RATE_HZ // 200, RATE_HZ * 15 // 1000
"""Pitch periods looked for, in samples: 200 Hz to 66 Hz. A higher voice is found at twice or thrice its period."""
_COMPARED = RATE_HZ // 50
_COARSE = 2  # every second sample, every second lag
_HISTORY = _MOST + _COMPARED + _MOST // 4
_BLOCK = RATE_HZ // 100
_GAINS = (1.0, 1.0, 0.8, 0.6, 0.4, 0.2, 0.0)
"""At the ends of the blocks of 10 ms since the hole began."""
_JOIN = RATE_HZ // 200  # 5 ms

_COMPARED_SHORT = RATE_HZ // 100
_LEAST_SAMPLES = 2 * _COMPARED_SHORT
LONGEST = _MOST
"""The most samples that `shortened` takes out and `lengthened` puts in."""


class Concealer:
    """Of one leg. `heard` takes all that is played, in its order; `hole` and `joined` give what to play."""

    def __init__(self) -> None:
        self._history = array("h", bytes(_HISTORY * SAMPLE_BYTES))
        self._period: list[int] = []
        self._at = 0  # samples since the hole began

    def heard(self, pcm: bytes) -> bytes:
        """Sound that came: given back, with its first 5 ms blended into what the hole was filled with."""
        if self._period:
            pcm = self._joined(pcm)
            self._period, self._at = [], 0
        self._history = (self._history + samples(pcm))[-_HISTORY:]
        return pcm

    def hole(self, count: int) -> bytes:
        """So many samples for what did not come."""
        if not self._period:
            self._period = _last_period(self._history)
        return clipped(self._repeated(count))

    def _repeated(self, count: int) -> list[int]:
        found: list[int] = []
        length = len(self._period)
        while len(found) < count:
            block, inside = divmod(self._at, _BLOCK)
            if block >= len(_GAINS) - 1:
                return found + [0] * (count - len(found))
            here = min(_BLOCK - inside, count - len(found))
            start = _GAINS[block] + (_GAINS[block + 1] - _GAINS[block]) * inside / _BLOCK
            slope = (_GAINS[block + 1] - _GAINS[block]) / _BLOCK
            at = self._at
            found += [int(self._period[(at + n) % length] * (start + slope * n)) for n in range(here)]
            self._at += here
        return found

    def _joined(self, pcm: bytes) -> bytes:
        real = samples(pcm)
        count = min(_JOIN, len(real))
        made = self._repeated(count)
        blended = [(made[n] * (count - n) + real[n] * n) // count for n in range(count)]
        return clipped(blended) + real[count:].tobytes()


def shortened(pcm: bytes) -> bytes:
    """One period less, 5 to 15 ms, at its beginning. Raises ValueError for less than 20 ms."""
    x = samples(pcm)
    period = _alike(x)
    blended = [(x[n] * (period - n) + x[period + n] * n) // period for n in range(period)]
    return array("h", blended).tobytes() + x[2 * period :].tobytes()


def lengthened(pcm: bytes) -> bytes:
    """One period more, 5 to 15 ms, at its beginning. Raises ValueError for less than 20 ms."""
    x = samples(pcm)
    period = _alike(x)
    blended = [(x[period + n] * (period - n) + x[n] * n) // period for n in range(period)]
    return x[:period].tobytes() + array("h", blended).tobytes() + x[period:].tobytes()


def _last_period(history: array[int]) -> list[int]:
    """The last pitch period, its end made to lead into its own beginning."""
    end = len(history)
    tail = history[end - _COMPARED : end : _COARSE]
    period = _best(
        (lag, tail, history[end - _COMPARED - lag : end - lag : _COARSE]) for lag in range(_LEAST, _MOST + 1, _COARSE)
    )
    found = list(history[end - period :])
    blend = period // 4
    for n in range(blend):
        here = period - blend + n
        before = history[end - period - blend + n]
        found[here] = (found[here] * (blend - n) + before * n) // blend
    return found


def _alike(x: array[int]) -> int:
    """The distance at which sound resembles its beginning most; twice that is there."""
    if len(x) < _LEAST_SAMPLES:
        raise ValueError(f"{len(x)} samples")
    most = min(_MOST, len(x) // 2, len(x) - _COMPARED_SHORT)
    head = x[0:_COMPARED_SHORT:_COARSE]
    return _best((lag, head, x[lag : lag + _COMPARED_SHORT : _COARSE]) for lag in range(_LEAST, most + 1, _COARSE))


def _best(pairs: Iterable[tuple[int, array[int], array[int]]]) -> int:
    """The lag whose pair is most alike, by the normalised correlation; the longest where nothing is alike."""
    found, best = 0, 0.0
    for lag, one, other in pairs:
        power = sum(map(mul, other, other))
        alike = sum(map(mul, one, other)) / math.sqrt(power) if power else 0.0
        if alike > best or best <= 0:
            found, best = lag, alike
    return found
