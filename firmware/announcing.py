"""Answers a call with sound: says why nobody takes it and until when, hears a key, takes a message, and leads on
(callcontrol.told).

A shell over `call.Switch` and callcontrol.media, which is much to load: `leading` does so beside the calls. Where a
call has no sound in common with us, or there is no room for one more, it is refused in words on its display.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from callcontrol.call import CallEvent, Happened, Leg, Switch
from callcontrol.greeted import Greeted
from callcontrol.media.phrases import NameOf
from callcontrol.media.sounds import Clip, Music
from callcontrol.media.speech import Speaker
from callcontrol.media.tones import Tone, ToneSource
from callcontrol.media.voice import PAUSE, Voice, load_recordings
from callcontrol.sip.events import Invited
from callcontrol.sip.headers import withheld
from callcontrol.told import KEY_AGAIN, KEY_CALL_BACK, KEY_CONTACT, KEY_END, KEY_MESSAGE, KEY_WAIT, Told
from firmware.contacts import Contacts, can_be_called
from firmware.greeting import Greeting
from firmware.listening import Listening
from firmware.mailboxes import Mailboxes
from firmware.messages import Kept, Messages, Recording
from firmware.places import NoPlace, Place, Places
from firmware.speaking import Speaking

__all__ = ["Announcing", "Talk", "voice_of"]

TOLD_TIMES = 2
AGAIN_MAX = 10
"""Times in all, for who asks for it again and again."""
CHOICE_S = 3.0
"""For a key, after all was said."""
SAVED_WITHIN_S = 5.0
"""Who has left a message waits so long for the disk to have it, and is then told that it has not."""
BEEP_FRAMES = 20
KEY_OWN = "*"
"""Pressed by whom the mailbox belongs to, who hears that somebody does not answer: himself."""

Talk = Callable[[Place, Speaking], Coroutine[None, None, None]]
"""All that is said and asked in one call."""

log = logging.getLogger("rvx")


@dataclass(eq=False)
class _Caller:
    """One call, from its INVITE until somebody has answered it or it is over."""

    told: Told
    place: Place
    call_id: str
    unknown: bool = False
    """To whom he leaves a message."""
    leg: Leg | None = None
    recording: Recording | None = None
    task: asyncio.Task[None] | None = None
    waits: Callable[[], Coroutine[None, None, None]] | None = None
    """What is heard while somebody else is rung, or waited for; None: he is with us."""


class Announcing:
    """`pump` sends what was done with a session. `name_of` gives the spoken name of an extension. `beside`: for callers
    whose sound another process of this unit brings; `places` where there is none."""

    def __init__(
        self,
        switch: Switch,
        pump: Callable[[], None],
        name_of: NameOf,
        speaking: Speaking,
        greeting: Greeting,
        places: Places,
        messages: Messages,
        music: Music,
        listening: Listening,
        mailboxes: Mailboxes,
        contacts: Contacts,
        beside: Places | None = None,
    ) -> None:
        self._switch = switch
        self._pump = pump
        self._name_of = name_of
        self._speaking = speaking
        self._greeting = greeting
        self._places = places
        self._messages = messages
        self._music = music
        self._listening = listening
        self._mailboxes = mailboxes
        self._contacts = contacts
        self._beside = beside or places
        self._callers: set[_Caller] = set()

    def takes(self, invited: Invited) -> bool:
        """Whether there is sound for this call; only one that has offered some is answered."""
        return bool(invited.offer) and bool(self._places.room)

    async def take(self, invited: Invited, caller: str, told: Told, *, unknown: bool = False) -> bool:
        """Answers and begins to tell. False: not answered, as there is nothing in common, or nothing to be heard.
        `unknown`: the caller wants to be; so does who asks for it as phones do (E2)."""
        unknown = unknown or withheld(invited.request.header("Privacy"))
        if told.mailbox is not None and not self._messages.takes(told.mailbox, "" if unknown else caller):
            told = replace(told, mailbox=None)
        if not can_be_called(caller):
            told = replace(told, contact=None)
        said, farewell = await self._clips(told)

        async def tell(one: _Caller) -> None:
            one.unknown = unknown
            await self._tell(one, said, farewell)

        return await self._take(invited, caller, told, said, self._places, tell)

    async def greet(self, invited: Invited, caller: str, greeted: Greeted) -> bool:
        """The same with a greeting, and an extension by its digits."""
        said = await self._speaking.said(greeted.words)
        return await self._take(
            invited, caller, Told(why=""), said, self._beside, lambda one: self._greet(one, said, greeted)
        )

    async def listen(self, invited: Invited, caller: str, mailbox: str, *, proved: bool) -> bool:
        """The same with a mailbox, for whom it belongs to: `mailbox` is "" where he is to say whose; `proved`: it is
        his own phone."""
        said = await self._speaking.phrase("goodbye")

        async def talk(one: _Caller) -> None:
            await self._listen(one, mailbox, proved=proved)

        return await self._take(invited, caller, Told(why=""), said, self._places, talk)

    async def talk(self, invited: Invited, caller: str, work: Talk) -> bool:
        """Answers, and hangs up when `work` is done. False: not answered, as there is nothing in common."""
        return await self._take(invited, caller, Told(why=""), None, self._places, lambda one: self._talk(one, work))

    async def lead_out(self, invited: Invited, caller: str, extension: str) -> bool:
        """The same with a number outside, which is rung as `extension`; False likewise."""
        return await self._take(
            invited, caller, Told(why=""), None, self._places, lambda one: self._lead_out(one, extension)
        )

    async def _take(
        self,
        invited: Invited,
        caller: str,
        told: Told,
        said: Sequence[Clip] | None,
        places: Places,
        work: Callable[[_Caller], Coroutine[None, None, None]],
    ) -> bool:
        if said is not None and all(clip is PAUSE for clip in said):  # nothing is recorded, and nothing can be spoken
            return False
        try:
            place = await places.open(invited.offer)
        except NoPlace as why:
            log.warning("rvx-event kind=unspoken why=%s", str(why).replace(" ", "_"))
            return False
        one = _Caller(told, place, invited.request.call_id)
        try:
            one.leg = self._switch.answer(invited, caller, one.place.answer, _now())
            self._pump()
        finally:
            if one.leg is None:
                one.place.close()
        if one.leg is None:
            return False
        one.leg.pressed = one.place.press
        self._callers.add(one)
        self._work(one, work(one))
        return True

    def _work(self, caller: _Caller, work: Coroutine[None, None, None]) -> None:
        """That is done with the caller from now on, and nothing else."""
        assert caller.leg is not None
        if caller.task is not None:
            caller.task.cancel()
        caller.task = asyncio.create_task(work)
        caller.task.add_done_callback(partial(self._ended, caller.leg))

    def saw(self, event: CallEvent) -> None:
        """What the switch says: who has been answered by somebody, and who is gone, hears nothing more."""
        if event.what in (Happened.CONNECTED, Happened.OVER):
            for caller in [each for each in self._callers if each.leg is not None and each.leg.call is event.call]:
                self._close(caller)

    async def break_in(self, clips: Sequence[Clip]) -> int:
        """All hear that now, whatever they heard; how many they are. A message that is being left ends here, and is on
        the disk when this returns. Who waits for somebody goes on waiting; the others' calls end by it."""
        callers = list(self._callers)
        for caller in callers:
            self._work(caller, self._warn(caller, clips))
        saving = [asyncio.wrap_future(caller.recording.finish()) for caller in callers if caller.recording is not None]
        if saving:
            await asyncio.wait(saving, timeout=SAVED_WITHIN_S)
        return len(callers)

    async def _warn(self, caller: _Caller, clips: Sequence[Clip]) -> None:
        await caller.place.play(clips)
        if caller.waits is None:
            self._end(caller)
        else:
            await caller.waits()

    async def phrase(self, key: str) -> list[Clip]:
        """What the catalogue has by that key, in all languages."""
        return await self._speaking.phrase(key)

    def _ended(self, leg: Leg, task: asyncio.Task[None]) -> None:
        """A fault of ours leaves nobody in silence."""
        if not task.cancelled() and (fault := task.exception()) is not None:
            log.error("rvx-event kind=fault of=announcing", exc_info=fault)
            self._switch.end(leg.call, _now())
            self._pump()

    def close(self) -> None:
        """What somebody is just saying is kept."""
        for caller in list(self._callers):
            self._close(caller)
        self._messages.close()
        self._mailboxes.close()
        self._contacts.close()

    def _close(self, caller: _Caller) -> None:
        self._callers.discard(caller)
        if caller.task is not None:
            caller.task.cancel()
        if caller.recording is not None:
            caller.recording.finish()
        caller.place.close()

    # ---- what is said

    async def _clips(self, told: Told) -> tuple[list[Clip], list[Clip]]:
        """What is told, and the farewell."""
        now = datetime.now(UTC)
        own = await self._mailboxes.greeting(told.greeting) if told.greeting else None
        said: list[Clip] = []
        if own is None or not told.greeting_says_all:
            said = await self._speaking.said(lambda language: told.reasons(now, language, self._name_of))
        if own is not None:
            said += [own, PAUSE]
        said += await self._speaking.said(lambda language: told.choices(language, self._name_of))
        return said, await self._speaking.said(told.farewell)

    async def _tell(self, caller: _Caller, said: list[Clip], farewell: list[Clip]) -> None:
        told, times, chosen = caller.told, 0, ""
        waits = (KEY_WAIT, KEY_CALL_BACK) if told.busy else ()
        others = {KEY_MESSAGE: told.mailbox, KEY_CONTACT: told.contact}
        choices = {*told.keys, *(key for key, whose in others.items() if whose), *waits}
        for _ in range(AGAIN_MAX):
            key = await self._speaking.asked(caller.place, said, CHOICE_S if choices else 0.0)
            if key == KEY_MESSAGE and told.mailbox:
                kept, key = await self._message(caller, told.mailbox)
                if kept is Kept.YES and key not in told.keys:
                    self._end(caller)
                    return
            if key == KEY_CONTACT and told.contact:
                await self._contact(caller, told.contact)
                return
            if key in waits:
                await self._wait(caller, key)
                return
            if key == KEY_OWN and told.greeting:
                await self._listen(caller, told.greeting, proved=False)
                return
            chosen = told.keys.get(key or "", "")
            times += 0 if key == KEY_AGAIN else 1
            if chosen or not choices or times >= TOLD_TIMES:
                break
        if not chosen:
            await self._speaking.say(caller.place, farewell)
        numbers = [chosen, *(number for number in told.next if number != chosen)] if chosen else list(told.next)
        if not numbers:
            self._end(caller)
            return
        await self._lead_on(caller, numbers)

    async def _lead_out(self, caller: _Caller, extension: str) -> None:
        assert caller.leg is not None
        await self._greeting.out(caller.leg, caller.place, extension, partial(_waits, caller))

    async def _talk(self, caller: _Caller, work: Talk) -> None:
        await work(caller.place, self._speaking)
        self._end(caller)

    async def _greet(self, caller: _Caller, said: Sequence[Clip], greeted: Greeted) -> None:
        assert caller.leg is not None
        await self._greeting.run(caller.leg, caller.place, said, greeted, partial(_waits, caller))

    async def _listen(self, caller: _Caller, mailbox: str, *, proved: bool) -> None:
        assert caller.leg is not None
        await self._listening.run(caller.leg, caller.place, mailbox, partial(_waits, caller), proved=proved)

    async def _lead_on(self, caller: _Caller, numbers: Sequence[str]) -> None:
        assert caller.leg is not None
        self._switch.lead_on(caller.leg, numbers, _now())
        self._pump()
        # What a caller expects to hear while it rings elsewhere; until it is closed.
        caller.waits = lambda: caller.place.sound(ToneSource(Tone.RINGING))
        await caller.waits()

    async def _wait(self, caller: _Caller, key: str | None) -> None:
        """For who is busy: on the line, or by being called back."""
        leg, busy = caller.leg, caller.told.busy
        assert leg is not None
        assert busy is not None
        if key == KEY_CALL_BACK:
            ordered = self._switch.call_back(leg.number, busy, _now())
            await self._speaking.say(caller.place, await self._speaking.phrase("call_back" if ordered else "goodbye"))
            self._end(caller)
            return
        self._switch.wait_for(leg, busy, caller.told.next, _now())
        caller.waits = lambda: caller.place.music(self._music)
        await caller.waits()

    async def _message(self, caller: _Caller, mailbox: str) -> tuple[Kept, str | None]:
        """Takes a message. What became of it, and the key that was pressed in it or after it."""
        told, place = caller.told, caller.place
        key = await self._speaking.asked(caller.place, await self._speaking.phrase("speak_after_tone"), 0.0)
        if key in told.keys:
            return Kept.NO_MESSAGE, key
        await place.sound(ToneSource(Tone.RECORDING, BEEP_FRAMES))
        assert caller.leg is not None
        number = "" if caller.unknown else caller.leg.number
        recording = self._messages.begin(mailbox, number, caller.call_id, told.why)
        caller.recording = recording
        while (key := await self._speaking.key_during(place, self._speaking.hear(place, recording.push))) is not None:
            if key == KEY_END or key in told.keys:
                break
        try:
            saving = asyncio.shield(asyncio.wrap_future(recording.finish()))  # who hangs up meanwhile ends it not
            kept = await asyncio.wait_for(saving, SAVED_WITHIN_S)
        except TimeoutError:
            kept = Kept.LOST
        if key in told.keys:
            return kept, key
        if kept is not Kept.YES:
            words = "no_message" if kept is Kept.NO_MESSAGE else "message_lost"
            return kept, await self._speaking.asked(caller.place, await self._speaking.phrase(words), 0.0)
        thanks = await self._speaking.said(partial(told.after_message, name_of=self._name_of))
        key = await self._speaking.asked(caller.place, thanks, CHOICE_S if told.keys else 0.0)
        if key not in told.keys:
            await self._speaking.say(caller.place, await self._speaking.phrase("goodbye"))
        return kept, key

    async def _contact(self, caller: _Caller, extension: str) -> None:
        """Keeps the number of who wants to be called back by somebody."""
        assert caller.leg is not None
        keeping = asyncio.shield(
            asyncio.wrap_future(self._contacts.leave(extension, caller.leg.number, caller.call_id))
        )
        try:
            kept = await asyncio.wait_for(keeping, SAVED_WITHIN_S)
        except TimeoutError:
            kept = False
        words = await self._speaking.phrase("number_kept" if kept else "message_lost")
        await self._speaking.say(caller.place, words)
        self._end(caller)

    def _end(self, caller: _Caller) -> None:
        assert caller.leg is not None
        self._switch.end(caller.leg.call, _now())
        self._pump()


def _waits(caller: _Caller, work: Callable[[], Coroutine[None, None, None]] | None) -> None:
    caller.waits = work


def voice_of(recordings: Path | None) -> Voice:
    """With the municipality's recordings; blocks."""
    loaded = load_recordings(recordings)
    for fault in loaded.faults:
        log.warning("rvx-event kind=recording_unused why=%s", fault.replace(" ", "_"))
    return Voice(loaded, Speaker())


def _now() -> float:
    return asyncio.get_running_loop().time()
