"""Tells the board's microcontroller that the machine halts: it then holds the supply until that is done, and gives it
again when mains is back (board/mcu). By the socket of the process `heart`, which alone holds its port."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

__all__ = ["WITHIN_S", "tell_watchman"]

WITHIN_S = 120
"""A halt takes less; after it the supply is cut where nothing of the machine lives, whether or not it has said so."""
ANSWER_MAX_BYTES = 4096
LINES_MAX = 100
"""Of telemetry, that may come before the answer."""


class WatchmanError(Exception):
    """It did not take it."""


async def tell_watchman(place: Path, *, halts: bool) -> None:
    """Until it has answered. Raises OSError, ValueError, WatchmanError."""
    reader, writer = await asyncio.open_unix_connection(place, limit=ANSWER_MAX_BYTES)
    try:
        what = {"id": 1, "do": "halt", "within_s": WITHIN_S} if halts else {"id": 1, "do": "cancel"}
        writer.write(json.dumps(what).encode() + b"\n")
        for _ in range(LINES_MAX):
            line = await reader.readline()
            said = json.loads(line) if line else {"id": 1, "answer": "gone"}
            if isinstance(said, dict) and said.get("id") == 1:
                if said.get("answer") != "done":
                    raise WatchmanError(str(said.get("answer"))[:40])
                return
        raise WatchmanError("no answer")
    finally:
        writer.close()
