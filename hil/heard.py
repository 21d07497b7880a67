"""What must hold for those who hear (hil/phone/hearing/), whoever leads their call: beside hil/invariants.py, and
like it pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterator

from hil.excuses import CALLS, HALTED, SPREAD_S, disturbed, excused
from hil.history import History
from hil.invariants import END_S, Breach
from hil.phone.hearing import Heard
from hil.stormdeeds import APART, Do

__all__ = ["HEARD_RULES", "SILENCE_S", "TOLD", "heard_breaches", "refused_in_a_row"]

SILENCE_S = 3.0
"""Nobody hears nothing for longer in a call that is up."""
ENDED_S = 5.0
"""`calls`, begun anew, has ended by then what the one before it led."""
LED_S = 70.0
"""Told twice, led on, rung in vain, talked with, and sent on."""
ANSWERED_S = 8.0
"""Who is told something is answered at once; a busy machine."""
MESSAGE_S = 30.0
"""Nobody speaks for longer, and the disk has it."""
REFUSED_MAX, REFUSED_S = 3, 5.0
"""So many who were to hear why, over so long, have not."""
TOLD = (Do.HEAR, Do.CHOOSE)

Rule = Callable[[History, float], Iterator[Breach]]


def heard_breaches(history: History, now: float) -> list[Breach]:
    """All that is broken by now."""
    return [breach for rule in HEARD_RULES.values() for breach in rule(history, now)]


def silence(history: History, now: float) -> Iterator[Breach]:
    """Nobody sits in silence."""
    for one, other in _with_others(history):
        # Who has hung up says no more: that the other one hears of that is for `both`.
        until = now if other is None or other.over_at is None else min(now, other.over_at)
        for begin, end in one.silence(until):
            since = begin if other is not None else _when_led_again(history, begin, end)
            if end - since > SILENCE_S and not _disturbed(history, since, end):
                when = f"{since - one.began_at:.1f} to {end - one.began_at:.1f} s after its begin"
                yield Breach("silence", now, f"{_named(one)}: {when}")


def both(history: History, now: float) -> Iterator[Breach]:
    """A call that the edge carries ends at both ends."""
    for one, other in _with_others(history):
        if other is None or one.over_at is None or one.up_at is None or other.over_at is not None:
            continue
        if now - one.over_at > END_S and not _disturbed(history, one.over_at - 1, one.over_at + END_S):
            yield Breach("both", now, f"{_named(other)}: the other end is over since {now - one.over_at:.0f} s")


def told(history: History, now: float) -> Iterator[Breach]:
    """Who calls one that nobody answers for is answered by the unit while that is master, and hears why. One whom a
    busy machine has kept waiting may read it instead; not one after the other."""
    yield from refused_in_a_row("told", TOLD, history, now)


def led(history: History, now: float) -> Iterator[Breach]:
    """Who was told is led on to the reception, where there is one, and comes to an end."""
    for one in history.heard_calls:
        if one.label not in TOLD or one.up_at is None:
            continue
        until = one.over_at or now
        if until - one.up_at > LED_S and not _hindered(history, one, until):
            yield Breach("led", now, f"{_named(one)}: not over {until - one.up_at:.0f} s after it was answered")
        alone = len({address for address, _ in one.sources}) < 2
        if one.peer in APART and one.over_at is not None and alone and not _hindered(history, one, until):
            yield Breach("led", now, f"{_named(one)}: nobody was there for who was led on")


def torn(history: History, now: float) -> Iterator[Breach]:
    """A message that is kept is whole, and stays; one that `calls` left unfinished is finished by the next."""
    for name, one in history.messages.items():
        if one.torn:
            yield Breach("torn", now, f"message {name}: {one.torn}")
        gone = history.seen_messages_at > one.last_at
        if gone and one.kept_at is not None:
            yield Breach("torn", now, f"message {name} is gone")
        until = history.seen_messages_at
        unfinished = not gone and one.kept_at is None and until - one.first_at > MESSAGE_S
        if unfinished and not excused(history, until - MESSAGE_S, until, CALLS):
            yield Breach("torn", now, f"message {name}: not at its end {until - one.first_at:.0f} s after its begin")


def refused_in_a_row(rule: str, labels: Collection[str], history: History, now: float) -> Iterator[Breach]:
    """Whom the unit is to answer itself it answers; not each at once, but not many in a row are refused."""
    refused: list[Heard] = []
    for one in sorted(history.heard_calls, key=lambda each: each.began_at):
        until = one.up_at or one.over_at or one.began_at + ANSWERED_S
        if one.label not in labels or until > now:
            continue
        if history.mode_all_over(one.began_at - SPREAD_S, until) != "SURVIVAL" or _hindered(history, one, until):
            continue
        refused = [] if one.up_at is not None else [*refused, one]
        if len(refused) >= REFUSED_MAX and one.began_at - refused[0].began_at >= REFUSED_S:
            yield Breach(rule, now, f"{_named(one)}: code {one.code}, as {len(refused) - 1} before it")


HEARD_RULES: dict[str, Rule] = {rule.__name__: rule for rule in (silence, both, told, led, torn)}


def _named(one: Heard) -> str:
    return f"call {one.number} of {one.extension} with {one.peer}"


def _with_others(history: History) -> Iterator[tuple[Heard, Heard | None]]:
    """Each with the other end of a call that the edge carries, which has the same Call-ID; None: `calls` is between."""
    ends: dict[str, list[Heard]] = defaultdict(list)
    for one in history.heard_calls:
        ends[one.call_id].append(one)
    for found in ends.values():
        for one in found:
            yield one, next((each for each in found if each is not one), None)


def _when_led_again(history: History, begin: float, end: float) -> float:
    """From when on in this span `calls` must have ended the call, or led it on. After a machine's halt it knows no more
    whom it led."""
    for span in history.spans:
        if span.fault in CALLS and span.since <= end and (span.until is None or span.until + ENDED_S >= begin):
            begin = end if span.until is None or span.fault in HALTED else max(begin, span.until + ENDED_S)
    return begin


def _disturbed(history: History, since: float, until: float) -> bool:
    return disturbed(history, since - 1, until)


def _hindered(history: History, one: Heard, until: float) -> bool:
    return excused(history, one.began_at, until, CALLS)
