"""``rvx people load``: people out of a file of a subscriber system, whole or of changes."""

import argparse
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TextIO

from callcontrol.plan.number import LocalNumbering
from callcontrol.plan.reach import ReachClass
from firmware.store import people_csv
from firmware.store.people_csv import Reading
from firmware.store.staged import LISTED_MAX, Difference, Overtaken, Stage
from tools.errors import DONE, USAGE, UserError
from tools.output import Output, counted
from tools.people import opened
from tools.place import config_of

__all__ = ["load_file", "readable", "run", "tell"]

KEPT_MIN = 0.8
"""Of the people that are there: a load after which more are gone is more often half a file than half a municipality."""


def run(args: argparse.Namespace) -> int:
    """All of the file or nothing."""
    out, config = Output.of(args), config_of(args)
    with readable(args, out) as file, opened(config) as store:
        people = store.people
        difference = load_file(args, out, file, people.directory, people.classes, config.numbering.local)
    if difference is None:
        return USAGE
    tell(out, difference, dry_run=args.dry_run)
    return DONE


@contextmanager
def readable(args: argparse.Namespace, out: Output) -> Iterator[TextIO]:
    """The file, before anything else is opened or made."""
    path = Path(args.file)
    out.progress(f"1 of 3  reading {path}")
    try:
        with people_csv.opened(path) as file:
            yield file
    except OSError as error:
        raise UserError("RVX-K01", f"{path}: {error.strerror}.", "Name a file that you may read.") from error
    except ValueError as error:
        raise UserError("RVX-K01", f"{path}: {error}.") from error


def load_file(
    args: argparse.Namespace,
    out: Output,
    file: TextIO,
    directory: sqlite3.Connection,
    classes: Mapping[str, ReachClass],
    numbering: LocalNumbering,
) -> Difference | None:
    """What it changes in a directory; None: it was refused, and its faults are said. `args`: `file`, `changes`,
    `shrunken` and `dry_run`."""
    path = Path(args.file)
    with Stage(directory, changes=args.changes) as stage:
        reading = Reading(numbering, classes, changes=args.changes)
        stage.read(reading, file, lambda rows: out.progress(f"1 of 3  {counted(rows, 'row')} read"))
        if reading.faults:
            out.done()
            _refuse(out, path, reading)
            return None
        out.progress("2 of 3  comparing")
        difference = stage.difference()
        if not args.shrunken and difference.kept < difference.before * KEPT_MIN:
            detail = f"{difference.gone} of {counted(difference.before, 'person')} would be gone."
            raise UserError("RVX-K02", detail)
        if not args.dry_run:
            out.progress("3 of 3  taking it in")
            _take_in(stage, path, out, difference.people)
        out.done()
    return difference


def _take_in(stage: Stage, path: Path, out: Output, people: int) -> None:
    try:
        stage.take_in(path.name, datetime.now(UTC), lambda done: out.progress(f"3 of 3  {done} of {people} people"))
    except Overtaken as error:
        raise UserError("RVX-K07", "Another one was taken in while this one was read.") from error
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode & 0xFF == sqlite3.SQLITE_BUSY:
            raise UserError("RVX-K07", "Another one is being taken in.") from error
        raise


def tell(out: Output, told: Difference, *, dry_run: bool) -> None:
    """What it changed, or would."""
    listed = told.listed if dry_run else ()
    if out.json:
        names = ("people", "extensions", "new", "kept", "changed", "gone", "missing")
        changes = [{"who": who, "what": what.split(",")} for who, what in listed]
        out.document("ok", dry_run=dry_run, changes=changes, **{name: getattr(told, name) for name in names})
        return
    for who, what in listed:
        out.line(f"{who}: {what.replace(',', ', ')}")
    if len(listed) == LISTED_MAX:
        out.line("and more")
    would = "would be " if dry_run else ""
    missing = f"; {told.missing} to remove {'was' if told.missing == 1 else 'were'} not there" if told.missing else ""
    out.line(
        f"{counted(told.people, 'person')}: {told.new} {would}new, {told.kept} {would}kept"
        f" ({told.changed} {would}changed), {told.gone} {would}gone{missing}"
    )
    out.line(f"{counted(told.extensions, 'extension')}, {counted(told.units, 'unit')} in the file")


def _refuse(out: Output, path: Path, reading: Reading) -> None:
    """Says every fault; nothing has been changed."""
    if out.json:
        problems = [
            {
                "id": "RVX-K01",
                "severity": "fail",
                "area": "directory",
                "file": str(path),
                "line": fault.line,
                "column": fault.column or None,
                "observed": fault.message,
            }
            for fault in reading.faults
        ]
        out.document("fail", problems, more=reading.more_faults)
        return
    for fault in reading.faults:
        column = f" {fault.column}:" if fault.column else ""
        out.line(f"{path}:{fault.line}:{column} {fault.message}")
    every = len(reading.faults) + reading.more_faults
    out.line(f"{counted(every, 'fault')}; nothing was changed. More: rvx explain RVX-K01")
