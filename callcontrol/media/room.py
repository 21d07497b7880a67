"""A room: who is in it hears all others, and what the room itself gives. A core: one step is 20 ms.

Tones and words of the room are heard by all, over those who speak. Who is alone, or has all others hold, hears the
room's music. Who comes in by
a tone (barge-in) neither hears nor is heard before the others have heard it. A recorder hears all, and is not heard.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass

from callcontrol.media.bridge import Bridge, Member
from callcontrol.media.pcm import Source

__all__ = ["Room"]

_SAID, _KEPT = "said", "kept"
"""Members that are no leg."""


@dataclass(slots=True)
class _Waiting:
    member: Member
    frames: int


class Room:
    """`alone`: what one hears who is alone."""

    def __init__(self, alone: Source) -> None:
        self._alone = alone
        self._bridge = Bridge()
        self._bridge.join(_SAID, Member(hears=False))
        self._names: set[str] = set()
        self._waiting: dict[str, _Waiting] = {}
        self._said: Source | None = None
        self._kept: Callable[[bytes], object] | None = None

    def __len__(self) -> int:
        return len(self._names)

    @property
    def speaks(self) -> bool:
        """Whether the room has anything to say, or to keep, or somebody waits: else two may be left to each other."""
        return self._said is not None or self._kept is not None or bool(self._waiting)

    def join(self, name: str, after_frames: int = 0) -> None:
        """Raises ValueError where it is full, or the name is taken."""
        member = self._bridge.join(name)
        self._names.add(name)
        if after_frames:
            member.speaks = member.hears = False
            self._waiting[name] = _Waiting(member, after_frames)

    def leave(self, name: str) -> None:
        self._bridge.leave(name)
        self._names.discard(name)
        self._waiting.pop(name, None)

    def say(self, source: Source | None) -> None:
        """To all, to its end; instead of what the room says now."""
        self._said = source

    def keep(self, sink: Callable[[bytes], object]) -> None:
        """All that is heard here goes there too, from now on."""
        if self._kept is None:
            self._bridge.join(_KEPT, Member(speaks=False))
        self._kept = sink

    def step(self, frames: Mapping[str, bytes], now: float, hold: Collection[str] = ()) -> dict[str, bytes]:
        """What each member hears for what each has said. Who is in `hold` is not heard."""
        for name, waiting in list(self._waiting.items()):
            waiting.frames -= 1
            if waiting.frames < 0:
                waiting.member.speaks = waiting.member.hears = True
                del self._waiting[name]
        here = self._names.difference(hold)
        given = {name: frames[name] for name in here if name in frames}
        said = self._said.pull(now) if self._said is not None else None
        if said is None:
            self._said = None
            if len(here) == 1:
                said = self._alone.pull(now)
        if said is not None:
            given[_SAID] = said
        heard = self._bridge.mixed(given)
        kept = heard.pop(_KEPT, None)
        if kept is not None and self._kept is not None:
            self._kept(kept)
        return heard
