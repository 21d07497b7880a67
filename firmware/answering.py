"""Answers people, and the other processes of this unit: one JSON object is asked, one answered, over a Unix socket."""

from __future__ import annotations

import asyncio
import json
import logging
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

__all__ = ["ASKED_MAX_BYTES", "serving"]

ASKED_MAX_BYTES = 4096
READ_S = 5.0

log = logging.getLogger("rvx")

Answering = Callable[[dict[str, Any]], Awaitable[dict[str, Any]]]


@asynccontextmanager
async def serving(place: Path, answer: Answering) -> AsyncIterator[None]:
    """At `place` while it lasts. `answer` is given what was asked; whatever it raises is told as a fault of ours. Where
    nothing can be had there, nobody is answered, and calls go on."""

    async def came(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async with asyncio.timeout(READ_S):
                line = await reader.readline()
            asked = json.loads(line)
            said = await answer(asked) if isinstance(asked, dict) else {"error": "no object"}
            writer.write(json.dumps(said, ensure_ascii=False).encode())
            async with asyncio.timeout(READ_S):
                await writer.drain()
        except (TimeoutError, ValueError, OSError) as error:
            log.info("rvx-event kind=asked_unread why=%s", type(error).__name__)
        except Exception as fault:
            log.error("rvx-event kind=fault of=answering", exc_info=fault)
        finally:
            writer.close()

    try:
        with suppress(FileNotFoundError):
            os.unlink(place)
        server = await asyncio.start_unix_server(came, place, limit=ASKED_MAX_BYTES)
        os.chmod(place, 0o600)
    except OSError as error:
        log.error("rvx-event kind=unasked place=%s why=%s", place.name, error.strerror)
        yield
        return
    try:
        yield
    finally:
        server.close()
        with suppress(FileNotFoundError):
            os.unlink(place)
