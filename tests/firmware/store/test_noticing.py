"""Who is told of messages that nobody listens to, and when (C6)."""

from __future__ import annotations

from contextlib import closing
from datetime import timedelta

import pytest

from callcontrol.plan.absence import Referral, Source
from firmware.noticing import notes
from firmware.store.messages import Message, MessageRows
from tests.firmware.store.conftest import NOW, Store

HOUR = timedelta(hours=1)


@pytest.mark.parametrize(
    ("extension", "age", "away", "told"),
    [
        ("1002", 24 * HOUR, False, ["bo"]),
        ("1002", 23 * HOUR, False, []),
        ("1002", 48 * HOUR, False, ["bo", "anna"]),
        ("1002", 24 * HOUR, True, ["anna"]),  # whoever is away hears of nothing
        ("1001", 48 * HOUR, False, ["anna"]),  # is the contact
        ("1900", 24 * HOUR, False, ["anna"]),  # nobody's own phone
        ("1777", 24 * HOUR, False, ["operations"]),  # of one that is gone
    ],
)
def test_who_is_reminded(extension: str, age: timedelta, away: bool, told: list[str], store: Store) -> None:
    with closing(MessageRows.open(store.folder / "journal.db")) as rows:
        rows.left(Message(id="a", extension=extension, left_at=NOW - age, length_ms=1000))
    if away:
        one = Referral(
            id="r", extension=extension, reason="vacation", start=NOW - HOUR, until=NOW + HOUR, source=Source.PAGE,
            set_by="x", set_at=NOW,
        )  # fmt: skip
        store.changes.refer([one])
    found = [note for note in notes(store.again(), NOW) if note.words == "voicemail_unheard"]
    assert [note.to for note in found] == told
    assert {dict(note.fill)["extension"] for note in found} <= {extension}
