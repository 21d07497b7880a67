"""How numbers are written towards a modem, and what a network's mean (E.164; 27.007 §6.1, §7.11)."""

from __future__ import annotations

import re
from enum import StrEnum

from callcontrol.plan.number import SWEDEN, LocalNumbering, NumberKind, parse_dialled

__all__ = ["EMERGENCY", "Form", "from_network", "is_same", "to_dial", "wanted"]

EMERGENCY = "112"

_E164 = re.compile(r"\+[1-9][0-9]{6,14}", re.ASCII)
_HOME = f"+{SWEDEN}"
_OUTSIDE = LocalNumbering(line_prefixes=("",))


class Form(StrEnum):
    """How an operator wants numbers."""

    E164 = "e164"
    NATIONAL = "national"


def wanted(user: str) -> str | None:
    """The number that an INVITE asks for: E.164 or a short one. None for all that is neither, codes (`*`, `#`) above
    all: what they would do to the SIM is nobody's to order by telephone."""
    if _E164.fullmatch(user):
        return user
    read = parse_dialled(user, _OUTSIDE)
    return user if read.kind in (NumberKind.SHORT, NumberKind.EMERGENCY) and read.digits == user else None


def to_dial(number: str, form: Form) -> str:
    """As a modem is to dial it."""
    if form is Form.NATIONAL and number.startswith(_HOME):
        return "0" + number.removeprefix(_HOME)
    return number


def from_network(number: str | None) -> str | None:
    """E.164 of who calls, or the short number; None where it is neither, or withheld."""
    if not number:
        return None
    read = parse_dialled(number, _OUTSIDE)
    if read.kind is NumberKind.SHORT:
        return read.digits
    return read.e164


def is_same(one: str, other: str) -> bool:
    """Whether two writings mean one number: national or international, as dialled or as a modem lists it."""
    return one == other or (from_network(one) or one) == (from_network(other) or other)
