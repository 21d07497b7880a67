"""Mains that goes and comes back at any moment: does the unit always run again, and is anything lost that was promised.

The policy and its last words (firmware/power) decide in a unit that hangs on the microcontroller's own program
(board/mcu, by hil/sim/mcu.py), in virtual time. What was promised: the store's own writes, recorded, and cut between
any two of them (hil/powercut.py), as a supply that goes before a halt is done cuts them."""

from __future__ import annotations

import os
import random
import shutil
import sys
import tempfile
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from multiprocessing import get_context
from pathlib import Path

from drivers.ups.model import Mains, Reading
from firmware.config import Config, Power, Ups, default
from firmware.power.halting import Do, Happened, Stage, after
from firmware.power.policy import Policy
from firmware.power.states import PowerState
from hil import storework
from hil.powercut import images, record
from hil.sim.mcu import CELL_MWH, World
from tools.bench.figures import Class, Figure, Goal, Scalar

__all__ = ["Cycle", "cycle", "measure"]

CUTS, CUTS_QUICK = 1_000, 24
CUTS_AT_ONCE = 8
DISKS, DISKS_QUICK = 600, 24
STEP_MS = 200
LOOK_S = 1.0
UP_S = 3_600.0
"""An empty battery is charged first, until it bears a start."""
MAINS_S = 180.0
"""After each cut, for the state to be seen."""
CHARGE = (0.05, 0.16)
"""Before a cut: the halt is due some minutes later."""
AFTER_S = (5.0, 1_800.0)
LAST_WORDS_S = (8.0, 60.0)
"""With so little charge they are said then: the moments in which a return is hardest."""
SEED = 7
ROOT = Path(__file__).parents[3]


class Cycle:
    """One unit's day: `cut`, and what became of it."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)  # noqa: S311  chance, not secrecy
        self.world = World(charge=self.chance.uniform(*CHARGE))
        self.stages: list[Stage] = []
        self._begin()

    def _begin(self) -> None:
        """The unit's process is new."""
        self._policy = Policy(_config(), {"mcu": 3.0})
        self._stage = Stage.RUNNING
        self._done_s: float | None = None
        self._was_up = False

    def returns(self) -> bool:
        """Mains goes, and is back some time later. Whether the unit runs in the end, and knows it."""
        world = self.world
        if not self._until(self._runs, UP_S):
            return False
        world.charge = min(world.charge, self.chance.uniform(*CHARGE))
        world.mains = False
        away_s = self.chance.uniform(*self.chance.choice((AFTER_S, LAST_WORDS_S)))
        self._go(away_s)
        world.mains = True
        return self._until(self._runs, UP_S) and self._stays()

    def _stays(self) -> bool:
        self._go(MAINS_S)
        return self._runs()

    def _runs(self) -> bool:
        return self.world.unit.state == "up" and self._was_up and self._stage is Stage.RUNNING

    def _until(self, is_so: Callable[[], bool], seconds: float) -> bool:
        end_ms = self.world.now + 1000 * seconds
        while self.world.now < end_ms and not is_so():
            self._go(LOOK_S)
        return is_so()

    def _go(self, seconds: float) -> None:
        end_ms = self.world.now + 1000 * seconds
        while self.world.now < end_ms:
            self.world.go(LOOK_S, STEP_MS)
            if self.world.unit.state in ("up", "halting"):
                self._look(self.world.now / 1000)
            elif self._was_up:
                self._begin()

    def _look(self, now_s: float) -> None:
        """What firmware/power/keeper.py and ending.py do, without their clock."""
        seen = self.world.unit.seen
        if seen is not None:
            mains = Mains.UNKNOWN if seen.mains is None else Mains.ON if seen.mains else Mains.LOST
            volts = None if seen.battery_mv is None else seen.battery_mv / 1000
            known = seen.supply_mv is not None and seen.unit_ma is not None
            watts = (seen.supply_mv or 0) * (seen.unit_ma or 0) / 1e6 if known else None
            self._policy.told("mcu", Reading(now_s, mains, volts=volts, watts=watts, low=seen.low, halt=seen.halt))
        view = self._policy.look(now_s)
        self._was_up = self._was_up or view.powered.state is PowerState.MAINS
        self._happened(Happened.HALT if view.halting else Happened.BACK, now_s)
        if self._done_s is not None and now_s >= self._done_s:
            self._happened(Happened.DONE, now_s)

    def _happened(self, happened: Happened, now_s: float) -> None:
        stage, do = after(self._stage, happened)
        if stage is not self._stage:
            self.stages.append(stage)
        self._stage = stage
        match do:
            case Do.TELL:
                self._done_s = now_s + self.chance.uniform(1, 20)
            case Do.FLUSH:
                self._done_s = now_s + self.chance.uniform(0.1, 10)
            case Do.HALT:
                self._done_s = None
                self.world.halt()
            case Do.RESTART:
                self._done_s = None
                self.world.restart()
            case Do.CARRY_ON:
                self._done_s = None


def cycle(seed: int, cuts: int = 1) -> tuple[int, Counter[Stage]]:
    """How many of so many cuts the unit came back from, and how far its last words came."""
    one = Cycle(seed)
    back = sum(one.returns() for _ in range(cuts))
    return back, Counter(one.stages)


def measure(tell: Callable[[str], None], *, quick: bool) -> tuple[list[Figure], dict[str, Scalar]]:
    """Some minutes; with `quick` twenty seconds."""
    cuts, disks = (CUTS_QUICK, DISKS_QUICK) if quick else (CUTS, DISKS)
    tell(f"{cuts} cuts of mains, and returns")
    back, stages = 0, Counter[Stage]()
    # Processes begun anew: a thread that measures something else may run in this one.
    with ProcessPoolExecutor(1 if quick else os.cpu_count(), get_context("spawn")) as pool:
        for returned, how_far in pool.map(cycle, range(SEED, SEED + cuts), chunksize=CUTS_AT_ONCE):
            back += returned
            stages += how_far
    tell(f"the store, cut between its writes: {disks} disks")
    lost, promised = _lost(disks, 1 if quick else storework.ROUNDS)
    figures = [
        Figure("returns", float(back), cuts, "cuts", Class.SIMULATED, Goal(cuts, at_least=True)),
        Figure("acknowledged_lost", float(lost), disks, "acknowledged_samples", Class.SIMULATED, Goal(0)),
    ]
    found = {f"stage_{stage.value}": stages[stage] for stage in Stage if stage is not Stage.RUNNING}
    return figures, {**found, "acknowledged": promised}


def _lost(disks: int, rounds: int) -> tuple[int, int]:
    """What was promised and is not on a disk, of so many; and how much was promised on them in all."""
    with tempfile.TemporaryDirectory(prefix="rvx-power-") as name:
        work, disk = Path(name) / "work", Path(name) / "disk"
        work.mkdir()
        program = [sys.executable, "-m", "hil.storework", str(work), "--rounds", str(rounds)]
        done = list(images(record(program, work, cwd=ROOT), seed=SEED, times=1))
        lost = promised = 0
        chance = random.Random(SEED)  # noqa: S311  chance, not secrecy
        for image in chance.sample(done, min(disks, len(done))):
            shutil.rmtree(disk, ignore_errors=True)
            disk.mkdir()
            image.write(disk)
            promised += len(image.acknowledged)
            lost += len(storework.check(disk, image.acknowledged))
        return lost, promised


def _config() -> Config:
    ups = Ups(name="mcu", kind="mcu", keeps=("unit", "switch"), capacity_wh=round(CELL_MWH / 1000))
    return replace(default(Path("/nowhere")), ups=(ups,), power=Power(halt_after_s=10))
