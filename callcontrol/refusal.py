"""How a call that cannot be is refused: code, words for the caller's display, cause, and when to try again.

The edge finds out why and hands the call over (cfg/70-calls.cfg); what that is called in SIP is decided here. Pure. The
causes are those of ITU-T Q.850, carried in a Reason header (RFC 3326); codes and causes go together as in RFC 3398,
§7.2.4.1.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

__all__ = ["Refusal", "Why", "refuse"]

RETRY_SURVIVAL_S = 60
"""A platform that is away has been so for a while, and returns no sooner than its hold-down is over."""
RETRY_S = 10
"""A platform that has only missed this call may take the next."""


class Why(StrEnum):
    """The edge's words."""

    UNKNOWN = "unknown"  # a number that nobody here has
    OUTSIDE = "outside"  # a number outside, and no way out
    GONE = "gone"  # the platform died over the call, and nobody here has the number
    ABSENT = "absent"  # known here, not registered
    SILENT = "silent"  # registered, and does not say anything
    NO_ANSWER = "no_answer"  # it rang in vain
    BUSY = "busy"
    ILL = "ill"  # its phone answered with an error of its own
    ASKED = "asked"  # not refused: an extension that is not to be rung as a plain one
    BLOCKED = "blocked"  # a lost phone
    UNLIKE = "unlike"  # not refused: the phone has refused the caller's sound, not the call (codec, SRTP)
    INCOMING = "incoming"  # not refused: somebody calls a SIM of ours
    CODE = "code"  # not refused: what was dialled asks for something to be done (callcontrol.plan.codes)


@dataclass(frozen=True)
class Refusal:
    """A final answer to an INVITE. `phrase` is for people: Swedish first."""

    status: int
    phrase: str
    cause: int  # Q.850
    cause_text: str
    retry_after_s: int | None = None

    def headers(self) -> tuple[tuple[str, str], ...]:
        text = re.sub(r'(["\\])', r"\\\1", self.cause_text)  # quoted-string, RFC 3261 §25.1
        reason = ("Reason", f'Q.850;cause={self.cause};text="{text}"')
        return (reason,) if self.retry_after_s is None else (reason, ("Retry-After", str(self.retry_after_s)))


_NO_WAY = Refusal(480, "Ingen Väg Ut / No Way Out", 38, "network out of order")

_REFUSALS = {
    Why.UNKNOWN: Refusal(404, "Numret Finns Inte / Not Found", 1, "unallocated number"),
    # Not 503: a phone would take the unit itself for dead and leave it for its second proxy (RFC 3263 §4.3).
    Why.OUTSIDE: _NO_WAY,
    Why.GONE: _NO_WAY,
    Why.ABSENT: Refusal(480, "Inte Inloggad / Not Registered", 20, "subscriber absent"),
    Why.SILENT: Refusal(480, "Kan Inte Nås / Not Reachable", 20, "subscriber absent"),
    Why.NO_ANSWER: Refusal(480, "Inget Svar / No Answer", 19, "no answer"),
    Why.BUSY: Refusal(486, "Upptaget / Busy Here", 17, "user busy"),
    Why.ILL: Refusal(480, "Kan Inte Nås Nu / Temporarily Unavailable", 41, "temporary failure"),
    Why.ASKED: Refusal(480, "Kan Inte Nås Nu / Temporarily Unavailable", 41, "temporary failure"),
    Why.INCOMING: Refusal(480, "Ingen Svarar / Nobody Answers", 20, "subscriber absent"),
    Why.CODE: Refusal(480, "Koden Kan Inte Användas Nu / Code Not Available Now", 41, "temporary failure"),
    Why.UNLIKE: Refusal(488, "Inget Gemensamt Ljud / No Sound In Common", 88, "incompatible destination"),
    Why.BLOCKED: Refusal(480, "Kan Inte Nås / Not Reachable", 20, "subscriber absent"),
}


def refuse(why: Why, *, survival: bool) -> Refusal:
    """What the caller is told. `survival`: the unit is master; else the platform has only missed this call."""
    refusal = _REFUSALS[why]
    if refusal is not _NO_WAY:
        return refusal
    retry_after_s = RETRY_SURVIVAL_S if survival else RETRY_S
    return Refusal(refusal.status, refusal.phrase, refusal.cause, refusal.cause_text, retry_after_s)
