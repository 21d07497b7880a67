"""All that tells of power at once against one policy, through an evening: the real NUT with dummy-ups, the program of
the microcontroller under the real MicroPython with its `heart`, a switch by the real net-snmp, and a board's gauges and
line, simulated."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from drivers.gpio import Header
from drivers.snmp import Access
from drivers.ups.ina219 import Ina219Settings, ina219
from drivers.ups.max1704x import Max1704xSettings, max1704x
from drivers.ups.model import Mains, Reading
from firmware.config import Config, Load, Poe, PoeKey, Power, Ups, default
from firmware.power.halting import Stage
from firmware.power.keeper import Last, PowerKeeper
from firmware.power.opening import open_source
from firmware.power.states import PowerState
from hil.sim.mcuport import MAINS, NOT_HERE, Port, find
from hil.sim.poe.agent import NetSnmp, missing
from hil.sim.poe.switch import Port as SwitchPort
from hil.sim.poe.switch import Switch
from hil.sim.power.bus import FakeBus, Ina219Chip, Max1704xChip
from hil.sim.power.cell import Battery
from hil.sim.power.header import FakeGpio, fake_header
from hil.sim.power.realnut import NAME, RealNut, free_port, is_installed
from hil.sim.power.supply import MAINS_V, Supply
from hil.sim.power.ups import write_dev
from tools.mcuimage import compiled, sources

pytestmark = [
    pytest.mark.wire,
    pytest.mark.long,
    pytest.mark.timeout(400),
    pytest.mark.skipif(find("micropython") is None or find("mpy-cross") is None, reason=NOT_HERE),
    pytest.mark.skipif(bool(missing()), reason=missing()),
    pytest.mark.skipif(not is_installed(), reason="NUT is not installed"),
]

ROOT = Path(__file__).parents[2]
LINE_PIN = 6
SOON_S = 60.0
TELLING_S = 30
BACK_S = 150.0
"""Phones come back a minute after mains."""
STEP_S = 0.1
BOUNCES = 20
GAUGE_OFF = -0.3
USER, AUTH, PRIVACY = "rvx", "of the agent", "and its cipher"
# A charge that fell by more than 15 in a minute would be taken for a gauge that jumps.
ON = {"ups.status": "OL", "battery.charge": "90", "battery.runtime": "7200", "battery.voltage": "27.1"}
# Too little of mains, which the UPS makes good.
BROWN = {**ON, "ups.status": "OL BOOST", "input.voltage": "190", "ups.realpower": "40"}
LOST = {"ups.status": "OB DISCHRG", "battery.charge": "91", "battery.runtime": "6600", "battery.voltage": "25.9"}
LESS = {"ups.status": "OB DISCHRG", "battery.charge": "84", "battery.runtime": "1500", "battery.voltage": "24.4"}
LAST = {"ups.status": "FSD OB DISCHRG LB", "battery.charge": "78", "battery.runtime": "100", "battery.voltage": "22"}


class Words(Last):
    def __init__(self) -> None:
        self.said: list[str] = []
        self.takes_s = 0.0

    async def tell(self, minutes: float | None) -> None:
        self.said.append("tell")
        await asyncio.sleep(self.takes_s)

    async def carry_on(self) -> None:
        self.said.append("carry_on")

    async def flush(self) -> None:
        self.said.append("flush")


@dataclass
class House:
    """All of it; `mains` as they are, which the line may contradict."""

    keeper: PowerKeeper
    words: Words
    dev: Path
    mcu: Port
    gpio: FakeGpio
    supply: Supply
    gauge: Max1704xChip
    switch: NetSnmp

    def bounces(self) -> None:
        """The line's contact, before it settles as it was."""
        level = bool(self.gpio.level(LINE_PIN))
        for at in range(BOUNCES):
            self.gpio.drive(LINE_PIN, level if at % 2 else not level)

    def is_so(self, mains: bool, ups: dict[str, str], line: bool | None = None) -> None:
        write_dev(self.dev, ups)
        self.mcu.pin(MAINS, int(mains))
        self.gpio.drive(LINE_PIN, mains if line is None else line)
        self.supply.set_mains(MAINS_V if mains else 0.0)

    async def until(self, is_so: Callable[[], bool], within_s: float = SOON_S) -> None:
        async with asyncio.timeout(within_s):
            while not is_so():
                self.mcu.look()
                self.supply.advance(STEP_S)
                await asyncio.sleep(STEP_S)

    def state(self) -> PowerState | None:
        return self.keeper.view.powered.state if self.keeper.view else None

    def doubts(self) -> dict[str, tuple[str, ...]]:
        view = self.keeper.view
        return {one.name: one.doubts for one in view.believed.sources if one.doubts} if view else {}

    def says(self, mains: Mains) -> set[str]:
        view = self.keeper.view
        found = view.believed.sources if view else ()
        return {one.name for one in found if one.reading is not None and one.reading.mains is mains}

    def _of(self, name: str) -> Reading | None:
        view = self.keeper.view
        return next((one.reading for one in view.believed.sources if one.name == name), None) if view else None

    def watts(self, name: str) -> float | None:
        reading = self._of(name)
        return reading.watts if reading else None

    def charge(self, name: str) -> float | None:
        reading = self._of(name)
        return reading.charge_percent if reading else None

    def port_is_on(self) -> bool:
        return Switch.read(self.switch.file).ports["1.2"].enabled


def config_in(folder: Path, nut: RealNut, snmp_port: int) -> Config:
    base = default(folder)
    ups = (
        Ups(name="ups", kind="nut", url=f"nut://{nut.host}:{nut.port}/{NAME}", keeps=("unit", "switch")),
        Ups(name="line", kind="line", pin=LINE_PIN, mains_is="high", keeps=()),
        Ups(name="mcu", kind="mcu", keeps=()),
        Ups(name="gauge", kind="max1704x", keeps=()),
        Ups(name="current", kind="ina219", keeps=()),
    )
    return replace(
        base,
        ups=ups,
        load=(Load(name="phones", kind="poe", ports=("1.2",), keeps="switch", at_minutes=12),),
        poe=Poe(address="127.0.0.1", port=snmp_port, user=USER, switching="yes"),
        secrets=replace(base.secrets, poe=PoeKey(auth_password=AUTH, privacy_password=PRIVACY)),
        power=Power(halt_command=(), restart_command=(), telling_s=TELLING_S),
    )


@asynccontextmanager
async def house(folder: Path) -> AsyncIterator[House]:
    flash, run, snmp = (folder / name for name in ("flash", "run", "snmp"))
    for each in (flash, run, snmp, folder / "nut"):
        each.mkdir()
    dev = folder / "ups.dev"
    write_dev(dev, ON)
    supply = Supply(Battery(3.0), watts=5.0)
    gauge = Max1704xChip(supply)
    bus = FakeBus({0x36: gauge, 0x42: Ina219Chip(supply)})
    snmp_port = free_port("127.0.0.1")
    switch = NetSnmp(
        snmp, Access(address="127.0.0.1", port=snmp_port, user=USER, auth_password=AUTH, privacy_password=PRIVACY)
    )
    nut = RealNut(folder / "nut", dev, free_port("127.0.0.1"))
    config = config_in(folder, nut, snmp_port)
    with ExitStack() as stack:
        gpio = stack.enter_context(fake_header())
        gpio.drive(LINE_PIN, True)
        nut.start()
        stack.callback(nut.stop)
        switch.up(Switch(ports={"1.1": SwitchPort(watts=6.5), "1.2": SwitchPort(watts=12.0)}, budget_w=60.0))
        stack.callback(switch.down)
        mcu = Port(flash, compiled(sources()))
        stack.callback(mcu.close)
        heart = subprocess.Popen(  # noqa: ASYNC220  it returns at once
            [sys.executable, "-m", "firmware.heart", f"serial://{mcu.device}", str(run), str(run)], cwd=ROOT
        )
        stack.callback(heart.wait)
        stack.callback(heart.kill)
        header = Header()
        opened = [open_source(config, each, header) for each in config.ups[:3]]
        words = Words()
        keeper = PowerKeeper(
            config,
            words,
            sources=[
                *(source for source in opened if source is not None),
                max1704x(Max1704xSettings("gauge"), lambda number: bus),
                ina219(Ina219Settings("current", cells=1), lambda number: bus),
            ],
        )
        task = asyncio.create_task(keeper.run())
        try:
            yield House(keeper, words, dev, mcu, gpio, supply, gauge, switch)
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


async def test_an_evening_with_a_line_that_lies(tmp_path: Path) -> None:
    async with house(tmp_path) as all_:
        await all_.until(lambda: all_.says(Mains.ON) >= {"ups", "line", "mcu"})
        assert all_.state() is PowerState.MAINS

        all_.bounces()
        all_.is_so(True, BROWN)
        await all_.until(lambda: all_.watts("ups") == 40)
        assert (all_.state(), all_.doubts()) == (PowerState.MAINS, {})

        all_.is_so(False, LOST)
        await all_.until(lambda: all_.says(Mains.LOST) >= {"ups", "line", "mcu"})
        assert all_.state() is PowerState.BATTERY
        shown = all_.keeper.shown(datetime.now(UTC))
        assert (shown.mains, shown.sure, shown.limits) == ("lost", True, "unit")

        all_.is_so(False, LOST, line=True)
        await all_.until(lambda: "line" in all_.doubts())
        assert all_.state() is PowerState.BATTERY
        assert set(all_.doubts()) == {"line"}
        assert all_.port_is_on()

        # A gauge that falls by a third at once tells nothing of its charge any more; the rest goes on.
        all_.gauge.gauge_error = GAUGE_OFF
        await all_.until(lambda: all_.charge("gauge") is None)
        assert all_.state() is PowerState.BATTERY

        all_.is_so(False, LESS)
        await all_.until(lambda: not all_.port_is_on())
        assert all_.keeper.shed == ("phones",)

        # Mains is back in the middle of the last words.
        all_.words.takes_s = TELLING_S
        all_.is_so(False, LAST)
        await all_.until(lambda: all_.keeper.ending.stage is Stage.TELLING)
        all_.is_so(True, ON)
        await all_.until(lambda: all_.words.said == ["tell", "carry_on"])
        await all_.until(lambda: all_.state() is PowerState.MAINS)
        assert all_.keeper.ending.stage is Stage.RUNNING

        all_.words.takes_s = 0.0
        all_.is_so(False, LAST)
        await all_.until(lambda: all_.keeper.ending.stage is Stage.COMMANDED)
        assert all_.words.said == ["tell", "carry_on", "tell", "flush"]
        assert (tmp_path / "halted.json").exists()

        all_.is_so(True, ON)
        await all_.until(lambda: all_.keeper.ending.stage is Stage.RUNNING)
        assert all_.state() is PowerState.MAINS
        await all_.until(all_.port_is_on, BACK_S)
        assert not all_.keeper.shed
