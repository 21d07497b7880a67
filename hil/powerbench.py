"""Every source of power beside something that feeds it: what the contract suite (tests/drivers/ups) is run against, and
how a source is made to know nothing. A bench of real devices has the same face."""

from __future__ import annotations

import asyncio
import contextlib
import json
import shutil
import tempfile
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from drivers.snmp import Oid, SnmpError, Value
from drivers.ups.ina219 import Ina219Settings, ina219
from drivers.ups.max1704x import Max1704xSettings, max1704x
from drivers.ups.mcu import McuUps
from drivers.ups.model import Reading, Source, Trouble
from drivers.ups.nut import NutSettings, NutUps
from drivers.ups.upsmib import BATTERY_STATUS, BATTERY_VOLTAGE, OUTPUT_SOURCE, UpsMib
from hil.sim.power.bus import BusFault, FakeBus, Ina219Chip, Max1704xChip
from hil.sim.power.cell import Battery, Chemistry
from hil.sim.power.realnut import NAME as UPS_NAME
from hil.sim.power.realnut import PASSWORD, USER
from hil.sim.power.supply import Supply
from hil.sim.power.ups import Sickness, Ups, Upsd

__all__ = ["BENCHES", "Bench", "Heard", "i2c_bench", "mcu_bench", "nut_bench"]

LOOK_S = 0.01
ANSWER_S = 0.15
GAUGE_ADDRESS, MONITOR_ADDRESS = 0x36, 0x42


@dataclass
class Bench:
    """`faults`: each makes the source know nothing of mains, or of its battery; `heal` ends whichever it is.
    `tells_mains`: whether the device can know of them at all. `end`: when all is over."""

    source: Source
    supply: Supply
    faults: Mapping[str, Callable[[], None]]
    heal: Callable[[], None]
    end: Callable[[], Awaitable[None]]
    tells_mains: bool = True
    bus: FakeBus | None = None


@dataclass
class Heard:
    """What a source told, in order; and the first reading of a kind, waited for."""

    readings: list[Reading] = field(default_factory=list)
    _news: asyncio.Event = field(default_factory=asyncio.Event)

    def told(self, reading: Reading) -> None:
        self.readings.append(reading)
        self._news.set()

    async def first(self, wanted: Callable[[Reading], bool], since: int = 0) -> Reading:
        """From the one of that place on."""
        while True:
            for reading in self.readings[since:]:
                if wanted(reading):
                    return reading
            self._news.clear()
            await self._news.wait()


async def nut_bench() -> Bench:
    """A client beside a small server of our own."""
    ups = Ups(Supply())
    server = Upsd(UPS_NAME, ups.variables, ups.order)
    port = await server.start("127.0.0.1", 0)
    source = NutUps(NutSettings("ups", UPS_NAME, port=port, username=USER, password=PASSWORD), LOOK_S, ANSWER_S)

    def sick(how: Sickness) -> Callable[[], None]:
        return lambda: setattr(server, "sickness", how)

    return Bench(
        source,
        ups.supply,
        {str(how): sick(how) for how in Sickness if how is not Sickness.NONE},
        sick(Sickness.NONE),
        server.close,
    )


async def i2c_bench(kind: str) -> Bench:
    """`max17043`, `max17048` or `ina219`, on a bus that can be sick."""
    supply = Supply(Battery(5.0, 1, Chemistry.LITHIUM), watts=5.0)
    gauge, monitor = Max1704xChip(supply, kind == "max17048"), Ina219Chip(supply)
    bus = FakeBus({GAUGE_ADDRESS: gauge, MONITOR_ADDRESS: monitor})

    def sick(how: BusFault) -> Callable[[], None]:
        return lambda: setattr(bus, "fault", how)

    if kind == "ina219":
        source: Source = ina219(Ina219Settings(kind, MONITOR_ADDRESS, cells=1), bus.opened)
    else:
        source = max1704x(Max1704xSettings(kind, kind, 1, GAUGE_ADDRESS), bus.opened)
    faults = {str(how): sick(how) for how in (BusFault.NACK, BusFault.HANGS, BusFault.FLOATS)}
    return Bench(source, supply, faults, sick(BusFault.NONE), source.close, tells_mains=False, bus=bus)


async def mcu_bench() -> Bench:
    """A source beside what stands for `heart`: telemetry of a supply, on a socket."""
    supply = Supply(Battery(5.0, 1, Chemistry.LITHIUM), watts=5.0)
    heart = _Heart(supply, Path(tempfile.mkdtemp(prefix="heart-")) / "heart.sock")
    await heart.start()
    source = McuUps("mcu", heart.path, ANSWER_S)

    def sick(line: bytes | None) -> Callable[[], None]:
        return lambda: setattr(heart, "says", line)

    return Bench(
        source,
        supply,
        {
            "silent": sick(b'{"trouble": "silent"}\n'),
            "version": sick(b'{"trouble": "version"}\n'),
            "still": sick(b""),
            "garbage": sick(bytes(range(128, 200)) + b"\n"),
            "hostile": sick(b'{"trouble": "", "age_s": 1e999, "telemetry": {"mains": 3, "battery_mv": []}}\n'),
            "endless": sick(b"x" * 100_000),
        },
        sick(None),
        heart.close,
    )


async def mib_bench() -> Bench:
    """A UPS by UPS-MIB, beside an agent in memory; tests/wire/test_poe.py has a real one."""
    agent = _Agent(Supply(Battery(5.0, 1, Chemistry.LITHIUM), watts=5.0))
    source = UpsMib("fibre", agent, every_s=LOOK_S)

    def sick(fault: str) -> Callable[[], None]:
        return lambda: setattr(agent, "fault", fault)

    faults = {fault: sick(fault) for fault in ("silent", "refused", "text", "missing")}
    return Bench(source, agent.supply, faults, sick(""), source.close)


class _Agent:
    """Its UPS-MIB says what is true of the supply, unless it has a fault."""

    def __init__(self, supply: Supply) -> None:
        self.supply = supply
        self.fault = ""

    async def get(self, *names: Oid) -> list[Value]:
        if self.fault in ("silent", "refused"):
            raise SnmpError(Trouble(self.fault), "as the test wants it")
        supply = self.supply
        true: dict[Oid, Value] = {
            OUTPUT_SOURCE: 5 if supply.on_battery else 3,
            BATTERY_STATUS: 3 if supply.is_low else 2,
            BATTERY_VOLTAGE: b"4 V" if self.fault == "text" else round(10 * supply.volts),
        }
        return [None if self.fault == "missing" else true.get(name) for name in names]

    async def walk(self, column: Oid, rows_max: int) -> Mapping[Oid, Value]:
        raise SnmpError(Trouble.UNKNOWN_DEVICE, "no table is asked for")

    async def put(self, name: Oid, value: int) -> None:
        raise SnmpError(Trouble.REFUSED, "nothing is written")

    def close(self) -> None: ...


class _Heart:
    """`says`: instead of what is true."""

    def __init__(self, supply: Supply, path: Path) -> None:
        self.path = path
        self.says: bytes | None = None
        self._supply = supply
        self._server: asyncio.Server | None = None
        self._busy: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        self._server = await asyncio.start_unix_server(self._serve, self.path)

    async def close(self) -> None:
        for task in tuple(self._busy):
            task.cancel()
        await asyncio.gather(*self._busy, return_exceptions=True)
        if self._server is not None:
            self._server.close()
        shutil.rmtree(self.path.parent, ignore_errors=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._busy.add(task)
        try:
            with contextlib.suppress(OSError, asyncio.CancelledError):
                while True:
                    writer.write(self._true() if self.says is None else self.says)
                    await writer.drain()
                    await asyncio.sleep(LOOK_S)
        finally:
            self._busy.discard(task)
            writer.close()

    def _true(self) -> bytes:
        supply = self._supply
        telemetry = {"mains": not supply.on_battery, "battery_mv": round(1000 * supply.volts), "low": supply.is_low}
        return json.dumps({"trouble": "", "age_s": 0.0, "telemetry": telemetry}).encode() + b"\n"


BENCHES: Mapping[str, Callable[[], Awaitable[Bench]]] = {
    "nut": nut_bench,
    "max17043": lambda: i2c_bench("max17043"),
    "max17048": lambda: i2c_bench("max17048"),
    "ina219": lambda: i2c_bench("ina219"),
    "mcu": mcu_bench,
    "upsmib": mib_bench,
}
