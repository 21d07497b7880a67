"""A call out by modem: which one takes it, and what is done when that one does not."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import re
from dataclasses import dataclass

from callcontrol.refusal import Refusal
from callcontrol.sip.events import Ended, Invited
from callcontrol.sip.headers import withheld
from callcontrol.sip.message import Request
from callcontrol.trunk.causes import PREEMPTED, full, hunts, refusal_of
from callcontrol.trunk.numbers import EMERGENCY, to_dial, wanted
from callcontrol.trunk.pool import Full, Preempt, Priority, choose
from callcontrol.trunk.steps import Step
from drivers.modem.model import CallChanged, CallState, ModemError
from firmware.places import NoPlace
from firmware.trunk.call import PRIORITY, TAKEN_S, Call, Desk, Said
from firmware.trunk.lines import Carrying, ModemLine

__all__ = ["Outgoing", "Wanted", "wanted_by"]

EMERGENCY_TAKEN_S = 1.0
"""So long a modem has to take an order of 112, while there is another modem."""
PROGRESS_S = 60.0
"""A telephone call of which nothing has been heard for so long comes to nothing,"""
EMERGENCY_PROGRESS_S = 9.0
"""and to 112 so that another modem is tried within the time that the edge gives us."""

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
    return Wanted(number, priority, caller, True if withheld(request.header("Privacy")) else None)


class Outgoing(Call):
    """A phone, or `calls`, wants somebody outside."""

    def __init__(self, desk: Desk, invited: Invited, asked: Wanted) -> None:
        super().__init__(desk, invited.request.call_id, asked.priority)
        self.asked = asked
        self._session = invited.session
        self._offer = invited.offer
        self._answer = b""
        # An edge that dies takes no call to 112 along; of others `calls` has lost the other half.
        invited.session.outlives = asked.priority is Priority.EMERGENCY
        desk.follow(invited.session, self)

    async def run(self) -> None:
        """To its end."""
        self._note(Step.ASKED, detail=self.asked.caller)
        try:
            self._answer = self._describe()
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

    def _describe(self) -> bytes:
        """Our answer, or our offer to who makes none: whoever leads a caller on whom it has answered itself (RFC 3725
        §4.4). Raises NoPlace."""
        if self._offer:
            self._sound = self._desk.sounds.towards(self._offer)
            return self._sound.answer(self._offer)
        self._sound = self._desk.sounds.at(self._desk.address)
        return self._sound.offer()

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
            if not tried:  # no sooner: by it the edge takes the call for ours, and the phone does not ask again
                self._do(lambda session, now: session.trying(now))
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
                self._leave()
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
        self._overhear(line)
        is_heard = False
        waits_s = EMERGENCY_PROGRESS_S if emergency else PROGRESS_S
        while True:
            event = await self._next(waits_s)
            match event:
                case CallChanged(state=CallState.ALERTING):
                    self._note(Step.ALERTING, line.name)
                    if not is_heard:  # some phones would ring over what they hear
                        self._do(lambda session, now: session.ring(180, now))
                    waits_s = PROGRESS_S
                case Said.EARLY:
                    is_heard = True
                    # Not acknowledged one by one (RFC 3262): the 200 must never wait for who does not do so.
                    self._do(lambda session, now: session.ring(183, now, self._answer, reliable=False))
                case CallChanged(state=CallState.ACTIVE):
                    self._note(Step.ANSWERED, line.name)
                    self._hear(line)
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
                case Said.GIVE_WAY:
                    self._refuse(PREEMPTED)
                    return True, None
                case Said.NOTHING:
                    self._note(Step.NO_PROGRESS, line.name)
                    await self._hang_up(line)
                    return False, None

    def _refuse(self, refusal: Refusal) -> None:
        self._do(lambda session, now: session.refuse(refusal.status, now, refusal.phrase, refusal.headers()))

    def _note(self, step: Step, line: str = "", detail: str = "") -> None:
        if self.priority is Priority.EMERGENCY:
            self._desk.note(self, step, line, detail)
