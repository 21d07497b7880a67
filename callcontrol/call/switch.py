"""The switch: what comes of sessions, and the verbs by which a call that came is led on, answered or picked up."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence

from callcontrol.call.joining import UNSPOKEN_BY, UNSPOKEN_MAX, may_meet, plays_its_own
from callcontrol.call.legs import Asked, Call, Camps, Dial, Happened, Leg, Onward, Owes, Refused, Ringing, Unreached
from callcontrol.call.rooms import Rooms
from callcontrol.call.transfer import Transfers
from callcontrol.call.waiting import Waiting
from callcontrol.refusal import Refusal
from callcontrol.sip.events import (
    Agreed,
    Answered,
    Ended,
    Invited,
    Offered,
    OfferRefused,
    Progressed,
    Referred,
    SessionEvent,
    Told,
    Withdrawn,
)
from callcontrol.sip.info import key_of
from callcontrol.sip.message import Response
from callcontrol.sip.sdp import Description
from callcontrol.sip.session import Phase

__all__ = ["Switch"]

_RINGS = (180, 182, 183)
_GLOBAL = 600
_OF_THE_CALLER = (401, 407, 415, 420, 484)
"""Of the 4xx those by which the caller could do better (§16.7 step 6)."""


class Switch(Transfers, Waiting, Rooms):
    """All calls that we lead, whatever is done with them."""

    # ---- verbs

    def connect(
        self,
        invited: Invited,
        caller: str,
        dials: Sequence[Dial],
        now: float,
        for_s: float | None = None,
        onward: Onward | None = None,
    ) -> Call:
        """Leads a call that came on, to several at once; the first who answers has it. After `for_s`, or when all have
        refused, `onward` says what comes next; without it the best refusal goes to the caller (RFC 3261 §16.7)."""
        call, _ = self._taken(invited, caller)
        call.onward = onward
        self._ring_for_s(call, dials, for_s, now)
        return call

    def release(self, call: Call) -> None:
        """A caller whom nobody has answered is somebody else's from here on, with nothing said to it."""
        for leg in call.sides:
            del self._legs[leg.session]
        call.sides.clear()
        self._still(call)

    def answer(self, invited: Invited, caller: str, own: Callable[[bytes], bytes], now: float) -> Leg | None:
        """The unit itself takes the call that came, by sound of its own. None where they have none in common, or the
        call is over."""
        body = own(invited.offer) if invited.offer else b""
        if not body or invited.session.phase is not Phase.RINGING:
            return None
        _, leg = self._taken(invited, caller)
        leg.own = own
        leg.reply(body, now)
        return leg

    def lead_on(self, leg: Leg, numbers: Sequence[str], now: float, unreached: Unreached | None = None) -> None:
        """Whom the unit has answered is called for at `numbers`, one after the other; until one of them answers the
        unit stays at the other end, and after `unreached`, too: without that the call ends where nobody does."""
        leg.call.then, leg.call.unreached = list(numbers), unreached
        self._next_of(leg.call, now)

    def pick_up(self, number: str, invited: Invited, caller: str, now: float) -> bool:
        """Whoever has called takes the call that rings at `number`."""
        rings = next((leg for leg in self._legs.values() if leg.number == number and leg in leg.call.ringing), None)
        if rings is None or not rings.call.sides:
            return False
        call = rings.call
        waiting = call.sides[0]
        unlike = waiting.owes is not None and not may_meet(waiting.offered, invited.offer)
        if unlike and (self.through is None or not invited.offer):
            return False
        taking = self._leg(invited, caller, call)
        call.sides.append(taking)
        self._meet(waiting, taking, now)
        self._answered_by(call, taking, now)
        return True

    def ringing_at(self, numbers: Collection[str]) -> str | None:
        """Which of `numbers` rings for somebody, the one that has done so longest."""
        rings = (leg for leg in self._legs.values() if leg in leg.call.ringing and leg.call.sides)
        return next((leg.number for leg in rings if leg.number in numbers), None)

    def talking(self, number: str) -> Leg | None:
        """The phone of `number` that talks with another."""
        talks = (leg for leg in self._legs.values() if leg.call.other(leg) is not None)
        return next((leg for leg in talks if leg.number == number), None)

    # ---- what comes

    def saw(self, event: SessionEvent, now: float) -> None:
        """An event of a session; what is none of ours is passed over. Invited comes by the verbs, but for Replaces."""
        if isinstance(event, Invited):
            self._replacing(event, now)
            return
        leg = None if event.session is None else self._legs.get(event.session)
        if leg is None:
            if isinstance(event, Referred):
                # Who is in no call of ours has nobody to lead on.
                event.refer.refuse(481 if event.refer.request.to.tag else 403, now)
            return
        match event:
            case Progressed(_, response, body):
                self._progressed(leg, response.status, body, now)
            case Answered(_, _, body, offers):
                self._answered(leg, body, offers, now)
            case Offered(_, body):
                self._offered(leg, body, now)
            case Agreed(_, body):
                self._agreed(leg, body, now)
            case OfferRefused(_, status):
                self._offer_refused(leg, status, now)
            case Withdrawn():
                leg.owes, leg.offered = None, b""
            case Referred(_, refer):
                self._referred(leg, refer, now)
            case Told(records=True):
                self.mark(leg.number, now)
            case Told(_, content_type, body):
                self._told(leg, content_type, body, now)
            case Ended():
                self._ended(leg, event, now)

    def _progressed(self, leg: Leg, status: int, body: bytes, now: float) -> None:
        call = leg.call
        if call.refer is not None and call.sides:
            call.refer.note(status, now)
        leg.rang = leg.rang or status in _RINGS
        waiting = call.sides[0] if call.sides else None
        if waiting is not None and not waiting.answered and leg in call.ringing:
            # Early sound of one of several would be heard instead of the others'.
            early = body if len(call.ringing) == 1 and waiting.offered and leg.end is None else b""
            waiting.session.ring(status, now, waiting.describes(early, waiting.offered), reliable=False)
        self._tell(Happened.RINGING, call, leg.number, status)

    def _answered(self, leg: Leg, body: bytes, offers: bool, now: float) -> None:
        call = leg.call
        if offers:
            leg.wants(body)
        if leg not in call.ringing:
            return
        if not call.sides:  # a call back: its caller has lifted
            call.ringing.remove(leg)
            call.sides.append(leg)
            self._now_the_other(call, leg, now)
            return
        if leg.end is not None and not leg.end.agreed(body):
            leg.session.end(now)
            return
        waiting = call.sides[0]
        call.sides.append(leg)
        if leg.end is not None or waiting.end is not None or offers or (waiting.answered and waiting.owes is None):
            self._meet(waiting, leg, now)
        else:
            waiting.reply(body, now)
        self._answered_by(call, leg, now)

    def _answered_by(self, call: Call, leg: Leg, now: float) -> None:
        self._still(call)
        call.onward = call.unreached = None
        call.refused.clear()
        for other in call.ringing:
            if other is not leg:
                other.session.end(now)
        call.ringing.clear()
        if call.refer is not None:
            call.refer.note(200, now)
            call.refer = None
        if call.aside is not None:
            aside, call.aside = call.aside, None
            self._leave(aside, now)
        call.by = ""
        call.then.clear()
        for side in call.sides:
            side.own = None
        self._tell(Happened.CONNECTED, call, leg.number)

    def _offered(self, leg: Leg, body: bytes, now: float) -> None:
        """A leg changes its mind: the other is asked, unless it waits for music or changes its own."""
        meets = bool(body) and leg.asked is not None
        leg.wants(body, solicited=meets and leg.end is None)
        if leg.end is not None:
            self._hush(leg, now)
            return
        body = leg.offered
        if meets:
            leg.done(now)  # it was asked for one
        other = leg.call.other(leg)
        if other is None or leg.music:
            self._hush(leg, now)
        elif other.owes is Owes.OFFER and body:
            other.reply(body, now)
        elif other.owes is not None:
            leg.refuse(now, 491)
        elif body and self._held_by(body, other):
            self._hush(leg, now)
            self._wait(other, now)
            self._tell(Happened.HELD, leg.call, leg.number)
        else:
            if other.music:
                self._music_ends(other)
                self._tell(Happened.RESUMED, leg.call, leg.number)
            if not other.offer(Asked.TALK if meets else Asked.CHANGE, body, now):
                leg.refuse(now, 488)

    def _held_by(self, body: bytes, other: Leg) -> bool:
        """Whether `other` is to hear our music for it; else it hears what the phone sends."""
        holds = Description.parse(body).holds and not plays_its_own(body, other.said)
        return holds and bool(self._music_for(other))

    def _agreed(self, leg: Leg, body: bytes, now: float) -> None:
        """To an offer of ours, or, by ACK, to one that it had asked for."""
        asked = leg.done(now) if leg.asked is not None else None
        if leg.end is not None or asked is Asked.HERE:
            if leg.end is not None and asked in (Asked.HERE, None) and not leg.end.agreed(body):
                leg.session.end(now)
            return
        if asked is Asked.WAIT:
            if self.sound is not None and leg.music:
                self.sound.agreed(leg.name, body)
            return
        other = leg.call.other(leg)
        if other is not None and other.owes is Owes.ANSWER:
            other.reply(body, now)
        self._let_go(leg.call)

    def _told(self, leg: Leg, content_type: str, body: bytes, now: float) -> None:
        """A key that comes by an INFO goes to whoever is at the other end; what else does means nothing to anybody."""
        key, other = key_of(content_type, body), leg.call.other(leg)
        if key is None:
            return
        if leg.own is not None and leg.pressed is not None:
            leg.pressed(key)
        elif other is not None:
            other.session.tell(content_type, body, now)

    def _offer_refused(self, leg: Leg, status: int, now: float) -> None:
        asked, call = leg.done(now), leg.call
        other = call.other(leg)
        if asked is Asked.HERE:
            self._stays_out(leg, now)
        elif asked is Asked.TALK and status in UNSPOKEN_BY and self.through is not None and other is not None:
            call.unspoken += 1
            if call.unspoken > UNSPOKEN_MAX:
                self.end(call, now)
            else:
                self._pass(call, now)
        elif other is not None and other.owes is not None and asked in (Asked.TALK, Asked.CHANGE):
            other.refuse(now, status)

    def _replacing(self, event: Invited, now: float) -> None:
        """An INVITE with Replaces: the new one takes the place of one of ours (RFC 3891 §3)."""
        leg = None if event.replaces is None else self._legs.get(event.replaces)
        if leg is None:
            return
        call = leg.call
        if leg in call.sides and leg.end is not None:
            self._takes_place(leg, event, now)
            return
        other = call.other(leg) or (call.sides[0] if call.sides and leg in call.ringing else None)
        if other is None:
            event.session.refuse(481, now)
            return
        number = event.request.from_.uri.user
        if leg in call.ringing:
            if not self.pick_up(leg.number, event, number, now):
                event.session.refuse(488, now)
            return
        taking = self._leg(event, number, call)
        call.sides = [other, taking]
        self._meet(other, taking, now)
        leg.session.end(now)

    # ---- the end

    def _ended(self, leg: Leg, event: Ended, now: float) -> None:
        call = leg.call
        del self._legs[leg.session]
        if leg.music:
            self._music_ends(leg)
        self._exit(leg)
        if leg in call.ringing:
            call.ringing.remove(leg)
            if event.status in UNSPOKEN_BY and self._ring_through(leg, now):
                return
            response = event.message if isinstance(event.message, Response) else None
            call.refused.append(Refused(event.status, leg.number, leg.rang, response))
            if event.status >= _GLOBAL:  # nobody else is to take it either (§16.7 step 5)
                self._stop_ringing(call, now)
            if not call.ringing:
                self._not_reached(call, now)
            return
        if leg is call.aside:
            call.aside = None
        if leg not in call.sides:
            return
        call.sides.remove(leg)
        self._let_go(call)
        if call.room or len(call.sides) > 1:
            self._left(call, leg, now)
            return
        self._still(call)
        self._unpark(call)
        if call.refer is not None:
            call.refer.note(487, now)
        aside = () if call.aside is None else (call.aside,)
        for other in (*call.ringing, *call.sides, *aside):
            if event.status >= 300 and other.session.phase is Phase.RINGING:
                other.session.refuse(event.status, now)
            else:
                other.session.end(now)
        if not call.sides and not call.ringing:
            self._tell(Happened.OVER, call, leg.number, event.status)

    def _not_reached(self, call: Call, now: float) -> None:
        """Nobody that was called for this call rings any more."""
        self._still_ringing(call)
        refused = min(call.refused, key=_rank)
        call.refused.clear()
        if len(call.sides) != 1:
            if not call.sides:
                if call.refer is not None:
                    call.refer.note(refused.status, now)
                self._call_back_later(call, refused, now)
                self._tell(Happened.OVER, call, refused.number, refused.status)
            self._left_over(call, now)
            return
        waiting = call.sides[0]
        if 300 <= refused.status < 400 and refused.response is not None:
            self._diverted(call, refused.number, refused.response, now)
            return
        if call.refer is not None:
            call.refer.note(refused.status, now)
            call.refer = None
        if call.aside is not None and call.aside.answered:  # they talk on
            back, call.aside, call.by = call.aside, None, ""
            call.sides.append(back)
            self._meet(waiting, back, now)
        elif call.by and waiting.answered:
            self._recall(call, now)
        elif call.then:
            self._next_of(call, now)
        elif call.onward is not None:
            self._onward(call, call.onward, refused, now)
        else:
            self._reached_nobody(call, refused, Refusal(max(refused.status, 400), "", 0, ""), now)

    def _ring_for_s(self, call: Call, dials: Sequence[Dial], for_s: float | None, now: float) -> None:
        self._ring(call, dials, call.sides[0].offered, now)
        if call.ringing and for_s is not None:
            call.rings_until = self._at(call, now + for_s, lambda then: self._rung_in_vain(call, then))

    def _rung_in_vain(self, call: Call, now: float) -> None:
        call.rings_until = None
        call.refused += (Refused(408, leg.number, leg.rang) for leg in call.ringing)
        self._stop_ringing(call, now)
        self._not_reached(call, now)

    def _onward(self, call: Call, onward: Onward, refused: Refused, now: float) -> None:
        match onward(refused):
            case Ringing(dials, for_s):
                self._ring_for_s(call, dials, for_s, now)
            case Camps(number):
                self._camp(call, number, now)
            case Refusal() as refusal:
                self._fail(call, refusal, now)
            case None:
                self.release(call)


def _rank(refused: Refused) -> tuple[bool, int, bool]:
    """The best refusal of several is the least (RFC 3261 §16.7 step 6)."""
    status = refused.status
    return status < _GLOBAL, status // 100, status not in _OF_THE_CALLER
