"""What is queued goes, once, whatever the server and the process do meanwhile; and who is to be told is."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from callcontrol.plan.memo import Memo
from callcontrol.plan.memo import State as MemoState
from callcontrol.plan.model import Person
from callcontrol.plan.number import LocalNumbering
from callcontrol.plan.steps import Note
from firmware.config import Config, Mail, MailKey, Secrets, default
from firmware.mail.policy import AGAIN_AFTER_DOUBT, SERVER_BACK_OFF, Kind, State
from firmware.mail.sender import Sender, server_of
from firmware.mail.smtp import Limits
from firmware.store import Journal
from firmware.store.changes import Changes
from firmware.store.load import Bulk, load
from firmware.store.mail import Mail as Letter
from firmware.store.mail import MailRows
from firmware.store.memos import MemoRows
from firmware.store.people import People
from firmware.store.sms import SmsRows
from hil.sim.mailserver import HANG_UP, MailServer
from tests.firmware.store.conftest import bulk as bulk_of_norrby

NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)
ANNA = "anna@norrby.example"
QUICK = Limits(step_s=0.5, end_s=0.5, session_s=2.0)
EVERYBODY = (
    Person(id="anna", given="Anna", family="Öberg", unit="bygg", email=ANNA, sms="+46701111111"),
    Person(id="bo", given="Bo", family="Ek", unit="bygg", sms="+46702222222"),
    Person(id="siv", given="Siv", family="Lund", unit="bygg", email="siv@norrby.example", protected=True),
)
"""1001, 1002, 1003."""


@pytest.fixture(scope="module")
def norrby(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("norrby")
    Changes.open(folder / "journal.db").close()
    people = People.open(folder / "directory.db", folder / "journal.db", LocalNumbering())
    load(people.directory, bulk(), "by hand", NOW)
    people.close()
    return folder


def bulk() -> Bulk:
    return bulk_of_norrby(EVERYBODY)


@pytest.fixture
def server() -> Iterator[MailServer]:
    running = MailServer()
    yield running
    running.close()


class Site:
    """A unit's mail, its clock in our hands."""

    def __init__(self, state: Path, server: MailServer, **fields: Any) -> None:
        known: dict[str, Any] = {
            "server": f"127.0.0.1:{server.port}", "security": "none", "sender": "reservvaxel@norrby.example",
            "alarm_addresses": ("it@norrby.example",), "per_minute": 600,
        }  # fmt: skip
        self.config = replace(default(state), mail=Mail(**{**known, **fields}))
        self.now, self.clock = NOW, 1000.0
        self.begin()

    def begin(self) -> None:
        self.sender = Sender(self.config, QUICK)

    def go(self, seconds: float = 0.0) -> None:
        """On by so much, and whatever is due then."""
        self.clock += seconds
        self.now += timedelta(seconds=seconds)
        while self.sender.round(self.clock, self.now) == 0.0:
            pass

    def queue(self, name: str, **fields: Any) -> None:
        known: dict[str, Any] = {
            "kind": Kind.VOICEMAIL, "to": ANNA, "subject": "Röst", "text": "hej", "set_by": "calls",
            "queued_at": self.now,
        }  # fmt: skip
        self.open(MailRows).queue(Letter(id=name, **{**known, **fields}))

    def state(self, name: str) -> State | None:
        found = self.open(MailRows).find(name)
        return found.state if found else None

    def open(self, kind: Callable[..., Any]) -> Any:
        return kind(self._people().journal)

    def changes(self) -> Changes:
        return Changes(self._people().journal)

    def _people(self) -> People:
        return self.sender._opened()


@pytest.fixture
def site_of(norrby: Path, tmp_path: Path, server: MailServer) -> Iterator[Callable[..., Site]]:
    shutil.copytree(norrby, tmp_path / "state")
    made: list[Site] = []

    def make(**fields: Any) -> Site:
        made.append(Site(tmp_path / "state", server, **fields))
        return made[-1]

    yield make
    for site in made:
        site.sender.close()


@pytest.fixture
def site(site_of: Callable[..., Site]) -> Site:
    return site_of()


def subjects(server: MailServer) -> list[tuple[str, str]]:
    return [(one.recipient, one.message["Subject"]) for one in server.taken]


def test_what_is_queued_goes_by_one_connection(site: Site, server: MailServer) -> None:
    for name in ("a", "b", "c"):
        site.queue(name)
    site.go()
    assert len(server.taken) == 3
    assert server.connections == 1
    assert {site.state(name) for name in "abc"} == {State.SENT}


def test_a_server_that_is_away_keeps_everything_and_is_asked_ever_less_often(site: Site, server: MailServer) -> None:
    server.say = {"greeting": [b"421 not now"]}
    site.queue("a")
    site.queue("b")
    for _ in range(600):
        site.go(1)
    assert server.connections <= len(SERVER_BACK_OFF) + 1
    fault = site.open(MailRows).server_fault()
    assert fault.why == "421 not now"
    server.say = {}
    site.go(600)
    assert len(server.taken) == 2
    assert site.open(MailRows).server_fault() is None


def test_one_that_the_server_refuses_keeps_nobody_waiting(site: Site, server: MailServer) -> None:
    server.say = {"rcpt": [b"550 no such user", b"250 ok"]}
    site.queue("a", queued_at=NOW - timedelta(minutes=1))
    site.queue("b")
    site.go()
    assert (site.state("a"), site.state("b")) == (State.FAILED, State.SENT)


def test_taken_and_not_told_goes_once_more_by_the_same_name(site: Site, server: MailServer) -> None:
    server.takes_and_dies = 1
    site.queue("a")
    site.go()
    assert site.state("a") is State.PERHAPS
    site.go(AGAIN_AFTER_DOUBT.total_seconds())
    assert site.state("a") is State.SENT
    first, second = server.taken
    assert first.content == second.content  # Message-ID and all
    site.go(3600)
    assert len(server.taken) == 2


def test_a_process_that_dies_while_the_server_thinks(site: Site, server: MailServer) -> None:
    site.queue("a")
    due = site.open(MailRows).take(NOW)
    assert due is not None
    site.sender.close()
    site.begin()
    site.go()
    assert (site.state("a"), server.taken) == (State.PERHAPS, [])
    site.go(AGAIN_AFTER_DOUBT.total_seconds())
    assert site.state("a") is State.SENT


def test_a_disk_that_does_not_take_the_answer(site: Site, server: MailServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing more goes before it has: else one thing would go twice without anybody's doubt."""
    site.queue("a")
    ended = MailRows.ended
    monkeypatch.setattr(MailRows, "ended", lambda *args: (_ for _ in ()).throw(OSError("disk full")))
    for _ in range(3):
        with pytest.raises(OSError, match="full"):
            site.go(1)
    monkeypatch.setattr(MailRows, "ended", ended)
    site.go(1)
    assert len(server.taken) == 1
    assert site.state("a") is State.SENT


def test_so_many_in_a_minute(site_of: Callable[..., Site], server: MailServer) -> None:
    site = site_of(per_minute=2)
    for name in "abcde":
        site.queue(name)
    for minute, gone in ((0, 2), (0, 2), (60, 4), (60, 5)):
        site.go(minute)
        assert len(server.taken) == gone


def test_a_sound_goes_with_it_or_is_said_to_be_missing(site_of: Callable[..., Site], server: MailServer) -> None:
    site = site_of(size_max_mb=1)
    folder = site.config.paths.messages
    folder.mkdir()
    (folder / "1.wav").write_bytes(b"RIFF" * 100)
    (folder / "2.wav").write_bytes(b"a" * 1_000_000)
    (folder / "3.wav").symlink_to("/etc/passwd")
    for name in "1234":
        site.queue(name, attachment=f"messages/{name}.wav")
    site.go()
    found = {one.message["Subject"]: one for one in server.taken}
    assert len(server.taken) == 4
    attached = [[part.get_content() for part in one.message.iter_attachments()] for one in server.taken]
    assert attached == [[b"RIFF" * 100], [], [], []]
    assert b"root:" not in b"".join(one.content for one in server.taken)
    assert found


def test_what_is_noticed_is_told_once(site: Site, server: MailServer) -> None:
    for to in ("operations", "anna", "bo", "nobody"):
        note = Note(rule="C5", to=to, words="forwarded_to_mobile", fill=(("extension", "1001"),))
        site.changes().notice(note, NOW)
    for _ in range(10):
        site.go(60)
    assert sorted(subjects(server)) == [
        (ANNA, "1001 är vidarekopplad till mobil"),
        ("it@norrby.example", "1001 är vidarekopplad till mobil"),
    ]
    assert "Skickat av reservväxeln demo" in server.taken[0].message.get_content()


def test_an_outage_is_told_at_its_beginning_and_end(site: Site, server: MailServer) -> None:
    journal = site.open(Journal)
    number = journal.incident_begin(NOW, "line", "SURVIVAL", "probes")
    for _ in range(20):
        site.go(10)
    journal.incident_end(number, site.now)
    for _ in range(60):
        site.go(10)
    assert [to for to, _ in subjects(server)] == ["it@norrby.example"] * 2
    assert [("reservtelefoni sedan" in said, "som vanligt" in said) for _, said in subjects(server)] == [
        (True, False),
        (False, True),
    ]


def memo(site: Site, name: str, extension: str, **fields: Any) -> MemoState:
    known: dict[str, Any] = {
        "text": "Gäller bygglovet.", "taken_by": "anna", "taken_at": site.now, "caller": "+46701234567",
        "caller_name": "Ulla Berg",
    }  # fmt: skip
    memos: MemoRows = site.open(MemoRows)
    memos.take(Memo(id=name, extension=extension, **{**known, **fields}))
    return memo_state(site, name)


def memo_state(site: Site, name: str) -> MemoState:
    found = site.open(MemoRows).find(name)
    assert isinstance(found, Memo)
    return found.state


def test_a_message_goes_by_mail(site: Site, server: MailServer) -> None:
    memo(site, "m", "1001", urgent=True)
    site.go(10)
    (one,) = server.taken
    assert one.message["Subject"] == "Meddelande från Ulla Berg, 070-123 45 67"
    assert one.message["Reply-To"] == ANNA
    said = one.message.get_content().replace("\r\n", "\n")
    for words in ("Till: 1001", "Vill bli uppringd.", "Brådskande.", "Gäller bygglovet.", "Mottaget av Anna Öberg."):
        assert words in said
    assert memo_state(site, "m") is MemoState.SENT


def test_who_has_taken_it_and_is_protected_is_not_named(site: Site, server: MailServer) -> None:
    memo(site, "m", "1001", taken_by="siv")
    site.go(10)
    (one,) = server.taken
    assert "Gäller bygglovet." in one.message.get_content()
    assert one.message["Reply-To"] is None
    assert "siv" not in one.message.as_string().casefold()


@pytest.mark.parametrize(("extension", "memos"), [("1001", "bare"), ("1003", "yes")])
def test_what_is_secret_does_not_go_by_mail(
    site_of: Callable[..., Site], server: MailServer, extension: str, memos: str
) -> None:
    """Where the site has chosen so, and to somebody protected."""
    site = site_of(memos=memos)
    memo(site, "m", extension)
    site.go(10)
    (one,) = server.taken
    for secret in ("Ulla", "070-123", "bygglov", "Öberg"):
        assert secret not in one.message.as_string()
    assert one.message["Subject"] == "Du har ett meddelande"


def test_without_an_address_it_goes_by_sms_that_says_nothing_of_it(site: Site, server: MailServer) -> None:
    memo(site, "m", "1002")
    site.go(10)
    assert server.taken == []
    sms: SmsRows = site.open(SmsRows)
    (one,) = sms.newest(10)
    assert one.sms.number == "+46702222222"
    assert "Ulla" not in one.sms.text
    assert memo_state(site, "m") is MemoState.TAKEN  # it waits for a modem
    from callcontrol.trunk.smsqueue import Outcome

    taken = sms.take("m1", site.now)
    assert taken is not None
    sms.ended(taken[0], Outcome.TAKEN, site.now, reference=1)
    site.go(10)
    assert memo_state(site, "m") is MemoState.SENT


def test_a_message_to_a_phone_of_nobodys_goes_to_the_departments_contact(site: Site, server: MailServer) -> None:
    memo(site, "m", "1900")
    memo(site, "gone", "4711")
    site.go(10)
    assert [one.recipient for one in server.taken] == [ANNA]
    assert "Till: 1900" in server.taken[0].message.get_content()
    assert (memo_state(site, "m"), memo_state(site, "gone")) == (MemoState.SENT, MemoState.TAKEN)


def test_refused_by_mail_it_goes_by_sms(site: Site, server: MailServer) -> None:
    server.say = {"rcpt": [b"550 no such user"]}
    memo(site, "m", "1001")
    for _ in range(3):
        site.go(10)
    (one,) = site.open(SmsRows).newest(10)
    assert one.sms.number == "+46701111111"


def test_a_thread_of_its_own_ends_when_told(site: Site, server: MailServer) -> None:
    server.say = {"end": [HANG_UP]}
    site.queue("a", queued_at=datetime.now(UTC))
    site.sender.close()

    async def work() -> None:
        task = asyncio.create_task(Sender(site.config, QUICK).run())
        for _ in range(100):
            await asyncio.sleep(0.05)
            if server.connections:
                break
        await asyncio.sleep(0.3)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(work())
    assert site.state("a") is State.PERHAPS


def test_the_password_is_in_no_text_of_it() -> None:
    config: Config = replace(
        default(Path("/tmp/x")),
        mail=Mail(server="mail.norrby.example", user="gw", sender="a@b.se"),
        secrets=Secrets(mail=MailKey(password="hunter2")),
    )
    server = server_of(config)
    assert (server.host, server.port, server.password) == ("mail.norrby.example", 587, "hunter2")
    assert "hunter2" not in f"{server!r} {server}"
