"""Right about who is master, and harmless: what a platform that forgets, strays or dies in the middle of a call costs,
and what the unit's own death, its restarts, its standby and a flood cost.

Scenes on real programs, three at a time, each in a building of its own; every one of their calls must be answered and
end well, and is counted.
"""

from __future__ import annotations

import argparse
import os
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from hil.flood import LIMITS
from hil.net import Net
from hil.phone import PhoneError
from hil.platform import PlatformError
from hil.site import SiteError
from tools.bench import Report
from tools.bench.figures import LEAST_SAMPLES, Class, Figure, Goal, Scalar, timed
from tools.bench.master import ambiguity, amnesia, own
from tools.bench.master.stage import REGISTER_S, Counts, Say, Stage, Stopped

__all__ = ["Plan", "figures", "measure", "plan"]

NONE = Goal(0)
GAP_GOAL = Goal(REGISTER_S)
DEATH_GOAL = Goal(5)
TAKEOVER_GOAL = Goal(3)
FLOOD_GOAL = Goal(100)
DELAY_MS = 20
HOUR_S = 3600
CALM_RING_MS = 200


@dataclass(frozen=True)
class Plan:
    """How much is done."""

    amnesias: int
    slow_points: tuple[tuple[float, float], ...]
    setup_deaths: int
    calm_calls: int
    restarts: int  # of every process
    unit_deaths: int  # of each kind of phone, and so often it only stands still
    takeovers: Sequence[bool]  # each by a loss of power, or (True) by an edge that stands still
    flood_calls: int  # of each kind of packet


def plan(args: argparse.Namespace) -> Plan:
    """From the command line."""
    if args.quick:
        return Plan(
            1, ambiguity.POINTS, 2, calm_calls=240, restarts=1, unit_deaths=0, takeovers=(False,), flood_calls=15
        )
    return Plan(
        amnesias=args.samples or 5,
        slow_points=ambiguity.MATRIX,
        setup_deaths=args.samples or 4,
        calm_calls=9_000,
        restarts=args.samples or 10,
        unit_deaths=args.samples or 21,
        takeovers=(False, True) * (args.samples or 20),
        flood_calls=50,
    )


def measure(args: argparse.Namespace, tell: Callable[[str], None]) -> Report:
    """All of it: under 45 s with ``--quick``, else about a quarter of an hour."""
    began = time.monotonic()
    told, counts, planned = threading.Lock(), Counts(), plan(args)

    def say(text: str) -> None:
        with told:
            tell(f"{time.monotonic() - began:5.0f} s  {text}")

    with Net("rvmaster") as net:
        _run(_Scenes(net, planned, counts, say))
    return Report(figures(counts), _conditions(counts, args, time.monotonic() - began))


def figures(counts: Counts) -> list[Figure]:
    """What was counted, against what it must be."""
    all_deaths = [*counts.unit_death_s, *counts.unit_death_baresip_s, *counts.unit_frozen_s]
    return [
        _counted("amnesia_failed_calls", counts.amnesia_failed, counts.amnesia_calls, NONE),
        timed("amnesia_inbound_gap", "s_p95", "", counts.amnesia_gap_s, Class.SIMULATED, goal=GAP_GOAL),
        _counted("false_survivals", counts.false_survivals, counts.calm_calls, NONE),
        _counted("observed_h", round(counts.observed_s / HOUR_S, 3), counts.calm_calls, None),
        _counted("diverted_calls", counts.diverted, counts.calm_calls, None),
        _counted("double_rings", counts.double_rings, counts.slow_calls, NONE),
        _counted("double_answers", counts.double_answers, counts.slow_calls, NONE),
        _counted("ghost_calls", counts.ghosts, counts.slow_calls, NONE),
        _counted("setup_calls_lost", counts.setups_lost, counts.setups, NONE),
        _counted("calls_lost", counts.lost, counts.attempted, NONE),
        _counted("calls_attempted", counts.attempted, counts.attempted, None),
        timed("unit_death_call", "s_p95", "", all_deaths, Class.REAL_PEER, goal=DEATH_GOAL),
        timed("unit_death_call", "s_p95", "linphone", counts.unit_death_s, Class.REAL_PEER, goal=DEATH_GOAL),
        timed("unit_death_call", "s_p95", "baresip", counts.unit_death_baresip_s, Class.REAL_PEER, goal=DEATH_GOAL),
        timed("unit_frozen_call", "s_p95", "", counts.unit_frozen_s, Class.REAL_PEER, goal=DEATH_GOAL),
        timed("standby_takeover", "s_p95", "", counts.takeover_s, Class.REAL_PEER, goal=TAKEOVER_GOAL),
        timed("standby_hung_takeover", "s_p95", "", counts.takeover_hung_s, Class.REAL_PEER, goal=TAKEOVER_GOAL),
        _counted("restart_calls_lost", counts.restart_lost, counts.restart_calls, NONE),
        timed("flood_call", "ms_p99", "", counts.flood_ms, Class.SIMULATED, goal=FLOOD_GOAL, percent=99),
    ]


class _Scenes:
    """Lanes of scenes that run side by side, each scene with buildings of its own."""

    def __init__(self, net: Net, planned: Plan, counts: Counts, say: Say) -> None:
        self._net, self._planned, self._counts, self._say = net, planned, counts, say
        self._stopped = threading.Event()

    def lanes(self) -> Sequence[Sequence[Callable[[], None]]]:
        """What runs side by side."""
        return (
            (self.calm, self.restarts, self.flood),
            (self.slow_and_setups, self.second_proxy),
            (self.amnesia, self.standby),
        )

    def stop(self) -> None:
        self._stopped.set()

    def failed(self, name: str, error: Exception) -> None:
        """The others go on; what this scene did not come to has no figure."""
        self._counts.failed_scenes.append(name)
        self._say(f"{name} could not be played to its end: {error}")

    def calm(self) -> None:
        with self._stage("calm", delay_ms=DELAY_MS, ring_ms=CALM_RING_MS) as stage:
            ambiguity.calm(stage, self._planned.calm_calls, self._counts, self._say)

    def slow_and_setups(self) -> None:
        with self._stage("slow") as stage:
            ambiguity.slow(stage, self._planned.slow_points, self._counts, self._say)
        with self._stage("setups", ring_ms=ambiguity.SETUP_RING_MS, persistent=True) as stage:
            ambiguity.setups(stage, self._planned.setup_deaths, self._counts, self._say)

    def amnesia(self) -> None:
        with self._stage("amnesia", outside=f"sip:{amnesia.OUTSIDE_IP}:5060") as stage:
            amnesia.run(stage, self._planned.amnesias, self._counts, self._say)

    def restarts(self) -> None:
        with self._stage("restarts") as stage:
            own.restart(stage, self._planned.restarts, self._counts, self._say)

    def flood(self) -> None:
        with self._stage("flood", configuration=LIMITS) as stage:
            own.flood(stage, self._planned.flood_calls, self._counts, self._say)

    def standby(self) -> None:
        own.standby(self._net, self._planned.takeovers, self._stopped, self._counts, self._say)

    def second_proxy(self) -> None:
        own.second_proxy(self._net, self._planned.unit_deaths, self._counts, self._say)

    @contextmanager
    def _stage(self, label: str, *, ring_ms: int = 20, **options: Any) -> Iterator[Stage]:
        if self._stopped.is_set():
            raise Stopped
        stage = Stage(self._net, label, self._stopped, **options)
        stage.start(ring_ms=ring_ms)
        try:
            yield stage
        finally:
            stage.stop()


def _run(scenes: _Scenes) -> None:
    """Every lane to its end. A fault of the benchmark itself ends them all, and is raised."""

    def lane(steps: Sequence[Callable[[], None]]) -> None:
        try:
            for step in steps:
                try:
                    step()
                except (PhoneError, PlatformError, SiteError) as error:
                    scenes.failed(step.__name__, error)
        except BaseException:
            scenes.stop()
            raise

    with ThreadPoolExecutor(len(scenes.lanes())) as pool:
        pending = [pool.submit(lane, steps) for steps in scenes.lanes()]
    errors = [error for future in pending if (error := future.exception()) is not None]
    for error in sorted(errors, key=lambda error: isinstance(error, Stopped)):
        raise error


def _counted(key: str, value: float, samples: int, goal: Goal | None) -> Figure:
    """A number of events among so many calls; None where too few were tried."""
    known = value if samples >= LEAST_SAMPLES else None
    return Figure(key, known, samples, f"{key}_samples", Class.SIMULATED, goal)


def _conditions(counts: Counts, args: argparse.Namespace, seconds: float) -> dict[str, Scalar]:
    calm = f"{ambiguity.LOSS_PERCENT:g} % loss, {ambiguity.JITTER_MS} ms jitter, {ambiguity.PAUSE_S:g} s pauses"
    return {
        "quick": bool(args.quick),
        "seconds": round(seconds, 1),
        "register_s": REGISTER_S,
        "amnesia_gap_is": "platform serving again to the first answered call from outside, per extension",
        "calm_is": calm,
        "unit_death_is": "by TCP, proxies by SRV, settings of phones.md, router on guard; killed, halted, cut; frozen",
        "takeover_is": "from the loss of power, or the edge's standing still (hung), to the address at the other unit",
        "flood_rate": round(min(counts.flood_rates, default=0.0)),
        "failed_scenes": " ".join(counts.failed_scenes) or None,
        "load_average": round(os.getloadavg()[0], 2),
        "cores": os.cpu_count(),
    }
