"""Who lives in a storm's building, and what they do when: deeds at stated times, by the seed alone. Pure.

Times are seconds from the begin of the storm."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from heapq import merge
from itertools import count, cycle
from operator import attrgetter

__all__ = [
    "APART",
    "AWAY",
    "BOSS",
    "BUSY",
    "CODERS",
    "CROWD",
    "DESK",
    "EARS",
    "ENDER",
    "HELPER",
    "JOINER",
    "LATE",
    "LEARNT",
    "LEAVER",
    "LOST",
    "MAILED",
    "MATE",
    "MEETING",
    "MEET_LEAST",
    "MOBILES",
    "MODEMS",
    "MOVED",
    "NOBODY",
    "PARKED",
    "PATIENT",
    "PICK_UP",
    "REFERRED",
    "REFERRED_MOBILE",
    "RINGER",
    "ROAMER",
    "RUSH",
    "SENDER",
    "STAFF",
    "STANDIN",
    "STREAM",
    "TWIN",
    "Deed",
    "Do",
    "deeds",
    "pair",
]

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
CODERS = ("1032", "1033", "1034", "1035", "1036")
"""Hear, and only call: codes."""
MATE = CODERS[0]
"""In one group of pick-up with the one who never lifts."""
RINGER = "1037"
"""Hears, rings, and never lifts."""
PARKED = "1038"
"""Hears, and is sent on to wait in a slot."""
MODEMS = ("m1", "m2")
MOBILES = tuple(f"+467011100{number:02}" for number in range(40))
"""Who is called outside, one after the other, so that each call has a number of its own;"""
RUSH = 4
"""the first of them while a fault is struck."""
BOSS = "+46701119999"
"""A mobile that is texted, and that calls the SIMs."""
REFERRED, REFERRED_MOBILE = "1039", "+46701118888"
"""Is referred by texts; has no phone here."""
MEETING = "*55*7"
"""The conference that is met in while a fault is struck."""
PICK_UP = "*8%23"
STAFF = ("1051", "1052", "1053", "1054")
"""Have no phones; refer themselves by page, calendar and a command (hil/staff.py)."""
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
    EMERGENCY_RUSH = "112 by two"  # at once, while others are outside
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
    MEET = "meet and hear"  # each of three to five dials one conference
    PARK = "park"  # who answers is sent to `slot`
    FETCH = "fetch"  # who waits in `slot`
    RING = "ring and wait"
    PICK_UP = "pick up"
    CALL_OUT = "call outside"
    CALL_SIM = "call a SIM"  # `callee`: the modem
    TEXT = "text"  # one that the unit sends; `slot`: which
    COMMAND = "refer by text"


@dataclass(frozen=True)
class Deed:
    """One thing done at a time; `hold_s` is how long a call lasts, or a phone is away."""

    at_s: float
    do: Do
    caller: str = ""
    callee: str = ""
    hold_s: float = 0.0
    slot: int = 0


def deeds(seed: int, length_s: float) -> list[Deed]:
    """In the order of their times; each kind of people has a chance of its own, so that one more changes no others'."""
    kinds = (
        ("deeds", _deeds), ("people", _people_deeds), ("ears", _ears_deeds), ("codes", _code_deeds),
        ("outside", _outside_deeds),
    )  # fmt: skip
    rows = (make(random.Random(f"{name} {seed}"), length_s) for name, make in kinds)
    return list(merge(*rows, key=attrgetter("at_s")))


def pair(rng: random.Random, extensions: Sequence[str]) -> tuple[str, str]:
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
    caller, callee = pair(rng, (*CROWD, *LATE, *STREAM))
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


CODE_EVERY_S = (5.0, 9.0)
MEET_LEAST = 3
MEETS_S, COMES_AFTER_S = (3.0, 12.0), (0.1, 1.5)
"""How long each stays, and how long after the one before somebody comes, who may be gone by then."""
CONFERENCES = ("*55*8", "*55*9")
FETCHED_AFTER_S, PICKED_UP_AFTER_S = 3.0, 2.0
TAKEN_S = (1.0, 6.0)
"""How long is talked after it."""


def _code_deeds(rng: random.Random, length_s: float) -> Iterator[Deed]:
    """One code after the other, of all kinds. In the order of their times."""
    found: list[Deed] = []
    at_s, slot = rng.uniform(*CODE_EVERY_S), 0
    while at_s < length_s:
        slot += 1
        match rng.choice((Do.MEET, Do.PARK, Do.RING)):
            case Do.MEET:
                conference, comes_s = rng.choice(CONFERENCES), at_s
                for caller in rng.sample(CODERS, rng.randint(MEET_LEAST, len(CODERS))):
                    found.append(Deed(round(comes_s, 2), Do.MEET, caller, conference, round(rng.uniform(*MEETS_S), 1)))
                    comes_s += rng.uniform(*COMES_AFTER_S)
            case Do.PARK:
                found.append(Deed(round(at_s, 2), Do.PARK, rng.choice(EARS), PARKED, slot=slot))
                fetched_s, talks_s = round(at_s + FETCHED_AFTER_S, 2), round(rng.uniform(*TAKEN_S), 1)
                found.append(Deed(fetched_s, Do.FETCH, rng.choice(CODERS), f"%2370*{slot}%23", talks_s, slot))
            case _:
                talks_s = round(rng.uniform(*TAKEN_S), 1)
                found.append(Deed(round(at_s, 2), Do.RING, rng.choice(EARS), RINGER, talks_s))
                picked_s = round(at_s + PICKED_UP_AFTER_S, 2)
                found.append(Deed(picked_s, Do.PICK_UP, MATE, PICK_UP, round(rng.uniform(*TAKEN_S), 1)))
        at_s += rng.uniform(*CODE_EVERY_S)
    return iter(sorted((deed for deed in found if deed.at_s < length_s), key=attrgetter("at_s")))


OUTSIDE_EVERY_S = (2.0, 5.0)
TALKS_OUTSIDE_S = (0.5, 8.0)
RUSH_TALKS_S, RUSH_AFTER_S, RUSH_SOS_S = 9.0, 3.5, 5.0
"""Two are outside, by the gateway and by a modem, when two dial 112."""
OUTSIDE: tuple[tuple[Do, float], ...] = (
    (Do.CALL_OUT, 3),
    (Do.CALL_SIM, 1),
    (Do.TEXT, 3),
    (Do.COMMAND, 1),
    (Do.EMERGENCY_RUSH, 2),
)
"""What is done, in which shares."""
COMMANDS = ("LUNCH 1300", "MÖTE 1430", "ÅTER")


def _outside_deeds(rng: random.Random, length_s: float) -> Iterator[Deed]:
    """In the order of their times."""
    found: list[Deed] = []
    at_s, numbers, texts = 1.0, cycle(MOBILES[RUSH:]), count(1)

    def out(at_s: float, hold_s: float) -> Deed:
        return Deed(round(at_s, 2), Do.CALL_OUT, rng.choice((*CROWD, *LATE)), next(numbers), hold_s)

    while at_s < length_s:
        ((do, _),) = rng.choices(OUTSIDE, [share for _, share in OUTSIDE])
        talks_s = round(rng.uniform(*TALKS_OUTSIDE_S), 1)
        match do:
            case Do.CALL_OUT:
                found.append(out(at_s, talks_s))
            case Do.CALL_SIM:
                found.append(Deed(round(at_s, 2), do, BOSS, rng.choice(MODEMS), talks_s))
            case Do.TEXT:
                found.append(Deed(round(at_s, 2), do, callee=BOSS, slot=next(texts)))
            case Do.COMMAND:
                found.append(Deed(round(at_s, 2), do, REFERRED_MOBILE, rng.choice(COMMANDS)))
            case _:
                found += [out(at_s, RUSH_TALKS_S), out(at_s + 0.5, RUSH_TALKS_S)]
                for after_s, caller in zip((0.0, 0.5), rng.sample(CROWD, 2), strict=True):
                    found.append(Deed(round(at_s + RUSH_AFTER_S + after_s, 2), do, caller, "112", RUSH_SOS_S))
        at_s += rng.uniform(*OUTSIDE_EVERY_S)
    return iter(sorted((deed for deed in found if deed.at_s < length_s), key=attrgetter("at_s")))
