"""A bridge: several hear each other, nobody hears themselves.

All who speak are added up once, and each is given the sum less their own; what is too loud stays at the edge of the
range. A member may hear without being heard (who records), be heard by some only (who prompts the one they barged in
for), or neither for a while (muted, on hold). Pure: `mixed` is one step of 20 ms.
"""

from __future__ import annotations

from array import array
from collections.abc import Mapping
from dataclasses import dataclass
from operator import add, sub

from callcontrol.media.pcm import FRAME_BYTES, FRAME_SAMPLES, SILENCE, clipped, samples

__all__ = ["MAX_MEMBERS", "Bridge", "Member"]

MAX_MEMBERS = 32


@dataclass(slots=True)
class Member:
    """`only_to`: who hears them; None: everybody."""

    speaks: bool = True
    hears: bool = True
    only_to: frozenset[str] | None = None


class Bridge:
    """Who is on it, by name."""

    def __init__(self) -> None:
        self._members: dict[str, Member] = {}

    def join(self, name: str, member: Member | None = None) -> Member:
        """Raises ValueError for one who is on it already, and when it is full."""
        if name in self._members:
            raise ValueError(f"{name} is on the bridge")
        if len(self._members) >= MAX_MEMBERS:
            raise ValueError(f"{MAX_MEMBERS} are on the bridge")
        self._members[name] = found = member or Member()
        return found

    def leave(self, name: str) -> None:
        self._members.pop(name, None)

    def __len__(self) -> int:
        return len(self._members)

    def mixed(self, frames: Mapping[str, bytes]) -> dict[str, bytes]:
        """What each one who hears is given, for what each one has said; who is not in `frames` has been silent."""
        said = {
            name: samples(frame)
            for name, member in self._members.items()
            if member.speaks and (frame := frames.get(name)) and len(frame) == FRAME_BYTES and frame != SILENCE
        }
        aside = [name for name in said if self._members[name].only_to is not None]
        total = _sum([values for name, values in said.items() if name not in aside])
        heard = {}
        for name, member in self._members.items():
            if not member.hears:
                continue
            mine = total
            if name in said and name not in aside:
                mine = list(map(sub, mine, said[name])) if mine else []
            for other in aside:
                to = self._members[other].only_to
                if other != name and to is not None and name in to:
                    mine = list(map(add, mine, said[other])) if mine else list(said[other])
            heard[name] = clipped(mine) if mine else SILENCE
        return heard


def _sum(voices: list[array[int]]) -> list[int]:
    """Empty where nobody speaks."""
    if not voices:
        return []
    total = list(voices[0])
    for voice in voices[1:]:
        total = list(map(add, total, voice))
    assert len(total) == FRAME_SAMPLES
    return total
