"""A real NUT, driver and server, through an evening: what the source tells, and when."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from drivers.ups.model import Mains, Reading, Trouble
from drivers.ups.nut import NutSettings, NutUps
from hil.powerbench import Heard
from hil.sim.power.realnut import NAME, PASSWORD, USER, RealNut, free_port
from hil.sim.power.ups import write_dev
from hil.ups import SimulatedUps

pytestmark = [pytest.mark.wire, pytest.mark.timeout(120)]

STEP_S = 30.0
ON = {"ups.status": "OL", "battery.charge": "100", "battery.runtime": "3600", "battery.voltage": "27.1"}
LOST = {"ups.status": "OB DISCHRG", "battery.charge": "91", "battery.runtime": "3100", "battery.voltage": "25.9"}
LAST = {"ups.status": "FSD OB DISCHRG LB", "battery.charge": "8", "battery.runtime": "100", "battery.voltage": "22"}
EVENING = """\
ups.status: OL
battery.charge: 100
TIMER 2
ups.status: OB DISCHRG
battery.charge: 90
TIMER 2
ups.status: OB DISCHRG LB
battery.charge: 15
TIMER 2
ups.status: OL CHRG
battery.charge: 16
TIMER 4
"""


@pytest.fixture
def nut(tmp_path: Path) -> Iterator[RealNut]:
    dev = tmp_path / "ups.dev"
    write_dev(dev, ON)
    yield from served(RealNut(tmp_path / "nut", dev, free_port("127.0.0.1")))


@pytest.fixture
def evening(tmp_path: Path) -> Iterator[RealNut]:
    seq = tmp_path / "ups.seq"
    seq.write_text(EVENING)
    yield from served(RealNut(tmp_path / "nut", seq, free_port("127.0.0.1")))


def served(nut: RealNut) -> Iterator[RealNut]:
    nut.folder.mkdir()
    nut.start()
    yield nut
    nut.stop()


@asynccontextmanager
async def hearing(nut: RealNut, with_driver: bool = True) -> AsyncIterator[Heard]:
    place = str(nut.driver_socket) if with_driver else ""
    source = NutUps(NutSettings("ups", NAME, nut.host, nut.port, USER, PASSWORD, place))
    heard = Heard()
    task = asyncio.create_task(source.run(heard.told))
    try:
        async with asyncio.timeout(STEP_S):
            await heard.first(lambda reading: reading.trouble is None)
        yield heard
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def until(heard: Heard, **wanted: object) -> Reading:
    """The next reading that is so, from what has been told by now on."""
    since = max(len(heard.readings) - 1, 0)
    async with asyncio.timeout(STEP_S):
        return await heard.first(lambda one: all(getattr(one, key) == value for key, value in wanted.items()), since)


async def test_a_loss_and_an_order_to_halt_are_told(nut: RealNut) -> None:
    async with hearing(nut) as heard:
        write_dev(nut.dev, LOST)
        assert (await until(heard, mains=Mains.LOST)).charge_percent == 91
        write_dev(nut.dev, LAST)
        assert (await until(heard, halt=True)).low is True


@pytest.mark.long
async def test_a_frozen_driver_and_a_server_that_went_are_not_believed(nut: RealNut) -> None:
    async with hearing(nut) as heard:
        nut.send("driver", signal.SIGSTOP)
        await until(heard, mains=Mains.UNKNOWN, trouble=Trouble.STALE)
        nut.send("driver", signal.SIGCONT)
        await until(heard, mains=Mains.ON)
        nut.stop_one("driver")
        await until(heard, trouble=Trouble.STALE)
        nut.start_driver()
        await until(heard, mains=Mains.ON)
        nut.stop_one("server")
        await until(heard, trouble=Trouble.UNREACHABLE)
        nut.start_server()
        await until(heard, mains=Mains.ON, trouble=None)


@pytest.mark.long
async def test_the_simulated_ups_is_seen_through_the_real_nut() -> None:
    with SimulatedUps(real=True, speed=60.0) as ups:
        place = urlsplit(ups.url)
        assert place.hostname is not None
        source = NutUps(NutSettings("ups", NAME, place.hostname, place.port or 0, driver_socket=ups.driver_socket))
        heard = Heard()
        task = asyncio.create_task(source.run(heard.told))
        await until(heard, mains=Mains.ON)
        ups.ask("cut")
        charge = (await until(heard, mains=Mains.LOST)).charge_percent
        async with asyncio.timeout(STEP_S):
            await heard.first(lambda one: (one.charge_percent or 0) < (charge or 0) - 1, len(heard.readings) - 1)
        ups.ask("restore")
        await until(heard, mains=Mains.ON, charging=True)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


@pytest.mark.long
async def test_a_played_evening_is_told_in_its_order(evening: RealNut) -> None:
    async with hearing(evening, with_driver=False) as heard:
        await until(heard, mains=Mains.LOST, low=False)
        await until(heard, mains=Mains.LOST, low=True)
        await until(heard, mains=Mains.ON, charging=True)
        await until(heard, mains=Mains.ON, charge_percent=100.0)
