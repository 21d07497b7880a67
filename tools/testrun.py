"""``rvx test``: the one command that proves what is here, for a person and for CI alike."""

import argparse
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from tools.errors import DONE, FAILED, UNKNOWN, UserError
from tools.output import Output, table

__all__ = ["Result", "Step", "run", "steps"]

ROOT = Path(__file__).resolve().parent.parent
_PYTEST_NO_TESTS = 5  # pytest's exit code when it collected none
_FAST_AT_ONCE = 2  # fast tests run beside each other
_WIRE_AT_ONCE = 2  # files of wire tests run beside each other; with more, two cores make phones late
_FAST_GOAL_S = 30  # the fast tests are meant to be run at every change
_MEMORY = Path("/dev/shm")  # noqa: S108  a folder of our own is made in it
_MEMORY_LEAST_BYTES = 1 << 30


class Step(NamedTuple):
    """One thing to prove, and the command that proves it."""

    name: str
    command: list[str]
    needs_root: bool = False


class Result(NamedTuple):
    """How a step ended: ``ok``, ``fail`` or ``skip``, in seconds, and why if it is not ok."""

    name: str
    word: str
    seconds: float
    reason: str = ""


def steps(fast: bool, long: bool, pytest_args: list[str]) -> Iterator[Step]:
    """What to run, in order: cheapest first, so that a slip is told early."""
    python = sys.executable
    bin_folder = Path(python).parent
    pytest = [python, "-m", "pytest"]
    # Marks that the person chose are theirs; else what is long is left out unless asked for.
    if pytest_args:
        marks = [] if long or "-m" in pytest_args else ["-m", "not long and not wire" if fast else "not long"]
        yield Step("pytest", [*pytest, *marks, *pytest_args])
        return
    yield Step("lint", [python, "-m", "ruff", "check"])
    yield Step("format", [python, "-m", "ruff", "format", "--check"])
    yield Step("layers", [str(bin_folder / "lint-imports"), "--no-logo"])
    yield Step("types", [python, "-m", "mypy"])
    told = ["--durations=3", "--durations-min=1", *(["--hypothesis-profile=thorough"] if long else [])]
    beside = ["-n", str(_FAST_AT_ONCE), "--dist", "worksteal"]
    yield Step("fast tests", [*pytest, "-m", "not wire and not long", *beside, *told, *_in_memory()])
    if not fast:
        wire = "wire or long" if long else "wire and not long"
        # Each has networks of its own, and most of what it does is waiting.
        beside = ["-n", str(_WIRE_AT_ONCE), "--dist", "loadfile"]
        yield Step("wire tests", [*pytest, "-m", wire, *beside, "--durations=5", "--durations-min=5"], needs_root=True)


def run(args: argparse.Namespace) -> int:
    """Runs every step, also after one has failed, and ends with a table of them."""
    out = Output.of(args)
    if not (ROOT / "tests").is_dir():
        raise UserError("RVX-A02", "rvx test is for a checkout of the source, which this is not.")
    try:
        results = [_prove(out, step) for step in steps(args.fast, args.long, args.pytest_args)]
    finally:
        shutil.rmtree(_folder_in_memory(), ignore_errors=True)
    failed = [result for result in results if result.word == "fail"]
    skipped = [result for result in results if result.word == "skip"]
    verdict = "fail" if failed else "unknown" if skipped else "ok"
    if out.json:
        out.document(verdict, steps=[result._asdict() for result in results])
    else:
        out.line()
        columns = table((result.name, f"{result.seconds:6.1f} s", result.reason) for result in results)
        for result, line in zip(results, columns, strict=True):
            out.line(f"{out.paint.word(result.word)} {line}")
        seconds = sum(result.seconds for result in results)
        out.line(
            out.paint.bold(f"{len(failed)} of {len(results)} steps failed, {len(skipped)} skipped, {seconds:.0f} s")
        )
    return FAILED if failed else UNKNOWN if skipped else DONE


def _prove(out: Output, step: Step) -> Result:
    if step.needs_root and os.geteuid() != 0:
        return Result(step.name, "skip", 0.0, "needs root for networks of its own: sudo ./rvx test")
    out.note(out.side_paint.bold(f"== {step.name}"))
    started = time.monotonic()
    # A test program speaks on standard output; with --json that belongs to our result alone.
    code = subprocess.run(
        step.command, cwd=ROOT, env=_environment(), stdout=sys.stderr if out.json else None, check=False
    ).returncode
    seconds = round(time.monotonic() - started, 1)
    if code == _PYTEST_NO_TESTS and "pytest" in step.command:
        return Result(step.name, "fail", seconds, "no test was run")
    if code != 0:
        return Result(step.name, "fail", seconds, f"exit code {code}")
    slow = step.name == "fast tests" and seconds > _FAST_GOAL_S
    return Result(step.name, "ok", seconds, f"slower than the {_FAST_GOAL_S} s we want" if slow else "")


def _in_memory() -> list[str]:
    """For pytest: its folders where there is room for them in memory, as most tests have a store that syncs each write.
    The path is short: a `state_dir` has 80 bytes at the most."""
    room = _MEMORY.is_dir() and shutil.disk_usage(_MEMORY).free >= _MEMORY_LEAST_BYTES
    return [f"--basetemp={_folder_in_memory()}"] if room else []


def _folder_in_memory() -> Path:
    return _MEMORY / f"rvx-test-{os.getpid()}"


def _environment() -> dict[str, str]:
    """Ours, but compiled files are kept: else each of the many processes that the tests start compiles all anew."""
    return {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
