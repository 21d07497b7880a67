"""A call that comes to a SIM: whom it rings, and its number."""

from __future__ import annotations

import asyncio
import logging

from callcontrol.call.joining import ANONYMOUS
from callcontrol.sip.events import Answered, Ended
from callcontrol.trunk.numbers import from_network
from callcontrol.trunk.pool import Priority
from drivers.modem.model import CallChanged, CallState, ModemError
from firmware.places import NoPlace
from firmware.trunk.call import PRIORITY, TAKEN_S, Call, Desk, Said
from firmware.trunk.lines import ModemLine

__all__ = ["Incoming"]

NUMBER_S = 1.0
"""So long the number of a caller is waited for: it comes with the second signal."""
RINGS_S = 30.0
"""An extension rings for so long by a call that has come."""

log = logging.getLogger("rvx")


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
                case CallChanged(state=CallState.RELEASED) | Said.GIVE_WAY:
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
                    case CallChanged(state=CallState.RELEASED) | Said.GIVE_WAY:
                        self._do(lambda session, now: session.end(now))
                        return True
                    case Said.NOTHING:
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


def _now() -> float:
    return asyncio.get_running_loop().time()
