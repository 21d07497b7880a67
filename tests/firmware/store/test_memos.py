"""Messages to people: kept until they are handled, and the platform hears of every step."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from callcontrol.plan.memo import Memo, State, Wants
from firmware.store import memos as stored
from firmware.store import outbox
from firmware.store.memos import MemoRows

NOW = datetime(2026, 11, 23, 8, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
MEMO = Memo(
    id="m1", extension="1001", text="Ring om bygglovet.\nHelst före tolv.", taken_by="siv", taken_at=NOW,
    caller="+46701234567", caller_name="Bo Ek", urgent=True, call_id="c1",
)  # fmt: skip


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("journal") / "journal.db"
    MemoRows.open(path).close()
    return path


@pytest.fixture
def rows(tmp_path: Path, empty: Path) -> Iterator[MemoRows]:
    opened = MemoRows.open(Path(shutil.copy(empty, tmp_path / "journal.db")))
    yield opened
    opened.close()


def test_one_is_taken_sent_read_and_handled(rows: MemoRows) -> None:
    assert rows.take(MEMO)
    assert not rows.take(MEMO)
    assert rows.find("m1") == MEMO
    assert rows.not_handled(10) == rows.of(["1001"], 10) == (MEMO,)
    assert rows.sent("m1", "sms", NOW + MINUTE)
    assert rows.read("m1", NOW + 2 * MINUTE)
    assert not rows.sent("m1", "mail", NOW + 3 * MINUTE)  # they know
    assert rows.handled("m1", "anna", NOW + 4 * MINUTE)
    assert not rows.handled("m1", "bo", NOW + 5 * MINUTE)
    handled = replace(
        MEMO, state=State.HANDLED, sent_by="sms", sent_at=NOW + MINUTE, read_at=NOW + 2 * MINUTE,
        handled_at=NOW + 4 * MINUTE, handled_by="anna",
    )  # fmt: skip
    assert rows.find("m1") == handled
    assert rows.of(["1001"], 10) == rows.not_handled(10) == ()
    assert rows.of(["1001", "1002"], 10, handled=True) == (handled,)
    bodies = [json.loads(entry.body) for entry in outbox.entries(rows._db, 0, 10) if entry.kind == "memo"]
    assert [body["state"] for body in bodies] == ["taken", "sent", "read", "handled"]


def test_nobodys_is_nothing(rows: MemoRows) -> None:
    assert rows.find("m1") is None
    assert not rows.read("m1", NOW)
    assert rows.of([], 10) == ()


def test_more_than_can_be_handled_is_refused(rows: MemoRows, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stored, "OPEN_MAX", 2)
    for name in ("a", "b"):
        rows.take(replace(MEMO, id=name))
    with pytest.raises(OverflowError, match="1001"):
        rows.take(replace(MEMO, id="c"))
    rows.handled("a", "anna", NOW)
    assert rows.take(replace(MEMO, id="c"))


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("text", "a" * 2_001),
        ("text", "a\x1b[2J"),
        ("caller", "070\r\n1"),
        ("caller", "0" * 41),
        ("caller_name", "Bo\nEk"),
        ("extension", "10 01"),
        ("extension", ""),
        ("id", ""),
    ],
)
def test_what_cannot_be_shown_is_refused_by_its_field(rows: MemoRows, field: str, value: str) -> None:
    with pytest.raises(ValueError, match=field):
        rows.take(replace(MEMO, **{field: value}))  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="text"):
        rows.take(replace(MEMO, text=" ", caller="", caller_name="", wants=Wants.NOTHING))
    assert rows.not_handled(10) == ()
