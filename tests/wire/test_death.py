"""Every way in which a platform or its line dies: calls before it, through it, first after it, in it, and after it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest

from tests.wire.conftest import STEP_S, Building, Buildings, dials, open_buildings

pytestmark = [pytest.mark.wire, pytest.mark.timeout(300)]

PAIRS = ((1001, 1002), (1003, 1004), (1005, 1006), (1007, 1008), (1002, 1010))
DETECTED_S = 30.0
RETURNED_S = 90.0
HOLD_MS = 4_000
UP_MS = 6_000
SOON_MS = 500
PATIENCE_MS = 60_000


@dataclass(frozen=True)
class Death:
    """How it comes and how it ends. A living platform stays master, or calls get through all the same."""

    strike: Callable[[Building], None]
    mend: Callable[[Building], None]
    living: bool = False


DEATHS = {
    "killed": Death(lambda b: b.platform.kill(), lambda b: b.platform.start()),
    "stopped": Death(lambda b: b.platform.freeze(), lambda b: b.platform.thaw()),
    "link_down": Death(lambda b: b.site.host.link_down("north"), lambda b: b.site.host.link_up("north")),
    "blackhole": Death(lambda b: b.site.host.blackhole("north"), lambda b: b.site.host.unblackhole("north")),
    "loss_20": Death(lambda b: b.site.host.loss("north", 20), lambda b: b.site.host.loss("north", 0), living=True),
    "503": Death(lambda b: b.platform.busy503(True), lambda b: b.platform.busy503(False)),
}


@pytest.fixture(scope="module")
def buildings() -> Iterator[Buildings]:
    # The hold-down that doubles is the matter of test_return.py.
    returning: dict[str, object] = {"hold_down_s": 1, "hold_down_max_s": 1}
    with open_buildings(sound=("udp", "udp"), configuration={"returning": returning}) as made:
        yield made


@pytest.mark.parametrize(
    "how", [pytest.param(how, marks=pytest.mark.long if how == "loss_20" else ()) for how in DEATHS]
)
def test_calls_survive(buildings: Buildings, how: str) -> None:
    death = DEATHS[how]

    def before(building: Building) -> None:
        building.site.wait_mode("NORMAL", RETURNED_S)
        building.call_by_platform(*PAIRS)
        building.talk()

    def bad_line(building: Building) -> None:
        death.strike(building)
        calls = building.caller.call(dials(*PAIRS), hold_ms=HOLD_MS, patience_ms=PATIENCE_MS)
        assert [call.code for call in calls] == [200] * len(calls), calls
        # The answer to a BYE may be lost, and sipp does not give it twice: what counts is that either side saw the end.
        begun = {call.call_id for call in calls if not call.completed}
        ended: set[str] = set()

        def all_ended() -> bool:
            ended.update(_ended(building))
            return begun <= ended

        building.site.wait(all_ended, STEP_S, "the end of every call")
        building.wait_sound()
        building.hang_up(who=1)

    def outage(building: Building) -> None:
        up = building.caller.place(dials((1009, 1006)), hold_ms=UP_MS)
        building.site.wait(lambda: any(call.code == 200 for call in up.so_far()), STEP_S, "a call up")
        soon = building.caller.place(dials((1007, 1008)), hold_ms=SOON_MS)
        building.site.wait(lambda: any(call.code == 200 for call in soon.so_far()), STEP_S, "another")
        death.strike(building)
        building.call(PAIRS[0])
        building.call(*PAIRS, rate=1000)
        building.site.wait_mode("SURVIVAL", DETECTED_S)
        known = building.call(*PAIRS)
        assert [call.challenges for call in known] == [1] * len(PAIRS), "only we ask who it is"
        assert [call.completed for call in (*soon.wait(), *up.wait())] == [True, True], "a BYE did not get through"
        building.wait_sound()
        building.hang_up(who=1)

    def after(building: Building) -> None:
        building.site.wait_mode("NORMAL", RETURNED_S)
        building.call_by_platform(*PAIRS)
        building.talk()
        building.hang_up()

    buildings.each(before)
    try:
        buildings.each(bad_line if death.living else outage)
    finally:
        buildings.each(death.mend)
        buildings.each(lambda building: building.desks[0].hang_up())  # where the test failed in the middle
    buildings.each(after)


def _ended(building: Building) -> set[str]:
    """Calls of which the crowd has newly heard the end; their ACK, which nobody says twice unasked, may be lost too."""
    return {message.call_id for message in building.crowd.fresh() if message.method == "BYE"}
