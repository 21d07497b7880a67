"""What must hold for codes that are dialled in an outage: conferences, slots in which calls wait, pick-up. Beside
hil/heard.py, and like it pure."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterator

from hil.excuses import CALLS, SPREAD_S, excused
from hil.heard import refused_in_a_row
from hil.history import History
from hil.invariants import Breach
from hil.phone.hearing import Heard
from hil.stormdeeds import RINGER, Do
from hil.stormplan import Fault

__all__ = ["DIALLED_RULES", "dialled_breaches"]

PARK, FETCH = "*70*", "%2370*"
SETTLED_S = 1.5
"""A call that waits, or rings, does so for certain when it has done so for this long."""
RINGS_S = 45.0
"""Nobody lets ring for longer: the signals of a plan, and a busy machine."""
ANSWERED = 200

Rule = Callable[[History, float], Iterator[Breach]]


def dialled_breaches(history: History, now: float) -> list[Breach]:
    """All that is broken by now."""
    return [breach for rule in DIALLED_RULES.values() for breach in rule(history, now)]


def met(history: History, now: float) -> Iterator[Breach]:
    """Who dials a conference, again and again where it falls, is in it while the unit is master."""
    yield from refused_in_a_row("met", (Do.MEET,), history, now)


def fetched(history: History, now: float) -> Iterator[Breach]:
    """Whoever waits in a slot is had by who dials it."""
    waiting = [one for one in history.heard_calls if one.peer.startswith(PARK) and one.up_at is not None]
    for one, other in _in_vain(history, Do.FETCH, waiting, CALLS):
        if other.peer.removeprefix(PARK) == one.peer.removeprefix(FETCH).partition("%")[0]:
            yield Breach("fetched", now, f"{_named(one)}: code {one.code}, and {other.extension} waits there")


def picked(history: History, now: float) -> Iterator[Breach]:
    """A call that rings in a group is had by its others; and no phone rings on for nobody."""
    ringing = [one for one in history.heard_calls if one.extension == RINGER]
    for one, _ in _in_vain(history, Do.PICK_UP, ringing, (*CALLS, Fault.DIRECTORY_LOADED)):
        yield Breach("picked", now, f"{_named(one)}: code {one.code}, and {RINGER} rings")
    for one in ringing:
        if one.over_at is None and now - one.began_at > RINGS_S and not excused(history, one.began_at, now, CALLS):
            yield Breach("picked", now, f"{_named(one)}: rings since {now - one.began_at:.0f} s")


DIALLED_RULES: dict[str, Rule] = {rule.__name__: rule for rule in (met, fetched, picked)}


def _named(one: Heard) -> str:
    return f"call {one.number} of {one.extension} with {one.peer}"


def _in_vain(
    history: History, do: Do, others: Collection[Heard], faults: tuple[Fault, ...]
) -> Iterator[tuple[Heard, Heard]]:
    """Calls of this kind that came to nothing, each with every one of `others` that was there long before and long
    after; all while the unit was master, and nothing excuses it."""
    for one in history.heard_calls:
        if one.label != do or one.over_at is None or one.code in (None, ANSWERED):
            continue
        for other in others:
            since = other.up_at or other.began_at
            lasted = since + SETTLED_S < one.began_at and (other.over_at or math.inf) > one.over_at + SETTLED_S
            in_survival = history.mode_all_over(other.began_at - SPREAD_S, one.over_at) == "SURVIVAL"
            if lasted and in_survival and not excused(history, other.began_at - SPREAD_S, one.over_at, faults):
                yield one, other
