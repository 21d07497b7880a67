"""One that bears a load of phones and calls, unit or Asterisk, and what that costs it in CPU."""

from __future__ import annotations

import math
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from hil.net import Host
from hil.phone.sipp import Answering, Dial, Load, Placing, Result, Sipp, User
from hil.site import REALM
from tools.bench.figures import LEAST_SAMPLES, Class, Figure, Goal
from tools.bench.processes import cpu_s, spent_s, urgent

__all__ = ["BIND_RATE", "Side", "Work", "cores", "counted", "from_first", "mean", "ratio", "ringing_ms", "rounded"]

KEPT_UP = 0.99
"""A side that failed more than the rest of this was beyond its limit, where its cost says nothing."""
BIND_RATE = 500.0  # 1/s
BINDING_S = 30.0
"""Bindings older than this are made anew before calls; they last a minute."""
HOLD_MS, RING_MS, PATIENCE_MS = 100, 1, 5000
FOLDED_S = 1.2
"""The unit writes down what ended at most a second ago; that, too, is what a call costs."""
MEANWHILE_EVERY_S = 0.2


@dataclass(frozen=True)
class Work:
    """What was done at one rate, and what it cost."""

    ok: int = 0
    failed: int = 0
    seconds: float = 0.0
    cpu_s: float = 0.0
    retransmissions: int | None = None  # by the phones; None: not counted

    @property
    def rate(self) -> float | None:
        """As reached, 1/s."""
        return self.ok / self.seconds if self.seconds else None

    @property
    def per_cpu_s(self) -> float | None:
        return self.ok / self.cpu_s if self.cpu_s else None

    @property
    def kept_up(self) -> bool:
        return self.ok > 0 and self.ok >= KEPT_UP * (self.ok + self.failed)

    @property
    def clean(self) -> bool:
        return self.ok > 0 and not self.failed and not self.retransmissions

    def __add__(self, other: Work) -> Work:
        sent = [each.retransmissions for each in (self, other) if each.retransmissions is not None]
        return Work(
            self.ok + other.ok,
            self.failed + other.failed,
            self.seconds + other.seconds,
            self.cpu_s + other.cpu_s,
            sum(sent) if sent else None,
        )


class Side:
    """One that bears the load: where phones find it, and which processes are its own."""

    def __init__(
        self,
        phones: Host,
        ip: str,
        caller_ip: str,
        proxy: str,
        processes: Callable[[], frozenset[int]],
        *,
        reinvited: bool = False,
    ) -> None:
        """`reinvited`: it leads the sound from phone to phone by asking both again once they have met."""
        self.processes = processes
        self._phones = Sipp(phones, ip, proxy, REALM)
        self._callers = Sipp(phones, caller_ip, proxy, REALM)
        self._reinvited = reinvited
        self._bound_s = -math.inf

    def register(self, users: Sequence[User], rate: float) -> list[Result]:
        """Each once, in good time or not."""
        self._bound_s = time.monotonic()
        return self._phones.register(users, rate=rate)

    def registers(self, users: Sequence[User], rate: float, seconds: float) -> Work:
        """One after the other, round and round."""
        count = round(rate * seconds)
        rows = [users[number % len(users)] for number in range(count)]
        before = cpu_s(self.processes())
        with urgent(before):
            results = self.register(rows, rate)
        time.sleep(FOLDED_S)
        ok = [result for result in results if result.code == 200]
        return Work(len(ok), count - len(ok), _span_s(ok), spent_s(before, cpu_s(before)))

    def calls(
        self, dials: Sequence[Dial], rate: float, seconds: float, meanwhile: Callable[[], object] | None = None
    ) -> Work:
        """Calls at a steady rate; `meanwhile` is called again and again."""
        count = round(rate * seconds)
        before = cpu_s(self.processes())
        with urgent(before), self.answer():
            placing = self.place(dials, count, rate, traced=False)
            until = time.monotonic() + seconds
            while meanwhile is not None and time.monotonic() < until:
                meanwhile()
                time.sleep(MEANWHILE_EVERY_S)
            load = placing.wait_load()
        time.sleep(FOLDED_S)
        return _work(load, count, spent_s(before, cpu_s(before)))

    def bind(self, users: Sequence[User]) -> None:
        """Registers them where that was too long ago."""
        if time.monotonic() - self._bound_s > BINDING_S:
            self.register(users, BIND_RATE)

    def place(self, dials: Sequence[Dial], count: int, rate: float, *, traced: bool) -> Placing:
        """Begin calls, `dials` round and round."""
        return self._callers.place(
            dials,
            count=count,
            rate=rate,
            hold_ms=HOLD_MS,
            patience_ms=PATIENCE_MS,
            reinvited=self._reinvited,
            traced=traced,
        )

    def answer(self) -> Answering:
        """Let whoever is rung on these phones answer."""
        return self._phones.answer(ring_ms=RING_MS, reinvited=self._reinvited, traced=False)


def _work(load: Load, count: int, spent: float) -> Work:
    return Work(load.ok, count - load.ok, load.seconds, spent, load.retransmissions)


def _span_s(results: Sequence[Result]) -> float:
    """From the first request to the last final answer."""
    return max(from_first(results), default=0.0)


def from_first(results: Sequence[Result]) -> list[float]:
    """When each was done, seconds after the first began; `math.inf` for those that did not end with 200."""
    first = min((result.began_at for result in results if result.began_at is not None), default=0.0)
    return [
        result.began_at - first + result.final_ms / 1000
        if result.code == 200 and result.began_at is not None and result.final_ms is not None
        else math.inf
        for result in results
    ]


def cores() -> tuple[int | None, int | None]:
    """One for what is measured and one for the phones; None where the machine has one only."""
    found = sorted(os.sched_getaffinity(0))
    return (found[0], found[1]) if len(found) > 1 else (None, None)


def counted(
    key: str, value: float | None, samples: int, name: str, goal: Goal | None = None, *, failed: int = 0
) -> Figure:
    """None where too few samples stand behind it."""
    value = value if samples >= LEAST_SAMPLES else None
    return Figure(key, rounded(value), samples, f"{name}_samples", Class.SIMULATED, goal, failed)


def ratio(key: str, ours: Work, theirs: Work, goal: Goal) -> Figure:
    """None where either did not keep up: that is neither met nor missed."""
    if not (ours.kept_up and theirs.kept_up and ours.per_cpu_s and theirs.per_cpu_s):
        return counted(key, None, 0, key, goal)
    value = ours.per_cpu_s / theirs.per_cpu_s
    return counted(key, value, min(ours.ok, theirs.ok), key, goal)


def mean(values: Sequence[float]) -> float | None:
    """None of none."""
    return sum(values) / len(values) if values else None


def rounded(value: float | None) -> float | None:
    """As a figure is shown: to a tenth from 100 on, else to a thousandth."""
    return None if value is None else round(value, 1 if value >= 100 else 3)


def ringing_ms(results: Sequence[Result], count: int) -> list[float]:
    """INVITE to 180 of each of `count` calls; `math.inf` for those that did not ring, or have no result."""
    times = [math.inf if result.first_ms is None else result.first_ms for result in results]
    return times + [math.inf] * (count - len(times))
