"""A configuration that looks right and by which the unit cannot work: how long until it works by the one before.

Whole units by `rvx run`, with Kamailio; the hub sends each a configuration whose address for phones no machine has:
Kamailio's own check takes it, and its start fails. Timed from when the unit takes it in use to when its edge answers by
the old one. What is lost later (phones that do not come again) is taken back after another 45 s at the most, which
tests/firmware/test_trial.py has by the clock."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path

from firmware import __version__
from firmware.generations import Generations, GenerationsError
from firmware.sync.shown import SyncShown
from firmware.trial import Phase
from tools.bench.figures import Class, Figure, Goal, Scalar
from tools.bench.sync.pair import COMMAND, Hub, Unit, enrolled, free_port, hub, within
from tools.hub.ca import Signer
from tools.hub.sending import push

__all__ = ["measure"]

UNITS, ROUNDS = 4, 5
ABSENT = "udp:192.0.2.1:5060"
"""TEST-NET-1: no machine has it."""
STARTS_S, BEGINS_S, ENDS_S = 60.0, 60.0, 120.0
GOAL_S = 90.0


def measure(tell: Callable[[str], None], *, quick: bool) -> tuple[list[Figure], dict[str, Scalar]]:
    """With `quick` not run: one takes half a minute."""
    taken: list[float] = []
    if not quick:
        with tempfile.TemporaryDirectory(prefix="rvx-bench-sync-") as name, ExitStack() as stack:
            folder = Path(name)
            folder.chmod(0o755)
            at = stack.enter_context(hub(folder))
            tell(f"{UNITS} units")
            units = [_made(at, folder / f"unit{number}", number) for number in range(UNITS)]
            for unit in units:
                stack.enter_context(_running(unit))
            for unit in units:
                within(lambda unit=unit: _connected(unit), "a session with the hub", STARTS_S)  # type: ignore[misc]
            for turn in range(ROUNDS):
                tell(f"round {turn + 1} of {ROUNDS}")
                for unit in units:
                    _sent(at, unit)
                with ThreadPoolExecutor(UNITS) as pool:
                    taken += pool.map(_taken_back_s, units)
    worst = round(max(taken), 1) if taken else None
    figure = Figure("config_rollback_s", worst, len(taken), "rollbacks", Class.SIMULATED, Goal(GOAL_S))
    return [figure], {"config_rollback_s_min": round(min(taken), 1) if taken else None}


def _made(at: Hub, folder: Path, number: int) -> Unit:
    ports = "".join(f"{name}_port = {free_port()}\n" for name in ("control", "calls", "trunk", "late"))
    unit = enrolled(at, folder, f"bench-{number}", listen=f"udp:127.0.0.1:{free_port()}")
    text = unit.config.read_text("utf-8")
    unit.config.write_text(text.replace("[sync]", f"{ports}[sync]"), "utf-8")
    return unit


@contextmanager
def _running(unit: Unit) -> Iterator[None]:
    with (unit.folder / "run.log").open("ab") as log:
        process = subprocess.Popen(
            [*COMMAND, "tools.cli", "run", "--config", str(unit.config)], stdout=log, stderr=log, start_new_session=True
        )
    try:
        yield
    finally:
        os.killpg(process.pid, signal.SIGINT)
        process.wait(STARTS_S)


def _connected(unit: Unit) -> bool:
    seen = SyncShown.read(unit.paths.sync_shown)
    return seen is not None and bool(seen.connected) and _edge_answers(unit)


def _edge_answers(unit: Unit) -> bool:
    """As `rvx status` sees it."""
    words = [*COMMAND, "tools.cli", "status", "--json", "--config", str(unit.config)]
    done = subprocess.run(words, capture_output=True, text=True, timeout=STARTS_S, check=False)
    try:
        return json.loads(done.stdout).get("edge") is True
    except ValueError:
        return False


def _sent(at: Hub, unit: Unit) -> None:
    text = unit.config.read_text("utf-8")
    line = next(line for line in text.splitlines() if line.startswith("listen"))
    bad = text.replace(line, f'listen = ["{ABSENT}"]')
    push(at.store, Signer(at.place.ca), unit.member.unit, bad, __version__, "bench", datetime.now(UTC))


def _taken_back_s(unit: Unit) -> float:
    made = Generations(unit.config, unit.paths.state)

    def phase() -> Phase:
        try:
            return made.standing().phase
        except GenerationsError:
            return Phase.NONE

    before = made.standing().highest
    within(lambda: made.standing().highest > before or phase() is Phase.TRIAL, "what was sent", BEGINS_S, 0.05)
    within(lambda: phase() is Phase.TRIAL, "its trial", BEGINS_S, 0.05)
    began = time.monotonic()
    within(lambda: phase() is Phase.ROLLED_BACK, "the one before", ENDS_S, 0.1)
    within(lambda: _edge_answers(unit), "the edge", ENDS_S, 0.2)
    return time.monotonic() - began
