"""``rvx bench sync``: how soon a unit knows what the hub knows, that records arrive once, how soon a bad configuration
is taken back, and that what several set at once never ends as what nobody set.

A real hub, the real process `sync` and, for configurations, a whole unit with Kamailio, all on loopback by TLS."""

from __future__ import annotations

import argparse
import importlib
import time
from collections.abc import Callable
from typing import Protocol, cast

from tools.bench import Report
from tools.bench.figures import Figure, Scalar

__all__ = ["measure"]

PARTS = ("spread", "records", "agreeing", "rollback")


class Part(Protocol):
    """What each module here has."""

    def measure(self, tell: Callable[[str], None], *, quick: bool) -> tuple[list[Figure], dict[str, Scalar]]: ...


def measure(args: argparse.Namespace, say: Callable[[str], None]) -> Report:
    """All of it, a quarter of an hour and more; with `quick` less than a minute."""
    began = time.monotonic()

    def tell(text: str) -> None:
        say(f"{time.monotonic() - began:5.0f} s  {text}")

    figures: list[Figure] = []
    conditions: dict[str, Scalar] = {"quick": bool(args.quick)}
    for name in PARTS:
        part = cast(Part, importlib.import_module(f"tools.bench.sync.{name}"))
        found, under = part.measure(tell, quick=args.quick)
        figures += found
        conditions |= under
    return Report(figures, conditions | {"seconds": round(time.monotonic() - began, 1)})
