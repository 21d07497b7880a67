"""What is one's own and nobody else's: voicemail, messages, calendar, details, PIN."""

from __future__ import annotations

import asyncio
import wave
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from io import BytesIO
from pathlib import Path

import pytest

from callcontrol.plan.memo import Memo
from firmware.pins import Pins
from firmware.store.calendars import Calendars
from firmware.store.database import connect, to_text
from firmware.store.mailbox import Mailbox
from firmware.store.memos import MemoRows
from firmware.web.answering import Answering
from firmware.web.pages import ROUTES
from firmware.web.site import Denied
from hil.pages import tone
from tests.firmware.web.conftest import PIN, WHO, Town
from tests.firmware.web.pages.test_own import NOW, ask, place

MESSAGE = "c" * 24


@pytest.fixture
def left(town: Town) -> Path:
    """A message in Anna's mailbox."""
    sql = "INSERT INTO message (id, extension, caller, call_id, why, left_at, length_ms) VALUES (?, ?, ?, ?, ?, ?, ?)"
    with closing(connect(town.store.paths.journal, "journal")) as db:
        db.execute(
            sql, (MESSAGE, WHO["owner"], "+46701234567", "x", "no_answer", to_text(NOW - timedelta(hours=1)), 2000)
        )
        db.commit()
    town.store.paths.messages.mkdir(parents=True, exist_ok=True)
    tone(town.store.paths.messages / f"{MESSAGE}.wav", 2.0)
    return town.store.paths.messages / f"{MESSAGE}.wav"


def test_a_message_is_played_as_every_browser_can(town: Town, left: Path) -> None:
    assert "070-123 45 67" in ask(town, "owner", "GET", "/voicemail").body.decode()
    sound = ask(town, "owner", "GET", f"/voicemail/1001/{MESSAGE}/sound")
    assert ("Cache-Control", "private, no-store") in sound.headers
    with closing(wave.open(BytesIO(sound.body))) as played:
        assert (played.getframerate(), played.getsampwidth(), played.getnframes()) == (8000, 2, 16000)


def test_heard_kept_and_put_away(town: Town, left: Path) -> None:
    mailbox = Mailbox(town.store.journal)
    assert place(ask(town, "owner", "POST", f"/voicemail/1001/{MESSAGE}/heard")) == "/voicemail?done=heard"
    assert mailbox.waiting("1001").new == 0
    ask(town, "owner", "POST", f"/voicemail/1001/{MESSAGE}/keep")
    ask(town, "owner", "POST", f"/voicemail/1001/{MESSAGE}/discard")
    assert mailbox.of("1001") == ()
    assert left.exists()  # when it goes says the archive


@pytest.mark.parametrize("who", ["colleague", "manager", "operator"])
@pytest.mark.parametrize("deed", ["sound", "keep", "heard", "discard"])
def test_nobody_else_has_anothers_mailbox(town: Town, left: Path, who: str, deed: str) -> None:
    method = "GET" if deed == "sound" else "POST"
    with pytest.raises(Denied) as denied:
        ask(town, who, method, f"/voicemail/1001/{MESSAGE}/{deed}")
    assert denied.value.status == 404
    if deed == "sound":
        with pytest.raises(Denied):
            ask(town, who, method, f"/voicemail/{WHO[who]}/{MESSAGE}/{deed}")
    else:  # by way of one's own mailbox there is no such message
        assert place(ask(town, who, method, f"/voicemail/{WHO[who]}/{MESSAGE}/{deed}")) == "/voicemail"
    found = Mailbox(town.store.journal).one("1001", MESSAGE)
    assert found is not None
    assert found.heard_at is None


def test_how_the_mailbox_is_to_be(town: Town) -> None:
    ask(town, "owner", "POST", "/voicemail/1001/settings", mail="notice")
    found = Mailbox(town.store.journal).settings("1001")
    assert (found.takes_messages, found.mail) == (False, "notice")


def test_messages_to_one_are_read_and_handled(town: Town) -> None:
    rows = MemoRows(town.store.journal)
    rows.take(
        Memo(id="m1", extension="1001", text="Ring <b>mig</b>", taken_by="olle", taken_at=NOW, caller="0701234567")
    )
    shown = ask(town, "owner", "GET", "/memos").body.decode()
    assert "&lt;b&gt;mig" in shown
    assert "kontakta senast på torsdag" in shown
    with pytest.raises(Denied):
        ask(town, "colleague", "POST", "/memos/m1/handled")
    ask(town, "owner", "POST", "/memos/m1/handled")
    assert rows.of(["1001"], 10) == ()


def test_the_calendar_is_subscribed_and_its_address_never_shown(town: Town) -> None:
    url = "https://kalender.example/secret-7351.ics"
    assert place(ask(town, "owner", "POST", "/calendar", url=url)) == "/calendar?done=calendar"
    shown = ask(town, "owner", "GET", "/calendar").body.decode()
    assert "kalender.example" in shown
    assert "7351" not in shown
    wrong = ask(town, "owner", "POST", "/calendar", url="ftp://secret-7352")
    assert wrong.status == 422
    assert b"7352" not in wrong.body
    ask(town, "owner", "POST", "/calendar/end")
    assert Calendars(town.store.journal).of("1001") is None


def test_ones_details(town: Town) -> None:
    form = {"location": "Plan 2", "duties": "bygglov, altaner", "search_words": "", "deputy": "1002"}
    assert place(ask(town, "owner", "POST", "/me", **form)) == "/me?done=saved"
    person = town.store.people.person("anna")
    assert person is not None
    assert (person.location, person.duties, person.deputy) == ("Plan 2", ("bygglov", "altaner"), "eva")
    for wrong in ({"deputy": "7777"}, {"deputy": "2001"}, {"deputy": "1001"}, {"location": "x" * 3000}):
        assert ask(town, "owner", "POST", "/me", **{**form, **wrong}).status == 422


def test_a_pin_is_changed_by_who_has_it(town: Town) -> None:
    handler = next(route.handler for route in ROUTES if (route.method, route.path) == ("POST", "/pin"))

    async def change(old: str, new: str, again: str) -> int:
        pins = Pins(town.config.paths, lambda note: None)
        answering = Answering(town.config, pins, ROUTES)
        request = replace(town.asks("owner", "POST", "/pin", old=old, new=new, again=again), address="127.0.0.1")
        try:
            return (await handler(request, answering)).status  # type: ignore[misc,no-any-return]
        finally:
            answering.close()
            pins.close()

    assert asyncio.run(change("000000", "935172", "935172")) == 422
    assert asyncio.run(change(PIN, "935172", "935173")) == 422
    assert asyncio.run(change(PIN, "111111", "111111")) == 422
    assert asyncio.run(change(PIN, "935172", "935172")) == 303
