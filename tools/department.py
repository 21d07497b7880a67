"""``rvx referral department``: a whole department away, with a number for what cannot wait (requirements.md, B3)."""

import argparse
import difflib
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime

from callcontrol.plan.department import below, referred_whole
from callcontrol.plan.model import Unit, Whole, whole_at
from callcontrol.plan.number import LocalNumbering, NumberKind, parse_dialled
from callcontrol.plan.reasons import Reason
from callcontrol.plan.refer import Question
from firmware.config import Config
from firmware.store.changes import new_id
from firmware.store.wholes import Wholes
from tools.absences import back, doubtful, given_of, moment_of, reason_of, time_text
from tools.errors import DONE, UserError
from tools.output import Output, counted, table
from tools.people import Opened, opened, viewer_of
from tools.place import config_of

__all__ = ["run"]


def run(args: argparse.Namespace) -> int:
    """Does what the action says, in the unit's state folder."""
    actions: dict[str, Callable[[argparse.Namespace, Output, Config], int]] = {
        "referral department": _refer,
        "referral reopen": _end,
        "referral departments": _show,
    }
    return actions[args.command](args, Output.of(args), config_of(args))


def _refer(args: argparse.Namespace, out: Output, config: Config) -> int:
    now = datetime.now(UTC)
    start = moment_of(args.start, now) if args.start else now
    with opened(config) as store:
        units = _units(store, args.units, all_below=args.below)
        reason = _reason(store, units, args.reason)
        hours = store.people.working_hours(units[0].id)
        number = _number(store, args.emergency_number, config)
        try:
            whole = referred_whole(
                new_id(),
                units,
                reason,
                given_of(args.until, start),
                now,
                set_by=viewer_of(args).id,
                start=start,
                hours=hours,
                sure=args.sure,
                emergency_number=number,
                information=args.information,
            )
        except ValueError as error:
            raise UserError("RVX-H01", f"{error}.") from error
        if isinstance(whole, Question):
            return doubtful(out, whole)
        with closing(Wholes.open(config.paths.journal)) as wholes:
            wholes.refer([unit.id for unit in units], whole, now)
    if out.json:
        out.document("ok", departments=[_told(unit, whole) for unit in units])
    else:
        names = ", ".join(unit.name for unit in units)
        out.line(f"{names}: {reason.sv}, {back(whole.until)}  ({reason.en})")
    return DONE


def _end(args: argparse.Namespace, out: Output, config: Config) -> int:
    now = datetime.now(UTC)
    with opened(config) as store:
        units = _units(store, args.units, all_below=args.below)
        with closing(Wholes.open(config.paths.journal)) as wholes:
            ended = wholes.end([unit.id for unit in units], viewer_of(args).id, now)
    if not ended:
        raise UserError("RVX-H03", f"{', '.join(unit.name for unit in units)}: not referred.")
    if out.json:
        out.document("ok", ended=list(ended))
    else:
        out.line(f"{', '.join(unit.name for unit in units)}: back; {counted(len(ended), 'referral')} ended")
    return DONE


def _show(args: argparse.Namespace, out: Output, config: Config) -> int:
    now = datetime.now(UTC)
    with opened(config) as store:
        found = [(unit, whole_at(unit, now)) for unit in store.people.units()]
        later = [(unit, whole) for unit in store.people.units() for whole in unit.referred if now < whole.start]
    away = [(unit, whole) for unit, whole in found if whole is not None]
    if out.json:
        told = [_told(unit, whole) for unit, whole in (*away, *later)]
        out.document("ok", departments=told)
        return DONE
    rows = [(unit.name, whole.reason, back(whole.until), _number_of(unit, whole), unit.id) for unit, whole in away]
    for unit, whole in later:
        when = f"from {time_text(whole.start)} {back(whole.until)}"
        rows.append((unit.name, whole.reason, when, _number_of(unit, whole), unit.id))
    for line in table(rows) if rows else ():
        out.line(line)
    out.line(f"{counted(len(away), 'department')} referred whole")
    return DONE


def _units(store: Opened, names: list[str], *, all_below: bool) -> list[Unit]:
    """By id, or by a name that one alone has."""
    units = {unit.id: unit for unit in store.people.units()}
    found: dict[str, Unit] = {}
    for name in names:
        named = [unit for unit in units.values() if unit.name.casefold() == name.casefold()]
        if name not in units and len(named) != 1:
            near = difflib.get_close_matches(name[:200], [*units, *(unit.name for unit in units.values())], n=1)
            many = f"Several are called so: {', '.join(sorted(unit.id for unit in named))}." if named else ""
            remedy = many or (f"Did you mean {near[0]}?" if near else "Its id is that of docs/people.md.")
            raise UserError("RVX-H01", f"{name[:80]!r} is no department here.", remedy)
        unit = units.get(name) or named[0]
        parents = {each.id: each.parent for each in units.values()} if all_below else {}
        for each in below(unit.id, parents) if all_below else (unit.id,):
            found[each] = units[each]
    return list(found.values())


def _reason(store: Opened, units: list[Unit], text: str) -> Reason:
    reason = reason_of(text, store.people.reasons_of(units[0].id))
    for unit in units:
        there = store.people.reasons_of(unit.id).by_key(reason.key)
        if there is None or there.returns != reason.returns:
            raise UserError("RVX-H01", f"{unit.name}: its municipality's {reason.key} is another, or none.")
    return reason


def _number(store: Opened, text: str | None, config: Config) -> str | None:
    """An extension, or a whole number outside, as E.164."""
    if text is None or store.people.extension(text) is not None:
        return text
    written = LocalNumbering(line_prefixes=("",), area_code=config.numbering.local.area_code)
    dialled = parse_dialled(text, written)
    if dialled.kind not in (NumberKind.NATIONAL, NumberKind.INTERNATIONAL) or dialled.e164 is None:
        raise UserError("RVX-H01", f"--emergency-number {text[:40]!r}: an extension, or a whole number.")
    return dialled.e164


def _told(unit: Unit, whole: Whole) -> dict[str, object]:
    return {
        "unit": unit.id,
        "name": unit.name,
        "reason": whole.reason,
        "from": whole.start.isoformat(),
        "until": whole.until.isoformat() if whole.until else None,
        "emergency_number": whole.emergency_number or unit.emergency_number,
        "information": whole.information,
        "set_by": whole.set_by,
    }


def _number_of(unit: Unit, whole: Whole) -> str:
    number = whole.emergency_number or unit.emergency_number
    return f"urgent: {number}" if number else ""
