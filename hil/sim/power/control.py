"""What a rig may ask of a simulated UPS: JSON objects, one a line, over a Unix socket, as of hil/sim/modem.

``{"do": "cut"}`` is answered ``{"ok": true, …}`` or ``{"ok": false, "error": "…"}``. The commands are the methods of
:class:`Commands` whose names begin with ``do_``."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from hil.sim.power.supply import MAINS_V
from hil.sim.power.ups import Sickness, Ups, Upsd

__all__ = ["Commands", "ControlServer"]

COMMAND_MAX_BYTES = 64 * 1024
HISTORY_MAX = 5000
LASTS_MOST_S = 4 * 3600.0
"""How long what hangs on it would have power is reckoned so far; beyond it null is told, as on mains."""
WATTS_MAX = 100_000.0

Said = Mapping[str, Any]


class Commands:
    """Raises ValueError, TypeError or KeyError, naming what is wrong. `changed` is called after each."""

    def __init__(self, ups: Ups, server: Upsd | None, changed: Callable[[], None]) -> None:
        self._ups = ups
        self._server = server
        self._changed = changed

    def run(self, said: Said) -> dict[str, Any]:
        word = said.get("do")
        method = getattr(self, f"do_{word}", None) if isinstance(word, str) else None
        if method is None:
            raise ValueError(f"do {word!r}: no such command")
        told: dict[str, Any] = method(said) or {}
        self._changed()
        return told

    def do_status(self, said: Said) -> dict[str, Any]:
        """What it tells, and what is true."""
        supply = self._ups.supply
        truth = {"charge": supply.battery.charge, "volts": supply.volts, "amps": supply.amps, "mains_v": supply.mains_v}
        truth |= {"feeds": supply.is_feeding, "at": supply.now_s, "on_battery": supply.on_battery, "low": supply.is_low}
        lasts_s = supply.lasts_s(LASTS_MOST_S) if supply.on_battery else None
        return {"variables": self._ups.variables(), "truth": truth | {"lasts_s": lasts_s}}

    def do_cut(self, said: Said) -> None:
        """Mains fail."""
        self._ups.supply.set_mains(0.0)

    def do_restore(self, said: Said) -> None:
        """Mains are back; the UPS believes it after a moment."""
        self._ups.supply.set_mains(MAINS_V)

    def do_mains(self, said: Said) -> None:
        """volts: 0 to 500; a brown-out is under 184."""
        self._ups.supply.set_mains(_number(said, "volts", 500.0))

    def do_load(self, said: Said) -> None:
        """watts."""
        self._ups.supply.set_load(_number(said, "watts", WATTS_MAX))

    def do_battery(self, said: Said) -> None:
        """charge (0 to 1), celsius, age: any of them."""
        battery = self._ups.supply.battery
        if "charge" in said:
            battery.charge = _number(said, "charge", 1.0)
        if "age" in said:
            battery.age = _number(said, "age", 1.0)
        if "celsius" in said:
            battery.celsius = _number(said, "celsius", 80.0, -40.0)

    def do_later(self, said: Said) -> None:
        """seconds: of the battery's time, at once."""
        self._ups.supply.advance(_number(said, "seconds", 7 * 86400.0))

    def do_lie(self, said: Said) -> None:
        """variables: told instead of what is true; null: not told; {} ends it."""
        lies = dict(said["variables"])
        if any(value is not None and not (isinstance(value, str) and value.isprintable()) for value in lies.values()):
            raise ValueError("variables: a text or null each")
        self._ups.lies = lies

    def do_freeze(self, said: Said) -> None:
        """on: it tells on and on what it told last."""
        self._ups.frozen = self._ups.variables() if said.get("on", True) else None

    def do_fsd(self, said: Said) -> None:
        """on: it orders a halt."""
        self._ups.orders_halt = bool(said.get("on", True))

    def do_sick(self, said: Said) -> None:
        """how: a Sickness; of our own server alone."""
        if self._server is None:
            raise ValueError("sick: the server is NUT's own")
        self._server.sickness = Sickness(said["how"])

    def do_history(self, said: Said) -> dict[str, Any]:
        """The newest entries."""
        return {"history": list(self._ups.supply.history)[-HISTORY_MAX:]}


class ControlServer:
    """Holds the socket."""

    def __init__(self, commands: Commands, path: Path) -> None:
        self._commands = commands
        self._path = path
        self._server: asyncio.Server | None = None

    async def start(self) -> None:
        """Raises OSError."""
        self._path.unlink(missing_ok=True)
        self._server = await asyncio.start_unix_server(self._serve, str(self._path), limit=COMMAND_MAX_BYTES)

    async def close(self) -> None:
        if self._server is not None:
            self._server.close()
            self._path.unlink(missing_ok=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while line := await reader.readline():
                writer.write(json.dumps(self._one(line)).encode() + b"\n")
                await writer.drain()
        except (OSError, ValueError):
            pass  # gone, or a line without end
        finally:
            writer.close()

    def _one(self, line: bytes) -> dict[str, Any]:
        try:
            said = json.loads(line)
            if not isinstance(said, dict):
                raise ValueError("no object")
            return {"ok": True, **self._commands.run(said)}
        except (ValueError, TypeError, KeyError) as error:
            return {"ok": False, "error": str(error)}


def _number(said: Said, name: str, most: float, least: float = 0.0) -> float:
    value = said[name]
    if isinstance(value, bool) or not isinstance(value, int | float) or not least <= value <= most:
        raise ValueError(f"{name}: a number from {least} to {most}")
    return float(value)
