"""What `unit` knows of the process `trunk`: asked on its socket now and then, for the one snapshot."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from pathlib import Path

from firmware.status import Trunk
from firmware.statusread import StatusError, trunk_of
from firmware.ticks import tick

__all__ = ["Asked", "tell_power_ends"]

ASK_EVERY_S = 5.0
ANSWER_S = 2.0
START_S = 15.0
"""Before that a process that does not answer may only not have begun."""
TOLD_S = 20.0
"""Callers have heard it by then."""
ANSWER_MAX_BYTES = 1 << 20


class Asked:
    """`run` never returns. `seen` holds what was last said; of a silent process nothing is said of its modems."""

    def __init__(self, place: Path) -> None:
        self._place = place
        self.seen = Trunk()

    async def run(self) -> None:
        began = asyncio.get_running_loop().time()
        while True:
            try:
                async with asyncio.timeout(ANSWER_S):
                    self.seen = trunk_of(json.loads(await self._ask()))
            except (OSError, ValueError, RecursionError, StatusError):
                silent = asyncio.get_running_loop().time() - began > START_S or self.seen.process is not None
                self.seen = Trunk(process=False if silent else None)
            else:
                self.seen = replace(self.seen, process=True)
            await tick(ASK_EVERY_S)

    async def _ask(self) -> bytes:
        return await _ask(self._place, b'{"do": "status"}\n')


async def tell_power_ends(place: Path) -> int:
    """Have `trunk` or `calls`, whose socket that is, say to all whose sound passes it that their call ends soon; how
    many have heard it. Raises OSError, TimeoutError, ValueError."""
    async with asyncio.timeout(TOLD_S):
        said = json.loads(await _ask(place, b'{"do": "tell_power_ends"}\n'))
    told = said.get("told") if isinstance(said, dict) else None
    if not isinstance(told, int):
        raise ValueError("no answer")
    return told


async def _ask(place: Path, line: bytes) -> bytes:
    reader, writer = await asyncio.open_unix_connection(place)
    try:
        writer.write(line)
        return await _whole(reader)
    finally:
        writer.close()


async def _whole(reader: asyncio.StreamReader) -> bytes:
    said = b""
    while part := await reader.read(1 << 16):
        said += part
        if len(said) > ANSWER_MAX_BYTES:
            raise ValueError("the answer does not end")
    return said
