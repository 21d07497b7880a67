"""Platforms that are neither quite alive nor quite dead: what the unit makes of them, and that it goes back."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal

import pytest

from hil.phone.scripted import RINGS
from hil.phone.sipp import Answering, Dial
from hil.platform.kamailio import KamailioPlatform
from tests.wire.test_emergency import Building, building, user

pytestmark = [pytest.mark.wire, pytest.mark.timeout(300)]

CALLEE, CALLEE_IP = 1003, 21
OUTSIDE = "+4690100000"
STEP_S = 30.0
KNOWN_S = 60.0
RETURNED_S = 90.0
REFRESH_S = 2.0
OVER: dict[str, dict[str, object]] = {
    "returning": {"hold_down_s": 1, "hold_down_max_s": 2},
    "survival": {"ringing_s": 4},
}


@contextmanager
def house_with(registration: Literal["path", "contact"] = "path", **platform: object) -> Iterator[Building]:
    """One phone that answers and registers often, so that the platform is asked something all the time."""
    with building(registration=registration, gateway=RINGS, over=OVER | {"platform": platform}, delay_ms=2) as made:
        yield made


@contextmanager
def callee(house: Building) -> Iterator[Answering]:
    with house.phone(CALLEE_IP).answer([user(CALLEE), user(1004)], refresh_s=REFRESH_S) as phones:
        phones.wait_registered(STEP_S)
        yield phones


def platform_of(house: Building) -> KamailioPlatform:
    assert isinstance(house.site.platform, KamailioPlatform)
    return house.site.platform


def inside(house: Building, phone: int = 11) -> None:
    """A call within the house is answered, whatever the platform does."""
    (call,) = house.ring([Dial(user(1001), str(CALLEE))], phone=phone)
    assert call.completed, (call, house.site.log())


def mode_after_a_call(house: Building) -> str:
    inside(house)
    return house.site.mode()


@pytest.mark.long
def test_probes_answered_and_nothing_else() -> None:
    with house_with() as house, callee(house):
        platform_of(house).sick(True)
        inside(house)
        house.site.wait(lambda: mode_after_a_call(house) == "SURVIVAL", KNOWN_S, "SURVIVAL")
        assert house.site.status()["cause"] == "platform"
        platform_of(house).sick(False)
        house.site.wait_mode("NORMAL", RETURNED_S)
        inside(house)


@pytest.mark.long
def test_a_proxy_without_backend() -> None:
    with house_with() as house, callee(house):
        platform_of(house).bare_100(True)
        house.site.wait(lambda: mode_after_a_call(house) == "SURVIVAL", KNOWN_S, "SURVIVAL")
        assert house.site.count("stalled") >= 3
        platform_of(house).bare_100(False)
        house.site.wait_mode("NORMAL", RETURNED_S)
        inside(house)


@pytest.mark.parametrize(("code", "heard"), [(503, 500), (408, 408)])
def test_trunk_gone_and_platform_alive(code: int, heard: int) -> None:
    """A proxy passes no 503 on (RFC 3261 §16.7, step 6)."""
    with house_with() as house, callee(house):
        platform_of(house).trunk_gone(code)
        for _ in range(3):
            assert [call.code for call in house.ring([Dial(user(1001), OUTSIDE)])] == [heard]
        house.site.wait(lambda: house.site.status()["cause"] == "platform_trunk", STEP_S, "the cause")
        assert "RVX-L09" in [problem["id"] for problem in house.site.status()["problems"]]
        assert house.site.mode() == "NORMAL"
        inside(house)
        assert house.site.count("diverted") == 0
        platform_of(house).trunk_gone(0)
        assert [call.completed for call in house.ring([Dial(user(1001), OUTSIDE)])] == [True]
        house.site.wait(lambda: house.site.status()["cause"] is None, STEP_S, "no cause")


@pytest.mark.parametrize("direction", ["ab", "ba"])
def test_a_line_that_is_one_way(direction: Literal["ab", "ba"]) -> None:
    with house_with() as house, callee(house):
        assert house.site.line is not None
        house.site.line.cut(direction)
        inside(house)
        house.site.wait_mode("SURVIVAL", STEP_S)
        inside(house)
        house.site.line.mend()
        house.site.wait_mode("NORMAL", RETURNED_S)
        inside(house)


@pytest.mark.parametrize("probe", ["INFO", "none"])
def test_a_platform_that_answers_no_options(probe: str) -> None:
    with (
        building(gateway=RINGS, over=OVER | {"platform": {"probe": probe}}, answers_options=False, unit=False) as house,
        callee(house),
    ):
        house.site.unit.start()
        inside(house)
        house.site.wait_mode("NORMAL", RETURNED_S)
        inside(house)
        platform_of(house).kill()
        house.site.wait(lambda: mode_after_a_call(house) == "SURVIVAL", KNOWN_S, "SURVIVAL")
        inside(house)
        platform_of(house).start()
        house.site.wait_mode("NORMAL", RETURNED_S)
        inside(house)
        assert platform_of(house).seen().get("OPTIONS", 0) == 0
