"""When a reading is worth telling: what others decide by at once, the rest now and then; and who may ask how often of
what does not answer. Pure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from drivers.ups.model import EVERY_S, Reading

__all__ = ["TOLD_S", "BackOff", "Teller"]

TOLD_S = EVERY_S / 2
"""An unchanged reading is told again when the last is so old; what is looked at this often is told each `EVERY_S`."""


@dataclass
class Teller:
    """Hands on what is new. `told` is called with what is worth it."""

    told: Callable[[Reading], None]
    last: Reading | None = None

    def tell(self, reading: Reading) -> None:
        last = self.last
        if last is None or _signs(reading) != _signs(last) or reading.at_s - last.at_s >= TOLD_S:
            self.last = reading
            self.told(reading)


@dataclass
class BackOff:
    """`first_s`, then twice as long each time, `most_s` at most."""

    first_s: float
    most_s: float
    _next_s: float = field(init=False)

    def __post_init__(self) -> None:
        self._next_s = self.first_s

    def failed(self) -> float:
        """How long to leave it alone now."""
        wait_s, self._next_s = self._next_s, min(2 * self._next_s, self.most_s)
        return wait_s

    def worked(self) -> None:
        self._next_s = self.first_s


def _signs(reading: Reading) -> tuple[object, ...]:
    return reading.mains, reading.low, reading.halt, reading.trouble, reading.charging
