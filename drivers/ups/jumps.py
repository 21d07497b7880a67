"""What a battery cannot do between two looks: pure. A value far from the last is believed when it has stayed where it
went; a chip that lost its power and begins anew does so, noise on the bus does not."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["AGREEING", "Steady"]

AGREEING = 3
"""Looks in a row near each other, far from what was."""


@dataclass
class Steady:
    """`step`: what may lie between two looks."""

    step: float
    last: float | None = None
    _candidate: float | None = None
    _agreed: int = 0

    def take(self, value: float) -> float | None:
        """The value, or None while it is doubted."""
        if self.last is None or abs(value - self.last) <= self.step:
            return self._believe(value)
        near = self._candidate is not None and abs(value - self._candidate) <= self.step
        self._candidate, self._agreed = value, self._agreed + 1 if near else 1
        return self._believe(value) if self._agreed >= AGREEING else None

    def _believe(self, value: float) -> float:
        self.last, self._candidate, self._agreed = value, None, 0
        return value
