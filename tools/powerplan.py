"""``rvx power protect`` and ``rvx power plan``: protected telephony, who ordered it, and what it holds (A13)."""

import argparse
import re
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from itertools import groupby
from typing import NamedTuple

from callcontrol.plan.model import Visibility
from callcontrol.plan.number import pretty
from callcontrol.plan.schedule import STOCKHOLM
from firmware.store.people import People
from firmware.store.protections import Protection, protections
from firmware.store.visible import Viewer, card
from tools.errors import DONE, UserError
from tools.output import Output, counted, table
from tools.people import opened, viewer_of
from tools.place import config_of

__all__ = ["run"]

TEXT_MAX = 100
"""Letters of a name, or of a cost centre."""
MINUTES_MAX = 7 * 24 * 60
PORT = re.compile(r"[0-9]{1,3}\.[0-9]{1,4}")
PLAN = Viewer(id="plan", sees=Visibility.OPERATOR)
"""What is listed of a department is what its telephone operators may see."""


class Line(NamedTuple):
    """One phone of the plan. `lacks`: what it would not do without mains, in a word, "" for nothing."""

    protection: Protection
    unit: str
    who: str
    twin: str
    lacks: str


def run(args: argparse.Namespace) -> int:
    """Does what the action says, in the unit's state folder."""
    return _plan(args) if args.command == "power plan" else _protect(args)


def _protect(args: argparse.Namespace) -> int:
    out, now = Output.of(args), datetime.now(UTC)
    with opened(config_of(args)) as store:
        extension = store.people.extension(args.extension)
        if extension is None and not args.end:
            raise UserError("RVX-W01", f"{args.extension[:20]!r} is in no directory here.")
        if args.end:
            if not store.changes.end_protection(args.extension, viewer_of(args).id, now):
                raise UserError("RVX-W02", f"{args.extension[:20]!r} is not protected.")
            said = f"{args.extension}: no longer protected"
        else:
            assert extension is not None
            unit = store.people.unit(args.unit or extension.unit)
            if unit is None:
                raise UserError("RVX-W01", f"{args.unit[:60]!r} is no unit here.")
            applicant = _text("--applicant", args.applicant or "")
            centre = _text("--cost-centre", args.cost_centre or unit.cost_centre)
            ordered = Protection(
                extension=extension.number, unit=unit.id, applicant=applicant, cost_centre=centre,
                port=args.port, minutes=args.minutes,
                ordered_at=now, set_by=viewer_of(args).id,
            )  # fmt: skip
            if args.port and not PORT.fullmatch(args.port):
                raise UserError("RVX-A02", "--port takes GROUP.PORT, such as 1.12.", "rvx power protect --help")
            if not 0 <= args.minutes <= MINUTES_MAX:
                raise UserError("RVX-A02", f"--minutes takes 0 to {MINUTES_MAX}.", "rvx power protect --help")
            if not store.changes.protect(ordered):
                raise UserError("RVX-W03", f"{args.extension} is protected already.")
            said = f"{extension.number}: protected, ordered by {applicant} of {unit.name}, cost centre {centre}"
    if out.json:
        out.document("ok", extension=args.extension, protected=not args.end)
    else:
        out.line(said)
    return DONE


def _text(option: str, text: str) -> str:
    kept = text.strip()
    if not kept or len(kept) > TEXT_MAX or not kept.isprintable():
        raise UserError("RVX-A02", f"{option} takes 1 to {TEXT_MAX} letters.", "rvx power protect --help")
    return kept


def _plan(args: argparse.Namespace) -> int:
    out = Output.of(args)
    with opened(config_of(args)) as store:
        lines = sorted(_lines(store.people, args.unit), key=lambda line: (line.unit, line.protection.extension))
    lacking = sum(bool(line.lacks) for line in lines)
    if out.json:
        out.document("ok", protected=[_told(line) for line in lines], lacking=lacking)
        return DONE
    for unit, phones in groupby(lines, key=lambda line: line.unit):
        out.line(out.paint.bold(unit))
        for row in table(list(map(_row, phones))):
            out.line(f"  {row}")
    if not lines:
        out.line("Inga telefoner är beställda med reservkraft. / No phones are ordered with backup power.")
        out.line("Beställ med / order by: rvx power protect EXTENSION --applicant NAME")
        return DONE
    out.line(f"{counted(len(lines), 'phone')} protected, {lacking} of them without all that it takes")
    return DONE


def _lines(people: People, wanted: str | None) -> Iterator[Line]:
    for ordered in protections(people.journal):
        unit = people.unit(ordered.unit)
        name = unit.name if unit is not None else ordered.unit
        if wanted is None or wanted.casefold() in (ordered.unit.casefold(), name.casefold()):
            yield _line(people, ordered, name)


def _line(people: People, ordered: Protection, unit: str) -> Line:
    extension = people.extension(ordered.extension)
    person = people.person(extension.person) if extension is not None and extension.person else None
    shown = card(person, people, PLAN) if person is not None else None
    who = f"{shown.person.given} {shown.person.family}".strip() if shown is not None else ""
    twin = extension.mobile_twin if extension is not None else None
    lacks: Iterable[str] = (
        "saknas i katalogen / not in the directory" if extension is None else "",
        "kan inte registreras här / cannot register here" if not people.has_credential(ordered.extension) else "",
        "ingen mobil tvilling / no mobile twin" if extension is not None and twin is None else "",
    )
    return Line(ordered, unit, who, pretty(twin) if twin else "", next(filter(None, lacks), ""))


def _row(line: Line) -> tuple[str, ...]:
    ordered = line.protection
    since = f"{ordered.ordered_at.astimezone(STOCKHOLM):%Y-%m-%d}"
    twin = f"tvilling / twin {line.twin}" if line.twin else ""
    place = f"port {ordered.port}" if ordered.port else ""
    promised = f"{ordered.minutes} min" if ordered.minutes else ""
    what = line.lacks or twin
    return ordered.extension, line.who, ordered.applicant, ordered.cost_centre, since, place, promised, what


def _told(line: Line) -> dict[str, object]:
    ordered = line.protection
    return {
        "extension": ordered.extension,
        "unit": line.unit,
        "who": line.who or None,
        "applicant": ordered.applicant,
        "cost_centre": ordered.cost_centre,
        "port": ordered.port or None,
        "minutes": ordered.minutes or None,
        "ordered_at": ordered.ordered_at.isoformat(),
        "mobile_twin": line.twin or None,
        "lacks": line.lacks.partition(" / ")[2] or None,
    }
