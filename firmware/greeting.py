"""The talk with who calls a SIM: a greeting, an extension by its digits, else the reception; and for who proves to be
one of ours a number outside (callcontrol.greeted)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from datetime import UTC, datetime
from functools import partial

from callcontrol.call import Leg, Refused, Switch
from callcontrol.greeted import DIGITS_MAX, Greeted, Keypad
from callcontrol.media.phrases import Sentence
from callcontrol.media.sounds import Clip
from callcontrol.media.tones import Tone, ToneSource
from callcontrol.plan.pins import PIN_MAX
from callcontrol.told import Told
from firmware.pins import Pins
from firmware.places import Place
from firmware.speaking import Speaking

__all__ = ["Greeting", "Waits"]

NUMBERS_MAX = 2
"""That a caller from outside may press, then the reception rings."""
PINS_MAX = 3
"""That a caller may try in one call."""
NUMBER_MAX = 20
"""Digits of a number outside, with all that stands before it."""
CHOICE_S = 3.0
"""For a key, after the greeting was said."""
ENTRY_S = 10.0
"""The same, after something was asked for."""

Waits = Callable[[Callable[[], Coroutine[None, None, None]]], None]
"""Told how to go on waiting, once somebody rings, by who may break in upon that."""

_BUSY = (486, 600)


class Greeting:
    """`pump` sends what was done with a session; `led_out` says what becomes of a number that an extension dials from
    outside (callcontrol.greeted)."""

    def __init__(
        self,
        speaking: Speaking,
        switch: Switch,
        pump: Callable[[], None],
        pins: Pins,
        led_out: Callable[[str, str], Told],
    ) -> None:
        self._speaking = speaking
        self._switch = switch
        self._pump = pump
        self._pins = pins
        self._led_out = led_out

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
            if numbers := greeted.reached(keypad.digits):
                await self._lead_on(leg, place, tuple(dict.fromkeys((*numbers, *greeted.next))), waits)
                return
            said = await self._speaking.phrase("unknown")
        await self._lead_on(leg, place, greeted.next, waits)

    async def _out(self, leg: Leg, place: Place, waits: Waits) -> None:
        extension = await self._proved(leg, place)
        if extension is None:
            await self._end(leg, place, "goodbye")
            return
        number = await self._entry(place, "enter_number", NUMBER_MAX)
        told = self._led_out(extension, number)
        if told.said or told.instead is None:
            await self._speaking.say(place, await self._speaking.said(partial(_why, told)))
        if told.instead is None:
            await self._end(leg, place, "goodbye")
            return
        leg.acts_as = extension
        await self._lead_on(leg, place, (told.instead,), waits)

    async def _proved(self, leg: Leg, place: Place) -> str | None:
        """The extension whose PIN the caller knows; what was wrong, the extension or the PIN, is not said."""
        before: list[Clip] = []
        for _ in range(PINS_MAX):
            if not await self._pins.may_try(leg.number):
                return None
            extension = await self._entry(place, "enter_extension", DIGITS_MAX, before)
            pin = await self._entry(place, "enter_pin", PIN_MAX) if extension else ""
            if not pin:
                return None
            quiet = asyncio.ensure_future(self._speaking.quiet(place))
            try:
                proved = await self._pins.proves(leg.number, extension, pin)
            finally:
                quiet.cancel()
            if proved:
                return extension
            before = await self._speaking.phrase("wrong_pin")
        return None

    async def _entry(self, place: Place, asked_for: str, longest: int, before: Sequence[Clip] = ()) -> str:
        keypad = Keypad(longest)
        said = (*before, *await self._speaking.phrase(asked_for))
        await self._speaking.pressed(place, said, ENTRY_S, keypad)
        return keypad.digits

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
