"""What excuses a breach in a storm: which faults, and for how long after them; one list for the rules of all files.

Narrow on purpose: what is excused here is what is not survived (docs/survival.md)."""

from __future__ import annotations

from hil.history import History
from hil.stormplan import Fault

__all__ = [
    "BACK_S", "CALLS", "CLOCK", "DEAD", "EDGE", "KNOWN_TO_EDGE_S", "LOSSY", "NORTH", "SHORT", "SPREAD_S", "UNIT",
    "disturbed", "excused",
]  # fmt: skip

SPREAD_S = 2.0
"""Facts of different sources are so far apart at the most."""
KNOWN_TO_EDGE_S = 10.0
"""A change stands in the edge's table so long after it was made, at the latest."""
BACK_S = 8.0
"""`calls` listens again so long after it was started anew, or goes on."""

EDGE = (Fault.EDGE_KILLED, Fault.EDGE_STOPPED)
UNIT = (Fault.UNIT_KILLED, Fault.UNIT_STOPPED, Fault.MEMORY_SHORT)
DEAD = (Fault.PLATFORM_KILLED, Fault.PLATFORM_STOPPED, Fault.LINE_DOWN, Fault.LINE_BLACKHOLE)
"""Platform or line give no sign of life at all."""
ILL = (Fault.PLATFORM_SLOW, Fault.PLATFORM_SICK, Fault.PLATFORM_AMNESIAC, Fault.PLATFORM_FLAPPING, Fault.LINE_LOSSY)
NORTH = (*DEAD, *ILL)
SHORT = (Fault.PLATFORM_FLAPPING, Fault.PLATFORM_AMNESIAC)
"""A platform that forgets, and is away for less than probes notice."""
CLOCK = (Fault.CLOCK_JUMP,)
LOSSY = (Fault.LINE_LOSSY,)
CALLS = (Fault.CALLS_KILLED, Fault.CALLS_STOPPED, Fault.CALLS_CRASHED, Fault.MEMORY_SHORT)
"""With `calls` dead or hung nobody is asked, told or led: the phone itself is the best that is known."""
STORE = (*UNIT, Fault.DISK_FULL, Fault.JOURNAL_LOCKED)
"""These keep a change from the edge."""


def disturbed(history: History, since: float, until: float) -> bool:
    """Whether messages or times between the two say little: this machine stood still, or the edge was not well."""
    return history.lagged(since, until) or history.troubled(since, until, EDGE)


def excused(history: History, since: float, until: float, faults: tuple[Fault, ...]) -> bool:
    """Whether the edge or the store were not well, or one of `faults` was there."""
    begin = since - KNOWN_TO_EDGE_S
    return (
        disturbed(history, begin, until)
        or history.troubled(begin, until, STORE)
        or history.turned(begin, until, CLOCK)
        or history.troubled(since - BACK_S, until, faults)
    )
