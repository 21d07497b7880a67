"""Questions as people write them when they look for somebody, made of people who are there, and who may be the
answer."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from callcontrol.plan.model import Extension, Person, Unit
from callcontrol.plan.number import pretty

__all__ = ["KINDS", "Question", "questions", "typed"]

_ALIKE = (
    ("rlsson", "rlson"), ("Karl", "Carl"), ("Carl", "Karl"), ("qvist", "kvist"), ("kvist", "qvist"), ("Wik", "Vik"),
    ("Vik", "Wik"), ("ström", "strøm"), ("fs", "vs"), ("vs", "fs"), ("Kr", "Chr"), ("Chr", "Kr"), ("th", "t"),
    ("ph", "f"), ("ss", "s"), ("tt", "t"), ("ks", "x"), ("Å", "Aa"), ("å", "aa"), ("é", "e"), ("ck", "k"), ("W", "V"),
    ("hl", "l"), ("Z", "S"), ("c", "k"), ("ll", "l"), ("nn", "n"),
)  # fmt: skip
_FLAT = str.maketrans("åäöÅÄÖéÉ", "aaoAAOeE")


@dataclass(frozen=True, slots=True)
class Question:
    """`right` says of a person's name, duties, unit and numbers whether it is who was meant: namesakes are, too."""

    kind: str
    text: str
    right: Callable[[Person], bool]


@dataclass(frozen=True, slots=True)
class _Asked:
    person: Person
    unit: Unit
    extension: Extension
    chance: random.Random


def questions(
    people: Sequence[Person], units: Sequence[Unit], extensions: Sequence[Extension], count: int, seed: int = 1
) -> list[Question]:
    """So many, of every kind as many; none about somebody protected, who is not to be found."""
    chance = random.Random(seed)
    by_unit = {unit.id: unit for unit in units}
    by_person = {one.person: one for one in extensions if one.person}
    asked: list[Question] = []
    kinds = list(KINDS)
    while len(asked) < count:
        person = chance.choice(people)
        kind = kinds[len(asked) % len(kinds)]
        one = _Asked(person, by_unit[person.unit], by_person[person.id], chance)
        if not person.protected and (found := KINDS[kind](one)) is not None:
            asked.append(Question(kind, *found))
    return asked


Made = tuple[str, Callable[[Person], bool]] | None


def _namesake(person: Person) -> Callable[[Person], bool]:
    return lambda other: (other.given, other.family) == (person.given, person.family)


def _whole(one: _Asked) -> Made:
    return f"{one.person.given} {one.person.family}", _namesake(one.person)


def _turned(one: _Asked) -> Made:
    return f"{one.person.family}, {one.person.given}", _namesake(one.person)


def _begun(one: _Asked) -> Made:
    """The beginnings of both names."""
    given, family = one.person.given[:3], one.person.family[: one.chance.choice((3, 4, 5))]
    return f"{given} {family}", lambda other: other.given.startswith(given) and other.family.startswith(family)


def _without_diacritics(one: _Asked) -> Made:
    text = f"{one.person.given} {one.person.family}"
    flat = text.translate(_FLAT)
    if flat == text:
        return None
    return flat.lower(), lambda other: f"{other.given} {other.family}".translate(_FLAT) == flat


def _misspelt(one: _Asked) -> Made:
    """One letter left out, doubled, wrong, or changed with its neighbour, in a family name long enough."""
    family = one.person.family
    if len(family) < 6:
        return None
    place = one.chance.randrange(1, len(family) - 1)
    wrong = one.chance.choice(
        (
            family[:place] + family[place + 1 :],
            family[:place] + family[place] + family[place:],
            family[:place] + one.chance.choice("aeinrst") + family[place + 1 :],
            family[:place] + family[place + 1] + family[place] + family[place + 2 :],
        )
    )
    return f"{one.person.given} {wrong}", _namesake(one.person)


def _as_it_sounds(one: _Asked) -> Made:
    text = f"{one.person.given} {one.person.family}"
    ways = [text.replace(written, heard) for written, heard in _ALIKE if written in text]
    return (one.chance.choice(ways), _namesake(one.person)) if ways else None


def _by_duty(one: _Asked) -> Made:
    if not one.person.duties:
        return None
    duty = one.chance.choice(one.person.duties)
    return duty, lambda other: duty in other.duties


def _duty_in_a_unit(one: _Asked) -> Made:
    if not one.person.duties:
        return None
    begun = one.chance.choice(one.person.duties).split()[0][:5]
    unit = one.unit.name.split()[0]
    return f"{unit} {begun}", lambda other: any(
        word.startswith(begun) for known in other.duties for word in known.split()
    )


def _title_and_name(one: _Asked) -> Made:
    text = f"{one.person.title} {one.person.given}"
    return text.lower(), lambda other: (other.title, other.given) == (one.person.title, one.person.given)


def _extension(one: _Asked) -> Made:
    return one.extension.number, lambda other: other.id == one.person.id


def _direct_number(one: _Asked) -> Made:
    number = one.extension.direct_number
    if number is None:
        return None
    local = f"0{number[3:5]}-{number[5:]}"
    ways = (pretty(number), number, f"00{number[1:]}", local, f"{number[:3]} (0){number[3:5]} {number[5:]}")
    return one.chance.choice(ways), lambda other: other.id == one.person.id


def _mobile(one: _Asked) -> Made:
    if one.person.mobile is None:
        return None
    national = f"0{one.person.mobile[3:]}"
    ways = (pretty(one.person.mobile), national, f"{national[:3]}-{national[3:]}", national[-6:])
    text = one.chance.choice(ways)
    return text, lambda other: bool(other.mobile and other.mobile.endswith(text[-6:].replace(" ", "")[-4:]))


KINDS: dict[str, Callable[[_Asked], Made]] = {
    "whole name": _whole,
    "family name first": _turned,
    "beginnings": _begun,
    "without diacritics": _without_diacritics,
    "misspelt": _misspelt,
    "as it sounds": _as_it_sounds,
    "duty": _by_duty,
    "duty in a unit": _duty_in_a_unit,
    "title and name": _title_and_name,
    "extension": _extension,
    "direct number": _direct_number,
    "mobile": _mobile,
}


def typed(text: str) -> Iterator[str]:
    """What stands there while it is typed: the first letter, three, five."""
    yield from (text[:count] for count in (1, 3, 5) if len(text) > count)
