"""The board's microcontroller (board/mcu) as a source of power: what the process `heart` passes on of its telemetry.

`heart` alone holds the port; here its socket is read, lines of JSON of at most `LINE_MAX` bytes. Whatever is not as
firmware/heartbeat.py writes it is nonsense, and then nothing is known."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Callable
from pathlib import Path

from drivers.ups.model import Mains, Reading, Trouble, bounded, unknown

__all__ = ["FRESH_S", "McuUps", "reading_of"]

FRESH_S = 3.0
"""Telemetry comes ten times a second, and is passed on once a second at least."""
AGAIN_S = 1.0
SILENT_S = 4.0
LINE_MAX = 4096
AGE_MAX_S = 60.0
TROUBLES = {"silent": Trouble.SILENT, "version": Trouble.UNKNOWN_DEVICE}
"""Of heart's words; every other one means that there is no port."""


class McuUps:
    """A Source. `path`: heart's socket."""

    def __init__(self, name: str, path: Path, silent_s: float = SILENT_S) -> None:
        self.name = name
        self.fresh_s = FRESH_S
        self._path = path
        self._silent_s = silent_s
        self._writer: asyncio.StreamWriter | None = None

    async def run(self, told: Callable[[Reading], None]) -> None:
        while True:
            trouble = Trouble.UNREACHABLE
            with contextlib.suppress(OSError, ValueError):
                reader, self._writer = await asyncio.open_unix_connection(self._path, limit=LINE_MAX)
                trouble = await self._read(reader, told)
            await self.close()
            told(unknown(_now(), trouble))
            await asyncio.sleep(AGAIN_S)

    async def close(self) -> None:
        if self._writer is not None:
            self._writer.close()
            self._writer = None

    async def _read(self, reader: asyncio.StreamReader, told: Callable[[Reading], None]) -> Trouble:
        """Until it ends; why. Raises OSError, ValueError (a line too long)."""
        while True:
            try:
                async with asyncio.timeout(self._silent_s):
                    line = await reader.readline()
            except TimeoutError:
                return Trouble.SILENT
            if not line:
                return Trouble.UNREACHABLE
            reading = reading_of(line, _now())
            if reading is not None:
                told(reading)


def reading_of(line: bytes, now: float) -> Reading | None:
    """None for a line that is not of telemetry."""
    try:
        told = json.loads(line)
    except (ValueError, RecursionError):
        return unknown(now, Trouble.NONSENSE)
    if not isinstance(told, dict):
        return unknown(now, Trouble.NONSENSE)
    if "trouble" not in told:
        return None
    trouble, seen, age = told["trouble"], told.get("telemetry"), bounded(_number(told, "age_s"), 0, AGE_MAX_S)
    if not isinstance(trouble, str):
        return unknown(now, Trouble.NONSENSE)
    if trouble:
        return unknown(now, TROUBLES.get(trouble, Trouble.UNREACHABLE))
    if seen is None:
        return unknown(now, Trouble.WAITING)
    if not isinstance(seen, dict) or age is None:
        return unknown(now, Trouble.NONSENSE)
    fed = _flag(seen, "mains")
    mains = Mains.UNKNOWN if fed is None else Mains.ON if fed else Mains.LOST
    supply_mv, unit_ma = bounded(_number(seen, "supply_mv"), 0, 65000), bounded(_number(seen, "unit_ma"), 0, 20000)
    battery_mv = bounded(_number(seen, "battery_mv"), 0, 65000)
    return Reading(
        now - age,
        mains,
        volts=None if battery_mv is None else battery_mv / 1000,
        watts=None if supply_mv is None or unit_ma is None else supply_mv * unit_ma / 1e6,
        low=_flag(seen, "low"),
        halt=_flag(seen, "halt") is True,
        celsius=bounded(_number(seen, "celsius"), -60, 200),
        trouble=Trouble.MISSING if mains is Mains.UNKNOWN else None,
    )


def _number(table: dict[str, object], name: str) -> float | None:
    value = table.get(name)
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def _flag(table: dict[str, object], name: str) -> bool | None:
    value = table.get(name)
    return value if isinstance(value, bool) else None


def _now() -> float:
    return asyncio.get_running_loop().time()
