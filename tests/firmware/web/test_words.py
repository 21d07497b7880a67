"""The catalogue of the pages: both languages, nothing that nobody says, moments as people write them."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from string import Formatter

import pytest

import firmware.web
from firmware.web.words import Say, catalogue

NOW = datetime(2026, 3, 3, 9, 5, tzinfo=UTC)
HERE = Path(firmware.web.__file__).parent
MADE = (
    "done.", "problem.", "doubt.", "kind.", "wants.", "wants_of.", "more.", "forwarding.", "setting.", "sign_in.",
    "mail.", "greeting.", "served.", "key.",
)  # fmt: skip
"""Parts whose keys are put together from values."""


def placeholders(text: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(text) if name}


def test_both_languages_say_the_same() -> None:
    for key, (swedish, english) in catalogue().items():
        assert swedish, key
        assert english, key
        assert placeholders(swedish) == placeholders(english), key


def test_all_that_is_said_is_there_and_nothing_else() -> None:
    source = "\n".join(file.read_text("utf-8") for file in HERE.rglob("*.py"))
    known = catalogue().keys()
    said = set(re.findall(r'(?:say|words)\(\s*"([a-z_]+\.[a-z_]+)"', source))
    assert said <= known
    written = set(re.findall(r'["\x27]([a-z_]+\.[a-z_]+)["\x27]', source))
    assert not [key for key in known if key not in written and not key.startswith(MADE)]


@pytest.mark.parametrize(
    ("later", "swedish", "english"),
    [
        (timedelta(hours=2), "12.05", "12:05"),
        (timedelta(days=1), "i morgon 10.05", "tomorrow at 10:05"),
        (timedelta(days=2), "på torsdag 10.05", "on Thursday at 10:05"),
        (timedelta(days=-1), "i går 10.05", "yesterday at 10:05"),
        (timedelta(days=20), "den 23 mars 10.05", "on 23 March at 10:05"),
        (timedelta(days=400), "den 7 april 2027 11.05", "on 7 April 2027 at 11:05"),
    ],
)
def test_moments(later: timedelta, swedish: str, english: str) -> None:
    assert Say("sv").moment(NOW + later, NOW) == swedish
    assert Say("en").moment(NOW + later, NOW) == english
