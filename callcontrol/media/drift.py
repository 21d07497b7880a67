"""Another clock than ours: how fast it is, by what it delivers, and sound read by it without a click.

Theory. A modem samples by a clock of its own, off by up to 100 millionths, and hands on what it has sampled when it
pleases: by the byte or by the tenth of a second. So no one delivery tells its time, but many do: drawn over our clock,
what was delivered is a staircase between two lines. The upper one, that its best steps reach, is the modem's clock; the
lower one, below which no step begins, is what can be relied on to be there. Both are kept for a short while, so that
they follow the clock and forget a mishap; how the upper one rises over a minute is how fast the clock is.

Two clocks are brought together by the sample: as long as they agree sound passes as it is; when they are a sample
apart, one frame is read a trifle faster or slower, 160 samples as 161 or 159, by a windowed sinc. Its pitch is off by a
tenth of a semitone for 20 ms; no sample is dropped or doubled. Pure, and without clock: `now` is seconds of one steady
clock, passed in.
"""

from __future__ import annotations

import math
from array import array
from collections import deque
from dataclasses import dataclass
from functools import cache
from operator import mul

from callcontrol.media.pcm import RATE_HZ, SAMPLE_BYTES, clipped, samples

__all__ = ["DRIFT_MAX_PPM", "Clock", "Reading"]

WINDOW_S = 2.0
"""So long a delivery is remembered in both lines; jitter that comes seldomer than this is met unprepared."""
_BUCKET_S = 0.1
"""Deliveries within this are remembered as one."""
DRIFT_MAX_PPM = 200
"""Beyond this it is no clock that is off: sound is lost, or of another rate."""
_POINT_S = 1.0
_POINTS_LEAST, _POINTS_MOST = 10, 60
"""Points of the upper line, one a second, that tell how fast the clock is."""
REACH = 8
"""Samples on either side that the sinc looks at: 1 ms."""
_BLEND = RATE_HZ // 200
"""Over which one place of the sound fades into another: 5 ms."""


@dataclass(slots=True)
class _Bucket:
    ends: float
    lower: float
    upper: float


class Clock:
    """That of who delivers `rate_hz` samples a second by its own count. Lines are in samples above our clock."""

    def __init__(self, rate_hz: int = RATE_HZ) -> None:
        self._rate_hz = rate_hz
        self.delivered = 0
        """Samples, in all."""
        self.last_at: float | None = None
        """When something came last."""
        self._buckets: deque[_Bucket] = deque()
        self._points: deque[tuple[float, float]] = deque(maxlen=_POINTS_MOST)
        self._point_ends = 0.0

    def came(self, count: int, now: float) -> None:
        """So many samples were delivered."""
        ours = now * self._rate_hz
        lower, upper = self.delivered - ours, self.delivered + count - ours
        self.delivered += count
        self.last_at = now
        self._remember(lower, upper, now)
        self._mark(upper, now)

    def forget(self) -> None:
        """It stood still: what was known of its lines holds no longer."""
        self._buckets.clear()
        self._points.clear()

    @property
    def lower(self) -> float:
        """What was there, at the least, above our clock. 0 when nothing is known."""
        return min((bucket.lower for bucket in self._buckets), default=0.0)

    @property
    def upper(self) -> float:
        """The modem's own clock above ours. 0 when nothing is known."""
        return max((bucket.upper for bucket in self._buckets), default=0.0)

    @property
    def span(self) -> float:
        """From one line to the other: how much comes at once, and how late."""
        return self.upper - self.lower

    @property
    def off_ppm(self) -> float | None:
        """By how much it is faster than ours, in millionths, whatever the reason; None before that can be said."""
        count = len(self._points)
        if count < _POINTS_LEAST:
            return None
        began = self._points[0][0]
        middle = sum(at - began for at, _ in self._points) / count
        spread = sum((at - began - middle) ** 2 for at, _ in self._points)
        rise = sum((at - began - middle) * upper for at, upper in self._points)
        return 1e6 * rise / spread / self._rate_hz

    @property
    def drift_ppm(self) -> float | None:
        """The same, where it is a clock's; None too where more or less comes than any clock explains."""
        off = self.off_ppm
        return None if off is None or abs(off) > DRIFT_MAX_PPM else off

    def _remember(self, lower: float, upper: float, now: float) -> None:
        while self._buckets and self._buckets[0].ends < now - WINDOW_S:
            self._buckets.popleft()
        if not self._buckets or now >= self._buckets[-1].ends:
            self._buckets.append(_Bucket(now + _BUCKET_S, lower, upper))
        else:
            last = self._buckets[-1]
            last.lower, last.upper = min(last.lower, lower), max(last.upper, upper)

    def _mark(self, upper: float, now: float) -> None:
        if not self._points or now >= self._point_ends:
            self._points.append((now, upper))
            self._point_ends = now + _POINT_S
        elif upper > self._points[-1][1]:
            self._points[-1] = now, upper


class Reading:
    """Sound that is put in as it comes and read by another clock. What was put in comes out, 1 ms later."""

    def __init__(self) -> None:
        self._held = array("h", bytes(2 * REACH * SAMPLE_BYTES))  # what was read last, what is to be read, what follows

    @property
    def left(self) -> int:
        """Samples that can be read."""
        return len(self._held) - 2 * REACH

    def put(self, pcm: bytes) -> None:
        """Raises ValueError for half a sample."""
        self._held.extend(samples(pcm))

    def take(self, count: int, read: int) -> bytes:
        """`count` samples made of the next `read`, which are to be `left`; one more or less is not heard."""
        held = self._held
        if read == count:
            found = held[REACH : REACH + count].tobytes()
        else:
            found = clipped([int(sum(map(mul, held[at : at + 2 * REACH], taps))) for at, taps in _taps(count, read)])
        del held[:read]
        return found

    def skip(self, count: int) -> int:
        """Pass over so many of what is left, or as many as something is left after them; one place fades into the
        other. Gives how many."""
        count = min(count, self.left - _BLEND)
        if count <= 0:
            return 0
        before = self._held[REACH : REACH + _BLEND]
        del self._held[REACH : REACH + count]
        for n, old in enumerate(before):
            self._held[REACH + n] = (old * (_BLEND - n) + self._held[REACH + n] * n) // _BLEND
        return count


@cache
def _taps(count: int, read: int) -> tuple[tuple[int, tuple[float, ...]], ...]:
    """For each sample: where in what is held its taps begin, and the taps."""
    found = []
    for n in range(count):
        at, part = divmod(n * read, count)
        taps = [_sinc(k - part / count) for k in range(1 - REACH, REACH + 1)]
        found.append((at + 1, tuple(tap / sum(taps) for tap in taps)))
    return tuple(found)


def _sinc(x: float) -> float:
    """Under a raised cosine that ends at `REACH`."""
    if x == 0:
        return 1.0
    if abs(x) >= REACH:
        return 0.0
    return math.sin(math.pi * x) / (math.pi * x) * (1 + math.cos(math.pi * x / REACH)) / 2
