"""One way from what was said to a referral or a question."""

from __future__ import annotations

from datetime import date, datetime, time

import pytest

from callcontrol.plan.absence import Referral, Source
from callcontrol.plan.reasons import MX_ONE, SWEDISH, DoubtKind, Reason, Return, ReturnKind
from callcontrol.plan.refer import OPEN_END, Given, Question, Returning, referral, returning
from callcontrol.plan.schedule import STOCKHOLM

TUESDAY = datetime(2026, 3, 3, 9, tzinfo=STOCKHOLM)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=STOCKHOLM)


def reason(key: str) -> Reason:
    found = MX_ONE.by_key(key) or SWEDISH.by_key(key)
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("key", "given", "until"),
    [
        ("meeting", "1430", "2026-03-03T14:30"),
        ("meeting", time(14, 30), "2026-03-03T14:30"),
        ("course", "0830", "2026-03-04T08:30"),  # past: the next working day
        ("meeting", None, "2026-03-04T08:00"),
        ("back_at", None, "2026-03-03T09:30"),
        ("vacation", "0309", "2026-03-09T08:00"),
        ("vacation", date(2026, 3, 9), "2026-03-09T08:00"),
        ("meeting", at("2026-03-03T11:00"), "2026-03-03T11:00"),
        ("sick", None, None),
        ("sick", OPEN_END, None),
    ],
)
def test_when_somebody_is_back(key: str, given: Given, until: str | None) -> None:
    assert returning(reason(key), given, TUESDAY, TUESDAY) == Returning(at(until) if until else None)


@pytest.mark.parametrize(
    ("key", "given", "kind"),
    [
        ("vacation", "0308", DoubtKind.NOT_WORKED),  # a Sunday
        ("meeting", "1930", DoubtKind.AFTER_HOURS),
        ("lunch", "1645", DoubtKind.TOO_LONG),
        ("meeting", OPEN_END, DoubtKind.NO_END),
        ("meeting", at("2026-03-03T08:00"), DoubtKind.BEFORE_START),
    ],
)
def test_what_is_odd_is_asked_about_once(key: str, given: Given, kind: DoubtKind) -> None:
    asked = returning(reason(key), given, TUESDAY, TUESDAY)
    assert isinstance(asked, Question)
    assert asked.doubt.kind is kind
    assert returning(reason(key), given, TUESDAY, TUESDAY, sure=True) == Returning(asked.until)


def test_a_reason_that_asks_is_asked_about() -> None:
    asking = Reason(key="x", sv="X", en="X", returns=Return(ReturnKind.ASKED))
    asked = returning(asking, None, TUESDAY, TUESDAY)
    assert isinstance(asked, Question)
    assert asked.doubt.kind is DoubtKind.NOT_GIVEN


@pytest.mark.parametrize("digits", ["", "1", "123", "12345", "2460", "a123", "²³⁴⁵"])
def test_what_is_no_time_is_refused(digits: str) -> None:
    with pytest.raises(ValueError, match=r"four digits|must be in"):
        returning(reason("meeting"), digits, TUESDAY, TUESDAY)


def test_the_referral_says_who_set_it_and_how() -> None:
    made = referral("i", "1001", reason("meeting"), "1430", TUESDAY, source=Source.CODE, set_by="1001")
    assert isinstance(made, Referral)
    assert (made.id, made.extension, made.reason, made.start) == ("i", "1001", "meeting", TUESDAY)
    assert (made.until, made.source, made.set_by, made.set_at) == (
        at("2026-03-03T14:30"), Source.CODE, "1001", TUESDAY
    )  # fmt: skip
    day = referral("i", "1001", reason("vacation"), "0903", TUESDAY, source=Source.CODE, set_by="1001", day_first=True)
    assert isinstance(day, Referral)
    assert day.until == at("2026-03-09T08:00")
