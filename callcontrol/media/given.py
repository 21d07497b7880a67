"""Keys that one leg hears as events, given on to another: as events for as long as they are held, in the sound itself
to a side that takes none. Pure."""

from __future__ import annotations

import contextlib
from collections import deque
from collections.abc import Iterator

from callcontrol.media.events import Press, lasting
from callcontrol.media.leg import MAX_KEYS, Leg
from callcontrol.media.tones import key_frames

__all__ = ["GivenKeys"]


class GivenKeys:
    """Of one side's ear."""

    def __init__(self) -> None:
        self._tones: deque[Iterator[bytes]] = deque(maxlen=MAX_KEYS)

    def press(self, press: Press, step: int, mouth: Leg) -> None:
        """`step`: units in 20 ms of the clock by which it is heard; `mouth`: the leg that speaks to this side."""
        if not mouth.settings.sends:
            return
        if mouth.settings.event_type is None:
            self._tones.append(key_frames(press.key, lasting(press, step)))
            return
        with contextlib.suppress(ValueError):  # so many wait that this is no person
            mouth.press_along(press, step)

    def over(self, frame: bytes) -> bytes:
        """What is said now: a key that is in the sound, before anything else."""
        while self._tones:
            if (tone := next(self._tones[0], None)) is not None:
                return tone
            self._tones.popleft()
        return frame
