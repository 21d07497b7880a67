"""The shell: a calendar that somebody subscribes to is read within seconds, and again, and never in vain."""

from __future__ import annotations

import asyncio
import logging
import sqlite3
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, closing, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from callcontrol.plan.model import Choices, Entity, Extension, Kind, Unit
from callcontrol.plan.number import LocalNumbering
from callcontrol.plan.reach import DEFAULT_CLASS
from firmware.calendars import keeping
from firmware.calendars.child import read_apart
from firmware.calendars.fetching import Fetched, NotFetched
from firmware.calendars.keeping import ASKED_TO_WAIT_MAX_S, BACK_OFF_MAX_S, CalendarKeeper, next_after
from firmware.config import Config, default
from firmware.store.calendars import CalendarRows, Calendars, Subscription
from firmware.store.load import Bulk, Municipality, load
from firmware.store.people import People

SECRET = "https://kalender.norrby.example/4f2c/secret7/calendar.ics"


def calendar(*said: str) -> bytes:
    """Entries from an hour ago for three hours."""
    now = datetime.now(UTC).replace(microsecond=0)
    start, end = (f"{now + timedelta(hours=hours):%Y%m%dT%H%M%SZ}" for hours in (-1, 2))
    events = [
        f"BEGIN:VEVENT\r\nUID:{text}\r\nSUMMARY:{text}\r\nDTSTART:{start}\r\nDTEND:{end}\r\nEND:VEVENT" for text in said
    ]
    return "\r\n".join(("BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:x", *events, "END:VCALENDAR", "")).encode()


class Server:
    """Says what it is told to say, and remembers what it was asked."""

    def __init__(self) -> None:
        self.says: Fetched | NotFetched = Fetched(calendar())
        self.asked: list[tuple[str, str, str]] = []
        self._came = asyncio.Event()

    async def times(self, number: int) -> None:
        """Until it was asked so often."""
        while len(self.asked) < number:
            self._came.clear()
            await self._came.wait()

    async def fetch(self, url: str, etag: str, modified: str) -> Fetched:
        self.asked.append((url, etag, modified))
        self._came.set()
        if isinstance(self.says, NotFetched):
            raise self.says
        return self.says


@pytest.fixture
def config(tmp_path: Path) -> Config:
    found = default(tmp_path)
    people = People.open(found.paths.directory, found.paths.journal, LocalNumbering())
    bulk = Bulk(
        municipalities=(Municipality(id="norrby", name="Norrby", choices=Choices(calendar_text=True)),),
        classes=(DEFAULT_CLASS,),
        entities=(Entity(id="kommun", name="Norrby kommun", municipality="norrby", greeting="Hej"),),
        units=(Unit(id="bygg", name="Bygg", entity="kommun"),),
        people=(),
        extensions=(Extension(number="1001", kind=Kind.OFFICE, unit="bygg", reach=DEFAULT_CLASS),),
    )
    load(people.directory, bulk, "by hand", datetime.now(UTC))
    people.close()
    return found


@asynccontextmanager
async def kept(config: Config, server: Server) -> AsyncIterator[None]:
    task = asyncio.create_task(CalendarKeeper(config, fetch=server.fetch).run())
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def until(config: Config, so: Callable[[Subscription], bool]) -> Subscription:
    async with asyncio.timeout(30):
        while True:
            with closing(Calendars.open(config.paths.journal)) as rows:
                found = rows.of("1001")
            if found is not None and so(found):
                return found
            await asyncio.sleep(0.02)


def subscribe(config: Config, extension: str = "1001", at: datetime | None = None) -> None:
    with closing(Calendars.open(config.paths.journal)) as rows:
        rows.subscribe(extension, SECRET, "anna", at or datetime.now(UTC))


def reason_of(config: Config) -> str | None:
    people = People.open(config.paths.directory, config.paths.journal, LocalNumbering())
    with closing(people):
        people.look_again()
        absent = people.absent("1001", datetime.now(UTC))
    return absent.reason if absent else None


async def test_within_seconds_of_a_subscription_and_of_a_change(
    config: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keeping, "LOOK_S", 0.05)
    server = Server()
    server.says = Fetched(calendar("SAM: budget"), etag='"1"')
    async with kept(config, server):
        subscribe(config)
        found = await until(config, lambda one: one.read_at is not None)
        assert [(one.reason, one.information) for one in found.understood] == [("meeting", "budget")]
        assert reason_of(config) == "meeting"
        server.says = Fetched(calendar("TJÄ: Umeå"), etag='"2"')
        with closing(Calendars.open(config.paths.journal)) as rows:
            rows.again("1001", datetime.now(UTC))
        await until(config, lambda one: [meant.reason for meant in one.understood] == ["business_trip"])
        assert reason_of(config) == "business_trip"
        server.says = Fetched(calendar())
        with closing(Calendars.open(config.paths.journal)) as rows:
            rows.again("1001", datetime.now(UTC))
        await until(config, lambda one: not one.understood)
        assert reason_of(config) is None
    assert [marks for _, *marks in server.asked] == [["", ""], ['"1"', ""], ['"2"', ""]]


async def test_one_that_says_the_same_is_neither_read_nor_written(
    config: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keeping, "LOOK_S", 0.02)
    monkeypatch.setattr(keeping, "next_after", lambda *_: timedelta(seconds=0.05))
    read = []

    async def counted(body: bytes, now: datetime) -> object:
        read.append(now)
        return await read_apart(body, now)

    monkeypatch.setattr(keeping, "read_apart", counted)
    server = Server()
    body = calendar("SAM: budget")
    server.says = Fetched(body)
    subscribe(config)
    async with kept(config, server):
        first = await until(config, lambda one: one.read_at is not None)
        server.says = Fetched(None)
        asked = len(server.asked)
        await server.times(asked + 5)
        server.says = Fetched(body)
        await server.times(asked + 10)
        assert await until(config, lambda _: True) == first
    assert len(read) == 1


@pytest.mark.parametrize(
    ("says", "fault"),
    [
        (NotFetched("gone"), "gone"),
        (Fetched(b"<html>Sign in"), "not_calendar"),
        (Fetched(None), "broken"),
    ],
)
async def test_what_was_said_goes_on_while_it_cannot_be_read(
    config: Config,
    monkeypatch: pytest.MonkeyPatch,
    says: Fetched | NotFetched,
    fault: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(keeping, "LOOK_S", 0.02)
    server = Server()
    server.says = Fetched(calendar("SAM: budget"))
    subscribe(config)
    with caplog.at_level(logging.DEBUG):
        async with kept(config, server):
            await until(config, lambda one: one.read_at is not None)
            server.says = says
            monkeypatch.setattr(keeping, "WHOLE_EVERY", timedelta(0))
            with closing(Calendars.open(config.paths.journal)) as rows:
                rows.again("1001", datetime.now(UTC))
            found = await until(config, lambda one: bool(one.fault))
            assert (found.fault, found.failures) == (fault, 1)
            assert reason_of(config) == "meeting"
            server.says = Fetched(calendar())
            with closing(Calendars.open(config.paths.journal)) as rows:
                rows.again("1001", datetime.now(UTC))
            await until(config, lambda one: not one.fault)
            assert reason_of(config) is None
    assert fault in caplog.text
    assert "secret7" not in caplog.text
    assert "budget" not in caplog.text


async def test_a_fault_of_ours_ends_no_other_calendar_and_tells_no_address(
    config: Config, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(keeping, "LOOK_S", 0.02)

    class Broken(Server):
        async def fetch(self, url: str, etag: str, modified: str) -> Fetched:
            raise RuntimeError(url)

    subscribe(config)
    async with kept(config, Broken()):
        assert (await until(config, lambda one: bool(one.fault))).fault == "broken"
    assert "RuntimeError" in caplog.text
    assert "secret7" not in caplog.text


async def test_one_whose_extension_is_no_more(config: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keeping, "LOOK_S", 0.02)
    server = Server()
    subscribe(config, "1999")
    subscribe(config)
    async with kept(config, server):
        await until(config, lambda one: one.read_at is not None)
        async with asyncio.timeout(30):
            while True:
                with closing(Calendars.open(config.paths.journal)) as rows:
                    found = rows.of("1999")
                if found is not None and found.fault:
                    break
                await asyncio.sleep(0.02)
    assert found.fault == "nobody"


async def test_a_store_that_fails_is_not_asked_again_at_once(
    config: Config, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Nor is the calendar: a full disk must not become a flood of questions."""
    monkeypatch.setattr(keeping, "LOOK_S", 0.02)
    server = Server()
    subscribe(config)

    def full(self: object, *_: object, **__: object) -> bool:
        raise sqlite3.OperationalError("disk is full")

    monkeypatch.setattr(CalendarRows, "read", full)
    async with kept(config, server):
        async with asyncio.timeout(30):
            while "disk is full" not in caplog.text:  # noqa: ASYNC110  a line of a log has no event
                await asyncio.sleep(0.02)
        await asyncio.sleep(0.3)
        assert len(server.asked) == 1


def test_waits_grow_and_end() -> None:
    waits = [next_after(60, failures, 0, 0).total_seconds() for failures in range(40)]
    assert waits[:4] == [60, 120, 240, 480]
    assert waits == sorted(waits)
    assert waits[-1] == BACK_OFF_MAX_S
    assert next_after(60, 0, 0, 1).total_seconds() == pytest.approx(66)
    assert next_after(60, 1, 900, 0).total_seconds() == 900
    assert next_after(60, 1, 1e9, 0).total_seconds() == ASKED_TO_WAIT_MAX_S
    assert next_after(3600, 5, 0, 0).total_seconds() == 3600
