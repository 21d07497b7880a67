"""What a caller is told, as phrases that join into whole sentences: why, until when, and what one may choose.

Pure functions from what the plan says (callcontrol/plan/steps.py) to sentences; a sentence is pieces, each a phrase of
the catalogue, which may be recorded, or a name, which may be, too. Both languages keep the same order of pieces, and a
phrase is a part of speech that stands by itself, so that recordings join without a change of voice in mid-word.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from functools import cache
from importlib.resources import files
from itertools import groupby

from callcontrol.media.counted import (
    EN_DAYS,
    EN_MONTHS,
    EN_ORDINALS,
    EN_TENS,
    EN_UNITS,
    SV_DAYS,
    SV_MONTHS,
    SV_ORDINALS,
    SV_TENS,
    SV_UNITS,
    counted,
)
from callcontrol.plan.catalogue import Words
from callcontrol.plan.reasons import MX_ONE, SWEDISH
from callcontrol.plan.schedule import STOCKHOLM, Schedule, Span
from callcontrol.plan.steps import Refuse, Say

__all__ = [
    "LANGUAGES",
    "Choice",
    "NameOf",
    "Piece",
    "Sentence",
    "because",
    "choices",
    "number",
    "past",
    "phrase",
    "phrases",
    "refused",
    "said",
    "text",
    "when",
]

LANGUAGES = ("sv", "en")
WEEK = timedelta(days=7)
"""A day further off is said by its date."""
MAX_DIGITS = 20
WRITTEN_IN = "sv"
"""The language in which an entity writes its own words."""


@dataclass(frozen=True, slots=True)
class Piece:
    """`key`: a phrase of the catalogue; None: a name, or somebody's own words. `name`: the extension or entity whose
    name it is, by which it may be recorded."""

    text: str
    key: str | None = None
    name: str | None = None


Sentence = tuple[Piece, ...]
NameOf = Callable[[str], str | None]
"""The spoken name of an extension or a unit; None: not known."""


@cache
def phrases() -> Mapping[str, Words]:
    """The whole catalogue: what can be recorded, by key."""
    found = tomllib.loads((files("callcontrol.media") / "phrases.toml").read_text("utf-8"))["phrases"]
    catalogue = {key: Words(*both) for key, both in found.items()}
    for n in range(100):
        catalogue[f"n{n}"] = Words(counted(n, SV_UNITS, SV_TENS, ""), counted(n, EN_UNITS, EN_TENS, "-"))
    for n in range(10):
        catalogue[f"m0{n}"] = Words(f"noll {SV_UNITS[n]}", f"oh {EN_UNITS[n]}")
    for n in range(12):
        catalogue[f"am{n}"] = Words("", f"{EN_UNITS[n or 12]} a.m." if n else "midnight")
        catalogue[f"pm{n}"] = Words("", f"{EN_UNITS[n or 12]} p.m." if n else "noon")
    for n, both in enumerate(zip(SV_DAYS, EN_DAYS, strict=True)):
        catalogue[f"day{n + 1}"] = Words(f"på {both[0]}", f"on {both[1]}")
        catalogue[f"last{n + 1}"] = Words(f"i {both[0]}s", f"on {both[1]}")
        catalogue[f"weekday{n + 1}"] = Words(*both)
    for n, both in enumerate(zip(SV_ORDINALS, EN_ORDINALS, strict=True)):
        catalogue[f"date{n + 1}"] = Words(*both)
    for n, both in enumerate(zip(SV_MONTHS, EN_MONTHS, strict=True)):
        catalogue[f"month{n + 1}"] = Words(*both)
    return catalogue


def phrase(key: str, language: str) -> Piece:
    """Raises KeyError for what is not in the catalogue."""
    return Piece(phrases()[key][LANGUAGES.index(language)], key)


def said(step: Say, now: datetime, language: str, name_of: NameOf) -> list[Sentence]:
    """The sentences of a `Say`. What the catalogue does not have is said in the plan's own words, or left out."""
    fill = dict(step.fill)
    match step.words:
        case "referred":
            why = phrase(_reason(fill.get("reason", "")), language)
            who = _who(fill.get("name", ""), language, name_of)
            return [_joined(who, why, _back(fill.get("back_at", ""), now, language))]
        case "do_not_disturb":
            return [_joined(phrase("the_one_sought", language), phrase("do_not_disturb", language))]
        case "unstaffed":
            return [_joined(Piece(fill["unit"], name=fill["unit"]), phrase("unstaffed", language))]
        case "phone_hours":
            opens = when(_moment(fill.get("opens_at", "")), now, language)
            over = (phrase("phone_hours_over", language),)
            return [over, _joined(phrase("we_answer_again", language), opens)] if opens else [over]
        case "unstaffed_until":
            empty = _joined(Piece(fill["unit"], name=fill["unit"]), phrase("unstaffed", language))
            back = when(_moment(fill.get("back_at", "")), now, language)
            return [empty, _joined(phrase("we_answer_again", language), back)] if back else [empty]
        case "group_announcement":
            return [(Piece(fill["text"]),)]
        case "announcement":
            return [(Piece(fill["text"], name=fill.get("name")),)]
        case "night" | "lunch" | "closed":
            return _closed(step.words, fill, now, language)
        case key if key in phrases():
            return [(phrase(key, language),)]
    return []


_ABOUT_SOMEBODY = frozenset({"busy", "no_answer", "not_reachable", "do_not_disturb"})


def refused(step: Refuse, sought: str, language: str, name_of: NameOf) -> list[Sentence]:
    """Why a call comes to nothing. `sought`: the extension that was called; "" for none."""
    return because(step.words, sought, language, name_of)


def because(why: str, sought: str, language: str, name_of: NameOf) -> list[Sentence]:
    """By the plan's word for it (catalogue.toml, [why])."""
    if why in _ABOUT_SOMEBODY:
        return [_joined(_who(sought, language, name_of), phrase(why, language))]
    return [(phrase(why if why in phrases() else "not_possible", language),)]


@dataclass(frozen=True, slots=True)
class Choice:
    """A key, and what it is for: a phrase `for_…`; `name`, of an extension, or `called`, words as they are, ends the
    sentence where it needs one."""

    key: str
    what: str
    name: str = ""
    called: str = ""


_KEYS = {"*": "star", "#": "hash"}


def choices(given: Iterable[Choice], language: str, name_of: NameOf) -> list[Sentence]:
    """One sentence for each. "Tryck | ett | för att lämna ett meddelande"."""
    return [
        _joined(
            phrase("press", language),
            phrase(_KEYS.get(choice.key) or f"n{choice.key}", language),
            phrase(choice.what, language),
            Piece(choice.called) if choice.called else _who(choice.name, language, name_of) if choice.name else (),
        )
        for choice in given
    ]


def when(moment: datetime | None, now: datetime, language: str) -> Sentence:
    """Day and time: "klockan tretton trettio", "i morgon klockan åtta", "på torsdag …", "den fjärde januari". Empty for
    what is past or not known. Beyond a week the hour is left out: nobody keeps it in mind."""
    if moment is None or moment <= now:
        return ()
    then, today = moment.astimezone(STOCKHOLM), now.astimezone(STOCKHOLM)
    days = (then.date() - today.date()).days
    if days >= WEEK.days:
        return _date(then, language)
    if days == 0:
        return _clock(then, language)
    day = phrase("tomorrow" if days == 1 else f"day{then.isoweekday()}", language)
    return (day, *_clock(then, language))


def past(moment: datetime, now: datetime, language: str) -> Sentence:
    """The same of what was: "i dag klockan tretton trettio", "i går …", "i torsdags …", "den fjärde januari"."""
    then, today = moment.astimezone(STOCKHOLM), now.astimezone(STOCKHOLM)
    days = (today.date() - then.date()).days
    if days >= WEEK.days:
        return _date(then, language)
    day = {0: "today", 1: "yesterday"}.get(max(days, 0), f"last{then.isoweekday()}")
    return (phrase(day, language), *_clock(then, language))


def number(digits: str, language: str) -> Sentence:
    """As it is read aloud: in Swedish by twos where that comes out even, in English figure by figure."""
    shown = "".join(c for c in digits if c.isascii() and c.isdigit())[:MAX_DIGITS]
    pairs = language == "sv" and len(shown) % 2 == 0
    groups = [shown[at : at + 2] for at in range(0, len(shown), 2)] if pairs else list(shown)
    found: list[Piece] = []
    for group in groups:
        if len(group) == 2 and group[0] == "0":
            found += [phrase("n0", language), phrase(f"n{group[1]}", language)]
        else:
            found.append(phrase(f"n{group}", language))
    return tuple(found)


def text(sentences: Sequence[Sentence]) -> str:
    """As it is read, and as espeak-ng says it."""
    lines = (" ".join(piece.text for piece in sentence if piece.text) for sentence in sentences)
    return " ".join(line if line.endswith(".") else f"{line}." for line in lines if line)


def _closed(state: str, fill: Mapping[str, str], now: datetime, language: str) -> list[Sentence]:
    """That a reception is closed, until when, its hours, and who is on call (callcontrol/plan/closed.py)."""
    lunch = state == "lunch"
    own = fill.get("text", "") if language == WRITTEN_IN else ""
    name = f"{fill.get('entity', '')}/{'lunch' if lunch else 'night'}"
    found: list[Sentence] = [
        (Piece(own, name=name) if own else phrase("closed_lunch" if lunch else "closed_night", language),)
    ]
    if opens := when(_moment(fill.get("opens_at", "")), now, language):
        found.append(_joined(phrase("we_answer_again", language), opens))
    found += _opening_hours(fill["hours"], language) if fill.get("hours") else []
    for who, number_ in json.loads(fill.get("on_call", "[]")):
        found.append(_joined(Piece(who), phrase("reached_at", language), number(_national(number_), language)))
    return found


def _opening_hours(text: str, language: str) -> list[Sentence]:
    """Those of a week, a sentence for each stretch of days that are alike. "Vi har öppet | måndag | till | fredag |
    klockan | åtta | till | sexton | trettio". What is never open is not told."""
    weekly = Schedule.parse(text).weekly
    to, open_ = phrase("to", language), phrase("we_are_open", language)
    found: list[Sentence] = []
    for hours, group in groupby(range(7), lambda day: weekly[day]):
        days = [phrase(f"weekday{day + 1}", language) for day in group]
        named = (days[0],) if len(days) == 1 else (days[0], to, days[-1])
        spoken: list[Piece] = []
        for span in hours:
            spoken += [phrase("and", language)] if spoken else []
            spoken += _span(span, to, language)
        if hours:
            found.append(_joined(open_, named, tuple(spoken)))
    return found


def _span(span: Span, to: Piece, language: str) -> Sentence:
    if span == Span(0, 24 * 60):
        return (phrase("all_day", language),)
    begins, ends = (time(minutes % (24 * 60) // 60, minutes % 60) for minutes in (span.begins, span.ends))
    until = _clock(ends, language)
    return _joined(_clock(begins, language), to, until[1:])


def _national(number: str) -> str:
    """As it is dialled in Sweden."""
    return f"0{number[3:]}" if number.startswith("+46") else f"00{number[1:]}" if number.startswith("+") else number


def _who(extension: str, language: str, name_of: NameOf) -> Piece:
    name = name_of(extension) if extension else None
    return Piece(name, name=extension) if name else phrase("the_one_sought", language)


def _reason(key: str) -> str:
    """The phrase of a reason; what is nobody's business, and what the site added, by a word that tells nothing."""
    reason = SWEDISH.by_key(key) or MX_ONE.by_key(key)
    if reason is not None and reason.public is not None:
        return "reason_off" if reason.public[1] == "Off work" else "reason_away"
    return f"reason_{key}" if f"reason_{key}" in phrases() else "reason_away"


def _back(iso: str, now: datetime, language: str) -> Sentence:
    moment = _moment(iso)
    if moment is None:
        return (phrase("until_further", language),)
    back = when(moment, now, language)
    return (phrase("and_back", language), *back) if back else ()


def _moment(iso: str) -> datetime | None:
    return datetime.fromisoformat(iso) if iso else None


def _date(then: datetime, language: str) -> Sentence:
    date = (phrase("the_date", language), phrase(f"date{then.day}", language))
    month = phrase(f"month{then.month}", language)
    return (*date, phrase("of_month", language), month) if language == "en" else (*date, month)


def _clock(then: datetime | time, language: str) -> Sentence:
    at = phrase("clock", language)
    if language == "sv":
        minutes = phrase(f"m{then.minute:02}" if then.minute < 10 else f"n{then.minute}", language)
        hour = phrase(f"n{then.hour}", language)
        return (at, hour, minutes) if then.minute else (at, hour)
    half = "am" if then.hour < 12 else "pm"
    if then.minute == 0:
        return at, phrase(f"{half}{then.hour % 12}", language)
    minutes = phrase(f"m{then.minute:02}" if then.minute < 10 else f"n{then.minute}", language)
    return at, phrase(f"n{then.hour % 12 or 12}", language), minutes, phrase(half, language)


def _joined(*parts: Piece | Sentence) -> Sentence:
    return tuple(piece for part in parts for piece in ((part,) if isinstance(part, Piece) else part))
