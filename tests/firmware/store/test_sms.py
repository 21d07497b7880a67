"""What is queued is sent, once; and what is known of it after a process died at the worst moment."""

from __future__ import annotations

import random
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from callcontrol.trunk.smsqueue import BACK_OFF, DOUBTS_MAX, REPORT_LATE, RULES, Happened, Kind, Outcome, State
from firmware.store import outbox
from firmware.store.sms import QUEUE_MAX, Due, Report, Sms, SmsRows

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
ANNA, BO = "+46701111111", "+46702222222"
SECOND = timedelta(seconds=1)


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A journal of today's schema, made once: each of its tables costs a write of the disk."""
    path = tmp_path_factory.mktemp("journal") / "journal.db"
    SmsRows.open(path).close()
    return path


@pytest.fixture
def rows(tmp_path: Path, empty: Path) -> Iterator[SmsRows]:
    opened = SmsRows.open(Path(shutil.copy(empty, tmp_path / "journal.db")))
    yield opened
    opened.close()


def sms(name: str = "one", *, kind: Kind = Kind.MESSAGE, number: str = ANNA, parts: int = 1, at: datetime = NOW) -> Sms:
    return Sms(id=name, kind=kind, number=number, text="hej", set_by="anna", queued_at=at, parts=parts, ore=50)


def take(rows: SmsRows, now: datetime = NOW, modem: str = "m1") -> tuple[int, Due]:
    taken = rows.take(modem, now)
    assert taken is not None
    return taken


def send(rows: SmsRows, reference: int, now: datetime = NOW, modem: str = "m1") -> Due:
    number, due = take(rows, now, modem)
    rows.ended(number, Outcome.TAKEN, now, reference=reference)
    return due


def report(
    rows: SmsRows, reference: int, *, number: str = ANNA, fate: str = "delivered", centre_at: str = "", status: int = 0
) -> bool:
    told = Report("m1", reference, number, centre_at, status, fate)
    return rows.report(told, NOW + 5 * SECOND)


def state(rows: SmsRows, name: str = "one") -> State:
    found = rows.find(name)
    assert found is not None
    return found.state


def counting(rows: SmsRows) -> None:
    """Three that went, so that the SIM is known to count: 7, 8, 9."""
    rows.put(sms(f"before {n}", number=BO, at=NOW - SECOND) for n in range(3))
    for reference in (7, 8, 9):
        send(rows, reference)


def test_one_is_queued_sent_and_told_to_have_come(rows: SmsRows) -> None:
    assert rows.put([sms()]) == 1
    assert state(rows) is State.WAITING
    number, due = take(rows)
    assert (due.sms, due.part, due.parts, due.number, due.tries) == ("one", 1, 1, ANNA, 1)
    assert state(rows) is State.SENDING
    assert rows.take("m2", NOW) is None  # nobody else is given it
    rows.ended(number, Outcome.TAKEN, NOW, reference=7)
    assert state(rows) is State.SENT
    assert report(rows, 7)
    assert state(rows) is State.DELIVERED
    (told,) = [entry for entry in outbox.entries(rows._db, 0, 9) if entry.kind == "sms"]
    assert '"state":"delivered"' in told.body
    assert "hej" not in told.body


def test_one_thing_is_told_somebody_once(rows: SmsRows) -> None:
    assert rows.put([sms(), sms("two")]) == 2
    assert rows.put([sms()]) == 0
    assert rows.waiting() == 2


def test_what_matters_most_goes_first_then_what_waits_longest(rows: SmsRows) -> None:
    rows.put([sms("b", at=NOW - SECOND), sms("a"), sms("c", kind=Kind.NOTICE), sms("d", kind=Kind.ALARM)])
    assert [send(rows, reference).sms for reference in range(4)] == ["d", "c", "b", "a"]


def test_parts_go_in_order_and_have_a_reference_in_common(rows: SmsRows) -> None:
    rows.put([sms("x"), sms("y", parts=2)])
    dues = [send(rows, reference) for reference in (1, 2, 3)]
    assert [(due.sms, due.part) for due in dues] == [("x", 1), ("y", 1), ("y", 2)]
    assert len({due.concatenation for due in dues}) == 2
    report(rows, 2)
    assert state(rows, "y") is State.SENT
    report(rows, 3)
    assert state(rows, "y") is State.DELIVERED


def test_what_is_put_off_waits_with_its_other_parts_and_others_go_meanwhile(rows: SmsRows) -> None:
    rows.put([sms("one", parts=2, at=NOW - SECOND), sms("two")])
    number, _ = take(rows)
    rows.ended(number, Outcome.PUT_OFF, NOW, code=42, again_at=NOW + BACK_OFF[0])
    assert send(rows, 1).sms == "two"
    assert rows.take("m1", NOW) is None
    assert take(rows, NOW + BACK_OFF[0])[1].tries == 2


def test_what_is_refused_for_ever_is_not_sent_in_halves(rows: SmsRows) -> None:
    rows.put([sms(parts=3)])
    number, _ = take(rows)
    rows.ended(number, Outcome.REFUSED, NOW, code=21, why="code_21")
    found = rows.find("one")
    assert found is not None
    assert (found.states, found.why) == ((State.FAILED,) * 3, "code_21")
    assert found.ended_at == NOW


def test_what_is_too_old_is_not_sent(rows: SmsRows) -> None:
    rows.put([sms()])
    late = NOW + RULES[Kind.MESSAGE].valid
    assert rows.take("m1", late) is None
    rows.expire(late)
    assert state(rows) is State.FAILED


def test_without_a_report_nobody_knows_until_one_comes(rows: SmsRows) -> None:
    rows.put([sms()])
    send(rows, 7)
    rows.expire(NOW + RULES[Kind.MESSAGE].valid)
    assert state(rows) is State.SENT
    rows.expire(NOW + RULES[Kind.MESSAGE].valid + REPORT_LATE + SECOND)
    assert state(rows) is State.UNKNOWN
    report(rows, 7)
    assert state(rows) is State.DELIVERED


@pytest.mark.parametrize(
    ("fate", "ends"),
    [("delivered", State.DELIVERED), ("failed", State.FAILED), ("unknown", State.UNKNOWN), ("trying", State.SENT)],
)
def test_what_reports_tell(rows: SmsRows, fate: str, ends: State) -> None:
    rows.put([sms()])
    send(rows, 7)
    report(rows, 7, fate=fate)
    assert state(rows) is ends


def test_a_report_may_come_twice_before_the_answer_and_of_somebody_else(rows: SmsRows) -> None:
    rows.put([sms()])
    number, _ = take(rows)
    assert report(rows, 7)
    assert not report(rows, 7)
    assert report(rows, 7, number=BO)
    assert state(rows) is State.SENDING
    rows.ended(number, Outcome.TAKEN, NOW, reference=7)
    assert state(rows) is State.DELIVERED


def test_a_reference_is_used_again_and_its_report_is_of_the_newest(rows: SmsRows) -> None:
    rows.put([sms("old", at=NOW - SECOND)])
    send(rows, 7)
    report(rows, 7, centre_at="then")
    rows.put([sms("new")])
    send(rows, 7)
    assert not report(rows, 7, centre_at="then")  # once more of the old one
    assert state(rows, "new") is State.SENT
    assert report(rows, 7, centre_at="now")
    assert state(rows, "new") is State.DELIVERED


# A process died between "sent" and "known as sent"


def crash(rows: SmsRows) -> None:
    """It was under way when the process died; the next one begins."""
    rows.put([sms()])
    take(rows)
    assert rows.crashed(NOW) == 1
    assert state(rows) is State.PERHAPS
    assert rows.take("m1", NOW) is None


def test_a_report_says_that_it_went(rows: SmsRows) -> None:
    crash(rows)
    assert report(rows, 10, number=ANNA.replace("+46", "0"))
    assert state(rows) is State.DELIVERED
    assert rows.tries("one")[0].reference == 10


@pytest.mark.parametrize(("following", "ends"), [(10, State.WAITING), (11, State.SENT), (12, State.PERHAPS)])
def test_the_next_reference_says_whether_it_went(rows: SmsRows, following: int, ends: State) -> None:
    counting(rows)
    crash(rows)
    rows.put([sms("next", number=BO)])
    send(rows, following)
    assert state(rows) is ends


def test_found_by_its_reference_its_report_is_found_by_that(rows: SmsRows) -> None:
    counting(rows)
    crash(rows)
    rows.put([sms("next")])
    send(rows, 11)
    report(rows, 10)
    assert (state(rows), state(rows, "next")) == (State.DELIVERED, State.SENT)


def test_a_report_of_one_under_way_is_not_taken_for_that_of_one_in_doubt(rows: SmsRows) -> None:
    crash(rows)
    rows.put([sms("next")])
    number, _ = take(rows)
    report(rows, 11)
    assert state(rows) is State.PERHAPS
    rows.ended(number, Outcome.TAKEN, NOW, reference=11)
    assert (state(rows), state(rows, "next")) == (State.PERHAPS, State.DELIVERED)


def test_without_evidence_it_is_sent_once_more_and_no_more(rows: SmsRows) -> None:
    crash(rows)
    doubt = RULES[Kind.MESSAGE].doubt
    now = NOW
    for _ in range(DOUBTS_MAX - 1):
        rows.expire(now + doubt - SECOND)
        assert state(rows) is State.PERHAPS
        now += doubt
        rows.expire(now)
        assert state(rows) is State.WAITING
        number, _ = take(rows, now)
        rows.ended(number, Outcome.DOUBTFUL, now)
    rows.expire(now + doubt)
    assert state(rows) is State.UNKNOWN
    assert report(rows, 7)
    assert state(rows) is State.UNKNOWN  # of which of the two it is, nobody can tell


def test_what_waits_to_be_sent_once_more_may_have_gone_after_all(rows: SmsRows) -> None:
    crash(rows)
    rows.expire(NOW + RULES[Kind.MESSAGE].doubt)
    report(rows, 10)
    assert state(rows) is State.DELIVERED
    assert rows.take("m1", NOW + timedelta(hours=1)) is None


@pytest.mark.parametrize("seed", range(4))
def test_a_sim_that_counts_loses_and_doubles_nothing_whenever_the_process_dies(rows: SmsRows, seed: int) -> None:
    """No report comes of what went while the process died; it dies never twice before something goes."""
    chance = random.Random(seed)
    names = [f"m{number}" for number in range(25)]
    rows.put(sms(name, number=chance.choice((ANNA, BO))) for name in names)
    went: list[str] = []
    now, reference, died = NOW, chance.randrange(200), ""
    while (taken := rows.take("m1", now)) is not None:
        number, due = taken
        died = chance.choice(("", "", "before", "after")) if not died and len(went) > 3 else ""
        if died != "before":
            reference += 1
            went.append(due.sms)
        if died:
            rows.crashed(now)
        else:
            rows.ended(number, Outcome.TAKEN, now, reference=reference)
            rows.report(Report("m1", reference, due.number, str(len(went)), 0, "delivered"), now)
        now += 5 * SECOND
    assert len(went) == len(set(went))
    open_still = [name for name in names if state(rows, name) is State.PERHAPS]
    assert len(open_still) == bool(died)  # the very last, after which nothing went
    assert set(names) - set(went) <= set(open_still)


def test_the_queue_has_an_end_but_for_alarms(rows: SmsRows) -> None:
    rows.put(sms(f"m{n}", parts=100) for n in range(QUEUE_MAX // 100))
    with pytest.raises(OverflowError, match="2000 parts wait"):
        rows.put([sms("more")])
    assert rows.put([sms("alarm", kind=Kind.ALARM)]) == 1


def test_what_is_asked_each_second_does_not_go_through_all_that_was_ever_sent(rows: SmsRows) -> None:
    asked: list[str] = []
    rows.put([sms()])
    rows._db.set_trace_callback(asked.append)
    rows.waiting()
    rows.expire(NOW)
    rows.take("m1", NOW)
    rows._db.set_trace_callback(None)
    looks = [sql for sql in asked if sql.startswith("SELECT") and "state" in sql]
    steps = [row[3] for sql in looks for row in rows._db.execute(f"EXPLAIN QUERY PLAN {sql}")]
    assert any("sms_part_state" in step for step in steps)
    assert not [step for step in steps if step.startswith("SCAN")]


def test_what_is_asked_of_it(rows: SmsRows) -> None:
    rows.put([
        Sms(id="alarm 1 start", kind=Kind.ALARM, number=ANNA, text="x", set_by="unit", queued_at=NOW),
        Sms(id="m", kind=Kind.MESSAGE, number=BO, text="y", set_by="anna", queued_at=NOW, reply_to="1001"),
    ])  # fmt: skip
    assert rows.told(ANNA, Kind.ALARM, NOW) == {"alarm 1 start": NOW}
    assert rows.told(ANNA, Kind.ALARM, NOW + SECOND) == {}
    assert rows.answers_go_to(BO, NOW - SECOND) == "1001"
    assert rows.answers_go_to(ANNA, NOW - SECOND) is None
    assert rows.proved("m1") is None
    send(rows, 3)
    report(rows, 3)
    assert rows.proved("m1") == NOW + 5 * SECOND
    assert Happened.TAKEN.value == rows.tries("alarm 1 start")[0].outcome.value
    assert [found.sms.id for found in rows.newest(1)] == ["alarm 1 start"]
