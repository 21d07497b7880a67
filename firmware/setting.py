"""Does what a code of `codes.Own` sets, and says in the call itself what was set, or what was wrong.

A shell over callcontrol.plan.setting, which decides; the disk has what is said to be set before it is said. Where no
sound can be had the same words stand on the display."""

from __future__ import annotations

import asyncio
import logging
import sqlite3
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from callcontrol.asked import Asked, phrased
from callcontrol.confirmed import KEY_YES, asked, confirmed, displayed
from callcontrol.media.phrases import Sentence
from callcontrol.plan.absence import Opening, Referral
from callcontrol.plan.codes import Dialled, Own
from callcontrol.plan.faultreport import FaultReport
from callcontrol.plan.model import Forwarding
from callcontrol.plan.setting import Asks, Ends, Locks, Presses, Said, Settled, Write
from callcontrol.refusal import Refusal
from callcontrol.sip.events import Invited
from firmware.asking import Asking
from firmware.pins import Pins, PinsUnreadable
from firmware.places import Place
from firmware.speaking import Speaking
from firmware.store import StoreError
from firmware.store.changes import Changes
from firmware.store.faults import FaultRows
from firmware.store.services import Services

if TYPE_CHECKING:
    from firmware.announcing import Announcing

__all__ = ["Setting"]

AT_ONCE_MAX = 50
"""Codes that are being done; what comes above is refused, and nothing is set."""
ANSWER_S = 5.0
"""For a key, after an odd return was asked about."""
_NORMAL = 31

log = logging.getLogger("rvx")


class Setting:
    """`announcing`: what speaks, None while nothing can. `pump` sends what was done with a session."""

    def __init__(
        self,
        asking: Asking,
        journal: Path,
        pins: Pins,
        announcing: Callable[[], Announcing | None],
        pump: Callable[[], None],
    ) -> None:
        self._asking = asking
        self._journal = journal
        self._pins = pins
        self._announcing = announcing
        self._pump = pump
        self._changes: Changes | None = None
        self._thread = ThreadPoolExecutor(1, "setting")
        self._tasks: set[asyncio.Task[None]] = set()

    def came(self, invited: Invited, asked_: Asked, wanted: Dialled | None, now: float) -> None:
        """A code was dialled, by somebody who is known; None: there is no such code."""
        if len(self._tasks) >= AT_ONCE_MAX:
            self._show(invited, (Said(key="not_saved"),))
            return
        invited.session.trying(now)
        task = asyncio.create_task(self._do(invited, asked_.caller or "", wanted))
        self._tasks.add(task)
        task.add_done_callback(partial(self._ended, invited))

    def tell(self, invited: Invited, caller: str, said: Said, shown: Refusal) -> None:
        """Says that, and hangs up; where there is no sound it is refused as `shown`."""
        if len(self._tasks) >= AT_ONCE_MAX:
            invited.session.refuse(shown.status, _clock(), shown.phrase, shown.headers())
            return
        task = asyncio.create_task(self._tell(invited, caller, said, shown))
        self._tasks.add(task)
        task.add_done_callback(partial(self._ended, invited))

    async def _tell(self, invited: Invited, caller: str, said: Said, shown: Refusal) -> None:
        if not await self._say(invited, caller, (said,)):
            invited.session.refuse(shown.status, _clock(), shown.phrase, shown.headers())
            self._pump()

    async def keep(self, writes: Sequence[Write], by: str) -> bool:
        """All on the disk; False: it does not take them."""
        try:
            writing = asyncio.get_running_loop().run_in_executor(self._thread, self._write, writes, by)
            await asyncio.shield(writing)  # who hangs up meanwhile ends it not
        except (StoreError, sqlite3.Error, OSError, OverflowError) as error:
            log.error("rvx-event kind=store_fault why=%s", str(error).replace(" ", "_"))
            return False
        return True

    def close(self) -> None:
        """What is being written is written."""
        for task in list(self._tasks):
            task.cancel()
        self._thread.submit(self._close)
        self._thread.shutdown(wait=True)

    async def _do(self, invited: Invited, caller: str, wanted: Dialled | None) -> None:
        wrong = await self._unproved(caller, wanted) if wanted is not None and wanted.pins else None
        if wrong is None and wanted is not None and wanted.does is Own.CALL_AS:
            if await self._lead_out(invited, caller, wanted.number or caller):
                return
            wrong = "no_sound"
        settled = Settled((Said(key=wrong),)) if wrong else await self._settled(caller, wanted)
        if isinstance(settled, Asks):
            if await self._ask(invited, caller, settled):
                return
            settled = settled.settled  # nobody can be asked, and the time was dialled
        said = await self._done(caller, settled)
        if not await self._say(invited, caller, said):
            self._show(invited, said)

    async def _settled(self, caller: str, wanted: Dialled | None) -> Settled | Asks:
        if wanted is None:
            return Settled((Said(key="code_unknown"),))
        if wanted.does is Own.CHANGE_PIN:
            return Settled((Said(key=await self._changed(caller, wanted.pins[1])),))
        return self._asking.settled(caller, wanted)

    async def _unproved(self, caller: str, wanted: Dialled) -> str | None:
        """Why nothing is done by that PIN; None: it is the right one."""
        if not await self._pins.may_try(caller):
            return "pin_full"
        whose = wanted.number or caller
        return None if await self._pins.proves(caller, whose, wanted.pins[0]) else "pin_wrong"

    async def _changed(self, caller: str, pin: str) -> str:
        try:
            return "pin_unfit" if await self._pins.change(caller, pin, caller) else "pin_changed"
        except PinsUnreadable:
            return "not_saved"

    async def _done(self, caller: str, settled: Settled) -> Sequence[Said]:
        kept = not settled.writes or await self.keep(settled.writes, caller)
        return settled.said if kept else (Said(key="not_saved"),)

    async def _ask(self, invited: Invited, caller: str, asks: Asks) -> bool:
        """False: there is no sound to ask by."""
        announcing = self._announcing()
        if announcing is None or not announcing.takes(invited):
            return False
        words = partial(asked, asks.doubts, _now(), name_of=self._asking.name_of)

        async def answered(place: Place, speaking: Speaking) -> None:
            key = await speaking.asked(place, await speaking.said(words), ANSWER_S)
            said = await self._done(caller, asks.settled) if key == KEY_YES else (Said(key="not_kept"),)
            await speaking.say(place, await speaking.said(self._words(said)))

        return await announcing.talk(invited, caller, answered)

    async def _lead_out(self, invited: Invited, caller: str, extension: str) -> bool:
        """Who has proved to have it says where to; False: there is no sound to be asked by."""
        announcing = self._announcing()
        if announcing is None or not announcing.takes(invited):
            return False
        return await announcing.lead_out(invited, caller, extension)

    async def _say(self, invited: Invited, caller: str, said: Sequence[Said]) -> bool:
        announcing = self._announcing()
        if announcing is None or not announcing.takes(invited):
            return False

        async def told(place: Place, speaking: Speaking) -> None:
            await place.play(await speaking.said(self._words(said)))

        return await announcing.talk(invited, caller, told)

    def _words(self, said: Sequence[Said]) -> Callable[[str], Sequence[Sentence]]:
        now, name_of = _now(), self._asking.name_of
        return lambda language: confirmed(said, now, language, name_of)

    def _show(self, invited: Invited, said: Sequence[Said]) -> None:
        """Nothing rings, and all is said by that."""
        phrase = phrased(*displayed(said, _now(), self._asking.name_of))
        shown = Refusal(480, phrase, _NORMAL, "normal, unspecified")
        invited.session.refuse(shown.status, _clock(), shown.phrase, shown.headers())
        self._pump()

    def _ended(self, invited: Invited, task: asyncio.Task[None]) -> None:
        """A fault of ours leaves nobody waiting."""
        self._tasks.discard(task)
        if not task.cancelled() and (fault := task.exception()) is not None:
            log.error("rvx-event kind=fault of=setting", exc_info=fault)
            invited.session.end(_clock())
            self._pump()

    # ---- on the thread

    def _write(self, writes: Sequence[Write], by: str) -> None:
        if self._changes is None:
            self._changes = Changes.open(self._journal)
        now = _now()
        for one in writes:
            match one:
                case Referral():
                    self._changes.refer((one,))
                case Opening():
                    self._changes.open_phone(one, now)
                case Forwarding():
                    self._changes.forward(one, by)
                case Ends(extension, conditions):
                    self._changes.end_forwardings(extension, conditions, by, now)
                case Locks(extension, locked):
                    (self._changes.lock if locked else self._changes.unlock)(extension, by, now)
                case Presses(service, key_):
                    with closing(Services.open(self._journal)) as services:
                        services.press(service, key_, by, now)
                case FaultReport():
                    with closing(FaultRows.open(self._journal)) as faults:
                        faults.report(one)

    def _close(self) -> None:
        if self._changes is not None:
            self._changes.close()


def _clock() -> float:
    return asyncio.get_running_loop().time()


def _now() -> datetime:
    return datetime.now(UTC)
