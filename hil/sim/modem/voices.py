"""What a phone of the network says, and what it makes of what it hears.

A voice is named by text: ``silence``, ``tone:440`` or ``tone:440:-20`` (Hz, dBFS of its peak), ``bursts:1000:500``
(20 ms of that tone each so many ms), ``keys:12#`` (DTMF of 100 ms and 100 ms apart), ``file:/…/x.wav`` (mono, 16 bits,
over and over), ``echo`` (what it heard).
"""

from __future__ import annotations

import math
import sys
import wave
from array import array
from collections.abc import Callable
from dataclasses import dataclass, field

__all__ = ["BLOCK_MS", "KEY_MS", "Ear", "Voice", "VoiceError", "little_endian", "voice"]

FULL = 32767
PEAK_DBFS = -10.0
ECHO_MAX_S = 1.0
BURST_MS = 20
KEY_MS = 100
FILE_MAX_FRAMES = 8000 * 600
BLOCK_MS = 1
LOUD = 0.01 * FULL
"""A block whose loudest sample is below this is silence."""
DROPOUT_MS = 5
"""Silence within sound that counts as a dropout when it is longer, and…"""
PAUSE_MS = 200
"""…a pause when it is longer than this."""
WINDOW_MS = 100
"""A pitch is counted over so long,"""
WINDOW_HZ = 1000 // WINDOW_MS
"""to within this;"""
STEADY_WINDOWS = 3
"""a tone is steady that lasts so many."""
TONES_MAX = 100
ROWS, COLUMNS = (697, 770, 852, 941), (1209, 1336, 1477, 1633)
KEYS = "123A456B789C*0#D"


class VoiceError(ValueError):
    """No voice is named so, or its file is none."""


class Voice:
    """Samples at any rate, each once, from `at` (seconds of sound so far) on."""

    def __init__(self, sample: Callable[[float], float]) -> None:
        self._sample = sample
        self._spoken_s = 0.0

    def speak(self, samples: int, rate_hz: int) -> bytes:
        """The next samples, s16le."""
        began, step = self._spoken_s, 1 / rate_hz
        sample = self._sample
        made = array("h", (int(FULL * sample(began + n * step)) for n in range(samples)))
        self._spoken_s = began + samples * step
        return little_endian(made)

    def hear(self, sound: bytes, rate_hz: int) -> None:
        """Nothing, to most voices."""


class _Silence(Voice):
    def __init__(self) -> None:
        super().__init__(lambda _at: 0.0)

    def speak(self, samples: int, rate_hz: int) -> bytes:
        return bytes(2 * samples)


class _Echo(Voice):
    def __init__(self) -> None:
        super().__init__(lambda _at: 0.0)
        self._heard = bytearray()

    def speak(self, samples: int, rate_hz: int) -> bytes:
        sound = bytes(self._heard[: 2 * samples])
        del self._heard[: 2 * samples]
        return sound

    def hear(self, sound: bytes, rate_hz: int) -> None:
        self._heard += sound
        del self._heard[: max(0, len(self._heard) - int(2 * ECHO_MAX_S * rate_hz))]


class _Tone(Voice):
    """A sine from a table of whole periods: cheap, and without a seam."""

    def __init__(self, hz: float, peak: float) -> None:
        super().__init__(lambda at: peak * math.sin(2 * math.pi * hz * at))
        self._hz, self._peak = hz, peak
        self._table: tuple[int, array[int]] | None = None
        self._at = 0

    def speak(self, samples: int, rate_hz: int) -> bytes:
        if self._hz != int(self._hz):
            return super().speak(samples, rate_hz)
        if self._table is None or self._table[0] != rate_hz:  # one second holds whole periods of whole Hz
            turn = 2 * math.pi * self._hz / rate_hz
            made = array("h", (round(FULL * self._peak * math.sin(turn * n)) for n in range(rate_hz)))
            self._table = (rate_hz, made)
        table = self._table[1]
        found = array("h")
        while len(found) < samples:
            piece = table[self._at : self._at + samples - len(found)]
            found += piece
            self._at = (self._at + len(piece)) % rate_hz
        return little_endian(found)


def voice(name: str) -> Voice:
    """By its name. Raises VoiceError."""
    kind, _, rest = name.partition(":")
    try:
        match kind:
            case "silence" | "":
                return _Silence()
            case "echo":
                return _Echo()
            case "tone":
                hz, _, dbfs = rest.partition(":")
                return _Tone(float(hz), 10 ** (float(dbfs or PEAK_DBFS) / 20))
            case "bursts":
                hz, _, every = rest.partition(":")
                return _bursts(float(hz), float(every))
            case "keys":
                return _keys(rest)
            case "file":
                return _file(rest)
    except (ValueError, OSError, EOFError, wave.Error) as error:
        raise VoiceError(f"voice {name[:80]!r}: {error}") from error
    raise VoiceError(f"{name[:80]!r} is no voice")


def _bursts(hz: float, every_ms: float) -> Voice:
    every, lasts, turn = every_ms / 1000, BURST_MS / 1000, 2 * math.pi * hz
    return Voice(lambda at: 0.3 * math.sin(turn * (at % every)) if at % every < lasts else 0.0)


def _keys(keys: str) -> Voice:
    unknown = set(keys) - set(KEYS)
    if unknown:
        raise ValueError(f"{''.join(sorted(unknown))!r} are no keys")
    tones = [(ROWS[KEYS.index(key) // 4], COLUMNS[KEYS.index(key) % 4]) for key in keys]

    def sample(at: float) -> float:
        slot, within = divmod(at * 1000, 2 * KEY_MS)
        if slot >= len(tones) or within >= KEY_MS:
            return 0.0
        low, high = tones[int(slot)]
        return 0.25 * (math.sin(2 * math.pi * low * at) + math.sin(2 * math.pi * high * at))

    return Voice(sample)


def _file(path: str) -> Voice:
    with wave.open(path, "rb") as file:
        if file.getnchannels() != 1 or file.getsampwidth() != 2:
            raise ValueError("mono of 16 bits expected")
        rate, samples = file.getframerate(), array("h", file.readframes(FILE_MAX_FRAMES))
    if not samples:
        raise ValueError("it is empty")
    if sys.byteorder == "big":
        samples.byteswap()
    return Voice(lambda at: samples[round(at * rate) % len(samples)] / FULL)


@dataclass
class Tones:
    """Steady tones, one after the other, each by its pitch, in Hz to within WINDOW_HZ."""

    heard: list[int] = field(default_factory=list)
    _s: float = 0.0
    _crossings: int = 0
    _hz: int = 0
    _windows: int = 0

    def begin(self) -> None:
        """After a pause."""
        self._s, self._crossings, self._windows = 0.0, 0, 0

    def hear(self, crossings: int, for_s: float) -> None:
        """Of one block."""
        self._s += for_s
        self._crossings += crossings
        if self._s * 1000 < WINDOW_MS:
            return
        hz = round(self._crossings / self._s)
        steady = self._windows > 0 and abs(hz - self._hz) <= 2 * WINDOW_HZ
        windows = self._windows + 1 if steady else 1
        self.begin()
        self._hz, self._windows = self._hz if steady else hz, windows
        if windows == STEADY_WINDOWS and len(self.heard) < TONES_MAX:
            self.heard.append(self._hz)


@dataclass
class Ear:
    """What was heard: how much, how loud, what pitch, which tones, where it broke off."""

    samples: int = 0
    squares: float = 0.0
    loud_ms: int = 0
    loud_samples: int = 0
    crossings: int = 0
    dropouts: int = 0
    longest_gap_ms: int = 0
    onsets: int = 0
    tones: Tones = field(default_factory=Tones)
    _quiet_ms: int = 0
    _last: int = 0
    _rest: bytes = b""

    def hear(self, sound: bytes, rate_hz: int) -> bool:
        """s16le, cut anywhere. True when sound begins after a pause in it."""
        data = self._rest + sound
        whole = len(data) // 2 * 2
        self._rest = data[whole:]
        samples = array("h", data[:whole])
        if sys.byteorder == "big":
            samples.byteswap()
        self.samples += len(samples)
        began = False
        size = rate_hz * BLOCK_MS // 1000
        for at in range(0, len(samples), size):
            block = samples[at : at + size]
            if max(block) > LOUD or min(block) < -LOUD:
                began |= self._loud(block, rate_hz)
            else:
                self._quiet_ms += BLOCK_MS
        return began

    def _loud(self, block: array[int], rate_hz: int) -> bool:
        quiet, self._quiet_ms = self._quiet_ms, 0
        begins = self.loud_ms == 0 or quiet > PAUSE_MS
        if begins:
            self.onsets += 1
            self.tones.begin()
        elif quiet > DROPOUT_MS:
            self.dropouts += 1
        if not begins:
            self.longest_gap_ms = max(self.longest_gap_ms, quiet)
        self.loud_ms += BLOCK_MS
        self.loud_samples += len(block)
        self.squares += sum(sample * sample for sample in block)
        last, crossings = self._last, 0
        for sample in block:
            if last <= 0 < sample:
                crossings += 1
            last = sample
        self._last = last
        self.crossings += crossings
        self.tones.hear(crossings, len(block) / rate_hz)
        return begins

    def told(self) -> dict[str, int | float | list[int] | None]:
        """In numbers: ms of sound, level of the loud part (dBFS, RMS), its pitch by zero crossings, steady tones in
        their order (Hz), dropouts."""
        level = 10 * math.log10(max(self.squares / self.loud_samples / FULL**2, 1e-10)) if self.loud_ms else None
        return {
            "samples": self.samples,
            "loud_ms": self.loud_ms,
            "dbfs": None if level is None else round(level, 1),
            "hz": round(1000 * self.crossings / self.loud_ms) if self.loud_ms else None,
            "tones": list(self.tones.heard),
            "dropouts": self.dropouts,
            "longest_gap_ms": self.longest_gap_ms,
            "onsets": self.onsets,
        }


def little_endian(samples: array[int]) -> bytes:
    """Samples as s16le."""
    if sys.byteorder == "big":
        samples = array("h", samples)
        samples.byteswap()
    return samples.tobytes()
