"""What can be switched off, in a folder laid out as sysfs is."""

from __future__ import annotations

from pathlib import Path

import pytest

from drivers.saving import Kind, Saver

TREE = {
    "bus/usb/devices/1-1/1-1:1.0/1-1-port4/disable": "0",
    "class/rfkill/rfkill0/type": "wlan",
    "class/rfkill/rfkill0/soft": "0",
    "class/rfkill/rfkill1/type": "bluetooth",
    "class/rfkill/rfkill1/soft": "0",
    "class/backlight/10-0045/bl_power": "0",
    "class/drm/card1-HDMI-A-1/status": "connected",
    "class/drm/card1-DSI-1/status": "connected",
    "devices/system/cpu/cpufreq/policy0/scaling_governor": "ondemand",
    "class/leds/ACT/trigger": "none usb-gadget [mmc0] timer",
    "class/leds/ACT/brightness": "1",
    "class/leds/PWR/trigger": "none mmc0 [default-on]",
    "class/leds/PWR/brightness": "1",
}
OFF = [
    (Kind.MODEM, "1-1.4", {"bus/usb/devices/1-1/1-1:1.0/1-1-port4/disable": ("1", "0")}),
    (Kind.WIFI, "*", {"class/rfkill/rfkill0/soft": ("1", "0")}),
    (Kind.SCREEN, "*", {"class/backlight/10-0045/bl_power": ("4", "0")}),
    (Kind.HDMI, "*", {"class/drm/card1-HDMI-A-1/status": ("off", "detect")}),
    (Kind.CPU, "*", {"devices/system/cpu/cpufreq/policy0/scaling_governor": ("powersave", "ondemand")}),
    (Kind.LED, "PWR", {"class/leds/PWR/trigger": ("none", "default-on"), "class/leds/PWR/brightness": ("0", "1")}),
]


@pytest.fixture
def sysfs(tmp_path: Path) -> Path:
    for name, text in TREE.items():
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"{text}\n", "ascii")
    return tmp_path


def contents(root: Path) -> dict[str, str]:
    return {name: (root / name).read_text("ascii").strip() for name in TREE}


@pytest.mark.parametrize(("kind", "which", "switched"), OFF, ids=[str(row[0]) for row in OFF])
def test_off_and_back(kind: Kind, which: str, switched: dict[str, tuple[str, str]], sysfs: Path) -> None:
    """Nothing else is touched, and another one, as after a restart, brings it back."""
    saver = Saver(kind, which, sysfs)
    assert saver.is_off() is False
    before = saver.before()
    saver.off()
    assert contents(sysfs) == TREE | {name: off for name, (off, _) in switched.items()}
    assert saver.is_off() is True
    assert saver.before() == {}  # what is off already is not taken for how it was

    Saver(kind, which, sysfs).back(before)
    assert contents(sysfs) == TREE | {name: on for name, (_, on) in switched.items()}


@pytest.mark.parametrize("kind", Kind)
def test_where_nothing_is_there_to_switch(kind: Kind, tmp_path: Path) -> None:
    saver = Saver(kind, "1-1.4" if kind is Kind.MODEM else "*", tmp_path)
    assert saver.is_off() is None
    assert saver.before() == {}
    saver.off()
    saver.back({str(tmp_path / "stray"): "1"})
    assert not list(tmp_path.iterdir())


def test_a_hub_that_cannot_switch_its_port_is_not_used(sysfs: Path) -> None:
    """To let a device go saves nothing."""
    (sysfs / "bus/usb/devices/1-1.3").mkdir()
    (sysfs / "bus/usb/devices/1-1.3/authorized").write_text("1", "ascii")
    assert Saver(Kind.MODEM, "1-1.3", sysfs).is_off() is None


def test_what_cannot_be_written_is_told_after_the_rest(sysfs: Path) -> None:
    saver = Saver(Kind.LED, "*", sysfs)
    before = saver.before()
    saver.off()
    lamp = sysfs / "class/leds/PWR/trigger"
    lamp.unlink()
    lamp.mkdir()
    with pytest.raises(IsADirectoryError):
        saver.back(before)
    assert (sysfs / "class/leds/ACT/trigger").read_text("ascii") == "mmc0"


@pytest.mark.parametrize("text", [b"", b"\xff\xfe", b"[", b"x" * 10_000])
def test_a_file_with_nonsense_in_it_is_not_off(text: bytes, sysfs: Path) -> None:
    (sysfs / "devices/system/cpu/cpufreq/policy0/scaling_governor").write_bytes(text)
    assert not Saver(Kind.CPU, "*", sysfs).is_off()


@pytest.mark.parametrize("which", ["../..", "/etc", "1-1.4/../..", "**", ""])
def test_a_pattern_never_leaves_its_folder(which: str, sysfs: Path) -> None:
    for kind in Kind:
        assert Saver(kind, which, sysfs).is_off() is None
