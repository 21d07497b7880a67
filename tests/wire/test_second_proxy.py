"""The unit dies, and phones that know the platform as their second proxy go on by it, without hands.

How long that takes is the phone's own doing, and the network's (docs/phones.md). Here by TCP, each where it can be
quick: baresip where the unit's kernel says that its programs are gone, linphone where the power is out and the router
of the building says so."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from hil.death import DEATHS, QUICK, SecondProxy
from hil.guarded import Guarded
from hil.net import Net
from hil.site import UNIT_SOUTH_IP

pytestmark = [pytest.mark.wire, pytest.mark.timeout(300)]

AFTER_S, AWAY_S, BACK_S = 60.0, 20.0, 30.0


def test_by_tcp_calls_go_on_by_the_platform() -> None:
    with Net("rvwire") as net:
        baresip = SecondProxy(net, "b", QUICK["baresip"], "tcp")
        linphone = SecondProxy(net, "l", QUICK["linphone"], "tcp", guarded=True)

        def work(building: SecondProxy, how: str) -> None:
            building.start()
            DEATHS[how](building.site)
            assert building.call_answered(AFTER_S) is not None

        with ThreadPoolExecutor(2) as pool:
            pending = [pool.submit(work, baresip, "killed"), pool.submit(work, linphone, "halted")]
            for done in pending:
                done.result()
        for building in (baresip, linphone):
            building.stop()


@pytest.mark.long
def test_the_unit_has_its_address_back_from_the_router() -> None:
    with Net("rvwire") as net:
        site = Guarded(net, users={})
        site.start()
        site.power_off()
        assert site.router is not None
        router = site.router
        site.wait(lambda: f"inet {UNIT_SOUTH_IP}/" in router.ip("-4", "addr"), AWAY_S, "taken by the router")
        site.power_on()
        site.wait(lambda: site.in_service, BACK_S, "in service again")
        site.wait(lambda: f"inet {UNIT_SOUTH_IP}/" not in router.ip("-4", "addr"), BACK_S, "given back")
        site.stop()
