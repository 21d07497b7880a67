"""What somebody in a call hears from us: a tone, and why it has ended, or is about to."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from callcontrol.media.sounds import Clip
from callcontrol.media.tones import Tone, tone_pcm
from callcontrol.told import one
from firmware.config import Announcing

if TYPE_CHECKING:
    from callcontrol.media.voice import Voice

__all__ = ["Words", "warning_tone"]

BEEPS = 3

log = logging.getLogger("rvx")


class Words:
    """`preempted`: 112 has the line; `power_ends`: the unit is about to halt. Each is the tone alone until the rest is
    loaded, or where nothing can be spoken."""

    def __init__(self, settings: Announcing) -> None:
        self._settings = settings
        self.preempted: Sequence[Clip] = ()
        self.power_ends: Sequence[Clip] = ()

    async def load(self) -> None:
        """To be done beside calls: speech is much to load."""
        tone = warning_tone()
        self.preempted = self.power_ends = [tone]
        if not self._settings.languages:
            return
        try:
            from firmware.announcing import voice_of

            folder = self._settings.recordings
            voice = await asyncio.to_thread(voice_of, Path(folder) if folder else None)
            self.preempted = [tone, *await self._spoken(voice, "cut_for_112")]
            self.power_ends = [tone, *await self._spoken(voice, "power_ends")]
        except Exception:  # a library, a folder, a speaker: the tone is heard without it
            log.exception("rvx-event kind=no_sound")

    async def _spoken(self, voice: Voice, key: str) -> list[Clip]:
        return [clip for language in self._settings.languages for clip in await voice.say(one(key, language), language)]


def warning_tone() -> Clip:
    """Before what breaks into a call."""
    once, again = tone_pcm(Tone.CONGESTION)
    return Clip(once + again * BEEPS)
