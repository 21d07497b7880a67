"""``rvx bench``: how fast the unit takes over, and how much it carries; measured on real programs in namespaces.

A benchmark is a module here with ``measure(args, tell) -> Report``; ``tell`` takes a line of progress. What was
measured goes to standard output, as a table or (``--json``) as one flat object; a goal that is missed makes the exit
code 1.
"""

from __future__ import annotations

import argparse
import importlib
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol, cast

from tools.bench.figures import LEAST_SAMPLES, Figure, Scalar, flat, missed
from tools.errors import DONE, FAILED, UserError
from tools.output import Output, Paint, table

__all__ = ["Benchmark", "Report", "lines", "run"]

NO_WORD = " " * 6
"""Before a figure that has no goal."""


@dataclass(frozen=True)
class Report:
    """What a benchmark found. `conditions` are what it was measured under, and what more is to be known of it."""

    figures: Sequence[Figure]
    conditions: Mapping[str, Scalar] = field(default_factory=dict)


class Benchmark(Protocol):
    """What a benchmark's module has."""

    def measure(self, args: argparse.Namespace, tell: Callable[[str], None]) -> Report: ...


def run(args: argparse.Namespace) -> int:
    """Exit code 0, or 1 when a goal is missed."""
    if os.geteuid() != 0:
        raise UserError("RVX-N05")
    out = Output.of(args)
    benchmark = cast(Benchmark, importlib.import_module(f"tools.bench.{args.what}"))
    report = benchmark.measure(args, out.progress)
    out.done()
    bad = missed(report.figures)
    if out.json:
        out.document("fail" if bad else "ok", problems=(), **{**flat(report.figures), **report.conditions})
    else:
        for line in lines(report, out.paint):
            out.line(line)
    return FAILED if bad else DONE


def lines(report: Report, paint: Paint) -> list[str]:
    """The table, and the conditions below it."""
    rows = [
        (figure.key, _number(figure), str(figure.goal or ""), str(figure.samples), figure.of)
        for figure in report.figures
    ]
    head, *body = table([("figure", "value", "goal", "samples", "class"), *rows])
    marked = [f"{_word(figure, paint)} {line}" for figure, line in zip(report.figures, body, strict=True)]
    found = table((name, str(value)) for name, value in report.conditions.items()) if report.conditions else []
    legend = f"–: fewer than {LEAST_SAMPLES} samples. Class S: a part is simulated; R: real peers only; H: hardware."
    return [f"{NO_WORD} {head}", *marked, "", legend, "", *found]


def _number(figure: Figure) -> str:
    return "–" if figure.value is None else f"{figure.value:g}"


def _word(figure: Figure, paint: Paint) -> str:
    if figure.value is None and figure.samples < LEAST_SAMPLES:
        return paint.word("skip")
    return NO_WORD if figure.reached is None else paint.word("ok" if figure.reached else "fail")
