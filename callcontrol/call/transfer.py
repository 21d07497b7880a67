"""Transfers: blind and attended, by the verbs of people and by REFER of a phone (RFC 3515, RFC 5589)."""

from __future__ import annotations

from callcontrol.call.joining import BUSY, TRANSFERS_MAX
from callcontrol.call.legs import Call, Dial, Happened, Leg
from callcontrol.call.rooms import Rooms
from callcontrol.refusal import Refusal
from callcontrol.sip.errors import RemoteError
from callcontrol.sip.message import Response
from callcontrol.sip.refer import ReferTo
from callcontrol.sip.referred import Refer

__all__ = ["Transfers"]


class Transfers(Rooms):
    """Nothing moves before it is decided; comes it to nothing, those who talked talk on."""

    def transfer(self, by: Leg, number: str, now: float) -> Refusal | None:
        """Blind: the one who talks with `by` is led on to `number`. The refusal, where that may not be."""
        dial = self._allowed(by.call, by.number, number)
        waiting = by.call.other(by)
        if isinstance(dial, Refusal) or waiting is None or by.call.room:
            return dial if isinstance(dial, Refusal) else BUSY
        self._lead_on(by, waiting, dial, now)
        return None

    def join(self, one: Leg, other: Leg, now: float) -> bool:
        """Attended: those who talk with `one` and with `other`, two legs of the same phone, talk with each other."""
        if other.call.room:  # into its conference
            if not self.bring(one, other.call.room, now):
                return False
            other.session.end(now)
            return True
        if one.call.aside is not None or other.call.aside is not None:  # a transfer that is not decided
            return False
        left, right = one.call.other(one), other.call.other(other)
        if right is None and other in other.call.sides:
            right = next(iter(other.call.ringing), None)
        if left is None or right is None or one.call is other.call or one.call.transfers >= TRANSFERS_MAX:
            return False
        if right.end is not None and not right.answered:  # it rings by a place of the other call
            return False
        self._exit(right)
        call, gone = one.call, other.call
        self._let_go(gone)
        call.transfers += 1
        call.by = one.number
        self._still(call)
        self._still(gone)
        call.sides.remove(one)
        rings = right in gone.ringing
        gone.ringing, gone.sides = [], []
        right.call = call
        (call.ringing if rings else call.sides).append(right)
        self._leave(one, now)
        self._leave(other, now)
        self._tell(Happened.TRANSFERRED, call, right.number)
        if rings:
            self._wait(left, now)
        else:
            self._meet(left, right, now)
        return True

    def _referred(self, leg: Leg, refer: Refer, now: float) -> None:
        call = leg.call
        waiting = call.other(leg)
        if call.room:  # who is in a conference is there by their own wish
            refer.refuse(403, now)
            return
        if waiting is None or call.refer is not None or call.ringing:
            refer.refuse(491, now)
            return
        replaced = None if refer.to.replaces is None else self._ua.find(refer.to.replaces)
        second = None if replaced is None else self._legs.get(replaced)
        if second is not None and second.call is not call and call.transfers < TRANSFERS_MAX:
            if second.number != leg.number:
                refer.refuse(403, now)  # of somebody else's calls nobody disposes
                return
            refer.accept(now)
            refer.note(200 if self.join(leg, second, now) else 503, now)
            return
        dial = self._allowed(call, leg.number, refer.to.number)
        if isinstance(dial, Refusal):
            refer.refuse(dial.status, now, dial.phrase)
            return
        refer.accept(now)
        call.refer = refer
        self._lead_on(leg, waiting, dial, now, refer.to)

    def _lead_on(self, by: Leg, waiting: Leg, dial: Dial, now: float, to: ReferTo | None = None) -> None:
        """`waiting` is led on to `dial`; `by` stays, unheard, until that is decided."""
        call = by.call
        call.transfers += 1
        call.by, call.aside, call.sides = by.number, by, [waiting]
        self._exit(by)
        self._wait(waiting, now)
        self._ring(call, [dial], b"", now, to)
        self._tell(Happened.TRANSFERRED, call, dial.number)

    def _diverted(self, call: Call, by: str, response: Response, now: float) -> None:
        """A 3xx: only as far as the one who diverts may call himself."""
        try:
            number = response.contacts[0].uri.user if response.contacts else ""
        except RemoteError:
            number = ""
        call.transfers += 1
        dial = self._allowed(call, by, number)
        waiting = call.sides[0]
        if isinstance(dial, Refusal):
            self._fail(call, dial, now)
        else:
            self._ring(call, [dial], b"" if waiting.answered else waiting.offered, now)
