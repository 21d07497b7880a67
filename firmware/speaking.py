"""What the unit says in a call that it has answered, and the keys that are pressed meanwhile.

A shell over callcontrol.media, as `places` is; who speaks, and what, is `announcing`'s and `greeting`'s."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Sequence
from functools import partial

from callcontrol.greeted import Keypad
from callcontrol.media.phrases import Sentence
from callcontrol.media.sounds import Clip
from callcontrol.media.voice import PAUSE, Voice
from callcontrol.told import one
from firmware.places import Place

__all__ = ["Speaking"]

FAREWELL_S = 10.0
"""The longest that a farewell may take."""
BETWEEN_KEYS_S = 3.0
"""For the next digit."""


class Speaking:
    def __init__(self, voice: Voice, languages: Sequence[str]) -> None:
        self._voice = voice
        self._languages = languages

    async def said(self, words: Callable[[str], Sequence[Sentence]]) -> list[Clip]:
        """In all languages, one after the other."""
        return [clip for language in self._languages for clip in await self._voice.say(words(language), language)]

    async def phrase(self, key: str) -> list[Clip]:
        return await self.said(partial(one, key))

    async def say(self, place: Place, clips: Sequence[Clip]) -> None:
        """Whatever is pressed."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(place.play(clips), FAREWELL_S)

    async def asked(self, place: Place, clips: Sequence[Clip], then_s: float) -> str | None:
        """The first key, while that is said or for so long after it."""
        key = await self.key_during(place, place.play(clips))
        return await self.key_during(place, self.quiet(place, then_s)) if key is None and then_s else key

    async def pressed(self, place: Place, clips: Sequence[Clip], then_s: float, keypad: Keypad) -> None:
        """The same, of all that belongs together."""
        key = await self.asked(place, clips, then_s)
        while key is not None and not keypad.press(key):
            key = await self.key_during(place, self.quiet(place, BETWEEN_KEYS_S))

    async def quiet(self, place: Place, for_s: float | None = None) -> None:
        """Silence that is sent: a line on which nothing comes is a broken one to many phones, which hang up."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(place.play([PAUSE], again=True), for_s)

    async def hear(self, place: Place, push: Callable[[bytes], object]) -> None:
        """What comes, to its end, while silence is sent."""
        quiet = asyncio.ensure_future(self.quiet(place))
        try:
            await place.listen(push)
        finally:
            quiet.cancel()

    async def key_during(self, place: Place, work: object) -> str | None:
        """The first key that is pressed before `work` is done."""
        working = asyncio.ensure_future(work)  # type: ignore[call-overload]
        pressing = asyncio.ensure_future(place.keys.get())
        try:
            await asyncio.wait((working, pressing), return_when=asyncio.FIRST_COMPLETED)
            return pressing.result() if pressing.done() else None
        finally:
            working.cancel()
            pressing.cancel()
