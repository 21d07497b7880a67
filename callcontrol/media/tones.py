"""Swedish call progress tones, and the keys' own, as sources of sound.

ITU-T, *Various tones used in national networks* (E.180 supplement 2; Operational Bulletin 781, Sweden): dial, ringing,
busy, congestion, call waiting and special information tone. Levels by E.180 §4: near -10 dBm0. That list has no Swedish
recall, intrusion or recording tone: recall is three short ones and then the dial tone, as exchanges here give it; the
intrusion tone (E.182 §5, barge-in) is ours, unlike any of the others; the recording tone is E.182's 1,400 Hz. Pure.
"""

from __future__ import annotations

import math
from array import array
from collections.abc import Iterator
from enum import StrEnum
from functools import cache
from typing import NamedTuple

from callcontrol.media.events import KEYS
from callcontrol.media.pcm import FRAME_BYTES, FRAME_SAMPLES, FULL, RATE_HZ, SAMPLE_BYTES, SILENCE

__all__ = ["KEY_HZ", "Tone", "ToneSource", "key_frames", "sine", "tone_pcm"]

LEVEL = FULL * 10 ** (-13 / 20)
"""-10 dBm0; overload of G.711 is some 3 dB above 0 dBm0."""
_RISE = RATE_HZ // 200
"""A tone rises and falls over 5 ms, else it clicks."""
KEY_HZ = ((697, 770, 852, 941), (1209, 1336, 1477, 1633))
"""Rows and columns (ITU-T Q.23)."""
ROWS = ("123A", "456B", "789C", "*0#D")
KEY_PAUSE_FRAMES = 3
"""Between two keys, else they are one."""


class Tone(StrEnum):
    """What a tone says."""

    DIAL = "dial"
    RINGING = "ringing"
    BUSY = "busy"
    CONGESTION = "congestion"
    WAITING = "waiting"
    SPECIAL = "special"  # the number is not in use
    RECALL = "recall"
    INTRUSION = "intrusion"
    RECORDING = "recording"


class _Part(NamedTuple):
    hz: tuple[int, ...]  # none: a pause
    ms: int


_A = (425,)
_PAUSE: tuple[int, ...] = ()
_SHAPES: dict[Tone, tuple[tuple[_Part, ...], tuple[_Part, ...]]] = {
    # What is given once, and what is given again and again.
    Tone.DIAL: ((), (_Part(_A, 1000),)),
    Tone.RINGING: ((), (_Part(_A, 1000), _Part(_PAUSE, 5000))),
    Tone.BUSY: ((), (_Part(_A, 250), _Part(_PAUSE, 250))),
    Tone.CONGESTION: ((), (_Part(_A, 250), _Part(_PAUSE, 750))),
    Tone.WAITING: ((), (_Part(_A, 200), _Part(_PAUSE, 500), _Part(_A, 200), _Part(_PAUSE, 9100))),
    Tone.SPECIAL: (
        (),
        (
            _Part((950,), 332), _Part(_PAUSE, 24),
            _Part((1400,), 332), _Part(_PAUSE, 24),
            _Part((1800,), 332), _Part(_PAUSE, 2024),
        ),
    ),
    Tone.RECALL: ((_Part(_A, 100), _Part(_PAUSE, 100)) * 3, (_Part(_A, 1000),)),
    Tone.INTRUSION: ((_Part((1400,), 300), _Part(_PAUSE, 100)) * 2, (_Part(_PAUSE, 14600), _Part((1400,), 300))),
    Tone.RECORDING: ((), (_Part((1400,), 500), _Part(_PAUSE, 14500))),
}  # fmt: skip


class ToneSource:
    """A tone for as long as it is asked for; `frames` bounds it."""

    def __init__(self, tone: Tone, frames: int | None = None) -> None:
        self._once, self._again = tone_pcm(tone)
        self._at = 0
        self._left = frames

    def pull(self, now: float) -> bytes | None:
        if self._left is not None:
            if self._left <= 0:
                return None
            self._left -= 1
        frame = b""
        while len(frame) < FRAME_BYTES:
            if self._at < len(self._once):
                part = self._once[self._at : self._at + FRAME_BYTES - len(frame)]
            else:
                start = (self._at - len(self._once)) % len(self._again)
                part = self._again[start : start + FRAME_BYTES - len(frame)]
            frame += part
            self._at += len(part)
        return frame


@cache
def tone_pcm(tone: Tone) -> tuple[bytes, bytes]:
    """The beginning, given once, and what is repeated after it."""
    once, again = _SHAPES[tone]
    steady = len(again) == 1  # a continuous tone has no edges to round
    return b"".join(_pcm(part) for part in once), b"".join(_pcm(part, round_off=not steady) for part in again)


def key_frames(key: str, lasts: Iterator[bool]) -> Iterator[bytes]:
    """A key's two tones (Q.23) for as many frames as `lasts` gives, the last one told, and then a pause. Raises
    ValueError for what is no key."""
    turns = [2 * math.pi * hz / RATE_HZ for hz in _key_hz(key)]
    for number, last in enumerate(lasts):
        first = number * FRAME_SAMPLES
        values = [LEVEL / 2 * sum(math.sin(turn * n) for turn in turns) for n in range(first, first + FRAME_SAMPLES)]
        for n in range(_RISE):
            values[n] *= n / _RISE if not number else 1
            values[-1 - n] *= n / _RISE if last else 1
        yield array("h", map(int, values)).tobytes()
    yield from (SILENCE,) * KEY_PAUSE_FRAMES


def sine(hz: int) -> Iterator[bytes]:
    """Frames of one tone, on and on."""
    second = _pcm(_Part((hz,), 1000), round_off=False)
    while True:
        yield from (second[at : at + FRAME_BYTES] for at in range(0, len(second), FRAME_BYTES))


def _key_hz(key: str) -> tuple[int, int]:
    if len(key) != 1 or key not in KEYS:
        raise ValueError(f"key: {key!r}")
    row = next(number for number, keys in enumerate(ROWS) if key in keys)
    return KEY_HZ[0][row], KEY_HZ[1][ROWS[row].index(key)]


def _pcm(part: _Part, *, round_off: bool = True) -> bytes:
    """Frequencies of one part share the level."""
    count = RATE_HZ * part.ms // 1000
    if not part.hz:
        return bytes(count * SAMPLE_BYTES)
    loud = LEVEL / len(part.hz)
    turns = [2 * math.pi * hz / RATE_HZ for hz in part.hz]
    values = [loud * sum(math.sin(turn * n) for turn in turns) for n in range(count)]
    if round_off:
        for n in range(min(_RISE, count // 2)):
            values[n] *= n / _RISE
            values[-1 - n] *= n / _RISE
    return array("h", map(int, values)).tobytes()
