"""The mains line (drivers/ups/line.py): it bounces, it is wired either way, and which is proved by a cut."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress

import pytest

from drivers.gpio import Header
from drivers.ups.line import LAG_S, LineSettings, MainsIs, MainsLine, Proof, Sample, prove
from drivers.ups.model import Mains, Trouble
from hil.powerbench import Heard
from hil.sim.power.header import FakeGpio, fake_header
from hil.sim.power.supply import Supply

PIN = 6
PATIENCE_S = 10.0


@pytest.fixture
def gpio() -> Iterator[FakeGpio]:
    with fake_header() as fake:
        yield fake


@asynccontextmanager
async def hearing(mains_is: MainsIs) -> AsyncIterator[tuple[MainsLine, Heard]]:
    line, heard = MainsLine(LineSettings("line", PIN, mains_is), Header()), Heard()
    task = asyncio.create_task(line.run(heard.told))
    try:
        async with asyncio.timeout(PATIENCE_S):
            await heard.first(lambda reading: True)
            yield line, heard
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


@pytest.mark.parametrize(("mains_is", "with_mains"), [(MainsIs.HIGH, True), (MainsIs.LOW, False)])
async def test_a_level_says_mains_as_it_is_wired(gpio: FakeGpio, mains_is: MainsIs, with_mains: bool) -> None:
    gpio.drive(PIN, with_mains)
    async with hearing(mains_is) as (_, heard):
        assert heard.readings[0].mains is Mains.ON
        gpio.drive(PIN, not with_mains)
        await heard.first(lambda reading: reading.mains is Mains.LOST)


async def test_a_line_that_bounces_is_told_once_and_where_it_ended(gpio: FakeGpio) -> None:
    gpio.drive(PIN, True)
    async with hearing(MainsIs.HIGH) as (_, heard):
        last_s = 0.0
        for at_s, level in Supply().bounces(seed=3, seconds=0.05):
            await asyncio.sleep(at_s - last_s)
            last_s = at_s
            gpio.drive(PIN, level)
        lost = await heard.first(lambda reading: reading.mains is Mains.LOST)
        assert [reading.mains for reading in heard.readings] == [Mains.ON, Mains.LOST]
        assert lost.at_s >= gpio.history[-1][0]


async def test_a_line_that_never_settles_says_nothing_of_mains(gpio: FakeGpio, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("drivers.ups.line.UNSETTLED_S", 0.1)
    async with hearing(MainsIs.HIGH) as (line, heard):
        while heard.readings[-1].trouble is not Trouble.UNSETTLED:
            gpio.drive(PIN, not gpio.level(PIN))
            await asyncio.sleep(0.01)
        assert (heard.readings[-1].mains, line.level) == (Mains.UNKNOWN, None)
        await heard.first(lambda reading: reading.mains is not Mains.UNKNOWN, len(heard.readings))


async def test_an_unproved_line_says_its_level_and_not_mains(gpio: FakeGpio) -> None:
    gpio.drive(PIN, True)
    async with hearing(MainsIs.UNKNOWN) as (line, heard):
        assert (heard.readings[0].mains, heard.readings[0].trouble) == (Mains.UNKNOWN, Trouble.UNPROVED)
        assert line.level is True


async def test_a_pin_that_another_process_has_is_refused(gpio: FakeGpio) -> None:
    gpio.taken.add(PIN)
    async with hearing(MainsIs.HIGH) as (_, heard):
        assert (heard.readings[0].mains, heard.readings[0].trouble) == (Mains.UNKNOWN, Trouble.REFUSED)


async def test_without_a_pi_the_line_is_not_known() -> None:
    async with hearing(MainsIs.HIGH) as (_, heard):
        assert (heard.readings[0].mains, heard.readings[0].trouble) == (Mains.UNKNOWN, Trouble.UNREACHABLE)


def cut(with_mains: bool, moves: bool = True, lag_s: float = 1.0) -> list[Sample]:
    """A minute of mains, a minute without, and a minute with; the other source tells `lag_s` later."""
    samples = []
    for half in range(360):
        at_s = half / 2
        level = with_mains if not (60 <= at_s < 120) or not moves else not with_mains
        samples.append(Sample(at_s, level, Mains.LOST if 60 + lag_s <= at_s < 120 + lag_s else Mains.ON))
    return samples


@pytest.mark.parametrize("lag_s", [-LAG_S + 0.5, 0.0, LAG_S - 0.5])
@pytest.mark.parametrize(("with_mains", "proof"), [(True, Proof.HIGH), (False, Proof.LOW)])
def test_a_cut_proves_how_the_line_is_wired(with_mains: bool, proof: Proof, lag_s: float) -> None:
    assert prove(cut(with_mains, lag_s=lag_s)) is proof


def test_what_proves_nothing_is_said() -> None:
    assert prove([]) is Proof.NO_CUT
    assert prove(cut(True)[:100]) is Proof.NO_CUT
    assert prove(Sample(one.at_s, one.level, Mains.UNKNOWN) for one in cut(True)) is Proof.NO_CUT
    assert prove(cut(True, moves=False)) is Proof.STANDS_STILL
    assert prove(Sample(one.at_s, place % 7 > 2, one.mains) for place, one in enumerate(cut(True))) is Proof.DISAGREES
