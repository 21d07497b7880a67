"""What must hold for extensions that are no plain ones, while the unit is master: beside hil/invariants.py, and like it
pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

from hil.excuses import CALLS, CLOCK, EDGE, KNOWN_TO_EDGE_S, NORTH, SPREAD_S, excused
from hil.history import Absence, Call, History
from hil.invariants import INSIDE, PATIENCE_S, TRACED_S, Breach, may_be_reached
from hil.phone.hearing import Heard
from hil.stormdeeds import APART, BUSY, MAILED, NOBODY, RINGER, STANDIN, Do

__all__ = ["ABSENT_RULES", "absent_breaches"]

ANSWERED, NOT_HERE, GIVEN_UP = 200, 480, 487
RINGING = (*INSIDE, Do.GIVE_UP, Do.CALL_AWAY, Do.CALL_MOVED)
PEOPLE = (Do.CALL_AWAY, Do.CALL_MOVED, Do.CALL_LOST)
ASKED_FIRST = frozenset((MAILED, RINGER, *APART))
"""No plain ones: `calls` is asked before anybody rings."""
IN_VAIN = frozenset((NOBODY, BUSY))
"""Whom those who hear call in vain: `calls` is asked once, whatever comes of it, as it is for a code."""
OUTSIDE_TIMES = 2
"""A call outside, or from there, is asked about, and again where nobody takes it."""
HANDED_MORE = 3
"""Calls that were begun and are not in the history yet."""

Rule = Callable[[History, float], Iterator[Breach]]


def absent_breaches(history: History, now: float) -> list[Breach]:
    """All that is broken by now."""
    return [breach for rule in ABSENT_RULES.values() for breach in rule(history, now)]


def away(history: History, now: float) -> Iterator[Breach]:
    """Who is referred is not rung: the caller is told so, or comes to the one who answers instead."""
    for call, until in _in_survival(history, Do.CALL_AWAY, now):
        absence = _in_force(history, call.at, until)
        if absence is not None and not excused(history, call.at, until, CALLS):
            yield from _led_on(history, call, until, "away", absence.stands_in, now)


def moved(history: History, now: float) -> Iterator[Breach]:
    """Who is forwarded always is not rung, but the one to whom."""
    for call, until in _in_survival(history, Do.CALL_MOVED, now):
        if not excused(history, call.at, until, CALLS):
            yield from _led_on(history, call, until, "moved", STANDIN, now)


def lost(history: History, now: float) -> Iterator[Breach]:
    """A blocked phone is not rung, whatever of ours is dead."""
    for call, until in _in_survival(history, Do.CALL_LOST, now):
        if not excused(history, call.at, until, ()) and _rang(call, "lost"):
            yield Breach("lost", now, f"[{call.label}] a blocked phone was rung")


def told_once(history: History, now: float) -> Iterator[Breach]:
    """A change that was acknowledged stands in the journal, and once in the outbox; none is told twice."""
    if history.changes is None:
        return
    at, told, kept = history.changes
    for name, times in told.items():
        if times > 1:
            yield Breach("told_once", now, f"change {name} stands {times} times in the outbox")
    for absence in history.absences:
        for name, since in ((absence.id, absence.known_at), (absence.opening, absence.opened_at)):
            if since is not None and at > since + SPREAD_S and (name not in told or name not in kept):
                yield Breach("told_once", now, f"change {name} of {now - since:.0f} s ago is lost")


def plain(history: History, now: float) -> Iterator[Breach]:
    """A call to a plain phone that answers never comes to `calls`."""
    if history.handed is None:
        return
    at, handed = history.handed
    others = sum(_may_come(history, call, at) for call in history.calls.values() if call.at <= at)
    # Of their calls alone: who was called by the unit, or by another, has no label; but may be sent on to a code.
    heard = (one for one in history.heard_calls if (one.label or _is_code(one)) and one.began_at <= at)
    others += sum(_of_one_who_hears(history, one, at) for one in heard)
    others += OUTSIDE_TIMES * sum(call.incoming and call.at <= at for call in history.outside.calls.values())
    if handed > others + HANDED_MORE:
        yield Breach("plain", now, f"{handed} calls came to Python, {others} at the most may have")


ABSENT_RULES: dict[str, Rule] = {rule.__name__: rule for rule in (away, moved, lost, told_once, plain)}


def _may_come(history: History, call: Call, at: float) -> int:
    """How often a call may have come to `calls` by then: before it rings, where it is to no plain one, and when nobody
    answered."""
    if not _decided_here(history, call.at, min(call.settled_at or at, at)):
        return 0
    asked = int(call.do in PEOPLE) + OUTSIDE_TIMES * (call.do is Do.CALL_OUT)
    code = call.calling.code if call.calling and (call.settled_at or at) <= at else None
    in_vain = call.do in RINGING and code not in (ANSWERED, GIVEN_UP)
    return asked + in_vain


def _of_one_who_hears(history: History, one: Heard, at: float) -> int:
    """The same of a call of those who hear, whom the unit itself may have answered."""
    if not _decided_here(history, one.began_at, min(one.over_at or at, at)):
        return 0
    if one.peer in IN_VAIN or _is_code(one):
        return 1
    return int(one.peer in ASKED_FIRST) + (one.code not in (ANSWERED, GIVEN_UP))


def _is_code(one: Heard) -> bool:
    return one.peer.startswith(("*", "%23"))


def _decided_here(history: History, at: float, until: float) -> bool:
    """Whether the unit may have had to do with it. A platform that is ill has single calls diverted in any mode."""
    since = at - SPREAD_S
    in_peace = not history.troubled(since, until, (*NORTH, *EDGE, *CLOCK))
    return not (in_peace and history.mode_all_over(since, until) == "NORMAL")


def _in_survival(history: History, do: Do, now: float) -> Iterator[tuple[Call, float]]:
    """Calls of this kind that the unit decided, with the time by which it is known how they went."""
    for call in history.calls.values():
        until = call.settled_at or call.at + PATIENCE_S
        known = call.settled_at is not None or now - call.at > PATIENCE_S + TRACED_S
        if call.do is do and known and history.mode_all_over(call.at - SPREAD_S, until) == "SURVIVAL":
            yield call, until


def _in_force(history: History, since: float, until: float) -> Absence | None:
    """The referral that the edge must know of from a time to another."""
    for absence in history.absences:
        over = absence.ended_from is not None and absence.ended_from <= until
        if absence.known_at + KNOWN_TO_EDGE_S < since and not over:
            return absence
    return None


def _rang(call: Call, label: str) -> bool:
    return label in call.called and bool(call.called[label].invited)


def _led_on(history: History, call: Call, until: float, label: str, stands_in: str, now: float) -> Iterator[Breach]:
    if _rang(call, label):
        yield Breach(label, now, f"[{call.label}] {call.callee} was rung")
    elif not stands_in:
        code = call.calling.code if call.calling else None
        if code != NOT_HERE:
            yield Breach(label, now, f"[{call.label}] code {code} for one who is away")
    elif call.answered_at is None and may_be_reached(history, replace(call, callee=stands_in), until):
        yield Breach(label, now, f"[{call.label}] {stands_in} did not answer instead")
