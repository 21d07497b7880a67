"""A platform that comes back having forgotten every registration: no call that crosses the unit fails for it, and it is
told of each phone again, of those whose secret is here at once."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from callcontrol.digest import ha1
from firmware.store import Credential, Directory
from hil.platform import Binding
from hil.site import REALM, SETTLED_AT, password
from tests.wire.conftest import FIRST, REGISTER_S, STEP_S, Building, Buildings, dials, open_buildings, users

pytestmark = [pytest.mark.wire, pytest.mark.timeout(300)]

SELDOM_IP, SELDOM, COUNT, SELDOM_S = 13, 1011, 6, 14.0
"""Phones that come again as seldom as they may."""
CROWD = 4
AT_ONCE_S = 10.0
"""On a busy machine; by themselves the last would be back after 14 s and more."""
NOTICED_S = 40.0
"""Two canaries and what follows."""
RATE = 6.0
PAIRS = ((1001, 1002), (1003, SELDOM), (SELDOM + 1, 1004), (SELDOM + 2, SELDOM + 3))
STRANGER, WRONG = str(SELDOM), str(SELDOM + COUNT - 1)


@pytest.fixture
def buildings() -> Iterator[Buildings]:
    known = [str(FIRST + n) for n in range(20)]
    modes = {extension: 4 if extension == STRANGER else 1 for extension in known}
    with open_buildings(CROWD, credentials=modes) as made:
        yield made


def register_seldom(building: Building) -> None:
    phones = building.sipp(SELDOM_IP).answer(users(SELDOM, COUNT), refresh_s=SELDOM_S)
    phones.wait_registered(STEP_S)


def contacts(held: dict[str, list[Binding]]) -> dict[str, set[tuple[str, str | None]]]:
    """All that does not pass with time."""
    return {extension: {(one.contact, one.path) for one in bindings} for extension, bindings in held.items()}


def give_wrong_secret(building: Building, extension: str) -> None:
    directory = Directory.open(building.site.paths.directory)
    wrong = ha1(extension, REALM, "not " + password(extension), "md5")
    directory.put_credential(Credential(extension, 2, wrong, None, REALM, extension, SETTLED_AT))
    directory.close()


@pytest.mark.long
def test_after_a_death_phones_with_a_secret_are_told_of_at_once(buildings: Buildings) -> None:
    def work(building: Building) -> None:
        site, platform = building.site, building.platform
        register_seldom(building)
        before = contacts(platform.registrations())
        platform.kill()
        site.wait_mode("SURVIVAL", STEP_S)
        give_wrong_secret(building, WRONG)
        building.call(*PAIRS[:2])
        calls = building.caller.place(dials(*PAIRS), rate=RATE, count=150)
        platform.start()
        site.wait_back(STEP_S)
        at_once = before.keys() - {STRANGER, WRONG}
        site.wait(lambda: at_once <= platform.registrations().keys(), AT_ONCE_S, "phones told of by the unit")
        site.wait(lambda: contacts(platform.registrations()) == before, REGISTER_S + STEP_S, "the very same contacts")
        site.wait_mode("NORMAL", REGISTER_S + STEP_S)
        assert [call for call in calls.wait() if not call.completed] == []
        building.call_by_platform(*PAIRS)
        assert contacts(platform.registrations()) == before

    buildings.each(work)


@pytest.mark.long
def test_a_restart_that_nobody_saw_is_noticed(buildings: Buildings) -> None:
    def work(building: Building) -> None:
        site, platform = building.site, building.platform
        register_seldom(building)
        building.call_by_platform(*PAIRS)
        before = contacts(platform.registrations())
        at_once = before.keys() - {STRANGER}
        calls = building.caller.place(dials(*PAIRS), rate=RATE, count=150)
        for _ in range(2):
            platform.restart()
            site.wait(lambda: at_once <= platform.registrations().keys(), NOTICED_S, "phones told of by the unit")
        site.wait(lambda: contacts(platform.registrations()) == before, REGISTER_S + STEP_S, "all, the very same")
        assert [call for call in calls.wait() if not call.completed] == []

    buildings.each(work)


def test_a_phone_that_was_closed_is_rung_until_it_has_been_refused(buildings: Buildings) -> None:
    def work(building: Building) -> None:
        site, platform = building.site, building.platform
        caller, callee = PAIRS[0]
        platform.close(str(callee))
        building.call((caller, callee))  # it may have been forgotten: nobody can know yet
        site.wait(lambda: site.table("closed"), STEP_S, "its registration refused")
        rung = len(building.crowd.calls())
        assert [call.code for call in building.caller.call(dials((caller, callee)))] == [404]
        assert len(building.crowd.calls()) == rung
        building.call((callee + 1, caller))
        assert site.table("doubts") == {"all": 1}, "what is refused all day does not have all phones said again"

    buildings.each(work)
