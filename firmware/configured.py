"""The processes of a unit start anew when its configuration is another one; and `unit` watches one that is tried.

`sync` does both first (firmware/sync/configuring.py). Where it is dead, or the unit has none, `unit` does."""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path

from firmware.config import Config, ConfigError, load
from firmware.edge import edge_is_of
from firmware.generations import Generations, GenerationsError, boot_now, steady_s
from firmware.restart import NotBack, NotThere, process_of, restart, told_anew
from firmware.trial import Phase

__all__ = ["Watched", "anew"]

PYTHON = ("web", "data", "trunk", "calls", "sync", "unit")
"""In this order they start anew, before the edge. Whoever has it so is the last of all."""
DRAIN_S = 5.0
"""The edge gets this long to end what it has under way."""
LOOK_EVERY_S = 5.0
SYNC_FIRST_S = 20.0
"""If `sync` has not had the processes start anew by then, `unit` does."""

log = logging.getLogger("rvx")


async def anew(generations: Generations, before: Config, own: str, since_s: float) -> None:
    """Have the unit work by the file as it is now: all processes but `own` start anew, the edge only where its part is
    another. One that does not come back is seen by the health of the unit. Then it is for `own` to end."""
    try:
        now = load(generations.config).in_state(before.unit.state_dir, before.unit.run_dir)
    except ConfigError:
        now = before
    told_anew(before)
    names = [name for name in PYTHON if name != own and process_of(before, name) is not None]
    for name in names if edge_is_of(now) else [*names, "edge"]:
        try:
            done = await restart(now, name, DRAIN_S)
        except (NotThere, NotBack, OSError) as error:
            log.warning("rvx-event kind=configuration step=restart process=%s why=%s", name, type(error).__name__)
        else:
            log.info("rvx-event kind=configuration step=restart process=%s away_ms=%d", name, done.away_ms)
    await asyncio.to_thread(generations.restarted, since_s)


class Watched:
    """The part of `unit`: nothing, where no configuration was ever sent or laid over."""

    def __init__(self, file: Path | None, config: Config) -> None:
        self._config = config
        self._generations = Generations(file, config.paths.state) if file is not None else None

    async def run(self) -> None:
        """Until cancelled; raises SystemExit when this very process is to start anew."""
        while self._generations is not None:
            await asyncio.sleep(LOOK_EVERY_S)
            try:
                await self._look(self._generations)
            except (GenerationsError, ConfigError, OSError) as error:
                log.warning("rvx-event kind=configuration_fault why=%s", type(error).__name__)

    async def _look(self, generations: Generations) -> None:
        known = await asyncio.to_thread(generations.standing)
        if known.phase is Phase.TRIAL:
            await asyncio.to_thread(generations.settle, well=False, steady_s=steady_s(self._config), alone=True)
            known = await asyncio.to_thread(generations.standing)
        if known.restart_since_s is None:
            return
        waited_s = boot_now()[1] - known.restart_since_s
        if process_of(self._config, "sync") is None or not 0 <= waited_s < SYNC_FIRST_S:
            await anew(generations, self._config, "unit", known.restart_since_s)
            raise SystemExit(0)
