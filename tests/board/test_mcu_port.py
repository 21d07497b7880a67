"""The microcontroller's program under the real MicroPython: compiled as for the RP2040, 192 KiB of heap, ticks that
wrap, and the unit's own codec at the other end of the wire."""

import asyncio
import functools
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from drivers.codec import mcuwords as words
from drivers.codec.mcutalk import Answer, Entry, Hello, Order, Talk, Telemetry
from drivers.ups.mcu import McuUps
from drivers.ups.model import Mains, Reading
from firmware.power.watchman import tell_watchman
from hil.sim.mcu import MemoryFiles, part
from hil.sim.mcuport import BATTERY, HALTED, HEAP, KERNEL, MAINS, NOT_HERE, Port, find
from tools.mcuimage import compiled, image_of, sources, version_of

pytestmark = pytest.mark.skipif(find("micropython") is None or find("mpy-cross") is None, reason=NOT_HERE)

PROGRAM = functools.cache(lambda: compiled(sources()))
IMAGE_MAX = 24 * 1024
"""Of a program for the RP2040: as little of its 2 MB flash, three times over, as of its heap when it is loaded."""
BEAT_S = 0.02
PATIENCE_S = 20.0
ROOT = Path(__file__).parents[2]


class Unit:
    """The unit's end of the wire. `halts`: it beats no more."""

    def __init__(self, port: Port) -> None:
        self.port = port
        self.file = os.open(port.device, os.O_RDWR | os.O_NONBLOCK | os.O_NOCTTY)
        self.talk = Talk(77, time.monotonic())
        self.hellos: list[Hello] = []
        self.answers: list[str] = []
        self.entries: list[Entry] = []
        self.seen: Telemetry | None = None
        self.silent = False
        self._beat_at = 0.0
        self._kernel = 0

    def turn(self) -> None:
        now = time.monotonic()
        with suppress(BlockingIOError):
            self.talk.receive(os.read(self.file, 8192), now)
        if now >= self._beat_at and not self.silent:
            self._beat_at = now + BEAT_S
            self._kernel = 1 - self._kernel
            self.port.pin(KERNEL, self._kernel)
            self.talk.beat(edge=words.EDGE_ALIVE, calls=None, load=0.2, writable=True, unix_s=1_780_000_000)
        self.talk.on_timer(now)
        os.write(self.file, self.talk.data_to_send())
        while (event := self.talk.next_event()) is not None:
            match event:
                case Hello():
                    self.hellos.append(event)
                case Telemetry():
                    self.seen = event
                case Answer():
                    self.answers.append(event.word)
                case Entry():
                    self.entries.append(event)

    def until(self, is_so: Callable[[], bool]) -> None:
        def turned() -> bool:
            self.turn()
            return is_so()

        assert self.port.until(turned, PATIENCE_S), (self.seen, self.hellos, self.answers, self.port.pins)

    def order(self, kind: int, *fields: int | bytes) -> str:
        count = len(self.answers)
        self.talk.order(Order(kind, fields), time.monotonic())
        self.until(lambda: len(self.answers) > count)
        return self.answers[-1]

    def state(self) -> str:
        return self.seen.state if self.seen is not None else ""

    def send_program(self, files: dict[str, bytes]) -> str:
        image = image_of(files)
        word = self.order(words.BEGIN, len(image), 2, hashlib.sha256(image).digest())
        for at in range(0, len(image), words.CHUNK_MAX):
            assert word == "done"
            word = self.order(words.CHUNK, at, image[at : at + words.CHUNK_MAX])
        return self.order(words.END)


@contextmanager
def running(flash: Path, speed: int, heap: str = HEAP) -> Iterator[Unit]:
    port = Port(flash, PROGRAM(), speed=speed, heap=heap)
    unit = Unit(port)
    try:
        unit.until(lambda: bool(unit.hellos) and unit.seen is not None and unit.seen.mains is not None)
        yield unit
    finally:
        os.close(unit.file)
        port.close()


def test_the_compiled_program_is_small() -> None:
    assert len(image_of(PROGRAM())) <= IMAGE_MAX


@pytest.mark.long
def test_it_measures_tells_and_keeps(tmp_path: Path) -> None:
    with running(tmp_path, 40) as unit:
        assert unit.hellos[-1].protocol == 1
        unit.until(lambda: unit.seen is not None and unit.seen.uptime_s > 25)  # its ticks have wrapped
        assert unit.seen is not None
        assert unit.seen.battery_mv == pytest.approx(3900, abs=5)
        assert unit.state() == "on"
        unit.port.pin(MAINS, 0)
        unit.port.volts(BATTERY, 1600)
        unit.until(lambda: unit.seen is not None and unit.seen.mains is False and unit.seen.halt)
        assert unit.order(words.READ_LOG, 0) == "done"
        unit.until(lambda: bool(unit.entries) and unit.entries[-1].cause == "low")
        assert [entry.cause for entry in unit.entries] == ["boot", "mains_lost", "low"]
        assert unit.talk.bad == unit.talk.missed == 0
        assert unit.port.fed > 0


@pytest.mark.long
def test_half_the_heap_is_enough_with_a_full_log(tmp_path: Path) -> None:
    """Whose words here have twice the size of the RP2040's."""
    files = MemoryFiles()
    log, kept = part("supply.log").Log(files), 2 * part("supply.limits").LOG_RECORDS
    for hour in range(0, 3 * kept, 3):
        log.write(hour * part("supply.limits").HOUR_MS, "mains_lost", mv=3300)
    for name, data in files.held.items():
        (tmp_path / name).write_bytes(data)
    with running(tmp_path, 1, "96k") as unit:
        assert unit.order(words.READ_LOG, 0) == "done"
        unit.until(lambda: bool(unit.entries) and unit.entries[-1].cause == "boot")
        assert len(unit.entries) == kept // 2 + 1
        assert unit.port.resets == 0


@pytest.mark.long
def test_a_halt_is_cut_and_mains_start_it_again(tmp_path: Path) -> None:
    with running(tmp_path, 20) as unit:
        unit.port.pin(MAINS, 0)
        assert unit.order(words.HALT, 60) == "done"
        unit.until(lambda: unit.state() == "halting")
        unit.silent = True
        unit.port.pin(HALTED, 1)
        unit.until(lambda: unit.port.cut)
        unit.port.pin(HALTED, 0)
        unit.port.pin(MAINS, 1)
        unit.until(lambda: not unit.port.cut)
        assert unit.port.resets == 0


@pytest.mark.long
def test_a_new_program_proves_itself(tmp_path: Path) -> None:
    with running(tmp_path, 30) as unit:
        files = sources()
        files["supply/__init__.py"] = b"VERSION = 2\n"
        assert unit.send_program(compiled(files)) == "done"
        unit.until(lambda: unit.hellos[-1].program == 2)
        assert (unit.hellos[-1].slot, unit.port.resets) == ("b", 1)
        unit.until(lambda: unit.seen is not None and unit.seen.uptime_s > 70)
        assert unit.order(words.READ_LOG, 0) == "done"
        unit.until(lambda: "program_good" in [entry.cause for entry in unit.entries])
        assert version_of(files) == 2


@pytest.mark.long
def test_a_program_that_cannot_begin_gives_way_to_the_old_one(tmp_path: Path) -> None:
    with running(tmp_path, 20) as unit:
        files = sources()
        files["supply/__init__.py"] = b"VERSION = 3\nraise ValueError('it never begins')\n"
        assert unit.send_program(compiled(files)) == "done"
        unit.until(lambda: unit.port.resets == 4 and len(unit.hellos) > 1)
        assert (unit.hellos[-1].program, unit.hellos[-1].slot) == (version_of(sources()), "a")
        assert unit.order(words.READ_LOG, 0) == "done"
        unit.until(lambda: bool(unit.entries) and unit.entries[-1].cause == "program_back")
        assert "it never begins" in (tmp_path / "failed.txt").read_text()


def started(device: str, run: Path) -> subprocess.Popen[bytes]:
    """The process as `firmware.app heart` becomes it."""
    command = [sys.executable, "-m", "firmware.heart", f"serial://{device}", str(run), str(run)]
    return subprocess.Popen(command, cwd=ROOT)


async def test_heart_holds_the_port_and_the_unit_hears_of_mains(tmp_path: Path) -> None:
    """With no edge beside it."""
    flash, run = tmp_path / "flash", tmp_path / "run"
    flash.mkdir()
    run.mkdir()
    port = Port(flash, PROGRAM())
    heart = started(port.device, run)
    readings: list[Reading] = []
    source = McuUps("board", run / "heart.sock")
    listening = asyncio.create_task(source.run(readings.append))
    try:
        async with asyncio.timeout(PATIENCE_S):
            for level, mains in ((1, Mains.ON), (0, Mains.LOST)):
                port.pin(MAINS, level)
                while not readings or readings[-1].mains is not mains:
                    port.look()
                    await asyncio.sleep(0.01)
        assert readings[-1].volts == pytest.approx(3.9, abs=0.01)
        async with asyncio.timeout(PATIENCE_S):
            await tell_watchman(run / "heart.sock", halts=True)
            await tell_watchman(run / "heart.sock", halts=False)
        heart.terminate()
        async with asyncio.timeout(PATIENCE_S):
            while readings[-1].mains is not Mains.UNKNOWN:
                port.look()
                await asyncio.sleep(0.01)
        assert not port.cut
        assert heart.wait(PATIENCE_S) == 0
        assert not (run / "heart.sock").exists()
    finally:
        listening.cancel()
        await asyncio.gather(listening, return_exceptions=True)
        heart.kill()
        heart.wait()
        port.close()


@pytest.mark.long
@pytest.mark.timeout(120)
def test_rvx_mcu_reads_the_log_and_gives_a_new_program(tmp_path: Path) -> None:
    """By the process as systemd starts it, and the command as a technician gives it."""
    flash, state = tmp_path / "flash", Path(tempfile.mkdtemp())
    flash.mkdir()
    state.chmod(0o755)  # for the edge's user
    port = Port(flash, PROGRAM(), speed=5)
    config = tmp_path / "unit.toml"
    config.write_text(
        f'[unit]\nname = "u"\nstate_dir = "{state}"\n[mcu]\nport = "serial://{port.device}"\n'
        '[edge]\nlisten = ["udp:127.0.0.1:5060"]\n'
    )
    heart = subprocess.Popen([sys.executable, "-m", "firmware.app", "heart", "--config", str(config)], cwd=ROOT)
    try:
        assert port.until((state / "run" / "heart.sock").exists, PATIENCE_S)
        told = rvx(port, config, "console")
        assert told["telemetry"]["mains"] is True
        assert [entry["cause"] for entry in rvx(port, config, "log")["entries"]] == ["boot"]
        told = rvx(port, config, "flash", "--again")
        assert (told["program"], told["slot"], told["sent"]) == (version_of(sources()), "b", True)
        causes = [entry["cause"] for entry in rvx(port, config, "log")["entries"]]
        assert causes == ["boot", "program_taken", "boot", "program_good"]
        assert rvx(port, config, "flash")["sent"] is False
        assert not port.cut
    finally:
        heart.kill()
        heart.wait()
        port.close()
        shutil.rmtree(state)


def rvx(port: Port, config: Path, *command: str) -> dict[str, Any]:
    """The command's object."""
    words = [sys.executable, "-m", "tools.cli", "mcu", *command, "--json", "--config", str(config)]
    asked = subprocess.Popen(words, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    try:
        assert port.until(lambda: asked.poll() is not None, 60)
        assert asked.stdout is not None
        found: dict[str, Any] = json.loads(asked.stdout.read())
        assert asked.returncode == 0, found
        return found
    finally:
        asked.kill()
        asked.communicate()
