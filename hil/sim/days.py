"""Hours of a living platform on a line that is not good, in virtual time, watched by the unit's real cores.

A model of the edge's dispatcher and of its timer A, packet by packet, stands between a model of the platform and the
product's own :mod:`firmware.signs` and :mod:`firmware.modes`. No IO and no clock; the same seed gives the same hours.
"""

from __future__ import annotations

import heapq
import itertools
import random
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field

from firmware.modes import Mode, ModeSettings, advance, start
from firmware.signs import PROBE_S, NodeSign, Signs

__all__ = ["Found", "Weather", "observe_days"]

SETTINGS = ModeSettings(good_probes=3, hold_down_s=10, hold_down_max_s=600, register_s=60)
URI = "sip:10.99.0.2:5060"
PROBE_PACKETS_S = (0.0, 0.2, 0.4, 0.6)
PROBE_GIVEN_UP_S = 0.8
"""As cfg/10-modules.cfg has it for tm."""
REGISTER_PACKETS_S = (0.0, 0.3, 0.9)
REGISTER_GIVEN_UP_S = 1.5
STRIKES = 2
RTT_REMEMBERED = 30
A_MIN_S, A_START_S, A_MAX_S = 0.25, 0.4, 1.5
SERVICE_S = 0.005
"""What the platform spends on a request when it has nothing else to do."""


@dataclass(frozen=True)
class Weather:
    """What is wrong, all the time."""

    rtt_s: float = 0.02
    loss_percent: float = 0.0  # of packets, each way
    jitter_s: float = 0.0  # each way, at most
    pause_s: float = 0.0  # the platform stands still so long, and answers afterwards what came meanwhile,
    pause_each_s: float = 60.0  # so often in the mean
    load_percent: float = 0.0  # of the platform: a queue with one server
    call_each_s: float = 10.0  # the building's calls, in the mean
    register_each_s: float = 6.0  # and REGISTERs that go to the platform


@dataclass
class Found:
    """What came of it."""

    observed_h: float
    survivals: list[float] = field(default_factory=list)  # s, when the mode entered SURVIVAL
    calls: int = 0
    diverted: int = 0  # calls that the platform, alive, left unanswered past timer A
    aside: int = 0  # calls carried here because the node was put aside just then


def observe_days(seed: int, hours: float, weather: Weather) -> Found:
    """So many hours of it. A platform that lives is never to be taken for dead."""
    world = _World(random.Random(seed), weather)
    found = Found(hours)
    end_s = hours * 3600
    state = start(0.0, SETTINGS)
    now = 0.25
    while now < end_s:
        world.run_to(now, state.mode, found)
        before = state.mode
        state = advance(state, world.signs(now), SETTINGS)
        if state.mode is Mode.SURVIVAL and before is not Mode.SURVIVAL:
            found.survivals.append(now)
        now += state.next_sample_s
    return found


class _World:
    def __init__(self, dice: random.Random, weather: Weather) -> None:
        self._dice, self._weather = dice, weather
        self._numbers = itertools.count()
        self._events: list[tuple[float, int, str, bool]] = []
        self._pauses = self._when_pauses()
        self._pause = next(self._pauses)
        self._rtts: deque[float] = deque(maxlen=RTT_REMEMBERED)
        self._serving: bool | None = None
        self._failed = self._good = self._strikes = 0
        self._lost = self._answered = self._unanswered = 0
        self._in_survival = False
        for kind in ("probe", "call", "register"):
            self._put(dice.random(), kind)

    def run_to(self, now_s: float, mode: Mode, found: Found) -> None:
        """Everything that happens until then."""
        self._in_survival = mode is Mode.SURVIVAL
        while self._events[0][0] <= now_s:
            at, _, kind, ok = heapq.heappop(self._events)
            match kind:
                case "probe":
                    self._send(at, PROBE_PACKETS_S, PROBE_GIVEN_UP_S, "probed")
                    self._put(at + PROBE_S, "probe")
                case "probed":
                    self._probed(ok)
                case "call":
                    self._call(at, found)
                    self._put(at + self._dice.expovariate(1 / self._weather.call_each_s), "call")
                case "register":
                    if self._serving and not self._in_survival:
                        self._send(at, REGISTER_PACKETS_S, REGISTER_GIVEN_UP_S, "asked")
                    self._put(at + self._dice.expovariate(1 / self._weather.register_each_s), "register")
                case "asked":
                    self._asked(ok)
                case "late":
                    self._answered += 1
                    self._strikes = 0

    def signs(self, now_s: float) -> Signs:
        """What the unit sees."""
        sign = NodeSign(URI, self._serving, self._weather.rtt_s * 1000, trying=self._failed == 1, lost=self._lost)
        return Signs(now_s, (sign,), self._answered, self._unanswered, carrier=True, confirmed=1, registered=1)

    def _put(self, at: float, kind: str, ok: bool = True) -> None:
        heapq.heappush(self._events, (at, next(self._numbers), kind, ok))

    def _call(self, at: float, found: Found) -> None:
        found.calls += 1
        if not self._serving or self._in_survival:
            found.aside += 1
            return
        worst_s = max(self._rtts, default=0.0)
        timer_s = min(A_MAX_S, max(A_MIN_S, 4 * worst_s)) if worst_s else A_START_S
        took_s = self._send(at, (0.0, timer_s / 3, 2 * timer_s / 3), timer_s, "asked")
        if took_s > timer_s:
            found.diverted += 1
        if took_s < A_MAX_S * 4:
            self._rtts.append(took_s)

    def _send(self, at: float, packets_s: tuple[float, ...], given_up_s: float, kind: str) -> float:
        """Puts what becomes of a request; gives the seconds to its first response, known late or not."""
        took_s = min((self._there_and_back(at + after) for after in packets_s), default=1e9) - at
        if took_s <= given_up_s:
            self._put(at + took_s, kind)
        else:
            self._put(at + given_up_s, kind, False)
            if kind == "asked" and took_s < 60:
                self._put(at + took_s, "late")
        return took_s

    def _there_and_back(self, sent_s: float) -> float:
        """When the answer to a packet is here; very late when one of the two is lost."""
        weather, dice = self._weather, self._dice
        if dice.random() * 100 < weather.loss_percent or dice.random() * 100 < weather.loss_percent:
            return 1e9
        there = sent_s + weather.rtt_s / 2 + dice.random() * weather.jitter_s
        while there > self._pause[1] + 60:
            self._pause = next(self._pauses)
        if self._pause[0] <= there < self._pause[1]:
            there = self._pause[1]
        if weather.load_percent:
            there += dice.expovariate((1 - weather.load_percent / 100) / SERVICE_S)
        return there + weather.rtt_s / 2 + dice.random() * weather.jitter_s

    def _when_pauses(self) -> Iterator[tuple[float, float]]:
        at = 0.0
        while self._weather.pause_s:
            at += 10 + self._dice.expovariate(1 / self._weather.pause_each_s)
            yield at, at + self._weather.pause_s
            at += self._weather.pause_s
        yield 1e12, 1e12

    def _probed(self, ok: bool) -> None:
        self._failed, self._good = (0, self._good + 1) if ok else (self._failed + 1, 0)
        self._lost += not ok
        if self._failed >= STRIKES:
            self._serving = False
        elif self._serving is not False or self._good >= SETTINGS.good_probes:
            self._serving = True

    def _asked(self, ok: bool) -> None:
        if ok:
            self._answered += 1
            self._strikes = 0
            return
        self._unanswered += 1
        self._strikes += 1
        if self._strikes >= STRIKES:
            self._serving, self._good, self._strikes = False, 0, 0
