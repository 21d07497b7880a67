"""The unit's own lamps, buzzer and button, for who stands before it without a screen.

Green: the platform is reached. Yellow: on its own, or on its battery. Red: somebody is needed. All steady on a good
day, so that they wake nobody; `shown` is the whole of what they mean."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from dataclasses import dataclass

from drivers.gpio import PATTERNS, Button, GpioError, Header, Lamp, Press
from drivers.pins import PinMap
from firmware.config_panel import Panel as PanelSettings
from firmware.modes import Mode
from firmware.pinclaims import BUTTON, BUZZER, LAMPS
from firmware.status import Severity, Status
from firmware.ticks import tick

__all__ = ["Panel", "Shown", "shown"]

LOOK_S = 1.0
RETRY_S = 60.0
TRIED_S = 3.0
"""How long the lamps are tried."""
BATTERY, LOW, HALTING = "battery", "low", "halting"
"""States of power (firmware/power/states.py) that are shown."""


@dataclass(frozen=True, slots=True)
class Shown:
    """Names of PATTERNS. `sound`: what the buzzer says once, when this begins."""

    green: str = "off"
    yellow: str = "off"
    red: str = "off"
    sound: str = "off"


def shown(mode: Mode | None, power: str | None, worst: Severity | None) -> Shown:
    """Of the unit's mode (None: the edge does not answer), its state of power (None: nobody looks) and the gravest of
    its problems."""
    if power == HALTING:
        return Shown("off", "fast", "fast", "alarm")
    sounds = {BATTERY: "beep", LOW: "three beeps"}
    own = "on" if mode is Mode.SURVIVAL else "slow" if mode is Mode.RETURNING else "off"
    return Shown(
        "on" if mode is Mode.NORMAL else "slow" if mode in (Mode.SUSPECT, Mode.RETURNING) else "off",
        {BATTERY: "twice", LOW: "fast"}.get(power or "", own),
        "on" if mode is None or worst is Severity.FAIL else "slow" if worst is Severity.WARN else "off",
        sounds.get(power or "", "off"),
    )


class Panel:
    """`status` is asked each LOOK_S."""

    def __init__(
        self,
        settings: PanelSettings,
        pin_map: PinMap,
        header: Header,
        status: Callable[[], Status],
    ) -> None:
        self._settings = settings
        self._map = pin_map
        self._header = header
        self._status = status
        self._lamps: dict[str, Lamp] = {}
        self._button: Button | None = None
        self._tried_until_s = 0.0
        self._last = Shown()

    async def run(self) -> None:
        """Until cancelled. Without a header, or with one that fails, it tries again now and then."""
        loop = asyncio.get_running_loop()
        try:
            while True:
                try:
                    self._open()
                    while True:
                        if loop.time() >= self._tried_until_s:
                            self.show(self._now())
                        await tick(LOOK_S)
                except GpioError:
                    self._close()
                await asyncio.sleep(RETRY_S)
        finally:
            self._close()

    def show(self, what: Shown) -> None:
        """Raises GpioError."""
        for name, pattern in zip(LAMPS, (what.green, what.yellow, what.red), strict=True):
            if name in self._lamps:
                self._lamps[name].show(PATTERNS[pattern])
        if what.sound != self._last.sound and BUZZER in self._lamps:
            self._lamps[BUZZER].show(PATTERNS[what.sound])
        self._last = what

    def _now(self) -> Shown:
        status = self._status()
        graves = {problem.severity for problem in status.problems}
        worst = Severity.FAIL if Severity.FAIL in graves else Severity.WARN if graves else None
        return shown(status.mode, status.power.state if status.power else None, worst)

    def _open(self) -> None:
        names = [
            *(LAMPS if self._settings.lamps == "yes" else ()),
            *([BUZZER] if self._settings.buzzer == "yes" else []),
        ]
        for name in names:
            pin = self._map.named(name)
            if pin is not None and name not in self._lamps:
                self._lamps[name] = Lamp(self._header.output(pin.number, pin.active_high is not False))
        pin = self._map.named(BUTTON)
        if self._settings.button == "yes" and pin is not None and self._button is None:
            self._button = Button(self._header, pin.number, self._pressed, pin.active_high is True, pin.pull)

    def _close(self) -> None:
        for lamp in self._lamps.values():
            lamp.close()
        self._lamps.clear()
        if self._button is not None:
            self._button.close()
            self._button = None

    def _pressed(self, press: Press) -> None:
        """Tries all lamps, and the buzzer; a long press ends whatever the buzzer says."""
        with contextlib.suppress(GpioError):
            if press is Press.LONG and BUZZER in self._lamps:
                self._lamps[BUZZER].show(PATTERNS["off"])
                return
            self._tried_until_s = asyncio.get_running_loop().time() + TRIED_S
            for name, lamp in self._lamps.items():
                lamp.show(PATTERNS["beep" if name == BUZZER else "on"])
