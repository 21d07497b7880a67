"""What a caller is told, as phrases that join into whole sentences: why, until when, and what one may choose.

Pure functions from what the plan says (callcontrol/plan/steps.py) to sentences; a sentence is pieces, each a phrase of
the catalogue, which may be recorded, or a name, which may be, too. Both languages keep the same order of pieces, and a
phrase is a part of speech that stands by itself, so that recordings join without a change of voice in mid-word.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from importlib.resources import files

from callcontrol.plan.catalogue import Words
from callcontrol.plan.reasons import MX_ONE, SWEDISH
from callcontrol.plan.schedule import STOCKHOLM
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

_SV_UNITS = [
    "noll",
    "ett",
    "två",
    "tre",
    "fyra",
    "fem",
    "sex",
    "sju",
    "åtta",
    "nio",
    "tio",
    "elva",
    "tolv",
    "tretton",
    "fjorton",
    "femton",
    "sexton",
    "sjutton",
    "arton",
    "nitton",
]
_SV_TENS = ["tjugo", "trettio", "fyrtio", "femtio", "sextio", "sjuttio", "åttio", "nittio"]
_EN_UNITS = [
    "zero",
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
    "thirteen",
    "fourteen",
    "fifteen",
    "sixteen",
    "seventeen",
    "eighteen",
    "nineteen",
]
_EN_TENS = ["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]
_SV_ORDINALS = [
    "första",
    "andra",
    "tredje",
    "fjärde",
    "femte",
    "sjätte",
    "sjunde",
    "åttonde",
    "nionde",
    "tionde",
    "elfte",
    "tolfte",
    "trettonde",
    "fjortonde",
    "femtonde",
    "sextonde",
    "sjuttonde",
    "artonde",
    "nittonde",
    "tjugonde",
    "tjugoförsta",
    "tjugoandra",
    "tjugotredje",
    "tjugofjärde",
    "tjugofemte",
    "tjugosjätte",
    "tjugosjunde",
    "tjugoåttonde",
    "tjugonionde",
    "trettionde",
    "trettioförsta",
]
_EN_ORDINALS = [
    "first",
    "second",
    "third",
    "fourth",
    "fifth",
    "sixth",
    "seventh",
    "eighth",
    "ninth",
    "tenth",
    "eleventh",
    "twelfth",
    "thirteenth",
    "fourteenth",
    "fifteenth",
    "sixteenth",
    "seventeenth",
    "eighteenth",
    "nineteenth",
    "twentieth",
    "twenty-first",
    "twenty-second",
    "twenty-third",
    "twenty-fourth",
    "twenty-fifth",
    "twenty-sixth",
    "twenty-seventh",
    "twenty-eighth",
    "twenty-ninth",
    "thirtieth",
    "thirty-first",
]
_SV_DAYS = ["måndag", "tisdag", "onsdag", "torsdag", "fredag", "lördag", "söndag"]
_EN_DAYS = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"]
_SV_MONTHS = [
    "januari",
    "februari",
    "mars",
    "april",
    "maj",
    "juni",
    "juli",
    "augusti",
    "september",
    "oktober",
    "november",
    "december",
]
_EN_MONTHS = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
]


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
        catalogue[f"n{n}"] = Words(_counted(n, _SV_UNITS, _SV_TENS, ""), _counted(n, _EN_UNITS, _EN_TENS, "-"))
    for n in range(10):
        catalogue[f"m0{n}"] = Words(f"noll {_SV_UNITS[n]}", f"oh {_EN_UNITS[n]}")
    for n in range(12):
        catalogue[f"am{n}"] = Words("", f"{_EN_UNITS[n or 12]} a.m." if n else "midnight")
        catalogue[f"pm{n}"] = Words("", f"{_EN_UNITS[n or 12]} p.m." if n else "noon")
    for n, both in enumerate(zip(_SV_DAYS, _EN_DAYS, strict=True)):
        catalogue[f"day{n + 1}"] = Words(f"på {both[0]}", f"on {both[1]}")
    for n, both in enumerate(zip(_SV_ORDINALS, _EN_ORDINALS, strict=True)):
        catalogue[f"date{n + 1}"] = Words(*both)
    for n, both in enumerate(zip(_SV_MONTHS, _EN_MONTHS, strict=True)):
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
        case "group_announcement":
            return [(Piece(fill["text"]),)]
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
    """A key, and what it is for: a phrase `for_…`; `name` ends the sentence where it needs one."""

    key: str
    what: str
    name: str = ""


def choices(given: Iterable[Choice], language: str, name_of: NameOf) -> list[Sentence]:
    """One sentence for each. "Tryck | ett | för att lämna ett meddelande"."""
    return [
        _joined(
            phrase("press", language),
            phrase(f"n{choice.key}", language) if choice.key.isdigit() else Piece(choice.key),
            phrase(choice.what, language),
            _who(choice.name, language, name_of) if choice.name else (),
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
        date = (phrase("the_date", language), phrase(f"date{then.day}", language))
        month = phrase(f"month{then.month}", language)
        return (*date, phrase("of_month", language), month) if language == "en" else (*date, month)
    if days == 0:
        return _clock(then, language)
    day = phrase("tomorrow" if days == 1 else f"day{then.isoweekday()}", language)
    return (day, *_clock(then, language))


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


def _clock(then: datetime, language: str) -> Sentence:
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


def _counted(n: int, units: Sequence[str], tens: Sequence[str], joint: str) -> str:
    if n < 20:
        return units[n]
    ten, unit = divmod(n, 10)
    return tens[ten - 2] + (joint + units[unit] if unit else "")


def _joined(*parts: Piece | Sentence) -> Sentence:
    return tuple(piece for part in parts for piece in ((part,) if isinstance(part, Piece) else part))
