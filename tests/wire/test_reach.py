"""Boxes that are pinged, by the kernel's own answers: there, dark at the other end of the cable, dark behind a switch,
and where no way leads."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from hil.net import Host, Net

pytestmark = [pytest.mark.wire, pytest.mark.long, pytest.mark.timeout(120)]

CABLED, BEHIND, NOWHERE = "10.97.1.254", "10.97.2.254", "10.97.3.254"
ROOT = Path(__file__).parents[2]
ASK = """
import asyncio, sys
sys.path.insert(0, sys.argv[1])
from drivers.reach import Pinger
print(asyncio.run(Pinger("box", sys.argv[2]).look()).reached)
"""


def reached(unit: Host, address: str) -> str:
    return unit.run([sys.executable, "-P", "-c", ASK, str(ROOT), address]).stdout.strip()


def test_a_box_that_is_dark_does_not_answer() -> None:
    with Net("rvreach") as net:
        unit, cabled, behind = net.host("unit"), net.host("cabled"), net.host("behind")
        net.link(unit, "eth1", "10.97.1.1/24", cabled, "eth0", f"{CABLED}/24")
        switch = net.switch("lan")
        switch.join(unit, "eth2", "10.97.2.1/24")
        switch.join(behind, "eth0", f"{BEHIND}/24")
        assert [reached(unit, each) for each in (CABLED, BEHIND, NOWHERE)] == ["True", "True", "None"]
        unit.link_down("eth1")
        behind.link_down("eth0")
        assert not unit.carrier("eth1")
        assert [reached(unit, each) for each in (CABLED, BEHIND)] == ["False", "False"]
        unit.link_up("eth1")
        assert reached(unit, CABLED) == "True"
