"""The menu of a mailbox: what each key does, in tables; and that nobody who presses whatever is led astray."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import settings as bounds
from hypothesis.strategies import booleans, integers, lists, sampled_from

from callcontrol.media.phrases import LANGUAGES, text
from callcontrol.voicemail import _KEYS, SILENT_MAX, TURNS_MAX, At, Deed, Greets, Menu, Mine, Note, Offer, Turn, What
from callcontrol.voicemailwords import about, before, counted, offered

NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)
MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)
OLD = Note(id="old", caller="1002", left_at=NOW - DAY, heard=True)
FIRST = Note(id="first", caller="+46701234567", left_at=NOW - 2 * MINUTE)
SECOND = Note(id="second", caller="", left_at=NOW - MINUTE)
ALL = (SECOND, OLD, FIRST)
QUIET = " "


def pressed(keys: str, mine: Mine) -> tuple[Menu, Turn]:
    """The last turn; QUIET is nothing that is pressed, R a recording, U a call that nobody takes."""
    menu = Menu(mine)
    turn = menu.begin()
    for key in keys:
        if key == QUIET:
            turn = menu.silence()
        elif key == "R":
            turn = menu.recorded(well=True)
        elif key == "U":
            turn = menu.unanswered("nobody_answers")
        else:
            turn = menu.key(key)
    return menu, turn


def heard(name: str) -> Deed:
    return Deed(What.HEARD, name)


@pytest.mark.parametrize(
    ("keys", "at", "plays", "says", "deeds"),
    [
        ("", At.MAIN, None, (), ()),
        ("1", At.MESSAGE, "first", (), ()),
        (" ", At.MESSAGE, "first", (), ()),  # who presses nothing hears the first
        ("1 ", At.AFTER, None, (), (heard("first"),)),
        ("1 1", At.MESSAGE, "first", (), ()),
        ("11", At.MESSAGE, "first", (), (heard("first"),)),
        ("16", At.MESSAGE, "second", (), (heard("first"),)),
        ("1#", At.MESSAGE, "second", (), (heard("first"),)),
        ("166", At.MESSAGE, "old", (), (heard("second"),)),
        ("1666", At.MAIN, None, ("no_more_messages",), ()),
        ("164", At.MESSAGE, "first", (), (heard("second"),)),
        ("14", At.MESSAGE, "first", (), (heard("first"),)),
        ("12", At.MESSAGE, "second", ("message_is_kept",), (heard("first"), Deed(What.KEEP, "first"))),
        ("1 2", At.MESSAGE, "second", ("message_is_kept",), (Deed(What.KEEP, "first"),)),
        ("13", At.MESSAGE, "second", ("message_is_discarded",), (Deed(What.DISCARD, "first"),)),
        ("1333", At.MAIN, None, ("message_is_discarded", "no_more_messages"), (Deed(What.DISCARD, "old"),)),
        ("1*", At.MAIN, None, (), (heard("first"),)),
        ("17", At.MESSAGE, "first", (), (heard("first"),)),  # a key for nothing
        ("15U", At.AFTER, None, ("nobody_answers",), ()),
        ("165", At.MESSAGE, "second", (), (heard("second"),)),  # withheld: nobody to call
        ("*", At.OVER, None, ("goodbye",), ()),
        ("4", At.GREETINGS, None, (), ()),
        ("4*", At.MAIN, None, (), ()),
        ("43", At.GREETINGS, None, (), ()),  # there is none to be heard
        ("41", At.RECORDING, None, ("speak_greeting",), ()),
        ("41R", At.RECORDED, None, ("greeting_sounds",), ()),
        ("41R1", At.GREETINGS, None, ("greeting_is_used",), (Deed(What.USE_PERSONAL),)),
        ("42R1", At.GREETINGS, None, ("temporary_is_used",), (Deed(What.USE_TEMPORARY),)),
        ("42R2", At.RECORDING, None, ("speak_greeting",), (Deed(What.FORGET_RECORDING),)),
        ("42R2R1", At.GREETINGS, None, ("temporary_is_used",), (Deed(What.USE_TEMPORARY),)),
        ("41R*", At.GREETINGS, None, (), (Deed(What.FORGET_RECORDING),)),
        ("41R  ", At.OVER, None, ("goodbye",), (Deed(What.FORGET_RECORDING),)),
        ("41R142R15", At.GREETINGS, None, ("greeting_is_gone",), (Deed(What.END_TEMPORARY),)),
        ("41R142R155", At.GREETINGS, None, ("greeting_is_gone",), (Deed(What.END_PERSONAL),)),
        ("45", At.GREETINGS, None, (), ()),
        ("46", At.GREETINGS, None, ("no_messages_are_taken",), (Deed(What.TAKE_NONE),)),
        ("466", At.GREETINGS, None, ("messages_are_taken",), (Deed(What.TAKE_MESSAGES),)),
        ("4" + QUIET * SILENT_MAX, At.OVER, None, ("goodbye",), ()),
    ],
)
def test_what_keys_do(keys: str, at: At, plays: str | None, says: tuple[str, ...], deeds: tuple[Deed, ...]) -> None:
    menu, turn = pressed(keys, Mine(notes=ALL))
    assert (menu.at, turn.plays, turn.says, turn.deeds) == (at, plays, says, deeds)
    assert turn.over is (at is At.OVER)


@pytest.mark.parametrize(
    ("mine", "offers"),
    [
        (Mine(), ["1 for_personal_greeting", "2 for_temporary_greeting", "6 for_taking_none", "* for_menu"]),
        (
            Mine(personal=True, takes_messages=False),
            ["1 for_personal_greeting", "2 for_temporary_greeting", "3 for_hearing_greeting",
             "5 for_ending_personal", "6 for_taking_messages", "* for_menu"],
        ),
        (
            Mine(personal=True, temporary=True),
            ["1 for_personal_greeting", "2 for_temporary_greeting", "3 for_hearing_greeting",
             "5 for_ending_temporary", "6 for_taking_none", "* for_menu"],
        ),
    ],
)  # fmt: skip
def test_what_is_offered_is_what_there_is(mine: Mine, offers: list[str]) -> None:
    _, turn = pressed("4", mine)
    assert [f"{offer.key} {offer.what}" for offer in turn.offers] == offers
    assert pressed("43", Mine(personal=True))[1].greets is Greets.IN_FORCE


def test_an_empty_mailbox_is_said_and_then_ends() -> None:
    menu, turn = pressed("", Mine())
    assert (turn.counts, [offer.key for offer in turn.offers]) == ((0, 0), ["4", "*"])
    assert not menu.silence().over
    assert menu.silence().over


def test_what_was_heard_counts_as_old() -> None:
    assert pressed("1 *", Mine(notes=ALL))[1].counts == (1, 2)
    assert pressed("13*", Mine(notes=ALL))[1].counts == (0, 2)


def test_what_cannot_be_done_is_said() -> None:
    menu, _ = pressed("46", Mine(notes=ALL))
    assert (menu.failed().says, menu.at) == (("not_done",), At.MAIN)
    menu, _ = pressed("1", Mine(notes=ALL))
    assert (menu.failed().says, menu.at) == (("not_done",), At.AFTER)
    assert menu.key("6").deeds == (), "what could not be played was not heard"


def test_no_call_lasts_for_ever() -> None:
    menu, turn = pressed("1" * (TURNS_MAX + 1), Mine(notes=ALL))
    assert (menu.at, turn.over) == (At.OVER, True)
    assert menu.key("1").over


def test_an_empty_recording_is_none() -> None:
    menu, _ = pressed("41", Mine())
    assert (menu.recorded(well=False).says, menu.at) == (("no_message",), At.GREETINGS)


@bounds(max_examples=200, deadline=None)
@given(lists(sampled_from([*"0123456789*#", QUIET, "x"]), max_size=60), integers(0, 4), booleans(), booleans())
def test_whatever_is_pressed(keys: list[str], many: int, personal: bool, temporary: bool) -> None:
    """Nothing is played, heard, kept or discarded but what is there; each is heard and discarded once at the most; each
    offer does something; what is said can be said; and who is at the end stays there."""
    notes = tuple(Note(id=f"m{n}", caller="1002" * (n % 2), left_at=NOW, heard=n > 2) for n in range(many))
    menu = Menu(Mine(notes=notes, personal=personal, temporary=temporary))
    turn, done = menu.begin(), []
    there = {note.id for note in notes}
    for key in keys:
        assert turn.plays is None or turn.plays in there
        for deed in turn.deeds:
            assert not deed.message or deed.message in there, "of one that is gone"
            if deed.what in (What.HEARD, What.DISCARD):
                done.append(deed)
            if deed.what is What.DISCARD:
                there.discard(deed.message)
        assert all((menu.at, offer.key) in _KEYS for offer in turn.offers)
        for language in LANGUAGES:
            said = [*before(turn, NOW, language, lambda _: None), *offered(turn, language, lambda _: None)]
            assert said or turn.plays or turn.calls or turn.greets or menu.at is At.MESSAGE
        if turn.over:
            assert menu.key("1").over
            break
        if turn.records:
            turn = menu.recorded(well=key in "13579")
        elif turn.calls is not None:
            turn = menu.unanswered("number_busy")
        else:
            turn = menu.silence() if key == QUIET else menu.key(key)
    assert len(done) == len(set(done)), "once"


@pytest.mark.parametrize(
    ("new", "old", "sv", "en"),
    [
        (0, 0, "Du har inga meddelanden.", "You have no messages."),
        (1, 0, "Du har ett nytt meddelande.", "You have one new message."),
        (
            2, 1, "Du har två nya meddelanden och ett gammalt meddelande.",
            "You have two new messages and one old message.",
        ),
        (0, 200, "Du har nittionio gamla meddelanden.", "You have ninety-nine old messages."),
    ],
)  # fmt: skip
def test_how_many_there_are(new: int, old: int, sv: str, en: str) -> None:
    assert (text([counted(new, old, "sv")]), text([counted(new, old, "en")])) == (sv, en)


def name_of(number: str) -> str | None:
    return "Bo Ek" if number == "1002" else None


@pytest.mark.parametrize(
    ("caller", "ago", "sv"),
    [
        ("1002", timedelta(0), "Nytt meddelande från Bo Ek i dag klockan tio."),
        ("1003", DAY, "Nytt meddelande från tio noll tre i går klockan tio."),
        ("", 4 * DAY, "Nytt meddelande från dolt nummer i torsdags klockan tio."),
        (
            "+46701234567", 10 * DAY,
            "Nytt meddelande från noll sju noll ett tjugotre fyrtiofem sextiosju den trettonde november.",
        ),
        ("1002", -MINUTE, "Nytt meddelande från Bo Ek i dag klockan tio noll ett."),  # a clock that was set
    ],
)  # fmt: skip
def test_who_has_left_it_and_when(caller: str, ago: timedelta, sv: str) -> None:
    assert text([about(Note(id="a", caller=caller, left_at=NOW - ago), NOW, "sv", name_of)]) == sv


def test_keys_without_digits_are_spoken() -> None:
    turn = Turn(offers=(Offer("*", "for_ending"), Offer("#", "for_next")))
    assert text(offered(turn, "sv", name_of)) == "Tryck stjärna för att avsluta. Tryck fyrkant för nästa."
