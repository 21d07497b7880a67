"""What calls by modem have in common: a telephone call on one side, a SIP call on the other, and what either says to
the other.

Each is a task of its own, which hears of both sides by one inbox; so it reads as it happens. `outgoing` and `incoming`
are the two kinds."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Sequence
from enum import Enum, auto
from functools import partial
from typing import Protocol

from callcontrol.media.sounds import Clip
from callcontrol.sip.events import Agreed, Ended, Offered, SessionEvent, Told
from callcontrol.sip.info import key_of
from callcontrol.sip.session import Session
from callcontrol.trunk.pool import Priority
from callcontrol.trunk.steps import Step
from drivers.modem.model import CallChanged, CallState, Key, ModemError
from drivers.modem.model import Event as ModemEvent
from firmware.link import Link
from firmware.trunk.lines import ModemLine
from firmware.trunk.sound import CallSound, Sounds

__all__ = ["FAREWELL_S", "PRIORITY", "TAKEN_S", "Call", "Desk", "Said"]

PRIORITY = "P-Trunk-Priority"
TAKEN_S = 3.0
"""So long a modem has to take an order to dial or to hang up."""
RELEASED_S = 5.0
"""A modem that has been told to hang up says so within this, or is taken to have done it."""
FAREWELL_S = 15.0
"""What is said to who was cut off, or is about to be."""

log = logging.getLogger("rvx")


class Desk(Protocol):
    """What the calls of the process have in common."""

    link: Link
    lines: dict[str, ModemLine]
    sounds: Sounds
    keep_one: bool
    realm: str
    address: str
    """Of ours, where phones reach sound."""
    reception: str

    def follow(self, session: Session, call: Call) -> None:
        """Its events go to that call from here on."""
        ...

    def note(self, call: Call, step: Step, line: str = "", detail: str = "") -> None:
        """What happened to a call to 112, or to one that came back of it; nothing else is kept."""
        ...

    def emergency_callers(self, line: str) -> tuple[str, ...]:
        """Who rings when somebody calls this SIM (callcontrol.trunk.calling_back)."""
        ...

    async def tell_preempted(self, sound: CallSound) -> None:
        """A tone, and why."""
        ...


class Said(Enum):
    GIVE_WAY = auto()
    EARLY = auto()  # the network is heard before the answer
    NOTHING = auto()  # in time


class Call:
    """What both kinds share. `id`: of its steps."""

    def __init__(self, desk: Desk, call_id: str, priority: Priority) -> None:
        self.id = call_id
        self.priority = priority
        self._desk = desk
        self._inbox: asyncio.Queue[ModemEvent | SessionEvent | Said] = asyncio.Queue()
        self._session: Session | None = None
        self._sound: CallSound | None = None

    def modem_said(self, event: ModemEvent) -> None:
        self._inbox.put_nowait(event)

    def sip_said(self, event: SessionEvent) -> None:
        self._inbox.put_nowait(event)

    async def hear(self, clips: Sequence[Clip]) -> bool:
        """Whoever is inside, instead of the other side, until it is said; False where they have no sound."""
        if self._sound is None:
            return False
        await self._sound.play(clips)
        return True

    def give_way(self) -> None:
        self._inbox.put_nowait(Said.GIVE_WAY)

    def _leave(self) -> None:
        """What was said of a modem that is left, by itself or by who took it, is nothing to the next one."""
        said = [self._inbox.get_nowait() for _ in range(self._inbox.qsize())]
        for event in said:
            if not isinstance(event, Said | ModemEvent):
                self._inbox.put_nowait(event)

    async def _next(self, within_s: float | None = None) -> ModemEvent | SessionEvent | Said:
        """What either side says; what a SIP call says that is no longer this one's does not matter."""
        try:
            async with asyncio.timeout(within_s):
                while True:
                    event = await self._inbox.get()
                    if isinstance(event, Said | ModemEvent) or event.session is self._session:
                        return event
        except TimeoutError:
            return Said.NOTHING

    def _do(self, verb: Callable[[Session, float], object]) -> None:
        """To the SIP side."""
        if self._session is not None:
            verb(self._session, _now())
            self._desk.link.pump()

    async def _hang_up(self, line: ModemLine) -> None:
        """The telephone call, if the modem is ours still; until it says that it is over."""
        if line.call is not self:
            return
        with contextlib.suppress(ModemError, TimeoutError):
            await asyncio.wait_for(line.modem.hang_up(), TAKEN_S)
        until = _now() + RELEASED_S
        while line.call is self and (left := until - _now()) > 0:
            match await self._next(left):
                case CallChanged(state=CallState.RELEASED) | Said.NOTHING | Said.GIVE_WAY:
                    return

    def _hear(self, line: ModemLine) -> None:
        """Each other, from now on, whenever the modem has sound; once."""
        if self._sound is not None:
            self._sound.join(line.modem)
            self._sound.pressed = lambda key: self._press(line, key)

    def _overhear(self, line: ModemLine) -> None:
        """What the network lets hear before the answer; `Said.EARLY` says that it does."""
        if self._sound is not None:
            self._sound.began = lambda: self._inbox.put_nowait(Said.EARLY)
            self._sound.overhear(line.modem)

    def _press(self, line: ModemLine, key: str) -> None:
        if line.call is self:
            task = asyncio.ensure_future(line.modem.send_key(key))
            task.add_done_callback(_judge_key)

    async def _talk(self, line: ModemLine) -> None:
        """Until one of both hangs up, or the modem is taken away."""
        line.up(self)
        while True:
            event = await self._next()
            match event:
                case CallChanged(state=CallState.RELEASED):
                    self._do(lambda session, now: session.end(now))
                    return
                case Ended():
                    await self._hang_up(line)
                    return
                case Said.GIVE_WAY:
                    await self._cut_off()
                    return
                case Key(digit) if self._sound is not None:
                    self._sound.press(digit)
                case Told(_, content_type, body):
                    if (key := key_of(content_type, body)) is not None:
                        self._press(line, key)
                case Offered(_, body):
                    self._do(partial(self._reply, body))
                case Agreed(_, body) if self._sound is not None and not self._sound.agreed(body):
                    self._do(lambda session, now: session.end(now))

    def _reply(self, offered: bytes, session: Session, now: float) -> None:
        """To another description of theirs; an empty one asks for ours."""
        said = b""
        if self._sound is not None:
            said = self._sound.answer(offered) if offered else self._sound.offer()
        if said:
            session.reply(said, now)
        else:
            session.reject(now)

    async def _cut_off(self) -> None:
        """The telephone call is gone, and who is inside hears why; SIP goes on until that is said."""
        if self._sound is None:
            return
        self._sound.part()
        saying = asyncio.ensure_future(self._desk.tell_preempted(self._sound))
        ended = asyncio.ensure_future(self._until_ended())
        try:
            await asyncio.wait((saying, ended), timeout=FAREWELL_S, return_when=asyncio.FIRST_COMPLETED)
        finally:
            saying.cancel()
            ended.cancel()
        self._do(lambda session, now: session.end(now))

    async def _until_ended(self) -> None:
        while not isinstance(await self._next(), Ended):
            pass


def _judge_key(task: asyncio.Future[None]) -> None:
    if not task.cancelled() and isinstance(fault := task.exception(), ModemError):
        log.info("rvx-event kind=key_failed why=%s", str(fault).replace(" ", "_"))


def _now() -> float:
    return asyncio.get_running_loop().time()
