"""What every driver of a modem does, against each simulated model. A driver of another kind is added to `DRIVERS`."""

from __future__ import annotations

import asyncio

import pytest

from drivers.modem.kept import open_modem
from drivers.modem.model import (
    SOUND_HZ,
    Back,
    CallChanged,
    CallState,
    Gone,
    Key,
    ModemError,
    ReportCame,
    SimState,
    SmsCame,
    TimeTold,
    Voice,
)
from hil.modembench import ModemBench, Opens, in_own_time
from hil.sim.modem.phones import Habit
from hil.sim.modem.tpdu import parse_submit
from hil.sim.modem.voices import Ear

DRIVERS: tuple[Opens, ...] = (open_modem,)
MODELS = ("generic", "sim7600", "eg25g", "ec25")
WITH_SOUND = ("sim7600", "eg25g", "ec25")
OUTSIDE = "+46709999999"
TIME_RIGHT_S = 60.0
SUBMIT = bytes.fromhex("31000B916407281553F800000B021B14")  # a report is asked for

models = pytest.mark.parametrize("model", MODELS)
drivers = pytest.mark.parametrize("opens", DRIVERS, ids=lambda opens: opens.__name__)


@drivers
@models
@in_own_time
async def test_it_says_who_it_is(model: str, opens: Opens) -> None:
    async with ModemBench(model, opens) as bench:
        driver = bench.driver
        await bench.until(lambda: driver.network.voice is Voice.CS, "voice")
        assert (driver.model, driver.firmware) == (bench.device.model.product, bench.device.model.firmware)
        assert (driver.sim.state, driver.sim.imsi) == (SimState.READY, "240010000000001")
        assert (driver.network.operator, driver.network.technology) == ("24001", "lte")
        assert driver.network.dbm == pytest.approx(-71, abs=2)


@drivers
@models
@in_own_time
async def test_a_call_out_goes_its_way_and_ends_once(model: str, opens: Opens) -> None:
    async with ModemBench(model, opens) as bench:
        phone = bench.world.phone(OUTSIDE, Habit(answers_after_s=3))
        await bench.call(OUTSIDE)
        await bench.driver.send_key("5")
        phone.hang_up()
        await bench.ended(0)
        (call,) = bench.calls()
        states = [event.state for event in call]
        assert states[-2:] == [CallState.ACTIVE, CallState.RELEASED]
        assert CallState.ALERTING in states
        assert all(event.outgoing for event in call)
        assert bench.world.history.all("key", digit="5", by=bench.number)
        assert bench.driver.sound is None


@drivers
@models
@pytest.mark.parametrize("habit", [Habit(refuses=17), Habit(refuses=21), Habit(answers_after_s=None), Habit(off=True)])
@in_own_time
async def test_a_call_that_fails_ends_once(model: str, opens: Opens, habit: Habit) -> None:
    async with ModemBench(model, opens) as bench:
        bench.world.phone(OUTSIDE, habit)
        await bench.driver.dial(OUTSIDE)
        end = await bench.ended(0)
        assert len(bench.calls()) == 1
        assert end.cause != 16 or habit.refuses != 17


@drivers
@models
@pytest.mark.parametrize("withheld", [False, True])
@in_own_time
async def test_a_call_in_is_told_and_answered(model: str, opens: Opens, withheld: bool) -> None:
    async with ModemBench(model, opens) as bench:
        phone = bench.world.phone(OUTSIDE)
        call = phone.dial(bench.number, withheld=withheld)
        told = await bench.event(CallChanged, state=CallState.INCOMING)
        assert not told.outgoing
        if withheld:
            assert not told.number
        else:
            await bench.event(CallChanged, number=OUTSIDE)
        await bench.driver.answer()
        await bench.event(CallChanged, state=CallState.ACTIVE)
        await bench.driver.hang_up()
        await bench.ended(0)
        assert call not in bench.world.network.calls
        assert len(bench.calls()) == 1


@drivers
@models
@in_own_time
async def test_a_caller_who_gives_up_is_told_as_released(model: str, opens: Opens) -> None:
    async with ModemBench(model, opens) as bench:
        phone = bench.world.phone(OUTSIDE)
        phone.dial(bench.number)
        await bench.event(CallChanged, state=CallState.INCOMING)
        phone.hang_up()
        await bench.ended(0)
        assert len(bench.calls()) == 1


@drivers
@models
@in_own_time
async def test_nothing_to_hang_up_is_no_fault(model: str, opens: Opens) -> None:
    async with ModemBench(model, opens) as bench:
        await bench.driver.hang_up()
        assert not bench.calls()


@drivers
@pytest.mark.parametrize("model", WITH_SOUND)
@in_own_time
async def test_keys_of_the_other_side_are_told(model: str, opens: Opens) -> None:
    async with ModemBench(model, opens) as bench:
        bench.world.phone(OUTSIDE, Habit(keys="1#"))
        await bench.call(OUTSIDE)
        await bench.event(Key, digit="#")
        assert [event.digit for event in bench.events if isinstance(event, Key)] == ["1", "#"]


@drivers
@models
@in_own_time
async def test_112_without_a_registration(model: str, opens: Opens) -> None:
    async with ModemBench(model, opens) as bench:
        bench.device.registration.move(coverage="emergency")
        await bench.until(lambda: bench.driver.network.voice is Voice.EMERGENCY_ONLY, "emergency only")
        with pytest.raises(ModemError):
            await bench.driver.dial(OUTSIDE)
        await bench.driver.dial("112")
        await bench.event(CallChanged, state=CallState.ACTIVE)
        assert bench.world.history.all("sos", caller=bench.number)


@drivers
@models
@pytest.mark.parametrize(
    ("coverage", "voice"),
    [("roaming", Voice.CS), ("lte_only", Voice.NONE), ("sms_only", Voice.NONE), ("csfb_not_preferred", Voice.CS),
     ("none", Voice.NONE), ("denied", Voice.NONE)],
)  # fmt: skip
@in_own_time
async def test_voice_is_judged_by_the_registration(model: str, opens: Opens, coverage: str, voice: Voice) -> None:
    async with ModemBench(model, opens) as bench:
        bench.device.registration.move(coverage=coverage)
        driver, roams = bench.driver, coverage == "roaming"
        await bench.until(lambda: driver.network.voice is voice and bool(driver.network.roaming) == roams, f"{voice}")


@drivers
@models
@in_own_time
async def test_an_sms_out_and_its_report(model: str, opens: Opens) -> None:
    async with ModemBench(model, opens) as bench:
        phone = bench.world.phone(parse_submit(SUBMIT).to)
        reference = await bench.driver.send_sms(SUBMIT)
        report = await bench.event(ReportCame)
        assert report.pdu[1 + report.pdu[0] + 1] == reference
        assert phone.inbox == ["{"]


@drivers
@models
@in_own_time
async def test_an_sms_in_is_kept_until_it_is_taken(model: str, opens: Opens) -> None:
    async with ModemBench(model, opens) as bench:
        bench.world.centre.send("Ufone", bench.number, "hej")
        came = await bench.event(SmsCame)
        since = len(bench.events)
        await bench.restart()
        again = await bench.event(SmsCame, since)
        assert again.pdu == came.pdu
        await bench.driver.took_sms(again.place)
        await bench.until(lambda: not bench.device.messages.places, "taken")


@drivers
@models
@in_own_time
async def test_a_memory_full_of_sms_is_emptied(model: str, opens: Opens) -> None:
    async with ModemBench(model, opens) as bench:
        taken: set[bytes] = set()

        async def take_all() -> None:
            done = 0
            while len(taken) < 40:
                while done < len(bench.events):
                    event = bench.events[done]
                    done += 1
                    if isinstance(event, SmsCame):
                        taken.add(event.pdu)
                        await bench.driver.took_sms(event.place)
                await asyncio.sleep(0.1)

        for number in range(40):
            bench.world.centre.send("+46701234567", bench.number, f"nr {number}")
        async with asyncio.timeout(600):
            await take_all()
        assert not bench.device.messages.places


@drivers
@models
@in_own_time
async def test_the_pin_is_tried_once(model: str, opens: Opens) -> None:
    async with ModemBench(model, opens, pin="1234", waits=False) as bench:
        bench.device.card.card.pin = "9999"
        bench.device.reset()
        await bench.event(Back)
        await asyncio.sleep(60)
        await bench.restart()
        bench.device.reset()
        await asyncio.sleep(120)
        assert bench.driver.sim.state is SimState.PIN
        assert bench.device.card.card.pin_tries == 2


@drivers
@models
@in_own_time
async def test_the_right_pin_opens_the_card(model: str, opens: Opens) -> None:
    async with ModemBench(model, opens, pin="1234", waits=False) as bench:
        bench.device.card.card.pin = "1234"
        bench.device.reset()
        await bench.until(lambda: bench.driver.network.voice is Voice.CS, "voice")
        assert bench.driver.sim.state is SimState.READY
        assert bench.pins.tried == 1


@drivers
@models
@in_own_time
async def test_the_balance_and_the_time_are_told(model: str, opens: Opens) -> None:
    async with ModemBench(model, opens) as bench:
        assert "100.00" in await bench.driver.balance("*100#")
        told = await bench.event(TimeTold)
        assert abs((told.utc - bench.world.centre.time()).total_seconds()) < TIME_RIGHT_S
        assert told.offset_min in (60, None)


@drivers
@pytest.mark.parametrize("model", WITH_SOUND)
@in_own_time
async def test_sound_comes_and_goes_with_the_call(model: str, opens: Opens) -> None:
    async with ModemBench(model, opens) as bench:
        phone = bench.world.phone(OUTSIDE, Habit(sound="tone:440"))
        for _ in range(2):
            await bench.call(OUTSIDE)
            await bench.until(lambda: bench.driver.sound is not None, "sound")
            sound = bench.driver.sound
            assert sound is not None
            await sound.read()  # what was before the answer
            read = 0
            while read < 16000:
                data = await sound.read()
                read += len(data)
                sound.write(b"\x00\x20\x00\xe0" * (len(data) // 4))
            since = len(bench.events)
            phone.hang_up()
            await bench.ended(since)
            await bench.until(lambda: bench.driver.sound is None, "silence")
            await asyncio.sleep(1)
        entries = bench.world.history.all("sound")
        assert [entry["down"]["hz"] for entry in entries] == [440, 440]
        assert all(entry["up"]["loud_ms"] > 800 and not entry["overrun_bytes"] for entry in entries)


@drivers
@pytest.mark.parametrize(("model", "is_early"), [("sim7600", False), ("eg25g", True), ("ec25", True)])
@in_own_time
async def test_the_network_is_heard_before_the_answer_where_the_model_can(
    model: str, is_early: bool, opens: Opens
) -> None:
    async with ModemBench(model, opens) as bench:
        settings = bench.world.network.settings
        settings.ringback, settings.announces, settings.announces_s = "tone:425", "tone:950", 3.0
        phone = bench.world.phone(OUTSIDE, Habit(answers_after_s=5, sound="tone:1300"))
        await bench.driver.dial(OUTSIDE)
        await bench.event(CallChanged, state=CallState.ALERTING)
        await asyncio.sleep(2)
        ear, answered = Ear(), Ear()
        assert (bench.driver.sound is not None) == is_early
        if bench.driver.sound is not None:
            ear.hear(await bench.driver.sound.read(), SOUND_HZ)
        await bench.event(CallChanged, state=CallState.ACTIVE)
        await asyncio.sleep(2)
        assert bench.driver.sound is not None
        answered.hear((await bench.driver.sound.read())[-SOUND_HZ:], SOUND_HZ)
        assert answered.told()["hz"] == 1300
        phone.hang_up()
        await bench.until(lambda: bench.driver.sound is None, "silence")
        phone.told(Habit(off=True))
        since = len(bench.events)
        await bench.driver.dial(OUTSIDE)
        await asyncio.sleep(3)
        assert (bench.driver.sound is not None) == is_early
        if bench.driver.sound is not None:
            words = Ear()
            words.hear(await bench.driver.sound.read(), SOUND_HZ)
            assert (ear.told()["hz"], words.told()["hz"]) == (425, 950)
        assert (await bench.ended(since)).cause != 16
        assert not bench.judged()


@drivers
@models
@in_own_time
async def test_unplugged_in_a_call_and_back(model: str, opens: Opens) -> None:
    async with ModemBench(model, opens) as bench:
        bench.world.phone(OUTSIDE)
        await bench.call(OUTSIDE)
        since = len(bench.events)
        bench.device.power_off()
        await bench.event(Gone, since, timeout_s=2)
        await bench.ended(since)
        with pytest.raises(ModemError):
            await bench.driver.dial(OUTSIDE)
        bench.device.power_on(5)
        await bench.event(Back, since)
        await bench.until(lambda: bench.driver.network.voice is Voice.CS, "voice")
        await bench.call(OUTSIDE)
        assert not bench.judged()


@drivers
@models
@in_own_time
async def test_a_modem_that_hangs_is_told_as_gone(model: str, opens: Opens) -> None:
    async with ModemBench(model, opens) as bench:
        bench.world.phone(OUTSIDE)
        await bench.call(OUTSIDE)
        since = len(bench.events)
        bench.device.hang()
        await bench.event(Gone, since, timeout_s=60)
        await bench.ended(since)
        bench.device.power_off()
        bench.device.power_on(5)
        await bench.event(Back, since)
        assert not bench.judged()
