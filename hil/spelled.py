"""Recordings that can be told apart by ear of a machine: each phrase is three short tones, of which each has its place
in the band. So what a real phone heard is written down phrase by phrase, and compared with what was to be said.

Three alphabets of eight tones, 100 Hz apart; a tone lasts 90 ms and is looked for by Goertzel's filter in 40 ms.
"""

from __future__ import annotations

import math
import sys
import wave
from array import array
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from callcontrol.media.phrases import phrases
from hil.sound import RATE_HZ, Sound, SoundError, read

__all__ = ["PIECES", "heard", "spell", "spelled", "words"]

FIRST_HZ, APART_HZ = 500, 100
TONES = 8
"""Of one alphabet; the next one begins after its last."""
LETTERS = 3
TONE_S, WINDOW_S, STEP_S = 0.09, 0.04, 0.01
SHARE = 0.6
"""Of a window's energy that lies in the tone which is heard in it."""
LOUD = 0.02
"""Of full scale, RMS; what is softer is none."""
AMPLITUDE = 0.3
PIECES = TONES**LETTERS
HUM_HZ, HUM_S = 400.0, 0.8
BEGIN = ("code_", "enter_", "no_way_out", "locked", "barred")
"""Before a name, and what begins a saying: some phones record from a moment after they have answered."""


def spell(folder: Path, language: str, keys: Sequence[str], names: Sequence[str] = ()) -> Path:
    """A folder of recordings, a file for each phrase and for each name."""
    if len(keys) + len(names) > PIECES:
        raise ValueError(f"more than {PIECES} pieces")
    for number, key in enumerate((*keys, *names)):
        named = number >= len(keys)
        file = folder / ("names" if named else language) / f"{key}.wav"
        file.parent.mkdir(parents=True, exist_ok=True)
        _write(file, number, hum=named or key.startswith(BEGIN))
    return folder


def heard(path: Path, keys: Sequence[str]) -> list[str]:
    """Which of `keys` are in a recording, in order; `keys` are those of `spell`, names after phrases. None where there
    is no recording (yet)."""
    try:
        numbers = spelled(read(path))
    except (OSError, SoundError):
        return []
    return [keys[number] if number < len(keys) else "?" for number in numbers]


def words(keys: Iterable[str], names: Mapping[str, str], language: str = "sv") -> str:
    """As it would be read."""
    at = ("sv", "en").index(language)
    return " ".join(text for key in keys if (text := names.get(key) or phrases()[key][at]))


def spelled(sound: Sound) -> list[int]:
    """The pieces in it; what is cut off at either end is none."""
    tones: list[int] = []
    for tone in _tones(sound):
        if tone is not None and (not tones or tones[-1] != tone):
            tones.append(tone)
    found = []
    for at in range(len(tones) - LETTERS + 1):
        letters = tones[at : at + LETTERS]
        if [tone // TONES for tone in letters] == list(range(LETTERS)):
            found.append(sum(tone % TONES * TONES**place for place, tone in enumerate(letters)))
    return found


def _tones(sound: Sound) -> Iterable[int | None]:
    """The tone in each window, counted through all alphabets; one that is met in one window alone is none."""
    size, step = round(WINDOW_S * sound.rate_hz), round(STEP_S * sound.rate_hz)
    found = [
        _tone(sound.samples[at : at + size], sound.rate_hz) for at in range(0, len(sound.samples) - size + 1, step)
    ]
    if not found:
        return ()
    return (
        one if one in both else None for one, *both in zip(found, [None, *found[:-1]], [*found[1:], None], strict=True)
    )


def _tone(samples: array[int], rate_hz: int) -> int | None:
    energy = sum(sample * sample for sample in samples)
    if energy < len(samples) * (LOUD * 32767) ** 2:
        return None
    best, most = None, SHARE * energy
    for tone in range(TONES * LETTERS):
        power = _power(samples, FIRST_HZ + tone * APART_HZ, rate_hz)
        if power > most:
            best, most = tone, power
    return best


def _power(samples: array[int], hz: float, rate_hz: int) -> float:
    """Of what is in that tone, as `energy` is counted (Goertzel)."""
    turn = 2 * math.cos(2 * math.pi * hz / rate_hz)
    one = two = 0.0
    for sample in samples:
        one, two = sample + turn * one - two, one
    return 2 * (one * one + two * two - turn * one * two) / len(samples)


def _write(file: Path, number: int, *, hum: bool) -> None:
    letters = [FIRST_HZ + (place * TONES + number // TONES**place % TONES) * APART_HZ for place in range(LETTERS)]
    samples: array[int] = array("h")
    for hz, seconds in ((HUM_HZ, HUM_S if hum else 0.0), *((letter, TONE_S) for letter in letters)):
        step, peak = 2 * math.pi * hz / RATE_HZ, AMPLITUDE * 32767
        samples.extend(round(peak * math.sin(step * i)) for i in range(round(seconds * RATE_HZ)))
    if sys.byteorder == "big":
        samples.byteswap()
    with wave.open(str(file), "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(RATE_HZ)
        out.writeframes(samples.tobytes())
