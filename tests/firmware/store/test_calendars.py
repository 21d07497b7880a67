"""A subscription, and what a reading changes: the new is referred, what is gone is ended, nothing else is touched."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from callcontrol.plan.absence import Opening, Referral, Source, state_at, timeline
from callcontrol.plan.agenda import Agenda, Meant, Passed
from firmware.store.calendars import URL_MAX, CalendarRows, Due, checked_url
from firmware.store.changes import Changes, new_id
from firmware.store.database import from_text

NOW = datetime(2026, 3, 3, 8, tzinfo=UTC)
HOUR = timedelta(hours=1)
SECRET = "https://kalender.norrby.example/owa/calendar/4f2c@norrby.example/secret7/calendar.ics"


@pytest.fixture
def rows(tmp_path: Path) -> Iterator[CalendarRows]:
    with closing(CalendarRows.open(tmp_path / "journal.db")) as opened:
        yield opened


def meant(name: str, start: datetime = NOW, until: datetime = NOW + HOUR, reason: str = "meeting") -> Meant:
    return Meant(key=name, start=start, until=until, reason=reason, open=False)


def subscribed(rows: CalendarRows, extension: str = "1001", url: str = SECRET) -> Due:
    rows.subscribe(extension, url, "anna", NOW)
    return next(due for due in rows.waiting() if due.extension == extension)


def read(rows: CalendarRows, due: Due, *listed: Meant, now: datetime = NOW) -> bool:
    return rows.read(due, Agenda(listed), now, now + HOUR, etag='"1"', modified="", digest="d")


def kept(rows: CalendarRows, extension: str = "1001") -> tuple[list[Referral], list[Opening]]:
    referrals = [
        Referral(
            id=name, extension=extension, reason=reason, start=from_text(start),
            until=from_text(until) if until else None,
            open=bool(open_), source=Source(source), set_by=set_by, set_at=from_text(set_at),
        )
        for name, reason, start, until, open_, source, set_by, set_at in rows._db.execute(
            "SELECT id, reason, start, until, open, source, set_by, set_at FROM referral WHERE extension = ?",
            (extension,),
        )
    ]  # fmt: skip
    openings = [
        Opening(id=name, extension=extension, at=from_text(at), seen=frozenset(json.loads(seen)), set_by=set_by)
        for name, at, seen, set_by in rows._db.execute("SELECT id, at, seen, set_by FROM opening")
    ]
    return referrals, openings


def away(rows: CalendarRows, at: datetime) -> str | None:
    found = state_at(timeline(*kept(rows), at), at)
    return found.reason if found else None


@pytest.mark.parametrize(
    ("url", "kept"),
    [
        (" webcal://a.example/x.ics ", "https://a.example/x.ics"),
        ("WEBCAL://a.example/x", "https://a.example/x"),
        ("https://u:p@a.example:8443/x?y=1#z", "https://u:p@a.example:8443/x?y=1"),
        ("http://10.0.0.1/x", "http://10.0.0.1/x"),
    ],
)
def test_an_address_is_kept_as_it_will_be_asked(url: str, kept: str) -> None:
    assert checked_url(url) == kept


@pytest.mark.parametrize(
    "url",
    ["", " ", "a.example/x", "file:///etc/passwd", "https://", "https:///x", "https://a.example:0/", "https://a:b/",
     "https://a.example/ x", "https://a.example/\r\nX: y", "https://å.example/", "https://[::1/", "ftp://a.example/",
     "https://a.example/" + "x" * URL_MAX],
)  # fmt: skip
def test_what_is_no_address_is_refused_by_the_name_of_the_field(url: str) -> None:
    with pytest.raises(ValueError, match=r"^url: ") as refused:
        checked_url(url)
    assert not url.strip() or url == "https://" or url.strip() not in str(refused.value)


def test_a_subscription_shows_the_host_and_nowhere_the_address(rows: CalendarRows) -> None:
    due = subscribed(rows)
    shown = rows.of("1001")
    assert shown is not None
    assert (shown.host, shown.set_by, shown.read_at, shown.fault) == ("kalender.norrby.example", "anna", None, "")
    told = rows._db.execute("SELECT body FROM outbox").fetchall()
    for text in (repr(shown), repr(due), repr(told)):
        assert "secret7" not in text
    assert due.url == SECRET
    assert rows.of("1002") is None
    assert rows.all() == (shown,)


def test_a_reading_refers_and_the_next_ends_what_is_gone(rows: CalendarRows) -> None:
    due = subscribed(rows)
    assert read(rows, due, meant("a"), meant("b", NOW + 2 * HOUR, NOW + 3 * HOUR, "vacation"))
    assert away(rows, NOW + timedelta(minutes=10)) == "meeting"
    ids = {one.id for one in kept(rows)[0]}
    assert read(rows, due, meant("a"), meant("b", NOW + 2 * HOUR, NOW + 3 * HOUR, "vacation"))
    assert {one.id for one in kept(rows)[0]} == ids, "what is said again is the same referral"
    assert read(rows, due, meant("b", NOW + 2 * HOUR, NOW + 3 * HOUR, "vacation"), now=NOW + timedelta(minutes=20))
    assert away(rows, NOW + timedelta(minutes=21)) is None
    assert away(rows, NOW + timedelta(hours=2.5)) == "vacation"
    shown = rows.of("1001")
    assert shown is not None
    assert [one.key for one in shown.understood] == ["b"]


def test_who_is_back_stays_back_until_the_calendar_says_something_else(rows: CalendarRows, tmp_path: Path) -> None:
    due = subscribed(rows)
    read(rows, due, meant("a"))
    (referral,) = kept(rows)[0]
    with closing(Changes.open(tmp_path / "journal.db")) as changes:
        opening = Opening(id=new_id(), extension="1001", at=NOW, seen=frozenset({referral.id}), set_by="anna")
        changes.open_phone(opening, NOW)
    read(rows, due, meant("a"))
    assert away(rows, NOW + timedelta(minutes=30)) is None
    read(rows, due, meant("a2", NOW, NOW + 2 * HOUR))
    assert away(rows, NOW + timedelta(minutes=30)) == "meeting"


def test_a_manual_referral_is_not_ended_by_a_calendar(rows: CalendarRows, tmp_path: Path) -> None:
    due = subscribed(rows)
    read(rows, due, meant("a"))
    sick = Referral(
        id="s", extension="1001", reason="sick", start=NOW, until=None, source=Source.MANAGER, set_by="bo", set_at=NOW
    )
    with closing(Changes.open(tmp_path / "journal.db")) as changes:
        changes.refer([sick])
    read(rows, due)
    assert away(rows, NOW + timedelta(minutes=30)) == "sick"


def test_an_entry_that_is_over_is_forgotten_without_an_opening(rows: CalendarRows) -> None:
    due = subscribed(rows)
    read(rows, due, meant("a"))
    read(rows, due, now=NOW + 2 * HOUR)
    assert kept(rows)[1] == []
    shown = rows.of("1001")
    assert shown is not None
    assert shown.understood == ()


def test_the_end_of_a_subscription_ends_its_referrals(rows: CalendarRows) -> None:
    due = subscribed(rows)
    read(rows, due, meant("a"))
    assert rows.unsubscribe("1001", "anna", NOW)
    assert not rows.unsubscribe("1001", "anna", NOW)
    assert away(rows, NOW + timedelta(minutes=1)) is None
    assert rows.of("1001") is None
    assert not read(rows, due, meant("b")), "what was under way is let be"
    assert away(rows, NOW + timedelta(minutes=1)) is None
    kinds = [kind for (kind,) in rows._db.execute("SELECT kind FROM outbox ORDER BY number")]
    assert kinds == ["calendar", "referral", "opening", "calendar"]


def test_another_address_ends_what_the_old_one_said_once_it_is_read(rows: CalendarRows) -> None:
    old = subscribed(rows)
    read(rows, old, meant("a"))
    new = subscribed(rows, url="https://other.example/x.ics")
    assert new.id != old.id
    assert (new.etag, new.digest) == ("", "")
    assert not read(rows, old, meant("c"))
    assert away(rows, NOW) == "meeting"
    assert read(rows, new)
    assert away(rows, NOW) is None


def test_faults_are_counted_and_a_good_reading_ends_them(rows: CalendarRows) -> None:
    due = subscribed(rows)
    assert rows.failed(due, "timeout", NOW, NOW + HOUR)
    (late,) = rows.waiting()
    assert (late.failures, late.fault, late.next_at) == (1, "timeout", NOW + HOUR)
    assert rows.failed(late, "gone", NOW + HOUR, NOW + 2 * HOUR)
    shown = rows.of("1001")
    assert shown is not None
    assert (shown.fault, shown.failures, shown.tried_at, shown.read_at) == ("gone", 2, NOW + HOUR, None)
    assert rows.again("1001", NOW)
    assert rows.unchanged(late, NOW + HOUR, NOW + 2 * HOUR)
    shown = rows.of("1001")
    assert shown is not None
    assert (shown.fault, shown.failures, shown.read_at) == ("", 0, NOW + HOUR)
    assert not rows.again("1009", NOW)


def test_what_says_nothing_is_told_by_why(rows: CalendarRows) -> None:
    due = subscribed(rows)
    agenda = Agenda((), {Passed.PRIVATE: 2, Passed.UNKNOWN_LETTERS: 1}, ("OBS:",))
    assert rows.read(due, agenda, NOW, NOW + HOUR, etag="", modified="m", digest="d")
    shown = rows.of("1001")
    assert shown is not None
    assert (shown.passed, shown.unknown) == ({Passed.PRIVATE: 2, Passed.UNKNOWN_LETTERS: 1}, ("OBS:",))


def test_a_full_disk_changes_nothing(rows: CalendarRows) -> None:
    due = subscribed(rows)
    read(rows, due, meant("a"))
    pages = rows._db.execute("PRAGMA page_count").fetchone()[0]
    rows._db.execute(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(sqlite3.Error):
        read(rows, due, *(meant(f"n{n}", NOW, NOW + (n + 1) * HOUR) for n in range(300)))
    assert [one.key for one in rows.of("1001").understood] == ["a"]  # type: ignore[union-attr]


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.sets(st.integers(0, 5)), min_size=1, max_size=6))
def test_after_any_readings_just_the_last_one_holds(
    tmp_path_factory: pytest.TempPathFactory, readings: list[set[int]]
) -> None:
    """Each entry an hour of its own: away in just the hours that the last reading names."""
    with closing(CalendarRows.open(tmp_path_factory.mktemp("rows") / "journal.db")) as rows:
        due = subscribed(rows)
        for minute, listed in enumerate(readings):
            now = NOW + timedelta(minutes=minute)
            read(rows, due, *(meant(f"h{n}", NOW + n * HOUR, NOW + (n + 1) * HOUR) for n in listed), now=now)
        for hour in range(6):
            at = NOW + hour * HOUR + timedelta(minutes=30)
            assert (away(rows, at) is not None) is (hour in readings[-1])
