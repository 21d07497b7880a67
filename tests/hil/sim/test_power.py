"""Simulated power obeys physics, and tells as NUT and its driver do."""

import asyncio
import json
from pathlib import Path

import pytest

from hil.child import ChildError
from hil.sim.power.cell import Battery, Chemistry
from hil.sim.power.control import Commands
from hil.sim.power.supply import Supply
from hil.sim.power.ups import Sickness, Ups, Upsd, write_dev
from hil.ups import SimulatedUps

STEP_S = 30.0


def hours(battery: Battery, watts: float) -> float:
    """How long it feeds so much."""
    supply = Supply(battery, watts=watts)
    supply.set_mains(0.0)
    while supply.is_feeding:
        supply.advance(STEP_S)
    return supply.now_s / 3600


def lead(**more: float) -> Battery:
    return Battery(9.0, 2, Chemistry.LEAD, **more)


def test_twice_the_load_lasts_less_than_half_as_long() -> None:
    assert hours(lead(), 200) < hours(lead(), 100) / 2


@pytest.mark.parametrize("worse", [{"age": 1.0}, {"celsius": 0.0}, {"charge": 0.8}])
@pytest.mark.parametrize("chemistry", Chemistry)
def test_old_cold_or_half_charged_lasts_shorter(chemistry: Chemistry, worse: dict[str, float]) -> None:
    assert hours(Battery(9.0, 2, chemistry, **worse), 200) < 0.95 * hours(Battery(9.0, 2, chemistry), 200)


def test_a_cell_gives_no_more_than_it_holds() -> None:
    battery = Battery(5.0, 1)
    lasted_h = hours(battery, 6.0)
    assert 0.6 * 5.0 * 3.0 < lasted_h * (6.0 + 1.5) / 0.85 < 5.0 * 4.2


def test_a_load_pulls_the_voltage_down_at_once_and_more_with_time_and_rest_gives_it_back() -> None:
    battery = Battery(5.0, 1, charge=0.5)
    rest, at_once = battery.rest_v, battery.volts(2.0)
    battery.step(2.0, 120.0)
    assert battery.volts(2.0) < at_once < rest
    after = battery.volts(0.0)
    battery.step(0.0, 3600.0)
    assert battery.volts(0.0) > after
    assert battery.volts(0.0) == pytest.approx(battery.rest_v, abs=0.001)


def test_what_was_taken_is_charged_again_and_the_load_gets_power_back_when_the_battery_can_bear_it() -> None:
    supply = Supply(lead(), watts=300.0)
    supply.set_mains(0.0)
    while supply.is_feeding:
        supply.advance(STEP_S)
    supply.set_mains(230.0)
    supply.advance(60.0)
    assert (supply.is_feeding, supply.is_charging) == (False, True)
    supply.advance(14 * 3600.0)
    assert (supply.is_feeding, supply.on_battery) == (True, False)
    assert supply.battery.charge == pytest.approx(1.0, abs=0.02)


def test_a_brown_out_is_lived_through_on_the_battery_and_mains_are_believed_after_a_while() -> None:
    supply = Supply()
    told = []
    for volts, seconds in ((150.0, 0.0), (190.0, 60.0), (230.0, 1.0), (230.0, 10.0)):
        supply.set_mains(volts)
        supply.advance(seconds)
        told.append(supply.on_battery)
    assert told == [True, True, True, False]
    assert [one["what"] for one in supply.history if one["what"].startswith("on_")] == ["on_battery", "on_mains"]


def test_a_contact_bounces_and_ends_where_mains_went() -> None:
    bounces = Supply().bounces(seed=7, seconds=0.02)
    assert bounces == sorted(bounces, key=lambda bounce: bounce[0])
    assert (len(bounces) > 5, bounces[-1]) == (True, (0.02, False))


def test_what_dummy_ups_reads_is_never_twice_of_one_second(tmp_path: Path) -> None:
    dev = tmp_path / "ups.dev"
    times = []
    for status in ("OL", "OB", "OL"):
        write_dev(dev, {"ups.status": status})
        times.append(int(dev.stat().st_mtime))
    assert len(set(times)) == 3
    assert dev.read_text() == "ups.status: OL\n"
    assert list(tmp_path.iterdir()) == [dev]


def test_a_rig_s_orders_are_done_or_refused_by_name() -> None:
    ups = Ups(Supply())
    told: list[str] = []
    commands = Commands(ups, None, lambda: told.append(ups.variables()["ups.status"]))
    commands.run({"do": "cut"})
    commands.run({"do": "lie", "variables": {"battery.charge": "100", "battery.runtime": None}})
    commands.run({"do": "later", "seconds": 3600})
    assert told[0] == "OB DISCHRG"
    variables = commands.run({"do": "status"})["variables"]
    assert (variables["battery.charge"], "battery.runtime" in variables) == ("100", False)
    assert ups.supply.battery.charge < 0.7
    for wrong in ({"do": "x"}, {"do": "load", "watts": "9"}, {"do": "sick", "how": "stale"}, {"do": "__init__"}):
        with pytest.raises(ValueError, match=r"no such|watts|sick"):
            commands.run(wrong)
    json.dumps(commands.run({"do": "history"}))


async def test_the_small_server_answers_as_upsd() -> None:
    ups = Ups(Supply())
    server = Upsd("sim", ups.variables, ups.order)
    port = await server.start("127.0.0.1", 0)
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for asked, answer in (
        (b"GET VAR sim ups.status", b'VAR sim ups.status "OL"'),
        (b"GET VAR other ups.status", b"ERR UNKNOWN-UPS"),
        (b"GET VAR sim x", b"ERR VAR-NOT-SUPPORTED"),
        (b"INSTCMD sim load.off", b"ERR CMD-NOT-SUPPORTED"),
        (b"NONSENSE", b"ERR UNKNOWN-COMMAND"),
    ):
        writer.write(asked + b"\n")
        assert (await reader.readline()).strip() == answer
    server.sickness = Sickness.STALE
    writer.write(b"LIST VAR sim\n")
    assert await reader.readline() == b"ERR DATA-STALE\n"
    writer.close()
    await server.close()


def test_the_program_plays_a_ups_and_ends_with_who_started_it() -> None:
    with SimulatedUps(real=False) as ups:
        assert ups.url.startswith("nut://127.0.0.1:")
        ups.ask("cut")
        assert ups.ask("status")["variables"]["ups.status"] == "OB DISCHRG"
        with pytest.raises(ChildError, match="watts"):
            ups.ask("load", watts=-1)
