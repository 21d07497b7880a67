"""The talk with who listens to a mailbox by telephone: the shell over callcontrol/voicemail.py, turn by turn."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime

from callcontrol.call import Leg, Refused, Switch
from callcontrol.media.phrases import NameOf
from callcontrol.media.sounds import Clip
from callcontrol.media.tones import Tone, ToneSource
from callcontrol.voicemail import Deed, Greets, Menu, Turn, What
from callcontrol.voicemailwords import before, offered
from firmware.mailboxes import Mailboxes
from firmware.messages import Kept, Recording
from firmware.places import Place
from firmware.proving import Proving
from firmware.speaking import Speaking

__all__ = ["Listening", "Waits"]

BEEP_FRAMES = 20
SAVED_WITHIN_S = 5.0
"""Whoever has spoken a greeting waits so long for the disk."""
Waits = Callable[[Callable[[], Coroutine[None, None, None]] | None], None]
"""Told how to go on waiting, once somebody rings, by who may break in upon that; None: nobody rings any more."""

_BUSY = (486, 600)
_OUTSIDE = ("+", "0")
"""Numbers outside begin so: a gateway's callers are as it writes them."""
_KEY_END = "#"
_ON_RECORDING = (What.USE_PERSONAL, What.USE_TEMPORARY, What.FORGET_RECORDING)


class Listening:
    """`pump` sends what was done with a session. `back_at` gives when somebody is back who is away. `leads_out`: who
    calls from outside may call back to outside."""

    def __init__(
        self,
        speaking: Speaking,
        switch: Switch,
        pump: Callable[[], None],
        mailboxes: Mailboxes,
        proving: Proving,
        name_of: NameOf,
        back_at: Callable[[str], datetime | None],
        *,
        leads_out: bool,
    ) -> None:
        self._speaking = speaking
        self._switch = switch
        self._pump = pump
        self._mailboxes = mailboxes
        self._proving = proving
        self._name_of = name_of
        self._back_at = back_at
        self._leads_out = leads_out

    async def run(self, leg: Leg, place: Place, mailbox: str, waits: Waits, *, proved: bool) -> None:
        """To its end, or until it is cancelled, as somebody has answered or the caller is gone. `mailbox`: "" for one
        that the caller is to name. `proved`: it is the caller's own phone."""
        extension = mailbox if proved else await self._proving.extension(leg, place, mailbox)
        mine = None if extension is None else await self._mailboxes.mine(extension)
        if extension is None or mine is None:
            await self._speaking.say(place, await self._speaking.phrase("goodbye" if extension is None else "not_done"))
            self._end(leg)
            return
        visit = _Visit(self, leg, place, extension, waits)
        try:
            await visit.go(Menu(mine))
        finally:
            if visit.recording is not None:  # whoever hangs up has not said that it is to be used
                await asyncio.shield(self._forget(extension, visit.recording))

    def _end(self, leg: Leg) -> None:
        self._switch.end(leg.call, _now_s())
        self._pump()

    async def _forget(self, extension: str, recording: Recording) -> None:
        await asyncio.wrap_future(recording.finish())
        await self._mailboxes.do(extension, Deed(What.FORGET_RECORDING), extension, recording, None)


class _Visit:
    def __init__(self, to: Listening, leg: Leg, place: Place, extension: str, waits: Waits) -> None:
        self._to, self._leg, self._place, self._extension, self._waits = to, leg, place, extension, waits
        self.recording: Recording | None = None
        """A greeting that nobody has decided about."""

    async def go(self, menu: Menu) -> None:
        turn = menu.begin()
        while True:
            if not await self._did(turn):
                turn = menu.failed()
                continue
            if turn.records and not await self._to._mailboxes.room():
                turn = menu.failed()
            elif turn.records:
                turn = menu.recorded(well=await self._record(turn))
            elif turn.calls is not None:
                turn = menu.unanswered(await self._call(turn.calls))
            elif turn.over:
                await self._to._speaking.say(self._place, await self._said(turn))
                self._to._end(self._leg)
                return
            else:
                turn = await self._heard(menu, turn)

    async def _did(self, turn: Turn) -> bool:
        for deed in turn.deeds:
            until = self._to._back_at(self._extension) if deed.what is What.USE_TEMPORARY else None
            by = self._leg.number if self._leg.number == self._extension else f"{self._extension} (PIN)"
            if not await self._to._mailboxes.do(self._extension, deed, by, self.recording, until):
                return False
            if deed.what in _ON_RECORDING:
                self.recording = None
        return True

    async def _heard(self, menu: Menu, turn: Turn) -> Turn:
        """What is said, played and offered, and the key in it."""
        clips = await self._said(turn)
        sound = await self._sound(turn)
        if sound is None:
            return menu.failed()
        offers = await self._to._speaking.said(lambda language: offered(turn, language, self._to._name_of))
        key = await self._to._speaking.asked(self._place, [*clips, *sound, *offers], turn.wait_s)
        return menu.silence() if key is None else menu.key(key)

    async def _sound(self, turn: Turn) -> list[Clip] | None:
        """Of the message or the greeting, where there is to be one; None: it cannot be had."""
        boxes = self._to._mailboxes
        if turn.plays is not None:
            clip = await boxes.message(self._extension, turn.plays)
        elif turn.greets is Greets.RECORDED:
            clip = None if self.recording is None else await boxes.recorded(self.recording)
        elif turn.greets is Greets.IN_FORCE:
            clip = await boxes.greeting(self._extension)
        else:
            return []
        return None if clip is None else [clip]

    async def _said(self, turn: Turn) -> list[Clip]:
        now = datetime.now(UTC)
        return await self._to._speaking.said(lambda language: before(turn, now, language, self._to._name_of))

    async def _record(self, turn: Turn) -> bool:
        speaking, place = self._to._speaking, self._place
        await speaking.asked(place, await self._said(turn), 0.0)
        await place.sound(ToneSource(Tone.RECORDING, BEEP_FRAMES))
        self.recording = recording = self._to._mailboxes.record()
        while (key := await speaking.key_during(place, speaking.hear(place, recording.push))) is not None:
            if key == _KEY_END:
                break
        try:
            kept = await asyncio.wait_for(asyncio.shield(asyncio.wrap_future(recording.finish())), SAVED_WITHIN_S)
        except TimeoutError:
            kept = Kept.LOST
        if kept is not Kept.YES:
            self.recording = None
        return kept is Kept.YES

    async def _call(self, number: str) -> str:
        """Rings whoever has left a message; why that came to nothing, a phrase. Who answers ends this talk."""
        own = self._leg.number == self._extension
        if number.startswith(_OUTSIDE) and not own and not self._to._leads_out:
            return "not_possible"
        if not own:
            self._leg.acts_as = self._extension
        unreached: asyncio.Future[Refused] = asyncio.get_running_loop().create_future()

        def told(refused: Refused) -> None:
            if not unreached.done():
                unreached.set_result(refused)

        self._to._switch.lead_on(self._leg, (number,), _now_s(), told)
        self._to._pump()
        self._waits(lambda: self._rings(unreached))
        words = await self._rung(unreached)
        self._waits(None)
        return words

    async def _rung(self, unreached: asyncio.Future[Refused]) -> str:
        ringing = asyncio.ensure_future(self._place.sound(ToneSource(Tone.RINGING)))
        try:
            refused = await asyncio.shield(unreached)
        finally:
            ringing.cancel()
        return "number_busy" if refused.status in _BUSY else "nobody_answers"

    async def _rings(self, unreached: asyncio.Future[Refused]) -> None:
        """After somebody has broken in upon that: what comes of it ends the call."""
        words = await self._rung(unreached)
        await self._to._speaking.say(self._place, await self._to._speaking.phrase(words))
        self._to._end(self._leg)


def _now_s() -> float:
    return asyncio.get_running_loop().time()
