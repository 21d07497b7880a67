"""How wake-ups are counted."""

from __future__ import annotations

import os
import time
from pathlib import Path

from tools.bench.power.idle import woken


def test_all_threads_count_and_those_that_ended_do_not(tmp_path: Path) -> None:
    for pid, thread, count in ((7, 7, 100), (7, 8, 20), (9, 9, 3)):
        folder = tmp_path / str(pid) / "task" / str(thread)
        folder.mkdir(parents=True)
        (folder / "status").write_text(
            f"Name:\tx\nvoluntary_ctxt_switches:\t{count}\nnonvoluntary_ctxt_switches:\t999\n"
        )
    (tmp_path / "9" / "task" / "10").mkdir()
    assert woken({7, 9, 11}, tmp_path) == 123


def test_who_sleeps_was_woken() -> None:
    before = woken([os.getpid()])
    for _ in range(5):
        time.sleep(0.001)
    assert woken([os.getpid()]) >= before + 5
