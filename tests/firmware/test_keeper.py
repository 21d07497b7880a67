"""The edge's table of extensions that are no plain ones, kept as the store says."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Awaitable, Callable
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from callcontrol.plan.absence import Referral, Source
from callcontrol.plan.model import Condition, Forwarding
from callcontrol.plan.number import LocalNumbering
from callcontrol.plan.steps import Note
from firmware.config import Config, default
from firmware.keeper import Keeper
from firmware.modes import Mode, ModeSettings, start
from firmware.modes import Path as ModePath
from firmware.store import Journal
from firmware.store.changes import Changes
from firmware.store.database import connect
from firmware.store.load import load
from firmware.telling import Telling
from firmware.unit import _notice_problems
from hil.municipality import generate

NOW = datetime(2026, 3, 3, 11, tzinfo=UTC)
ONE, OTHER, GONE = "100001", "100002", "999999"
SOON_S = 20
PHONES = "SELECT number FROM extension WHERE unit = ? AND kind IN ('person', 'group', 'on_call', 'office')"


class Edge:
    """Kamailio's htables, as far as they are written."""

    def __init__(self) -> None:
        self.tables: dict[str, dict[str, str]] = {"ask": {GONE: "ask"}, "cred": {}}
        self.changed = asyncio.Event()

    async def call(self, method: str, *params: Any) -> None:
        if method == "htable.sets":
            self.tables[params[0]][params[1]] = params[2]
        elif method == "htable.delete":
            self.tables[params[0]].pop(params[1], None)
        self.changed.set()

    async def until(self, number: str, row: str | None) -> None:
        async with asyncio.timeout(SOON_S):
            while self.tables["ask"].get(number) != row:
                self.changed.clear()
                await self.changed.wait()


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Config:
    monkeypatch.setattr("firmware.keeper.TABLES_EVERY_S", 0.001)
    config = default(tmp_path)
    with closing(connect(config.paths.directory, "directory")) as directory:
        load(directory, generate(60), "generated", NOW)
    config.paths.tables.parent.mkdir(parents=True, exist_ok=True)
    with closing(sqlite3.connect(config.paths.tables)) as tables, tables:
        for table in ("cred", "learnt", "ask"):
            tables.execute(f"CREATE TABLE {table} (key_name TEXT)")
        tables.execute("INSERT INTO ask VALUES (?)", (GONE,))
    return config


def kept(config: Config, work: Callable[[Edge, Changes, Keeper], Awaitable[None]]) -> None:
    async def run() -> None:
        edge = Edge()
        keeper = Keeper(config.paths, edge, LocalNumbering())  # type: ignore[arg-type]
        keeper.edge_is_new()
        tables = asyncio.create_task(keeper.tables())
        try:
            with closing(Changes.open(config.paths.journal)) as changes:
                await work(edge, changes, keeper)
            assert not tables.done()
        finally:
            tables.cancel()
            await asyncio.gather(tables, return_exceptions=True)
            keeper.close()

    asyncio.run(run())


def test_a_change_reaches_the_edge_and_its_end_too(config: Config) -> None:
    async def work(edge: Edge, changes: Changes, keeper: Keeper) -> None:
        await edge.until("100000", "ask")  # a reception
        await edge.until(GONE, None)
        changes.block(ONE, "anna", "lost", NOW)
        await edge.until(ONE, "blocked")
        changes.lift(ONE, "anna", NOW)
        await edge.until(ONE, None)
        changes.forward(Forwarding(extension=OTHER, condition=Condition.ALWAYS, target=ONE, set_at=NOW), "anna")
        await edge.until(OTHER, "ask")
        assert not keeper.fault

    kept(config, work)


def test_an_edge_that_is_new_is_given_all_again(config: Config) -> None:
    async def work(edge: Edge, changes: Changes, keeper: Keeper) -> None:
        await edge.until("100000", "ask")
        edge.tables["ask"] = {}
        keeper.edge_is_new()
        await edge.until("100000", "ask")

    kept(config, work)


def test_a_row_that_cannot_be_is_an_alarm_and_no_end(config: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("firmware.store.changes.checked", lambda kind, fields, classes: fields)

    async def work(edge: Edge, changes: Changes, keeper: Keeper) -> None:
        await edge.until("100000", "ask")
        changes.change("extension", ONE, {"hours": "whenever"}, "x", NOW)
        changes.block(OTHER, "anna", "lost", NOW)
        await edge.until(OTHER, "blocked")
        assert not keeper.fault
        changes.block(ONE, "anna", "lost", NOW)
        await edge.until(ONE, "blocked")
        assert list(keeper.unreadable) == [ONE]
        changes.change("extension", ONE, {"hours": None}, "x", NOW)
        changes.lift(ONE, "anna", NOW)
        await edge.until(ONE, None)
        assert not keeper.unreadable

    kept(config, work)


def test_a_unit_that_cannot_be_is_named_and_its_phones_are_asked_about(config: Config) -> None:
    with closing(connect(config.paths.directory, "directory")) as directory:
        (unit,) = directory.execute("SELECT unit FROM extension WHERE number = ?", (ONE,)).fetchone()

    async def work(edge: Edge, changes: Changes, keeper: Keeper) -> None:
        await edge.until("100000", "ask")
        # What is to be done in vain keeps a phone plain, but has it looked at.
        changes.forward(Forwarding(extension=ONE, condition=Condition.NO_ANSWER, target=OTHER, set_at=NOW), "anna")
        with closing(sqlite3.connect(config.paths.journal)) as journal, journal:
            journal.execute("INSERT INTO change VALUES ('unit', ?, 'colour', '1', '', '')", (unit,))
        changes.block(OTHER, "anna", "lost", NOW)
        changes.change("unit", unit, {"name": "Bygg"}, "x", NOW)
        await edge.until(ONE, "ask")
        assert {f"unit {unit}", ONE} <= keeper.unreadable.keys()
        assert edge.tables["ask"][OTHER] == "blocked"

    kept(config, work)


def test_what_is_found_by_looking_is_told_once_and_shown(config: Config) -> None:
    """An empty department to its telephony contact (B3), a forwarding to a mobile to operations (C5)."""
    with closing(connect(config.paths.directory, "directory")) as directory, directory:
        (unit,) = directory.execute("SELECT unit FROM extension WHERE number = ?", (ONE,)).fetchone()
        directory.execute("UPDATE unit SET telephony_contact = 'anna' WHERE id = ?", (unit,))
        phones = directory.execute(PHONES, (unit,)).fetchall()
        directory.execute("UPDATE person SET mobile = '+46701234567' WHERE key = 1")
    began = datetime.now(UTC)

    def away(number: str) -> Referral:
        return Referral(
            id=f"r{number}", extension=number, reason="vacation", start=began - timedelta(days=2), until=None,
            source=Source.MANAGER, set_by="x", set_at=began,
        )  # fmt: skip

    async def work(edge: Edge, changes: Changes, keeper: Keeper) -> None:
        changes.forward(
            Forwarding(extension=OTHER, condition=Condition.BUSY, target="+46701234567", set_at=NOW), "anna"
        )
        changes.refer(away(number) for (number,) in phones[1:])
        await keeper._in_store(keeper._notice_once)
        assert [notice.note.words for notice in keeper.notices_told] == ["forwarded_to_mobile"]
        changes.refer([away(phones[0][0])])
        for _ in range(3):
            await keeper._in_store(keeper._notice_once)
        assert not keeper.fault
        told = {notice.note.words: notice for notice in keeper.notices_told}
        assert {words: (notice.note.to, notice.told) for words, notice in told.items()} == {
            "forwarded_to_mobile": ("operations", 1),
            "department_empty": ("anna", 1),
        }
        problems = {problem.id: problem for problem in _notice_problems(keeper.notices_told)}
        assert "is empty all" in problems["RVX-H04"].observed
        assert problems["RVX-H05"].observed == f"{OTHER} is forwarded to a mobile"

    kept(config, work)
    with closing(sqlite3.connect(config.paths.journal)) as journal:
        rows = journal.execute("SELECT subject, body FROM outbox WHERE kind = 'notice' ORDER BY subject").fetchall()
    assert [subject for subject, _ in rows] == ["anna", "operations"]


def test_an_outage_is_one_incident_over_starts_of_the_unit_and_ends(config: Config) -> None:
    away = start(0.0, ModeSettings(3, 10, 600, 60), Mode.SURVIVAL, ModePath.LINE)

    async def began(edge: Edge, changes: Changes, keeper: Keeper) -> None:
        await keeper.note(away)

    async def ended(edge: Edge, changes: Changes, keeper: Keeper) -> None:
        await keeper.note(replace(away, mode=Mode.RETURNING))
        await keeper.note(replace(away, mode=Mode.NORMAL))

    kept(config, began)
    kept(config, ended)
    with closing(Journal.open(config.paths.journal)) as journal:
        (incident,) = journal.incidents(10)
        assert journal.incident_open() is None
    assert incident.ended_at is not None


def test_notes_of_calls_are_kept_beside_them(config: Config) -> None:
    telling = Telling(config.paths.journal)
    note = Note(rule="F2", to="operations", words="guard_calls", fill=(("extension", ONE),))
    for _ in range(20):
        telling.tell(note)
    telling.close()
    with closing(Journal.open(config.paths.journal)) as journal:
        (kept,) = journal.notices(datetime.now(UTC) - timedelta(hours=1), 10)
    assert (kept.note, kept.told) == (note, 1)


def test_what_is_met_again_is_written_seldom_and_told_when_it_is_due(config: Config) -> None:
    note = Note(rule="C5", to="operations", words="forwarded_to_mobile", fill=(("extension", ONE),))
    with closing(Changes.open(config.paths.journal)) as changes:
        told, written = [], []
        for hours in range(0, 80, 2):
            before = changes._db.total_changes
            told += [hours] * changes.notice(note, NOW + timedelta(hours=hours))
            written += [hours] * (changes._db.total_changes > before)
        assert told == [0, 24, 72]
        assert written == list(range(0, 80, 6))


def test_a_file_of_tables_that_cannot_be_read_is_read_later(config: Config) -> None:
    whole = config.paths.tables.read_bytes()
    config.paths.tables.write_bytes(b"no database" * 1000)

    async def work(edge: Edge, changes: Changes, keeper: Keeper) -> None:
        await edge.until("100000", "ask")
        assert keeper.fault
        assert edge.tables["ask"][GONE] == "ask"
        config.paths.tables.write_bytes(whole)
        await edge.until(GONE, None)
        assert not keeper.fault

    kept(config, work)
