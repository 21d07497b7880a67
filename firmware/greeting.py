"""The talk with who calls a SIM: a greeting, an extension by its digits, else the reception; and for who proves to be
one of ours a number outside (callcontrol.greeted)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import partial

from callcontrol.call import Leg, Refused, Switch
from callcontrol.greeted import Greeted, Keypad
from callcontrol.media.phrases import Sentence
from callcontrol.media.sounds import Clip
from callcontrol.media.tones import Tone, ToneSource
from callcontrol.told import Told
from firmware.listening import Listening, Waits
from firmware.places import Place
from firmware.proving import Proving
from firmware.speaking import Speaking

__all__ = ["Greeting"]

NUMBERS_MAX = 2
"""That a caller from outside may press, then the reception rings."""
NUMBER_MAX = 20
"""Digits of a number outside, with all that stands before it."""
CHOICE_S = 3.0
"""For a key, after the greeting was said."""

_BUSY = (486, 600)


class Greeting:
    """`pump` sends what was done with a session; `led_out` says what becomes of a number that an extension dials from
    outside (callcontrol.greeted)."""

    def __init__(
        self,
        speaking: Speaking,
        switch: Switch,
        pump: Callable[[], None],
        led_out: Callable[[str, str], Told],
        proving: Proving,
        listening: Listening,
    ) -> None:
        self._speaking = speaking
        self._switch = switch
        self._pump = pump
        self._led_out = led_out
        self._proving = proving
        self._listening = listening

    async def run(self, leg: Leg, place: Place, said: Sequence[Clip], greeted: Greeted, waits: Waits) -> None:
        """To its end, or until it is cancelled, as somebody has answered or the caller is gone."""
        for _ in range(NUMBERS_MAX):
            keypad = Keypad(greeted.longest, leads_out=greeted.leads_out)
            await self._speaking.pressed(place, said, CHOICE_S, keypad)
            if keypad.out:
                await self._out(leg, place, waits)
                return
            if not keypad.digits:
                break
            if keypad.digits == greeted.voicemail:
                await self._listening.run(leg, place, "", waits, proved=False)
                return
            if numbers := greeted.reached(keypad.digits):
                await self._lead_on(leg, place, tuple(dict.fromkeys((*numbers, *greeted.next))), waits)
                return
            said = await self._speaking.phrase("unknown")
        if greeted.next:
            await self._lead_on(leg, place, greeted.next, waits)
        else:
            await self._end(leg, place, "goodbye")

    async def _out(self, leg: Leg, place: Place, waits: Waits) -> None:
        extension = await self._proving.extension(leg, place)
        if extension is None:
            await self._end(leg, place, "goodbye")
            return
        await self.out(leg, place, extension, waits)

    async def out(self, leg: Leg, place: Place, extension: str, waits: Waits) -> None:
        """Asks who has proved to have that extension for a number outside, and leads him there as it may."""
        number = await self._proving.entry(place, "enter_number", NUMBER_MAX)
        told = self._led_out(extension, number)
        if told.said or told.instead is None:
            await self._speaking.say(place, await self._speaking.said(partial(_why, told)))
        if told.instead is None:
            await self._end(leg, place, "goodbye")
            return
        leg.acts_as = extension
        await self._lead_on(leg, place, (told.instead,), waits)

    async def _lead_on(self, leg: Leg, place: Place, numbers: Sequence[str], waits: Waits) -> None:
        """Who answers has the call; where nobody does the caller hears so."""
        unreached: asyncio.Future[Refused] = asyncio.get_running_loop().create_future()

        def told(refused: Refused) -> None:
            if not unreached.done():
                unreached.set_result(refused)

        self._switch.lead_on(leg, numbers, asyncio.get_running_loop().time(), told)
        self._pump()
        waits(lambda: self._rung(leg, place, unreached))
        await self._rung(leg, place, unreached)

    async def _rung(self, leg: Leg, place: Place, unreached: asyncio.Future[Refused]) -> None:
        """What a caller expects to hear while it rings elsewhere, until nobody has answered."""
        ringing = asyncio.ensure_future(place.sound(ToneSource(Tone.RINGING)))
        try:
            refused = await asyncio.shield(unreached)
        finally:
            ringing.cancel()
        await self._end(leg, place, "number_busy" if refused.status in _BUSY else "nobody_answers")

    async def _end(self, leg: Leg, place: Place, words: str) -> None:
        await self._speaking.say(place, await self._speaking.phrase(words))
        self._switch.end(leg.call, asyncio.get_running_loop().time())
        self._pump()


def _why(told: Told, language: str) -> list[Sentence]:
    """Of a number outside, which is nobody's whose name we know."""
    return told.reasons(datetime.now(UTC), language, lambda _: None)
