"""A municipality's own reasons for absence: as its file says them (TOML), and as a row of ``directory.db``.

[reason."norrby".fika]
sv = "Fika"
en = "Coffee break"
public = ["Upptagen", "Engaged"]   # what others are told, where it is nobody's business
digit = "7"                        # of the referral codes
letters = "FIK"                    # of a calendar entry
returns = "15 min"                 # or "13:00", "working day", "working day 09:30", "until further notice", "asked"
needs = "time"                     # or "date", "nothing": what the codes take
longest = "2 h"                    # what lasts longer is questioned
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from datetime import time, timedelta
from typing import Any

from callcontrol.plan.reasons import Needs, Reason, Return, ReturnKind, table_of

__all__ = ["REASONS_MAX", "from_body", "from_table", "to_body"]

REASONS_MAX = 100
WORD_MAX = 40
MINUTES = range(1, 24 * 60 + 1)
LONGEST_MIN = range(1, 366 * 24 * 60 + 1)

_KEY = re.compile(r"[a-z0-9_]{1,32}")
_DIGIT = re.compile(r"[0-9]")
_LETTERS = re.compile(r"[A-ZÅÄÖ]{2,6}")
_SPAN = re.compile(r"([0-9]{1,6}) (min|h)")
_CLOCK = r"([01]?[0-9]|2[0-3]):([0-5][0-9])"
_AT = re.compile(_CLOCK)
_NEXT = re.compile(rf"working day(?: {_CLOCK})?")
_WORK_BEGINS = Return(ReturnKind.NEXT_DAY, None)
_PLAIN = {"until further notice": ReturnKind.CANCELLED, "asked": ReturnKind.ASKED}


def from_table(entries: Any) -> tuple[Reason, ...]:
    """The reasons of one municipality. Raises ValueError naming reason and field of the first that will not do."""
    if not isinstance(entries, dict) or len(entries) > REASONS_MAX:
        raise ValueError(f"a table of at most {REASONS_MAX} reasons")
    found = tuple(_reason(key, entry) for key, entry in entries.items())
    table_of(found, None)
    return found


def to_body(reason: Reason) -> str:
    """The row of one, without its key."""
    body: dict[str, Any] = {
        "sv": reason.sv,
        "en": reason.en,
        "returns": _returns_text(reason.returns),
        "needs": str(reason.needs),
        **({"digit": reason.digit} if reason.digit else {}),
        **({"letters": reason.letters} if reason.letters else {}),
        **({"public": list(reason.public)} if reason.public else {}),
        **({"longest": f"{reason.longest // timedelta(minutes=1)} min"} if reason.longest else {}),
    }
    return json.dumps(body, ensure_ascii=False, sort_keys=True)


def from_body(key: str, body: str) -> Reason:
    """The reason of a row. Raises ValueError for what `to_body` would not write."""
    return _reason(key, json.loads(body))


def _reason(key: str, entry: Any) -> Reason:
    if not _KEY.fullmatch(key):
        raise ValueError(f"{key[:WORD_MAX]!r}: a key of 1 to 32 of a-z, 0-9 and _")
    if not isinstance(entry, dict):
        raise ValueError(f"{key}: is no table")
    taken: dict[str, Any] = {}
    for name, value in entry.items():
        if name not in _FIELDS:
            raise ValueError(f"{key}.{name[:WORD_MAX]}: is not known; one of {', '.join(_FIELDS)}")
        try:
            taken[name] = _FIELDS[name](value)
        except ValueError as error:
            raise ValueError(f"{key}.{name}: {error}") from None
    if missing := {"sv", "en"} - taken.keys():
        raise ValueError(f"{key}.{max(missing)}: is missing")
    return Reason(key=key, **taken)


def _word(value: Any) -> str:
    if not isinstance(value, str) or not value.strip() or len(value) > WORD_MAX or not value.isprintable():
        raise ValueError(f"a word of 1 to {WORD_MAX} signs")
    return value.strip()


def _public(value: Any) -> tuple[str, str]:
    if not isinstance(value, list) or len(value) != 2:
        raise ValueError("two words, Swedish and English")
    return _word(value[0]), _word(value[1])


def _form(form: re.Pattern[str], expected: str) -> Callable[[Any], str]:
    def read(value: Any) -> str:
        if not isinstance(value, str) or not form.fullmatch(value):
            raise ValueError(expected)
        return value

    return read


def _needs(value: Any) -> Needs:
    if value not in set(Needs):
        raise ValueError(f"one of {', '.join(Needs)}")
    return Needs(value)


def _longest(value: Any) -> timedelta:
    return timedelta(minutes=_minutes(value, LONGEST_MIN, "as 90 min or 2 h, a year at the most"))


def _minutes(value: Any, bounds: range, expected: str) -> int:
    found = _SPAN.fullmatch(value) if isinstance(value, str) else None
    minutes = int(found[1]) * (60 if found[2] == "h" else 1) if found else 0
    if minutes not in bounds:
        raise ValueError(expected)
    return minutes


def _returns(value: Any) -> Return:
    text = value if isinstance(value, str) else ""
    if text in _PLAIN:
        return Return(_PLAIN[text])
    if at := _AT.fullmatch(text):
        return Return(ReturnKind.AT, time(int(at[1]), int(at[2])))
    if at := _NEXT.fullmatch(text):
        return Return(ReturnKind.NEXT_DAY, time(int(at[1]), int(at[2]))) if at[1] else _WORK_BEGINS
    expected = 'as "15 min", "13:00", "working day", "working day 09:30", "until further notice" or "asked"'
    return Return(ReturnKind.AFTER, minutes=_minutes(text, MINUTES, expected))


def _returns_text(returns: Return) -> str:
    match returns.kind:
        case ReturnKind.AFTER:
            return f"{returns.minutes} min"
        case ReturnKind.AT:
            return f"{returns.at:%H:%M}"
        case ReturnKind.NEXT_DAY:
            return f"working day {returns.at:%H:%M}" if returns.at else "working day"
    return next(text for text, kind in _PLAIN.items() if kind is returns.kind)


_FIELDS: Mapping[str, Callable[[Any], Any]] = {
    "sv": _word,
    "en": _word,
    "public": _public,
    "digit": _form(_DIGIT, "one digit"),
    "letters": _form(_LETTERS, "2 to 6 capital letters"),
    "returns": _returns,
    "needs": _needs,
    "longest": _longest,
}
