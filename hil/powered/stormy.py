"""What must hold of power in a storm: hil/powered/rules.py, where nothing of the unit's own body excuses it, and what a
storm alone can see. Pure, as hil/invariants.py."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from hil.history import History
from hil.invariants import Breach
from hil.powered.rules import SEES_S, power_breaches
from hil.powered.seen import Deed
from hil.stormplan import Fault

__all__ = ["POWERED_RULES", "powered_breaches"]

RUNS_S = 50.0
"""Mains that is back at any moment of a halt: the machine goes down, starts, and its unit has looked."""
CALL_S = 6.0
"""A call that was up so long before and after it was told counts for it."""

BODY = (
    Fault.EDGE_KILLED, Fault.EDGE_STOPPED, Fault.UNIT_KILLED, Fault.UNIT_STOPPED, Fault.MEMORY_SHORT, Fault.DISK_FULL,
    Fault.JOURNAL_LOCKED, Fault.CLOCK_JUMP,
)  # fmt: skip
"""The unit's own body and its store."""
SPEAKER = (Fault.TRUNK_KILLED, Fault.MEMORY_SHORT)

Rule = Callable[[History, float], Iterator[Breach]]


def powered_breaches(history: History, now: float) -> list[Breach]:
    """All that is broken by now."""
    found = [breach for breach in power_breaches(history.power, now) if not _unwell(history, breach.at)]
    return found + [breach for rule in POWERED_RULES.values() for breach in rule(history, now)]


def runs_again(history: History, now: float) -> Iterator[Breach]:
    """Mains back at any moment ends in a unit that runs."""
    power = history.power
    if not power.lost or power.lost[-1].until is None or _unwell(history, now, RUNS_S):
        return
    back = power.lost[-1].until
    down = power.last(Deed.DOWN, now)
    if now - max(back, down.at if down else back) < RUNS_S:
        return
    last = power.looks[-1] if power.looks else None
    if last is None or now - last.at > SEES_S:
        yield Breach("runs_again", now, f"no unit says anything {now - back:.0f} s after mains was back")
    elif (last.state, last.stage) != ("mains", "running"):
        yield Breach("runs_again", now, f"{last.stage}, {last.state} {now - back:.0f} s after mains was back")


def told_all(history: History, now: float) -> Iterator[Breach]:
    """Whoever is in a call by modem when a unit ends is told."""
    for at, calls in history.power.told:
        if now - at < CALL_S or history.troubled(at - RUNS_S, at, SPEAKER) or _unwell(history, at):
            continue
        up = sum(
            call.up_at is not None and call.up_at < at - CALL_S and (call.over_at is None or call.over_at > at + CALL_S)
            for call in history.outside.calls.values()
        )
        if calls is None or calls < up:
            yield Breach("told_all", at, f"{up} calls were up by modem, and {calls or 'none'} were told")


POWERED_RULES: dict[str, Rule] = {rule.__name__: rule for rule in (runs_again, told_all)}


def _unwell(history: History, at: float, before_s: float = SEES_S) -> bool:
    """Whether the unit's body or this machine were not well. That it halted by itself is none of that."""
    return history.lagged(at - before_s, at) or history.troubled(at - before_s, at, BODY)
