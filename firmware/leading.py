"""Takes the calls that the edge hands over: who rings next goes back to the edge, the rest is told in words or refused,
and what we lead ourselves goes on by `call.Switch`."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from callcontrol.asked import FORBIDDEN, Asked, Decided, Outside, after, display
from callcontrol.call import Camps, Dial, Happened, Onward, Refused, Ringing, Switch
from callcontrol.edge.rpc import EdgeRpc
from callcontrol.greeted import Greeted
from callcontrol.plan.codes import Dialled, Function, Own, looks_like
from callcontrol.plan.steps import Note
from callcontrol.refusal import Refusal, Why, refuse
from callcontrol.sip.agent import Discarded
from callcontrol.sip.events import Invited, Referred
from callcontrol.sip.referred import Refer
from callcontrol.sip.session import Session
from callcontrol.sip.user_agent import UserAgentEvent
from firmware.asking import PRIORITY, Asking
from firmware.config import Config
from firmware.dialled import Dialling, Spoken
from firmware.led import Book
from firmware.link import Link
from firmware.observing import Observing
from firmware.pins import Pins
from firmware.setting import Setting
from firmware.threats import Threats
from firmware.ticks import tick
from firmware.waited import Waited

if TYPE_CHECKING:
    from firmware.announcing import Announcing
    from firmware.lastwords import LastWords
    from firmware.mixing import Mixing
    from firmware.onhold import OnHold

__all__ = ["RING", "Leading"]

RING = "P-Ring"
"""In a 302 to the edge: the extensions that ring now, parted by dots. No phone's 302 is heeded (cfg/70-calls.cfg)."""

LEGS_MAX = 1_000
"""Phones in calls that are led; what comes above, the edge rings itself, and no call is lost."""
STEPS_MAX = 12
"""Steps of a plan that are gone through for one call; the edge has the same bound."""
TRYING_EVERY_S = 2.0
"""So often the edge hears that a call which rings is led still: after 5 s of silence (CALLS_ANSWER_MS) it rings the
phone itself."""

SOUND_AGAIN_S, SOUND_AGAIN_MAX_S = 4.0, 300.0
"""Sound that could not be loaded is tried again, ever more seldom."""

REFERRED, DIALS = "referred", "dials"
"""Of what a REFER is about that the edge hands over (cfg/70-calls.cfg)."""

PREPARED_MAX = 20
"""Callers for whom it is put together at a time what they are told; what comes above is refused in words."""

COLLECT_AFTER = 20_000
"""Objects made and not given back, some megabytes; a look through the youngest takes a millisecond."""

_UNPROVED = (Why.GONE, Why.INCOMING)
"""Where nobody has proved to be who calls: the platform was to, or it is somebody outside."""

log = logging.getLogger("rvx")


class Leading:
    """`link` is the connection to the edge, for what else is to be asked of it."""

    def __init__(self, config: Config, edge: EdgeRpc, told: Callable[[Note], None], book: Book | None = None) -> None:
        self._edge = edge
        self._realm = config.platform.realm
        self._asking = Asking(config, told)
        self.link = Link(config.edge.calls_port, self._came, book)
        self.link.ua.for_others = True
        self._switch = Switch(self.link.ua, self, self._realm)
        self._ring_s = config.survival.signal_s * config.survival.ring_signals
        self._pins = Pins(config.paths, told)
        self._codes, self._observes = config.codes.table, config.codes.observed != "no"
        self._setting = Setting(self._asking, config.paths.journal, self._pins, lambda: self._announcing, self._pump)
        self._dialling = Dialling(
            self._switch,
            self._asking,
            self._codes,
            self.to,
            self._lead_to,
            self._listens_to,
            self._own,
            self._setting.tell,
        )
        self._leads_out = config.trunk.leads_out == "pin"
        self._said, self._here = config.announcing, config.network.here
        self._paths = config.paths
        self._threats = Threats(config.paths)
        self._announcing: Announcing | None = None  # while nothing can be said, or nothing is to be
        self._mixing: Mixing | None = None
        self._on_hold: OnHold | None = None
        self._last_words: LastWords | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        """Until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self.link.run())
            tasks.create_task(self._keep_trying())
            tasks.create_task(Waited(self._switch, self._edge, self._pump).run())
            if self._observes:
                tasks.create_task(Observing(self._edge, self._asking, self._setting, self._codes).run())
            tasks.create_task(self._load_surely())

    async def _load_surely(self) -> None:
        """A process that begins on a machine without memory has sound when there is some."""
        self._show_sound("")
        pause_s = SOUND_AGAIN_S
        while not await self._load():
            await asyncio.sleep(pause_s)
            pause_s = min(2 * pause_s, SOUND_AGAIN_MAX_S)

    async def _load(self) -> bool:
        try:
            on_hold, mixing, announcing = await asyncio.to_thread(self._loaded)
        except Exception as fault:  # a library, a folder, a disk: calls are led and refused in words without it
            log.exception("rvx-event kind=no_sound")
            self._show_sound(type(fault).__name__)
            return False
        self._show_sound("")
        # Sound is paced by the loop that collects: what is loaded for good is not gone through again and again.
        gc.freeze()
        gc.set_threshold(COLLECT_AFTER)
        self._on_hold, self._mixing, self._announcing = on_hold, mixing, announcing
        self._switch.sound, self._switch.through = on_hold, mixing
        from firmware.lastwords import LastWords

        self._last_words = LastWords(on_hold, mixing, announcing)
        return True

    def _show_sound(self, fault: str) -> None:
        """For the status; "": nothing is wrong with it."""
        with contextlib.suppress(OSError):
            if fault:
                self._paths.no_sound.write_text(fault, "utf-8")
            else:
                self._paths.no_sound.unlink(missing_ok=True)

    def _loaded(self) -> tuple[OnHold, Mixing, Announcing | None]:
        """Blocks. Sound is much to load, and no call waits for it, nor for what it is played by."""
        import callcontrol.media.tracks  # noqa: F401
        from firmware.announcing import Announcing, voice_of
        from firmware.contacts import Contacts
        from firmware.greeting import Greeting
        from firmware.listening import Listening
        from firmware.mailboxes import Mailboxes
        from firmware.messages import Messages
        from firmware.mixing import Mixing
        from firmware.onhold import OnHold, music_of
        from firmware.places import Places
        from firmware.proving import Proving
        from firmware.speaking import Speaking

        places, music = Places(here=self._here), music_of(self._said.music)
        on_hold, mixing = OnHold(places, music), Mixing(places, music)
        if not self._said.languages:
            return on_hold, mixing, None
        voice = voice_of(Path(self._said.recordings) if self._said.recordings else None)
        messages = Messages(self._paths)
        speaking = Speaking(voice, self._said.languages)
        name_of, pins = self._asking.name_of, self._pins
        mailboxes = Mailboxes(self._paths)
        # Whoever listens to a mailbox is one of ours, and hears it in the first language alone.
        own = Speaking(voice, self._said.languages[:1])
        listening = Listening(
            own, self._switch, self._pump, mailboxes, Proving(own, pins), name_of, self._asking.back_at,
            leads_out=self._leads_out,
        )  # fmt: skip
        proving = Proving(speaking, pins)
        greeting = Greeting(speaking, self._switch, self._pump, self._asking.led_out, proving, listening)
        # Only for who comes by the edge from outside: no phone has us send to ourselves.
        beside = Places(beside=True, here=self._here)
        announcing = Announcing(
            self._switch, self._pump, name_of, speaking, greeting, places, messages, music, listening, mailboxes,
            Contacts(self._paths.journal), beside,
        )  # fmt: skip
        return on_hold, mixing, announcing

    async def tell_power_ends(self) -> int:
        """To all whose sound passes here, which ends with the unit; how many they are, when it is said."""
        return 0 if self._last_words is None else await self._last_words.tell_power_ends()

    def close(self) -> None:
        if self._on_hold is not None:
            self._on_hold.close_all()
        if self._mixing is not None:
            self._mixing.close()
        if self._announcing is not None:
            self._announcing.close()
        self._threats.close()
        self._pins.close()
        self._setting.close()
        self._asking.close()

    def to(self, wanting: str, number: str) -> Dial | Refusal:
        """Where `number` rings, by the plan, if `wanting` called it itself; one's own phone rings whatever is set."""
        if wanting == number:
            return self._dial(number)
        proved = self._asking.proved(wanting, number)
        asked = Asked(callee=number, caller=wanting, why=Why.OUTSIDE, survival=True, proved=proved)
        decided = self._asking.decided(asked)
        if isinstance(decided.answer, Refusal):
            return decided.answer
        return self._dials(decided)[0]

    def _dial(self, number: str) -> Dial:
        return Dial(number, f"sip:{number}@{self._realm}")

    def _dials(self, decided: Decided) -> list[Dial]:
        """Where each of them is, or leaves the house."""
        assert not isinstance(decided.answer, Refusal)
        out = {outside.number: outside for outside in decided.out}
        return [self._dial_out(out[number]) if number in out else self._dial(number) for number in decided.answer]

    def _dial_out(self, outside: Outside) -> Dial:
        private = (("Privacy", "id"),) if outside.withheld else ()
        headers = ((PRIORITY, str(int(outside.priority))), *private)
        return Dial(outside.number, f"sip:{outside.number}@{self._realm}", headers=headers)

    def _came(self, event: UserAgentEvent, now: float) -> None:
        try:
            match event:
                case Discarded(error):
                    log.warning("rvx-event kind=sip_unread field=%s", error.field)
                case Invited(replaces=None):
                    self._invited(event, now)
                case Referred(None, refer):
                    self._referred(refer, now)
                case Referred(session, refer) if session is not None and self._led_to_code(session, refer, now):
                    pass
                case _:
                    self._switch.saw(event, now)
        except Exception as fault:  # one call's fault is not to end the others'
            _tell_fault(fault)
            if isinstance(event, Referred):
                event.refer.refuse(500, now)
            if not isinstance(event, Discarded) and event.session is not None:
                event.session.end(now)
        self._hear_switch()

    def _pump(self) -> None:
        self.link.pump()
        self._hear_switch()

    def _hear_switch(self) -> None:
        while (said := self._switch.next_event()) is not None:
            try:
                if self._announcing is not None:
                    self._announcing.saw(said)
                if said.what is Happened.MARKED:
                    self._threats.mark(said.call, said.number, partial(self._keep, said.call.id))
            except Exception as fault:  # nor is this, which would end the connection
                _tell_fault(fault)

    def _keep(self, room: str, sink: Callable[[bytes], object], closed: Callable[[], object]) -> bool:
        return self._mixing is not None and self._mixing.keep(room, sink, closed)

    def _invited(self, invited: Invited, now: float) -> None:
        asked = self._asking.asked(invited.request)
        if asked is None:
            invited.session.refuse(501, now)
            return
        if invited.request.header("Replaces") is not None:
            _pass_on(invited.session, asked, now)
            return
        if asked.why is Why.CODE:
            self._dialling.came(invited, asked, now)
            return
        if (
            self._said.voicemail
            and asked.callee == self._said.voicemail
            and asked.caller
            and asked.why not in _UNPROVED
        ):
            # One's own, where one has one; else it is asked whose it is.
            own = self._asking.has_mailbox(asked.caller)
            refusal = self._listens_to(invited, asked.caller, asked.caller if own else "")
            if refusal is not None:
                invited.session.refuse(refusal.status, now, refusal.phrase, refusal.headers())
            return
        decided = self._asking.decided(asked)
        if (greeted := self._greets(invited, asked)) is not None or self._tells(invited, decided):
            self._begin_to_tell(invited, asked, decided, now, greeted)
        elif decided.led and not isinstance(decided.answer, Refusal) and self._switch.legs < LEGS_MAX:
            led = _Led(self, invited, asked, decided.answer)
            self._lead(invited, asked.caller or "", self._ringing(decided), led.onward, now)
        else:
            _answer(invited.session, decided, now)

    # ---- calls that are led on, back to back

    def _ringing(self, decided: Decided) -> Ringing:
        assert not isinstance(decided.answer, Refusal)
        return Ringing(self._dials(decided), decided.for_s or self._ring_s)

    def _lead(self, invited: Invited, caller: str, ringing: Ringing, onward: Onward, now: float) -> None:
        invited.session.trying(now)
        self._switch.connect(invited, caller, ringing.dials, now, ringing.for_s, onward)

    def _lead_to(self, invited: Invited, caller: str, dial: Dial, onward: Onward, now: float) -> None:
        self._lead(invited, caller, Ringing([dial], self._ring_s), onward, now)

    def _own(self, invited: Invited, asked: Asked, wanted: Dialled | None, now: float) -> Refusal | None:
        """What somebody sets by a code, or how one call is to be."""
        caller = asked.caller or ""
        if wanted is not None and wanted.does is Own.WITHHELD:
            self._lead_by_code(invited, replace(asked, callee=wanted.number, withheld=True), now)
        elif wanted is not None and wanted.does is Own.PAST:
            if not self._asking.may_pass(caller, wanted.number):
                return Spoken(403, display("code", "may_not"), 21, "call rejected", key="may_not")
            self._lead_by_code(invited, replace(asked, callee=wanted.number, past=True), now)
        else:
            self._setting.came(invited, asked, wanted, now)
        return None

    def _lead_by_code(self, invited: Invited, asked: Asked, now: float) -> None:
        """As if the number had been dialled alone."""
        outside = replace(asked, why=Why.OUTSIDE)
        decided = self._asking.decided(outside)
        if self._tells(invited, decided):
            self._begin_to_tell(invited, outside, decided, now)
        elif isinstance(decided.answer, Refusal) or self._switch.legs >= LEGS_MAX:
            _answer(invited.session, decided, now)
        else:
            led = _Led(self, invited, outside if decided.out else replace(asked, why=Why.ASKED), decided.answer)
            self._lead(invited, asked.caller or "", self._ringing(decided), led.onward, now)

    def next_step(self, invited: Invited, asked: Asked) -> Ringing | Refusal | None:
        """What is done with a caller when who was rung has not answered; None: the caller is told something."""
        decided = self._asking.decided(asked)
        if self._tells(invited, decided):
            self._begin_to_tell(invited, asked, decided, asyncio.get_running_loop().time())
            return None
        return decided.answer if isinstance(decided.answer, Refusal) else self._ringing(decided)

    def _led_to_code(self, session: Session, refer: Refer, now: float) -> bool:
        """A phone has transferred a call of ours to a code, and that was seen to."""
        leg, wanted = self._switch.leg(session), self._dialling.asked_by(refer)
        if leg is None or wanted is None:
            return False
        self._dialling.referred(leg, refer, wanted, now)
        return True

    async def _keep_trying(self) -> None:
        while True:
            await tick(TRYING_EVERY_S)
            now = asyncio.get_running_loop().time()
            waiting = [leg.session for call in self._switch.calls for leg in call.sides if not leg.answered]
            for session in waiting:
                session.trying(now)
            if waiting:
                self._pump()

    # ---- calls that are told something

    def _tells(self, invited: Invited, decided: Decided) -> bool:
        """There is something to be told, and sound and room for it."""
        return decided.told is not None and self._speaks(invited)

    def _greets(self, invited: Invited, asked: Asked) -> Greeted | None:
        """How, where it is somebody who calls a SIM of ours, and not back after 112."""
        if asked.why is not Why.INCOMING or asked.sos or not self._speaks(invited):
            return None
        return self._asking.greeted(invited.request.request_uri.user, asked)

    def _speaks(self, invited: Invited) -> bool:
        if self._announcing is None or len(self._tasks) >= PREPARED_MAX:
            return False
        return self._announcing.takes(invited)

    def _listens_to(self, invited: Invited, caller: str, mailbox: str) -> Refusal | None:
        """`caller` hears the mailbox of an extension, or of one that is asked for ("")."""
        if mailbox and not self._asking.has_mailbox(mailbox):
            return Refusal(404, display("code", "no_mailbox"), 1, "")
        if not self._speaks(invited):
            return Refusal(480, display("code", "no_voice"), 31, "normal, unspecified")
        invited.session.ring(180, asyncio.get_running_loop().time())
        self._begin(self._listen(invited, caller, mailbox))
        return None

    async def _listen(self, invited: Invited, caller: str, mailbox: str) -> None:
        assert self._announcing is not None
        taken = False
        try:
            taken = await self._announcing.listen(invited, caller, mailbox, proved=bool(mailbox) and mailbox == caller)
        finally:
            if not taken:
                invited.session.refuse(488, asyncio.get_running_loop().time(), display("code", "no_common_sound"))
                self._pump()

    def _begin(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def _begin_to_tell(
        self, invited: Invited, asked: Asked, decided: Decided, now: float, greeted: Greeted | None = None
    ) -> None:
        invited.session.ring(180, now)
        self._begin(self._tell(invited, asked, decided, greeted))

    def _referred(self, refer: Refer, now: float) -> None:
        """The edge asks: may that phone refer so far, in a call that others have (302: it may); or a phone of ours
        wants to be rung, and to be led on."""
        request = refer.request
        params = request.request_uri.params
        caller = params.get("caller") or None
        if params.get("why") == REFERRED and request.to.tag:
            refusal = self._may_be_led(caller, refer)
            if refusal is None:
                refer.refuse(302, now)
            else:
                refer.refuse(refusal.status, now, refusal.phrase)
        elif params.get("why") == DIALS and caller is not None and not request.to.tag:  # which a phone could say
            self._switch.dial_for(caller, refer, now)
        else:
            refer.refuse(481 if request.to.tag else 403, now)

    def _may_be_led(self, caller: str | None, refer: Refer) -> Refusal | None:
        """Of codes only those of calls, which are judged when they are dialled: by one that sets something, whoever
        refers would do so at another's phone."""
        wanted = self._dialling.asked_by(refer)
        if wanted is not None and isinstance(wanted.does, Function):
            return None
        if looks_like(refer.to.uri.user) or looks_like(refer.to.number):
            return FORBIDDEN
        return self._asking.may_refer(caller, refer.to.number)

    async def _tell(self, invited: Invited, asked: Asked, decided: Decided, greeted: Greeted | None) -> None:
        assert self._announcing is not None
        taken = False
        try:
            if greeted is not None:
                taken = await self._announcing.greet(invited, asked.caller or "", greeted)
            else:
                assert decided.told is not None
                caller = asked.caller or ""
                taken = await self._announcing.take(invited, caller, decided.told, unknown=asked.withheld)
        finally:
            if not taken:
                _answer(invited.session, decided, asyncio.get_running_loop().time())
                self._pump()

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (fault := task.exception()) is not None:
            _tell_fault(fault)


@dataclass
class _Led:
    """One call that is led by the plan, step by step, as the edge does it: asked again with what was tried."""

    leading: Leading
    invited: Invited
    asked: Asked
    rings: tuple[str, ...]
    steps: int = 1

    def onward(self, refused: Refused) -> Ringing | Camps | Refusal | None:
        if self.asked.why is Why.OUTSIDE and refused.response is not None:  # in the words of who led it out
            return Refusal(max(refused.status, 400), refused.response.reason, 0, "")
        why = after(refused.status, rang=refused.rang)
        if why is None or self.steps >= STEPS_MAX:
            return Refusal(max(refused.status, 400), "", 0, "")
        self.steps += 1
        self.asked = replace(self.asked, why=why, tried=(*self.asked.tried, *self.rings))
        step = self.leading.next_step(self.invited, self.asked)
        if isinstance(step, Ringing):
            self.rings = tuple(dial.number for dial in step.dials)
        return step


def _tell_fault(fault: BaseException) -> None:
    log.error("rvx-event kind=fault of=call", exc_info=fault)


def _pass_on(session: Session, asked: Asked, now: float) -> None:
    """Somebody is to take the place of who talks with `callee` in a call that the edge carries: nothing that is set up
    for others' calls is in its way, and only that phone knows which call is meant."""
    if asked.why is Why.ASKED:
        session.refuse(302, now, headers=((RING, asked.callee),))
    else:
        refusal = refuse(asked.why, survival=asked.survival)
        session.refuse(refusal.status, now, refusal.phrase, refusal.headers())


def _answer(session: Session, decided: Decided, now: float) -> None:
    if isinstance(decided.answer, Refusal):
        session.refuse(decided.answer.status, now, decided.answer.phrase, decided.answer.headers())
    else:
        session.refuse(302, now, headers=((RING, ".".join(decided.answer)),))
