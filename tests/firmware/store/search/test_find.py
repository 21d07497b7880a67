# ruff: noqa: E501  a row is a line
"""People are found the way they are asked for, the likeliest first, and nobody by what is hidden."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from callcontrol.plan.absence import Referral, Source
from callcontrol.plan.model import Entity, Extension, Kind, Person, Unit, Visibility
from callcontrol.plan.number import LocalNumbering
from callcontrol.plan.reach import DEFAULT_CLASS
from firmware.store.changes import Changes
from firmware.store.database import connect
from firmware.store.load import Bulk, Municipality, load
from firmware.store.people import People
from firmware.store.search import Finder
from firmware.store.search.find import ASKED_MAX
from firmware.store.visible import Card, Known, Viewer, card
from hil.municipality import generate
from hil.questions import KINDS, questions
from tests.firmware.store.conftest import Store

NOW = datetime(2026, 3, 3, 11, tzinfo=UTC)
PEOPLE = 2_000
OPERATOR = Viewer(id="operator", sees=Visibility.OPERATOR, municipality="norrby")
STAFF = Viewer(id="staff", sees=Visibility.STAFF, municipality="norrby")
PUBLIC = Viewer(id="anybody", sees=Visibility.PUBLIC)
SECRET = Viewer(id="archive", sees=Visibility.SECRET)
NORRBY_ALONE = Viewer(id="norrby", sees=Visibility.SECRET, municipality="norrby", municipalities=frozenset({"norrby"}))

Asked = Callable[..., list[str]]


def who(name: str, place: str = "norrby", unit: str = "bygg", **fields: object) -> Person:
    given, _, family = name.partition(" ")
    made = {"id": name, "given": given, "family": family, "unit": f"{place}-{unit}", **fields}
    return Person(**made)  # type: ignore[arg-type]


TOWN = (
    who("Åsa Lindqvist", title="Inspektör", duties=("bygglov",), mobile="+46701234567", location="Plan 3"),
    who("Asa Lindkvist", title="Handläggare"),
    who("Karl Karlsson", unit="skola", title="Rektor", search_words=("skolstart",)),
    who("Carl Carlson", title="Vaktmästare", duties=("nycklar",)),
    who("Göran Wikström", title="Chef", visibility={"title": Visibility.SECRET}),
    who("Erik Andersson", "soder", title="Inspektör"),
    who("Erik Andersson-Ek"),
    who("Per Andersson"),
    who("Eva Hemlig", unit="skola", title="Kurator", protected=True, mobile="+46709999999"),
    who("Ann Öppen", mobile="+46708888888", visibility={"mobile": Visibility.PUBLIC}),
    who("Mohammed Al-Hassan"),
    who("محمد علي"),
)


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[People, Changes]]:
    """Norrby with a building and a school office; Söder with one; extensions 1000 onwards as they are listed."""
    folder = tmp_path_factory.mktemp("town")
    places = ("norrby", "soder")
    bulk = Bulk(
        municipalities=[Municipality(id=place, name=place) for place in places],
        classes=(DEFAULT_CLASS,),
        entities=[Entity(id=place, name=place, municipality=place, greeting="") for place in places],
        units=[
            Unit(id=f"{place}-{unit}", name=name, entity=place)
            for place in places
            for unit, name in (("bygg", "Byggkontoret"), ("skola", "Skolkontoret"))
        ],
        people=TOWN,
        extensions=[
            Extension(
                number=str(1000 + place), kind=Kind.PERSON, unit=person.unit, person=person.id, reach=DEFAULT_CLASS,
                direct_number=f"+469016{1000 + place}",
            )
            for place, person in enumerate(TOWN)
        ],
    )  # fmt: skip
    with closing(connect(folder / "directory.db", "directory")) as db:
        load(db, bulk, "by hand", NOW)
    with closing(Changes.open(folder / "journal.db")) as changes:
        people = People.open(folder / "directory.db", folder / "journal.db", LocalNumbering(area_code="090"))
        people.look_again()
        yield people, changes
        people.close()


@pytest.fixture(scope="module")
def ask(opened: tuple[People, Changes]) -> Asked:
    people, _ = opened
    finder = Finder(people.directory, people)

    def asked(text: str, viewer: Viewer = OPERATOR, limit: int = 20) -> list[str]:
        return [one.card.person.id for one in finder.find(text, viewer, NOW, limit)]

    return asked


@pytest.mark.parametrize(
    ("asked", "first"),
    [
        # As it is written
        ("Åsa Lindqvist", "Åsa Lindqvist"),
        ("lindqvist åsa", "Åsa Lindqvist"),
        ("Lindqvist, Åsa", "Åsa Lindqvist"),
        ("ÅSA", "Åsa Lindqvist"),
        ("asa", "Asa Lindkvist"),
        ("Asa Lindkvist", "Asa Lindkvist"),
        ("lindkv", "Asa Lindkvist"),
        ("ås li", "Åsa Lindqvist"),
        ("a\u030asa", "Åsa Lindqvist"),
        ("محمد", "محمد علي"),
        ("al hassan", "Mohammed Al-Hassan"),
        # As it sounds
        ("Aasa", "Åsa Lindqvist"),
        ("Aasa Lindqvist", "Åsa Lindqvist"),
        ("Wikstroem", "Göran Wikström"),
        ("Karl Carlsson", "Karl Karlsson"),
        ("Jöran Vikström", "Göran Wikström"),
        ("Goran Wikstrom", "Göran Wikström"),
        ("Muhammed Alhassan", None),
        # Misspelt
        ("Wiktsröm", "Göran Wikström"),
        ("Wikstöm", "Göran Wikström"),
        ("Wikkström", "Göran Wikström"),
        ("Wikstrem", "Göran Wikström"),
        ("Mohamed", "Mohammed Al-Hassan"),
        # By what they do, and where
        ("bygglov", "Åsa Lindqvist"),
        ("nyckel", None),
        ("nycklar", "Carl Carlson"),
        ("vaktmästare", "Carl Carlson"),
        ("skolstart", "Karl Karlsson"),
        ("skolkontoret rektor", "Karl Karlsson"),
        ("rektor karl", "Karl Karlsson"),
        ("plan 3 åsa", "Åsa Lindqvist"),
        # By number
        ("1002", "Karl Karlsson"),
        ("090-16 10 02", "Karl Karlsson"),
        ("+46 90 16 10 02", "Karl Karlsson"),
        ("+46 (0)90 161002", "Karl Karlsson"),
        ("0046 90 161002", "Karl Karlsson"),
        ("161002", "Karl Karlsson"),
        ("16 10 02", "Karl Karlsson"),
        ("070-123 45 67", "Åsa Lindqvist"),
        ("0701234567", "Åsa Lindqvist"),
        ("34567", "Åsa Lindqvist"),
        # Nobody
        ("", None),
        ("   ", None),
        ("xyzzy", None),
        ("9999", None),
    ],
)  # fmt: skip
def test_who_comes_first(asked: str, first: str | None, ask: Asked) -> None:
    assert next(iter(ask(asked)), None) == first


def test_own_municipality_comes_first(ask: Asked) -> None:
    soder = Viewer(id="soder", sees=Visibility.OPERATOR, municipality="soder")
    assert ask("inspektör")[0] == "Åsa Lindqvist"
    assert ask("inspektör", soder)[0] == "Erik Andersson"
    assert set(ask("inspektör")) == set(ask("inspektör", soder))


def test_who_is_in_comes_before_who_is_away(ask: Asked, opened: tuple[People, Changes]) -> None:
    people, changes = opened
    before = ask("andersson", NORRBY_ALONE)
    assert set(before[:2]) == {"Erik Andersson-Ek", "Per Andersson"}
    number = people.extensions_of(before[0])[0]
    away = Referral(
        id="away", extension=number, reason="sick", start=NOW, until=NOW + timedelta(hours=1), source=Source.PAGE,
        set_by="x", set_at=NOW,
    )  # fmt: skip
    changes.refer([away])
    people.look_again()
    found = Finder(people.directory, people).find("andersson", NORRBY_ALONE, NOW)
    assert [(one.card.person.id, one.absent) for one in found[:2]] == [(before[1], False), (before[0], True)]


@pytest.mark.parametrize("letter", "aåäkgwem1+07-")
def test_one_letter_is_enough_to_begin(letter: str, ask: Asked) -> None:
    for name in ask(letter):
        assert name in {person.id for person in TOWN}
    if letter in "akgwe":
        assert ask(letter)


def test_so_many_at_the_most(ask: Asked) -> None:
    assert len(ask("e", limit=1)) == 1


@pytest.mark.parametrize(
    ("asked", "viewer", "found"),
    [
        ("Eva Hemlig", PUBLIC, []),
        ("Eva Hemlig", STAFF, []),
        ("Eva Hemlig", OPERATOR, ["Eva Hemlig"]),
        ("kurator", OPERATOR, []),
        ("kurator", SECRET, ["Eva Hemlig"]),
        ("hemlig skolkontoret", OPERATOR, []),
        ("1008", STAFF, []),
        ("070-999 99 99", OPERATOR, []),
        ("070-999 99 99", SECRET, ["Eva Hemlig"]),
        # What is hidden of others
        ("070-123 45 67", PUBLIC, []),
        ("070-123 45 67", STAFF, []),
        ("34567", STAFF, []),
        ("070-123 45 67", OPERATOR, ["Åsa Lindqvist"]),
        ("070-888 88 88", PUBLIC, ["Ann Öppen"]),
        ("bygglov", PUBLIC, []),
        ("bygglov", STAFF, ["Åsa Lindqvist"]),
        ("chef", OPERATOR, []),
        ("chef", SECRET, ["Göran Wikström"]),
        ("090-16 10 00", PUBLIC, ["Åsa Lindqvist"]),
        # Another's people
        ("Erik Andersson", NORRBY_ALONE, ["Erik Andersson-Ek"]),
        ("1005", NORRBY_ALONE, []),
        ("1005", OPERATOR, ["Erik Andersson"]),
    ],
)
def test_nobody_is_found_by_whom_or_what_is_hidden(asked: str, viewer: Viewer, found: list[str], ask: Asked) -> None:
    assert ask(asked, viewer) == found


@pytest.mark.parametrize(
    "asked",
    [
        '"', '""', '"åsa', "åsa*", "*", "åsa OR", "OR", "AND", "NOT åsa", "NEAR(", "NEAR(åsa lindqvist, 5)", "name:åsa",
        "{scope}: scope0", "^åsa", "-åsa", "åsa -lindqvist", "åsa + lindqvist", "(", ")", "'; DROP TABLE person; --", "%",
        "_", "\\", "\0", "åsa\0", "\ud800", "²", "½", "١٢٣", "１００２", "\u0301", "ﷺ" * 50, "+", "++46", "0" * 200, "+" * 200,
        "a" * 10_000, "a " * 5_000, "1 " * 5_000,
    ],
)  # fmt: skip
def test_a_question_is_never_a_language(asked: str, ask: Asked) -> None:
    for viewer in (OPERATOR, PUBLIC):
        ask(asked, viewer)


def test_words_of_the_index_itself_are_no_words(ask: Asked) -> None:
    assert ask("scope0") == []
    assert ask("norrby") == []


def test_only_so_much_of_a_question_is_read(ask: Asked) -> None:
    assert ask("åsa" + " " * ASKED_MAX + "xyzzy") == ask("åsa")


def test_a_finder_outlives_a_new_directory(tmp_path: Path) -> None:
    people = People.open(tmp_path / "directory.db", tmp_path / "journal.db", LocalNumbering())
    finder = Finder(people.directory, people)
    assert finder.find("anna", OPERATOR, NOW) == ()
    with closing(connect(tmp_path / "directory.db", "directory")) as other:
        bulk = generate(50)
        load(other, bulk, "generated", NOW)
    people.look_again()
    somebody = next(person for person in bulk.people if not person.protected)
    assert somebody.id in {one.card.person.id for one in finder.find(somebody.family, OPERATOR, NOW)}
    people.close()


# A whole municipality


@pytest.fixture(scope="module")
def generated() -> Bulk:
    return generate(PEOPLE)


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory, generated: Bulk) -> Iterator[Finder]:
    folder = tmp_path_factory.mktemp("many")
    with closing(connect(folder / "directory.db", "directory")) as db:
        load(db, generated, "generated", NOW)
    people = People.open(folder / "directory.db", folder / "journal.db", LocalNumbering())
    people.look_again()
    yield Finder(people.directory, people)
    people.close()


def test_questions_as_people_write_them(many: Finder, generated: Bulk) -> None:
    asked = questions(tuple(generated.people), tuple(generated.units), tuple(generated.extensions), 10 * len(KINDS))
    viewer = Viewer(id="x", sees=Visibility.OPERATOR, municipality="m1")
    missed = [
        (question.kind, question.text)
        for question in asked
        if not any(question.right(one.card.person) for one in many.find(question.text, viewer, NOW)[:3])
    ]
    assert len(missed) <= len(asked) // 20, missed


_ASKED = st.one_of(
    st.text(max_size=40),
    st.lists(st.sampled_from(["a", "ö", "Ann", "OR", '"', "*", "(", ":", "-", "07", "+46", " ", "^", "\0"])).map("".join),
)  # fmt: skip


@given(asked=_ASKED)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
def test_any_question_has_an_answer(asked: str, many: Finder) -> None:
    for viewer in (OPERATOR, NORRBY_ALONE):
        found = many.find(asked, viewer, NOW, limit=5)
        assert len(found) <= 5
        assert [one.score for one in found] == sorted((one.score for one in found), reverse=True)


# What was changed here


def test_who_was_changed_here_is_found_by_what_is_so_now(store: Store) -> None:
    finder = Finder(store.people.directory, store.people)

    def asked(text: str, viewer: Viewer = OPERATOR) -> list[str]:
        store.people.look_again()
        return [one.card.person.id for one in finder.find(text, viewer, NOW)]

    assert (asked("öberg"), asked("lindqvist"), asked("0703333333")) == (["anna"], [], [])
    store.changes.change("person", "anna", {"family": "Lindqvist", "duties": ["rivning"]}, "anna", NOW)
    store.changes.change("person", "bo", {"mobile": "+46703333333"}, "bo", NOW)
    for text in ("lindqvist", "anna lindqvist", "Lindkvist", "lind", "riv"):
        assert asked(text)[0] == "anna", text
    assert (asked("öberg"), asked("bygglov")) == ([], [])
    assert (asked("070-333 33 33"), asked("3333")) == (["bo"], ["bo"])
    assert asked("070-333 33 33", STAFF) == []


def test_nobody_is_looked_at_twice_for_one_question(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    finder = Finder(store.people.directory, store.people)
    looked_at: list[str] = []

    def seen(person: Person, known: Known, viewer: Viewer) -> Card | None:
        looked_at.append(person.id)
        return card(person, known, viewer)

    monkeypatch.setattr("firmware.store.search.find.card", seen)
    store.changes.change("person", "anna", {"title": "Chef"}, "anna", NOW)
    store.people.look_again()
    assert finder.find("anna", OPERATOR, NOW)
    assert looked_at == ["anna"]
