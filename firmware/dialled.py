"""What people have done by a code: one function for each of `codes.Function`, which takes the call or says why not."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from callcontrol.asked import Asked, display
from callcontrol.call import Camps, Dial, Leg, Onward, Refused, Ringing, Switch
from callcontrol.plan.codes import Code, Dialled, Function, Own, read
from callcontrol.plan.setting import Said
from callcontrol.refusal import Refusal
from callcontrol.sip.errors import RemoteError
from callcontrol.sip.events import Invited
from callcontrol.sip.headers import Address
from callcontrol.sip.referred import Refer
from firmware.asking import Asking

__all__ = ["Dialling"]

BUSY = (486, 600)

Taken = Refusal | None
"""None: the call is led; else what stands on the caller's display, also where all is well (`_done`)."""

_SPOKEN = frozenset({"call_back", "call_back_full", "call_back_off", "added", "may_not"})
"""What is said aloud, in a call that is answered for it. Who wants a call of others' and cannot have it is refused, as
phones know it, with the words on the display; a threat is marked unheard."""


@dataclass(frozen=True)
class Spoken(Refusal):
    """One whose words are a phrase, too; `of`: the number in them."""

    key: str = ""
    of: str = ""


class Dialling:
    """`lead` leads a call on to a dial, with what is done when it is not taken; `listen` lets a caller hear the mailbox
    of an extension, or says why not; `own` does what is of `Own`, and tells of what is no code;
    `tell` says something to who has called, or shows it where there is no sound."""

    def __init__(
        self,
        switch: Switch,
        asking: Asking,
        codes: tuple[Code, ...],
        to: Callable[[str, str], Dial | Refusal],
        lead: Callable[[Invited, str, Dial, Onward, float], None],
        listen: Callable[[Invited, str, str], Refusal | None],
        own: Callable[[Invited, Asked, Dialled | None, float], Taken],
        tell: Callable[[Invited, str, Said, Refusal], None],
    ) -> None:
        self._switch = switch
        self._asking = asking
        self._codes = codes
        self._to = to
        self._lead = lead
        self._listen = listen
        self._own = own
        self._tell = tell
        self._functions: Mapping[Function, Callable[[Invited, str, str, float], Taken]] = {
            Function.GROUP_PICK_UP: self._group_pick_up,
            Function.PICK_UP: self._pick_up,
            Function.PARK: self._park,
            Function.FETCH: self._fetch,
            Function.CALL_BACK: self._call_back,
            Function.CALL_BACK_OFF: self._call_back_off,
            Function.CAMP_ON: self._camp_on,
            Function.CONFERENCE: self._conference,
            Function.BARGE_IN: self._barge_in,
            Function.ADD: self._add,
            Function.THREAT: self._threat,
            Function.VOICEMAIL: self._voicemail,
            Function.VOICEMAIL_OF: self._voicemail_of,
        }

    def came(self, invited: Invited, asked: Asked, now: float) -> None:
        """A code was dialled."""
        wanted = read(asked.callee, self._codes)
        if not asked.caller:
            said: Taken = _refused(404, 1, "unknown")
        elif wanted is None or isinstance(wanted.does, Own):
            said = self._own(invited, asked, wanted, now)
        else:
            said = self._functions[wanted.does](invited, asked.caller, wanted.number, now)
        if said is None:
            return
        if asked.caller and isinstance(said, Spoken) and said.key in _SPOKEN and not _led(invited, wanted):
            told = Said(key=said.key, who=said.of) if said.key == "added" else Said(key=said.key, target=said.of)
            self._tell(invited, asked.caller, told, said)
        else:
            invited.session.refuse(said.status, now, said.phrase, said.headers())

    def asked_by(self, refer: Refer) -> Dialled | None:
        """The code that a phone would have its other side led on to."""
        return read(refer.to.uri.user, self._codes)

    def referred(self, leg: Leg, refer: Refer, wanted: Dialled, now: float) -> None:
        """A phone in a call that we lead transfers it to a code: a slot or a conference can take it. A threat is marked
        so, and one more is called in, too; the call stays where it is."""
        if wanted.does in (Function.THREAT, Function.ADD):
            if wanted.does is Function.THREAT:
                self._switch.mark(leg.number, now)
            else:
                self._switch.widen(leg, wanted.number, now)
            refer.accept(now)  # nothing final is noted: a phone may end its call then, whatever the end (baresip does)
        elif wanted.does is Function.CONFERENCE:
            refer.accept(now)
            refer.note(200 if self._switch.bring(leg, wanted.number, now) else 486, now)
        elif wanted.does is not Function.PARK:
            refer.refuse(403, now)
        elif not self._switch.park(leg, wanted.number, now):
            refer.refuse(486, now, self._not_parked(leg.number).phrase)
        else:
            refer.accept(now)
            refer.note(200, now)

    # ---- one function each

    def _group_pick_up(self, invited: Invited, caller: str, _: str, now: float) -> Taken:
        group = self._asking.pick_up(caller)
        if group is None:
            return _refused(403, 21, "other_group")
        return self._take(self._switch.ringing_at(group.extensions - {caller}), invited, caller, now)

    def _pick_up(self, invited: Invited, caller: str, number: str, now: float) -> Taken:
        group = self._asking.pick_up(caller)
        if group is None or number not in group.extensions:
            return _refused(403, 21, "other_group")
        return self._take(self._switch.ringing_at({number}), invited, caller, now)

    def _take(self, number: str | None, invited: Invited, caller: str, now: float) -> Taken:
        if number is None:
            return _refused(404, 1, "nothing_rings")
        if not self._switch.pick_up(number, invited, caller, now):
            return _refused(488, 65, "no_common_sound")
        return None

    def _park(self, invited: Invited, caller: str, slot: str, now: float) -> Taken:
        """Of a call that we lead the other side; else who has dialled it, because a phone has transferred it here."""
        if (leg := self._switch.talking(caller)) is not None:
            parked = self._switch.park(leg, slot, now)
            return _done("parked", number=slot) if parked else self._not_parked(caller)
        if not invited.offer:
            return _refused(488, 65, "no_common_sound")
        by = _referrer(invited)
        then = (*((by,) if by else ()), *self._asking.reception_of(caller))
        return None if self._switch.wait_in(slot, invited, caller, then, now) else self._not_parked(caller)

    def _not_parked(self, by: str) -> Refusal:
        return _refused(486, 17, "slots_full" if self._switch.slots_full(by) else "slot_taken")

    def _fetch(self, invited: Invited, caller: str, slot: str, now: float) -> Taken:
        return None if self._switch.fetch(slot, invited, caller, now) else _refused(404, 1, "slot_empty")

    def _call_back(self, _: Invited, caller: str, number: str, now: float) -> Taken:
        dial = self._to(caller, number)
        if isinstance(dial, Refusal):
            return dial
        ordered = self._switch.call_back(caller, dial.number, now)
        return _done("call_back") if ordered else _refused(480, 42, "call_back_full")

    def _call_back_off(self, _: Invited, caller: str, __: str, now: float) -> Taken:
        self._switch.no_call_backs(caller)
        return _done("call_back_off")

    def _camp_on(self, invited: Invited, caller: str, number: str, now: float) -> Taken:
        dial = self._to(caller, number)
        if isinstance(dial, Refusal):
            return dial

        def onward(refused: Refused) -> Ringing | Camps | Refusal | None:
            if refused.status in BUSY:
                return Camps(dial.number)
            return Refusal(max(refused.status, 400), "", 0, "")

        self._lead(invited, caller, dial, onward, now)
        return None

    def _conference(self, invited: Invited, caller: str, number: str, now: float) -> Taken:
        joined = self._switch.conference(number, invited, caller, now)
        return None if joined else _refused(486, 17, "no_conference")

    def _barge_in(self, invited: Invited, caller: str, number: str, now: float) -> Taken:
        if not self._asking.may_barge_in(caller, number):
            return _refused(403, 21, "may_not")
        return None if self._switch.barge_in(number, invited, caller, now) else _refused(480, 20, "no_call")

    def _add(self, _: Invited, caller: str, number: str, now: float) -> Taken:
        """Beside the call that one is in."""
        leg = self._switch.in_call(caller)
        if leg is None:
            return _refused(404, 1, "no_call")
        return self._switch.widen(leg, number, now) or _done("added", number=number)

    def _voicemail(self, invited: Invited, caller: str, _: str, now: float) -> Taken:
        return self._listen(invited, caller, caller)

    def _voicemail_of(self, invited: Invited, caller: str, number: str, now: float) -> Taken:
        return self._listen(invited, caller, number)

    def _threat(self, _: Invited, caller: str, __: str, now: float) -> Taken:
        return _refused(404, 1, "no_call") if self._switch.mark(caller, now) is None else _done("marked")


def _referrer(invited: Invited) -> str:
    """Who has transferred the call, as the phone says that was transferred, and nobody has proved; "" where it does
    not."""
    text = invited.request.header("Referred-By")
    try:
        return "" if text is None else Address.parse(text, "Referred-By").uri.user
    except RemoteError:
        return ""


def _led(invited: Invited, wanted: Dialled | None) -> bool:
    """By a transfer: were it answered, who transfers would take it for done."""
    parks = wanted is not None and wanted.does is Function.PARK
    return parks or invited.request.header("Referred-By") is not None


def _refused(status: int, cause: int, key: str) -> Refusal:
    return Spoken(status, display("code", key), cause, "", key=key)


def _done(key: str, number: str = "") -> Refusal:
    """What was asked for is done, and no call is made of it: the words are for ear or display."""
    return Spoken(480, display("code", key, number=number), 31, "normal, unspecified", key=key, of=number)
