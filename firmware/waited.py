"""Tells the switch when an extension that somebody waits for has hung up, whoever carried its call.

The edge sees every BYE; it is told whom it is to look out for (table `waited`, cfg/70-calls.cfg), and asked only while
there is anybody."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable

from callcontrol.call import Switch
from callcontrol.edge.rpc import EdgeError, EdgeRpc, EdgeUnreachable
from firmware.watch import table

__all__ = ["watch"]

LOOK_EVERY_S = 1.0
LOOK_MAX_S = 30.0
"""So seldom an edge is asked that does not answer."""
TABLE = "waited"
WAITED, FREED = 1, 2

log = logging.getLogger("rvx")


async def watch(switch: Switch, edge: EdgeRpc, pump: Callable[[], None]) -> None:
    """Until cancelled."""
    told: set[str] = set()
    pause_s = LOOK_EVERY_S
    while True:
        await asyncio.sleep(pause_s)
        try:
            told = await _look(switch, edge, pump, told)
            pause_s = LOOK_EVERY_S
        except (EdgeUnreachable, EdgeError) as error:
            log.warning("rvx-event kind=waited_unasked why=%s", type(error).__name__)
            told, pause_s = set(), min(2 * pause_s, LOOK_MAX_S)


async def _look(switch: Switch, edge: EdgeRpc, pump: Callable[[], None], told: set[str]) -> set[str]:
    """Whom the edge looks out for now."""
    now = asyncio.get_running_loop().time()
    free: set[str] = set()
    if told:
        held = table(await edge.call("htable.dump", TABLE))
        free = {number for number in told if held.get(number) == FREED}
        for number in sorted(free):
            try:
                switch.freed(number, now)
            except Exception as fault:  # one who waits is not to end the calls of all
                log.error("rvx-event kind=fault of=waited", exc_info=fault)
        if free:
            pump()
        told = told & held.keys()  # who is not there, after a restart of the edge, is told anew
    wanted = switch.waited_for(now)
    for number in sorted(wanted - (told - free)):
        await edge.call("htable.seti", TABLE, number, WAITED)
    for number in sorted(told - wanted):
        with contextlib.suppress(EdgeError):
            await edge.call("htable.delete", TABLE, number)
    return wanted
