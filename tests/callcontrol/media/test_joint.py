"""Two legs that hear each other: what passes unopened, what is decoded, and keys either way."""

import asyncio
import itertools
import math
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest

from callcontrol.media.codecs import FORMATS, Format
from callcontrol.media.dtmf import Keys
from callcontrol.media.events import Event, Press, events_along, lasting
from callcontrol.media.joint import Joint
from callcontrol.media.leg import Leg, LegSettings
from callcontrol.media.pcm import FRAME_SAMPLES, RATE_HZ, clipped, frames
from callcontrol.media.rtp import Numbering, Packet, parse
from callcontrol.media.tones import key_frames

PCMA, PCMU, OPUS = FORMATS["PCMA"], FORMATS["PCMU"], FORMATS["opus"]
FAR = ("192.0.2.9", 4000)
TONE = clipped([int(9000 * math.sin(2 * math.pi * 1020 * n / RATE_HZ)) for n in range(10 * FRAME_SAMPLES)])


class Side:
    """A wire whose datagrams are kept, and the far end that sends on it."""

    def __init__(self, known: Format, event_type: int | None = 101) -> None:
        number = 111 if known.payload_type is None else known.payload_type
        self.settings = LegSettings(format=known, payload_type=number, event_type=event_type, remote=FAR)
        self.leg: Leg | None = Leg(self.settings, Numbering(1, 65_000, 7))
        self.far = Leg(replace(self.settings, remote=("192.0.2.1", 1)), Numbering(2, 100, 2**32 - 800))
        self.on_packet: Callable[[Packet], None] = lambda packet: None
        self.sent: list[Packet] = []
        self.came = asyncio.Event()

    def agree(self, settings: LegSettings) -> Leg:
        assert self.leg is not None
        self.leg.agree(settings)
        return self.leg

    def send(self, data: bytes | None) -> None:
        if data:
            self.sent.append(parse(data))
            self.came.set()

    def close(self) -> None:
        """Nothing is open."""

    def says(self, data: bytes | None) -> None:
        assert self.leg is not None
        if data and (packet := self.leg.receive(data, FAR, asyncio.get_running_loop().time())) is not None:
            self.on_packet(packet)

    async def until(self, true: Callable[[], bool]) -> None:
        async with asyncio.timeout(10):
            while not true():
                self.came.clear()
                await self.came.wait()

    def events(self) -> list[tuple[int, Event]]:
        return [(one.timestamp, Event.parse(one.payload)) for one in self.sent if one.payload_type == 101]

    def in_band(self) -> str:
        decode, ears = PCMA.make().decode, Keys()
        return "".join(ears.heard(decode(one.payload)) for one in self.sent if one.payload_type == 8)


async def test_one_codec_passes_unopened_with_its_gaps_and_keys() -> None:
    one, other = Side(PCMA), Side(PCMA)
    joint = Joint(one, other)
    assert joint.unopened
    one.far.press("5")
    for number, frame in enumerate(frames(TONE)):
        data = one.far.send(frame)
        if number not in (7, 8):
            one.says(data)
    sound = [packet for packet in other.sent if packet.payload_type == 8]
    assert len({stamp for stamp, _ in other.events()}) == 1, "the sender's timing"
    assert max(event.duration for _, event in other.events()) == 5 * 160
    steps = [(b.sequence - a.sequence & 0xFFFF, b.timestamp - a.timestamp) for a, b in itertools.pairwise(sound)]
    assert set(steps) <= {(1, 160), (3, 480)}
    assert not one.sent
    joint.close()


async def test_two_codecs_are_decoded_and_keys_given_on_as_events() -> None:
    one, other = Side(OPUS), Side(PCMA)
    joint = Joint(one, other)
    assert [joint.unopened] == [False]
    one.far.press("7", ms=60)
    for frame in frames(TONE):
        one.says(one.far.send(frame))
    await other.until(lambda: any(event.end for _, event in other.events()))
    assert {event.code for _, event in other.events()} == {7}
    assert next(event.duration for _, event in other.events() if event.end) in (480, 640), "60 ms of another clock"
    one.agree(other.settings)
    joint.agreed()
    assert [joint.unopened] == [True]
    joint.close()


async def test_who_takes_no_events_hears_tones() -> None:
    one, other = Side(PCMU), Side(PCMA, None)
    joint = Joint(one, other)
    for key in "3#":
        one.far.press(key, ms=80)
    for frame in list(frames(TONE)) * 2:
        one.says(one.far.send(frame))
    await other.until(lambda: len(other.in_band()) == 2)
    assert other.in_band() == "3#"
    joint.close()


async def test_a_frame_that_fails_costs_that_frame(monkeypatch: pytest.MonkeyPatch) -> None:
    one, other = Side(PCMU), Side(PCMA)
    joint = Joint(one, other)
    assert one.leg is not None
    pulled, failures = one.leg.pull, iter([True, True])

    def pull(self: Leg, now: float) -> bytes:
        if self is one.leg and next(failures, False):
            raise RuntimeError("a fault")
        return pulled(now)

    monkeypatch.setattr(Leg, "pull", pull)
    await other.until(lambda: len(other.sent) >= 3)
    joint.close()


def test_a_key_lasts_as_long_as_it_is_held() -> None:
    press = Press("1", 160, ended=False)

    def growing(until: int) -> Iterator[bool]:
        for number, last in enumerate(lasting(press, 160), 1):
            press.duration = min(until, 160 * (number + 1))
            press.ended = press.duration == until
            yield last

    assert len(list(growing(1600))) in (10, 11)
    assert len(list(lasting(Press("1", 160, ended=True), 160))) == 2, "the shortest that is heard"
    assert len(list(lasting(Press("1", 800, ended=False), 160))) == 15, "its end was lost"
    assert len(list(lasting(Press("1", 10**9, ended=False), 160))) == 250, "never longer"
    packets = list(events_along(Press("1", 800, ended=True), 160, Numbering(1, 1, 1), 101, step=960))
    assert [Event.parse(one.payload).duration for one in packets] == [960, 1920, 2880, 3840, 4800, 4800, 4800]
    assert sum(Event.parse(one.payload).end for one in packets) == 3
    assert Keys().heard(b"".join(key_frames("9", iter([False, False, True])))) == "9"
    with pytest.raises(ValueError, match="key"):
        list(key_frames("x", iter([True])))
