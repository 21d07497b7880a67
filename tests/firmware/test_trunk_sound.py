"""A call between a modem's sound and a phone over loopback: tones and keys both ways, early sound, a modem that falls
silent, what is played after it is gone, and the proof of a way out."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from callcontrol.media.agreed import OwnEnd
from callcontrol.media.dtmf import holds
from callcontrol.media.pace import turns
from callcontrol.media.pcm import FRAME_BYTES, SILENCE, frames
from callcontrol.media.sounds import Clip
from callcontrol.media.tones import sine
from callcontrol.media.udp import Ports
from callcontrol.sip.offer import ABLE
from firmware.trunk import sound as module
from firmware.trunk.sound import CallSound, Sounds, Trouble, heard_tone

HOST = "127.0.0.1"
WITHIN_S = 10.0
MODEM_HZ, PHONE_HZ, PLAYED_HZ = 1000, 500, 1700


@pytest.fixture(autouse=True)
def _here(monkeypatch: pytest.MonkeyPatch) -> None:
    """No sound is sent to the machine itself, but in this test."""
    monkeypatch.setattr("firmware.places._towards", lambda remote, **_: HOST)


class Line:
    """A modem's sound: a tone in pieces of 20 ms while it `speaks`; keeps what it is given."""

    rate_hz = 8000
    ready = True

    def __init__(self, *, echoes_hz: int | None = None) -> None:
        self.speaks = asyncio.Event()
        self.given = bytearray()
        self._tone = sine(MODEM_HZ)
        self.echoes_hz = echoes_hz

    async def read(self) -> bytes:
        await self.speaks.wait()
        await asyncio.sleep(0.02)
        if self.echoes_hz and not self.holds(self.echoes_hz):
            return bytes(FRAME_BYTES)
        return next(self._tone)

    @property
    def sound(self) -> Line | None:
        """Of the modem that this is as well; closed until it speaks first."""
        return self if self.speaks.is_set() or self.given else None

    def write(self, data: bytes) -> None:
        self.given += data

    def holds(self, hz: int) -> bool:
        return any(holds(frame, hz) for frame in frames(bytes(self.given[-10 * FRAME_BYTES :])))


class Phone:
    """Says its tone, and keeps what it hears."""

    def __init__(self) -> None:
        self.wire = Ports(HOST).take()
        able = tuple(one for one in ABLE if one.name in ("PCMA", "telephone-event") and one.clock_hz == 8000)
        self.end = OwnEnd(HOST, self.wire.port, able)
        self.offered = self.end.offer()
        self.heard: list[bytes] = []
        self.keys = ""
        self._task: asyncio.Task[None] | None = None

    def agreed(self, answered: bytes) -> None:
        settings = self.end.agreed(self.offered, answered)
        assert settings is not None
        self.wire.agree(settings).listening = True
        self._task = asyncio.create_task(self._turn())

    def hears(self, hz: int) -> bool:
        return any(holds(frame, hz) for frame in self.heard[-5:])

    def close(self) -> None:
        assert self._task is not None
        self._task.cancel()
        self.wire.close()

    async def _turn(self) -> None:
        leg, tone = self.wire.leg, sine(PHONE_HZ)
        assert leg is not None
        async for now in turns():
            self.wire.send(leg.send(next(tone)))
            self.heard.append(leg.pull(now))
            self.keys += leg.pressed()


async def until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(WITHIN_S):
        async for _ in turns():
            if true():
                return


async def test_a_call_is_heard_both_ways_and_outlives_its_modems_sound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "STOPPED_S", 0.3)
    sounds, phone, line = Sounds(), Phone(), Line()
    sound = sounds.towards(phone.offered)
    answered = sound.answer(phone.offered)
    phone.agreed(answered)
    pressed: list[str] = []
    sound.pressed = pressed.append
    sound.join(line)
    line.speaks.set()
    await until(lambda: phone.hears(MODEM_HZ) and line.holds(PHONE_HZ))
    assert phone.wire.leg is not None
    phone.wire.leg.press("7")
    sound.press("#")
    await until(lambda: pressed == ["7"] and phone.keys == "#")
    line.speaks.clear()
    await until(lambda: sound.status().trouble is Trouble.STOPPED)
    line.speaks.set()
    await until(lambda: sound.status().trouble is Trouble.NONE and phone.hears(MODEM_HZ))
    sound.part()
    tone = sine(PLAYED_HZ)
    await sound.play([Clip(b"".join(next(tone) for _ in range(10)))])
    await until(lambda: any(holds(frame, PLAYED_HZ) for frame in phone.heard[-20:]))
    assert sound.status().concealed_s > 0
    assert "trouble=none" in str(sound.status())
    sound.close()
    phone.close()
    sounds.close()


async def test_before_the_answer_only_more_than_silence_is_heard_and_nothing_said() -> None:
    sounds, phone, line = Sounds(), Phone(), Line(echoes_hz=PHONE_HZ)
    sound = sounds.towards(phone.offered)
    phone.agreed(sound.answer(phone.offered))
    began: list[bool] = []
    sound.began = lambda: began.append(True)
    line.speaks.set()
    sound.overhear(line)
    await asyncio.sleep(0.3)
    assert (began, set(phone.heard), bytes(line.given)) == ([], {SILENCE}, b"")
    line.echoes_hz = None
    await until(lambda: phone.hears(MODEM_HZ))
    assert (began, bytes(line.given)) == ([True], b"")
    sound.join(line)
    await until(lambda: phone.hears(MODEM_HZ) and line.holds(PHONE_HZ))
    assert began == [True]
    sound.close()
    phone.close()
    sounds.close()


async def test_a_call_of_ours_and_a_phone_that_agrees_on_nothing() -> None:
    sounds = Sounds()
    sound: CallSound = sounds.at(HOST)
    assert b"m=audio" in sound.offer()
    assert not sound.agreed(b"v=0\r\n")
    assert not sound.answer(b"v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nt=0 0\r\nm=audio 4000 RTP/AVP 3\r\n")
    sound.press("1")
    sound.close()


async def test_a_way_out_is_proved_by_a_tone_both_ways() -> None:
    line = Line(echoes_hz=1020)
    line.speaks.set()
    assert await heard_tone(line, MODEM_HZ, least_s=0.1, within_s=WITHIN_S, saying_hz=1020)
    assert not await heard_tone(line, 1300, least_s=0.1, within_s=0.2)
