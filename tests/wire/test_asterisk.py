"""Asterisk as the shared platform: a back-to-back user agent, where Kamailio is a proxy.

What differs: each call is two, with Call-IDs of their own, and the remote target of each phone is the platform; it
challenges calls with 401; it names the Path again in every request of a dialog; it moves the sound by re-INVITE, asks
its contacts by OPTIONS, and may refresh calls by session timers (RFC 4028). What follows for a call that is up when it
dies: sound that runs phone to phone goes on, and whoever hangs up is let go at once, but the other phone is not told,
because the one that knew both of its halves is gone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal

import pytest

from callcontrol.anchored import SILENT_S
from hil.net import Net
from hil.phone import Account, Phone, PhoneError
from hil.phone.baresip import Baresip
from hil.phone.linphone import Linphone
from hil.phone.scripted import Centre
from hil.phone.sipp import Answering, Dial, Result, Sipp, User
from hil.platform.asterisk import AsteriskPlatform, asterisk_root
from hil.site import PLATFORM_IP, PROXY, REALM, UNIT_NORTH_IP, UNIT_SOUTH_IP, Site, numbers, password
from hil.sound import seconds_of
from tests.wire.test_emergency import GATEWAY_IP, OUTSIDE_IP

pytestmark = [pytest.mark.wire, pytest.mark.long, pytest.mark.timeout(300)]

Registration = Literal["path", "contact"]
REGISTRATIONS: list[Registration] = ["path", "contact"]
CROWD = range(1001, 1007)
ABSENT, BUSY, TWICE, UNKNOWN = 1011, 1012, 1013, 1999
DESKS = ("1021", "1022")
CROWD_IP, CALLER_IP, BUSY_IP, TWICE_IP, DESK_IP = 11, 12, 13, 14, 31
PAIRS = ((1001, 1002), (1003, 1004))
REGISTER_S = 15
REFRESH_S = 4.0
STEP_S = 20.0
DETECTED_S = 20.0
RETURNED_S = 60.0
BUILD_S = 900
UP_MS = 8_000
PATIENCE_MS = 60_000
SOUND_S = 1.0
NOT_TOLD_S = 3.0
SESSION_S = 90
"""The least that RFC 4028 allows; refreshed at half of it."""


@pytest.fixture(scope="module", autouse=True)
def _unpacked() -> None:
    asterisk_root()


@dataclass(frozen=True)
class Building:
    """A site whose platform is Asterisk, and the address that its phones ring from."""

    net: Net
    site: Site
    platform: AsteriskPlatform

    def sipp(self, number: int) -> Sipp:
        return Sipp(self.site.phones, self.site.phone_ip(number), PROXY, REALM)

    def crowd(self, *extensions: int, ip: int = CROWD_IP, **options: Any) -> Answering:
        """Phones that answer, registered when it returns."""
        phones = self.sipp(ip).answer([_user(extension) for extension in extensions], refresh_s=REFRESH_S, **options)
        phones.wait_registered(STEP_S)
        return phones

    def call(self, *pairs: tuple[int, int], **options: Any) -> list[Result]:
        """Each of a pair rings the other."""
        return self.sipp(CALLER_IP).call(_dials(*pairs), **options)

    def complete(self, *pairs: tuple[int, int], **options: Any) -> list[Result]:
        """:meth:`call`; every one must be answered, and end by a BYE that is answered."""
        results = self.call(*pairs, **options)
        assert len(results) == len(pairs)
        assert all(result.completed for result in results), (self.site.mode(), results, self.site.log())
        return results

    def by_platform(self, *pairs: tuple[int, int]) -> None:
        """:meth:`complete`, each carried by the platform."""
        before = self.platform.carried()
        self.complete(*pairs)
        assert self.platform.carried() - before == len(pairs)

    def desks(self, *kinds: Callable[..., Phone], transport: str = "udp") -> list[Phone]:
        """Phones with sound, registered; the way to the platform is open to their sound."""
        self.site.host.forward()
        self.site.platform_host.route("10.98.0.0/24", UNIT_NORTH_IP)
        phones = []
        for number, (extension, kind) in enumerate(zip(DESKS, kinds, strict=True)):
            host, ip = self.net.host(f"desk{number}"), f"10.98.0.{DESK_IP + number}"
            self.site.switch.join(host, "eth0", f"{ip}/24")
            host.route("10.99.0.0/24", UNIT_SOUTH_IP)
            account = Account(extension, password(extension), REALM, PROXY, transport)
            phones.append(kind(host, ip, account, 500 + 300 * number))
        for phone in phones:
            phone.start()
        for phone in phones:
            phone.wait_registered(STEP_S)
        return phones

    def talk(self, one: Phone, other: Phone) -> None:
        """The one rings the other, until each hears the other."""
        one.dial(other.account.extension)
        for phone in (one, other):
            phone.wait_established(STEP_S)
        self.hear(one, other)

    def hear(self, one: Phone, other: Phone) -> None:
        """Until each of the two has heard a second more of the other's tone."""
        for ear, mouth in ((one, other), (other, one)):
            goal_s = self.heard_s(ear, mouth) + SOUND_S

            def reached(ear: Phone = ear, mouth: Phone = mouth, goal_s: float = goal_s) -> bool:
                return self.heard_s(ear, mouth) >= goal_s

            self.site.wait(reached, STEP_S, f"{mouth.account.extension} at {ear.account.extension}")

    def heard_s(self, ear: Phone, mouth: Phone) -> float:
        return seconds_of(ear.heard(), mouth.tone_hz)


@contextmanager
def building(
    registration: Registration, *, realm: str = REALM, over: dict[str, dict[str, object]] | None = None, **options: Any
) -> Iterator[Building]:
    """`options` are those of AsteriskPlatform."""
    users = numbers(CROWD.start, len(CROWD)) | {
        name: password(name) for name in map(str, (ABSENT, BUSY, TWICE, *DESKS))
    }
    made: list[AsteriskPlatform] = []

    def platform(host: Any) -> AsteriskPlatform:
        path = registration == "path"
        made.append(AsteriskPlatform(host, PLATFORM_IP, realm=realm, users=users, path=path, **options))
        return made[0]

    configuration: dict[str, dict[str, object]] = {
        "edge": {"register_s": REGISTER_S},
        "returning": {"hold_down_s": 1, "hold_down_max_s": 1},
    }
    with Net("rvast") as net:
        site = Site(
            net,
            users=users,
            registration=registration,
            configuration=configuration | (over or {}),
            platform=platform,
        )
        # Ways of 112.
        site.platform_host.address("line", f"{GATEWAY_IP}/24")
        site.platform_host.address("line", f"{OUTSIDE_IP}/24")
        site.start()
        yield Building(net, site, made[0])


def _user(extension: int) -> User:
    return User(str(extension), password(str(extension)))


def _dials(*pairs: tuple[int, int]) -> list[Dial]:
    return [Dial(_user(caller), str(callee)) for caller, callee in pairs]


@dataclass(frozen=True)
class Death:
    """How it comes and how it ends; whether the platform has forgotten its calls and registrations by then."""

    strike: Callable[[Building], None]
    mend: Callable[[Building], None]


DEATHS = {
    "killed": Death(lambda house: house.platform.kill(), lambda house: house.platform.start()),
    "frozen": Death(lambda house: house.platform.freeze(), lambda house: house.platform.thaw()),
    "blackhole": Death(
        lambda house: house.site.host.blackhole("north"), lambda house: house.site.host.unblackhole("north")
    ),
}


@pytest.mark.timeout(BUILD_S)
@pytest.mark.parametrize("registration", REGISTRATIONS)
def test_every_day(registration: Registration) -> None:
    """Registration, calls, and the answers that are not 200; its contacts are asked, and answer, through the unit."""
    with building(registration, qualify_s=1) as house:
        site, platform = house.site, house.platform
        with house.crowd(*CROWD), house.crowd(BUSY, ip=BUSY_IP, status="486 Busy Here"):
            held = platform.registrations()
            assert set(held) == {str(extension) for extension in (*CROWD, BUSY)}
            for extension, (binding,) in held.items():
                if registration == "path":
                    assert [binding.contact] == site.bindings()[extension]
                    assert binding.path == f"<sip:{UNIT_NORTH_IP};lr>"
                else:
                    assert binding.contact.startswith(f"sip:{extension}@{UNIT_NORTH_IP}:5060;rvx=")
                    assert binding.path is None
            house.by_platform(*PAIRS, (1005, 1006))
            site.wait(lambda: platform.reachable() == set(held), STEP_S, "every contact reachable by OPTIONS")
            refused = house.call((1001, BUSY), (1002, ABSENT), (1003, UNKNOWN))
            assert [result.code for result in refused] == [486, 480, 404]
        with house.sipp(TWICE_IP).answer([_user(TWICE)], ring_ms=None, refresh_s=REFRESH_S) as silent:
            silent.wait_registered(STEP_S)
            (given_up,) = house.call((1001, TWICE), cancel_ms=300)
            assert given_up.code == 487
            site.wait(lambda: [call.code for call in silent.calls()] == [487], STEP_S, "the end of its ringing")
        for contact in (None, "*"):
            phone = house.sipp(TWICE_IP)
            assert [result.code for result in phone.register([_user(TWICE)])] == [200]
            assert str(TWICE) in platform.registrations()
            assert [result.code for result in phone.register([_user(TWICE)], expires_s=0, contact=contact)] == [200]
            assert str(TWICE) not in platform.registrations()
            site.wait(lambda: str(TWICE) not in site.bindings(), STEP_S, "the end of its binding here")
        assert site.count("diverted") == 0


def test_several_contacts() -> None:
    """All phones of an extension ring until one is taken up. By Path Asterisk rings one of them only."""
    with (
        building("contact") as house,
        house.crowd(TWICE, ring_ms=300) as answers,
        house.crowd(TWICE, ip=TWICE_IP, ring_ms=None) as rings,
    ):

        def ended(times: int) -> bool:
            return [call.code for call in rings.calls()] == [487] * times

        assert len({binding.contact for binding in house.platform.registrations()[str(TWICE)]}) == 2
        house.by_platform((1001, TWICE))
        house.site.wait(lambda: ended(1), STEP_S, "the end of its ringing")
        assert [call.code for call in answers.calls()] == [200]
        house.platform.kill()
        house.complete((1001, TWICE))
        house.site.wait(lambda: ended(2), STEP_S, "the end of its ringing")


@pytest.mark.parametrize("how", DEATHS)
@pytest.mark.parametrize("registration", REGISTRATIONS)
def test_calls_survive(registration: Registration, how: str) -> None:
    death = DEATHS[how]
    with building(registration) as house, house.crowd(*CROWD) as crowd:
        site = house.site
        house.by_platform(*PAIRS)
        up = house.sipp(CALLER_IP).place(_dials((1005, 1006)), hold_ms=UP_MS, patience_ms=PATIENCE_MS)
        site.wait(lambda: [call.code for call in up.so_far()] == [200], STEP_S, "a call up")
        death.strike(house)
        house.complete(PAIRS[0], patience_ms=PATIENCE_MS)
        site.wait_mode("SURVIVAL", DETECTED_S)
        known = house.complete(*PAIRS, (1002, 1001))
        assert [call.challenges for call in known] == [1, 1, 1], "one way of asking who it is: ours"
        (ended,) = up.wait()
        assert ended.completed, "its BYE is answered, by the unit in the platform's place"
        assert [call.completed for call in crowd.calls()].count(False) == 1, "the other half of it is not told"
        death.mend(house)
        site.wait_mode("NORMAL", RETURNED_S)
        # One that was killed has forgotten every phone, and was told again.
        assert {str(extension) for extension in CROWD} <= set(house.platform.registrations())
        house.by_platform(*PAIRS)


@pytest.mark.parametrize("registration", REGISTRATIONS)
def test_a_restart_that_nobody_missed(registration: Registration) -> None:
    """Back before a probe is lost, and every phone forgotten."""
    with building(registration) as house, house.crowd(*CROWD):
        house.by_platform(PAIRS[0])
        everybody = {str(extension) for extension in CROWD}
        for _ in range(2):
            house.platform.kill()
            house.platform.start()
            house.complete(*PAIRS)
            house.site.wait(lambda: set(house.platform.registrations()) == everybody, 2 * REGISTER_S, "all told again")
        house.by_platform(*PAIRS)


@pytest.mark.parametrize("transport", ["udp", "tcp"])
@pytest.mark.parametrize("direct", [True, False], ids=["direct", "anchored"])
@pytest.mark.parametrize("registration", REGISTRATIONS)
def test_sound(registration: Registration, direct: bool, transport: str) -> None:
    """baresip's contact names no extension, so that Asterisk would ring it past the Path."""
    kinds = (Linphone, Linphone) if registration == "path" else (Baresip, Linphone)
    with building(registration, direct_media=direct) as house:
        one, other = house.desks(*kinds, transport=transport)
        for caller, callee, ends in ((one, other, other), (other, one, other)):
            house.talk(caller, callee)
            ends.hang_up()
            for phone in (one, other):
                phone.wait_closed(STEP_S)
        assert house.platform.carried() == 2

        house.talk(one, other)
        # What rvx doctor goes by; of a call to a contact that names no extension it is not known.
        anchored = {value for name, value in house.site.table("anchor").items() if name.isdigit()}
        assert anchored == {0 if direct else 1}
        house.platform.kill()
        house.site.wait_mode("SURVIVAL", DETECTED_S)
        if direct:
            house.hear(one, other)
        other.hang_up()
        other.wait_closed(STEP_S)
        with pytest.raises(PhoneError):  # not told: see the head of this file
            one.wait_closed(NOT_TOLD_S)
        one.hang_up()
        one.wait_closed(STEP_S)
        house.talk(one, other)
        one.hang_up()
        for phone in (one, other):
            phone.wait_closed(STEP_S)


@pytest.mark.parametrize("registration", REGISTRATIONS)
def test_calls_end_whose_sound_died(registration: Registration) -> None:
    """Both halves, which nobody here can join."""
    kinds = (Linphone, Linphone) if registration == "path" else (Baresip, Linphone)
    with building(registration, direct_media=False) as house:
        one, other = house.desks(*kinds)
        house.talk(one, other)
        house.platform.kill()
        for phone in (one, other):
            phone.wait_closed(SILENT_S + DETECTED_S + STEP_S)
        assert house.site.count("legs_ended") == 2
        house.talk(one, other)
        one.hang_up()
        for phone in (one, other):
            phone.wait_closed(STEP_S)


def test_caller_gives_up_when_the_platform_died_while_it_rang() -> None:
    """Both halves end: the platform's own call to the phone, and the one by which the unit rang it anew."""
    with building("contact") as house, house.crowd(TWICE, ring_ms=None) as phone:
        placing = house.sipp(CALLER_IP).place(_dials((1001, TWICE)), patience_ms=4_000)
        house.site.wait(lambda: any(call.first_ms for call in placing.so_far()), STEP_S, "ringing")
        house.platform.kill()
        (result,) = placing.wait()
        assert result.code in (408, 487)
        house.site.wait(lambda: {call.code for call in phone.calls()} == {487}, STEP_S, "a phone that rings no more")


@pytest.mark.parametrize("registration", REGISTRATIONS)
def test_what_a_phone_says_itself_is_no_sign_of_forgetfulness(registration: Registration) -> None:
    with building(registration) as house, house.crowd(TWICE, status="480 Do Not Disturb") as phone:
        assert [call.code for call in house.call((1001, TWICE))] == [480]
        assert len(phone.calls()) == 1


@pytest.mark.parametrize("registration", REGISTRATIONS)
def test_calls_are_refreshed(registration: Registration) -> None:
    """Session timers: a call outlives its session, so the refreshing got through."""
    with building(registration, session_s=SESSION_S, direct_media=True) as house:
        one, other = house.desks(Linphone, Linphone)
        house.talk(one, other)
        with pytest.raises(PhoneError):
            one.wait_closed(SESSION_S + 10)
        house.hear(one, other)
        one.hang_up()
        for phone in (one, other):
            phone.wait_closed(STEP_S)


def test_realm_is_not_the_domain() -> None:
    """As Asterisk comes: its realm is "asterisk", whatever the phones' domain. The unit's has to be the same."""
    with building("contact", realm="asterisk") as house, house.crowd(*CROWD):
        house.by_platform(*PAIRS)
        house.platform.kill()
        house.complete(PAIRS[0])
        house.site.wait_mode("SURVIVAL", DETECTED_S)
        house.complete(*PAIRS)


@pytest.mark.parametrize("registration", REGISTRATIONS)
def test_112(registration: Registration) -> None:
    over: dict[str, dict[str, object]] = {"emergency": {"gateway": f"sip:{GATEWAY_IP}:5060", "no_ringing_s": 2}}
    with (
        building(registration, over=over, outside=f"sip:{OUTSIDE_IP}:5060") as house,
        house.crowd(*CROWD),
        Centre(house.site.platform_host, OUTSIDE_IP) as outside,
        Centre(house.site.platform_host, GATEWAY_IP) as gateway,
    ):

        def ring(caller: User) -> Result:
            (result,) = house.sipp(CALLER_IP).call([Dial(caller, "112")])
            assert result.completed, house.site.log()
            return result

        known = _user(1001)
        assert ring(known).challenges == 1
        assert (len(outside.seen("INVITE")), len(gateway.seen("INVITE"))) == (1, 0)
        # One that is not registered could not say who it is: it is not asked, the next way is taken.
        ring(User("7777"))
        assert (len(outside.seen("INVITE")), len(gateway.seen("INVITE"))) == (1, 1)
        house.platform.kill()
        ring(known)
        house.site.wait_mode("SURVIVAL", DETECTED_S)
        ring(User("7777"))
        assert (len(outside.seen("INVITE")), len(gateway.seen("INVITE"))) == (1, 3)
        # The unit did not give up what it had begun there.
        house.site.wait(lambda: outside.up() + gateway.up() == 0, STEP_S, "the end of every call")


@pytest.mark.timeout(BUILD_S)
def test_wrong_passwords_stay_here() -> None:
    """Each of its challenges has a nonce of its own; a phone that answers them rightly is left alone."""
    with building("path") as house:
        site, stranger, phone = house.site, house.sipp(BUSY_IP), house.sipp(TWICE_IP)
        for _ in range(4):
            stranger.register([User(str(BUSY), "wrong")])
            assert [result.code for result in phone.register([_user(TWICE)])] == [200]
        assert [name.partition("|")[0] for name in site.table("wrong")] == [str(BUSY)]
        assert (site.count("held"), site.count("refused_north") > 0) == (1, True)
        with house.crowd(*CROWD):
            house.by_platform(*PAIRS)
