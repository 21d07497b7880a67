"""``rvx extract``: an itemised extract of one extension's calls, with a note of who asked and why (F3)."""

import argparse
import csv
import os
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, date, datetime, time, timedelta

from callcontrol.plan.extract import Extract, Line, Order, may_order
from callcontrol.plan.schedule import STOCKHOLM
from firmware.config import Config
from firmware.store.changes import new_id
from firmware.store.extracts import ExtractRows, Made
from firmware.store.people import People
from tools.errors import DONE, UserError
from tools.output import Output, counted, table
from tools.people import opened, viewer_of
from tools.place import config_of

__all__ = ["run"]

LISTED = 200
ORE = 100
"""In a krona."""


def run(args: argparse.Namespace) -> int:
    """Does what the action says, in the unit's state folder."""
    actions: dict[str, Callable[[argparse.Namespace, Output, Config], int]] = {
        "extract make": _make,
        "extract list": _list,
    }
    return actions[args.command](args, Output.of(args), config_of(args))


def _make(args: argparse.Namespace, out: Output, config: Config) -> int:
    with opened(config) as store:
        extension = store.people.extension(args.extension)
        if extension is None:
            raise UserError("RVX-R06", f"{args.extension[:20]!r} is in no directory here.")
        asker = _asker(args.asked_by, store.people)
        if asker is not None and not may_order(store.people.roles(asker), extension, store.people):
            raise UserError("RVX-R05", f"{args.asked_by} has no such role for {extension.unit}.")
        today = f"{datetime.now(STOCKHOLM):%Y-%m-%d}"
        try:
            order = Order(
                id=new_id(), extension=extension.number, since=_day(args.since, 0), until=_day(args.until or today, 1),
                asked_by=args.asked_by, why=args.why, made_by=viewer_of(args).id, whole=args.whole_numbers,
            )  # fmt: skip
        except ValueError as error:
            raise UserError("RVX-R06", f"{error}.") from error
        # Before anything is shown: an extract that could not be recorded is none.
        with closing(ExtractRows.open(config.paths.journal)) as rows:
            made = rows.make(order, store.people, datetime.now(UTC))
    for place, write in ((args.csv, _write_csv), (args.pdf, _write_pdf)):
        if place is not None:
            try:
                write(made, place)
            except OSError as error:
                raise UserError("RVX-K04", f"{place}: {error.strerror}.") from error
    if out.json:
        out.document("ok", extract=_told(made))
        return DONE
    for row in table(_row(line) for line in made.lines) if made.lines else ():
        out.line(row)
    out.line(
        f"{counted(len(made.lines), 'call')} outside, {_kronor(made.ore)} kr by estimate; {made.free} free, not named"
    )
    return DONE


def _asker(text: str, people: People) -> str | None:
    """The id of somebody in the directory; None for a name that it does not have."""
    extension = people.extension(text)
    if extension is not None:
        return extension.person or extension.number
    person = people.person(text)
    return person.id if person is not None else None


def _list(args: argparse.Namespace, out: Output, config: Config) -> int:
    with opened(config), closing(ExtractRows.open(config.paths.journal)) as rows:
        made = rows.made(LISTED, args.extension)
    if out.json:
        out.document("ok", extracts=[_order(one) for one in made])
        return DONE
    for row in table(
        (
            f"{one.at.astimezone(STOCKHOLM):%Y-%m-%d %H:%M}", one.order.extension, one.order.asked_by, one.order.why,
            "whole numbers" if one.order.whole else "",
        )
        for one in made
    ) if made else ():  # fmt: skip
        out.line(row)
    out.line(f"{counted(len(made), 'extract')} made")
    return DONE


def _order(one: Made) -> dict[str, object]:
    order = one.order
    return {
        "at": one.at.isoformat(), "id": order.id, "extension": order.extension, "since": order.since.isoformat(),
        "until": order.until.isoformat(), "asked_by": order.asked_by, "why": order.why, "made_by": order.made_by,
        "whole": order.whole,
    }  # fmt: skip


def _told(made: Extract) -> dict[str, object]:
    return {
        "extension": made.order.extension, "who": made.who or None, "unit": made.unit,
        "cost_centre": made.cost_centre or None, "id": made.order.id, "whole": made.whole,
        "calls": [
            {
                "at": line.at.isoformat(), "number": line.number, "category": line.category.value,
                "way": line.way.value, "seconds": line.seconds, "ore": line.ore,
            }
            for line in made.lines
        ],
        "free": made.free, "ore": made.ore,
    }  # fmt: skip


def _row(line: Line) -> tuple[str, ...]:
    length = "?" if line.seconds is None else f"{line.seconds // 60}:{line.seconds % 60:02}"
    return f"{line.at.astimezone(STOCKHOLM):%Y-%m-%d %H:%M}", line.number, line.kind, length, f"{_kronor(line.ore)} kr"


def _kronor(ore: int) -> str:
    return f"{ore // ORE},{ore % ORE:02}"


def _write_csv(made: Extract, place: str) -> None:
    """For its owner alone."""
    with open(_new(place), "w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, delimiter=";", lineterminator="\r\n")
        writer.writerow(("tid", "nummer", "slag", "längd", "uppskattad kostnad"))
        writer.writerows(_row(line) for line in made.lines)


def _write_pdf(made: Extract, place: str) -> None:
    from firmware.paper import extract, sheet

    data = sheet.pdf(extract.paper(made))
    with open(_new(place), "wb") as file:
        file.write(data)


def _new(place: str) -> int:
    return os.open(place, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)


def _day(text: str, days: int) -> datetime:
    """The beginning of a day in Sweden, or of one `days` later. Raises ValueError."""
    try:
        return datetime.combine(date.fromisoformat(text) + timedelta(days=days), time(), STOCKHOLM)
    except (ValueError, OverflowError) as error:
        raise ValueError(f"{text[:20]!r} is no day as 2026-11-23") from error
