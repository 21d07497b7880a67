"""Bugs of power that are planted on purpose in a copy of the product, to see whether evenings of power find them."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from hil.planted import Planted, plant

__all__ = ["BREAKS", "POWER_BUGS", "Breaks", "find_in_evenings"]

POWER_BUGS = Path("tests/storm/powerbugs")
EVENINGS = 120
FOUND_S = 300.0
"""Far more than an evening takes."""


class Breaks(NamedTuple):
    """Which rules, and the first evening that comes upon it: from that one on it is looked for."""

    rules: frozenset[str]
    seed: int = 1


def _breaks(rule: str, seed: int = 1) -> Breaks:
    return Breaks(frozenset((rule,)), seed)


BREAKS: Mapping[str, Breaks] = {
    "01-nobody-told": _breaks("last_words"),
    "02-nothing-flushed": _breaks("last_words"),
    "03-down-for-good": _breaks("returns", 18),
    "04-tried-once": _breaks("in_time", 6),
    "05-one-word-is-enough": _breaks("known", 15),
    "06-halts-unsure": _breaks("confirmed", 21),
    "07-minutes-run-out": _breaks("in_time", 130),
    "08-learnt-as-full": _breaks("confirmed", 78),
    "09-the-most-is-promised": _breaks("promised"),
    "10-emergency-first": _breaks("shed_last"),
    "11-never-on-again": _breaks("shed_rightly", 10),
    "12-shed-and-forgotten": _breaks("kept"),
    "13-held-for-a-moment": _breaks("confirmed", 6),
}
"""By the name of the patch."""


def find_in_evenings(root: Path, bug: Path) -> Planted:
    """Evenings over the bug, until one breaks something. `seconds` are none here."""
    with tempfile.TemporaryDirectory(prefix="rvbug-") as place:
        copy = Path(place)
        plant(root, bug, copy)
        # Not -P: the working folder comes first, so that the copy is what runs.
        command = [sys.executable, "-m", "hil.powered.evening", "--seed", str(BREAKS[bug.stem].seed)]
        command += ["--count", str(EVENINGS)]
        done = subprocess.run(command, cwd=copy, capture_output=True, text=True, timeout=FOUND_S, check=False)
    try:
        told = json.loads(done.stdout)
    except ValueError:
        return Planted(bug.stem, None, 0.0, why=done.stderr[-2000:])
    for one in told["broken"]:
        if one["rule"] in BREAKS[bug.stem].rules:
            return Planted(bug.stem, one["rule"], 0.0, one["seed"], told["evenings"], one["why"])
    return Planted(bug.stem, None, 0.0, 0, told["evenings"], json.dumps(told["broken"]))
