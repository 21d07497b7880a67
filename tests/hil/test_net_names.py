"""Names and rules of networks; nothing is made."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from hil.net import Host, Net, NetError, Wire, _start_ticks


def test_a_name_holds_who_made_it() -> None:
    prefix, pid, started, _ = Net("rvtest").run_name.split("-")
    assert (prefix, pid, started) == ("rvtest", str(os.getpid()), str(_start_ticks(os.getpid())))
    assert Net().run_name != Net().run_name


@pytest.mark.parametrize("prefix", ["", "RV", "rv-", "../rv", "reservvaxel"])
def test_bad_prefixes(prefix: str) -> None:
    with pytest.raises(NetError):
        Net(prefix)


def test_rules_of_a_wire() -> None:
    host = Host("far", "rv-far", Path(), [])
    fine = Wire(host, "eth0").rules("wan")
    lossy = Wire(host, "eth0", loss_percent=0.5).rules("wan")
    dead = Wire(host, "eth0", dropped=True, loss_percent=0.5).rules("wan")
    assert "chain" not in fine
    assert "mod 10000 < 50 drop" in lossy
    assert "policy drop" in dead
    assert all("delete table netdev wire_wan" in script for script in (fine, lossy, dead))
