"""Who calls proves by keys to be one of ours: an extension, where that is not known, and its PIN."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Protocol

from callcontrol.call import Leg
from callcontrol.greeted import DIGITS_MAX, Keypad
from callcontrol.media.sounds import Clip
from callcontrol.plan.pins import PIN_MAX
from firmware.places import Place
from firmware.speaking import Speaking

__all__ = ["PINS_MAX", "Proves", "Proving"]

PINS_MAX = 3
"""That a caller may try in one call."""
ENTRY_S = 10.0
"""For a key, after something was asked for."""


class Proves(Protocol):
    """By which PINs are judged; how often is its own matter."""

    async def may_try(self, caller: str) -> bool: ...
    async def proves(self, caller: str, extension: str, pin: str) -> bool: ...


class Proving:
    def __init__(self, speaking: Speaking, pins: Proves) -> None:
        self._speaking = speaking
        self._pins = pins

    async def extension(self, leg: Leg, place: Place, known: str = "") -> str | None:
        """The extension whose PIN the caller knows, `known` if that is given; what was wrong, the extension or the PIN,
        is not said."""
        before: list[Clip] = []
        for _ in range(PINS_MAX):
            if not await self._pins.may_try(leg.number):
                return None
            extension = known or await self.entry(place, "enter_extension", DIGITS_MAX, before)
            pin = await self.entry(place, "enter_pin", PIN_MAX, before if known else ()) if extension else ""
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

    async def entry(self, place: Place, asked_for: str, longest: int, before: Sequence[Clip] = ()) -> str:
        """The digits of it."""
        keypad = Keypad(longest)
        said = (*before, *await self._speaking.phrase(asked_for))
        await self._speaking.pressed(place, said, ENTRY_S, keypad)
        return keypad.digits
