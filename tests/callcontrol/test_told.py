"""What a caller is told, by what the plan says: the words, the keys, and who rings when none is pressed."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from callcontrol.media.phrases import text
from callcontrol.plan.steps import Say
from callcontrol.refusal import Why
from callcontrol.told import KEY_AGAIN, KEY_INSTEAD, KEY_MESSAGE, KEY_RECEPTION, Told, word_of

NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
AWAY = Say(
    rule="C2",
    words="referred",
    fill=(("name", "1002"), ("reason", "meeting"), ("back_at", "2026-11-23T13:00:00+00:00")),
)
NAMES = {"1002": "Anna Ek", "1003": "Bo Al"}


@pytest.mark.parametrize(
    ("told", "sv", "en"),
    [
        (
            Told(said=(AWAY,), why="referred", sought="1002"),
            "Anna Ek är i möte och är tillbaka klockan fjorton.",
            "Anna Ek is in a meeting and will be back at two p.m.",
        ),
        (Told(why="busy", sought="1003"), "Bo Al är upptagen i ett annat samtal.", "Bo Al is busy on another call."),
        (Told(why="busy", sought="1009"), "Den du söker är upptagen i ett annat samtal.", None),
        (Told(why="unknown"), "Numret du har slagit används inte.", "The number you have dialled is not in use."),
        (Told(why="barred"), "Telefonen får inte ringa det numret.", "This phone may not call that number."),
        (Told(why="of a later year"), "Samtalet kan inte kopplas.", "Your call cannot be put through."),
    ],
)
def test_why(told: Told, sv: str, en: str | None) -> None:
    assert text(told.reasons(NOW, "sv", NAMES.get)) == sv
    assert en is None or text(told.reasons(NOW, "en", NAMES.get)) == en


def test_who_may_choose_and_who_rings_else() -> None:
    told = Told(said=(AWAY,), why="referred", sought="1002", reception="1000", instead="1003")
    assert told.keys == {KEY_RECEPTION: "1000", KEY_INSTEAD: "1003"}
    assert told.next == ("1003", "1000")
    said = text(told.choices("sv", NAMES.get))
    assert said.startswith("Tryck två för att komma till receptionen. Tryck tre för att tala med Bo Al.")
    assert KEY_AGAIN not in told.keys
    assert "nio" in said
    assert text(told.farewell("sv")) == "Vänta kvar, så kopplas du vidare."


def test_a_message_may_be_left() -> None:
    told = Told(said=(AWAY,), why="referred", sought="1002", reception="1000", mailbox="1002")
    said = text(told.choices("sv", NAMES.get))
    assert said.startswith("Tryck ett för att lämna ett meddelande. Tryck två för att komma till receptionen.")
    assert KEY_MESSAGE not in told.keys
    after = text(told.after_message("sv", NAMES.get))
    assert after == "Tack. Ditt meddelande är sparat. Tryck två för att komma till receptionen."
    alone = Told(why="no_answer", sought="1002", mailbox="1002")
    assert text(alone.choices("en", NAMES.get)).startswith("Press one to leave a message. Press nine")
    assert text(alone.after_message("en", NAMES.get)) == "Thank you. Your message has been saved."


def test_who_is_busy_may_be_waited_for() -> None:
    said = text(Told(why="busy", sought="1002", busy="1002").choices("sv", NAMES.get))
    assert said.startswith("Tryck fyra för att vänta tills telefonen är ledig. Tryck fem för att bli uppringd")


def test_a_number_may_be_left() -> None:
    said = text(Told(said=(AWAY,), why="referred", sought="1002", contact="1002").choices("sv", NAMES.get))
    assert said.startswith("Tryck sex för att lämna ditt nummer och bli uppringd.")


def test_nothing_to_choose() -> None:
    told = Told(why="unknown")
    assert (told.keys, told.next, told.choices("sv", NAMES.get)) == ({}, (), [])
    assert text(told.farewell("sv")) == "Tack för samtalet. Hej då."


@pytest.mark.parametrize("why", list(Why))
def test_every_word_of_the_edge_can_be_said(why: Why) -> None:
    assert text(Told(why=word_of(why), sought="1002").reasons(NOW, "sv", NAMES.get))
