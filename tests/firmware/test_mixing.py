"""Rooms of sound, and music for who waits, over loopback: phones that send a tone each, and what each of them hears."""

from __future__ import annotations

import asyncio
import math
from array import array
from collections.abc import Callable, Collection, Coroutine, Mapping

import pytest

from callcontrol.call import Said
from callcontrol.call.joining import is_secure
from callcontrol.media.agreed import OwnEnd
from callcontrol.media.pace import turns
from callcontrol.media.pcm import FRAME_SAMPLES, RATE_HZ, samples
from callcontrol.media.sounds import Clip, Music
from callcontrol.media.udp import Endpoint, Ports
from callcontrol.sip.offer import ABLE
from callcontrol.sip.sdp import Direction
from firmware.lastwords import LastWords
from firmware.mixing import MIXED_MAX, Mixing
from firmware.onhold import OnHold
from firmware.places import Places

HOST = "127.0.0.1"
WITHIN_S = 10.0
HEARD_FRAMES = 10
MUSIC_HZ = 300.0
WARNING_HZ = 2300.0


@pytest.fixture(autouse=True)
def _here(monkeypatch: pytest.MonkeyPatch) -> None:
    """No sound is sent to the machine itself, but in this test."""
    monkeypatch.setattr("firmware.places._towards", lambda remote, **_: HOST)


class Phone:
    """Sends its tone in its one codec, and keeps what it hears."""

    def __init__(self, ports: Ports, hz: float, codec: str = "PCMA", *, events: bool = True, secure: bool = False):
        self.hz, self.secure = hz, secure
        self.wire: Endpoint = ports.take()
        names = (codec, "telephone-event") if events else (codec,)
        able = tuple(one for one in ABLE if one.name in names and one.clock_hz == RATE_HZ)

        self.end = OwnEnd(HOST, self.wire.port, able)
        self.offered = self.end.offer(secure=secure)
        self.heard: list[bytes] = []

    def agreed(self, body: bytes) -> None:
        settings = self.end.agreed(self.offered, body)
        assert settings is not None
        self.wire.agree(settings).listening = True

    def turn(self, now: float, at: int) -> None:
        leg = self.wire.leg
        if leg is not None:
            self.wire.send(leg.send(tone(self.hz, at)))
            self.heard.append(leg.pull(now))

    def hears(self, *wanted: float) -> bool:
        """All of those, and none of the others', for a while."""
        last = b"".join(self.heard[-HEARD_FRAMES:])
        found = {hz for hz in (*TONES, MUSIC_HZ, 1400.0) if power(last, hz) > 0.002}
        return len(self.heard) >= HEARD_FRAMES and found == set(wanted)


SEVEN_HZ = 852.0
"""One of the two of that key."""
TONES = (500.0, 800.0, 1100.0, 1700.0)


def tone(hz: float, at: int) -> bytes:
    first = at * FRAME_SAMPLES
    return array(
        "h", (int(6000 * math.sin(2 * math.pi * hz * n / RATE_HZ)) for n in range(first, first + FRAME_SAMPLES))
    ).tobytes()


def power(pcm: bytes, hz: float) -> float:
    """Of full scale, in one frequency."""
    values = samples(pcm)
    if not values:
        return 0.0
    turn = 2 * math.pi * hz / RATE_HZ
    re = sum(value * math.cos(turn * n) for n, value in enumerate(values))
    im = sum(value * math.sin(turn * n) for n, value in enumerate(values))
    return (re * re + im * im) / (len(values) * 32768 / 2) ** 2


class House:
    def __init__(self, places: Places) -> None:
        music = Music([Clip(b"".join(tone(MUSIC_HZ, at) for at in range(50)))])
        self.mixing = Mixing(places, music)
        self.on_hold = OnHold(places, music)
        self.ports = Ports(HOST, 42_000, 42_400)
        self.phones: list[Phone] = []
        self.turned = asyncio.Event()

    def phone(self, hz: float, codec: str = "PCMA", *, events: bool = True, secure: bool = False) -> Phone:
        made = Phone(self.ports, hz, codec, events=events, secure=secure)
        self.phones.append(made)
        return made

    def joins(self, phone: Phone, name: str, *, intrudes: bool = False) -> None:
        end = self.mixing.join("room", name, phone.offered, intrudes=intrudes)
        assert end is not None
        phone.agreed(end.answer(phone.offered))

    async def until(self, reached: Callable[[], bool]) -> None:
        async with asyncio.timeout(WITHIN_S):
            while not reached():
                self.turned.clear()
                await self.turned.wait()

    async def key_at(self, phone: Phone) -> str:
        """The first that comes there."""
        pressed = ""

        def came() -> bool:
            nonlocal pressed
            assert phone.wire.leg is not None
            pressed += phone.wire.leg.pressed()
            return bool(pressed)

        await self.until(came)
        return pressed

    async def talk(self) -> None:
        at = 0
        async for now in turns():
            for phone in self.phones:
                phone.turn(now, at)
            at += 1
            self.turned.set()


def run(work: Callable[[House], Coroutine[None, None, None]]) -> None:
    async def whole() -> None:
        places = Places()
        house = House(places)
        talking = asyncio.create_task(house.talk())
        try:
            await work(house)
        finally:
            talking.cancel()
            house.mixing.close()
            house.on_hold.close_all()
            for phone in house.phones:
                phone.wire.close()
        assert places.room == Places().room

    asyncio.run(whole())


@pytest.mark.parametrize(("codec", "secure", "unopened"), [("PCMA", True, True), ("G722", False, False)])
def test_two_unlike_phones(codec: str, secure: bool, unopened: bool) -> None:
    """Unopened where they have one codec; a key crosses."""

    async def work(house: House) -> None:
        one, other = house.phone(TONES[0]), house.phone(TONES[1], codec, secure=secure)
        house.joins(one, "1")
        house.joins(other, "2")
        await house.until(lambda: one.hears(other.hz) and other.hears(one.hz))
        (room,) = house.mixing._rooms.values()
        assert room._joint is not None
        assert room._joint.unopened is unopened
        assert one.wire.leg is not None
        assert other.wire.leg is not None
        one.wire.leg.press("5")
        assert await house.key_at(other) == "5"

    run(work)


def test_who_comes_and_goes() -> None:
    """One alone hears music, three each other, two again themselves; a recorder all."""

    async def work(house: House) -> None:
        one, other, third = house.phone(TONES[0]), house.phone(TONES[1], "PCMU"), house.phone(TONES[2], events=False)
        house.joins(one, "1")
        await house.until(lambda: one.hears(MUSIC_HZ))
        house.joins(other, "2")
        house.joins(third, "3")
        await house.until(lambda: one.hears(other.hz, third.hz) and third.hears(one.hz, other.hz))
        await house.until(lambda: other.hears(one.hz, third.hz))
        kept: list[bytes] = []
        closed: list[bool] = []
        assert house.mixing.keep("room", kept.append, lambda: closed.append(True))
        assert third.wire.leg is not None
        assert one.wire.leg is not None
        one.wire.leg.press("7")
        assert await house.key_at(other) == "7"
        await house.until(lambda: power(b"".join(third.heard[-10:]), SEVEN_HZ) > 0.002)  # who takes no events
        house.mixing.leave("room", "2")
        await house.until(lambda: one.hears(third.hz) and third.hears(one.hz))
        await house.until(lambda: power(b"".join(kept[-10:]), one.hz) > 0.002 < power(b"".join(kept[-10:]), third.hz))
        house.mixing.leave("room", "1")
        house.mixing.leave("room", "3")
        assert closed == [True]

    run(work)


def test_who_is_held_by_a_phone_of_another_kind_hears_music() -> None:
    async def work(house: House) -> None:
        one, other = house.phone(TONES[0]), house.phone(TONES[1], "G722")
        house.joins(one, "1")
        held = house.mixing.join("room", "2", other.offered)
        assert held is not None
        talks, holds = (Direction.SENDRECV, other.hz), (Direction.SENDONLY, MUSIC_HZ)
        for direction, hz in (talks, holds, talks):
            other.offered = other.end.offer(direction)
            other.agreed(held.answer(other.offered))
            await house.until(lambda hz=hz: one.hears(hz))  # type: ignore[misc]
        await house.until(lambda: other.hears(one.hz))

    run(work)


def test_who_intrudes_hears_nobody_before_the_tone() -> None:
    async def work(house: House) -> None:
        one, other, third = (house.phone(hz) for hz in TONES[:3])
        house.joins(one, "1")
        house.joins(other, "2")
        house.mixing.say("room", Said.INTRUSION)
        house.joins(third, "3", intrudes=True)
        await house.until(lambda: one.hears(other.hz, 1400.0) and not any(third.hears(hz) for hz in TONES))
        await house.until(lambda: one.hears(other.hz, third.hz) and third.hears(one.hz, other.hz))

    run(work)


def test_a_fault_leaves_nobody_in_silence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("firmware.mixing.AGAIN_S", 0.01)

    async def work(house: House) -> None:
        phone = house.phone(TONES[0])
        house.joins(phone, "1")
        (room,) = house.mixing._rooms.values()
        steps, faults = room._room.step, [ValueError("once")]

        def step(frames: Mapping[str, bytes], now: float, hold: Collection[str]) -> dict[str, bytes]:
            if faults:
                raise faults.pop()
            return steps(frames, now, hold)

        monkeypatch.setattr(room._room, "step", step)
        await house.until(lambda: phone.hears(MUSIC_HZ))
        assert not faults

    run(work)


def test_rooms_are_bounded() -> None:
    async def work(house: House) -> None:
        offered = house.phone(TONES[0]).offered
        joined = [house.mixing.join(f"r{at // 8}", str(at), offered) for at in range(MIXED_MAX + 1)]
        assert [end is not None for end in joined] == [True] * MIXED_MAX + [False]
        assert house.mixing.join("r", "x", b"v=0\r\n") is None
        assert not house.mixing.keep("nowhere", print, print)
        house.mixing.leave("nowhere", "1")

    run(work)


@pytest.mark.parametrize(("codec", "secure"), [("PCMU", False), ("PCMA", True)])
def test_who_waits_hears_music_secret_as_it_was(codec: str, secure: bool) -> None:
    """By an offer of ours, and by one of its own while it waits."""

    async def work(house: House) -> None:
        phone = house.phone(TONES[0], codec, secure=secure)
        for _ in range(2):  # it is offered again where it is held again before it has answered
            offered = house.on_hold.offer("1", phone.offered)
        assert is_secure(offered) == secure
        found = phone.end.answer(offered)
        assert found is not None
        assert not found[1].sends
        phone.wire.agree(found[1]).listening = True
        house.on_hold.agreed("1", found[0])
        await house.until(lambda: phone.hears(MUSIC_HZ))
        body = house.on_hold.answer("1", phone.offered)
        assert is_secure(body) == secure
        phone.agreed(body)
        phone.heard.clear()
        await house.until(lambda: phone.hears(MUSIC_HZ))
        house.on_hold.close("1")
        await house.until(phone.hears)

    run(work)


def test_all_hear_that_the_power_ends_and_then_what_they_heard_before(monkeypatch: pytest.MonkeyPatch) -> None:
    """A room, two who are joined unopened, and one who waits. Who asks twice tells nobody twice."""
    warning = Clip(b"".join(tone(WARNING_HZ, at) for at in range(30)))
    monkeypatch.setattr("firmware.lastwords.warning_tone", lambda: warning)

    async def work(house: House) -> None:
        phones = [house.phone(hz) for hz in TONES[:2]]
        for name, phone in enumerate(phones):
            house.joins(phone, str(name))
        waits = house.phone(TONES[2])
        waits.agreed(house.on_hold.answer("w", waits.offered))
        await house.until(lambda: waits.hears(MUSIC_HZ) and phones[0].hears(TONES[1]) and phones[1].hears(TONES[0]))
        words = LastWords(house.on_hold, house.mixing, None)
        telling = asyncio.create_task(words.tell_power_ends())
        await house.until(
            lambda: all(power(b"".join(phone.heard[-HEARD_FRAMES:]), WARNING_HZ) > 0.002 for phone in house.phones)
        )
        assert await words.tell_power_ends() == 0
        assert await telling == 3
        await house.until(lambda: waits.hears(MUSIC_HZ) and phones[0].hears(TONES[1]) and phones[1].hears(TONES[0]))

    run(work)


def test_there_is_an_end_to_places(monkeypatch: pytest.MonkeyPatch) -> None:
    async def work(house: House) -> None:
        monkeypatch.setattr("firmware.places.AT_ONCE_MAX", 1)
        phone = house.phone(TONES[0])
        assert house.on_hold.offer("1", phone.offered)
        assert house.on_hold.offer("2", phone.offered) == house.on_hold.answer("2", phone.offered) == b""
        house.on_hold.close("1")
        assert house.on_hold.offer("2", phone.offered)

    run(work)
