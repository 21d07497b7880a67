"""Makes the index of the people in ``directory.db``; within the transaction that loads them."""

from __future__ import annotations

import json
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterable, Iterator

from callcontrol.plan.number import search_forms
from firmware.store.search.words import fold, signatures, sound, words

__all__ = ["index", "scope_word"]

AT_ONCE = 5_000

_PEOPLE = """
    SELECT person.key, given, family, title, duties, search_words, location, unit.name, entity.municipality,
        person.mobile, (SELECT group_concat(number || ',' || coalesce(direct_number, '')) FROM extension
            WHERE extension.person = person.id)
    FROM person JOIN unit ON unit.id = person.unit JOIN entity ON entity.id = unit.entity
    ORDER BY family, given, person.key
"""


def index(db: sqlite3.Connection, told: Callable[[int], None] = lambda people: None) -> None:
    """In the place of the index that was there; `told` hears of the people now and then."""
    db.execute("INSERT INTO found (found) VALUES ('delete-all')")
    for table in ("word", "spelling", "digits"):
        db.execute(f"DELETE FROM {table}")  # noqa: S608  names of ours
    used: Counter[str] = Counter()
    scopes = {
        name: scope_word(number) for number, (name,) in enumerate(db.execute("SELECT id FROM municipality ORDER BY id"))
    }
    texts: list[tuple[int, str, str, str, str]] = []
    digits: list[tuple[str, int, str]] = []
    for people, row in enumerate(db.execute(_PEOPLE), 1):
        key, given, family, title, duties, more, location, unit, municipality, mobile, numbers = row
        name = f"{given} {family}"
        duty = " ".join((title, *json.loads(duties), *json.loads(more)))
        place = f"{unit} {location}"
        texts.append((key, name, duty, place, scopes[municipality]))
        used.update({fold(word) for text in (name, duty, place) for word in words(text)})
        digits += ((form, key, form[::-1]) for form in _numbers(mobile, numbers))
        if len(texts) >= AT_ONCE:
            _put(db, texts, digits)
            told(people)
    _put(db, texts, digits)
    db.executemany("INSERT INTO word VALUES (?, ?, ?)", ((word, sound(word), people) for word, people in used.items()))
    db.executemany("INSERT OR IGNORE INTO spelling VALUES (?, ?)", _spellings(used))


def scope_word(number: int) -> str:
    """The word by which the people of one municipality, the so many-th by its id, are told from others'."""
    return f"scope{number}"


def _put(
    db: sqlite3.Connection, texts: list[tuple[int, str, str, str, str]], digits: list[tuple[str, int, str]]
) -> None:
    db.executemany("INSERT INTO found (rowid, name, duty, place, scope) VALUES (?, ?, ?, ?, ?)", texts)
    db.executemany("INSERT OR IGNORE INTO digits VALUES (?, ?, ?)", digits)
    texts.clear()
    digits.clear()


def _numbers(mobile: str | None, numbers: str | None) -> Iterator[str]:
    for number in (mobile, *(numbers or "").split(",")):
        if number:
            yield from search_forms(number)


def _spellings(used: Iterable[str]) -> Iterator[tuple[str, str]]:
    for word in used:
        for signature in signatures(word):
            yield signature, word
