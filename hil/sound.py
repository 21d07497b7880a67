"""Tones as proof of sound: each phone plays its own, and the other's recording is searched for it.

A recording may be read while it grows: phones write the lengths in the header after the call (linphone all of the
header), so they are not trusted, and what is there counts.
"""

from __future__ import annotations

import math
import sys
import wave
from array import array
from dataclasses import dataclass
from itertools import dropwhile
from pathlib import Path

__all__ = [
    "RATE_HZ",
    "TONE_SHARE",
    "Sound",
    "SoundError",
    "dropout_s",
    "first_s",
    "holds",
    "read",
    "seconds_of",
    "silent_s",
    "tone_s",
    "write_tone",
]

RATE_HZ = 8000
TONE_AMPLITUDE = 0.3  # of full scale: loud enough for G.711, far from clipping
BLOCK_S = 0.05  # short enough to see a gap of a few packets, long enough to tell tones 20 Hz apart
TONE_SHARE = 0.8  # of a block's energy that must lie in the tone
SILENCE = 0.01  # of full scale, RMS: anything below is no sound
HELD_S = 0.5  # so much of a tone is a proof
MAX_BYTES = 64 * 1024 * 1024  # an hour at 8 kHz; longer recordings are read so far

_EMPTY_HEADER = bytes(44)
_PCM = 1
_EXTENSIBLE = 0xFFFE


class SoundError(Exception):
    """A file is no 16-bit PCM wav, or not yet one."""


@dataclass(frozen=True)
class Sound:
    """Samples of one channel, ±32,767, and their rate."""

    rate_hz: int
    samples: array[int]

    @property
    def seconds(self) -> float:
        return len(self.samples) / self.rate_hz


def write_tone(path: Path, hz: float, seconds: float) -> Path:
    """Write a sine as a wav file: 8 kHz, mono, 16 bits. Whole Hz and whole seconds join its end to its start."""
    peak = TONE_AMPLITUDE * 32767
    step = 2 * math.pi * hz / RATE_HZ
    samples = array("h", (round(peak * math.sin(step * i)) for i in range(round(seconds * RATE_HZ))))
    if sys.byteorder == "big":
        samples.byteswap()
    with wave.open(str(path), "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(RATE_HZ)
        out.writeframes(samples.tobytes())
    return path


def read(path: Path) -> Sound:
    """The first channel of a 16-bit PCM wav, as much as there is of it. Raises SoundError.

    Where the header is not written yet, it is one channel at 8 kHz, as of G.711.
    """
    with path.open("rb") as file:
        data = file.read(MAX_BYTES)
    if data.startswith(_EMPTY_HEADER):
        return Sound(RATE_HZ, _samples(data[len(_EMPTY_HEADER) :], 1))
    if data[:4] != b"RIFF" or data[8:12] != b"WAVE":
        raise SoundError(f"{path}: begins with {data[:12]!r}, RIFF and WAVE expected")
    at = 12
    channels = rate_hz = 0
    while at + 8 <= len(data):
        name, size = data[at : at + 4], int.from_bytes(data[at + 4 : at + 8], "little")
        at += 8
        if name == b"fmt ":
            fields = data[at : at + 16]
            kind, bits = int.from_bytes(fields[:2], "little"), int.from_bytes(fields[14:], "little")
            channels, rate_hz = int.from_bytes(fields[2:4], "little"), int.from_bytes(fields[4:8], "little")
            if kind not in (_PCM, _EXTENSIBLE) or bits != 16 or not channels or not rate_hz:
                found = f"format {kind}, {bits} bits, {channels} channels, {rate_hz} Hz"
                raise SoundError(f"{path}: {found}; 16-bit PCM expected")
        if name == b"data":
            if not rate_hz:
                raise SoundError(f"{path}: data before its format")
            return Sound(rate_hz, _samples(data[at:], channels))
        at += size + size % 2
    raise SoundError(f"{path}: no data yet")


def seconds_of(path: Path, hz: float, share: float = TONE_SHARE) -> float:
    """How long a tone is heard in a recording, in all; 0 when there is no recording (yet). `share`: of a block's energy
    that must lie in it; less where several are heard at once."""
    try:
        return tone_s(read(path), hz, share)
    except (OSError, SoundError):
        return 0.0


def tone_s(sound: Sound, hz: float, share: float = TONE_SHARE) -> float:
    """How long a tone is in it, in all."""
    return BLOCK_S * sum(_tones(sound, hz, share))


def dropout_s(sound: Sound, hz: float) -> float:
    """The longest time without a tone between its first and its last block."""
    longest = missing = 0
    for is_tone in dropwhile(lambda is_tone: not is_tone, _tones(sound, hz)):
        if is_tone:
            longest, missing = max(longest, missing), 0
        else:
            missing += 1
    return BLOCK_S * longest


def first_s(sound: Sound, hz: float) -> float | None:
    """After how long a tone begins; None: it is not in it."""
    found = _tones(sound, hz)
    return found.index(True) * BLOCK_S if True in found else None


def silent_s(path: Path) -> float:
    """The longest silence in a recording, after its first sound; 0 when there is no recording (yet)."""
    try:
        sound = read(path)
    except (OSError, SoundError):
        return 0.0
    block = round(sound.rate_hz * BLOCK_S)
    longest = lasts = 0
    heard = False
    for at in range(0, len(sound.samples) - block + 1, block):
        loud = _energy(sound.samples[at : at + block]) >= block * (SILENCE * 32767) ** 2
        heard, lasts = heard or loud, 0 if loud or not heard else lasts + 1
        longest = max(longest, lasts)
    return BLOCK_S * longest


def holds(path: Path, hz: float, least_s: float = HELD_S, share: float = TONE_SHARE) -> bool:
    """Whether a recording holds a tone for at least so long."""
    return seconds_of(path, hz, share) >= least_s


def _tones(sound: Sound, hz: float, share: float = TONE_SHARE) -> list[bool]:
    """For each block whether it is the tone."""
    block = round(sound.rate_hz * BLOCK_S)
    starts = range(0, len(sound.samples) - block + 1, block)
    return [_is_tone(sound.samples[at : at + block], hz, sound.rate_hz, share) for at in starts]


def _samples(data: bytes, channels: int) -> array[int]:
    """The first channel of interleaved 16-bit samples; the last frame may be cut short."""
    frame = 2 * channels
    samples = array("h", data[: len(data) // frame * frame])
    if sys.byteorder == "big":
        samples.byteswap()
    return samples[::channels]


def _is_tone(block: array[int], hz: float, rate_hz: int, share: float) -> bool:
    energy = _energy(block)
    if energy < len(block) * (SILENCE * 32767) ** 2:
        return False
    # A sine of amplitude a has the energy N·a²/2 and the Goertzel power (N·a/2)².
    return _power(block, hz, rate_hz) >= share * energy * len(block) / 2


def _energy(block: array[int]) -> int:
    return sum(sample * sample for sample in block)


def _power(block: array[int], hz: float, rate_hz: int) -> float:
    """Goertzel (1958): the squared magnitude of the block's spectrum at one frequency."""
    turn = 2 * math.cos(2 * math.pi * hz / rate_hz)
    before = now = 0.0
    for sample in block:
        before, now = now, sample + turn * now - before
    return before * before + now * now - turn * before * now
