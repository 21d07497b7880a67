"""What the sound of calls costs and how long it takes, and what a bad line makes of it; over loopback (class S).

Calls of two plain legs are joined in a process of their own (bridging.py) on one core; the phones, here on another,
send PCMA each 20 ms, both ways. Sound that passes unopened is known again by what it holds; sound that is decoded, by
pulses, whose beginning is found in what comes back to the sample. Both run at real-time priority, so that what else
this machine does is not measured.
"""

from __future__ import annotations

import heapq
import json
import math
import random
import select
import socket
import subprocess
import sys
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from statistics import median
from typing import IO

from callcontrol.media import g711
from callcontrol.media.pcm import FRAME_S, FRAME_SAMPLES, RATE_HZ, clipped, samples
from callcontrol.media.rtp import Numbering, parse
from tools.bench.bridging import DECODED, HOST, PASSED, PHONE_PORTS
from tools.bench.figures import Class, Figure, Goal, Scalar, timed
from tools.bench.processes import confined, cpu_s, pss_mb, spent_s, urgent

__all__ = ["Line", "measure", "onset"]

PASSED_GOAL, PASSED_MS_GOAL = Goal(1.5), Goal(5)
DECODED_GOAL, DECODED_MS_GOAL = Goal(4), Goal(40)
HEAL_GOAL, CONCEALED_GOAL = Goal(2), Goal(4)

CALLS = 10
FIRST_PORT = 42000
SETTLED_S = 1.5
"""At the beginning of each run nothing is measured."""
LOSS_PERCENT = 3
LOST_AT_S, BURST_AT_S, BURST_S = 2.52, 4.03, 0.2
"""Between two pulses."""
PULSE_FRAMES = 5
"""A pulse each 100 ms."""
FIRST_PULSE = 25
PULSE = g711.alaw_encode(
    clipped([int(12000 * math.cos(2 * math.pi * 400 * n / RATE_HZ)) for n in range(FRAME_SAMPLES)])
)
QUIET = b"\xd5" * FRAME_SAMPLES
LOUD = 5000
REST_SAMPLES = FRAME_SAMPLES * 2
"""So long silent before a beginning counts as one."""
GIVEN_UP_S = 0.6
CORES = (0, 1)  # the phones', the bridge's


@dataclass(frozen=True)
class Times:
    """How long a run lasts, and how often the bridge's CPU time is read in it, seconds."""

    cost_s: float
    heal_s: float
    read_every_s: float


FULL, QUICK = Times(13.0, 12.0, 0.5), Times(5.2, 6.4, 0.15)


@dataclass
class Line:
    """One direction of one call: what is sent when, and what came of it."""

    wire: socket.socket
    to: int
    phase_s: float
    numbering: Numbering
    lost: frozenset[int] = frozenset()
    burst: bool = False
    sent_at: dict[int, float] = field(default_factory=dict)  # by number of packet, as far as not come back
    pulses: deque[float] = field(default_factory=deque)
    delays: list[tuple[float, float]] = field(default_factory=list)  # when it came, s late
    rest: int = 0  # silent samples until now

    def packet(self, n: int, mode: str) -> bytes:
        payload = PULSE if _is_pulse(n) else QUIET
        if mode == PASSED:
            payload = n.to_bytes(4) + payload[4:]
        return bytes(self.numbering.packet(8, payload, after=FRAME_SAMPLES))


@dataclass(frozen=True)
class _Ran:
    lines: Sequence[Line]
    core_percents: Sequence[float]  # per call
    memory_mb: float
    concealed: int  # samples, of the lines that lose some
    played: int
    began: float
    ended: float  # when no more was sent


def measure(tell: Callable[[str], None], *, quick: bool) -> tuple[list[Figure], dict[str, Scalar]]:
    """Three runs of some ten seconds, with `quick` of six; the figures, and what they were measured under."""
    times = QUICK if quick else FULL
    tell("passing sound on unopened")
    passed = _run(PASSED, times, times.cost_s)
    tell("decoding it")
    decoded = _run(DECODED, times, times.cost_s)
    tell(f"losing {LOSS_PERCENT} % of it; of other calls a packet, and a burst")
    lossy = _run(DECODED, times, times.heal_s, hurt=True)
    of = Class.SIMULATED
    frames = (lossy.concealed + lossy.played) // FRAME_SAMPLES
    concealed = round(100 * lossy.concealed / max(1, lossy.concealed + lossy.played), 2)
    figures = [
        _cost("passthrough_core_percent", passed, PASSED_GOAL),
        timed("passthrough_added", "ms_p99", "", _delays_ms(passed), of, goal=PASSED_MS_GOAL, percent=99),
        _cost("decoded_core_percent", decoded, DECODED_GOAL),
        timed("decoded_added", "ms_p50", "", _delays_ms(decoded), of, goal=DECODED_MS_GOAL, percent=50),
        timed("heal", "s", "", _heals_s(lossy), of, goal=HEAL_GOAL, percent=100),
        Figure("concealed_percent_at_3_loss", concealed, frames, "concealed_samples", of, CONCEALED_GOAL),
    ]
    memory = max(passed.memory_mb, decoded.memory_mb)
    return figures, {"sound_calls": CALLS, "codec": "PCMA", "sound_memory_mb": round(memory, 1)}


def onset(pcm: bytes, rest: int) -> tuple[int | None, int]:
    """The first loud sample after `REST_SAMPLES` of silence, counting the `rest` that came before; and the new rest."""
    values = samples(pcm)
    for n, value in enumerate(values):
        if abs(value) < LOUD:
            rest += 1
            continue
        if rest >= REST_SAMPLES:
            return n, 0
        rest = 0
    return None, rest


def _run(mode: str, times: Times, seconds: float, *, hurt: bool = False) -> _Ran:
    """`hurt`: the first half of the calls loses packets all the time, the other half at two moments."""
    with _bridge(mode) as (process, ports), confined(CORES[0]), urgent([process.pid]):
        lines = _lines(ports, seconds, hurt=hurt)
        try:
            percents, memory, began = _send(lines, mode, seconds, times.read_every_s, process.pid)
        finally:
            for line in lines:
                line.wire.close()
        assert process.stdin is not None
        process.stdin.close()
        told = json.loads(_line_of(process.stdout))
    counts = [count for line, count in zip(lines, told, strict=False) if line.lost and not line.burst]
    concealed, played = (sum(count[place] for count in counts) for place in (0, 1))
    return _Ran(lines, percents, memory, concealed, played, began, began + seconds)


@contextmanager
def _bridge(mode: str) -> Iterator[tuple[subprocess.Popen[str], list[tuple[int, int]]]]:
    with confined(CORES[1]):
        process = subprocess.Popen(
            [sys.executable, "-m", "tools.bench.bridging", mode, str(CALLS), str(FIRST_PORT)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
    try:
        yield process, [(one, other) for one, other in json.loads(_line_of(process.stdout))]
    finally:
        process.kill()
        process.wait()
        if process.stdout is not None:
            process.stdout.close()


def _line_of(stream: IO[str] | None) -> str:
    assert stream is not None
    return stream.readline()


def _lines(ports: Sequence[tuple[int, int]], seconds: float, *, hurt: bool) -> list[Line]:
    chance = random.Random(7)  # noqa: S311  # which packets are lost
    found = []
    for n, pair in enumerate(ports):
        for number, port in enumerate(pair):
            wire = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            wire.setblocking(False)
            wire.bind((HOST, FIRST_PORT + PHONE_PORTS * n + 2 * number))
            numbering = Numbering(chance.getrandbits(32), chance.getrandbits(16), chance.getrandbits(32))
            line = Line(wire, port, chance.random() * FRAME_S, numbering, burst=hurt and n >= CALLS // 2)
            if line.burst:
                line.lost = frozenset({round(LOST_AT_S / FRAME_S)})
            elif hurt:
                line.lost = frozenset(_lost(chance, seconds))
            found.append(line)
    return found


def _lost(chance: random.Random, seconds: float) -> Iterator[int]:
    """Three of each hundred, by chance."""
    for hundred in range(0, round(seconds / FRAME_S), 100):
        yield from (hundred + n for n in chance.sample(range(100), LOSS_PERCENT))


def _send(
    lines: Sequence[Line], mode: str, seconds: float, read_every_s: float, bridge: int
) -> tuple[list[float], float, float]:
    """All packets at their times, and what comes back."""
    poll = select.poll()
    by_wire = {line.wire.fileno(): number for number, line in enumerate(lines)}
    for fileno in by_wire:
        poll.register(fileno, select.POLLIN)
    began = time.monotonic() + 0.1
    due = [(began + line.phase_s, number, 0) for number, line in enumerate(lines)]
    heapq.heapify(due)
    reads: list[float] = []
    before, measured, read_at = cpu_s([bridge]), began, began + SETTLED_S
    while (now := time.monotonic()) < began + seconds:
        while due and due[0][0] <= now:
            _, number, n = heapq.heappop(due)
            line = lines[number]
            data = line.packet(n, mode)
            if n not in line.lost:
                _send_one(line, data, n, mode, nominal=began + line.phase_s + n * FRAME_S)
            heapq.heappush(due, (_due(line, began, n + 1), number, n + 1))
        if now >= read_at:
            after = cpu_s([bridge])
            if read_at > began + SETTLED_S:
                reads.append(100 * spent_s(before, after) / (now - measured) / CALLS)
            before, measured, read_at = after, now, read_at + read_every_s
        wait = max(0.0, min(due[0][0], read_at) - time.monotonic())
        for fileno, _ in poll.poll(math.ceil(wait * 1000)):
            _receive(lines[by_wire[fileno]], lines[by_wire[fileno] ^ 1], mode)
    return reads, pss_mb([bridge]), began


def _is_pulse(n: int) -> bool:
    """Not at once: the first must find silence before it."""
    return n >= FIRST_PULSE and n % PULSE_FRAMES == 0


def _due(line: Line, began: float, n: int) -> float:
    at = n * FRAME_S
    if line.burst and BURST_AT_S <= at < BURST_AT_S + BURST_S:
        at = BURST_AT_S + BURST_S
    return began + line.phase_s + at


def _send_one(line: Line, data: bytes, n: int, mode: str, nominal: float) -> None:
    now = time.monotonic()
    line.wire.sendto(data, (HOST, line.to))
    if mode == PASSED:
        line.sent_at[n] = now
    elif _is_pulse(n):
        line.pulses.append(nominal if line.burst else now)


def _receive(at: Line, sender: Line, mode: str) -> None:
    """What came to one phone was sent by the other."""
    now = time.monotonic()
    while True:
        try:
            data = at.wire.recv(2048)
        except BlockingIOError:
            return
        try:
            payload = parse(data).payload
        except ValueError:
            continue
        if mode == PASSED:
            if (sent := sender.sent_at.pop(int.from_bytes(payload[:4]), None)) is not None:
                sender.delays.append((now, now - sent))
            continue
        found, sender.rest = onset(g711.alaw_decode(payload), sender.rest)
        if found is None:
            continue
        heard = now + found / RATE_HZ
        while sender.pulses and heard - sender.pulses[0] > GIVEN_UP_S:
            sender.pulses.popleft()
        if sender.pulses:
            sender.delays.append((now, heard - sender.pulses.popleft()))


def _delays_ms(ran: _Ran) -> list[float]:
    """What did not come back stands as never."""
    found = [1000 * late for line in ran.lines for when, late in line.delays if when > ran.began + SETTLED_S]
    never = sum(at < ran.ended - 1 for line in ran.lines for at in line.sent_at.values())
    return found + [math.inf] * never


def _heals_s(ran: _Ran) -> list[float]:
    """From the end of each trouble to the last pulse that was later than a clean line's may be."""
    found = []
    hurt = [line for line in ran.lines if line.burst]
    for line in hurt:
        for ends, until in ((LOST_AT_S + FRAME_S, BURST_AT_S), (BURST_AT_S + BURST_S, math.inf)):
            start = ran.began + line.phase_s
            late = [
                when - start - ends
                for when, delay in line.delays
                if ends <= when - start < until and delay * 1000 > DECODED_MS_GOAL.bound
            ]
            found.append(max(late, default=0.0))
    return found


def _cost(key: str, ran: _Ran, goal: Goal) -> Figure:
    percents = ran.core_percents
    return Figure(key, round(median(percents), 2), len(percents), f"{key}_samples", Class.SIMULATED, goal)
