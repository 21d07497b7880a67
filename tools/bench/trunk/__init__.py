"""``rvx bench trunk``: how soon 112 is out, what is lost of SMS and calls, what the sound of a modem costs."""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable

from tools.bench import Report
from tools.bench.figures import Figure, Scalar

__all__ = ["measure"]


def measure(args: argparse.Namespace, say: Callable[[str], None]) -> Report:
    """All of it, some fifteen minutes; with `quick` less than one, and without mobile data."""
    from tools.bench.trunk import calls, data, sms, sound

    began = time.monotonic()

    def tell(text: str) -> None:
        say(f"{time.monotonic() - began:5.0f} s  {text}")

    figures: list[Figure] = []
    conditions: dict[str, Scalar] = {"quick": bool(args.quick)}
    for part in (sms, sound, data, calls):
        found, under = part.measure(tell, quick=args.quick)
        figures += found
        conditions |= under
    return Report(figures, conditions | {"seconds": round(time.monotonic() - began, 1)})
