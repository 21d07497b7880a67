"""A whole department away (B3)."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, time
from typing import Any

import pytest

from callcontrol.plan.department import below, may_refer_whole, referred_whole
from callcontrol.plan.model import Whole
from callcontrol.plan.reasons import SWEDISH, DoubtKind
from callcontrol.plan.refer import OPEN_END, Question
from callcontrol.plan.rights import Given, Role
from callcontrol.plan.schedule import STOCKHOLM

NOW = datetime(2026, 11, 23, 10, tzinfo=STOCKHOLM)  # a Monday
COURSE = SWEDISH.by_key("meeting")
NUMBER = "+46701112233"


def referred(town: Any, given: Any, **fields: Any) -> Whole | Question:
    assert COURSE is not None
    return referred_whole("w", [town.units["u"]], COURSE, given, NOW, set_by="anna", **fields)


def test_until_a_time(town: Any) -> None:
    whole = referred(town, time(15), emergency_number=NUMBER, information="Kickoff")
    assert whole == Whole(
        id="w", reason="meeting", start=NOW, until=NOW.replace(hour=15), emergency_number=NUMBER,
        information="Kickoff", set_by="anna",
    )  # fmt: skip


def test_the_departments_own_number_will_do(town: Any) -> None:
    town.change_unit("u", emergency_number=NUMBER)
    whole = referred(town, OPEN_END, sure=True)
    assert isinstance(whole, Whole)
    assert (whole.emergency_number, whole.until) == (None, None)


def test_what_is_odd_is_asked(town: Any) -> None:
    found = referred(town, time(23), emergency_number=NUMBER)
    assert isinstance(found, Question)
    assert found.doubt.kind is DoubtKind.AFTER_HOURS
    assert isinstance(referred(town, time(23), emergency_number=NUMBER, sure=True), Whole)


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({}, "emergency_number: Bygg has none"),
        ({"emergency_number": NUMBER, "information": "x" * 201}, "information"),
        ({"emergency_number": NUMBER, "information": "a\nb"}, "information"),
        ({"emergency_number": NUMBER, "start": NOW.replace(hour=16), "sure": True}, "until"),
    ],
)
def test_what_cannot_be_is_named(town: Any, fields: dict[str, Any], named: str) -> None:
    with pytest.raises(ValueError, match=named):
        referred(town, NOW.replace(hour=15), **fields)


def test_no_department_is_none() -> None:
    assert COURSE is not None
    with pytest.raises(ValueError, match="unit"):
        referred_whole("w", [], COURSE, time(15), NOW, set_by="anna")


@pytest.mark.parametrize(
    ("role", "scope", "units", "may"),
    [
        (Role.TELEPHONY_CONTACT, "u", ("u",), True),
        (Role.TELEPHONY_CONTACT, "u", ("u", "s"), False),
        (Role.TELEPHONY_CONTACT, "u", ("team",), True),
        (Role.OPERATOR, "k", ("u", "s"), True),
        (Role.BUDGET_MANAGER, "*", ("u",), False),
    ],
)
def test_who_may(town: Any, role: Role, scope: str, units: tuple[str, ...], may: bool) -> None:
    town.units["team"] = replace(town.units["u"], id="team", parent="u")
    assert may_refer_whole((Given(role, scope),), units, town) is may


def test_all_below_a_department() -> None:
    parents = {"a": None, "c": "a", "b": "c", "d": None, "x": "y", "y": "x"}
    assert below("a", parents) == ("a", "b", "c")
    assert below("d", parents) == ("d",)
    assert below("x", parents) == ("x", "y")
