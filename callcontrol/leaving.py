"""A message that somebody leaves: when it is over, and whether it is one. Pure."""

from __future__ import annotations

from callcontrol.media.pcm import FRAME_S, frames, loudness

__all__ = ["LONGEST_S", "QUIET", "SILENCE_S", "Leaving", "is_message"]

LONGEST_S = 180.0
SILENCE_S = 5.0
"""Then nobody speaks any more."""
LEAST_S = 0.5
"""Of sound in all; less is no message: a breath, or a receiver that is put down."""
QUIET = 80.0
"""Root mean square below which a frame is silent: -52 dB of overload, a line's own noise."""


class Leaving:
    """Fed with each 20 ms of what is heard."""

    def __init__(self, longest_s: float = LONGEST_S) -> None:
        self._longest_s = longest_s
        self._frames = self._quiet = self._loud = 0

    def heard(self, frame: bytes) -> bool:
        """Whether it is over, by silence or by its length."""
        loud = loudness(frame) >= QUIET
        self._frames += 1
        self._loud += loud
        self._quiet = 0 if loud else self._quiet + 1
        return self._quiet * FRAME_S >= SILENCE_S or self._frames * FRAME_S >= self._longest_s

    @property
    def is_message(self) -> bool:
        """Whether anything was said."""
        return self._loud * FRAME_S >= LEAST_S


def is_message(sound: bytes) -> bool:
    """The same of a recording whose end nobody saw."""
    leaving = Leaving()
    for frame in frames(sound):
        leaving.heard(frame)
    return leaving.is_message
