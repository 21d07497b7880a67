"""What excuses a breach in a storm: which faults, and for how long after them; one list for the rules of all files.

Narrow on purpose: what is excused here is what is not survived (docs/survival.md)."""

from __future__ import annotations

from hil.history import History
from hil.stormplan import Fault

__all__ = [
    "BACK_S", "CALLS", "CLOCK", "DATA", "DEAD", "EDGE", "GATEWAY", "HALTED", "KNOWN_TO_EDGE_S", "LOSSY", "MODEM_BACK_S",
    "NORTH", "SHORT", "SPREAD_S", "STORE", "TRUNK", "UNIT", "WAYS", "disturbed", "excused", "modem_well",
]  # fmt: skip

SPREAD_S = 2.0
"""Facts of different sources are so far apart at the most."""
KNOWN_TO_EDGE_S = 10.0
"""A change stands in the edge's table so long after it was made, at the latest."""
BACK_S = 8.0
"""`calls` listens again so long after it was started anew, or goes on."""

HALTED = (Fault.POWER_HALTED,)
"""All of the unit, as it wants it to be."""
EDGE = (Fault.EDGE_KILLED, Fault.EDGE_STOPPED, *HALTED)
UNIT = (Fault.UNIT_KILLED, Fault.UNIT_STOPPED, Fault.MEMORY_SHORT, *HALTED)
DEAD = (Fault.PLATFORM_KILLED, Fault.PLATFORM_STOPPED, Fault.LINE_DOWN, Fault.LINE_BLACKHOLE)
"""Platform or line give no sign of life at all."""
ILL = (
    Fault.PLATFORM_SLOW,
    Fault.PLATFORM_SICK,
    Fault.PLATFORM_AMNESIAC,
    Fault.PLATFORM_FLAPPING,
    Fault.LINE_LOSSY,
    Fault.LINE_CUT,
)
NORTH = (*DEAD, *ILL)
SHORT = (Fault.PLATFORM_FLAPPING, Fault.PLATFORM_AMNESIAC)
"""A platform that forgets, and is away for less than probes notice."""
CLOCK = (Fault.CLOCK_JUMP,)
LOSSY = (Fault.LINE_LOSSY,)
CALLS = (Fault.CALLS_KILLED, Fault.CALLS_STOPPED, Fault.CALLS_CRASHED, Fault.MEMORY_SHORT, *HALTED)
"""With `calls` dead or hung nobody is asked, told or led: the phone itself is the best that is known."""
STORE = (*UNIT, Fault.DISK_FULL, Fault.JOURNAL_LOCKED)
"""These keep a change from the edge."""

GATEWAY = (Fault.GATEWAY_DEAD,)
TRUNK = (Fault.TRUNK_KILLED, Fault.MEMORY_SHORT, *HALTED)
AT_MODEM = {
    "m1": (Fault.MODEM_UNPLUGGED, Fault.MODEM_HUNG, Fault.NETWORK_LOST),
    "m2": (Fault.KEPT_UNPLUGGED, Fault.KEPT_HUNG, Fault.NETWORK_LOST),
}
WAYS = (*GATEWAY, *TRUNK, *AT_MODEM["m1"], *AT_MODEM["m2"])
DATA = (Fault.CELL_GONE, Fault.CELL_LOSSY, Fault.TUNNEL_KILLED, Fault.DATA_KILLED, Fault.DATA_STOPPED)
"""The path by data is not there, or bears nothing."""
TRUNK_BACK_S, MODEM_BACK_S = 12.0, 30.0
"""So long after it is whole a process or a modem has its network again, for certain."""


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


def modem_well(history: History, modem: str, since: float, until: float) -> bool:
    """Whether a call could go by it all the time."""
    return not (
        history.lagged(since, until)
        or history.troubled(since - KNOWN_TO_EDGE_S, until, EDGE)
        or history.turned(since - KNOWN_TO_EDGE_S, until, CLOCK)
        or history.troubled(since - TRUNK_BACK_S, until, TRUNK)
        or history.troubled(since - MODEM_BACK_S, until, AT_MODEM[modem])
    )
