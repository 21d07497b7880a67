"""Puts the fake of RPi.GPIO (hil/sim/power/fake) where a Raspberry Pi has the library."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol, cast

__all__ = ["FakeGpio", "fake_header"]

FAKE = Path(__file__).parent / "fake"
MODULES = ("RPi", "RPi.GPIO")


class FakeGpio(Protocol):
    """What of the fake is a test's."""

    history: list[tuple[float, str, int, int]]
    taken: set[int]

    def drive(self, channel: int, level: bool) -> None: ...
    def level(self, channel: int) -> int: ...
    def reset(self) -> None: ...


@contextmanager
def fake_header() -> Iterator[FakeGpio]:
    """A Pi with nothing driven, until the end."""
    sys.path.insert(0, str(FAKE))
    try:
        fake = cast("FakeGpio", importlib.import_module("RPi.GPIO"))
        fake.reset()
        yield fake
    finally:
        sys.path.remove(str(FAKE))
        for module in MODULES:
            sys.modules.pop(module, None)
