"""The faults of a storm laid on a site, each a strike and a mend, in any overlap.

What is in force is a count by fault; the parts of the site (platform, line, edge, unit, disk, clock) are then made what
those faults together say. So the order in which faults come and go makes no difference to what is left.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType

from hil.cell import Cell
from hil.net import NetError
from hil.people import JournalLocker, Loader
from hil.platform import PlatformError
from hil.platform.daemon import Daemon
from hil.platform.kamailio import KamailioPlatform
from hil.site import Site
from hil.stormdeeds import STAFF
from hil.stormplan import Fault

__all__ = ["CLOCK_LIBRARY", "Faults", "clock_prefix"]

CLOCK_LIBRARY = Path("/usr/$LIB/faketime/libfaketime.so.1")
"""Debian's libfaketime; $LIB is the loader's own word for the machine's folder."""
CLOCK_CACHE_S = 1
"""A process sees a jump of its clock this late."""
SLEEPS = """import select, time
time.sleep = lambda seconds: select.select([], [], [], seconds) and None
"""
"""For Python's programs: a libfaketime that leaves the monotonic clock alone takes the moment until which one sleeps by
it (clock_nanosleep(2), TIMER_ABSTIME) for a wrong one, and time.sleep raises OSError."""
JUMP_S = 3600
FIRST_FD = 3
"""Of those that a shell leaves to us."""
LOSS_PERCENT = 10.0
SLOW_TRYING_S, SLOW_RINGING_S = 1.0, 3.0
FLAP_UP_S, FLAP_DOWN_S = 1.5, 1.2
MEMORY_LEFT_BYTES = 1 << 20
"""What a process may still take where memory is short."""
FILL_BYTES = 1 << 16
CELL_LOSS_PERCENT = 15.0
LINE = "north"
BOTH_WAYS = (Fault.LINE_DOWN, Fault.LINE_BLACKHOLE)
"""These take the path by data along: a digger, or the platform's own network."""
KILLED = {
    Fault.EDGE_KILLED: "edge",
    Fault.UNIT_KILLED: "unit",
    Fault.CALLS_KILLED: "calls",
    Fault.CALLS_CRASHED: "calls",
    Fault.TRUNK_KILLED: "trunk",
    Fault.TUNNEL_KILLED: "tunnel",
    Fault.DATA_KILLED: "data",
    Fault.WEB_KILLED: "web",
    Fault.SYNC_KILLED: "sync",
}
STOPPED = {
    Fault.EDGE_STOPPED: "edge",
    Fault.UNIT_STOPPED: "unit",
    Fault.CALLS_STOPPED: "calls",
    Fault.DATA_STOPPED: "data",
    Fault.WEB_STOPPED: "web",
    Fault.SYNC_STOPPED: "sync",
}
"""The unit's own programs, and what befalls each."""


def clock_prefix(clock: Path, *shared: Path) -> tuple[str, ...]:
    """Starts a program whose wall clock is shifted by what stands in the file `clock`; its folders `shared` are in
    memory.

    libfaketime keeps a semaphore in /dev/shm, which here is the program's own but for `shared`, so that nothing is left
    behind; and which the program must be able to open also when it has given up root.
    """
    words = {
        "LD_PRELOAD": str(CLOCK_LIBRARY),
        "FAKETIME_TIMESTAMP_FILE": str(clock),
        "FAKETIME_CACHE_DURATION": str(CLOCK_CACHE_S),
        "DONT_FAKE_MONOTONIC": "1",
    }
    clock.write_text("+0\n")
    places = clock.with_name("python")
    places.mkdir(exist_ok=True)
    (places / "sitecustomize.py").write_text(SLEEPS)
    words["PYTHONPATH"] = str(places)
    held = list(enumerate(shared, FIRST_FD))
    opens, closes = (" ".join(f"{fd}<{what}" for fd, what in each) for each in (held, [(fd, "&-") for fd, _ in held]))
    binds = "".join(f"mkdir -p {place} && mount -c --bind /proc/self/fd/{fd} {place} && " for fd, place in held)
    own = f'exec {opens} && mount -t tmpfs -o mode=1777 hil /dev/shm && {binds}exec {closes} && exec env "$@"'
    opened = 'chmod 666 /dev/shm/*faketime* && exec "$@"'
    return "sh", "-c", own, "sh", *(f"{name}={value}" for name, value in words.items()), "sh", "-c", opened, "sh"


class Faults:
    """`told(fault, struck, at)` hears when a fault comes into force or is mended, in the thread that does it;
    `outside(fault, on)` strikes and mends those of the ways out. `cell`: the site's path by data, where it has one;
    `also`: further programs of the unit, by name."""

    def __init__(
        self,
        site: Site,
        clock: Path,
        told: Callable[[Fault, bool, float], None],
        outside: Callable[[Fault, bool], None] = lambda _fault, _on: None,
        cell: Cell | None = None,
        also: Mapping[str, Daemon] = MappingProxyType({}),
    ) -> None:
        assert isinstance(site.platform, KamailioPlatform)
        self._site = site
        self._platform = site.platform
        self._clock = clock
        self._told = told
        self._outside = outside
        self._cell = cell
        self._counts: Counter[Fault] = Counter()
        self._lock = threading.RLock()
        self._own: dict[str, Daemon] = {"edge": site.edge, "unit": site.unit, "calls": site.calls}
        if site.trunk is not None:
            self._own["trunk"] = site.trunk
        if cell is not None:
            self._own |= {"data": cell.data, "tunnel": cell.tunnel}
        self._own |= also
        self._platform_up = True
        self._platform_frozen = False
        self._flapped_down = False
        self._flapping: threading.Event | None = None
        self._short: set[int] = set()
        self._loader, self._locker = Loader(site.paths, (*site.users, *STAFF)), JournalLocker(site.paths)

    def strike(self, fault: Fault) -> None:
        """Lay it on the site; what is laid twice must be mended twice."""
        with self._lock:
            self._counts[fault] += 1
            if self._counts[fault] == 1:
                self._told(fault, True, time.monotonic())
                self._change(fault, True)

    def mend(self, fault: Fault) -> None:
        """End it. What the building does about it then takes its time."""
        with self._lock:
            self._counts[fault] -= 1
            if self._counts[fault] == 0:
                self._change(fault, False)
                self._told(fault, False, time.monotonic())

    def mend_all(self) -> None:
        for fault in list(self._counts):
            while self._counts[fault] > 0:
                self.mend(fault)

    def revive(self) -> list[str]:
        """Start what has ended by itself, as systemd does; the names of what had."""
        found = []
        with self._lock:
            for name, daemon in self._own.items():
                if not self._killed(name) and not self._lives(daemon):
                    found.append(name)
                    with contextlib.suppress(PlatformError, NetError):
                        daemon.start()
        return found

    def own_groups(self) -> set[int]:
        """The process groups of the unit's own programs."""
        return {daemon.pid for daemon in self._own.values()}

    # ---- inside

    def _lives(self, daemon: Daemon) -> bool:
        return daemon.pid in self._site.host.pids(daemon.pid)

    def _killed(self, name: str) -> bool:
        """Whether something in force keeps it dead."""
        deaths = (Fault.POWER_HALTED, *(fault for fault, whose in KILLED.items() if whose == name))
        return any(self._counts[fault] for fault in deaths)

    def _change(self, fault: Fault, on: bool) -> None:
        site = self._site
        match fault:
            case Fault.PLATFORM_AMNESIAC:
                if on and self._platform_up:
                    self._platform.kill()
                    self._platform.start()
                    self._afflict()
            case Fault.PLATFORM_FLAPPING:
                self._flap(on)
            case Fault.PLATFORM_KILLED | Fault.PLATFORM_STOPPED | Fault.PLATFORM_SLOW | Fault.PLATFORM_SICK:
                self._set_platform()
            case Fault.LINE_DOWN:
                (site.host.link_down if on else site.host.link_up)(LINE)
                self._set_cell()
            case Fault.LINE_BLACKHOLE | Fault.LINE_CUT:
                dark = self._counts[Fault.LINE_BLACKHOLE] or self._counts[Fault.LINE_CUT]
                (site.host.blackhole if dark else site.host.unblackhole)(LINE)
                self._set_cell()
            case Fault.CELL_GONE | Fault.CELL_LOSSY:
                self._set_cell()
            case Fault.LINE_LOSSY:
                site.host.loss(LINE, LOSS_PERCENT if on else 0)
            case _ if fault in KILLED:
                self._kill_own(KILLED[fault], on)
            case _ if fault in STOPPED:
                own = self._own[STOPPED[fault]]
                (own.freeze if on else own.thaw)()
            case Fault.POWER_HALTED:
                self._halt(on)
            case Fault.DISK_FULL:
                self._fill(on)
            case Fault.DIRECTORY_LOADED:
                (self._loader.strike if on else self._loader.mend)()
            case Fault.JOURNAL_LOCKED:
                (self._locker.strike if on else self._locker.mend)()
            case Fault.CLOCK_JUMP:
                self._clock.write_text(f"+{JUMP_S if on else 0}\n")
            case Fault.DNS_GONE:
                self._block_dns(on)
            case Fault.MEMORY_SHORT:
                self._shorten_memory(on)
            case _:
                self._outside(fault, on)

    def _set_cell(self) -> None:
        """The line that the path by data goes by."""
        if self._cell is None:
            return
        away = any(self._counts[fault] for fault in (*BOTH_WAYS, Fault.CELL_GONE))
        (self._cell.line.cut if away else self._cell.line.mend)()
        self._cell.line.loss(CELL_LOSS_PERCENT if self._counts[Fault.CELL_LOSSY] else 0)

    def _set_platform(self) -> None:
        """Killed or not, frozen or not, slow or sick, as the faults in force say together."""
        up = not self._counts[Fault.PLATFORM_KILLED] and not self._flapped_down
        if self._platform_up and not up:
            self._platform.kill()
            self._platform_frozen = False
        elif up and not self._platform_up:
            self._platform.start()
        self._platform_up = up
        frozen = up and self._counts[Fault.PLATFORM_STOPPED] > 0
        if up and not frozen and self._platform_frozen:
            self._platform.thaw()
            self._platform_frozen = False
        if up and not self._platform_frozen:  # a frozen one cannot be told; it is when it thaws
            self._afflict()
        if frozen and not self._platform_frozen:
            self._platform.freeze()
        self._platform_frozen = frozen

    def _afflict(self) -> None:
        slow = self._counts[Fault.PLATFORM_SLOW] > 0
        with contextlib.suppress(PlatformError):  # it is frozen
            self._platform.slow(SLOW_TRYING_S if slow else 0, SLOW_RINGING_S if slow else 0)
            self._platform.sick(self._counts[Fault.PLATFORM_SICK] > 0)

    def _flap(self, on: bool) -> None:
        if self._flapping is not None:
            self._flapping.set()
            self._flapping = None
        if on:
            self._flapping = threading.Event()
            threading.Thread(target=self._keep_flapping, args=(self._flapping,), daemon=True).start()
        else:
            self._flapped_down = False
            self._set_platform()

    def _keep_flapping(self, over: threading.Event) -> None:
        while not over.is_set():
            with self._lock:
                if over.is_set():
                    return
                self._flapped_down = not self._flapped_down
                self._set_platform()
            over.wait(FLAP_DOWN_S if self._flapped_down else FLAP_UP_S)

    def _halt(self, on: bool) -> None:
        """In the order of a machine that halts, whose memory is lost then; and all begin again."""
        if on:
            for name in reversed(self._own):
                # What stands still is killed by who halts, in time.
                (self._own[name].kill if self._stands(name) else self._own[name].stop)()
            for left in self._site.paths.run.iterdir():
                (shutil.rmtree if left.is_dir() and not left.is_symlink() else Path.unlink)(left)
            return
        for name in self._own:
            self._begin(name)

    def _stands(self, name: str) -> bool:
        return any(self._counts[fault] for fault, whose in STOPPED.items() if whose == name)

    def _kill_own(self, name: str, on: bool) -> None:
        if on:
            self._own[name].kill()
        else:
            self._begin(name)

    def _begin(self, name: str) -> None:
        """Unless something in force keeps it dead."""
        if self._killed(name):
            return
        daemon = self._own[name]
        with contextlib.suppress(PlatformError, NetError):  # who does not start is started again by `revive`
            daemon.start()
            if self._stands(name):
                daemon.freeze()
            if self._counts[Fault.MEMORY_SHORT]:
                self._shorten_memory(True)

    def _fill(self, on: bool) -> None:
        filler = self._site.paths.state / "filler"
        if not on:
            filler.unlink(missing_ok=True)
            return
        with contextlib.suppress(OSError), filler.open("wb", buffering=0) as file:
            while file.write(b"\0" * FILL_BYTES):
                pass

    def _block_dns(self, on: bool) -> None:
        script = "add table inet dns\ndelete table inet dns\n"
        if on:
            hook = "type filter hook output priority 0;"
            script += f"table inet dns {{\nchain out {{\n{hook}\nmeta l4proto {{ tcp, udp }} th dport 53 drop\n}}\n}}\n"
        self._site.host.run(["nft", "-f", "-"], text_in=script)
        # What is asked for seldom is missed by who begins.
        away = (Fault.UNIT_KILLED, Fault.UNIT_STOPPED, Fault.POWER_HALTED)
        if on and not any(self._counts[fault] for fault in away):
            with contextlib.suppress(PlatformError, NetError):  # who does not start is started again by `revive`
                self._own["unit"].kill()
                self._own["unit"].start()

    def _shorten_memory(self, on: bool) -> None:
        """Each of the unit's processes may have hardly more address space than it has."""
        pids = self._short if not on else {p for group in self.own_groups() for p in self._site.host.pids(group)}
        for pid in pids:
            with contextlib.suppress(OSError, NetError):
                size = int(Path(f"/proc/{pid}/statm").read_text().split()[0]) * os.sysconf("SC_PAGE_SIZE")
                limit = f"{size + MEMORY_LEFT_BYTES}:unlimited" if on else "unlimited:unlimited"
                self._site.host.run(["prlimit", "--pid", str(pid), f"--as={limit}"], check=False)
        self._short = set(pids) if on else set()
