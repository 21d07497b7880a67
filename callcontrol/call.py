"""A call and what may be done with it: two legs joined back to back, whose sound goes directly from phone to phone.

A core above `sip.user_agent`: events of sessions and the verbs of people in, requests and answers of sessions out, time
passed in. Descriptions go from leg to leg as they are, but for the origin, which is one to each leg (RFC 3264 §8).

    connect     a call that came is led on, to one or several at once (B2BUA)
    answer      the unit itself is at the other end, and may lead on from there (lead_on)
    hold        the phone's own; with `Sound` the other hears music, else what the phone sends, or nothing
    transfer    blind and attended, by REFER of a phone (RFC 3515, RFC 5589) or by the console
    park, fetch pick_up     camp_on, call_back, freed

Whom a leg may have called is asked of the `Route` each time that somebody new is to ring: for a transfer by the class
of reach of the one who transfers, for a 3xx by that of the one who diverts. Nothing here passes it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Protocol

from callcontrol.refusal import Refusal
from callcontrol.sip.digest import Credentials
from callcontrol.sip.errors import RemoteError
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
    Withdrawn,
)
from callcontrol.sip.message import Response
from callcontrol.sip.offer import matched, silent
from callcontrol.sip.refer import ReferTo
from callcontrol.sip.referred import Refer, Timer
from callcontrol.sip.sdp import Description, Origin
from callcontrol.sip.session import Phase, Session
from callcontrol.sip.user_agent import UserAgent

__all__ = ["Call", "CallEvent", "Dial", "Happened", "Leg", "Route", "Sound", "Switch"]

RING_AT_ONCE = 10
TRANSFERS_MAX = 5
"""Transfers and diversions of one call; one more is a loop (482)."""
SLOTS_MAX = 20
PARK_S = 180.0
"""Then the one who parked is called back."""
CAMP_S = 120.0
"""So long a caller waits for a busy extension; less than a phone lets ring."""
CALL_BACK_S = 3_600.0
CALL_BACKS_MAX = 100
LEAVE_S = 2.0
"""Who has transferred hangs up by itself; after that it is hung up for it."""

_BUSY = Refusal(486, "Upptaget / Busy Here", 17, "user busy")
_NOBODY = Refusal(480, "Inget Svar / No Answer", 19, "no answer")
_LOOP = Refusal(482, "Slinga / Loop Detected", 25, "exchange routing error")


@dataclass(frozen=True)
class Dial:
    """Where a number is reached. `number` is whom it is, for people and for what it may do itself."""

    number: str
    uri: str
    credentials: Credentials | None = None


class Route(Protocol):
    def to(self, wanting: str, number: str) -> Dial | Refusal:
        """Where `number` is, if the extension `wanting` may have it called: class of reach, blocks, numbers unknown."""
        ...


class Sound(Protocol):
    """Music for whoever waits (callcontrol.media)."""

    def offer(self, leg: str) -> bytes:
        """A description that sends only."""
        ...

    def agreed(self, leg: str, body: bytes) -> None: ...
    def close(self, leg: str) -> None: ...


class Owes(Enum):
    ANSWER = auto()
    OFFER = auto()


class Asked(Enum):
    """For what a leg was offered something."""

    WAIT = auto()  # music, or nothing
    TALK = auto()  # the other leg


@dataclass(eq=False, repr=False)
class Leg:
    """One phone in a call."""

    name: str
    number: str
    call: Call
    session: Session = field(init=False)
    owes: Owes | None = None
    offered: bytes = b""
    """What it wants to be answered."""
    music: bool = False
    """It hears `Sound`, or nothing."""
    asked: Asked | None = None
    own: Callable[[bytes], bytes] | None = None
    """While the unit itself is at the other end: its answer to an offer, empty where they have nothing in common."""
    _then: tuple[Asked, bytes] | None = None
    _version: int = 0
    _said: Description | None = None

    @property
    def answered(self) -> bool:
        return self.session.phase is Phase.UP

    def wants(self, offer: bytes) -> None:
        """An answer, or an offer of ours where it makes none."""
        self.owes, self.offered = Owes.ANSWER if offer else Owes.OFFER, offer

    def describes(self, body: bytes) -> bytes:
        """`body` as from us to this leg; the very same bytes where nothing changes."""
        if not body:
            return b""
        read = Description.parse(body)
        if self._said is None or not read.same_but_version(self._said):
            self._version += 1
        self._said = read.with_origin(Origin("rvx", int(self.name), self._version, read.origin.address))
        return self._said.to_bytes()

    def reply(self, body: bytes, now: float) -> bool:
        """What it wants."""
        self.owes, self.offered = None, b""
        said = self.describes(body)
        return self.session.answer(said, now) if self.session.phase is Phase.RINGING else self.session.reply(said, now)

    def refuse(self, now: float, status: int) -> None:
        """What it wants cannot be."""
        self.owes, self.offered = None, b""
        if self.session.phase is Phase.RINGING:
            self.session.refuse(max(status, 400), now)
        else:
            self.session.reject(now, status)

    def offer(self, asked: Asked, body: bytes, now: float) -> bool:
        """One after the other; of those that wait the last. Empty: it is to make the offer."""
        if self.asked is not None:
            self._then = asked, body
            return self.answered
        if not self.session.offer(self.describes(body), now):
            return False
        self.asked = asked
        return True

    def done(self, now: float) -> Asked | None:
        """It has answered, or refused. For what it was asked."""
        asked, self.asked = self.asked, None
        if self._then is not None:
            then, self._then = self._then, None
            self.offer(*then, now)
        return asked


@dataclass(eq=False, repr=False)
class Call:
    """`sides`: who is in it, one who waits or two who talk. `ringing`: who is called for the one who waits."""

    id: str
    sides: list[Leg] = field(default_factory=list)
    ringing: list[Leg] = field(default_factory=list)
    transfers: int = 0
    slot: str = ""
    by: str = ""
    """Who parked or transferred it, and is called back when that comes to nothing."""
    camps_on: str = ""
    then: list[str] = field(default_factory=list)
    """Who is called next, one after the other, where nobody answers."""
    aside: Leg | None = None
    """The phone that has transferred, until that is decided."""
    refer: Refer | None = None
    timer: Timer | None = None

    def other(self, leg: Leg) -> Leg | None:
        return next((side for side in self.sides if side is not leg), None) if leg in self.sides else None


class Happened(Enum):
    RINGING = auto()
    CONNECTED = auto()
    HELD = auto()
    RESUMED = auto()
    TRANSFERRED = auto()
    PARKED = auto()
    FETCHED = auto()
    RECALLED = auto()
    REFUSED = auto()  # somebody new was not to be called: `number`, by `status`
    OVER = auto()


@dataclass(frozen=True, slots=True)
class CallEvent:
    what: Happened
    call: Call
    number: str = ""
    status: int = 0


class Switch:
    """All calls that we lead. `domain`: of the addresses that stand in From."""

    def __init__(self, ua: UserAgent, route: Route, domain: str, sound: Sound | None = None) -> None:
        self._ua = ua
        self._route = route
        self._domain = domain
        self._sound = sound
        self._legs: dict[Session, Leg] = {}
        self._slots: dict[str, Call] = {}
        self._call_backs: dict[tuple[str, str], float] = {}  # caller and callee, until when
        self._count = 0
        self._events: deque[CallEvent] = deque()

    @property
    def calls(self) -> list[Call]:
        return list({leg.call: None for leg in self._legs.values()})

    def next_event(self) -> CallEvent | None:
        return self._events.popleft() if self._events else None

    # ---- verbs

    def connect(self, invited: Invited, caller: str, dials: Sequence[Dial], now: float) -> Call:
        """Leads a call that came on, to several at once; the first who answers has it."""
        call, _ = self._taken(invited, caller)
        self._ring(call, dials, invited.offer, now)
        return call

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

    def lead_on(self, leg: Leg, numbers: Sequence[str], now: float) -> None:
        """Whom the unit has answered is called for at `numbers`, one after the other; until one of them answers the
        unit stays at the other end."""
        leg.call.then = list(numbers)
        self._next_of(leg.call, leg, now)

    def transfer(self, by: Leg, number: str, now: float) -> Refusal | None:
        """Blind: the one who talks with `by` is led on to `number`. The refusal, where that may not be."""
        dial = self._allowed(by.call, by.number, number)
        waiting = by.call.other(by)
        if isinstance(dial, Refusal) or waiting is None:
            return dial if isinstance(dial, Refusal) else _BUSY
        self._lead_on(by, waiting, dial, now)
        return None

    def join(self, one: Leg, other: Leg, now: float) -> bool:
        """Attended: those who talk with `one` and with `other`, two legs of the same phone, talk with each other."""
        if one.call.aside is not None or other.call.aside is not None:  # a transfer that is not decided
            return False
        left, right = one.call.other(one), other.call.other(other)
        if right is None and other in other.call.sides:
            right = next(iter(other.call.ringing), None)
        if left is None or right is None or one.call is other.call or one.call.transfers >= TRANSFERS_MAX:
            return False
        call, gone = one.call, other.call
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

    def pick_up(self, number: str, invited: Invited, caller: str, now: float) -> bool:
        """Whoever has called takes the call that rings at `number`."""
        rings = next((leg for leg in self._legs.values() if leg.number == number and leg in leg.call.ringing), None)
        if rings is None or not rings.call.sides:
            return False
        call = rings.call
        waiting = call.sides[0]
        if waiting.owes is not None and not _may_meet(waiting.offered, invited.offer):
            return False
        taking = self._leg(invited, caller, call)
        call.sides.append(taking)
        self._meet(waiting, taking, now)
        self._answered_by(call, taking, now)
        return True

    def camp_on(self, invited: Invited, caller: str, number: str, now: float) -> Call:
        """Waits, unanswered, until `number` is free; refused as busy where that takes too long."""
        call, leg = self._taken(invited, caller)
        call.camps_on = number
        leg.session.ring(182, now)
        call.timer = self._ua.at(now + CAMP_S, lambda then: self._fail(call, _BUSY, then))
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

    def end(self, call: Call, now: float) -> None:
        """Everybody hangs up."""
        for leg in (*call.ringing, *call.sides):
            leg.session.end(now)

    def leg(self, session: Session) -> Leg | None:
        return self._legs.get(session)

    # ---- what comes

    def saw(self, event: SessionEvent, now: float) -> None:
        """An event of a session; what is none of ours is passed over. Invited comes by the verbs, but for Replaces."""
        if isinstance(event, Invited):
            self._replacing(event, now)
            return
        leg = None if event.session is None else self._legs.get(event.session)
        if leg is None:
            if isinstance(event, Referred):
                event.refer.refuse(403, now)  # who is in no call of ours has nobody to lead on
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
            case Ended():
                self._ended(leg, event, now)

    def _progressed(self, leg: Leg, status: int, body: bytes, now: float) -> None:
        call = leg.call
        if call.refer is not None:
            call.refer.note(status, now)
        waiting = call.sides[0] if call.sides else None
        if waiting is not None and not waiting.answered and leg in call.ringing:
            # Early sound of one of several would be heard instead of the others'.
            early = body if len(call.ringing) == 1 and waiting.offered else b""
            waiting.session.ring(status, now, waiting.describes(early), reliable=False)
        self._tell(Happened.RINGING, call, leg.number, status)

    def _answered(self, leg: Leg, body: bytes, offers: bool, now: float) -> None:
        call = leg.call
        if offers:
            leg.wants(body)
        if not call.sides:  # a call back: its caller has lifted
            call.ringing.remove(leg)
            call.sides.append(leg)
            self._now_the_other(call, leg, now)
            return
        if leg not in call.ringing:
            return
        waiting = call.sides[0]
        call.sides.append(leg)
        if offers or (waiting.answered and waiting.owes is None):
            self._meet(waiting, leg, now)
        else:
            waiting.reply(body, now)
        self._answered_by(call, leg, now)

    def _answered_by(self, call: Call, leg: Leg, now: float) -> None:
        self._still(call)
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
        leg.wants(body)
        if body and leg.asked is not None:
            leg.done(now)  # it was asked for one
        other = leg.call.other(leg)
        if other is None or leg.music:
            self._hush(leg, now)
        elif other.owes is Owes.OFFER and body:
            other.reply(body, now)
        elif other.owes is not None:
            leg.refuse(now, 491)
        elif self._sound is not None and body and Description.parse(body).holds:
            self._hush(leg, now)
            self._wait(other, now)
            self._tell(Happened.HELD, leg.call, leg.number)
        else:
            if other.music:
                self._music_ends(other)
                self._tell(Happened.RESUMED, leg.call, leg.number)
            if not other.offer(Asked.TALK, body, now):
                leg.refuse(now, 488)

    def _agreed(self, leg: Leg, body: bytes, now: float) -> None:
        """To an offer of ours, or, by ACK, to one that it had asked for."""
        if leg.asked is not None and leg.done(now) is Asked.WAIT:
            if self._sound is not None and leg.music:
                self._sound.agreed(leg.name, body)
            return
        other = leg.call.other(leg)
        if other is not None and other.owes is Owes.ANSWER:
            other.reply(body, now)

    def _offer_refused(self, leg: Leg, status: int, now: float) -> None:
        asked = leg.done(now)
        other = leg.call.other(leg)
        if other is not None and other.owes is not None and asked is Asked.TALK:
            other.refuse(now, status)

    # ---- transfer

    def _referred(self, leg: Leg, refer: Refer, now: float) -> None:
        call = leg.call
        waiting = call.other(leg)
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
        dial = self._allowed(call, leg.number, refer.to.uri.user)
        if isinstance(dial, Refusal):
            refer.refuse(dial.status, now, dial.phrase)
            return
        refer.accept(now)
        call.refer = refer
        self._lead_on(leg, waiting, dial, now, refer.to)

    def _allowed(self, call: Call, wanting: str, number: str) -> Dial | Refusal:
        dial = _LOOP if call.transfers >= TRANSFERS_MAX else self._route.to(wanting, number)
        if isinstance(dial, Refusal):
            self._tell(Happened.REFUSED, call, number, dial.status)
        return dial

    def _lead_on(self, by: Leg, waiting: Leg, dial: Dial, now: float, to: ReferTo | None = None) -> None:
        """`waiting` is led on to `dial`; `by` stays, unheard, until that is decided."""
        call = by.call
        call.transfers += 1
        call.by, call.aside, call.sides = by.number, by, [waiting]
        self._wait(waiting, now)
        self._ring(call, [dial], b"", now, to)
        self._tell(Happened.TRANSFERRED, call, dial.number)

    def _replacing(self, event: Invited, now: float) -> None:
        """An INVITE with Replaces: the new one takes the place of one of ours (RFC 3891 §3)."""
        leg = None if event.replaces is None else self._legs.get(event.replaces)
        if leg is None:
            return
        call = leg.call
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

    def _next_of(self, call: Call, waiting: Leg, now: float) -> None:
        refusal = _NOBODY
        while call.then:
            dial = self._allowed(call, waiting.number, call.then.pop(0))
            if not isinstance(dial, Refusal):
                self._ring(call, [dial], b"", now)
                return
            refusal = dial
        self._fail(call, refusal, now)

    # ---- who talks with whom

    def _taken(self, invited: Invited, caller: str) -> tuple[Call, Leg]:
        self._count += 1
        call = Call(str(self._count))
        leg = self._leg(invited, caller, call)
        call.sides.append(leg)
        return call, leg

    def _leg(self, invited: Invited, number: str, call: Call) -> Leg:
        leg = self._new_leg(number, call)
        leg.session = invited.session
        leg.wants(invited.offer)
        self._legs[leg.session] = leg
        return leg

    def _new_leg(self, number: str, call: Call) -> Leg:
        self._count += 1
        return Leg(str(self._count), number, call)

    def _ring_for(self, call: Call, wanting: str, number: str, offer: bytes, now: float) -> None:
        dial = self._allowed(call, wanting, number)
        if isinstance(dial, Refusal):
            self._fail(call, dial, now)
        else:
            self._ring(call, [dial], offer, now)

    def _ring(self, call: Call, dials: Sequence[Dial], offer: bytes, now: float, to: ReferTo | None = None) -> None:
        """An empty `offer` leaves it to who answers, so that whoever waits is asked only then (RFC 3725 §4.4)."""
        waiting = call.sides[0] if call.sides else None
        hops = _hops_left(waiting)
        if hops <= 0:
            self._fail(call, _LOOP, now)
            return
        shown = waiting.number if waiting is not None else dials[0].number
        headers = [("Referred-By", f"<sip:{call.by}@{self._domain}>")] if call.by else []
        for dial in dials[:RING_AT_ONCE]:
            leg = self._new_leg(dial.number, call)
            leg.session = self._ua.invite(
                dial.uri,
                now,
                from_=f"<sip:{shown}@{self._domain}>",
                body=leg.describes(offer),
                headers=headers,
                replaces=to.replaces if to is not None else None,
                max_forwards=hops,
                credentials=dial.credentials,
                early=bool(offer),
            )
            self._legs[leg.session] = leg
            call.ringing.append(leg)

    def _meet(self, one: Leg, other: Leg, now: float) -> None:
        """Two are to hear each other. An offer of one goes to the other; where neither has made one, `one` is asked."""
        for leg in (one, other):
            if leg.music:
                self._music_ends(leg)
        if one.owes is not None and (other.owes is None or one.owes is Owes.ANSWER):
            one, other = other, one
        match one.owes, other.owes:
            case None, Owes.ANSWER:
                met = one.offer(Asked.TALK, other.offered, now)
            case None, _:
                met = one.offer(Asked.TALK, b"", now)
            case Owes.OFFER, Owes.ANSWER:
                met = one.reply(other.offered, now)
            case Owes.ANSWER, Owes.ANSWER:
                met = self._cross(one, other, now)
            case _:
                met = False
        if not met:
            for leg in (one, other):
                leg.session.end(now)

    def _cross(self, one: Leg, other: Leg, now: float) -> bool:
        """Both have offered: each gets the other's offer, cut down to what both can, for an answer."""
        first, second = Description.parse(one.offered), Description.parse(other.offered)
        to_one, to_other = matched(first, second), matched(second, first)
        if to_one is None or to_other is None:
            return False
        return one.reply(to_one.to_bytes(), now) and other.reply(to_other.to_bytes(), now)

    def _wait(self, leg: Leg, now: float) -> None:
        """Hears music, or where there is none nothing, and is not heard."""
        leg.music = True
        if not leg.answered:
            return
        if leg.owes is not None:
            self._hush(leg, now)
        body = self._sound.offer(leg.name) if self._sound is not None else b""
        if not body and leg.session.remote:
            body = silent(Description.parse(leg.session.remote)).to_bytes()
        if body:
            leg.offer(Asked.WAIT, body, now)

    def _music_ends(self, leg: Leg) -> None:
        leg.music = False
        if self._sound is not None:
            self._sound.close(leg.name)

    def _hush(self, leg: Leg, now: float) -> None:
        """Answers a leg that has nobody to talk with just now."""
        if leg.own is not None and leg.owes is Owes.ANSWER:
            body = leg.own(leg.offered)
            if body:
                leg.reply(body, now)
            else:
                leg.refuse(now, 488)
            return
        if leg.owes is Owes.ANSWER:
            leg.reply(silent(Description.parse(leg.offered)).to_bytes(), now)
        elif leg.session.remote:
            leg.reply(silent(Description.parse(leg.session.remote)).to_bytes(), now)
        else:
            leg.session.end(now)

    def _leave(self, leg: Leg, now: float) -> None:
        """Out of its call; it hangs up by itself, or is hung up."""
        leg.call = Call(f"{leg.call.id}-{leg.name}", aside=leg)
        if leg.owes is not None and leg.answered:
            self._hush(leg, now)
        if leg.answered:
            self._ua.at(now + LEAVE_S, lambda then: _end(leg, then))
        else:
            leg.session.end(now)

    def _still(self, call: Call) -> None:
        if call.timer is not None:
            call.timer.cancel()
            call.timer = None

    # ---- waiting

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
            self._fail(call, _BUSY, now)
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

    # ---- the end

    def _ended(self, leg: Leg, event: Ended, now: float) -> None:
        call = leg.call
        del self._legs[leg.session]
        if leg.music:
            self._music_ends(leg)
        if leg in call.ringing:
            call.ringing.remove(leg)
            if not call.ringing:
                self._not_reached(leg, event, now)
            return
        if leg is call.aside:
            call.aside = None
        if leg not in call.sides:
            return
        call.sides.remove(leg)
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

    def _not_reached(self, leg: Leg, event: Ended, now: float) -> None:
        """Nobody that was called for this call rings any more."""
        call = leg.call
        if len(call.sides) != 1:
            if not call.sides:
                self._tell(Happened.OVER, call, leg.number, event.status)
            return
        waiting = call.sides[0]
        if 300 <= event.status < 400 and isinstance(event.message, Response):
            self._diverted(leg, event.message, now)
            return
        if call.refer is not None:
            call.refer.note(event.status, now)
            call.refer = None
        if call.aside is not None and call.aside.answered:  # they talk on
            back, call.aside, call.by = call.aside, None, ""
            call.sides.append(back)
            self._meet(waiting, back, now)
        elif call.by and waiting.answered:
            self._recall(call, now)
        elif call.then:
            self._next_of(call, waiting, now)
        else:
            self._fail(call, Refusal(max(event.status, 400), "", 0, ""), now)

    def _diverted(self, leg: Leg, response: Response, now: float) -> None:
        """A 3xx: only as far as the one who diverts may call himself."""
        call = leg.call
        try:
            number = response.contacts[0].uri.user if response.contacts else ""
        except RemoteError:
            number = ""
        call.transfers += 1
        dial = self._allowed(call, leg.number, number)
        waiting = call.sides[0]
        if isinstance(dial, Refusal):
            self._fail(call, dial, now)
        else:
            self._ring(call, [dial], b"" if waiting.answered else waiting.offered, now)

    def _fail(self, call: Call, refusal: Refusal, now: float) -> None:
        self._still(call)
        if call.refer is not None:
            call.refer.note(refusal.status, now)
            call.refer = None
        for leg in list(call.sides):
            if leg.session.phase is Phase.RINGING:
                headers = refusal.headers() if refusal.cause else ()
                leg.session.refuse(refusal.status, now, refusal.phrase, headers)
            else:
                leg.session.end(now)

    def _tell(self, what: Happened, call: Call, number: str = "", status: int = 0) -> None:
        self._events.append(CallEvent(what, call, number, status))


def _may_meet(one: bytes, other: bytes) -> bool:
    """Whether two calls that both wait to be answered can be answered by each other."""
    if not (one and other):
        return bool(one or other)
    first, second = Description.parse(one), Description.parse(other)
    return matched(first, second) is not None and matched(second, first) is not None


def _end(leg: Leg, now: float) -> None:
    leg.session.end(now)


def _hops_left(waiting: Leg | None) -> int:
    """RFC 3261 §8.1.1.6: a call that goes round through us comes to an end."""
    if waiting is None or waiting.session.outgoing:
        return 70
    text = waiting.session.request.header("Max-Forwards") or "70"
    return min(70, int(text) - 1) if text.isascii() and text.isdigit() and len(text) <= 3 else 70
