"""PINs and guesses as they are kept: by telephone and by page at once, over restarts."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from callcontrol.plan.number import LocalNumbering
from callcontrol.plan.pins import BY_CALLER_MAX, OF_EXTENSION_MAX, kept
from callcontrol.plan.steps import Note
from firmware.paths import Paths
from firmware.pins import Pins, PinsUnreadable
from firmware.store import Directory
from firmware.store.changes import Changes
from firmware.store.database import connect
from firmware.store.people import People
from firmware.store.pins import PinRows
from firmware.store.sessions import SessionRows

PIN, NEW, MOBILE, OTHER = "804715", "271828", "+46701112233", "+46709998877"
NOW = datetime.now(UTC)
EXTENSION = """
INSERT INTO municipality (id, name) VALUES ('n', 'Norrby');
INSERT INTO entity (id, municipality, name, greeting) VALUES ('n/n', 'n', 'Norrby', '');
INSERT INTO unit (id, entity, name, cost_centre, secret, unstaffed) VALUES ('n/n/b', 'n/n', 'Bygg', '', 0, 0);
INSERT INTO extension (number, kind, unit, reach, identity, voicemail)
    VALUES ('1001', 'group', 'n/n/b', 'default', 'direct', 0);
INSERT INTO extension (number, kind, unit, reach, identity, voicemail)
    VALUES ('1002', 'group', 'n/n/b', 'default', 'direct', 0);
"""


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    People.open(tmp_path / "directory.db", tmp_path / "journal.db", LocalNumbering()).close()
    with closing(connect(tmp_path / "directory.db", "directory")) as db:
        db.executescript(EXTENSION)
    with closing(Directory.open(tmp_path / "directory.db")) as directory:
        directory.put_pins({"1001": kept(PIN)})
    return Paths(tmp_path)


@pytest.fixture
def notes() -> list[Note]:
    return []


@pytest.fixture
async def pins(paths: Paths, notes: list[Note]) -> AsyncIterator[Pins]:
    made = Pins(paths, notes.append)
    yield made
    made.close()


async def test_the_right_one_is_right_and_counts_as_no_guess(pins: Pins) -> None:
    for _ in range(OF_EXTENSION_MAX + 1):
        assert await pins.proves(MOBILE, "1001", PIN)
    assert not await pins.proves(MOBILE, "1001", NEW)
    assert not await pins.proves(MOBILE, "1002", PIN), "has none"
    assert not await pins.proves(MOBILE, "9999", PIN), "nobody's"


async def test_guesses_end_for_an_extension_whoever_guesses_and_a_restart_forgets_none(
    pins: Pins, paths: Paths, notes: list[Note]
) -> None:
    for number in range(OF_EXTENSION_MAX):
        assert not await pins.proves(f"+4670000000{number}", "1001", "000000")
    assert [(note.words, note.fill) for note in notes] == [("pin_guessed", (("extension", "1001"),))]
    again = Pins(paths, notes.append)  # another process, or the next one
    assert not await again.proves(MOBILE, "1001", PIN), "the right one, too late"
    again.close()


async def test_whoever_guesses_elsewhere_does_not_lock_out_who_sits_at_the_phone_itself(pins: Pins) -> None:
    for number in range(OF_EXTENSION_MAX):
        assert not await pins.proves(f"web 10.0.0.{number}", "1001", "000000")
    assert not await pins.proves("1002", "1001", PIN), "another's phone"
    assert not await pins.proves("web 10.0.1.1", "1001", PIN)
    assert await pins.proves("1001", "1001", PIN)
    for _ in range(OF_EXTENSION_MAX):
        assert not await pins.proves("1001", "1001", "000000")
    assert not await pins.proves("1001", "1001", PIN), "who sits there has no more guesses than others"


async def test_guesses_end_for_a_caller(pins: Pins) -> None:
    for _ in range(BY_CALLER_MAX):
        assert await pins.may_try(OTHER)
        await pins.proves(OTHER, "1002", "000000")
    assert not await pins.may_try(OTHER)
    assert await pins.may_try(MOBILE)


async def test_a_pin_that_was_pressed_too_early_is_not_logged(
    pins: Pins, notes: list[Note], caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, logger="rvx"):
        for _ in range(OF_EXTENSION_MAX):
            await pins.proves(OTHER, PIN, "000000")
    assert notes == []
    assert "kind=pin_wrong extension=unknown" in caplog.text
    assert PIN not in caplog.text


async def test_it_is_changed_told_as_a_hash_and_ends_sessions(pins: Pins, paths: Paths) -> None:
    with closing(SessionRows.open(paths.journal)) as sessions:
        cookie = sessions.begin("1001", True, NOW)
        other = sessions.begin("1002", True, NOW)
        assert await pins.change("1001", "123456", "1001") is not None
        assert await pins.proves(MOBILE, "1001", PIN)
        assert await pins.change("1001", NEW, "1001") is None
        assert await pins.proves(MOBILE, "1001", NEW)
        assert not await pins.proves(MOBILE, "1001", PIN)
        assert sessions.of(cookie, NOW) is None
        assert sessions.of(other, NOW) is not None
    with closing(connect(paths.journal, "journal")) as db:
        ((kind, subject, body),) = db.execute("SELECT kind, subject, body FROM outbox").fetchall()
    assert (kind, subject) == ("pin", "1001")
    assert NEW not in body
    assert "argon2id" in body


async def test_one_of_a_blocked_extension_is_none(pins: Pins, paths: Paths) -> None:
    with closing(Changes.open(paths.journal)) as changes:
        changes.block("1001", "reception", "lost", NOW)
        assert not await pins.proves(MOBILE, "1001", PIN)
        changes.lift("1001", "reception", NOW)
    assert await pins.proves(MOBILE, "1001", PIN)


async def test_what_cannot_be_read_proves_nobody(pins: Pins, paths: Paths) -> None:
    paths.directory.write_bytes(b"no database" * 100)
    assert not await pins.proves(MOBILE, "1001", PIN)
    assert not await pins.may_try(MOBILE)
    with pytest.raises(PinsUnreadable):
        await pins.change("1001", NEW, "1001")


async def test_a_clock_that_was_wrong_locks_nobody_out_for_years(pins: Pins, paths: Paths) -> None:
    """Guesses of the time before count from when that was seen: an hour, and no less."""
    now = datetime.now(UTC)
    with closing(PinRows.open(paths.directory, paths.journal)) as rows:
        for _ in range(BY_CALLER_MAX):
            rows.begin(MOBILE, "1001", now + timedelta(days=3_650))
        assert not rows.allows(MOBILE, now)
        assert not rows.begin(MOBILE, "1001", now + timedelta(minutes=59)).heeded
        later = now + timedelta(minutes=61)
        assert rows.allows(MOBILE, later)
        assert rows.begin(MOBILE, "1001", later).heeded
