"""Sound at the modem's own clock: s16le, mono, 8 or 16 kHz, in deliveries of 20 or 40 ms.

At each tick of its clock, which is off by some ppm, the modem delivers what the other side said and takes as much of
what it was given. Nothing to take is an underrun, and silence goes to the other side; more than its buffer holds is an
overrun, and lost.
"""

from __future__ import annotations

from collections.abc import Callable

from hil.sim.modem.faults import Fault
from hil.sim.modem.shared import Shared
from hil.sim.modem.timers import Timer
from hil.sim.modem.voices import Ear

__all__ = ["BUFFER_MS", "Pcm"]

BUFFER_MS = 320
"""Of sound that was given and not yet taken."""
SAID_MAX_MS = 400
"""Of what was taken, kept for another modem: it has a clock of its own."""
JITTER_S = 0.06
DIES_AFTER_S = 20.0
CHOPPY = 0.3
SAMPLE_BYTES = 2

Speak = Callable[[int, int], bytes]
Hear = Callable[[bytes, int], None]


class Pcm:
    """`deliver` writes to the port of sound and says how many bytes it took; `ppm`: how much the clock is fast."""

    def __init__(self, shared: Shared, deliver: Callable[[bytes], int], ppm: float) -> None:
        self._shared, self._deliver, self.ppm = shared, deliver, ppm
        self._speak: Speak = lambda _samples, _rate: b""
        self._hear: Hear = lambda _sound, _rate: None
        self.rate_hz = 8000
        self.on = False
        self.listeners: list[Callable[[bool], None]] = []
        self._given = bytearray()
        self._said = bytearray()
        self._in_call = False
        self._timer: Timer | None = None
        self._began = 0.0
        self._ticks = 0
        self._late: list[bytes] = []
        self._odd = b""
        self.choppy = False
        self.mute = False
        self._count()

    def _count(self) -> None:
        self._down, self._up = Ear(), Ear()
        self._underruns = self._underrun_bytes = self._overrun_bytes = self._undelivered = 0
        self._heard_any = False

    def joined(self, speak: Speak, hear: Hear) -> None:
        """Where the other side's sound comes from, and where ours goes."""
        self._speak, self._hear = speak, hear

    def taken(self, data: bytes) -> None:
        """Bytes came in at the port."""
        if not self._running:
            return
        room = self._bytes(BUFFER_MS) - len(self._given)
        self._given += data[: max(room, 0)]
        if len(data) > room:
            self._overrun_bytes += len(data) - max(room, 0)
            self._shared.note("overrun", bytes=len(data) - max(room, 0))

    def said(self, samples: int) -> bytes:
        """What another modem hears of this one; less where its clock is the faster."""
        size = samples * SAMPLE_BYTES
        sound = bytes(self._said[:size])
        del self._said[:size]
        return sound

    def call_began(self) -> None:
        """There is somebody to hear."""
        self._in_call = True
        self._go()

    def call_ended(self) -> None:
        """Nobody any more."""
        self._in_call = False
        self._halt()

    def switch(self, on: bool) -> None:
        """The modem was told to carry sound over its port, or not to."""
        self.on = on
        self._shared.note("pcm", on=on)
        if on:
            self._go()
        else:
            self._halt()

    def stop(self) -> None:
        """Power is gone."""
        self.on = self._in_call = self.choppy = self.mute = False
        self.rate_hz = 8000
        self._halt()

    @property
    def _running(self) -> bool:
        return self.on and self._in_call

    @property
    def _chunk_s(self) -> float:
        return self._shared.model.frame_ms / 1000 / (1 + self.ppm / 1e6)

    def _bytes(self, milliseconds: int) -> int:
        return self.rate_hz * milliseconds // 1000 * SAMPLE_BYTES

    def _go(self) -> None:
        if self._running and self._timer is None:
            self._count()
            self._given.clear()
            self._said.clear()
            self._began, self._ticks = self._shared.timers.now(), 0
            self._again()

    def _again(self) -> None:
        due = self._began + (self._ticks + 1) * self._chunk_s
        self._timer = self._shared.timers.later(due - self._shared.timers.now(), self._tick)

    def _halt(self) -> None:
        if self._timer is None:
            return
        self._timer.cancel()
        self._timer = None
        self._late.clear()
        self._odd = b""
        self._shared.note(
            "sound",
            ticks=self._ticks,
            seconds=round(self._shared.timers.now() - self._began, 3),
            rate_hz=self.rate_hz,
            ppm=self.ppm,
            underruns=self._underruns,
            underrun_bytes=self._underrun_bytes,
            overrun_bytes=self._overrun_bytes,
            undelivered_bytes=self._undelivered,
            down=self._down.told(),
            up=self._up.told(),
        )

    def _tick(self) -> None:
        """One frame each way."""
        self._ticks += 1
        self._again()
        size = self._bytes(self._shared.model.frame_ms)
        self._take(size)
        self._give(size)

    def _take(self, size: int) -> None:
        sound = bytes(self._given[:size])
        del self._given[:size]
        if sound:
            self._heard_any = True
        if len(sound) < size and self._heard_any:  # before the first sound nothing is missing
            self._underruns += 1
            self._underrun_bytes += size - len(sound)
        sound = sound.ljust(size, b"\0")
        if self._shared.faults.on(Fault.ONE_WAY) or self.mute:
            sound = bytes(size)
        if self._up.hear(sound, self.rate_hz):
            self._shared.note("onset", side="up")
        self._hear(sound, self.rate_hz)
        self._said += sound
        del self._said[: max(0, len(self._said) - self._bytes(SAID_MAX_MS))]

    def _give(self, size: int) -> None:
        sound = self._speak(size // SAMPLE_BYTES, self.rate_hz).ljust(size, b"\0")
        faults = self._shared.faults
        if faults.on(Fault.DEAF) or self.mute:
            sound = bytes(size)
        if faults.on(Fault.PCM_DIES) and self._ticks * self._chunk_s > DIES_AFTER_S:
            return
        if self.choppy and faults.random.random() < CHOPPY:
            return
        if self._down.hear(sound, self.rate_hz):
            self._shared.note("onset", side="down")
        if faults.on(Fault.PCM_ODD):
            sound = self._odd + sound
            self._odd, sound = sound[-1:], sound[:-1]
        if faults.on(Fault.PCM_JITTER):
            self._late.append(sound)
            if len(self._late) == 1:
                self._shared.timers.later(faults.random.uniform(0, JITTER_S), self._give_late)
            return
        self._written(sound)

    def _give_late(self) -> None:
        if self._late:
            sound = b"".join(self._late)
            self._late.clear()
            self._written(sound)

    def _written(self, sound: bytes) -> None:
        self._undelivered += len(sound) - self._deliver(sound)
