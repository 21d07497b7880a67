"""A storm: a building lives its day under a seeded row of faults, and what must hold is judged all along.

The plan is hil/stormplan.py's, the people are hil/town.py's, the faults hil/faults.py's, the judgement is that of
hil/invariants.py; here they are brought together on one site. A storm ends at its first broken invariant, or with the
plan's length, mended and quiet.
"""

from __future__ import annotations

import contextlib
import sqlite3
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from callcontrol.edge.rpc import EdgeError, EdgeUnreachable
from firmware.modes import Mode
from firmware.store import StoreError
from hil.absent import absent_breaches
from hil.bydata import data_breaches
from hil.cell import ALSO, Cell, Keys
from hil.cell import configuration as by_data
from hil.dialled import dialled_breaches
from hil.faults import Faults, clock_prefix
from hil.heard import TOLD, heard_breaches
from hil.history import History, Size
from hil.invariants import Breach, breaches
from hil.lag import watch_lag
from hil.modems import Modems
from hil.names import PROXY_NAME, Names
from hil.net import Net, NetError
from hil.outside import MODEM_PLANS, Outside
from hil.people import People
from hil.phone import PhoneError
from hil.platform import PlatformError
from hil.platform.kamailio import KamailioPlatform
from hil.powered.actor import Powered
from hil.powered.stormy import powered_breaches
from hil.reaching import reaching_breaches
from hil.site import PLATFORM_IP, Site
from hil.staff import Staff
from hil.staff import configuration as staffed
from hil.staffed import staff_breaches
from hil.stormdeeds import HELPER, STAFF, Do
from hil.stormplan import AGAIN, POWER_ENDS, POWER_FAULTS, Chapter, Fault, Pair, Plan, pairs_of
from hil.told import record
from hil.town import CREDENTIALS, GATEWAY_URI, REGISTER_S, USERS, Town

__all__ = ["Outcome", "Told", "run_storm", "shortest_prefix"]

CONFIGURATION: dict[str, dict[str, object]] = {
    "edge": {"register_s": REGISTER_S},
    "returning": {"hold_down_s": 1, "hold_down_max_s": 4, "good_probes": 2},
    "emergency": {"gateway": GATEWAY_URI, "hold_s": 12},
    "gateway": {"address": GATEWAY_URI, "calls_max": 1},
    "trunk": {"reception": HELPER, "emergency_ringing_s": 10},
    "sms": {"answers_per_hour": 60},
}
DISK_MB = 192
RECORDS_MAX = 5_000
TICK_S = 0.1
MODE_S, TABLES_S, SIZES_S, JUDGE_S, REVIVE_S = 0.15, 1.0, 5.0, 1.0, 1.0
"""How often each is looked at."""
NORMAL_S, MODE_WAIT_S = 45.0, 20.0
"""Patience for the mode that a chapter wants; it then strikes all the same."""
BEFORE_S = 0.12
"""The burst of calls begins so long before the fault."""
HEARING_S = 2.5
"""So long before a fault of a moment those begin who are told something: by then they hear, talk, or are recorded."""
BURSTS_MAX = 8
SETTLE_S, LAST_S = 45.0, 24.0
"""At the end: until NORMAL, and then until every call and record is in, which is so long at the most."""
QUIET_S = 4.0
"""What the building does by itself in NORMAL is looked at for so long at the least."""

CODES = (Do.MEET, Do.FETCH, Do.PICK_UP)

Told = Callable[[str, str], None]
"""Hears (kind, words) of what happens: chapter, fault, mode, broken."""


@dataclass
class Outcome:
    """What a storm gave."""

    seed: int
    took_s: float = 0.0
    faults: int = 0
    calls: int = 0
    told: int = 0  # calls of those who hear that the unit itself has answered
    messages: int = 0  # that are kept
    codes: int = 0  # of those who dial a code, who have got what they wanted
    by_modem: int = 0  # calls that were up in the mobile network, of the unit's modems
    emergencies_by_modem: int = 0  # of those to 112
    texts: int = 0  # that came to a mobile
    referred: int = 0  # by the staff, and acknowledged
    mailed: int = 0  # that came
    chapters: int = 0  # begun
    lagged_s: float = 0.0  # of which nothing can be said, as this machine was too busy
    broken: list[Breach] = field(default_factory=list)
    broken_after_s: float | None = None  # from the begin of the plan
    visited: set[Pair] = field(default_factory=set)
    failed: str = ""  # the rig itself did not work

    @property
    def pairs_visited_percent(self) -> float:
        return round(100 * len(self.visited) / len(pairs_of()), 1)


def run_storm(plan: Plan, told: Told, *, keep_going: bool = False, all_pairs: bool = False) -> Outcome:
    """One storm in a net of its own. `all_pairs`: it also ends when every pair of mode and fault has been visited.

    Raises NetError, ChildError, SiteError, PhoneError, PlatformError where it cannot begin.
    """
    with Net("rvstorm") as net, Modems(net.directory / "modems", *MODEM_PLANS, seed=plan.seed) as modems:
        storm = _Storm(net, modems, plan, told, keep_going, all_pairs)
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
    def __init__(self, net: Net, modems: Modems, plan: Plan, told: Told, keep_going: bool, all_pairs: bool) -> None:
        self._plan = plan
        self._told = told
        self._keep_going = keep_going
        self._all_pairs = all_pairs
        self._over = threading.Event()
        self._lock = threading.RLock()
        self._history = History()
        self._outcome = Outcome(plan.seed)
        clock = net.directory / "clock"
        keys = Keys()
        recordings = record(net.directory / "said", {}, numbers=tuple(USERS))
        self._power = Powered(net, self._history, self._lock, plan.seed)
        words: dict[str, object] = {"languages": ["sv"], "recordings": str(recordings)}
        self._site = Site(
            net,
            users=USERS,
            registration="contact" if plan.seed % 2 else "path",
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
        self._people = People(self._site.paths, (*USERS, *STAFF), self._history, self._lock)
        self._outside = Outside(modems, self._history, self._lock)
        self._town = Town(net, self._site, self._history, self._lock, self._people, self._outside)
        self._staff = Staff(net, self._site, self._lock, plan.seed)
        also = {"web": self._staff.web}
        self._faults = Faults(self._site, clock, self._fault_told, self._change_outside, self._cell, also)
        self._threads: list[threading.Thread] = []
        self._in_force: set[Fault] = set()
        self._chapters_over, self._spells_over = threading.Event(), threading.Event()
        self._data_began = (0, 0)  # which process, and how many files it has open without a call
        self._seen_broken: set[tuple[str, str]] = set()

    def play(self) -> Outcome:
        """From the first phone to the last judgement."""
        self._names.start()
        self._people.start()
        self._outside.start(self._site.paths)
        self._power.join(self._site)
        self._site.start()
        self._cell.start()
        self._town.start()
        self._staff.start()
        self._power.start(self._halt)
        began = self._history.began = time.monotonic()
        self._threads = [
            threading.Thread(target=work, daemon=True)
            for work in (self._watch_mode, self._watch_tables, self._strike_all, self._strike_outside)
        ]
        self._threads.append(threading.Thread(target=watch_lag, args=(self._over, self._lagged), daemon=True))
        for thread in self._threads:
            thread.start()
        end = began + self._plan.length_s
        self._live(end)
        if not self._over.is_set():
            self._chapters_over.wait(MODE_WAIT_S)
            self._spells_over.wait(MODE_WAIT_S)
            self._power.wait_up(MODE_WAIT_S)
            self._faults.mend_all()
            self._staff.rest()
            self._live(time.monotonic() + LAST_S, quiet=True)
        if not self._over.is_set():
            self._town.listen()
            self._staff.at_the_end()
            self._judge(time.monotonic())
        self._over.set()
        self._outcome.took_s = time.monotonic() - began
        self._outcome.lagged_s = self._history.lagged_s(began, time.monotonic())
        self._outcome.calls = len(self._history.calls)
        self._outcome.told = sum(one.label in TOLD and one.up_at is not None for one in self._history.heard_calls)
        self._outcome.codes = sum(one.label in CODES and one.up_at is not None for one in self._history.heard_calls)
        self._outcome.messages = sum(one.kept_at is not None for one in self._history.messages.values())
        self._outcome.referred = self._staff.seen.acknowledged.total()
        self._outcome.mailed = self._staff.mailed
        seen = self._history.outside
        up = [one for one in seen.calls.values() if one.up_at is not None]
        self._outcome.by_modem, self._outcome.texts = len(up), seen.delivered.total()
        self._outcome.emergencies_by_modem = sum(one.emergency for one in up)
        return self._outcome

    def close(self) -> None:
        """Ends what runs; the net removes the rest."""
        self._over.set()
        for thread in self._threads:
            thread.join(MODE_WAIT_S)
        with contextlib.suppress(NetError, PlatformError, OSError):
            self._faults.mend_all()
        self._power.stop()
        self._staff.stop()
        self._town.stop()
        self._outside.stop()
        self._people.stop()
        self._cell.stop()
        self._site.stop()
        self._names.stop()

    # ---- the main thread: people, and judgement

    def _live(self, end: float, quiet: bool = False) -> None:
        """Until `end`, or the first breach. Quiet: nobody begins anything, the time counts from NORMAL, and it is over
        when nothing that is still waited for could break a rule by not coming."""
        deeds = iter(() if quiet else self._plan.deeds)
        deed = next(deeds, None)
        judged = revived = 0.0
        waits_until = time.monotonic() + SETTLE_S
        while not self._over.is_set() and (now := time.monotonic()) < end:
            if quiet and self._history.mode != Mode.NORMAL and now < waits_until:
                end = now + LAST_S
            if not quiet and self._all_pairs and self._chapters_over.is_set():
                return
            while deed is not None and now - self._history.began >= deed.at_s:
                with contextlib.suppress(PhoneError, NetError):
                    self._town.do(deed)
                deed = next(deeds, None)
            self._town.poll()
            if now - revived >= REVIVE_S:
                revived = now
                self._revive(now)
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
        for breach in fresh:
            self._seen_broken.add((breach.rule, breach.why[:30]))
            self._outcome.broken.append(breach)
            self._told("broken", f"{breach.rule}: {breach.why}")
            label = breach.why.partition("]")[0].removeprefix("[")
            for line in self._history.account(label) if label in self._history.calls else ():
                self._told("seen", line)
        if fresh and self._outcome.broken_after_s is None:
            self._outcome.broken_after_s = now - self._history.began
        if fresh and not self._keep_going:
            self._over.set()

    def _breaches(self, now: float) -> list[Breach]:
        history = self._history
        return [
            *breaches(history, now),
            *absent_breaches(history, now),
            *heard_breaches(history, now),
            *dialled_breaches(history, now),
            *reaching_breaches(history, now),
            *powered_breaches(history, now),
            *data_breaches(history, now),
            *staff_breaches(self._staff.seen, now),
        ]

    def _revive(self, now: float) -> None:
        died = self._faults.revive()
        groups = self._faults.own_groups()
        strays = {pid for pid in self._site.host.pids() if _group(pid) not in groups}
        with self._lock:
            self._history.deaths += [(now, name) for name in died]
            seen = self._history.orphans
            self._history.orphans = {pid: seen.get(pid, now) for pid in strays}

    # ---- threads: what is seen of the unit

    def _watch_mode(self) -> None:
        while not self._over.wait(MODE_S):
            mode, path = self._site.standing()
            with self._lock:
                before = self._history.standing
                self._history.mode_is(mode, time.monotonic())
                self._history.path_is(path, time.monotonic())
                if mode in set(Mode):
                    self._outcome.visited |= {(Mode(mode), fault) for fault in self._in_force}
            if (mode, path) != before:
                self._told("mode", f"{mode or '–'} {path}".rstrip())

    def _watch_tables(self) -> None:
        measured = 0.0
        while not self._over.wait(TABLES_S):
            now = time.monotonic()
            with contextlib.suppress(EdgeUnreachable, EdgeError):
                bindings = self._site.bindings()
                with self._lock:
                    self._history.bound = now, {extension: len(held) for extension, held in bindings.items()}
                    self._history.handed = now, self._site.count("handed")
            if self._history.mode == Mode.NORMAL:
                self._see_platform()
            with contextlib.suppress(OSError):
                held = self._data_files()
                with self._lock:
                    self._history.by_data = now, held
            with contextlib.suppress(StoreError, OSError, Exception):
                self._see_journal()
                self._people.see()
                self._staff.see()
            with contextlib.suppress(StoreError, OSError, sqlite3.Error):
                self._outside.see()
            if now - measured >= SIZES_S:
                measured = now
                with contextlib.suppress(OSError, NetError, EdgeUnreachable, EdgeError, ValueError):
                    size = self._size()
                    with self._lock:
                        self._history.sizes.append((now, size))

    def _see_platform(self) -> None:
        assert isinstance(self._site.platform, KamailioPlatform)
        with contextlib.suppress(PlatformError):
            held = frozenset(self._site.platform.registrations())
            with self._lock:
                self._history.known = time.monotonic(), held

    def _see_journal(self) -> None:
        with contextlib.closing(self._site.journal()) as journal:
            records = journal.records(RECORDS_MAX)
        with self._lock:
            self._history.recorded(records)

    def _data_files(self) -> int:
        """What `data` has open beyond what it begins with. Raises OSError: it is not there."""
        pid = self._cell.data.pid
        count = len(list(Path(f"/proc/{pid}/fd").iterdir()))
        self._data_began = (pid, min(count, self._data_began[1] if self._data_began[0] == pid else count))
        return count - self._data_began[1]

    def _size(self) -> Size:
        pids = [pid for group in self._faults.own_groups() for pid in self._site.host.pids(group)]
        unit = self._site.host.pids(self._site.unit.pid)
        memory = self._site.rpc("core.shmmem", "m")
        paths = self._site.paths
        return Size(
            # Calls by data have their sockets: hil/bydata.py judges those.
            open_files=sum(len(list(Path(f"/proc/{pid}/fd").iterdir())) for pid in pids if pid != self._cell.data.pid),
            files=sum(1 for place in (paths.state, paths.run) for path in place.rglob("*") if not path.is_dir()),
            memory_mb=sum(_resident_mb(pid) for pid in unit),
            edge_memory_mb=float(memory["used"]),
        )

    def _lagged(self, since: float, until: float) -> None:
        with self._lock:
            new = self._history.stood_still(since, until)
        if new:
            self._told("lag", f"{until - since:.1f} s")

    # ---- a thread: the faults

    def _strike_all(self) -> None:
        end = self._history.began + self._plan.length_s
        for chapter in self._plan.chapters:
            missed = pairs_of() - self._outcome.visited
            if self._over.is_set() or time.monotonic() > end or (self._all_pairs and not missed):
                break
            # After the first round those come first that it has missed all the same.
            if chapter.turn > 1 and missed and not chapter.pairs & missed:
                continue
            try:
                self._play(chapter, end)
            except (NetError, PlatformError, OSError) as error:
                self._outcome.failed = f"chapter {chapter.number}: {error}"
                self._over.set()
        self._chapters_over.set()

    def _strike_outside(self) -> None:
        """The spells that the ways out have, each from its time on."""
        began = self._history.began
        ends = [(spell.at_s + spell.held_s, False, spell.fault) for spell in self._plan.spells]
        turns = sorted([(spell.at_s, True, spell.fault) for spell in self._plan.spells] + ends)
        in_force: list[Fault] = []
        for at_s, begins, fault in turns:
            if self._over.wait(max(0.0, began + min(at_s, self._plan.length_s) - time.monotonic())):
                break
            try:
                (self._strike if begins else self._mend)(fault, in_force)
            except (NetError, PhoneError, PlatformError, OSError) as error:
                self._outcome.failed = f"{fault}: {error}"
                self._over.set()
        self._spells_over.set()

    def _halt(self, on: bool) -> None:
        """The machine goes down, as the unit has commanded, or has power again."""
        with contextlib.suppress(PlatformError, NetError, OSError):  # who does not start is started again by `revive`
            (self._faults.strike if on else self._faults.mend)(Fault.POWER_HALTED)

    def _change_outside(self, fault: Fault, on: bool) -> None:
        if fault is Fault.GATEWAY_DEAD:
            self._town.gateway(not on)
        elif fault in POWER_FAULTS or fault in POWER_ENDS:
            self._power.change(fault, on)
        else:
            self._outside.change(fault, on)

    def _play(self, chapter: Chapter, end: float) -> None:
        self._await_mode(Mode.NORMAL, NORMAL_S)
        self._over.wait(min(chapter.rest_s, max(0.0, end - time.monotonic())))
        if self._over.is_set() or time.monotonic() > end:
            return
        self._outcome.chapters += 1
        what = f"{chapter.fault} through all modes" if chapter.through else f"{chapter.fault} in {chapter.mode}"
        self._told("chapter", f"{chapter.number}: {what}")
        laid: list[Fault] = []
        if chapter.through:
            self._play_through(chapter, laid)
        else:
            self._play_struck(chapter, laid)
        for fault in list(laid):
            self._mend(fault, laid)

    def _play_through(self, chapter: Chapter, laid: list[Fault]) -> None:
        assert chapter.by is not None
        again = chapter.fault in AGAIN
        for mode in (Mode.NORMAL, Mode.SUSPECT, Mode.SURVIVAL, Mode.RETURNING):
            if mode is Mode.SUSPECT:
                self._burst(chapter)
                self._strike(chapter.by, laid)
            elif mode is Mode.RETURNING:
                self._mend(chapter.by, laid)
            self._await_mode(mode, MODE_WAIT_S)
            if again and mode is Mode.SURVIVAL:
                self._burst_until_heard(chapter)
            if again or mode is Mode.NORMAL:
                self._strike(chapter.fault, laid)
            if again or mode is Mode.SURVIVAL:
                self._over.wait(chapter.held_s)
            if again:
                self._mend(chapter.fault, laid)
        self._await_mode(Mode.NORMAL, NORMAL_S)

    def _play_struck(self, chapter: Chapter, laid: list[Fault]) -> None:
        if chapter.by is not None:
            self._strike(chapter.by, laid)
            wanted = Mode.SUSPECT if chapter.mode is Mode.SUSPECT else Mode.SURVIVAL
            self._await_mode(wanted, MODE_WAIT_S)
            if chapter.mode is Mode.RETURNING:
                self._mend(chapter.by, laid)
                self._await_mode(Mode.RETURNING, MODE_WAIT_S)
        self._burst(chapter)
        self._strike(chapter.fault, laid)
        if chapter.across is None:
            self._over.wait(chapter.held_s)
            self._mend(chapter.fault, laid)
        else:
            self._play_across(chapter, laid)

    def _burst(self, chapter: Chapter) -> None:
        with contextlib.suppress(PhoneError, NetError):
            self._town.burst(chapter.burst)
        self._over.wait(BEFORE_S)

    def _burst_until_heard(self, chapter: Chapter) -> None:
        """A `calls` that has just begun may have no sound yet, and then refuses in words whoever is to hear why."""
        for _ in range(BURSTS_MAX):
            self._burst(chapter)
            self._over.wait(HEARING_S)
            with self._lock:
                if self._over.is_set() or any(one.up and one.label in TOLD for one in self._history.heard_calls):
                    return

    def _play_across(self, chapter: Chapter, laid: list[Fault]) -> None:
        across = chapter.across
        assert across is not None
        self._over.wait(across.after_s)
        self._strike(across.fault, laid)
        ends = sorted([(chapter.held_s - across.after_s, chapter.fault), (across.held_s, across.fault)])
        began = time.monotonic()
        for after_s, fault in ends:
            self._over.wait(max(0.0, began + after_s - time.monotonic()))
            self._mend(fault, laid)

    def _strike(self, fault: Fault, laid: list[Fault]) -> None:
        if not self._over.is_set():
            laid.append(fault)
            self._faults.strike(fault)

    def _mend(self, fault: Fault, laid: list[Fault]) -> None:
        if fault in laid:
            laid.remove(fault)
            self._faults.mend(fault)

    def _fault_told(self, fault: Fault, struck: bool, at: float) -> None:
        with self._lock:
            if struck:
                self._outcome.faults += 1
                self._history.struck(fault, at)
                self._in_force.add(fault)
                # A mode that lasts a moment only is visited too.
                if self._history.mode in set(Mode):
                    self._outcome.visited.add((Mode(self._history.mode), fault))
            else:
                self._history.mended(fault, at)
                self._in_force.discard(fault)
        self._told("fault" if struck else "mended", str(fault))

    def _await_mode(self, mode: Mode, patience_s: float) -> None:
        deadline = time.monotonic() + patience_s
        while self._history.mode != mode and time.monotonic() < deadline and not self._over.wait(0.05):
            pass


def _configured(keys: Keys, announcing: dict[str, object], power: dict[str, object]) -> dict[str, dict[str, object]]:
    """The unit's: what lies over the site's own."""
    way = {section: dict(values) for section, values in by_data(keys).items()}
    way["platform"] |= {"nodes": [f"sip:{PROXY_NAME}"], "name_servers": [PLATFORM_IP]}
    return CONFIGURATION | way | staffed() | {"announcing": announcing, "power": power}


def _group(pid: int) -> int | None:
    try:
        return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[2])
    except (OSError, IndexError, ValueError):
        return None


def _resident_mb(pid: int) -> float:
    import os

    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / (1 << 20)
