"""Who sees what of whom, by level and field; and what goes out as a vCard."""

from __future__ import annotations

import io
from dataclasses import replace
from typing import Any, Protocol

import pytest

from callcontrol.plan.model import Person, Visibility
from firmware.store.people import People
from firmware.store.people_csv import write_vcards
from firmware.store.people_csv.out import VCARD_LINE_BYTES
from firmware.store.visible import HIDEABLE, Card, Viewer, card

PUBLIC, STAFF, OPERATOR, SECRET = Visibility
ALL = dict.fromkeys(HIDEABLE)


class Store(Protocol):
    people: People


def seen(store: Store, person: Person, sees: Visibility, **fields: Any) -> Card | None:
    return card(person, store.people, Viewer(id="somebody", sees=sees, **fields))


def whole(store: Store, **fields: Any) -> Person:
    anna = store.people.person("anna")
    assert anna is not None
    return replace(anna, **fields)


SEEN_FROM: tuple[tuple[str, Visibility | None, Visibility], ...] = (
    # field, what the person has said of it, from which level on it is seen
    ("title", None, PUBLIC),
    ("mobile", None, OPERATOR),
    ("sms", None, OPERATOR),
    ("cost_centre", None, STAFF),
    ("duties", None, STAFF),
    ("search_words", None, STAFF),
    ("location", None, STAFF),
    ("email", None, STAFF),
    ("deputy", None, STAFF),
    *((field, who, who) for field in ("title", "mobile", "email", "duties", "location") for who in Visibility),
)


@pytest.mark.parametrize("sees", Visibility)
@pytest.mark.parametrize("protected", [False, True])
def test_a_field_is_seen_from_its_level_on(sees: Visibility, protected: bool, store: Store) -> None:
    for field, said, from_whom in SEEN_FROM:
        check_seen(field, said, from_whom, sees, protected, store)


def check_seen(
    field: str, said: Visibility | None, from_whom: Visibility, sees: Visibility, protected: bool, store: Store
) -> None:
    person = whole(store, visibility={field: said} if said else {}, protected=protected)
    shown = seen(store, person, sees)
    order = list(Visibility)
    if protected and order.index(sees) < order.index(OPERATOR):
        assert shown is None
        return
    assert shown is not None
    visible = sees is SECRET if protected else order.index(sees) >= order.index(from_whom)
    assert (field not in shown.hidden) == visible
    assert bool(getattr(shown.person, field)) == visible
    assert getattr(shown.person, field) in (getattr(person, field), None, "", ())


@pytest.mark.parametrize(("sees", "unit"), [(PUBLIC, None), (STAFF, None), (OPERATOR, ""), (SECRET, "Bygg")])
def test_where_somebody_protected_works_is_secret(sees: Visibility, unit: str | None, store: Store) -> None:
    siv = store.people.person("siv")
    assert siv is not None
    shown = seen(store, siv, sees)
    assert (shown.unit if shown else None) == unit
    if shown is not None:
        assert ("unit" in shown.hidden) == (unit == "")
        assert shown.entity == ("Norrby kommun" if unit else "")


@pytest.mark.parametrize(("whose", "is_seen"), [(None, True), ({"norrby"}, True), ({"soder"}, False), (set(), False)])
def test_anothers_people_are_not_seen_at_all(whose: set[str] | None, is_seen: bool, store: Store) -> None:
    limited = None if whose is None else frozenset(whose)
    assert (seen(store, whole(store), SECRET, municipalities=limited) is not None) == is_seen


def test_who_belongs_nowhere_is_not_seen(store: Store) -> None:
    assert seen(store, whole(store, unit="closed long ago"), SECRET) is None


def vcard(store: Store, sees: Visibility = SECRET, **fields: Any) -> list[str]:
    shown = seen(store, whole(store, **fields), sees)
    assert shown is not None
    target = io.StringIO()
    assert write_vcards([shown], target) == 1
    assert target.getvalue().endswith("END:VCARD\r\n")
    return target.getvalue().split("\r\n")[:-1]


def test_a_vcard_has_what_is_seen(store: Store) -> None:
    lines = vcard(store)
    assert lines[:2] == ["BEGIN:VCARD", "VERSION:4.0"]
    assert {"FN:Anna Öberg", "N:Öberg;Anna;;;", "ORG:Norrby kommun;Bygg", "TEL;TYPE=work;VALUE=text:1001"} <= set(lines)
    assert "TEL;TYPE=cell;VALUE=uri:tel:+46701111111" in lines
    assert not [line for line in vcard(store, PUBLIC) if "cell" in line or "EMAIL" in line]


@pytest.mark.parametrize(
    ("family", "line"),
    [
        ("a;b", "N:a\\;b;Anna;;;"),
        ("a,b", "N:a\\,b;Anna;;;"),
        ("a\\b", "N:a\\\\b;Anna;;;"),
        ("a\nEND:VCARD", "N:a\\nEND:VCARD;Anna;;;"),
        ("a\r\nb", "N:a\\nb;Anna;;;"),
        ("a\rb", "N:a\\nb;Anna;;;"),
    ],
)
def test_no_name_ends_a_line_of_a_vcard(family: str, line: str, store: Store) -> None:
    lines = vcard(store, family=family)
    assert line in lines
    assert lines.count("END:VCARD") == 1
    assert "\r" not in "".join(lines)


@pytest.mark.parametrize("letter", ["a", "å", "𠮷", "\u0645"])
@pytest.mark.parametrize("count", [70, 71, 72, 200])
def test_lines_are_folded_between_letters(letter: str, count: int, store: Store) -> None:
    lines = vcard(store, title=letter * count)
    assert max(len(line.encode()) for line in lines) <= VCARD_LINE_BYTES
    assert f"TITLE:{letter * count}" in "\r\n".join(lines).replace("\r\n ", "").split("\r\n")
