"""Groups of pick-up and codes, in SURVIVAL: calls that the unit leads, with real phones."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from datetime import UTC, datetime

import pytest

from callcontrol.plan.number import LocalNumbering
from callcontrol.records import Record, Way
from firmware.store import organisation
from firmware.store.database import connect
from firmware.store.load import load
from hil.net import Net
from hil.phone import Account, Phone
from hil.phone.baresip import Baresip
from hil.phone.linphone import Linphone
from hil.phone.raw import RawPhone, header, status
from hil.phone.sipp import User
from hil.site import PROXY, REALM, Site, numbers, password
from hil.sound import holds, write_tone
from hil.told import staff
from tests.wire.conftest import STEP_S

pytestmark = [pytest.mark.wire, pytest.mark.timeout(240)]

CALLER, RINGS, MATE, PLAIN = "1001", "1002", "1003", "1004"
MUSIC_HZ, TUNE_S = 900.0, 2.0
STAFF = (CALLER, RINGS, MATE, PLAIN)
GROUP = f"[pick_up.bygg]\nentity = 'e'\nextensions = ['{RINGS}', '{MATE}']\n"
PICK_UP, PARK, FETCH, CALL_BACK, CAMP_ON = "*8%23", "*70*1", "%2370*1%23", f"*37*{PLAIN}", f"*4*{PLAIN}"
"""The last # is left out where baresip would not send it."""


class House:
    """`caller` and `plain` are in no group. `rings` lifts never, `mate` and `plain` at once."""

    def __init__(self, site: Site, phones: list[Phone]) -> None:
        self.site = site
        self.link = 0
        caller, rings, mate, plain = phones
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

    def dials(self, phone: Phone, code: str, *rings: Phone) -> None:
        """And it comes to these."""
        since = time.monotonic()
        phone.dial(code)
        for one in rings:
            self.site.wait(lambda one=one: (one.call.ringing_at or 0.0) > since, STEP_S, "rung")  # type: ignore[misc]

    def talk(self, one: Phone, other: Phone) -> None:
        """Both hear each other."""
        for ear, mouth in ((one, other), (other, one)):
            self.site.wait(lambda ear=ear, mouth=mouth: holds(ear.heard(), mouth.tone_hz), STEP_S, "talk")  # type: ignore[misc]

    def calls_dies(self) -> None:
        self.link = self.site.table("st")["link"]
        self.site.calls.kill()

    def calls_begins_anew(self) -> None:
        """And the edge hands calls over again."""
        self.site.calls.start()
        self.calls_listens_again()

    def calls_listens_again(self) -> None:
        self.site.wait(lambda: self.site.table("st")["link"] not in (0, self.link), STEP_S, "a connection of its own")

    def plain_is_busy(self) -> None:
        """With a call that the edge carries."""
        self.dials(self.caller, PLAIN, self.plain)
        self.caller.wait_established(STEP_S)
        self.plain.wait_established(STEP_S)
        assert not self.site.table("legs")

    def records(self) -> dict[str, Record]:
        """Of calls that have ended, by Call-ID."""
        with closing(self.site.journal()) as journal:
            return {record.call_id: record for record in journal.records(100) if record.ended_at is not None}

    def all_over(self) -> None:
        self.site.wait(lambda: not self.site.table("legs"), STEP_S, "no leg is left")


@pytest.fixture(scope="module")
def house() -> Iterator[House]:
    with Net("rvled") as net, ExitStack() as stack:
        (net.directory / "music").mkdir()
        tune = write_tone(net.directory / "music" / "tone.wav", MUSIC_HZ, TUNE_S)
        announcing: dict[str, object] = {"languages": [], "music": str(tune.parent)}
        site = Site(
            net,
            users=numbers(1001, 4),
            configuration={"announcing": announcing, "survival": {"signal_s": 5, "ring_signals": 4}},
        )
        with closing(connect(site.paths.directory, "directory")) as directory:
            load(directory, staff(STAFF), "rig", datetime.now(UTC))
            assert organisation.apply(directory, GROUP, LocalNumbering()).faults == ()
        site.start()
        stack.callback(site.stop)
        site.platform.kill()
        site.wait_mode("SURVIVAL", STEP_S)
        phones: list[Phone] = []
        for at, (number, hz) in enumerate(zip(STAFF, (500.0, 700.0, 1100.0, 1500.0), strict=True)):
            host, ip = net.host(f"desk{number}"), f"10.98.0.{30 + at}"
            site.switch.join(host, "eth0", f"{ip}/24")
            account = Account(number, password(number), REALM, PROXY)
            one_line = "call_max_calls 1\n" if number == PLAIN else ""
            phone: Phone = (
                Linphone(host, ip, account, hz)
                if number == MATE
                else Baresip(host, ip, account, hz, answers=number != RINGS, settings=one_line)
            )
            phone.start()
            stack.callback(phone.stop)
            phone.wait_registered(STEP_S)
            phones.append(phone)
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
    house.site.wait(lambda: holds(house.plain.heard(), MUSIC_HZ), STEP_S, "music")
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
@pytest.mark.parametrize("first", ["edge", "calls"])
def test_calls_that_are_led_end_when_the_edge_has_died_too(house: House, first: str) -> None:
    """The edge before `calls`, or while that is dead: its table of them is gone."""
    house.dials(house.rings, MATE, house.mate)
    house.rings.wait_established(STEP_S)
    house.mate.wait_established(STEP_S)
    if first == "edge":
        house.site.edge.kill()
        house.site.edge.start()
        house.calls_listens_again()
        house.calls_dies()
    else:
        house.calls_dies()
        house.site.edge.kill()
        house.site.edge.start()
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
