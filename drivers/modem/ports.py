"""Which port of a modem speaks AT and which carries sound: by the interface's number, as its maker has it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from drivers.modem.model import ModemSettings
from drivers.usb import DEV, SYSFS, UsbDevice, find

__all__ = ["KNOWN", "Layout", "Places", "places"]


@dataclass(frozen=True, slots=True)
class Layout:
    """Numbers of interfaces."""

    at: int
    pcm: int | None


KNOWN = {
    ("1e0e", "9001"): Layout(2, 4),  # SIM7500, SIM7600: diagnosis, positions, AT, modem, sound
    ("2c7c", "0121"): Layout(2, 1),  # EC21
    ("2c7c", "0125"): Layout(2, 1),  # EC25, EG25: diagnosis, positions (sound meanwhile), AT, modem
    ("2c7c", "0306"): Layout(2, 1),  # EP06
    ("05c6", "9215"): Layout(2, 1),  # EC20
}
"""By vendor and product."""


@dataclass(frozen=True, slots=True)
class Places:
    """URLs of :mod:`drivers.link`; `pcm` is "" where there is none."""

    at: str
    pcm: str


def places(settings: ModemSettings, root: Path = SYSFS, dev: Path = DEV) -> Places | None:
    """Those of the configuration, else those of the device that is at its place now; None: there is none."""
    device = find(settings.usb_path, root, dev) if settings.usb_path else None
    layout = KNOWN.get((device.vendor, device.product)) if device else None
    at = settings.at_url or _url(device, layout.at if layout else None)
    pcm = settings.pcm_url or _url(device, layout.pcm if layout else None)
    return Places(at, pcm) if at else None


def _url(device: UsbDevice | None, interface: int | None) -> str:
    tty = device.ttys.get(interface) if device and interface is not None else None
    return f"serial://{tty}" if tty else ""
