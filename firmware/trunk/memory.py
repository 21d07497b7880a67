"""What `trunk` remembers, kept beside its calls by a thread of its own: no call waits for a disk, or ends for one."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import logging
import sqlite3
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TypeVar
from zoneinfo import ZoneInfo

from callcontrol.trunk.calling_back import BACK_WITHIN_S
from callcontrol.trunk.readiness import Proof, What
from drivers.modem.model import Modem
from firmware.store import StoreError
from firmware.store.steps import Noted
from firmware.store.trunk import Place, TrunkRows

__all__ = ["Memory", "Remembered", "place_of", "today"]

HERE = ZoneInfo("Europe/Stockholm")
FORGET_EVERY_S = 3600.0
DAY = timedelta(days=1)

log = logging.getLogger("rvx")
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Remembered:
    """At the start of the process. `dialled`: see `TrunkRows.dialled`; `used_s`: by modem, of today."""

    dialled: tuple[tuple[str, str, datetime], ...] = ()
    used_s: Mapping[str, float] = field(default_factory=dict)


class Memory:
    """A disk that fails is logged: what is not kept is lost, and known until the process ends."""

    def __init__(self, journal: Path) -> None:
        self._journal = journal
        self._thread = ThreadPoolExecutor(1, "memory")
        self._rows: TrunkRows | None = None

    async def begin(self, modems: list[str]) -> Remembered:
        since = datetime.now(UTC) - timedelta(seconds=BACK_WITHIN_S)

        def work(rows: TrunkRows) -> Remembered:
            return Remembered(rows.dialled(since), {modem: rows.used(modem, today()) for modem in modems})

        return await self.ask(work) or Remembered()

    async def ask(self, work: Callable[[TrunkRows], T]) -> T | None:
        """None where the store cannot be read."""
        try:
            asked = asyncio.get_running_loop().run_in_executor(self._thread, self._done, work)
        except RuntimeError as error:
            _not_begun(error)
            return None
        return await asked

    def note(self, noted: Noted) -> None:
        self._later(lambda rows: rows.note(noted))

    def use(self, modem: str, seconds: float) -> None:
        self._later(lambda rows: rows.use(modem, today(), seconds))

    def prove(self, place: Place, proved: Mapping[What, Proof]) -> None:
        self._later(lambda rows: rows.prove(place, proved))

    def signal(self, modem: str, dbm: int) -> None:
        self._later(lambda rows: rows.signal(modem, datetime.now(UTC), dbm))

    async def forget(self) -> None:
        """Now and then, what is older than it is kept; until cancelled."""
        while True:
            self._later(lambda rows: rows.forget(datetime.now(UTC)))
            await asyncio.sleep(FORGET_EVERY_S)

    def close(self) -> None:
        """What was to be kept is."""
        with contextlib.suppress(RuntimeError):  # no thread could be started: then it has nothing to close
            self._thread.submit(self._close)
        self._thread.shutdown(wait=True)

    def _later(self, work: Callable[[TrunkRows], object]) -> None:
        try:
            self._thread.submit(self._done, work)
        except RuntimeError as error:  # what waits is kept as soon as there is a thread
            _not_begun(error)

    def _done(self, work: Callable[[TrunkRows], T]) -> T | None:
        try:
            if self._rows is None:
                self._rows = TrunkRows.open(self._journal)
            return work(self._rows)
        except (sqlite3.Error, StoreError, OSError) as error:
            log.error("rvx-event kind=store_fault why=%s", str(error).replace(" ", "_"))
            self._close()
            return None

    def _close(self) -> None:
        if self._rows is not None:
            self._rows.close()
            self._rows = None


def _not_begun(error: RuntimeError) -> None:
    """A machine without memory starts no thread: that costs what is remembered, not the call."""
    log.error("rvx-event kind=store_fault why=%s", str(error).replace(" ", "_"))


def today() -> str:
    """By the wall clock of the building."""
    return datetime.now(HERE).date().isoformat()


def place_of(modem: Modem) -> Place | None:
    """None where it is not known which SIM, or with whom."""
    if not modem.sim.imsi or not modem.network.operator:
        return None
    sim = hashlib.sha256(modem.sim.imsi.encode()).hexdigest()[:16]
    return Place(sim, modem.name, f"{modem.model} {modem.firmware}".strip(), modem.network.operator)
