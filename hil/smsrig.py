"""Short messages through everything that is between the queue and a phone, while processes die: the product's shell
(firmware/trunk/sms.py), the driver, the simulated modem and its network, in one loop with a time of its own.

A process that dies is its task ended where it waits, its modem's port closed, and its store opened anew by the next:
what was on the disk is there, and nothing else.
"""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Callable
from concurrent.futures import Executor, Future
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

from callcontrol.trunk.smsqueue import REPORT_LATE, RULES, Kind, State
from firmware.config import default
from firmware.store.sms import Sms, SmsRows
from firmware.trunk.sms import Messaging
from hil.modembench import ModemBench
from hil.sim.modem.faults import Fault
from hil.sim.owntime import OwnTimeLoop

__all__ = ["FAULTS", "Outcome", "send"]

BEGAN = datetime(2026, 3, 2, 8, tzinfo=UTC)
PHONES = tuple(f"+4672{number:07}" for number in range(12))
FAULTS = {Fault.SMS_ERROR: 0.05, Fault.SLOW_SMS: 0.02, Fault.REPORT_LOST: 0.05, Fault.REPORT_TWICE: 0.2}
"""How often a message is put off, comes late, or its report gets lost or comes twice."""
LIVES_S = (15.0, 90.0)
"""A process lives so long."""
HOURS_MAX = 20
"""Of the rig's time, in which all must have gone."""
REPORTS_S = 60.0
QUEUED_AT_ONCE = 200

T = TypeVar("T")


@dataclass(frozen=True)
class Outcome:
    """Of `sent` messages: `lost` have neither come nor are said to have failed or to be unknown; `doubled` have come
    more than once. `unknown`: nobody could say, and it was said so."""

    sent: int
    lost: int
    doubled: int
    unknown: int
    failed: int
    restarts: int


def send(count: int, seed: int, folder: Path, tell: Callable[[str], None] = lambda _: None) -> Outcome:
    """So many messages; `folder` is empty, and takes the store."""
    with asyncio.Runner(loop_factory=OwnTimeLoop) as runner:
        return runner.run(_Run(count, seed, folder, tell).run())


class _Here(Executor):
    """Does in the loop's own thread, whose time stands still meanwhile, what the product does in another."""

    def submit(self, fn: Callable[..., T], /, *args: Any, **kwargs: Any) -> Future[T]:
        done: Future[T] = Future()
        try:
            done.set_result(fn(*args, **kwargs))
        except BaseException as error:
            done.set_exception(error)
        return done


class _Run:
    def __init__(self, count: int, seed: int, folder: Path, tell: Callable[[str], None]) -> None:
        self._count, self._tell = count, tell
        self._chance = random.Random(seed)
        self._seed = seed
        self._config = default(folder)
        self._journal = folder / "journal.db"
        self._restarts = 0
        self._skipped = timedelta()

    async def run(self) -> Outcome:
        loop = asyncio.get_running_loop()
        async with ModemBench("generic", seed=self._seed) as bench:
            for number in PHONES:
                bench.world.phone(number)
            for fault, likelihood in FAULTS.items():
                bench.put(fault, likelihood=likelihood)
            rows = SmsRows.open(self._journal)
            queued = 0
            while (queued < self._count or rows.waiting()) and loop.time() < HOURS_MAX * 3600:
                if queued < self._count and rows.waiting() < QUEUED_AT_ONCE:
                    queued += self._queue(rows, queued)
                await self._live(bench, self._chance.uniform(*LIVES_S))
                await bench.restart()
                self._restarts += 1
                self._tell(f"{queued - rows.waiting()} of {self._count} sent, {self._restarts} restarts")
            await self._live(bench, REPORTS_S)
            self._skipped = RULES[Kind.MESSAGE].valid + 2 * REPORT_LATE
            await self._live(bench, REPORTS_S)  # what no report came of is said to be unknown
            came = Counter(text for _, _, text in bench.world.centre.delivered)
            said = {one.sms.text: one.state for one in rows.newest(self._count)}
            rows.close()
        honest = (State.FAILED, State.UNKNOWN)
        return Outcome(
            sent=len(said),
            lost=sum(not came[text] and state not in honest for text, state in said.items()),
            doubled=sum(times > 1 for times in came.values()),
            unknown=sum(state is State.UNKNOWN for state in said.values()),
            failed=sum(state is State.FAILED for state in said.values()),
            restarts=self._restarts,
        )

    def _clock(self) -> datetime:
        return BEGAN + timedelta(seconds=asyncio.get_running_loop().time()) + self._skipped

    async def _live(self, bench: ModemBench, seconds: float) -> None:
        """A process, and its death."""
        life = asyncio.create_task(self._process(bench))
        await asyncio.sleep(seconds)
        life.cancel()
        with suppress(asyncio.CancelledError):
            await life

    async def _process(self, bench: ModemBench) -> None:
        """As in the process `trunk`."""
        messaging = Messaging(self._config, [bench.driver], clock=self._clock, thread=_Here())
        await messaging.run()

    def _queue(self, rows: SmsRows, first: int) -> int:
        now = self._clock()
        listed = [
            Sms(
                id=f"m{number}", kind=Kind.MESSAGE, number=self._chance.choice(PHONES), text=f"nummer {number}",
                set_by="rig", queued_at=now,
            )
            for number in range(first, min(first + QUEUED_AT_ONCE, self._count))
        ]  # fmt: skip
        return rows.put(listed)
