"""What who is in a call by `calls` hears when the unit is about to halt: callers who are told something, wait or leave
a message, rooms, and who is held. Who talks from phone to phone is not told: that sound goes on without us."""

from __future__ import annotations

import asyncio

from callcontrol.media.pcm import FRAME_S
from firmware.announcing import Announcing
from firmware.mixing import Mixing
from firmware.onhold import OnHold
from firmware.trunk.words import warning_tone

__all__ = ["LastWords"]


class LastWords:
    """`announcing` None: nothing can be said, and a tone is heard."""

    def __init__(self, on_hold: OnHold, mixing: Mixing, announcing: Announcing | None) -> None:
        self._on_hold = on_hold
        self._mixing = mixing
        self._announcing = announcing
        self._telling = False

    async def tell_power_ends(self) -> int:
        """How many they were, when it has been said, and all that was being left is on the disk. Who asks meanwhile
        tells nobody."""
        if self._telling:
            return 0
        self._telling = True
        try:
            said = [warning_tone()]
            if self._announcing is not None:
                said += await self._announcing.phrase("power_ends")
            until_s = asyncio.get_running_loop().time() + sum(map(len, said)) * FRAME_S
            told = self._on_hold.break_in(said) + self._mixing.break_in(said)
            if self._announcing is not None:
                told += await self._announcing.break_in(said)
            if told:
                await asyncio.sleep(until_s - asyncio.get_running_loop().time())
            return told
        finally:
            self._telling = False
