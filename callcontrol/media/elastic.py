"""Sound between us and who has a clock of its own: frames of 20 ms out of whatever it delivers, and back by its clock.

`Inflow` holds as little as the worst of the last deliveries asks for, and a margin: a sample at a time it reads faster
or slower (drift.py) until that is so. What does not come in time is concealed, then silent. After a stall, and whenever
more is held than is needed, the surplus is passed over: silence rather than delay.

`Outflow` gives the modem as many samples as it has delivered, and a small lead, as that is how it counts its time;
nothing while it stands still. What was not written then it has played as silence.

Cores without IO or clock: `now` is seconds of one steady clock, and each is called once in 20 ms.
"""

from __future__ import annotations

from dataclasses import dataclass

from callcontrol.media.codecs import Rate
from callcontrol.media.conceal import Concealer
from callcontrol.media.drift import Clock, Reading
from callcontrol.media.pcm import FRAME_SAMPLES, RATE_HZ, SAMPLE_BYTES, SILENCE

__all__ = ["HELD_MAX_S", "RATES_HZ", "Flows", "Inflow", "Outflow"]

RATES_HZ = (8000, 16000)
"""Of modems."""
MARGIN = RATE_HZ // 125
"""Held beyond what the worst delivery asks for: 8 ms."""
_OVER, _UNDER = RATE_HZ // 400, RATE_HZ // 1000
"""So far from it nothing is done: 2.5 ms too much, 1 ms too little."""
_MUCH = RATE_HZ // 100
_REST_FRAMES, _REST_MORE = 1, 3
"""Between two frames that are read faster or slower, so 3 ms a second: what is steadily of another pitch is heard. More
where the surplus is under 10 ms."""
_SURPLUS = RATE_HZ // 50
"""Above this what is held beyond need is passed over at once: 20 ms."""
_FAR = RATE_HZ // 25
"""Beyond this nothing is written, or so much is taken for played without us: 40 ms."""
HELD_MAX_S = 0.16
"""The most that is held; who delivers by the tenth of a second fits in."""
_STALL = RATE_HZ * 12 // 100
"""A hole this long is a stall: what was known of the deliveries is forgotten."""
LEAD = RATE_HZ // 40
"""Given to the modem before what it counts by, so that none of its frames finds nothing, wherever between two of ours
it falls: 20 ms, and 5 for who is woken late. Who is later still is so once: what came too late stays ahead."""
STILL_S = 0.06
"""Who delivers nothing for so long beyond its wont stands still."""
AHEAD_MAX = RATE_HZ // 8
"""The most that may have been given beyond what the modem counts, after it stood still: 125 ms. It may have lost what
it would have delivered, and have played on, or have stopped altogether: then so much is heard later than might be."""


@dataclass(slots=True)
class Flows:
    """Counts since the beginning, in samples of 8 kHz, and how often a frame was read faster or slower."""

    played: int = 0
    concealed: int = 0
    skipped: int = 0
    stalls: int = 0
    bent: int = 0


class Inflow:
    """From a modem: a source of frames. Raises ValueError for a rate that is none of `RATES_HZ`."""

    def __init__(self, rate_hz: int = RATE_HZ) -> None:
        if rate_hz not in RATES_HZ:
            raise ValueError(f"rate: {rate_hz} Hz")
        self.counts = Flows()
        self.clock = Clock()
        self._rate = Rate(rate_hz, RATE_HZ) if rate_hz != RATE_HZ else None
        self._piece = SAMPLE_BYTES * rate_hz // RATE_HZ
        self._reading = Reading()
        self._concealer = Concealer()
        self._cut = b""  # of a sample that came in two pieces
        self._playing = False
        self._began: float | None = None  # when the first came of what is not yet played
        self._need = round(HELD_MAX_S * RATE_HZ)
        self._read = 0  # samples, in all, passed over or heard
        self._hole = 0
        self._rested = 0

    def push(self, data: bytes, now: float) -> None:
        """What was delivered now: any number of bytes."""
        data = self._cut + data
        whole = len(data) - len(data) % self._piece
        pcm, self._cut = data[:whole], data[whole:]
        if self._rate is not None:
            pcm = self._rate.pcm(pcm)
        count = len(pcm) // SAMPLE_BYTES
        if not count:
            return
        self.clock.came(count, now)
        self._reading.put(pcm)
        if self._began is None:
            self._began = now
        self._pass_over(self._reading.left - round(HELD_MAX_S * RATE_HZ))

    def pull(self, now: float) -> bytes:
        """The next frame."""
        if not self._playing and not self._begins(now):
            return SILENCE
        # What is held beyond need, as it will be after this frame.
        over = self.clock.lower - (self._read + FRAME_SAMPLES - now * RATE_HZ) - MARGIN
        if over > _SURPLUS:
            self._pass_over(round(over))
            over = 0
        wanted = self._bent(over)
        if self._reading.left < wanted:
            return self._short()
        self._read += wanted
        self._hole = 0
        self.counts.played += FRAME_SAMPLES
        return self._concealer.heard(self._reading.take(FRAME_SAMPLES, wanted))

    def _begins(self, now: float) -> bool:
        left = self._reading.left
        if self._began is None or left < FRAME_SAMPLES or now - self._began < MARGIN / RATE_HZ:
            return False
        self._pass_over(left - FRAME_SAMPLES - self._need)
        self._playing = True
        return True

    def _bent(self, over: float) -> int:
        """Samples to be read for this frame."""
        self._rested += 1
        step = (over > _OVER) - (over < -_UNDER)
        if not step or self._rested <= (_REST_MORE if 0 < over < _MUCH else _REST_FRAMES):
            return FRAME_SAMPLES
        self._rested = 0
        self.counts.bent += 1
        return FRAME_SAMPLES + step

    def _short(self) -> bytes:
        """A frame of which not all is there."""
        left = max(0, min(self._reading.left, FRAME_SAMPLES))
        heard = self._concealer.heard(self._reading.take(left, left)) if left else b""
        self._read += left
        missing = FRAME_SAMPLES - left
        self.counts.played += left
        self.counts.concealed += missing
        self._hole = missing + (0 if left else self._hole)
        frame = heard + self._concealer.hole(missing)
        if self._hole >= _STALL:
            self._stalled()
        return frame

    def _stalled(self) -> None:
        """What comes next is played when as much is held as was needed before, and what is more is passed over."""
        self.counts.stalls += 1
        self._need = min(round(HELD_MAX_S * RATE_HZ), MARGIN + round(self.clock.span))
        self.clock.forget()
        self._playing, self._began = False, None

    def _pass_over(self, count: int) -> None:
        if count > 0:
            skipped = self._reading.skip(count)
            self._read += skipped
            self.counts.skipped += skipped


class Outflow:
    """To the modem whose deliveries `clock` counts. Raises ValueError as `Inflow`."""

    def __init__(self, clock: Clock, rate_hz: int = RATE_HZ) -> None:
        if rate_hz not in RATES_HZ:
            raise ValueError(f"rate: {rate_hz} Hz")
        self.counts = Flows()
        self._clock = clock
        self._rate = Rate(RATE_HZ, rate_hz) if rate_hz != RATE_HZ else None
        self._reading = Reading()
        self._ahead = LEAD  # of what it has delivered
        self._written = 0  # samples, in all, those counted that were not written as the modem had gone on without
        self._still = True

    def push(self, frame: bytes, now: float) -> bytes:
        """What is to be written now of the next frame; b"": nothing."""
        clock = self._clock
        if clock.last_at is None or now - clock.last_at > STILL_S + clock.span / RATE_HZ:
            self._still = True
            self.counts.skipped += FRAME_SAMPLES
            return b""
        # What has been delivered by now, as the modem's best deliveries have it.
        counted = clock.upper + now * RATE_HZ
        lead = self._begun_anew(counted) if self._still else b""
        short = counted + self._ahead - self._written - FRAME_SAMPLES
        if short < -_FAR:
            self.counts.skipped += FRAME_SAMPLES
            return lead
        if short > _FAR:
            self._passed(round(short))
            short = 0
        self._reading.put(frame)
        count = FRAME_SAMPLES + (short > _UNDER) - (short < -_UNDER)
        self.counts.bent += count != FRAME_SAMPLES
        self.counts.played += count
        self._written += count
        return lead + self._of_its_rate(self._reading.take(count, FRAME_SAMPLES))

    def _begun_anew(self, counted: float) -> bytes:
        """The lead. All that it has delivered it has played without us, but for what is ahead already."""
        self._still = False
        self._passed(self._clock.delivered - self._written)
        self._ahead = min(AHEAD_MAX, self._written - self._clock.delivered + LEAD)
        lead = max(0, round(counted) + self._ahead - self._written - FRAME_SAMPLES)
        self._written += lead
        return self._of_its_rate(bytes(lead * SAMPLE_BYTES))

    def _passed(self, count: int) -> None:
        """So much the modem has played as silence."""
        if count > 0:
            self._written += count
            self.counts.concealed += count

    def _of_its_rate(self, pcm: bytes) -> bytes:
        return pcm if self._rate is None else self._rate.pcm(pcm)
