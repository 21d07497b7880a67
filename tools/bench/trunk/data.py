"""How soon a call goes by mobile data when the line is cut, how many calls a megabit bears, and what it costs
at rest.

All through real WireGuard in user space at both ends, a real platform (Kamailio) and the unit's own programs; the line
and the mobile network are ours (hil/sim/line.py), so what is measured is of class S.

*Failover*: several phones dial a number outside the moment the line goes black, before anybody can know; the time runs
from the cut to the first 180 that each has heard by data, both challenges included. *Calls*: as many calls of G.711 at
20 ms as a second line of 1 Mbit/s each way carries at once, one more each time, until sound is lost or late; asked of
the relay as the edge asks it, the sound from a host of phones to the world behind the platform and back.
*At rest*: what the mobile interface carries, both ways and with the tunnel's own, while the line is good and nobody
calls, between the trains of packets that measure the way (firmware/data/echo.py)."""

from __future__ import annotations

import itertools
import json
import math
import select
import socket
import struct
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field

from callcontrol.media.rtp import Packet, parse
from hil.cell import ALSO, WORLD_IP, Cell, Keys, configuration
from hil.net import Net
from hil.phone.scripted import RINGS, Centre
from hil.phone.sipp import Dial, Sipp, User
from hil.site import PROXY, REALM, Site, numbers, password
from tools.bench.figures import Class, Figure, Goal, Scalar, timed

__all__ = ["measure"]

FAILOVER_GOAL, CALLS_GOAL = Goal(3), Goal(8, at_least=True)
CALLERS = 5
"""Who dial at the same moment."""
CUTS = 20
OUTSIDE = "+4690100000"
DELAY_MS, NARROW_KBIT = 60.0, 1000.0
STEP_S = 40.0
CALLS_FROM, CALLS_TO = 4, 16
RUN_S = 20.0
PTIME_S = 0.02
PAYLOAD_BYTES = 160
LOST_MAX = 0.01
LATE_MAX_S = 0.3
"""From phone to world: half of the round trip, and a queue of more than twice that."""
REST_S = 60.0
"""Of rest that a day's cost is told from: two of the tunnel's keepalives at least, and a probe each second."""
SETTLED_S = 10.0
"""The first train of packets has come back by then; the next one is a quarter of an hour away."""
DAY_S = 86_400.0
CONTROL = ("127.0.0.1", 5070)
STAMP = struct.Struct("!d")


@contextmanager
def _house(name: str, **cell: float) -> Iterator[tuple[Site, Cell]]:
    keys = Keys()
    with Net(name) as net:
        site = Site(
            net,
            users=numbers(1001, CALLERS),
            configuration={"edge": {"register_s": 20}, **configuration(keys, calls_unmeasured=20)},
            delay_ms=4,
            also=ALSO,
            outside=f"sip:{WORLD_IP}:5060",
        )
        laid = Cell(net, site, keys, delay_ms=DELAY_MS, **cell)
        try:
            site.start()
            laid.start()
            site.wait(lambda: site.serving() == [True, True], STEP_S, "both ways serve")
            site.wait(lambda: site.count("data_until") > time.time(), STEP_S, "room by data")
            yield site, laid
        finally:
            laid.stop()
            site.stop()


def measure(tell: Callable[[str], None], *, quick: bool) -> tuple[list[Figure], dict[str, Scalar]]:
    """Three figures, and what they were measured under. Not run with `quick`: a second house takes too long."""
    failover_s: list[float] = []
    calls, packets = None, 0
    rest: tuple[float | None, int] = None, 0
    if not quick:
        tell("a line is cut, and calls go by mobile data")
        failover_s = _failovers(CUTS)
        tell("as many calls as a megabit bears")
        calls, packets = _calls_per_mbit(RUN_S)
        tell("what the way by data costs at rest")
        rest = _rest(REST_S)
    figures = [
        timed("wan_failover_s", "p95", "", failover_s, Class.SIMULATED, goal=FAILOVER_GOAL),
        Figure("calls_per_mbit", calls, packets, "calls_per_mbit_samples", Class.SIMULATED, CALLS_GOAL),
        Figure("data_at_rest_mb_per_day", rest[0], rest[1], "data_at_rest_packets", Class.SIMULATED),
    ]
    conditions: dict[str, Scalar] = {
        "mobile_round_trip_ms": DELAY_MS,
        "mobile_kbit": NARROW_KBIT,
        "codec_by_data": "PCMA 20 ms",
    }
    return figures, {} if quick else conditions


def _failovers(cuts: int) -> list[float]:
    """Seconds from each cut to each caller's 180; infinite where none came."""
    found: list[float] = []
    with _house("rvdfail") as (site, cell), Centre(cell.world, WORLD_IP, RINGS):
        assert site.line is not None
        phones = [Sipp(site.phones, site.phone_ip(11 + n), PROXY, REALM) for n in range(CALLERS)]
        users = [User(str(1001 + n), password(str(1001 + n))) for n in range(CALLERS)]
        for _ in range(cuts):
            site.wait(lambda: site.table("st").get("path") == "line", STEP_S, "the line in use")
            site.wait(lambda: site.serving() == [True, True] and site.mode() == "NORMAL", STEP_S, "peace")
            site.line.cut()
            placings = [
                phone.place([Dial(user, OUTSIDE)], hold_ms=100, patience_ms=20_000)
                for phone, user in zip(phones, users, strict=True)
            ]
            for placing in placings:
                (result,) = placing.wait()
                rang = result.completed and result.began_at is not None and result.first_ms is not None
                # A caller that was started a moment after the cut has its time from there.
                found.append((result.first_ms or 0) / 1000 if rang else math.inf)
            site.wait(lambda: site.table("st").get("path") == "data", STEP_S, "data in use")
            site.line.mend()
    return found


@dataclass
class _Call:
    """One call's sound: its phone's socket, the world's, and where each sends."""

    near: socket.socket
    far: socket.socket
    to_outside: tuple[str, int]
    to_inside: tuple[str, int]
    sent: int = 0
    late_s: list[float] = field(default_factory=list)


def _calls_per_mbit(run_s: float) -> tuple[float | None, int]:
    """The most that went well, and of how many packets that was seen."""
    borne, packets = None, 0
    with _house("rvdmbit", rate_kbit=NARROW_KBIT) as (site, cell), ExitStack() as stack:
        asks = stack.enter_context(site.host.socket())
        asks.connect(CONTROL)
        asks.settimeout(STEP_S)
        cookies = itertools.count(1)

        def place(command: str) -> tuple[str, int]:
            asks.send(f"{next(cookies)} {command}".encode())
            _, port, host = asks.recv(200).decode().split()
            return host, int(port)

        calls: list[_Call] = []
        for count in range(1, CALLS_TO + 1):
            near, far = (stack.enter_context(host.socket()) for host in (site.phones, cell.world))
            near.bind(("10.98.0.10", 0))
            far.bind((WORLD_IP, 0))
            name = f"call-{count}"
            outside = place(f"UIE {name} 10.98.0.10 {near.getsockname()[1]} A;1")
            inside = place(f"LEI {name} {WORLD_IP} {far.getsockname()[1]} A;1 B;1")
            calls.append(_Call(near, far, inside, outside))
            if count < CALLS_FROM:
                continue
            good, seen = _goes_well(calls, run_s)
            packets += seen
            if not good:
                break
            borne = float(count)
            time.sleep(1.0)  # what waits before the narrow line goes
    return borne, packets


def _goes_well(calls: Sequence[_Call], run_s: float) -> tuple[bool, int]:
    """All of them talk for so long: whether what was sent came, in time; and how many packets were sent."""
    for call in calls:
        call.sent, call.late_s = 0, []
        for end in (call.near, call.far):
            end.setblocking(False)
    ends = {end: call for call in calls for end in (call.near, call.far)}
    began = time.monotonic()
    step = 0
    while (now := time.monotonic()) < began + run_s + LATE_MAX_S * 2:
        due = began + step * PTIME_S / len(calls)
        if now < began + run_s and now >= due:
            call = calls[step % len(calls)]
            for end, to in ((call.near, call.to_outside), (call.far, call.to_inside)):
                payload = STAMP.pack(now).ljust(PAYLOAD_BYTES, b"\xd5")
                end.sendto(bytes(Packet(8, call.sent & 0xFFFF, call.sent * PAYLOAD_BYTES, 7, payload)), to)
            call.sent += 1
            step += 1
            continue
        ready, _, _ = select.select(list(ends), [], [], max(0.0, min(due - now, 0.05)) if now < began + run_s else 0.05)
        for end in ready:
            data = end.recv(2000)
            ends[end].late_s.append(time.monotonic() - STAMP.unpack_from(parse(data).payload)[0])
    sent = sum(2 * call.sent for call in calls)
    came = sum(late <= LATE_MAX_S for call in calls for late in call.late_s)
    return came >= sent * (1 - LOST_MAX), sent


def _rest(run_s: float) -> tuple[float, int]:
    """Megabytes a day by the mobile interface while the line is in use, both ways; of how many packets seen."""
    with _house("rvdrest") as (site, _):
        site.wait(lambda: site.table("st").get("path") == "line" and site.mode() == "NORMAL", STEP_S, "peace")
        time.sleep(SETTLED_S)
        began, (bytes_before, packets_before) = time.monotonic(), _carried(site)
        time.sleep(run_s)
        carried, packets = _carried(site)
        of_a_day = DAY_S / (time.monotonic() - began)
    return (carried - bytes_before) * of_a_day / 1e6, packets - packets_before


def _carried(site: Site) -> tuple[int, int]:
    """Bytes and packets that the mobile interface has sent and received."""
    (link,) = json.loads(site.host.ip("-s", "-j", "link", "show", "dev", "wwan"))
    ways = [link["stats64"][way] for way in ("rx", "tx")]
    return sum(way["bytes"] for way in ways), sum(way["packets"] for way in ways)
