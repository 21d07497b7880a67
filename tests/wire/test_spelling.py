"""What a phone writes in another way, or in another's name: it is read as it is meant, no more of it is noted than may
be, and nobody else is believed to have said it. The platform is one that takes whatever it is sent."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime

import pytest

from callcontrol.plan.number import LocalNumbering
from firmware.store.people import People
from hil.net import Net
from hil.phone.raw import RawPhone, authorization, status
from hil.phone.scripted import Centre
from hil.phone.sipp import User
from hil.site import PLATFORM_IP, PROXY, REALM, Site, password
from hil.told import load_staff, staff
from tests.wire.conftest import STEP_S

pytestmark = [pytest.mark.wire, pytest.mark.timeout(120)]

CALLER, OTHER = "1001", "1002"
PIN = "135790"
SICK = "*23*9%23"
SECRET = (f"%2A76%2A{PIN}%23", f"%2a74%2a{PIN}%2a654123%23")
KNOWN_S, LOOKED_S = 4.0, 2.5
ANSWERS = ((0.0, 100), (0.1, 200))
HEARD = ((0.0, 100), (0.1, 183), (2.5, 200))
CHALLENGE = 'SIP/2.0 407 Who\r\nProxy-Authenticate: Digest realm="kommun.example", nonce="n", algorithm=MD5\r\n\r\n'


class House:
    def __init__(self, site: Site, phone: RawPhone, platform: Centre) -> None:
        self.site, self.phone, self.platform = site, phone, platform

    def dials(self, code: str, caller: str = CALLER, accounts: tuple[str, ...] = ()) -> None:
        """And hangs up when it is answered. `accounts`: whose credentials it shows."""
        uri, phone = f"sip:{code}@{REALM}", self.phone
        lines = {"Call-ID": f"spelled-{time.monotonic()}", "From": f"<sip:{caller}@{REALM}>;tag=1"}
        for name, account in zip(("Proxy-Authorization", "Authorization"), accounts, strict=False):
            lines[name] = authorization(CHALLENGE, "INVITE", uri, User(account, password(account)), REALM)
        answer = phone.final(phone.request("INVITE", uri, lines))
        assert status(answer) == 200
        phone.within("ACK", uri, answer)
        phone.final(phone.within("BYE", uri, answer))

    def reason(self, extension: str) -> str | None:
        with closing(People.open(self.site.paths.directory, self.site.paths.journal, LocalNumbering())) as people:
            absent = people.absent(extension, datetime.now(UTC))
        return absent.reason if absent else None

    def said(self) -> bytes:
        """All that stands in files and logs."""
        folders = (self.site.paths.journal.parent, self.site.host.directory)
        return b"".join(file.read_bytes() for folder in folders for file in folder.rglob("*") if file.is_file())


@pytest.fixture(scope="module")
def house() -> Iterator[House]:
    with Net("rvspell") as net:
        users = {number: password(number) for number in (CALLER, OTHER)}
        configuration: dict[str, dict[str, object]] = {
            "announcing": {"languages": []},
            "codes": {"observed": "heard"},
        }
        site = Site(net, users=users, configuration=configuration)
        load_staff(site.paths, staff(list(users)))
        site.start()
        try:
            with RawPhone(site.phones, site.phone_ip(30), User(CALLER, password(CALLER)), PROXY, REALM) as phone:
                assert status(phone.register()) == 200
                site.platform.kill()
                with Centre(site.platform_host, PLATFORM_IP, ANSWERS) as platform:
                    site.wait_mode("NORMAL", STEP_S)
                    yield House(site, phone, platform)
        finally:
            site.stop()


def test_112_is_known_however_it_is_spelled(house: House) -> None:
    uri = f"sip:%311%32@{REALM}"
    lines = {"Call-ID": f"sos-{time.monotonic()}", "From": f"<sip:{CALLER}@{REALM}>;tag=1"}
    answer = house.phone.final(house.phone.request("INVITE", uri, lines))
    assert status(answer) == 200
    house.phone.within("ACK", uri, answer)
    house.phone.final(house.phone.within("BYE", uri, answer))
    assert house.platform.seen("INVITE")[-1].message.startswith("INVITE sip:112@")

    def noted() -> bool:
        with closing(house.site.journal()) as journal:
            return any(one.emergency and one.callee == "112" for one in journal.records(10))

    house.site.wait(noted, STEP_S, "recorded as 112")


@pytest.mark.parametrize("accounts", [(), (CALLER,), (CALLER, OTHER), (OTHER, CALLER)])
def test_a_code_is_not_believed_of_whom_the_platform_has_not_heard(house: House, accounts: tuple[str, ...]) -> None:
    """Who calls from 1001's phone, with its account, says to be 1002."""
    house.dials(SICK, OTHER, accounts)
    time.sleep(LOOKED_S)
    assert house.reason(OTHER) is None


@pytest.mark.parametrize("accounts", [(), (CALLER,)])
def test_it_is_believed_of_whom_it_has_heard(house: House, accounts: tuple[str, ...]) -> None:
    house.dials(SICK, CALLER, accounts)
    house.site.wait(lambda: house.reason(CALLER) == "sick", KNOWN_S, "known")
    house.dials("%2323%23", CALLER, accounts)
    house.site.wait(lambda: house.reason(CALLER) is None, KNOWN_S, "known")


def test_what_is_first_heard_and_then_answered_is_done_once(house: House) -> None:
    def done() -> int:
        log = (house.site.host.directory / "calls.log").read_text()
        return log.count("kind=code_observed") + log.count("kind=code_not_ours")

    before = done()
    house.platform.script = HEARD
    house.dials(SICK)
    house.platform.script = ANSWERS
    time.sleep(LOOKED_S)
    assert done() == before + 1


def test_a_pin_is_not_noted_however_its_code_is_spelled(house: House) -> None:
    for code in SECRET:
        house.dials(code)
    house.platform.stop()
    house.site.wait_mode("SURVIVAL", STEP_S)
    for code in SECRET:
        assert status(house.phone.ask("INVITE", f"sip:{code}@{REALM}")) >= 400

    def noted() -> set[str]:
        with closing(house.site.journal()) as journal:
            return {one.callee for one in journal.records(20)}

    house.site.wait(lambda: {"*76", "*74"} <= noted(), STEP_S, "recorded, by how it begins")
    assert PIN.encode() not in house.said()
