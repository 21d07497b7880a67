"""Sounds that are played: each encoded once per codec and kept, so that playing costs nothing.

Clips come from files (anything FFmpeg reads), from speech, or are made here; `Music` is a folder of them in turns, with
a quiet built-in tune where there is none. A clip is encoded by itself: codecs that remember begin anew at its silence.
"""

from __future__ import annotations

import math
from array import array
from collections.abc import Iterable, Sequence
from functools import cache
from pathlib import Path

from callcontrol.media.codecs import Format
from callcontrol.media.pcm import FRAME_BYTES, FRAME_S, FULL, RATE_HZ, SAMPLE_BYTES, clipped, frames, samples

__all__ = ["MAX_S", "Clip", "Music", "Player", "built_in_music", "joined", "load", "trimmed"]

MAX_S = 600
"""The longest clip; what a file has beyond it is left out."""
MAX_FILES = 100
"""Of music."""
MUSIC_MAX_S = 1_800
"""Of music in all, but for the end of the last file; half an hour is 29 MB, and as much encoded."""
SUFFIXES = (".wav", ".flac", ".ogg", ".opus", ".mp3", ".al", ".g722")


class Clip:
    """Sound in memory, of whole frames."""

    def __init__(self, pcm: bytes) -> None:
        self.pcm = pcm + bytes(-len(pcm) % FRAME_BYTES)
        self._encoded: dict[str, tuple[bytes, ...]] = {}

    def __len__(self) -> int:
        """In frames."""
        return len(self.pcm) // FRAME_BYTES

    def is_encoded(self, codec: Format) -> bool:
        return codec.name in self._encoded

    def encoded(self, codec: Format) -> tuple[bytes, ...]:
        """A payload for each frame. Made at the first call: call it when loading, not when playing."""
        if codec.name not in self._encoded:
            self._encoded[codec.name] = tuple(map(codec.make().encode, frames(self.pcm)))
        return self._encoded[codec.name]


class Player:
    """Clips one after the other, as a source of frames, or of payloads of one codec."""

    def __init__(self, clips: Sequence[Clip], *, again: bool = False, first_frame: int = 0) -> None:
        self._clips = [clip for clip in clips if len(clip)]
        self._again = again
        self._clip, self._frame = 0, 0
        length = sum(map(len, self._clips))
        for _ in range(first_frame % length if again and length else 0):
            self._step()

    def pull(self, now: float) -> bytes | None:
        place = self._step()
        if place is None:
            return None
        clip, frame = place
        return clip.pcm[frame * FRAME_BYTES : (frame + 1) * FRAME_BYTES]

    def payload(self, codec: Format) -> bytes | None:
        """The next frame as it is sent; None at the end."""
        place = self._step()
        return place[0].encoded(codec)[place[1]] if place else None

    def _step(self) -> tuple[Clip, int] | None:
        if self._clip >= len(self._clips):
            if not self._again or not self._clips:
                return None
            self._clip = 0
        clip, frame = self._clips[self._clip], self._frame
        self._frame += 1
        if self._frame >= len(clip):
            self._clip, self._frame = self._clip + 1, 0
        return clip, frame


class Music:
    """Music on hold. All hear the same place of it, as from a radio: nobody hears one beginning again and again."""

    def __init__(self, clips: Iterable[Clip] = ()) -> None:
        self._clips = tuple(clips) or (built_in_music(),)

    @classmethod
    def of(cls, folder: Path | None) -> Music:
        """The files of a folder by name. Raises ValueError, with the file named, for one that cannot be read."""
        if folder is None or not folder.is_dir():
            return cls()
        clips: list[Clip] = []
        for path in sorted(path for path in folder.iterdir() if path.suffix.lower() in SUFFIXES)[:MAX_FILES]:
            if sum(map(len, clips)) * FRAME_S >= MUSIC_MAX_S:
                break
            clips.append(load(path))
        return cls(clips)

    def encode(self, codec: Format) -> None:
        """So that playing costs nothing in this one. Blocks."""
        for clip in self._clips:
            clip.encoded(codec)

    def is_encoded(self, codec: Format) -> bool:
        return all(clip.is_encoded(codec) for clip in self._clips)

    def player(self, now: float) -> Player:
        return Player(self._clips, again=True, first_frame=int(now * 50))


def load(path: Path) -> Clip:
    """A file as a clip, one channel of 8 kHz. Raises ValueError with what is wrong."""
    import av

    pcm = bytearray()
    try:
        with av.open(str(path)) as container:
            if not container.streams.audio:
                raise ValueError(f"{path}: no sound in it")
            rate = av.AudioResampler("s16", "mono", RATE_HZ)
            for frame in container.decode(container.streams.audio[0]):
                for low in rate.resample(frame):
                    pcm += bytes(low.planes[0])[: low.samples * SAMPLE_BYTES]
                if len(pcm) > MAX_S * RATE_HZ * SAMPLE_BYTES:
                    break
            else:
                for low in rate.resample(None):
                    pcm += bytes(low.planes[0])[: low.samples * SAMPLE_BYTES]
    except (av.FFmpegError, OSError) as error:
        raise ValueError(f"{path}: cannot be read as sound ({error.strerror or error})") from error
    return Clip(bytes(pcm[: MAX_S * RATE_HZ * SAMPLE_BYTES]))


def joined(clips: Iterable[Clip]) -> Clip:
    return Clip(b"".join(clip.pcm for clip in clips))


def trimmed(pcm: bytes) -> Clip:
    """Without the silence at both ends but for a little, so that pieces join as words do."""
    values = samples(pcm)
    loud = [n for n, value in enumerate(values) if abs(value) > _QUIET]
    if not loud:
        return Clip(b"")
    start, end = max(0, loud[0] - _LEFT), min(len(values), loud[-1] + _LEFT)
    return Clip(values[start:end].tobytes())


_QUIET = FULL // 100
_LEFT = RATE_HZ * 3 // 100
_TUNE_HZ = (220.0, 277.18, 329.63, 440.0, 329.63, 277.18, 246.94, 329.63, 415.3, 493.88, 415.3, 329.63)
_NOTE_S = 1.2
_RING_S = 3.0
_LOUD = FULL * 10 ** (-30 / 20)
"""-27 dBm0: one waits beside it, and talks over it."""


@cache
def built_in_music() -> Clip:
    """Slow broken chords that fade into each other: 14 s that end as they begin."""
    step, ring = int(_NOTE_S * RATE_HZ), int(_RING_S * RATE_HZ)
    whole = [0] * (step * len(_TUNE_HZ))
    for number, hz in enumerate(_TUNE_HZ):
        start = number * step
        for n, value in enumerate(_note(hz, ring)):
            whole[(start + n) % len(whole)] += value
    return Clip(clipped(whole))


def _note(hz: float, count: int) -> array[int]:
    turn = 2 * math.pi * hz / RATE_HZ
    rise = RATE_HZ // 10
    end = RATE_HZ // 5
    return array(
        "h",
        (
            int(_LOUD * min(n / rise, 1.0, (count - n) / end) * math.exp(-n / RATE_HZ) * math.sin(turn * n))
            for n in range(count)
        ),
    )
