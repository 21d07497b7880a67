"""Adaptive playout: packets go in as they come, a frame comes out each 20 ms, late by no more than the line demands.

Theory. A packet's *transit* is its arrival minus its timestamp: one constant, that nobody knows, plus what the line
has delayed it. What lies between the least and the greatest transit of the last 0.8 s is the jitter, and the target
is that and a margin. Where the play-out stands is said in the same measure, so its *delay* over the least transit
compares with the target:

- over it by more than SLACK_S, one pitch period is taken out, in a third of the frames; far over it, in each of them;
- under it by more than that, one is put in;
- nothing there: the hole is filled, and the play-out waits. Comes what was missing after all, it is played, and the
  delay has grown at once. Comes what follows it, it was lost, and as long as the hole was filled it is passed over: a
  lost packet costs no delay;
- nothing for RESET_S: silence, and the next packet is played when its time comes by the target.

So one burst makes the delay grow for as long as the window remembers it, and no longer. A clock that runs faster or
slower than ours moves all transits and is followed by the same two means. A source that is silent for a while says so
by timestamps that jump with sequence numbers that do not: that is no loss.

No clock and no IO: `now` is seconds of one steady clock, `pull` is to be called each 20 ms.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from callcontrol.media import comfort
from callcontrol.media.conceal import LONGEST, Concealer, lengthened, shortened
from callcontrol.media.pcm import FRAME_BYTES, FRAME_S, FRAME_SAMPLES, RATE_HZ, SAMPLE_BYTES, SILENCE
from callcontrol.media.rtp import Packet

__all__ = ["Counts", "Playout"]

WINDOW_S = 0.8
"""So long a transit is remembered: a burst is forgotten after it."""
WINDOW_PACKETS = 128
MARGIN_S = 0.01
"""What a process that is woken late may be late by."""
SLACK_S, UNDER_S = 0.01, 0.005
"""How far the delay may be over and under the target."""
FAR_S = 0.04
"""So much over the target the delay is lessened in each frame."""
PAUSE_FRAMES = 2
"""Frames left alone between two that are shortened or lengthened."""
TARGET_MAX_S = 0.4
RESET_S = 0.12
"""A hole this long is no longer filled. Longer than `conceal.FADED_S`."""
MAX_PACKETS = 64
"""Held at once; of more the oldest go."""
LATE_MAX = 25
"""So many too late, one after the other: the source has begun anew with earlier timestamps."""
JUMP_S = 5.0
"""A timestamp further off than this is of a source that began anew."""


@dataclass(slots=True)
class Counts:
    """Since the beginning: packets, then samples of 8 kHz, then how often the delay was mended."""

    packets: int = 0
    late: int = 0
    duplicate: int = 0
    overrun: int = 0
    broken: int = 0
    played: int = 0
    concealed: int = 0
    silent: int = 0
    shortened: int = 0
    lengthened: int = 0


@dataclass(frozen=True, slots=True)
class _Held:
    sequence: int
    timestamp: int  # both without wrapping
    payload: bytes


class Playout:
    """Of one decoded leg. `decode` gives sound of 8 kHz, or raises ValueError; `clock_hz` is that of timestamps."""

    def __init__(self, decode: Callable[[bytes], bytes], clock_hz: int = RATE_HZ) -> None:
        self.counts = Counts()
        self._decode = decode
        self._clock_hz = clock_hz
        self._ratio = clock_hz / RATE_HZ
        self._concealer = Concealer()
        self._noise_dbov = comfort.QUIET_DBOV
        self._turn = 0
        self._forget()

    def _forget(self) -> None:
        """Everything of a source that has ended."""
        self._ssrc: int | None = None
        self._newest: tuple[int, int] | None = None  # sequence and timestamp, without wrapping
        self._held: dict[int, _Held] = {}
        self._others: deque[int] = deque(maxlen=MAX_PACKETS)  # numbers of packets that are no sound
        self._transits: deque[tuple[float, float]] = deque(maxlen=WINDOW_PACKETS)
        self._at: int | None = None  # the timestamp up to which sound was decoded; None: not playing
        self._sequence = 0  # of the packet that was decoded last
        self._ahead = 0  # samples that a hole was filled with beyond `_at`
        self._pcm = b""
        self._left_alone = 0
        self._late_in_a_row = 0

    def push(self, packet: Packet, now: float) -> None:
        """A packet of this leg's codec, at its arrival."""
        self.counts.packets += 1
        if packet.ssrc != self._ssrc or self._jumped(packet):
            self._forget()
            self._ssrc = packet.ssrc
        sequence, timestamp = self._unwrapped(packet)
        if timestamp in self._held:
            self.counts.duplicate += 1
            return
        self._transits.append((now, now - timestamp / self._clock_hz))
        if self._at is not None and timestamp < self._at:
            self.counts.late += 1
            self._late_in_a_row += 1
            return
        self._late_in_a_row = 0
        if len(self._held) >= MAX_PACKETS:
            self.counts.overrun += 1
            del self._held[min(self._held)]
        self._held[timestamp] = _Held(sequence, timestamp, packet.payload)

    def passed_by(self, packet: Packet) -> None:
        """A packet of the same source that is no sound, as a key: its number is not of a lost one."""
        if packet.ssrc == self._ssrc and self._newest is not None:
            self._others.append(self._newest[0] + _difference(packet.sequence, self._newest[0], 16))

    def comfort(self, payload: bytes) -> None:
        """The peer says what its silence sounds like (RFC 3389)."""
        try:
            self._noise_dbov = comfort.level_of(payload)
        except ValueError:
            self.counts.broken += 1

    def pull(self, now: float) -> bytes:
        """The next frame."""
        while len(self._transits) > 1 and self._transits[0][0] < now - WINDOW_S:
            self._transits.popleft()
        if self._at is not None or self._begins(now):
            self._fill(FRAME_SAMPLES)
        if self._at is None:
            self.counts.silent += FRAME_SAMPLES
            return self._silence()
        self._adapt(now)
        frame, self._pcm = self._pcm[:FRAME_BYTES], self._pcm[FRAME_BYTES:]
        if len(frame) < FRAME_BYTES:
            frame += self._hole(FRAME_SAMPLES - len(frame) // SAMPLE_BYTES)
            if self._ahead > RESET_S * RATE_HZ:
                self._at = None
        return frame

    @property
    def target_s(self) -> float:
        """The delay that the line asks for at present."""
        if not self._transits:
            return MARGIN_S
        transits = [transit for _, transit in self._transits]
        return min(max(transits) - min(transits) + MARGIN_S, TARGET_MAX_S)

    def delay_s(self, now: float) -> float | None:
        """By how much what `pull` gives next is later than a packet of the least transit. None: nothing is played."""
        if self._at is None or not self._transits:
            return None
        left = len(self._pcm) // SAMPLE_BYTES - self._ahead
        return now - (self._at - left * self._ratio) / self._clock_hz - min(transit for _, transit in self._transits)

    def _jumped(self, packet: Packet) -> bool:
        if self._newest is None or self._late_in_a_row > LATE_MAX:
            return True
        return abs(_difference(packet.timestamp, self._newest[1], 32)) > JUMP_S * self._clock_hz

    def _unwrapped(self, packet: Packet) -> tuple[int, int]:
        if self._newest is None:
            self._newest = packet.sequence, packet.timestamp
            return self._newest
        sequence, timestamp = self._newest
        found = (
            sequence + _difference(packet.sequence, sequence, 16),
            timestamp + _difference(packet.timestamp, timestamp, 32),
        )
        if found[1] > timestamp:
            self._newest = found
        return found

    def _begins(self, now: float) -> bool:
        """Whether the first packet's time has come, or will have come by half a frame from now."""
        if not self._held:
            return False
        first = self._held[min(self._held)]
        least = min(transit for _, transit in self._transits)
        if now - first.timestamp / self._clock_hz - least + FRAME_S / 2 < self.target_s:
            return False
        self._at, self._sequence, self._ahead, self._pcm = first.timestamp, first.sequence - 1, 0, b""
        return True

    def _fill(self, wanted: int) -> None:
        """Decode until so many samples are there, or nothing is left to decode; known losses are filled."""
        while self._held and (missing := wanted - len(self._pcm) // SAMPLE_BYTES) > 0:
            assert self._at is not None
            held = self._held[min(self._held)]
            gap = int((held.timestamp - self._at) / self._ratio) - self._ahead
            if gap > 0 and all(n in self._others for n in range(self._sequence + 1, held.sequence)):
                # The source's own silence.
                if not self._pcm:
                    self._at = None
                return
            if gap > 0:
                if self._ahead > RESET_S * RATE_HZ:
                    return
                self._pcm += self._hole(min(gap, missing))
                continue
            del self._held[held.timestamp]
            if held.timestamp < self._at:
                self.counts.late += 1
            else:
                self._play(held)

    def _play(self, held: _Held) -> None:
        self._sequence, self._at = held.sequence, held.timestamp
        try:
            pcm = self._decode(held.payload)
        except ValueError:
            self.counts.broken += 1
            return
        self._ahead = 0
        self._pcm += self._concealer.heard(pcm)
        count = len(pcm) // SAMPLE_BYTES
        self._at += int(count * self._ratio)
        self.counts.played += count

    def _hole(self, count: int) -> bytes:
        self._ahead += count
        self.counts.concealed += count
        return self._concealer.hole(count)

    def _adapt(self, now: float) -> None:
        """One period less or more, where the delay is not the target."""
        self._left_alone += 1
        delay = self.delay_s(now)
        if delay is None or self._ahead:
            return
        over = delay - self.target_s
        if over > FAR_S or (over > SLACK_S and self._left_alone > PAUSE_FRAMES):
            self._fill(FRAME_SAMPLES + LONGEST)
            if len(self._pcm) >= (FRAME_SAMPLES + LONGEST) * SAMPLE_BYTES and not self._ahead:
                self._pcm = shortened(self._pcm)
                self.counts.shortened += 1
                self._left_alone = 0
        elif over < -UNDER_S and self._left_alone > PAUSE_FRAMES and len(self._pcm) >= FRAME_BYTES:
            self._pcm = lengthened(self._pcm)
            self.counts.lengthened += 1
            self._left_alone = 0

    def _silence(self) -> bytes:
        if self._noise_dbov >= comfort.QUIET_DBOV:
            return SILENCE
        frames = comfort.noise(self._noise_dbov)
        self._turn = (self._turn + 1) % len(frames)
        return frames[self._turn]


def _difference(value: int, reference: int, bits: int) -> int:
    """`value` minus the reference, the shorter way round."""
    half = 1 << bits - 1
    return ((value - reference + half) & ((1 << bits) - 1)) - half
