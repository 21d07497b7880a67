"""What a unit of a pair does while the other one serves: it says so to its edge, and takes over what the other knows of
the platform. The tables themselves go from edge to edge (callcontrol/edge/cfg/80-pair.cfg)."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable

from callcontrol.edge.rpc import EdgeError, EdgeRpc, EdgeUnreachable
from firmware.modes import Mode
from firmware.standby import PairView, taken_epoch

__all__ = ["ASIDE", "Aside"]

ASIDE = "aside"
"""Where in the edge's table `st` it stands until when (unix s) the other unit is known to serve, and this one not."""
STEP_S = 0.5
LEASE_S = 4


class Aside:
    """`view` is what is known of the pair, `count` a number of the edge's, `mode` the mode, None where not known."""

    def __init__(
        self, edge: EdgeRpc, view: Callable[[], PairView], count: Callable[[str], int], mode: Callable[[], Mode | None]
    ) -> None:
        self._edge, self._view, self._count, self._mode = edge, view, count, mode
        self._until_s = 0

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            with contextlib.suppress(EdgeUnreachable, EdgeError):
                await self._step(self._view(), int(time.time()))
            await asyncio.sleep(STEP_S)

    async def _step(self, view: PairView, now_s: int) -> None:
        until_s = now_s + LEASE_S if view.aside else 0
        if until_s != self._until_s:
            await self._edge.call("htable.seti", "st", ASIDE, until_s)
            self._until_s = until_s
        # Who does not reach the platform has an epoch of its own, and keeps it.
        if not view.aside or self._mode() is not Mode.NORMAL:
            return
        epoch = taken_epoch(self._count("epoch"), view.peer_epoch, now_s)
        if epoch is not None:
            await self._edge.call("htable.seti", "count", "epoch", epoch)
        if view.peer_wait_until_s > max(now_s, self._count("wait")):
            await self._edge.call("htable.seti", "count", "wait", view.peer_wait_until_s)
