"""Calls whose sound passes the unit because more than two are in them, or somebody else hears them: conferences, those
who come into a call of others, a threat that is recorded.

A conference stands for as long as somebody is in it, and a while for the first and the last. Any other call of three
goes back to direct sound when two are left, but where it is recorded.
"""

from __future__ import annotations

from callcontrol.call.joining import BUSY, UNSPOKEN_MAX, Joining
from callcontrol.call.legs import Asked, Call, Happened, Leg, Said
from callcontrol.refusal import Refusal
from callcontrol.sip.events import Invited

__all__ = ["ALONE_S", "CONFERENCES_MAX", "MEMBERS_MAX", "Rooms"]

CONFERENCES_MAX = 8
MEMBERS_MAX = 12
"""Of one call; each costs a 50th of a core."""
ALONE_S = 600.0
"""So long somebody waits alone in a conference."""


class Rooms(Joining):
    # ---- verbs

    def conference(self, room: str, invited: Invited, caller: str, now: float) -> bool:
        """Whoever has called is in the conference of that number. False: it cannot be, and nothing is answered."""
        call = self._conference(room)
        if call is None or not invited.offer:
            return False
        leg = self._leg(invited, caller, call)
        call.sides.append(leg)
        if not self._enter(leg, now):
            call.sides.remove(leg)
            del self._legs[leg.session]
            return False
        self._joined(call, leg, now)
        return True

    def bring(self, by: Leg, room: str, now: float) -> bool:
        """The one who talks with `by` goes into the conference of that number; `by` is out. False: all is as it was."""
        old, leg = by.call, by.call.other(by)
        settled = leg is not None and not (old.room or old.ringing or old.slot) and old.aside is None
        call = self._conference(room) if settled else None
        if leg is None or call is None:
            return False
        old.sides.remove(leg)
        self._exit(leg)
        leg.call = call
        call.sides.append(leg)
        if not self._enter(leg, now):
            call.sides.remove(leg)
            leg.call = old
            old.sides.append(leg)
            return False
        self._still(old)
        self._let_go(old)
        old.sides.remove(by)
        self._leave(by, now)
        self._tell(Happened.OVER, old, by.number, 200)
        self._joined(call, leg, now)
        return True

    def widen(self, by: Leg, number: str, now: float) -> Refusal | None:
        """One more is called into the call that `by` is in. The refusal, where that may not be."""
        call = by.call
        if call.ringing or call.slot or call.aside is not None or not 2 <= len(call.sides) < MEMBERS_MAX:
            return BUSY
        dial = self._allowed(call, by.number, number)
        if isinstance(dial, Refusal):
            return dial
        if self.through is None or not self._come(call, now):
            self._left_over(call, now)
            return BUSY
        leg = self._new_leg(dial.number, call)
        leg.room = call.id
        leg.end = self.through.join(call.id, leg.name, call.sides[0].session.remote)
        if leg.end is None:
            self._left_over(call, now)
            return BUSY
        self._invite(leg, dial, leg.end.offer(), now)
        return None

    def in_call(self, number: str) -> Leg | None:
        """The phone of an extension in a call of two or more, but no conference; of several the one that hears no
        music, if there is one."""
        found = [
            leg
            for leg in self._legs.values()
            if leg.number == number and leg in leg.call.sides and leg.call.talks and not leg.call.room
        ]
        return min(found, key=lambda leg: any(side.music for side in leg.call.sides), default=None)

    def barge_in(self, number: str, invited: Invited, caller: str, now: float) -> bool:
        """Whoever has called comes into the call that extension `number` is in: all hear a tone, and then each other.
        Whether he may is the caller's to know. False: there is no such call."""
        talking = self.in_call(number)
        call = None if talking is None else talking.call
        if call is None or not invited.offer or len(call.sides) >= MEMBERS_MAX:
            return False
        if not self._come(call, now):
            self._left_over(call, now)
            return False
        leg = self._leg(invited, caller, call)
        call.sides.append(leg)
        if not self._enter(leg, now, intrudes=True):
            call.sides.remove(leg)
            del self._legs[leg.session]
            self._left_over(call, now)
            return False
        self._say(call, Said.INTRUSION)
        self._tell(Happened.INTRUDED, call, number)
        return True

    def mark(self, number: str, now: float) -> Call | None:
        """The call that extension `number` is in is a threat: its sound passes the unit from now on, where it can, so
        that it may be recorded. Nobody hears anything of it."""
        talking = self.in_call(number)
        call = None if talking is None else talking.call
        if call is not None and not call.kept:
            call.kept = self._come(call, now)
            self._left_over(call, now)
            self._tell(Happened.MARKED, call, number)
        return call

    # ---- how

    def _conference(self, room: str) -> Call | None:
        """New, where there is none by that number; None: too many, of conferences or in it."""
        conferences = [call for call in self.calls if call.room]
        found = next((call for call in conferences if call.room == room), None)
        if found is not None:
            return found if len(found.sides) < MEMBERS_MAX else None
        if len(conferences) >= CONFERENCES_MAX:
            return None
        self._count += 1
        return Call(str(self._count), room=room)

    def _takes_place(self, leg: Leg, event: Invited, now: float) -> None:
        """An INVITE with Replaces for somebody whose sound passes us."""
        call = leg.call
        taking = self._leg(event, event.request.from_.uri.user, call)
        call.sides.append(taking)
        if self._enter(taking, now):
            leg.session.end(now)
        else:
            call.sides.remove(taking)
            del self._legs[taking.session]
            event.session.refuse(488, now)

    def _joined(self, call: Call, leg: Leg, now: float) -> None:
        self._say(call, Said.JOINED)
        self._tell(Happened.JOINED, call, leg.number)
        self._alone(call, now)

    def _left(self, call: Call, leg: Leg, now: float) -> None:
        """One of several, or of a conference, has gone."""
        if not call.sides:
            self._still(call)
            for other in call.ringing:
                other.session.end(now)
            self._tell(Happened.OVER, call, leg.number, 200)
            return
        self._tell(Happened.LEFT, call, leg.number)
        self._say(call, Said.LEFT if len(call.sides) > 1 else Said.LAST)
        self._alone(call, now)
        self._left_over(call, now)

    def _left_over(self, call: Call, now: float) -> None:
        """Two who are in no conference need no room."""
        passes = any(side.end is not None for side in call.sides)
        if passes and len(call.sides) == 2 and not (call.room or call.kept or call.ringing):
            self._direct(call, now)

    def _stays_out(self, leg: Leg, now: float) -> None:
        """A phone that talks has refused to talk by us: it talks on as it did, and whoever came in is out."""
        call = leg.call
        call.unspoken += 1
        self._exit(leg)
        if call.room or len(call.sides) < 2 or call.unspoken > UNSPOKEN_MAX:
            leg.session.end(now)
            return
        call.kept = False
        for late in call.sides[2:]:
            late.session.end(now)
        other = call.other(leg) or call.sides[0]
        if other.end is not None and other is not leg:
            call.left.append((other.room, other.name))
            other.end, other.room = None, ""
            other.offer(Asked.TALK, leg.session.remote, now)

    def _alone(self, call: Call, now: float) -> None:
        self._still(call)
        if call.room and len(call.sides) == 1:
            call.timer = self._ua.at(now + ALONE_S, lambda then: self.end(call, then))

    def _say(self, call: Call, what: Said) -> None:
        if self.through is not None and not call.kept and any(side.end is not None for side in call.sides):
            self.through.say(call.id, what)
