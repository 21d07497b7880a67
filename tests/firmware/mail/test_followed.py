"""Messages that nobody has handled are followed up, and what is wrong with mail is shown."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from callcontrol.plan.memo import Memo
from callcontrol.plan.number import LocalNumbering
from callcontrol.plan.schedule import STOCKHOLM
from firmware.mail.policy import Happened, Kind
from firmware.mail.problems import FAULT_AFTER, STANDS_AFTER, MailSeen, mail_problems
from firmware.noticing import notes
from firmware.store.changes import Changes
from firmware.store.load import load
from firmware.store.mail import Mail, MailRows
from firmware.store.memos import MemoRows, mail_name
from firmware.store.people import People
from tests.firmware.store.conftest import bulk

MONDAY = datetime(2026, 11, 23, 10, tzinfo=STOCKHOLM)
ANNA = "anna@norrby.example"


@pytest.fixture
def people(tmp_path: Path) -> Iterator[People]:
    Changes.open(tmp_path / "journal.db").close()
    opened = People.open(tmp_path / "directory.db", tmp_path / "journal.db", LocalNumbering())
    load(opened.directory, bulk(), "by hand", MONDAY)
    opened.look_again()
    yield opened
    opened.close()


def memo(people: People, extension: str = "1002", name: str = "m", taken_at: datetime = MONDAY) -> None:
    MemoRows(people.journal).take(Memo(id=name, extension=extension, text="x", taken_by="siv", taken_at=taken_at))


def told(people: People, now: datetime) -> list[tuple[str, str]]:
    return sorted((note.to, note.words) for note in notes(people, now) if note.rule == "B11")


def test_whom_it_is_to_is_reminded_and_then_their_contact_told(people: People) -> None:
    memo(people)
    wednesday = MONDAY + timedelta(days=2)
    for now, found in (
        (MONDAY, []),
        (MONDAY + timedelta(days=1, hours=5), []),
        (wednesday.replace(hour=9), [("bo", "memo_waits")]),
        (wednesday.replace(hour=18), [("anna", "memo_late")]),
        (MONDAY + timedelta(days=30), [("anna", "memo_late")]),
    ):
        assert told(people, now) == found
    MemoRows(people.journal).read("m", wednesday)
    assert told(people, wednesday.replace(hour=18)) == [("anna", "memo_late")]  # to have read is not to have called
    MemoRows(people.journal).handled("m", "bo", wednesday)
    assert told(people, wednesday.replace(hour=18)) == []


def test_over_christmas(people: People) -> None:
    memo(people, taken_at=datetime(2026, 12, 23, 10, tzinfo=STOCKHOLM))
    assert told(people, datetime(2026, 12, 28, 18, tzinfo=STOCKHOLM)) == []
    assert told(people, datetime(2026, 12, 29, 18, tzinfo=STOCKHOLM)) == [("anna", "memo_late")]


def test_of_many_the_oldest_is_told_of_once(people: People) -> None:
    for number in range(20):
        memo(people, name=f"m{number}", taken_at=MONDAY + timedelta(minutes=number))
    (note,) = [note for note in notes(people, MONDAY + timedelta(days=7)) if note.rule == "B11"]
    assert note.fill == (("extension", "1002"), ("day", "23/11"))


def test_a_phone_of_nobody_and_one_that_is_gone(people: People) -> None:
    memo(people, "1900", "group")
    memo(people, "4711", "gone")
    assert told(people, MONDAY + timedelta(days=7)) == [("anna", "memo_late"), ("operations", "memo_late")]


def test_a_mail_that_is_refused_is_told_of_at_once(people: People) -> None:
    memo(people, "1001")
    memo(people, "1001", "m2")
    rows = MailRows(people.journal)
    name = mail_name("m", ANNA)
    rows.queue(Mail(id=name, kind=Kind.MEMO, to=ANNA, subject="x", text="", set_by="siv", queued_at=MONDAY))
    assert told(people, MONDAY) == []
    due = rows.take(MONDAY)
    assert due is not None
    rows.ended(due.attempt, Happened.REFUSED, "550", MONDAY)
    assert told(people, MONDAY) == [("anna", "memo_untold")]
    MemoRows(people.journal).read("m", MONDAY)
    assert told(people, MONDAY) == []


def codes(rows: MailRows, now: datetime) -> list[str]:
    return [problem.id for problem in mail_problems(MailSeen.of(rows, now), now)]


def test_what_is_wrong_is_shown(people: People) -> None:
    rows, now = MailRows(people.journal), MONDAY.astimezone(UTC)
    assert mail_problems(None, now) == ()
    assert codes(rows, now) == []
    rows.queue(Mail(id="a", kind=Kind.VOICEMAIL, to=ANNA, subject="x", text="", set_by="x", queued_at=now))
    assert codes(rows, now) == []
    assert codes(rows, now + STANDS_AFTER) == ["RVX-Q02"]  # nobody tries
    due = rows.take(now)
    assert due is not None
    rows.ended(due.attempt, Happened.UNREACHED, "454 TLS not available", now)
    assert codes(rows, now) == []
    assert codes(rows, now + FAULT_AFTER) == ["RVX-Q01"]
    due = rows.take(now)
    assert due is not None
    rows.ended(due.attempt, Happened.REFUSED, "550", now)
    assert codes(rows, now + timedelta(hours=1)) == ["RVX-Q03"]
    assert codes(rows, now + timedelta(days=2)) == []
