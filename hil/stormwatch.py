"""What a storm sees of its unit and its platform, for the history: mode, tables, journal, sizes, deaths."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Sequence
from pathlib import Path

from callcontrol.edge.rpc import EdgeError, EdgeUnreachable
from firmware.modes import Mode
from hil.cell import Cell
from hil.faults import Faults
from hil.history import Size
from hil.net import NetError
from hil.platform import PlatformError
from hil.platform.kamailio import KamailioPlatform
from hil.site import Site
from hil.stormcourse import Course
from hil.stormpart import Part

__all__ = ["Watching"]

RECORDS_MAX = 5_000
MODE_S, TABLES_S, SIZES_S = 0.15, 1.0, 5.0
"""How often each is looked at."""


class Watching:
    """Its `watch_` methods are threads, which end with the course."""

    def __init__(
        self,
        course: Course,
        site: Site,
        cell: Cell,
        faults: Faults,
        parts: Sequence[Part],
    ) -> None:
        self._course = course
        self._history, self._lock, self._over = course.history, course.lock, course.over
        self._site, self._cell, self._faults, self._parts = site, cell, faults, parts
        self._data_began = (0, 0)  # which process, and how many files it has open without a call

    def revive(self, now: float) -> None:
        """What has ended by itself begins again; what runs and is nobody's is noted."""
        died = self._faults.revive()
        groups = self._faults.own_groups()
        strays = {pid for pid in self._site.host.pids() if _group(pid) not in groups}
        with self._lock:
            self._history.deaths += [(now, name) for name in died]
            seen = self._history.orphans
            self._history.orphans = {pid: seen.get(pid, now) for pid in strays}

    def watch_mode(self) -> None:
        while not self._over.wait(MODE_S):
            mode, path = self._site.standing()
            with self._lock:
                before = self._history.standing
                self._history.mode_is(mode, time.monotonic())
                self._history.path_is(path, time.monotonic())
                if mode in set(Mode):
                    self._course.outcome.visited |= {(Mode(mode), fault) for fault in self._course.in_force}
            if (mode, path) != before:
                self._course.told("mode", f"{mode or '–'} {path}".rstrip())

    def watch_tables(self) -> None:
        measured = 0.0
        while not self._over.wait(TABLES_S):
            now = time.monotonic()
            with contextlib.suppress(EdgeUnreachable, EdgeError):
                bindings = self._site.bindings()
                with self._lock:
                    self._history.bound = now, {extension: len(held) for extension, held in bindings.items()}
                    self._history.handed = now, self._site.count("handed")
            if self._history.mode == Mode.NORMAL:
                self._see_platform()
            with contextlib.suppress(OSError):
                held = self._data_files()
                with self._lock:
                    self._history.by_data = now, held
            for see in (self._see_journal, *(part.see for part in self._parts)):
                with contextlib.suppress(Exception):  # whatever it is: a thread that ends sees nothing of all else
                    see()
            if now - measured >= SIZES_S:
                measured = now
                with contextlib.suppress(OSError, NetError, EdgeUnreachable, EdgeError, ValueError):
                    size = self._size()
                    with self._lock:
                        self._history.sizes.append((now, size))

    def lagged(self, since: float, until: float) -> None:
        """This machine stood still."""
        with self._lock:
            new = self._history.stood_still(since, until)
        if new:
            self._course.told("lag", f"{until - since:.1f} s")

    def _see_platform(self) -> None:
        assert isinstance(self._site.platform, KamailioPlatform)
        with contextlib.suppress(PlatformError):
            held = frozenset(self._site.platform.registrations())
            with self._lock:
                self._history.known = time.monotonic(), held

    def _see_journal(self) -> None:
        with contextlib.closing(self._site.journal()) as journal:
            records = journal.records(RECORDS_MAX)
        with self._lock:
            self._history.recorded(records)

    def _data_files(self) -> int:
        """What `data` has open beyond what it begins with. Raises OSError: it is not there."""
        pid = self._cell.data.pid
        count = len(list(Path(f"/proc/{pid}/fd").iterdir()))
        self._data_began = (pid, min(count, self._data_began[1] if self._data_began[0] == pid else count))
        return count - self._data_began[1]

    def _size(self) -> Size:
        pids = [pid for group in self._faults.own_groups() for pid in self._site.host.pids(group)]
        unit = self._site.host.pids(self._site.unit.pid)
        memory = self._site.rpc("core.shmmem", "m")
        paths = self._site.paths
        # What callers leave is to stay, and who talks stands in a book.
        may_grow = (paths.messages, paths.led, paths.led_trunk)
        return Size(
            # Calls by data have their sockets: hil/bydata.py judges those.
            open_files=sum(len(list(Path(f"/proc/{pid}/fd").iterdir())) for pid in pids if pid != self._cell.data.pid),
            files=sum(
                not path.is_dir() and path.parent not in may_grow
                for place in (paths.state, paths.run)
                for path in place.rglob("*")
            ),
            memory_mb=sum(_resident_mb(pid) for pid in unit),
            edge_memory_mb=float(memory["used"]),
        )


def _group(pid: int) -> int | None:
    try:
        return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[2])
    except (OSError, IndexError, ValueError):
        return None


def _resident_mb(pid: int) -> float:
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / (1 << 20)
