"""Test calls of modems that had calls before, with simulated modems in a time of their own."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

import pytest

from callcontrol.trunk.pool import Service
from callcontrol.trunk.readiness import What
from drivers.link import Link, LinkError, open_link
from drivers.modem.kept import open_modem
from drivers.modem.model import CallState, ModemSettings
from firmware.config_trunk import Modem as Entry
from firmware.trunk.lines import ModemLine
from firmware.trunk.trying import Busy, _End, try_voice
from hil.modembench import LOOPBACK, Pins, in_own_time
from hil.sim.modem.phones import Habit
from hil.sim.modem.ports import TcpPort
from hil.sim.modem.world import ModemPlan, Plugged, World

PHONE = "+46701112233"
OPENS_S = 0.4
"""A port of a sick modem, or on a busy machine."""
REGISTERED_S = 30.0
BOTH_WAYS = {What.CALLED: True, What.HEARD: True, What.SAID: True}
CALLED = {What.CALLED: True}
NOT_CALLED = {What.CALLED: False}


@dataclass
class House:
    world: World
    lines: list[ModemLine]

    async def call(self, line: ModemLine, lasts_s: float) -> None:
        """A call out that is hung up so long after the answer."""
        end = _End(line)
        line.take(end)
        await line.modem.dial(PHONE)
        assert await end.until(CallState.ACTIVE)
        await asyncio.sleep(lasts_s)
        await line.modem.hang_up()
        line.release(end)


@pytest.fixture(autouse=True)
def ports(monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """Ports of sound as serial ones are: opened in some time, by one at a time."""
    taken: set[str] = set()

    async def slowly(url: str, received: Callable[[bytes], None], lost: Callable[[str], None]) -> Link:
        if url in taken:
            raise LinkError("taken", url)
        taken.add(url)
        await asyncio.sleep(OPENS_S)
        link = await open_link(url, received, lost)
        close = link.close

        def closed() -> None:
            taken.discard(url)
            close()

        monkeypatch.setattr(link, "close", closed)
        return link

    monkeypatch.setattr("drivers.modem.sound.open_link", slowly)
    return taken


@asynccontextmanager
async def house(phone: Habit) -> AsyncIterator[House]:
    """Two modems that have a network."""
    world = World()
    world.phone(PHONE, phone)
    plugged = [world.add(ModemPlan(model, model, LOOPBACK, LOOPBACK)) for model in ("sim7600", "eg25g")]
    world.start()
    await asyncio.sleep(0.001)
    lines = [_line(modem) for modem in plugged]
    try:
        for line in lines:
            await line.modem.start()
        await asyncio.sleep(REGISTERED_S)
        assert [line.service for line in lines] == [Service.VOICE] * 2
        yield House(world, lines)
    finally:
        for line in lines:
            await line.modem.close()
        world.close()


def _line(modem: Plugged) -> ModemLine:
    name = modem.plan.name
    at, pcm = (f"socket://127.0.0.1:{port.port}" for port in (modem.at, modem.pcm) if isinstance(port, TcpPort))
    entry = Entry(name=name, number=modem.device.calls.number)
    driver = open_modem(ModemSettings(name, at, pcm), pins=Pins())
    return ModemLine(entry, driver, _unwanted, lambda *_: None, lambda _: None)


def _unwanted(*_: object) -> _End:
    raise AssertionError("nobody calls here")


@pytest.mark.parametrize("first", [0, 1])
@pytest.mark.parametrize("lasts_s", [0.0, OPENS_S / 2, OPENS_S * 2])
@in_own_time
async def test_calls_before_it_make_no_difference(first: int, lasts_s: float, ports: set[str]) -> None:
    """Also those that were hung up before their sound was there; which is nobody's afterwards."""
    async with house(Habit(answers_after_s=0.5)) as built:
        for line in (*built.lines, *built.lines):
            await built.call(line, lasts_s)
        caller, called = built.lines[first], built.lines[1 - first]
        proved = await try_voice(caller, called.number or "", called)
        assert {what: proof.good for what, proof in proved.items()} == BOTH_WAYS, proved
        assert [line.call for line in built.lines] == [None, None]
        await asyncio.sleep(2 * OPENS_S)
        assert [line.service for line in built.lines] == [Service.VOICE] * 2
        assert not ports


@pytest.mark.parametrize(
    ("habit", "expected"),
    [
        (Habit(sound="echo"), BOTH_WAYS),
        (Habit(sound="silence"), CALLED),
        (Habit(refuses=17), NOT_CALLED),
        (Habit(answers_after_s=None), NOT_CALLED),
        (Habit(off=True), NOT_CALLED),
    ],
)
@in_own_time
async def test_what_another_number_proves(habit: Habit, expected: dict[What, bool]) -> None:
    async with house(habit) as built:
        line = built.lines[0]
        proved = await try_voice(line, PHONE, None)
        assert {what: proof.good for what, proof in proved.items()} == expected, proved
        line.take(_End(line))
        with pytest.raises(Busy):
            await try_voice(line, PHONE, None)
