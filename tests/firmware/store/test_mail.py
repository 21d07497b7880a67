"""What is queued goes once as far as SMTP can; and what is known of it after a process died at the worst moment."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from callcontrol.plan.memo import Memo
from callcontrol.plan.memo import State as MemoState
from firmware.mail.policy import AGAIN_AFTER_DOUBT, BACK_OFF, DOUBTS_MAX, RULES, Happened, Kind, State
from firmware.store import mail as stored
from firmware.store import outbox
from firmware.store.database import transact
from firmware.store.mail import Due, Mail, MailRows, queue_in
from firmware.store.memos import MemoRows, mail_name

NOW = datetime(2026, 11, 23, 8, tzinfo=UTC)
ANNA = "anna@norrby.example"
SECOND = timedelta(seconds=1)


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A journal of today's schema, made once: each of its tables costs a write of the disk."""
    path = tmp_path_factory.mktemp("journal") / "journal.db"
    MailRows.open(path).close()
    return path


@pytest.fixture
def rows(tmp_path: Path, empty: Path) -> Iterator[MailRows]:
    opened = MailRows.open(Path(shutil.copy(empty, tmp_path / "journal.db")))
    yield opened
    opened.close()


def mail(name: str = "one", **fields: Any) -> Mail:
    known: dict[str, Any] = {
        "kind": Kind.VOICEMAIL, "to": ANNA, "subject": "Röstmeddelande", "text": "hej", "set_by": "calls",
        "queued_at": NOW,
    }  # fmt: skip
    return Mail(id=name, **{**known, **fields})


def take(rows: MailRows, now: datetime = NOW) -> Due:
    due = rows.take(now)
    assert due is not None
    return due


def state(rows: MailRows, name: str = "one") -> State:
    found = rows.find(name)
    assert found is not None
    return found.state


def told(rows: MailRows) -> list[tuple[str, str]]:
    return [(entry.kind, entry.subject) for entry in outbox.entries(rows._db, 0, 100)]


def test_one_is_queued_given_to_the_server_and_taken(rows: MailRows) -> None:
    assert rows.queue(mail()) == 1
    assert rows.queue(mail()) == 0  # one thing is told somebody once
    due = take(rows)
    assert (due.mail, due.tries) == (mail(), 1)
    assert state(rows) is State.SENDING
    assert rows.take(NOW) is None
    assert rows.ended(due.attempt, Happened.TAKEN, "250 queued as 7", NOW) is State.SENT
    assert rows.take(NOW + timedelta(days=1)) is None
    assert [(one.outcome, one.answer) for one in rows.tries("one")] == [("taken", "250 queued as 7")]
    assert told(rows) == [("mail", ANNA)]


def test_it_is_taken_in_with_what_it_tells_of_or_not_at_all(rows: MailRows) -> None:
    def fails() -> None:
        queue_in(rows._db, mail())
        raise LookupError

    with pytest.raises(LookupError):
        transact(rows._db, fails)
    assert rows.find("one") is None
    with pytest.raises(OverflowError):
        rows.queue(*(mail(f"{n}") for n in range(stored.QUEUE_MAX + 1)))
    assert rows.waiting() == 0


def test_alarms_go_first_and_the_oldest_of_a_kind(rows: MailRows) -> None:
    rows.queue(
        mail("notice", kind=Kind.NOTICE, queued_at=NOW - SECOND),
        mail("later"),
        mail("memo", kind=Kind.MEMO),
        mail("sooner", queued_at=NOW - SECOND),
        mail("alarm", kind=Kind.ALARM),
    )
    assert [take(rows).mail.id for _ in range(5)] == ["alarm", "memo", "sooner", "later", "notice"]


def test_a_server_that_is_away_costs_no_mail_a_try(rows: MailRows) -> None:
    rows.queue(mail())
    for number in range(100):
        now = NOW + number * SECOND
        due = take(rows, now)
        assert rows.ended(due.attempt, Happened.UNREACHED, "refused", now) is State.WAITING
    assert rows.tries("one") == ()
    fault = rows.server_fault()
    assert fault is not None
    assert (fault.since, fault.last_at, fault.why) == (NOW, NOW + 99 * SECOND, "refused")
    rows.ended(take(rows, NOW + 100 * SECOND).attempt, Happened.TAKEN, "250", NOW + 100 * SECOND)
    assert rows.server_fault() is None


def test_what_is_put_off_comes_again_ever_later_until_it_is_too_late(rows: MailRows) -> None:
    rows.queue(mail())
    now, waited = NOW, []
    while (due := rows.take(now)) is not None:
        rows.ended(due.attempt, Happened.PUT_OFF, "450 greylisted", now)
        found = rows.find("one")
        assert found is not None
        waited.append(found.due_at - now)
        now = found.due_at
    assert tuple(waited[: len(BACK_OFF)]) == BACK_OFF
    assert set(waited[len(BACK_OFF) :]) == {BACK_OFF[-1]}
    assert now - NOW >= RULES[Kind.VOICEMAIL].valid
    rows.expire(now)
    assert state(rows) is State.FAILED
    found = rows.find("one")
    assert found is not None
    assert found.why == "450 greylisted"  # what it failed of, not that it is late
    assert told(rows) == [("mail", ANNA)]
    assert [one.mail.id for one in rows.not_sent(NOW, 10)] == ["one"]


def test_nobody_knows_whether_it_went_it_goes_once_more_and_then_that_is_said(rows: MailRows) -> None:
    rows.queue(mail())
    now, message_ids = NOW, set()
    for _ in range(DOUBTS_MAX):
        due = take(rows, now)
        message_ids.add(due.message_id)
        assert rows.ended(due.attempt, Happened.DOUBTFUL, "gone", now) is State.PERHAPS
        rows.expire(now + AGAIN_AFTER_DOUBT - SECOND)
        assert state(rows) is State.PERHAPS
        now += AGAIN_AFTER_DOUBT
        rows.expire(now)
    assert state(rows) is State.UNKNOWN
    assert len(message_ids) == 1
    assert rows.again("one", now)  # somebody says so
    assert take(rows, now).message_id in message_ids
    assert not rows.again("one", now)


def test_a_process_that_dies_while_it_sends_leaves_a_doubt(rows: MailRows) -> None:
    rows.queue(mail(), mail("two"))
    take(rows)
    assert rows.crashed(NOW) == 1
    assert (state(rows), state(rows, "two")) == (State.PERHAPS, State.WAITING)
    assert rows.crashed(NOW) == 0


def test_one_address_gets_so_many_in_an_hour(rows: MailRows) -> None:
    most = stored.RECIPIENT_HOUR_MAX
    rows.queue(*(mail(f"{n:03}") for n in range(most + 1)), mail("bo", to="bo@norrby.example"))
    for _ in range(most):
        rows.ended(take(rows).attempt, Happened.TAKEN, "250", NOW)
    assert take(rows).mail.id == "bo"
    assert rows.take(NOW) is None
    assert take(rows, NOW + timedelta(hours=1)).mail.id == f"{most:03}"


def test_who_is_told_of_a_message_by_mail_has_been_told(rows: MailRows) -> None:
    memos = MemoRows(rows._db)
    memos.take(Memo(id="m1", extension="1001", text="ring Bo", taken_by="siv", taken_at=NOW))
    rows.queue(mail(mail_name("m1", ANNA), kind=Kind.MEMO))
    rows.ended(take(rows).attempt, Happened.TAKEN, "250", NOW)
    found = memos.find("m1")
    assert found is not None
    assert (found.state, found.sent_by, found.sent_at) == (MemoState.SENT, "mail", NOW)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("to", "anna@norrby.example\r\nBcc: all@norrby.example"),
        ("to", "anna@norrby.example>\r\nRCPT TO:<x@y.z"),
        ("to", "anna"),
        ("to", "anna@"),
        ("to", "a" * 65 + "@norrby.example"),
        ("to", "anna@" + "a." * 130 + "se"),
        ("to", "anna@norrby.example, bo@norrby.example"),
        ("to", "anna\x00@norrby.example"),
        ("to", "-oQ/tmp@norrby.example"),
        ("reply_to", "bo@norrby.example\nX: y"),
        ("subject", "hej\r\nBcc: all@norrby.example"),
        ("subject", "hej\u2028du"),
        ("subject", ""),
        ("subject", "a" * 201),
        ("text", "a" * 20_001),
        ("text", "\0"),
        ("attachment", "/etc/shadow"),
        ("attachment", "messages/../secrets.toml"),
    ],
)
def test_what_would_be_more_than_it_says_is_refused_by_its_field(field: str, value: str) -> None:
    with pytest.raises(ValueError, match=rf"^{field}:"):
        mail(**{field: value})


EVENTS = st.lists(
    st.tuples(
        st.sampled_from(["queue", "take", "taken", "put_off", "refused", "doubtful", "unreached", "crash", "again"]),
        st.integers(0, 3),
        st.integers(0, 3_600),
    ),
    max_size=40,
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(events=EVENTS)
def test_whatever_happens_a_mail_is_known_and_goes_twice_only_where_nobody_knew(
    tmp_path_factory: pytest.TempPathFactory, empty: Path, events: list[tuple[str, int, int]]
) -> None:
    rows = MailRows.open(Path(shutil.copy(empty, tmp_path_factory.mktemp("any") / "journal.db")))
    rows._db.execute("PRAGMA synchronous = OFF")
    now, given_to_server, taken, queued = NOW, list[Due](), dict[str, int](), set[str]()
    for what, which, seconds in events:
        now += timedelta(seconds=seconds)
        rows.expire(now)
        name = f"m{which}"
        if what == "queue":
            rows.queue(mail(name, queued_at=now))
            queued.add(name)
        elif what == "take":
            given_to_server += [due] if (due := rows.take(now)) else []
        elif what == "crash":
            assert rows.crashed(now) == len(given_to_server)
            given_to_server.clear()
        elif what == "again":
            if name in queued:
                rows.again(name, now)
        elif given_to_server:
            due = given_to_server.pop()
            rows.ended(due.attempt, Happened(what), what, now)
            taken[due.mail.id] = taken.get(due.mail.id, 0) + (what == "taken")
    for name in queued:
        found = rows.find(name)
        assert found is not None
        outcomes = [one.outcome for one in rows.tries(name)]
        assert (found.state is State.SENT) == (taken.get(name, 0) > 0)
        assert taken.get(name, 0) <= 1
        assert outcomes.count("sending") == (found.state is State.SENDING)
        assert (found.ended_at is not None) == (found.state in (State.SENT, State.FAILED, State.UNKNOWN))
    rows.close()
