"""A unit, its battery and its mains around the microcontroller's own program, in time that the caller owns.

What runs is board/mcu as it is, in CPython; the same under the real MicroPython is `hil/sim/mcuport.py`'s. Physics: a
lithium cell with a resting voltage by its charge and an inner resistance, a protection that lets go of it, a unit that
draws most when it starts, ticks that wrap. The unit's software is here only as far as the microcontroller meets it."""

from __future__ import annotations

import importlib
import sys
from bisect import bisect_left
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

from drivers.codec import mcuframe, mcuwords
from drivers.codec.mcutalk import Answer, Asked, Entry, Hello, Order, Talk, Telemetry

__all__ = ["PROGRAM", "MemoryFiles", "PowerGone", "Unit", "World", "part"]

PROGRAM = Path(__file__).parents[2] / "board" / "mcu"

REST_MV = ((0.0, 3120), (0.145, 3400), (0.233, 3520), (0.537, 3810), (0.68, 3910), (0.808, 4030), (1.0, 4200))
"""Of a Samsung 30Q, by its charge (ClockSelect/myevic#24)."""
INNER_OHM = 0.05
FLOOR_MV, CELL_MWH = 3000, 10800
"""The protection of the cell lets go there, until it is charged."""
CHARGER_MW = 8000
DRAWS_MW = {"off": 0, "booting": 7000, "up": 5000, "hung": 5000, "halting": 5500, "halted": 150}
OWN_MW = 120
BOOT_MS, KERNEL_MS, HALT_MS, HEART_MS = 25_000, 5_000, 8_000, 5_000
"""Until it is up; until its kernel beats; until it has halted; from up to the first heartbeat."""
BEAT_MS = 1000
WRAP = (1 << 30) - 5000
"""Ticks begin so shortly before they wrap."""


class PowerGone(Exception):
    """In the middle of a write."""


def part(name: str) -> ModuleType:
    """A module of the microcontroller's program, as `supply.decide`, or of its loader."""
    if str(PROGRAM) not in sys.path:
        sys.path.append(str(PROGRAM))
        sys.modules.setdefault("mcuframe", mcuframe)
        sys.modules.setdefault("mcuwords", mcuwords)
    return importlib.import_module(name)


class MemoryFiles:
    """The flash; `left` bytes may still be written before the power goes (None: as many as one likes)."""

    def __init__(self) -> None:
        self.held: dict[str, bytearray] = {}
        self.left: int | None = None
        self.written = 0

    def read(self, name: str) -> bytes:
        return bytes(self.held.get(name, b""))

    def part(self, name: str, at: int, size: int) -> bytes:
        return self.read(name)[at : at + size]

    def write(self, name: str, at: int, data: bytes) -> None:
        fits = len(data) if self.left is None else min(len(data), self.left)
        held = self.held.setdefault(name, bytearray())
        held[at : at + fits] = data[:fits]
        self._spend(fits, fits < len(data))

    def clear(self, name: str) -> None:
        self._spend(0 if self.left == 0 else 1, self.left == 0)
        self.held[name] = bytearray()

    def folder(self, name: str) -> str:
        for path in [path for path in self.held if path.startswith(f"{name}/")]:
            self._spend(0 if self.left == 0 else 1, self.left == 0)
            del self.held[path]
        return name

    def make(self, name: str) -> None:
        self._spend(0, self.left == 0)

    def _spend(self, count: int, gone: bool) -> None:
        self.written += count
        if self.left is not None:
            self.left -= count
        if gone:
            raise PowerGone


class Unit:
    """The Pi. `heart`, `edge`: whether those processes live; `calls` that are up; `obeys`: it halts when it is told.
    `again`: it was told to start again, not to halt."""

    def __init__(self) -> None:
        self.state = "off"
        self.heart = self.edge = self.obeys = True
        self.again = False
        self.calls: int | None = 0
        self.since = 0
        self.beat_at = 0
        self.talk: Talk | None = None
        self.seen: Telemetry | None = None
        self.hello: Hello | None = None
        self.entries: list[Entry] = []
        self.answers: list[Answer] = []
        self.asked = 0


class World:
    """`go` lets time pass. `history` has what came to pass: (s, word), with the words boot, up, halted, cut, powered,
    dark, mcu."""

    def __init__(
        self, *, charge: float = 1.0, mains: bool = True, kernel_line: bool = True, halted_line: bool = True
    ) -> None:
        self.now = 0  # ms
        self.mains, self.charge = mains, charge
        self.line: Callable[[int], bool] | None = None  # what the mains line says instead of the truth, by the time
        self.battery_known = True
        self.kernel_line, self.halted_line = kernel_line, halted_line
        self.unit = Unit()
        self.files = MemoryFiles()
        self.history: list[tuple[float, str]] = []
        self.fed_at = 0
        self.warned = False
        self.cut = False
        self.program: Any = None
        self._nothing = True  # the microcontroller begins with its power
        self._to_mcu = bytearray()
        self._to_unit = bytearray()
        self._boots = 0
        self._protected = False
        self._kernel_level = False

    def go(self, seconds: float, step_ms: int = 100) -> None:
        until = self.now + round(1000 * seconds)
        while self.now < until:
            self.now += step_ms
            self._electricity(step_ms)
            if not self.powered:
                self._dark()
                continue
            if self.program is None:
                self.boot()
            self._unit()
            self.program.step()

    def until(self, is_so: Callable[[], bool], seconds: float, step_ms: int = 100) -> bool:
        """Whether it came to be so within that time."""
        end = self.now + round(1000 * seconds)
        while not (reached := is_so()) and self.now < end:
            self.go(step_ms / 1000, step_ms)
        return reached

    def words(self) -> list[str]:
        return [word for _, word in self.history]

    def causes(self) -> list[str]:
        """Of the microcontroller's log."""
        found: list[str] = part("supply.log").Log(self.files).causes()
        return found

    def warnings(self) -> int:
        """How many lamps of the microcontroller are on: 0 or 1."""
        return int(self.warned)

    @property
    def powered(self) -> bool:
        """Whether there is anything to draw from."""
        return self.mains or not self._protected

    def boot(self) -> None:
        """Of the microcontroller; by its watchdog where there was power all along."""
        self._boots += 1
        self._to_mcu.clear()
        slots = part("slots").Slots(self.files)
        self._note("mcu")
        _, came_back = slots.choose()
        self.program = part("supply.program").Program(self, self.files, slots, came_back)
        self._nothing = False

    def order(self, kind: int, *fields: int | bytes) -> None:
        """By the unit's heart."""
        assert self.unit.talk is not None
        self.unit.talk.order(Order(kind, fields), self.now / 1000)

    def halt(self, within_s: int = 120) -> None:
        """The unit says so, and does it."""
        if self.unit.heart and self.unit.talk is not None:
            self.order(mcuwords.HALT, within_s)
        self._become("halting")

    def restart(self) -> None:
        """The unit is told to start again while it halts, as mains is back."""
        if self.unit.heart and self.unit.talk is not None:
            self.order(mcuwords.CANCEL)
        self.unit.again = True

    # The pins, as supply/hal.py has them.

    def ticks(self) -> int:
        return (WRAP + self.now) & ((1 << 30) - 1)

    def random32(self) -> int:
        return self._boots

    def cause(self) -> int:
        return 1 if self._nothing else 3

    def from_nothing(self) -> bool:
        return self._nothing

    def sample(self) -> dict[str, Any]:
        beats = self.unit.state in ("up", "halting") or (self.unit.state == "booting" and self._age() > KERNEL_MS)
        if beats and self.kernel_line:
            self._kernel_level = not self._kernel_level  # however seldom it is looked at
        return {
            "mains": self.line(self.now) if self.line else self.mains,
            "kernel": self._kernel_level,
            "halted": (self.unit.state == "halted") if self.halted_line else None,
            "battery_mv": self.battery_mv if self.battery_known else None,
            "unit_ma": DRAWS_MW[self.unit.state] // 5 if self.unit.state != "off" else 0,
            "supply_mv": 5100 if not self.cut else 0,
            "tenths": 350,
        }

    def receive(self) -> bytes:
        data = bytes(self._to_mcu)
        self._to_mcu.clear()
        return data

    def send(self, data: bytes) -> None:
        self._to_unit += data

    def supply(self, on: bool) -> None:
        if self.cut != (not on):
            self.cut = not on
            self._note("powered" if on else "cut")

    def warn(self, on: bool) -> None:
        self.warned = on

    def feed(self) -> None:
        self.fed_at = self.now

    def reset(self) -> None:
        self.boot()

    # Physics.

    @property
    def battery_mv(self) -> int:
        """Under the load of this moment."""
        place = bisect_left(REST_MV, (self.charge, 0))
        (low, low_mv), (high, high_mv) = REST_MV[max(0, place - 1)], REST_MV[min(place, len(REST_MV) - 1)]
        share = 0.0 if high == low else (self.charge - low) / (high - low)
        rest = low_mv + share * (high_mv - low_mv)
        amps = (CHARGER_MW if self.mains else -self._draw_mw()) / rest
        return round(rest + 1000 * amps * INNER_OHM)

    def _draw_mw(self) -> int:
        return OWN_MW + (0 if self.cut else DRAWS_MW[self.unit.state])

    def _electricity(self, step_ms: int) -> None:
        flow = CHARGER_MW if self.mains else (-self._draw_mw() if not self._protected else 0)
        self.charge = min(1.0, max(0.0, self.charge + flow * step_ms / 3_600_000 / CELL_MWH))
        if self.mains:
            self._protected = False
        elif self.battery_mv < FLOOR_MV or self.charge == 0.0:
            self._protected = True

    def _dark(self) -> None:
        if self.program is not None:
            self._note("dark")
        self.program, self.cut, self._nothing = None, False, True
        self._become("off")

    def _unit(self) -> None:
        unit = self.unit
        if self.cut:
            self._become("off")
        elif unit.state == "off":
            self._become("booting")
        elif unit.state == "booting" and self._age() >= BOOT_MS:
            self._become("up")
        elif unit.state == "halting" and self._age() >= HALT_MS:
            self._become("booting" if unit.again else "halted")
        if unit.state in ("up", "halting") and unit.heart and (unit.state == "halting" or self._age() >= HEART_MS):
            self._heart()
        else:
            self._to_unit.clear()
            if unit.state in ("off", "booting"):
                unit.talk = None

    def _heart(self) -> None:
        unit, now = self.unit, self.now / 1000
        if unit.talk is None:
            unit.talk = Talk(self.now, now)
            unit.hello = None
        talk = unit.talk
        talk.receive(bytes(self._to_unit), now)
        self._to_unit.clear()
        talk.on_timer(now)
        beats = self.now - unit.beat_at >= BEAT_MS
        while (event := talk.next_event()) is not None:
            match event:
                case Telemetry():
                    unit.seen = event
                case Hello():
                    unit.hello = event
                case Entry():
                    unit.entries.append(event)
                case Answer():
                    unit.answers.append(event)
                case Asked():
                    unit.asked += 1
                    beats = True
        if beats:
            unit.beat_at = self.now
            # A unit that halts ends its edge first, its heart last.
            edge = mcuwords.EDGE_ALIVE if unit.edge and unit.state == "up" else mcuwords.EDGE_DEAD
            talk.beat(edge=edge, calls=unit.calls, load=0.1, writable=True, unix_s=1_780_000_000 + self.now // 1000)
        if unit.obeys and unit.seen is not None and unit.seen.halt and unit.state == "up":
            self.halt()
        self._to_mcu += talk.data_to_send()

    def _become(self, state: str) -> None:
        if state != self.unit.state:
            self.unit.state, self.unit.since = state, self.now
            self.unit.again = self.unit.again and state == "halting"
            if state in ("booting", "up", "halted"):
                self._note({"booting": "boot"}.get(state, state))
            if state == "off":
                self.unit.talk = self.unit.seen = None

    def _age(self) -> int:
        return self.now - self.unit.since

    def _note(self, word: str) -> None:
        self.history.append((self.now / 1000, word))
