"""What several set at once, however it is delivered, ends the same everywhere, and as something that somebody has set:
histories by seed, of two units' and a hub's own code (`tools.bench.sync.converging`)."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path

from tools.bench.figures import Class, Figure, Goal, Scalar
from tools.bench.sync.converging import converge

__all__ = ["measure"]

HISTORIES = {True: 20, False: 300}


def measure(tell: Callable[[str], None], *, quick: bool) -> tuple[list[Figure], dict[str, Scalar]]:
    count = HISTORIES[quick]
    tell(f"{count} histories of two units and a hub")
    found = changes = 0
    for seed in range(count):
        with tempfile.TemporaryDirectory(prefix="rvx-bench-sync-") as folder:
            outcome = converge(Path(folder), seed)
            found += len(outcome.mixtures)
            changes += outcome.set
    figure = Figure("conflict_mixtures", float(found), count, "histories", Class.SIMULATED, Goal(0))
    return [figure], {"histories_set": changes}
