"""Watchdog, warmth and disk in folders made as the kernel makes them; the same on this machine, whatever it has."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from drivers.disk import EndOfLife, read_disk
from drivers.thermal import Held, ThermalState, read_thermal
from drivers.watchdog import Boot, WatchdogState, read_watchdog


def tree(root: Path, files: Mapping[str, str | bytes]) -> Path:
    for name, text in files.items():
        file = root / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(text if isinstance(text, bytes) else text.encode())
    return root


BCM2835 = {
    "watchdog0/identity": "Broadcom BCM2835 Watchdog timer\n",
    "watchdog0/state": "active\n",
    "watchdog0/timeout": "15\n",
    "watchdog0/timeleft": "14\n",
    "watchdog0/nowayout": "0\n",
    "watchdog0/bootstatus": "32\n",
}


@pytest.mark.parametrize(
    ("files", "state"),
    [
        ({}, None),
        (
            BCM2835,
            WatchdogState("Broadcom BCM2835 Watchdog timer", True, 15, 14, False, Boot.CARD_RESET),
        ),
        ({"watchdog0/identity": "x", "watchdog0/state": "inactive"}, WatchdogState("x", active=False)),
        (
            BCM2835
            | {"watchdog0/timeout": "-5", "watchdog0/timeleft": "9" * 300, "watchdog0/bootstatus": "much"}
            | {"watchdog0/state": b"\xff\xfe", "watchdog0/nowayout": "7", "watchdog0/identity": b"a\x1b[2Jb"},
            WatchdogState("a[2Jb"),
        ),
    ],
)
def test_the_watchdog(tmp_path: Path, files: Mapping[str, str | bytes], state: WatchdogState | None) -> None:
    assert read_watchdog(tree(tmp_path, files)) == state


ZONE = {"class/thermal/thermal_zone0/type": "cpu-thermal\n", "class/thermal/thermal_zone0/temp": "61225\n"}
THROTTLED = "devices/platform/soc/soc:firmware/get_throttled"
VOLT = {"class/hwmon/hwmon1/name": "rpi_volt\n", "class/hwmon/hwmon1/in0_lcrit_alarm": "1\n"}


@pytest.mark.parametrize(
    ("files", "state"),
    [
        ({}, ThermalState()),
        (ZONE | {THROTTLED: "0\n"}, ThermalState(61.225, Held(0), Held(0))),
        (ZONE | {THROTTLED: "50005\n"}, ThermalState(61.225, Held.UNDER_VOLTAGE | Held.THROTTLED, Held(5))),
        (VOLT, ThermalState(None, Held.UNDER_VOLTAGE)),
        (ZONE | {"class/thermal/thermal_zone0/temp": "9000000\n", THROTTLED: "zz"}, ThermalState()),
        ({"class/thermal/thermal_zone0/type": "x86_pkg_temp", "class/thermal/thermal_zone0/temp": "1"}, ThermalState()),
    ],
)
def test_warmth_and_voltage(tmp_path: Path, files: Mapping[str, str | bytes], state: ThermalState) -> None:
    assert read_thermal(tree(tmp_path, files)) == state


def disk_of(root: Path, attributes: Mapping[str, str | bytes]) -> Path:
    """A partition of a card, as sysfs links to it."""
    tree(root, {"devices/mmcblk0/mmcblk0p2/partition": "2", "dev/block/none": ""})
    tree(root, {f"devices/mmcblk0/device/{name}": text for name, text in attributes.items()})
    (root / "dev/block/179:2").symlink_to(root / "devices/mmcblk0/mmcblk0p2")
    return root


@pytest.mark.parametrize(
    ("attributes", "kind", "worn", "end"),
    [
        ({"type": "MMC\n", "life_time": "0x01 0x02\n", "pre_eol_info": "0x01\n"}, "emmc", 20, EndOfLife.NORMAL),
        ({"type": "MMC\n", "life_time": "0x0b 0x03\n", "pre_eol_info": "0x03\n"}, "emmc", 110, EndOfLife.URGENT),
        ({"type": "MMC\n", "life_time": "0x00 0x00\n", "pre_eol_info": "0x00\n"}, "emmc", None, None),
        ({"type": "MMC\n", "life_time": b"\xff" * 900, "pre_eol_info": "0x7f"}, "emmc", None, None),
        ({"type": "SD\n", "life_time": "0x01 0x02\n"}, "sd", None, None),
    ],
)
def test_how_worn_a_disk_is(
    tmp_path: Path, attributes: Mapping[str, str | bytes], kind: str, worn: int | None, end: EndOfLife | None
) -> None:
    state = read_disk(tmp_path, disk_of(tmp_path, attributes), (179, 2))
    assert state is not None
    assert (state.kind, state.worn_percent, state.end_of_life, state.read_only) == (kind, worn, end, False)
    assert 0 <= state.free_bytes <= state.size_bytes


def test_no_such_place_and_one_that_cannot_be_written() -> None:
    assert read_disk(Path("/nowhere/at/all")) is None
    proc = read_disk(Path("/proc"))
    assert proc is not None
    assert (proc.kind, proc.worn_percent) == ("", None)


def test_this_machine_whatever_it_has() -> None:
    read_watchdog()
    thermal = read_thermal()
    assert thermal.celsius is None or -40 <= thermal.celsius <= 150
    here = read_disk(Path("/"))
    assert here is not None
    assert here.size_bytes > 0
