"""The processes of a unit, kept up on a laptop as systemd keeps them up on the unit itself.

Each is a group of its own: it is started, watched, started again with growing pauses, and ended whole. Nothing that we
did not start is ever ended."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Program", "Supervisor", "end_own_leftover"]

BACKOFF_FIRST_S = 0.2
BACKOFF_MAX_S = 30.0
STEADY_S = 10.0
"""A process that lived this long starts with the first pause again; one that then ended in good order, with none."""
TERM_S = 5.0
"""A process that was asked to end gets this long before it is made to."""
LOG_BYTES_MAX = 8 << 20
"""A program's log is emptied when it has grown past this."""


@dataclass(frozen=True)
class Program:
    """`log`, if given, takes both outputs of the program; `before` is called before each start."""

    name: str
    command: Sequence[str]
    log: Path | None = None
    before: Callable[[], None] | None = None


class Supervisor:
    """Keeps programs up until `stop`. `tell(name, word, detail)` hears: started, ended, failed."""

    def __init__(self, programs: Sequence[Program], tell: Callable[[str, str, str], None]) -> None:
        self._programs = programs
        self._tell = tell
        self._changed = asyncio.Event()
        self._soon = asyncio.Event()  # of who pauses before the next start
        self._stopping = False
        self._tasks: dict[str, asyncio.Task[None]] = {}  # in the order of their start

    async def run(self) -> None:
        """Until `stop`; then all programs are ended, in the reverse order of their start."""
        while True:
            self._changed.clear()
            names = {program.name for program in self._programs}
            await self._end([name for name in self._tasks if self._stopping or name not in names])
            if self._stopping:
                return
            for program in self._programs:
                if program.name not in self._tasks:
                    self._tasks[program.name] = asyncio.create_task(self._keep(program))
            await self._changed.wait()

    def set(self, programs: Sequence[Program]) -> None:
        """From now on it keeps these up: those that are not among them end, those that run go on as they are, and those
        that pause are started now, as what kept them from it may be gone."""
        self._programs = programs
        self._changed.set()
        self._soon.set()
        self._soon = asyncio.Event()

    def stop(self) -> None:
        self._stopping = True
        self._changed.set()

    async def _end(self, names: Sequence[str]) -> None:
        for name in reversed(names):
            task = self._tasks.pop(name)
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task

    async def _keep(self, program: Program) -> None:
        pause_s = BACKOFF_FIRST_S
        while True:
            began, orderly = time.monotonic(), False
            try:
                if program.before is not None:
                    program.before()
                process = await _start(program)
            except Exception as error:  # whatever stops a start is told, and tried again
                self._tell(program.name, "failed", str(error))
            else:
                self._tell(program.name, "started", str(process.pid))
                try:
                    code = await process.wait()
                    self._tell(program.name, "ended", str(code))
                    orderly = code == 0
                finally:
                    await asyncio.shield(_end_group(process))
            if time.monotonic() - began > STEADY_S:
                pause_s = BACKOFF_FIRST_S
                if orderly:
                    continue
            try:
                await asyncio.wait_for(self._soon.wait(), pause_s)
                pause_s = BACKOFF_FIRST_S
            except TimeoutError:
                pause_s = min(BACKOFF_MAX_S, pause_s * 2)


async def _start(program: Program) -> asyncio.subprocess.Process:
    output: int | None = None
    if program.log is not None:
        # Appended to, so that it can be emptied while the program writes.
        output = os.open(program.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        if os.fstat(output).st_size > LOG_BYTES_MAX:
            os.ftruncate(output, 0)
    try:
        return await asyncio.create_subprocess_exec(
            *program.command, stdin=asyncio.subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True
        )
    finally:
        if output is not None:
            os.close(output)


async def _end_group(process: asyncio.subprocess.Process) -> None:
    """The process and all that it started; they share its group, of which it was the first."""
    if process.returncode is None:
        _signal_group(process.pid, signal.SIGTERM)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(process.wait(), TERM_S)
    _signal_group(process.pid, signal.SIGKILL)
    await process.wait()


def _signal_group(group: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(group, number)


def end_own_leftover(pid_file: Path, mark: str) -> int | None:
    """Ends the process that `pid_file` names, where its command line holds `mark`: ours, left by a supervisor that was
    killed. Gives its process id, or None when there was none."""
    try:
        pid = int(pid_file.read_text("ascii").strip())
        command = Path(f"/proc/{pid}/cmdline").read_bytes().decode("utf-8", "replace")
        group = os.getpgid(pid)
    except (OSError, ValueError):
        return None
    if mark not in command:
        return None
    for number in (signal.SIGTERM, signal.SIGKILL):
        _signal_group(group, number)
        deadline = time.monotonic() + TERM_S
        while time.monotonic() < deadline:
            if not Path(f"/proc/{pid}").exists():
                return pid
            time.sleep(0.05)
    return pid
