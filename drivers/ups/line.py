"""The line by which a board says whether it has mains, as a Source: one level, which of the two is a setting, proved by
a cut that another source saw, too (`prove`).

Nothing is asked: an edge wakes the loop. A level counts when it has stood for `STANDS_S`; a line that does not settle
for `UNSETTLED_S` says nothing. The level is also read each `EVERY_S`, as an edge may be lost."""

from __future__ import annotations

import asyncio
import contextlib
from bisect import bisect_left
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise

from drivers.gpio import GpioError, Header, Input
from drivers.pins import Pull
from drivers.ups.model import EVERY_S, Mains, Reading, Trouble
from drivers.ups.telling import TOLD_S, BackOff, Teller

__all__ = ["STANDS_S", "LineSettings", "MainsIs", "MainsLine", "Proof", "Sample", "prove"]

STANDS_S = 0.03
"""A relay bounces for some 10 ms; a loss is to be seen within 100."""
UNSETTLED_S = 1.0
FRESH_S = 3 * EVERY_S
FIRST_RETRY_S, LAST_RETRY_S = 1.0, 60.0
LAG_S = 5.0
"""How much later than the line another source may tell of a cut: a UPS that is asked each other second, and a gauge's
current after it."""
PROVED_BY = 3
"""Samples on each side of the cut."""
SAMPLES_MAX = 10_000


class MainsIs(StrEnum):
    """The line's level while there is mains."""

    HIGH = "high"
    LOW = "low"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class LineSettings:
    """`number`: BCM."""

    name: str
    number: int
    mains_is: MainsIs = MainsIs.UNKNOWN
    pull: Pull = Pull.OFF


class MainsLine:
    """A Source. `level` is what stands on the line, for who proves it; None: not known."""

    fresh_s = FRESH_S

    def __init__(self, settings: LineSettings, header: Header) -> None:
        self.name = settings.name
        self._settings = settings
        self._header = header
        self._input: Input | None = None
        self._edges = asyncio.Event()
        self.level: bool | None = None

    async def run(self, told: Callable[[Reading], None]) -> None:
        loop = asyncio.get_running_loop()
        teller = Teller(told)
        retry = BackOff(FIRST_RETRY_S, LAST_RETRY_S)
        try:
            while True:
                try:
                    await self._watch(teller)
                except GpioError as error:
                    self._release()
                    trouble = Trouble.REFUSED if error.is_taken else Trouble.UNREACHABLE
                    teller.tell(Reading(loop.time(), trouble=trouble))
                    await asyncio.sleep(retry.failed())
        finally:
            self._release()

    async def close(self) -> None:
        self._release()

    async def _watch(self, teller: Teller) -> None:
        """Until the pin fails: GpioError."""
        self._input = line = self._header.input(self._settings.number, self._settings.pull, self._edges.set)
        while True:
            await self._settle(line, teller)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(TOLD_S):
                    await self._edges.wait()

    async def _settle(self, line: Input, teller: Teller) -> None:
        """Until a level has stood, which is told; at a pace that no line can drive."""
        loop = asyncio.get_running_loop()
        began_s = loop.time()
        while True:
            self._edges.clear()
            level, at_s = line.read(), loop.time()
            await asyncio.sleep(STANDS_S)
            if level == line.read() and not self._edges.is_set():
                self.level = level
                teller.tell(self._reading(level, at_s))
                return
            if loop.time() - began_s >= UNSETTLED_S:
                self.level = None
                teller.tell(Reading(loop.time(), trouble=Trouble.UNSETTLED))

    def _reading(self, level: bool, at_s: float) -> Reading:
        mains_is = self._settings.mains_is
        if mains_is is MainsIs.UNKNOWN:
            return Reading(at_s, trouble=Trouble.UNPROVED)
        return Reading(at_s, Mains.ON if level == (mains_is is MainsIs.HIGH) else Mains.LOST)

    def _release(self) -> None:
        self.level = None
        if self._input is not None:
            self._input.close()
            self._input = None


@dataclass(frozen=True, slots=True)
class Sample:
    """The line's level (None: not known), and what another source said of mains, at one time."""

    at_s: float
    level: bool | None
    mains: Mains


class Proof(StrEnum):
    """What a cut proved of a line."""

    HIGH = "high"
    LOW = "low"
    NO_CUT = "no_cut"
    """The other source saw no mains lost, or none there, for long enough."""
    STANDS_STILL = "stands_still"
    """There was a cut, and the line did not move: not connected, or another pin."""
    DISAGREES = "disagrees"
    """It moved, and not with mains."""


def prove(samples: Iterable[Sample]) -> Proof:
    """Which level means mains: of samples in their order, about two a second, over a cut that another source saw.
    Samples within LAG_S of what that source changed or did not know say nothing, as the two do not tell at once."""
    kept = [sample for sample in samples if sample.level is not None][-SAMPLES_MAX:]
    changed_s = [
        later.at_s
        for sooner, later in pairwise(kept)
        if later.mains is not sooner.mains or later.mains is Mains.UNKNOWN
    ]
    sure = [sample for sample in kept if not _near(changed_s, sample.at_s)]
    levels = {mains: [sample.level for sample in sure if sample.mains is mains] for mains in (Mains.ON, Mains.LOST)}
    if min(map(len, levels.values())) < PROVED_BY:
        return Proof.NO_CUT
    on, lost = (set(found) for found in levels.values())
    if len(on) > 1 or len(lost) > 1:
        return Proof.DISAGREES
    if on == lost:
        return Proof.STANDS_STILL
    return Proof.HIGH if True in on else Proof.LOW


def _near(times_s: list[float], at_s: float) -> bool:
    place = bisect_left(times_s, at_s - LAG_S)
    return place < len(times_s) and times_s[place] <= at_s + LAG_S
