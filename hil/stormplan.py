"""The plan of a storm: which faults, in which modes, over which calls. Pure: the same seed gives the same plan.

A storm is a row of *chapters*, each of which strikes one fault in one mode of the unit, and perhaps another fault
across it; under them lives a building, by *deeds* at stated times. Every pair of mode and fault comes before any comes
again. Times are seconds; those of deeds count from the begin of the storm. Chapters follow one another as soon as the
unit is in the mode that the next one wants, so that their times are the unit's, their order and content the seed's.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import product
from typing import NamedTuple

from firmware.modes import Mode

__all__ = [
    "CROWD",
    "ENDER",
    "FAULTS",
    "LATE",
    "LEARNT",
    "LEAVER",
    "MODE_BY",
    "PATIENT",
    "ROAMER",
    "STREAM",
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
    DISK_FULL = "disk full"
    CLOCK_JUMP = "clock jump"
    DNS_GONE = "dns gone"
    MEMORY_SHORT = "memory short"


class Held(NamedTuple):
    """How long a fault lasts, seconds."""

    least_s: float
    most_s: float


FAULTS: dict[Fault, Held] = {
    Fault.PLATFORM_KILLED: Held(5, 9),
    Fault.PLATFORM_STOPPED: Held(5, 9),
    Fault.PLATFORM_SLOW: Held(5, 9),
    Fault.PLATFORM_SICK: Held(5, 14),
    Fault.PLATFORM_AMNESIAC: Held(4, 6),
    Fault.PLATFORM_FLAPPING: Held(9, 14),
    Fault.LINE_DOWN: Held(5, 9),
    Fault.LINE_BLACKHOLE: Held(5, 9),
    Fault.LINE_LOSSY: Held(5, 9),
    Fault.EDGE_KILLED: Held(0.5, 2),
    Fault.EDGE_STOPPED: Held(1, 4),
    # Longer than the lease: the edge must do without.
    Fault.UNIT_KILLED: Held(25, 27),
    Fault.UNIT_STOPPED: Held(25, 27),
    Fault.CALLS_KILLED: Held(4, 9),
    Fault.CALLS_STOPPED: Held(4, 9),
    Fault.DISK_FULL: Held(5, 9),
    Fault.CLOCK_JUMP: Held(5, 9),
    Fault.DNS_GONE: Held(4, 6),
    Fault.MEMORY_SHORT: Held(5, 9),
}

MODE_BY: dict[Mode, tuple[Fault, ...]] = {
    Mode.NORMAL: (),
    Mode.SUSPECT: (Fault.PLATFORM_SICK,),
    Mode.SURVIVAL: (Fault.PLATFORM_KILLED, Fault.LINE_BLACKHOLE),
    Mode.RETURNING: (Fault.PLATFORM_KILLED, Fault.LINE_BLACKHOLE),
}
"""By which fault a mode is come to; RETURNING by its end."""

LONELY = frozenset((Fault.UNIT_KILLED, Fault.UNIT_STOPPED))
"""Of these something is learnt only when the platform dies, or comes back, while they last."""
DEATHS = (Fault.PLATFORM_KILLED, Fault.PLATFORM_STOPPED, Fault.LINE_BLACKHOLE, Fault.LINE_DOWN)
LEASE_S = 11.0
"""After so long the edge is on its own."""
ACROSS_SHARE = 0.4
"""So many chapters have a second fault."""
CHAPTER_LEAST_S = 4.0
"""Chapters take longer than this, so there are enough of them."""

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


@dataclass(frozen=True)
class Chapter:
    """`fault` is struck in `mode`, which is come to by `by` (None: it is the mode of a good day)."""

    number: int
    mode: Mode
    by: Fault | None
    fault: Fault
    held_s: float
    across: Across | None
    burst: tuple[tuple[str, str], ...]  # calls begun around the moment it strikes

    @property
    def pair(self) -> tuple[Mode, Fault]:
        return self.mode, self.fault


@dataclass(frozen=True)
class Plan:
    seed: int
    length_s: float
    chapters: tuple[Chapter, ...]
    deeds: tuple[Deed, ...]

    def prefix(self, chapters: int) -> Plan:
        """The same, but for the chapters after the first so many."""
        return Plan(self.seed, self.length_s, self.chapters[:chapters], self.deeds)


def pairs_of(faults: Sequence[Fault] = tuple(FAULTS)) -> frozenset[tuple[Mode, Fault]]:
    """Every mode with every fault."""
    return frozenset(product(Mode, faults))


def make_plan(seed: int, length_s: float, faults: Sequence[Fault] = tuple(FAULTS)) -> Plan:
    """What a storm of this seed does in `length_s`. `faults` are those to strike; two storms of one seed that strike
    the same faults begin alike, however long they are."""
    chapters, deeds = random.Random(f"chapters {seed}"), random.Random(f"deeds {seed}")
    count = int(length_s / CHAPTER_LEAST_S) + 1
    row = _chapters(chapters, tuple(dict.fromkeys(faults)))
    return Plan(seed, length_s, tuple(next(row) for _ in range(count)), tuple(_deeds(deeds, length_s)))


def _chapters(rng: random.Random, faults: Sequence[Fault]) -> Iterator[Chapter]:
    """In each round every fault comes once; in as many rounds as there are modes, in every mode."""
    number = 0
    while True:
        modes = {fault: rng.sample(list(Mode), len(Mode)) for fault in faults}
        for turn in range(len(Mode)):
            for fault in rng.sample(faults, len(faults)):
                number += 1
                yield _chapter(rng, number, modes[fault][turn], fault, faults)


def _chapter(rng: random.Random, number: int, mode: Mode, fault: Fault, faults: Sequence[Fault]) -> Chapter:
    ways = [way for way in MODE_BY[mode] if way is not fault] or list(MODE_BY[mode])
    held_s = round(rng.uniform(*FAULTS[fault]), 1)
    return Chapter(
        number=number,
        mode=mode,
        by=rng.choice(ways) if ways else None,
        fault=fault,
        held_s=held_s,
        across=_across(rng, fault, held_s, faults),
        burst=tuple(_pair(rng, (*CROWD, *LATE, *STREAM)) for _ in range(rng.randint(4, 8))),
    )


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
