"""Speech for what nobody has recorded: names, numbers of extensions, and everything during development; by espeak-ng.

A program of its own, as it is GPL-3 and one bad text must not take `calls` with it. Some 50 ms for a sentence.
"""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import subprocess
import unicodedata
from collections import OrderedDict

from callcontrol.media.pcm import RATE_HZ, SAMPLE_BYTES
from callcontrol.media.sounds import Clip, trimmed

__all__ = ["MAX_TEXT", "Speaker", "SpeechError", "speak"]

MAX_TEXT = 600
"""Characters of one saying; of more the rest is left out."""
TIME_OUT_S = 10.0
KEPT = 500
"""Clips remembered; names come again."""
_VOICES = {"sv": ("sv", 150), "en": ("en-gb", 155)}
"""Voice, and words a minute: slower than is usual, for a telephone."""
_PROGRAM = "espeak-ng"


class SpeechError(Exception):
    """Nothing can be said: the program is not there, or failed."""


def speak(text: str, language: str = "sv") -> Clip:
    """Say it. Blocks for the time that it takes. Raises SpeechError."""
    clean = _clean(text)
    if not clean:
        return Clip(b"")
    if shutil.which(_PROGRAM) is None:
        raise SpeechError(f"{_PROGRAM} is not installed")
    try:
        done = subprocess.run(
            _command(language), input=clean.encode(), capture_output=True, timeout=TIME_OUT_S, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise SpeechError(f"{_PROGRAM}: {error}") from error
    if done.returncode != 0:
        raise SpeechError(f"{_PROGRAM}: exit code {done.returncode}")
    return _clip(done.stdout)


class Speaker:
    """Says things without holding up the loop, one at a time, and remembers what it has said."""

    def __init__(self) -> None:
        self._said: OrderedDict[tuple[str, str], Clip] = OrderedDict()
        self._turn = asyncio.Lock()

    async def say(self, text: str, language: str = "sv") -> Clip:
        """Raises SpeechError."""
        key = (language, _clean(text))
        async with self._turn:
            if key not in self._said:
                self._said[key] = await asyncio.to_thread(speak, text, language)
                while len(self._said) > KEPT:
                    self._said.popitem(last=False)
            self._said.move_to_end(key)
            return self._said[key]


def _command(language: str) -> list[str]:
    voice, words = _VOICES[language]
    return [_PROGRAM, "-v", voice, "-s", str(words), "--stdin", "--stdout"]


def _clean(text: str) -> str:
    """Printable, on one line, bounded."""
    plain = "".join(" " if unicodedata.category(c).startswith(("C", "Z")) else c for c in text[: 4 * MAX_TEXT])
    return " ".join(plain.split())[:MAX_TEXT]


def _clip(wav: bytes) -> Clip:
    import io

    import av

    pcm = bytearray()
    try:
        with av.open(io.BytesIO(wav), "r") as container:
            rate = av.AudioResampler("s16", "mono", RATE_HZ)
            for frame in container.decode(audio=0):
                for low in rate.resample(frame):
                    pcm += bytes(low.planes[0])[: low.samples * SAMPLE_BYTES]
            with contextlib.suppress(av.FFmpegError):
                for low in rate.resample(None):
                    pcm += bytes(low.planes[0])[: low.samples * SAMPLE_BYTES]
    except (av.FFmpegError, IndexError) as error:
        raise SpeechError(f"{_PROGRAM}: no sound") from error
    return trimmed(bytes(pcm))
