"""Makes the index of the people in ``directory.db``; within the transaction that loads them."""

from __future__ import annotations

import json
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from callcontrol.plan.number import search_forms
from firmware.store.search.words import fold, signatures, sound, words

__all__ = ["FEW", "index", "put_in", "scope_word", "take_out"]

AT_ONCE = 5_000
ASKED_AT_ONCE = 500

FEW = 2_000
"""People who are indexed one by one; where more of them change, all are indexed anew."""

_PEOPLE = """
    SELECT person.key, given, family, title, duties, search_words, location, unit.name, entity.municipality,
        person.mobile, (SELECT group_concat(number || ',' || coalesce(direct_number, '')) FROM extension
            WHERE extension.person = person.id)
    FROM person JOIN unit ON unit.id = person.unit JOIN entity ON entity.id = unit.entity
"""
_WORD = "INSERT INTO word VALUES (?, ?, ?) ON CONFLICT (word) DO UPDATE SET people = people + excluded.people"


@dataclass(frozen=True, slots=True)
class _Entry:
    """What the index has of somebody: the row of `found`, folded words, forms of numbers."""

    found: tuple[int, str, str, str, str]
    words: frozenset[str]
    digits: tuple[str, ...]


def index(db: sqlite3.Connection, told: Callable[[int], None] = lambda people: None) -> None:
    """In the place of the index that was there; `told` hears of the people now and then."""
    db.execute("INSERT INTO found (found) VALUES ('delete-all')")
    for table in ("word", "spelling", "digits"):
        db.execute(f"DELETE FROM {table}")  # noqa: S608  names of ours
    used: Counter[str] = Counter()
    entries: list[_Entry] = []
    for people, entry in enumerate(_entries(db, "ORDER BY family, given, person.key"), 1):
        used.update(entry.words)
        entries.append(entry)
        if len(entries) >= AT_ONCE:
            _put(db, entries)
            entries.clear()
            told(people)
    _put(db, entries)
    _put_words(db, used)


def take_out(db: sqlite3.Connection, people: Sequence[str]) -> None:
    """People, by their ids, as they are now: to be called before they, their phones or their units are changed."""
    used: Counter[str] = Counter()
    for entry in _of(db, people):
        used.update(entry.words)
        sql = "INSERT INTO found (found, rowid, name, duty, place, scope) VALUES ('delete', ?, ?, ?, ?, ?)"
        db.execute(sql, entry.found)
        rows = [(form, entry.found[0]) for form in entry.digits]
        db.executemany("DELETE FROM digits WHERE digits = ? AND person = ?", rows)
    db.executemany("UPDATE word SET people = people - ? WHERE word = ?", ((n, word) for word, n in used.items()))
    for word in used:
        if db.execute("DELETE FROM word WHERE word = ? AND people <= 0", (word,)).rowcount:
            db.executemany("DELETE FROM spelling WHERE signature = ? AND word = ?", _spellings([word]))


def put_in(db: sqlite3.Connection, people: Sequence[str]) -> None:
    """People, by their ids, who are not in the index."""
    entries = list(_of(db, people))
    _put(db, entries)
    _put_words(db, Counter(word for entry in entries for word in entry.words))


def scope_word(number: int) -> str:
    """The word by which the people of one municipality, the so many-th by its id, are told from others'."""
    return f"scope{number}"


def _of(db: sqlite3.Connection, people: Sequence[str]) -> Iterator[_Entry]:
    for start in range(0, len(people), ASKED_AT_ONCE):
        some = people[start : start + ASKED_AT_ONCE]
        yield from _entries(db, f"WHERE person.id IN ({', '.join('?' for _ in some)})", some)


def _entries(db: sqlite3.Connection, which: str, values: Sequence[str] = ()) -> Iterator[_Entry]:
    scopes = {
        name: scope_word(number) for number, (name,) in enumerate(db.execute("SELECT id FROM municipality ORDER BY id"))
    }
    for row in db.execute(_PEOPLE + which, values):
        key, given, family, title, duties, more, location, unit, municipality, mobile, numbers = row
        texts = (f"{given} {family}", " ".join((title, *json.loads(duties), *json.loads(more))), f"{unit} {location}")
        yield _Entry(
            found=(key, *texts, scopes[municipality]),
            words=frozenset(fold(word) for text in texts for word in words(text)),
            digits=tuple(_numbers(mobile, numbers)),
        )


def _put(db: sqlite3.Connection, entries: Sequence[_Entry]) -> None:
    sql = "INSERT INTO found (rowid, name, duty, place, scope) VALUES (?, ?, ?, ?, ?)"
    db.executemany(sql, (entry.found for entry in entries))
    digits = ((form, entry.found[0], form[::-1]) for entry in entries for form in entry.digits)
    db.executemany("INSERT OR IGNORE INTO digits VALUES (?, ?, ?)", digits)


def _put_words(db: sqlite3.Connection, used: Mapping[str, int]) -> None:
    db.executemany(_WORD, ((word, sound(word), people) for word, people in used.items()))
    db.executemany("INSERT OR IGNORE INTO spelling VALUES (?, ?)", _spellings(used))


def _numbers(mobile: str | None, numbers: str | None) -> Iterator[str]:
    for number in (mobile, *(numbers or "").split(",")):
        if number:
            yield from search_forms(number)


def _spellings(used: Iterable[str]) -> Iterator[tuple[str, str]]:
    for word in used:
        for signature in signatures(word):
            yield signature, word
