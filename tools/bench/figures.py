"""Figures of a benchmark: percentiles, how many samples stand behind each, of which class they are, and the goals.

A figure that is not run, or that too few samples stand behind, is None: no value is better than one that chance made.
Pure.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

__all__ = [
    "DIGITS",
    "LEAST_SAMPLES",
    "Class",
    "Figure",
    "Goal",
    "Scalar",
    "flat",
    "missed",
    "percentile",
    "share",
    "timed",
]

LEAST_SAMPLES = 20
"""A figure with fewer samples is None."""
DIGITS = 3

Scalar = str | int | float | bool | None


class Class(StrEnum):
    """What a figure was measured on. A part that is simulated makes all of it S."""

    SIMULATED = "S"
    REAL_PEER = "R"
    HARDWARE = "H"


@dataclass(frozen=True)
class Goal:
    """A bound that the value must keep, itself included: at most, or at least."""

    bound: float
    at_least: bool = False

    def met(self, value: float) -> bool:
        return value >= self.bound if self.at_least else value <= self.bound

    def __str__(self) -> str:
        return f"{'≥' if self.at_least else '≤'} {self.bound:,g}"


@dataclass(frozen=True)
class Figure:
    """One value under its flat key. `reached` None: cannot be told, as there is no goal or no value."""

    key: str
    value: float | None
    samples: int
    samples_key: str
    of: Class
    goal: Goal | None = None
    failed: int = 0  # samples, counted in `samples`, that never came to an end

    @property
    def reached(self) -> bool | None:
        if self.goal is None or self.samples < LEAST_SAMPLES:
            return None
        return self.value is not None and self.goal.met(self.value)


def percentile(values: Sequence[float], percent: float) -> float:
    """By nearest rank: the least value that so many percent of all are not above. Raises ValueError without values."""
    if not values or not 0 < percent <= 100:
        raise ValueError(f"percentile {percent} of {len(values)} values")
    return sorted(values)[math.ceil(len(values) * percent / 100) - 1]


def timed(
    name: str,
    quantity: str,
    place: str,
    values: Sequence[float],
    of: Class,
    *,
    goal: Goal | None = None,
    percent: float = 95,
) -> Figure:
    """A percentile of times, under `name_quantity_place`; `math.inf` stands for what never came.

    Those are worse than any other, so a percentile that lies among them has no value, and its goal is missed.
    """
    value = percentile(values, percent) if len(values) >= LEAST_SAMPLES else math.inf
    return Figure(
        key=_joined(name, quantity, place),
        value=round(value, DIGITS) if math.isfinite(value) else None,
        samples=len(values),
        samples_key=_joined(name, "samples", place),
        of=of,
        goal=goal,
        failed=sum(math.isinf(value) for value in values),
    )


def share(name: str, part: int, whole: int, of: Class, *, goal: Goal | None = None) -> Figure:
    """`part` of `whole` in percent, under `name_percent`."""
    value = round(100 * part / whole, DIGITS) if whole >= LEAST_SAMPLES else None
    return Figure(_joined(name, "percent"), value, whole, _joined(name, "samples"), of, goal)


def flat(figures: Iterable[Figure]) -> dict[str, Scalar]:
    """All as one flat object: values, samples by figure, and `samples`, the fewest behind any value that is there."""
    figures = list(figures)
    found: dict[str, Scalar] = {figure.key: figure.value for figure in figures}
    counts: Mapping[str, Scalar] = {figure.samples_key: figure.samples for figure in figures}
    fewest = min((figure.samples for figure in figures if figure.value is not None), default=0)
    return {**found, **counts, "samples": fewest}


def missed(figures: Iterable[Figure]) -> list[Figure]:
    """Those whose goal is not kept."""
    return [figure for figure in figures if figure.reached is False]


def _joined(*words: str) -> str:
    return "_".join(word for word in words if word)
