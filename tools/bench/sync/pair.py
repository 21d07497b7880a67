"""A hub and units of it, for the parts of this bench: real processes on loopback, gone with their context."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from firmware.paths import Paths
from firmware.sync.membership import Membership
from firmware.sync.wire import Item
from hil.municipality import generate
from tools.hub.publishing import publish
from tools.hub.testing import made
from tools.hub.units import Units

__all__ = ["PLACES", "Hub", "Unit", "enrolled", "free_port", "hub", "people", "started", "within"]

PLACES = tuple(f"m{number}" for number in range(1, 7))
"""Municipalities of the generated people."""
UP_S, COMMAND_S = 30.0, 60.0
COMMAND = (sys.executable, "-P", "-m")


@dataclass
class Hub:
    """`start` and `stop` its process; the store can be written meanwhile, as another process of the hub's would."""

    state: Path
    port: int
    process: subprocess.Popen[bytes] | None = None

    def __post_init__(self) -> None:
        self.place, self.store = made(self.state)

    @property
    def url(self) -> str:
        return f"https://127.0.0.1:{self.port}"

    @property
    def ca(self) -> Path:
        return self.place.ca / "ca.pem"

    def start(self) -> None:
        words = ["hub", "run", "--state", str(self.state), "--listen", f"127.0.0.1:{self.port}"]
        with (self.state / "run.log").open("ab") as log:
            self.process = subprocess.Popen([*COMMAND, "tools.cli", *words], stdout=log, stderr=log)
        within(lambda: _answers(self.port), "the hub", UP_S)

    def stop(self, how: signal.Signals = signal.SIGTERM) -> None:
        if self.process is not None:
            self.process.send_signal(how)
            self.process.wait(UP_S)
            self.process = None

    def publish(self, items: Iterable[Item]) -> None:
        publish(self.store, "bench", items, datetime.now(UTC))

    def code(self, name: str) -> tuple[str, str]:
        """A new unit's id, and the code by which it enrols."""
        units, now = Units(self.store), datetime.now(UTC)

        def work() -> tuple[str, str]:
            unit = units.add(name, PLACES, ("100000-699999",), now)
            return unit, units.make_code(unit, now)

        return self.store.transact(work)


@dataclass
class Unit:
    """One that is enrolled; `config` is its file."""

    folder: Path
    config: Path
    paths: Paths = field(init=False)

    def __post_init__(self) -> None:
        self.paths = Paths(self.folder / "state")

    @property
    def member(self) -> Membership:
        found = Membership.read(self.paths.sync)
        assert found is not None
        return found


@contextmanager
def hub(folder: Path) -> Iterator[Hub]:
    found = Hub(folder / "hub", free_port())
    found.start()
    try:
        yield found
    finally:
        found.stop()
        found.store.close()


def enrolled(at: Hub, folder: Path, name: str, more: str = "", listen: str = "udp:127.0.0.1:5060") -> Unit:
    folder.mkdir(parents=True)
    folder.chmod(0o755)  # the edge's user passes through
    unit = Unit(folder, folder / "unit.toml")
    unit.config.write_text(
        f'[unit]\nname = "{name}"\nstate_dir = "{unit.paths.state}"\n[platform]\nrealm = "bench.invalid"\n'
        f'[edge]\nlisten = ["{listen}"]\n[sync]\nhub = "{at.url}"\n{more}'
    )
    _, code = at.code(name)
    words = ["enrol", at.url, code, "--ca", str(at.ca), "--config", str(unit.config)]
    subprocess.run([*COMMAND, "tools.cli", *words], check=True, capture_output=True, timeout=COMMAND_S)
    return unit


@contextmanager
def started(unit: Unit, *names: str) -> Iterator[Mapping[str, int]]:
    """Its processes of these names; the id of each."""
    with (unit.folder / "log").open("ab") as log:
        running = {
            name: subprocess.Popen(
                [*COMMAND, "firmware.app", name, "--config", str(unit.config)], stdout=log, stderr=log
            )
            for name in names
        }
    try:
        yield {name: process.pid for name, process in running.items()}
    finally:
        for process in running.values():
            process.terminate()
        for process in running.values():
            process.wait(UP_S)


def people(count: int) -> list[Item]:
    """A municipality's directory, as items."""
    import tempfile
    from contextlib import closing

    from firmware.store.database import connect
    from firmware.store.load import load
    from firmware.sync.listing import items

    with tempfile.TemporaryDirectory() as folder, closing(connect(Path(folder) / "d.db", "directory")) as db:
        load(db, generate(count), "bench", datetime.now(UTC))
        return list(items(db))


def within(so: Callable[[], bool], what: str, seconds: float, every_s: float = 0.02) -> float:
    """Wait until it is so; how long that took, s."""
    began = time.monotonic()
    while not so():
        if time.monotonic() - began > seconds:
            raise TimeoutError(f"{what}: not within {seconds:.0f} s")
        time.sleep(every_s)
    return time.monotonic() - began


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _answers(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
