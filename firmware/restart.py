"""Restarting the edge in good order: what runs is let come to its end first, for a while; calls that are up need no
process at all, and go on (their sound runs from phone to phone, and the edge knows their requests by its key)."""

from __future__ import annotations

import asyncio
import time

from callcontrol.edge.rpc import EdgeError, EdgeRpc, EdgeUnreachable

__all__ = ["drained"]

LOOK_EVERY_S = 0.05


async def drained(edge: EdgeRpc, patience_s: float) -> int | None:
    """Wait until the edge has no transaction under way, `patience_s` at most. Gives how many it had at the end, None
    when it does not answer. Those that remain are calls that ring: the answer of the phone still reaches the caller, as
    what has no transaction is passed on by its Via (RFC 3261 §16.11)."""
    until = time.monotonic() + patience_s
    while True:
        try:
            found = await edge.call("tm.stats")
        except (EdgeUnreachable, EdgeError):
            return None
        # Those that wait have been answered; they are kept for late retransmissions only.
        running = int(found["current"]) - int(found["waiting"])
        if running <= 0 or time.monotonic() >= until:
            return max(0, running)
        await asyncio.sleep(LOOK_EVERY_S)
