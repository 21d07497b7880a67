"""Slow platforms: whatever they take to their 100 and, apart, to the 180, a call rings once and is answered once."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.wire.conftest import STEP_S, Building, Buildings, dials, open_buildings, users

pytestmark = [pytest.mark.wire, pytest.mark.timeout(300)]

TIMES_S = (0.0, 0.2, 0.6, 1.0, 3.0, 10.0)
SOON = ((0.2, 0.2), (0.6, 0.0), (1.0, 3.0), (3.0, 0.6), (0.0, 6.0))
"""A few points of the matrix, one at least on each side of every timer."""
CALLEE_IP, CALLEES, RING_MS, HOLD_MS = 14, 1015, 1_500, 300
PATIENCE_MS = 60_000
PAIRS = ((1001, 1015), (1002, 1016), (1003, 1017))


@pytest.fixture(scope="module")
def buildings() -> Iterator[Buildings]:
    with open_buildings(delay_ms=2) as made:
        yield made


@pytest.mark.parametrize(("trying_s", "ringing_s"), SOON)
def test_a_call_over_a_slow_platform_rings_once(buildings: Buildings, trying_s: float, ringing_s: float) -> None:
    _rings_once(buildings, trying_s, ringing_s)


@pytest.mark.long
@pytest.mark.parametrize("ringing_s", TIMES_S)
@pytest.mark.parametrize("trying_s", TIMES_S)
def test_the_whole_matrix(buildings: Buildings, trying_s: float, ringing_s: float) -> None:
    _rings_once(buildings, trying_s, ringing_s)


def test_a_call_that_waits_is_not_taken_for_one_of_the_same_two_that_was_diverted(buildings: Buildings) -> None:
    def work(building: Building) -> None:
        site, platform, pair = building.site, building.platform, PAIRS[0]
        with building.sipp(CALLEE_IP).answer(users(CALLEES, len(PAIRS)), ring_ms=RING_MS) as callees:
            callees.wait_registered(STEP_S)
            # What the tests before have done to its name is over.
            site.wait(lambda: all(site.serving()) and site.mode() == "NORMAL", STEP_S, "the platform serves")
            platform.slow(0, 3.4)
            # The second begins a second later, and is diverted before the platform comes with the first.
            calls = building.caller.place(dials(pair, pair), rate=1, hold_ms=HOLD_MS, patience_ms=PATIENCE_MS)
            site.wait(lambda: site.table("wait"), STEP_S, "a bare 100")
            platform.slow(6, 0)
            assert [call.completed for call in calls.wait()] == [True] * 2
            platform.slow(0, 0)
            site.wait(lambda: not platform.dialogs(), STEP_S, "no call at the platform")
            assert [call.completed for call in callees.calls()] == [True] * 2

    buildings.each(work)


def _rings_once(buildings: Buildings, trying_s: float, ringing_s: float) -> None:
    def work(building: Building) -> None:
        assert building.site.mode() in ("NORMAL", "SUSPECT")
        with building.sipp(CALLEE_IP).answer(users(CALLEES, len(PAIRS)), ring_ms=RING_MS) as callees:
            callees.wait_registered(STEP_S)
            building.platform.slow(trying_s, ringing_s)
            try:
                calls = building.caller.call(dials(*PAIRS), hold_ms=HOLD_MS, patience_ms=PATIENCE_MS)
                # What comes late for a call before is heard at the same port.
                calls = [call for call in calls if call.began_at is not None]
                assert [call.completed for call in calls] == [True] * len(PAIRS), calls
                # What the platform set in motion comes to its end: late answers, and INVITEs for calls that are over.
                building.site.wait(
                    lambda: not building.platform.dialogs(), trying_s + ringing_s + STEP_S, "no call at the platform"
                )
            finally:
                building.platform.slow(0, 0)
            building.site.wait(lambda: all(call.completed for call in callees.calls()), STEP_S, "their ends")
            assert len(callees.calls()) == len(PAIRS), "a phone rang twice, or another way"
        assert building.site.mode() in ("NORMAL", "SUSPECT"), "slow is not dead"

    buildings.each(work)
