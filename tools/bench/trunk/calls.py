"""How soon a call is at a modem in SURVIVAL, from the phone's first INVITE: an ordinary one, 112 by a free modem, and
112 by one whose call has to make way; what is lost of them; and how long the process is away when it is killed. With
simulated modems (hil/sim/modem), whose history has the time of each command."""

from __future__ import annotations

import math
import socket
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hil.modems import Modems
from hil.net import Net
from hil.phone.sipp import Dial, Result, Sipp, User
from hil.site import PROXY, REALM, Site, numbers
from tools.bench.figures import DIGITS, LEAST_SAMPLES, Class, Figure, Goal, Scalar, timed
from tools.bench.trunk import emergencies
from tools.bench.trunk.directory import settle
from tools.trunk import ask

__all__ = ["measure"]


@dataclass(frozen=True)
class Counts:
    """Of each kind of sample."""

    ordinary: int
    free: int
    busy: int
    restarts: int


FULL, QUICK = Counts(100, 100, 100, 20), Counts(5, 20, 1, 1)
READY_S, PATIENCE_MS = 60.0, 30_000
HOLD_MS = 50
LESSER_MS = 2_500
"""The call that makes way is held for longer than 112 takes to come through; then its phone has heard why, and ends."""
USERS = numbers(1001, 20)
CALLERS, STRANGER = [User(*known) for known in USERS.items()], User("7777")
"""So many that none comes to the guard's limit of calls in an hour."""
MOBILE, DIALLED, SOS = "+46701112233", "00701112233", "112"
SETUP_S = 0.1
"""The network's: it takes its time after what is measured here."""
DIAL_GOAL, FREE_GOAL, BUSY_GOAL, RESTART_GOAL, NONE = Goal(100), Goal(300), Goal(700), Goal(2), Goal(0)


def measure(tell: Callable[[str], None], *, quick: bool) -> tuple[list[Figure], dict[str, Scalar]]:
    """Some 25 minutes, 20 of them calls to 112 in any state; with `quick` half of one, without those."""
    counts = QUICK if quick else FULL
    with _house() as building:
        tell(f"{counts.ordinary} calls to a mobile")
        ordinary_ms = [building.ordinary() for _ in range(counts.ordinary)]
        tell(f"{counts.free} calls to 112 by a free modem")
        free_ms = [building.sos() for _ in range(counts.free)]
        tell(f"{counts.busy} calls to 112 by one that has a call")
        busy_ms = building.busy(counts.busy)
        tell(f"{counts.restarts} restarts of trunk")
        away_s = [_killed(building.site) for _ in range(counts.restarts)]
    attempted, refused = building.attempted, building.refused
    conditions: dict[str, Scalar] = {}
    if not quick:
        more, of_them, conditions = emergencies.measure(tell)
        attempted, refused = attempted + more, refused + of_them
    conditions |= {
        "dial_to_atd_is": "the phone's first INVITE to ATD at the modem, in SURVIVAL, its challenge included",
        "emergency_atd_busy_is": "the same, where the only modem with a network has a call that is hung up first",
        "calls_lost_by_us_is": "dialled by a modem, answered, and not ended by the phone; those that made way aside",
        "trunk_restart_is": "killed to its first word to the edge's neighbour, the longest; modems set up beside it",
        "network_setup_s": SETUP_S,
    }
    of = Class.SIMULATED
    carried = building.carried
    return [
        timed("dial_to_atd", "ms_p95", "", ordinary_ms, of, goal=DIAL_GOAL),
        timed("emergency_atd_free", "ms_p99", "", free_ms, of, goal=FREE_GOAL, percent=99),
        timed("emergency_atd_busy", "ms_p99", "", busy_ms, of, goal=BUSY_GOAL, percent=99),
        _counted("emergency_refused", refused, attempted, "emergency_attempted", NONE),
        _counted("calls_lost_by_us", building.lost, carried, "calls_carried", NONE),
        _counted("trunk_restart_s", round(max(away_s), DIGITS), len(away_s), "trunk_restarts", RESTART_GOAL),
    ], conditions


@dataclass
class _Building:
    """In SURVIVAL, with two modems; m2 is kept for 112."""

    site: Site
    modems: Modems
    phone: Sipp = field(init=False)
    other: Sipp = field(init=False)
    attempted: int = 0
    refused: int = 0
    carried: int = 0
    lost: int = 0
    ordinary_made: int = 0

    def __post_init__(self) -> None:
        self.phone, self.other = (Sipp(self.site.phones, self.site.phone_ip(n), PROXY, REALM) for n in (11, 12))

    def wait_voice(self) -> None:
        self._until(lambda: set(self._services().values()) == {"voice"}, "networks")

    def ordinary(self) -> float:
        """ms of one; infinite where it came to no modem."""
        result, dialled_at = self._call(self.phone, self._caller(), DIALLED, MOBILE)
        self._quiet()
        return math.inf if dialled_at is None else 1000 * (dialled_at - _began(result))

    def sos(self) -> float:
        """ms of one; infinite where it was not carried."""
        took_ms = self._sos()
        self._quiet()
        return took_ms

    def busy(self, count: int) -> list[float]:
        """ms of each, while another call is up and there is no other modem."""
        self.modems.do("radio", modem="m2", coverage="none")
        self._until(lambda: self._services()["m2"] != "voice", "one modem without a network")
        took_ms = []
        for _ in range(count):
            lesser = self.other.place([Dial(self._caller(), DIALLED)], hold_ms=LESSER_MS, patience_ms=PATIENCE_MS)
            self._until(lambda: self._carries()["m1"] is not None and self._is_up(), "a lesser call")
            took_ms.append(self._sos())
            lesser.wait()
            self._quiet()
        self.modems.do("radio", modem="m2", coverage="home")
        return took_ms

    def _sos(self) -> float:
        self.attempted += 1
        result, dialled_at = self._call(self.phone, STRANGER, SOS, SOS)
        if not result.completed or dialled_at is None:
            self.refused += 1
            return math.inf
        return 1000 * (dialled_at - _began(result))

    def _call(self, phone: Sipp, caller: User, number: str, at_modem: str) -> tuple[Result, float | None]:
        """What became of it, and when a modem was told to dial."""
        before = len(self.modems.entries("atd", number=at_modem))
        (result,) = phone.place([Dial(caller, number)], hold_ms=HOLD_MS, patience_ms=PATIENCE_MS).wait()
        dialled = self.modems.entries("atd", number=at_modem)[before:]
        self.carried += bool(dialled)
        self.lost += bool(dialled) and not result.completed
        return result, float(dialled[0]["at"]) if dialled and result.began_at is not None else None

    def _caller(self) -> User:
        self.ordinary_made += 1
        return CALLERS[self.ordinary_made % len(CALLERS)]

    def _is_up(self) -> bool:
        return any(call["stage"] == "active" for call in self.modems.status()["calls"])

    def _carries(self) -> dict[str, str | None]:
        return {modem["name"]: modem["carries"] for modem in self._asked()}

    def _services(self) -> dict[str, str]:
        return {modem["name"]: modem["service"] for modem in self._asked()}

    def _asked(self) -> list[dict[str, Any]]:
        modems: list[dict[str, Any]] = ask(self.site.paths.trunk_socket, {"do": "status"})["modems"]
        return modems

    def _quiet(self) -> None:
        self._until(lambda: not self.modems.status()["calls"] and not any(self._carries().values()), "no call")

    def _until(self, holds: Callable[[], bool], what: str) -> None:
        self.modems.until(holds, READY_S, what)


@contextmanager
def _house() -> Iterator[_Building]:
    plans = ("name=m1,model=sim7600", "name=m2,model=eg25g")
    with tempfile.TemporaryDirectory() as folder, Net("rvtrunk") as net, Modems(Path(folder), *plans) as modems:
        modems.do("network", setup_s=SETUP_S, emergency_setup_s=SETUP_S)
        for number in (MOBILE, SOS):
            modems.do("phone", number=number, answers_after_s=0.0)
        site = Site(net, users=USERS, modems=modems.configuration())
        settle(site, USERS)
        site.start()
        try:
            site.platform.stop()
            site.wait_mode("SURVIVAL", READY_S)
            site.wait(lambda: len(site.table("cred")) >= len(USERS), READY_S, "the directory")
            built = _Building(site, modems)
            built.wait_voice()
            yield built
        finally:
            site.stop()


def _counted(key: str, value: float, samples: int, samples_key: str, goal: Goal) -> Figure:
    """None where there are few."""
    return Figure(key, value if samples >= LEAST_SAMPLES else None, samples, samples_key, Class.SIMULATED, goal)


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
