"""A configuration that the hub sends, taken in use: fetched, looked at, tried when the unit is idle, and confirmed by
the unit's own health or taken back (firmware/trial.py decides, firmware/generations.py keeps)."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from callcontrol.edge.rpc import EdgeRpc
from firmware import __version__
from firmware.config import Config, ConfigError
from firmware.configured import anew
from firmware.edge import EdgeUnavailable, check_edge
from firmware.generations import Generations, GenerationsError, Standing, steady_s
from firmware.modes import Mode
from firmware.restart import drained
from firmware.status import Status
from firmware.statusasked import status_of
from firmware.store.database import to_text
from firmware.sync.bundle import BundleError, opened
from firmware.trial import Due, Health, Phase, may_try, worse

__all__ = ["Configuring", "Source", "health_of"]

LOOK_EVERY_S = 1.0
FETCH_AGAIN_S = 15.0
"""Between two questions for a configuration, should the hub say that there is one all the time."""

log = logging.getLogger("rvx")


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """The hub, as far as configurations go. `fetch` gives the newest that is newer than a version, None when there is
    none; raises OSError. `key` is its public key, `unit` this unit's id there; `reached`: whether it answers now."""

    fetch: Callable[[int], Awaitable[bytes | None]]
    reached: Callable[[], bool | None]
    key: bytes
    unit: str


class Configuring:
    """One for the process `sync`. `told` hears of each change of what is so, once it stands on the disk."""

    def __init__(
        self, file: Path, config: Config, edge: EdgeRpc, source: Source, told: Callable[[Standing], Awaitable[None]]
    ) -> None:
        self._config = config
        self._edge = edge
        self._source = source
        self._told = told
        self._generations = Generations(file, config.paths.state)
        self._file = file
        self._last_told = -1
        self._armed_s = time.monotonic()
        self.waits = ""
        """Why one that is armed is not tried yet; "" where none is."""
        self.fault = ""
        """What is wrong with the list of configurations; "" is well."""

    async def run(self, look: asyncio.Event) -> None:
        """Until cancelled; raises SystemExit when this very process is to start anew. `look`: there may be a new
        configuration at the hub."""
        wanted, again_s = False, 0.0
        while True:
            try:
                wanted = wanted or look.is_set()
                if wanted and time.monotonic() >= again_s:
                    look.clear()
                    again_s = time.monotonic() + FETCH_AGAIN_S
                    wanted = not await self._fetched()
                await self._step()
                self.fault = ""
            except (GenerationsError, ConfigError, OSError) as error:
                self.fault = str(error).partition("\n")[0]
                log.warning("rvx-event kind=configuration_fault why=%s", type(error).__name__)
            await asyncio.sleep(LOOK_EVERY_S)

    async def _fetched(self) -> bool:
        """False: the hub was not reached, or has more while one is tried; to be asked again."""
        try:
            return await self._fetch()
        except OSError:
            return False

    async def _fetch(self) -> bool:
        known = await asyncio.to_thread(self._generations.standing)
        if known.phase is Phase.TRIAL:
            return False  # one at a time; the next is fetched when this one is decided
        data = await self._source.fetch(known.highest)
        if data is None:
            return True
        now = to_text(datetime.now(UTC))
        try:
            bundle = opened(data, self._source.key, self._source.unit, __version__, known.highest)
        except BundleError as error:
            log.warning("rvx-event kind=configuration_refused why=%s", str(error).partition(":")[0])
            return True  # nothing vouches for what it says of itself
        try:
            await asyncio.to_thread(self._arm, bundle.version, bundle.sha256, bundle.config, now)
        except (ConfigError, EdgeUnavailable, GenerationsError) as error:
            first = str(error).partition("\n")[0]
            await asyncio.to_thread(self._generations.refuse, bundle.version, bundle.sha256, first, now)
        return True

    def _arm(self, version: int, sha256: str, text: str, now: str) -> None:
        """Raises what is wrong with it."""
        candidate = self._generations.look_at(text)
        placed = candidate.in_state(self._config.unit.state_dir, self._config.unit.run_dir)
        if said := check_edge(placed):
            raise GenerationsError(said[0])
        self._generations.arm(version, sha256, text, now)
        self._armed_s = time.monotonic()

    async def _step(self) -> None:
        generations = self._generations
        await asyncio.to_thread(generations.notice, to_text(datetime.now(UTC)))
        known = await asyncio.to_thread(generations.standing)
        await self._tell(known)
        if known.restart_since_s is not None:
            await anew(generations, self._config, "sync", known.restart_since_s)
            # By another file than this process began with.
            raise SystemExit(0)
        status = await status_of(self._config.paths.unit_socket)
        health = health_of(status, self._source.reached())
        if known.phase is Phase.TRIAL and known.trial is not None:
            found = worse(known.trial.before, health)
            what = await asyncio.to_thread(generations.settle, well=not found, steady_s=steady_s(self._config))
            if what is not Due.WAIT:
                log.info("rvx-event kind=configuration step=%s worse=%s", what, ",".join(found))
            return
        self.waits = ""
        if known.phase is Phase.ARMED:
            self.waits = "override" if known.override else await self._why_not(status)
            if not self.waits:
                await asyncio.to_thread(generations.begin, health)

    async def _why_not(self, status: Status | None) -> str:
        left = await drained(self._edge, 0.0)
        return may_try(
            calls=status.calls.now if status else None,
            # A unit that has no platform has no outage that would end.
            normal=None if status is None or not status.edge else status.mode is Mode.NORMAL or not status.platform,
            mains=None if status is None or status.power is None else status.power.state in (None, "mains"),
            edge_busy=lambda: left != 0,
            waited_s=time.monotonic() - self._armed_s,
        )

    async def _tell(self, known: Standing) -> None:
        if known.change != self._last_told:
            await self._told(known)
            self._last_told = known.change


def health_of(status: Status | None, hub: bool | None) -> Health:
    """What of a status a configuration can break."""
    if status is None:
        return Health(hub=hub)
    nodes = [node.serving for node in status.nodes]
    modems = status.trunk.modems if status.trunk else ()
    return Health(
        edge=status.edge,
        calls_process=status.calls_process,
        platform=any(nodes) if nodes else None,
        registered=status.phones.registered,
        modems=sum(modem.service == "voice" for modem in modems) if status.trunk else None,
        pages=status.web.pages if status.web else None,
        hub=hub,
    )
