"""What an itemised extract names, and what it does not."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from callcontrol.plan.extract import Extract, Line, Order, extract, may_order
from callcontrol.plan.model import Extension, Kind, Person, Unit
from callcontrol.plan.number import LocalNumbering
from callcontrol.plan.reach import DEFAULT_CLASS, Category
from callcontrol.plan.rights import Given, Role
from callcontrol.records import Outcome, Record, Way

SINCE = datetime(2026, 11, 1, tzinfo=UTC)
UNTIL = SINCE + timedelta(days=30)


class Known:
    """The directory, as far as it is asked."""

    numbering = LocalNumbering()

    def __init__(self, *, secret: bool = False) -> None:
        self._unit = Unit(id="bygg", name="Bygg", entity="kommun", cost_centre="4711", secret=secret)

    def extension(self, number: str) -> Extension | None:
        return Extension(number=number, kind=Kind.PERSON, unit="bygg", person="anna", reach=DEFAULT_CLASS)

    def person(self, person: str) -> Person | None:
        return Person(id=person, given="Anna", family="Öberg", unit="bygg")

    def unit(self, unit: str) -> Unit | None:
        return self._unit if unit == "bygg" else None

    def entity(self, entity: str) -> None:
        return None


def order(**fields: Any) -> Order:
    given = {"id": "o", "extension": "1001", "since": SINCE, "until": UNTIL, "asked_by": "Eva", "why": "kostnad"}
    return Order(**{**given, "made_by": "x", **fields})


def called(callee: str, *, way: Way = Way.MODEM, seconds: int | None = 61, **fields: Any) -> Record:
    at = SINCE + timedelta(days=1)
    record = Record(
        call_id=callee, from_tag="f", to_tag="t", caller="1001", callee=callee, began_at=at, answered_at=at,
        ended_at=None if seconds is None else at + timedelta(seconds=seconds), way=way, outcome=Outcome.ANSWERED,
        sip_code=200, emergency=False, time_certain=True,
    )  # fmt: skip
    return replace(record, **fields)


def made(*records: Record, secret: bool = False, **fields: Any) -> Extract:
    return extract(order(**fields), records, Known(secret=secret))  # type: ignore[arg-type]


def test_a_call_outside_is_named_without_its_last_figures() -> None:
    (line,) = made(called("00701234567")).lines
    assert (line.number, line.category, line.seconds, line.ore) == ("070-123 4 xxx", Category.MOBILE, 61, 100)


@pytest.mark.parametrize(("whole", "secret", "shown"), [
    (True, False, "070-123 45 67"), (True, True, "070-123 4 xxx"), (False, False, "070-123 4 xxx"),
])  # fmt: skip
def test_whole_numbers_only_where_asked_for_and_never_of_secret_matters(whole: bool, secret: bool, shown: str) -> None:
    found = made(called("00701234567"), whole=whole, secret=secret)
    assert found.lines[0].number == shown
    assert found.whole is (shown[-1] != "x")


@pytest.mark.parametrize("callee", ["112", "1177", "0020901020", "1002", "116111"])
def test_free_calls_are_counted_and_not_named(callee: str) -> None:
    found = made(called(callee, emergency=callee == "112", way=Way.LOCAL if callee == "1002" else Way.MODEM))
    assert (found.lines, found.free) == ((), 1)


@pytest.mark.parametrize(
    "fields",
    [{"caller": "1002"}, {"began_at": SINCE - timedelta(seconds=1)}, {"began_at": UNTIL}, {"caller": "+46701234567"}],
)
def test_calls_of_others_that_came_and_of_another_time_are_not_in_it(fields: dict[str, Any]) -> None:
    found = made(called("00701234567", **fields))
    assert (found.lines, found.free) == ((), 0)


@pytest.mark.parametrize("category", Category)
def test_every_category_has_words(category: Category) -> None:
    assert Line(SINCE, "1", category, Way.MODEM, 0, 0).kind


def test_a_call_whose_end_was_not_seen_and_one_that_nobody_answered() -> None:
    lost = called("00701234567", seconds=None)
    rang = called("00701234567", answered_at=None, outcome=Outcome.NO_ANSWER)
    assert [line.seconds for line in made(lost, rang).lines] == [None, 0]


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"until": SINCE}, "since"),
        ({"why": " "}, "why"),
        ({"asked_by": "a\n"}, "asked_by"),
        ({"why": "x" * 201}, "why"),
    ],
)
def test_what_is_no_order_is_refused_by_name(fields: dict[str, Any], named: str) -> None:
    with pytest.raises(ValueError, match=f"^{named}:"):
        order(**fields)


@pytest.mark.parametrize(
    ("role", "scope", "may"),
    [(Role.BUDGET_MANAGER, "bygg", True), (Role.BUDGET_MANAGER, "skola", False), (Role.OPERATOR, "*", False)],
)
def test_who_may_have_one(role: Role, scope: str, may: bool) -> None:
    known: Any = Known()
    extension = known.extension("1001")
    assert may_order([Given(role, scope)], extension, known) is may
