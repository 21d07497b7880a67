"""What somebody says by SMS of their own absence: ``LUNCH 1300``, ``MÖTE 14.30``, ``SEMESTER 24/12``, ``ÅTER``. Pure.

The words are the site's reasons in Swedish and English, with or without rings and dots, in any case; then a time or a
date or nothing; and ``JA`` where an odd return is meant. Nothing else is a command, and nothing here answers anybody.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, time

from callcontrol.plan.reasons import OFFICE_HOURS, Doubt, Reason, ReasonTable, given_of
from callcontrol.plan.refer import OPEN_END, Given, Question, returning
from callcontrol.plan.schedule import STOCKHOLM, Schedule

__all__ = ["Away", "Back", "Silent", "Unclear", "folded", "read"]

TEXT_MAX = 80
"""Letters of a command; what is longer is a letter to somebody."""

_BACK = frozenset({"ater", "tillbaka", "inne", "back", "in"})
_SURE = frozenset({"ja", "yes"})
_SILENT = frozenset({"stop", "stopp", "sluta", "avsluta", "end", "quit", "cancel", "unsubscribe"})
_OPEN_END = ("tills vidare", "until further notice")
_TIME = re.compile(r"(?:kl(?:ockan)?\.? ?)?([01]?[0-9]|2[0-3])(?:[:.]([0-5][0-9]))?", re.ASCII)
_DATE = re.compile(r"([0-3]?[0-9])/([01]?[0-9])", re.ASCII)
_DAY = re.compile(r"(20[0-9]{2})-([01][0-9])-([0-3][0-9])", re.ASCII)
_FOUR = re.compile(r"[0-9]{4}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Away:
    """`until` None: until further notice. `doubt`: the return is odd, and is to be asked about."""

    reason: Reason
    until: datetime | None
    doubt: Doubt | None


@dataclass(frozen=True, slots=True)
class Back:
    pass


@dataclass(frozen=True, slots=True)
class Silent:
    """Somebody, or their telephone, wants to hear no more: never answered."""


@dataclass(frozen=True, slots=True)
class Unclear:
    """No command."""


def read(
    text: str, reasons: ReasonTable, said_at: datetime, now: datetime, hours: Schedule = OFFICE_HOURS
) -> Away | Back | Silent | Unclear:
    """What was said, at `said_at`, in the words of a site; whether a return is odd is judged `now`."""
    words = folded(text)
    if not words or len(words) > TEXT_MAX:
        return Unclear()
    if words.partition(" ")[0] in _SILENT:
        return Silent()
    if words in _BACK:
        return Back()
    sure = words.rpartition(" ")[2] in _SURE
    if sure:
        words = words.rpartition(" ")[0]
    for said, given in _readings(words):
        reason = _reason(said, reasons)
        if reason is not None:
            return _away(reason, given, said_at, now, hours, sure=sure)
    return Unclear()


def _readings(words: str) -> Iterable[tuple[str, str]]:
    """The reason, and what follows it, the longest reason first."""
    yield words, ""
    parts = words.split(" ")
    for cut in range(len(parts) - 1, 0, -1):
        yield " ".join(parts[:cut]), " ".join(parts[cut:])


def _reason(said: str, reasons: ReasonTable) -> Reason | None:
    """Of two with one word the first, which is the site's own."""
    for names in (
        lambda reason: (reason.sv, reason.en, reason.letters),
        lambda reason: (reason.key.replace("_", " "),),
    ):
        for reason in reasons:
            if said in {folded(name) for name in names(reason) if name}:
                return reason
    return None


def _away(
    reason: Reason, given: str, said_at: datetime, now: datetime, hours: Schedule, *, sure: bool
) -> Away | Unclear:
    moment: Given = None
    if given in _OPEN_END:
        moment = OPEN_END
    elif given:
        try:
            moment = _given(given, reason, said_at)
        except ValueError:
            return Unclear()
    back = returning(reason, moment, said_at, now, hours, sure=sure)
    return Away(reason, back.until, back.doubt if isinstance(back, Question) else None)


def _given(text: str, reason: Reason, now: datetime) -> time | date:
    """A time or a date; four digits are what the codes take for this reason. Raises ValueError for neither."""
    if _FOUR.fullmatch(text):
        return given_of(text, reason, now)
    if at := _TIME.fullmatch(text):
        return time(int(at[1]), int(at[2] or 0))
    if day := _DAY.fullmatch(text):
        return date(int(day[1]), int(day[2]), int(day[3]))
    if day := _DATE.fullmatch(text):
        return _next_date(int(day[2]), int(day[1]), now)
    raise ValueError(f"neither a time nor a date: {text!r}")


def _next_date(month: int, day: int, now: datetime) -> date:
    today = now.astimezone(STOCKHOLM).date()
    then = date(today.year, month, day)
    return then if then >= today else date(today.year + 1, month, day)


def folded(text: str) -> str:
    """In small letters without marks, words parted by one blank; a full stop or exclamation mark at the end is gone."""
    plain = unicodedata.normalize("NFKD", text[: 4 * TEXT_MAX].casefold())
    bare = "".join(letter for letter in plain if not unicodedata.combining(letter))
    return " ".join(bare.split()).rstrip(".! ")
