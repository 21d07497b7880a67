"""What `sync` tells of itself: a small file in `run_dir`, for `unit`, `rvx sync` and whoever asks why."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from firmware.data.shown import fresh

__all__ = ["SyncShown"]

TEXT_MAX = 200
_TYPES: Mapping[str, type | tuple[type, ...]] = {"str": str, "int": int, "bool": bool, "float": (int, float)}


@dataclass(frozen=True, kw_only=True)
class SyncShown:
    """`why`: what is in the way, a key of the catalogue in tools/sync.py; "" is nothing. Times are ISO 8601, UTC."""

    enrolled: bool = False
    connected: bool = False
    unit: str = ""
    hub: str = ""
    why: str = ""
    detail: str = ""
    failures: int = 0
    again_s: float | None = None
    since: str = ""  # of connected, or of why
    contact_at: str = ""  # when the hub last answered
    waiting: int = 0
    oldest_at: str = ""
    held_back: str = ""  # why only what is important goes: power, budget
    heard_at: str = ""  # of the last page of the feed
    whole_at: str = ""  # of the last whole snapshot
    fetched: int = 0  # bytes of a snapshot that is being fetched
    fetching: int | None = None
    gone: int = 0  # people whose removal is held
    aside: int = 0
    passed: int = 0  # items of kinds that this version does not know
    overruled: int = 0
    refused: int = 0  # rows that the hub holds without effect, or cannot read
    differs: str = ""  # kinds whose digest was another after a snapshot, too
    clock_s: float | None = None  # the hub's clock before ours
    twin: bool = False
    forked_at: str = ""
    certificate_until: str = ""
    metered_mb: float = 0.0  # of today, by mobile data
    configuration: str = ""
    waits: str = ""

    def write(self, file: Path) -> None:
        """Raises OSError."""
        part = file.with_suffix(".part")
        part.write_text(json.dumps(asdict(self)), "utf-8")
        part.replace(file)

    @classmethod
    def read(cls, file: Path) -> SyncShown | None:
        """None where the process is not there, or has written what is not understood."""
        found = fresh(file)
        if found is None:
            return None
        given: dict[str, Any] = {}
        for each in fields(cls):
            value = found.get(each.name, each.default)
            wanted = str(each.type).removesuffix(" | None")
            if value is None and str(each.type).endswith("| None"):
                given[each.name] = None
            elif isinstance(value, _TYPES[wanted]) and isinstance(value, bool) == (wanted == "bool"):
                given[each.name] = value[:TEXT_MAX] if isinstance(value, str) else value
            else:
                return None
        return cls(**given)
