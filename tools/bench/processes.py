"""What programs cost: CPU seconds and memory of process trees, as Linux counts them in /proc (proc(5)).

CPU time is the scheduler's own sum in nanoseconds, thread by thread: the 10 ms ticks of /proc/PID/stat are too coarse
for thirty processes that sleep. What interrupts do on a process's time is counted as its own.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

__all__ = ["ProcessError", "confined", "cpu_s", "pss_mb", "spent_s", "tree"]

PROC = Path("/proc")
NS_PER_S = 1e9
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


def cpu_s(pids: Iterable[int], proc: Path = PROC) -> dict[int, float]:
    """CPU seconds that each process has used since it began. Raises ProcessError."""
    return {pid: sum(_thread_ns(task) for task in _tasks(proc, pid)) / NS_PER_S for pid in pids}


def spent_s(before: Mapping[int, float], after: Mapping[int, float]) -> float:
    """CPU seconds between two answers of :func:`cpu_s`. Raises ProcessError when a process ended in between."""
    if gone := before.keys() - after.keys():
        raise ProcessError(f"ended while being measured: {sorted(gone)}")
    return sum(used - before.get(pid, 0.0) for pid, used in after.items())


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


def _parent(proc: Path, pid: int) -> int | None:
    try:
        text = (proc / str(pid) / "stat").read_text(errors="replace")
    except OSError:
        return None  # it has ended
    return int(text.rpartition(")")[2].split()[1])


def _tasks(proc: Path, pid: int) -> list[Path]:
    try:
        return list((proc / str(pid) / "task").iterdir())
    except OSError as error:
        raise ProcessError(f"process {pid}: {error}") from error


def _thread_ns(task: Path) -> int:
    try:
        return int((task / "schedstat").read_text().split()[0])
    except OSError as error:
        raise ProcessError(f"thread {task.name}: {error}") from error


def _pss_kb(proc: Path, pid: int) -> int:
    try:
        lines = (proc / str(pid) / "smaps_rollup").read_text().splitlines()
    except OSError as error:
        raise ProcessError(f"process {pid}: {error}") from error
    return next((int(line.split()[1]) for line in lines if line.startswith("Pss:")), 0)
