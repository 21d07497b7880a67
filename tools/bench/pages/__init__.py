"""``rvx bench pages``: how soon pages come and how heavy they are, whether everybody can use them, how soon a code is
confirmed, and that no power cut loses a message."""

from __future__ import annotations

import argparse
import importlib
import time
from collections.abc import Callable
from typing import Protocol, cast

from tools.bench import Report
from tools.bench.figures import Figure, Scalar

__all__ = ["measure"]

PARTS = ("served", "codes", "voicemail", "accessible")


class Part(Protocol):
    """What each module here has."""

    def measure(self, tell: Callable[[str], None], *, quick: bool) -> tuple[list[Figure], dict[str, Scalar]]: ...


def measure(args: argparse.Namespace, say: Callable[[str], None]) -> Report:
    """All of it, some minutes; with `quick` less than one."""
    began = time.monotonic()

    def tell(text: str) -> None:
        say(f"{time.monotonic() - began:5.0f} s  {text}")

    figures: list[Figure] = []
    conditions: dict[str, Scalar] = {"quick": bool(args.quick)}
    for name in PARTS:
        part = cast(Part, importlib.import_module(f"tools.bench.pages.{name}"))
        found, under = part.measure(tell, quick=args.quick)
        figures += found
        conditions |= under
    return Report(figures, conditions | {"seconds": round(time.monotonic() - began, 1)})
