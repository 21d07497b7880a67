"""Which of the boxes that answering takes are there, by whether they answer a ping (drivers/reach.py). Pure; times are
monotonic seconds.

A box that answers has power, and nobody knows for how long. One that answered while there was mains, and has been
silent since it went, is gone: nothing is promised by it, whatever its battery was said to hold. Silence says nothing of
power where the box never answered, where there is mains, and where it cannot be asked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from drivers.reach import Pinger, Seen
from drivers.ups.model import Mains, Part

__all__ = ["Box", "Boxes"]


@dataclass(frozen=True, slots=True)
class Box:
    """`reached` None: not known. `gone`: it went with the mains."""

    part: Part
    address: str
    reached: bool | None = None
    rtt_ms: float | None = None
    gone: bool = False


class Boxes:
    """`addresses`: of each box that is asked."""

    def __init__(self, addresses: Mapping[Part, str]) -> None:
        self._addresses = addresses
        self._seen: dict[Part, Seen] = {}
        self._had: set[Part] = set()  # that answered when there was mains last

    def take(self, part: Part, seen: Seen) -> None:
        """What the last ping said."""
        self._seen[part] = seen

    def look(self, mains: Mains, now_s: float) -> tuple[Box, ...]:
        """To be called at each look. `mains`: those of the unit."""
        return tuple(self._box(part, address, mains, now_s) for part, address in self._addresses.items())

    def _box(self, part: Part, address: str, mains: Mains, now_s: float) -> Box:
        seen = self._seen.get(part)
        reached = seen.reached if seen is not None and now_s - seen.at_s <= Pinger.fresh_s else None
        if reached is True and mains is not Mains.LOST:
            self._had.add(part)
        elif reached is False and mains is Mains.ON:
            self._had.discard(part)
        gone = reached is False and mains is Mains.LOST and part in self._had
        return Box(part, address, reached, seen.rtt_ms if seen is not None and reached else None, gone)
