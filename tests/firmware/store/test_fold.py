"""The edge's files become records exactly once: cut, noisy, renamed, deleted, killed between any two steps."""

import os
import sqlite3
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from firmware.store import Journal, fold
from firmware.store.fold import AccFolder


class Killed(BaseException):
    """The process was killed at this very step."""


@pytest.fixture
def acc(tmp_path: Path) -> Path:
    folder = tmp_path / "acc"
    folder.mkdir()
    return folder


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    journal = Journal.open(tmp_path / "journal.db")
    yield journal
    journal.close()


def line(number: int, method: str = "INVITE") -> bytes:
    return f"{method}|a|b|c{number}|200|OK|{1_763_772_000 + number}|201|202|local|0||\n".encode()


def append(path: Path, data: bytes) -> None:
    with path.open("ab") as file:
        file.write(data)


def test_nothing_there_yet(tmp_path: Path, journal: Journal) -> None:
    folder = AccFolder(tmp_path / "not yet", journal)
    assert folder.fold() == fold.Folded()
    assert not folder.rotation_due()


def test_complete_lines_of_all_files_and_the_rest_later(acc: Path, journal: Journal) -> None:
    append(acc / "acc_1.log", line(1) + line(2)[:20])
    append(acc / "missed_calls_122.log", line(3) + b"noise\n")
    append(acc / "something else.log", line(4))
    folder = AccFolder(acc, journal)
    assert folder.fold() == fold.Folded(records=2, garbage=1)
    assert folder.fold() == fold.Folded()
    append(acc / "acc_1.log", line(2)[20:])
    assert folder.fold().records == 1
    assert sorted(record.call_id for record in journal.records(9)) == ["c1", "c2", "c3"]


def test_byte_by_byte(acc: Path, journal: Journal) -> None:
    folder = AccFolder(acc, journal)
    whole = line(1) + b"\xff|\n" + line(1, "BYE")
    done = fold.Folded()
    for byte in whole:
        append(acc / "acc_1.log", bytes([byte]))
        done += folder.fold()
    assert (done.records, done.garbage) == (2, 1)
    assert len(journal.records(9)) == 1


def test_each_file_is_synced_before_its_lines_are_folded(
    acc: Path, journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    append(acc / "acc_1.log", line(1))

    def fail(descriptor: int) -> None:
        raise OSError("no sync")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(OSError, match="no sync"):
        AccFolder(acc, journal).fold()
    assert journal.records(9) == ()


def test_much_at_once_is_folded_in_pieces(acc: Path, journal: Journal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fold, "PIECE_BYTES", 1000)
    monkeypatch.setattr(fold, "PIECES_PER_PASS", 3)
    append(acc / "acc_1.log", b"".join(line(number) for number in range(100)) + b"x" * 2500 + b"\n" + line(200))
    folder = AccFolder(acc, journal)
    passes = [folder.fold()]
    while passes[-1].more:
        passes.append(folder.fold())
    assert len(passes) > 1
    assert all(one.records <= 60 for one in passes)
    assert len(journal.records(200)) == 101
    assert sum(one.garbage for one in passes) == 3


def test_a_file_that_was_emptied_is_read_from_its_start(acc: Path, journal: Journal) -> None:
    path = acc / "acc_1.log"
    append(path, line(1) + line(2))
    folder = AccFolder(acc, journal)
    folder.fold()
    os.truncate(path, 0)
    append(path, line(3))
    assert folder.fold().records == 1
    assert folder.fold().records == 0


def test_what_is_no_plain_file_is_said_and_hinders_nothing(acc: Path, journal: Journal, tmp_path: Path) -> None:
    append(tmp_path / "elsewhere", line(9))
    (acc / "acc_1.log").symlink_to(tmp_path / "elsewhere")
    os.mkfifo(acc / "acc_2.log")
    append(acc / "acc_3.log", line(1))
    done = AccFolder(acc, journal).fold()
    assert done.records == 1
    assert [text.partition(":")[0] for text in done.unreadable] == ["acc_1.log", "acc_2.log"]


def test_a_large_file_is_renamed_and_deleted_when_let_go(acc: Path, journal: Journal) -> None:
    path, old = acc / "acc_1.log", acc / "acc_1.log.old"
    folder = AccFolder(acc, journal, rotate_bytes=200)
    with path.open("ab", buffering=0) as kamailio:
        kamailio.write(b"".join(line(number) for number in range(5)))
        assert not folder.rotation_due()  # not folded yet
        folder.fold()
        assert folder.rotation_due()
        folder.rename()
        assert old.exists()
        kamailio.write(line(5))  # it does not know yet
        assert folder.fold().records == 1
        assert folder.rotation_due()  # it has to be told, again and again
        kamailio.write(line(6)[:30])
        folder.fold()
        assert old.exists()
    with path.open("ab", buffering=0) as kamailio:
        kamailio.write(line(7))
        assert folder.fold() == fold.Folded(records=1, garbage=1)
        assert not old.exists()
        assert path.exists()
        assert not folder.rotation_due()
    assert len(journal.records(99)) == 7


def test_a_second_large_file_waits_for_the_first(acc: Path, journal: Journal) -> None:
    path = acc / "acc_1.log"
    folder = AccFolder(acc, journal, rotate_bytes=10)
    append(path, line(1))
    folder.fold()
    folder.rename()
    with (acc / "acc_1.log.old").open("ab"):
        append(path, line(2))
        folder.fold()
        folder.rename()
        assert path.exists()
    folder.fold()
    folder.rename()
    assert not path.exists()
    assert len(journal.records(9)) == 2


def test_another_process_folds_at_the_same_time(acc: Path, journal: Journal, monkeypatch: pytest.MonkeyPatch) -> None:
    append(acc / "acc_1.log", line(1))
    real = journal.folded

    def folded_just_before_another_came(file: str, inode: int) -> int:
        monkeypatch.undo()
        before = real(file, inode)
        assert AccFolder(acc, journal).fold().records == 1
        return before

    monkeypatch.setattr(journal, "folded", folded_just_before_another_came)
    assert AccFolder(acc, journal).fold() == fold.Folded(more=True)
    assert len(journal.records(9)) == 1


class Steps:
    """Counts the steps that change something outside, and kills before a chosen one."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, kill_at: int) -> None:
        self.left = kill_at
        for owner, name in ((os, "fsync"), (os, "pread"), (Path, "rename"), (Path, "unlink")):
            monkeypatch.setattr(owner, name, self.guarded(getattr(owner, name)))

    def step(self) -> None:
        self.left -= 1
        if self.left == 0:
            raise Killed

    def guarded(self, function: Any) -> Any:
        def call(*args: Any, **keywords: Any) -> Any:
            self.step()
            return function(*args, **keywords)

        return call


class Connection(sqlite3.Connection):
    """A real connection in which every statement is a step."""

    steps: Steps | None = None

    def execute(self, *args: Any) -> sqlite3.Cursor:
        if self.steps:
            self.steps.step()
        return super().execute(*args)


def live(root: Path, kills: list[int], writes: list[int]) -> int:
    """Write and fold by turns, each turn killed before its so-maniest step (0: not at all); then in peace.

    Checks that each call is one record in the end, its BYE in it, and that no old file is left. Gives how many of the
    turns were killed.
    """
    acc, database = root / "acc", root / "journal.db"
    acc.mkdir()
    calls = killed = 0
    for turn in range(max(len(writes), len(kills)) + 3):
        for _ in range(writes[turn] if turn < len(writes) else 0):
            append(acc / "acc_1.log", line(calls))
            append(acc / "acc_2.log", line(calls, "BYE"))
            calls += 1
        Journal.open(database).close()
        connection = sqlite3.connect(database, isolation_level=None, factory=Connection)
        with pytest.MonkeyPatch.context() as monkeypatch:
            connection.steps = Steps(monkeypatch, kills[turn] if turn < len(kills) else 0)
            folder = AccFolder(acc, Journal(connection), rotate_bytes=200)
            try:
                folder.fold()
                if folder.rotation_due():
                    folder.rename()
            except Killed:
                killed += 1
            connection.steps = None
            connection.close()  # rolls back, as a kill does
    journal = Journal.open(database)
    records = journal.records(999)
    journal.close()
    assert sorted(record.call_id for record in records) == sorted(f"c{number}" for number in range(calls))
    assert all(record.answered_at and record.ended_at for record in records)
    assert not list(acc.glob("*.old"))
    return killed


def test_killed_before_any_one_step(tmp_path: Path) -> None:
    """The second turn folds, deletes and renames."""
    for kill_at in count(1):
        root = tmp_path / str(kill_at)
        root.mkdir()
        if not live(root, [0, kill_at], [3, 3, 1]):
            break
    assert kill_at > 40


@settings(max_examples=settings().max_examples // 4)
@given(kills=st.lists(st.integers(1, 60), max_size=6), writes=st.lists(st.integers(0, 4), min_size=1, max_size=6))
def test_killed_again_and_again(tmp_path_factory: pytest.TempPathFactory, kills: list[int], writes: list[int]) -> None:
    live(tmp_path_factory.mktemp("killed"), kills, writes)
