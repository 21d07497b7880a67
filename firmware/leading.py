"""Takes the calls that the edge hands over: who rings next goes back to the edge, the rest is told in words or refused,
and what we lead ourselves goes on by `call.Switch`."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from callcontrol.asked import Asked, Decided
from callcontrol.call import Dial, Switch
from callcontrol.plan.steps import Note
from callcontrol.refusal import Refusal, Why
from callcontrol.sip.agent import Discarded
from callcontrol.sip.events import Invited
from callcontrol.sip.session import Session
from callcontrol.sip.user_agent import UserAgentEvent
from firmware.asking import Asking
from firmware.config import Config
from firmware.link import Link

if TYPE_CHECKING:
    from firmware.announcing import Announcing
    from firmware.mixing import Mixing

__all__ = ["RING", "Leading"]

RING = "P-Ring"
"""In a 302 to the edge: the extensions that ring now, parted by dots. No phone's 302 is heeded (cfg/70-calls.cfg)."""

PREPARED_MAX = 20
"""Callers for whom it is put together at a time what they are told; what comes above is refused in words."""

log = logging.getLogger("rvx")


class Leading:
    """`link` is the connection to the edge, for what else is to be asked of it."""

    def __init__(self, config: Config, told: Callable[[Note], None]) -> None:
        self._realm = config.platform.realm
        self._asking = Asking(config, told)
        self.link = Link(config.edge.calls_port, self._came)
        self._switch = Switch(self.link.ua, self, self._realm)
        self._said = config.announcing
        self._paths = config.paths
        self._announcing: Announcing | None = None  # while nothing can be said, or nothing is to be
        self._mixing: Mixing | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        """Until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self.link.run())
            tasks.create_task(self._load())

    async def _load(self) -> None:
        self._mixing, self._announcing = await asyncio.to_thread(self._loaded)
        self._switch.through = self._mixing

    def _loaded(self) -> tuple[Mixing, Announcing | None]:
        """Blocks. Sound is much to load, and no call waits for it."""
        from callcontrol.media.sounds import Music
        from firmware.announcing import Announcing, voice_of
        from firmware.messages import Messages
        from firmware.mixing import Mixing
        from firmware.places import Places

        places = Places()
        mixing = Mixing(places, Music())
        if not self._said.languages:
            return mixing, None
        voice = voice_of(Path(self._said.recordings) if self._said.recordings else None)
        messages = Messages(self._paths)
        name_of, languages = self._asking.name_of, self._said.languages
        return mixing, Announcing(self._switch, self._pump, name_of, languages, voice, places, messages)

    def close(self) -> None:
        if self._mixing is not None:
            self._mixing.close()
        if self._announcing is not None:
            self._announcing.close()
        self._asking.close()

    def to(self, wanting: str, number: str) -> Dial | Refusal:
        """Where `number` rings, by the plan, if `wanting` called it itself."""
        decided = self._asking.decided(Asked(callee=number, caller=wanting, why=Why.ASKED, survival=True))
        if isinstance(decided.answer, Refusal):
            return decided.answer
        return Dial(decided.answer[0], f"sip:{decided.answer[0]}@{self._realm}")

    def _came(self, event: UserAgentEvent, now: float) -> None:
        try:
            match event:
                case Discarded(error):
                    log.warning("rvx-event kind=sip_unread field=%s", error.field)
                case Invited(replaces=None):
                    self._invited(event, now)
                case _:
                    self._switch.saw(event, now)
        except Exception as fault:  # one call's fault is not to end the others'
            _tell_fault(fault)
            if not isinstance(event, Discarded) and event.session is not None:
                event.session.end(now)
        self._hear_switch()

    def _pump(self) -> None:
        self.link.pump()
        self._hear_switch()

    def _hear_switch(self) -> None:
        while (said := self._switch.next_event()) is not None:
            if self._announcing is not None:
                self._announcing.saw(said)

    def _invited(self, invited: Invited, now: float) -> None:
        asked = self._asking.asked(invited.request)
        if asked is None:
            invited.session.refuse(501, now)
            return
        decided = self._asking.decided(asked)
        room = self._announcing is not None and len(self._tasks) < PREPARED_MAX and self._announcing.takes(invited)
        if decided.told is not None and room:
            invited.session.ring(180, now)
            task = asyncio.create_task(self._tell(invited, asked, decided))
            self._tasks.add(task)
            task.add_done_callback(self._ended)
        else:
            _answer(invited.session, decided, now)

    async def _tell(self, invited: Invited, asked: Asked, decided: Decided) -> None:
        assert self._announcing is not None
        assert decided.told is not None
        taken = False
        try:
            taken = await self._announcing.take(invited, asked.caller or "", decided.told)
        finally:
            if not taken:
                _answer(invited.session, decided, asyncio.get_running_loop().time())
                self._pump()

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (fault := task.exception()) is not None:
            _tell_fault(fault)


def _tell_fault(fault: BaseException) -> None:
    log.error("rvx-event kind=fault of=call", exc_info=fault)


def _answer(session: Session, decided: Decided, now: float) -> None:
    if isinstance(decided.answer, Refusal):
        session.refuse(decided.answer.status, now, decided.answer.phrase, decided.answer.headers())
    else:
        session.refuse(302, now, headers=((RING, ".".join(decided.answer)),))
