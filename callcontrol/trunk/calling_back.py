"""Who rings when somebody calls a SIM by which 112 was called within the hour (A4)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

__all__ = ["BACK_WITHIN_S", "EmergencyMade", "callers_to_ring"]

BACK_WITHIN_S = 3600.0
RINGS_MAX = 3
"""Callers of that hour who are rung, one after the other, the last one first."""


@dataclass(frozen=True, slots=True)
class EmergencyMade:
    """A call to 112: by which SIM (the modem's name), by whom ("" unknown), and when (s, any clock)."""

    line: str
    caller: str
    at: float


def callers_to_ring(line: str, made: Iterable[EmergencyMade], now: float) -> tuple[str, ...]:
    """Extensions, the one first that called last; each once. Empty where this SIM has called nobody for help."""
    recent = sorted(
        (each for each in made if each.line == line and 0 <= now - each.at < BACK_WITHIN_S), key=lambda e: -e.at
    )
    return tuple(dict.fromkeys(each.caller for each in recent if each.caller))[:RINGS_MAX]
