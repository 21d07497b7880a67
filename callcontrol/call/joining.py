"""What every verb is made of: who is called, who meets whom, who waits, who leaves, and how a call fails."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable, Sequence

from callcontrol.call.legs import Asked, Call, CallEvent, Dial, Happened, Leg, Owes, Route, Sound, Through, led
from callcontrol.refusal import Refusal
from callcontrol.sip.events import Invited
from callcontrol.sip.headers import withheld as is_withheld
from callcontrol.sip.offer import matched, silent
from callcontrol.sip.refer import ReferTo
from callcontrol.sip.sdp import ANY_ADDRESS, Description
from callcontrol.sip.session import Phase, Session
from callcontrol.sip.shared import Timer
from callcontrol.sip.user_agent import UserAgent

__all__ = ["BUSY", "LOOP", "NOBODY", "TRANSFERS_MAX", "UNSPOKEN_BY", "UNSPOKEN_MAX", "Joining", "may_meet"]

USUAL = "PCMA"
"""Every phone here has it."""

RING_AT_ONCE = 10
TRANSFERS_MAX = 5
"""Transfers and diversions of one call; one more is a loop (482)."""
UNSPOKEN_MAX = 2
"""So often the phones of one call that meet may refuse each other's sound, or ours; then it ends."""
LEAVE_S = 2.0
"""Who has transferred hangs up by itself; after that it is hung up for it."""

NAME_MAX = 60
"""Signs of a caller's name that are shown."""
ANONYMOUS = '"Anonymous" <sip:anonymous@anonymous.invalid>'
"""RFC 3323 §4.1.1.3."""

BUSY = Refusal(486, "Upptaget / Busy Here", 17, "user busy")
UNSPOKEN = Refusal(488, "Inget Gemensamt Ljud / No Sound In Common", 88, "incompatible destination")
UNSPOKEN_BY = (415, 488, 606)
"""How a phone refuses what was offered, and not the call."""
NOBODY = Refusal(480, "Inget Svar / No Answer", 19, "no answer")
LOOP = Refusal(482, "Slinga / Loop Detected", 25, "exchange routing error")


class Joining:
    """All calls that we lead. `domain`: of the addresses that stand in From."""

    def __init__(self, ua: UserAgent, route: Route, domain: str, sound: Sound | None = None) -> None:
        self._ua = ua
        self._route = route
        self._domain = domain
        self.sound = sound
        self.through: Through | None = None
        """Without it no sound passes the unit: phones with nothing in common cannot talk, and calls have two sides."""
        self._legs: dict[Session, Leg] = {}
        self._count = 0
        self._events: deque[CallEvent] = deque()

    @property
    def calls(self) -> list[Call]:
        return list({leg.call: None for leg in self._legs.values()})

    @property
    def legs(self) -> int:
        """How many phones are in them."""
        return len(self._legs)

    def next_event(self) -> CallEvent | None:
        return self._events.popleft() if self._events else None

    def end(self, call: Call, now: float) -> None:
        """Everybody hangs up."""
        for leg in (*call.ringing, *call.sides):
            leg.session.end(now)

    def leg(self, session: Session) -> Leg | None:
        return self._legs.get(session)

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

    def _allowed(self, call: Call, wanting: str, number: str) -> Dial | Refusal:
        dial = LOOP if call.transfers >= TRANSFERS_MAX else self._route.to(wanting, number)
        if isinstance(dial, Refusal):
            self._tell(Happened.REFUSED, call, number, dial.status)
        return dial

    def _ring_for(self, call: Call, wanting: str, number: str, offer: bytes, now: float) -> None:
        dial = self._allowed(call, wanting, number)
        if isinstance(dial, Refusal):
            self._fail(call, dial, now)
        else:
            self._ring(call, [dial], offer, now)

    def _ring(
        self,
        call: Call,
        dials: Sequence[Dial],
        offer: bytes,
        now: float,
        to: ReferTo | None = None,
    ) -> None:
        """An empty `offer` leaves it to who answers, so that whoever waits is asked only then (RFC 3725 §4.4)."""
        if _hops_left(call.sides[0] if call.sides else None) <= 0:
            self._fail(call, LOOP, now)
            return
        for dial in dials[:RING_AT_ONCE]:
            self._invite(self._new_leg(dial.number, call), dial, offer, now, to)

    def _invite(self, leg: Leg, dial: Dial, offer: bytes, now: float, to: ReferTo | None = None) -> None:
        call = leg.call
        waiting = call.sides[0] if call.sides else None
        number = waiting.caller if waiting is not None else call.camps_on or dial.number
        headers = [("P-Asserted-Identity", f"<sip:{number}@{self._domain}>"), *dial.headers]
        if waiting is not None and waiting.session.phase is Phase.RINGING:
            headers.append(led(waiting.session))
        if call.by:
            headers.append(("Referred-By", f"<sip:{call.by}@{self._domain}>"))
        name, withheld = _shown(waiting)
        if withheld and ("Privacy", "id") not in headers:
            headers.append(("Privacy", "id"))
        leg.dial = dial
        leg.session = self._ua.invite(
            dial.uri,
            now,
            from_=ANONYMOUS if withheld else f"{name}<sip:{number}@{self._domain}>",
            body=leg.describes(offer),
            headers=headers,
            replaces=to.replaces if to is not None else None,
            max_forwards=_hops_left(waiting),
            credentials=dial.credentials,
            early=bool(offer),
        )
        self._legs[leg.session] = leg
        call.ringing.append(leg)

    def _stop_ringing(self, call: Call, now: float) -> None:
        """What they answer to that is nobody's any more."""
        legs, call.ringing = call.ringing, []
        for leg in legs:
            leg.session.end(now)

    def _still_ringing(self, call: Call) -> None:
        if call.rings_until is not None:
            call.rings_until.cancel()
            call.rings_until = None

    def _meet(self, one: Leg, other: Leg, now: float) -> None:
        """Two are to hear each other. An offer of one goes to the other; where neither has made one, `one` is asked."""
        for leg in (one, other):
            if leg.music:
                self._music_ends(leg)
        if one.end is not None or other.end is not None:
            self._pass(one.call, now)
            return
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
                if not may_meet(one.offered, other.offered) and self.through is not None:
                    self._pass(one.call, now)
                    return
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
        if self._plays_to(leg, now):
            return
        if leg.owes is not None:
            self._hush(leg, now)
        if leg.end is not None:  # alone in its room it hears music there
            leg.music = False
            return
        body = self._music_for(leg)
        if not body and leg.session.remote:
            body = silent(Description.parse(leg.session.remote)).to_bytes()
        if body:
            leg.offer(Asked.WAIT, body, now)

    def _music_for(self, leg: Leg) -> bytes:
        """An offer of music; empty where there is none."""
        remote = leg.session.remote
        return self.sound.offer(leg.name, remote) if self.sound is not None and remote else b""

    def _plays_to(self, leg: Leg, now: float) -> bool:
        """Who waits for music, and has offered something, hears it by that."""
        if self.sound is None or not leg.music or leg.owes is not Owes.ANSWER or leg.end or leg.own:
            return False
        body = self.sound.answer(leg.name, leg.offered)
        return bool(body) and leg.reply(body, now)

    def _music_ends(self, leg: Leg) -> None:
        leg.music = False
        if self.sound is not None:
            self.sound.close(leg.name)

    def _hush(self, leg: Leg, now: float) -> None:
        """Answers a leg that has nobody to talk with just now."""
        if leg.end is not None:
            if not self._enter(leg, now):
                leg.refuse(now, 488)
            return
        if leg.own is not None:
            # Who asks for an offer gets what holds (RFC 3261 §14.2).
            body = leg.own(leg.offered) if leg.owes is Owes.ANSWER else leg.said
            if body:
                leg.reply(body, now)
            else:
                leg.refuse(now, 488)
            return
        if self._plays_to(leg, now):
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
        self._exit(leg)
        if leg.answered:
            self._ua.at(now + LEAVE_S, lambda then: _end(leg, then))
        else:
            leg.session.end(now)

    # ---- sound that passes the unit

    def _enter(self, leg: Leg, now: float, *, intrudes: bool = False) -> bool:
        """Its sound comes to the room of its call from now on. False: that cannot be."""
        new = leg.end is None
        if new:
            self._let_go(leg.call)
            towards = leg.offered or leg.session.remote
            if self.through is not None:
                leg.end = self.through.join(leg.call.id, leg.name, towards, intrudes=intrudes)
            leg.room = leg.call.id
        if leg.end is None:
            return False
        if leg.music:
            self._music_ends(leg)
        secure = bool(leg.session.remote) and is_secure(leg.session.remote)
        match leg.owes:
            case Owes.ANSWER:
                body = leg.end.answer(leg.offered)
                entered = bool(body) and leg.reply(body, now)
            case Owes.OFFER:
                entered = leg.reply(leg.end.offer(secure=secure), now)
            case None:
                entered = leg.offer(Asked.HERE, leg.end.offer(secure=secure), now)
        if new and not entered:
            self._exit(leg)
        return entered

    def _come(self, call: Call, now: float) -> bool:
        """All who are in a call come to its room. False: not all can."""
        here = [self._enter(leg, now) for leg in call.sides if leg.end is None or leg.owes is not None]
        return all(here)

    def _pass(self, call: Call, now: float) -> None:
        """By the unit, or not at all."""
        if not self._come(call, now):
            self._fail(call, UNSPOKEN, now)

    def _exit(self, leg: Leg) -> None:
        if leg.end is not None and self.through is not None:
            self.through.leave(leg.room, leg.name)
        leg.end, leg.room = None, ""

    def _direct(self, call: Call, now: float) -> None:
        """The two who are left hear each other without us. Their room goes on until both have said so: no gap."""
        for leg in call.sides:
            if leg.end is not None:
                call.left.append((leg.room, leg.name))
            leg.end, leg.room = None, ""
        self._meet(call.sides[0], call.sides[1], now)

    def _let_go(self, call: Call) -> None:
        left, call.left = call.left, []
        for room, name in left:
            if self.through is not None:
                self.through.leave(room, name)

    def _ring_through(self, leg: Leg, now: float) -> bool:
        """A phone that refuses the caller's sound is called once more, with ours; False: nothing is left to offer."""
        call = leg.call
        waiting = call.sides[0] if call.sides else None
        if waiting is None or leg.dial is None or self.through is None:
            return False
        theirs = waiting.offered or waiting.session.remote
        left = leg.secured if leg.secured is not None else _secured(theirs)
        if not left:
            return False
        again = self._new_leg(leg.number, call)
        again.room = call.id
        again.end = self.through.join(call.id, again.name, theirs)
        if again.end is None:
            return False
        again.secured = left[1:]
        self._invite(again, leg.dial, again.end.offer(secure=left[0]), now)
        return True

    def _at(self, call: Call, when: float, do: Callable[[float], None]) -> Timer:
        """A fault in what is done then ends the call, which would wait for ever, before it is raised."""

        def guarded(now: float) -> None:
            try:
                do(now)
            except Exception:
                self.end(call, now)
                raise

        return self._ua.at(when, guarded)

    def _still(self, call: Call) -> None:
        """No timer of this call goes on."""
        self._still_ringing(call)
        if call.timer is not None:
            call.timer.cancel()
            call.timer = None

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


def may_meet(one: bytes, other: bytes) -> bool:
    """Whether two calls that both wait to be answered can be answered by each other."""
    if not (one and other):
        return bool(one or other)
    first, second = Description.parse(one), Description.parse(other)
    return matched(first, second) is not None and matched(second, first) is not None


def is_secure(body: bytes) -> bool:
    sound = Description.parse(body).audio
    return sound is not None and sound.secure


def plays_its_own(body: bytes, before: bytes) -> bool:
    """Whether who holds by `body` has the other hear music from elsewhere than where it talked from (RFC 7088)."""
    sound, talked = Description.parse(body).audio, Description.parse(before).audio if before else None
    if sound is None or talked is None or not sound.direction.sends:
        return False
    return sound.address not in (talked.address, *ANY_ADDRESS)


def _secured(theirs: bytes) -> tuple[bool, bool]:
    """In which order a phone is offered our sound, with SRTP or without, that has refused `theirs`. Who refuses what
    everybody can refuses that it is encrypted, or that it is not."""
    secure = is_secure(theirs) if theirs else False
    sound = Description.parse(theirs).audio if theirs else None
    usual = sound is not None and any(codec.name.upper() == USUAL for codec in sound.codecs)
    return (not secure, secure) if usual else (secure, not secure)


def _end(leg: Leg, now: float) -> None:
    leg.session.end(now)


def _hops_left(waiting: Leg | None) -> int:
    """RFC 3261 §8.1.1.6: a call that goes round through us comes to an end."""
    if waiting is None or waiting.session.outgoing:
        return 70
    text = waiting.session.request.header("Max-Forwards") or "70"
    return min(70, int(text) - 1) if text.isascii() and text.isdigit() and len(text) <= 3 else 70


def _shown(waiting: Leg | None) -> tuple[str, bool]:
    """The name that the caller's own phone gives it, as it stands before an address; whether it wants to be unknown."""
    if waiting is None or waiting.session.outgoing:
        return "", False
    request = waiting.session.request
    if is_withheld(request.header("Privacy")):
        return "", True
    name = "".join(sign for sign in request.from_.display if sign.isprintable())[:NAME_MAX]
    quoted = re.sub(r'(["\\])', r"\\\1", name)
    return f'"{quoted}" ' if name else "", False
