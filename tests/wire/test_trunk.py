"""Out and in by modem: 112 and other calls, by simulated modems on a network of their own (hil/sim/modem)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from hil.modems import Modems
from hil.net import Net
from hil.phone.sipp import Dial, Sipp, User
from hil.site import PROXY, REALM, Site, numbers

pytestmark = [pytest.mark.wire, pytest.mark.long, pytest.mark.timeout(300)]

STRANGER = User("7777")
"""A phone that the unit has never met, and that has no secret."""
STEP_S = 30.0


@dataclass(frozen=True)
class Building:
    site: Site
    modems: Modems

    def phone(self, number: int) -> Sipp:
        return Sipp(self.site.phones, self.site.phone_ip(number), PROXY, REALM)


@pytest.fixture(scope="module")
def building(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Building]:
    """In SURVIVAL."""
    plans = ("name=m1,model=sim7600", "name=m2,model=eg25g")
    with Net("modems") as net, Modems(tmp_path_factory.mktemp("modems"), *plans) as modems:
        site = Site(net, users=numbers(1001, 10), modems=modems.configuration())
        site.start()
        site.platform.stop()
        site.wait_mode("SURVIVAL", STEP_S)
        yield Building(site, modems)
        site.stop()


def test_112_goes_out_by_a_modem_where_the_platform_is_dead(building: Building) -> None:
    (result,) = building.phone(11).place([Dial(STRANGER, "112")], hold_ms=500, patience_ms=20_000).wait()
    assert result.completed, (result, building.site.log())
    assert building.modems.wait("atd", number="112", modem="m2")
