"""What a command line says of an absence: the reason, when it begins and ends, and what is odd about it."""

import difflib
import re
from datetime import date, datetime, time

from callcontrol.plan.reasons import Reason, ReasonTable
from callcontrol.plan.refer import OPEN_END, Given, Question
from callcontrol.plan.schedule import STOCKHOLM, local_moment
from tools.errors import FAILED, UserError
from tools.output import Output

__all__ = ["back", "doubtful", "given_of", "moment_of", "reason_of", "time_text"]


def doubtful(out: Output, asked: Question) -> int:
    """Says what is odd; the exit code."""
    doubt, instead = asked.doubt, asked.doubt.instead
    if out.json:
        fields = {"doubt": str(doubt.kind), "instead": instead.isoformat() if instead else None}
        problem = {"id": "RVX-H02", "severity": "fail", "area": "referrals", "observed": str(doubt.kind)}
        out.document("fail", [problem], **fields)
        return FAILED
    out.line(f"{asked.reason.sv}, {back(asked.until)}: {_DOUBTS[doubt.kind]}")
    if instead is not None:
        out.line(f"Did you mean {time_text(instead)}? --until {instead.astimezone(STOCKHOLM):%Y-%m-%dT%H:%M}")
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


def reason_of(text: str, reasons: ReasonTable) -> Reason:
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


def given_of(text: str | None, start: datetime) -> Given:
    """Of `--until`."""
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
    return moment_of(text, start)


def moment_of(text: str, now: datetime) -> datetime:
    """HH:MM today, or a date and a time; Swedish time where none is said."""
    try:
        if re.fullmatch(r"[0-2]?[0-9]:[0-5][0-9]", text, re.ASCII):
            return local_moment(now.astimezone(STOCKHOLM).date(), time.fromisoformat(text.zfill(5)))
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise UserError("RVX-H01", f"{text[:40]!r}: expected HH:MM, a date, a date with T and a time, or -.") from error
    return moment if moment.tzinfo else local_moment(moment.date(), moment.time())


def back(until: datetime | None) -> str:
    return f"åter {time_text(until)}" if until else "tills vidare"


def time_text(moment: datetime | None) -> str:
    return f"{moment.astimezone(STOCKHOLM):%Y-%m-%d %H:%M}" if moment else "…"
