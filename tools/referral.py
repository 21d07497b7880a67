"""``rvx referral``: set, end and show why somebody is away and when they are back (requirements.md, C1–C4)."""

import argparse
import difflib
import re
from collections.abc import Callable, Iterable
from datetime import UTC, date, datetime, time

from callcontrol.plan.absence import Absent, Opening, Part, Referral, Source, information_at, state_at, timeline
from callcontrol.plan.reasons import OFFICE_HOURS, Reason, ReasonTable
from callcontrol.plan.refer import OPEN_END, Given, Question, referral
from callcontrol.plan.schedule import STOCKHOLM, Schedule, local_moment
from firmware.config import Config
from firmware.store.changes import new_id
from tools.errors import DONE, FAILED, UserError
from tools.output import Output, counted, table
from tools.people import Opened, opened, viewer_of
from tools.place import config_of

__all__ = ["run"]

INFORMATION_MAX = 200


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
    start = _moment(args.start, now) if args.start else now
    if len(args.information) > INFORMATION_MAX:
        raise UserError("RVX-H01", f"--information is longer than {INFORMATION_MAX} characters.")
    with opened(config) as store:
        numbers = tuple(dict.fromkeys(args.extensions))
        for number in (*numbers, *filter(None, [args.instead])):
            if store.people.extension(number) is None:
                raise UserError("RVX-K03", f"{number} is no extension here.")
        reason = _reason(args.reason, store.people.reasons(numbers[0]))
        for number in numbers:
            there = store.people.reasons(number).by_key(reason.key)
            if there is None or there.returns != reason.returns:
                raise UserError("RVX-H01", f"{number}: its municipality's {reason.key} is another, or none.")
        hours = _hours(store, numbers[0])
        given = _given(args.until, start)
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
        doubtful = next((one for one in made if isinstance(one, Question)), None)
        if doubtful is not None:
            return _doubtful(out, doubtful)
        referrals = [one for one in made if isinstance(one, Referral)]
        store.changes.refer(referrals)
    if out.json:
        out.document("ok", referrals=[_told(store, one) for one in referrals])
    else:
        out.line(f"{', '.join(numbers)}: {reason.sv}, {_back(referrals[0].until)}  ({reason.en})")
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
        out.line(f"{args.extension} is away: {_words(absent.reason, known)}, {_back(absent.back_at)}")
    elif (said := information_at(intervals, now)) is not None:
        out.line(f"{args.extension} is in; {_words(said.reason, known)} until {_time(said.back_at)} (open)")
    else:
        out.line(f"{args.extension} is in")
    rows = [
        (_time(one.start), "–", _time(one.until), _reasons(one.parts, known), "open" if one.open else "")
        for one in intervals
    ]
    for line in table(rows) if rows else ():
        out.line(f"  {line}")
    return DONE


def _now(store: Opened, extension: str, now: datetime) -> Absent | None:
    if store.people.extension(extension) is None:
        raise UserError("RVX-K03", f"{extension} is no extension here.")
    return store.people.absent(extension, now)


def _doubtful(out: Output, asked: Question) -> int:
    doubt, instead = asked.doubt, asked.doubt.instead
    if out.json:
        fields = {"doubt": str(doubt.kind), "instead": instead.isoformat() if instead else None}
        problem = {"id": "RVX-H02", "severity": "fail", "area": "referrals", "observed": str(doubt.kind)}
        out.document("fail", [problem], **fields)
        return FAILED
    out.line(f"{asked.reason.sv}, {_back(asked.until)}: {_DOUBTS[doubt.kind]}")
    if instead is not None:
        out.line(f"Did you mean {_time(instead)}? --until {instead.astimezone(STOCKHOLM):%Y-%m-%dT%H:%M}")
    out.line("Nothing was changed; --sure takes it as it is. More: rvx explain RVX-H02")
    return FAILED


_DOUBTS = {
    "before_start": "that is before it begins",
    "past": "that is past",
    "no_end": "it has no end",
    "stale": "it has lasted longer than such a thing does",
    "not_worked": "nobody works that day",
    "after_hours": "that is after working hours",
    "too_long": "that is longer than such a thing lasts",
    "not_given": "it is to be said when they are back",
}


def _reason(text: str, reasons: ReasonTable) -> Reason:
    """By its key, digit, letters, or word; of two with one word the first, which is the site's own."""
    known = {
        name.casefold(): reason
        for reason in reversed(tuple(reasons))
        for name in (reason.letters, reason.sv, reason.en, reason.key, reason.digit)
        if name
    }
    if text.casefold() in known:
        return known[text.casefold()]
    near = difflib.get_close_matches(text.casefold(), known, n=1)
    listed = ", ".join(f"{reason.sv} ({reason.key})" for reason in reasons)
    remedy = f"Did you mean {known[near[0]].sv}?" if near else f"One of: {listed}."
    raise UserError("RVX-H01", f"{text[:40]!r} is no reason here.", remedy)


def _hours(store: Opened, number: str) -> Schedule:
    extension = store.people.extension(number)
    return store.people.working_hours(extension.unit) if extension else OFFICE_HOURS


def _given(text: str | None, start: datetime) -> Given:
    if text is None:
        return None
    if text == "-":
        return OPEN_END
    for form, parse in (
        (r"[0-2]?[0-9]:[0-5][0-9]", time.fromisoformat),
        (r"[0-9]{4}-[0-9]{2}-[0-9]{2}", date.fromisoformat),
    ):
        if re.fullmatch(form, text, re.ASCII):
            try:
                return parse(text.zfill(5))
            except ValueError:
                break
    return _moment(text, start)


def _moment(text: str, now: datetime) -> datetime:
    """HH:MM today, or a date and a time; Swedish time where none is said."""
    try:
        if re.fullmatch(r"[0-2]?[0-9]:[0-5][0-9]", text, re.ASCII):
            return local_moment(now.astimezone(STOCKHOLM).date(), time.fromisoformat(text.zfill(5)))
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise UserError("RVX-H01", f"{text[:40]!r}: expected HH:MM, a date, a date with T and a time, or -.") from error
    return moment if moment.tzinfo else local_moment(moment.date(), moment.time())


def _told(store: Opened, one: Referral) -> dict[str, object]:
    until = one.until.isoformat() if one.until else None
    return {"id": one.id, "extension": one.extension, "reason": one.reason, "until": until}


def _back(until: datetime | None) -> str:
    return f"åter {_time(until)}" if until else "tills vidare"


def _time(moment: datetime | None) -> str:
    return f"{moment.astimezone(STOCKHOLM):%Y-%m-%d %H:%M}" if moment else "…"


def _words(key: str, known: ReasonTable) -> str:
    reason = known.by_key(key)
    return reason.sv if reason else key


def _reasons(parts: Iterable[Part], known: ReasonTable) -> str:
    return ", ".join(dict.fromkeys(_words(part.referral.reason, known) for part in parts))
