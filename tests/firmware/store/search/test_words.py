"""How words are cut, folded and heard."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmware.store.search.words import LETTERS_MAX, WORDS_MAX, fold, near, signatures, sound, words


@pytest.mark.parametrize(
    ("text", "cut"),
    [
        ("Anna-Karin Öberg", ("anna", "karin", "öberg")),
        ("O'Hara, Åsa.", ("o", "hara", "åsa")),
        ("A\u030asa", ("åsa",)),
        ("snake_case", ("snake", "case")),
        ('"*":^()-', ()),
        ("", ()),
        ("x" * 500, ("x" * LETTERS_MAX,)),
        ("a b c d e f g h i j", tuple("abcdefgh")),
    ],
)
def test_words_are_cut(text: str, cut: tuple[str, ...]) -> None:
    assert words(text) == cut
    assert len(cut) <= WORDS_MAX


@pytest.mark.parametrize(
    ("one", "other"),
    [("Åsa", "asa"), ("ÖBERG", "oberg"), ("André", "andre"), ("Sørensen", "sorensen"), ("Łukasz", "lukasz")],
)
def test_folded_alike(one: str, other: str) -> None:
    assert fold(one) == other


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Karlsson", "Carlson"),
        ("Lindqvist", "Lindkvist"),
        ("Lindquist", "Lindkvist"),
        ("Åsa", "Aasa"),
        ("Wikström", "Vikström"),
        ("Göran", "Jöran"),
        ("Gustafsson", "Gustavsson"),
        ("Hjalmar", "Jalmar"),
        ("Ljung", "Jung"),
        ("Christer", "Krister"),
        ("Philip", "Filip"),
        ("Thomas", "Tomas"),
        ("Schmidt", "Smitt"),
        ("Max", "Macks"),
        ("Zara", "Sara"),
        ("Dahl", "Dal"),
        ("Bergstrand", "Bärgstrand"),
        ("Kjell", "Tjell"),
    ],
)
def test_sounds_alike(one: str, other: str) -> None:
    assert sound(one.lower()) == sound(other.lower()) != ""


@pytest.mark.parametrize(("one", "other"), [("Berg", "Bo"), ("Karin", "Kent"), ("Lund", "Lind-Ek"), ("Ek", "Alm")])
def test_sounds_different(one: str, other: str) -> None:
    assert sound(one.lower()) != sound(other.lower())


@pytest.mark.parametrize(
    ("one", "other", "is_near"),
    [
        ("andersson", "andersson", True),
        ("andersson", "anderson", True),
        ("andersson", "anderssson", True),
        ("andersson", "andresson", True),
        ("andersson", "andarsson", True),
        ("andersson", "ndersson", True),
        ("andersson", "anderssno", True),
        ("andersson", "andreson", False),
        ("andersson", "anrdesso", False),
        ("ab", "ba", True),
        ("", "a", True),
        ("", "", True),
    ],
)
def test_one_letter_apart(one: str, other: str, is_near: bool) -> None:
    assert near(one, other) == near(other, one) == is_near


letters = st.text("abcd", min_size=4, max_size=7)


@given(letters, letters)
def test_words_that_are_near_meet_in_the_index(one: str, other: str) -> None:
    if near(one, other):
        assert set(signatures(one)) & set(signatures(other))


@given(st.text())
def test_any_text_is_cut_folded_and_heard(text: str) -> None:
    for word in words(text):
        assert 0 < len(word) <= LETTERS_MAX
        fold(word), sound(word), list(signatures(word))
