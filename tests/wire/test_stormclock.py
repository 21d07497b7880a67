"""What a storm's clock does to a program of the unit: its wall clock jumps; it sleeps for as long as it says."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest

from hil.faults import CLOCK_CACHE_S, JUMP_S, clock_prefix
from hil.net import Net

pytestmark = [pytest.mark.wire, pytest.mark.timeout(60)]

PROGRAM = """
import sys, time
for line in sys.stdin:
    began = time.monotonic()
    time.sleep(float(line))
    print(time.monotonic() - began, time.time(), flush=True)
"""
SLEEP_S = 0.05


def test_a_clock_that_jumps_lets_sleep(tmp_path: Path) -> None:
    clock = tmp_path / "clock"
    with Net("rvclock") as net:
        program = net.host("unit").popen(
            [*clock_prefix(clock), sys.executable, "-c", PROGRAM],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        assert program.stdin is not None
        assert program.stdout is not None
        for jump_s in (0, JUMP_S):
            clock.write_text(f"+{jump_s}\n")
            time.sleep(2 * CLOCK_CACHE_S)
            program.stdin.write(f"{SLEEP_S}\n")
            program.stdin.flush()
            slept_s, told = map(float, program.stdout.readline().split())
            assert slept_s >= SLEEP_S
            assert abs(told - time.time() - jump_s) < 30
        program.stdin.close()
        program.wait(10)
