"""``python -m hil.powered.evening``: evenings of power through the unit's own keeper of it, each by its seed, in time
that passes only when nothing else happens: hours in a second.

Batteries, mains and what tells of them are hil/powered/house.py's; the machine that halts, is cut off and starts again
is here. What must hold is judged by hil/powered/rules.py. Exit code 1 when something was broken."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import logging
import random
import sys
import tempfile
from collections.abc import Callable, Collection, Sequence
from concurrent.futures import Executor, Future
from pathlib import Path
from typing import Any, TypeVar

from drivers.poe import PoeState
from drivers.ups.model import Part, Reading
from firmware.power.halting import Stage
from firmware.power.keeper import Last, PowerKeeper
from firmware.power.policy import View
from firmware.power.shedding import Role
from hil.powered.house import HALT_AFTER_S, LOADS, Teller, Wired, config_of
from hil.powered.plan import SAYING, Evening, Moment, Outage, evening
from hil.powered.rules import Breach, power_breaches
from hil.powered.seen import Deed, Look, PowerSeen, Span
from hil.sim.owntime import OwnTimeLoop
from hil.sim.power.supply import MAINS_V

__all__ = ["play"]

STEP_S = 1.0
TELLS_S = 2.0
"""How often each source tells."""
KNOWS_S = 6 * 3600.0
"""True minutes are reckoned so far."""
DOWN_S, BOOT_S = (2.0, 25.0), (20.0, 60.0)
"""From the command until the machine has halted, and from power until the unit's process runs."""
CUTS_AFTER_S = 30.0
"""What feeds the unit cuts a machine that has halted, and gives power again when mains is there."""
ORDERS_AFTER_S, KILLS_AFTER_S = (0.0, 240.0), (60.0, 120.0)
"""The UPS's master orders a halt so long after its battery is low, and has the UPS switch off so long after that."""
TELLING_S, FLUSHING_S = (0.5, 30.0), (0.1, 15.0)
"""What it takes, at the most more than it is given."""
BACK_S, BACK_MOST_S = 300.0, 4 * 3600.0
"""At the end mains stays: so long for all to come back, and so long at the most for a battery to bear a start."""

T = TypeVar("T")


class _Loop(OwnTimeLoop):
    """Work for threads is done at once: none of it takes long, and the clock waits."""

    def run_in_executor(self, executor: Executor | None, func: Callable[..., T], *args: Any) -> asyncio.Future[T]:  # type: ignore[override]
        done: asyncio.Future[T] = self.create_future()
        try:
            done.set_result(func(*args))
        except Exception as error:
            done.set_exception(error)
        return done


class _AtOnce(Executor):
    """No thread."""

    def submit(self, fn: Callable[..., T], /, *args: Any, **kwargs: Any) -> Future[T]:
        done: Future[T] = Future()
        try:
            done.set_result(fn(*args, **kwargs))
        except Exception as error:
            done.set_exception(error)
        return done


class _Source:
    """A teller as the keeper wants it."""

    def __init__(self, teller: Teller) -> None:
        self.name, self.fresh_s = teller.name, teller.fresh_s
        self._teller = teller

    async def run(self, told: Callable[[Reading], None]) -> None:
        loop = asyncio.get_running_loop()
        while True:
            if (reading := self._teller.reading(loop.time())) is not None:
                told(reading)
            await asyncio.sleep(TELLS_S)

    async def close(self) -> None: ...


class _Switch:
    """A PoeSwitch: of the house."""

    name, fresh_s = "poe", 60.0

    def __init__(self, wired: Wired) -> None:
        self._wired = wired

    async def set_port(self, index: str, on: bool) -> None:
        self._wired.port(index, on)

    async def read(self) -> PoeState:
        return PoeState(asyncio.get_running_loop().time())

    async def run(self, told: Callable[[PoeState], None]) -> None:
        await asyncio.Event().wait()

    def close(self) -> None: ...


class _Unit(Last):
    """The machine, its process, and its last words."""

    def __init__(self, evening: Evening, wired: Wired, seen: PowerSeen, folder: Path) -> None:
        self._evening, self._wired, self._seen = evening, wired, seen
        self._config = config_of(evening.house, folder)
        self._folder = folder
        self._chance = random.Random(f"unit {evening.seed}")
        self._refused = evening.refused
        self._keeper: PowerKeeper | None = None
        self._task: asyncio.Task[None] | None = None
        self._halts_s: float | None = None  # when a machine that goes down has halted
        self._again = False  # it was told to start again
        self._boots_s: float | None = 0.0
        self._down_s: float | None = None
        self._stage = Stage.RUNNING

    @property
    def now_s(self) -> float:
        return asyncio.get_running_loop().time()

    @property
    def is_up(self) -> bool:
        return self._task is not None and self._halts_s is None

    @property
    def runs(self) -> bool:
        """It is up, and nothing ends."""
        return self.is_up and self._keeper is not None and self._keeper.ending.stage is Stage.RUNNING

    def reached(self, moment: Moment) -> bool:
        if moment is Moment.DARK:
            return not self._wired.unit.is_feeding
        if moment is Moment.DOWN:
            return self._down_s is not None or not self._wired.unit.is_feeding
        return self._keeper is not None and self._keeper.ending.stage == moment.value

    async def step(self) -> None:
        """What its hardware does by now."""
        now_s, feeding = self.now_s, self._wired.unit.is_feeding
        if not feeding and (self._task is not None or self._boots_s is not None):
            await self._kill(Deed.CUT if self.is_up else Deed.DOWN)
            self._boots_s = None
        elif self._halts_s is not None and now_s >= self._halts_s:
            await self._kill(Deed.DOWN)
            if self._again:
                self._boots_s = now_s + self._chance.uniform(*BOOT_S)
            else:
                self._down_s = now_s
        elif self._down_s is not None and now_s >= self._down_s + CUTS_AFTER_S:
            self._wired.unit.is_feeding, self._down_s = False, None
        elif feeding and self._task is None and self._boots_s is None and self._down_s is None:
            self._boots_s = now_s + self._chance.uniform(*BOOT_S)
        elif self._boots_s is not None and now_s >= self._boots_s:
            self._boots_s = None
            self._start()
        stage = Stage.RUNNING if self._keeper is None else self._keeper.ending.stage
        if stage is Stage.TELLING and self._stage is Stage.RUNNING:
            self._seen.did(now_s, Deed.HALTING)
        self._stage = stage

    async def end(self) -> None:
        await self._kill(Deed.DOWN)

    def _start(self) -> None:
        self._stage = Stage.RUNNING
        self._keeper = PowerKeeper(
            self._config,
            self,
            sources=[_Source(self._wired.tellers[ups.name]) for ups in self._config.ups],
            watched=self._watched,
            poe=_Switch(self._wired),
            sysfs=self._folder,
            thread=_AtOnce(),
            command=self._command,
            boot=f"{self.now_s:.3f}",
        )
        self._first = True
        self._task = asyncio.create_task(self._keeper.run())

    async def _kill(self, how: Deed) -> None:
        if self._task is not None and self._keeper is not None:
            self._seen.did(self.now_s, how, self._keeper.shed)
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
        self._task = self._keeper = self._halts_s = None

    def _watched(self, view: View) -> None:
        """What is shown after a look of the policy."""
        keeper, now_s = self._keeper, self.now_s
        if keeper is None:
            return
        if self._first:
            self._first = False
            self._seen.did(now_s, Deed.BEGAN, keeper.shed)
        left = {part.value: self._wired.left(part, KNOWS_S) for part in (Part.UNIT, Part.SWITCH)}
        state, stage, shed = view.powered.state.value, keeper.ending.stage.value, frozenset(keeper.shed)
        self._seen.looks.append(Look(now_s, left, state, view.until.minutes, stage, shed, self._wired.unit.is_low))

    # ---- what it says and does at its end

    def busy(self) -> Collection[str]:
        talking = any(since <= self.now_s <= until for since, until in self._evening.busy)
        return {load.name for load in LOADS if load.kind == "poe"} if talking else ()

    async def tell(self, minutes: float | None) -> None:
        self._seen.did(self.now_s, Deed.TOLD)
        await asyncio.sleep(self._chance.uniform(*TELLING_S))

    async def carry_on(self) -> None:
        self._seen.did(self.now_s, Deed.CARRIES_ON)

    async def flush(self) -> None:
        self._seen.did(self.now_s, Deed.FLUSHED)
        await asyncio.sleep(self._chance.uniform(*FLUSHING_S))

    async def _command(self, words: Sequence[str]) -> bool:
        if self._refused:
            self._refused -= 1
            return False
        if words == ("halt",):
            self._seen.did(self.now_s, Deed.HALTS)
            self._again = False
        else:
            self._seen.did(self.now_s, Deed.RESTARTS)
            self._again = True
        if self._halts_s is None:
            self._halts_s = self.now_s + self._chance.uniform(*DOWN_S)
        return True


class _Play:
    """One evening."""

    def __init__(self, plan: Evening, folder: Path) -> None:
        self._plan = plan
        self._wired = Wired(plan)
        loads = {load.name: (load.keeps, Role(load.role)) for load in LOADS}
        self.seen = PowerSeen(SAYING[plan.house], HALT_AFTER_S, loads)
        self._unit = _Unit(plan, self._wired, self.seen, folder)
        self._chance = random.Random(f"mains {plan.seed}")
        self._low_since_s: float | None = None
        self._orders_s = self._chance.uniform(*ORDERS_AFTER_S)
        self._kills_s = self._chance.uniform(*KILLS_AFTER_S)
        self._lying: dict[str, Span] = {}

    async def run(self) -> PowerSeen:
        for outage in self._plan.outages:
            await self._go(outage.rest_s)
            await self._cut(outage)
        await self._go(BACK_MOST_S, lambda: self._unit.runs)
        await self._go(BACK_S)
        await self._unit.end()
        return self.seen

    async def _cut(self, outage: Outage) -> None:
        self._wired.mains(outage.volts, outage.bounces_s)
        if outage.moment is None:
            await self._go(outage.lasts_s)
        else:
            moment = outage.moment
            await self._go(outage.lasts_s, lambda: self._unit.reached(moment))
            await self._go(outage.after_s)
        self._wired.mains(MAINS_V)

    async def _go(self, seconds: float, until: Callable[[], bool] = lambda: False) -> None:
        loop = asyncio.get_running_loop()
        end_s = loop.time() + seconds
        while loop.time() < end_s and not until():
            await asyncio.sleep(STEP_S)
            self._wired.advance(STEP_S)
            self._lie(loop.time())
            self._order(loop.time())
            self.seen.mains(loop.time(), not self._wired.unit.on_battery)
            await self._unit.step()

    def _lie(self, now_s: float) -> None:
        for lie in self._plan.lies:
            span = self._lying.get(lie.who)
            if span is None and lie.at_s <= now_s < lie.at_s + lie.lasts_s:
                self._lying[lie.who] = Span(now_s)
                self.seen.lies.append((lie.who, self._lying[lie.who]))
                self._wired.lies(lie, True)
            elif span is not None and span.until is None and now_s >= lie.at_s + lie.lasts_s > span.since:
                span.until = now_s
                del self._lying[lie.who]
                self._wired.lies(lie, False)

    def _order(self, now_s: float) -> None:
        """As NUT's master does, of a UPS that is low: an order, and then the UPS switches off."""
        supply = self._wired.of_switch
        if supply is not self._wired.unit:
            return
        if not supply.is_feeding or not supply.is_low:
            self._low_since_s = None
            if not supply.is_feeding:
                self._wired.order_halt(False)
        elif self._low_since_s is None:
            self._low_since_s = now_s
        if self._low_since_s is not None and now_s - self._low_since_s >= self._orders_s:
            self._wired.order_halt(True)
            if now_s - self._low_since_s >= self._orders_s + self._kills_s:
                supply.is_feeding = False
        self.seen.ordered(now_s, self._wired.orders_halt)


def play(seed: int) -> tuple[PowerSeen, list[Breach]]:
    """What was seen of one evening, and what was broken."""
    with tempfile.TemporaryDirectory(prefix="rvp-") as folder, asyncio.Runner(loop_factory=_Loop) as runner:
        seen = runner.run(_Play(evening(seed), Path(folder)).run())
    return seen, power_breaches(seen, seen.looks[-1].at if seen.looks else 0.0)


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m hil.powered.evening", description="Evenings of power.")
    parser.add_argument("--seed", type=int, default=1, help="the first")
    parser.add_argument("--count", type=int, default=100)
    parser.add_argument("--keep-going", action="store_true", help="also after the first that breaks something")
    args = parser.parse_args(argv)
    logging.disable(logging.CRITICAL)
    broken: list[dict[str, Any]] = []
    halts = cuts = evenings = 0
    for seed in range(args.seed, args.seed + args.count):
        seen, found = play(seed)
        evenings += 1
        halts += sum(1 for _ in seen.of(Deed.HALTS))
        cuts += len(seen.lost)
        # Of each rule what broke it first.
        for one in {one.rule: one for one in reversed(found)}.values():
            broken.append({"seed": seed, "rule": one.rule, "at": round(one.at, 1), "why": one.why})
        if broken and not args.keep_going:
            break
    print(json.dumps({"evenings": evenings, "outages": cuts, "halts": halts, "broken": broken}))
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
