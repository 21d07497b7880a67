"""Groups of pick-up and codes, in SURVIVAL: calls that the unit leads, with real phones."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import pytest

from callcontrol.records import Way
from hil.phone.baresip import Baresip
from hil.phone.linphone import Linphone
from hil.phone.raw import RawPhone, header, status
from hil.phone.sipp import User
from hil.site import PROXY, REALM, Site, password
from tests.wire import housed
from tests.wire.conftest import STEP_S
from tests.wire.housed import Desk, Real, in_survival

pytestmark = [pytest.mark.wire, pytest.mark.timeout(240)]

CALLER, RINGS, MATE, PLAIN = "1001", "1002", "1003", "1004"
MUSIC_HZ = 900.0
GROUP = f"[pick_up.bygg]\nentity = 'e'\nextensions = ['{RINGS}', '{MATE}']\n"
PICK_UP, PARK, FETCH, CALL_BACK, CAMP_ON = "*8%23", "*70*1", "%2370*1%23", f"*37*{PLAIN}", f"*4*{PLAIN}"
"""The last # is left out where baresip would not send it."""
DESKS = (
    Desk(CALLER, Baresip, 500.0),
    Desk(RINGS, Baresip, 700.0, options={"answers": False}),
    Desk(MATE, Linphone, 1100.0),
    Desk(PLAIN, Baresip, 1500.0, options={"settings": "call_max_calls 1\n"}),
)


class House(housed.House):
    """`caller` and `plain` are in no group. `rings` lifts never, `mate` and `plain` at once."""

    def __init__(self, site: Site, phones: Mapping[str, Real]) -> None:
        super().__init__(site, phones)
        caller, rings, mate, plain = phones.values()
        assert isinstance(caller, Baresip)
        assert isinstance(rings, Baresip)
        assert isinstance(mate, Linphone)
        assert isinstance(plain, Baresip)
        self.caller, self.rings, self.mate, self.plain = caller, rings, mate, plain

    @contextmanager
    def lifting(self, phone: Baresip) -> Iterator[None]:
        phone.answers = True
        yield
        phone.answers = False

    def plain_is_busy(self) -> None:
        """With a call that the edge carries."""
        self.dials(self.caller, PLAIN, self.plain)
        self.caller.wait_established(STEP_S)
        self.plain.wait_established(STEP_S)
        assert not self.site.table("legs")


@pytest.fixture(scope="module")
def house() -> Iterator[House]:
    ringing: dict[str, dict[str, object]] = {"survival": {"signal_s": 5, "ring_signals": 4}}
    with in_survival("rvled", DESKS, GROUP, music_hz=MUSIC_HZ, configuration=ringing) as (site, phones):
        site.wait(lambda: site.table("ask").get(RINGS) == "led", STEP_S, "known to the edge")
        yield House(site, phones)


def test_a_call_of_the_group_is_picked_up(house: House) -> None:
    before = house.records().keys()
    house.dials(house.caller, RINGS, house.rings)
    house.mate.dial(PICK_UP)
    house.caller.wait_established(STEP_S)
    house.mate.wait_established(STEP_S)
    house.rings.wait_closed(STEP_S)
    house.talk(house.caller, house.mate)
    house.caller.hang_up()
    house.mate.wait_closed(STEP_S)
    house.all_over()
    house.site.wait(lambda: len(house.records().keys() - before) >= 2, STEP_S, "recorded")
    made = [record for call_id, record in house.records().items() if call_id not in before]
    assert sorted((one.caller, one.callee, one.way) for one in made) == [
        (house.caller.account.extension, RINGS, Way.LOCAL),
        (MATE, PICK_UP, Way.LOCAL),
    ], "each once: what rang for the first is no call of its own"


def test_a_call_that_the_edge_carries_is_parked_by_a_transfer_and_fetched(house: House) -> None:
    house.plain_is_busy()
    house.caller.transfer(PARK)
    house.caller.wait_closed(STEP_S)
    house.site.wait(lambda: len(house.site.table("legs")) == 1, STEP_S, "it waits")
    house.hears(house.plain, MUSIC_HZ)
    house.mate.dial(FETCH)
    house.mate.wait_established(STEP_S)
    house.talk(house.mate, house.plain)
    house.mate.hang_up()
    house.mate.wait_closed(STEP_S)
    house.all_over()
    house.plain.wait_closed(STEP_S)


def test_calls_that_are_led_end_when_calls_dies_and_no_others(house: House) -> None:
    house.plain_is_busy()
    house.dials(house.rings, MATE, house.mate)
    house.rings.wait_established(STEP_S)
    house.mate.wait_established(STEP_S)
    assert len(house.site.table("legs")) == 2
    house.calls_dies()
    house.calls_begins_anew()
    house.rings.wait_closed(STEP_S)
    house.mate.wait_closed(STEP_S)
    house.all_over()
    house.talk(house.caller, house.plain)
    house.caller.hang_up()
    house.plain.wait_closed(STEP_S)


@pytest.mark.long
def test_a_call_that_is_led_outlives_the_edge_and_who_hangs_up_is_heard(house: House) -> None:
    house.dials(house.rings, MATE, house.mate)
    house.rings.wait_established(STEP_S)
    house.mate.wait_established(STEP_S)
    house.edge_begins_anew()
    house.calls_listens_again()
    house.talk(house.rings, house.mate)
    house.mate.hang_up()
    house.rings.wait_closed(STEP_S)


@pytest.mark.long
@pytest.mark.parametrize("first", ["edge", "calls"])
def test_calls_that_are_led_end_when_the_edge_has_died_too(house: House, first: str) -> None:
    """The edge before `calls`, or while that is dead: its table of them is gone."""
    house.dials(house.rings, MATE, house.mate)
    house.rings.wait_established(STEP_S)
    house.mate.wait_established(STEP_S)
    if first == "edge":
        house.edge_begins_anew()
        house.calls_listens_again()
        house.calls_dies()
    else:
        house.calls_dies()
        house.edge_begins_anew()
    house.calls_begins_anew()
    house.rings.wait_closed(STEP_S)
    house.mate.wait_closed(STEP_S)
    house.all_over()


@pytest.mark.long
def test_a_call_that_is_led_is_picked_up_at_its_extension_parked_by_a_transfer_and_fetched(house: House) -> None:
    """`calls` gets the REFER of a call that it leads."""
    house.dials(house.rings, MATE, house.mate)
    house.mate.wait_established(STEP_S)
    house.rings.wait_established(STEP_S)
    house.talk(house.rings, house.mate)
    house.rings.transfer(PARK)
    house.rings.wait_closed(STEP_S)
    house.caller.dial(FETCH)
    house.caller.wait_established(STEP_S)
    house.talk(house.caller, house.mate)
    house.caller.hang_up()
    house.mate.wait_closed(STEP_S)
    house.all_over()
    house.dials(house.caller, RINGS, house.rings)
    house.mate.dial(f"*8*{RINGS}%23")
    house.mate.wait_established(STEP_S)
    house.caller.wait_established(STEP_S)
    house.talk(house.caller, house.mate)
    house.mate.hang_up()
    house.caller.wait_closed(STEP_S)
    house.all_over()


@pytest.mark.long
def test_who_wants_to_be_unknown_is_so_when_its_call_is_led(house: House) -> None:
    uri = f"sip:{RINGS}@{REALM}"
    user = User(CALLER, password(CALLER))
    with RawPhone(house.site.phones, house.site.phone_ip(40), user, PROXY, REALM) as phone:
        lines = {
            "Call-ID": os.urandom(8).hex(),
            "From": f'"Anonymous" <sip:anonymous@anonymous.invalid>;tag={os.urandom(4).hex()}',
            "Privacy": "id",
        }
        challenge = phone.final(phone.request("INVITE", uri, lines))
        assert status(challenge) == 407
        lines["Proxy-Authorization"] = phone.authorization(challenge, "INVITE", uri)
        since = time.monotonic()
        invite = phone.request("INVITE", uri, lines)
        house.site.wait(lambda: (house.rings.call.ringing_at or 0.0) > since, STEP_S, "rung")
        assert "anonymous" in house.rings.call.peer
        house.rings.hang_up()
        assert status(phone.final(invite, STEP_S)) == 486
    house.rings.wait_closed(STEP_S)
    house.all_over()


@pytest.mark.long
def test_a_call_that_is_led_rings_on_by_the_edge_when_calls_dies(house: House) -> None:
    user = User(RINGS, password(RINGS))
    with RawPhone(house.site.phones, house.site.phone_ip(41), user, PROXY, REALM) as beside:
        assert status(beside.register()) == 200
        house.dials(house.caller, RINGS, house.rings)
        by_calls = beside.called()
        beside.respond(by_calls, "180 Ringing")
        house.calls_dies()
        try:
            cancel = beside.called("CANCEL", STEP_S)  # no phone rings twice
            assert header(cancel, "Call-ID") == header(by_calls, "Call-ID")
            beside.respond(cancel, "200 OK")
            beside.respond(by_calls, "487 Request Terminated")
            beside.forget()
            by_edge = beside.called(timeout_s=STEP_S)
            assert header(by_edge, "Call-ID") != header(by_calls, "Call-ID")
            beside.respond(by_edge, "180 Ringing")
            assert house.caller.call.closed_at is None
        finally:
            house.calls_begins_anew()
        house.caller.hang_up()
        house.caller.wait_closed(STEP_S)
        beside.respond(beside.called("CANCEL", STEP_S), "200 OK")
        beside.respond(by_edge, "487 Request Terminated")
        assert status(beside.register(0)) == 200
    house.all_over()


@pytest.mark.long
def test_who_waits_for_a_busy_phone_has_it_when_it_is_free(house: House) -> None:
    house.plain_is_busy()
    house.mate.dial(CAMP_ON)
    house.site.wait(lambda: house.site.table("waited") == {PLAIN: 1}, STEP_S, "waited for")
    house.caller.hang_up()
    house.mate.wait_established(STEP_S)
    house.talk(house.mate, house.plain)
    house.mate.hang_up()
    house.plain.wait_closed(STEP_S)
    house.all_over()
    house.site.wait(lambda: not house.site.table("waited"), STEP_S, "nobody is waited for")


@pytest.mark.long
def test_who_has_ordered_it_is_called_back_when_a_phone_is_free(house: House) -> None:
    """`calls` has begun anew meanwhile."""
    house.plain_is_busy()
    house.rings.dial(CALL_BACK)
    assert "Återuppringning beställd" in house.rings.wait_closed(STEP_S).reason
    house.site.wait(lambda: house.site.table("backs"), STEP_S, "kept")
    assert house.site.table("waited") == {PLAIN: 1}
    house.calls_dies()
    house.calls_begins_anew()
    with house.lifting(house.rings):
        house.caller.hang_up()
        house.site.wait(lambda: len(house.site.table("legs")) == 2, STEP_S, "called back")
    house.talk(house.rings, house.plain)
    house.plain.hang_up()
    house.rings.wait_closed(STEP_S)
    house.all_over()
