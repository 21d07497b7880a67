"""What `data` and `tunnel` tell of themselves, by small files in `run_dir` that `unit` reads for `rvx status`."""

from __future__ import annotations

import json
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from callcontrol.trunk.budget import Level

__all__ = ["Shown", "Tunnel", "fresh"]

MET_S = 200.0
"""WireGuard makes a handshake each 120 s while anything is sent, and tries for 90."""
STALE_S = 15.0
"""Who has not written for so long is not there."""
FILE_MAX_BYTES = 4096


@dataclass(frozen=True)
class Shown:
    """The way by data as `data` sees it. None: not known."""

    calls: int
    borne: int
    capacity_bps: float | None = None
    rtt_ms: float | None = None
    loss: float | None = None
    level: Level = Level.OK
    day_mb: float | None = None
    month_mb: float | None = None

    def write(self, file: Path) -> None:
        """Raises OSError."""
        part = file.with_suffix(".part")
        part.write_text(json.dumps(asdict(self)), "utf-8")
        part.replace(file)

    @classmethod
    def read(cls, file: Path) -> Shown | None:
        """None where the process is not there, or has written what is not understood."""
        found = fresh(file)
        if found is None:
            return None
        try:
            return cls(**{**found, "level": Level(found["level"])})
        except (TypeError, ValueError, KeyError):
            return None


@dataclass(frozen=True)
class Tunnel:
    """WireGuard as `tunnel` sees it: seconds since the last handshake (None: none yet), and by what it runs."""

    handshake_s: float | None
    by: str

    @property
    def met(self) -> bool:
        """Whether the two ends have met lately."""
        return self.handshake_s is not None and self.handshake_s < MET_S

    @classmethod
    def read(cls, file: Path) -> Tunnel | None:
        found = fresh(file)
        if found is None or not isinstance(found.get("handshake_s"), int | float | None):
            return None
        return cls(found["handshake_s"], str(found.get("by", "")))


def fresh(file: Path) -> dict[str, Any] | None:
    """None where it was not written for a while, or holds no object."""
    try:
        if time.time() - file.stat().st_mtime > STALE_S:
            return None
        with file.open("rb") as opened:
            found = json.loads(opened.read(FILE_MAX_BYTES))
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) else None
