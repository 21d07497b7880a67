"""The shell of the calendars: asks for each when its time has come, has it read apart, and writes what it comes to.

It needs nothing but the two databases, and nobody waits for it. A few calendars are asked for at once; one child reads
at a time. A calendar that says by its marks or its bytes what it said before is not read again, but once in
`WHOLE_EVERY` for what time has brought near. Files are read and written by a thread of its own.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import random
import sqlite3
import traceback
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import TypeVar

from callcontrol.plan.agenda import Entry, Passed
from firmware.calendars.address import Policy
from firmware.calendars.child import NotRead, read_apart
from firmware.calendars.fetching import Fetched, Fetcher, NotFetched
from firmware.calendars.meaning import agenda_of
from firmware.config import Config
from firmware.store.calendars import CalendarRows, Due
from firmware.store.database import StoreError
from firmware.store.people import People, UnreadableRow

__all__ = ["CalendarKeeper", "next_after"]

AT_ONCE = 4
"""Calendars asked for at a time."""
LOOK_S = 1.0
"""A new subscription is met within it."""
BACK_OFF_MAX_S = 3_600.0
ASKED_TO_WAIT_MAX_S = 6 * 3_600.0
SPREAD = 0.1
"""Of each wait, by chance: many calendars are not asked for together for ever."""
WHOLE_EVERY = timedelta(hours=12)
SHOWN_EVERY = timedelta(minutes=10)
"""That a calendar was read and said nothing new is written so often."""
STORE_AGAIN_S = 30.0

log = logging.getLogger("rvx")
T = TypeVar("T")


def next_after(every_s: float, failures: int, after_s: float, chance: float) -> timedelta:
    """The wait before a calendar is asked for again. `failures` in a row, this one among them; `after_s`: what the
    server wants; `chance`: 0 to 1."""
    wait_s = min(every_s * 2 ** min(failures, 20), max(BACK_OFF_MAX_S, every_s)) if failures else every_s
    asked_s = min(after_s, ASKED_TO_WAIT_MAX_S)
    return timedelta(seconds=max(wait_s, asked_s) * (1 + SPREAD * chance))


class _NoStore(Exception):
    """What was done is not written."""


class CalendarKeeper:
    """One per process; `run` returns only by being cancelled."""

    def __init__(self, config: Config, *, fetch: Callable[[str, str, str], Awaitable[Fetched]] | None = None) -> None:
        self._config = config
        policy = Policy.of(config.calendars.servers, config.network.phone_networks)
        self._fetch = fetch or Fetcher(policy).fetch
        self._reading = asyncio.Semaphore(1)
        self._thread = ThreadPoolExecutor(1, "calendars")
        self._rows: CalendarRows | None = None
        self._people: People | None = None
        self._known: tuple[Due, ...] | None = None
        self._written = -1
        self._held: dict[str, tuple[datetime, datetime]] = {}  # by id: what is written, and when it is due

    async def run(self) -> None:
        """Until cancelled."""
        under_way: dict[str, asyncio.Task[None]] = {}
        try:
            while True:
                for due in await self._due():
                    if due.extension not in under_way and len(under_way) < AT_ONCE:
                        under_way[due.extension] = asyncio.create_task(self._keep(due))
                if under_way:
                    await asyncio.wait(under_way.values(), timeout=LOOK_S, return_when=asyncio.FIRST_COMPLETED)
                    under_way = {name: task for name, task in under_way.items() if not task.done()}
                else:
                    await asyncio.sleep(LOOK_S)
        finally:
            for task in under_way.values():
                task.cancel()
            await asyncio.gather(*under_way.values(), return_exceptions=True)
            await asyncio.get_running_loop().run_in_executor(self._thread, self._close)
            self._thread.shutdown()

    async def _due(self) -> tuple[Due, ...]:
        """Those that are under way may be among them."""
        try:
            known = await self._ask(self._waiting)
        except _NoStore:
            await asyncio.sleep(STORE_AGAIN_S)
            return ()
        self._held = {due.id: self._held[due.id] for due in known if due.id in self._held}
        now = datetime.now(UTC)
        return tuple(due for due in known if self._next_at(due) <= now)

    def _waiting(self, rows: CalendarRows) -> tuple[Due, ...]:
        """Read again only when something was written."""
        if self._known is None or rows.written() != self._written:
            self._written = rows.written()
            self._known = rows.waiting()
        return self._known

    def _next_at(self, due: Due) -> datetime:
        """What is written, but where it was asked for since and said nothing new."""
        written, held = self._held.get(due.id, (None, due.next_at))
        return held if written == due.next_at else due.next_at

    async def _keep(self, due: Due) -> None:
        """One calendar, once. Where the store takes nothing it is not asked for again at once, either."""
        try:
            await self._told(due)
        except _NoStore:
            await asyncio.sleep(STORE_AGAIN_S)

    async def _told(self, due: Due) -> None:
        """Raises _NoStore."""
        try:
            fault, after_s = await self._once(due), 0.0
        except NotFetched as error:
            fault, after_s = error.fault, error.after_s
        except NotRead as error:
            fault, after_s = error.fault, 0.0
        except _NoStore:
            raise
        except Exception as error:  # one calendar must not end the others; an error's words may have its address
            frame = traceback.extract_tb(error.__traceback__)[-1]
            log.warning(
                "calendar of %s: %s at %s:%s", due.extension, type(error).__name__, frame.filename, frame.lineno
            )
            fault, after_s = "broken", 0.0
        if fault:
            now = datetime.now(UTC)
            wait = self._wait(due.failures + 1, after_s)
            if not due.failures:
                log.warning("calendar of %s cannot be read: %s", due.extension, fault)
            await self._ask(lambda rows: self._wrote(rows.failed(due, fault, now, now + wait)))

    async def _once(self, due: Due) -> str:
        """ "", or why it could not be taken in. Raises NotFetched, NotRead, _NoStore."""
        fresh = due.whole_at is not None and datetime.now(UTC) - due.whole_at < WHOLE_EVERY
        fetched = await self._fetch(due.url, due.etag if fresh else "", due.modified if fresh else "")
        digest = due.digest if fetched.body is None else hashlib.sha256(fetched.body).hexdigest()
        now = datetime.now(UTC)
        if fetched.body is None or (fresh and digest == due.digest):
            if not fresh and fetched.body is None:
                return "broken"  # who was asked for all of it says that nothing is new
            await self._unchanged(due, now)
            return ""
        async with self._reading:
            entries, passed = await read_apart(fetched.body, now)
        return await self._ask(lambda rows: self._take(rows, due, entries, passed, fetched, digest))

    async def _unchanged(self, due: Due, now: datetime) -> None:
        """Written only now and then: each is a write of the disk, and there are hundreds of calendars a minute."""
        next_at = now + self._wait(0)
        if due.fault or due.read_at is None or now - due.read_at > SHOWN_EVERY:
            await self._ask(lambda rows: self._wrote(rows.unchanged(due, now, next_at)))
        else:
            self._held[due.id] = due.next_at, next_at

    def _wrote(self, done: bool) -> bool:
        """What was read of the table before is old; SQLite tells a connection nothing of its own writes."""
        self._known = None
        return done

    def _take(
        self,
        rows: CalendarRows,
        due: Due,
        entries: list[Entry],
        passed: dict[Passed, int],
        fetched: Fetched,
        digest: str,
    ) -> str:
        now = datetime.now(UTC)
        people = self._opened_people()
        people.look_again()
        try:
            agenda = agenda_of(people, due.extension, entries, passed, now)
        except UnreadableRow:
            return "broken"
        if agenda is None:
            return "nobody"
        self._known = None
        next_at = now + self._wait(0)
        rows.read(due, agenda, now, next_at, etag=fetched.etag, modified=fetched.modified, digest=digest)
        return ""

    def _wait(self, failures: int, after_s: float = 0.0) -> timedelta:
        return next_after(self._config.calendars.every_s, failures, after_s, random.random())  # noqa: S311  no secret

    # By the thread

    async def _ask(self, work: Callable[[CalendarRows], T]) -> T:
        """Raises _NoStore where a database cannot be read or written, which is logged."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._done, work)

    def _done(self, work: Callable[[CalendarRows], T]) -> T:
        try:
            if self._rows is None:
                self._rows = CalendarRows.open(self._config.paths.journal)
            return work(self._rows)
        except (StoreError, sqlite3.Error) as error:
            log.warning("calendars: %s", error)
            self._close()
            raise _NoStore from None

    def _opened_people(self) -> People:
        if self._people is None:
            paths = self._config.paths
            self._people = People.open(paths.directory, paths.journal, self._config.numbering.local)
        return self._people

    def _close(self) -> None:
        for opened in (self._rows, self._people):
            if opened is not None:
                with suppress(sqlite3.Error):
                    opened.close()
        self._rows = self._people = self._known = None
