"""A device by its place, and how its port is switched, on a made tree of sysfs."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from drivers.modem.model import ModemSettings
from drivers.modem.ports import KNOWN, Places, places
from drivers.usb import find, power_switch, set_power

DEVICES = Path("bus/usb/devices")


def plug(root: Path, place: str, vendor: str, product: str, ttys: dict[int, str]) -> Path:
    folder = root / DEVICES / place
    folder.mkdir(parents=True)
    (folder / "idVendor").write_text(f"{vendor}\n")
    (folder / "idProduct").write_text(f"{product}\n")
    (folder / "authorized").write_text("1\n")
    for number, tty in ttys.items():
        (folder / f"{place}:1.{number}" / tty).mkdir(parents=True)
    return folder


SIM7600 = {number: f"ttyUSB{number}" for number in range(5)}


def test_a_modem_is_found_under_whatever_names_its_ports_have(tmp_path: Path) -> None:
    plug(tmp_path, "1-1.4", "1e0e", "9001", {number: f"ttyUSB{number + 7}" for number in range(5)})
    settings = ModemSettings("a", usb_path="1-1.4")
    assert places(settings, tmp_path) == Places("serial:///dev/ttyUSB9", "serial:///dev/ttyUSB11")
    assert places(ModemSettings("a", at_url="socket://127.0.0.1:7001", usb_path="1-1.4"), tmp_path) == Places(
        "socket://127.0.0.1:7001", "serial:///dev/ttyUSB11"
    ), "the configuration goes before"


def test_a_communications_device_and_a_quectel(tmp_path: Path) -> None:
    plug(tmp_path, "2-3", "2c7c", "0125", {0: "ttyUSB0", 1: "ttyUSB1", 2: "tty/ttyACM3"})
    assert places(ModemSettings("a", usb_path="2-3"), tmp_path) == Places(
        "serial:///dev/ttyACM3", "serial:///dev/ttyUSB1"
    )


def test_what_is_not_there_or_not_known_has_no_ports(tmp_path: Path) -> None:
    assert places(ModemSettings("a"), tmp_path) is None
    assert places(ModemSettings("a", usb_path="1-1"), tmp_path) is None
    plug(tmp_path, "1-1", "dead", "beef", SIM7600)
    assert places(ModemSettings("a", usb_path="1-1"), tmp_path) is None
    plug(tmp_path, "1-2", "1e0e", "9001", {0: "ttyUSB0"})
    assert places(ModemSettings("a", usb_path="1-2"), tmp_path) is None, "its ports have not come yet"
    (tmp_path / DEVICES / "1-2" / "idVendor").write_bytes(b"\xff" * 9)
    assert find("1-2", tmp_path) is None


@pytest.mark.parametrize("place", ["", "1", "../1-1", "1-1/..", "usb1", "1-1.4:1.0", "1-1.", "1-1.1.1.1.1.1.1"])
def test_what_is_no_place_is_nowhere(tmp_path: Path, place: str) -> None:
    plug(tmp_path, "1-1.4", "1e0e", "9001", SIM7600)
    assert find(place, tmp_path) is None
    assert power_switch(place, tmp_path) is None


@pytest.mark.parametrize(
    ("place", "switch"),
    [
        ("1-1.4", "1-1/1-1:1.0/1-1-port4/disable"),
        ("1-1.4.12", "1-1.4/1-1.4:1.0/1-1.4-port12/disable"),
        ("1-2", "usb1/1-0:1.0/usb1-port2/disable"),
    ],
)
def test_the_hub_switches_its_port(tmp_path: Path, place: str, switch: str) -> None:
    plug(tmp_path, place, "1e0e", "9001", SIM7600)
    file = tmp_path / DEVICES / switch
    file.parent.mkdir(parents=True)
    file.write_text("0\n")
    power = power_switch(place, tmp_path)
    assert power is not None
    assert power.is_power
    set_power(power, False)
    assert file.read_text() == "1"
    set_power(power, True)
    assert file.read_text() == "0"


def test_a_hub_that_cannot_only_lets_the_device_go(tmp_path: Path) -> None:
    folder = plug(tmp_path, "1-1.4", "1e0e", "9001", SIM7600)
    power = power_switch("1-1.4", tmp_path)
    assert power is not None
    assert not power.is_power
    set_power(power, False)
    assert (folder / "authorized").read_text() == "0"


def test_nothing_there_is_switched_by_nothing(tmp_path: Path) -> None:
    assert power_switch("1-1.4", tmp_path) is None


def test_the_rules_of_udev_know_the_same_modems() -> None:
    rules = (Path(__file__).parents[2] / "board" / "udev" / "70-reservvaxel-modems.rules").read_text()
    named = re.findall(r'ATTRS\{idVendor\}=="(\w+)", ATTRS\{idProduct\}=="(\w+)"', rules)
    assert set(named) == set(KNOWN)
