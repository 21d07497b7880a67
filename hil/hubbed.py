"""The hub of a storm's building, and the process `sync` that tells it all: whatever befalls either, in the end the hub
has each row of the unit's outbox once, and all that goes both ways.

The hub is on the platform's side of the line, so what cuts the line cuts it, too; a copy is made of it each half
minute, which is what it is put back to."""

from __future__ import annotations

import contextlib
import json
import socket
import sqlite3
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from hil.invariants import Breach
from hil.net import Net, NetError
from hil.platform import PlatformError
from hil.platform.daemon import Daemon
from hil.site import PLATFORM_IP, Site
from hil.stormpart import Part
from hil.stormplan import Fault

__all__ = ["Hubbed", "configuration"]

PORT = 8443
URL = f"https://{PLATFORM_IP}:{PORT}"
WAIT_S = 5
COPY_EVERY_S = 30.0
AT_THE_END_S = 60.0
LOOK_S = 0.5
COMMAND_S = 60.0
JOIN_S = 12.0
NAMED = 5
RVX = (sys.executable, "-P", "-m", "tools.cli")


def configuration() -> dict[str, dict[str, object]]:
    """What the site is given for it."""
    return {"sync": {"hub": URL, "wait_s": WAIT_S}}


class Hubbed(Part):
    """`lock` guards what `breaches` says."""

    faults = (Fault.HUB_KILLED, Fault.HUB_STOPPED, Fault.HUB_RESTORED)

    def __init__(self, net: Net, site: Site, lock: threading.RLock) -> None:
        self._site, self._lock = site, lock
        self._state, self._copies = net.directory / "hub", net.directory / "hub-copies"
        at = [*RVX, "hub", "run", "--state", str(self._state), "--listen", f"{PLATFORM_IP}:{PORT}"]
        self._hub = Daemon(site.platform_host, at, net.directory / "hub.log", self._listens)
        program = [*site.prefix, sys.executable, "-m", "firmware.app", "sync", "--config", str(site.config_file)]
        self.sync = Daemon(site.host, program, net.directory / "sync.log", lambda: True)
        self._over = threading.Event()
        self._busy = threading.Lock()
        """The hub is being put back, or copied: one at a time."""
        self._copying: threading.Thread | None = None
        self._copied = self._restored = 0
        self._wrong: list[str] = []

    def programs(self) -> dict[str, Daemon]:
        return {"sync": self.sync}

    def start(self) -> None:
        self._rvx("hub", "init", "navet", "--at", PLATFORM_IP)
        self._hub.start()
        said = json.loads(self._rvx("hub", "enrol", "norrby", "--municipality", "norrby", "--json"))
        ca = str(self._state / "ca" / "ca.pem")
        words = ["enrol", URL, said["code"], "--ca", ca, "--config", str(self._site.config_file)]
        self._site.host.run([*self._site.prefix, *RVX, *words], COMMAND_S)
        self.sync.start()
        self._copying = threading.Thread(target=self._copy, daemon=True)
        self._copying.start()

    def change(self, fault: Fault, on: bool) -> None:
        match fault, on:
            case Fault.HUB_KILLED, True:
                self._hub.kill()
            case Fault.HUB_KILLED, False:
                self._hub.start()
            case Fault.HUB_STOPPED, True:
                self._hub.freeze()
            case Fault.HUB_STOPPED, False:
                self._hub.thaw()
            case Fault.HUB_RESTORED, True:
                self._hub.kill()
            case Fault.HUB_RESTORED, False:
                with self._busy:
                    if self._copied:
                        for file in self._state.glob("hub.db*"):
                            file.unlink()
                        self._rvx("hub", "restore", str(self._copies))
                        self._restored += 1
                self._hub.start()

    def breaches(self, now: float) -> Iterator[Breach]:
        for why in self._wrong:
            yield Breach("hub", now, why)

    def rest(self) -> None:
        self._over.set()
        if self._copying is not None:
            self._copying.join(JOIN_S)

    def at_the_end(self) -> None:
        """All that the unit has told is held, and the hub has it once."""
        until, waits = time.monotonic() + AT_THE_END_S, -1
        while time.monotonic() < until:
            with contextlib.suppress(sqlite3.Error):
                waits = self._waits()
                if waits == 0:
                    break
            time.sleep(LOOK_S)
        wrong = [] if waits == 0 else [f"{waits} rows of the outbox wait for the hub yet"]
        with self._lock:
            self._wrong = [*wrong, *self._different()]

    def figures(self) -> dict[str, int]:
        """Rows of the unit's that the hub holds, and how often it was put back."""
        with contextlib.suppress(sqlite3.Error):
            return {"at_hub": len(self._held()), "hub_restored": self._restored}
        return {"at_hub": 0, "hub_restored": self._restored}

    def stop(self) -> None:
        self.rest()
        for program in (self.sync, self._hub):
            with contextlib.suppress(PlatformError):  # it was never started
                program.stop()

    # ----

    def _waits(self) -> int:
        with _reading(self._site.paths.journal) as db:
            return int(db.execute("SELECT count(*) FROM outbox WHERE held = 0").fetchone()[0])

    def _told(self) -> dict[tuple[str, int], str]:
        with _reading(self._site.paths.journal) as db:
            rows = db.execute("SELECT epoch, number, kind FROM outbox WHERE held = 1")
            return {(epoch, number): kind for epoch, number, kind in rows}

    def _held(self) -> Counter[tuple[str, int, str]]:
        with _reading(self._state / "hub.db") as db:
            rows = db.execute("SELECT epoch, number, kind FROM entry JOIN life ON life.id = entry.life")
            return Counter((epoch, number, kind) for epoch, number, kind in rows)

    def _different(self) -> Iterator[str]:
        told, held = self._told(), self._held()
        lost = [f"{kind} {number}" for (epoch, number), kind in told.items() if (epoch, number, kind) not in held]
        if lost:
            yield f"{len(lost)} rows are told and not at the hub: {', '.join(lost[:NAMED])}"
        if twice := [key for key, times in held.items() if times > 1]:
            yield f"{len(twice)} rows are at the hub twice: {twice[:NAMED]}"
        with _reading(self._site.paths.journal) as db:
            here = {(kind, name) for kind, table in _BOTH.items() for (name,) in db.execute(f"SELECT id FROM {table}")}  # noqa: S608  ours
        with _reading(self._state / "hub.db") as db:
            there = set(db.execute("SELECT kind, id FROM item WHERE row IS NOT NULL"))
        if apart := sorted(here - there):
            yield f"{len(apart)} items are here and not at the hub: {apart[:NAMED]}"

    def _copy(self) -> None:
        while not self._over.wait(COPY_EVERY_S):
            with self._busy, contextlib.suppress(NetError):
                self._rvx("hub", "backup", str(self._copies))
                self._copied += 1

    def _listens(self) -> bool:
        with self._site.platform_host.socket(socket.SOCK_STREAM) as probe:
            return probe.connect_ex((PLATFORM_IP, PORT)) == 0

    def _rvx(self, *words: str) -> str:
        done = self._site.platform_host.run([*RVX, *words, "--state", str(self._state)], COMMAND_S)
        return str(done.stdout)


_BOTH = {"referral": "referral", "opening": "opening", "block": "block_set", "lift": "lift"}
"""Sets that only grow, by kind: their table here."""


@contextlib.contextmanager
def _reading(file: Path) -> Iterator[sqlite3.Connection]:
    with contextlib.closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True, timeout=10)) as db:
        yield db
