"""``rvx referral``: set, end and show why somebody is away and when they are back (requirements.md, C1–C4)."""

import argparse
from collections.abc import Callable, Iterable
from datetime import UTC, datetime

from callcontrol.plan.absence import Absent, Opening, Part, Referral, Source, information_at, state_at, timeline
from callcontrol.plan.reasons import OFFICE_HOURS, ReasonTable
from callcontrol.plan.refer import INFORMATION_MAX, Question, referral
from callcontrol.plan.schedule import Schedule
from firmware.config import Config
from firmware.store.changes import new_id
from tools.absences import back, doubtful, given_of, moment_of, reason_of, time_text
from tools.errors import DONE, UserError
from tools.output import Output, counted, table
from tools.people import Opened, opened, viewer_of
from tools.place import config_of

__all__ = ["run"]


def run(args: argparse.Namespace) -> int:
    """Does what the action says, in the unit's state folder."""
    actions: dict[str, Callable[[argparse.Namespace, Output, Config], int]] = {
        "referral set": _set,
        "referral end": _end,
        "referral show": _show,
    }
    return actions[args.command](args, Output.of(args), config_of(args))


def _set(args: argparse.Namespace, out: Output, config: Config) -> int:
    now = datetime.now(UTC)
    start = moment_of(args.start, now) if args.start else now
    if len(args.information) > INFORMATION_MAX:
        raise UserError("RVX-H01", f"--information is longer than {INFORMATION_MAX} characters.")
    with opened(config) as store:
        numbers = tuple(dict.fromkeys(args.extensions))
        for number in (*numbers, *filter(None, [args.instead])):
            if store.people.extension(number) is None:
                raise UserError("RVX-K03", f"{number} is no extension here.")
        reason = reason_of(args.reason, store.people.reasons(numbers[0]))
        for number in numbers:
            there = store.people.reasons(number).by_key(reason.key)
            if there is None or there.returns != reason.returns:
                raise UserError("RVX-H01", f"{number}: its municipality's {reason.key} is another, or none.")
        hours = _hours(store, numbers[0])
        given = given_of(args.until, start)
        made: list[Referral | Question] = []
        try:
            for number in numbers:
                made.append(
                    referral(
                        new_id(),
                        number,
                        reason,
                        given,
                        now,
                        source=Source.OPERATOR,
                        set_by=viewer_of(args).id,
                        start=start,
                        hours=hours,
                        sure=args.sure,
                        answers_instead=args.instead or "",
                        direct=args.direct,
                        information=args.information,
                        open_=args.open,
                    )
                )
        except ValueError as error:
            raise UserError("RVX-H01", f"{error}.") from error
        asked = next((one for one in made if isinstance(one, Question)), None)
        if asked is not None:
            return doubtful(out, asked)
        referrals = [one for one in made if isinstance(one, Referral)]
        store.changes.refer(referrals)
    if out.json:
        out.document("ok", referrals=[_told(store, one) for one in referrals])
    else:
        out.line(f"{', '.join(numbers)}: {reason.sv}, {back(referrals[0].until)}  ({reason.en})")
    return DONE


def _end(args: argparse.Namespace, out: Output, config: Config) -> int:
    now = datetime.now(UTC)
    with opened(config) as store:
        absent = _now(store, args.extension, now)
        if absent is None:
            raise UserError("RVX-H03", f"{args.extension} is not referred.")
        by = viewer_of(args).id
        store.changes.open_phone(
            Opening(id=new_id(), extension=args.extension, at=now, seen=absent.seen, set_by=by), now
        )
    if out.json:
        out.document("ok", extension=args.extension, ended=sorted(absent.seen))
    else:
        out.line(f"{args.extension} is back; {counted(len(absent.seen), 'referral')} ended")
    return DONE


def _show(args: argparse.Namespace, out: Output, config: Config) -> int:
    now = datetime.now(UTC)
    with opened(config) as store:
        if store.people.extension(args.extension) is None:
            raise UserError("RVX-K03", f"{args.extension} is no extension here.")
        referrals, openings = store.people.referrals(args.extension)
        known = store.people.reasons(args.extension)
    intervals = timeline(referrals, openings, now)
    absent = state_at(intervals, now)
    if out.json:
        document = [
            {
                "from": one.start.isoformat(),
                "until": one.until.isoformat() if one.until else None,
                "open": one.open,
                "reasons": [part.referral.reason for part in one.parts],
            }
            for one in intervals
        ]
        out.document("ok", extension=args.extension, absent=absent is not None, intervals=document)
        return DONE
    if absent is not None:
        out.line(f"{args.extension} is away: {_words(absent.reason, known)}, {back(absent.back_at)}")
    elif (said := information_at(intervals, now)) is not None:
        out.line(f"{args.extension} is in; {_words(said.reason, known)} until {time_text(said.back_at)} (open)")
    else:
        out.line(f"{args.extension} is in")
    rows = [
        (time_text(one.start), "–", time_text(one.until), _reasons(one.parts, known), "open" if one.open else "")
        for one in intervals
    ]
    for line in table(rows) if rows else ():
        out.line(f"  {line}")
    return DONE


def _now(store: Opened, extension: str, now: datetime) -> Absent | None:
    if store.people.extension(extension) is None:
        raise UserError("RVX-K03", f"{extension} is no extension here.")
    return store.people.absent(extension, now)


def _hours(store: Opened, number: str) -> Schedule:
    extension = store.people.extension(number)
    return store.people.working_hours(extension.unit) if extension else OFFICE_HOURS


def _told(store: Opened, one: Referral) -> dict[str, object]:
    until = one.until.isoformat() if one.until else None
    return {"id": one.id, "extension": one.extension, "reason": one.reason, "until": until}


def _words(key: str, known: ReasonTable) -> str:
    reason = known.by_key(key)
    return reason.sv if reason else key


def _reasons(parts: Iterable[Part], known: ReasonTable) -> str:
    return ", ".join(dict.fromkeys(_words(part.referral.reason, known) for part in parts))
