"""The unit dies, and phones that know the platform as their second proxy go on by it, without hands.

How long that takes is the phone's own doing (docs/phones.md). By TCP, when the unit's programs die and its kernel says
so, both kinds that we have come back within a minute; by UDP, or when nothing says so, no test can wait for it."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from hil.death import DEATHS, SecondProxy
from hil.net import Net
from hil.phone.baresip import Baresip
from hil.phone.linphone import Linphone

pytestmark = [pytest.mark.wire, pytest.mark.timeout(300)]

BEFORE_S, AFTER_S = 30.0, 90.0


def test_by_tcp_calls_go_on_by_the_platform() -> None:
    with Net("rvwire") as net:
        buildings = [SecondProxy(net, "b", Baresip, "tcp"), SecondProxy(net, "l", Linphone, "tcp")]

        def work(building: SecondProxy) -> None:
            building.start()
            assert building.call_answered(BEFORE_S) is not None
            for phone in building.phones:
                phone.wait_established(BEFORE_S)
            building.phones[0].hang_up()
            for phone in building.phones:
                phone.wait_closed(BEFORE_S)
            DEATHS["killed"](building.site)
            assert building.call_answered(AFTER_S) is not None
            building.stop()

        with ThreadPoolExecutor(len(buildings)) as pool:
            for done in [pool.submit(work, building) for building in buildings]:
                done.result()
