"""A modem's place on USB as the kernel shows it in sysfs: which ttys it has now, and the switch of its hub's port.

Files like those below ``/sys/bus/usb/devices``, in a folder of our own. What is written to the port's ``disable`` is
looked at `LOOK_S` apart, as nobody tells of it."""

from __future__ import annotations

import contextlib
import re
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path

from hil.sim.modem.timers import Timer, Timers

__all__ = ["UsbPort"]

LOOK_S = 0.1


class UsbPort:
    """`place`: ``1-1.4``. `switched` is told when the hub's port gets power (True) or loses it."""

    def __init__(self, root: Path, place: str, timers: Timers, switched: Callable[[bool], None]) -> None:
        self._timers, self._switched = timers, switched
        devices = root / "bus" / "usb" / "devices"
        hub, port = re.split(r"[.](?=\d+$)", place)
        self._folder = devices / place
        self._place = place
        self._switch = devices / hub / f"{hub}:1.0" / f"{hub}-port{port}" / "disable"
        self._switch.parent.mkdir(parents=True, exist_ok=True)
        self._switch.write_text("0\n", "ascii")
        self._on = True
        self._timer: Timer | None = None
        self._look()

    def appear(self, usb_id: str, ttys: Mapping[int, str]) -> None:
        """Enumerated: `usb_id` is vendor:product, `ttys` their names by number of the interface."""
        for name, word in zip(("idVendor", "idProduct"), usb_id.split(":"), strict=True):
            self._folder.mkdir(parents=True, exist_ok=True)
            (self._folder / name).write_text(word + "\n", "ascii")
        for number, tty in ttys.items():
            (self._folder / f"{self._place}:1.{number}" / tty).mkdir(parents=True)

    def vanish(self) -> None:
        """Nothing is plugged in."""
        shutil.rmtree(self._folder, ignore_errors=True)

    def close(self) -> None:
        """It is looked at no more."""
        self.vanish()
        if self._timer is not None:
            self._timer.cancel()

    def _look(self) -> None:
        on = self._on
        with contextlib.suppress(OSError):
            said = self._switch.read_text("ascii").strip()
            on = said == "0" if said in ("0", "1") else on
        if on != self._on:
            self._on = on
            self._switched(on)
        self._timer = self._timers.later(LOOK_S, self._look)
