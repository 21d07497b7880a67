"""Mailboxes: what lies in them, who may touch it, and what the platform hears of it."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import settings as bounds
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule
from hypothesis.strategies import integers, sampled_from

from firmware.store.mailbox import Greeting, GreetingKind, Mailbox, MailKind, Settings, Waiting
from firmware.store.messages import Message, MessageRows
from tests.firmware.store.conftest import Store

NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)
DAY = timedelta(days=1)


@pytest.fixture
def journal(tmp_path: Path) -> Path:
    return tmp_path / "journal.db"


@pytest.fixture
def mailbox(journal: Path) -> Iterator[Mailbox]:
    with closing(Mailbox.open(journal)) as opened:
        yield opened


def leave(journal: Path, name: str, extension: str = "1001", at: datetime = NOW, length_ms: int = 2000) -> None:
    with closing(MessageRows.open(journal)) as rows:
        message = Message(id=name, extension=extension, caller="1002", call_id="c", why="busy", left_at=at)
        rows.begin(message)
        if length_ms:
            rows.left(Message(id=name, extension=extension, caller="1002", left_at=at, length_ms=length_ms))


def told(journal: Path, kind: str) -> list[dict[str, object]]:
    with closing(sqlite3.connect(journal)) as db:
        sql = "SELECT body FROM outbox WHERE kind = ? ORDER BY number"
        return [json.loads(body) for (body,) in db.execute(sql, (kind,))]


def test_what_lies_in_it_newest_first(mailbox: Mailbox, journal: Path) -> None:
    leave(journal, "a")
    leave(journal, "b", at=NOW + DAY)
    leave(journal, "being spoken", length_ms=0)
    leave(journal, "another's", extension="1002")
    assert [held.id for held in mailbox.of("1001")] == ["b", "a"]
    assert mailbox.waiting("1001") == Waiting(2, 0)
    assert mailbox.heard("1001", "a", "1001", NOW)
    assert not mailbox.heard("1001", "a", "1001", NOW + DAY), "once"
    assert mailbox.waiting("1001") == Waiting(1, 1)
    assert mailbox.all_waiting() == {"1001": Waiting(1, 1), "1002": Waiting(1, 0)}
    (held,) = (held for held in mailbox.of("1001") if held.id == "a")
    assert (held.heard_at, held.kept_at, held.caller, held.length_ms) == (NOW, None, "1002", 2000)
    assert told(journal, "message_state") == [{"id": "a", "heard_at": "2026-11-23T09:00:00.000000Z", "set_by": "1001"}]


@pytest.mark.parametrize("what", ["heard", "keep", "discard", "restore"])
def test_nobody_touches_what_lies_in_anothers(what: str, mailbox: Mailbox, journal: Path) -> None:
    leave(journal, "a")
    assert mailbox.one("1002", "a") is None
    assert not getattr(mailbox, what)("1002", "a", "1002", NOW)
    assert not getattr(mailbox, what)("1001", "no such", "1001", NOW)
    assert told(journal, "message_state") == []


def test_what_is_discarded_is_out_of_it_and_its_row_stays(mailbox: Mailbox, journal: Path) -> None:
    leave(journal, "a")
    assert mailbox.discard("1001", "a", "1001", NOW)
    assert mailbox.of("1001") == ()
    assert not mailbox.keep("1001", "a", "1001", NOW)
    with closing(MessageRows.open(journal)) as rows:
        assert rows.all()["a"].length_ms == 2000
    assert mailbox.restore("1001", "a", "1001", NOW)
    assert mailbox.waiting("1001") == Waiting(0, 1), "who has put it away has heard it"


def test_how_long_nobody_has_listened(mailbox: Mailbox, journal: Path) -> None:
    leave(journal, "old", at=NOW - 2 * DAY)
    leave(journal, "new", at=NOW)
    leave(journal, "other", extension="1002", at=NOW)
    assert mailbox.unheard_since(NOW - DAY) == {"1001": NOW - 2 * DAY}
    mailbox.heard("1001", "old", "1001", NOW)
    assert mailbox.unheard_since(NOW - DAY) == {}


def test_a_temporary_greeting_lies_over_the_personal_one_while_it_lasts(mailbox: Mailbox, journal: Path) -> None:
    def greeting(kind: GreetingKind, name: str, until: datetime | None = None) -> Greeting:
        return Greeting(extension="1001", kind=kind, id=name, length_ms=900, until=until, set_at=NOW, set_by="1001")

    assert mailbox.greeting("1001", NOW) is None
    assert mailbox.greet(greeting(GreetingKind.PERSONAL, "p1")) is None
    assert mailbox.greet(greeting(GreetingKind.PERSONAL, "p2")) == "p1", "whose sound may go"
    assert mailbox.greet(greeting(GreetingKind.TEMPORARY, "t", NOW + DAY)) is None
    in_force = [mailbox.greeting("1001", NOW + late) for late in (timedelta(), DAY)]
    assert [each.id for each in in_force if each] == ["t", "p2"]
    assert mailbox.all_greetings() == {"p2", "t"}
    assert mailbox.end_greeting("1001", GreetingKind.PERSONAL, "1001", NOW) == "p2"
    assert mailbox.end_greeting("1001", GreetingKind.PERSONAL, "1001", NOW) is None
    assert mailbox.greeting("1001", NOW + DAY) is None
    with pytest.raises(sqlite3.IntegrityError):
        mailbox.greet(greeting(GreetingKind.PERSONAL, "x", NOW))
    assert [row.get("ended") for row in told(journal, "greeting")] == [None, None, None, True]


def test_how_it_is_to_be(mailbox: Mailbox, journal: Path) -> None:
    assert mailbox.settings("1001") == Settings(takes_messages=True, mail=MailKind.SITE)
    wanted = Settings(takes_messages=False, mail=MailKind.NOTICE)
    assert mailbox.set("1001", wanted, "1001", NOW)
    assert not mailbox.set("1001", wanted, "1001", NOW)
    assert mailbox.settings("1001") == wanted
    assert len(told(journal, "mailbox")) == 1


def test_whoever_decides_sees_it_at_once(store: Store) -> None:
    """Also what another process did since (firmware/store/people.py)."""

    def seen() -> tuple[bool, datetime | None]:
        extension = store.again().extension("1001")
        assert extension is not None
        return extension.takes_messages, extension.unheard_since

    journal = store.folder / "journal.db"
    assert seen() == (True, None)
    leave(journal, "a")
    assert seen() == (True, NOW)
    with closing(Mailbox.open(journal)) as mailbox:
        mailbox.heard("1001", "a", "1001", NOW)
        mailbox.set("1001", Settings(takes_messages=False), "1001", NOW)
    assert seen() == (False, None)


class Mailboxes(RuleBasedStateMachine):
    """Against sets: whatever is done in whatever order, what lies where is what was left and not discarded."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = TemporaryDirectory()
        self.mailbox = Mailbox.open(Path(self.folder.name) / "journal.db")
        self.there: dict[str, tuple[str, bool]] = {}  # extension, heard
        self.gone: dict[str, str] = {}
        self.changes = 0

    @rule(extension=sampled_from(["1001", "1002"]))
    def left(self, extension: str) -> None:
        name = f"m{len(self.there) + len(self.gone)}"
        MessageRows(self.mailbox._db).left(Message(id=name, extension=extension, left_at=NOW, length_ms=1))
        self.there[name] = (extension, False)

    @rule(
        what=sampled_from(["heard", "keep", "discard", "restore"]), number=integers(0, 9),
        extension=sampled_from(["1001", "1002"]),
    )  # fmt: skip
    def touched(self, what: str, number: int, extension: str) -> None:
        name = f"m{number}"
        did = getattr(self.mailbox, what)(extension, name, extension, NOW)
        self.changes += did
        mine = self.there.get(name, ("", False))[0] == extension
        if what == "restore":
            assert did is (self.gone.get(name) == extension)
            if did:
                del self.gone[name]
                self.there[name] = (extension, True)
        elif not mine:
            assert not did
        elif what == "discard":
            assert did
            del self.there[name]
            self.gone[name] = extension
        else:
            self.there[name] = (extension, True)

    @invariant()
    def is_so(self) -> None:
        for extension in ("1001", "1002"):
            mine = {name: heard for name, (whose, heard) in self.there.items() if whose == extension}
            found = {held.id: held.heard_at is not None for held in self.mailbox.of(extension)}
            assert found == mine
            waiting = self.mailbox.waiting(extension)
            assert (waiting.new, waiting.old) == (len(mine) - sum(mine.values()), sum(mine.values()))
        sql = "SELECT count(*) FROM outbox WHERE kind = 'message_state'"
        assert self.mailbox._db.execute(sql).fetchone()[0] == self.changes

    def teardown(self) -> None:
        self.mailbox.close()
        self.folder.cleanup()


Mailboxes.TestCase.settings = bounds(max_examples=30, stateful_step_count=20, deadline=None)
TestMailboxes = Mailboxes.TestCase
