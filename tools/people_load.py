"""``rvx people load``: people out of a file of a subscriber system, whole or of changes."""

import argparse
import sqlite3
from datetime import UTC, datetime
from pathlib import Path

from firmware.store import people_csv
from firmware.store.people_csv import Reading
from firmware.store.staged import LISTED_MAX, Difference, Overtaken, Stage
from tools.errors import DONE, USAGE, UserError
from tools.output import Output, counted
from tools.people import opened
from tools.place import config_of

__all__ = ["run"]

KEPT_MIN = 0.8
"""Of the people that are there: a load after which more are gone is more often half a file than half a municipality."""


def run(args: argparse.Namespace) -> int:
    """All of the file or nothing."""
    out, config = Output.of(args), config_of(args)
    path = Path(args.file)
    out.progress(f"1 of 3  reading {path}")
    try:
        with people_csv.opened(path) as file, opened(config) as store:
            reading = Reading(config.numbering.local, store.people.classes, changes=args.changes)
            with Stage(store.people.directory, changes=args.changes) as stage:
                stage.read(reading, file, lambda rows: out.progress(f"1 of 3  {counted(rows, 'row')} read"))
                if reading.faults:
                    out.done()
                    return _refuse(out, path, reading)
                out.progress("2 of 3  comparing")
                difference = stage.difference()
                if not args.shrunken and difference.kept < difference.before * KEPT_MIN:
                    detail = f"{difference.gone} of {counted(difference.before, 'person')} would be gone."
                    raise UserError("RVX-K02", detail)
                if not args.dry_run:
                    out.progress("3 of 3  taking it in")
                    _take_in(stage, path, out, difference.people)
                out.done()
    except OSError as error:
        raise UserError("RVX-K01", f"{path}: {error.strerror}.", "Name a file that you may read.") from error
    except ValueError as error:
        raise UserError("RVX-K01", f"{path}: {error}.") from error
    _tell(out, difference, dry_run=args.dry_run)
    return DONE


def _take_in(stage: Stage, path: Path, out: Output, people: int) -> None:
    try:
        stage.take_in(path.name, datetime.now(UTC), lambda done: out.progress(f"3 of 3  {done} of {people} people"))
    except Overtaken as error:
        raise UserError("RVX-K07", "Another one was taken in while this one was read.") from error
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode & 0xFF == sqlite3.SQLITE_BUSY:
            raise UserError("RVX-K07", "Another one is being taken in.") from error
        raise


def _tell(out: Output, told: Difference, *, dry_run: bool) -> None:
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


def _refuse(out: Output, path: Path, reading: Reading) -> int:
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
        return USAGE
    for fault in reading.faults:
        column = f" {fault.column}:" if fault.column else ""
        out.line(f"{path}:{fault.line}:{column} {fault.message}")
    every = len(reading.faults) + reading.more_faults
    out.line(f"{counted(every, 'fault')}; nothing was changed. More: rvx explain RVX-K01")
    return USAGE
