"""Thousands of calls to 112 in any state, and how many were refused: nobody heard them within the edge's hold.

Phones that nobody knows dial 112 one call after the other while the building goes from state to state, and on through
each change. All ways are there: the platform by a line and by mobile data (real WireGuard in user space), a second
gateway, simulated modems. Whatever the state takes away, at least one way lives; so a call is refused that has no 200
from somebody who answers at the end of a way."""

from __future__ import annotations

import contextlib
import itertools
import tempfile
import threading
import time
from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from hil.cell import ALSO, WORLD_IP, Cell, Keys, configuration
from hil.modems import Modems
from hil.net import Net
from hil.phone.sipp import Answering, Dial, Result, Sipp, User
from hil.platform.kamailio import KamailioPlatform
from hil.site import PROXY, REALM, Site, SiteError, numbers
from tools.bench.figures import Scalar
from tools.bench.trunk.directory import settle
from tools.trunk import ask

__all__ = ["measure"]

CALLS = 10_000
PHONES, AT_ONCE = 16, 2
"""Each has as many at once as the edge lets one phone have on their ways."""
RATE = 1.0
"""A phone's calls a second at the most. So many phones, as one whose call the platform has taken and dies over waits
half a minute for the answer to its BYE."""
HOLD_MS, PATIENCE_MS = 50, 60_000
DWELL_S = 6.0
"""In each state, after what brings it about."""
LONGEST_S = 20 * 60.0
STEP_S = 40.0
LESSER, LESSER_MS = 6, 4_000
LOOK_S = 0.1
SETUP_S = 0.05
"""The simulated network's: short, as it is not what is tried."""
GATEWAY_IP = "10.99.0.3"
SOS, MOBILE, DIALLED = "112", "+46701112233", "00701112233"
MODEMS = ("eg25g", "sim7600", "eg25g", "sim7600", "eg25g", "eg25g")
DESKS = 3 * len(MODEMS)
USERS = numbers(1001, LESSER)


@dataclass
class _House:
    """With all ways out of it."""

    site: Site
    cell: Cell
    modems: Modems
    gateway: _Gateway

    @property
    def platform(self) -> KamailioPlatform:
        assert isinstance(self.site.platform, KamailioPlatform)
        return self.site.platform

    @contextmanager
    def normal(self) -> Iterator[None]:
        yield

    @contextmanager
    def dead(self) -> Iterator[None]:
        self.platform.kill()
        yield
        self.platform.start()

    @contextmanager
    def frozen(self) -> Iterator[None]:
        self.platform.freeze()
        yield
        self.platform.thaw()

    @contextmanager
    def refusing(self) -> Iterator[None]:
        self.platform.busy503(True)
        yield
        self.platform.busy503(False)

    @contextmanager
    def sick(self) -> Iterator[None]:
        """It answers probes, and no call."""
        self.platform.sick(True)
        yield
        self.platform.sick(False)

    @contextmanager
    def cut(self) -> Iterator[None]:
        assert self.site.line is not None
        self.site.line.cut()
        yield
        self.site.line.mend()

    @contextmanager
    def flapping(self) -> Iterator[None]:
        assert self.site.line is not None
        for _ in range(3):
            self.site.line.cut()
            time.sleep(1.5)
            self.site.line.mend()
            time.sleep(1.5)
        yield

    @contextmanager
    def modems_alone(self) -> Iterator[None]:
        with self.dead():
            self.gateway.refuse()
            yield
            self.gateway.serve()

    @contextmanager
    def modems_alone_and_busy(self) -> Iterator[None]:
        """With lesser calls, which 112 sends away, and short messages that come in."""
        with self.modems_alone():
            phone = Sipp(self.site.phones, self.site.phone_ip(40), PROXY, REALM)
            dials = [Dial(User(*known), DIALLED) for known in USERS.items()]
            placing = phone.place(dials, count=2 * LESSER, rate=2, hold_ms=LESSER_MS, traced=False)
            for name in self.modems.names:
                self.modems.do("sms", from_=MOBILE, to=self.modems.number(name), text="Kommer strax.")
            yield
            placing.stop()

    @contextmanager
    def no_modems(self) -> Iterator[None]:
        self.modems.do("radio", coverage="none")
        with self.dead():
            yield
        self.modems.do("radio", coverage="home")

    @contextmanager
    def edge_restarts(self) -> Iterator[None]:
        for _ in range(2):
            self.site.restart(self.site.edge)
        yield

    @contextmanager
    def edge_restarts_in_an_outage(self) -> Iterator[None]:
        with self.dead(), self.edge_restarts():
            yield

    @contextmanager
    def trunk_dies(self) -> Iterator[None]:
        assert self.site.trunk is not None
        with self.dead():
            for _ in range(2):
                self.site.trunk.kill()
                time.sleep(1.0)
                self.site.trunk.start()
            yield

    @contextmanager
    def trunk_gone(self) -> Iterator[None]:
        """And the line cut, so that mobile data alone is left."""
        assert self.site.trunk is not None
        with self.cut():
            self.site.trunk.kill()
            yield
            self.site.trunk.start()

    @contextmanager
    def python_hangs(self) -> Iterator[None]:
        """All but the edge and `trunk`."""
        programs = (self.site.unit, self.site.calls, self.cell.data)
        with self.cut():
            for program in programs:
                program.freeze()
            yield
            for program in programs:
                program.thaw()


@dataclass
class _Gateway:
    """Another gateway: answers each call, or refuses it."""

    phone: Sipp
    serving: Answering = field(init=False)

    def __post_init__(self) -> None:
        self.serving = self.phone.answer(traced=False)

    def stop(self) -> None:
        self.serving.stop()

    def refuse(self) -> None:
        self.stop()
        self.serving = self.phone.answer(status="503 Service Unavailable", traced=False)

    def serve(self) -> None:
        self.stop()
        self.serving = self.phone.answer(traced=False)


def measure(tell: Callable[[str], None]) -> tuple[int, int, dict[str, Scalar]]:
    """Calls attempted and refused, and what they were under. Not run with `quick`."""
    with _house() as house:
        tell(f"{CALLS} calls to 112 in any state")
        results, states, modes = _dialled(house, tell)
        tries = Counter(_ways(house.site))
    attempted = len(results)
    refused = [result for result in results if result.code != 200]
    for result in refused:
        state = _at(states, result.began_at)
        tell(f"refused: {result.call_id} by {result.code} after {result.final_ms} ms, in {state}")
    per_state = Counter(_at(states, result.began_at) for result in results)
    per_mode = Counter(_at(modes, result.began_at) for result in results)
    conditions: dict[str, Scalar] = {
        "emergency_network_setup_s": SETUP_S,
        "emergency_modems": len(MODEMS),
        "emergency_states": len(per_state),
        "emergency_in_the_rarest_state": min(per_state.values()),
    }
    conditions |= {f"emergency_in_{mode.lower()}": count for mode, count in sorted(per_mode.items())}
    conditions |= {f"emergency_tries_{way.lower()}": count for way, count in sorted(tries.items())}
    return attempted, len(refused), conditions


Times = list[tuple[float, str]]
"""Since when (monotonic) what was so."""


def _dialled(house: _House, tell: Callable[[str], None]) -> tuple[list[Result], Times, Times]:
    """All calls, and when the building was in which state and mode."""
    callers = [Sipp(house.site.phones, house.site.phone_ip(20 + n), PROXY, REALM) for n in range(PHONES)]
    each = -(-CALLS // PHONES)
    states, modes = [(0.0, "normal")], [(0.0, house.site.mode())]
    over = threading.Event()
    watching = threading.Thread(target=_watch, args=(house.site, modes, over))
    watching.start()
    placings = [
        caller.place([Dial(User("7777"), SOS)], count=each, rate=RATE, at_once=AT_ONCE, hold_ms=HOLD_MS,
                     patience_ms=PATIENCE_MS)
        for caller in callers
    ]  # fmt: skip
    ends = time.monotonic() + LONGEST_S
    try:
        for state in itertools.cycle(_states(house)):
            if all(placing.over for placing in placings) or time.monotonic() > ends:
                break
            states.append((time.monotonic(), state.__name__))
            with state():
                time.sleep(DWELL_S)
            tell(f"{state.__name__}: {sum(len(placing.so_far()) for placing in placings)} calls so far")
        results = [result for placing in placings for result in placing.so_far()]
    finally:
        over.set()
        watching.join()
        for placing in placings:
            placing.stop()
    # Those that are still on their ways when time is up have neither come through nor been refused.
    known = time.monotonic() - PATIENCE_MS / 1000
    done = [one for one in results if one.began_at is not None and (one.code is not None or one.began_at < known)]
    return done, states, modes


def _states(house: _House) -> Sequence[Callable[[], contextlib.AbstractContextManager[None]]]:
    """Between two outages there is peace, in which the unit returns."""
    outages = (
        house.dead, house.frozen, house.refusing, house.sick, house.cut, house.flapping, house.modems_alone,
        house.modems_alone_and_busy, house.no_modems, house.edge_restarts, house.edge_restarts_in_an_outage,
        house.trunk_dies, house.trunk_gone, house.python_hangs,
    )  # fmt: skip
    return [state for outage in outages for state in (outage, house.normal)]


def _watch(site: Site, modes: Times, over: threading.Event) -> None:
    while not over.wait(LOOK_S):
        with contextlib.suppress(SiteError, OSError):
            mode = site.mode()
            if mode != modes[-1][1]:
                modes.append((time.monotonic(), mode))


def _at(times: Times, at: float | None) -> str:
    assert at is not None
    return times[bisect_right(times, (at, "~")) - 1][1]


def _ways(site: Site) -> Iterator[str]:
    """Each way that was tried, as the edge's log has it."""
    with (site.host.directory / "edge.log").open(errors="replace") as log:
        for line in log:
            _, found, rest = line.partition("kind=emergency_way way=")
            if found:
                yield rest[:1]


def _services(site: Site) -> set[str]:
    return {str(modem["service"]) for modem in ask(site.paths.trunk_socket, {"do": "status"})["modems"]}


@contextmanager
def _house() -> Iterator[_House]:
    keys = Keys()
    plans = [f"name=m{n},model={model}" for n, model in enumerate(MODEMS, start=1)]
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        net = stack.enter_context(Net("rvsos"))
        modems = stack.enter_context(Modems(folder, *plans))
        modems.do("network", setup_s=SETUP_S, emergency_setup_s=SETUP_S)
        # SOS has as many desks as there may be calls by modem, and some that are just being left.
        for number in (MOBILE, *(f"{SOS}-{desk}" for desk in range(DESKS))):
            modems.do("phone", number=number, answers_after_s=0.0)
        site = Site(
            net,
            users=USERS,
            configuration={"emergency": {"gateway": f"sip:{GATEWAY_IP}:5060"}, **configuration(keys)},
            modems=modems.configuration(),
            delay_ms=4,
            also=ALSO,
            outside=f"sip:{WORLD_IP}:5060",
            challenges_emergency=False,
        )
        settle(site, USERS)
        site.platform_host.address("line", f"{GATEWAY_IP}/24")
        cell = Cell(net, site, keys)
        gateway = _Gateway(Sipp(site.platform_host, GATEWAY_IP, PROXY, REALM))
        stack.callback(gateway.stop)
        stack.enter_context(Sipp(cell.world, WORLD_IP, PROXY, REALM).answer(traced=False))
        stack.callback(site.stop)
        site.start()
        stack.callback(cell.stop)
        cell.start()
        site.wait(lambda: site.serving() == [True, True], STEP_S, "both ways serve")
        modems.until(lambda: _services(site) == {"voice"}, STEP_S, "networks")
        yield _House(site, cell, modems, gateway)
