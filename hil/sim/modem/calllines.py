"""What is said of a call: the lines of each model, as text.

27.007 §7.11 +CLIP, §7.18 +CLCC; Quectel: +QIND: "ccinfo", ^DSCI; SIMCom: MISSED_CALL."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from hil.sim.modem.network import Call, Cause
from hil.sim.modem.timers import Timer

__all__ = ["ENDS", "ModemCall", "Stat", "ccinfo", "clcc", "clip", "dsci", "missed"]


class Stat:
    """`<stat>` of +CLCC; 6 is SIMCom's for one that has ended."""

    ACTIVE, HELD, DIALING, ALERTING, INCOMING, WAITING, ENDED = range(7)


DSCI = {
    Stat.HELD: 1,
    Stat.DIALING: 2,
    Stat.ACTIVE: 3,
    Stat.INCOMING: 4,
    Stat.WAITING: 5,
    Stat.ENDED: 6,
    Stat.ALERTING: 7,
}
"""Quectel's numbers of the same, in ^DSCI."""
ENDS = {Cause.BUSY: "BUSY", Cause.NO_ANSWER: "NO ANSWER"}
"""The result that says why; NO CARRIER for all others (27.007 §6.3)."""


@dataclass(eq=False)
class ModemCall:
    """One call as the modem has it."""

    index: int
    call: Call
    outgoing: bool
    stat: int
    number: str
    withheld: bool = False
    ring: Timer | None = None


def clcc(held: ModemCall, stat: int, *, numbered: bool = True) -> str:
    """Without its name."""
    first = f"{held.index},{_way(held)},{stat},0,0"
    return f'{first},"{held.number}",{_toa(held.number)}' if numbered else first


def ccinfo(held: ModemCall, *, ended: bool) -> str:
    """Quectel's."""
    stat = -1 if ended else held.stat
    return f'+QIND: "ccinfo",{held.index},{_way(held)},{stat},0,0,"{held.number}",{_toa(held.number)}'


def dsci(held: ModemCall, *, ended: bool) -> str:
    """Quectel's."""
    stat = DSCI[Stat.ENDED if ended else held.stat]
    return f"^DSCI: {held.index},{_way(held)},{stat},0,{held.number},{_toa(held.number)}"


def clip(held: ModemCall, *, numbered: bool) -> str:
    """Who calls; 1 at the end: withheld by its caller."""
    if held.withheld or not numbered:
        return '+CLIP: "",128,,,,1'
    return f'+CLIP: "{held.number}",{_toa(held.number)},,,,0'


def missed(held: ModemCall, when: datetime) -> str:
    """SIMCom's."""
    return f"MISSED_CALL: {when:%I:%M%p} {held.number}".rstrip()


def _way(held: ModemCall) -> int:
    return 0 if held.outgoing else 1


def _toa(number: str) -> int:
    """Type of address, 24.008 §10.5.4.7."""
    if not number:
        return 128
    return 145 if number.startswith("+") else 129
