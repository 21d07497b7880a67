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
    cuts = NUT_CUTS_QUICK if quick else NUT_CUTS
    served: dict[str, list[float]] = {"nut": [], DRIVER: []}
    if is_installed():
        tell(f"{cuts} cuts through NUT, by its server alone{'' if quick else '; as many with its driver'}")
        served |= asyncio.run(_by_all(cuts, ("nut",) if quick else tuple(served)))
    cuts = LINE_CUTS_QUICK if quick else LINE_CUTS
    tell(f"{cuts} cuts on a line that bounces")
    with fake_header() as gpio:
        line = asyncio.run(_by_line(cuts, gpio))
    return [
        *(timed(KEY, "ms_p95", place, ms, Class.REAL_PEER, goal=NUT_GOAL) for place, ms in served.items()),
        timed(KEY, "ms_p95", "line", line, Class.SIMULATED, goal=LINE_GOAL),
    ], {f"{KEY}_nut_driver_looks_s": DRIVER_S, f"{KEY}_line_bounces_ms": BOUNCES_S * 1000}


async def _by_all(cuts: int, places: Sequence[str]) -> dict[str, list[float]]:
    """Each with servers, drivers and UPSs of its own; they mostly wait."""
    each = [(place, _by_nut(cuts // SERVERS, with_driver=place == DRIVER)) for place in places for _ in range(SERVERS)]
    found: dict[str, list[float]] = {}
    for (place, _), ms in zip(each, await asyncio.gather(*(cutting for _, cutting in each)), strict=True):
        found[place] = found.get(place, []) + ms
    return found


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
