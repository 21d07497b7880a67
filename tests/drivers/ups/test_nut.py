"""What the variables of a UPS say (drivers/ups/nutvars.py), and the client's manners (drivers/ups/nut.py)."""

import asyncio
import dataclasses
import logging
import math

import pytest
from aionut import AIONUTClient
from hypothesis import given
from hypothesis import strategies as st

from drivers.ups.model import Mains, Reading, Trouble
from drivers.ups.nut import NutSettings, NutUps
from drivers.ups.nutvars import STANDS_STILL_S, Still, reading
from hil.powerbench import nut_bench
from hil.sim.power.realnut import PASSWORD

FULL = {
    "battery.charge": "83",
    "battery.runtime": "1800",
    "battery.voltage": "26.4",
    "battery.current": "-2.5",
    "ups.load": "30",
    "ups.realpower.nominal": "500",
    "ups.temperature": "31.5",
}


@pytest.mark.parametrize(
    ("status", "mains", "low", "halt", "trouble"),
    [
        ("OL", Mains.ON, False, False, None),
        ("OL CHRG", Mains.ON, False, False, None),
        ("OB DISCHRG", Mains.LOST, False, False, None),
        ("OB DISCHRG LB", Mains.LOST, True, False, None),
        ("FSD OB LB", Mains.LOST, True, True, None),
        ("FSD OL", Mains.ON, False, True, None),
        ("ol boost", Mains.ON, False, False, None),
        ("OL RB", Mains.ON, False, False, Trouble.REPLACE_BATTERY),
        ("OL OVER RB", Mains.ON, False, False, Trouble.OVERLOADED),
        ("OL CAL DISCHRG", Mains.ON, False, False, Trouble.CALIBRATING),
        ("OB CAL", Mains.UNKNOWN, None, False, Trouble.CALIBRATING),
        ("BYPASS", Mains.ON, False, False, Trouble.BYPASSED),
        ("OFF", Mains.UNKNOWN, None, False, Trouble.OFF),
        ("OL OB", Mains.UNKNOWN, None, False, Trouble.NONSENSE),
        ("", Mains.UNKNOWN, None, False, Trouble.MISSING),
        ("ONLINE", Mains.UNKNOWN, None, False, Trouble.MISSING),
        ("LB", Mains.UNKNOWN, True, False, Trouble.MISSING),
    ],
)
def test_a_status_says(status: str, mains: Mains, low: bool | None, halt: bool, trouble: Trouble | None) -> None:
    told = reading({**FULL, "ups.status": status}, 1.0)
    assert (told.mains, told.low, told.halt, told.trouble) == (mains, low, halt, trouble)


def test_all_that_a_ups_tells_comes_in_the_units_of_a_reading() -> None:
    assert reading({**FULL, "ups.status": "OB DISCHRG"}, 5.0) == Reading(
        5.0, Mains.LOST, False, 26.4, 2.5, 150.0, 30.0, 83.0, 30.0, False, False, 31.5, None
    )


@pytest.mark.parametrize("status", ["WAIT", "OL WAIT"])
def test_while_the_server_waits_for_its_driver_nothing_is_known(status: str) -> None:
    assert reading({**FULL, "ups.status": status}, 1.0) == Reading(1.0, trouble=Trouble.WAITING)


def test_while_the_driver_looks_for_its_ups_nothing_is_known() -> None:
    variables = {**FULL, "ups.status": "OL", "driver.state": "reconnect.trying"}
    assert reading(variables, 1.0) == Reading(1.0, trouble=Trouble.STALE)


@pytest.mark.parametrize("key", FULL)
def test_a_missing_key_is_not_known_and_no_trouble(key: str) -> None:
    without = {name: value for name, value in FULL.items() if name != key}
    told = reading({**without, "ups.status": "OL"}, 1.0)
    assert told.trouble is None
    assert told.mains is Mains.ON


@pytest.mark.parametrize("text", ["nan", "inf", "1e999", "-3", "12,5", "x", "9" * 500, "0x10"])
def test_a_charge_that_is_none_is_not_known_and_said(text: str) -> None:
    told = reading({**FULL, "battery.charge": text, "ups.status": "OL"}, 1.0)
    assert (told.charge_percent, told.trouble) == (None, Trouble.NONSENSE)


def test_a_charge_somewhat_over_full_is_full() -> None:
    assert reading({"battery.charge": "103", "ups.status": "OL"}, 1.0).charge_percent == 100.0


KEYS = st.sampled_from([*FULL, "ups.status", "driver.state", "battery.temperature", "ups.realpower"])
FLAGS = ("OL", "OB", "LB", "FSD", "WAIT", "CHRG", "DISCHRG", "CAL", "OFF", "RB", "OVER", "BYPASS")
WORDS = st.lists(st.sampled_from(FLAGS)).map(" ".join)
VALUES = st.one_of(st.text(max_size=40), WORDS, st.floats().map(str), st.integers().map(str))


@given(st.dictionaries(KEYS, VALUES))
def test_whatever_it_tells_is_bounded_and_unknown_mains_say_why(variables: dict[str, str]) -> None:
    told = reading(variables, 1.0)
    numbers = [value for value in dataclasses.astuple(told) if isinstance(value, float)]
    assert all(math.isfinite(number) for number in numbers)
    assert told.charge_percent is None or 0 <= told.charge_percent <= 100
    assert told.mains is not Mains.UNKNOWN or told.trouble in list(Trouble)


def test_a_battery_that_feeds_and_stands_still_is_not_believed() -> None:
    still, told = Still(), reading({**FULL, "ups.status": "FSD OB"}, 0.0)
    assert still.judge(told) == told
    later = dataclasses.replace(told, at_s=STANDS_STILL_S - 1)
    assert still.judge(later) == later
    assert still.judge(dataclasses.replace(told, at_s=STANDS_STILL_S)) == Reading(
        STANDS_STILL_S, halt=True, trouble=Trouble.STALE
    )
    moved = dataclasses.replace(told, at_s=STANDS_STILL_S + 1, volts=26.3)
    assert still.judge(moved) == moved


@pytest.mark.parametrize("status", ["OL", "OL CHRG"])
def test_on_mains_a_battery_may_stand_still(status: str) -> None:
    still, told = Still(), reading({**FULL, "ups.status": status}, 0.0)
    for at_s in (0.0, 1e6):
        assert still.judge(dataclasses.replace(told, at_s=at_s)).mains is Mains.ON


def test_the_private_names_of_aionut_are_as_we_know_them() -> None:
    client = AIONUTClient()
    assert (client._reader, client._writer, client._connected) == (None, None, False)
    assert asyncio.iscoroutinefunction(client._connect)
    assert asyncio.iscoroutinefunction(client._write_command_or_raise)


async def test_a_password_is_in_no_words_about_the_source() -> None:
    assert "sekret" not in repr(NutSettings("ups", "sim", password="sekret"))


async def test_a_password_is_in_no_log(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    bench = await nut_bench()
    assert isinstance(bench.source, NutUps)
    assert await bench.source.order_test("test.battery.start.quick") is None
    await bench.end()
    assert PASSWORD not in caplog.text


async def test_only_tests_may_be_ordered() -> None:
    bench = await nut_bench()
    assert isinstance(bench.source, NutUps)
    with pytest.raises(ValueError, match="no test"):
        await bench.source.order_test("shutdown.return")
    assert await bench.source.order_test("test.battery.start.quick") is None
    assert bench.supply.history[-1]["what"] == "test"
    assert await bench.source.order_test("test.battery.start.deep") is None
    assert await bench.source.order_test("test.battery.stop") is None
    bench.supply.advance(3.0)
    assert [each["what"] for each in bench.supply.history] == ["test", "order", "on_battery", "order", "on_mains"]
    await bench.end()


async def heard_of(answers: list[bytes]) -> list[Reading]:
    """What is told of a server that answers each line with the next of these, whatever was asked."""
    told: list[Reading] = []
    left = iter(answers)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while await reader.readline() and (answer := next(left, None)) is not None:
            writer.write(answer)
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    source = NutUps(NutSettings("ups", "sim", port=server.sockets[0].getsockname()[1]), 0.001, 0.01)
    task = asyncio.create_task(source.run(told.append))
    await asyncio.sleep(0.005)
    assert not task.done()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    server.close()
    return told


HALF_TRUE = st.sampled_from(
    [
        b'VAR sim ups.status "OL"\n',
        b"BEGIN LIST VAR sim\n",
        b'VAR sim battery.charge "nan"\n',
        b"END LIST VAR sim\n",
        b'BEGIN LIST VAR sim\nVAR sim\nVAR sim ups.status "OB"\nEND LIST VAR sim\n',
        b"ERR \n",
        b"ERR DATA-STALE\n",
        b"OK\n",
    ]
)


@given(st.lists(st.one_of(st.binary(max_size=60), HALF_TRUE), max_size=8))
def test_no_server_ends_the_source_or_makes_it_tell_what_is_no_reading(answers: list[bytes]) -> None:
    for told in asyncio.run(heard_of(answers)):
        assert told.mains is not Mains.UNKNOWN or told.trouble in list(Trouble)
        assert told.charge_percent is None
