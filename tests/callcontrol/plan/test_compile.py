# ruff: noqa: E501  a row is a line
"""Which extensions the edge rings by itself, and which it asks about."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from callcontrol.plan.absence import Absent, Source
from callcontrol.plan.compile import table
from callcontrol.plan.model import Condition, Kind
from callcontrol.plan.schedule import Schedule

NOON = datetime(2026, 3, 3, 11, tzinfo=UTC)  # a Tuesday, 12:00 in Sweden
AWAY = Absent(reason="meeting", since=NOON, back_at=None, source=Source.PAGE, set_by="anna", referral="r")

Town = Any  # of conftest.py


def hours(text: str, *, chosen: bool = True) -> Callable[[Town], object]:
    def made(town: Town) -> None:
        town.choose(phone_hours=chosen)
        town.people["anna"] = replace(town.people["anna"], phone_hours=Schedule.parse(text))

    return made


ROWS: list[tuple[str, Callable[[Town], object], str | None]] = [
    ("a plain one", lambda town: None, None),
    ("a group phone", lambda town: town.change("1001", kind=Kind.GROUP), None),
    *((kind, lambda town, kind=kind: town.change("1001", kind=kind), "ask") for kind in Kind if kind not in ("person", "group")),
    ("blocked", lambda town: town.change("1001", blocked=True), "blocked"),
    ("blocked and referred", lambda town: [town.change("1001", blocked=True), town.away.update({"1001": AWAY})], "blocked"),
    ("referred", lambda town: town.away.update({"1001": AWAY}), "ask"),
    ("unstaffed", lambda town: town.change_unit("u", unstaffed=True), "ask"),
    ("forwarded always", lambda town: town.forward("1001", Condition.ALWAYS, "1002"), "ask"),
    ("follow-me", lambda town: town.forward("1001", Condition.FOLLOW_ME, "1002"), "ask"),
    ("do not disturb", lambda town: town.forward("1001", Condition.DO_NOT_DISTURB, None), "ask"),
    ("forwarded on busy", lambda town: town.forward("1001", Condition.BUSY, "1002"), None),
    ("forwarded on no answer", lambda town: town.forward("1001", Condition.NO_ANSWER, "1002"), None),
    ("in a group of pick-up", lambda town: town.pick_up_group("g", "1001", "1002"), "led"),
    ("referred, in a group of pick-up", lambda town: [town.pick_up_group("g", "1001"), town.away.update({"1001": AWAY})], "led"),
    ("blocked, in a group of pick-up", lambda town: [town.pick_up_group("g", "1001"), town.change("1001", blocked=True)], "blocked"),
    ("in phone hours", hours("mån-fre 08:00-16:30"), None),
    ("outside phone hours", hours("mån-fre 08:00-09:00"), "ask"),
    ("outside phone hours, not chosen", hours("mån-fre 08:00-09:00", chosen=False), None),
]  # fmt: skip


@pytest.mark.parametrize(("made", "row"), [row[1:] for row in ROWS], ids=[str(row[0]) for row in ROWS])
def test_what_the_edge_does_by_itself(made: Callable[[Town], object], row: str | None, town: Town) -> None:
    made(town)
    assert table(["1001", "1777"], town, NOON) == ({} if row is None else {"1001": row}, {})


def test_hours_that_begin_are_noticed(town: Town) -> None:
    hours("mån-fre 12:30-16:30")(town)
    assert table(["1001"], town, NOON).rows == {"1001": "ask"}
    assert table(["1001"], town, NOON + timedelta(hours=1)).rows == {}


def test_what_cannot_be_read_is_asked_about_and_holds_back_no_other(town: Town) -> None:
    town.unreadable = {"1001", "1002"}
    town.change("1002", blocked=True)
    town.change("1003", blocked=True)
    made = table(["1001", "1002", "1003"], town, NOON)
    assert made.rows == {"1001": "ask", "1002": "blocked", "1003": "blocked"}
    assert list(made.unreadable) == ["1001", "1002"]
    assert "1001" in made.unreadable["1001"]
