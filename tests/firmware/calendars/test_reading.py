"""Calendars as programs write them, and as nobody should."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from callcontrol.plan.agenda import Entry, Passed, Shown, understand
from callcontrol.plan.reasons import SWEDISH
from callcontrol.plan.schedule import STOCKHOLM
from firmware.calendars.answer import BODY_MAX, from_answer, to_answer
from firmware.calendars.child import NotRead, read_apart
from firmware.calendars.reading import EVENTS_MAX, OCCURRENCES_MAX, BrokenCalendar, NotCalendar, read

VECTORS = Path(__file__).parents[2] / "vectors" / "calendars"
NOW = datetime(2026, 11, 23, 6, 30, tzinfo=UTC)  # a Monday, 07:30 in Sweden


def calendar(*lines: str) -> bytes:
    return "\r\n".join(("BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:x", *lines, "END:VCALENDAR", "")).encode()


def event(
    *lines: str, uid: str = "1", start: str = "20261124T090000Z", end: str = "20261124T100000Z"
) -> tuple[str, ...]:
    return ("BEGIN:VEVENT", f"UID:{uid}", "SUMMARY:SAM: x", f"DTSTART:{start}", f"DTEND:{end}", *lines, "END:VEVENT")


def said(body: bytes, *, busy: bool = False) -> list[tuple[str, bool, str, str]]:
    """Reason, open, from, until, in Swedish time."""
    entries, _ = read(body, NOW)
    meant = understand(entries, SWEDISH, NOW, busy=busy).meant
    return [
        (
            one.reason,
            one.open,
            f"{one.start.astimezone(STOCKHOLM):%m-%d %H:%M}",
            f"{one.until.astimezone(STOCKHOLM):%m-%d %H:%M}",
        )
        for one in meant
    ]


def test_outlook() -> None:
    assert said((VECTORS / "outlook.ics").read_bytes()) == [
        ("meeting", False, "11-23 09:00", "11-23 10:30"),
        ("business_trip", False, "11-24 09:00", "11-25 15:00"),
        ("working_from_home", True, "11-27 00:00", "11-30 08:00"),
        ("meeting", False, "11-30 13:00", "11-30 14:30"),
        ("at_customer", False, "12-03 08:00", "12-03 12:00"),
        ("meeting", False, "12-14 09:00", "12-14 10:30"),
        ("vacation", False, "12-21 00:00", "12-28 08:00"),
        ("meeting", False, "12-21 09:00", "12-21 10:30"),
    ]
    entries, passed = read((VECTORS / "outlook.ics").read_bytes(), NOW)
    assert passed == {}
    assert understand(entries, SWEDISH, NOW).passed == {
        Passed.CANCELLED: 1, Passed.PRIVATE: 1, Passed.NO_LETTERS: 1
    }  # fmt: skip


def test_outlook_that_shows_only_when_somebody_is_busy() -> None:
    body = (VECTORS / "outlook_busy.ics").read_bytes()
    assert said(body) == []
    assert said(body, busy=True) == [
        ("meeting", False, "11-24 09:00", "11-24 10:00"),
        ("other", False, "11-25 09:00", "11-25 12:00"),
    ]


def test_free_and_busy() -> None:
    body = (VECTORS / "freebusy.ics").read_bytes()
    assert said(body) == []
    assert said(body, busy=True) == [
        ("meeting", False, "11-24 09:00", "11-24 10:00"),
        ("meeting", False, "11-24 13:00", "11-24 14:00"),
        ("other", False, "11-25 09:00", "11-25 17:00"),
    ]


def test_zones() -> None:
    assert said((VECTORS / "zones.ics").read_bytes())[:6] == [
        ("meeting", False, "11-23 09:00", "11-23 10:00"),
        ("meeting", False, "11-24 10:00", "11-24 11:00"),
        ("meeting", False, "11-24 11:00", "11-24 12:30"),
        ("meeting", False, "11-25 09:00", "11-25 10:00"),
        ("vacation", False, "11-26 00:00", "11-27 08:00"),
        ("meeting", False, "11-30 09:00", "11-30 10:00"),
    ]


@pytest.mark.parametrize(
    ("lines", "why"),
    [
        (event("RRULE:FREQ=SECONDLY"), Passed.TOO_OFTEN),
        (event("RRULE:FREQ=MINUTELY;INTERVAL=1"), Passed.TOO_OFTEN),
        (event("RRULE:FREQ=HOURLY"), Passed.TOO_OFTEN),
        (event("RRULE:FREQ=DAILY;BYMINUTE=0,1,2,3"), Passed.TOO_OFTEN),
        (event("RRULE:FREQ=YEARLY;BYSECOND=1,2;BYHOUR=3"), Passed.TOO_OFTEN),
        (event("RRULE:FREQ=WHENEVER"), Passed.UNREADABLE),
        (event(start="soon"), Passed.UNREADABLE),
    ],
)
def test_one_that_cannot_be_counted_or_read_takes_no_other_along(lines: tuple[str, ...], why: Passed) -> None:
    entries, passed = read(calendar(*lines, *event(uid="2")), NOW)
    assert [entry.uid for entry in entries] == ["2"]
    assert passed[why] in (0, 1)
    assert why is Passed.UNREADABLE or passed == {why: 1}


@pytest.mark.parametrize(
    "body",
    [b"", b"<!DOCTYPE html><html>Sign in", b"BEGIN:VCARD\r\nEND:VCARD", b"x" * 10, b"BEGIN:VCALENDAR", b"\0" * 100,
     b" " * BODY_MAX + b"x", calendar(*["X:y"] * 3) + b"x" * BODY_MAX],
)  # fmt: skip
def test_what_is_no_calendar(body: bytes) -> None:
    try:
        entries, _ = read(body, NOW)
    except (NotCalendar, BrokenCalendar):
        return
    assert entries == []


def test_a_mark_of_byte_order_and_lone_line_feeds() -> None:
    body = b"\xef\xbb\xbf" + calendar(*event()).replace(b"\r\n", b"\n")
    assert len(read(body, NOW)[0]) == 1


def test_no_more_than_can_be_used() -> None:
    lines = [line for number in range(OCCURRENCES_MAX + 5) for line in event(uid=str(number))]
    entries, passed = read(calendar(*lines), NOW)
    assert (len(entries), passed) == (OCCURRENCES_MAX, {Passed.TOO_MANY: 1})
    assert EVENTS_MAX > OCCURRENCES_MAX


def test_an_answer_says_all_that_was_read() -> None:
    entries, passed = read((VECTORS / "outlook.ics").read_bytes(), NOW)
    passed[Passed.TOO_OFTEN] = 3
    assert from_answer(to_answer(entries, passed).encode()) == (entries, passed)
    one = Entry(uid="1", start=date(2026, 1, 1), end=date(2026, 1, 2), shown=Shown.AWAY, private=True, cancelled=True)
    assert from_answer(to_answer([one], passed).encode())[0] == [one]


_WORDS = st.sampled_from(
    ["BEGIN:VEVENT", "END:VEVENT", "BEGIN:VCALENDAR", "END:VCALENDAR", "BEGIN:VTIMEZONE", "END:VTIMEZONE", "UID:1",
     "DTSTART:20261124T090000Z", "DTSTART;VALUE=DATE:20261124", "DTEND:20261124", "DURATION:-P1D", "DURATION:P999999D",
     "RRULE:FREQ=DAILY", "RRULE:FREQ=DAILY;COUNT=99999999", "RRULE:FREQ=YEARLY;UNTIL=99991231",
     "RDATE:20261125T090000Z",
     "EXDATE:20261125", "RECURRENCE-ID:20261124T090000Z", "RECURRENCE-ID;RANGE=THISANDFUTURE:20261124T090000Z",
     "SUMMARY:SAM: x", "DTSTART;TZID=Nowhere:20261124T090000", "TZID:Nowhere", "BEGIN:STANDARD", "END:STANDARD",
     "DTSTART:00010101T000000", "DTSTART:99991231T235959Z", "TZOFFSETFROM:+9999", "TZOFFSETTO:x", " folded", ":", "X"],
)  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(st.lists(_WORDS | st.text(max_size=30), max_size=30))
def test_whatever_stands_in_it_comes_to_entries_or_is_no_calendar(lines: list[str]) -> None:
    try:
        entries, _ = read("\r\n".join(("BEGIN:VCALENDAR", *lines, "END:VCALENDAR")).encode("utf-8", "replace"), NOW)
    except (NotCalendar, BrokenCalendar):
        return
    understand(entries, SWEDISH, NOW, busy=True, text=True)


async def test_a_child_reads_as_well() -> None:
    body = (VECTORS / "outlook.ics").read_bytes()
    assert await read_apart(body, NOW) == read(body, NOW)


@pytest.mark.parametrize(
    ("body", "fault"),
    [
        (b"<html>", "not_calendar"),
        (calendar("X-A:" + "b" * (BODY_MAX - 100)), None),
        (calendar(*event("RRULE:FREQ=DAILY;BYDAY=MO", start="00010101T000000")), None),
    ],
)
async def test_a_child_says_why_not(body: bytes, fault: str | None) -> None:
    if fault is None:
        assert await read_apart(body, NOW)
        return
    with pytest.raises(NotRead) as refused:
        await read_apart(body, NOW)
    assert refused.value.fault == fault


async def test_a_child_that_takes_too_long_is_ended() -> None:
    lines = [
        line
        for number in range(4_000)
        for line in event("RRULE:FREQ=DAILY", uid=str(number), start="10000101T000000Z", end="10000101T010000Z")
    ]
    began = datetime.now(UTC)
    with pytest.raises(NotRead, match="too_heavy"):
        await read_apart(calendar(*lines), NOW, wall_s=1.5)
    assert datetime.now(UTC) - began < timedelta(seconds=30)
