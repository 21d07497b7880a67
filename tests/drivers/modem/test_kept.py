"""What a kept modem does beyond the contract: 112 before all else, orders taken back, power, faults of listeners."""

from __future__ import annotations

import asyncio
import contextlib
from pathlib import Path

import pytest

from drivers.codec.at import URGENT_WAIT_S
from drivers.modem.kept import open_modem
from drivers.modem.model import (
    Back,
    CallChanged,
    CallState,
    ErrorKind,
    Event,
    Gone,
    ModemError,
    ModemSettings,
    Step,
    Voice,
)
from drivers.modem.session import UNREGISTERED_S
from hil.modembench import ModemBench, Pins, in_own_time
from hil.sim.modem.faults import Fault

OUTSIDE = "+46709999999"
DEVICES = Path("bus/usb/devices")


def written(bench: ModemBench, what: str) -> list[float]:
    return [entry["at"] for entry in bench.world.history.all("at_in") if what in entry["data"]]


@in_own_time
async def test_112_is_written_behind_a_slow_answer() -> None:
    async with ModemBench("sim7600") as bench:
        bench.put(Fault.SLOW)
        loop = asyncio.get_running_loop()
        for number in range(5):
            await asyncio.sleep(30 + number * 0.7)
            at = loop.time()
            before = len(written(bench, "ATD112;"))
            with contextlib.suppress(ModemError):
                await bench.driver.dial("112")
            (said,) = written(bench, "ATD112;")[before:]
            assert said - at <= URGENT_WAIT_S + 0.05
            with contextlib.suppress(ModemError):
                await bench.driver.hang_up()


@in_own_time
async def test_a_dial_that_is_not_answered_is_taken_back() -> None:
    async with ModemBench("ec25") as bench:
        bench.world.phone(OUTSIDE)
        await asyncio.sleep(1)
        bench.put(Fault.NO_ANSWER)
        with pytest.raises(ModemError) as failed:
            await bench.driver.dial(OUTSIDE)
        assert failed.value.kind is ErrorKind.SILENT
        bench.device.faults.clear()
        await bench.until(lambda: written(bench, "AT+CHUP"), "taken back")
        await bench.until(lambda: not bench.world.network.calls, "no call is left")
        await asyncio.sleep(5)
        assert all(call[-1].state is CallState.RELEASED for call in bench.calls())


@in_own_time
async def test_a_dial_that_nobody_waits_for_is_taken_back() -> None:
    async with ModemBench("generic") as bench:
        bench.world.phone(OUTSIDE)
        bench.put(Fault.SLOW)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(1):
                await bench.driver.dial(OUTSIDE)
        bench.device.faults.clear()
        await bench.until(lambda: written(bench, "AT+CHUP"), "taken back")
        await asyncio.sleep(20)
        assert not bench.world.network.calls


@in_own_time
async def test_what_is_no_number_or_key_is_never_written() -> None:
    async with ModemBench("generic") as bench:
        for number in ("", "112;+CFUN=0", "112\r", "1" * 99, "+", "call me"):
            with pytest.raises(ModemError) as refused:
                await bench.driver.dial(number)
            assert refused.value.kind is ErrorKind.INVALID
        for asked in (bench.driver.send_key("55"), bench.driver.send_sms(b""), bench.driver.balance('1"')):
            with pytest.raises(ModemError) as refused:
                await asked
            assert refused.value.kind is ErrorKind.INVALID
        assert not written(bench, "ATD")


@in_own_time
async def test_a_listener_that_fails_costs_nobody_else_an_event() -> None:
    async with ModemBench("generic") as bench:
        heard: list[Event] = []

        def fails(event: Event) -> None:
            raise ValueError("a fault of the listener's")

        bench.driver.subscribe(fails)
        bench.driver.subscribe(heard.append)
        bench.world.phone(OUTSIDE)
        await bench.call(OUTSIDE)
        assert any(isinstance(event, CallChanged) for event in heard)


@in_own_time
async def test_an_absent_modem_has_its_power_cut_and_is_left_to_others(tmp_path: Path) -> None:
    switch = tmp_path / DEVICES / "1-1/1-1:1.0/1-1-port4/disable"
    switch.parent.mkdir(parents=True)
    switch.write_text("0")
    modem = open_modem(ModemSettings("m", usb_path="1-1.4"), pins=Pins(), sysfs=tmp_path)
    events: list[Event] = []
    modem.subscribe(events.append)
    await modem.start()
    was_off = False
    while modem.health.step is not Step.OTHER:
        await asyncio.sleep(1)
        was_off = was_off or switch.read_text() == "1"
    assert was_off
    assert switch.read_text() == "0", "power is on again"
    assert events == [Gone("unplugged")], "told once"
    assert modem.health.counts[Step.POWER] == 2
    with pytest.raises(ModemError) as refused:
        await modem.dial("112")
    assert refused.value.kind is ErrorKind.GONE
    await modem.close()


@in_own_time
async def test_a_modem_that_lost_its_sound_begins_anew_when_the_call_is_over() -> None:
    async with ModemBench("sim7600") as bench:
        bench.put(Fault.PCM_DEGRADES)
        phone = bench.world.phone(OUTSIDE)
        for _ in range(2):
            since = len(bench.events)
            await bench.call(OUTSIDE)
            await asyncio.sleep(2)
            assert not [event for event in bench.events[since:] if isinstance(event, Gone)], "not in the call"
            phone.hang_up()
            await bench.ended(since)
            await asyncio.sleep(2)
        assert bench.events[-1] == Gone("sound")
        assert bench.driver.health.step is Step.RESET
        await bench.event(Back, since)
        await bench.until(lambda: bench.driver.network.voice is Voice.CS, "voice")
        await bench.call(OUTSIDE)
        await bench.until(lambda: bench.driver.sound is not None, "sound")


@in_own_time
async def test_without_voice_for_long_the_radio_is_turned_off_and_on() -> None:
    async with ModemBench("ec25") as bench:
        bench.device.registration.move(coverage="denied")
        await bench.until(lambda: bench.driver.health.step is Step.RADIO, "radio", 2 * UNREGISTERED_S)
        assert bench.driver.health.reason == "unregistered"
        await bench.until(lambda: written(bench, "AT+CFUN=1"), "on again")
        await bench.until(
            lambda: bench.driver.health.step is Step.OTHER, "other modems do its work", 20 * UNREGISTERED_S
        )
        await bench.until(lambda: isinstance(bench.events[-1], Back), "and it is still there")
        with pytest.raises(ModemError) as refused:
            await bench.driver.dial(OUTSIDE)
        assert refused.value.kind is ErrorKind.REFUSED
        bench.device.registration.move(coverage="home")
        await bench.until(lambda: bench.driver.health.step is Step.FINE, "well again", 2 * 3600)


@in_own_time
async def test_a_modem_that_begins_anew_by_itself_is_set_up_again() -> None:
    async with ModemBench("sim7600") as bench:
        await asyncio.sleep(30)
        before = len(written(bench, "AT+CLIP=1"))
        bench.device.unsolicited("RDY")
        await bench.until(lambda: len(written(bench, "AT+CLIP=1")) > before, "set up again")
        await asyncio.sleep(60)
        assert len(written(bench, "AT+CLIP=1")) == before + 1
        assert not [event for event in bench.events if isinstance(event, Gone)]
