"""The process `trunk`: calls out and in by modem, and nothing else.

It hears of calls from the edge alone, over one TCP connection (cfg/72-trunk.cfg), by which it says each second that it
lives. Neither the edge nor 112 waits for it; it needs neither `calls` nor `unit`."""

from __future__ import annotations

import asyncio
import logging

from callcontrol.anchored import bye_of
from callcontrol.sip.agent import Discarded
from callcontrol.sip.errors import RemoteError
from callcontrol.sip.events import Invited
from callcontrol.sip.user_agent import UserAgentEvent
from callcontrol.trunk.causes import full
from callcontrol.trunk.pool import Full
from firmware.config import Config
from firmware.link import Link

__all__ = ["Trunk"]

SAYS_EVERY_S = 1.0
"""So often the edge hears that we live; it forgets us after TRUNK_LEASE_S."""
ORPHANS_MAX = 100
"""Calls of the process before this one that are ended."""

log = logging.getLogger("rvx")


class Trunk:
    """One per process; `run` returns only by being cancelled."""

    def __init__(self, config: Config) -> None:
        self._config = config
        self._link = Link(config.edge.trunk_port, self._came, name="trunk")

    async def run(self) -> None:
        """Until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._link.run())
            tasks.create_task(self._live())

    def _came(self, event: UserAgentEvent, now: float) -> None:
        match event:
            case Discarded(error):
                log.warning("rvx-event kind=sip_unread field=%s", error.field)
            case Invited(session=session):
                refusal = full(Full.NO_MODEM)
                session.refuse(refusal.status, now, refusal.phrase, refusal.headers())

    async def _live(self) -> None:
        """Each connection begins with that, and with the calls that the process before this one has left."""
        told: int | None = None
        while True:
            await self._link.connected.wait()
            if (port := self._link.local_port) is not None:
                answer = await self._link.options()
                if answer is not None and port != told:
                    told = port
                    await self._end_orphans()
            await asyncio.sleep(SAYS_EVERY_S)

    async def _end_orphans(self) -> None:
        """Whose sound died with the process before this one."""
        for _ in range(ORPHANS_MAX):
            try:
                bye = bye_of(await self._link.options("orphans"))
            except RemoteError as error:
                log.warning("rvx-event kind=leg_unread field=%s", error.field)
                continue
            if bye is None:
                return
            response = await self._link.request(bye)
            log.info("rvx-event kind=orphan_ended code=%s", response.status if response else "-")
