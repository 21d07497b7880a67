"""Reports of faults, and who is told of disturbances (F4)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from callcontrol.plan.catalogue import catalogue, words
from callcontrol.plan.faultreport import Fault, FaultReport, Source, answered, checked, disturbance
from callcontrol.plan.notices import key_of

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)


@dataclass
class Outage:
    began_at: datetime
    ended_at: datetime | None = None


def report(**fields: Any) -> FaultReport:
    given = {
        "id": "f", "at": NOW, "extension": "1001", "reporter": "1001", "source": Source.PAGE, "what": Fault.SOUND,
        **fields,
    }  # fmt: skip
    return FaultReport(**given)


def minutes(number: float) -> timedelta:
    return timedelta(minutes=number)


@pytest.mark.parametrize(
    ("began", "ended", "told"),
    [
        pytest.param(0.5, None, None, id="too short to be told of"),
        pytest.param(1, None, "outage_began", id="it goes on"),
        pytest.param(3000, None, "outage_began", id="for days"),
        pytest.param(10, 4, None, id="over, perhaps"),
        pytest.param(10, 5, "outage_ended", id="over"),
        pytest.param(5.5, 5, None, id="it was short"),
        pytest.param(600, 361, None, id="over long since"),
    ],
)
def test_what_is_told_of_a_disturbance(began: float, ended: float | None, told: str | None) -> None:
    outage = Outage(NOW - minutes(began), NOW - minutes(ended) if ended is not None else None)
    notes = disturbance(outage, ["anna", "bo"], NOW)
    assert [(note.to, note.words) for note in notes] == ([("anna", told), ("bo", told)] if told else [])
    for note in notes:
        assert "{" not in words("note", note.words, note.fill).sv


def test_each_disturbance_is_news_and_one_is_told_once() -> None:
    first, again, other = (
        disturbance(Outage(NOW - minutes(began)), ["anna"], now)[0]
        for began, now in ((30, NOW), (30, NOW + minutes(9)), (20, NOW))
    )
    assert key_of(first) == key_of(again) != key_of(other)
    assert disturbance(None, ["anna"], NOW) == ()


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"text": "x" * 1001}, "text: more"),
        ({"what": Fault.OTHER}, "text: empty"),
        ({"what": Fault.OTHER, "text": "\x1b\n "}, "text: empty"),
        ({"extension": "anna"}, "extension"),
        ({"extension": "1" * 5 + "\u0663"}, "extension"),
    ],
)
def test_what_is_no_report(fields: dict[str, Any], named: str) -> None:
    with pytest.raises(ValueError, match=named):
        checked(report(**fields))


def test_a_code_needs_no_words_and_others_are_one_line() -> None:
    assert checked(report(what=Fault.OTHER, source=Source.CODE)).text == ""
    assert checked(report(text="  inget\nljud\x1b[31m ")).text == "inget ljud [31m"


def test_the_answer_is_told() -> None:
    note = answered(report(answer="Ny sladd"), "anna")
    assert words("note", note.words, note.fill).sv == "Svar på din felanmälan 2026-11-23 13.00: Ny sladd"
    assert {str(what) for what in Fault} == catalogue()["fault"].keys()
