"""Knows what people set at the platform by codes, on good days, as soon as it has done them (C8).

The edge notes them in its table `codes` (cfg/40-platform.cfg); here they are read by the branch's own set and reasons,
written as the platform's, and taken away, in the order in which they were done. A referral that is read again after a
crash is written once: it is named by its call."""

from __future__ import annotations

import contextlib
import hashlib
import itertools
import logging
from dataclasses import replace
from datetime import UTC, datetime

from callcontrol.edge.rpc import EdgeError, EdgeRpc, EdgeUnreachable
from callcontrol.plan.absence import Referral, Source
from callcontrol.plan.codes import OBSERVED, Code, read
from callcontrol.plan.setting import Asks
from firmware.asking import Asking
from firmware.setting import Setting
from firmware.ticks import tick
from firmware.watch import table

__all__ = ["Observing"]

TABLE = "codes"
LOOK_EVERY_S = 1.0
AT_ONCE_MAX = 50
"""Read in one look; the others in the next."""
ID_CHARS = 24
PLATFORM = "platform"
"""Who has set a forwarding."""

log = logging.getLogger("rvx")


class Observing:
    """`run` never returns."""

    def __init__(self, edge: EdgeRpc, asking: Asking, setting: Setting, codes: tuple[Code, ...]) -> None:
        self._edge = edge
        self._asking = asking
        self._setting = setting
        self._codes = codes
        self._done: set[str] = set()  # calls whose code is done, and stands in the edge's table yet
        self._waits: frozenset[str] = frozenset()  # whose codes could not be done at the last look: behind the others

    async def run(self) -> None:
        while True:
            await tick(LOOK_EVERY_S)
            with contextlib.suppress(EdgeUnreachable, EdgeError):
                await self.look()

    async def look(self) -> None:
        """Once; raises EdgeUnreachable, EdgeError."""
        noted = {call_id: str(text) for call_id, text in table(await self._edge.call("htable.dump", TABLE)).items()}
        self._done &= noted.keys()
        ordered = sorted(noted, key=lambda one: (_caller(noted[one]) in self._waits, _at(noted[one]), one))
        waits = set()
        for call_id in itertools.islice(ordered, AT_ONCE_MAX):
            caller = _caller(noted[call_id])
            if caller in waits:
                continue  # first what was dialled there before
            if call_id not in self._done and not await self._take(call_id, noted[call_id]):
                waits.add(caller)
                continue
            self._done.add(call_id)
            await self._edge.call("htable.delete", TABLE, call_id)
        self._waits = frozenset(waits)

    async def _take(self, call_id: str, text: str) -> bool:
        """Whether it is seen to; else it is tried again."""
        caller, _, rest = text.partition("|")
        since, _, dialled = rest.partition("|")
        wanted = read(dialled.replace("%23", "#"), self._codes)
        if wanted is None or wanted.does not in OBSERVED or not since.isdecimal():
            return True
        name = hashlib.sha256(call_id.encode()).hexdigest()[:ID_CHARS]
        names = (f"{name}-{number}" for number in itertools.count())
        settled = self._asking.done(caller, wanted, datetime.fromtimestamp(int(since), UTC), lambda: next(names))
        if settled is None:
            return False
        if isinstance(settled, Asks):
            settled = settled.settled
        writes = [replace(one, source=Source.PLATFORM) if isinstance(one, Referral) else one for one in settled.writes]
        if not writes:
            log.info("rvx-event kind=code_not_ours what=%s", wanted.does)
            return True
        log.info("rvx-event kind=code_observed what=%s", wanted.does)
        return await self._setting.keep(writes, PLATFORM)


def _caller(text: str) -> str:
    return text.partition("|")[0]


def _at(text: str) -> int:
    """When it was done; first of all, where it is nothing."""
    _, since, *_ = (*text.split("|", 2), "", "")
    return int(since) if since.isdecimal() else 0
