"""What a unit of a pair does while the other one serves: it says so to its edge, and takes over what the other knows of
the platform. Either one sees whether the edges reach each other: the tables themselves go from edge to edge
(callcontrol/edge/cfg/80-pair.cfg)."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from callcontrol.edge.rpc import EdgeError, EdgeRpc, EdgeUnreachable
from firmware.modes import Mode
from firmware.standby import Knowing, PairView, taken_epoch

__all__ = ["ASIDE", "KNOWS", "Aside", "reaches"]

ASIDE = "aside"
"""Where in the edge's table `st` it stands until when (unix s) the other unit is known to serve, and this one not."""
KNOWS = "knows"
"""The same: until when this one has tables to give (`Knowing`)."""
NODES = "dmq.list_nodes"
STEP_S = 0.5
LEASE_S = 4
ASK_EVERY_S = 5.0
UNREACHED_S = 20.0
"""An edge that has not answered for so long, while its unit is heard, is not reached; it is pinged each 5 s."""


class Aside:
    """`view` is what is known of the pair, `count` a number of the edge's, `mode` the mode, None where not known."""

    def __init__(
        self, edge: EdgeRpc, view: Callable[[], PairView], count: Callable[[str], int], mode: Callable[[], Mode | None]
    ) -> None:
        self._edge, self._view, self._count, self._mode = edge, view, count, mode
        self._until_s = {ASIDE: 0, KNOWS: 0}
        self._knowing = Knowing()
        self._asked_at_s = 0.0
        self._reached_at_s: float | None = None

    @property
    def tables(self) -> bool | None:
        """Whether what both edges must know goes from one to the other; None: not known, or the other is not heard."""
        if self._reached_at_s is None or self._view().peer_in_service is None:
            return None
        return time.monotonic() - self._reached_at_s < UNREACHED_S

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            try:
                await self._step(self._view(), int(time.time()))
                await self._ask(time.monotonic())
            except (EdgeUnreachable, EdgeError):
                self._knowing.missed()
            await asyncio.sleep(STEP_S)

    async def _step(self, view: PairView, now_s: int) -> None:
        for key, holds in ((ASIDE, view.aside), (KNOWS, self._knowing.holds(view, time.monotonic()))):
            until_s = now_s + LEASE_S if holds else 0
            if until_s != self._until_s[key]:
                await self._edge.call("htable.seti", "st", key, until_s)
                self._until_s[key] = until_s
        # Who does not reach the platform has an epoch of its own, and keeps it.
        if not view.aside or self._mode() is not Mode.NORMAL:
            return
        epoch = taken_epoch(self._count("epoch"), view.peer_epoch, now_s)
        if epoch is not None:
            await self._edge.call("htable.seti", "count", "epoch", epoch)
        if view.peer_wait_until_s > max(now_s, self._count("wait")):
            await self._edge.call("htable.seti", "count", "wait", view.peer_wait_until_s)

    async def _ask(self, now_s: float) -> None:
        """How the edge finds the other one's."""
        if now_s - self._asked_at_s < ASK_EVERY_S:
            return
        self._asked_at_s = now_s
        if self._reached_at_s is None or self._view().peer_in_service is None or reaches(await self._edge.call(NODES)):
            self._reached_at_s = now_s


def reaches(nodes: object) -> bool:
    """Whether one of Kamailio's DMQ nodes but itself is active."""
    return isinstance(nodes, list) and any(node.get("status") == "active" and not node.get("local") for node in nodes)
