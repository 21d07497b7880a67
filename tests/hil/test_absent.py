"""The rules for those who are away, on histories made by hand: silent where all is well, and each with its excuse."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from hil.absent import HANDED_MORE, absent_breaches
from hil.excuses import KNOWN_TO_EDGE_S
from hil.history import Absence, Call, History, Phone
from hil.phone.hearing import Heard
from hil.phone.sipp import Message
from hil.stormdeeds import APART, AWAY, HELPER, LOST, MOVED, NOBODY, STANDIN, Do
from hil.stormplan import Fault

AT, NOW = 900.0, 1000.0
ID = "1-77@10.98.0.21"


def town(mode: str = "SURVIVAL") -> History:
    history = History(began=0.0)
    for label, extension in (("away", AWAY), ("standin", STANDIN), ("moved", MOVED), ("lost", LOST)):
        phone = Phone(label, (extension,))
        history.switched_on(phone, 1.0)
        for at in (AT - 100, AT - 1):
            phone.heard_ok(extension, at)
    history.mode_is(mode, 2.0)
    history.absences.append(Absence("r1", "", 5.0))
    return history


def called(history: History, do: Do, callee: str, rings: str = "", code: int = 480) -> History:
    """A call that rings a phone, or none, and is answered by this code."""
    history.placed(Call("c.1", do, "1001", callee, AT))
    for label, sent in (("c.1", True), (rings, False)):
        if label:
            talk = [("INVITE", None, 0.0), ("INVITE", code, 0.5)]
            history.heard(
                label, [Message(AT + at, sent is (what is None), ID, 2, verb, what) for verb, what, at in talk]
            )
    return history


def rules(history: History) -> set[str]:
    return {breach.rule for breach in absent_breaches(history, NOW)}


GOOD: list[tuple[Do, str, str, int]] = [
    (Do.CALL_AWAY, AWAY, "", 480),
    (Do.CALL_MOVED, MOVED, "standin", 200),
    (Do.CALL_LOST, LOST, "", 480),
]
BAD: list[tuple[str, Do, str, str, int]] = [
    ("away", Do.CALL_AWAY, AWAY, "away", 200),
    ("away", Do.CALL_AWAY, AWAY, "", 404),
    ("moved", Do.CALL_MOVED, MOVED, "moved", 200),
    ("moved", Do.CALL_MOVED, MOVED, "", 480),
    ("lost", Do.CALL_LOST, LOST, "lost", 200),
]
EXCUSES: list[tuple[str, Callable[[History], object]]] = [
    ("NORMAL: the platform decides", lambda history: history.mode_is("NORMAL", AT + 0.2)),
    ("the edge was killed", lambda history: history.struck(Fault.EDGE_KILLED, AT - 1)),
    ("the journal was locked", lambda history: history.struck(Fault.JOURNAL_LOCKED, AT - 5)),
    ("the machine stood still", lambda history: history.lags.append((AT - 1, AT))),
]


@pytest.mark.parametrize(("do", "callee", "rings", "code"), GOOD)
def test_all_is_well(do: Do, callee: str, rings: str, code: int) -> None:
    assert rules(called(town(), do, callee, rings, code)) == set()


@pytest.mark.parametrize(("rule", "do", "callee", "rings", "code"), BAD)
def test_a_breach_and_what_excuses_it(rule: str, do: Do, callee: str, rings: str, code: int) -> None:
    assert rules(called(town(), do, callee, rings, code)) == {rule}
    for why, excuse in EXCUSES:
        history = called(town(), do, callee, rings, code)
        excuse(history)
        assert rules(history) == set(), why
    history = called(town(), do, callee, rings, code)
    history.struck(Fault.CALLS_KILLED, AT - 1)
    assert rules(history) == ({"lost"} if rule == "lost" else set()), "calls was killed"


def test_a_referral_that_the_edge_cannot_know_of_yet_or_that_is_over() -> None:
    for absence in (
        Absence("r1", "", AT - KNOWN_TO_EDGE_S),
        Absence("r1", "", 5.0, ended_from=AT + 0.1),
    ):
        history = called(town(), Do.CALL_AWAY, AWAY, "away", 200)
        history.absences = [absence]
        assert rules(history) == set()


def test_who_answers_instead() -> None:
    for rings, code, broken in (("standin", 200, set()), ("", 480, {"away"})):
        history = called(town(), Do.CALL_AWAY, AWAY, rings, code)
        history.absences = [Absence("r1", STANDIN, 5.0)]
        assert rules(history) == broken


def test_changes_are_kept_and_told_once() -> None:
    history = town()
    history.absences = [Absence("r1", "", 5.0, 6.0, "o1", 7.0)]
    for told, kept, broken in (
        ({"r1": 1, "o1": 1}, {"r1", "o1"}, set()),
        ({"r1": 2, "o1": 1}, {"r1", "o1"}, {"told_once"}),
        ({"r1": 1}, {"r1", "o1"}, {"told_once"}),
        ({"r1": 1, "o1": 1}, {"o1"}, {"told_once"}),
    ):
        history.changes = NOW, told, frozenset(kept)
        assert rules(history) == broken
    history.changes = 7.5, {"r1": 1}, frozenset({"r1"})
    assert rules(history) == set()


def test_calls_to_plain_phones_do_not_come_to_python() -> None:
    for do, callee, rings, code, may in (
        (Do.CALL, "1002", "crowd", 200, 0),
        (Do.CALL, "1002", "", 480, 1),
        (Do.CALL_MOVED, MOVED, "standin", 200, 1),
        (Do.CALL_AWAY, AWAY, "", 480, 2),
        (Do.EMERGENCY, "112", "", 480, 0),
        (Do.GIVE_UP, "1014", "", 487, 0),
    ):
        history = called(town(), do, callee, rings, code)
        history.handed = NOW, HANDED_MORE + may
        assert rules(history) == set()
        history.handed = NOW, HANDED_MORE + may + 1
        assert rules(history) == {"plain"}
    history = called(town("NORMAL"), Do.CALL_MOVED, MOVED, "moved", 200)
    history.handed = NOW, HANDED_MORE + 1
    assert rules(history) == {"plain"}
    history.struck(Fault.PLATFORM_SICK, AT)  # then it may have been diverted
    assert rules(history) == set()


def test_calls_of_those_who_hear_come_to_python_as_often_as_is_due() -> None:
    apart = next(iter(APART))
    for peer, code, label, may in (
        (NOBODY, 200, Do.HEAR, 1),
        (NOBODY, 404, Do.HEAR, 1),
        ("*55*7", 486, Do.MEET, 1),
        ("*70*1", 480, "", 1),
        (apart, 200, Do.CHOOSE, 1),
        (apart, 480, Do.CHOOSE, 2),
        (HELPER, 200, Do.TALK, 0),
        (HELPER, 486, Do.TALK, 1),
        (HELPER, None, Do.TALK, 1),
        (HELPER, 487, Do.TALK, 0),
        (NOBODY, 200, "", 0),
    ):
        history = town()
        history.heard_calls = [Heard(1, "1021", peer, "a", AT, label, code)]
        history.handed = NOW, HANDED_MORE + may
        assert rules(history) == set()
        history.handed = NOW, HANDED_MORE + may + 1
        assert rules(history) == {"plain"}
