"""Roles and rights, as a table; and who is told that a department will be empty."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import pytest

from callcontrol.plan.absence import Absent, Source
from callcontrol.plan.catalogue import words
from callcontrol.plan.empty import empty_departments
from callcontrol.plan.rights import RIGHTS, Given, Right, Role, may_barge_in, may_do, may_serve
from callcontrol.plan.schedule import Schedule

TUESDAY, SUNDAY = date(2026, 3, 3), date(2026, 3, 8)
OFFICE_HOURS = Schedule.parse("mån-fre 08:00-16:30")


@pytest.mark.parametrize(
    ("role", "scope", "right", "unit", "expected"),
    [
        (Role.TELEPHONY_CONTACT, "u", Right.REFER_OTHERS, "u", True),
        (Role.TELEPHONY_CONTACT, "u", Right.REFER_OTHERS, "s", False),
        (Role.TELEPHONY_CONTACT, "u", Right.CHANGE_REACH, "u", False),
        (Role.TELEPHONY_CONTACT, "k", Right.BLOCK, "s", True),
        (Role.COORDINATOR, "m", Right.CHANGE_REACH, "b", True),
        (Role.BUDGET_MANAGER, "u", Right.ORDER_EXTRACT, "team", True),
        (Role.BUDGET_MANAGER, "team", Right.ORDER_EXTRACT, "u", False),
        (Role.OPERATOR, "*", Right.MARK_THREAT, "nowhere", True),
        (Role.OPERATOR, "k", Right.MARK_THREAT, "nowhere", False),
        (Role.OPERATIONS, "*", Right.SEE_SECRET, "s", True),
        (Role.SUPERUSER, "*", Right.SEE_SECRET, "s", False),
    ],
)
def test_who_may_do_what(town: Any, role: Role, scope: str, right: Right, unit: str, expected: bool) -> None:
    town.units["team"] = replace(town.units["u"], id="team", parent="u")

    assert may_do((Given(role, scope),), right, unit, town) is expected


@pytest.mark.parametrize(
    ("role", "scope", "caller", "expected"),
    [
        pytest.param(None, "", "1000", True, id="who sits at its phone"),
        pytest.param(None, "", "2000", False, id="another reception"),
        pytest.param(None, "", None, False, id="nobody's phone"),
        pytest.param(Role.OPERATOR, "k", "1001", True, id="an operator of the entity"),
        pytest.param(Role.OPERATOR, "m", None, True, id="of the municipality, from a page"),
        pytest.param(Role.OPERATOR, "u", "1001", False, id="of a department"),
        pytest.param(Role.OPERATOR, "b", "1001", False, id="of another entity"),
        pytest.param(Role.BUDGET_MANAGER, "*", "1001", False, id="a role without the right"),
    ],
)
def test_who_presses_the_key_of_a_reception(
    town: Any, role: Role | None, scope: str, caller: str | None, expected: bool
) -> None:
    given = (Given(role, scope),) if role else ()
    assert may_serve(given, caller, "k", town) is expected
    assert not may_serve(given, caller, "nowhere", town)


def test_every_role_has_its_rights_and_a_circle_ends(town: Any) -> None:
    assert set(RIGHTS) == set(Role)
    town.change_unit("u", parent="s")
    town.change_unit("s", parent="u")
    assert not may_do((Given(Role.OPERATOR, "elsewhere"),), Right.BLOCK, "u", town)


@pytest.mark.parametrize(
    ("role", "scope", "barge_in", "number", "expected"),
    [
        (Role.GROUP_LEADER, "u", True, "1001", True),
        (Role.GROUP_LEADER, "u", False, "1001", False),
        (Role.GROUP_LEADER, "s", True, "1001", False),
        (Role.OPERATOR, "*", True, "1001", True),
        (Role.OPERATOR, "*", True, "1003", False),  # in no group
        (Role.TELEPHONY_CONTACT, "*", True, "1001", False),
    ],
)
def test_who_may_barge_in(town: Any, role: Role, scope: str, barge_in: bool, number: str, expected: bool) -> None:
    town.pick_up_group("g", "1001", "1002", barge_in=barge_in)

    assert may_barge_in((Given(role, scope),), number, town) is expected


def _away(town: Any, *numbers: str) -> None:
    for number in numbers:
        town.away[number] = Absent(
            reason="course", since=datetime(2026, 3, 1, tzinfo=UTC), back_at=None, source=Source.PAGE, set_by="x",
            referral="r",
        )  # fmt: skip


@pytest.mark.parametrize(
    ("away", "day", "told"),
    [
        (("1001", "1002", "1004"), TUESDAY, ["anna"]),
        (("1001", "1002"), TUESDAY, []),
        (("1001", "1002", "1004"), SUNDAY, []),
        (("1003",), TUESDAY, []),
    ],
    ids=["all are away", "one is there", "nobody works", "nobody to tell"],
)
def test_an_empty_department_warns_its_contact(town: Any, away: tuple[str, ...], day: date, told: list[str]) -> None:
    _away(town, *away)

    notes = empty_departments(("1001", "1002", "1003", "1004"), town, day, OFFICE_HOURS)

    assert [note.to for note in notes] == told
    for note in notes:
        assert words("note", note.words, note.fill).sv == f"Bygg är tom hela {day}"
