"""Calls and people that wait: parked for whoever fetches them, camping on who is busy, to be called back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from callcontrol.call.joining import BUSY, NOBODY, Joining
from callcontrol.call.legs import Call, Happened, Leg, Refused, Route, Sound
from callcontrol.refusal import Refusal
from callcontrol.sip.events import Invited
from callcontrol.sip.referred import Refer
from callcontrol.sip.user_agent import UserAgent

__all__ = ["Waiting"]

SLOTS_MAX = 20
SLOTS_OF_ONE_MAX = 10
"""Held by one phone: nobody takes them all."""
PARK_S = 180.0
"""Then the one who parked is called back."""
CAMP_S = 120.0
"""So long a caller waits for a busy extension; less than a phone lets ring."""
CALL_BACK_S = 3_600.0
CALL_BACKS_MAX = 100
CALL_BACKS_OF_ONE_MAX = 10


class Waiting(Joining):
    """Nobody waits for ever, and nothing here ends in nothing (B1)."""

    def __init__(self, ua: UserAgent, route: Route, domain: str, sound: Sound | None = None) -> None:
        super().__init__(ua, route, domain, sound)
        self._slots: dict[str, Call] = {}
        self._call_backs: dict[tuple[str, str], float] = {}  # caller and callee, until when

    def park(self, by: Leg, slot: str, now: float) -> bool:
        """The one who talks with `by` waits in `slot`, for whoever fetches it."""
        waiting = by.call.other(by)
        if waiting is None or by.call.ringing or slot in self._slots or self.slots_full(by.number):
            return False
        call = by.call
        call.sides.remove(by)
        self._leave(by, now)
        self._wait(waiting, now)
        self._park(call, slot, by.number, waiting, now)
        return True

    def slots_full(self, number: str) -> bool:
        """Whether a phone can have nobody more wait, of its own or as it waits itself: all are taken, or too many by
        it."""
        its = sum(number in (call.by, *(side.number for side in call.sides)) for call in self._slots.values())
        return len(self._slots) >= SLOTS_MAX or its >= SLOTS_OF_ONE_MAX

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
        call, _ = self._taken(invited, caller)
        self._camp(call, number, now)
        return call

    def wait_for(self, leg: Leg, number: str, then: Sequence[str], now: float) -> None:
        """Whom the unit has answered waits, and hears what the unit gives it, until `number` is free; in vain it is led
        on to `then`, one after the other."""
        leg.call.then = list(then)
        self._camp(leg.call, number, now)

    def call_back(self, caller: str, number: str, now: float, for_s: float = CALL_BACK_S) -> bool:
        """When `number` is free, `caller` is called, and then `number`. False where too many wait, of all or for this
        caller."""
        ordered = self._call_backs = dict(self.call_backs(now))
        if (caller, number) not in ordered:
            its = sum(pair[0] == caller for pair in ordered)
            if its >= CALL_BACKS_OF_ONE_MAX or len(ordered) >= CALL_BACKS_MAX:
                return False
        ordered[caller, number] = now + min(for_s, CALL_BACK_S)
        return True

    def call_backs(self, now: float) -> Mapping[tuple[str, str], float]:
        """Caller and callee, and until when."""
        return {pair: until for pair, until in self._call_backs.items() if until > now}

    def no_call_backs(self, caller: str) -> int:
        """Whatever `caller` has ordered is so no more. How many those were."""
        ordered = [pair for pair in self._call_backs if pair[0] == caller]
        for pair in ordered:
            del self._call_backs[pair]
        return len(ordered)

    def wait_in(self, slot: str, invited: Invited, caller: str, then: Sequence[str], now: float) -> bool:
        """Whoever has called waits in `slot`; in vain it is led on to `then`, one after the other, as far as `caller`
        may call them: who has sent it here is known by its own word alone."""
        if not invited.offer or slot in self._slots or self.slots_full(caller):
            return False
        call, leg = self._taken(invited, caller)
        leg.music = True
        self._hush(leg, now)
        call.then = list(then)
        self._park(call, slot, "", leg, now)
        return True

    def waited_for(self, now: float) -> set[str]:
        """Extensions of which it is to be told when they are `freed`."""
        camped = {call.camps_on for call in self.calls if call.camps_on and call.sides and not call.ringing}
        return camped | {callee for _, callee in self.call_backs(now)}

    def dial_for(self, caller: str, refer: Refer, now: float) -> bool:
        """Click to dial: the phone of `caller` rings and, when it is answered, whom the REFER names, if `caller` may
        call that. One at a time; False where that was refused."""
        number = refer.to.number
        if refer.to.replaces is not None or any(call.clicked == caller for call in self.calls):
            refer.refuse(486, now)
            return False
        self._count += 1
        call = Call(str(self._count), camps_on=number, clicked=caller)
        other = self._allowed(call, caller, number)
        own = other if isinstance(other, Refusal) else self._allowed(call, caller, caller)
        if isinstance(own, Refusal):
            refer.refuse(own.status, now, own.phrase)
            return False
        refer.accept(now)
        call.refer = refer
        self._ring(call, [own], b"", now)
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
                    self._begin_call_back(caller, callee, until, now)
                    return

    def _park(self, call: Call, slot: str, by: str, waiting: Leg, now: float) -> None:
        call.slot, call.by = slot, by
        self._slots[slot] = call
        call.timer = self._at(call, now + PARK_S, lambda then: self._recall(call, then))
        self._tell(Happened.PARKED, call, waiting.number)

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
            self._next_of(call, now)
            return
        self._tell(Happened.RECALLED, call, by)
        self._ring_for(call, by, by, b"", now)

    def _next_of(self, call: Call, now: float) -> None:
        """The next of those who are called one after the other."""
        refusal, number = NOBODY, ""
        while call.then and call.sides:
            number = call.then.pop(0)
            dial = self._allowed(call, call.sides[0].caller, number)
            if not isinstance(dial, Refusal):
                self._ring(call, [dial], b"", now)
                return
            refusal = dial
        self._reached_nobody(call, Refused(refusal.status, number), refusal, now)

    def _reached_nobody(self, call: Call, refused: Refused, refusal: Refusal, now: float) -> None:
        """Of those who were called one after the other."""
        told, call.unreached = call.unreached, None
        if told is not None:
            told(refused)
        else:
            self._fail(call, refusal, now)

    def _camp(self, call: Call, number: str, now: float) -> None:
        call.camps_on = number
        if call.waits_until is None:
            call.waits_until = now + CAMP_S
            if not call.sides[0].answered:
                call.sides[0].session.ring(182, now)
        call.timer = self._at(call, call.waits_until, lambda then: self._in_vain(call, then))

    def _in_vain(self, call: Call, now: float) -> None:
        call.camps_on = ""
        if call.then:
            self._next_of(call, now)
        else:
            self._fail(call, BUSY, now)

    def _begin_call_back(self, caller: str, callee: str, until: float, now: float) -> None:
        self._count += 1
        call = Call(str(self._count), camps_on=callee, waits_until=until)
        dial = self._allowed(call, caller, caller)
        if not isinstance(dial, Refusal):
            self._ring(call, [dial], b"", now)

    def _call_back_later(self, call: Call, refused: Refused, now: float) -> None:
        """Who wanted to be called back is busy now."""
        if refused.status == BUSY.status and call.waits_until is not None and call.waits_until > now:
            self._call_backs[refused.number, call.camps_on] = call.waits_until

    def _now_the_other(self, call: Call, leg: Leg, now: float) -> None:
        """The caller of a call back has lifted: whom he wanted is called."""
        leg.music = True
        self._hush(leg, now)
        number, call.camps_on, call.clicked = call.camps_on, "", ""
        self._ring_for(call, leg.number, number, b"", now)
