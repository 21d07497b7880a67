"""Calls that are being set up when the platform dies: what waits there goes on here, or ends, once it is known."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

import pytest

from hil.phone.scripted import RINGS, Script
from hil.phone.sipp import Dial
from hil.platform.kamailio import KamailioPlatform
from tests.wire.test_emergency import REGISTRATIONS, Building, building, user

pytestmark = [pytest.mark.wire, pytest.mark.timeout(300)]

CALLEE, CALLEE_IP = 1003, 21
OUTSIDE = "+4690100000"
NEVER_S = 100.0
KNOWN_S = 30.0
"""A death is known by then, and the call moved, on a busy machine too."""
STEP_S = 30.0
RINGS_ON: Script = ((0.0, 180),)
OVER = {"survival": {"ringing_s": 30}}
"""Timer B is not what these tests wait for."""


@pytest.fixture(params=REGISTRATIONS)
def registration(request: pytest.FixtureRequest) -> Literal["path", "contact"]:
    found: Literal["path", "contact"] = request.param
    return found


@pytest.fixture
def house(registration: Literal["path", "contact"]) -> Iterator[Building]:
    with building(registration=registration, outside=RINGS_ON, gateway=RINGS, over=OVER) as made:
        yield made


def platform_of(house: Building) -> KamailioPlatform:
    assert isinstance(house.site.platform, KamailioPlatform)
    return house.site.platform


def test_what_waits_at_a_platform_that_dies_goes_on(house: Building) -> None:
    site, platform = house.site, platform_of(house)
    with house.phone(CALLEE_IP).answer([user(CALLEE)]) as callee:
        callee.wait_registered(STEP_S)
        platform.slow(0, NEVER_S)
        inside = house.begin([Dial(user(1001), str(CALLEE))], phone=11)
        site.wait(lambda: len(platform.dialogs()) == 0 and len(site.table("ringing")) == 1, STEP_S, "a bare 100")
        platform.slow(0, 0)
        ringing = house.begin([Dial(user(1002), OUTSIDE)], phone=12)
        site.wait(lambda: [call for call in ringing.so_far() if call.first_ms], STEP_S, "180 from outside")
        platform.slow(NEVER_S, 0)
        unheard = house.begin([Dial(user(1004), OUTSIDE)], phone=13)
        emergency = house.begin([Dial(user(1001), "112")], phone=14)
        site.wait(lambda: len(site.table("ringing")) >= 3, STEP_S, "all at the platform")
        platform.kill()
        site.wait_mode("SURVIVAL", STEP_S)
        site.wait(lambda: not site.table("ringing"), KNOWN_S, "all moved")
        (result,) = inside.wait()
        assert result.completed, result
        site.wait(lambda: [call.completed for call in callee.calls()] == [True], STEP_S, "rung once")
        assert [call.code for call in (*ringing.wait(), *unheard.wait())] == [480, 480]
        assert [call.completed for call in emergency.wait()] == [True]


def test_112_that_rings_at_a_platform_that_dies_takes_the_next_way(house: Building) -> None:
    site = house.site
    call = house.begin()
    site.wait(lambda: [one for one in call.so_far() if one.first_ms], STEP_S, "180 from outside")
    assert len(house.gateway.seen("INVITE")) == 0
    site.platform.kill()
    (result,) = call.wait()
    assert house.answered(result) == ["platform", "gateway"]


def test_a_call_that_has_nowhere_else_to_go_waits_for_a_slow_platform(house: Building) -> None:
    house.outside.script = RINGS
    platform_of(house).slow(3, 0)
    assert [call.completed for call in house.ring([Dial(user(1001), OUTSIDE)])] == [True]
    assert house.site.count("diverted") == 0
