"""A short storm by the command that people use: real programs, seeded faults, nothing broken, nothing left behind."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = [pytest.mark.wire, pytest.mark.long, pytest.mark.timeout(330)]

ROOT = Path(__file__).resolve().parents[2]
SEED, MINUTES = 10, 0.25
KEYS = ("seed", "faults", "calls", "broken", "pairs_visited_percent")


def test_a_short_storm_breaks_nothing() -> None:
    command = [sys.executable, "-m", "tools.cli", "storm", "--seed", str(SEED), "--minutes", str(MINUTES), "--json"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300)
    told = json.loads(done.stdout)
    assert [told[key] for key in KEYS if told[key] is None] == []
    assert (told["seed"], told["broken"], told["problems"]) == (SEED, 0, []), done.stderr[-3000:]
    assert done.returncode == 0, done.stderr[-3000:]
    assert told["faults"] >= 1
    assert told["calls"] >= 10
    assert 0 < told["pairs_visited_percent"] <= 100
