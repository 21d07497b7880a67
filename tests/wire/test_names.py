"""The platform by name: its nodes in order, taken in use without touching calls, and known without any DNS."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from hil.names import PROXY_NAME, Names
from hil.net import Net
from hil.phone.sipp import Dial, Sipp, User
from hil.site import PLATFORM_IP, PROXY, REALM, Site, numbers, password

pytestmark = [pytest.mark.wire, pytest.mark.timeout(300)]

NOBODY_IP = "10.99.0.9"
STEP_S = 30.0
UP_MS = 12_000


def test_nodes_by_name() -> None:
    settings: dict[str, object] = {"nodes": [f"sip:{PROXY_NAME}"], "name_servers": [PLATFORM_IP]}
    with Net("rvname") as net:
        site = Site(net, users=numbers(1001, 4), configuration={"platform": settings, "edge": {"register_s": 15}})

        def listed() -> list[str]:
            records = site.rpc("dispatcher.list")["RECORDS"]
            sets = {record["SET"]["ID"]: record["SET"]["TARGETS"] for record in records}
            return [node["DEST"]["URI"] for node in sets.get(1, [])]

        def call(phone: Sipp, hold_ms: int = 100) -> bool:
            (result,) = phone.call([Dial(User("1001", password("1001")), "1002")], hold_ms=hold_ms)
            return result.completed

        def places(addresses: Sequence[str]) -> Names:
            names = Names(site.platform_host, PLATFORM_IP, addresses)
            names.start()
            return names

        names = places([NOBODY_IP, PLATFORM_IP])
        site.start()
        assert listed() == [f"sip:{NOBODY_IP}:5060", f"sip:{PLATFORM_IP}:5060"]
        phone = Sipp(site.phones, site.phone_ip(11), PROXY, REALM)
        callee = Sipp(site.phones, site.phone_ip(12), PROXY, REALM)
        with callee.answer([User("1002", password("1002"))]) as answering:
            answering.wait_registered(STEP_S)
            assert call(phone)
            # What the platform had not answered yet is brought to it by the phone's next refresh.
            site.wait(
                lambda: "1002" in site.platform.registrations(), STEP_S, "by the second node, as the first is nobody"
            )
            up = phone.place([Dial(User("1001", password("1001")), "1002")], hold_ms=UP_MS)
            site.wait(lambda: any(one.code == 200 for one in up.so_far()), STEP_S, "a call up")
            names.stop()
            names = places([PLATFORM_IP])
            site.unit.stop()
            site.unit.start()
            site.wait(lambda: listed() == [f"sip:{PLATFORM_IP}:5060"], STEP_S, "the new list")
            assert [one.completed for one in up.wait()] == [True]
            names.stop()
            site.unit.stop()
            site.edge.stop()
            site.edge.start()
            assert listed() == [f"sip:{PLATFORM_IP}:5060"], "known without DNS and without Python"
            site.unit.start()
            site.wait_mode("NORMAL", STEP_S)
            assert call(phone)
        site.stop()
