"""A platform that is slow, one that dies with calls in its hands, and one that is only bad."""

from __future__ import annotations

import random
import time
from dataclasses import replace

from tools.bench.master.stage import Counts, Say, Stage

__all__ = ["MATRIX", "POINTS", "calm", "setups", "slow"]

TIMES_S = (0.2, 0.6, 1.0, 3.0, 10.0)
MATRIX = tuple((trying_s, ringing_s) for trying_s in TIMES_S for ringing_s in TIMES_S)
POINTS = ((0.6, 0.2), (1.0, 0.6))
"""For a quick look."""
SLOW_RATE = 40.0
HOLD_MS = 200
GHOSTS_GONE_S = 20.0
PATIENCE_MS = 60_000

SETUP_RING_MS = 6_000
SETUP_PHASES_S = (0.05, 0.2, 1.0, 3.0)
"""From the first INVITE to the death: before the 100, at the challenge, while it rings."""
DETECT_S, RETURN_S = 15.0, 40.0

LOSS_PERCENT = 1.0
JITTER_MS = 150
PAUSE_S = 2.0
PAUSE_EVERY_S = 60.0
CALM_RATE = 30.0
POLL_S = 0.2
ENDED_S = 4.0
SEED = 3


def slow(stage: Stage, points: tuple[tuple[float, float], ...], counts: Counts, say: Say) -> None:
    """At each point of the matrix everybody rings once: each call rings once, is answered once, and leaves nothing."""
    for trying_s, ringing_s in points:
        say(f"100 after {trying_s:g} s, then ringing after {ringing_s:g} s")
        before = len(stage.crowd.calls())
        stage.platform.slow(trying_s, ringing_s)
        results = stage.caller.call(stage.dials(), rate=SLOW_RATE, hold_ms=HOLD_MS, patience_ms=PATIENCE_MS)
        until = time.monotonic() + trying_s + ringing_s + GHOSTS_GONE_S
        while stage.platform.dialogs() and time.monotonic() < until:
            stage.sleep(POLL_S)
        counts.ghosts += len(stage.platform.dialogs())
        stage.platform.slow(0, 0)
        counts.calls(results, say)
        rung = stage.crowd.calls()[before:]
        counts.slow_calls += len(results)
        counts.double_rings += max(0, len(rung) - len(results))
        counts.double_answers += max(0, sum(call.code == 200 for call in rung) - len(results))


def setups(stage: Stage, times: int, counts: Counts, say: Say) -> None:
    """The platform is killed while everybody's call is being set up; each must be answered all the same."""
    for number in range(times):
        phase_s = SETUP_PHASES_S[number % len(SETUP_PHASES_S)]
        say(f"death {number + 1} of {times}, {phase_s:g} s into {len(stage.dials())} calls")
        placing = stage.caller.place(stage.dials(), rate=200, hold_ms=HOLD_MS, patience_ms=PATIENCE_MS)
        stage.sleep(phase_s)
        stage.platform.kill()
        results = placing.wait()
        counts.setups += len(results)
        counts.setups_lost += counts.calls(results, say)
        stage.site.wait_mode("SURVIVAL", DETECT_S)
        stage.platform.start()
        stage.site.wait_mode("NORMAL", RETURN_S)


def calm(stage: Stage, calls: int, counts: Counts, say: Say) -> None:
    """Calls over a line that loses, strays and pauses, by a platform that lives: it must stay master all along."""
    line, chance = stage.site.line, random.Random(SEED)  # noqa: S311  a spread, no secret
    assert line is not None
    line.loss(LOSS_PERCENT)
    line.jitter(JITTER_MS)
    began, diverted = time.monotonic(), stage.site.count("diverted")
    placing = stage.caller.place(stage.dials(), count=calls, rate=CALM_RATE, hold_ms=HOLD_MS, patience_ms=PATIENCE_MS)
    survivals, was = 0, ""
    pause_at = began + chance.uniform(0.5, 1.0) * PAUSE_EVERY_S
    while len(placing.so_far()) < calls:
        mode = stage.site.mode()
        survivals += mode == "SURVIVAL" and was != mode
        was = mode
        if time.monotonic() > pause_at:
            line.cut()
            stage.sleep(PAUSE_S)
            line.mend()
            pause_at = time.monotonic() + chance.uniform(0.5, 1.5) * PAUSE_EVERY_S
        stage.sleep(POLL_S)
    results = placing.wait()
    # The answer to a BYE may be lost, and sipp does not give it twice: what counts is that either side saw the end.
    stage.sleep(ENDED_S)
    ended = {call.call_id for call in stage.crowd.calls() if call.completed}
    results = [replace(call, completed=call.completed or call.call_id in ended) for call in results]
    counts.calls(results, say)
    counts.calm_calls += len(results)
    counts.observed_s += time.monotonic() - began
    counts.diverted += stage.site.count("diverted") - diverted
    counts.false_survivals += survivals
    line.loss(0)
    line.jitter(0)
