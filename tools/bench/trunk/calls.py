"""How soon 112 is at a modem in SURVIVAL, from the phone's first INVITE, and how long the process is away when it is
killed; with simulated modems (hil/sim/modem), whose history has the time of each command."""

from __future__ import annotations

import socket
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from hil.modems import Modems
from hil.net import Net
from hil.phone.sipp import Dial, Result, Sipp, User
from hil.site import PROXY, REALM, Site, numbers
from tools.bench.figures import Class, Figure, Goal, Scalar, timed

__all__ = ["measure"]

CALLS, CALLS_QUICK = 100, 20
RESTARTS, RESTARTS_QUICK = 20, 1
READY_S, PATIENCE_MS = 60.0, 30_000
STRANGER = User("7777")
FREE_GOAL, RESTART_GOAL, NONE = Goal(300), Goal(2), Goal(0)


def measure(tell: Callable[[str], None], *, quick: bool) -> tuple[list[Figure], dict[str, Scalar]]:
    """Some three seconds a call."""
    count, restarts = (CALLS_QUICK, RESTARTS_QUICK) if quick else (CALLS, RESTARTS)
    plans = ("name=m1,model=sim7600", "name=m2,model=eg25g")
    with tempfile.TemporaryDirectory() as folder, Net("rvtrunk") as net, Modems(Path(folder), *plans) as modems:
        site = Site(net, users=numbers(1001, 4), modems=modems.configuration())
        site.start()
        site.platform.stop()
        site.wait_mode("SURVIVAL", READY_S)
        _registered(modems)
        tell(f"{count} calls to 112 by a free modem")
        free_ms, refused = _emergencies(site, modems, count)
        tell(f"{restarts} restarts of trunk")
        away_s = [_killed(site) for _ in range(restarts)]
        site.stop()
    of = Class.SIMULATED
    return [
        timed("emergency_atd_free", "ms_p99", "", free_ms, of, goal=FREE_GOAL, percent=99),
        Figure("emergency_refused", refused, count, "emergency_attempted", of, NONE),
        Figure("trunk_restart_s", max(away_s), restarts, "trunk_restarts", of, RESTART_GOAL),
    ], {
        "emergency_atd_free_is": "the phone's first INVITE to ATD at the modem, in SURVIVAL",
        "trunk_restart_is": "killed to its first word to the edge's neighbour, the longest; modems set up beside it",
    }


def _registered(modems: Modems) -> None:
    modems.until(
        lambda: all(modem["registered"] == "home" for modem in modems.status()["modems"].values()), READY_S, "a network"
    )


def _emergencies(site: Site, modems: Modems, count: int) -> tuple[list[float], int]:
    """ms of each, and how many were not carried."""
    phone, took_ms, refused = Sipp(site.phones, site.phone_ip(11), PROXY, REALM), [], 0
    for _ in range(count):
        before = len(modems.entries("atd", number="112"))
        (result,) = phone.place([Dial(STRANGER, "112")], hold_ms=50, patience_ms=PATIENCE_MS).wait()
        dialled = modems.entries("atd", number="112")[before:]
        if not result.completed or not dialled or result.began_at is None:
            refused += 1
        else:
            took_ms.append(1000 * (float(dialled[0]["at"]) - _began(result)))
        modems.until(lambda: not modems.status()["calls"], READY_S, "no call")
    return took_ms, refused


def _began(result: Result) -> float:
    assert result.began_at is not None
    return result.began_at


def _killed(site: Site) -> float:
    """Seconds until it can be asked again."""
    assert site.trunk is not None
    began = time.monotonic()
    site.trunk.kill()
    site.trunk.launch()
    while not _answers(site.paths.trunk_socket):
        time.sleep(0.005)
    took_s = time.monotonic() - began
    site.trunk.wait_serving()
    return took_s


def _answers(place: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as client:
        try:
            client.connect(str(place))
        except OSError:
            return False
    return True
