"""Keeps what the unit remembers: folds the edge's call journal, notes incidents, and makes the edge's table of
credentials what directory.db says. The store's connections belong to one thread, which is not the loop's."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import sqlite3
import time
from collections.abc import Callable, Mapping, Set
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TypeVar

from callcontrol.edge.rpc import EdgeError, EdgeRpc, EdgeUnreachable
from callcontrol.plan.compile import table as asked_table
from callcontrol.plan.notices import Notice
from callcontrol.plan.number import LocalNumbering
from callcontrol.plan.schedule import STOCKHOLM
from callcontrol.plan.service import Served, serving
from firmware import edgedb
from firmware.bindings import keep_bindings, written
from firmware.edge import credential_rows
from firmware.mail.problems import MailSeen
from firmware.modes import Mode, State
from firmware.news import News
from firmware.noticing import notes
from firmware.paths import Paths
from firmware.pushed import BackOff, Pushed
from firmware.status import Closed
from firmware.store import Directory, Journal, StoreError
from firmware.store.changes import Changes
from firmware.store.database import connect, to_text
from firmware.store.fold import AccFolder, acc_files
from firmware.store.leavers import Leavers
from firmware.store.mail import MailRows
from firmware.store.people import People
from firmware.ticks import tick

__all__ = ["Keeper"]

FOLD_EVERY_S = 1.0
TABLES_EVERY_S = 2.0
UNWRITTEN_S = 10.0
"""Files that nobody has written are looked at so often all the same: a day ends, a referral begins."""
NOTICES_EVERY_S = 60.0
SHOWN, SHOWN_MAX = timedelta(days=1), 100
"""What was told in this time is shown, so much at the most."""
BINDINGS_EVERY_S = 60.0
"""Kept so often where they outlive the machine."""
CALL_LASTS = timedelta(hours=4)
"""A call that is open for longer has lost its BYE: it does not keep the unit from going back."""
ASKED_EVERY = timedelta(seconds=30)
"""A referral that begins or ends by itself, or phone hours, are noticed so late."""
READ_TIMEOUT_S = 1.0
SWEEP_MOST_S = 60.0
"""Between two tries to read what the edge holds, where its file cannot be read."""

log = logging.getLogger("rvx")
T = TypeVar("T")


class Keeper:
    """Runs `fold` and `tables` for ever; what it has counted stands in its attributes, None where not known."""

    def __init__(self, paths: Paths, edge: EdgeRpc, numbering: LocalNumbering) -> None:
        self._paths = paths
        self._numbering = numbering
        self._edge = edge
        self._thread = ThreadPoolExecutor(1, "store")
        self._opened: dict[Path, sqlite3.Connection] = {}
        self._folder: AccFolder | None = None
        self._forgot_at: datetime | None = None
        self._incident: int | None = None
        self._people: People | None = None
        self._pushed = {table: Pushed(edge, table) for table in ("cred", "ask")}
        self._sweeps = {table: BackOff(TABLES_EVERY_S, SWEEP_MOST_S) for table in self._pushed}
        self._extensions: frozenset[str] = frozenset()  # those that may be here
        self._asked: Mapping[str, str] = {}
        self.unreadable: Mapping[str, str] = {}  # rows of people that cannot be read, and why
        self._asked_at: datetime | None = None
        self._counted: object = None  # of what `_count` last counted
        self._rows: dict[str, str] | None = None  # of the edge's table `cred`, as directory.db of `_version` has them
        self._version = 0
        self._edge_seen = False
        self._faults: dict[str, str] = {}  # by the work that could not be done
        self.notices_told: tuple[Notice, ...] = ()
        self.closed: tuple[Closed, ...] = ()  # receptions, as of the last minute
        self.mail: MailSeen | None = None
        self.records_today: int | None = None
        self.messages: int | None = None  # that callers have left
        self._calls_up: int | None = None
        self.known: int | None = None  # extensions with a credential, or learnt
        self.learnt: int | None = None  # of those, the learnt
        self.ready: int | None = None  # of those registered, the known

    @property
    def calls_up(self) -> int | None:
        """Calls that the unit decided, as of the last fold."""
        return None if self.fault else self._calls_up

    @property
    def fault(self) -> str:
        """Why the store does not do what was last asked of it; "" when it does all."""
        return next(iter(self._faults.values()), "")

    def edge_is_new(self) -> None:
        """What the edge has kept of its table may be older than directory.db."""
        self._edge_seen = True
        for table, pushed in self._pushed.items():
            pushed.forget()
            self._sweeps[table].well()

    async def fold(self) -> None:
        """Once a second, until cancelled, where Kamailio or somebody else has written."""
        news = News(UNWRITTEN_S, lambda: (*acc_files(self._paths.acc), self._paths.journal))
        while True:
            if news.came(time.monotonic()):
                rotate = await self._in_store(self._fold_once)
                if rotate:
                    with contextlib.suppress(EdgeUnreachable, EdgeError):
                        await self._edge.call("flatstore.k_rotate")
                if rotate or rotate is None:
                    news.again()
            await tick(FOLD_EVERY_S)

    async def tables(self) -> None:
        """Every other second, until cancelled, where one of the files says something new or something is left to do."""
        paths = self._paths
        news = News(UNWRITTEN_S, lambda: (paths.directory, paths.journal, paths.tables, paths.bindings))
        while True:
            if news.came(time.monotonic()) or not all(pushed.whole for pushed in self._pushed.values()):
                rows = await self._in_store(self._read_once)
                asked = await self._in_store(self._asked_once) if rows is not None and self._edge_seen else None
                for table, wanted in (("cred", rows if self._edge_seen else None), ("ask", asked)):
                    if wanted is not None:
                        await self._push(table, wanted)
                if rows is None or asked is None:
                    news.again()
            await tick(TABLES_EVERY_S)

    async def notices(self) -> None:
        """Once a minute, until cancelled: what is found by looking is told, and what was told is known."""
        while True:
            await self._in_store(self._notice_once)
            await asyncio.sleep(NOTICES_EVERY_S)

    async def bindings(self) -> None:
        """Once a minute, until cancelled."""
        while True:
            await asyncio.sleep(BINDINGS_EVERY_S)
            if self._edge_seen:
                await self._keep_bindings()

    async def note(self, state: State) -> None:
        """An incident lasts from the first moment of SURVIVAL to the end of RETURNING, over starts of this process."""
        now = datetime.now(UTC)
        away = state.mode in (Mode.SURVIVAL, Mode.RETURNING)

        def write() -> None:
            journal = self._open_journal()
            if self._incident is None:
                self._incident = journal.incident_open()
            if away and self._incident is None:
                cause = state.cause.value if state.cause else "unknown"
                self._incident = journal.incident_begin(now, cause, state.mode.value, state.reason.value)
            elif not away and self._incident is not None:
                journal.incident_end(self._incident, now)
                self._incident = None

        await self._in_store(write)

    async def flush(self) -> None:
        """What calls have left so far is in the store, and the store in its files, on the disk; and who is bound."""
        if await self._in_store(self._fold_once):
            with contextlib.suppress(EdgeUnreachable, EdgeError):
                await self._edge.call("flatstore.k_rotate")

        def work() -> None:
            for connection in self._opened.values():
                connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")

        await self._in_store(work)
        await self._keep_bindings()
        await asyncio.to_thread(os.sync)

    async def _keep_bindings(self) -> None:
        await self._in_store(lambda: keep_bindings(self._paths.bindings, self._paths.bindings_kept))

    def close(self) -> None:
        """Waits for what is being written."""
        self._thread.submit(self._close_files)  # a connection belongs to its thread
        self._thread.shutdown(wait=True)

    def _close_files(self) -> None:
        while self._opened:
            self._opened.popitem()[1].close()

    def _fold_once(self) -> bool:
        """Whether Kamailio is to be told that a file was renamed."""
        journal = self._open_journal()
        if self._folder is None:
            self._folder = AccFolder(self._paths.acc, journal)
        folded = self._folder.fold()
        if folded.garbage or folded.unreadable:
            log.warning("rvx-event kind=fold garbage=%d unreadable=%d", folded.garbage, len(folded.unreadable))
        midnight = datetime.now().astimezone().replace(hour=0, minute=0, second=0, microsecond=0)
        if midnight != self._forgot_at:
            journal.forget_steps(datetime.now(UTC))
            self._forgot_at = midnight
        self.records_today = journal.count_since(midnight.astimezone(UTC))
        self.messages = journal.messages()
        self._calls_up = journal.calls_up(datetime.now(UTC) - CALL_LASTS)
        due = self._folder.rotation_due()
        if due:
            self._folder.rename()
        return due

    def _read_once(self) -> dict[str, str]:
        directory = self._open_directory()
        version = directory.version()
        if self._rows is None or version != self._version:
            self._rows, self._version = credential_rows(directory.credentials()), version
        rows = self._rows
        with contextlib.suppress(sqlite3.Error):  # the edge has not made its tables yet
            self._count(rows.keys())
        return rows

    async def _push(self, table: str, rows: Mapping[str, str]) -> None:
        pushed, sweep, now = self._pushed[table], self._sweeps[table], asyncio.get_running_loop().time()
        if not pushed.swept and sweep.due(now):
            # What the edge holds beyond these rows is gone from the store since; it goes when its file can be read.
            names = await self._in_store(lambda: _names(self._paths.tables, table))
            if names is None:
                sweep.failed(now)
            else:
                pushed.holds(names)
                sweep.well()
        await pushed.push(rows)

    def _asked_once(self) -> Mapping[str, str]:
        """The edge's table `ask`: anew when something has changed, and now and then, as time goes on."""
        people = self._open_people()
        now = datetime.now(UTC)
        if people.look_again() or self._asked_at is None or now - self._asked_at > ASKED_EVERY:
            self._asked_at = None  # so that it is made anew where this fails
            self._asked, unreadable = asked_table(self._extensions | people.special(now), people, now)
            self.unreadable = {**people.unreadable, **unreadable}
            self._asked_at = now
        return self._asked

    def _notice_once(self) -> None:
        now, people = datetime.now(UTC), self._open_people()
        if people.look_again():
            self._asked_at = None
        changes = Changes(people.journal)
        for leaver in Leavers(people.journal).block_due(now.astimezone(STOCKHOLM).date(), now):
            log.info("rvx-event kind=leaver_blocked leaver=%s phones=%d", leaver.id, len(leaver.extensions))
        for note in notes(people, now):
            changes.notice(note, now)
        self.closed = tuple(
            Closed(entity.name, str(is_now.state), is_now.by_key, to_text(is_now.opens_at) if is_now.opens_at else None)
            for service, pressed in people.services()
            if (entity := people.entity(service.entity)) is not None
            and (is_now := serving(service, pressed, now)).state is not Served.OPEN
        )
        self.notices_told = self._open_journal().notices(now - SHOWN, SHOWN_MAX)
        self.mail = MailSeen.of(MailRows(people.journal), now)

    def _count(self, credentials: Set[str]) -> None:
        tables, bindings = written(self._paths.tables), written(self._paths.bindings)
        if (counted := (tables, bindings, self._version)) == self._counted:
            return
        learnt = _names(self._paths.tables, "learnt") - credentials
        self._extensions = known = frozenset(credentials | learnt)
        registered = _names(self._paths.bindings, "location", "username")
        self.known, self.learnt, self.ready = len(known), len(learnt), len(registered & known)
        self._counted = counted

    def _open(self, path: Path, schema: str) -> sqlite3.Connection:
        if path not in self._opened:
            self._opened[path] = connect(path, schema)
        return self._opened[path]

    def _open_journal(self) -> Journal:
        return Journal(self._open(self._paths.journal, "journal"))

    def _open_directory(self) -> Directory:
        return Directory(self._open(self._paths.directory, "directory"))

    def _open_people(self) -> People:
        if self._people is None:
            directory = self._open(self._paths.directory, "directory")
            self._people = People(directory, self._open(self._paths.journal, "journal"), self._numbering)
        return self._people

    async def _in_store(self, work: Callable[[], T]) -> T | None:
        """`work` in the store's thread; None, and the fault kept for the status, when the store does not do it."""
        try:
            result = await asyncio.get_running_loop().run_in_executor(self._thread, work)
        except (StoreError, sqlite3.Error, OSError) as error:
            if str(error) != self._faults.get(work.__qualname__):
                log.error("rvx-event kind=store_fault why=%s", str(error).replace(" ", "_"))
            self._faults[work.__qualname__] = str(error)
            return None
        self._faults.pop(work.__qualname__, None)
        return result


def _names(file: Path, table: str, column: str = "key_name") -> frozenset[str]:
    """Keys of one of the edge's tables, as it last wrote them: bindings each second, what it learnt each minute."""
    with edgedb.opened(file, READ_TIMEOUT_S) as db:
        return frozenset(str(row[0]) for row in db.execute(f"SELECT {column} FROM {table}"))  # noqa: S608  ours
