"""``rvx power protect`` and ``rvx power plan``: protected telephony, who ordered it, and what it holds (A13)."""

import argparse
import re
from datetime import UTC, datetime
from itertools import groupby

from callcontrol.plan.model import Unit
from callcontrol.plan.schedule import STOCKHOLM
from firmware.config import Config
from firmware.reserve import Phone, ReservePlan, confirmed_by, phones, plan_of, unit_named
from firmware.statusread import StatusError
from firmware.store.people import People
from firmware.store.protections import Protection
from firmware.store.reserves import ReserveRows
from tools.errors import DONE, UserError
from tools.output import Output, counted, table
from tools.people import opened, viewer_of
from tools.place import config_of
from tools.status import ask_unit

__all__ = ["run"]

TEXT_MAX = 100
"""Letters of a name, or of a cost centre."""
MINUTES_MAX = 7 * 24 * 60
PORT = re.compile(r"[0-9]{1,3}\.[0-9]{1,4}")


def run(args: argparse.Namespace) -> int:
    """Does what the action says, in the unit's state folder."""
    actions = {"power plan": _plan, "power protect": _protect, "power confirm": _confirm}
    return actions[args.command](args)


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
    out, config = Output.of(args), config_of(args)
    if args.pdf is not None and args.unit is None:
        raise UserError("RVX-A02", "--pdf goes with --unit: each has a plan of its own.", "rvx power plan --help")
    with opened(config) as store:
        unit = _named(store.people, args.unit) if args.unit is not None else None
        plan = plan_of(store.people, unit) if unit is not None else None
        if plan is not None and args.pdf is not None:
            _print(plan, config, store.people, args.pdf)
        listed = phones(store.people, unit.id if unit is not None else None)
        lines = sorted(listed, key=lambda line: (line.unit, line.protection.extension))
    lacking = sum(bool(line.lacks) for line in lines)
    if out.json:
        confirmed = _confirmed(plan) if plan is not None else None
        out.document("ok", protected=[_told(line) for line in lines], lacking=lacking, confirmed=confirmed)
        return DONE
    for name, those in groupby(lines, key=lambda line: line.unit):
        out.line(out.paint.bold(name))
        for row in table(list(map(_row, those))):
            out.line(f"  {row}")
    if plan is not None:
        out.line(_confirmed_words(plan))
    if not lines:
        out.line("Inga telefoner är beställda med reservkraft. / No phones are ordered with backup power.")
        out.line("Beställ med / order by: rvx power protect EXTENSION --applicant NAME")
        return DONE
    out.line(f"{counted(len(lines), 'phone')} protected, {lacking} of them without all that it takes")
    return DONE


def _print(plan: ReservePlan, config: Config, people: People, place: str) -> None:
    from firmware.paper import reserve
    from tools.paper import site_here, write

    write(reserve.paper(plan, site_here(config, people, plan.unit.entity), _minutes(config)), place)


def _confirmed(plan: ReservePlan) -> dict[str, object] | None:
    if plan.confirmed is None:
        return None
    return {"at": plan.confirmed.at.isoformat(), "by": plan.confirmed.confirmed_by, "holds": plan.holds}


def _confirmed_words(plan: ReservePlan) -> str:
    if plan.confirmed is None:
        return "inte bekräftad / not confirmed: rvx power confirm"
    day = f"{plan.confirmed.at.astimezone(STOCKHOLM):%Y-%m-%d}"
    since = "" if plan.holds else "; ändrad sedan dess / changed since"
    return f"bekräftad / confirmed {day}, {plan.confirmed.confirmed_by}{since}"


def _named(people: People, wanted: str) -> Unit:
    unit = unit_named(people, wanted)
    if unit is None:
        raise UserError("RVX-R07", f"{wanted[:60]!r} is no unit here.")
    return unit


def _confirm(args: argparse.Namespace) -> int:
    out, now = Output.of(args), datetime.now(UTC)
    with opened(config_of(args)) as store:
        plan = plan_of(store.people, _named(store.people, args.unit))
        try:
            confirmed = confirmed_by(plan, args.by, now)
        except ValueError as error:
            raise UserError("RVX-A02", f"--by: {error}.") from error
        ReserveRows(store.people.journal).confirm(confirmed)
    if out.json:
        out.document("ok", unit=plan.unit.id, confirmed_by=args.by, digest=plan.digest)
    else:
        out.line(f"{plan.unit.name}: the plan {plan.digest[:8]} is confirmed by {args.by}")
    return DONE


def _minutes(config: Config) -> int | None:
    """For how long somebody can answer, if the unit says so."""
    try:
        power = ask_unit(config.paths.unit_socket).power
    except (OSError, StatusError):
        return None
    return round(power.minutes) if power is not None and power.minutes is not None else None


def _row(line: Phone) -> tuple[str, ...]:
    ordered = line.protection
    since = f"{ordered.ordered_at.astimezone(STOCKHOLM):%Y-%m-%d}"
    twin = f"tvilling / twin {line.twin}" if line.twin else ""
    place = f"port {ordered.port}" if ordered.port else ""
    promised = f"{ordered.minutes} min" if ordered.minutes else ""
    what = line.lacks or twin
    return ordered.extension, line.who, ordered.applicant, ordered.cost_centre, since, place, promised, what


def _told(line: Phone) -> dict[str, object]:
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
