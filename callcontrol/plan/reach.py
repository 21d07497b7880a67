"""Class of reach: who may ring what (E1), and a guard on how much of it in an hour.

The categories are those of the numbering plan. As Örebro has it (begränsning av räckvidd), a phone is open for Sweden
and Swedish mobiles, and closed for abroad, premium-rate and number inquiry; 112 and the numbers of society's own
services are open from every phone. What is not known to be open is closed.

What counts is the class of the one who wants the call, also when an operator sets it up: so the operator passes no
barring (Örebro), but for an *ordered* call abroad, where the municipality allows it (SAMSA); that one is recorded with
its orderer and cost centre.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import Protocol

from callcontrol.plan.number import Dialled, NumberKind
from callcontrol.plan.numbering import Category, numbering_plan

__all__ = [
    "DEFAULT_CLASS",
    "ORE_A_MINUTE",
    "REACH_CLASSES",
    "Category",
    "Guard",
    "GuardLimits",
    "OutgoingCall",
    "ReachChoices",
    "ReachClass",
    "Verdict",
    "category",
    "may",
]

ALWAYS_OPEN = frozenset({Category.EMERGENCY, Category.ALWAYS, Category.INTERNAL})
"""In every class, and of no guard's concern."""
SWEDEN = frozenset({Category.GEOGRAPHIC, Category.MOBILE, Category.FREEPHONE, Category.SHARED_COST})
HOUR = timedelta(hours=1)


class ReachChoices(Protocol):
    """What the municipality has chosen."""

    @property
    def abroad_by_operator(self) -> bool: ...


@dataclass(frozen=True, slots=True)
class ReachClass:
    """What an extension may ring beside what is always open. `label` is shown to people."""

    name: str
    open: frozenset[Category]
    label: str = ""


REACH_CLASSES: Mapping[str, ReachClass] = MappingProxyType(
    {
        reach.name: reach
        for reach in (
            ReachClass("inside", frozenset(), "Endast internt"),
            ReachClass("sweden", SWEDEN, "Sverige och svenska mobiler"),
            ReachClass("abroad", SWEDEN | {Category.ABROAD}, "Sverige och utlandet"),
            ReachClass("inquiry", SWEDEN | {Category.INQUIRY}, "Sverige och nummerupplysning"),
            ReachClass(
                "all", frozenset(Category) - ALWAYS_OPEN - {Category.INVALID}, "Öppen för alla nummer, betalnummer med"
            ),
        )
    }
)
"""Those that come ready; a site may have others."""
DEFAULT_CLASS = REACH_CLASSES["sweden"]


@dataclass(frozen=True, slots=True)
class Verdict:
    """`rule` is an id of requirements.md; `why` is a key: see `may`. `record`: keep who ordered it and who pays."""

    allowed: bool
    rule: str
    why: str
    record: bool = False


def category(dialled: Dialled) -> Category:
    """What a number is. INVALID for what is no number."""
    plan = numbering_plan()
    match dialled.kind:
        case NumberKind.EMERGENCY:
            return Category.EMERGENCY
        case NumberKind.EXTENSION:
            return Category.INTERNAL
        case NumberKind.SHORT:
            entry = plan.short(dialled.digits) or plan.sms(dialled.digits)
            return Category.UNKNOWN if entry is None else entry.category
        case NumberKind.NATIONAL if dialled.e164:
            entry = plan.national(dialled.e164.removeprefix("+46"))
            return Category.UNKNOWN if entry is None else entry.category
        case NumberKind.INTERNATIONAL if dialled.e164:
            return plan.abroad(dialled.e164.removeprefix("+"))
    return Category.INVALID


def may(
    reach_class: ReachClass, category: Category, *, ordered: bool, by_operator: bool, choices: ReachChoices
) -> Verdict:
    """Whether one of this class may reach this category.

    `why` when allowed: emergency, always, open, ordered. When not: no_number, unknown (Swedish, but not in the plan),
    ordered_not_allowed (the municipality allows none, or it was not the operator who rings), operator (cannot pass
    barring either), barred.
    """
    if category is Category.EMERGENCY:
        return Verdict(True, "A4", "emergency")
    if category in ALWAYS_OPEN:
        return Verdict(True, "E1", "always")
    if category is Category.INVALID:
        return Verdict(False, "B1", "no_number")
    if category in reach_class.open:
        return Verdict(True, "E1", "open")
    if ordered and category is Category.ABROAD:
        if by_operator and choices.abroad_by_operator:
            return Verdict(True, "E1", "ordered", record=True)
        return Verdict(False, "E1", "ordered_not_allowed")
    if category is Category.UNKNOWN:
        return Verdict(False, "E1", "unknown")
    return Verdict(False, "E1", "operator" if by_operator else "barred")


ORE_A_MINUTE: Mapping[Category, int] = MappingProxyType(
    {
        Category.GEOGRAPHIC: 20,
        Category.SHARED_COST: 50,
        Category.MOBILE: 50,
        Category.PERSONAL: 200,
        Category.COMPANY: 100,
        Category.INQUIRY: 3_000,
        Category.MASS_CALL: 1_500,
        Category.PREMIUM: 3_000,
        Category.PREMIUM_SMS: 3_000,
        Category.ABROAD: 500,
        Category.ABROAD_PREMIUM: 3_000,
        Category.UNKNOWN: 500,
    }
)
"""Estimates of ours for the guard, high rather than low; what a call costs its contract says."""


@dataclass(frozen=True, slots=True)
class OutgoingCall:
    """A call that has gone out. `ended` None: it is up."""

    began: datetime
    category: Category
    ended: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class GuardLimits:
    """What one caller may have in an hour. None: not watched. Costs are estimates, in öre."""

    calls: int | None = 60
    cost_ore: int | None = 20_000
    ore_a_minute: Mapping[Category, int] = field(default_factory=dict)
    other_ore_a_minute: int = 0
    """Of a category that `ore_a_minute` does not name."""


@dataclass(frozen=True, slots=True)
class Guard:
    """What has gone out in the last hour, against its limits: somebody's phone that dials by itself, or for a thief.

    112 and what is always open is neither counted nor refused.
    """

    limits: GuardLimits
    calls: int
    cost_ore: int

    @classmethod
    def at(cls, outgoing: Iterable[OutgoingCall], limits: GuardLimits, now: datetime) -> Guard:
        """From the calls of one caller, in any order; those of more than an hour ago weigh nothing. `now` is aware."""
        since = now.astimezone(UTC) - HOUR
        calls, seconds_ore = 0, 0.0
        for call in outgoing:
            if call.category in ALWAYS_OPEN:
                continue
            began, ended = call.began.astimezone(UTC), (call.ended or now).astimezone(UTC)
            calls += since < began
            seconds = max(0.0, (ended - max(began, since)).total_seconds())
            seconds_ore += seconds * limits.ore_a_minute.get(call.category, limits.other_ore_a_minute)
        return cls(limits, calls, round(seconds_ore / 60))

    def allows(self, category: Category) -> bool:
        """Whether one more call may begin."""
        return self.judge(category).allowed

    def judge(self, category: Category) -> Verdict:
        """The same with its reason: always, open, guard_calls, guard_cost."""
        if category in ALWAYS_OPEN:
            return Verdict(True, "E1", "always")
        if self.limits.calls is not None and self.calls >= self.limits.calls:
            return Verdict(False, "F2", "guard_calls")
        if self.limits.cost_ore is not None and self.cost_ore >= self.limits.cost_ore:
            return Verdict(False, "F2", "guard_cost")
        return Verdict(True, "E1", "open")
