"""Who left in the outage is gone for a platform that remembers it; who is registered elsewhere is not."""

from __future__ import annotations

import pytest

from hil.phone.sipp import Sipp
from hil.site import PLATFORM_IP, REALM
from tests.wire.conftest import REFRESH_S, STEP_S, Building, dials, open_buildings, users

pytestmark = [pytest.mark.wire, pytest.mark.timeout(300)]

CROWD = 2
LEAVER, MUTE, TWIN = 1011, 1012, 1013
LEAVER_IP, MUTE_IP, TWIN_IP = 13, 14, 15
ELSEWHERE_PORT = 5090
EXPIRED_S = 45.0
RETURNED_S = 60.0


@pytest.mark.long
def test_who_left_is_gone_and_who_is_elsewhere_rings() -> None:
    with open_buildings(CROWD, persistent=True) as buildings:

        def work(building: Building) -> None:
            site, platform = building.site, building.platform
            leaver, mute = building.sipp(LEAVER_IP), building.sipp(MUTE_IP)
            outside = Sipp(site.platform_host, PLATFORM_IP, f"{PLATFORM_IP}:5060", REALM, port=ELSEWHERE_PORT)
            leaver.register(users(LEAVER))
            gone = mute.answer(users(MUTE), refresh_s=REFRESH_S)
            twin = building.sipp(TWIN_IP).answer(users(TWIN), refresh_s=REFRESH_S)
            elsewhere = outside.answer(users(TWIN), ring_ms=None, refresh_s=REFRESH_S)
            for phone in (gone, twin, elsewhere):
                phone.wait_registered(STEP_S)
            site.wait(lambda: len(platform.registrations().get(str(TWIN), [])) == 2, STEP_S, "both contacts")
            building.call((1001, TWIN))
            everybody = {str(LEAVER): 1, str(MUTE): 1, str(TWIN): 2}
            site.wait(lambda: everybody.items() <= platform.on_disk().items(), STEP_S, "bindings on disk")

            platform.kill()
            site.wait_mode("SURVIVAL", STEP_S)
            gone.stop()
            (left,) = leaver.register(users(LEAVER), expires_s=0)
            assert left.code == 200
            site.wait(lambda: not {str(LEAVER), str(MUTE)} & set(site.bindings()), EXPIRED_S, "both gone here")
            platform.start()
            site.wait_mode("NORMAL", RETURNED_S)

            held = platform.registrations()
            assert {str(LEAVER), str(MUTE)} <= set(held), "the platform remembers them"
            assert len(held[str(TWIN)]) == 2, "and the contact that is not ours"
            for callee in (LEAVER, MUTE):
                (call,) = building.caller.call(dials((1001, callee)), patience_ms=30_000)
                assert (callee, call.code) in ((callee, 480), (callee, 404))
            building.call((1001, TWIN))
            site.wait(lambda: [call.code for call in elsewhere.calls()] == [487] * 2, STEP_S, "rung twice elsewhere")
            assert {str(LEAVER), str(MUTE)} & set(site.bindings()) == set()
            for phone in (twin, elsewhere):
                phone.stop()

        buildings.each(work)
