"""What entries of a calendar come to: letters, signs, whole days, what is nobody's business, what says nothing."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callcontrol.plan.agenda import AHEAD, ENTRIES_MAX, INFORMATION_MAX, Entry, Passed, Shown, understand
from callcontrol.plan.catalogue import words
from callcontrol.plan.reasons import SWEDISH
from callcontrol.plan.schedule import STOCKHOLM

NOW = datetime(2026, 11, 23, 7, tzinfo=UTC)  # a Monday, 08:00 in Sweden
TEN, NOON = datetime(2026, 11, 23, 9, tzinfo=UTC), datetime(2026, 11, 23, 11, tzinfo=UTC)


def entry(text: str = "SAM: budget", **fields: Any) -> Entry:
    return Entry(**{"uid": "1", "start": TEN, "end": NOON, "text": text, **fields})


@pytest.mark.parametrize(
    ("said", "reason", "open_"),
    [
        ("SAM: budget", "meeting", False),
        ("SAM:", "meeting", False),
        ("SAM; budget", "meeting", True),
        ("sam:budget", "meeting", False),
        ("  TJÄ : Umeå", "business_trip", False),
        ("TJA\N{COMBINING DIAERESIS}: Umeå", "business_trip", False),
        ("tjä; Umeå", "business_trip", True),
        ("LUN: 12-13", "lunch", False),
        ("SJU:", "sick", False),
    ],
)
def test_letters_and_a_sign_say_why_and_whether_the_phone_is_closed(said: str, reason: str, open_: bool) -> None:
    (one,) = understand([entry(said)], SWEDISH, NOW).meant
    assert (one.reason, one.open, one.start, one.until, one.information) == (reason, open_, TEN, NOON, "")


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"cancelled": True}, Passed.CANCELLED),
        ({"private": True}, Passed.PRIVATE),
        ({"text": "Möte om SAM: budget"}, Passed.NO_LETTERS),
        ({"text": ""}, Passed.NO_LETTERS),
        ({"text": "SAM budget"}, Passed.NO_LETTERS),
        ({"text": "Obs: ta med fika"}, Passed.NO_LETTERS),
        ({"text": "OBS: ta med fika"}, Passed.UNKNOWN_LETTERS),
        ({"text": "Tandläkaren", "private": True}, Passed.NO_LETTERS),
        ({"end": TEN}, Passed.NO_LENGTH),
        ({"end": TEN - timedelta(hours=1)}, Passed.NO_LENGTH),
        ({"start": date(2026, 11, 23), "end": date(2026, 11, 23)}, Passed.NO_LENGTH),
        ({"end": datetime(9999, 12, 31, tzinfo=UTC)}, Passed.UNREADABLE),
        ({"start": datetime(1, 1, 1, tzinfo=ZoneInfo("Asia/Tokyo"))}, Passed.UNREADABLE),
        ({"start": date(1, 1, 1)}, Passed.UNREADABLE),
    ],
)
def test_what_says_nothing_is_counted_by_why(fields: dict[str, Any], why: Passed) -> None:
    found = understand([entry(**fields)], SWEDISH, NOW)
    assert (found.meant, found.passed) == ((), {why: 1})
    assert words("passed", str(why)).sv


def test_letters_that_are_no_reasons_are_told_as_they_were_written() -> None:
    found = understand([entry("OBS: a"), entry("REF; b"), entry("OBS: c")], SWEDISH, NOW)
    assert found.unknown == ("OBS:", "REF;")


@pytest.mark.parametrize(
    ("start", "end", "back"),
    [
        (date(2026, 11, 23), date(2026, 11, 24), datetime(2026, 11, 24, 8, tzinfo=STOCKHOLM)),
        (date(2026, 11, 26), date(2026, 11, 28), datetime(2026, 11, 30, 8, tzinfo=STOCKHOLM)),  # a Thursday and Friday
        (date(2026, 12, 21), date(2026, 12, 25), datetime(2026, 12, 28, 8, tzinfo=STOCKHOLM)),  # Christmas
    ],
)
def test_whole_days_end_when_work_begins_again(start: date, end: date, back: datetime) -> None:
    (one,) = understand([entry("SEM:", start=start, end=end, shown=Shown.FREE)], SWEDISH, NOW).meant
    assert one.start == datetime.combine(start, time(), STOCKHOLM)
    assert one.until == back


def test_a_moment_without_a_zone_is_the_sites() -> None:
    local = datetime(2026, 11, 23, 10)  # noqa: DTZ001  so it stands in a calendar
    (one,) = understand([entry(start=local, end=local + timedelta(hours=2))], SWEDISH, NOW).meant
    assert (one.start, one.until) == (TEN, NOON)


@pytest.mark.parametrize(
    ("shown", "private", "reason"),
    [
        (Shown.BUSY, False, "meeting"),
        (Shown.AWAY, False, "other"),
        (Shown.TENTATIVE, False, None),
        (Shown.FREE, False, None),
        (Shown.BUSY, True, None),
    ],
)
def test_without_letters_only_where_the_municipality_wants_it(shown: Shown, private: bool, reason: str | None) -> None:
    listed = [entry("Upptagen", shown=shown, private=private)]
    assert understand(listed, SWEDISH, NOW).meant == ()
    assert [one.reason for one in understand(listed, SWEDISH, NOW, busy=True).meant] == ([reason] if reason else [])


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("SAM: budget. Om Karin", "budget"),
        ("SAM:", ""),
        ("SAM: a\r\n\tb\x07c", "a b c"),
        ("SAM: " + "x" * 500, "x" * INFORMATION_MAX),
    ],
)
def test_the_text_is_shown_only_where_that_is_wanted_and_as_far_as_a_full_stop(said: str, shown: str) -> None:
    assert understand([entry(said)], SWEDISH, NOW).meant[0].information == ""
    assert understand([entry(said)], SWEDISH, NOW, text=True).meant[0].information == shown


def test_what_is_over_or_far_ahead_is_not_read() -> None:
    far = NOW + AHEAD
    listed = [entry(end=NOW, start=NOW - timedelta(hours=1)), entry(start=far, end=far + timedelta(hours=1))]
    assert understand(listed, SWEDISH, NOW).meant == ()


def test_the_nearest_count_where_there_are_too_many() -> None:
    listed = [entry(uid=str(n), start=TEN + timedelta(minutes=n)) for n in range(119)]
    listed += [entry(uid=f"b{n}", start=TEN - timedelta(minutes=n)) for n in range(300)]
    found = understand(reversed(listed), SWEDISH, NOW)
    assert len(found.meant) == ENTRIES_MAX
    assert found.passed == {Passed.TOO_MANY: 119}
    assert max(one.start for one in found.meant) <= TEN


def test_a_key_is_of_all_that_is_said() -> None:
    first = entry()
    others = [
        entry(uid="2"), entry("TJÄ:"), entry("SAM;"), entry(start=TEN - timedelta(minutes=1)),
        entry(end=NOON + timedelta(minutes=1)),
    ]  # fmt: skip
    keys = {understand([one], SWEDISH, NOW).meant[0].key for one in (first, *others)}
    assert len(keys) == 1 + len(others)
    assert understand([entry("SAM: another text")], SWEDISH, NOW).meant[0].key in keys
    assert len(understand([first, first], SWEDISH, NOW).meant) == 1


_moments = st.datetimes(timezones=st.sampled_from([None, UTC, STOCKHOLM, ZoneInfo("Pacific/Kiritimati")]))


@given(st.text(), st.dates() | _moments, st.dates() | _moments, st.sampled_from(Shown), st.booleans())
def test_whatever_stands_in_a_calendar_comes_to_something_or_is_counted(
    text: str, start: date, end: date, shown: Shown, busy: bool
) -> None:
    found = understand([entry(text, start=start, end=end, shown=shown)], SWEDISH, NOW, busy=busy, text=True)
    for one in found.meant:
        assert one.until > NOW
        assert one.start < one.until
        assert one.start < NOW + AHEAD
        assert len(one.information) <= INFORMATION_MAX
