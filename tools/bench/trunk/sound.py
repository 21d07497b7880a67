"""What the sound of a modem's calls costs, how much later it is heard, and what of it is lost.

Cost and delay are measured in real time: calls run in a process of their own (joined.py) on one core, through the
driver's port of sound over a pty and through UDP on loopback; modems and phones are here, on the other. Each modem has
a clock of its own, delivers every 20 ms of it and takes what it plays at the same moment, as hil/sim/modem does; sound
is known again by pulses, to the sample. So what a modem waits for in its buffer counts as ours. Dropouts are counted in
virtual time (clocks.py), in the same cores of ours, as ten minutes at each clock are more than a bench may last.
"""

from __future__ import annotations

import heapq
import itertools
import json
import math
import os
import pty
import select
import socket
import subprocess
import sys
import time
import tty
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from statistics import median

from callcontrol.media import g711
from callcontrol.media.pcm import FRAME_BYTES, FRAME_S, FRAME_SAMPLES, RATE_HZ
from callcontrol.media.rtp import Numbering, parse
from tools.bench.figures import Class, Figure, Goal, Scalar, timed
from tools.bench.processes import confined, cpu_s, spent_s, urgent
from tools.bench.sound import CORES, GIVEN_UP_S, PULSE, PULSE_FRAMES, QUIET, onset
from tools.bench.trunk.clocks import Carried, carry
from tools.bench.trunk.joined import HOST, PORTS_APART

__all__ = ["measure"]

ADDED_GOAL, CORE_GOAL, DROPOUTS_GOAL = Goal(60), Goal(3), Goal(0)
CALLS = 4
PPM = 100.0
"""Every other modem is as much too slow."""
FIRST_PORT = 43000
SETTLED_S = 2.0
"""Nothing is measured before it: the first second is both sides' beginning."""
PULSE_PCM = g711.alaw_decode(PULSE)
PIECES = {True: PULSE_PCM, False: bytes(FRAME_BYTES)}


@dataclass(frozen=True)
class Times:
    """Seconds of real time, how often the CPU time is read in it, and minutes of virtual time at each clock."""

    real_s: float
    read_every_s: float
    minutes: float


FULL, QUICK = Times(30.0, 1.0, 5.5), Times(6.0, 0.15, 0.5)


@dataclass
class _Way:
    """One direction of one call: when its pulses were sent, and how late they were heard."""

    pulses: deque[float] = field(default_factory=deque)
    delays: list[tuple[float, float]] = field(default_factory=list)  # when it was sent, s late
    rest: int = 0

    def heard(self, pcm: bytes, now: float) -> None:
        found, self.rest = onset(pcm, self.rest)
        if found is None:
            return
        heard = now + found / RATE_HZ
        while self.pulses and heard - self.pulses[0] > GIVEN_UP_S:
            self.delays.append((self.pulses.popleft(), math.inf))
        if self.pulses:
            sent = self.pulses.popleft()
            self.delays.append((sent, heard - sent))


@dataclass
class _Call:
    modem: int  # the pty's own side
    port: str
    wire: socket.socket
    length_s: float  # of 160 samples by the modem's clock
    phase_s: float
    numbering: Numbering
    to: int = 0
    down: _Way = field(default_factory=_Way)
    up: _Way = field(default_factory=_Way)
    given: bytearray = field(default_factory=bytearray)

    def tick(self, n: int) -> None:
        """Of the modem: delivers, and takes."""
        now = time.monotonic()
        if _is_pulse(n):
            self.down.pulses.append(now)
        os.write(self.modem, PIECES[_is_pulse(n)])
        with suppress(BlockingIOError):
            self.given += os.read(self.modem, 1 << 16)
        self.up.heard(bytes(self.given[:FRAME_BYTES]).ljust(FRAME_BYTES, b"\0"), now)
        del self.given[:FRAME_BYTES]

    def turn(self, n: int) -> None:
        """Of the phone."""
        packet = self.numbering.packet(8, PULSE if _is_pulse(n) else QUIET, after=FRAME_SAMPLES)
        if _is_pulse(n):
            self.up.pulses.append(time.monotonic())
        self.wire.sendto(bytes(packet), (HOST, self.to))

    def received(self) -> None:
        now = time.monotonic()
        with suppress(BlockingIOError, ValueError):
            self.down.heard(g711.alaw_decode(parse(self.wire.recv(2048)).payload), now)


def measure(tell: Callable[[str], None], *, quick: bool) -> tuple[list[Figure], dict[str, Scalar]]:
    """Under a minute and a half, with `quick` ten seconds; the figures, and what they were measured under."""
    times = QUICK if quick else FULL
    tell(f"sound of {CALLS} calls, in real time")
    late_ms, percents = _run(times)
    tell(f"{2 * times.minutes:g} minutes of sound, in virtual time")
    carried = [carry(times.minutes, ppm) for ppm in (PPM, -PPM)]
    return _figures(late_ms, percents, carried), {
        "sound_calls": CALLS,
        "sound_codec": "PCMA",
        "sound_clock_ppm": PPM,
        "audio_added_is": "both ways, from a sample's delivery to its playing, in real time; modem's buffer included",
        "dropouts_are": "silences of more than 5 ms in a tone both ways, in virtual time, at either clock",
    }


def _figures(late_ms: Sequence[float], percents: Sequence[float], carried: Sequence[Carried]) -> list[Figure]:
    of = Class.SIMULATED
    minutes = round(sum(one.minutes for one in carried), 1)
    deliveries = round(60 * minutes / FRAME_S)
    return [
        timed("audio_added", "ms_p95", "", late_ms, of, goal=ADDED_GOAL),
        timed("audio_added", "ms_p50", "", late_ms, of, percent=50),
        Figure("core_percent_per_call", round(median(percents), 2), len(percents), "core_samples", of, CORE_GOAL),
        Figure("dropouts_over_5ms", sum(one.dropouts for one in carried), deliveries, "frames", of, DROPOUTS_GOAL),
        Figure("audio_minutes", minutes, deliveries, "frames", of),
    ]


def _run(times: Times) -> tuple[list[float], list[float]]:
    """How late each pulse was heard, ms, and the share of a core that each call took, percent."""
    calls = [_opened(n) for n in range(CALLS)]
    try:
        with _joined(calls) as process, confined(CORES[0]), urgent([process.pid]):
            percents, began = _go(calls, times, process.pid)
    finally:
        for call in calls:
            call.wire.close()
            os.close(call.modem)
    ways = [way for call in calls for way in (call.down, call.up)]
    late = [late for way in ways for sent, late in way.delays if sent > began + SETTLED_S]
    return [1000 * one for one in late], percents


def _opened(n: int) -> _Call:
    ours, theirs = pty.openpty()
    tty.setraw(theirs)
    os.set_blocking(ours, False)
    port = os.ttyname(theirs)
    os.close(theirs)
    wire = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    wire.setblocking(False)
    wire.bind((HOST, FIRST_PORT + PORTS_APART * n))
    length_s = FRAME_S / (1 + (PPM if n % 2 else -PPM) / 1e6)
    return _Call(ours, port, wire, length_s, n * FRAME_S / CALLS, Numbering(n + 1, 1, 1))


@contextmanager
def _joined(calls: Sequence[_Call]) -> Iterator[subprocess.Popen[str]]:
    with confined(CORES[1]):
        command = [sys.executable, "-m", "tools.bench.trunk.joined", str(FIRST_PORT), *(call.port for call in calls)]
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        for call, port in zip(calls, json.loads(process.stdout.readline()), strict=True):
            call.to = port
        yield process
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def _go(calls: Sequence[_Call], times: Times, pid: int) -> tuple[list[float], float]:
    """All ticks and turns at their times, and what comes back."""
    poll = select.poll()
    by_wire = {call.wire.fileno(): call for call in calls}
    for fileno in by_wire:
        poll.register(fileno, select.POLLIN)
    began = time.monotonic() + 0.1
    due = [
        (began + phase, number, one, apart, 0)
        for number, (one, phase, apart) in enumerate(
            itertools.chain.from_iterable(
                ((call.tick, call.phase_s, call.length_s), (call.turn, FRAME_S - call.phase_s, FRAME_S))
                for call in calls
            )
        )
    ]
    heapq.heapify(due)
    percents: list[float] = []
    before, measured, read_at = cpu_s([pid]), began, began + SETTLED_S
    while (now := time.monotonic()) < began + times.real_s:
        while due[0][0] <= now:
            at, number, do, apart, n = heapq.heappop(due)
            do(n)
            heapq.heappush(due, (at + apart, number, do, apart, n + 1))
        if now >= read_at:
            after = cpu_s([pid])
            if read_at > began + SETTLED_S:
                percents.append(100 * spent_s(before, after) / (now - measured) / CALLS)
            before, measured, read_at = after, now, read_at + times.read_every_s
        for fileno, _ in poll.poll(max(0.0, 1000 * (min(due[0][0], read_at) - time.monotonic()))):
            by_wire[fileno].received()
    return percents, began


def _is_pulse(n: int) -> bool:
    """Not at once: the first must find silence before it."""
    return n >= PULSE_FRAMES and n % PULSE_FRAMES == 0
