"""A platform that comes back at once and has forgotten every registration, while the building talks.

Calls between the phones of the building must not notice. A call from outside waits until the platform knows its
callee again: how long is asked of every extension, twice a second, from the moment the platform serves."""

from __future__ import annotations

import math
import time

from hil.phone.sipp import Dial, Sipp, User
from hil.site import PLATFORM_IP, REALM
from tools.bench.master.stage import REGISTER_S, Counts, Say, Stage

__all__ = ["OUTSIDE_IP", "run"]

RATE = 10.0  # 1/s, inside the building
HOLD_MS = 100
OUTSIDE_IP = "10.99.0.3"
ASK_EVERY_S = 0.5
PATIENCE_S = 4.0 * REGISTER_S
LEAD_S, TALK_S = 1.0, 2.0 * REGISTER_S
"""Calls begin so long before, and come for so long."""
SETTLED_S = 40.0


def run(stage: Stage, times: int, counts: Counts, say: Say) -> None:
    """So many times."""
    stage.site.platform_host.address("line", f"{OUTSIDE_IP}/24")
    outside = Sipp(stage.site.platform_host, OUTSIDE_IP, f"{PLATFORM_IP}:5060", REALM)
    for number in range(times):
        say(f"amnesia {number + 1} of {times}")
        _once(stage, outside, counts, say)


def _once(stage: Stage, outside: Sipp, counts: Counts, say: Say) -> None:
    placing = stage.caller.place(stage.dials(), count=round(RATE * TALK_S), rate=RATE, hold_ms=HOLD_MS)
    stage.sleep(LEAD_S)
    stage.platform.restart()
    back = time.monotonic()
    missing = dict.fromkeys(stage.site.users, math.inf)
    while any(map(math.isinf, missing.values())) and time.monotonic() - back < PATIENCE_S:
        asked = [extension for extension, gap_s in missing.items() if math.isinf(gap_s)]
        calls = outside.call([Dial(User("0701000000"), extension) for extension in asked], hold_ms=HOLD_MS)
        for extension, call in zip(asked, calls, strict=True):
            if call.code == 200 and call.began_at is not None and call.final_ms is not None:
                missing[extension] = call.began_at + call.final_ms / 1000 - back
        stage.sleep(ASK_EVERY_S - (time.monotonic() - back) % ASK_EVERY_S)
    counts.amnesia_gap_s += missing.values()
    results = placing.wait()
    counts.amnesia_calls += len(results)
    counts.amnesia_failed += counts.calls(results, say)
    stage.site.wait_mode("NORMAL", SETTLED_S)
