"""How the unit is, as its own process says: for other processes of it."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

from firmware.status import Status
from firmware.statusread import StatusError, read_status

__all__ = ["status_of"]

TIMEOUT_S = 2.0
ANSWER_BYTES_MAX = 1 << 20
"""A status is some kilobytes."""


async def status_of(place: Path) -> Status | None:
    """None: `unit` does not answer, or nothing that can be understood."""
    try:
        async with asyncio.timeout(TIMEOUT_S):
            reader, writer = await asyncio.open_unix_connection(place, limit=ANSWER_BYTES_MAX)
            try:
                return read_status(json.loads(await _whole(reader)))
            finally:
                writer.close()
    except (OSError, TimeoutError, ValueError, RecursionError, StatusError):
        return None


async def _whole(reader: asyncio.StreamReader) -> bytes:
    said = b""
    while len(said) < ANSWER_BYTES_MAX and (more := await reader.read(ANSWER_BYTES_MAX - len(said))):
        said += more
    return said
