"""What every source of power must do, whichever device it is (drivers/ups/model.py)."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import fields

import pytest

from drivers.ups.model import Mains, Reading, Trouble
from hil.powerbench import BENCHES, Bench, Heard

PATIENCE_S = 20.0
NUMBERS = ("volts", "amps", "watts", "load_percent", "charge_percent", "minutes", "celsius")
FAULTS = {
    "nut": ("wait", "stale", "no_driver", "silent", "half", "garbage", "refusing", "endless"),
    "max17043": ("nack", "hangs", "floats"),
    "max17048": ("nack",),
    "ina219": ("nack", "hangs", "floats"),
    "upsmib": ("silent", "refused", "text", "missing"),
    "mcu": ("silent", "version", "still", "garbage", "hostile", "endless"),
}


@contextlib.asynccontextmanager
async def running(kind: str) -> AsyncIterator[tuple[Bench, Heard]]:
    bench = await BENCHES[kind]()
    heard = Heard()
    task = asyncio.create_task(bench.source.run(heard.told))
    try:
        async with asyncio.timeout(PATIENCE_S):
            yield bench, heard
    finally:
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await bench.source.close()
        await bench.source.close()
        await bench.end()


def is_known(reading: Reading) -> bool:
    return reading.volts is not None


def is_unknown(reading: Reading) -> bool:
    """Of battery and mains nothing at all, and why."""
    numbers = [getattr(reading, each.name) for each in fields(reading) if each.name in NUMBERS]
    return (
        reading.mains is Mains.UNKNOWN
        and not any(number is not None for number in numbers)
        and (reading.charging, reading.low, reading.halt) == (None, None, False)
        and reading.trouble in list(Trouble)
    )


@pytest.mark.parametrize("kind", BENCHES)
async def test_what_is_known_is_told_with_the_time_it_was_measured(kind: str) -> None:
    began_s = asyncio.get_running_loop().time()
    async with running(kind) as (bench, heard):
        reading = await heard.first(is_known)
        assert reading.volts == pytest.approx(bench.supply.volts, rel=0.02)
        assert began_s <= reading.at_s <= asyncio.get_running_loop().time()
        assert reading.mains is (Mains.ON if bench.tells_mains else Mains.UNKNOWN)
        assert bench.source.fresh_s > 0


@pytest.mark.parametrize(("kind", "fault"), [(kind, fault) for kind, faults in FAULTS.items() for fault in faults])
async def test_what_is_not_known_is_told_as_not_known(kind: str, fault: str) -> None:
    bench = await BENCHES[kind]()
    bench.faults[fault]()
    heard = Heard()
    task = asyncio.create_task(bench.source.run(heard.told))
    try:
        async with asyncio.timeout(PATIENCE_S):
            assert is_unknown(await heard.first(lambda reading: True))
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await bench.source.close()
        await bench.end()


@pytest.mark.parametrize("kind", ["nut", "mcu", "upsmib"])
async def test_a_loss_is_told_and_so_is_the_return(kind: str) -> None:
    async with running(kind) as (bench, heard):
        await heard.first(lambda reading: reading.mains is Mains.ON)
        bench.supply.set_mains(0.0)
        lost = await heard.first(lambda reading: reading.mains is Mains.LOST)
        assert lost.charging is not True
        bench.supply.set_mains(230.0)
        bench.supply.advance(10.0)
        await heard.first(lambda reading: reading.mains is Mains.ON, len(heard.readings))


async def test_what_was_known_is_not_known_while_it_is_sick_and_known_again() -> None:
    async with running("nut") as (bench, heard):
        await heard.first(is_known)
        bench.faults["stale"]()
        await heard.first(is_unknown, len(heard.readings))
        bench.heal()
        await heard.first(is_known, len(heard.readings))


def test_each_fault_of_a_bench_is_tried() -> None:
    assert set(FAULTS) == set(BENCHES)


async def test_a_source_that_never_ran_closes() -> None:
    for make in BENCHES.values():
        bench = await make()
        await bench.source.close()
        await bench.end()
