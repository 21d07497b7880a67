"""The journal: each call once, whatever is folded when."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import permutations
from pathlib import Path

import pytest

from callcontrol.records import Outcome, Record, parse_line
from firmware.store import Journal

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)


def thin(text: str) -> Record:
    found = parse_line(text.encode())
    assert found
    return found


CHALLENGED = thin("INVITE|a|x|c1|407|Auth|1763772000|201|202|platform|0||")
ANSWERED = thin("INVITE|a|b|c1|200|OK|1763772005|201|202|local|0||")
ENDED = thin("BYE|b|a|c1|200|OK|1763772065|202|201|none|0||")
OTHER = thin("INVITE|z|b|c1|486|Busy|1763772001|301|202|local|0||")


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    journal = Journal.open(tmp_path / "journal.db")
    yield journal
    journal.close()


@pytest.mark.parametrize("at_once", [1, 2, 3])
@pytest.mark.parametrize("order", list(permutations((CHALLENGED, ANSWERED, ENDED))))
def test_one_call_is_one_record(journal: Journal, order: tuple[Record, ...], at_once: int) -> None:
    for offset in range(0, len(order), at_once):
        assert journal.fold("acc_1.log", 7, offset + at_once, order[offset : offset + at_once], start=offset)
    (found,) = journal.records(10)
    assert (found.from_tag, found.caller, found.outcome) == ("a", "201", Outcome.ANSWERED)
    assert (found.began_at, found.answered_at, found.ended_at) == (
        CHALLENGED.began_at,
        ANSWERED.answered_at,
        ENDED.ended_at,
    )


def test_calls_that_share_a_call_id_but_no_callers_tag_are_two(journal: Journal) -> None:
    journal.fold("acc_1.log", 7, 1, [replace(OTHER, to_tag="y"), ANSWERED])
    assert [record.from_tag for record in journal.records(10)] == ["a", "z"]


def test_what_was_folded_by_another_is_not_folded_again(journal: Journal) -> None:
    assert journal.fold("acc_1.log", 7, 100, [ANSWERED])
    assert not journal.fold("acc_1.log", 7, 200, [OTHER])
    assert len(journal.records(10)) == 1
    assert journal.folded("acc_1.log", 7) == 100


def test_a_new_file_of_the_same_name_begins_at_nothing(journal: Journal) -> None:
    journal.fold("acc_1.log", 7, 100, [])
    assert journal.folded("acc_1.log", 8) == 0
    assert journal.fold("acc_1.log", 8, 50, [])
    assert (journal.folded("acc_1.log", 7), journal.folded("acc_1.log", 8)) == (0, 50)


def test_an_inode_used_again_under_another_name_begins_at_nothing(journal: Journal) -> None:
    journal.fold("acc_1.log.old", 7, 100, [])
    assert journal.folded("acc_1.log", 7) == 0
    journal.fold("acc_1.log", 7, 10, [])
    assert journal.folded("acc_1.log.old", 7) == 0


def test_a_renamed_file_goes_on_where_it_was(journal: Journal) -> None:
    journal.fold("acc_1.log.old", 6, 900, [])
    journal.fold("acc_1.log", 7, 100, [])
    journal.fold_renamed("acc_1.log", "acc_1.log.old", 7)
    assert (journal.folded("acc_1.log.old", 7), journal.folded("acc_1.log", 7)) == (100, 0)
    journal.fold_deleted("acc_1.log.old")
    assert journal.folded("acc_1.log.old", 7) == 0


def test_newest_first_and_counted(journal: Journal) -> None:
    calls = [replace(ANSWERED, call_id=f"c{n}", began_at=NOON + timedelta(hours=n), answered_at=None) for n in range(5)]
    calls = [replace(call, ended_at=call.began_at) for call in calls]
    journal.fold("acc_1.log", 7, 1, calls)
    assert [record.call_id for record in journal.records(2)] == ["c4", "c3"]
    assert journal.records(5)[4] == calls[0]
    assert journal.count_since(NOON + timedelta(hours=3)) == 2


def test_calls_that_are_up(journal: Journal) -> None:
    failed = replace(OTHER, call_id="no", answered_at=None, ended_at=None, outcome=Outcome.BUSY, sip_code=486)
    up = replace(ANSWERED, ended_at=None)
    journal.fold("acc_1.log", 7, 1, [failed, up, replace(up, call_id="old", began_at=up.began_at - timedelta(hours=9))])
    assert journal.calls_up(up.began_at - timedelta(hours=4)) == 1
    journal.fold("acc_1.log", 7, 2, [ENDED], start=1)
    assert journal.calls_up(up.began_at - timedelta(hours=4)) == 0


def test_calls_that_are_up_are_counted_by_their_index(journal: Journal, tmp_path: Path) -> None:
    asked: list[str] = []
    with closing(sqlite3.connect(tmp_path / "journal.db")) as other:
        journal._db.set_trace_callback(asked.append)
        journal.calls_up(NOON)
        (plan,) = other.execute(f"EXPLAIN QUERY PLAN {asked[0]}").fetchall()
    assert "record_up" in plan[3]


def test_incidents(journal: Journal) -> None:
    first = journal.incident_begin(NOON, "PLATFORM", "SURVIVAL", "no node answers")
    second = journal.incident_begin(NOON + timedelta(hours=1), "LINE", "SURVIVAL")
    journal.incident_end(first, NOON + timedelta(minutes=5))
    journal.incident_end(first, NOON + timedelta(minutes=9))
    now, before = journal.incidents(10)
    assert (now.id, now.ended_at, now.cause, now.detail) == (second, None, "LINE", "")
    assert (before.began_at, before.ended_at) == (NOON, NOON + timedelta(minutes=5))
