"""Answers a call with sound: says why nobody takes it and until when, hears a key, and leads on (callcontrol.told).

A shell over `call.Switch` and callcontrol.media, which is much to load: `leading` does so beside the calls. Where a
call has no sound in common with us, or there is no room for one more, it is refused in words on its display.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from callcontrol.call import CallEvent, Happened, Leg, Switch
from callcontrol.media.phrases import NameOf
from callcontrol.media.sounds import Clip
from callcontrol.media.speech import Speaker
from callcontrol.media.tones import Tone, ToneSource
from callcontrol.media.voice import PAUSE, Voice, load_recordings
from callcontrol.sip.events import Invited
from callcontrol.told import KEY_AGAIN, Told
from firmware.places import NoPlace, Place, Places

__all__ = ["Announcing", "voice_of"]

TOLD_TIMES = 2
AGAIN_MAX = 10
"""Times in all, for who asks for it again and again."""
CHOICE_S = 3.0
"""For a key, after all was said."""
FAREWELL_S = 10.0
"""The longest that a farewell may take."""

log = logging.getLogger("rvx")


@dataclass(eq=False)
class _Caller:
    """One call, from its INVITE until somebody has answered it or it is over."""

    told: Told
    place: Place
    leg: Leg | None = None
    task: asyncio.Task[None] | None = None


class Announcing:
    """`pump` sends what was done with a session. `name_of` gives the spoken name of an extension."""

    def __init__(
        self,
        switch: Switch,
        pump: Callable[[], None],
        name_of: NameOf,
        languages: Sequence[str],
        voice: Voice,
        places: Places,
    ) -> None:
        self._switch = switch
        self._pump = pump
        self._name_of = name_of
        self._languages = languages
        self._voice = voice
        self._places = places
        self._callers: set[_Caller] = set()

    def takes(self, invited: Invited) -> bool:
        """Whether there is sound for this call; only one that has offered some is answered."""
        return bool(invited.offer) and bool(self._places.room)

    async def take(self, invited: Invited, caller: str, told: Told) -> bool:
        """Answers and begins to tell. False: not answered, as there is nothing in common, or nothing to be heard."""
        try:
            one = _Caller(told, await self._places.open(invited.offer))
        except NoPlace as why:
            log.warning("rvx-event kind=unspoken why=%s", str(why).replace(" ", "_"))
            return False
        try:
            said, farewell = await self._clips(told)
            if any(clip is not PAUSE for clip in said):  # else nothing is recorded, and nothing can be spoken
                one.leg = self._switch.answer(invited, caller, one.place.answer, _now())
                self._pump()
        finally:
            if one.leg is None:
                one.place.close()
        if one.leg is None:
            return False
        self._callers.add(one)
        one.task = asyncio.create_task(self._tell(one, said, farewell))
        one.task.add_done_callback(partial(self._ended, one.leg))
        return True

    def saw(self, event: CallEvent) -> None:
        """What the switch says: who has been answered by somebody, and who is gone, hears nothing more."""
        if event.what in (Happened.CONNECTED, Happened.OVER):
            for caller in [each for each in self._callers if each.leg is not None and each.leg.call is event.call]:
                self._close(caller)

    def _ended(self, leg: Leg, task: asyncio.Task[None]) -> None:
        """A fault of ours leaves nobody in silence."""
        if not task.cancelled() and (fault := task.exception()) is not None:
            log.error("rvx-event kind=fault of=announcing", exc_info=fault)
            self._switch.end(leg.call, _now())
            self._pump()

    def close(self) -> None:
        for caller in list(self._callers):
            self._close(caller)

    def _close(self, caller: _Caller) -> None:
        self._callers.discard(caller)
        if caller.task is not None:
            caller.task.cancel()
        caller.place.close()

    # ---- what is said

    async def _clips(self, told: Told) -> tuple[list[Clip], list[Clip]]:
        """What is told, and the farewell."""
        now = datetime.now(UTC)
        said, farewell = [], []
        for language in self._languages:
            said += await self._voice.say(told.reasons(now, language, self._name_of), language)
        for language in self._languages:
            said += await self._voice.say(told.choices(language, self._name_of), language)
            farewell += await self._voice.say(told.farewell(language), language)
        return said, farewell

    async def _tell(self, caller: _Caller, said: list[Clip], farewell: list[Clip]) -> None:
        keys, times = caller.told.keys, 0
        chosen: list[str] = []
        for _ in range(AGAIN_MAX):
            key = await self._key_during(caller, caller.place.play(said))
            if key is None and keys:
                key = await self._key_during(caller, asyncio.sleep(CHOICE_S))
            if key in keys:
                chosen = [keys[key], *(number for number in caller.told.next if number != keys[key])]
            times += 0 if key == KEY_AGAIN else 1
            if chosen or not keys or times >= TOLD_TIMES:
                break
        leg = caller.leg
        assert leg is not None
        numbers = chosen or list(caller.told.next)
        if not chosen:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(caller.place.play(farewell), FAREWELL_S)
        if not numbers:
            self._switch.end(leg.call, _now())
            self._pump()
            return
        self._switch.lead_on(leg, numbers, _now())
        self._pump()
        # What a caller expects to hear while it rings elsewhere; until it is closed.
        await caller.place.sound(ToneSource(Tone.RINGING))

    async def _key_during(self, caller: _Caller, work: object) -> str | None:
        """The first key that is pressed before `work` is done."""
        working = asyncio.ensure_future(work)  # type: ignore[call-overload]
        pressing = asyncio.ensure_future(caller.place.keys.get())
        try:
            await asyncio.wait((working, pressing), return_when=asyncio.FIRST_COMPLETED)
            return pressing.result() if pressing.done() else None
        finally:
            working.cancel()
            pressing.cancel()


def voice_of(recordings: Path | None) -> Voice:
    """With the municipality's recordings; blocks."""
    loaded = load_recordings(recordings)
    for fault in loaded.faults:
        log.warning("rvx-event kind=recording_unused why=%s", fault.replace(" ", "_"))
    return Voice(loaded, Speaker())


def _now() -> float:
    return asyncio.get_running_loop().time()
