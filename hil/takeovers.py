"""A storm's town at two units, whose turn it is to die: one takeover after another under everybody's calls.

The people are those of hil/town.py, their day is a storm's (hil/stormplan.py), the judgement that of hil/invariants.py:
the moment from a unit's death until the other one serves counts as a stopped edge, and excuses no more than that. Both
units serving at once must be shown by both. Many takeovers come while something is wrong with the platform, too.
"""

from __future__ import annotations

import contextlib
import random
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from functools import reduce
from itertools import count, islice

from callcontrol.edge.rpc import EdgeError, EdgeUnreachable
from callcontrol.records import Record, join
from firmware.store import StoreError
from hil.faults import Faults
from hil.history import History
from hil.invariants import Breach, breaches, recorded
from hil.lag import watch_lag
from hil.net import Net, NetError
from hil.pair import Pair, Standby
from hil.phone import PhoneError
from hil.platform import PlatformError
from hil.site import SiteError
from hil.stormdeeds import Deed
from hil.stormplan import PLATFORMS, Fault, make_plan
from hil.town import CREDENTIALS, GATEWAY_URI, REGISTER_S, USERS, Town

__all__ = ["Day", "Takeovers", "Trouble", "Turn", "joined", "make_turns"]

CONFIGURATION: dict[str, dict[str, object]] = {
    "edge": {"register_s": REGISTER_S},
    "returning": {"hold_down_s": 1, "hold_down_max_s": 4, "good_probes": 2},
    "emergency": {"gateway": GATEWAY_URI, "hold_s": 12},
}
TICK_S, LOOK_S, JUDGE_S = 0.1, 0.5, 1.0
"""How often people act, units are looked at, and all is judged."""
TAKEN_OVER_S = 30.0
WHOLE_S = 60.0
"""Patience for a takeover, and for a unit that is back and knows what the other one knows."""
CALM_S = (8.0, 14.0)
"""Between a unit that is whole again and the next trouble."""
AWAY_S = (4.0, 9.0)
"""How long a trouble lasts after the other unit has taken over."""
AHEAD_S = (0.0, 8.0)
"""What is wrong with the platform begins so long before the trouble."""
OUTLASTS_SHARE = 0.5
LAST_S = 26.0
"""At the end: until every call and record is in."""
FOLDED_S = 10.0
"""A unit that is back has its records in the journal by then."""
BOTH_S = 6.0
"""Both in service for so long must be shown by both (RVX-B01)."""
RECORDS_MAX = 5_000


class Trouble(StrEnum):
    """What befalls the unit in service."""

    POWER = "power cut"
    CABLES = "cables pulled"
    LINE = "line pulled"
    EDGE = "edge hangs"


@dataclass(frozen=True)
class Turn:
    """One takeover to come; times are seconds."""

    trouble: Trouble
    calm_s: float  # after the one before
    away_s: float
    across: Fault | None  # of the platform,
    ahead_s: float  # so long before the trouble,
    outlasts: bool  # and until the unit is back and whole, or else until before that


def make_turns(seed: int) -> Iterator[Turn]:
    """Without end; each trouble once in every four, and every other one while the platform is ill."""
    rng = random.Random(f"turns {seed}")
    for number in count():
        if number % len(Trouble) == 0:
            troubles = rng.sample(list(Trouble), len(Trouble))
        calm_s, away_s, ahead_s = (rng.uniform(*span) for span in (CALM_S, AWAY_S, AHEAD_S))
        across, outlasts = rng.choice(PLATFORMS), rng.random() < OUTLASTS_SHARE
        ill = number % 2 == 1
        yield Turn(troubles[number % len(Trouble)], calm_s, away_s, across if ill else None, ahead_s, outlasts)


@dataclass
class Day:
    """What came of it."""

    takeovers_s: list[tuple[Trouble, float]] = field(default_factory=list)
    whole_s: list[float] = field(default_factory=list)  # from a unit's return until it knows everything
    broken: list[Breach] = field(default_factory=list)
    calls: int = 0
    both_s: float = 0.0  # the longest that both served at once


class Takeovers:
    """Built with its net; `play` once, `close` always. `told(kind, words)` hears what happens."""

    def __init__(self, net: Net, seed: int, told: Callable[[str, str], None]) -> None:
        self._seed, self._told = seed, told
        self._lock = threading.RLock()
        self._over = threading.Event()
        self._history = History()
        self.pair = Pair(net, users=USERS, configuration=CONFIGURATION, credentials=CREDENTIALS)
        self._town = Town(net, self.pair.units[0], self._history, self._lock)
        self._faults = Faults(self.pair.units[0], net.directory / "clock", self._fault_told)
        self._dead: set[Standby] = set()
        self._back_at = 0.0
        self._both_since: float | None = None
        self._seen_broken: set[tuple[str, str]] = set()
        self.day = Day()

    def play(self, troubles: int) -> Day:
        """So many takeovers. Raises SiteError where one does not come, or a unit that is back does not become whole."""
        self.pair.start()
        self._town.start()
        self._history.began = time.monotonic()
        lagging = threading.Thread(target=watch_lag, args=(self._over, self._lagged), daemon=True)
        lagging.start()
        deeds = list(make_plan(self._seed, 3600).deeds)
        people = threading.Thread(target=self._live, args=(deeds,), daemon=True)
        people.start()
        try:
            self._await(self._all_know, WHOLE_S, "both units know everybody")
            for turn in islice(make_turns(self._seed), troubles):
                self._over.wait(turn.calm_s)
                self._take_over(turn)
                if self.day.broken:
                    break
            deeds.clear()
            self._over.wait(LAST_S)
            self._town.at_the_end()
            self._judge(time.monotonic())
        finally:
            self._over.set()
            people.join(TAKEN_OVER_S)
            lagging.join(TAKEN_OVER_S)
        self.day.calls = len(self._history.calls)
        return self.day

    def close(self) -> None:
        """Ends what runs; the net removes the rest."""
        self._over.set()
        with contextlib.suppress(NetError, PlatformError, OSError):
            self._faults.mend_all()
        self._town.stop()
        self.pair.stop()

    # ---- one takeover

    def _take_over(self, turn: Turn) -> None:
        trouble = turn.trouble
        if turn.across is not None:
            self._faults.strike(turn.across)
            self._over.wait(turn.ahead_s)
        (dying,) = self.pair.serving
        (other,) = [unit for unit in self.pair.units if unit is not dying]
        self._told("trouble", f"{trouble} at {dying.host.name}")
        began = time.monotonic()
        with self._lock:
            self._history.struck(Fault.EDGE_STOPPED, began)
        self._strike(trouble, dying, True)
        self._await(lambda: other.in_service, TAKEN_OVER_S, "taken over")
        now = time.monotonic()
        with self._lock:
            self._history.mended(Fault.EDGE_STOPPED, now)
        self.day.takeovers_s.append((trouble, now - began))
        self._told("taken over", f"after {now - began:.1f} s")
        self._over.wait(turn.away_s)
        if not turn.outlasts:
            self._faults.mend_all()
        self._strike(trouble, dying, False)
        began = time.monotonic()
        self._await(self._all_know, WHOLE_S, "both units know everybody again")
        self.day.whole_s.append(time.monotonic() - began)
        self._told("whole", f"after {self.day.whole_s[-1]:.1f} s")
        self._faults.mend_all()

    def _fault_told(self, fault: Fault, struck: bool, at: float) -> None:
        with self._lock:
            (self._history.struck if struck else self._history.mended)(fault, at)
        self._told("fault" if struck else "mended", str(fault))

    def _strike(self, trouble: Trouble, unit: Standby, on: bool) -> None:
        match trouble:
            case Trouble.POWER:
                if on:
                    self._dead.add(unit)
                    unit.power_off()
                else:
                    unit.power_on()
                    self._back_at = time.monotonic()
                    self._dead.discard(unit)
            case Trouble.CABLES:
                (unit.cables_out if on else unit.cables_in)()
            case Trouble.LINE:
                (unit.host.link_down if on else unit.host.link_up)("north")
            case Trouble.EDGE:
                (unit.edge.freeze if on else unit.edge.thaw)()
                if not on:
                    self._woke()

    def _woke(self) -> None:
        """An edge that wakes does first what came to it before it stood still, and tells the other one."""
        now = time.monotonic()
        with self._lock:
            self._history.struck(Fault.EDGE_STOPPED, now)
            self._history.mended(Fault.EDGE_STOPPED, now)

    def _all_know(self) -> bool:
        """One serves, and the other has all of its bindings."""
        serving = self.pair.serving
        if len(serving) != 1:
            return False
        try:
            (one, other) = (set(unit.bindings()) for unit in (serving[0], *set(self.pair.units) - set(serving)))
        except (EdgeUnreachable, EdgeError):
            return False
        return bool(one) and one <= other

    def _await(self, reached: Callable[[], bool], patience_s: float, what: str) -> None:
        deadline = time.monotonic() + patience_s
        while not reached():
            if time.monotonic() > deadline:
                raise SiteError(f"not {what} within {patience_s} s")
            time.sleep(TICK_S)

    # ---- threads: people, and what is seen

    def _live(self, deeds: list[Deed]) -> None:
        began, looked, judged = time.monotonic(), 0.0, 0.0
        while not self._over.wait(TICK_S):
            now = time.monotonic()
            with contextlib.suppress(IndexError):  # it is evening
                while deeds[0].at_s <= now - began:
                    with contextlib.suppress(PhoneError, NetError):
                        self._town.do(deeds.pop(0))
            self._town.poll()
            if now - looked >= LOOK_S:
                looked = now
                self._look(now)
            if now - judged >= JUDGE_S:
                judged = now
                self._judge(now)

    def _look(self, now: float) -> None:
        serving = self.pair.serving
        self._see_both(len(serving) > 1, now)
        with self._lock:
            self._history.mode_is(serving[0].mode() if len(serving) == 1 else "", now)
        if len(serving) == 1:
            with contextlib.suppress(EdgeUnreachable, EdgeError):
                found = {extension: len(held) for extension, held in serving[0].bindings().items()}
                with self._lock:
                    self._history.bound = now, found
        with contextlib.suppress(StoreError, OSError):
            journals = [list(_records(unit)) for unit in self.pair.units]
            with self._lock:
                self._history.recorded(joined(*journals))

    def _see_both(self, both: bool, now: float) -> None:
        if not both:
            self._both_since = None
            return
        self._both_since = self._both_since or now
        lasted_s = now - self._both_since
        self.day.both_s = max(self.day.both_s, lasted_s)
        unseen = [unit for unit in self.pair.units if unit not in self._dead and "RVX-B01" not in _problems(unit)]
        if lasted_s > BOTH_S and unseen and not self._history.lagged(now - lasted_s, now):
            self._broken(Breach("one serves", now, f"both serve for {lasted_s:.1f} s, and not both say so"))

    def _judge(self, now: float) -> None:
        with self._lock:
            found = breaches(self._history, now)
        # Of a call that began at the one and ended at the other, each has its part: together when both have told.
        told = not self._dead and now - self._back_at > FOLDED_S
        for breach in found:
            if told or breach.rule != recorded.__name__:
                self._broken(breach)

    def _broken(self, breach: Breach) -> None:
        key = breach.rule, breach.why[:30]
        if key in self._seen_broken:
            return
        self._seen_broken.add(key)
        self.day.broken.append(breach)
        self._told("broken", f"{breach.rule}: {breach.why}")
        for line in self._history.account(breach.why):
            self._told("seen", line)

    def _lagged(self, since: float, until: float) -> None:
        with self._lock:
            new = self._history.stood_still(since, until)
        if new:
            self._told("lag", f"{until - since:.1f} s")


def joined(*journals: list[Record]) -> list[Record]:
    """What two units together have of each call: a call that began at one and ended at the other has a record at each,
    and both say the same call. What one unit has twice stays so."""
    by_call: dict[str, list[list[Record]]] = defaultdict(list)
    for journal in journals:
        own: dict[str, list[Record]] = defaultdict(list)
        for record in journal:
            own[record.call_id].append(record)
        for call_id, records in own.items():
            by_call[call_id].append(records)
    found: list[Record] = []
    for held in by_call.values():
        if all(len(records) == 1 for records in held):
            found.append(reduce(join, (records[0] for records in held)))
        else:
            found += next(records for records in held if len(records) > 1)
    return found


def _records(unit: Standby) -> list[Record]:
    with contextlib.closing(unit.journal()) as journal:
        return list(journal.records(RECORDS_MAX))


def _problems(unit: Standby) -> set[str]:
    try:
        return {problem["id"] for problem in unit.status()["problems"]}
    except OSError:
        return set()
