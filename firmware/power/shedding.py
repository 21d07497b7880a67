"""What is switched off to make a battery last, in which order, and when it is switched on again. Pure.

The table is the configuration's (phones.py): each load has its minutes. Phones of the reception, on call, protected and
for emergencies come after all else, whatever their minutes. One step at a time, so that what it gained is
seen before the next; what carries a call is let be while it does: a modem however long, phones `CALLS_WAIT_S`. All
comes back in the reverse order, one after the other: when mains has been back for `MAINS_BACK_S`, when the minutes have
been well above the threshold for `ENOUGH_BACK_S`, or when nothing has been known for `UNKNOWN_BACK_S`: a dark phone is
worse than a wrong gauge.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from drivers.ups.model import Part
from firmware.power.states import Powered, PowerState

__all__ = ["Order", "Role", "Sheddable", "Shedding", "gain_minutes", "in_order"]

SETTLE_S = 20.0
"""Between two steps: a gauge and an estimate need so long to show the first."""
MAINS_BACK_S = 60.0
ENOUGH_BACK_S = 300.0
ENOUGH = 1.25
ENOUGH_MORE_MIN = 5.0
"""Well above: so many times the minutes, and so many more."""
UNKNOWN_BACK_S = 1_800.0
CALLS_WAIT_S = 600.0


class Role(StrEnum):
    """Whose phones; in the order in which they are shed."""

    REST = "rest"
    RECEPTION = "reception"
    ON_CALL = "on_call"
    PROTECTED = "protected"
    EMERGENCY = "emergency"


@dataclass(frozen=True, slots=True)
class Sheddable:
    """One line of the table. `watts` 0: not known."""

    name: str
    kind: str
    part: Part
    at_minutes: float
    role: Role = Role.REST
    watts: float = 0.0


@dataclass(frozen=True, slots=True)
class Order:
    """Switch this off, or on. `why`: minutes, mains, enough, unknown. `gain`: minutes, None where not known."""

    name: str
    off: bool
    why: str
    minutes: float | None = None
    gain: float | None = None


def in_order(loads: Iterable[Sheddable]) -> tuple[Sheddable, ...]:
    """The first that goes first."""
    roles = list(Role)
    return tuple(sorted(loads, key=lambda load: (roles.index(load.role), -load.at_minutes, load.name)))


def gain_minutes(minutes: float | None, watts: float, all_watts: float | None) -> float | None:
    """What is gained by drawing so much less, of a battery that gives `minutes` at `all_watts`."""
    if minutes is None or all_watts is None or not 0 < watts < all_watts:
        return None
    return minutes * watts / (all_watts - watts)


class Shedding:
    """Remembers when it last ordered something. `off` at the beginning: what is shed already."""

    def __init__(self, loads: Iterable[Sheddable]) -> None:
        self.loads = in_order(loads)
        self._stepped_s: float | None = None
        self._enough_s: dict[str, float] = {}  # since when each could be on again
        self._waits_s: dict[str, float] = {}  # since when each waits for a call

    def order(
        self,
        powered: Powered,
        minutes: Mapping[Part, float | None],
        off: Collection[str],
        now_s: float,
        *,
        watts: Mapping[Part, float | None] | None = None,
        busy: Collection[str] = (),
        empty: Collection[str] = (),
    ) -> Order | None:
        """What is to be done now, if anything. `busy`: loads that carry a call; `empty`: those with nothing in them to
        switch off."""
        self._look(powered, minutes, now_s)
        if self._stepped_s is not None and now_s - self._stepped_s < SETTLE_S:
            return None
        found = self._next_off(powered, minutes, {*off, *empty}, now_s, watts or {}, busy)
        found = found or self._next_on(powered, off, now_s)
        if found is not None:
            self._stepped_s = now_s
        return found

    def _look(self, powered: Powered, minutes: Mapping[Part, float | None], now_s: float) -> None:
        for load in self.loads:
            left = minutes.get(load.part)
            if left is not None and left > load.at_minutes * ENOUGH + ENOUGH_MORE_MIN:
                self._enough_s.setdefault(load.name, now_s)
            else:
                self._enough_s.pop(load.name, None)
        if powered.state not in (PowerState.BATTERY, PowerState.LOW):
            self._waits_s.clear()

    def _next_off(
        self,
        powered: Powered,
        minutes: Mapping[Part, float | None],
        off: Collection[str],
        now_s: float,
        watts: Mapping[Part, float | None],
        busy: Collection[str],
    ) -> Order | None:
        if powered.state not in (PowerState.BATTERY, PowerState.LOW):
            return None
        waiting: Sheddable | None = None
        for load in self.loads:
            left = minutes.get(load.part)
            if load.name in off or left is None or left > load.at_minutes:
                continue
            if load.role is not Role.REST and waiting is not None:
                return None  # those come after all else
            if load.name in busy:
                waits_s = now_s - self._waits_s.setdefault(load.name, now_s)
                if load.kind == "modem" or waits_s < CALLS_WAIT_S:
                    waiting = load
                    continue
            return Order(load.name, True, "minutes", left, gain_minutes(left, load.watts, watts.get(load.part)))
        return None

    def _next_on(self, powered: Powered, off: Collection[str], now_s: float) -> Order | None:
        lasted_s = now_s - powered.since_s
        for load in reversed(self.loads):
            if load.name not in off:
                continue
            if powered.state is PowerState.MAINS and lasted_s >= MAINS_BACK_S:
                return Order(load.name, False, "mains")
            if powered.state is PowerState.UNKNOWN and lasted_s >= UNKNOWN_BACK_S:
                return Order(load.name, False, "unknown")
            enough_s = self._enough_s.get(load.name)
            if powered.state is PowerState.BATTERY and enough_s is not None and now_s - enough_s >= ENOUGH_BACK_S:
                return Order(load.name, False, "enough")
        return None
