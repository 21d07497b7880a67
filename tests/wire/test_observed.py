"""Codes that are dialled on a good day: the platform does them, and the branch knows it at once (C8)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime

import pytest

from callcontrol.plan.absence import Absent, Source
from callcontrol.plan.model import Condition
from callcontrol.plan.number import LocalNumbering
from firmware.store.people import People
from hil.net import Net
from hil.phone import Account
from hil.phone.baresip import Baresip
from hil.phone.scripted import Centre
from hil.site import PROXY, REALM, Site, password
from hil.told import load_staff, staff
from tests.wire.conftest import STEP_S
from tests.wire.test_emergency import OUTSIDE_IP

pytestmark = [pytest.mark.wire, pytest.mark.timeout(120)]

CALLER, OTHER = "1001", "1002"
KNOWN_S = 3.0
DOES = ((0.0, 100), (0.1, 200))
REFUSES = ((0.0, 100), (0.1, 603))
PIN = "135790"


class House:
    def __init__(self, site: Site, phone: Baresip, platform: Centre) -> None:
        self.site, self.phone, self.platform = site, phone, platform

    def dial(self, code: str) -> None:
        """Until the platform has said what it says to it."""
        before = len(self.platform.seen("INVITE"))
        self.phone.dial(code.replace("#", "%23"))
        self.site.wait(lambda: len(self.platform.seen("INVITE")) > before, STEP_S, "dialled")
        if self.platform.script is DOES:
            self.phone.wait_established(STEP_S)
            self.phone.hang_up()
        self.phone.wait_closed(STEP_S)

    def absent(self, extension: str = CALLER) -> Absent | None:
        with closing(self.people) as people:
            return people.absent(extension, datetime.now(UTC))

    def forwarded(self) -> dict[Condition, str | None]:
        with closing(self.people) as people:
            return {one.condition: one.target for one in people.forwardings(CALLER)}

    @property
    def people(self) -> People:
        return People.open(self.site.paths.directory, self.site.paths.journal, LocalNumbering())


@pytest.fixture(scope="module")
def house() -> Iterator[House]:
    with Net("rvseen") as net:
        users = {number: password(number) for number in (CALLER, OTHER)}
        site = Site(net, users=users, outside=f"sip:{OUTSIDE_IP}:5060", configuration={"announcing": {"languages": []}})
        site.platform_host.address("line", f"{OUTSIDE_IP}/24")
        load_staff(site.paths, staff(list(users)))
        site.start()
        try:
            with Centre(site.platform_host, OUTSIDE_IP, DOES) as platform:
                host, ip = net.host("desk"), "10.98.0.31"
                site.switch.join(host, "eth0", f"{ip}/24")
                phone = Baresip(host, ip, Account(CALLER, password(CALLER), REALM, PROXY), 500.0)
                phone.start()
                try:
                    phone.wait_registered(STEP_S)
                    yield House(site, phone, platform)
                finally:
                    phone.stop()
        finally:
            site.stop()


def test_what_the_platform_does_is_known_here(house: House) -> None:
    house.platform.script = DOES
    house.dial("*23*9#")
    house.site.wait(lambda: house.absent() is not None, KNOWN_S, "known")
    absent = house.absent()
    assert absent is not None
    assert (absent.reason, absent.source, absent.back_at) == ("sick", Source.PLATFORM, None)
    house.dial(f"*21*{OTHER}#")
    house.site.wait(lambda: house.forwarded() == {Condition.FOLLOW_ME: OTHER}, KNOWN_S, "known")
    house.dial("#21#")
    house.site.wait(lambda: house.forwarded() == {}, KNOWN_S, "known")
    house.dial("#23#")
    house.site.wait(lambda: house.absent() is None, KNOWN_S, "known")
    assert house.site.table("codes") == {}, "and taken away"


def test_what_the_platform_refuses_is_not(house: House) -> None:
    house.platform.script = REFUSES
    house.dial("*23*9#")
    house.platform.script = DOES
    house.dial(f"*74*{PIN}*654123#")  # of which nothing stands anywhere
    assert house.site.table("codes") == {}
    house.dial("*27#")
    house.site.wait(lambda: Condition.DO_NOT_DISTURB in house.forwarded(), KNOWN_S, "known")
    assert house.absent() is None
    house.dial("#27#")
    house.site.wait(lambda: house.forwarded() == {}, KNOWN_S, "known")
    logs = b"".join(file.read_bytes() for file in house.site.paths.journal.parent.rglob("*") if file.is_file())
    assert PIN.encode() not in logs


def test_it_holds_when_the_platform_is_gone_and_what_calls_had_no_time_for_is_read_by_the_next(house: House) -> None:
    house.site.calls.kill()
    house.dial("*23*9#")
    assert len(house.site.table("codes")) == 1
    assert house.absent() is None
    house.site.platform.kill()
    house.site.wait_mode("SURVIVAL", STEP_S)
    house.site.calls.start()
    house.site.wait(lambda: house.absent() is not None, STEP_S, "known")
    house.site.wait(lambda: house.site.table("ask").get(CALLER) == "ask", STEP_S, "known to the edge")
