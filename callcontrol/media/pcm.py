"""Sound as all of `media` hands it on: frames of 20 ms, 8 kHz, one channel, signed 16 bits in the machine's order.

A frame is `bytes`, so that it can be kept and handed to several without being copied.
"""

from __future__ import annotations

import math
from array import array
from collections.abc import Iterable, Sequence
from operator import mul
from typing import Protocol

__all__ = [
    "FRAME_BYTES",
    "FRAME_S",
    "FRAME_SAMPLES",
    "FULL",
    "RATE_HZ",
    "SAMPLE_BYTES",
    "SILENCE",
    "Source",
    "clipped",
    "frames",
    "loudness",
    "samples",
    "scaled",
]

RATE_HZ = 8000
FRAME_S = 0.02
FRAME_SAMPLES = 160
SAMPLE_BYTES = 2
FRAME_BYTES = FRAME_SAMPLES * SAMPLE_BYTES
FULL = 32767
"""The loudest sample; 0 dBov (RFC 6464) is a sine of this amplitude's square wave."""
SILENCE = bytes(FRAME_BYTES)


class Source(Protocol):
    """What gives sound: a frame for each call, 20 ms apart; None when it has come to its end. `now`: s of one clock."""

    def pull(self, now: float) -> bytes | None: ...


def samples(pcm: bytes) -> array[int]:
    """Raises ValueError for half a sample."""
    return array("h", pcm)


def clipped(values: Sequence[int]) -> bytes:
    """Samples that may be too loud, as sound: what is beyond the range stays at its edge."""
    try:
        return array("h", values).tobytes()
    except OverflowError:
        return array("h", [max(-FULL - 1, min(FULL, value)) for value in values]).tobytes()


def scaled(pcm: bytes, factor: float) -> bytes:
    return clipped([int(value * factor) for value in samples(pcm)])


def loudness(pcm: bytes) -> float:
    """Root of the mean square, 0 to 32,768."""
    values = samples(pcm)
    return math.sqrt(sum(map(mul, values, values)) / len(values)) if values else 0.0


def frames(pcm: bytes) -> Iterable[bytes]:
    """Cut into frames; the last one is filled up with silence."""
    for start in range(0, len(pcm), FRAME_BYTES):
        yield pcm[start : start + FRAME_BYTES].ljust(FRAME_BYTES, b"\0")
