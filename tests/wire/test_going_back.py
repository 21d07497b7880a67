"""Going back when the site wants it, and at the pace that the platform wants."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

import pytest

from tests.wire.conftest import REFRESH_S, STEP_S, Building, Buildings, dials, open_buildings, users

pytestmark = [pytest.mark.wire, pytest.mark.timeout(300)]

CROWD = 4
LONGEST_S = 9
HOLD_MS = 12_000
"""A call that is up for longer than good probes and hold-down take."""
READY_S = 6.0
"""Three probes, a hold-down of a second, and what a busy machine adds."""
LATE_IP, OTHER_IP, TWIN_IP = 13, 14, 15
LATE, OTHER = 1011, 1012
RETRY_AFTER_S = 4
RETURNED_S = 60.0


@contextmanager
def returning(**values: object) -> Iterator[Buildings]:
    with open_buildings(CROWD, configuration={"returning": {"hold_down_s": 1, "hold_down_max_s": 2} | values}) as made:
        yield made


def outage(building: Building) -> None:
    building.platform.kill()
    building.site.wait_mode("SURVIVAL", STEP_S)


def back(building: Building) -> None:
    building.platform.start()
    building.site.wait(lambda: all(building.site.serving()), STEP_S, "probes answered")


@pytest.mark.long
def test_idle_waits_for_the_call_and_not_for_ever() -> None:
    with returning(when="idle", longest_wait_s=LONGEST_S) as buildings:

        def work(building: Building) -> None:
            site = building.site
            outage(building)
            up = building.caller.place(dials((1001, 1002)), hold_ms=HOLD_MS)
            back(building)
            site.wait(lambda: site.status()["hold_left_s"] == 0, STEP_S, "hold-down over")
            assert site.mode() == "SURVIVAL"
            (call,) = up.wait()
            assert call.completed, "never cut"
            site.wait_back(LONGEST_S + STEP_S)

            outage(building)
            lost = building.caller.place(dials((1003, 1004)), hold_ms=600_000)
            site.wait(lambda: lost.so_far() and lost.so_far()[0].code == 200, STEP_S, "answered")
            lost.stop()  # its BYE will never come
            back(building)
            ready = time.monotonic()
            site.wait_back(LONGEST_S + STEP_S)
            assert time.monotonic() - ready > READY_S, "waited for it, and no longer than is said"

        buildings.each(work)


@pytest.mark.long
def test_hour_is_waited_for_and_not_for_ever() -> None:
    far = (datetime.now().astimezone() + timedelta(hours=12)).strftime("%H:%M")
    with returning(when="hour", hour=far, longest_wait_s=LONGEST_S) as buildings:

        def work(building: Building) -> None:
            site = building.site
            outage(building)
            back(building)
            ready = time.monotonic()
            building.call((1001, 1002))
            site.wait_back(LONGEST_S + STEP_S)
            assert time.monotonic() - ready > READY_S

        buildings.each(work)


def test_a_platform_that_asks_to_wait() -> None:
    with returning() as buildings:

        def work(building: Building) -> None:
            site, platform = building.site, building.platform
            platform.later(RETRY_AFTER_S)
            with building.sipp(LATE_IP).answer(users(LATE), refresh_s=REFRESH_S) as late:
                late.wait_registered(STEP_S)
                assert str(LATE) not in platform.registrations()
                assert site.count("told_to_wait") >= 1
                # Another phone comes; the wait holds for the whole unit.
                site.rpc("htable.seti", "count", "wait", int(time.time()) + 100_000)
                asked = platform.seen()["REGISTER"]
                with building.sipp(OTHER_IP).answer(users(OTHER), refresh_s=REFRESH_S) as other:
                    other.wait_registered(STEP_S)
                    building.call((1001, LATE), (LATE, OTHER), (OTHER, 1002))
                    assert platform.seen()["REGISTER"] == asked
                    assert site.count("wait") < time.time() + 700, "no wait is longer than its bound"
                    # Whom nobody here knows is told when to come again.
                    (stranger,) = building.sipp(TWIN_IP).register(users(1999))
                    assert stranger.code == 503
                    assert platform.seen()["REGISTER"] == asked

                    platform.later(0)
                    site.rpc("htable.seti", "count", "wait", int(time.time()) + 1)
                    both = {str(LATE), str(OTHER)}
                    site.wait(lambda: both <= set(platform.registrations()), STEP_S, "told in the end")
                    building.call_by_platform((LATE, OTHER))

        buildings.each(work)


def test_a_cap_and_a_random_start() -> None:
    """One registration a second: all are back after a while, and no call fails meanwhile."""
    with returning(registrations_per_s=1, spread_s=2) as buildings:

        def work(building: Building) -> None:
            site = building.site
            outage(building)
            back(building)
            site.wait_back(STEP_S)
            building.call((1001, 1002), (1003, 1004))
            site.wait_mode("NORMAL", RETURNED_S)
            site.wait(lambda: len(building.platform.registrations()) == CROWD, STEP_S, "all told")
            building.call_by_platform((1001, 1002))

        buildings.each(work)
