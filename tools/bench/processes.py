"""What programs cost: CPU seconds and memory of process trees, as Linux counts them.

CPU time is that of each process's own clock (clock_getcpuclockid(3)), threads that have ended included, to the
nanosecond: the 10 ms ticks of /proc/PID/stat are too coarse for thirty processes that sleep. What interrupts do on a
process's time is counted as its own.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

__all__ = ["ProcessError", "confined", "cpu_s", "pss_mb", "spent_s", "tree", "urgent", "waited_s"]

PROC = Path("/proc")
CPUCLOCK_SCHED = 2
"""With the process id turned over above it, the kernel's name of a process's CPU clock."""
URGENCY = 1
"""Among real-time priorities the least."""
KB_PER_MB = 1024


class ProcessError(Exception):
    """A process that was being measured is gone, or may not be looked at."""


def tree(*roots: int, proc: Path = PROC) -> frozenset[int]:
    """The processes named and all that descend from them, as they are now."""
    children: dict[int, list[int]] = {}
    for pid in (int(entry.name) for entry in proc.iterdir() if entry.name.isdigit()):
        if (parent := _parent(proc, pid)) is not None:
            children.setdefault(parent, []).append(pid)
    found: set[int] = set()
    waiting = [root for root in roots if (proc / str(root)).exists()]
    while waiting:
        pid = waiting.pop()
        if pid not in found:
            found.add(pid)
            waiting += children.get(pid, [])
    return frozenset(found)


def cpu_s(pids: Iterable[int]) -> dict[int, float]:
    """CPU seconds that each process has used since it began. Raises ProcessError."""
    return {pid: _clock_s(pid) for pid in pids}


def spent_s(before: Mapping[int, float], after: Mapping[int, float]) -> float:
    """CPU seconds between two answers of :func:`cpu_s`. Raises ProcessError when a process ended in between."""
    if gone := before.keys() - after.keys():
        raise ProcessError(f"ended while being measured: {sorted(gone)}")
    return sum(used - before.get(pid, 0.0) for pid, used in after.items())


def waited_s(pids: Iterable[int], proc: Path = PROC) -> float:
    """CPU seconds of all the children that have ended, and their own, in ticks of the kernel's (10 ms). Raises
    ProcessError."""
    return sum(_children_s(proc, pid) for pid in pids)


def pss_mb(pids: Iterable[int], proc: Path = PROC) -> float:
    """Memory in MiB, what several processes share divided among those who share it (PSS). Raises ProcessError."""
    return sum(_pss_kb(proc, pid) for pid in pids) / KB_PER_MB


@contextmanager
def confined(core: int | None) -> Iterator[None]:
    """What this thread starts meanwhile runs on one core; the thread itself, too, until the end. None: anywhere."""
    before = os.sched_getaffinity(0)
    if core is not None:
        os.sched_setaffinity(0, {core})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


@contextmanager
def urgent(pids: Iterable[int]) -> Iterator[None]:
    """Let processes, and what this thread starts meanwhile, run before all else on this machine (SCHED_FIFO).

    The thread itself does so, too. What has ended is passed over.
    """
    pids = list(pids)
    try:
        _schedule(pids, os.SCHED_FIFO, URGENCY)
        yield
    finally:
        _schedule(pids, os.SCHED_OTHER, 0)


def _schedule(pids: Iterable[int], policy: int, priority: int) -> None:
    """Every thread of the processes, and the thread that asks."""
    os.sched_setscheduler(0, policy, os.sched_param(priority))
    for pid in pids:
        with suppress(FileNotFoundError, ProcessLookupError):
            for thread in os.listdir(PROC / str(pid) / "task"):
                os.sched_setscheduler(int(thread), policy, os.sched_param(priority))


def _parent(proc: Path, pid: int) -> int | None:
    try:
        text = (proc / str(pid) / "stat").read_text(errors="replace")
    except OSError:
        return None  # it has ended
    return int(text.rpartition(")")[2].split()[1])


def _clock_s(pid: int) -> float:
    try:
        return time.clock_gettime((~pid << 3) | CPUCLOCK_SCHED)
    except OSError as error:
        raise ProcessError(f"process {pid}: {error}") from error


def _children_s(proc: Path, pid: int) -> float:
    try:
        fields = (proc / str(pid) / "stat").read_text(errors="replace").rpartition(")")[2].split()
    except OSError as error:
        raise ProcessError(f"process {pid}: {error}") from error
    return (int(fields[13]) + int(fields[14])) / os.sysconf("SC_CLK_TCK")


def _pss_kb(proc: Path, pid: int) -> int:
    try:
        lines = (proc / str(pid) / "smaps_rollup").read_text().splitlines()
    except OSError as error:
        raise ProcessError(f"process {pid}: {error}") from error
    return next((int(line.split()[1]) for line in lines if line.startswith("Pss:")), 0)
