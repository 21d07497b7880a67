"""``rvx bench power``: how soon a loss of mains is seen, how true the minutes are, whether the unit always comes back,
what is lost, what watching costs."""

from __future__ import annotations

import argparse
import importlib
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from typing import Protocol, cast

from tools.bench import Report
from tools.bench.figures import Figure, Scalar

__all__ = ["measure"]

WAITS, PARTS = "idle", ("seen", "minutes", "returns", "frames")


class Part(Protocol):
    """What each module here has."""

    def measure(self, tell: Callable[[str], None], *, quick: bool) -> tuple[list[Figure], dict[str, Scalar]]: ...


def measure(args: argparse.Namespace, say: Callable[[str], None]) -> Report:
    """All of it, some six minutes; with `quick` less than one."""
    began = time.monotonic()

    def tell(text: str) -> None:
        say(f"{time.monotonic() - began:5.0f} s  {text}")

    figures: list[Figure] = []
    conditions: dict[str, Scalar] = {"quick": bool(args.quick)}
    # A unit at rest mostly waits: with `quick` the rest is measured meanwhile, of which it feels little.
    with ThreadPoolExecutor(1) as beside:
        waits = beside.submit(_measured, WAITS, tell, quick=args.quick)
        if not args.quick:
            wait([waits])
        done = [_measured(name, tell, quick=args.quick) for name in PARTS]
        for found, under in (*done, waits.result()):
            figures += found
            conditions |= under
    return Report(figures, conditions | {"seconds": round(time.monotonic() - began, 1)})


def _measured(name: str, tell: Callable[[str], None], *, quick: bool) -> tuple[list[Figure], dict[str, Scalar]]:
    part = cast(Part, importlib.import_module(f"tools.bench.power.{name}"))
    return part.measure(tell, quick=quick)
