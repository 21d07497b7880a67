"""Registration through the unit: NAT, several phones of one extension, both transports, and a platform's own terms."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from hil.phone import Account, Phone
from hil.phone.baresip import Baresip
from hil.phone.linphone import Linphone
from hil.phone.raw import RawPhone, status
from hil.site import PROXY, REALM, password
from tests.wire.conftest import REFRESH_S, STEP_S, Building, Buildings, dials, open_buildings, users

pytestmark = [pytest.mark.wire, pytest.mark.timeout(300)]

TWIN_IP, TCP_IP, GUEST_IP, ROUTER_IP = 13, 14, 15, 40
TCP_PHONE, GUEST = 1011, 1012
INSIDE = (1013, 1014)
QUICK_REFRESH_S = 1.0
WATCHED_S = 6.0
MIN_EXPIRES_S = 300
PLATFORM_EXPIRES_S = 48
"""Just more than the unit keeps in hand: two of the phones' periods and ten seconds."""
SETTLED_S = 90.0
LOST_S = 5.0
"""A binding lasts longer."""


@pytest.fixture(scope="module")
def buildings() -> Iterator[Buildings]:
    # Each test of this module makes an outage: the hold-down does not double here.
    with open_buildings(4, configuration={"returning": {"hold_down_s": 1, "hold_down_max_s": 1}}) as made:
        yield made


def in_both_modes(building: Building) -> Iterator[str]:
    """NORMAL, then SURVIVAL; NORMAL again in the end."""
    building.site.wait_mode("NORMAL", SETTLED_S)
    yield "NORMAL"
    building.platform.kill()
    building.site.wait_mode("SURVIVAL", STEP_S)
    try:
        yield "SURVIVAL"
    finally:
        building.platform.start()


@pytest.mark.long
def test_a_phone_whose_connection_was_lost_is_bound_by_its_new_one_alone(buildings: Buildings) -> None:
    """By both it would be rung twice. Two connections that stand are two."""

    def work(building: Building) -> None:
        site, (user,) = building.site, users(GUEST)
        contact = f"<sip:{user.extension}@{site.phone_ip(GUEST_IP)}:5060;transport=tcp>;expires=60"
        own = f"<sip:{user.extension}@{REALM}>"

        def register(phone: RawPhone) -> None:
            answer = phone.ask("REGISTER", f"sip:{REALM}", {"To": own, "From": f"{own};tag=a", "Contact": contact})
            assert status(answer) == 200

        def connected() -> RawPhone:
            phone = RawPhone(site.phones, site.phone_ip(GUEST_IP), user, PROXY, REALM, transport="tcp")
            register(phone)
            return phone

        def bound(*phones: RawPhone) -> int:
            uris = site.bindings()[user.extension]
            return sum(f"~{phone.port}~" in uri for uri in uris for phone in phones)

        def bound_alone(phone: RawPhone, before: RawPhone) -> bool:
            register(phone)  # the edge may not have heard yet that the connection before is gone
            return bound(phone, before) == 1

        for _ in in_both_modes(building):
            one = connected()
            one.close()
            with connected() as two:
                site.wait(lambda one=one, two=two: bound_alone(two, one), LOST_S, "bound once")  # type: ignore[misc]
                with connected() as three:
                    assert bound(two, three) == 2

    buildings.each(work)


def test_several_contacts_ring_and_one_answers(buildings: Buildings) -> None:
    def work(building: Building) -> None:
        with building.sipp(TWIN_IP).answer(users(1002), ring_ms=None, refresh_s=REFRESH_S) as twin:
            twin.wait_registered(STEP_S)
            assert len(building.site.bindings()["1002"]) == 2
            for rung, _ in enumerate(in_both_modes(building), 1):
                building.call((1001, 1002))
                building.site.wait(
                    lambda rung=rung: [call.code for call in twin.calls()] == [487] * rung,  # type: ignore[misc]
                    STEP_S,
                    "the other phone rung, and cancelled",
                )

    buildings.each(work)


def test_both_transports_in_one_call(buildings: Buildings) -> None:
    def work(building: Building) -> None:
        by_tcp = building.sipp(TCP_IP, "tcp")
        with by_tcp.answer(users(TCP_PHONE), refresh_s=REFRESH_S) as phone:
            phone.wait_registered(STEP_S)
            for _ in in_both_modes(building):
                building.call((1001, TCP_PHONE))
                (call,) = by_tcp.call(dials((TCP_PHONE, 1002)))
                assert call.completed

    buildings.each(work)


def test_unregistering_leaves_no_binding(buildings: Buildings) -> None:
    def work(building: Building) -> None:
        guest, extension = building.sipp(GUEST_IP), str(GUEST)
        for mode in in_both_modes(building):
            for contact in (None, "*"):
                (came,) = guest.register(users(GUEST))
                assert (came.code, extension in building.site.bindings()) == (200, True)
                (went,) = guest.register(users(GUEST), expires_s=0, contact=contact)
                assert went.code == 200
                # A contact that waits to be written to disk is listed for a second more, as deleted.
                building.site.wait(lambda: extension not in building.site.bindings(), STEP_S, f"{extension} gone")
                if mode == "NORMAL":
                    assert extension not in building.platform.registrations()

    buildings.each(work)


def test_phones_behind_nat(buildings: Buildings) -> None:
    def work(building: Building) -> None:
        net, label = building.net, building.registration
        inside = building.behind_nat(ROUTER_IP)
        phones: list[Phone] = []
        kinds = (("udp", Baresip), ("tcp", Linphone))
        for number, (extension, (transport, make)) in enumerate(zip(INSIDE, kinds, strict=True)):
            host = net.host(f"nat{number}-{label}")
            inside.join(host, "eth0", f"192.168.1.{10 + number}/24")
            host.route("default", "192.168.1.1")
            account = Account(str(extension), password(str(extension)), REALM, PROXY, transport)
            phones.append(make(host, f"192.168.1.{10 + number}", account, 440 + 200 * number))
            phones[-1].start()
        building.desks = tuple(phones)
        for phone in phones:
            phone.wait_registered(STEP_S)
        for _ in in_both_modes(building):
            building.call(*((1001, extension) for extension in INSIDE))
            building.talk()
            building.hang_up()
        for phone in phones:
            phone.stop()

    buildings.each(work)


def test_refreshes_are_answered_here_while_the_platform_holds_them() -> None:
    with open_buildings(2) as buildings:

        def work(building: Building) -> None:
            quick = building.sipp(TWIN_IP).answer(users(1003, 4), refresh_s=QUICK_REFRESH_S)
            quick.wait_registered(STEP_S)
            building.site.calls.kill()  # asks for one of them now and then
            before = building.platform.seen()["REGISTER"]
            time.sleep(WATCHED_S)
            assert building.platform.seen()["REGISTER"] == before
            assert len(building.site.bindings()) == 6

        buildings.each(work)


def test_a_short_expiry_of_the_platform_is_kept() -> None:
    with open_buildings(2, max_expires_s=PLATFORM_EXPIRES_S) as buildings:

        def work(building: Building) -> None:
            before = building.platform.seen()["REGISTER"]
            building.site.wait(
                lambda: building.platform.seen()["REGISTER"] > before, PLATFORM_EXPIRES_S, "a refresh in good time"
            )
            assert set(building.platform.registrations()) == {"1001", "1002"}

        buildings.each(work)


def test_a_platform_that_wants_longer_expiries() -> None:
    """It refuses with 423 (RFC 3261 §10.3); the phones, which never hear of its terms, are registered all the same."""
    with open_buildings(0, min_expires_s=MIN_EXPIRES_S, configuration={"platform": {"expires_s": 60}}) as buildings:

        def work(building: Building) -> None:
            with building.sipp(TWIN_IP).answer(users(1001, 2), refresh_s=REFRESH_S) as crowd:
                crowd.wait_registered(STEP_S)
                building.call_by_platform((1001, 1002))
                for bindings in building.platform.registrations().values():
                    assert bindings[0].expires_s > MIN_EXPIRES_S / 2

        buildings.each(work)
