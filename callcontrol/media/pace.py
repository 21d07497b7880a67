"""The time of frames: each 20 ms by the loop's clock, without drift."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from callcontrol.media.pcm import FRAME_S

__all__ = ["BEHIND_MAX_S", "turns"]

BEHIND_MAX_S = 0.2
"""Who is further behind than this begins anew from now: who was held up must not send a burst."""


async def turns() -> AsyncIterator[float]:
    """The time of each frame, for who keeps the time of a leg that is decoded."""
    loop = asyncio.get_running_loop()
    turn = loop.time()
    while True:
        yield turn
        turn += FRAME_S
        now = loop.time()
        if now - turn > BEHIND_MAX_S:  # the loop stood still: what came meanwhile is the playout's to judge
            turn = now
        await asyncio.sleep(turn - now)
