"""A modem as the process `trunk` has it: what it can do now, whose call it carries, and to whom its events go."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable
from typing import Protocol

from callcontrol.trunk.numbers import Form, is_same
from callcontrol.trunk.pool import Carried, Line, Priority, Service, Use
from drivers.modem.model import (
    Back,
    CallChanged,
    CallState,
    Event,
    Gone,
    Key,
    Modem,
    ModemError,
    SimState,
    Step,
    Voice,
)
from firmware.config_trunk import Modem as Entry

__all__ = ["Carrying", "ModemLine"]

ORDERS_MAX = 4
"""Orders to dial that are remembered of one modem: 112 overtakes one, and another 112 is not overtaken."""

log = logging.getLogger("rvx")

_SERVICE = {
    Voice.CS: Service.VOICE,
    Voice.IMS: Service.VOICE,
    Voice.EMERGENCY_ONLY: Service.EMERGENCY_ONLY,
    Voice.NONE: Service.NONE,
    Voice.UNKNOWN: Service.UNKNOWN,
}


class Carrying(Protocol):
    """A call that has a modem."""

    @property
    def priority(self) -> Priority: ...
    def modem_said(self, event: Event) -> None: ...
    def give_way(self) -> None:
        """Its telephone call is about to be hung up by another; the modem is no longer its own."""
        ...


class ModemLine:
    """`came` is told of a call that rings here; `heard` of all that is no call's; `used` when minutes were."""

    def __init__(
        self,
        entry: Entry,
        modem: Modem,
        came: Callable[[ModemLine, CallChanged], Carrying],
        heard: Callable[[ModemLine, Event], None],
        used: Callable[[ModemLine], None],
    ) -> None:
        self.entry = entry
        self.modem = modem
        self.call: Carrying | None = None
        self.expects: Carrying | None = None
        """Whose the next call is that rings here: a test's."""
        self.used_s = 0.0
        """Of ordinary calls, today."""
        self._came = came
        self._heard = heard
        self._used = used
        self._there = False
        self._since = 0.0
        self._up_at: float | None = None
        self._dials: Carrying | None = None  # who has ordered a call last
        self._orders: deque[tuple[str, Carrying | None]] = deque(maxlen=ORDERS_MAX)  # since it was free
        self._owners: dict[int, Carrying | None] = {}  # by the modem's index of a call; None: who had it has left
        self._cleaning: asyncio.Task[None] | None = None
        modem.subscribe(self._said)

    @property
    def name(self) -> str:
        return self.entry.name

    @property
    def form(self) -> Form:
        return Form(self.entry.numbers)

    @property
    def number(self) -> str | None:
        """The SIM's own, as the site or the SIM itself knows it."""
        return self.entry.number or self.modem.sim.number

    @property
    def service(self) -> Service:
        if not self._there:
            return Service.AWAY
        found = _SERVICE[self.modem.network.voice]
        if found is Service.VOICE and self.modem.health.step is Step.OTHER:
            return Service.UNKNOWN
        if found is Service.VOICE and self.modem.sim.state not in (SimState.READY, SimState.UNKNOWN):
            return Service.EMERGENCY_ONLY
        return found

    def seen(self) -> Line:
        """As it is now, for `callcontrol.trunk.pool`."""
        day_s = self.entry.minutes_per_day * 60.0
        carries = None if self.call is None else Carried(self.call.priority, self._up_at is not None, self._since)
        return Line(
            name=self.name,
            order=self.entry.priority,
            use=Use[self.entry.emergency.upper()],
            service=self.service,
            carries=carries,
            left_s=day_s - self.used_s if day_s else None,
            day_s=day_s,
        )

    def take(self, call: Carrying) -> None:
        """From whoever had it."""
        self._count()
        if self.call is None:
            self._dials = call
            self._orders.clear()
        self.call, self._since = call, _now()

    def up(self, call: Carrying) -> None:
        """Somebody has answered."""
        if self.call is call:
            self._up_at = _now()

    def release(self, call: Carrying) -> None:
        """Of this modem nothing more is told to it: it may be on its way by another one. Where somebody else has taken
        the modem, it stays theirs."""
        self._owners = {index: None if owner is call else owner for index, owner in self._owners.items()}
        left = [(number, None if who is call else who) for number, who in self._orders]
        self._orders = deque(left, maxlen=ORDERS_MAX)
        if self._dials is call:
            self._dials = None
        if self.call is call:
            self._count()
            self.call = None

    async def dial(self, call: Carrying, number: str, *, withheld: bool | None) -> None:
        """A modem tells of a call when it has taken the order: then it is that call's, whoever has taken the modem
        meanwhile. Raises ModemError."""
        self._dials = call
        self._orders.append((number, call))
        await self.modem.dial(number, withheld=withheld)

    async def cleaned(self, within_s: float) -> None:
        """Until what nobody has the other end of is hung up: an order to hang up that is under way would hit the next
        call."""
        if self._cleaning is not None:
            await asyncio.wait((self._cleaning,), timeout=within_s)

    def _count(self) -> None:
        if self._up_at is not None and self.call is not None and self.call.priority is not Priority.EMERGENCY:
            self.used_s += _now() - self._up_at
            self._used(self)
        self._up_at = None

    def _said(self, event: Event) -> None:
        match event:
            case CallChanged():
                owner = self._owner_of(event)
                if owner is not None:
                    owner.modem_said(event)
            case Key():
                if self.call is not None:
                    self.call.modem_said(event)
            case Back():
                self._there = True
                self._heard(self, event)
            case Gone():
                self._there = False
                self._heard(self, event)
            case _:
                self._heard(self, event)

    async def _clean(self) -> None:
        try:
            await self.modem.hang_up()
        except ModemError as error:
            log.warning("rvx-event kind=not_cleaned modem=%s why=%s", self.name, str(error).replace(" ", "_"))
        finally:
            self._cleaning = None

    def _owner_of(self, event: CallChanged) -> Carrying | None:
        """An index belongs to a call from its first word to its last; the modem may give it to the next one then."""
        if event.state is CallState.RELEASED:
            return self._owners.pop(event.index, None)
        if event.index not in self._owners:
            if event.outgoing and not self._there:
                owner = None  # of the process before this one
            elif event.outgoing:
                owner = self._orderer(event.number) if self.call is not None else None
            elif self.expects is not None:
                owner = self.expects
            elif self.call is None and event.state in (CallState.INCOMING, CallState.WAITING):
                owner = self._came(self, event)
            else:
                owner = None  # somebody calls while it has a call
            if owner is None:
                log.warning("rvx-event kind=modem_call_unowned modem=%s state=%s", self.name, event.state)
                if self.call is None and self._cleaning is None:
                    self._cleaning = asyncio.create_task(self._clean())
                return None
            self._owners[event.index] = owner
        return self._owners[event.index]

    def _orderer(self, number: str | None) -> Carrying | None:
        """Who has dialled that number: whoever did so last, also where it is nobody's, as a network may list 112 by
        another; but what 112 overtook in the modem's queue is not 112's."""
        return next((call for ordered, call in self._orders if number and is_same(ordered, number)), self._dials)


def _now() -> float:
    return asyncio.get_running_loop().time()
