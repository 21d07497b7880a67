"""What must hold of the ways out of a building, and in: calls by modem, and short messages. Beside hil/invariants.py,
and like it pure; that 112 finds a way is judged there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from callcontrol.trunk.smsqueue import State
from hil.excuses import CALLS, CLOCK, MODEM_BACK_S, SPREAD_S, STORE, WAYS, excused, modem_well
from hil.history import Call, History
from hil.invariants import BY_MODEM, EMERGENCIES, GATEWAY, PATIENCE_S, TRACED_S, Breach
from hil.outsideseen import NetworkCall
from hil.stormdeeds import REFERRED_MOBILE, Do

__all__ = ["REACHING_RULES", "reaching_breaches"]

HELD_S = 12.0
"""A modem has hung up so long after the last of its people inside."""
DIALLED_S = 30.0
"""Whoever dialled longer ago is not whom a modem dials for now."""
FAREWELL_S = 18.0
"""Who made way for 112 hears why until then."""
TURN_S = 5.0
"""A call to 112 has come to a modem by then, and cut what was there."""
TEXT_S = 30.0
"""By then a text is given to a modem, which the network may put off."""
OUT_OF_THE_UNIT = (State.SENT, State.DELIVERED)

Rule = Callable[[History, float], Iterator[Breach]]


def reaching_breaches(history: History, now: float) -> list[Breach]:
    """All that is broken by now."""
    return [breach for rule in REACHING_RULES.values() for breach in rule(history, now)]


def hung_up(history: History, now: float) -> Iterator[Breach]:
    """A modem's call ends when those inside have ended: no line is held open."""
    for index, held in history.outside.calls.items():
        if held.incoming or held.over_at is not None:
            continue
        ends = [_over_at(call) for call in history.calls.values() if _may_be(call, held)]
        known = [end for end in ends if end is not None]
        if not ends or len(known) < len(ends):
            continue
        since = max(*known, held.at)
        if now - since < HELD_S or not modem_well(history, held.modem, since - SPREAD_S, now):
            continue
        if held.emergency or not history.troubled(since - SPREAD_S, now, CALLS):
            yield Breach(
                "hung_up",
                now,
                f"{held.modem} holds call {index} to {held.number} for {now - since:.0f} s after its end",
            )


def first(history: History, now: float) -> Iterator[Breach]:
    """A lesser call makes way for 112: while the unit is master the modems come first, and only another call to 112
    keeps one of them."""
    for call in history.calls.values():
        if call.do not in EMERGENCIES or now - call.at < PATIENCE_S:
            continue
        leg = call.called.get(GATEWAY)
        if leg is None or leg.answered_at is None:
            continue
        if history.mode_all_over(call.at - SPREAD_S, call.at + TURN_S) != "SURVIVAL":
            continue
        others = history.outside.calls.values()
        for other in others:
            lesser = not (other.emergency or other.incoming)
            stayed = (
                other.up_at is not None
                and other.up_at < call.at - SPREAD_S
                and (other.over_at is None or other.over_at > call.at + TURN_S)
            )
            if lesser and stayed and modem_well(history, other.modem, call.at - SPREAD_S, call.at + TURN_S):
                yield Breach(
                    "first", now, f"[{call.label}] 112 did not go by {other.modem}, which had a call to {other.number}"
                )


def uncut_outside(history: History, now: float) -> Iterator[Breach]:
    """A call by modem is ended by nobody but those who talk, and lesser ones by 112."""
    for call in history.calls.values():
        heard = call.calling.bye_heard_at if call.calling else None
        if call.do not in BY_MODEM or call.called or heard is None or call.answered_at is None:
            continue
        if now - heard < SPREAD_S + TRACED_S or excused(history, call.answered_at, heard, (*WAYS, *CALLS)):
            continue
        made_way = call.do is Do.CALL_OUT and any(
            other.emergency and heard - FAREWELL_S < other.at < heard for other in history.outside.calls.values()
        )
        if not made_way:
            yield Breach("uncut_outside", now, f"[{call.label}] to {call.callee} was cut after it was answered")


def told_outside(history: History, now: float) -> Iterator[Breach]:
    """Who calls outside while the unit is master is connected, or told soon that they are not."""
    for call in history.calls.values():
        if call.do is not Do.CALL_OUT or call.settled_at is not None or now - call.at < PATIENCE_S + TRACED_S:
            continue
        until = call.at + PATIENCE_S
        in_survival = history.mode_all_over(call.at - SPREAD_S, until) == "SURVIVAL"
        if in_survival and not excused(history, call.at, until, (*WAYS, *CALLS)):
            yield Breach("told_outside", now, f"[{call.label}] to {call.callee}: no answer in {PATIENCE_S:g} s")


def texted(history: History, now: float) -> Iterator[Breach]:
    """A text that was acknowledged is in the queue; what is said to be sent the network has taken; and what can go,
    goes."""
    seen = history.outside
    if seen.states is None:
        return
    at, states = seen.states
    for name, (since, number, text) in seen.queued.items():
        state = states.get(name)
        taken = seen.taken[number, text]
        if state is None and at > since + SPREAD_S:
            yield Breach("texted", now, f"{text!r} of {now - since:.0f} s ago is not in the queue")
        elif state in OUT_OF_THE_UNIT and not taken:
            yield Breach("texted", now, f"{text!r} is {state}, and the network never had it")
        elif (
            state is State.WAITING
            and name not in seen.tried
            and at - since > TEXT_S
            and not excused(history, since - MODEM_BACK_S, at, WAYS)
        ):
            yield Breach("texted", now, f"{text!r} waits for a modem since {at - since:.0f} s")


def texted_once(history: History, now: float) -> Iterator[Breach]:
    """No text comes twice, and no command has two receipts."""
    seen = history.outside
    # A clock that is ahead has all that is in doubt sent once more.
    if history.troubled(history.began, now, (*CLOCK, *STORE)):
        return
    receipts = 0
    for (number, text), times in seen.delivered.items():
        if number == REFERRED_MOBILE:
            receipts += times
        elif times > 1:
            yield Breach("texted_once", now, f"{text!r} came {times} times")
    if receipts > seen.commands:
        yield Breach("texted_once", now, f"{receipts} receipts for {seen.commands} texts")


REACHING_RULES: dict[str, Rule] = {
    rule.__name__: rule for rule in (hung_up, first, uncut_outside, told_outside, texted, texted_once)
}


def _may_be(call: Call, held: NetworkCall) -> bool:
    """Whether the modem dials for this one."""
    if not held.at - DIALLED_S < call.at < held.at + SPREAD_S:
        return False
    if held.emergency:
        return call.do in EMERGENCIES
    return call.do is Do.CALL_OUT and "+46" + call.callee.removeprefix("00") == held.number


def _over_at(call: Call) -> float | None:
    """When it was over for who called; None: it is not."""
    leg = call.calling
    if leg is None:
        return call.over_at
    refused = leg.coded_at if leg.code is not None and leg.code >= 300 and call.settled_at else None
    ends = (leg.bye_sent_at, leg.bye_heard_at, leg.cancel_sent_at, refused, call.over_at)
    return min((end for end in ends if end is not None), default=None)
