"""The plan of a storm: which faults, in which modes, over which calls. Pure: the same seed gives the same plan.

A storm is a row of *chapters*, each of which strikes one fault in one mode of the unit, and perhaps another fault
across it, or takes one fault through all modes, over a whole outage; under them lives a building, by *deeds* at stated
times. In each *round* every pair of mode and fault is visited, and no chapter is there for pairs that others visit.
Times are seconds; those of deeds count from the begin of the storm. Chapters follow one another as soon as the unit is
in the mode that the next one wants, so that their times are the unit's, their order and content the seed's.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from heapq import merge
from itertools import count, islice, product
from operator import attrgetter
from typing import NamedTuple

from firmware.modes import Mode

__all__ = [
    "AGAIN",
    "APART",
    "AWAY",
    "BUSY",
    "CROWD",
    "DESK",
    "EARS",
    "ENDER",
    "FAULTS",
    "HELPER",
    "JOINER",
    "LATE",
    "LEARNT",
    "LEAVER",
    "LONELY",
    "LOST",
    "MAILED",
    "MOVED",
    "NOBODY",
    "OUTAGES",
    "PATIENT",
    "PLATFORMS",
    "ROAMER",
    "SENDER",
    "STANDIN",
    "STREAM",
    "THROUGH",
    "TWIN",
    "Across",
    "Chapter",
    "Deed",
    "Do",
    "Fault",
    "Plan",
    "make_plan",
    "pairs_of",
]


class Fault(StrEnum):
    """What can be wrong; see hil/faults.py for how it is made so."""

    PLATFORM_KILLED = "platform killed"
    PLATFORM_STOPPED = "platform stopped"
    PLATFORM_SLOW = "platform slow"
    PLATFORM_SICK = "platform sick"
    PLATFORM_AMNESIAC = "platform amnesiac"
    PLATFORM_FLAPPING = "platform flapping"
    LINE_DOWN = "line down"
    LINE_BLACKHOLE = "line blackhole"
    LINE_LOSSY = "line lossy"
    EDGE_KILLED = "edge killed"
    EDGE_STOPPED = "edge stopped"
    UNIT_KILLED = "unit killed"
    UNIT_STOPPED = "unit stopped"
    CALLS_KILLED = "calls killed"
    CALLS_STOPPED = "calls stopped"
    CALLS_CRASHED = "calls crashed"  # and started again at once
    DISK_FULL = "disk full"
    CLOCK_JUMP = "clock jump"
    DNS_GONE = "dns gone"
    MEMORY_SHORT = "memory short"
    DIRECTORY_LOADED = "directory loaded"  # again and again
    JOURNAL_LOCKED = "journal locked"  # for seconds at a time


class Held(NamedTuple):
    """How long a fault lasts, seconds."""

    least_s: float
    most_s: float


FAULTS: dict[Fault, Held] = {
    Fault.PLATFORM_KILLED: Held(8, 12),
    Fault.PLATFORM_STOPPED: Held(5, 9),
    Fault.PLATFORM_SLOW: Held(5, 9),
    Fault.PLATFORM_SICK: Held(5, 14),
    Fault.PLATFORM_AMNESIAC: Held(1, 3),
    Fault.PLATFORM_FLAPPING: Held(9, 14),
    Fault.LINE_DOWN: Held(5, 9),
    Fault.LINE_BLACKHOLE: Held(8, 12),
    Fault.LINE_LOSSY: Held(5, 9),
    Fault.EDGE_KILLED: Held(0.5, 2),
    Fault.EDGE_STOPPED: Held(1, 4),
    # Longer than the lease, and than it takes calls to tell of a death after it: the edge must do without.
    Fault.UNIT_KILLED: Held(29, 31),
    Fault.UNIT_STOPPED: Held(29, 31),
    Fault.CALLS_KILLED: Held(4, 9),
    Fault.CALLS_STOPPED: Held(4, 9),
    Fault.CALLS_CRASHED: Held(0.3, 1),
    Fault.DISK_FULL: Held(5, 9),
    Fault.CLOCK_JUMP: Held(5, 9),
    Fault.DNS_GONE: Held(4, 6),
    Fault.MEMORY_SHORT: Held(5, 9),
    Fault.DIRECTORY_LOADED: Held(5, 9),
    Fault.JOURNAL_LOCKED: Held(5, 9),
}

OUTAGES = (Fault.PLATFORM_KILLED, Fault.LINE_BLACKHOLE)
"""What a unit is brought to SURVIVAL by, by way of SUSPECT."""
THROUGH = frozenset(
    (
        Fault.PLATFORM_SLOW,
        Fault.LINE_LOSSY,
        Fault.CALLS_KILLED,
        Fault.CALLS_STOPPED,
        Fault.DISK_FULL,
        Fault.CLOCK_JUMP,
        Fault.DNS_GONE,
        Fault.MEMORY_SHORT,
        Fault.DIRECTORY_LOADED,
        Fault.JOURNAL_LOCKED,
    )
)
"""The unit goes through every mode with these in force."""
PLATFORMS = tuple(fault for fault in Fault if fault.startswith("platform"))
LINES = (Fault.LINE_DOWN, Fault.LINE_BLACKHOLE, Fault.LINE_LOSSY)
AGAIN = frozenset((Fault.PLATFORM_AMNESIAC, Fault.EDGE_KILLED, Fault.EDGE_STOPPED, Fault.CALLS_CRASHED))
"""These last for a moment, and are struck in every mode of an outage anew."""
LONELY = frozenset((Fault.UNIT_KILLED, Fault.UNIT_STOPPED))
"""Of these something is learnt only when the platform dies, or comes back, while they last: so from NORMAL on."""
LONELY_HELD = Held(4, 8)
"""How long they last in other modes, where the unit is back before its lease is over, or after."""
DEATHS = (Fault.PLATFORM_KILLED, Fault.PLATFORM_STOPPED, Fault.LINE_BLACKHOLE, Fault.LINE_DOWN)
LEASE_S = 11.0
"""After so long the edge is on its own."""
ACROSS_SHARE = 0.4
"""So many chapters have a second fault."""
CHAPTER_LEAST_S = 4.0
"""Chapters take longer than this, so there are enough of them."""
REST_EVERY, REST_S = 5, 25.0
"""Before the second chapter, and every so many, the building has peace for so long: the platform must know all of it.
So it has in half of all storms before the first."""

CROWD = ("1001", "1002", "1003", "1004")
"""Come again often."""
LATE = ("1005", "1006")
"""Come again as seldom as they may."""
STREAM = ("1007", "1008", "1009", "1010")
"""By TCP."""
ROAMER = "1011"
"""Restarts, and unregisters."""
TWIN = "1012"
"""Two phones; one answers sooner."""
LEARNT = "1013"
"""Credential mode 4."""
PATIENT = "1014"
"""Rings until the caller gives up."""
ENDER = "1015"
"""Hangs up itself."""
LEAVER = "1016"
"""Is unplugged, for longer than its binding lasts."""

AWAY = "1017"
"""Referred, and back, and referred again."""
STANDIN = "1018"
"""Answers instead."""
MOVED = "1019"
"""Forwarded to the one who answers instead."""
LOST = "1020"
"""Blocked."""


EARS = ("1021", "1022")
"""Phones that hear (hil/phone/hearing/), who call."""
NOBODY = "1777"
"""A number that no extension has."""
BUSY = "1023"
"""Hears, and refuses every call."""
HELPER = "1024"
"""Hears, and answers."""
APART = {"1025": "1026", "1027": "1028", "1029": "1030"}
"""Away for good, without a phone; and the reception that takes their calls, which hears."""
MAILED = "1031"
"""Away for good, with a mailbox."""
DESK, SENDER, JOINER = APART.values()
"""Receptions: one that talks, one that sends on blind, one that asks first whom it sends on to."""


class Do(StrEnum):
    """What somebody in the building does."""

    CALL = "call"
    CALL_BY_TCP = "call by TCP"
    CALLEE_ENDS = "callee ends"
    GIVE_UP = "give up"
    EMERGENCY = "112"
    EMERGENCY_STRANGER = "112 by a stranger"
    STRANGER_CALLS = "stranger calls"
    STRANGER_REGISTERS = "stranger registers"
    WRONG_KEY_CALLS = "wrong key calls"
    WRONG_KEY_REGISTERS = "wrong key registers"
    THIEF_REGISTERS = "thief registers"  # as the extension of mode 4, from elsewhere
    RESTART = "restart"
    UNREGISTER = "unregister"
    UNPLUG = "unplug"
    REFER = "refer"  # `caller` answers instead; "": nobody
    BACK = "back"  # who was referred
    CALL_AWAY = "call who is away"
    CALL_MOVED = "call who is forwarded"
    CALL_LOST = "call a blocked phone"
    HEAR = "hear why"  # who presses nothing, and waits
    CHOOSE = "hear why and choose"
    LEAVE = "leave a message"
    TALK = "talk and hear"


@dataclass(frozen=True)
class Deed:
    """One thing done at a time; `hold_s` is how long a call lasts, or a phone is away."""

    at_s: float
    do: Do
    caller: str = ""
    callee: str = ""
    hold_s: float = 0.0


@dataclass(frozen=True)
class Across:
    """A second fault, struck `after_s` the first."""

    fault: Fault
    after_s: float
    held_s: float


Pair = tuple[Mode, Fault]


@dataclass(frozen=True)
class Chapter:
    """`fault` is struck in `mode`, which is come to by `by` (None: it is the mode of a good day).

    `through`: it is struck in NORMAL, and `by` then takes the unit through all modes with it.
    """

    number: int
    turn: int  # of the round, from 1
    mode: Mode
    by: Fault | None
    fault: Fault
    held_s: float
    across: Across | None
    burst: tuple[tuple[str, str], ...]  # calls begun around the moment it strikes
    through: bool = False
    rest_s: float = 0.0  # before it

    @property
    def pairs(self) -> frozenset[Pair]:
        """What is visited by this chapter for certain, whatever else may be."""
        if self.through:
            return frozenset((mode, self.fault) for mode in Mode)
        if self.mode is Mode.NORMAL and self.fault in OUTAGES:
            return frozenset((mode, self.fault) for mode in (Mode.NORMAL, Mode.SUSPECT, Mode.SURVIVAL))
        return frozenset(((self.mode, self.fault),))

    @property
    def faults(self) -> frozenset[Fault]:
        """All that it strikes."""
        across = () if self.across is None else (self.across.fault,)
        return frozenset((self.fault, *across, *((self.by,) if self.by else ())))


@dataclass(frozen=True)
class Plan:
    seed: int
    length_s: float
    chapters: tuple[Chapter, ...]
    deeds: tuple[Deed, ...]

    def prefix(self, chapters: int) -> Plan:
        """The same, but for the chapters after the first so many."""
        return Plan(self.seed, self.length_s, self.chapters[:chapters], self.deeds)


def pairs_of(faults: Sequence[Fault] = tuple(FAULTS)) -> frozenset[Pair]:
    """Every mode with every fault: each can be struck in each, if only for the moment before the mode changes."""
    return frozenset(product(Mode, faults))


def make_plan(seed: int, length_s: float, faults: Sequence[Fault] = tuple(FAULTS)) -> Plan:
    """What a storm of this seed does in `length_s`. `faults` are those to strike; two storms of one seed that strike
    the same faults begin alike, however long they are."""
    chapters, deeds = random.Random(f"chapters {seed}"), random.Random(f"deeds {seed}")
    row = _chapters(chapters, tuple(dict.fromkeys(faults)))
    most = int(length_s / CHAPTER_LEAST_S) + 1
    people = random.Random(f"people {seed}")
    ears = _ears_deeds(random.Random(f"ears {seed}"), length_s)
    done = merge(_deeds(deeds, length_s), _people_deeds(people, length_s), ears, key=attrgetter("at_s"))
    return Plan(seed, length_s, tuple(islice(row, most)), tuple(done))


def _chapters(rng: random.Random, faults: Sequence[Fault]) -> Iterator[Chapter]:
    number = 0
    for turn in count(1):
        left = set(pairs_of(faults))
        for mode, fault in rng.sample(sorted(left), len(left)):
            if (mode, fault) in left:
                number += 1
                # What an outage visits by itself is visited so, as long as that is more than one pair.
                whole = fault in OUTAGES and mode is not Mode.RETURNING and (Mode.NORMAL, fault) in left
                chapter = _chapter(rng, number, turn, Mode.NORMAL if whole else mode, fault, faults)
                left -= chapter.pairs
                yield chapter


def _chapter(rng: random.Random, number: int, turn: int, mode: Mode, fault: Fault, faults: Sequence[Fault]) -> Chapter:
    through = fault in THROUGH or fault in AGAIN
    lonely = fault in LONELY and mode is not Mode.NORMAL
    held_s = round(rng.uniform(*(LONELY_HELD if lonely else FAULTS[fault])), 1)
    ways = _ways(Mode.SURVIVAL if through else mode, fault)
    return Chapter(
        number=number,
        turn=turn,
        mode=Mode.NORMAL if through else mode,
        by=rng.choice(ways) if ways else None,
        fault=fault,
        held_s=held_s,
        across=None if through or lonely else _across(rng, fault, held_s, faults),
        burst=tuple(_pair(rng, (*CROWD, *LATE, *STREAM)) for _ in range(rng.randint(4, 8))),
        through=through,
        rest_s=REST_S if number % REST_EVERY == 2 or (number == 1 and rng.random() < 0.5) else 0.0,
    )


def _ways(mode: Mode, fault: Fault) -> Sequence[Fault]:
    """By which faults a mode is come to, so that another one of these still bites in it."""
    match mode:
        case Mode.NORMAL:
            return ()
        case Mode.SUSPECT:
            return (Fault.PLATFORM_SICK,)
        case _ if fault in PLATFORMS:
            return (Fault.LINE_BLACKHOLE,)
        case _ if fault in LINES:
            return (Fault.PLATFORM_KILLED,)
        case _:
            return OUTAGES


def _across(rng: random.Random, fault: Fault, held_s: float, faults: Sequence[Fault]) -> Across | None:
    drawn = rng.random()
    if fault in LONELY:
        others = [other for other in DEATHS if other in faults]
        return Across(rng.choice(others), LEASE_S, round(held_s - LEASE_S - 1, 1)) if others else None
    others = [other for other in faults if other is not fault and other not in LONELY]
    if drawn >= ACROSS_SHARE or not others:
        return None
    other = rng.choice(others)
    return Across(other, round(rng.uniform(0, held_s * 0.7), 1), round(rng.uniform(*FAULTS[other]), 1))


def _pair(rng: random.Random, extensions: Sequence[str]) -> tuple[str, str]:
    caller, callee = rng.sample(extensions, 2)
    return caller, callee


CALL_EVERY_S = (0.4, 1.6)
HOLD_S = (0.2, 9.0)
SHARES: dict[Do, float] = {
    Do.CALL: 40,
    Do.CALL_BY_TCP: 12,
    Do.CALLEE_ENDS: 8,
    Do.GIVE_UP: 6,
    Do.EMERGENCY: 8,
    Do.EMERGENCY_STRANGER: 4,
    Do.STRANGER_CALLS: 3,
    Do.STRANGER_REGISTERS: 3,
    Do.WRONG_KEY_CALLS: 4,
    Do.WRONG_KEY_REGISTERS: 4,
    Do.THIEF_REGISTERS: 3,
}
AWAY_S: dict[Do, float] = {Do.RESTART: 0.5, Do.UNREGISTER: 6.0, Do.UNPLUG: 42.0}
"""How long who goes is away: unplugged, until its binding must have gone (register_s, its grace, and some)."""
STAYS_S: dict[str, tuple[float, float]] = {ROAMER: (8.0, 14.0), LEAVER: (6.0, 20.0)}
"""How long it is there in between."""


def _deeds(rng: random.Random, length_s: float) -> Iterator[Deed]:
    """In the order of their times."""
    at_s, goes_s = 0.5, {who: rng.uniform(*stays_s) for who, stays_s in STAYS_S.items()}
    while at_s < length_s:
        who = next((who for who, when_s in goes_s.items() if at_s >= when_s), None)
        if who is None:
            yield _deed(rng, round(at_s, 2))
        else:
            do = Do.UNPLUG if who == LEAVER else rng.choice((Do.RESTART, Do.UNREGISTER))
            yield Deed(round(at_s, 2), do, callee=who, hold_s=AWAY_S[do])
            goes_s[who] = at_s + AWAY_S[do] + rng.uniform(*STAYS_S[who])
        at_s += rng.uniform(*CALL_EVERY_S)


def _deed(rng: random.Random, at_s: float) -> Deed:
    (do,) = rng.choices(list(SHARES), list(SHARES.values()))
    caller, callee = _pair(rng, (*CROWD, *LATE, *STREAM))
    hold_s = round(rng.uniform(*HOLD_S), 1)
    match do:
        case Do.CALL:
            callee = rng.choice((callee, callee, callee, TWIN, ROAMER, LEARNT))
            caller = rng.choice((caller,) * 9 + (LEARNT,) if callee != LEARNT else (caller,))
        case Do.GIVE_UP:
            callee = PATIENT
        case Do.CALLEE_ENDS:
            callee = ENDER
        case Do.EMERGENCY | Do.EMERGENCY_STRANGER:
            callee = "112"
        case Do.WRONG_KEY_REGISTERS:
            caller = callee
        case Do.THIEF_REGISTERS:
            caller, callee = LEARNT, LEARNT
        case _:
            pass
    return Deed(at_s, do, caller, callee, hold_s)


CALL_PEOPLE_EVERY_S = (2.0, 5.0)
STAYS_AWAY_S, STAYS_IN_S = (25.0, 40.0), (2.0, 10.0)
CALLS_TO: dict[Do, tuple[str, float]] = {
    Do.CALL_AWAY: (AWAY, 5),
    Do.CALL_MOVED: (MOVED, 3),
    Do.CALL_LOST: (LOST, 1),
}
"""Whom, and in which shares."""


def _people_deeds(rng: random.Random, length_s: float) -> Iterator[Deed]:
    """Around those who are away: one is from the beginning. In the order of their times."""
    at_s, is_away, turns_s = 1.0, True, rng.uniform(*STAYS_AWAY_S)
    while at_s < length_s:
        at_s = round(at_s, 2)
        if at_s >= turns_s:
            # A referral may follow another one at once.
            is_away = not is_away or rng.random() < 0.5
            stands_in = rng.choice(("", STANDIN))
            yield Deed(at_s, Do.REFER if is_away else Do.BACK, stands_in if is_away else "", AWAY)
            turns_s = at_s + rng.uniform(*(STAYS_AWAY_S if is_away else STAYS_IN_S))
        else:
            (do,) = rng.choices(list(CALLS_TO), [share for _, share in CALLS_TO.values()])
            yield Deed(at_s, do, rng.choice((*CROWD, *LATE)), CALLS_TO[do][0], round(rng.uniform(0.2, 4.0), 1))
        at_s += rng.uniform(*CALL_PEOPLE_EVERY_S)


HEAR_EVERY_S = (3.0, 6.0)
TALKS_S = (2.0, 12.0)
HEARD: tuple[tuple[Do, str, float], ...] = (
    (Do.HEAR, NOBODY, 3),
    (Do.HEAR, BUSY, 2),
    (Do.TALK, HELPER, 3),
    (Do.LEAVE, MAILED, 3),
    *((do, away, share) for away in APART for do, share in ((Do.HEAR, 1), (Do.CHOOSE, 2))),
)
"""What those do who hear, of whom, in which shares."""


def _ears_deeds(rng: random.Random, length_s: float) -> Iterator[Deed]:
    at_s = 1.5
    while at_s < length_s:
        ((do, callee, _),) = rng.choices(HEARD, [share for *_, share in HEARD])
        yield Deed(round(at_s, 2), do, rng.choice(EARS), callee, round(rng.uniform(*TALKS_S), 1))
        at_s += rng.uniform(*HEAR_EVERY_S)
