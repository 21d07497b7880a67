"""One call by modem: a telephone call on one side, a SIP call on the other, and what either says to the other.

Each is a task of its own, which hears of both sides by one inbox; so it reads as it happens."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from functools import partial
from typing import Protocol

from callcontrol.call.joining import ANONYMOUS
from callcontrol.media.sounds import Clip
from callcontrol.refusal import Refusal
from callcontrol.sip.events import Answered, Ended, Invited, Offered, SessionEvent, Told
from callcontrol.sip.info import key_of
from callcontrol.sip.message import Request
from callcontrol.sip.session import Session
from callcontrol.trunk.causes import PREEMPTED, full, hunts, refusal_of
from callcontrol.trunk.numbers import EMERGENCY, from_network, to_dial, wanted
from callcontrol.trunk.pool import Full, Preempt, Priority, choose
from callcontrol.trunk.steps import Step
from drivers.modem.model import CallChanged, CallState, Key, ModemError
from drivers.modem.model import Event as ModemEvent
from firmware.link import Link
from firmware.places import NoPlace
from firmware.trunk.lines import Carrying, ModemLine
from firmware.trunk.sound import CallSound, Sounds

__all__ = ["FAREWELL_S", "PRIORITY", "Desk", "Incoming", "Outgoing", "Wanted", "wanted_by"]

PRIORITY = "P-Trunk-Priority"
TAKEN_S = 3.0
"""So long a modem has to take an order to dial or to hang up."""
EMERGENCY_TAKEN_S = 1.0
"""Of 112, while there is another modem."""
PROGRESS_S = 60.0
"""A telephone call of which nothing has been heard for so long comes to nothing,"""
EMERGENCY_PROGRESS_S = 9.0
"""and to 112 so that another modem is tried within the time that the edge gives us."""
RELEASED_S = 5.0
"""A modem that has been told to hang up says so within this, or is taken to have done it."""
NUMBER_S = 1.0
"""So long the number of a caller is waited for: it comes with the second signal."""
RINGS_S = 30.0
"""An extension rings for so long by a call that has come."""
FAREWELL_S = 15.0
"""What is said to who was cut off, or is about to be."""

_CALLER = re.compile(r"[A-Za-z0-9._+-]{1,64}", re.ASCII)

log = logging.getLogger("rvx")


@dataclass(frozen=True, slots=True)
class Wanted:
    """What an INVITE asks for. `caller`: the extension, "" where not known."""

    number: str
    priority: Priority
    caller: str
    withheld: bool | None


def wanted_by(request: Request) -> Wanted | None:
    """None: that is no number that anybody is connected to."""
    uri = request.request_uri
    number = wanted(uri.user)
    if number is None:
        return None
    caller = uri.params.get("caller") or ""
    if not _CALLER.fullmatch(caller):  # a phone has written it, and it is who rings when SOS calls back
        caller = ""
    if number == EMERGENCY:
        return Wanted(number, Priority.EMERGENCY, caller, None)
    said = request.header(PRIORITY) or ""
    priority = Priority(int(said)) if said in ("1", "2") else Priority.REST
    private = {"id", "user", "header"} & set(re.split(r"[;, ]+", (request.header("Privacy") or "").lower()))
    return Wanted(number, priority, caller, True if private else None)


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


class _Said(Enum):
    GIVE_WAY = auto()
    NOTHING = auto()  # in time


class Call:
    """What both kinds share. `id`: of its steps."""

    def __init__(self, desk: Desk, call_id: str, priority: Priority) -> None:
        self.id = call_id
        self.priority = priority
        self._desk = desk
        self._inbox: asyncio.Queue[ModemEvent | SessionEvent | _Said] = asyncio.Queue()
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
        self._inbox.put_nowait(_Said.GIVE_WAY)

    async def _next(self, within_s: float | None = None) -> ModemEvent | SessionEvent | _Said:
        """What either side says; what a SIP call says that is no longer this one's does not matter."""
        try:
            async with asyncio.timeout(within_s):
                while True:
                    event = await self._inbox.get()
                    if isinstance(event, _Said | ModemEvent) or event.session is self._session:
                        return event
        except TimeoutError:
            return _Said.NOTHING

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
                case CallChanged(state=CallState.RELEASED) | _Said.NOTHING | _Said.GIVE_WAY:
                    return

    def _hear(self, line: ModemLine) -> None:
        """Each other, from now on, whenever the modem has sound; once."""
        if self._sound is not None:
            self._sound.join(line.modem)
            self._sound.pressed = lambda key: self._press(line, key)

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
                case _Said.GIVE_WAY:
                    await self._cut_off()
                    return
                case Key(digit) if self._sound is not None:
                    self._sound.press(digit)
                case Told(_, content_type, body):
                    if (key := key_of(content_type, body)) is not None:
                        self._press(line, key)
                case Offered(_, body):
                    self._do(partial(self._reply, body))

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


class Outgoing(Call):
    """A phone, or `calls`, wants somebody outside."""

    def __init__(self, desk: Desk, invited: Invited, asked: Wanted) -> None:
        super().__init__(desk, invited.request.call_id, asked.priority)
        self.asked = asked
        self._session = invited.session
        self._offer = invited.offer
        self._answer = b""
        desk.follow(invited.session, self)

    async def run(self) -> None:
        """To its end."""
        self._do(lambda session, now: session.trying(now))
        self._note(Step.ASKED, detail=self.asked.caller)
        try:
            self._sound = self._desk.sounds.towards(self._offer) if self._offer else None
            self._answer = self._sound.answer(self._offer) if self._sound is not None else b""
        except NoPlace as error:
            log.warning("rvx-event kind=no_place why=%s", str(error).replace(" ", "_"))
        try:
            if self._answer:
                await self._carry()
            else:
                self._refuse(Refusal(488, "Inget Gemensamt Ljud / No Sound In Common", 88, "incompatible destination"))
        finally:
            if self._sound is not None:
                self._sound.close()

    async def _carry(self) -> None:
        tried: set[str] = set()
        refusal: Refusal | None = None
        while True:
            lines = [line.seen() for line in self._desk.lines.values()]
            choice = choose(lines, self.priority, tried=tried, keep_one=self._desk.keep_one)
            if isinstance(choice, Full):
                self._note(Step.NO_MODEM, detail=choice.value)
                self._refuse(refusal or full(choice))
                return
            line = self._desk.lines[choice.line]
            tried.add(line.name)
            last = isinstance(choose(lines, self.priority, tried=tried, keep_one=self._desk.keep_one), Full)
            cut = line.call
            line.take(self)
            try:
                if cut is not None and isinstance(choice, Preempt):
                    await self._cut(line, cut)
                over, cause = await self._by(line, last=last)
            finally:
                line.release(self)
            if over:
                return
            refusal = refusal_of(cause)
            if self.priority is not Priority.EMERGENCY and not hunts(cause):
                self._refuse(refusal)
                return

    async def _cut(self, line: ModemLine, lesser: Carrying) -> None:
        """The lesser call is hung up first; it hears of it afterwards."""
        self._note(Step.PREEMPTS, line.name)
        log.warning("rvx-event kind=preempted modem=%s", line.name)
        lesser.give_way()
        with contextlib.suppress(ModemError, TimeoutError):
            await asyncio.wait_for(line.modem.hang_up(), EMERGENCY_TAKEN_S)

    async def _by(self, line: ModemLine, *, last: bool) -> tuple[bool, int | None]:
        """By that modem; `last`: there is no other. Whether the call is over for good, else the cause that ended it."""
        emergency = self.priority is Priority.EMERGENCY
        number = to_dial(self.asked.number, line.form)
        self._note(Step.DIALS, line.name)
        try:
            taken_s = EMERGENCY_TAKEN_S if emergency and not last else TAKEN_S
            await line.cleaned(taken_s)
            await asyncio.wait_for(line.dial(self, number, withheld=self.asked.withheld), taken_s)
        except (ModemError, TimeoutError) as error:
            self._note(Step.NOT_TAKEN, line.name, str(error) or "timeout")
            log.warning(
                "rvx-event kind=dial_failed modem=%s why=%s", line.name, str(error).replace(" ", "_") or "timeout"
            )
            # Taken by 112 meanwhile, it is 112's call that would be hung up.
            if line.call is self:
                with contextlib.suppress(ModemError, TimeoutError):
                    await asyncio.wait_for(line.modem.hang_up(), EMERGENCY_TAKEN_S)
            return False, None
        self._note(Step.DIALLED, line.name)
        self._hear(line)
        waits_s = EMERGENCY_PROGRESS_S if emergency else PROGRESS_S
        while True:
            event = await self._next(waits_s)
            match event:
                case CallChanged(state=CallState.ALERTING):
                    self._note(Step.ALERTING, line.name)
                    self._do(lambda session, now: session.ring(180, now))
                    waits_s = PROGRESS_S
                case CallChanged(state=CallState.ACTIVE):
                    self._note(Step.ANSWERED, line.name)
                    self._do(lambda session, now: session.answer(self._answer, now))
                    await self._talk(line)
                    self._note(Step.ENDED, line.name)
                    return True, None
                case CallChanged(state=CallState.RELEASED, cause=cause):
                    self._note(Step.RELEASED, line.name, "" if cause is None else str(cause))
                    return False, cause
                case Ended():
                    self._note(Step.GIVEN_UP, line.name)
                    await self._hang_up(line)
                    return True, None
                case _Said.GIVE_WAY:
                    self._refuse(PREEMPTED)
                    return True, None
                case _Said.NOTHING:
                    self._note(Step.NO_PROGRESS, line.name)
                    await self._hang_up(line)
                    return False, None

    def _refuse(self, refusal: Refusal) -> None:
        self._do(lambda session, now: session.refuse(refusal.status, now, refusal.phrase, refusal.headers()))

    def _note(self, step: Step, line: str = "", detail: str = "") -> None:
        if self.priority is Priority.EMERGENCY:
            self._desk.note(self, step, line, detail)


class Incoming(Call):
    """Somebody calls a SIM."""

    def __init__(self, desk: Desk, line: ModemLine, event: CallChanged) -> None:
        self._back_to = desk.emergency_callers(line.name)
        super().__init__(desk, f"{line.name}-{_now():.3f}", Priority.EMERGENCY if self._back_to else Priority.REST)
        self._line = line
        self._number, self._withheld = event.number, event.withheld
        line.take(self)

    async def run(self) -> None:
        """To its end."""
        line = self._line
        try:
            if not await self._number_known():
                return
            for uri in self._targets():
                if await self._rings(uri):
                    return
            await self._hang_up(line)
        finally:
            line.release(self)

    def _targets(self) -> list[str]:
        """Who rings, one after the other."""
        desk = self._desk
        first = [f"sip:{number}@{desk.realm}" for number in self._back_to]
        reception = [f"sip:{desk.reception}@{desk.realm}"] if desk.reception else []
        greeted = [f"sip:{self._line.number or 'modem'}@{desk.realm}"]
        return [*first, *reception, *greeted] if first else [*greeted, *reception]

    async def _number_known(self) -> bool:
        """False: who called has hung up already."""
        until = _now() + NUMBER_S
        while self._number is None and not self._withheld and (left := until - _now()) > 0:
            match await self._next(left):
                case CallChanged(state=CallState.RELEASED) | _Said.GIVE_WAY:
                    return False
                case CallChanged(number=number, withheld=withheld):
                    self._number, self._withheld = number, withheld
        return True

    async def _rings(self, uri: str) -> bool:
        """Whether that is the end of it: somebody has answered, or who called has hung up."""
        line, desk = self._line, self._desk
        number = None if self._withheld else from_network(self._number)
        who = ANONYMOUS if number is None else f"<sip:{number}@{desk.realm}>"
        try:
            self._sound = desk.sounds.at(desk.address)
        except NoPlace as error:
            log.warning("rvx-event kind=no_place why=%s", str(error).replace(" ", "_"))
            return False
        try:
            # Who calls back after 112 is not greeted.
            headers = ((PRIORITY, str(int(self.priority))),) if self._back_to else ()
            self._session = desk.link.ua.invite(
                uri, _now(), from_=who, body=self._sound.offer(), headers=headers, early=False
            )
            desk.follow(self._session, self)
            desk.link.pump()
            until = _now() + RINGS_S
            while True:
                event = await self._next(max(0.0, until - _now()))
                match event:
                    case Answered(_, _, body):
                        if not self._sound.agreed(body):
                            self._do(lambda session, now: session.end(now))
                            return False
                        return await self._answered(line)
                    case Ended():
                        return False
                    case CallChanged(state=CallState.RELEASED) | _Said.GIVE_WAY:
                        self._do(lambda session, now: session.end(now))
                        return True
                    case _Said.NOTHING:
                        self._do(lambda session, now: session.end(now))
                        return False
        finally:
            self._sound.close()
            self._sound = None

    async def _answered(self, line: ModemLine) -> bool:
        try:
            await asyncio.wait_for(line.modem.answer(), TAKEN_S)
        except (ModemError, TimeoutError) as error:
            log.warning(
                "rvx-event kind=answer_failed modem=%s why=%s", line.name, str(error).replace(" ", "_") or "timeout"
            )
            self._do(lambda session, now: session.end(now))
            await self._hang_up(line)
            return True
        self._hear(line)
        await self._talk(line)
        return True


def _judge_key(task: asyncio.Future[None]) -> None:
    if not task.cancelled() and isinstance(fault := task.exception(), ModemError):
        log.info("rvx-event kind=key_failed why=%s", str(fault).replace(" ", "_"))


def _now() -> float:
    return asyncio.get_running_loop().time()
