"""What must hold of power, judged from what was seen (hil/powered/seen.py). Pure; seconds.

Each rule is a function of what was seen and the time of now that yields its breaches. Where so many sources lie that
the others are not more, nobody can know; that is the one excuse. `POWER_RULES` names the rules."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from firmware.power.shedding import Role
from hil.invariants import Breach
from hil.powered.seen import Deed, Look, PowerSeen, Span

__all__ = ["POWER_RULES", "Breach", "power_breaches"]

SEES_S = 20.0
"""A source of the slowest kind has told of a change by then, and the policy has looked."""
STEP_S = 2.0
"""Facts of one moment are so far apart at the most."""
TRANSFERS_S = 5.0
"""A line tells of mains that is back so long before a UPS goes over to it."""
TELLING_S, FLUSHING_S, AGAIN_S = 20.0, 10.0, 40.0
"""At the most; the last one, of commands that fail."""
GOES_S = TELLING_S + FLUSHING_S + SEES_S
"""From what orders a halt to the command."""
MUCH_MIN = 25.0
"""Nobody halts with so much left."""
FEW_MIN = 3.0
"""An outage that begins with so little leaves no time for anything."""
LATE_MIN, LATE_SHARE = 6.0, 0.15
"""What is promised may be so much later than the truth: of a battery that nobody knows yet its last minutes are few."""
LEARNS_S = 120.0
"""A promise is not judged so long after something changed: an estimate needs so long to show it."""
LIED_S = 900.0
"""What lied about a battery stays in the estimate for so long."""
TURNS_S = 12.0
"""A unit that goes down has seen mains, and one command of its own has failed, by then."""
BOOTS_S = 120.0
BACK_S = 60.0 + 8 * 21.0 + SEES_S
"""All that was shed is on again so long after mains is back."""

Rule = Callable[[PowerSeen, float], Iterator[Breach]]


def power_breaches(seen: PowerSeen, now: float) -> list[Breach]:
    """All that is broken by now."""
    return [breach for rule in POWER_RULES.values() for breach in rule(seen, now)]


def confirmed(seen: PowerSeen, now: float) -> Iterator[Breach]:
    """A unit halts only where mains is lost and has been, and little is left; or where its UPS orders it."""
    for act in seen.of(Deed.HALTS):
        due = seen.last(Deed.HALTING, act.at)
        since = act.at if due is None else due.at
        if _ordered(seen, since) or seen.lying(since - SEES_S - seen.due_s, since) * 2 > seen.watchers:
            continue  # where as many say the one as the other, nothing is sure, and nothing halts
        span = seen.lost_at(since) or seen.lost_at(since - SEES_S)
        if span is None:
            yield Breach("confirmed", act.at, "it halted with mains there")
        elif since - span.since < seen.due_s - STEP_S:
            yield Breach("confirmed", act.at, f"it began to halt {since - span.since:.0f} s after mains was lost")
        look = _look_at(seen, since)
        left = look.left.get("unit") if look else None
        if left is not None and left > MUCH_MIN and not (look and look.low) and not seen.lying(since - LIED_S, since):
            yield Breach("confirmed", act.at, f"it began to halt with {left:.0f} min left")


def last_words(seen: PowerSeen, now: float) -> Iterator[Breach]:
    """Before a unit halts calls are told, and what is to be remembered is on the disk; nothing waits for ever."""
    for act in seen.of(Deed.HALTS):
        due = seen.last(Deed.HALTING, act.at)
        told, flushed = seen.last(Deed.TOLD, act.at), seen.last(Deed.FLUSHED, act.at)
        began = seen.last(Deed.BEGAN, act.at)
        since = began.at if began else 0.0
        if told is None or told.at < since:
            yield Breach("last_words", act.at, "nobody was told")
        elif flushed is None or flushed.at < told.at:
            yield Breach("last_words", act.at, "nothing was flushed")
        if due is not None and act.at - due.at > GOES_S + 3 * AGAIN_S:
            yield Breach("last_words", act.at, f"its last words took {act.at - due.at:.0f} s")


def in_time(seen: PowerSeen, now: float) -> Iterator[Breach]:
    """A unit halts before its battery is empty."""
    for act in seen.of(Deed.CUT):
        span = seen.lost_at(act.at)
        since = act.at if span is None else span.since
        began = seen.last(Deed.BEGAN, act.at)
        up = max(since, began.at if began else act.at)
        look = _look_at(seen, up + SEES_S)
        left = look.left.get("unit") if look else None
        if left is None or left < FEW_MIN or act.at - up < GOES_S + AGAIN_S:
            continue
        if seen.may_be_wrong(act.at - GOES_S - LIED_S, act.at) or seen.lying(act.at - LIED_S, act.at):
            continue
        yield Breach("in_time", act.at, f"its battery was empty {act.at - since:.0f} s after mains was lost")


def returns(seen: PowerSeen, now: float) -> Iterator[Breach]:
    """Mains that is back, at whatever moment, ends in a unit that runs; one that goes down is told to start again."""
    for act in seen.of(Deed.HALTS):
        down = next((one for one in seen.acts if one.at > act.at and one.deed in (Deed.DOWN, Deed.CUT)), None)
        span = next((span for span in seen.lost if span.until is not None and act.at <= span.until), None)
        if down is None or span is None or span.until is None or _ordered(seen, act.at, down.at):
            continue
        again = any(one.deed is Deed.RESTARTS and act.at <= one.at <= down.at for one in seen.acts)
        if down.at - span.until > TURNS_S and not again and not seen.lying(act.at - SEES_S, down.at):
            yield Breach("returns", down.at, "mains was back before it was down, and it was not told to start again")
    back = _back_since(seen, now)
    if not seen.looks or back is None or now - back < GOES_S + BOOTS_S or seen.may_be_wrong(now - SEES_S, now):
        return
    last = seen.looks[-1]
    if now - last.at > SEES_S:
        yield Breach("returns", now, f"it does not run, {now - back:.0f} s after mains was back")
    elif last.stage != "running" or last.state != "mains":
        yield Breach("returns", now, f"{last.stage}, {last.state}, {now - back:.0f} s after mains was back")


def known(seen: PowerSeen, now: float) -> Iterator[Breach]:
    """A unit that runs knows whether there is mains, unless too many lie."""
    began = [act.at for act in seen.of(Deed.BEGAN)]
    for look in seen.looks:
        if seen.may_be_wrong(look.at - SEES_S, look.at) or _ordered(seen, look.at - SEES_S, look.at):
            continue
        if any(0 <= look.at - at < SEES_S for at in began) or _turned(seen, look.at - SEES_S, look.at + TRANSFERS_S):
            continue
        is_lost = seen.lost_at(look.at) is not None
        if is_lost and look.state not in ("battery", "low", "halting"):
            yield Breach("known", look.at, f"mains was lost, and the state {look.state}")
        elif not is_lost and look.state != "mains":
            yield Breach("known", look.at, f"mains was there, and the state {look.state}")


def promised(seen: PowerSeen, now: float) -> Iterator[Breach]:
    """Nobody is promised more time than there is."""
    for look in seen.looks:
        least = min((left for left in look.left.values() if left is not None), default=None)
        span = seen.lost_at(look.at)
        if look.promised is None or least is None or span is None or look.at - span.since < LEARNS_S:
            continue
        if seen.lying(look.at - LIED_S, look.at) or _turned(seen, look.at - LEARNS_S, look.at):
            continue
        if look.promised > least * (1 + LATE_SHARE) + LATE_MIN:
            yield Breach("promised", look.at, f"{look.promised:.0f} min were promised, and {least:.0f} were left")


def shed_last(seen: PowerSeen, now: float) -> Iterator[Breach]:
    """Phones of the reception, on call and for emergencies go when all lesser ones that hang there have gone."""
    roles = list(Role)
    before: Look | None = None
    for look in seen.looks:
        for name in look.shed - (before.shed if before else look.shed):
            part, role = seen.loads[name]
            lesser = {
                other
                for other, (at, its) in seen.loads.items()
                if at == part and roles.index(its) < roles.index(role) and other not in look.shed
            }
            if lesser:
                yield Breach("shed_last", look.at, f"{name} went before {', '.join(sorted(lesser))}")
        before = look


def shed_rightly(seen: PowerSeen, now: float) -> Iterator[Breach]:
    """Nothing is switched off while there is mains; and with mains all comes back."""
    before: Look | None = None
    for look in seen.looks:
        new = look.shed - (before.shed if before else look.shed)
        near = any(span.within(look.at - SEES_S, look.at + STEP_S) for span in seen.lost)
        if new and not near and not seen.may_be_wrong(look.at - SEES_S, look.at):
            yield Breach("shed_rightly", look.at, f"{', '.join(sorted(new))} went with mains there")
        before = look
    back = _back_since(seen, now)
    if back is None or before is None or now - back < GOES_S + BOOTS_S + BACK_S:
        return
    if before.shed and not seen.may_be_wrong(back, now):
        yield Breach("shed_rightly", now, f"{', '.join(sorted(before.shed))} is off with mains back")


def kept(seen: PowerSeen, now: float) -> Iterator[Breach]:
    """What was off when a unit ended is known to be by the next one."""
    shed: frozenset[str] = frozenset()
    for act in seen.acts:
        if act.deed is Deed.BEGAN and act.shed != shed:
            yield Breach("kept", act.at, f"off were {sorted(shed)}, known are {sorted(act.shed)}")
        elif act.deed in (Deed.DOWN, Deed.CUT):
            shed = act.shed


POWER_RULES: dict[str, Rule] = {
    rule.__name__: rule
    for rule in (confirmed, last_words, in_time, returns, known, promised, shed_last, shed_rightly, kept)
}


# ---- what the rules have in common


def _look_at(seen: PowerSeen, at: float) -> Look | None:
    """The newest by then."""
    return next((look for look in reversed(seen.looks) if look.at <= at), None)


def _ordered(seen: PowerSeen, since: float, until: float | None = None) -> bool:
    end = since if until is None else until
    return any(span.within(since - SEES_S, end) for span in seen.orders)


def _turned(seen: PowerSeen, since: float, until: float) -> bool:
    """Whether mains went or came between."""
    return any(since <= at <= until for span in seen.lost for at in (span.since, span.until) if at is not None)


def _back_since(seen: PowerSeen, now: float) -> float | None:
    """Since when there is mains, and nobody orders a halt; None: there is none."""
    spans: list[Span] = [*seen.lost, *seen.orders]
    if any(span.until is None for span in spans):
        return None
    return max((span.until for span in spans if span.until is not None), default=0.0)
