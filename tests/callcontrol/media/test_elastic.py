"""Sound between our clock and a modem's, in virtual time: drift, jitter, pieces of any length, stalls."""

import itertools
import math
import random
from dataclasses import dataclass, field

import numpy
import pytest

from callcontrol.media.drift import DRIFT_MAX_PPM, Clock, Reading
from callcontrol.media.elastic import AHEAD_MAX, HELD_MAX_S, LEAD, Inflow, Outflow
from callcontrol.media.pcm import FRAME_BYTES, FRAME_S, FRAME_SAMPLES, RATE_HZ, SILENCE, samples

TONE_HZ = 1020
LOUD = 8000
BLOCK = RATE_HZ // 200
SETTLED_S = 3.0


def tone(first: int, count: int, rate_hz: int = RATE_HZ) -> bytes:
    turn = 2 * math.pi * TONE_HZ / rate_hz
    return bytes((numpy.sin(turn * numpy.arange(first, first + count)) * LOUD).astype("<i2"))


@dataclass
class Modem:
    """Delivers a tone in pieces by its own clock, and plays what it is given by the same; both may stop for a while."""

    ppm: float = 0.0
    piece_ms: int = 20
    jitter_s: float = 0.0
    rate_hz: int = RATE_HZ
    stall: tuple[float, float] | None = None
    loses: bool = False
    """In a stall it goes on, and what it would deliver is lost; else it comes late, all at once."""
    stops: bool = False
    """In a stall its clock stops."""
    heard: list[bytes] = field(default_factory=list)
    found_nothing: list[float] = field(default_factory=list)
    held: list[int] = field(default_factory=list)

    def run(self, seconds: float) -> "Modem":
        dice = random.Random(3)
        self.inflow = inflow = Inflow(self.rate_hz)
        self.outflow = outflow = Outflow(inflow.clock, self.rate_hz)
        count = self.rate_hz * self.piece_ms // 1000
        length_s = count / self.rate_hz / (1 + self.ppm / 1e6)
        at, given, due, arrives = 0.007, 0, 0.0, 0.0
        turns = (number * FRAME_S for number in range(round(seconds / FRAME_S)))
        turn = next(turns)
        begun = False
        for number in itertools.count():
            at += length_s
            late = dice.random() * self.jitter_s
            stalled = self.stall is not None and self.stall[0] <= at < sum(self.stall)
            if stalled and self.stops and self.stall:
                at = sum(self.stall)
            due = sum(self.stall) if stalled and self.stall and not self.loses else at + late
            arrives = max(arrives, due)
            while turn < arrives:
                self.heard.append(inflow.pull(turn))
                data = outflow.push(SILENCE, turn)
                given += len(data) // 2
                begun = begun or bool(data)
                if (turn := next(turns, math.inf)) == math.inf:
                    return self
            if not (stalled and self.loses):
                inflow.push(tone(number * count, count, self.rate_hz), arrives)
            if begun and given < count:
                self.found_nothing.append(at)
            given = max(0, given - count if begun else given)
            self.held.append(given)
        return self

    @property
    def dropouts_s(self) -> list[float]:
        """When 5 ms and more were missing, after the first sound."""
        found = loud_blocks(b"".join(self.heard))
        return [n * BLOCK / RATE_HZ for n in range(found.index(True), len(found)) if not found[n]]


def loud_blocks(pcm: bytes) -> list[bool]:
    """Of 5 ms each."""
    values = numpy.frombuffer(pcm, "<i2").astype(float)
    powers = (values[: len(values) // BLOCK * BLOCK].reshape(-1, BLOCK) ** 2).mean(1)
    return [bool(power > LOUD**2 / 8) for power in powers]


def clicks(pcm: bytes) -> float:
    """The greatest departure from a sine, as a share of its amplitude: of one, each sample is told by the two before
    it."""
    x = numpy.frombuffer(pcm, "<i2").astype(float)
    turn = 2 * math.cos(2 * math.pi * TONE_HZ / RATE_HZ)
    return float(abs(x[2:] - turn * x[1:-1] + x[:-2]).max() / LOUD)


@pytest.mark.parametrize(
    "modem",
    [
        Modem(ppm=100),
        Modem(ppm=-100),
        Modem(ppm=200, jitter_s=0.004),
        Modem(ppm=-200, jitter_s=0.004),
        Modem(ppm=-100, piece_ms=5, jitter_s=0.003),
        Modem(ppm=100, piece_ms=40, jitter_s=0.01),
        Modem(ppm=100, jitter_s=0.003, rate_hz=16_000),
        Modem(ppm=-100, jitter_s=0.003, rate_hz=16_000),
    ],
    ids=lambda one: f"{one.ppm:+}ppm-{one.piece_ms}ms-{one.rate_hz}",
)
def test_a_modems_clock_is_met_without_a_dropout(modem: Modem) -> None:
    modem.run(25)
    assert modem.dropouts_s == []
    assert modem.found_nothing == []
    assert modem.inflow.clock.off_ppm == pytest.approx(modem.ppm, abs=20)
    assert modem.inflow.counts.concealed == modem.inflow.counts.stalls == 0
    assert max(modem.held) <= (LEAD + (modem.piece_ms + 25) * 8) * modem.rate_hz // RATE_HZ
    settled = b"".join(modem.heard[round(SETTLED_S / FRAME_S) :])
    assert clicks(settled) < (0.02 if modem.rate_hz == RATE_HZ else 0.05)


def test_pieces_of_a_tenth_of_a_second_are_borne() -> None:
    modem = Modem(ppm=50, piece_ms=100, jitter_s=0.01).run(30)
    assert [at for at in modem.dropouts_s if at > 1] == []


def test_what_agrees_passes_as_it_is() -> None:
    modem = Modem(piece_ms=10).run(20)
    whole, said = b"".join(modem.heard), tone(0, 20 * RATE_HZ)
    late = whole[-FRAME_BYTES * 200 :]
    assert late[: FRAME_BYTES * 190] in said


@pytest.mark.parametrize("loses", [True, False])
def test_after_a_stall_there_is_silence_rather_than_delay(loses: bool) -> None:
    modem = Modem(ppm=100, stall=(10, 0.2), loses=loses).run(20)
    missing = modem.dropouts_s
    assert missing
    assert all(10 <= at < 10.4 for at in missing)
    assert modem.inflow.counts.stalls == 1
    assert [at for at in modem.found_nothing if not 10 <= at < 10.4] == []
    assert modem.held[-1] <= AHEAD_MAX + LEAD
    before, after = modem.heard[499], b"".join(modem.heard[800:])
    assert all(loud_blocks(before))
    assert all(loud_blocks(after))
    late = modem.inflow.clock.upper - (modem.inflow._read - 20 * RATE_HZ)
    assert late < 0.06 * RATE_HZ, "as little as before, or nearly so"


def test_a_modem_whose_clock_stops_now_and_then_does_not_fall_behind_for_good() -> None:
    modem = Modem(stall=(5, 0.3), stops=True).run(20)
    assert modem.held[-1] <= AHEAD_MAX + LEAD
    assert [at for at in modem.dropouts_s if not 5 <= at < 5.5] == []


def test_what_floods_is_bounded() -> None:
    inflow = Inflow()
    for number in range(50):
        inflow.push(tone(number * 8000, 8000), 1.0)
    assert inflow._reading.left <= HELD_MAX_S * RATE_HZ + 1
    assert len(inflow.pull(1.02)) == FRAME_BYTES
    with pytest.raises(ValueError, match="44100"):
        Inflow(44_100)
    with pytest.raises(ValueError, match="rate"):
        Outflow(Clock(), 0)


def test_samples_cut_anywhere_are_put_together() -> None:
    whole, one, other = tone(0, 1200), Inflow(), Inflow()
    dice = random.Random(5)
    at = 0
    for number in range(15):
        now = number * FRAME_S
        one.push(whole[number * 160 : number * 160 + 160], now)
        end = number * 160 + 160 - (dice.randrange(100) if number < 14 else 0)
        other.push(whole[at:end], now)
        at = end
    assert one.clock.delivered == other.clock.delivered == 1200
    assert one._reading._held == other._reading._held


def test_nothing_is_written_to_a_modem_that_stands_still() -> None:
    clock = Clock()
    flow = Outflow(clock)
    assert flow.push(SILENCE, 0.0) == b""
    clock.came(FRAME_SAMPLES, 0.01)
    assert len(flow.push(SILENCE, 0.02)) == FRAME_BYTES + 2 * (LEAD - FRAME_SAMPLES // 2), (
        "10 ms before the modem's next"
    )
    assert flow.push(SILENCE, 1.0) == b""


def test_a_clock_that_no_clock_explains_is_told_apart() -> None:
    clock = Clock()
    for number in range(1000):
        clock.came(320, number * FRAME_S)
    assert clock.drift_ppm is None
    assert clock.off_ppm == pytest.approx(1e6, rel=0.01)
    assert DRIFT_MAX_PPM < 1e6
    clock.forget()
    assert clock.off_ppm is None
    assert clock.span == 0


def test_a_place_of_the_sound_fades_into_another() -> None:
    reading = Reading()
    reading.put(tone(0, 800))
    assert reading.skip(300) == 300
    assert reading.left == 500
    assert reading.skip(10_000) == 500 - BLOCK
    assert reading.skip(1) == 0
    steps = numpy.diff(numpy.array(samples(reading.take(BLOCK, BLOCK)), float))
    assert abs(steps).max() <= LOUD
