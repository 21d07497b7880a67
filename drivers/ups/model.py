"""What a source of power tells, whichever device it is: one `Reading`, in which whatever is not known is None.

Times are of the loop's monotonic clock, in seconds. A source tells what its device says, bounded and in these units; it
keeps nothing that has grown old, joins nothing and decides nothing: how old a reading may be, who is believed and what
follows is `firmware/power`'s."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol, runtime_checkable

__all__ = [
    "EVERY_S",
    "Mains",
    "Part",
    "Reading",
    "Source",
    "Trouble",
    "bounded",
    "unknown",
]

EVERY_S = 5.0
"""A source tells at least this often, changed or not; each change of `mains`, `low`, `halt` and `trouble` at once."""


class Mains(StrEnum):
    """Whether the source itself is fed."""

    ON = "on"
    LOST = "lost"
    UNKNOWN = "unknown"


class Part(StrEnum):
    """What hangs on a source. A setting: no device knows it."""

    UNIT = "unit"
    SWITCH = "switch"
    ROUTER = "router"
    FIBRE = "fibre"


class Trouble(StrEnum):
    """Why something is not known, the one table of all sources. The values beside it in a reading may still be good:
    a UPS that wants its battery replaced tells its charge."""

    WAITING = "waiting"
    """The source has just begun, or its server has not heard its device yet (NUT's WAIT)."""
    UNREACHABLE = "unreachable"
    """Nobody answers: no server, no such device on the bus, no such line, no chip."""
    SILENT = "silent"
    """It was there and did not answer in time."""
    STALE = "stale"
    """It answers, with what is too old to be believed, or with what cannot have stood still for so long."""
    REFUSED = "refused"
    """It wants another name, password or right, or another process has it: a pin, the unit itself while it runs."""
    UNKNOWN_DEVICE = "unknown_device"
    """Whoever answers is not, or has not, what the configuration says."""
    NONSENSE = "nonsense"
    """It answered with what cannot be: garbage, outside every range, a jump that no battery makes."""
    MISSING = "missing"
    """It does not say whether there is mains."""
    UNSETTLED = "unsettled"
    """The line bounces; neither level has stood for as long as it must."""
    UNPROVED = "unproved"
    """Which level of the line means mains has not been seen yet."""
    REPLACE_BATTERY = "replace_battery"
    OVERLOADED = "overloaded"
    CALIBRATING = "calibrating"
    """It runs on its battery by its own order, with mains there."""
    BYPASSED = "bypassed"
    """What hangs on it has mains unguarded, and goes with it."""
    OFF = "off"
    """It feeds nothing."""


@dataclass(frozen=True, slots=True)
class Reading:
    """One look at one source. None is "not known", and never means good.

    `at_s`: when it was measured, not when it was passed on; of a server that does not say, when it was asked for.
    """

    at_s: float
    mains: Mains = Mains.UNKNOWN
    charging: bool | None = None
    volts: float | None = None
    """At the battery, under the load of that moment."""
    amps: float | None = None
    """Out of the battery is positive."""
    watts: float | None = None
    """Drawn by what hangs on it."""
    load_percent: float | None = None
    """Of what it can feed."""
    charge_percent: float | None = None
    """As the gauge says, 0 to 100."""
    minutes: float | None = None
    """Its own figure of what is left."""
    low: bool | None = None
    halt: bool = False
    """It orders a halt (NUT's FSD)."""
    celsius: float | None = None
    """Of the battery, or of what is nearest to it."""
    trouble: str | None = None
    """A value of Trouble."""


class Source(Protocol):
    """One device. `fresh_s`: how long a reading of it may be believed, if nothing newer comes."""

    @property
    def name(self) -> str: ...

    @property
    def fresh_s(self) -> float: ...

    async def run(self, told: Callable[[Reading], None]) -> None:
        """Until cancelled; `told` is called in the loop. Nothing that the device does ends it or is raised."""

    async def close(self) -> None:
        """Lets the device go. May be called twice, and without `run`."""


def unknown(at_s: float, trouble: Trouble) -> Reading:
    """Of a source that tells nothing."""
    return Reading(at_s, trouble=trouble)


def bounded(value: float | None, low: float, high: float) -> float | None:
    """The value if it is a number within these bounds, else None."""
    return value if value is not None and math.isfinite(value) and low <= value <= high else None


@runtime_checkable
class Tested(Protocol):
    """A source whose battery can be tried by order."""

    async def order_test(self, command: str) -> Trouble | None:
        """Why it did not take the order; None: it did."""
        ...
