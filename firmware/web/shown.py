"""What `web` tells of itself, by a small file in `run_dir` that `unit` reads for `rvx status`."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from firmware.data.shown import fresh

__all__ = ["TROUBLE_MAX", "WebShown"]

TROUBLE_MAX = 200
"""Characters."""


@dataclass(frozen=True)
class WebShown:
    """As `firmware.status.Web` has it."""

    pages: bool | None = None
    phone_book: bool | None = None
    identity: bool | None = None
    trouble: str = ""

    def write(self, file: Path) -> None:
        """Raises OSError."""
        part = file.with_suffix(".part")
        part.write_text(json.dumps(asdict(self)), "utf-8")
        part.replace(file)

    @classmethod
    def read(cls, file: Path) -> WebShown | None:
        """None where the process is not there, or has written what is not understood."""
        found = fresh(file)
        if found is None:
            return None
        flags = {name: found.get(name) for name in ("pages", "phone_book", "identity")}
        trouble = found.get("trouble", "")
        if not all(flag is None or isinstance(flag, bool) for flag in flags.values()) or not isinstance(trouble, str):
            return None
        return cls(**flags, trouble=trouble[:TROUBLE_MAX])
