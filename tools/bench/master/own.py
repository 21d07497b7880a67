"""The unit's own death: phones with a second proxy, a standby, and restarts under calls. And what a flood costs."""

from __future__ import annotations

import itertools
import math
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial

from hil.death import DEATHS, QUICK, SecondProxy, restarts, takeover
from hil.flood import calls_under_flood
from hil.net import Net
from hil.pair import Pair
from hil.phone.sipp import Dial, Sipp, User
from hil.site import PROXY, REALM, Site, numbers, password
from tools.bench.master.stage import REFRESH_S, REGISTER_S, START_S, Counts, Say, Stage

__all__ = ["flood", "restart", "second_proxy", "standby"]

ANSWERED_S = 10.0
"""Patience: after twice the goal nothing is to be gained."""
HOUSES = 6
"""So many at once, each with programs and phones of its own."""
STANDBY_S = 360.0
"""No takeover begins later than this: fewer samples are said, and a figure with too few is none."""
REPLICATED_S = 80.0
"""Two units that did not hear each other's ping wait a minute for the next."""
FIRST, PHONES = 1001, 6
CROWD_IP, CALLER_IP = 11, 13
RESTARTS_RATE = 8.0
KINDS_OF_FLOOD = ("register", "invite", "options", "garbage")


def second_proxy(net: Net, times: int, counts: Counts, say: Say) -> None:
    """Two phones of one kind by TCP, whose unit dies, so many times of each kind; each in a house of its own."""
    ways = itertools.cycle([how for how in DEATHS if how != "frozen"])
    dying = [(counts.unit_death_s, "linphone", next(ways)) for _ in range(times)]
    dying += [(counts.unit_death_baresip_s, "baresip", next(ways)) for _ in range(times)]
    dying += [(counts.unit_frozen_s, "linphone", "frozen")] * times

    def die(number: int, kept: list[float], kind: str, how: str) -> None:
        house = SecondProxy(net, f"{kind[0]}{number}", QUICK[kind], "tcp", guarded=True)
        house.start()
        DEATHS[how](house.site)
        answered_s = house.call_answered(ANSWERED_S)
        kept.append(math.inf if answered_s is None else answered_s)
        say(f"{kind}, unit {how}: " + ("not answered" if answered_s is None else f"{answered_s:.1f} s"))
        house.stop()

    with ThreadPoolExecutor(HOUSES) as pool:
        for pending in [pool.submit(die, number, *one) for number, one in enumerate(dying)]:
            pending.result()


def standby(net: Net, hangs: Sequence[bool], stopped: threading.Event, counts: Counts, say: Say) -> None:
    """Again and again the edge of the unit in service hangs, or the whole unit loses its power; each time the other one
    is back before."""
    pair = Pair(net, "-pair", users=numbers(FIRST, PHONES), configuration={"edge": {"register_s": REGISTER_S}})
    pair.start()
    site = pair.units[0]
    users = [User(extension, secret) for extension, secret in site.users.items()]
    crowd = Sipp(site.phones, site.phone_ip(CROWD_IP), PROXY, REALM).answer(users, refresh_s=REFRESH_S)
    crowd.wait_registered(START_S)
    caller = Sipp(site.phones, site.phone_ip(CALLER_IP), PROXY, REALM)
    until = time.monotonic() + STANDBY_S
    for number, hung in enumerate(hangs, 1):
        if time.monotonic() > until:
            break
        (dying,) = pair.serving
        (other,) = [unit for unit in pair.units if unit is not dying]
        other.wait(partial(_knows_all, other), REPLICATED_S, "bindings at the standby")
        dial = Dial(User(str(FIRST), password(str(FIRST))), str(FIRST + 1))
        taken_s, answered_s = takeover(pair, caller, dial, hung=hung)
        say(f"takeover {number} of {len(hangs)}, {'edge hangs' if hung else 'no power'}: {taken_s:.2f} s")
        (counts.takeover_hung_s if hung else counts.takeover_s).append(taken_s)
        counts.attempted += 1
        if answered_s is None:
            counts.lost += 1
            say(f"lost: the call of takeover {number}")
        (dying.edge.thaw if hung else dying.power_on)()
        dying.wait(partial(_knows_all, dying), REPLICATED_S, "bindings at the one that died")
        if stopped.is_set():
            break
    crowd.stop()
    pair.stop()


def _knows_all(unit: Site) -> bool:
    return len(unit.bindings()) == PHONES


def restart(stage: Stage, rounds: int, counts: Counts, say: Say) -> None:
    """Each process starts anew under calls that come, ring and are up."""
    site = stage.site
    programs = [site.edge, site.unit, site.calls]
    for number in range(rounds):
        say(f"restarts {number + 1} of {rounds}")
        done = restarts(site, programs, stage.caller, stage.dials(), stage.crowd, rate=RESTARTS_RATE)
        lost = done.lost
        counts.restart_calls += len(done.calls)
        counts.restart_lost += counts.calls([replace(call, completed=call not in lost) for call in done.calls], say)


def flood(stage: Stage, calls: int, counts: Counts, say: Say) -> None:
    """One phone's address sends ten thousand packets a second of each kind; the others ring each other."""
    for kind in KINDS_OF_FLOOD:
        say(f"flood of {kind}: {calls} calls")
        done = calls_under_flood(
            stage.site, stage.dials()[:1], caller_ip=stage.site.phone_ip(CALLER_IP), kind=kind, calls=calls
        )
        counts.flood_ms += [math.inf if call.first_ms is None else call.first_ms for call in done.calls]
        counts.calls(done.calls, say)
        counts.flood_rates.append(done.flood_rate)
