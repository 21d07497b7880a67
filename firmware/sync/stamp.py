"""Hybrid logical clock (Kulkarni et al., 2014): stamps that order what is set in several places. Pure.

    MMMMMMMMMMMM-CCCC-NODE     12 hexadecimal digits of ms since 1970, 4 of a counter, whose clock: text order is order

A stamp is later than all that its maker had seen, and near the time at which it was made, as far as clocks are right.
How far one may be ahead of somebody else's clock is bounded: by DRIFT_MAX_MS, beyond which it is not followed.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Self

__all__ = ["DRIFT_MAX_MS", "HUB", "Stamp", "after", "is_ahead", "settled"]

DRIFT_MAX_MS = 300_000
COUNTER_MAX = 0xFFFF
MS_MAX = (1 << 48) - 1
HUB = "hub"
"""The node that the hub's own stamps have; a unit's have its epoch (firmware/store/outbox.py)."""

_FORM = re.compile(r"([0-9a-f]{12})-([0-9a-f]{4})-([a-z0-9](?:[a-z0-9-]{0,30}[a-z0-9])?)")


@dataclass(frozen=True, slots=True, order=True)
class Stamp:
    """Ordered as its text is."""

    ms: int
    counter: int
    node: str

    @classmethod
    def of(cls, text: str) -> Self:
        """Raises ValueError."""
        found = _FORM.fullmatch(text)
        if found is None:
            raise ValueError(f"stamp: {text[:40]!r} is none")
        return cls(int(found[1], 16), int(found[2], 16), found[3])

    def __str__(self) -> str:
        return f"{self.ms:012x}-{self.counter:04x}-{self.node}"


def after(last: str, now_ms: int, node: str) -> str:
    """The next stamp of whoever has seen `last` ("" for nothing yet), at `now_ms`."""
    now_ms = min(max(now_ms, 0), MS_MAX)
    seen = Stamp.of(last) if last else None
    if seen is None or now_ms > seen.ms:
        return str(Stamp(now_ms, 0, node))
    if seen.counter < COUNTER_MAX:
        return str(Stamp(seen.ms, seen.counter + 1, node))
    return str(Stamp(seen.ms + 1, 0, node))


def is_ahead(stamp: str, now_ms: int) -> bool:
    """Further than clocks may differ."""
    return Stamp.of(stamp).ms > now_ms + DRIFT_MAX_MS


def settled(stamp: str | None, last: str, now_ms: int) -> tuple[str, bool]:
    """The stamp that counts everywhere for what came with `stamp` at the hub, which has given out `last`; and whether
    it is another than came. One from the future, and none, are as if it was set when it came; the node stays."""
    if stamp is not None and not is_ahead(stamp, now_ms):
        return stamp, False
    return after(last, now_ms, Stamp.of(stamp).node if stamp else HUB), True
