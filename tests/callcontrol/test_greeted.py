"""How who calls a SIM is greeted, and whom what they press leads to."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from callcontrol.asked import Asked, decide
from callcontrol.greeted import DIGITS_MAX, Greeted, Keypad, in_turn, led_out, longest_of
from callcontrol.media.phrases import text
from callcontrol.plan.model import Condition
from callcontrol.plan.number import ExtensionRange, LocalNumbering
from callcontrol.plan.steps import Say
from callcontrol.refusal import Why

NOON = datetime(2026, 3, 3, 11, tzinfo=UTC)
MOBILE = "+46701112233"
Town = Any  # of conftest.py


def greeted(greeting: str) -> Greeted:
    return Greeted(greeting=greeting, entity="k", next=("1000",), longest=4, reached=lambda digits: ())


@pytest.mark.parametrize(
    ("greeting", "language", "begins"),
    [
        ("Välkommen till Norrby kommun", "sv", "Välkommen till Norrby kommun. Slå anknytningen"),
        ("Välkommen till Norrby kommun", "en", "Welcome. Dial the extension"),
        ("", "sv", "Välkommen. Slå anknytningen"),
        ("", "en", "Welcome. Dial the extension"),
    ],
)
def test_words(greeting: str, language: str, begins: str) -> None:
    assert text(greeted(greeting).words(language)).startswith(begins)


def test_who_calls_when_it_is_closed_hears_until_when_and_may_dial_an_extension() -> None:
    night = Say(rule="B10", words="night", fill=(("entity", "k"), ("opens_at", "2026-03-04T08:00:00+01:00")))
    closed = replace(greeted("Norrby"), next=(), closed=(night, NOON))
    assert text(closed.words("sv")) == (
        "Norrby. Växeln är stängd. Vi svarar igen i morgon klockan åtta. Slå anknytningen om du kan den."
    )
    assert "eller vänta kvar" in text(replace(closed, next=("1200",)).words("sv"))


@pytest.mark.parametrize(
    ("pressed", "digits", "over"),
    [
        ("1001", "1001", True),
        ("100", "100", False),
        ("12#", "12", True),
        ("9*1001", "1001", True),
        ("#", "", True),
        ("*", "", False),
        ("1A0D01", "1001", True),
        ("100199999999", "1001", True),
    ],
)
def test_what_is_pressed(pressed: str, digits: str, over: bool) -> None:
    keypad = Keypad(4)
    assert any(keypad.press(key) for key in pressed) is over
    assert keypad.digits == digits


def test_the_key_out_is_heeded_first_and_where_it_is_wanted() -> None:
    for leads_out, keys, out in ((True, "*", True), (True, "1*", False), (False, "*", False), (True, "1*1", False)):
        keypad = Keypad(4, leads_out=leads_out)
        assert any(keypad.press(key) for key in keys) is out
        assert keypad.out is out


def test_the_longest_extension() -> None:
    assert longest_of(LocalNumbering(extensions=(ExtensionRange("1", 4), ExtensionRange("2", 5)))) == 5
    assert longest_of(LocalNumbering()) == DIGITS_MAX


def nothing(town: Town) -> None:
    pass


@pytest.mark.parametrize(
    ("digits", "change", "rings"),
    [
        ("1001", nothing, ("1001", "1000")),
        ("1000", nothing, ("1000",)),
        ("1999", nothing, ()),
        ("112", nothing, ()),
        ("0701112233", nothing, ()),
        ("00701112233", nothing, ()),
        ("1177", nothing, ()),
        ("4690161001", nothing, ()),
        ("1001", lambda town: town.change("1001", blocked=True), ("1001", "1000")),
        ("1001", lambda town: town.forward("1001", Condition.ALWAYS, "1002"), ("1001", "1002", "1000")),
        ("1003", lambda town: town.forward("1003", Condition.ALWAYS, MOBILE), ("1003", "1000")),
    ],
)
def test_who_rings_in_turn(town: Town, digits: str, change: Callable[[Town], None], rings: tuple[str, ...]) -> None:
    """Extensions only; a blocked one does not ring itself: it is judged again by the plan when its turn comes."""
    change(town)
    asked = Asked(callee=digits, caller=MOBILE, why=Why.INCOMING, survival=True)
    assert in_turn(asked, town, NOON) == rings


@pytest.mark.parametrize(
    ("number", "instead", "why"),
    [
        ("00701112233", MOBILE, ""),
        ("112", None, "emergency_direct"),
        ("00112", None, "emergency_direct"),
        ("00044201234567", None, "barred"),
        ("1001", None, "unknown"),
        ("", None, "invalid_number"),
        ("9999", None, "invalid_number"),
    ],
)
def test_who_is_led_out_reaches_what_the_extension_does(town: Town, number: str, instead: str | None, why: str) -> None:
    asked = Asked(callee=number, caller="1001", why=Why.OUTSIDE, survival=True)
    told = led_out(asked, decide(asked, town, NOON, ways_out=None), town.numbering)
    assert (told.instead, told.why) == (instead, why)


def test_who_is_nobodys_extension_is_led_nowhere(town: Town) -> None:
    asked = Asked(callee="00701112233", caller="1999", why=Why.OUTSIDE, survival=True)
    assert led_out(asked, decide(asked, town, NOON, ways_out=None), town.numbering).instead is None
    no_way = replace(asked, caller="1001")
    assert led_out(no_way, decide(no_way, town, NOON, ways_out=0), town.numbering).why == "no_way_out"
