"""Waiting in step (drivers/pace.py)."""

from __future__ import annotations

import asyncio

from drivers.pace import left_s

__all__ = ["tick"]


async def tick(every_s: float) -> None:
    """Until the next turn, by the loop's clock, which all processes of a machine share."""
    await asyncio.sleep(left_s(asyncio.get_running_loop().time(), every_s))
