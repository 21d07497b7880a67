"""Calls and people that wait: parked for whoever fetches them, camping on who is busy, to be called back."""

from __future__ import annotations

from callcontrol.call.joining import BUSY, Joining
from callcontrol.call.legs import Call, Happened, Leg, Route, Sound
from callcontrol.refusal import Refusal
from callcontrol.sip.events import Invited
from callcontrol.sip.user_agent import UserAgent

__all__ = ["Waiting"]

SLOTS_MAX = 20
PARK_S = 180.0
"""Then the one who parked is called back."""
CAMP_S = 120.0
"""So long a caller waits for a busy extension; less than a phone lets ring."""
CALL_BACK_S = 3_600.0
CALL_BACKS_MAX = 100


class Waiting(Joining):
    """Nobody waits for ever, and nothing here ends in nothing (B1)."""

    def __init__(self, ua: UserAgent, route: Route, domain: str, sound: Sound | None = None) -> None:
        super().__init__(ua, route, domain, sound)
        self._slots: dict[str, Call] = {}
        self._call_backs: dict[tuple[str, str], float] = {}  # caller and callee, until when

    def park(self, by: Leg, slot: str, now: float) -> bool:
        """The one who talks with `by` waits in `slot`, for whoever fetches it."""
        waiting = by.call.other(by)
        if waiting is None or slot in self._slots or len(self._slots) >= SLOTS_MAX or by.call.ringing:
            return False
        call = by.call
        call.sides.remove(by)
        call.slot, call.by = slot, by.number
        self._slots[slot] = call
        self._leave(by, now)
        self._wait(waiting, now)
        call.timer = self._ua.at(now + PARK_S, lambda then: self._recall(call, then))
        self._tell(Happened.PARKED, call, waiting.number)
        return True

    def fetch(self, slot: str, invited: Invited, caller: str, now: float) -> bool:
        """Whoever has called takes the one who waits in `slot`."""
        call = self._slots.get(slot)
        if call is None or call.ringing or not call.sides:
            return False
        self._unpark(call)
        taking = self._leg(invited, caller, call)
        call.sides.append(taking)
        self._meet(call.sides[0], taking, now)
        self._tell(Happened.FETCHED, call, caller)
        return True

    def camp_on(self, invited: Invited, caller: str, number: str, now: float) -> Call:
        """Waits, unanswered, until `number` is free; refused as busy where that takes too long."""
        call, leg = self._taken(invited, caller)
        call.camps_on = number
        leg.session.ring(182, now)
        call.timer = self._ua.at(now + CAMP_S, lambda then: self._fail(call, BUSY, then))
        return call

    def call_back(self, caller: str, number: str, now: float) -> bool:
        """When `number` is free, `caller` is called, and then `number`. False where too many wait."""
        self._call_backs = {pair: until for pair, until in self._call_backs.items() if until > now}
        if len(self._call_backs) >= CALL_BACKS_MAX:
            return False
        self._call_backs[caller, number] = now + CALL_BACK_S
        return True

    def freed(self, number: str, now: float) -> None:
        """An extension has hung up: who waits for it is led on, the one who camps on it first."""
        for call in self.calls:
            if call.camps_on == number and not call.ringing and call.sides:
                self._still(call)
                call.camps_on = ""
                waiting = call.sides[0]
                self._ring_for(call, waiting.number, number, waiting.offered, now)
                return
        for (caller, callee), until in list(self._call_backs.items()):
            if callee == number:
                del self._call_backs[caller, callee]
                if until > now:
                    self._begin_call_back(caller, callee, now)
                    return

    def _unpark(self, call: Call) -> None:
        self._still(call)
        self._slots.pop(call.slot, None)
        call.slot = ""

    def _recall(self, call: Call, now: float) -> None:
        """Nobody has fetched it, or taken it over: whoever left it is called."""
        by = call.by
        self._unpark(call)
        call.by = ""
        if not by or not call.sides:
            self._fail(call, BUSY, now)
            return
        self._tell(Happened.RECALLED, call, by)
        self._ring_for(call, by, by, b"", now)

    def _begin_call_back(self, caller: str, callee: str, now: float) -> None:
        self._count += 1
        call = Call(str(self._count), camps_on=callee)
        dial = self._allowed(call, caller, caller)
        if not isinstance(dial, Refusal):
            self._ring(call, [dial], b"", now)

    def _now_the_other(self, call: Call, leg: Leg, now: float) -> None:
        """The caller of a call back has lifted: whom he wanted is called."""
        leg.music = True
        self._hush(leg, now)
        number, call.camps_on = call.camps_on, ""
        self._ring_for(call, leg.number, number, b"", now)
