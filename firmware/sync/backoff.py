"""How long to wait before the hub is tried again: ever longer, by chance, so that a region's units do not come back all
at once. Pure: chance is given."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["FIRST_S", "MOST_S", "BackOff"]

FIRST_S = 1.0
MOST_S = 300.0
OBEYED_MAX_S = 3600.0
"""A hub that says when to come again is obeyed so far; further, and a mistake at the hub would silence a region."""


@dataclass(frozen=True, slots=True)
class BackOff:
    """What failed `failures` times without a break."""

    failures: int = 0

    def failed(self) -> BackOff:
        return BackOff(self.failures + 1)

    def pause_s(self, chance: float, asked_s: float = 0.0) -> float:
        """`chance` from 0 to 1; `asked_s`: what the hub asked for (Retry-After), which is never undercut.

        Between half of the bound and all of it (equal jitter): two units that failed at once drift apart, and neither
        comes at once again."""
        bound = min(MOST_S, FIRST_S * 2.0 ** min(max(0, self.failures - 1), 12))
        own = bound / 2 + chance * bound / 2
        asked = min(asked_s, OBEYED_MAX_S)
        return own if asked <= own else asked * (1 + 0.1 * chance)
