"""The shell of the last words (firmware/power/halting.py): tells, flushes, halts, and starts again."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from firmware.power.halting import WAITS_S, Do, Happened, Stage, after

__all__ = ["Ending", "Halted", "given"]

COMMAND_S = 30.0
"""A command that has not ended by then has begun its work."""
AGAIN_S = 10.0
"""After a command that failed."""
WATCHMAN_S = 3.0
HALTED_MAX_BYTES = 4096

log = logging.getLogger("rvx")


class Halted:
    """What the last halt leaves for the next start: that it was one, when, and why."""

    def __init__(self, place: Path) -> None:
        self._place = place

    def write(self, at: datetime, why: str) -> None:
        """On the disk when it returns. Raises OSError."""
        beside = self._place.with_suffix(".new")
        with beside.open("w", encoding="ascii") as file:
            json.dump({"at": at.isoformat(), "why": why}, file)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(self._place)
        folder = os.open(self._place.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    def take(self) -> tuple[datetime, str] | None:
        """What was written, once."""
        try:
            with self._place.open("rb") as file:
                told = json.loads(file.read(HALTED_MAX_BYTES))
            self._place.unlink()
            return datetime.fromisoformat(told["at"]), str(told["why"])[:100]
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def forget(self) -> None:
        with contextlib.suppress(OSError):
            self._place.unlink()


class Ending:
    """`tell` says it to calls and returns when they have heard it and had their time; `carry_on` takes it back;
    `flush` brings to the disk what is to be remembered. `watchman` is told that the machine halts, or does not after
    all: who feeds it, if it listens. `halt`, `restart`: commands, empty for none, which `command` gives. `noted` is
    called with what happens, in a word."""

    def __init__(
        self,
        *,
        tell: Callable[[], Awaitable[None]],
        carry_on: Callable[[], Awaitable[None]],
        flush: Callable[[], Awaitable[None]],
        watchman: Callable[[bool], Awaitable[None]],
        halt: Sequence[str],
        restart: Sequence[str],
        command: Callable[[Sequence[str]], Awaitable[bool]],
        halted: Halted,
        telling_s: float,
        noted: Callable[[str, str], None],
    ) -> None:
        self._tell, self._carry_on, self._flush, self._watchman = tell, carry_on, flush, watchman
        self._halt, self._restart, self._halted = halt, restart, halted
        self._command = command
        self._telling_s = telling_s
        self._noted = noted
        self._work: asyncio.Task[None] | None = None
        self._why = ""
        self.stage = Stage.RUNNING

    def see(self, *, halting: bool, why: str) -> None:
        """Whether a halt is due; to be called at each look."""
        self._why = why or self._why
        self._happened(Happened.HALT if halting else Happened.BACK)

    async def close(self) -> None:
        if self._work is not None:
            self._work.cancel()
            await asyncio.gather(self._work, return_exceptions=True)

    def _happened(self, happened: Happened) -> None:
        stage, do = after(self.stage, happened)
        if stage is not self.stage:
            self._noted(stage.value, self._why)
        self.stage = stage
        if do is not Do.NOTHING:
            if self._work is not None and self._work is not asyncio.current_task():
                self._work.cancel()
            self._work = asyncio.create_task(self._do(do))

    async def _do(self, do: Do) -> None:
        match do:
            case Do.TELL:
                await self._within(self._telling_s, self._tell)
                self._happened(Happened.DONE)
            case Do.FLUSH:
                await self._within(WAITS_S[Stage.FLUSHING], self._flush)
                self._happened(Happened.DONE)
            case Do.HALT:
                with contextlib.suppress(OSError):
                    self._halted.write(datetime.now(UTC), self._why)
                await self._within(WATCHMAN_S, partial(self._watchman, True))
                if self._halt and not await self._command(self._halt):
                    self._halted.forget()
                    await asyncio.sleep(AGAIN_S)
                    self._happened(Happened.FAILED)
            case Do.RESTART:
                self._halted.forget()
                await self._within(WATCHMAN_S, partial(self._watchman, False))
                if not self._halt or not self._restart:
                    self._happened(Happened.DONE)
                elif not await self._command(self._restart):
                    await asyncio.sleep(AGAIN_S)
                    self._happened(Happened.FAILED)
            case Do.CARRY_ON:
                self._halted.forget()
                await self._within(self._telling_s, self._carry_on)

    async def _within(self, most_s: float, work: Callable[[], Awaitable[None]]) -> None:
        """What fails or takes too long holds nothing up."""
        try:
            async with asyncio.timeout(most_s):
                await work()
        except TimeoutError:
            pass
        except Exception as error:
            log.error("rvx-event kind=last_words_fault why=%s", str(error).replace(" ", "_")[:200])


async def given(command: Sequence[str]) -> bool:
    """To the machine; whether it was taken."""
    try:
        process = await asyncio.create_subprocess_exec(
            *command, stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.DEVNULL
        )
        async with asyncio.timeout(COMMAND_S):
            code = await process.wait()
    except TimeoutError:
        return True
    except OSError as error:
        log.error("rvx-event kind=halt_fault why=%s", str(error).replace(" ", "_"))
        return False
    if code:
        log.error("rvx-event kind=halt_fault why=exit_%d", code)
    return code == 0
