"""A storm: a building lives its day under a seeded row of faults, and what must hold is judged all along.

The plan is hil/stormplan.py's; hil/stormstrike.py strikes the faults, hil/stormwatch.py looks at the unit; what must
hold is in `RULES` and in the parts (hil/stormpart.py): people, power, an office. Here they are brought together on one
site. A storm ends at its first broken invariant, or with the plan's length, mended and quiet.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterable

from firmware.modes import Mode
from hil.absent import absent_breaches
from hil.bydata import data_breaches
from hil.cell import ALSO, Cell, Keys
from hil.cell import configuration as by_data
from hil.dialled import dialled_breaches
from hil.faults import Faults, clock_prefix
from hil.heard import heard_breaches
from hil.history import History
from hil.hubbed import Hubbed
from hil.hubbed import configuration as hubbed
from hil.invariants import Breach, breaches
from hil.lag import watch_lag
from hil.modems import Modems
from hil.names import PROXY_NAME, Names
from hil.net import Net, NetError
from hil.outside import MODEM_PLANS, Outside
from hil.people import People
from hil.phone import PhoneError
from hil.platform import PlatformError
from hil.powered.actor import Powered
from hil.reaching import reaching_breaches
from hil.site import PLATFORM_IP, Site
from hil.staff import Staff
from hil.staff import configuration as staffed
from hil.stormcourse import Course, Outcome, Told
from hil.stormdeeds import HELPER, STAFF
from hil.stormpart import Part
from hil.stormplan import Fault, Plan
from hil.stormstrike import MODE_WAIT_S, Striking
from hil.stormwatch import Watching
from hil.told import record
from hil.town import CREDENTIALS, GATEWAY_URI, REGISTER_S, USERS, Town

__all__ = ["RULES", "Outcome", "Told", "run_storm", "shortest_prefix"]

CONFIGURATION: dict[str, dict[str, object]] = {
    "edge": {"register_s": REGISTER_S},
    "returning": {"hold_down_s": 1, "hold_down_max_s": 4, "good_probes": 2},
    "emergency": {"gateway": GATEWAY_URI, "hold_s": 12},
    "gateway": {"address": GATEWAY_URI, "calls_max": 1},
    "trunk": {"reception": HELPER, "emergency_ringing_s": 10},
    "sms": {"answers_per_hour": 60},
}
DISK_MB = 192
TICK_S = 0.1
JUDGE_S, REVIVE_S = 1.0, 1.0
"""How often each is done."""
SETTLE_S, LAST_S = 45.0, 24.0
"""At the end: until NORMAL, and then until every call and record is in, which is so long at the most."""
QUIET_S = 4.0
"""What the building does by itself in NORMAL is looked at for so long at the least."""

RULES: tuple[Callable[[History, float], Iterable[Breach]], ...] = (
    breaches,
    absent_breaches,
    heard_breaches,
    dialled_breaches,
    reaching_breaches,
    data_breaches,
)
"""What must hold of the history; the parts have more."""


def run_storm(plan: Plan, told: Told, *, keep_going: bool = False, all_pairs: bool = False) -> Outcome:
    """One storm in a net of its own. `all_pairs`: it also ends when every pair of mode and fault has been visited.

    Raises NetError, ChildError, SiteError, PhoneError, PlatformError where it cannot begin.
    """
    with Net("rvstorm") as net, Modems(net.directory / "modems", *MODEM_PLANS, seed=plan.seed) as modems:
        storm = _Storm(net, modems, Course(plan, told, Outcome(plan.seed)), keep_going, all_pairs)
        try:
            return storm.play()
        finally:
            storm.close()


def shortest_prefix(chapters: int, breaks: Callable[[int], bool], until: float, now: Callable[[], float]) -> int:
    """The least number of chapters that still breaks, as far as it can be found before the time `until`.

    Bisects: what breaks once with n chapters is taken to break with more.
    """
    least, most = 0, chapters
    while least < most and now() < until:
        middle = (least + most) // 2
        if breaks(middle):
            most = middle
        else:
            least = middle + 1
    return most


class _Storm:
    def __init__(self, net: Net, modems: Modems, course: Course, keep_going: bool, all_pairs: bool) -> None:
        self._course = course
        self._keep_going, self._all_pairs = keep_going, all_pairs
        self._over, self._lock, self._history, self._outcome = (
            course.over, course.lock, course.history, course.outcome,
        )  # fmt: skip
        seed = course.plan.seed
        clock = net.directory / "clock"
        keys = Keys()
        recordings = record(net.directory / "said", {}, numbers=tuple(USERS))
        self._power = Powered(net, self._history, self._lock, seed, self._halt)
        words: dict[str, object] = {"languages": ["sv"], "recordings": str(recordings)}
        self._site = Site(
            net,
            users=USERS,
            registration="contact" if seed % 2 else "path",
            configuration=_configured(keys, words, self._power.configuration()),
            credentials=CREDENTIALS,
            disk_mb=DISK_MB,
            prefix=lambda run: clock_prefix(clock, run, modems.links),
            modems=modems.configuration(),
            tables=self._power.tables(),
            also=ALSO,
        )
        self._cell = Cell(net, self._site, keys)
        self._names = Names(self._site.platform_host, PLATFORM_IP, [PLATFORM_IP])
        people = People(self._site.paths, (*USERS, *STAFF), self._history, self._lock)
        outside = Outside(modems, self._history, self._lock)
        self._town = Town(net, self._site, self._history, self._lock, people, outside)
        staff = Staff(net, self._site, self._lock, seed)
        hub = Hubbed(net, self._site, self._lock)
        self._parts: tuple[Part, ...] = (people, outside, self._town, staff, hub, self._power)
        """In the order in which they begin; they end in the opposite one."""
        programs = {name: program for part in self._parts for name, program in part.programs().items()}
        self._faults = Faults(self._site, clock, course.fault_told, self._change_outside, self._cell, programs)
        self._striking = Striking(course, self._faults, self._town.burst, all_pairs=all_pairs)
        self._watching = Watching(course, self._site, self._cell, self._faults, self._parts)
        self._threads: list[threading.Thread] = []
        self._seen_broken: set[tuple[str, str]] = set()

    def play(self) -> Outcome:
        """From the first phone to the last judgement."""
        self._names.start()
        for part in self._parts:
            part.join(self._site)
        self._site.start()
        self._cell.start()
        for part in self._parts:
            part.start()
        began = self._history.began = time.monotonic()
        watching, striking = self._watching, self._striking
        self._threads = [
            threading.Thread(target=work, daemon=True)
            for work in (watching.watch_mode, watching.watch_tables, striking.chapters, striking.spells)
        ]
        self._threads.append(threading.Thread(target=watch_lag, args=(self._over, watching.lagged), daemon=True))
        for thread in self._threads:
            thread.start()
        self._live(began + self._course.plan.length_s)
        if not self._over.is_set():
            striking.chapters_over.wait(MODE_WAIT_S)
            striking.spells_over.wait(MODE_WAIT_S)
            self._power.wait_up(MODE_WAIT_S)
            self._faults.mend_all()
            for part in self._parts:
                part.rest()
            self._live(time.monotonic() + LAST_S, quiet=True)
        if not self._over.is_set():
            for part in self._parts:
                part.at_the_end()
            self._judge(time.monotonic())
        self._over.set()
        self._outcome.took_s = time.monotonic() - began
        self._outcome.lagged_s = self._history.lagged_s(began, time.monotonic())
        self._outcome.calls = len(self._history.calls)
        for part in self._parts:
            self._outcome.figures |= part.figures()
        return self._outcome

    def close(self) -> None:
        """Ends what runs; the net removes the rest."""
        self._over.set()
        for thread in self._threads:
            thread.join(MODE_WAIT_S)
        with contextlib.suppress(NetError, PlatformError, OSError):
            self._faults.mend_all()
        for part in reversed(self._parts):
            part.stop()
        self._cell.stop()
        self._site.stop()
        self._names.stop()

    # ---- the main thread: people, and judgement

    def _live(self, end: float, quiet: bool = False) -> None:
        """Until `end`, or the first breach. Quiet: nobody begins anything, the time counts from NORMAL, and it is over
        when nothing that is still waited for could break a rule by not coming."""
        deeds = iter(() if quiet else self._course.plan.deeds)
        deed = next(deeds, None)
        judged = revived = 0.0
        waits_until = time.monotonic() + SETTLE_S
        while not self._over.is_set() and (now := time.monotonic()) < end:
            if quiet and self._history.mode != Mode.NORMAL and now < waits_until:
                end = now + LAST_S
            if not quiet and self._all_pairs and self._striking.chapters_over.is_set():
                return
            while deed is not None and now - self._history.began >= deed.at_s:
                with contextlib.suppress(PhoneError, NetError):
                    self._town.do(deed)
                deed = next(deeds, None)
            self._town.poll()
            if now - revived >= REVIVE_S:
                revived = now
                self._watching.revive(now)
            if now - judged >= JUDGE_S:
                judged = now
                self._judge(now)
                if quiet and end - now < LAST_S - QUIET_S and self._settled(now):
                    return
            self._over.wait(TICK_S)

    def _settled(self, now: float) -> bool:
        """Even if nothing more were ever seen, all would have been well."""
        with self._lock:
            ends = [call.over_at for call in self._history.calls.values()]
            ends += [call.over_at for call in self._history.heard_calls]
            return None not in ends and not self._breaches(now + LAST_S)

    def _judge(self, now: float) -> None:
        with self._lock:
            found = self._breaches(now)
        fresh = [each for each in found if (each.rule, each.why[:30]) not in self._seen_broken]
        told = self._course.told
        for breach in fresh:
            self._seen_broken.add((breach.rule, breach.why[:30]))
            self._outcome.broken.append(breach)
            told("broken", f"{breach.rule}: {breach.why}")
            for line in self._history.account(breach.why):
                told("seen", line)
        if fresh and self._outcome.broken_after_s is None:
            self._outcome.broken_after_s = now - self._history.began
        if fresh and not self._keep_going:
            self._over.set()

    def _breaches(self, now: float) -> list[Breach]:
        found = [breach for rule in RULES for breach in rule(self._history, now)]
        return found + [breach for part in self._parts for breach in part.breaches(now)]

    # ---- asked by the faults

    def _halt(self, on: bool) -> None:
        """The machine goes down, as the unit has commanded, or has power again."""
        with contextlib.suppress(PlatformError, NetError, OSError):  # who does not start is started again by `revive`
            (self._faults.strike if on else self._faults.mend)(Fault.POWER_HALTED)

    def _change_outside(self, fault: Fault, on: bool) -> None:
        (part,) = (part for part in self._parts if fault in part.faults)
        part.change(fault, on)


def _configured(keys: Keys, announcing: dict[str, object], power: dict[str, object]) -> dict[str, dict[str, object]]:
    """The unit's: what lies over the site's own."""
    way = {section: dict(values) for section, values in by_data(keys).items()}
    way["platform"] |= {"nodes": [f"sip:{PROXY_NAME}"], "name_servers": [PLATFORM_IP]}
    return CONFIGURATION | way | staffed() | hubbed() | {"announcing": announcing, "power": power}
