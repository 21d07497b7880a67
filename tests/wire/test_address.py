"""Two machines with one address on a wire: each is told by the wire itself."""

from __future__ import annotations

import sys

import pytest

from hil.net import Host, Net

pytestmark = pytest.mark.wire

ADDRESS = "10.97.0.1"
COMMAND_S = 30.0


def taken(host: Host) -> str:
    words = [sys.executable, "-c", f"from drivers.arp import taken; print(*taken(['{ADDRESS}', '10.97.0.9']))"]
    return host.run(words, COMMAND_S).stdout.strip()


def test_a_second_owner_of_an_address_is_seen_and_a_lone_one_is_not() -> None:
    with Net("rvarp") as net:
        switch = net.switch("lan")
        old, spare = net.host("old"), net.host("spare")
        switch.join(old, "eth0", f"{ADDRESS}/24")
        switch.join(spare, "eth0", f"{ADDRESS}/24")
        assert [taken(host) for host in (old, spare)] == [ADDRESS, ADDRESS]
        old.link_down("eth0")
        assert taken(spare) == ""
