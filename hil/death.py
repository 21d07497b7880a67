"""The unit's own death, and its restart, as things to measure: used by tests, benchmarks and the storm.

:class:`SecondProxy` is a building whose phones find the unit first and the platform second; :func:`takeover` needs two
units; :func:`restarts` keeps calls coming while processes start anew."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Literal

from hil.guarded import Guarded
from hil.names import PROXY_NAME, Names
from hil.net import Host, Net
from hil.pair import Pair
from hil.phone import Account, Phone, PhoneError
from hil.phone.baresip import Baresip
from hil.phone.linphone import Linphone
from hil.phone.sipp import Answering, Dial, Result, Sipp
from hil.platform.daemon import Daemon
from hil.site import PLATFORM_IP, REALM, ROUTER_SOUTH_IP, UNIT_SOUTH_IP, Site, SiteError, numbers, password

__all__ = ["DEATHS", "QUICK", "Restarts", "SecondProxy", "restarts", "takeover"]

NAMES_IP = "10.98.0.53"
FIRST_DESK, FIRST_DESK_IP = 1041, 31
REGISTERED_S = 25.0
OK = 200
ATTEMPT_S, AGAIN_S = 3.0, 0.3


Maker = Callable[[Host, str, Account, float], Phone]
"""Gives a phone of one kind: its host, address, account and tone (Hz)."""
QUICK: dict[str, Maker] = {
    "linphone": partial(
        Linphone,
        sip={
            "tcp_tls_keepalive": 1,
            "keepalive_period": 1000,
            "transport_timeout": 1000,
            "refresher_retry_after": 1000,
            "reconnect_to_primary_asap": 1,
        },
    ),
    "baresip": partial(
        Baresip,
        parameters=f';rwait=20;sipnat=outbound;outbound2="sip:{PLATFORM_IP};transport=tcp"',
        settings="module uuid.so\ncall_max_calls 1\n",
    ),
}
"""Phones with what docs/phones.md tells them."""


class SecondProxy:
    """Two phones of one kind, whose proxy is a name: by SRV the unit, then the platform, past the unit by a router.

    Where it is `guarded`, that router takes the unit's address when the unit is dead (`hil.guarded`)."""

    def __init__(
        self, net: Net, label: str, make: Maker, transport: Literal["udp", "tcp"], *, guarded: bool = False
    ) -> None:
        users, over = numbers(FIRST_DESK, 2), {"edge": {"register_s": 15}}
        self.site = (
            Guarded(net, f"-{label}", users=users, configuration=over)
            if guarded
            else Site(net, f"-{label}", users=users, configuration=over, router=True)
        )
        server = net.host(f"names-{label}")
        self.site.switch.join(server, "eth0", f"{NAMES_IP}/24")
        self.names = Names(server, NAMES_IP, [UNIT_SOUTH_IP, PLATFORM_IP])
        self.phones: tuple[Phone, ...] = tuple(self._phone(net, label, make, transport, place) for place in (0, 1))

    def start(self) -> None:
        """Both phones are registered, through the unit."""
        self.site.start()
        self.names.start()
        for phone in self.phones:
            phone.start()
        for phone in self.phones:
            phone.wait_registered(REGISTERED_S)
        self.site.wait(lambda: len(self.site.bindings()) == len(self.phones), REGISTERED_S, "both bound at the unit")

    def stop(self) -> None:
        """All of it."""
        for phone in self.phones:
            phone.kill()
        self.names.stop()
        self.site.stop()

    def call_answered(self, patience_s: float) -> float | None:
        """One phone rings the other, and again when a call fails or has not been answered for :data:`ATTEMPT_S`, as a
        person would, until one is answered: after how long, seconds from now; None: not within `patience_s`."""
        began = time.monotonic()
        caller, callee = self.phones
        while (left_s := patience_s - (time.monotonic() - began)) > 0:
            caller.dial(callee.account.extension)
            try:
                seen = caller.wait_established(min(left_s, ATTEMPT_S))
            except PhoneError:
                for phone in self.phones:
                    phone.hang_up()
                time.sleep(AGAIN_S)
                continue
            assert seen.established_at is not None
            return seen.established_at - began
        return None

    def _phone(self, net: Net, label: str, make: Maker, transport: str, place: int) -> Phone:
        host, ip = net.host(f"desk{place}-{label}"), f"10.98.0.{FIRST_DESK_IP + place}"
        self.site.switch.join(host, "eth0", f"{ip}/24")
        host.route("default", ROUTER_SOUTH_IP)
        extension = str(FIRST_DESK + place)
        account = Account(extension, password(extension), REALM, PROXY_NAME, transport, names=NAMES_IP)
        return make(host, ip, account, 500 + 300 * place)


def takeover(
    pair: Pair, caller: Sipp, dial: Dial, *, hung: bool = False, patience_s: float = 20.0
) -> tuple[float, float | None]:
    """The unit in service loses its power, or its edge stands still (`hung`). Seconds until the other one has the
    addresses, and until a call that was begun at the moment of the death is answered (None: it was not)."""
    (dying,) = pair.serving
    (other,) = [unit for unit in pair.units if unit is not dying]
    with other.arrival() as arrived:
        began = time.monotonic()
        (dying.edge.freeze if hung else dying.power_off)()
        placing = caller.place([dial], hold_ms=200, patience_ms=round(patience_s * 1000))
        try:
            taken_s = arrived.result(patience_s) - began
        except TimeoutError:
            raise SiteError(f"{other.host.name} did not take over within {patience_s} s") from None
    # What comes late for a call before is heard at the same port.
    (call,) = (call for call in placing.wait() if call.began_at is not None)
    if not call.completed or call.began_at is None or call.final_ms is None:
        return taken_s, None
    return taken_s, call.began_at - began + call.final_ms / 1000


@dataclass(frozen=True)
class Restarts:
    """What came of calls that were begun, rang and were up while processes started anew."""

    calls: Sequence[Result]
    away_s: Sequence[float]  # of each restart
    ended: frozenset[str]  # Call-IDs of those whose end the callee has seen

    @property
    def lost(self) -> list[Result]:
        """Calls that were not answered, or that did not end for the callee. (The answer to a BYE may be lost as the
        edge goes, and sipp does not give it twice: what counts is that the BYE came.)"""
        heard = self.ended
        return [call for call in self.calls if not (call.completed or (call.code == OK and call.call_id in heard))]

    @property
    def slowest_ms(self) -> float:
        """From INVITE to the first 180, of those that got one."""
        return max((call.first_ms for call in self.calls if call.first_ms is not None), default=0.0)


def restarts(
    site: Site,
    programs: Sequence[Daemon],
    caller: Sipp,
    dials: Sequence[Dial],
    callees: Answering,
    *,
    rate: float = 8,
    hold_ms: int = 1200,
    between_s: float = 1.5,
    patience_s: float = 1.0,
) -> Restarts:
    """Each of `programs` starts anew, one after the other, under calls to `callees` that come all the while."""
    count = round(rate * (len(programs) + 1) * between_s)
    placing = caller.place(dials, count=count, rate=rate, hold_ms=hold_ms)
    away_s = []
    for program in programs:
        time.sleep(between_s)
        away_s.append(site.restart(program, patience_s))
    calls = placing.wait()
    return Restarts(calls, away_s, frozenset(call.call_id for call in callees.calls() if call.completed))


def _kill(site: Site) -> None:
    for program in (site.unit, site.calls, site.edge):
        program.kill()


def _freeze(site: Site) -> None:
    for program in (site.unit, site.calls, site.edge):
        program.freeze()


DEATHS: dict[str, Callable[[Site], None]] = {
    "killed": _kill,
    "halted": Site.power_off,
    "frozen": _freeze,
    "cut": Site.cables_out,
}
"""killed: its programs, the kernel lives and says so; halted: no power; frozen: it stands still; cut: both cables."""
