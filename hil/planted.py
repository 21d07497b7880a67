"""Bugs planted on purpose in a copy of the product, to see whether a storm finds them."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

__all__ = ["BUGS", "Planted", "find", "plant"]

BUGS = Path("tests/storm/bugs")
COPIED = ("callcontrol", "drivers", "firmware", "hil", "tools")
MARGIN_S = 240.0
"""What a storm takes beyond its minutes: start, return, the last look."""


@dataclass(frozen=True)
class Planted:
    """What became of one bug; `rule` is the invariant that it broke first, None: it was not found."""

    bug: str
    rule: str | None
    seconds: float  # until it was found, from the begin of the plan
    why: str = ""


def plant(root: Path, bug: Path, into: Path) -> None:
    """Copies the product to `into`, with the bug. Raises subprocess.CalledProcessError where the patch does not fit."""
    for folder in COPIED:
        shutil.copytree(root / folder, into / folder, ignore=shutil.ignore_patterns("__pycache__"))
    subprocess.run(["git", "apply", "-C1", str(bug.resolve())], cwd=into, check=True, capture_output=True, text=True)


def find(root: Path, bug: Path, minutes: float) -> Planted:
    """One storm over the bug, until something breaks; its seed is the number that the bug's name begins with."""
    with tempfile.TemporaryDirectory(prefix="rvbug-") as place:
        copy = Path(place)
        copy.chmod(0o755)
        plant(root, bug, copy)
        seed = str(int(bug.stem.partition("-")[0]))
        # Not -P: the working folder comes first, so that the copy is what runs.
        command = [sys.executable, "-m", "tools.cli", "storm", "--seed", seed, "--minutes", f"{minutes:g}", "--json"]
        began = time.monotonic()
        done = subprocess.run(
            command, cwd=copy, capture_output=True, text=True, timeout=minutes * 60 + MARGIN_S, check=False
        )
        took_s = time.monotonic() - began
    try:
        told = json.loads(done.stdout)
    except ValueError:
        return Planted(bug.stem, None, took_s, done.stderr[-2000:])
    problems = told.get("problems", [])
    if not told.get("broken") or not problems:
        return Planted(bug.stem, None, took_s, str(told.get("failed") or ""))
    return Planted(bug.stem, problems[0]["expected"], told["broken_after_s"], problems[0]["observed"])
