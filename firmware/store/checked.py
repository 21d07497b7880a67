"""What may be changed in the branch of people, units and extensions, and to which values. Pure.

The bounds and forms are those of a cell of an import (firmware.store.people_csv.cells)."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping

from callcontrol.plan.model import Identity
from callcontrol.plan.reach import REACH_CLASSES
from callcontrol.plan.schedule import Schedule
from firmware.store.people_csv.cells import EMAIL, LIST_MAX, Faulty, clean

__all__ = ["CHANGEABLE", "checked"]

_E164 = re.compile(r"\+[1-9][0-9]{6,14}")
_EXTENSION = re.compile(r"(?!112)[0-9]{1,15}")
_ID = re.compile(r"[0-9A-Za-z._:-]{1,64}")


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise Faulty("is no text")
    return clean(value)


def _name(value: object) -> str:
    if not (text := _text(value)):
        raise Faulty("is empty")
    return text


def _words(value: object) -> list[str]:
    if not isinstance(value, list | tuple) or len(value) > LIST_MAX:
        raise Faulty(f"is no list of at most {LIST_MAX}")
    words = [_name(word) for word in value]
    if parted := next((word for word in words if "|" in word or "," in word), None):
        raise Faulty(f"{parted[:30]!r}: one in each entry, without | or comma")
    return list(dict.fromkeys(words))


def _form(form: re.Pattern[str], wanted: str) -> Callable[[object], str | None]:
    def check(value: object) -> str | None:
        if value is None:
            return None
        if not isinstance(value, str) or not form.fullmatch(value):
            raise Faulty(f"{str(value)[:40]!r}: {wanted}")
        return value

    return check


def _hours(value: object) -> str | None:
    if value is None:
        return None
    try:
        return str(Schedule.parse(_name(value)))
    except Faulty:
        raise
    except ValueError as error:
        raise Faulty(str(error)) from error


def _flag(value: object) -> bool:
    if not isinstance(value, bool):
        raise Faulty("true or false")
    return value


def _identity(value: object) -> str:
    if value not in set(Identity):
        raise Faulty(f"{str(value)[:30]!r}: direct, main or withheld")
    return str(value)


_number = _form(_E164, "a number with its country, as +46701234567")
_extension = _form(_EXTENSION, "an extension: digits, not beginning with 112")
_person = _form(_ID, "the id of a person")

_CHECKS: Mapping[str, Mapping[str, Callable[[object], object]]] = {
    "person": {
        **dict.fromkeys(("given", "title", "location"), _text),
        "family": _name,
        **dict.fromkeys(("duties", "search_words"), _words),
        **dict.fromkeys(("sms", "mobile"), _number),
        "email": _form(EMAIL, "an address"),
        "deputy": _person,
        "phone_hours": _hours,
    },
    "unit": {
        "name": _name,
        "unstaffed": _flag,
        "emergency_number": _number,
        **dict.fromkeys(("attended_by", "on_call"), _extension),
        "telephony_contact": _person,
    },
    "extension": {
        "reach": _name,
        "identity": _identity,
        "mobile_twin": _number,
        "fallback": _extension,
        "voicemail": _flag,
        "announcement": lambda value: None if value is None else _name(value),
        "hours": _hours,
    },
}

CHANGEABLE: Mapping[str, frozenset[str]] = {kind: frozenset(fields) for kind, fields in _CHECKS.items()}
"""What may be changed in the branch, by what it is; all else is the platform's alone."""


def checked(
    kind: str, fields: Mapping[str, object], classes: Collection[str] = tuple(REACH_CLASSES)
) -> dict[str, object]:
    """The values as they are kept; `classes` are the names of the classes of reach that there are. Raises ValueError,
    which names the first field that is not CHANGEABLE or cannot be so."""
    if unknown := fields.keys() - CHANGEABLE[kind]:
        raise ValueError(f"{kind} {min(unknown)}: not to be changed in the branch")
    kept = {}
    for field, value in sorted(fields.items()):
        try:
            kept[field] = _CHECKS[kind][field](value)
        except Faulty as error:
            raise ValueError(f"{kind} {field}: {error.message}") from error
        if field == "reach" and value not in classes:
            raise ValueError(f"{kind} reach: {str(value)[:30]!r}: not known")
    return kept
