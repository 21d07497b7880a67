"""What the platform says too late of a call that was diverted: it rings on nowhere, and nobody is left listening."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import pytest

from hil.phone.scripted import Centre, Script
from hil.phone.sipp import Sipp
from hil.site import PLATFORM_IP, REALM
from tests.wire.conftest import STEP_S, Building, Buildings, open_buildings, users

pytestmark = [pytest.mark.wire, pytest.mark.timeout(300)]

ELSEWHERE_IP = "10.99.0.4"
RINGS_ON: Script = ((0.0, 180), (20.0, 200))
ANSWERS: Script = ((0.0, 180), *((0.3 + again_s, 200) for again_s in (0.0, 0.5, 1.5, 3.5, 7.5, 11.5, 15.5)))
"""It is said again as RFC 3261 §13.3.1.4 has it, acknowledged or not."""
CROWD = 4
LATE_S = 0.7
"""To the platform's 100: more than it is given."""
LONG_AFTER_S = 7.0
"""The edge's own transaction is forgotten by then."""
LOST_CANCEL = (
    "table inet lost { chain out { type filter hook output priority 0;"
    " meta l4proto udp @th,64,48 0x43414e43454c drop; }; }"
)
"""A datagram that begins with CANCEL does not leave the unit."""


@pytest.fixture
def buildings() -> Iterator[Buildings]:
    with open_buildings(CROWD) as made:
        yield made


def ring(building: Building, trying_s: float) -> None:
    """1001 calls 1002, over a platform so slow that the call is diverted; 1002 has another phone, elsewhere."""
    building.platform.slow(trying_s, 0.1)
    building.call((1001, 1002))
    assert building.site.count("diverted") == 1


def in_both(buildings: Buildings, script: Script, work: Callable[[Building, Centre], None], *, heeds: bool) -> None:
    def with_twin(building: Building) -> None:
        host = building.site.platform_host
        host.address("line", f"{ELSEWHERE_IP}/24")
        twin = Sipp(host, ELSEWHERE_IP, f"{PLATFORM_IP}:5060", REALM, port=5070)
        (registered,) = twin.register(users(1002), contact=f"<sip:1002@{ELSEWHERE_IP}:5060>")
        assert registered.completed
        with Centre(host, ELSEWHERE_IP, script, heeds_cancel=heeds) as elsewhere:
            work(building, elsewhere)

    buildings.each(with_twin)


@pytest.mark.parametrize("after_s", [LATE_S, LONG_AFTER_S])
def test_what_rings_late_is_cancelled(buildings: Buildings, after_s: float) -> None:
    def work(building: Building, elsewhere: Centre) -> None:
        ring(building, after_s)
        time.sleep(after_s + 1.0)
        building.site.wait(lambda: not building.platform.dialogs(), STEP_S, "no call at the platform")
        rang = len(elsewhere.seen("INVITE"))
        building.site.wait(
            lambda: len(elsewhere.seen("CANCEL")) == rang, STEP_S, "a phone that rings for nobody no more"
        )
        assert building.site.count("late_answers") == 0

    in_both(buildings, RINGS_ON, work, heeds=True)


@pytest.mark.parametrize("calls", ["alive", "killed"])
def test_what_answers_late_is_acknowledged_and_ended(buildings: Buildings, calls: str) -> None:
    def work(building: Building, elsewhere: Centre) -> None:
        site = building.site
        site.host.run(["nft", "-f", "-"], text_in=LOST_CANCEL)
        if calls == "killed":
            site.calls.kill()
        ring(building, LATE_S)
        site.wait(lambda: site.count("late_answers") >= 1, STEP_S, "a late answer")
        if calls == "killed":
            building.platform.slow(0, 0)
            building.call((1001, 1002), (1003, 1004))
            site.calls.start()  # the platform says it again
        site.wait(lambda: elsewhere.seen("ACK") and elsewhere.seen("BYE"), STEP_S, "its end")
        site.wait(lambda: not building.platform.dialogs(), STEP_S, "no call at the platform")
        assert len(elsewhere.seen("ACK")) == len(elsewhere.seen("BYE")) == 1
        assert elsewhere.up() == 0

    in_both(buildings, ANSWERS, work, heeds=False)
