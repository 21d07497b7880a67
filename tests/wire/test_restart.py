"""Every process of the unit starts anew while calls come, ring and are up: none of them is lost."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from hil.death import restarts
from hil.platform.daemon import Daemon
from tests.wire.conftest import STEP_S, Building, Buildings, dials, open_buildings, users

pytestmark = [pytest.mark.wire, pytest.mark.timeout(300)]

PAIRS = ((1001, 1002), (1003, 1004), (1005, 1006))
SLOW, SLOW_IP, RINGS_MS = 1011, 13, 3000
MANY = 50
RECONNECTED_S = 60.0
TOLD_TIMES, GONE_S = 12, 10.0


@pytest.fixture(scope="module")
def two() -> Iterator[Buildings]:
    with open_buildings(6, sound=("tcp", "udp")) as made:
        yield made


@pytest.fixture
def buildings(two: Buildings) -> Iterator[Buildings]:
    yield two
    for building in two.both:
        for desk in building.desks:
            desk.hang_up()  # where a test failed in the middle


def test_no_call_is_lost(buildings: Buildings) -> None:
    def work(building: Building) -> None:
        site = building.site
        programs: list[Daemon] = [site.edge, site.unit, site.calls]
        slow = building.sipp(SLOW_IP).answer(users(SLOW), ring_ms=RINGS_MS, refresh_s=4)
        slow.wait_registered(STEP_S)
        building.talk()
        ringing = building.sipp(14).place(dials((1001, SLOW)), count=3, rate=0.5, hold_ms=300)
        done = restarts(site, [*programs, *programs], building.caller, dials(*PAIRS), building.crowd)
        assert len(done.calls) >= MANY
        assert done.lost == []
        assert [call for call in ringing.wait() if not call.completed] == [], "a call that rang"
        building.wait_sound()
        building.hang_up(who=1)
        slow.stop()

    buildings.each(work)


@pytest.mark.parametrize("who", [0, 1], ids=["tcp", "udp"])
def test_either_side_ends_a_call_that_was_up(buildings: Buildings, who: int) -> None:
    """By TCP too, whose connection was with the edge that is gone."""

    def work(building: Building) -> None:
        site = building.site
        site.wait(lambda: _answers(building, 1041), RECONNECTED_S, "the TCP phone, connected anew")
        building.talk()
        site.restart(site.edge)
        building.wait_sound()
        building.hang_up(who)

    buildings.each(work)


def test_a_tcp_phone_is_rung_at_once(buildings: Buildings) -> None:
    def work(building: Building) -> None:
        site = building.site
        site.wait(lambda: _answers(building, 1041), RECONNECTED_S, "the TCP phone, connected anew")
        site.restart(site.edge)
        building.call((1001, 1041))

    buildings.each(work)


def _answers(building: Building, extension: int) -> bool:
    return any(call.completed for call in building.caller.call(dials((1001, extension)), patience_ms=8000))


@pytest.mark.long
def test_an_edge_that_is_told_to_end_as_it_begins_is_soon_gone(buildings: Buildings) -> None:
    """Kamailio by itself waits a minute for a process that has missed it; the building is silent meanwhile."""
    edge = buildings.both[0].site.edge
    for _ in range(TOLD_TIMES):
        began = time.monotonic()
        edge.stop()
        assert time.monotonic() - began < GONE_S
        edge.start()
