"""`rvx storm`: a building lives its day under a seeded row of faults, and what must hold is judged all along.

Real programs in networks of their own on this machine, as in `rvx demo`: platform, unit, crowds of phones by UDP and
TCP, two phones that talk all the time, strangers, callers of 112. Same seed, same plan.
"""

import argparse
import os
import random
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from firmware.modes import Mode
from hil.child import ChildError
from hil.net import Net, NetError
from hil.phone import PhoneError
from hil.planted import BUGS, Planted, find
from hil.platform import PlatformError
from hil.site import SiteError
from hil.storm import Outcome, Told, run_storm, shortest_prefix
from hil.stormplan import FAULTS, Plan, make_plan, pairs_of
from hil.takeovers import Takeovers
from tools.errors import DONE, FAILED, UNKNOWN, UserError
from tools.output import Output, table

__all__ = ["pairs_table", "planted_table", "run", "shortest_way"]

DEFAULT_MINUTES, ALL_PAIRS_MINUTES = 2.0, 25.0
SEED_MAX = 9_999
REPLAYS, REPLAYS_LEAST = 3, 2
"""A prefix breaks if it does so in so many replays of so many."""
REPLAY_S = 900.0
"""The search for the shortest prefix ends after this."""
REPLAY_MORE_S = 15.0
"""What breaks again has done so when this has passed beyond the time at which it broke first."""
MISSED_MAX = 1
"""So many planted bugs may be missed."""
WORDS = {
    "chapter": "kapitel / chapter",
    "fault": "fel / fault",
    "mended": "lagat / mended",
    "mode": "läge / mode",
    "lag": "datorn stod still / machine lagged",
    "broken": "BRUTET / BROKEN",
    "seen": " ",
    "trouble": "bekymmer / trouble",
    "taken over": "övertaget / taken over",
    "whole": "helt igen / whole again",
}


def run(args: argparse.Namespace) -> int:
    """Exit code 0 when nothing was broken, 1 when something was, 3 when the rig itself did not work."""
    if os.geteuid() != 0:
        raise UserError("RVX-N05")
    out = Output.of(args)
    if args.planted is not None:
        return _planted(out, args.planted)
    if args.takeovers is not None:
        return _takeovers(out, args.takeovers, args.seed)
    minutes = args.minutes or (ALL_PAIRS_MINUTES if args.all_pairs else DEFAULT_MINUTES)
    seed = random.randint(1, SEED_MAX) if args.seed is None else args.seed  # noqa: S311  not for secrets
    plan = make_plan(seed, minutes * 60)
    if args.chapters is not None:
        plan = plan.prefix(args.chapters)
    out.note(f"frö / seed {seed}, {minutes:g} min, {len(FAULTS)} fel / faults")
    outcome = _storm(plan, _teller(out), keep_going=args.keep_going, all_pairs=args.all_pairs)
    shortest = shortest_way(plan, outcome, out.note) if args.replay and outcome.broken else None
    _show(out, plan, outcome, minutes, shortest)
    if outcome.broken:
        return FAILED
    missed = args.all_pairs and outcome.visited != pairs_of()
    return UNKNOWN if outcome.failed or missed else DONE


def pairs_table(outcome: Outcome) -> list[str]:
    """Mode by fault: which pairs were visited."""
    modes = list(Mode)
    rows = [("fel / fault", *modes)]
    rows += [(str(fault), *("x" if (mode, fault) in outcome.visited else "-" for mode in modes)) for fault in FAULTS]
    return table(rows)


def _storm(plan: Plan, told: Told, *, keep_going: bool = False, all_pairs: bool = False) -> Outcome:
    try:
        return run_storm(plan, told, keep_going=keep_going, all_pairs=all_pairs)
    except (NetError, ChildError, PhoneError, PlatformError, SiteError, OSError) as error:
        return Outcome(plan.seed, failed=str(error))


def _teller(out: Output) -> Told:
    began, lock = time.monotonic(), threading.Lock()

    def told(kind: str, words: str) -> None:
        with lock:
            line = f"{time.monotonic() - began:7.1f} s  {WORDS.get(kind, kind)} {words}"
            out.note(out.side_paint.fail(line) if kind == "broken" else line)

    return told


def shortest_way(
    plan: Plan,
    outcome: Outcome,
    note: Callable[[str], None],
    storm: Callable[[Plan, Told], Outcome] = _storm,
) -> int:
    """How many chapters it takes to break the first broken rule again in most replays."""
    rule = outcome.broken[0].rule
    length_s = min(plan.length_s, (outcome.broken_after_s or plan.length_s) + REPLAY_MORE_S)

    def breaks(chapters: int) -> bool:
        again = 0
        for tried in range(1, REPLAYS + 1):
            replayed = storm(make_plan(plan.seed, length_s).prefix(chapters), lambda kind, words: None)
            again += any(breach.rule == rule for breach in replayed.broken)
            note(f"omspelat / replayed: {chapters} kapitel / chapters, {again} av / of {tried} bröt / broke")
            if again >= REPLAYS_LEAST or again + REPLAYS - tried < REPLAYS_LEAST:
                break
        return again >= REPLAYS_LEAST

    return shortest_prefix(outcome.chapters, breaks, time.monotonic() + REPLAY_S, time.monotonic)


def _show(out: Output, plan: Plan, outcome: Outcome, minutes: float, shortest: int | None) -> None:
    figures = {
        "seed": plan.seed,
        "faults": outcome.faults,
        "calls": outcome.calls,
        **outcome.figures,
        "broken": len(outcome.broken),
        "pairs_visited_percent": outcome.pairs_visited_percent,
        "broken_after_s": None if outcome.broken_after_s is None else round(outcome.broken_after_s, 1),
        "shortest_prefix": shortest,
        "chapters": outcome.chapters,
        "pairs_missed": sorted(f"{fault} in {mode}" for mode, fault in pairs_of() - outcome.visited),
        "took_s": round(outcome.took_s, 1),
        "lagged_s": round(outcome.lagged_s, 1),
    }
    replay = "--replay" if shortest is None else f"--chapters {shortest}" if shortest else ""
    again = f"./rvx storm --seed {plan.seed} --minutes {minutes:g} {replay}".rstrip()
    if out.json:
        problems = [
            {
                "id": None,
                "severity": "fail",
                "area": "storm",
                "observed": breach.why,
                "expected": breach.rule,
                "effect": None,
                "fix": again,
                "since": None,
            }
            for breach in outcome.broken
        ]
        verdict = "failed" if outcome.broken else "unknown" if outcome.failed else "passed"
        out.document(verdict, problems, **figures, failed=outcome.failed or None)
        return
    out.line()
    for line in pairs_table(outcome):
        out.line(line)
    out.line()
    for breach in outcome.broken:
        out.line(f"{out.paint.word('fail')} {breach.rule}: {breach.why}")
    if outcome.broken:
        so_far = f"{outcome.chapters if shortest is None else shortest} kapitel / chapters"
        out.line(f"frö / seed {plan.seed}, {so_far}; {again}")
    if outcome.failed:
        out.line(f"{out.paint.word('skip')} {outcome.failed.splitlines()[0]}")
    out.line(
        out.paint.bold(
            f"{outcome.faults} fel / faults, {outcome.calls} samtal / calls, {len(outcome.broken)} brutna / broken, "
            f"{len(outcome.visited & pairs_of())} av / of {len(pairs_of())} par / pairs"
        )
    )


def _takeovers(out: Output, count: int, seed: int | None) -> int:
    """A town at two units, whichever serves dies, and comes back."""
    seed = random.randint(1, SEED_MAX) if seed is None else seed  # noqa: S311  not for secrets
    out.note(f"frö / seed {seed}, {count} övertaganden / takeovers")
    failed = ""
    with Net("rvpair") as net:
        takeovers = Takeovers(net, seed, _teller(out))
        try:
            takeovers.play(count)
        except (NetError, PhoneError, PlatformError, SiteError, OSError) as error:
            failed = str(error)
        finally:
            takeovers.close()
    day = takeovers.day
    slowest_s = round(max((took_s for _, took_s in day.takeovers_s), default=0.0), 1)
    if out.json:
        figures: dict[str, Any] = {
            "takeovers": len(day.takeovers_s),
            "slowest_s": slowest_s,
            "both_s": round(day.both_s, 1),
        }
        verdict = "failed" if day.broken else "unknown" if failed else "passed"
        broken = [f"{breach.rule}: {breach.why}" for breach in day.broken]
        out.document(verdict, seed=seed, calls=day.calls, broken=broken, failed=failed or None, **figures)
    else:
        for breach in day.broken:
            out.line(f"{out.paint.word('fail')} {breach.rule}: {breach.why}")
        if failed:
            out.line(f"{out.paint.word('skip')} {failed.splitlines()[0]}")
        summary = f"{len(day.takeovers_s)} övertaganden / takeovers, {slowest_s} s, {day.calls} samtal / calls"
        out.line(out.paint.bold(f"{summary}, {len(day.broken)} brutna / broken"))
    return FAILED if day.broken else UNKNOWN if failed else DONE


def _planted(out: Output, name: str) -> int:
    """Each planted bug in a copy of this tree: whether a storm finds it, and how soon."""
    root = Path(__file__).resolve().parent.parent
    bugs = sorted((root / BUGS).glob(f"{name}*.patch"))
    if not bugs:
        raise UserError("RVX-A02", "rvx storm --planted BUG wants a checkout of the source, and a bug that it has.")
    began = time.monotonic()
    found: list[Planted] = []
    for bug in bugs:
        out.progress(bug.stem)
        found.append(find(root, bug))
        caught = sum(each.rule is not None for each in found)
        so_far = f"{caught}/{len(found)} av / of {len(bugs)}, {time.monotonic() - began:.0f} s"
        out.note(f"{so_far}; {'  '.join(_planted_row(found[-1]))}; {found[-1].why}")
    took_s = time.monotonic() - began
    caught = sum(each.rule is not None for each in found)
    enough = caught >= max(1, len(found) - MISSED_MAX)
    if out.json:
        bugs_found = {each.bug: None if each.rule is None else each.seconds for each in found}
        verdict = "passed" if enough else "failed"
        out.document(verdict, planted=len(found), found=caught, bugs=bugs_found, took_s=round(took_s, 1))
    else:
        for line in planted_table(found):
            out.line(line)
        out.line(out.paint.bold(f"{caught} av / of {len(found)} funna / found, {took_s:.0f} s"))
    return DONE if enough else FAILED


def planted_table(found: Sequence[Planted]) -> list[str]:
    """Which bug was found by which rule, how soon, and by how many storms."""
    return table([("fel / bug", "brutet / broke", "efter / after", "frö / seed", "stormar"), *map(_planted_row, found)])


def _planted_row(planted: Planted) -> tuple[str, ...]:
    seconds = f"{planted.seconds:.0f} s"
    return planted.bug, planted.rule or "ej funnen / missed", seconds, str(planted.seed), str(planted.storms)
