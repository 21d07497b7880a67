"""Between the moments: a call that rings at the death, a platform gone too short to be missed, a lossy line."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.wire.conftest import STEP_S, Building, Buildings, dials, open_buildings, users

pytestmark = [pytest.mark.wire, pytest.mark.timeout(300)]

SLOW_IP, TWIN_IP, SLOW, RING_MS = 14, 17, 1015, 6_000
"""A phone that is answered after SURVIVAL has begun, and after timer B."""
HOLD_MS = 300
LOSS_PERCENT, LOSSY_CALLS, LOSSY_RATE = 1.0, 200, 20.0


@pytest.fixture(scope="module")
def buildings() -> Iterator[Buildings]:
    with open_buildings(delay_ms=2) as made:
        yield made


def test_a_call_that_rings_when_the_platform_dies_is_answered(buildings: Buildings) -> None:
    def work(building: Building) -> None:
        with (
            building.sipp(SLOW_IP).answer(users(SLOW), ring_ms=RING_MS) as slow,
            building.sipp(TWIN_IP).answer(users(SLOW), ring_ms=None) as twin,
        ):
            slow.wait_registered(STEP_S)
            twin.wait_registered(STEP_S)
            call = building.caller.place(dials((1001, SLOW)), hold_ms=HOLD_MS)
            building.site.wait(lambda: [one for one in call.so_far() if one.first_ms], STEP_S, "180 at the caller")
            building.platform.kill()
            (result,) = call.wait()
            assert building.site.mode() == "SURVIVAL"
            assert result.completed, result
            building.site.wait(
                lambda: [came.completed for came in slow.calls()] == [True], STEP_S, "rung once, and ended"
            )
            building.site.wait(lambda: [came.code for came in twin.calls()] == [487], STEP_S, "the other phone let go")
        building.platform.start()
        building.site.wait_mode("NORMAL", 90)

    buildings.each(work)


def test_a_phone_rings_no_more_when_its_caller_hangs_up_after_a_death(buildings: Buildings) -> None:
    """One hangs up before anybody knows of the death, one when all do."""

    def work(building: Building) -> None:
        site = building.site
        with building.sipp(SLOW_IP).answer(users(SLOW, 2), ring_ms=None) as phones:
            phones.wait_registered(STEP_S)
            calls = [
                building.sipp(ip).place(dials((caller, callee)), cancel_ms=cancel_ms)
                for ip, caller, callee, cancel_ms in ((15, 1001, SLOW, 2_500), (16, 1002, SLOW + 1, 9_000))
            ]
            site.wait(lambda: all(call.so_far() and call.so_far()[0].first_ms for call in calls), STEP_S, "180s")
            building.platform.kill()
            site.wait(lambda: [call.code for call in phones.calls()] == [487, 487], 2 * STEP_S, "both cancelled")
            assert [one.code for call in calls for one in call.wait()] == [487, 487]
        building.platform.start()
        site.wait_mode("NORMAL", 60)

    buildings.each(work)


def test_a_platform_that_forgot_and_was_not_missed(buildings: Buildings) -> None:
    def work(building: Building) -> None:
        building.site.wait(lambda: len(building.platform.registrations()) >= 10, STEP_S, "all at the platform")
        building.platform.kill()
        building.platform.start()
        building.call((1001, 1002), (1003, 1004))
        building.site.wait(lambda: len(building.platform.registrations()) >= 10, 60, "all told again")
        building.call_by_platform((1001, 1002), (1003, 1004))

    buildings.each(work)


@pytest.mark.long
def test_a_line_that_loses_packets_diverts_no_call_that_rings_long(buildings: Buildings) -> None:
    def work(building: Building) -> None:
        assert building.site.line is not None
        before = building.site.table("count").get("diverted", 0)
        with building.sipp(SLOW_IP).answer(users(SLOW), ring_ms=RING_MS) as slow:
            slow.wait_registered(STEP_S)
            building.site.line.loss(LOSS_PERCENT)
            load = building.caller.load(dials((1001, SLOW)), count=LOSSY_CALLS, rate=LOSSY_RATE, hold_ms=HOLD_MS)
            building.site.line.loss(0)
        assert load.ok == LOSSY_CALLS
        assert building.site.table("count").get("diverted", 0) == before

    buildings.each(work)


@pytest.mark.long
def test_a_phone_rings_no_more_when_the_platform_has_forgotten_the_call(buildings: Buildings) -> None:
    """It restarts over a call that rings, answers probes again, and nothing else."""

    def work(building: Building) -> None:
        site = building.site
        with building.sipp(SLOW_IP).answer(users(SLOW), ring_ms=None) as phone:
            phone.wait_registered(STEP_S)
            call = building.sipp(15).place(dials((1001, SLOW)), cancel_ms=2_500)
            site.wait(lambda: call.so_far() and call.so_far()[0].first_ms, STEP_S, "180")
            building.platform.kill()
            building.platform.start()
            building.platform.sick(True)
            site.wait(lambda: [one.code for one in phone.calls()] == [487], STEP_S, "cancelled")
            # 480: the platform passes on what a phone's older contact, which is silent, came to.
            assert {one.code for one in call.wait()} <= {480, 487}
        building.platform.sick(False)
        site.wait_mode("NORMAL", 90)

    buildings.each(work)
