"""What the unit's data lies on: how much room there is, whether it can be written at all, and how worn it is, where the
kernel shows that (eMMC by its own account, JESD84-B51 §7.4; an SD card says nothing)."""

from __future__ import annotations

import os
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path

from drivers.sysfs import text_of

__all__ = ["SYSFS", "DiskState", "EndOfLife", "read_disk"]

SYSFS = Path("/sys")
LIFE_STEP_PERCENT = 10
LIFE_MOST = 0x0B
"""More than the whole life that the maker meant."""


class EndOfLife(IntEnum):
    """PRE_EOL_INFO: how much of the blocks kept in reserve is used."""

    NORMAL = 1
    WARNING = 2
    """80 %"""
    URGENT = 3
    """90 %"""


@dataclass(frozen=True, slots=True)
class DiskState:
    """`kind`: "emmc", "sd", or "" for all others. `worn_percent`: of the life that the maker meant, the worse of its
    two kinds of memory, rounded up to the next ten; 110: more than all of it. None: not told."""

    free_bytes: int
    size_bytes: int
    read_only: bool
    kind: str = ""
    worn_percent: int | None = None
    end_of_life: EndOfLife | None = None


def read_disk(place: Path, sysfs: Path = SYSFS, device: tuple[int, int] | None = None) -> DiskState | None:
    """Of the file system that `place` is on. `device`: major and minor number, for who knows them better. None: there
    is no such place. Never raises."""
    try:
        space = os.statvfs(place)
        number = place.stat().st_dev
    except OSError:
        return None
    major, minor = device or (os.major(number), os.minor(number))
    folder = _device(sysfs, major, minor)
    kind = {"MMC": "emmc", "SD": "sd"}.get(text_of(folder / "type") or "", "") if folder else ""
    emmc = folder if kind == "emmc" else None
    return DiskState(
        free_bytes=space.f_bavail * space.f_frsize,
        size_bytes=space.f_blocks * space.f_frsize,
        read_only=bool(space.f_flag & os.ST_RDONLY),
        kind=kind,
        worn_percent=_worn(text_of(emmc / "life_time")) if emmc else None,
        end_of_life=_end_of_life(text_of(emmc / "pre_eol_info")) if emmc else None,
    )


def _device(sysfs: Path, major: int, minor: int) -> Path | None:
    """The device below the disk that a partition belongs to. None: no block device (memory, a network)."""
    try:
        block = (sysfs / "dev" / "block" / f"{major}:{minor}").resolve(strict=True)
    except OSError:
        return None
    disk = block.parent if (block / "partition").exists() else block
    return disk / "device" if (disk / "device").is_dir() else None


def _worn(said: str | None) -> int | None:
    """``0x01 0x02``: of the two kinds of memory, in tenths of a life; 0 is not defined."""
    tenths = [_hex(word) for word in (said or "").split()[:2]]
    known = [value for value in tenths if value is not None and 1 <= value <= LIFE_MOST]
    return max(known) * LIFE_STEP_PERCENT if known and len(known) == len(tenths) else None


def _end_of_life(said: str | None) -> EndOfLife | None:
    value = _hex(said or "")
    return next((one for one in EndOfLife if one == value), None)


def _hex(word: str) -> int | None:
    try:
        return int(word, 16)
    except ValueError:
        return None
