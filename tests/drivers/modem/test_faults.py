"""Every fault by its name, and a thousand by chance.

Whatever a modem does, its driver raises ModemError alone, tells each call's end once, loses no SMS, and works again
when the fault is over."""

from __future__ import annotations

import asyncio
import random

import pytest

from drivers.modem.kept import open_modem
from drivers.modem.model import Back, CallChanged, CallState, ModemError, SmsCame, Step, Voice
from hil.modembench import ModemBench, NotInTime, Opens, in_own_time
from hil.sim.modem.faults import Fault, plan
from hil.sim.modem.phones import Habit

DRIVERS: tuple[Opens, ...] = (open_modem,)
MODELS = ("generic", "sim7600", "eg25g", "ec25")
OUTSIDE, INSIDE = "+46709999999", "+46708251358"
SUBMIT = bytes.fromhex("31000B916407281553F800000B021B14")
HEALS_S = 4 * 3600.0
"""The driver waits up to an hour before it tries a modem again that nothing helped, and twice may be needed."""
SEEDS, SEEDS_A_TEST = 1000, 50
PLAN_S, PLAN_FAULTS = 600.0, 8

TAKEN_S = 3.0
"""So long the process `trunk` waits for it."""

drivers = pytest.mark.parametrize("opens", DRIVERS, ids=lambda opens: opens.__name__)


async def a_while_of_use(bench: ModemBench, choice: random.Random, rounds: int) -> int:
    """Calls out and in, keys, SMS out and in, one after the other; how many SMS were sent to the modem."""
    phone = bench.world.phone(OUTSIDE, Habit(answers_after_s=1.0, sound="tone:440"))
    sent = 0
    for _ in range(rounds):
        match choice.choice(("out", "in", "sms", "in_sms", "balance")):
            case "out":
                await bench.try_to(bench.driver.dial(OUTSIDE))
                await asyncio.sleep(choice.uniform(0, 12))
                await bench.try_to(bench.driver.send_key("5"))
                await bench.try_to(bench.driver.hang_up())
            case "in" if phone.call is None:
                phone.dial(bench.number)
                await asyncio.sleep(choice.uniform(0, 8))
                await bench.try_to(bench.driver.answer())
                await asyncio.sleep(choice.uniform(0, 5))
                if choice.random() < 0.5:
                    phone.hang_up()
                await bench.try_to(bench.driver.hang_up())
                phone.hang_up()
            case "sms":
                await bench.try_to(bench.driver.send_sms(SUBMIT))
            case "in_sms":
                bench.world.centre.send("Ufone", bench.number, f"nr {sent}")
                sent += 1
            case _:
                await bench.try_to(bench.driver.balance("*100#"))
        await asyncio.sleep(choice.uniform(0.1, 20))
    return sent


async def works_again(bench: ModemBench) -> None:
    """A call out that is up, with its number known, and ended by us for the network too."""
    deadline = asyncio.get_running_loop().time() + HEALS_S
    while True:
        bench.world.phone(OUTSIDE).hang_up()
        since = len(bench.events)
        try:
            await bench.driver.dial(OUTSIDE)
            await bench.event(CallChanged, since, 30.0, state=CallState.ACTIVE)
            await bench.driver.hang_up()
            await bench.ended(since, 30.0)
        except (ModemError, NotInTime):
            if asyncio.get_running_loop().time() > deadline:
                raise
            await asyncio.sleep(10)
        else:
            return


async def healed(bench: ModemBench, sms_in: int) -> None:
    """What holds when all faults are over."""
    bench.device.faults.clear()
    if bench.device.hung:
        bench.device.power_off()
        bench.device.power_on()
    bench.device.registration.move(coverage="home")
    await works_again(bench)
    await bench.until(lambda: bench.driver.network.voice is Voice.CS, f"voice; {bench.driver.network}", 300)
    await bench.until(lambda: len({event.pdu for event in bench.events if isinstance(event, SmsCame)}) >= sms_in, "SMS")
    assert not bench.world.network.calls
    assert all(call[-1].state is CallState.RELEASED for call in bench.calls())
    assert not bench.judged()


@drivers
@pytest.mark.parametrize("fault", list(Fault), ids=str)
def test_by_name(fault: Fault, opens: Opens) -> None:
    by_name(fault, MODELS[list(Fault).index(fault) % len(MODELS)], opens, rounds=4)


@drivers
@pytest.mark.parametrize("fault", [Fault.PCM_DEGRADES, Fault.PCM_DIES])
@in_own_time
async def test_lost_sound_is_mended_by_a_new_start_after_the_call(fault: Fault, opens: Opens) -> None:
    async with ModemBench("sim7600", opens, faults={fault: 1.0}) as bench:
        bench.world.phone(OUTSIDE, Habit(sound="tone:440"))
        for _ in range(2):  # the first use of a modem that degrades is good
            await bench.until(lambda: bench.driver.network.voice is Voice.CS, "voice")
            since = len(bench.events)
            await bench.call(OUTSIDE)
            await asyncio.sleep(30)
            assert bench.world.network.calls  # a call that is up is not ended for it
            await bench.driver.hang_up()
            await bench.ended(since)
            await asyncio.sleep(2)
        bench.device.faults.clear()
        await bench.until(lambda: bench.driver.health.counts.get(Step.RESET), "reset")
        await bench.event(Back, since)
        await bench.until(lambda: bench.driver.network.voice is Voice.CS, "voice")
        await bench.call(OUTSIDE)
        await asyncio.sleep(10)
        await bench.driver.hang_up()
        await bench.until(lambda: len(bench.world.history.all("sound")) > 2, "sound")
        last = bench.world.history.all("sound")[-1]
        assert last["down"]["dropouts"] == 0
        assert last["seconds"] > 9


@pytest.mark.long
@drivers
@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("fault", list(Fault), ids=str)
def test_by_name_on_each_model(fault: Fault, model: str, opens: Opens) -> None:
    by_name(fault, model, opens, rounds=30)


@in_own_time
async def by_name(fault: Fault, model: str, opens: Opens, rounds: int) -> None:
    """One fault that strikes half of the time, from the start."""
    async with ModemBench(model, opens, seed=rounds, waits=False, faults={fault: 0.5}) as bench:
        sent = await a_while_of_use(bench, random.Random(rounds), rounds)
        await healed(bench, sent)


@pytest.mark.long
@drivers
@pytest.mark.parametrize("first", range(0, SEEDS, SEEDS_A_TEST))
@pytest.mark.timeout(600)
def test_by_chance(first: int, opens: Opens) -> None:
    for seed in range(first, first + SEEDS_A_TEST):
        by_chance(seed, opens)


@in_own_time
async def by_chance(seed: int, opens: Opens) -> None:
    """Faults that come and go, plugs pulled, networks lost, all by one seed."""
    choice = random.Random(seed)
    async with ModemBench(choice.choice(MODELS), opens, seed=seed) as bench:
        loop = asyncio.get_running_loop()
        for planned in plan(seed, PLAN_S, PLAN_FAULTS):
            loop.call_later(planned.at_s, bench.device.faults.put, planned.fault, planned.likelihood)
            loop.call_later(planned.at_s + planned.seconds, bench.device.faults.put, planned.fault, 0.0)
        for _ in range(choice.randrange(3)):
            loop.call_later(choice.uniform(0, PLAN_S), bench.device.power_off)
            loop.call_later(PLAN_S, bench.device.power_on, 3.0)
        if choice.random() < 0.3:
            coverage = choice.choice(("none", "emergency", "lte_only", "denied"))
            loop.call_later(choice.uniform(0, PLAN_S), lambda: bench.device.registration.move(coverage=coverage))
        sent = await a_while_of_use(bench, choice, 40)
        await asyncio.sleep(max(0.0, PLAN_S + 1 - loop.time()))
        await healed(bench, sent)


@drivers
@pytest.mark.parametrize("model", MODELS)
@in_own_time
async def test_an_order_of_112_is_seen_to_be_taken_whatever_is_glued_to_it(model: str, opens: Opens) -> None:
    async with ModemBench(model, opens) as bench:
        bench.device.faults.put(Fault.CUT, 0.2)
        bench.device.faults.put(Fault.GLUED, 0.5)
        for _ in range(10):
            async with asyncio.timeout(TAKEN_S):
                await bench.driver.dial("112")
            await asyncio.sleep(1)
            await bench.driver.hang_up()
            await asyncio.sleep(1)
