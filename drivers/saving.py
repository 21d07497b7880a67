"""What can be switched off to make a battery last, by sysfs: a modem's USB port, Wi-Fi, screens, HDMI, the processor's
pace, lamps. PoE ports are a switch's (drivers/poe.py).

What stood there is read before it is switched, and is the caller's to keep: written back, it is as it was, also by
another process after a restart. `root` is where sysfs is mounted. Sources: the kernel's Documentation/ABI for
sysfs-class-rfkill, sysfs-class-led, sysfs-class-backlight (bl_power: FB_BLANK_*), sysfs-devices-system-cpu; for DRM
the connector's `status`, which takes off and detect."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from enum import StrEnum
from pathlib import Path
from typing import NamedTuple

from drivers.usb import SYSFS, power_switch

__all__ = ["Kind", "Saver"]

FILES_MAX = 64
"""Of one kind; a machine has a handful."""
TEXT_MAX_BYTES = 4096
"""Of a file: a lamp's list of triggers is the longest."""
BLANKED, LIT = "4", "0"
"""FB_BLANK_POWERDOWN and FB_BLANK_UNBLANK."""
_NAMES = re.compile(r"[A-Za-z0-9*?._:-]{1,64}")
_CHOSEN = re.compile(r"\[([^\]]*)\]")


class Kind(StrEnum):
    MODEM = "modem"
    WIFI = "wifi"
    SCREEN = "screen"
    HDMI = "hdmi"
    CPU = "cpu"
    LED = "led"


class _Switch(NamedTuple):
    """A file, what to write for off, and for on where that is not what stood there."""

    file: Path
    off: str
    on: str | None = None


class Saver:
    """`which`: of a modem its place on USB ("1-1.4"), else a pattern of names, all being "*". Its methods may block for
    a second: they are not for the loop."""

    def __init__(self, kind: Kind, which: str = "*", root: Path = SYSFS) -> None:
        self._kind, self._which, self._root = kind, which, root

    def is_off(self) -> bool | None:
        """None: there is nothing to switch, or it cannot be read."""
        switches = tuple(self._switches())
        found = [_read(switch.file) for switch in switches]
        if not found or None in found:
            return None
        return all(text == switch.off for text, switch in zip(found, switches, strict=True))

    def before(self) -> dict[str, str]:
        """What is to be written to be on again, by file; empty where there is nothing to switch, or it is off."""
        if self.is_off() is not False:
            return {}
        return {str(switch.file): switch.on or _read(switch.file) or "" for switch in self._switches()}

    def off(self) -> None:
        """Raises OSError; then what was done before it stays done."""
        for switch in self._switches():
            switch.file.write_text(switch.off, "ascii")

    def back(self, before: Mapping[str, str]) -> None:
        """In the reverse order; what is no file of this kind is left alone. Each is tried; raises OSError of the last
        that failed."""
        failed: OSError | None = None
        for switch in reversed(tuple(self._switches())):
            text = before.get(str(switch.file))
            if text:
                try:
                    switch.file.write_text(text, "ascii")
                except OSError as error:
                    failed = error
        if failed is not None:
            raise failed

    def _switches(self) -> Iterator[_Switch]:
        match self._kind:
            case Kind.MODEM:
                power = power_switch(self._which, self._root)
                if power is not None and power.is_power:
                    yield _Switch(power.file, power.off, power.on)
            case Kind.WIFI:
                for folder in self._found("class/rfkill"):
                    if _read(folder / "type") == "wlan":
                        yield _Switch(folder / "soft", "1", "0")
            case Kind.SCREEN:
                for folder in self._found("class/backlight"):
                    yield _Switch(folder / "bl_power", BLANKED, LIT)
            case Kind.HDMI:
                for folder in self._found("class/drm"):
                    if "-HDMI-" in folder.name:
                        yield _Switch(folder / "status", "off", "detect")
            case Kind.CPU:
                for folder in self._found("devices/system/cpu/cpufreq"):
                    yield _Switch(folder / "scaling_governor", "powersave")
            case Kind.LED:
                for folder in self._found("class/leds"):
                    yield _Switch(folder / "trigger", "none")
                    yield _Switch(folder / "brightness", "0")

    def _found(self, where: str) -> list[Path]:
        if not _NAMES.fullmatch(self._which) or ".." in self._which or "**" in self._which:
            return []
        try:
            return sorted((self._root / where).glob(self._which))[:FILES_MAX]
        except (OSError, ValueError):  # of a pattern, too
            return []


def _read(file: Path) -> str | None:
    """What is chosen, where a file lists what could be."""
    try:
        with file.open("rb") as opened:
            text = opened.read(TEXT_MAX_BYTES).decode("ascii").strip()
    except (OSError, ValueError):
        return None
    chosen = _CHOSEN.search(text)
    return chosen[1] if chosen else text
