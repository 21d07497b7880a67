"""The way back: a platform that has forgotten everybody, one that comes and goes, calls that were begun without it."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from tests.wire.conftest import STEP_S, Building, Buildings, dials, open_buildings, users

pytestmark = [pytest.mark.wire, pytest.mark.timeout(300)]

HOLD_DOWN_S, HOLD_DOWN_MAX_S = 2, 4
LATE_IP, LATE, LATE_REFRESH_S = 13, 1011, 11.0
"""Phones that come again when others have long been confirmed."""
RATE, AT_ONCE = 6.0, 18
"""Calls a second, and how many between two looks at the mode."""
UP_MS = 25_000
RETURNED_S = 90.0
EVERY_WHICH_WAY = (
    (1001, 1002),
    (1003, LATE),
    (LATE + 1, 1004),
    (LATE + 2, LATE + 3),
    (1005, 1006),
)


@pytest.fixture
def buildings() -> Iterator[Buildings]:
    returning: dict[str, object] = {"hold_down_s": HOLD_DOWN_S, "hold_down_max_s": HOLD_DOWN_MAX_S}
    with open_buildings(sound=("udp", "udp"), configuration={"returning": returning}) as made:
        yield made


def test_no_call_fails_while_the_platform_returns(buildings: Buildings) -> None:
    def work(building: Building) -> None:
        site = building.site
        with building.sipp(LATE_IP).answer(users(LATE, 4), refresh_s=LATE_REFRESH_S) as late:
            late.wait_registered(STEP_S)
            building.platform.kill()
            site.wait_mode("SURVIVAL", STEP_S)
            building.talk()
            up = building.caller.place(dials((1007, 1008), (1009, LATE)), hold_ms=UP_MS)
            building.platform.start()
            until, seen = time.monotonic() + RETURNED_S, set()
            while (mode := site.mode()) != "NORMAL":
                assert time.monotonic() < until, (mode, site.log())
                seen.add(mode)
                calls = building.caller.call(dials(*EVERY_WHICH_WAY), rate=RATE, count=AT_ONCE)
                assert [call for call in calls if not call.completed] == []
            assert seen >= {"SURVIVAL"}
            building.call(*EVERY_WHICH_WAY)

            building.wait_sound()
            building.hang_up(who=1)
            assert [call.completed for call in up.wait()] == [True, True]
            building.call_by_platform(*EVERY_WHICH_WAY)
            held = set(building.platform.registrations())
            assert held == set(site.bindings()), "the platform knows every phone again, and nobody touched one"

    buildings.each(work)


@pytest.mark.long
def test_hold_down_doubles_for_a_platform_that_comes_and_goes(buildings: Buildings) -> None:
    def work(building: Building) -> None:
        site = building.site
        held = []
        for hold_down_s in (HOLD_DOWN_S, 2 * HOLD_DOWN_S, HOLD_DOWN_MAX_S):
            building.platform.kill()
            site.wait_mode("SURVIVAL", STEP_S)
            site.wait(lambda: site.status()["mode"] == "SURVIVAL", STEP_S, "status that says so")
            held.append(site.status()["hold_left_s"])
            assert held[-1] <= hold_down_s
            building.call((1001, 1002), (1003, 1004))
            building.platform.start()
            site.wait_back(HOLD_DOWN_MAX_S + STEP_S)
        assert held[0] <= HOLD_DOWN_S < held[1]
        building.call((1001, 1002), (1003, 1004))

    buildings.each(work)
