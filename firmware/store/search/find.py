"""Finds people by what is typed: from the first letter on, in any order, misspelt, by duty, by place, by number.

Three steps. Each word of the question becomes words that people have: those that begin so and, when they are too few,
those that sound so or are spelt nearly so. The index gives the people who have one for every word, own municipality
first, at most CANDIDATES. These are ranked by what the viewer may see of them; who matches only by what is hidden is
not shown.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from callcontrol.plan.number import search_forms
from firmware.store.people import People
from firmware.store.search.index import scope_word
from firmware.store.search.words import fold, near, signatures, sound, words
from firmware.store.visible import Card, Viewer, card

__all__ = ["ASKED_MAX", "CANDIDATES", "Finder", "Found"]

ASKED_MAX = 200
"""Characters of a question that are looked at."""

CANDIDATES = 120
"""People that are ranked for one question."""

OTHERS_MAX = 10
"""Words that one word of a question may also be."""

ENOUGH = 8
"""So many people found by what is written need no other spelling."""

_EXACT, _FOLDED, _BEGINS, _BEGINS_FOLDED, _TWO_LETTERS, _SOUNDS, _NEARLY = 60, 50, 40, 34, 30, 22, 20
_NAME, _DUTY, _PLACE = 8, 4, 0  # what a word is found in
_OWN, _PRESENT = 3, 2


@dataclass(frozen=True, slots=True)
class Found:
    """`absent` is None when it is not known, as for somebody without extension."""

    card: Card
    absent: bool | None
    score: int


class Finder:
    """Searches one municipality's directory, or several'. Belongs to the thread that made it."""

    def __init__(self, directory: sqlite3.Connection, people: People) -> None:
        self._db = directory
        self._people = people

    def find(self, asked: str, viewer: Viewer, now: datetime, limit: int = 20) -> tuple[Found, ...]:
        """Best first. An empty question, or one of signs alone, finds nobody."""
        asked = asked[:ASKED_MAX]
        if digits := _digits(asked):
            return self._by_number(digits, viewer, now, limit)
        typed = words(asked)
        if not typed:
            return ()
        looked_at = set(self._changed(lambda text: any(_may_mean(word, text) for word in typed)))
        found = self._ranked(looked_at, typed, viewer, now)
        for terms in self._ever_wider(typed):
            more = [key for key in self._match(terms, viewer) if key not in looked_at]
            looked_at.update(more)
            found += self._ranked(more, typed, viewer, now)
            if len(found) >= ENOUGH:
                break
        return _best(found, limit)

    def _ever_wider(self, typed: Sequence[str]) -> Iterator[list[str]]:
        """What is looked for in the index: the words themselves, words that begin so, words that may be meant."""
        yield [f'"{word}"' for word in typed]
        begins = [f'"{word}"*' for word in typed]
        yield begins
        others = (self._others(word) for word in typed)
        yield [" OR ".join([term, *map('"{}"'.format, more)]) for term, more in zip(begins, others, strict=True)]

    def _match(self, terms: Sequence[str], viewer: Viewer) -> list[int]:
        """Keys of people who have each of these; own municipality first."""
        rows = self._db.execute("SELECT id FROM municipality ORDER BY id")
        known = {name: scope_word(number) for number, (name,) in enumerate(rows)}
        scopes = [scope for name, scope in known.items() if viewer.sees_of(name)]
        own = known.get(viewer.municipality)
        keys: list[int] = []
        for within in ([own] if own in scopes else [], [scope for scope in scopes if scope != own]):
            if within and len(keys) < CANDIDATES:
                matched = f"{{scope}}: ({' OR '.join(within)})" + "".join(f" AND ({term})" for term in terms)
                sql = "SELECT rowid FROM found WHERE found MATCH ? LIMIT ?"
                keys += (key for (key,) in self._db.execute(sql, (matched, CANDIDATES - len(keys))))
        return keys

    def _others(self, word: str) -> list[str]:
        """Words of this directory that sound like it or nearly are it, most used first."""
        folded = fold(word)
        found: dict[str, int] = {}
        if len(folded) > 2 and (heard := sound(word)):
            sql = "SELECT word, people FROM word WHERE sound = ? ORDER BY people DESC LIMIT ?"
            found.update(self._db.execute(sql, (heard, OTHERS_MAX)))
        for signature in signatures(folded):
            sql = "SELECT word.word, people FROM spelling JOIN word USING (word) WHERE signature = ?"
            found.update(
                (other, people) for other, people in self._db.execute(sql, (signature,)) if near(folded, other)
            )
        found.pop(folded, None)
        return sorted(found, key=lambda other: (-found[other], other))[: 2 * OTHERS_MAX]

    def _by_digits(self, digits: str) -> list[int]:
        """By a whole number, then by how it begins, then by how it ends."""
        keys: dict[int, None] = {}
        for form in search_forms(digits) or (digits,):
            sql = "SELECT person FROM digits WHERE digits = ? LIMIT ?"
            keys.update((key, None) for (key,) in self._db.execute(sql, (form, CANDIDATES)))
        for form in search_forms(digits) or (digits,):
            for column, sought in (("digits", form), ("backwards", form[::-1])):
                if len(keys) < CANDIDATES:
                    sql = f"SELECT person FROM digits WHERE {column} >= ? AND {column} < ? LIMIT ?"  # noqa: S608  ours
                    keys.update((key, None) for (key,) in self._db.execute(sql, (sought, sought + ":", CANDIDATES)))
        return list(keys)[:CANDIDATES]

    def _changed(self, means: Callable[[str], bool]) -> list[int]:
        """Keys of people of whom something that was changed here may be meant: the index has it as it was loaded."""
        ids = dict.fromkeys(person for person, text in self._people.changed_people() if means(text))
        names = tuple(ids)[:CANDIDATES]
        sql = f"SELECT key FROM person WHERE id IN ({', '.join('?' for _ in names)})"  # noqa: S608  question marks
        return [key for (key,) in self._db.execute(sql, names)]

    def _by_number(self, digits: str, viewer: Viewer, now: datetime, limit: int) -> tuple[Found, ...]:
        asked = search_forms(digits) or (digits,)
        changed = self._changed(lambda text: text.startswith("+") and _ends_meet(search_forms(text), asked))
        found: list[Found] = []
        for place, shown in enumerate(self._cards(dict.fromkeys([*self._by_digits(digits), *changed]), viewer)):
            if self._shows(shown, digits):
                found.append(self._weighed(shown, 1000 - place, viewer, now))
            if len(found) >= limit + _OWN + _PRESENT:
                break  # what comes later cannot be among the best any more
        return _best(found, limit)

    def _ranked(self, keys: Collection[int], typed: Sequence[str], viewer: Viewer, now: datetime) -> list[Found]:
        scored = ((shown, _score(shown, typed)) for shown in self._cards(keys, viewer))
        return [self._weighed(shown, score, viewer, now) for shown, score in scored if score is not None]

    def _cards(self, keys: Collection[int], viewer: Viewer) -> Iterator[Card]:
        """What the viewer may see of these, in their order."""
        places = ", ".join("?" for _ in keys)
        sql = f"SELECT key, id FROM person WHERE key IN ({places})"  # noqa: S608  question marks
        ids = dict(self._db.execute(sql, tuple(keys)))
        for key in keys:
            # Another process may load a directory between two questions to it.
            person = self._people.person(ids[key]) if key in ids else None
            if person is not None and (shown := card(person, self._people, viewer)) is not None:
                yield shown

    def _weighed(self, shown: Card, score: int, viewer: Viewer, now: datetime) -> Found:
        absent = self._people.is_absent(shown.extensions, now)
        own = _OWN if shown.municipality == viewer.municipality else 0
        return Found(shown, absent, score + own + (_PRESENT if absent is False else 0))

    def _shows(self, shown: Card, digits: str) -> bool:
        """Whether a number that was typed is one that is seen: nobody is found by what is hidden."""
        known = [self._people.extension(number) for number in shown.extensions]
        seen = [*shown.extensions, shown.person.mobile, *(one.direct_number for one in known if one is not None)]
        forms = [form for number in seen if number for form in search_forms(number)]
        asked = search_forms(digits) or (digits,)
        return _ends_meet(forms, asked)


def _best(found: Sequence[Found], limit: int) -> tuple[Found, ...]:
    def place(one: Found) -> tuple[int, str, str, str]:
        person = one.card.person
        return -one.score, person.family, person.given, person.id

    return tuple(sorted(found, key=place)[:limit])


def _ends_meet(forms: Iterable[str], asked: Iterable[str]) -> bool:
    """Whether a number begins or ends as one that was typed."""
    return any(form.startswith(part) or form.endswith(part) for form in forms for part in asked)


def _may_mean(word: str, text: str) -> bool:
    """Whether a word that was typed may be one of a text's."""
    folded = fold(word)
    return any(other.startswith(folded) or near(folded, other) for other in map(fold, words(text))) or (
        len(folded) > 2 and sound(word) in map(sound, words(text))
    )


def _digits(asked: str) -> str:
    """The number that was typed, or "" when it is no number."""
    plain = "".join(sign for sign in asked if sign in "0123456789+")
    rest = asked.translate(str.maketrans("", "", "0123456789+-–/(). \u00a0"))
    return plain if plain.strip("+") and not rest else ""


def _score(shown: Card, typed: Sequence[str]) -> int | None:
    """How well all words meet what is seen of somebody; None when one meets nothing."""
    person = shown.person
    fields = (
        (_NAME, words(person.given) + words(person.family)),
        (_DUTY, words(" ".join((person.title, *person.duties, *person.search_words)))),
        (_PLACE, words(f"{shown.unit} {person.location}")),
    )
    whole = 0
    for word in typed:
        best = max((_met(word, other) + kind for kind, written in fields for other in written), default=0)
        if best < _NEARLY:
            return None
        whole += best
    return whole // len(typed)


def _met(word: str, other: str) -> int:
    if word == other:
        return _EXACT
    folded, others = fold(word), fold(other)
    if folded == others:
        return _FOLDED
    if other.startswith(word):
        return _BEGINS
    if others.startswith(folded):
        return _BEGINS_FOLDED
    if word.replace("aa", "å").replace("ae", "ä").replace("oe", "ö") == other:
        return _TWO_LETTERS  # as they are written where there is no å
    if len(folded) > 2 and sound(word) == sound(other):
        return _SOUNDS
    return _NEARLY if next(signatures(folded), "") and near(folded, others) else -_NAME
