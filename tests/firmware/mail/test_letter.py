"""A mail as it goes over the wire, read again by the standard library."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from firmware.mail.letter import Attachment, From, letter
from firmware.mail.policy import Kind, one_line
from firmware.store.mail import Mail

SENDER = From("reservvaxel@norrby.example", "Reservväxeln gw-1", "norrby.example")
NOW = datetime(2026, 11, 23, 8, 30, 5, 678, tzinfo=UTC)


def mail(**fields: Any) -> Mail:
    known: dict[str, Any] = {
        "kind": Kind.MEMO, "to": "anna@norrby.example", "subject": "Meddelande från Åke", "text": "Hej på dig.\n.\nå",
        "set_by": "siv", "queued_at": NOW,
    }  # fmt: skip
    return Mail(id="m", **{**known, **fields})


def read(made: bytes) -> EmailMessage:
    assert not re.search(rb"(?<!\r)\n|\r(?!\n)", made)  # no line ends that a server may read in another way (smuggling)
    found = message_from_bytes(made, policy=default)
    assert isinstance(found, EmailMessage)
    assert not found.defects
    return found


def test_what_it_says() -> None:
    found = read(letter(mail(reply_to="siv@norrby.example"), "1a2b", SENDER, None, 10_000))
    assert found["Message-ID"] == "<1a2b@norrby.example>"
    assert found["From"] == "Reservväxeln gw-1 <reservvaxel@norrby.example>"
    assert (found["To"], found["Reply-To"]) == ("anna@norrby.example", "siv@norrby.example")
    assert found["Subject"] == "Meddelande från Åke"
    assert found["Date"] == "Mon, 23 Nov 2026 09:30:05 +0100"
    assert found["Auto-Submitted"] == "auto-generated"
    assert found.get_content() == "Hej på dig.\r\n.\r\nå\r\n"


def test_the_same_bytes_at_every_try() -> None:
    sound = Attachment("1.wav", b"RIFF")
    assert letter(mail(), "1a2b", SENDER, sound, 10_000) == letter(mail(), "1a2b", SENDER, sound, 10_000)


def test_a_sound_is_attached_or_said_to_be_missing() -> None:
    found = read(letter(mail(), "1a2b", SENDER, Attachment("1.wav", b"RIFF\0\xff"), 10_000))
    (part,) = found.iter_attachments()
    assert (part.get_content_type(), part.get_filename(), part.get_content()) == ("audio/wav", "1.wav", b"RIFF\0\xff")
    for attachment, says in (
        (Attachment("1.wav", b"a" * 10_000), "för stor"),
        (Attachment("1.wav", None), "finns inte längre"),
    ):
        found = read(letter(mail(), "1a2b", SENDER, attachment, 10_000))
        assert not list(found.iter_attachments())
        assert says in found.get_content()


def test_an_address_with_other_letters() -> None:
    found = read(letter(mail(to="anna.öberg@norrby.example"), "1a2b", SENDER, None, 10_000))
    assert found["To"] == "anna.öberg@norrby.example"


@given(subject=st.text(max_size=250), text=st.text(max_size=500), name=st.text(max_size=60))
def test_nobodys_words_make_a_heading(subject: str, text: str, name: str) -> None:
    sender = From("reservvaxel@norrby.example", one_line(name, 60), "norrby.example")
    asked = mail(subject=one_line(subject, 200) or "-", text=text.replace("\0", ""))
    plain = letter(mail(subject="-", text="-"), "1a2b", sender, None, 100_000)
    made = letter(asked, "1a2b", sender, Attachment(one_line(name, 60) or "x", b"1"), 100_000)
    found = read(made)
    extra = {"content-type", "content-transfer-encoding", "mime-version"}
    assert {name.lower() for name in found} - extra == {name.lower() for name in read(plain)} - extra
