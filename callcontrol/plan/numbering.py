"""The Swedish numbering plan as data: `numbering_plan.toml`, read once.

It knows numbers without prefixes: the *national significant number*, NSN (E.164 §6.2: area code and subscriber's
number, without the trunk 0), short numbers, and country codes. How a person writes them is `callcontrol.plan.number`'s
matter, who may ring them `callcontrol.plan.reach`'s.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from importlib.resources import files
from typing import Any

__all__ = ["EMERGENCY_NUMBER", "Category", "Entry", "NumberingPlan", "numbering_plan"]

EMERGENCY_NUMBER = "112"
NSN_DIGITS = range(6, 14)
"""Of a national number that the plan does not name: no entry is shorter, and E.164 leaves 13 digits after +46."""


class Category(StrEnum):
    """What a number is, as far as it matters who may ring it."""

    EMERGENCY = "emergency"  # 112, and nothing else
    ALWAYS = "always"  # 1177, 114 14, 113 13, 116 000 and the like: open in every class
    INTERNAL = "internal"  # an extension of ours
    GEOGRAPHIC = "geographic"
    FREEPHONE = "freephone"
    SHARED_COST = "shared_cost"
    MOBILE = "mobile"
    PERSONAL = "personal"
    PAGER = "pager"
    MACHINE = "machine"
    OPERATOR_SERVICE = "operator_service"
    COMPANY = "company"
    INQUIRY = "inquiry"
    MASS_CALL = "mass_call"
    PREMIUM = "premium"
    PREMIUM_SMS = "premium_sms"
    ABROAD = "abroad"
    ABROAD_PREMIUM = "abroad_premium"
    UNKNOWN = "unknown"  # Swedish, but not in the plan that this unit has
    INVALID = "invalid"  # no number at all


@dataclass(frozen=True, slots=True)
class Entry:
    """Numbers that begin with `prefix` and have so many digits; `source` says where that is to be read."""

    prefix: str
    lengths: frozenset[int]
    category: Category
    what: str
    source: str
    needs_line: bool = False
    """Of a number that is always open: not read where no line prefix was dialled."""


class NumberingPlan:
    """The plan, looked up by the longest prefix that fits."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        self.sources: Mapping[str, str] = document["source"]
        areas = [
            Entry(code, frozenset(area["lengths"]), Category.GEOGRAPHIC, f"0{code}", area["source"])
            for area in document["area"]
            for code in area["codes"]
        ]
        ranges = [_entry(row, frozenset(row["lengths"])) for row in document["range"]]
        self.area_codes = frozenset(area.prefix for area in areas)
        self._national = _by_prefix(areas + ranges)
        self._short = _by_prefix(_entry(row, frozenset([row["length"]])) for row in document["short"])
        self._sms = _by_prefix(_entry(row, frozenset([row["length"]])) for row in document["sms"])
        self._abroad = _by_prefix(_entry(row, frozenset()) for row in document["abroad"])

    @property
    def entries(self) -> tuple[Entry, ...]:
        """All of it, for `rvx check` and for tests."""
        return tuple(
            entry for table in (self._national, self._short, self._sms, self._abroad) for entry in table.values()
        )

    def national(self, nsn: str) -> Entry | None:
        """Of a national significant number, whatever its length; None: the plan does not name it."""
        return _longest(self._national, nsn)

    def is_possible(self, nsn: str) -> bool:
        """Whether a national significant number has a length that its entry allows."""
        entry = self.national(nsn)
        return len(nsn) in (NSN_DIGITS if entry is None else entry.lengths)

    def short(self, digits: str) -> Entry | None:
        """Of a short number in its full length; None: it is none. 112 is not in it."""
        entry = _longest(self._short, digits)
        return entry if entry is not None and len(digits) in entry.lengths else None

    def sms(self, digits: str) -> Entry | None:
        """Of a short number that messages are sent to."""
        entry = _longest(self._sms, digits)
        return entry if entry is not None and len(digits) in entry.lengths else None

    def abroad(self, digits: str) -> Category:
        """Of the digits of an E.164 number that is not Swedish."""
        entry = _longest(self._abroad, digits)
        return Category.ABROAD if entry is None else entry.category

    @property
    def always_open(self) -> tuple[str, ...]:
        """Short numbers, whole, that every class of reach has open."""
        return tuple(prefix for prefix in self._short if self.is_always_open(prefix))

    def is_always_open(self, digits: str) -> bool:
        """Whether digits are such a short number, also where no line prefix was dialled."""
        entry = self.short(digits)
        return entry is not None and entry.category is Category.ALWAYS and not entry.needs_line


@cache
def numbering_plan() -> NumberingPlan:
    """The plan that came with this release."""
    text = files("callcontrol.plan").joinpath("numbering_plan.toml").read_text(encoding="utf-8")
    return NumberingPlan(tomllib.loads(text))


def _entry(row: Mapping[str, Any], lengths: frozenset[int]) -> Entry:
    return Entry(
        row["prefix"], lengths, Category(row["category"]), row["what"], row["source"], row.get("needs_line", False)
    )


def _by_prefix(entries: Iterable[Entry]) -> dict[str, Entry]:
    table: dict[str, Entry] = {}
    for entry in entries:
        if entry.prefix in table:
            raise ValueError(f"numbering_plan.toml: {entry.prefix} twice")
        table[entry.prefix] = entry
    return table


def _longest(table: Mapping[str, Entry], digits: str) -> Entry | None:
    return next((table[digits[:n]] for n in range(min(len(digits), 6), 0, -1) if digits[:n] in table), None)
