"""Tells the switch when an extension that somebody waits for has hung up, whoever carried its call.

The edge sees every BYE; it is told whom it is to look out for (table `waited`, cfg/70-calls.cfg), and asked only while
there is anybody. It keeps too who has ordered a call back (table `backs`), for the process after this one."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable

from callcontrol.call import Switch
from callcontrol.edge.rpc import EdgeError, EdgeRpc, EdgeUnreachable
from firmware.ticks import tick
from firmware.watch import table

__all__ = ["Waited"]

LOOK_EVERY_S = 1.0
LOOK_MAX_S = 30.0
"""So seldom an edge is asked that does not answer."""
WAITED, BACKS = "waited", "backs"
LOOKED_FOR, FREED = 1, 2

Pair = tuple[str, str]
"""Caller and callee of a call back."""

log = logging.getLogger("rvx")


class Waited:
    """`run` never returns."""

    def __init__(self, switch: Switch, edge: EdgeRpc, pump: Callable[[], None]) -> None:
        self._switch = switch
        self._edge = edge
        self._pump = pump
        self._told: set[str] | None = None  # whom the edge looks out for; None: not known
        self._backs: dict[Pair, float] = {}  # as the edge keeps them, until when by our clock
        self._taken_over = False

    async def run(self) -> None:
        pause_s = LOOK_EVERY_S
        while True:
            await tick(pause_s)
            try:
                await self.look()
                pause_s = LOOK_EVERY_S
            except (EdgeUnreachable, EdgeError) as error:
                log.warning("rvx-event kind=waited_unasked why=%s", type(error).__name__)
                self._told, pause_s = None, min(2 * pause_s, LOOK_MAX_S)

    async def look(self) -> None:
        """Once; raises EdgeUnreachable, EdgeError."""
        now = asyncio.get_running_loop().time()
        told = await self._read(now) if self._told is None else self._told
        free: set[str] = set()
        if told:
            held = table(await self._edge.call("htable.dump", WAITED))
            free = {number for number in told if held.get(number) == FREED}
            for number in sorted(free):
                try:
                    self._switch.freed(number, now)
                except Exception as fault:  # one who waits is not to end the calls of all
                    log.error("rvx-event kind=fault of=waited", exc_info=fault)
            if free:
                self._pump()
            if told - held.keys():  # an edge that has begun anew is told all anew
                told, self._backs = told & held.keys(), {}
        wanted = self._switch.waited_for(now)
        for number in sorted(wanted - (told - free)):
            await self._edge.call("htable.seti", WAITED, number, LOOKED_FOR)
        for number in sorted(told - wanted):
            await self._drop(WAITED, number)
        await self._keep_backs(now)
        self._told = wanted

    async def _read(self, now: float) -> set[str]:
        """What the edge holds; the first time what the process before this one was asked for goes on."""
        kept: dict[Pair, float] = {}
        for key, until in table(await self._edge.call("htable.dump", BACKS)).items():
            caller, _, callee = key.partition("|")
            kept[caller, callee] = now + (until - time.time() if isinstance(until, int) else 0)
        told = set(table(await self._edge.call("htable.dump", WAITED)))
        if not self._taken_over:
            self._taken_over = True
            for (caller, callee), until_s in kept.items():
                if until_s > now:
                    self._switch.call_back(caller, callee, now, until_s - now)
        self._backs = kept
        return told

    async def _keep_backs(self, now: float) -> None:
        ordered = dict(self._switch.call_backs(now))
        for pair, until in ordered.items():
            if self._backs.get(pair) != until:
                await self._edge.call("htable.seti", BACKS, "|".join(pair), int(time.time() + until - now))
        for pair in self._backs.keys() - ordered.keys():
            await self._drop(BACKS, "|".join(pair))
        self._backs = ordered

    async def _drop(self, name: str, key: str) -> None:
        with contextlib.suppress(EdgeError):
            await self._edge.call("htable.delete", name, key)
