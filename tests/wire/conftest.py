"""What the wire tests of calls share: two buildings with phones, alike but for how they register at their platform."""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Literal

from hil.net import Net, Switch
from hil.phone import Account, Phone
from hil.phone.baresip import Baresip
from hil.phone.linphone import Linphone
from hil.phone.sipp import Answering, Dial, Result, Sipp, User
from hil.platform.kamailio import KamailioPlatform
from hil.site import PROXY, REALM, UNIT_SOUTH_IP, Site, numbers, password
from hil.sound import seconds_of

__all__ = [
    "FIRST",
    "REFRESH_S",
    "REGISTER_S",
    "STEP_S",
    "TLS_PROXY",
    "Building",
    "Buildings",
    "dials",
    "open_buildings",
    "users",
]

Configuration = dict[str, dict[str, object]]

REGISTER_S = 15
"""What phones are told: the least that the product allows, so that they come again soon."""
REFRESH_S = 4.0
"""The crowd comes again sooner than it has to."""
FIRST, KNOWN, CROWD = 1001, 20, 10
"""Extensions that platform and unit know, and how many of them are registered."""
DESKS = (("1041", Baresip), ("1042", Linphone))
CROWD_IP, CALLER_IP, DESK_IP = 11, 12, 31
STEP_S = 30.0
"""For what a phone or a process does at once, on a busy machine that may stand still for some seconds."""
SOUND_S = 1.0
TLS_PROXY = f"{UNIT_SOUTH_IP}:5061"

# A shell that runs the tests in its background lets them ignore Ctrl-C, and with them the programs that are to heed it.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    with contextlib.suppress(ValueError):  # not the main thread
        signal.signal(signal.SIGINT, signal.default_int_handler)


@dataclass
class Building:
    """A site with a crowd of sipp phones, 1001 and on, that answer, and two phones with sound where asked for."""

    net: Net
    site: Site
    registration: Literal["path", "contact"]
    desks: tuple[Phone, ...]
    caller: Sipp = field(init=False)
    crowd: Answering = field(init=False)

    def start(self, crowd: int) -> None:
        """Into mode NORMAL, all phones registered."""
        self.site.start()
        self.caller = self.sipp(CALLER_IP)
        self.crowd = self.sipp(CROWD_IP).answer(users(FIRST, crowd), refresh_s=REFRESH_S)
        for desk in self.desks:
            desk.start()
        self.crowd.wait_registered(STEP_S)
        for desk in self.desks:
            desk.wait_registered(STEP_S)

    def sipp(self, number: int, transport: str = "udp") -> Sipp:
        """At the address 10.98.0.``number``."""
        return Sipp(self.site.phones, self.site.phone_ip(number), PROXY, REALM, transport=transport)

    def behind_nat(self, number: int) -> Switch:
        """The switch, 192.168.1.1/24, behind a router that hides it by the address 10.98.0.``number``."""
        router, inside = self.net.host(f"router-{self.registration}"), self.net.switch(f"inside-{self.registration}")
        self.site.switch.join(router, "wan", f"10.98.0.{number}/24")
        inside.join(router, "lan", "192.168.1.1/24")
        router.forward(masquerade_on="wan")
        return inside

    @property
    def platform(self) -> KamailioPlatform:
        assert isinstance(self.site.platform, KamailioPlatform)
        return self.site.platform

    def carried(self) -> int:
        """INVITEs that the platform has seen since its start."""
        return self.platform.seen().get("INVITE", 0)

    def call(self, *pairs: tuple[int, int], **options: Any) -> list[Result]:
        """Each of a pair rings the other. Every call must be answered and end by a BYE that is answered."""
        results = self.caller.call(dials(*pairs), **options)
        assert len(results) == options.get("count", len(pairs))
        assert all(result.completed for result in results), (self.site.mode(), results)
        return results

    def call_by_platform(self, *pairs: tuple[int, int]) -> None:
        """:meth:`call`, each carried by the platform."""
        before = self.carried()
        self.call(*pairs)
        assert self.carried() - before >= 2 * len(pairs), "each INVITE comes, is challenged, and comes again"

    def talk(self) -> None:
        """The first phone with sound rings the second, until each hears the other."""
        one, other = self.desks
        one.dial(other.account.extension)
        for desk in self.desks:
            desk.wait_established(STEP_S)
        self.wait_sound()

    def wait_sound(self) -> None:
        """Until each of the two has heard a second more of the other's tone."""
        for ear, mouth in (self.desks, self.desks[::-1]):
            self._wait_heard(ear, mouth)

    def hang_up(self, who: int = 0) -> None:
        """One of the phones with sound ends the call, and the other hears of it."""
        self.desks[who].hang_up()
        for desk in self.desks:
            desk.wait_closed(STEP_S)

    def _wait_heard(self, ear: Phone, mouth: Phone) -> None:
        def heard_s() -> float:
            return seconds_of(ear.heard(), mouth.tone_hz)

        goal_s = heard_s() + SOUND_S
        self.site.wait(lambda: heard_s() >= goal_s, STEP_S, f"{mouth.account.extension} at {ear.account.extension}")


@dataclass(frozen=True)
class Buildings:
    """The one that registers by Path, and the one that registers by Contact."""

    both: tuple[Building, ...]

    def each(self, work: Callable[[Building], None]) -> None:
        """The same in both at once: most of a wire test is waiting."""
        with ThreadPoolExecutor(len(self.both)) as pool:
            pending = [(building, pool.submit(work, building)) for building in self.both]
        for building, done in pending:
            if (error := done.exception()) is not None:
                error.add_note(f"registration by {building.registration}; edge and unit:\n{building.site.log()}")
                raise error


@contextmanager
def open_buildings(
    crowd: int = CROWD,
    *,
    sound: Sequence[str] = (),
    srtp: bool = False,
    configuration: Configuration | None = None,
    **options: Any,
) -> Iterator[Buildings]:
    """``sound`` holds the transports of the phones with sound, by ``srtp`` secret; ``options`` are those of Site."""
    edge: dict[str, object] = {"register_s": REGISTER_S}
    over = {"edge": edge} | (configuration or {})
    with Net("rvwire") as net:
        buildings = Buildings(
            tuple(
                _building(net, registration, sound, srtp, configuration=over, **options)
                for registration in ("path", "contact")
            )
        )
        buildings.each(lambda building: building.start(crowd))
        yield buildings


def users(first: int, count: int = 1) -> list[User]:
    """Extensions in a row, who know their passwords."""
    return [User(extension, secret) for extension, secret in numbers(first, count).items()]


def dials(*pairs: tuple[int, int]) -> list[Dial]:
    """(caller, callee) each, the caller knowing its password."""
    return [Dial(User(str(caller), password(str(caller))), str(callee)) for caller, callee in pairs]


def _building(
    net: Net, registration: Literal["path", "contact"], sound: Sequence[str], srtp: bool, **options: Any
) -> Building:
    desks = list(zip(DESKS, sound, strict=False))
    known = numbers(FIRST, KNOWN) | {extension: password(extension) for (extension, _), _ in desks}
    site = Site(net, f"-{registration}", users=known, registration=registration, **options)
    phones: list[Phone] = []
    for number, ((extension, make), transport) in enumerate(desks):
        host, ip = net.host(f"desk{number}-{registration}"), f"10.98.0.{DESK_IP + number}"
        site.switch.join(host, "eth0", f"{ip}/24")
        by_tls = transport == "tls"
        account = Account(
            extension,
            password(extension),
            REALM,
            TLS_PROXY if by_tls else PROXY,
            transport,
            ca=site.paths.ca if by_tls else None,
            srtp=srtp,
        )
        phones.append(make(host, ip, account, 500 + 300 * number))
    return Building(net, site, registration, tuple(phones))
