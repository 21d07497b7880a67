"""The playout on lines that lose, delay, repeat and reorder, in virtual time; and its concealment."""

import math
import random
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from callcontrol.media import g711
from callcontrol.media.conceal import Concealer, lengthened, shortened
from callcontrol.media.pcm import FRAME_BYTES, FRAME_S, FRAME_SAMPLES, RATE_HZ, clipped, frames, loudness, samples
from callcontrol.media.playout import MAX_PACKETS, WINDOW_S, Playout
from callcontrol.media.rtp import Packet

PHASE_S = 0.0105
"""From the sending of a packet to the pull after it, on a line without delay."""
HUM_HZ = 220


def test_a_clean_line_costs_less_than_a_frame_and_changes_nothing() -> None:
    line = Line(seconds=4)
    line.run()
    assert line.percent_concealed() == 0
    assert line.delay_ms(50) <= 20
    assert b"".join(line.heard) == g711.alaw_decode(b"".join(line.payloads[:200]))


def test_one_lost_packet_costs_one_frame_and_no_delay() -> None:
    line = Line(seconds=4, lost=lambda n: n == 100)
    line.run()
    assert line.playout.counts.concealed == FRAME_SAMPLES
    assert line.delay_ms(100) - line.delay_ms(1) < 1
    assert line.quietest() > 2000, "the hole is filled"


def test_three_percent_lost_are_three_percent_concealed() -> None:
    chance = random.Random(5)
    lost = {n for n in range(2000) if chance.random() < 0.03}
    line = Line(seconds=40, lost=lost.__contains__)
    line.run()
    assert line.percent_concealed() <= 100 * len(lost) / 2000 + 0.3
    assert line.delay_ms(99) <= 25


def test_a_burst_is_played_late_and_the_delay_is_back_within_two_seconds() -> None:
    line = Line(seconds=8, delay=lambda n: max(0.0, 4.2 - n * FRAME_S) if n >= 200 else 0.0)
    line.run()
    assert max(line.delays.values()) > 0.15, "all that came at once is played"
    assert line.playout.counts.late == 0
    assert all(delay <= 0.04 for now, delay in line.delays.items() if now > 4.2 + 2)


def test_jitter_makes_the_delay_grow_no_further_than_it_must() -> None:
    chance = random.Random(2)
    jitter = [chance.uniform(0, 0.04) for _ in range(1000)]
    line = Line(seconds=20, delay=jitter.__getitem__)
    line.run()
    assert line.percent_concealed() < 1
    assert line.delay_ms(99) <= 40 + 10 + 20 + 10


@pytest.mark.parametrize("drift", [3e-4, -3e-4])
def test_clocks_that_differ_are_followed(drift: float) -> None:
    line = Line(seconds=60, drift=drift)
    line.run()
    assert line.delay_ms(100) <= 50
    assert line.percent_concealed() < 0.3


def test_silence_of_the_source_is_no_loss() -> None:
    """Ten packets, a second of nothing with the numbers going on, ten more; and then another source."""
    playout = Playout(g711.alaw_decode)
    for n in range(60):
        now = n * FRAME_S
        if n < 10 or n >= 50:
            playout.push(Packet(8, n if n < 10 else n - 40, n * 160, 1, b"\x80" * 160), now)
        playout.pull(now + PHASE_S)
    assert playout.counts.played == 20 * FRAME_SAMPLES
    before = playout.counts.concealed
    for n in range(10):
        playout.push(Packet(8, 7, 4_000_000_000 + n * 160, 2, b"\x80" * 160), (60 + n) * FRAME_S)
        playout.pull((60 + n) * FRAME_S + PHASE_S)
    assert playout.counts.played == 30 * FRAME_SAMPLES
    assert playout.counts.concealed - before <= 8 * FRAME_SAMPLES


def test_keys_between_sound_are_no_loss() -> None:
    """Five packets of an event have taken the numbers and the time of as many of sound."""
    playout = Playout(g711.alaw_decode)
    for n in range(40):
        packet = Packet(8 if not 10 <= n < 15 else 101, n, n * 160, 1, b"\x80" * 160)
        if packet.payload_type == 8:
            playout.push(packet, n * FRAME_S)
        else:
            playout.passed_by(packet)
        playout.pull(n * FRAME_S + PHASE_S)
    assert playout.counts.played == 35 * FRAME_SAMPLES
    assert playout.counts.concealed <= 5 * FRAME_SAMPLES
    assert (playout.delay_s(40 * FRAME_S + PHASE_S) or 1) < 0.02


@settings(max_examples=25)
@given(
    st.lists(
        st.tuples(st.integers(0, 65535), st.integers(0, 2**32 - 1), st.integers(0, 1), st.binary(max_size=400)),
        max_size=100,
    )
)
def test_whatever_comes_a_frame_goes_out_and_little_is_held(packets: list[tuple[int, int, int, bytes]]) -> None:
    playout = Playout(g711.alaw_decode)
    for n, (sequence, timestamp, ssrc, payload) in enumerate(packets):
        playout.push(Packet(8, sequence, timestamp, ssrc, payload), n * 0.01)
        playout.push(Packet(8, sequence, timestamp, ssrc, payload), n * 0.01)
        assert len(playout.pull(n * 0.01)) == FRAME_BYTES
        assert len(playout._held) <= MAX_PACKETS


def test_a_hole_goes_on_as_the_sound_did_and_fades() -> None:
    concealer = Concealer()
    hum = _hum(0.2)
    for frame in frames(hum):
        assert concealer.heard(frame) == frame
    hole = concealer.hole(FRAME_SAMPLES)
    assert loudness(hole) == pytest.approx(loudness(hum), rel=0.2)
    assert max(abs(b - a) for a, b in zip(samples(hole), samples(hole)[1:], strict=False)) < 2000, "no click"
    rest = [loudness(concealer.hole(FRAME_SAMPLES)) for _ in range(4)]
    assert rest == sorted(rest, reverse=True)
    assert rest[-1] == 0
    joined = samples(concealer.heard(hum))
    assert abs(joined[0]) < 100, "fades in again"


def test_a_period_more_or_less_is_not_heard() -> None:
    hum = _hum(0.04)
    for changed, sign in ((shortened(hum), -1), (lengthened(hum), 1)):
        assert 40 <= sign * (len(changed) - len(hum)) // 2 <= 120
        assert loudness(changed) == pytest.approx(loudness(hum), rel=0.05)
        assert max(abs(b - a) for a, b in zip(samples(changed), samples(changed)[1:], strict=False)) < 1600
    with pytest.raises(ValueError, match="samples"):
        shortened(hum[:300])


class Line:
    """Packets of a hum, each 20 ms, over a line; a pull each 20 ms of our clock."""

    def __init__(
        self,
        seconds: float,
        lost: Callable[[int], bool] = lambda n: False,
        delay: Callable[[int], float] = lambda n: 0.0,
        drift: float = 0.0,
    ) -> None:
        self.playout = Playout(g711.alaw_decode)
        self.heard: list[bytes] = []
        self.delays: dict[float, float] = {}
        count = round(seconds / FRAME_S)
        self.payloads = [g711.alaw_encode(frame) for frame in frames(_hum(1.0))] * (round(seconds) + 1)
        arrivals = [(n * FRAME_S * (1 + drift) + delay(n), n) for n in range(count) if not lost(n)]
        self._steps = sorted([*arrivals, *((n * FRAME_S + PHASE_S, -1) for n in range(count))])

    def run(self) -> None:
        for now, n in self._steps:
            if n >= 0:
                packet = Packet(8, (65000 + n) & 0xFFFF, (2**32 - 5000 + 160 * n) & 0xFFFFFFFF, 1, self.payloads[n])
                self.playout.push(packet, now)
                continue
            self.heard.append(self.playout.pull(now))
            delay = self.playout.delay_s(now + FRAME_S)
            if delay is not None:
                self.delays[now] = delay

    def percent_concealed(self) -> float:
        counts = self.playout.counts
        return 100 * counts.concealed / (counts.concealed + counts.played)

    def delay_ms(self, percent: float) -> float:
        """From the first second on, when the line is known."""
        found = sorted(delay for now, delay in self.delays.items() if now > WINDOW_S)
        return 1000 * found[math.ceil(len(found) * percent / 100) - 1]

    def quietest(self) -> float:
        return min(loudness(frame) for frame in self.heard[5:])


def _hum(seconds: float) -> bytes:
    turn = 2 * math.pi * HUM_HZ / RATE_HZ
    return clipped([int(6000 * math.sin(turn * n)) for n in range(round(seconds * RATE_HZ))])
