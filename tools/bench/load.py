"""How much the unit carries and how cheaply, beside Asterisk if asked to: the same function, with digest, at the same
rates, in turns within one run.

One building with 500 extensions. While its platform serves, the unit is first left in peace (what idleness costs), then
phones ring by way of the unit and others by the platform itself, in the same seconds (what a good day's call is made
to wait). Then the platform is killed, and the unit alone bears

- *the storm*: all phones register at once, as when the switches of a building come back;
- *registers*: REGISTER, 401, REGISTER with digest, 200;
- *calls*: INVITE, 407, ACK, INVITE with digest, 180, 200, ACK, a short pause, BYE, 200, at a stated rate, and then at
  rising ones until something is sent twice or fails.

All CPU of the unit is counted, Kamailio and Python; the phones (sipp) have another core and are not. Under load and in
the calls of a good day both sides run at real-time priority, so that what else this machine does is not measured. The
cost of a call falls as the rate rises: figures of different rates do not compare, and there is no ratio to a side that
could not keep up.
"""

from __future__ import annotations

import argparse
import math
import os
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median

from hil.net import Net
from hil.phone.sipp import Dial, Sipp, User
from hil.platform.asterisk import AsteriskPlatform
from hil.site import PLATFORM_IP, PROXY, REALM, Site, numbers
from tools.bench import Report
from tools.bench.figures import Class, Figure, Goal, Scalar, timed
from tools.bench.processes import confined, cpu_s, pss_mb, spent_s, tree, urgent
from tools.bench.side import BIND_RATE, Side, Work, cores, counted, from_first, mean, ratio, ringing_ms, rounded

__all__ = ["Found", "Normal", "Plan", "conditions", "figures", "highest_clean", "measure", "plan"]

STORM_GOAL = Goal(2)
MEMORY_GOAL = Goal(250)
IDLE_GOAL = Goal(1)
ADDED_GOAL = Goal(5)
CALLS_GOAL = Goal(5, at_least=True)
REGISTERS_GOAL = Goal(3, at_least=True)

FIRST_EXTENSION, EXTENSIONS = 1001, 500
CALLS_RATE = 100.0  # 1/s; near the most that Asterisk bears on one core
REGISTERS_RATE = 1000.0  # 1/s
STORM_RATE = 100_000.0  # 1/s: all of them before the first is answered
RISING_RATES = (150.0, 200.0, 250.0, 300.0, 400.0, 500.0, 600.0, 800.0)
RISING_S = 8.0
"""Longer than a transaction is kept after its end (5 s): what fills up has done so by then."""
LEFT_S = 6.0
"""After so long nothing of the calls is left."""
IDLE_PHONES, IDLE_REGISTER_S = 10, 60
IDLE_READ_S = 1.0
QUIET_S = 2.0
"""After a start, before idleness is measured."""
STORM_PAUSE_S = 1.5
NORMAL_RATE = 40.0  # 1/s, each way
DEAD_S = 15.0  # patience
PHONE_IP, CALLER_IP, DIRECT_CALLER_IP, PEER_CALLER_IP = 11, 12, 13, 14
UNIT_NETWORK, PLATFORM_NETWORK, UNIT_NORTH, UNIT_SOUTH = "10.98.0.0/24", "10.99.0.0/24", "10.99.0.1", "10.98.0.1"
PEER_IP = "10.98.0.2"
DIFFERS = (
    "Reservväxel is a proxy that keeps the state of transactions: the phones' SDP is passed through, sound goes from "
    "phone to phone, calls are written to a journal, bindings to SQLite. Asterisk (Debian 11, pjsip, only the modules "
    "it needs, no call records) is a B2BUA: two calls joined, SDP made anew, sound anchored (direct_media=no, RTP "
    "ports are opened for each call), bindings to SQLite. Both challenge each INVITE and REGISTER. No sound is sent "
    "here, which Asterisk alone would have to carry."
)


@dataclass(frozen=True)
class Plan:
    """How much is done."""

    idle_s: float
    normal_calls: int  # each way
    storms: int
    turns: int  # of unit and Asterisk
    registers_s: float  # each turn
    calls_s: float  # each turn
    rising_rates: tuple[float, ...]


@dataclass(frozen=True)
class Normal:
    """INVITE to 180 of a good day, ms; `math.inf` is a call that did not ring."""

    through: Sequence[float]  # by way of the unit
    direct: Sequence[float]  # at the platform itself


@dataclass
class Found:
    """All that was measured. `peer_…` None: there was no peer."""

    normal: Normal = field(default_factory=lambda: Normal((), ()))
    idle_edge: list[float] = field(default_factory=list)  # percent of a core, one a second
    idle_unit: list[float] = field(default_factory=list)
    storm_s: list[float] = field(default_factory=list)  # each phone's, from the beginning of its storm
    registers: Work = field(default_factory=Work)
    calls: Work = field(default_factory=Work)
    memory_mb: list[float] = field(default_factory=list)
    shared_used_mb: float | None = None  # of Kamailio's shared memory, the most at the stated rate
    rising: dict[float, Work] = field(default_factory=dict)
    peer_registers: Work | None = None
    peer_calls: Work | None = None


def plan(args: argparse.Namespace) -> Plan:
    """From the command line; `--samples` counts storms and turns."""
    if args.quick:
        turns = args.samples or 1
        return Plan(20, 100, turns, turns, registers_s=2, calls_s=5, rising_rates=())
    turns = args.samples or 3
    return Plan(60, 400, turns, turns, registers_s=4, calls_s=8, rising_rates=RISING_RATES)


def measure(args: argparse.Namespace, tell: Callable[[str], None]) -> Report:
    """All of it: under 45 s with ``--quick``, else about five minutes."""
    began = time.monotonic()

    def say(text: str) -> None:
        tell(f"{time.monotonic() - began:5.0f} s  {text}")

    say("building")
    found = Found()
    with Net("rvload") as net:
        _Building(net, bool(args.peer), say).run(plan(args), found)
    machine: dict[str, Scalar] = {
        "quick": bool(args.quick),
        "seconds": round(time.monotonic() - began, 1),
        "load_average": round(os.getloadavg()[0], 2),
        "cores": os.cpu_count(),
    }
    return Report(figures(found), conditions(found) | machine)


def figures(found: Found) -> list[Figure]:
    """Without a peer, its figures have no value."""
    idle = list(map(sum, zip(found.idle_edge, found.idle_unit, strict=True)))
    peer_calls, peer_registers = found.peer_calls or Work(), found.peer_registers or Work()
    clean = _clean_rates(found)
    return [
        counted("calls_per_cpu_s", found.calls.per_cpu_s, found.calls.ok, "calls", failed=found.calls.failed),
        counted(
            "registers_per_cpu_s",
            found.registers.per_cpu_s,
            found.registers.ok,
            "registers",
            failed=found.registers.failed,
        ),
        timed("storm_500", "s", "", found.storm_s, Class.SIMULATED, goal=STORM_GOAL, percent=100),
        counted("memory_mb", max(found.memory_mb, default=None), len(found.memory_mb), "memory", MEMORY_GOAL),
        counted("idle_cpu_percent", mean(idle), len(idle), "idle", IDLE_GOAL),
        counted("idle_cpu_percent_edge", mean(found.idle_edge), len(idle), "idle"),
        counted("idle_cpu_percent_unit", mean(found.idle_unit), len(idle), "idle"),
        _added(found.normal, 99, ADDED_GOAL),
        _added(found.normal, 50, None),
        counted("calls_rate_max_clean", max(clean, default=None), sum(clean.values()), "calls_max_clean"),
        counted("asterisk_calls_per_cpu_s", peer_calls.per_cpu_s, peer_calls.ok, "asterisk_calls"),
        counted("asterisk_registers_per_cpu_s", peer_registers.per_cpu_s, peer_registers.ok, "asterisk_registers"),
        ratio("calls_vs_asterisk", found.calls, peer_calls, CALLS_GOAL),
        ratio("registers_vs_asterisk", found.registers, peer_registers, REGISTERS_GOAL),
    ]


def conditions(found: Found) -> dict[str, Scalar]:
    """The rates as reached, what failed, and what the figures do not say of themselves."""
    works = {
        "calls": found.calls,
        "registers": found.registers,
        "asterisk_calls": found.peer_calls,
        "asterisk_registers": found.peer_registers,
    }
    told: dict[str, Scalar] = {"calls_rate_offered": CALLS_RATE, "registers_rate_offered": REGISTERS_RATE}
    for name, work in works.items():
        told[f"{name}_rate"] = rounded(work.rate) if work else None
        told[f"{name}_failed"] = work.failed if work else None
        if name.endswith("calls"):
            told[f"{name}_retransmissions"] = work.retransmissions if work else None
    ringing = [value for value in found.normal.direct if math.isfinite(value)]
    return told | {
        "calls_rates_tried": " ".join(f"{rate:g}" for rate in (CALLS_RATE, *found.rising)),
        "shared_memory_used_mb": rounded(found.shared_used_mb),
        "direct_ms_p50": rounded(median(ringing)) if ringing else None,
        "added_normal_is": "INVITE to 180, challenge included, by the unit, less the median at the platform itself",
        "storm_is": "from the first REGISTER until the last phone is bound; the worst storm",
        "server_cores": 1,
        "differs": DIFFERS if found.peer_calls else None,
    }


def highest_clean(rates: Iterable[float], attempt: Callable[[float], Work]) -> dict[float, Work]:
    """Tries rising rates until one is not clean twice in a row: once may be chance. What came of each, the last try."""
    tried: dict[float, Work] = {}
    for rate in rates:
        tried[rate] = attempt(rate)
        if not tried[rate].clean:
            tried[rate] = attempt(rate)
            if not tried[rate].clean:
                break
    return tried


def _clean_rates(found: Found) -> Mapping[float, int]:
    """Rates that were clean, offered, with the number of their calls."""
    tried = {CALLS_RATE: found.calls, **found.rising}
    return {rate: work.ok for rate, work in tried.items() if work.clean}


def _added(normal: Normal, percent: float, goal: Goal | None) -> Figure:
    """A percentile by way of the unit less the *median* without it: what chance adds to a call counts against us."""
    without = median(normal.direct) if normal.direct else 0.0
    added = [value - without for value in normal.through] if math.isfinite(without) else []
    return timed("added_normal", f"ms_p{percent:g}", "", added, Class.SIMULATED, goal=goal, percent=percent)


class _Building:
    """The unit with its platform, the phones and, if asked for, Asterisk on the same switch."""

    def __init__(self, net: Net, with_peer: bool, say: Callable[[str], None]) -> None:
        self._say = say
        self._server, self._client = cores()
        self._users = [User(number, secret) for number, secret in numbers(FIRST_EXTENSION, EXTENSIONS).items()]
        with confined(self._server):
            self._site = Site(net, users=numbers(FIRST_EXTENSION, EXTENSIONS))
            self._peer: Side | None = self._start_peer(net) if with_peer else None
            self._site.start()
        self._unit = self._side(
            PROXY, CALLER_IP, lambda: tree(self._site.edge.pid, self._site.unit.pid, self._site.calls.pid)
        )

    def run(self, planned: Plan, found: Found) -> None:
        """All that is measured, in `found`."""
        with confined(self._client):
            self._say(f"idle for {planned.idle_s:g} s")
            self._idle(planned.idle_s, found)
            self._say("calls of a good day")
            found.normal = self._normal(planned.normal_calls)
            self._site.platform.kill()
            self._site.wait_mode("SURVIVAL", DEAD_S)
            for number in range(planned.storms):
                self._say(f"storm {number + 1} of {planned.storms}")
                time.sleep(STORM_PAUSE_S if number else 0.0)
                found.storm_s += from_first(self._unit.register(self._users, STORM_RATE))
            for number in range(planned.turns):
                self._turn(f"turn {number + 1} of {planned.turns}", planned, found)
            found.rising = highest_clean(planned.rising_rates, self._rise)

    def _turn(self, name: str, planned: Plan, found: Found) -> None:
        self._say(f"{name}: registers")
        found.registers += self._unit.registers(self._users, REGISTERS_RATE, planned.registers_s)
        if self._peer is not None:
            work = self._peer.registers(self._users, REGISTERS_RATE, planned.registers_s)
            found.peer_registers = (found.peer_registers or Work()) + work
        self._say(f"{name}: calls")
        pids = self._unit.processes()
        found.calls += self._calls(
            self._unit, CALLS_RATE, planned.calls_s, lambda: found.memory_mb.append(pss_mb(pids))
        )
        found.shared_used_mb = self._site.rpc("core.shmmem", "k")["max_used"] / 1024
        if self._peer is not None:
            work = self._calls(self._peer, CALLS_RATE, planned.calls_s)
            found.peer_calls = (found.peer_calls or Work()) + work

    def _rise(self, rate: float) -> Work:
        self._say(f"{rate:g} calls/s")
        time.sleep(LEFT_S)
        return self._calls(self._unit, rate, RISING_S)

    def _calls(self, side: Side, rate: float, seconds: float, meanwhile: Callable[[], object] | None = None) -> Work:
        side.bind(self._users)
        return side.calls(_half_away(self._users), rate, seconds, meanwhile)

    def _idle(self, seconds: float, found: Found) -> None:
        """A few phones do nothing but stay registered."""
        site = self._site
        phones = Sipp(site.phones, site.phone_ip(PHONE_IP), PROXY, REALM)
        with phones.answer(self._users[:IDLE_PHONES], traced=False, expires_s=IDLE_REGISTER_S):
            time.sleep(QUIET_S)
            trees = (tree(site.edge.pid), tree(site.unit.pid, site.calls.pid))
            until = time.monotonic() + seconds
            while time.monotonic() < until:
                at_s, before = time.monotonic(), [cpu_s(pids) for pids in trees]
                time.sleep(IDLE_READ_S)
                took_s = time.monotonic() - at_s
                for values, was in zip((found.idle_edge, found.idle_unit), before, strict=True):
                    values.append(100 * spent_s(was, cpu_s(was)) / took_s)

    def _normal(self, calls: int) -> Normal:
        """Half of the phones are the unit's, the others the platform's own, by the same wires."""
        site = self._site
        site.host.forward()
        site.phones.route(PLATFORM_NETWORK, UNIT_SOUTH)
        site.platform_host.route(UNIT_NETWORK, UNIT_NORTH)
        direct = self._side(f"{PLATFORM_IP}:5060", DIRECT_CALLER_IP, frozenset)
        half = EXTENSIONS // 2
        theirs = ((self._unit, self._users[:half]), (direct, self._users[half:]))
        for side, users in theirs:
            side.register(users, BIND_RATE)
        with urgent({*site.host.pids(), *site.platform_host.pids()}), self._unit.answer():
            placings = [side.place(_half_away(users), calls, NORMAL_RATE, traced=True) for side, users in theirs]
            through, straight = (placing.wait() for placing in placings)
        return Normal(ringing_ms(through, calls), ringing_ms(straight, calls))

    def _side(self, proxy: str, caller_ip: int, processes: Callable[[], frozenset[int]]) -> Side:
        site = self._site
        return Side(site.phones, site.phone_ip(PHONE_IP), site.phone_ip(caller_ip), proxy, processes)

    def _start_peer(self, net: Net) -> Side:
        host = net.host("asterisk")
        self._site.switch.join(host, "lan", f"{PEER_IP}/24")
        users = numbers(FIRST_EXTENSION, EXTENSIONS)
        AsteriskPlatform(host, PEER_IP, realm=REALM, users=users, direct_media=False).start()
        return self._side(f"{PEER_IP}:5060", PEER_CALLER_IP, lambda: frozenset(host.pids()))


def _half_away(users: Sequence[User]) -> list[Dial]:
    """Each rings the one half the list away."""
    half = len(users) // 2
    return [Dial(user, users[(number + half) % len(users)].extension) for number, user in enumerate(users)]
