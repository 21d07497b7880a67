"""A USB device by its place (``1-1.4``: bus 1, port 1 of it, port 4 of the hub there), as sysfs has it: names of ttys
change whenever a device comes back, its place does not. `root` is where sysfs is mounted, `dev` where ttys are."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

__all__ = ["DEV", "SYSFS", "Power", "UsbDevice", "find", "power_switch", "set_power"]

SYSFS = Path("/sys")
DEV = Path("/dev")
PLACE = re.compile(r"[0-9]{1,3}-[0-9]{1,3}(?:\.[0-9]{1,3}){0,5}")
INTERFACE = re.compile(r":\d+\.(\d+)$")
TTY = re.compile(r"tty[A-Z]+[0-9]+")
ATTRIBUTE_MAX_BYTES = 256


@dataclass(frozen=True, slots=True)
class UsbDevice:
    """`vendor`, `product`: four hexadecimal digits. `ttys`: device files by number of the interface."""

    place: str
    vendor: str
    product: str
    ttys: Mapping[int, str]


@dataclass(frozen=True, slots=True)
class Power:
    """`file` is written to switch. `is_power`: whether that takes the device's power; if not, it only lets it go and
    find itself anew. `on`, `off`: what to write."""

    file: Path
    is_power: bool
    on: str
    off: str


def find(place: str, root: Path = SYSFS, dev: Path = DEV) -> UsbDevice | None:
    """None: nothing is plugged in there, or the place is none. Never raises."""
    folder = _devices(root) / place
    if not PLACE.fullmatch(place):
        return None
    vendor, product = _word(folder / "idVendor"), _word(folder / "idProduct")
    if vendor is None or product is None:
        return None
    ttys: dict[int, str] = {}
    try:
        interfaces = sorted(folder.iterdir())
    except OSError:
        return None
    for interface in interfaces:
        number = INTERFACE.search(interface.name)
        name = _tty(interface) if number else None
        if number and name:
            ttys[int(number[1])] = str(dev / name)
    return UsbDevice(place, vendor, product, ttys)


def power_switch(place: str, root: Path = SYSFS) -> Power | None:
    """How the port at that place is switched: by its hub, where the kernel has it (6.0 and newer, and a hub that
    can); else the device is let go, which restarts nothing in it. None: neither."""
    if not PLACE.fullmatch(place):
        return None
    parent, port = re.split(r"[.-](?=\d+$)", place)
    is_root = "." not in place
    hub = _devices(root) / (f"usb{parent}" if is_root else parent)
    interface = f"{parent}-0:1.0" if is_root else f"{parent}:1.0"
    by_hub = hub / interface / f"{hub.name}-port{port}" / "disable"
    if by_hub.exists():
        return Power(by_hub, True, "0", "1")
    by_device = _devices(root) / place / "authorized"
    return Power(by_device, False, "1", "0") if by_device.exists() else None


def set_power(power: Power, on: bool) -> None:
    """May take a second, as the kernel lets the device go meanwhile: not for the loop. Raises OSError."""
    power.file.write_text(power.on if on else power.off)


def _devices(root: Path) -> Path:
    return root / "bus" / "usb" / "devices"


def _word(file: Path) -> str | None:
    try:
        with file.open("rb") as opened:
            said = opened.read(ATTRIBUTE_MAX_BYTES).decode("ascii", "replace").strip().lower()
    except OSError:
        return None
    return said if re.fullmatch(r"[0-9a-f]{4}", said) else None


def _tty(interface: Path) -> str | None:
    """``1-1:1.2/ttyUSB2`` of a serial driver, ``1-1:1.2/tty/ttyACM0`` of a communications device."""
    for folder in (interface, interface / "tty"):
        try:
            names = sorted(each.name for each in folder.iterdir())
        except OSError:
            continue
        name = next((each for each in names if TTY.fullmatch(each)), None)
        if name:
            return name
    return None
