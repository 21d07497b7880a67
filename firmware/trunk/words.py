"""What who was cut off hears: a tone, and why."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from pathlib import Path

from callcontrol.media.sounds import Clip
from callcontrol.media.tones import Tone, tone_pcm
from callcontrol.told import one
from firmware.config import Announcing

__all__ = ["Words"]

BEEPS = 3

log = logging.getLogger("rvx")


class Words:
    """`preempted`: the tone alone until the rest is loaded, or where nothing can be spoken."""

    def __init__(self, settings: Announcing) -> None:
        self._settings = settings
        self.preempted: Sequence[Clip] = ()

    async def load(self) -> None:
        """To be done beside calls: speech is much to load."""
        once, again = tone_pcm(Tone.CONGESTION)
        tone = Clip(once + again * BEEPS)
        self.preempted = [tone]
        if not self._settings.languages:
            return
        try:
            from firmware.announcing import voice_of

            folder = self._settings.recordings
            voice = await asyncio.to_thread(voice_of, Path(folder) if folder else None)
            said = [
                clip
                for language in self._settings.languages
                for clip in await voice.say(one("cut_for_112", language), language)
            ]
        except Exception:  # a library, a folder, a speaker: the tone is heard without it
            log.exception("rvx-event kind=no_sound")
            return
        self.preempted = [tone, *said]
