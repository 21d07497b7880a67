"""A calendar is read by a child process (reading.py), within bounds that are kept from outside too."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from collections import Counter
from datetime import datetime

from callcontrol.plan.agenda import Entry, Passed
from firmware.calendars.answer import Exit, from_answer

__all__ = ["NotRead", "read_apart"]

WALL_S = 60.0
"""More than its CPU_S, on a machine that has other things to do."""
ANSWER_MAX = 8 << 20
_KEPT = ("PATH", "LANG", "LC_ALL", "PYTHONDONTWRITEBYTECODE")


class NotRead(Exception):
    """`fault` is a key of the catalogue's part `calendar`."""

    def __init__(self, fault: str) -> None:
        super().__init__(fault)
        self.fault = fault


async def read_apart(body: bytes, now: datetime, *, wall_s: float = WALL_S) -> tuple[list[Entry], Counter[Passed]]:
    """The entries from `now` on, and what says nothing already here by why. Raises NotRead."""
    child = await asyncio.create_subprocess_exec(
        *(sys.executable, "-P", "-m", "firmware.calendars.reading", now.isoformat()),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,  # a traceback would say what stands in the calendar
        env={name: os.environ[name] for name in _KEPT if name in os.environ},
    )
    try:
        async with asyncio.timeout(wall_s):
            answer = await _asked(child, body)
            code = await child.wait()
    except TimeoutError:
        raise NotRead("too_heavy") from None
    finally:
        if child.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                child.kill()
            await child.wait()
    if code in (Exit.TOO_HEAVY, -signal.SIGXCPU, -signal.SIGKILL):
        raise NotRead("too_heavy")
    if code == Exit.NOT_CALENDAR:
        raise NotRead("not_calendar")
    try:
        if code == Exit.READ:
            return from_answer(answer)
    except (ValueError, KeyError, TypeError):
        pass
    raise NotRead("broken")


async def _asked(child: asyncio.subprocess.Process, body: bytes) -> bytes:
    """Writes and reads at once, so that neither waits for the other for ever."""
    to_child, from_child = child.stdin, child.stdout
    if to_child is None or from_child is None:
        raise AssertionError("pipes were asked for")

    async def give() -> None:
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            to_child.write(body)
            await to_child.drain()
            to_child.close()

    async def take() -> bytes:
        answer = bytearray()
        while chunk := await from_child.read(1 << 16):
            answer += chunk
            if len(answer) > ANSWER_MAX:
                child.kill()
                break
        return bytes(answer)

    _, answer = await asyncio.gather(give(), take())
    return answer
