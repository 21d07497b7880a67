"""Which ports go when: those of protected telephony by themselves, right before the last."""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from drivers.gpio import Header
from drivers.pins import PINMAP, parse
from drivers.poe import SnmpPoeSwitch
from firmware.config import Load, Poe, default
from firmware.power.phones import PROTECTED, ports, table
from firmware.power.shedding import Role, in_order
from firmware.power.switches import Switches, SwitchFault
from hil.sim.power.header import FakeGpio, fake_header

REST = Load(name="rest", kind="poe", ports=("1.1", "1.2"), keeps="switch", at_minutes=60)
DESK = Load(name="desk", kind="poe", ports=("1.3", "1.4"), role="reception", keeps="switch", at_minutes=30)
SOS = Load(name="sos", kind="poe", ports=("1.5", "1.6"), role="emergency", keeps="switch", at_minutes=20)
LAST = Load(name="last", kind="poe", ports=("1.7",), role="emergency", keeps="switch", at_minutes=10)
WIFI = Load(name="wifi", kind="wifi", at_minutes=90)


@pytest.mark.parametrize(
    ("loads", "order"),
    [
        ((SOS, DESK, REST, WIFI), ["wifi", "rest", "desk", PROTECTED, "sos"]),
        ((LAST, SOS, REST), ["rest", PROTECTED, "sos", "last"]),
        ((REST, DESK), ["rest", "desk"]),
        ((SOS, WIFI), ["wifi", "sos"]),
    ],
)
def test_in_which_order(loads: tuple[Load, ...], order: list[str]) -> None:
    found = in_order(table(loads))
    assert [load.name for load in found] == order
    for load in found:
        if load.name == PROTECTED:
            assert (load.role, load.at_minutes, load.part) == (Role.PROTECTED, 20, "switch")


def test_a_protected_port_goes_with_no_lesser_load() -> None:
    loads, protected = (REST, DESK, SOS, WIFI), {"1.2", "1.3", "1.5", "9.9"}
    found = {name: ports(loads, name, protected) for name in ("rest", "desk", "sos", "wifi", PROTECTED, "gone")}
    assert found == {
        "rest": ("1.1",),
        "desk": ("1.4",),
        "sos": ("1.5", "1.6"),
        "wifi": (),
        PROTECTED: ("1.2", "1.3"),
        "gone": (),
    }
    assert ports(loads, PROTECTED, ()) == ()


def test_a_relay_is_pulled_while_its_load_is_shed(tmp_path: Path) -> None:
    """Also by the next process; and where nobody holds the pin the load is on."""
    pin = parse(PINMAP.read_text("utf-8")).named("relay_1")
    assert pin is not None
    load = Load(name="sign", kind="relay", what="relay_1", at_minutes=60)
    config = replace(default(tmp_path), load=(load,))

    async def play(gpio: FakeGpio, thread: ThreadPoolExecutor) -> None:
        switches = Switches(config, None, frozenset, thread, tmp_path, Header())
        before = await switches.before("sign")
        await switches.off("sign", before)
        assert gpio.level(pin.number) == 1
        switches.close()
        assert gpio.level(pin.number) == 0
        another = Switches(config, None, frozenset, thread, tmp_path, Header())
        another.again(["sign", "gone"])
        assert gpio.level(pin.number) == 1
        await another.back("sign", before)
        assert gpio.level(pin.number) == 0
        gpio.taken.add(pin.number)
        with pytest.raises(SwitchFault, match="busy"):
            await another.off("sign", before)

    with ThreadPoolExecutor(1) as thread, fake_header() as gpio:
        asyncio.run(play(gpio, thread))


class Ports(SnmpPoeSwitch):
    def __init__(self) -> None:
        self.done: list[tuple[str, bool]] = []

    async def set_port(self, port: str, on: bool) -> None:
        self.done.append((port, on))


def test_it_is_switched_off_and_back(tmp_path: Path) -> None:
    config = replace(default(tmp_path), load=(REST, DESK, SOS), poe=Poe(address="10.0.0.3", switching="yes"))
    protected: Collection[str] = ()
    switch = Ports()

    async def play(switches: Switches) -> None:
        nonlocal protected
        assert switches.empty() == {PROTECTED}
        protected = {"1.1", "1.2", "1.3"}
        assert switches.empty() == {"rest"}
        before = await switches.before(PROTECTED)
        await switches.off(PROTECTED, before)
        await switches.back(PROTECTED, before)

    with ThreadPoolExecutor(1) as thread:
        asyncio.run(play(Switches(config, switch, lambda: protected, thread, tmp_path)))
    assert switch.done == [(port, on) for on in (False, True) for port in ("1.1", "1.2", "1.3")]
