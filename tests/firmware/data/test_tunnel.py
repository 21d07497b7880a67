"""What WireGuard is told, without a tunnel."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

import pytest

from callcontrol.trunk.budget import Level
from firmware.config_data import Data, DataKey
from firmware.data.shown import STALE_S, Shown, Tunnel
from firmware.data.tunnel import routers_of, setconf_text

KEY = "yAnz5TF+lXXJte14tji3zlMNq+hd2rYUIgJBgB3fBmk="


def test_what_wg_reads() -> None:
    data = Data(address="10.88.0.2", interface="wwan0", peer_key=KEY, allowed=("10.88.0.0/24", "10.97.0.0/24"))
    lines = setconf_text(data, DataKey(private_key=KEY), "192.0.2.1:51820").splitlines()
    assert "FwMark = 5256" in lines
    assert "AllowedIPs = 10.88.0.0/24, 10.97.0.0/24" in lines
    assert "Endpoint = 192.0.2.1:51820" in lines
    assert "PersistentKeepalive = 25" in lines
    assert not [line for line in lines if line.startswith("PresharedKey")]
    more = setconf_text(Data(keepalive_s=0), DataKey(private_key=KEY, preshared_key=KEY), "[2001:db8::1]:1")
    assert f"PresharedKey = {KEY}\n" in more
    assert "PersistentKeepalive = off\n" in more
    assert "FwMark = off\n" in more


@pytest.mark.parametrize(
    ("answer", "routers"),
    [
        ("", {}),
        ("[]", {}),
        ("no json", {}),
        ("{}", {}),
        ('[{"dst": "default", "gateway": "10.0.0.1", "dev": "wwan0"}]', {"main": "10.0.0.1"}),
        ('[{"dst": "default", "dev": "wwan0", "scope": "link"}]', {"main": ""}),
        ('[{"dst": "10.0.0.0/8", "gateway": "10.0.0.1"}, 7]', {}),
        (
            '[{"dst":"default","gateway":"10.5.0.9","table":"5256","flags":[]},{"dst":"default","gateway":"10.5.0.1",'
            '"metric":100,"flags":[]},{"dst":"default","gateway":"10.5.0.2","metric":200,"flags":[]}]',
            {"5256": "10.5.0.9", "main": "10.5.0.1"},
        ),
    ],
)
def test_the_routers_that_the_system_knows(answer: str, routers: dict[str, str]) -> None:
    assert routers_of(answer) == routers


def test_keys_are_not_shown() -> None:
    assert KEY not in repr(DataKey(private_key=KEY, preshared_key=KEY))


def test_what_is_told_is_read_while_it_is_new(tmp_path: Path) -> None:
    file = tmp_path / "data.json"
    shown = Shown(calls=1, borne=7, capacity_bps=1e6, rtt_ms=61.0, level=Level.ALARM)
    assert Shown.read(file) is None
    shown.write(file)
    assert Shown.read(file) == shown
    old = time.time() - STALE_S - 1
    os.utime(file, (old, old))
    assert Shown.read(file) is None


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"calls": 1}', '{"level": "much", "calls": 1, "borne": 1}', "\x00"])
def test_what_is_not_understood_is_not_known(tmp_path: Path, text: str) -> None:
    file = tmp_path / "data.json"
    file.write_text(text)
    assert Shown.read(file) is None
    file.write_text(json.dumps({"handshake_s": "soon"}))
    assert Tunnel.read(file) is None


@pytest.mark.parametrize(("handshake_s", "met"), [(None, False), (3.0, True), (400.0, False)])
def test_a_tunnel_that_has_met_the_platform(handshake_s: float | None, met: bool) -> None:
    assert Tunnel(handshake_s, "user").met is met
