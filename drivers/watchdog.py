"""The board's hardware watchdog: what it is, who feeds it, and whether it began the machine last.

systemd feeds it (RuntimeWatchdogSec=), and none of our programs does: for a unit to be alive the kernel must run and
PID 1 go round. A program of ours that hangs is systemd's to start again (WatchdogSec=); were it the one that feeds the
hardware, a hang of Python would cut calls that Kamailio carries without it. The device can be opened by one process,
which is PID 1; so it is read by sysfs alone (Documentation/ABI/testing/sysfs-class-watchdog), which opens nothing."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntFlag
from pathlib import Path

from drivers.sysfs import number_of, text_of

__all__ = ["SYSFS", "Boot", "WatchdogState", "read_watchdog"]

SYSFS = Path("/sys/class/watchdog")
TIMEOUT_MAX_S = 86_400
FLAGS_MAX = 0xFFFF


class Boot(IntFlag):
    """WDIOF_… of <linux/watchdog.h>: why it reset the machine."""

    OVERHEAT = 0x01
    FAN_FAULT = 0x02
    EXTERN_1 = 0x04
    EXTERN_2 = 0x08
    POWER_UNDER = 0x10
    CARD_RESET = 0x20
    """The watchdog itself: it was not fed."""
    POWER_OVER = 0x40


ALL_FLAGS = 0x7F


@dataclass(frozen=True, slots=True)
class WatchdogState:
    """None: not known. `active`: whether somebody has it open, so that it resets a machine that hangs."""

    identity: str
    active: bool | None = None
    timeout_s: int | None = None
    left_s: int | None = None
    nowayout: bool | None = None
    boot: Boot | None = None
    """Why the machine began last; no flag: not by it."""


def read_watchdog(sysfs: Path = SYSFS) -> WatchdogState | None:
    """The first one. None: there is none, or this machine does not show it. Never raises."""
    try:
        folders = sorted(folder for folder in sysfs.iterdir() if folder.name.startswith("watchdog"))
    except OSError:
        return None
    for folder in folders:
        identity = text_of(folder / "identity")
        if identity is not None:
            boot, nowayout = number_of(folder / "bootstatus", 0, FLAGS_MAX), number_of(folder / "nowayout", 0, 1)
            return WatchdogState(
                identity,
                active={"active": True, "inactive": False}.get(text_of(folder / "state") or ""),
                timeout_s=number_of(folder / "timeout", 1, TIMEOUT_MAX_S),
                left_s=number_of(folder / "timeleft", 0, TIMEOUT_MAX_S),
                nowayout=None if nowayout is None else bool(nowayout),
                boot=None if boot is None else Boot(boot & ALL_FLAGS),
            )
    return None
