"""That a message was left is mailed to whom it is for: once, and with its sound only where everybody wants that."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from callcontrol.plan.model import Choices, Unit
from callcontrol.plan.number import LocalNumbering
from callcontrol.plan.schedule import STOCKHOLM
from firmware.config import Config
from firmware.config_calls import Codes
from firmware.mail.voicemails import FRESH, VoicemailTold
from firmware.store.changes import Changes
from firmware.store.load import Municipality, load
from firmware.store.mail import Mail, MailRows
from firmware.store.mailbox import Mailbox, MailKind, Settings
from firmware.store.messages import Message, MessageRows
from firmware.store.people import People
from tests.firmware.store.conftest import EVERYBODY, bulk

NOW = datetime(2026, 11, 23, 10, tzinfo=STOCKHOLM)
ANNA = "anna@norrby.example"


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Callable[..., People]]:
    found: list[People] = []

    def of(**fields: Any) -> People:
        Changes.open(tmp_path / "journal.db").close()
        people = People.open(tmp_path / "directory.db", tmp_path / "journal.db", LocalNumbering())
        found.append(people)
        load(people.directory, bulk(**fields), "by hand", NOW)
        people.look_again()
        return people

    yield of
    for people in found:
        people.close()


def leave(people: People, name: str = "m", caller: str = "+46701234567", at: datetime = NOW) -> None:
    rows = MessageRows(people.journal)
    rows.left(Message(id=name, extension="1001", caller=caller, left_at=at, length_ms=62_000))


def mailed(people: People, site: str = "attached", now: datetime = NOW) -> list[Mail]:
    config = SimpleNamespace(
        mail=SimpleNamespace(voicemail=site), unit=SimpleNamespace(name="Norrby"), codes=Codes(),
        announcing=SimpleNamespace(languages=("sv",)),
    )  # fmt: skip
    told = VoicemailTold(cast(Config, config), people)
    for _ in range(2):
        told.look(now)
    return [queued.mail for queued in MailRows(people.journal).newest(10)]


def test_with_its_sound_and_once(opened: Callable[..., People]) -> None:
    people = opened()
    leave(people)
    (mail,) = mailed(people)
    assert (mail.to, mail.attachment) == (ANNA, "messages/m.wav")
    assert mail.subject == "Röstmeddelande från 070-123 45 67"
    assert "1:02 minuter" in mail.text
    assert "slå *98#" in mail.text


def test_a_withheld_number_stays_so(opened: Callable[..., People]) -> None:
    people = opened()
    leave(people, caller="")
    assert mailed(people)[0].subject == "Röstmeddelande från dolt nummer"


BARE = replace(EVERYBODY[0], protected=True)


@pytest.mark.parametrize(
    ("site", "own", "fields", "found"),
    [
        ("attached", MailKind.SITE, {}, "sound"),
        ("attached", MailKind.SOUND, {}, "sound"),
        ("attached", MailKind.NOTICE, {}, "bare"),
        ("attached", MailKind.NO, {}, ""),
        ("bare", MailKind.SITE, {}, "bare"),
        ("bare", MailKind.SOUND, {}, "bare"),
        ("no", MailKind.SOUND, {}, ""),
        ("attached", MailKind.SOUND, {"units": (Unit(id="bygg", name="Bygg", entity="kommun", secret=True),)}, "bare"),
        ("attached", MailKind.SOUND, {"people": (BARE,)}, "bare"),
        ("attached", MailKind.SOUND, {"people": (replace(EVERYBODY[0], email=None),)}, ""),
        (
            "attached", MailKind.SOUND,
            {"municipalities": (Municipality(id="norrby", name="N", choices=Choices(message_by_email=False)),)}, "",
        ),
    ],
)  # fmt: skip
def test_only_what_everybody_wants(
    site: str, own: MailKind, fields: dict[str, Any], found: str, opened: Callable[..., People]
) -> None:
    people = opened(**fields)
    Mailbox(people.journal).set("1001", Settings(mail=own), "1001", NOW)
    leave(people)
    mails = mailed(people, site)
    assert ["sound" if mail.attachment else "bare" for mail in mails] == ([found] if found else [])
    if found == "bare":
        assert "070" not in mails[0].subject + mails[0].text


def test_neither_what_was_heard_nor_what_is_old(opened: Callable[..., People]) -> None:
    people = opened()
    leave(people, "heard")
    leave(people, "old", at=NOW - FRESH - timedelta(seconds=1))
    Mailbox(people.journal).heard("1001", "heard", "1001", NOW)
    assert mailed(people) == []
