"""What the end of a telephone call means to the caller (RFC 3398 §8.2.6.1), and whether another modem may do better."""

from __future__ import annotations

from callcontrol.refusal import Refusal
from callcontrol.trunk.pool import Full

__all__ = ["PREEMPTED", "full", "hunts", "refusal_of"]

_NORMAL, _BUSY, _NO_ANSWER, _REJECTED = 16, 17, 19, 21
_NO_CHANNEL, _OUT_OF_ORDER = 34, 38

_STATUS = {
    1: (404, "Numret Finns Inte / Not Found", "unallocated number"),
    _NORMAL: (480, "Avslutat / Call Ended", "normal call clearing"),
    _BUSY: (486, "Upptaget / Busy Here", "user busy"),
    18: (480, "Inget Svar / No Answer", "no user responding"),
    _NO_ANSWER: (480, "Inget Svar / No Answer", "no answer"),
    20: (480, "Kan Inte Nås / Not Reachable", "subscriber absent"),
    _REJECTED: (403, "Avvisat / Rejected", "call rejected"),
    22: (410, "Numret Har Ändrats / Number Changed", "number changed"),
    28: (484, "Ofullständigt Nummer / Address Incomplete", "invalid number format"),
    31: (480, "Kan Inte Nås Nu / Temporarily Unavailable", "normal, unspecified"),
    55: (403, "Inte Tillåtet / Not Allowed", "incoming calls barred"),
    57: (403, "Inte Tillåtet / Not Allowed", "bearer capability not authorized"),
    87: (403, "Inte Tillåtet / Not Allowed", "user not member of CUG"),
}
PREEMPTED = Refusal(480, "Bruten För 112 / Cut For 112", 8, "preemption")
_NO_LINE = "Ingen Ledig Linje / No Line Free"


def refusal_of(cause: int | None) -> Refusal:
    """What a caller hears of a call that nobody took. Never 503: a phone would take the unit itself for dead."""
    if cause in _STATUS:
        status, phrase, text = _STATUS[cause]
        return Refusal(status, phrase, cause, text)
    return Refusal(480, "Kan Inte Nås Nu / Temporarily Unavailable", cause or _OUT_OF_ORDER, "network out of order")


def full(why: Full) -> Refusal:
    """What a caller hears whom no modem takes."""
    if why is Full.NO_MODEM:
        return Refusal(480, "Ingen Väg Ut / No Way Out", _OUT_OF_ORDER, "network out of order")
    return Refusal(480, _NO_LINE, _NO_CHANNEL, "no circuit available")


def hunts(cause: int | None) -> bool:
    """Whether the network has failed, and not the one who was called: then another modem may reach him."""
    return cause is None or cause in (27, _NO_CHANNEL, _OUT_OF_ORDER, 41, 42, 47, 58)
