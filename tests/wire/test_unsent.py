"""Nothing can be sent to the platform, or to a phone, by real phones: calls go on at once, those that are up end, and a
phone that cannot be reached is not there."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal

import pytest

from hil.phone.sipp import Dial
from hil.site import PLATFORM_IP
from tests.wire.test_emergency import REGISTRATIONS, Building, building, user

pytestmark = [pytest.mark.wire, pytest.mark.timeout(300)]

CALLEE, CALLEE_IP = 1003, 21
STEP_S = 30.0
AT_ONCE_MS = 2_000
"""Of a call that is answered here: far less than until the platform is known to be dead, on a busy machine too."""


@pytest.fixture(params=REGISTRATIONS)
def house(request: pytest.FixtureRequest) -> Iterator[Building]:
    registration: Literal["path", "contact"] = request.param
    with building(registration=registration) as made:
        yield made


@contextmanager
def unsendable(house: Building, ip: str) -> Iterator[None]:
    route = ("unreachable", f"{ip}/32")
    house.site.host.ip("route", "add", *route)
    try:
        yield
    finally:
        house.site.host.ip("route", "del", *route)


def test_calls_go_on_at_once_and_phones_register(house: Building) -> None:
    """From the first moment, while the unit takes the platform for its master."""
    with house.phone(CALLEE_IP).answer([user(CALLEE)]) as callee:
        callee.wait_registered(STEP_S)
        with unsendable(house, PLATFORM_IP):
            (result,) = house.ring([Dial(user(1001), str(CALLEE))])
            assert result.completed, result
            assert result.final_ms is not None
            assert result.final_ms < AT_ONCE_MS
            (new,) = house.phone(22).register([user(1004)])
            assert new.code == 200
            house.site.wait_mode("SURVIVAL", STEP_S)
        house.site.wait_mode("NORMAL", 60)
        (result,) = house.ring([Dial(user(1001), str(CALLEE))])
        assert result.completed, result


def test_a_call_that_is_up_ends_on_both_sides(house: Building) -> None:
    with house.phone(CALLEE_IP).answer([user(CALLEE)]) as callee:
        callee.wait_registered(STEP_S)
        call = house.begin([Dial(user(1001), str(CALLEE))], hold_ms=4_000)
        house.site.wait(lambda: [one for one in call.so_far() if one.code == 200], STEP_S, "up")
        with unsendable(house, PLATFORM_IP):
            (result,) = call.wait()
            assert result.completed, result
            house.site.wait(lambda: [one.completed for one in callee.calls()] == [True], STEP_S, "both sides")


def test_a_number_outside_is_refused_in_words_and_not_as_a_fault(house: Building) -> None:
    with unsendable(house, PLATFORM_IP):
        (result,) = house.ring([Dial(user(1001), "+4690100000")])
    assert result.code is not None
    assert 400 <= result.code < 500


@pytest.mark.parametrize("survival", [False, True], ids=["normal", "survival"])
def test_a_phone_that_nothing_can_be_sent_to_is_not_there(survival: bool) -> None:
    with building() as house, house.phone(CALLEE_IP).answer([user(CALLEE)]) as callee:
        callee.wait_registered(STEP_S)
        if survival:
            house.site.platform.kill()
            house.site.wait_mode("SURVIVAL", STEP_S)
        with unsendable(house, house.site.phone_ip(CALLEE_IP)):
            (result,) = house.ring([Dial(user(1001), str(CALLEE))])
        assert result.code == 480
        assert result.final_ms is not None
        assert result.final_ms < AT_ONCE_MS
