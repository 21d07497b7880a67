"""Reasons, when one comes back from each, and the returns that are questioned."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callcontrol.plan.reasons import (
    MX_ONE,
    OFFICE_HOURS,
    SWEDISH,
    DoubtKind,
    Needs,
    Reason,
    ReasonTable,
    ReturnKind,
    default_until,
    given_of,
    question,
)
from callcontrol.plan.schedule import STOCKHOLM, Schedule

D = DoubtKind
LUNCH_CLOSED = Schedule.parse("mån-tor 08:00-12:00, 13:00-16:30; fre 08:00-12:00; kortdag 08:00-12:00")


def at(text: str) -> datetime:
    return datetime.fromisoformat(text if text.count("-") == 2 else f"2026-11-{text}").replace(tzinfo=STOCKHOLM)


def shown(moment: datetime | None) -> str | None:
    return f"{moment:%Y-%m-%d %H:%M}" if moment else None


def named(table: ReasonTable, key: str) -> Reason:
    reason = table.by_key(key)
    assert reason is not None
    return reason


# 2026-11-23 is a Monday.
@pytest.mark.parametrize(
    ("table", "key", "start", "given_", "until"),
    [
        # MX-ONE without a time: 0 is thirty minutes, 1 to 8 are 08:00 the next working day, 9 until cancelled
        (MX_ONE, "back_at", "23 10:10", None, "2026-11-23 10:40"),
        (MX_ONE, "meeting", "23 10:10", None, "2026-11-24 08:00"),
        (MX_ONE, "vacation", "27 15:00", None, "2026-11-30 08:00"),
        (MX_ONE, "not_available", "2026-12-23 15:00", None, "2026-12-28 08:00"),
        (MX_ONE, "course", "2026-05-13 15:00", None, "2026-05-15 08:00"),
        (MX_ONE, "sick", "23 07:00", None, None),
        # HHMM is that time today, or the next working day's
        (MX_ONE, "meeting", "23 10:10", time(14, 30), "2026-11-23 14:30"),
        (MX_ONE, "meeting", "23 16:10", time(9, 0), "2026-11-24 09:00"),
        (MX_ONE, "meeting", "27 16:10", time(9, 0), "2026-11-30 09:00"),
        (MX_ONE, "meeting", "23 10:10", time(10, 10), "2026-11-24 10:10"),
        # MMDD is that day, from when work begins
        (MX_ONE, "vacation", "23 10:10", date(2026, 12, 7), "2026-12-07 08:00"),
        (MX_ONE, "sick", "23 10:10", date(2026, 12, 7), "2026-12-07 08:00"),
        (MX_ONE, "vacation", "23 10:10", date(2026, 12, 24), "2026-12-24 08:00"),
        # the end of lunch, or an hour where that is past
        (SWEDISH, "lunch", "23 11:45", None, "2026-11-23 13:00"),
        (SWEDISH, "lunch", "23 12:59", None, "2026-11-23 13:00"),
        (SWEDISH, "lunch", "23 13:00", None, "2026-11-23 14:00"),
        (SWEDISH, "meeting", "23 13:00", None, "2026-11-23 14:00"),
        # what a peer's system got wrong: "gone for the day" before Ascension Day opened on the holiday
        (SWEDISH, "gone_for_the_day", "2026-05-13 15:00", None, "2026-05-15 08:00"),
        # thirty minutes are thirty minutes, though clocks go back meanwhile
        (MX_ONE, "back_at", "2026-10-25 02:45", None, "2026-10-25 02:15"),
    ],
)
def test_when_one_is_back(table: ReasonTable, key: str, start: str, given_: time | date | None, until: str) -> None:
    assert shown(default_until(named(table, key), at(start), OFFICE_HOURS, given_)) == until


def test_half_past_two_comes_twice() -> None:
    """Who leaves between the two comes back at the second."""
    until = default_until(named(MX_ONE, "meeting"), at("2026-10-25 02:45"), OFFICE_HOURS, time(2, 30))
    assert f"{until:%d %H:%M%z}" == "25 02:30+0100"


def test_a_site_of_its_own_hours() -> None:
    early = Schedule.parse("mån-fre 07:00-16:00; 2026-11-24 stängt; 2026-11-30 10:00-16:00")
    assert shown(default_until(named(MX_ONE, "meeting"), at("23 10:00"), early)) == "2026-11-25 08:00"
    assert shown(default_until(named(MX_ONE, "vacation"), at("23 10:00"), early, date(2026, 11, 30))) == (
        "2026-11-30 10:00"
    )


def test_hours_that_never_open_fall_back_on_working_days() -> None:
    never = Schedule.parse("mån-sön stängt")
    assert shown(default_until(named(MX_ONE, "meeting"), at("27 10:00"), never)) == "2026-11-30 08:00"


def test_a_moment_is_neither_time_nor_date() -> None:
    with pytest.raises(TypeError):
        default_until(named(MX_ONE, "meeting"), at("23 10:00"), OFFICE_HOURS, at("23 12:00"))


@pytest.mark.parametrize(
    ("digits", "key", "day_first", "expected"),
    [
        ("1430", "meeting", False, time(14, 30)),
        ("0000", "back_at", False, time(0, 0)),
        ("1207", "vacation", False, date(2026, 12, 7)),
        ("0712", "vacation", True, date(2026, 12, 7)),
        ("1123", "vacation", False, date(2026, 11, 23)),
        ("1122", "vacation", False, date(2027, 11, 22)),
        ("0229", "vacation", False, date(2028, 2, 29)),
        ("1430", "sick", False, time(14, 30)),
    ],
)
def test_the_digits_of_a_code(digits: str, key: str, day_first: bool, expected: time | date) -> None:
    assert given_of(digits, named(MX_ONE, key), at("23 10:00"), day_first=day_first) == expected


@pytest.mark.parametrize(
    ("digits", "key"),
    [("2460", "meeting"), ("2400", "meeting"), ("0230", "vacation"), ("1332", "vacation"), ("123", "meeting"),
     ("12345", "meeting"), ("", "meeting"), ("12a0", "meeting"), ("١٢٣٠", "meeting")],
)  # fmt: skip
def test_digits_that_are_no_time_and_no_date(digits: str, key: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        given_of(digits, named(MX_ONE, key), at("23 10:00"))


@pytest.mark.parametrize(
    ("table", "key", "start", "until", "now", "kind", "instead"),
    [
        (MX_ONE, "meeting", "23 10:00", "23 12:00", "23 10:00", None, None),
        (MX_ONE, "meeting", "23 10:00", "23 10:00", "23 10:00", D.BEFORE_START, "2026-11-24 08:00"),
        (MX_ONE, "meeting", "23 10:00", "23 09:00", "23 10:00", D.BEFORE_START, "2026-11-24 08:00"),
        (MX_ONE, "meeting", "20 10:00", "20 12:00", "23 10:00", D.PAST, None),
        (MX_ONE, "meeting", "23 08:00", "23 09:00", "23 10:00", D.PAST, "2026-11-24 08:00"),
        # "available after 17 tomorrow"
        (MX_ONE, "back_at", "23 10:00", "24 17:00", "23 10:00", D.AFTER_HOURS, "2026-11-25 08:00"),
        (MX_ONE, "back_at", "26 16:00", "27 18:00", "26 16:00", D.AFTER_HOURS, "2026-11-30 08:00"),
        (MX_ONE, "meeting", "23 15:00", "23 16:59", "23 15:00", None, None),
        # on a day on which nobody works
        (MX_ONE, "vacation", "23 10:00", "2026-12-24 08:00", "23 10:00", D.NOT_WORKED, "2026-12-28 08:00"),
        (MX_ONE, "back_on", "23 10:00", "28 08:00", "23 10:00", D.NOT_WORKED, "2026-11-30 08:00"),
        (MX_ONE, "vacation", "23 10:00", "2026-12-28 08:00", "23 10:00", None, None),
        # "in a meeting until 16.30 tomorrow"
        (MX_ONE, "meeting", "23 10:00", "24 16:30", "23 10:00", D.TOO_LONG, "2026-11-24 08:00"),
        (MX_ONE, "meeting", "23 10:00", "24 08:00", "23 10:00", None, None),
        (MX_ONE, "vacation", "23 10:00", "2026-12-07 08:00", "23 10:00", None, None),
        (SWEDISH, "lunch", "23 11:30", "23 14:00", "23 11:30", D.TOO_LONG, "2026-11-23 13:00"),
        # lunch, and it is four o'clock
        (SWEDISH, "lunch", "23 11:30", "23 16:30", "23 16:00", D.STALE, None),
        (SWEDISH, "lunch", "23 11:30", None, "23 16:00", D.STALE, None),
        (SWEDISH, "lunch", "23 11:30", None, "23 11:30", D.NO_END, "2026-11-23 13:00"),
        (SWEDISH, "vacation", "23 11:30", None, "23 11:30", D.NO_END, "2026-11-24 08:00"),
        (MX_ONE, "course", "23 11:30", None, "24 09:00", D.STALE, None),
        # until they say so
        (SWEDISH, "sick", "23 07:00", None, "30 07:00", None, None),
        # the default is never in doubt
        (SWEDISH, "lunch", "23 16:30", "23 17:30", "23 16:30", None, None),
    ],
)
def test_question(
    table: ReasonTable, key: str, start: str, until: str | None, now: str, kind: DoubtKind | None, instead: str | None
) -> None:
    doubt = question(named(table, key), at(start), at(until) if until else None, at(now))
    assert (doubt.kind if doubt else None) == kind
    assert shown(doubt.instead if doubt else None) == instead


def test_question_by_the_sites_hours() -> None:
    meeting = named(SWEDISH, "meeting")
    doubt = question(meeting, at("27 09:00"), at("27 13:00"), at("27 09:00"), LUNCH_CLOSED)
    assert doubt is not None
    assert (doubt.kind, shown(doubt.instead)) == (D.AFTER_HOURS, "2026-11-30 08:00")
    assert question(meeting, at("26 09:00"), at("26 12:30"), at("26 09:00"), LUNCH_CLOSED) is None


def test_the_public_word_for_what_is_not_to_be_said() -> None:
    sick = named(SWEDISH, "sick")
    assert [sick.word(public=public, english=en) for public in (False, True) for en in (False, True)] == [
        "Sjuk",
        "Sick",
        "Frånvarande",
        "Away",
    ]
    assert named(SWEDISH, "meeting").word(public=True) == "Möte"
    for hidden in ("sick", "care_of_child", "parental_leave", "leave", "part_time", "time_off"):
        reason = named(SWEDISH, hidden)
        assert reason.word(public=True) in ("Frånvarande", "Ledig")


def test_the_ready_tables() -> None:
    assert "".join(reason.digit for reason in MX_ONE) == "0123456789"
    assert [reason.sv for reason in SWEDISH if reason.key != "lunch"] == [
        "Arbetar hemma", "Arbetar hos kund", "Deltidsledig", "Föräldraledig", "Gått för dagen", "Kompledig",
        "Kundbesök", "Möte", "Semester", "Sjuk", "Tjänsteresa", "Tjänstledig", "Vård av barn", "Övrigt",
    ]  # fmt: skip
    for table in (MX_ONE, SWEDISH):
        assert [table.by_letters(letters) for letters in ("sam", "TJÄ")] == [
            table.by_key("meeting"),
            table.by_key("business_trip"),
        ]
    assert MX_ONE.by_digit("9") is MX_ONE.by_key("sick")
    assert (MX_ONE.by_digit(""), SWEDISH.by_digit("1"), MX_ONE.by_letters(""), MX_ONE.by_key("x")) == (None,) * 4


def test_a_table_in_which_two_are_alike() -> None:
    meeting, sick = named(MX_ONE, "meeting"), named(MX_ONE, "sick")
    for other, part in (
        (replace(sick, digit="1"), "digit"),
        (replace(sick, letters="sam"), "letters"),
        (replace(sick, key="meeting"), "key"),
    ):
        with pytest.raises(ValueError, match=f"{part}: "):
            ReasonTable((meeting, other))


REASONS = st.sampled_from([*MX_ONE, *SWEDISH])
MOMENTS = st.datetimes(datetime(2026, 1, 1), datetime(2030, 1, 1)).map(lambda m: m.replace(tzinfo=UTC))  # noqa: DTZ001


@given(REASONS, MOMENTS, st.none() | st.times() | st.dates(date(2026, 1, 1), date(2031, 1, 1)))
def test_a_return_lies_ahead_and_the_default_is_never_doubted(
    reason: Reason, start: datetime, given_: time | date | None
) -> None:
    until = default_until(reason, start, OFFICE_HOURS, given_)
    if until is None:
        assert given_ is None
        assert reason.returns.kind is ReturnKind.CANCELLED
    elif not isinstance(given_, date):
        assert until.astimezone(UTC) > start
    if given_ is None:
        assert question(reason, start, until, start) is None


@given(REASONS, MOMENTS, st.none() | st.timedeltas(timedelta(days=-3), timedelta(days=30)), st.integers(-100, 100))
def test_what_is_offered_instead_is_not_doubted(
    reason: Reason, start: datetime, lasts: timedelta | None, hours: int
) -> None:
    now = start + timedelta(hours=max(0, hours))
    doubt = question(reason, start, None if lasts is None else start + lasts, now)
    if doubt is not None and doubt.instead is not None:
        again = question(reason, start, doubt.instead, now)
        assert again is None or again.kind in (D.STALE, D.TOO_LONG)


@given(st.text(max_size=6) | st.from_regex(r"[0-9]{4}", fullmatch=True), REASONS, MOMENTS, st.booleans())
def test_any_digits_are_read_or_refused(digits: str, reason: Reason, start: datetime, day_first: bool) -> None:
    try:
        read = given_of(digits, reason, start, day_first=day_first)
    except ValueError:
        return
    assert isinstance(read, date) == (reason.needs is Needs.DATE)
    if isinstance(read, date):
        assert read >= start.astimezone(STOCKHOLM).date()
