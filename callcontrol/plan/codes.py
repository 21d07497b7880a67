"""What is dialled to have something done: the site's table of codes, and how a dialled number is read by it. Pure.

A code is written as it is dialled, with an N where a number stands: "*8*N#". Its last # may be left out by who dials:
many phones take it for "send".
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Self

__all__ = ["Code", "Dialled", "Function", "pattern", "read"]

NUMBER_MAX = 15
"""Digits of the number in a code."""
_WRITTEN = re.compile(r"([0-9*#]{1,8})(N([0-9*#]{0,4}))?")


class Function(StrEnum):
    """What may be had by a code; each is a key of `[codes]`."""

    GROUP_PICK_UP = "group_pick_up"
    PICK_UP = "pick_up"
    PARK = "park"
    FETCH = "fetch"
    CALL_BACK = "call_back"
    CALL_BACK_OFF = "call_back_off"
    CAMP_ON = "camp_on"
    CONFERENCE = "conference"
    BARGE_IN = "barge_in"
    ADD = "add"
    THREAT = "threat"

    @property
    def numbered(self) -> bool:
        """Whether a number is dialled in it."""
        return self not in (Function.GROUP_PICK_UP, Function.CALL_BACK_OFF, Function.THREAT)


@dataclass(frozen=True, slots=True)
class Code:
    function: Function
    before: str
    """What is dialled before the number, or alone."""
    after: str

    @classmethod
    def parse(cls, function: Function, text: str) -> Self:
        """ValueError for what is no code of this function."""
        found = _WRITTEN.fullmatch(text)
        if found is None or (found[2] is not None) is not function.numbered:
            raise ValueError(f"{text!r}: digits, * and #{' with an N for the number' if function.numbered else ''}")
        return cls(function, found[1], found[3] or "")


@dataclass(frozen=True, slots=True)
class Dialled:
    function: Function
    number: str = ""


def read(dialled: str, codes: Iterable[Code]) -> Dialled | None:
    """What `dialled` asks for; None for what is no code."""
    for code in codes:
        if (found := re.fullmatch(_expression(code), dialled)) is not None:
            return Dialled(code.function, found[1] if code.function.numbered else "")
    return None


def pattern(codes: Iterable[Code]) -> str:
    """One regular expression (POSIX, extended) for all, a # also as %23 (RFC 3986 §2.1); "" for none."""
    return "|".join(_expression(code).replace("[#]", "(#|%23)") for code in codes)


def _expression(code: Code) -> str:
    whole = f"{_quoted(code.before)}([0-9]{{1,{NUMBER_MAX}}}){_quoted(code.after)}"
    if not code.function.numbered:
        whole = _quoted(code.before)
    return f"{whole}?" if whole.endswith("[#]") else whole


def _quoted(text: str) -> str:
    return "".join(sign if sign.isdigit() else f"[{sign}]" for sign in text)
