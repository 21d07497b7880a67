"""How soon a source tells that mains are gone: a UPS through the real NUT (its driver plays a file and looks at it each
second, as a driver looks at its UPS), and the board's mains line, whose contact bounces.

Cuts come at any moment of the driver's second. The line's time begins with the first bounce."""

from __future__ import annotations

import asyncio
import contextlib
import math
import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

from drivers.gpio import Header
from drivers.ups.line import LineSettings, MainsIs, MainsLine
from drivers.ups.model import Mains, Source
from drivers.ups.nut import NutSettings, NutUps
from hil.powerbench import Heard
from hil.sim.power.header import FakeGpio, fake_header
from hil.sim.power.realnut import NAME, RealNut, free_port, is_installed
from hil.sim.power.supply import Supply
from hil.sim.power.ups import write_dev
from tools.bench.figures import Class, Figure, Goal, Scalar, timed

__all__ = ["measure"]

KEY = "mains_loss_seen"
NUT_GOAL, LINE_GOAL = Goal(1200), Goal(100)
NUT_CUTS, NUT_CUTS_QUICK = 60, 20
SERVERS = 2
DRIVER = "nut_driver"
LINE_CUTS, LINE_CUTS_QUICK = 300, 40
PIN = 6
BOUNCES_S = 0.02
GIVEN_UP_S = 10.0
DRIVER_S = 1.0
"""NUT's `pollinterval` here."""
SPREAD = 0.618
"""Each cut so much later in the driver's second than the one before: they lie evenly over it."""
ON = {"ups.status": "OL", "battery.charge": "100", "battery.runtime": "3600"}
LOST = {"ups.status": "OB DISCHRG", "battery.charge": "97", "battery.runtime": "3500"}


def measure(tell: Callable[[str], None], *, quick: bool) -> tuple[list[Figure], dict[str, Scalar]]:
    """Two minutes, with `quick` half a one, and without the driver's figure; without NUT its figures have no value."""
    places = (("nut",) if quick else ("nut", DRIVER)) if is_installed() else ()
    nut_cuts, line_cuts = (NUT_CUTS_QUICK, LINE_CUTS_QUICK) if quick else (NUT_CUTS, LINE_CUTS)
    for place in places:
        tell(f"{nut_cuts} cuts through NUT, {'with its driver' if place == DRIVER else 'by its server alone'}")
    tell(f"{line_cuts} cuts on a line that bounces")
    with fake_header() as gpio:
        served, line = asyncio.run(_by_all(places, nut_cuts, line_cuts, gpio))
    return [
        timed(KEY, "ms_p95", "nut", served.get("nut", []), Class.REAL_PEER, goal=NUT_GOAL),
        timed(KEY, "ms_p95", DRIVER, served.get(DRIVER, []), Class.REAL_PEER, goal=NUT_GOAL),
        timed(KEY, "ms_p95", "line", line, Class.SIMULATED, goal=LINE_GOAL),
    ], {f"{KEY}_nut_driver_looks_s": DRIVER_S, f"{KEY}_line_bounces_ms": BOUNCES_S * 1000}


async def _by_all(
    places: Sequence[str], nut_cuts: int, line_cuts: int, gpio: FakeGpio
) -> tuple[dict[str, list[float]], list[float]]:
    """Each with servers, drivers and UPSs of its own, and the line beside them: all of them mostly wait."""
    each = [
        (place, _by_nut(nut_cuts // SERVERS, with_driver=place == DRIVER)) for place in places for _ in range(SERVERS)
    ]
    line, *served = await asyncio.gather(_by_line(line_cuts, gpio), *(cutting for _, cutting in each))
    found: dict[str, list[float]] = {}
    for (place, _), ms in zip(each, served, strict=True):
        found[place] = found.get(place, []) + ms
    return found, line


async def _by_nut(cuts: int, *, with_driver: bool) -> list[float]:
    moments = (place * SPREAD % DRIVER_S for place in range(cuts))
    with tempfile.TemporaryDirectory(prefix="rvn") as folder:
        dev = Path(folder) / "ups.dev"
        write_dev(dev, ON)
        nut = RealNut(Path(folder) / "nut", dev, free_port("127.0.0.1"))
        nut.folder.mkdir()
        try:
            await asyncio.to_thread(nut.start)
            driver = str(nut.driver_socket) if with_driver else ""
            source = NutUps(NutSettings("ups", NAME, nut.host, nut.port, driver_socket=driver))

            async def cut() -> float:
                await asyncio.sleep(next(moments))
                began_s = time.monotonic()
                write_dev(dev, LOST)
                return began_s

            return await _cut(source, cuts, lambda: write_dev(dev, ON), cut)
        finally:
            await asyncio.to_thread(nut.stop)


async def _by_line(cuts: int, gpio: FakeGpio) -> list[float]:
    loop = asyncio.get_running_loop()
    seeds = iter(range(cuts))

    async def cut() -> float:
        bounces = Supply().bounces(next(seeds), BOUNCES_S)
        began_s = loop.time()
        for at_s, level in bounces:
            loop.call_at(began_s + at_s, gpio.drive, PIN, level)
        return began_s

    gpio.drive(PIN, True)
    source = MainsLine(LineSettings("line", PIN, MainsIs.HIGH), Header())
    return await _cut(source, cuts, lambda: gpio.drive(PIN, True), cut)


async def _cut(
    source: Source, cuts: int, restore: Callable[[], None], cut: Callable[[], Awaitable[float]]
) -> list[float]:
    """Milliseconds from each cut until it was told; one that never was is infinite."""
    heard = Heard()
    task = asyncio.create_task(source.run(heard.told))
    found = []
    try:
        for _ in range(cuts):
            restore()
            await _told(heard, Mains.ON)
            began_s = await cut()
            told = await _told(heard, Mains.LOST)
            found.append(1000 * (time.monotonic() - began_s) if told else math.inf)
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await source.close()
    return found


async def _told(heard: Heard, mains: Mains) -> bool:
    """The last reading, or the next that says so."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(GIVEN_UP_S):
            await heard.first(lambda reading: reading.mains is mains, max(len(heard.readings) - 1, 0))
            return True
    return False
