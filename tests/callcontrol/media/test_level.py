"""Level control: what is faint is lifted, what is loud let down, and silence and pauses left as they are."""

import math
import random
from itertools import pairwise

import pytest

from callcontrol.media.level import GAIN_MAX_DB, GAIN_MIN_DB, Level
from callcontrol.media.pcm import FRAME_SAMPLES, FULL, SILENCE, clipped, loudness, samples

_DICE = random.Random(1)


def frame(dbov: float) -> bytes:
    """Noise of that level."""
    loud = FULL * 10 ** (dbov / 20)
    return clipped([int(_DICE.gauss(0, loud)) for _ in range(FRAME_SAMPLES)])


def dbov(pcm: bytes) -> float:
    return 20 * math.log10(loudness(pcm) / FULL)


def speech(level: Level, dbov: float, seconds: float, pause_dbov: float = -70) -> tuple[bytes, bytes]:
    """Words of 0.6 s and pauses of 0.4 s; the last of each, as they are heard."""
    words, pauses = [frame(dbov) for _ in range(30)], [frame(pause_dbov) for _ in range(20)]
    word = pause = SILENCE
    for _ in range(round(seconds)):
        for each in words:
            word = level.of(each)
        for each in pauses:
            pause = level.of(each)
    return word, pause


@pytest.mark.parametrize(("said", "heard"), [(-45, -35), (-36, -26), (-28, -28), (-20, -20), (-12, -16)])
def test_speech_is_brought_near_to_the_ordinary(said: float, heard: float) -> None:
    level = Level()
    word, _ = speech(level, said, 20)
    assert dbov(word) == pytest.approx(heard, abs=1.5)
    assert GAIN_MIN_DB <= level.gain_db <= GAIN_MAX_DB


def test_ordinary_speech_passes_as_it_came() -> None:
    level = Level()
    speech(level, -26, 5)
    one = frame(-26)
    assert level.of(one) is one


@pytest.mark.parametrize("noise", [-100, -75, -52, -40])
def test_what_is_only_noise_is_never_lifted(noise: float) -> None:
    level = Level()
    for _ in range(1000):
        level.of(frame(noise) if noise > -100 else SILENCE)
    assert level.gain_db == 0
    assert level.of(SILENCE) == SILENCE


def test_noise_behind_faint_speech_stays_faint() -> None:
    _, pause = speech(Level(), -40, 30, pause_dbov=-56)
    assert dbov(pause) < -49


def test_it_does_not_pump() -> None:
    """The gain stays where it is in a pause of any length, and moves slowly in speech."""
    level = Level()
    speech(level, -40, 15)
    before = level.gain_db
    assert before > 5
    for _ in range(500):
        level.of(frame(-70))
    assert level.gain_db == before
    gains = []
    for _ in range(100):
        level.of(frame(-14))
        gains.append(level.gain_db)
    assert max(abs(one - other) for one, other in pairwise(gains)) < 0.05


def test_a_shout_after_a_whisper_is_held_back_at_once() -> None:
    level = Level()
    speech(level, -42, 20)
    tone = clipped([int(0.9 * FULL * math.sin(2 * math.pi * 440 * n / 8000)) for n in range(FRAME_SAMPLES)])
    level.of(tone)
    second = samples(level.of(tone))
    assert max(second) < FULL * 0.9
    assert sum(abs(value) >= FULL for value in second) == 0
