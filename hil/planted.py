"""Bugs planted on purpose in a copy of the product, to see whether a storm finds them.

A storm finds what its plan comes to. So each bug says what must come for anybody to notice it (`NEEDS`), and is met by
the first seeds whose plans have that, which is known before any storm: nothing is left to luck but the machine.
"""

from __future__ import annotations

import itertools
import json
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from firmware.modes import Mode
from hil.stormdeeds import Do
from hil.stormplan import OUTAGES, Chapter, Fault, Plan, make_plan

__all__ = ["BUGS", "NEEDS", "Need", "Planted", "find", "fits", "plant", "seeds"]

BUGS = Path("tests/storm/bugs")
COPIED = ("callcontrol", "drivers", "firmware", "hil", "tools")
MINUTES = 1.5
"""A storm over a bug; most end in half of it, as it stops at the first thing that breaks."""
TRIES = 2
"""So many storms, of different seeds, at the most."""
MARGIN_S = 180.0
"""What a storm takes beyond its minutes: start, return, the last look."""
PLANNED_S = 90.0
HIDING = frozenset(
    (
        Fault.EDGE_KILLED,
        Fault.EDGE_STOPPED,
        Fault.LINE_LOSSY,
        Fault.CLOCK_JUMP,
        Fault.DISK_FULL,
        Fault.MEMORY_SHORT,
        Fault.UNIT_KILLED,
        Fault.UNIT_STOPPED,
    )
)
"""These excuse much (hil/invariants.py)."""
BITING = frozenset(Fault) - HIDING
ANSWERING = frozenset((Fault.CALLS_KILLED, Fault.CALLS_STOPPED, Fault.CALLS_CRASHED, Fault.JOURNAL_LOCKED))
"""These excuse what is planned for those who are away (hil/absent.py)."""
EARLY, IN_SURVIVAL = (0.0, 11.0), (8.0, 12.0)
"""Seconds of a storm: in the peace at its begin; where a first chapter in SURVIVAL certainly is."""


@dataclass(frozen=True)
class Need:
    """What a plan must have for a storm to come upon a bug, and the rules that then break."""

    rules: frozenset[str]
    peace: bool = False  # before the first chapter
    mode: Mode | None = None  # of the first chapter; None: whatever it is
    faults: frozenset[Fault] = BITING  # one of these is struck by it,
    held_s: float = 0.0  # for so long at the least,
    across: frozenset[Fault] = frozenset()  # and across it one of these, where there are any
    deeds: tuple[tuple[Do, float, float], ...] = ()  # somebody does it between these times
    clear: int = 1  # so many chapters have nothing that excuses


def _killed(*rules: str, clear: int = 1) -> Need:
    return Need(frozenset(rules), mode=Mode.NORMAL, faults=frozenset((Fault.PLATFORM_KILLED,)), clear=clear)


def _in_peace(do: Do, *rules: str, clear: int = 1) -> Need:
    return Need(frozenset(rules), peace=True, deeds=((do, *EARLY),), clear=clear)


def _in_survival(do: Do) -> Need:
    return Need(frozenset(("nobody_in",)), mode=Mode.SURVIVAL, held_s=8.0, deeds=((do, *IN_SURVIVAL),))


def _of_people(*rules: str, do: Do) -> Need:
    """In an outage in which `calls` and the store are well."""
    return Need(
        frozenset(rules), mode=Mode.SURVIVAL, faults=BITING - ANSWERING, held_s=8.0, deeds=((do, *IN_SURVIVAL),)
    )


def _crashed(*rules: str) -> Need:
    """In an outage `calls` dies over those who hear, or leave a message: they have begun before the fault."""
    return Need(frozenset(rules), mode=Mode.SURVIVAL, faults=frozenset((Fault.CALLS_CRASHED,)))


NEEDS: dict[str, Need] = {
    "01-lost-ack": _in_peace(Do.CALL, "acknowledged", "uncut"),
    "02-timer-of-30-s": Need(frozenset(("reachable",)), mode=Mode.NORMAL, faults=frozenset((Fault.PLATFORM_SICK,))),
    "03-never-returns": _killed("master"),
    "04-recorded-twice": _in_peace(Do.EMERGENCY, "recorded"),
    "05-stale-lease-believed": Need(
        frozenset(("master",)),
        mode=Mode.NORMAL,
        faults=frozenset((Fault.UNIT_KILLED, Fault.UNIT_STOPPED)),
        across=frozenset((Fault.PLATFORM_KILLED, Fault.PLATFORM_STOPPED, Fault.LINE_BLACKHOLE)),
        clear=0,
    ),
    "06-112-limited": _in_peace(Do.EMERGENCY, "emergency"),
    "07-unregister-ignored": _in_peace(Do.UNREGISTER, "bound"),
    "08-accepted-here-is-enough": _killed("known", clear=2),
    "09-any-password-will-do": _in_survival(Do.WRONG_KEY_REGISTERS),
    "10-strangers-may-call": _in_survival(Do.STRANGER_CALLS),
    "11-learnt-from-anywhere": _in_survival(Do.THIEF_REGISTERS),
    # Calls are up, and the outage is longer than a BYE is sent again.
    "12-bye-by-the-dead": Need(frozenset(("ended",)), peace=True, mode=Mode.SURVIVAL, held_s=10.0),
    "13-bound-for-ever": _in_peace(Do.UNPLUG, "bound", clear=2),
    "14-records-skipped": _in_peace(Do.EMERGENCY, "recorded"),
    "15-112-gives-up-at-once": _in_peace(Do.EMERGENCY, "emergency"),
    "16-sockets-left-behind": Need(frozenset(("flat",)), peace=True),
    "17-strangers-may-register": _in_survival(Do.STRANGER_REGISTERS),
    # Who gives up is rung for on; and where two phones ring for one call, both answer.
    "18-cancel-lost": _in_peace(Do.GIVE_UP, "let_go", "once"),
    "19-diverted-into-nothing": _killed("reachable"),
    "20-survival-too-late": Need(frozenset(("master",)), mode=Mode.SURVIVAL),
    "21-referral-ignored": _of_people("away", do=Do.CALL_AWAY),
    "22-lost-phone-rings": _of_people("lost", do=Do.CALL_LOST),
    "23-change-told-twice": Need(frozenset(("told_once",)), peace=True),
    "24-everything-is-asked": _of_people("plain", do=Do.CALL),
    "25-told-and-left": _of_people("silence", "led", do=Do.HEAR),
    "26-led-calls-left-behind": _crashed("silence"),
    "27-other-end-not-told": _of_people("silence", do=Do.CHOOSE),
    "28-recording-left-torn": _crashed("torn"),
    "29-put-off-is-sent": Need(frozenset(("texted",)), peace=True, deeds=((Do.TEXT, *EARLY),)),
    "30-nobody-hangs-up": _in_peace(Do.EMERGENCY, "hung_up"),
    "31-sent-until-reported": Need(frozenset(("texted_once",)), peace=True, deeds=((Do.TEXT, *EARLY),)),
    # Staff and mail are busy in every storm.
    "32-said-and-not-kept": Need(frozenset(("staff",)), peace=True),
    "33-put-off-mail-is-sent": Need(frozenset(("mail",)), peace=True),
    "34-mail-goes-again": Need(frozenset(("mail",)), peace=True),
}
"""By the name of the patch."""


@dataclass(frozen=True)
class Planted:
    """What became of one bug; `rule` is the invariant that it broke, None: it was not found."""

    bug: str
    rule: str | None
    seconds: float  # until it was found, from the begin of the plan
    seed: int = 0  # of the storm that found it, or the last that did not
    storms: int = 0
    why: str = ""


def plant(root: Path, bug: Path, into: Path) -> None:
    """Copies the product to `into`, with the bug. Raises subprocess.CalledProcessError where the patch does not fit."""
    for folder in COPIED:
        shutil.copytree(root / folder, into / folder, ignore=shutil.ignore_patterns("__pycache__"))
    subprocess.run(["git", "apply", "-C1", str(bug.resolve())], cwd=into, check=True, capture_output=True, text=True)


def fits(need: Need, plan: Plan) -> bool:
    """Whether a storm of this plan comes upon it."""
    first = plan.chapters[0]
    return (
        (first.rest_s > 0) == need.peace
        and first.fault in need.faults
        and first.held_s >= need.held_s
        and (need.mode is None or _comes_to(need.mode, first))
        and (not need.across or (first.across is not None and first.across.fault in need.across))
        and not any(chapter.faults & HIDING for chapter in plan.chapters[: need.clear])
        and all(any(deed.do is do and at <= deed.at_s <= until for deed in plan.deeds) for do, at, until in need.deeds)
    )


def seeds(need: Need) -> Iterator[int]:
    """In their order, of all plans that fit."""
    return (seed for seed in itertools.count(1) if fits(need, make_plan(seed, PLANNED_S)))


def find(root: Path, bug: Path) -> Planted:
    """Storms over the bug, of the first seeds that fit it, until one breaks what this bug must break."""
    need = NEEDS[bug.stem]
    found = Planted(bug.stem, None, 0.0)
    with tempfile.TemporaryDirectory(prefix="rvbug-") as place:
        copy = Path(place)
        copy.chmod(0o755)
        plant(root, bug, copy)
        for storms, seed in enumerate(itertools.islice(seeds(need), TRIES), 1):
            found = _storm(copy, bug.stem, need, seed, storms)
            if found.rule is not None:
                break
    return found


def _comes_to(mode: Mode, chapter: Chapter) -> bool:
    if mode is Mode.SURVIVAL:
        return chapter.by in OUTAGES and (chapter.through or chapter.mode is Mode.SURVIVAL)
    return chapter.mode is mode and not chapter.through


def _storm(copy: Path, bug: str, need: Need, seed: int, storms: int) -> Planted:
    # Not -P: the working folder comes first, so that the copy is what runs.
    command = [sys.executable, "-m", "tools.cli", "storm", "--seed", str(seed), "--minutes", f"{MINUTES:g}", "--json"]
    began = time.monotonic()
    done = subprocess.run(
        command, cwd=copy, capture_output=True, text=True, timeout=MINUTES * 60 + MARGIN_S, check=False
    )
    took_s = time.monotonic() - began
    try:
        told = json.loads(done.stdout)
    except ValueError:
        return Planted(bug, None, took_s, seed, storms, done.stderr[-2000:])
    problems = told.get("problems", [])
    for problem in problems:
        if problem["expected"] in need.rules:
            return Planted(bug, problem["expected"], told["broken_after_s"], seed, storms, problem["observed"])
    why = "; ".join(f"{problem['expected']}: {problem['observed']}" for problem in problems)
    return Planted(bug, None, took_s, seed, storms, why or str(told.get("failed") or "") or done.stderr[-2000:])
