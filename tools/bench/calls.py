"""What a call costs and waits for that Python decides, is told something in, or hears; over a unit in SURVIVAL.

Four parts, each in a file of its own: the sound itself (sound.py), calls that are led back to back, beside Asterisk if
asked to, and calls that are sent on (deciding.py), callers who are told something (telling.py), in one building
(building.py). CPU of calls is that of all processes of the unit, Kamailio's counted.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable

from hil.net import Net
from tools.bench import Report, sound
from tools.bench.building import PEOPLE, Building
from tools.bench.deciding import DECIDED_RATE, DIFFERS, Decided, DecidedPlan, decide
from tools.bench.figures import Class, Figure, Goal, Scalar, timed
from tools.bench.side import Work, counted, mean, ratio, rounded
from tools.bench.telling import AT_ONCE, Told, tell

__all__ = ["figures", "measure"]

ASTERISK_GOAL = Goal(2, at_least=True)
ADDED_GOAL, PROMPT_GOAL, PACING_GOAL = Goal(15), Goal(150), Goal(5)
MEMORY_GOAL = Goal(150)

FULL, QUICK = DecidedPlan(3, 8.0, 6.0, 200), DecidedPlan(1, 2.0, 1.0, 40)
FULL_ROUNDS, QUICK_ROUNDS = 5, 1


def measure(args: argparse.Namespace, say: Callable[[str], None]) -> Report:
    """All of it: under 45 s with ``--quick``, else about three minutes."""
    began = time.monotonic()

    def tell_step(text: str) -> None:
        say(f"{time.monotonic() - began:5.0f} s  {text}")

    heard, conditions = sound.measure(tell_step, quick=args.quick)
    tell_step("building")
    with Net("rvcalls") as net:
        building = Building(net, bool(args.peer))
        tell_step("calls that are led, calls that are sent on")
        decided = decide(building, QUICK if args.quick else FULL)
        tell_step("callers who are told why, while people are taken in")
        told = tell(building, QUICK_ROUNDS if args.quick else args.samples or FULL_ROUNDS)
    seconds: dict[str, Scalar] = {"quick": bool(args.quick), "seconds": round(time.monotonic() - began, 1)}
    return Report([*heard, *figures(decided, told)], conditions | _conditions(decided, told) | seconds)


def figures(decided: Decided, told: Told) -> list[Figure]:
    """Of calls. Without a peer, its figures have no value."""
    of, peer = Class.SIMULATED, decided.peer or Work()
    return [
        _cost("decided_calls", decided.led),
        _cost("asterisk_decided_calls", peer),
        ratio("decided_vs_asterisk", decided.led, peer, ASTERISK_GOAL),
        _cost("forwarded_calls", decided.forwarded),
        timed("added_setup", "ms_p95", "", decided.added_ms, of, goal=ADDED_GOAL),
        timed("added_setup", "ms_p50", "", decided.added_ms, of, percent=50),
        timed("prompt_start", "ms_p95", "", told.starts_ms, of, goal=PROMPT_GOAL),
        timed("prompt_start", "ms_p50", "", told.starts_ms, of, percent=50),
        timed("pacing_jitter", "ms_p99", "", told.late_ms, of, goal=PACING_GOAL, percent=99),
        counted("calls_memory_mb", max(told.memory_mb, default=None), len(told.memory_mb), "memory", MEMORY_GOAL),
    ]


def _cost(name: str, work: Work) -> Figure:
    return counted(f"{name}_per_cpu_s", work.per_cpu_s, work.ok, name, failed=work.failed)


def _conditions(decided: Decided, told: Told) -> dict[str, Scalar]:
    works = {"decided": decided.led, "forwarded": decided.forwarded, "asterisk_decided": decided.peer}
    found: dict[str, Scalar] = {"calls_rate_offered": DECIDED_RATE, "told_at_once": AT_ONCE, "people": PEOPLE}
    for name, work in works.items():
        found[f"{name}_rate"] = rounded(work.rate) if work else None
        found[f"{name}_failed"] = work.failed if work else None
        found[f"{name}_retransmissions"] = work.retransmissions if work else None
    return found | {
        "import_s": rounded(mean(told.import_s)),
        "added_setup_is": "INVITE to 180, challenge included, of a led call, less the median of plain ones",
        "prompt_start_is": "INVITE, challenge included, to the first packet of what espeak-ng has yet to say",
        "pacing_jitter_is": "how long after its turn a packet comes, as the earliest of its saying has it",
        "differs": DIFFERS if decided.peer else None,
    }
