"""The plan of a storm: which faults, in which modes, over which calls. Pure: the same seed gives the same plan.

A storm is a row of *chapters*, each of which strikes one fault in one mode of the unit, and perhaps another fault
across it, or takes one fault through all modes, over a whole outage; under them lives a building, by *deeds* at stated
times. In each *round* every pair of mode and fault is visited, and no chapter is there for pairs that others visit.
Times are seconds; those of deeds count from the begin of the storm. Chapters follow one another as soon as the unit is
in the mode that the next one wants, so that their times are the unit's, their order and content the seed's.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from heapq import merge
from itertools import count, islice, product
from operator import attrgetter
from typing import NamedTuple

from firmware.modes import Mode
from hil.stormdeeds import CROWD, LATE, STREAM, Deed, deeds, pair

__all__ = [
    "AGAIN",
    "FAULTS",
    "LONELY",
    "OUTAGES",
    "PLATFORMS",
    "POWER_ENDS",
    "POWER_FAULTS",
    "THROUGH",
    "WAYS_OUT",
    "WELL_S",
    "Across",
    "Chapter",
    "Fault",
    "Plan",
    "Spell",
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
    LINE_CUT = "line cut"  # and it alone: the platform is reached by data
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
    # The ways out
    MODEM_UNPLUGGED = "modem unplugged"
    MODEM_HUNG = "modem hung"
    KEPT_UNPLUGGED = "kept modem unplugged"
    KEPT_HUNG = "kept modem hung"
    NETWORK_LOST = "network lost"  # by both modems
    TRUNK_KILLED = "trunk killed"
    GATEWAY_DEAD = "gateway dead"
    # Power
    MAINS_LOST = "mains lost"
    MAINS_BROWN = "mains brown"  # too little of them
    MAINS_BOUNCING = "mains bouncing"
    SOURCE_LIES = "source lies"  # one of three, with mains lost
    POWER_ENDS = "power ends"  # mains lost, and batteries are all but empty
    POWER_HALTED = "power halted"  # what comes of that: the unit has halted its machine
    # The path by data
    CELL_GONE = "cell gone"
    CELL_LOSSY = "cell lossy"
    TUNNEL_KILLED = "tunnel killed"
    DATA_KILLED = "data killed"
    DATA_STOPPED = "data stopped"
    # Pages, calendars, mail
    WEB_KILLED = "web killed"
    WEB_STOPPED = "web stopped"
    # The hub, and what tells it
    HUB_KILLED = "hub killed"
    HUB_STOPPED = "hub stopped"
    HUB_RESTORED = "hub restored"  # from a copy of a while ago
    SYNC_KILLED = "sync killed"
    SYNC_STOPPED = "sync stopped"


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
    # Long enough for the unit to be at home by data.
    Fault.LINE_CUT: Held(22, 28),
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

MODEM_FAULTS: dict[Fault, Held] = {
    Fault.MODEM_UNPLUGGED: Held(3, 8),
    Fault.MODEM_HUNG: Held(6, 12),
    Fault.KEPT_UNPLUGGED: Held(3, 8),
    Fault.KEPT_HUNG: Held(6, 12),
    Fault.NETWORK_LOST: Held(4, 8),
    Fault.TRUNK_KILLED: Held(0.3, 3),
}
GATEWAY_FAULTS: dict[Fault, Held] = {Fault.GATEWAY_DEAD: Held(12, 25)}
DATA_FAULTS: dict[Fault, Held] = {
    Fault.CELL_GONE: Held(8, 20),
    Fault.CELL_LOSSY: Held(5, 10),
    Fault.TUNNEL_KILLED: Held(0.5, 3),
    Fault.DATA_KILLED: Held(0.5, 3),
    Fault.DATA_STOPPED: Held(3, 8),
}
WEB_FAULTS: dict[Fault, Held] = {Fault.WEB_KILLED: Held(0.3, 4), Fault.WEB_STOPPED: Held(2, 12)}
HUB_FAULTS: dict[Fault, Held] = {
    Fault.HUB_KILLED: Held(1, 10),
    Fault.HUB_STOPPED: Held(3, 15),
    Fault.HUB_RESTORED: Held(1, 6),
    Fault.SYNC_KILLED: Held(0.3, 4),
    Fault.SYNC_STOPPED: Held(2, 12),
}
POWER_FAULTS: dict[Fault, Held] = {
    Fault.MAINS_LOST: Held(3, 12),
    Fault.MAINS_BROWN: Held(3, 12),
    Fault.MAINS_BOUNCING: Held(3, 8),
    Fault.SOURCE_LIES: Held(6, 14),
}
POWER_ENDS: dict[Fault, Held] = {Fault.POWER_ENDS: Held(2, 16)}
"""Mains is back before, in or after the last words."""


class Row(NamedTuple):
    """Faults of which one at a time is there, so that what they leave alone lives, and how long none is between two."""

    faults: Mapping[Fault, Held]
    well: Held


WAYS_OUT: tuple[Row, ...] = (
    Row(MODEM_FAULTS, Held(8, 45)),
    Row(GATEWAY_FAULTS, Held(10, 40)),
    Row(POWER_FAULTS, Held(8, 40)),
    Row(POWER_ENDS, Held(60, 200)),
    Row(DATA_FAULTS, Held(30, 90)),
    Row(WEB_FAULTS, Held(10, 50)),
    Row(HUB_FAULTS, Held(8, 40)),
)
"""What is wrong with the ways out, with power, or with pages, is no matter of modes: it comes and goes by itself,
across whatever chapter there is. Each row is drawn by its place, so that a new one at the end changes no other."""
WELL_S = 30.0
"""So long nothing is wrong of them at the begin."""

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
LINES = (Fault.LINE_DOWN, Fault.LINE_BLACKHOLE, Fault.LINE_LOSSY, Fault.LINE_CUT)
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


@dataclass(frozen=True)
class Across:
    """A second fault, struck `after_s` the first."""

    fault: Fault
    after_s: float
    held_s: float


@dataclass(frozen=True)
class Spell:
    """A way out does not do for a while, or power; from the begin of the storm."""

    at_s: float
    fault: Fault
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
    spells: tuple[Spell, ...] = ()

    def prefix(self, chapters: int) -> Plan:
        """The same, but for the chapters after the first so many."""
        return replace(self, chapters=self.chapters[:chapters])


def pairs_of(faults: Sequence[Fault] = tuple(FAULTS)) -> frozenset[Pair]:
    """Every mode with every fault: each can be struck in each, if only for the moment before the mode changes."""
    return frozenset(product(Mode, faults))


def make_plan(seed: int, length_s: float, faults: Sequence[Fault] = tuple(FAULTS)) -> Plan:
    """What a storm of this seed does in `length_s`. `faults` are those to strike; two storms of one seed that strike
    the same faults begin alike, however long they are."""
    row = _chapters(random.Random(f"chapters {seed}"), tuple(dict.fromkeys(faults)))
    most = int(length_s / CHAPTER_LEAST_S) + 1
    return Plan(seed, length_s, tuple(islice(row, most)), tuple(deeds(seed, length_s)), tuple(_spells(seed, length_s)))


def _spells(seed: int, length_s: float) -> Iterator[Spell]:
    """In the order of their times."""
    rows = (_spells_of(row, random.Random(f"ways {seed} {n}"), length_s) for n, row in enumerate(WAYS_OUT))
    return merge(*rows, key=attrgetter("at_s"))


def _spells_of(row: Row, rng: random.Random, length_s: float) -> Iterator[Spell]:
    at_s = WELL_S + rng.uniform(0, row.well.most_s)
    while at_s < length_s:
        fault = rng.choice(list(row.faults))
        held_s = round(rng.uniform(*row.faults[fault]), 1)
        yield Spell(round(at_s, 1), fault, held_s)
        at_s += held_s + rng.uniform(*row.well)


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
        burst=tuple(pair(rng, (*CROWD, *LATE, *STREAM)) for _ in range(rng.randint(4, 8))),
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
