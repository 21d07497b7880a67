"""A modem that is known by its place on USB alone: found again under other names, and given power by its hub.

In real time, as a pty's bytes take theirs."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from drivers.modem.kept import open_modem
from drivers.modem.model import Back, Event, Gone, ModemSettings, Step
from hil.modembench import Pins
from hil.sim.modem.faults import Fault
from hil.sim.modem.world import ModemPlan, World

PLACE = "1-1.4"
LOOK_S = 0.1


async def until(holds: Callable[[], object], timeout_s: float) -> None:
    for _ in range(round(timeout_s / LOOK_S)):
        if holds():
            return
        await asyncio.sleep(LOOK_S)
    raise TimeoutError


@pytest.mark.long
@pytest.mark.timeout(240)
@pytest.mark.parametrize("model", ["sim7600", "eg25g"])
async def test_it_is_followed_and_its_hub_gives_it_power(model: str, tmp_path: Path) -> None:
    world = World()
    device = world.add(ModemPlan("m", model, usb=f"{tmp_path}@{PLACE}", faults={Fault.RENAMED: 1.0})).device
    events: list[type[Event]] = []
    world.start()
    driver = open_modem(ModemSettings("m", usb_path=PLACE), pins=Pins(), sysfs=tmp_path / "sys", dev=tmp_path / "dev")
    driver.subscribe(lambda event: events.append(type(event)))
    try:
        await driver.start()
        await until(lambda: events.count(Back) == 1, 30)
        names = {path.name for path in (tmp_path / "dev").iterdir()}

        device.power_off()
        await until(lambda: events.count(Gone) == 1, 10)
        device.power_on(0.5)
        await until(lambda: events.count(Back) == 2, 30)
        assert names.isdisjoint(path.name for path in (tmp_path / "dev").iterdir())

        device.hang()
        await until(lambda: events.count(Back) == 3, 180)
        assert driver.health.counts[Step.POWER] == 1
        assert [entry["on"] for entry in world.history.all("hub")] == [False, True]
    finally:
        await driver.close()
        world.close()
