"""A UPS as NUT names things: the variables of a supply, with what it lies about, as text of a dummy-ups file, or
answered by a small `upsd` of our own (RFC 9271), which is sick as it is told to be."""

from __future__ import annotations

import asyncio
import contextlib
import os
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from hil.sim.power.supply import Supply

__all__ = ["Sickness", "Ups", "Upsd", "write_dev"]

LINE_MAX_BYTES = 4096
TEST_S = 10.0


class Sickness(StrEnum):
    """Of the server."""

    NONE = "none"
    WAIT = "wait"
    """It has not heard its driver yet: WAIT, and nothing else."""
    STALE = "stale"
    NO_DRIVER = "no_driver"
    SILENT = "silent"
    """Takes questions and does not answer."""
    HALF = "half"
    """Answers half a line."""
    GARBAGE = "garbage"
    REFUSING = "refusing"
    ENDLESS = "endless"
    """A list without end."""


ERRORS = {
    Sickness.STALE: "ERR DATA-STALE",
    Sickness.NO_DRIVER: "ERR DRIVER-NOT-CONNECTED",
    Sickness.REFUSING: "ERR ACCESS-DENIED",
}


@dataclass
class Ups:
    """`lies`: variables that it tells instead; None: it does not tell them. `orders_halt`: FSD. `frozen`: what it told
    last, told on and on."""

    supply: Supply
    lies: dict[str, str | None] = field(default_factory=dict)
    orders_halt: bool = False
    tests_until_s: float = 0.0
    frozen: dict[str, str] | None = None

    def variables(self) -> dict[str, str]:
        if self.frozen is not None:
            return self.frozen
        supply = self.supply
        told: dict[str, str | None] = {
            "battery.charge": f"{100 * supply.battery.charge:.0f}",
            "battery.runtime": f"{supply.runtime_s:.0f}",
            "battery.temperature": f"{supply.battery.celsius:.1f}",
            "battery.voltage": f"{supply.volts:.2f}",
            "device.model": "simulated",
            "input.voltage": f"{supply.mains_v:.1f}",
            "ups.load": f"{100 * supply.watts / supply.capacity_w:.0f}",
            "ups.realpower": f"{supply.watts:.0f}",
            "ups.realpower.nominal": f"{supply.capacity_w:.0f}",
            "ups.status": self._status(),
            **self.lies,
        }
        return {name: value for name, value in told.items() if value is not None}

    def order(self, command: str) -> bool:
        """NUT's instant commands: a quick test of the battery, which feeds for a moment with mains there; a deep one,
        and its end. False: it knows none of that name."""
        match command:
            case "test.battery.start.quick":
                self.tests_until_s = self.supply.now_s + TEST_S
                self.supply.note("test")
            case "test.battery.start.deep":
                self.supply.order(discharge=True)
            case "test.battery.stop":
                self.tests_until_s = self.supply.now_s
                self.supply.order(discharge=False)
            case _:
                return False
        return True

    def _status(self) -> str:
        supply = self.supply
        flags = ["OB", "DISCHRG"] if supply.on_battery else ["OL"]
        if not supply.on_battery and supply.now_s < self.tests_until_s:
            flags = ["OL", "CAL", "DISCHRG"]
        elif not supply.on_battery and supply.is_charging:
            flags.append("CHRG")
        if supply.is_low:
            flags.append("LB")
        if supply.watts > supply.capacity_w:
            flags.append("OVER")
        return " ".join(["FSD", *flags] if self.orders_halt else flags)


def write_dev(path: Path, variables: dict[str, str]) -> None:
    """What NUT's dummy-ups reads (mode dummy-once) when the file's time is another, in whole seconds: never half of it,
    and never twice in one second."""
    aside = path.with_name(path.name + ".new")
    aside.write_text("".join(f"{name}: {value}\n" for name, value in variables.items()), encoding="ascii")
    changed_s = int(time.time())
    with contextlib.suppress(FileNotFoundError):
        changed_s = max(changed_s, int(path.stat().st_mtime) + 1)
    os.utime(aside, (changed_s, changed_s))
    os.replace(aside, path)


class Upsd:
    """Serves one UPS. `asked` counts lines."""

    def __init__(self, name: str, variables: Callable[[], dict[str, str]], order: Callable[[str], bool]) -> None:
        self._name = name
        self._variables = variables
        self._order = order
        self._server: asyncio.Server | None = None
        self._busy: set[asyncio.Task[None]] = set()
        self.sickness = Sickness.NONE
        self.asked = 0
        self.logged_in = 0

    async def start(self, host: str, port: int) -> int:
        """The port, also where 0 was asked for. Raises OSError."""
        self._server = await asyncio.start_server(self._serve, host, port, limit=LINE_MAX_BYTES)
        number: int = self._server.sockets[0].getsockname()[1]
        return number

    async def close(self) -> None:
        """Nobody is connected any more."""
        if self._server is not None:
            self._server.close()
            for task in tuple(self._busy):
                task.cancel()
            await asyncio.gather(*self._busy, return_exceptions=True)
            await self._server.wait_closed()
            self._server = None

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._busy.add(task)
        try:
            with contextlib.suppress(OSError, ValueError, asyncio.CancelledError):
                while line := await reader.readline():
                    self.asked += 1
                    writer.write(await self._answer(line.decode("ascii", "replace").split()))
                    await writer.drain()
        finally:
            self._busy.discard(task)
            writer.close()

    async def _answer(self, words: list[str]) -> bytes:
        match self.sickness:
            case Sickness.SILENT:
                await asyncio.Event().wait()
            case Sickness.HALF:
                return b"VAR "
            case Sickness.GARBAGE:
                return bytes(range(1, 256)) + b"\n" + b"VAR\nEND LIST VAR " + self._name.encode() + b"\n"
            case Sickness.ENDLESS if words[:2] == ["LIST", "VAR"]:
                return f"BEGIN LIST VAR {self._name}\n".encode() + b'VAR x y "z"\n' * 20_000
        return (self._said(words) + "\n").encode("ascii", "replace")

    def _said(self, words: list[str]) -> str:
        if error := ERRORS.get(self.sickness):
            return error
        variables = {"ups.status": "WAIT"} if self.sickness is Sickness.WAIT else self._variables()
        match words:
            case ["USERNAME", _] | ["PASSWORD", _]:
                return "OK"
            case ["LOGIN", self._name]:
                self.logged_in += 1
                return "OK"
            case ["GET", "VAR", self._name, name]:
                return f'VAR {self._name} {name} "{variables[name]}"' if name in variables else "ERR VAR-NOT-SUPPORTED"
            case ["LIST", "VAR", self._name]:
                told = [f'VAR {self._name} {name} "{value}"' for name, value in sorted(variables.items())]
                return "\n".join([f"BEGIN LIST VAR {self._name}", *told, f"END LIST VAR {self._name}"])
            case ["LIST", "UPS"]:
                return f'BEGIN LIST UPS\nUPS {self._name} "simulated"\nEND LIST UPS'
            case ["INSTCMD", self._name, command]:
                return "OK" if self._order(command) else "ERR CMD-NOT-SUPPORTED"
            case ["LOGIN" | "GET" | "LIST" | "INSTCMD", *_]:
                return "ERR UNKNOWN-UPS"
        return "ERR UNKNOWN-COMMAND"
