"""Level control: speech that is too faint or too loud is brought near to what telephones are made for.

The gain follows speech alone, and slowly: in a pause it stays where it is, so that what is behind the speech does not
swell (pumping). It is bounded, and so that noise behind the speech stays faint; what is only noise is never lifted. A
limiter holds back at once what would be louder than the range. Sound at an ordinary level passes as it came. Pure; each
frame is 20 ms.
"""

from __future__ import annotations

import math
from array import array

from callcontrol.media.pcm import FULL, clipped, loudness, samples

__all__ = ["GAIN_MAX_DB", "GAIN_MIN_DB", "Level"]

ORDINARY_DBOV = -24.0
"""Of speech while it lasts (ITU-T P.56); -26 is nominal where it was digitised."""
GAIN_MAX_DB, GAIN_MIN_DB = 12.0, -6.0
_LEFT_ALONE_DB = 5.0
"""Speech this near to the ordinary is left as it is."""
_REACHED_DB = 2.0
"""Once the gain moves it does so until this near."""
_STEP_DB = 0.04
"""A frame of speech: 2 dB a second."""
_SPEECH_S = 1.0
"""Over so much speech its level is told, and none is told of less than half of it."""
_GATE_DBOV = -50.0
"""What is fainter is no speech, and noise is not lifted above it."""
_ABOVE_NOISE_DB = 10.0
_NOISE_RISES_DB = 0.02
"""A frame; it falls at once."""
_LIMIT = FULL * 10 ** (-1 / 20)
_RELEASE = 10 ** (0.1 / 20)
"""A frame: 5 dB a second."""
_RAMP = 40
"""Samples over which a new gain takes the old one's place: 5 ms."""
_SHARE = 0.02 / _SPEECH_S
_UNHEARD_DBOV = -100.0


class Level:
    """Of one direction of one call."""

    def __init__(self) -> None:
        self.gain_db = 0.0
        self._speech_db = 0.0
        self._speech_frames = 0
        self._noise_db = 0.0
        self._moving = False
        self._held_back = 1.0
        self._factor = 1.0  # at the end of the last frame

    def of(self, frame: bytes) -> bytes:
        """A frame as it is to be heard."""
        self._listen(frame)
        values = samples(frame)
        peak = max(abs(max(values)), abs(min(values)))
        wanted = 10 ** (self.gain_db / 20)
        self._held_back = min(1.0, self._held_back * _RELEASE, _LIMIT / (peak * wanted) if peak else 1.0)
        before, self._factor = self._factor, wanted * self._held_back
        if before == self._factor == 1.0:
            return frame
        return _amplified(values, before, self._factor)

    def _listen(self, frame: bytes) -> None:
        loud = loudness(frame)
        level = 20 * math.log10(loud / FULL) if loud else _UNHEARD_DBOV
        self._noise_db = min(level, self._noise_db + _NOISE_RISES_DB)
        if level < max(_GATE_DBOV, self._noise_db + _ABOVE_NOISE_DB):
            return
        self._speech_frames += 1
        self._speech_db += (level - self._speech_db) * max(_SHARE, 1 / self._speech_frames)
        if self._speech_frames * _SHARE >= 0.5:
            self._move()

    def _move(self) -> None:
        most = min(GAIN_MAX_DB, max(0.0, _GATE_DBOV - self._noise_db))
        wanted = max(GAIN_MIN_DB, min(most, ORDINARY_DBOV - self._speech_db))
        away = wanted - self.gain_db
        self._moving = abs(away) > (_REACHED_DB if self._moving else _LEFT_ALONE_DB)
        if self._moving or self.gain_db > most:
            self.gain_db += max(-_STEP_DB, min(_STEP_DB, away))


def _amplified(values: array[int], before: float, after: float) -> bytes:
    found = [int(value * after) for value in values]
    if before != after:
        step = (after - before) / _RAMP
        found[:_RAMP] = [int(value * (before + step * n)) for n, value in enumerate(values[:_RAMP])]
    return clipped(found)
