"""What the edge is answered when it asks about a call: who rings now, or how the call ends; a row a situation."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from callcontrol.asked import LINE_MAX, Asked, after, decide, may_refer
from callcontrol.plan.absence import Absent, Source
from callcontrol.plan.model import Condition, Distribution, Kind, Member
from callcontrol.plan.reach import REACH_CLASSES
from callcontrol.plan.schedule import Schedule
from callcontrol.refusal import Refusal, Why, refuse
from callcontrol.sip.message import Request, Response

NOON = datetime(2026, 3, 3, 11, tzinfo=UTC)  # a Tuesday, 12:00 in Sweden

Town = Any  # of conftest.py
Set = Callable[[Town], object]


def ask(town: Town, why: Why = Why.ASKED, *tried: str, callee: str = "1001", caller: str | None = "1004") -> Any:
    return decide(Asked(callee=callee, caller=caller, why=why, survival=True, tried=tried), town, NOON).answer


def away(town: Town, **fields: Any) -> None:
    given: dict[str, Any] = {"reason": "meeting", "since": NOON, "back_at": NOON + timedelta(hours=2, minutes=30)}
    given |= {"source": Source.PAGE, "set_by": "anna", "referral": "r"}
    town.away["1001"] = Absent(**{**given, **fields})


def forwarded(condition: Condition, target: str | None = "1002") -> Set:
    return lambda town: town.forward("1001", condition, target)


def hunt(distribution: Distribution, *out: str) -> Set:
    members = [Member(extension=number, signed_in=number not in out) for number in ("1001", "1002", "1003")]
    return lambda town: town.hunt("1900", distribution, *members)


RINGS: list[tuple[str, Set, dict[str, Any], tuple[str, ...]]] = [
    ("a plain one", lambda town: None, {}, ("1001",)),
    ("referred, another answers", lambda town: away(town, answers_instead="1002", direct=True), {}, ("1002",)),
    ("forwarded always", forwarded(Condition.ALWAYS), {}, ("1002",)),
    ("followed", forwarded(Condition.FOLLOW_ME), {}, ("1002",)),
    ("busy, forwarded on busy", forwarded(Condition.BUSY), {"why": Why.BUSY}, ("1002",)),
    ("busy after what was tried", forwarded(Condition.BUSY), {"why": Why.BUSY, "tried": ("1001",)}, ("1002",)),
    ("no answer, forwarded on it", forwarded(Condition.NO_ANSWER), {"why": Why.NO_ANSWER}, ("1002",)),
    ("not there, forwarded on it", forwarded(Condition.NOT_REACHABLE), {"why": Why.ABSENT}, ("1002",)),
    ("silent, forwarded when not there", forwarded(Condition.NOT_REACHABLE), {"why": Why.SILENT}, ("1002",)),
    ("no answer, a fallback", lambda town: town.change("1001", fallback="1003"), {"why": Why.NO_ANSWER}, ("1003",)),
    ("no answer, the reception", lambda town: None, {"why": Why.NO_ANSWER}, ("1000",)),
    ("no answer, a mailbox", lambda town: town.change("1001", voicemail=True), {"why": Why.NO_ANSWER}, ("1000",)),
    ("busy, the reception", lambda town: None, {"why": Why.BUSY}, ("1000",)),
    ("the reception called", lambda town: None, {"callee": "1000"}, ("1000",)),
    (
        "a chain",
        lambda town: [forwarded(Condition.ALWAYS)(town), town.forward("1002", Condition.ALWAYS, "1003")],
        {},
        ("1003",),
    ),
    (
        "forwarded in a circle",
        lambda town: [forwarded(Condition.ALWAYS)(town), town.forward("1002", Condition.ALWAYS, "1001")],
        {},
        ("1000",),
    ),
    ("forwarded to nobody", forwarded(Condition.ALWAYS, "1777"), {}, ("1000",)),
    ("forwarded outside, no trunk", forwarded(Condition.ALWAYS, "+46701111111"), {}, ("1001",)),
    ("all of a group", hunt(Distribution.ALL), {"callee": "1900"}, ("1001", "1002", "1003")),
    ("all but who is out", hunt(Distribution.ALL, "1002"), {"callee": "1900"}, ("1001", "1003")),
    ("a member calls the group", hunt(Distribution.ALL), {"callee": "1900", "caller": "1001"}, ("1002", "1003")),
    ("one that cannot be read", lambda town: town.unreadable.add("1001"), {}, ("1001",)),
    ("an on-call phone", lambda town: town.add("1500", kind=Kind.ON_CALL), {"callee": "1500"}, ("1500",)),
]


@pytest.mark.parametrize(("made", "asked", "rung"), [row[1:] for row in RINGS], ids=[row[0] for row in RINGS])
def test_who_rings(made: Set, asked: dict[str, Any], rung: tuple[str, ...], town: Town) -> None:
    made(town)
    tried = asked.get("tried", ())
    rest = {name: value for name, value in asked.items() if name not in ("why", "tried")}
    assert ask(town, asked.get("why", Why.ASKED), *tried, **rest) == rung


ENDS: list[tuple[str, Set, dict[str, Any], int, str]] = [
    ("referred", away, {}, 480, "1001 är hänvisad: "),
    ("referred, back", away, {}, 480, "åter 03/03 14.30"),
    ("until further notice", lambda town: away(town, back_at=None), {}, 480, "åter tills vidare"),
    ("told only to the operator", lambda town: away(town, answers_instead="1002"), {}, 480, "1001 är hänvisad"),
    ("do not disturb", forwarded(Condition.DO_NOT_DISTURB, None), {}, 480, "Vill inte bli störd"),
    ("unstaffed", lambda town: town.change_unit("u", unstaffed=True), {}, 480, "Bygg är inte bemannad just nu"),
    ("nobody's", lambda town: None, {"callee": "1777", "why": Why.UNKNOWN}, 404, "Numret Finns Inte"),
    ("the reception does not answer", lambda town: None, {"why": Why.NO_ANSWER, "tried": ("1001", "1000")}, 480, ""),
    ("the reception is busy", lambda town: None, {"why": Why.BUSY, "tried": ("1001", "1000")}, 486, "Upptaget"),
    ("who calls is the reception", lambda town: None, {"why": Why.BUSY, "caller": "1000"}, 486, "Upptaget"),
    (
        "blocked, and no reception",
        lambda town: [
            town.change("1001", blocked=True),
            town.entities.update(k=_without_reception(town)),
        ],
        {"why": Why.BLOCKED},
        480,
        "telefonen är spärrad",
    ),
    (
        "lost, and cannot be read",
        lambda town: [town.unreadable.add("1001"), town.change("1001", blocked=True)],
        {"why": Why.ASKED},
        480,
        "Kan Inte Nås",
    ),
    ("busy, and cannot be read", lambda town: town.unreadable.add("1001"), {"why": Why.BUSY}, 486, "Upptaget"),
    (
        "outside phone hours",
        lambda town: [
            town.choose(phone_hours=True),
            town.people.update(anna=_with_hours(town)),
        ],
        {"caller": "+46705555555"},
        480,
        "Telefontiden är slut; öppnar 04/03 08.00",
    ),
]


def _without_reception(town: Town) -> Any:
    return replace(town.entities["k"], reception=None)


def _with_hours(town: Town) -> Any:
    return replace(town.people["anna"], phone_hours=Schedule.parse("mån-fre 08:00-09:00"))


@pytest.mark.parametrize(("made", "asked", "code", "said"), [row[1:] for row in ENDS], ids=[row[0] for row in ENDS])
def test_how_it_ends(made: Set, asked: dict[str, Any], code: int, said: str, town: Town) -> None:
    made(town)
    tried = asked.get("tried", ())
    rest = {name: value for name, value in asked.items() if name not in ("why", "tried")}
    found = ask(town, asked.get("why", Why.ASKED), *tried, **rest)
    assert isinstance(found, Refusal)
    assert found.status == code
    assert said in found.phrase


@pytest.mark.parametrize(
    ("made", "why", "tried", "words", "next_"),
    [
        (away, Why.ASKED, (), "referred", ("1000",)),
        (lambda town: away(town, answers_instead="1002", direct=True), Why.ASKED, (), "referred", ("1002", "1000")),
        (away, Why.ASKED, ("1000",), "referred", ()),
        (lambda town: town.forward("1001", Condition.DO_NOT_DISTURB, None), Why.ASKED, (), "do_not_disturb", ("1000",)),
    ],
    ids=["referred", "another answers", "the reception has rung", "do not disturb"],
)
def test_what_the_caller_is_told_and_who_rings_then(
    made: Set, why: Why, tried: tuple[str, ...], words: str, next_: tuple[str, ...], town: Town
) -> None:
    made(town)
    decided = decide(Asked(callee="1001", caller="1004", why=why, survival=True, tried=tried), town, NOON)
    assert decided.told is not None
    assert [step.words for step in decided.told.said] == [words]
    assert (decided.told.sought, decided.told.next) == ("1001", next_)


MAILBOXES: list[tuple[str, Set, Why, str | None]] = [
    ("referred", away, Why.ASKED, "1001"),
    ("busy", lambda town: None, Why.BUSY, "1001"),
    ("no answer", lambda town: None, Why.NO_ANSWER, "1001"),
    ("not there", lambda town: None, Why.ABSENT, "1001"),
    ("another answers", lambda town: away(town, answers_instead="1002", direct=True), Why.ASKED, "1001"),
    ("forwarded to who has one", forwarded(Condition.ALWAYS), Why.NO_ANSWER, "1002"),
    ("lost", lambda town: town.change("1001", blocked=True), Why.BLOCKED, None),
]


@pytest.mark.parametrize(("made", "why", "mailbox"), [row[1:] for row in MAILBOXES], ids=[row[0] for row in MAILBOXES])
def test_for_whom_a_message_may_be_left(made: Set, why: Why, mailbox: str | None, town: Town) -> None:
    """Without sound it goes on as ever: to the reception, or to who answers instead."""
    for number in ("1001", "1002"):
        town.change(number, voicemail=True)
    made(town)
    rung = () if why is Why.ASKED else ("1001", "1002")
    decided = decide(Asked(callee="1001", caller="1004", why=why, survival=True, tried=rung), town, NOON)
    assert (decided.told.mailbox if decided.told else None) == mailbox


@pytest.mark.parametrize(
    ("fields", "mailbox", "greeting", "all_"),
    [
        ({"voicemail": True}, "1001", "1001", True),
        ({"voicemail": True, "takes_messages": False}, None, "1001", True),
        ({"voicemail": True, "unheard_since": NOON - timedelta(days=2)}, "1001", "1001", True),
        ({}, None, None, True),
        ({"kind": Kind.ANNOUNCEMENT, "announcement": "Stängt."}, None, "1001", True),
        ({"kind": Kind.ANNOUNCEMENT}, None, "1001", True),
    ],
)
def test_whose_greeting_is_heard(
    fields: dict[str, Any], mailbox: str | None, greeting: str | None, all_: bool, town: Town
) -> None:
    town.change("1001", **fields)
    decided = decide(Asked(callee="1001", caller="1004", why=Why.BUSY, survival=True, tried=("1001",)), town, NOON)
    told = decided.told
    assert told is not None
    assert (told.mailbox, told.greeting, told.greeting_says_all) == (mailbox, greeting, all_)


@pytest.mark.parametrize(
    ("fields", "instead", "contact"),
    [
        ({}, None, "1001"),
        ({"voicemail": True}, None, None),  # a message says more
        ({}, "1002", None),  # somebody answers
        ({"kind": Kind.GROUP}, None, None),
        ({"person": None}, None, None),
    ],
)
def test_who_has_no_mailbox_may_be_left_a_number(
    fields: dict[str, Any], instead: str | None, contact: str | None, town: Town
) -> None:
    town.change("1001", **fields)
    away(town, **({"answers_instead": instead, "direct": True} if instead else {}))
    told = decide(Asked(callee="1001", caller="1004", why=Why.ASKED, survival=True), town, NOON).told
    assert (told.contact if told is not None else None) == contact


def test_why_somebody_is_away_is_said_beside_their_greeting(town: Town) -> None:
    """But where nobody listens their mailbox is off, and its greeting not heard."""
    town.change("1001", voicemail=True)
    away(town)
    asked = Asked(callee="1001", caller="1004", why=Why.ASKED, survival=True)
    told = decide(asked, town, NOON).told
    assert told is not None
    assert (told.mailbox, told.greeting, told.greeting_says_all) == ("1001", "1001", False)
    town.change("1001", unheard_since=NOON - timedelta(days=2))
    told = decide(asked, town, NOON).told
    assert told is not None
    assert (told.mailbox, told.greeting, told.reception) == (None, None, "1000")


def test_of_a_plain_call_nothing_is_told(town: Town) -> None:
    for why in (Why.ASKED, Why.NO_ANSWER):
        assert decide(Asked(callee="1001", caller="1004", why=why, survival=True), town, NOON).told is None


@pytest.mark.parametrize(
    ("caller", "why", "tried", "waits"),
    [
        ("1004", Why.BUSY, (), True),
        ("1004", Why.BUSY, ("1001",), True),
        ("1004", Why.BUSY, ("1001", "1002"), False),  # who answers instead is busy
        ("1004", Why.NO_ANSWER, (), False),
        (None, Why.BUSY, (), False),
        ("+46701740605", Why.BUSY, (), False),
    ],
)
def test_one_of_ours_may_wait_for_a_busy_phone_before_the_reception_rings(
    caller: str | None, why: Why, tried: tuple[str, ...], waits: bool, town: Town
) -> None:
    """Without sound it rings at once."""
    decided = decide(Asked(callee="1001", caller=caller, why=why, survival=True, tried=tried), town, NOON)
    assert decided.answer == ("1000",)
    told = decided.told
    assert (told is not None and (told.busy, told.next) == ("1001", ("1000",))) is waits
    assert (told is None) is not waits


@pytest.mark.parametrize(
    ("caller", "number", "status"),
    [
        ("1004", "1001", 0),
        ("1004", "1999", 0),
        ("1004", "112", 0),
        ("1004", "0070-174 06 05", 0),
        ("1004", "+46701740605", 0),
        ("1004", "+4721030000", 403),
        ("1002", "+46701740605", 403),  # inside alone
        ("1003", "1001", 403),  # lost
        (None, "1001", 0),
        (None, "+46701740605", 403),
        ("1004", "", 484),
        ("1004", "x" * 2_000, 484),
    ],
)
def test_nobody_refers_further_than_he_may_call(caller: str | None, number: str, status: int, town: Town) -> None:
    town.change("1002", reach=REACH_CLASSES["inside"])
    town.change("1003", blocked=True)
    refusal = may_refer(caller, number, town, NOON, None)
    assert (refusal.status if refusal is not None else 0) == status
    assert refusal is None or " / " in refusal.phrase


@pytest.mark.parametrize(
    ("caller", "number", "status", "words"),
    [
        ("1777", "00701740605", 403, "står inte i katalogen"),
        ("1004", "0701740605", 484, "inget telefonnummer"),  # a 0 for the line, and no number
        (None, "00701740605", 480, "Ingen Väg Ut"),
    ],
)
def test_who_cannot_call_outside_hears_why(
    caller: str | None, number: str, status: int, words: str, town: Town
) -> None:
    asked = Asked(callee=number, caller=caller, why=Why.OUTSIDE, survival=True)
    found = decide(asked, town, NOON, ways_out=None).answer
    assert isinstance(found, Refusal)
    assert (found.status, words in found.phrase) == (status, True), found


def test_a_blocked_phone_goes_to_the_reception(town: Town) -> None:
    town.change("1001", blocked=True)
    assert ask(town, Why.BLOCKED) == ("1000",)


def test_a_group_in_turn_to_its_end(town: Town) -> None:
    hunt(Distribution.IN_TURN)(town)
    rung: tuple[str, ...] = ()
    order = []
    why = Why.ASKED
    while isinstance(found := ask(town, why, *rung, callee="1900"), tuple):
        order.append(found)
        rung += found
        why = Why.NO_ANSWER
        assert len(rung) < 10
    assert order == [("1001",), ("1002",), ("1003",), ("1000",)]
    assert found == refuse(Why.NO_ANSWER, survival=True)


def test_who_is_busy_in_a_group_is_passed_over(town: Town) -> None:
    hunt(Distribution.IN_TURN)(town)
    assert ask(town, Why.BUSY, "1001", callee="1900") == ("1002",)
    assert ask(town, Why.ABSENT, "1001", "1002", callee="1900") == ("1003",)


def test_a_referred_member_is_not_rung(town: Town) -> None:
    hunt(Distribution.ALL)(town)
    away(town)
    assert ask(town, callee="1900") == ("1002", "1003")


@pytest.mark.parametrize("why", Why)
def test_of_nobody_it_is_answered_as_if_nothing_were_known(why: Why, town: Town) -> None:
    known_to_the_edge = why in (Why.ASKED, Why.UNLIKE)
    assert ask(town, why, callee="1777") == (("1777",) if known_to_the_edge else refuse(why, survival=True))


@pytest.mark.parametrize(
    ("callee", "caller", "led"), [("1001", "1004", True), ("1004", "1002", True), ("1004", "1003", False)]
)
def test_calls_to_and_from_a_group_of_pick_up_are_led(callee: str, caller: str, led: bool, town: Town) -> None:
    town.pick_up_group("g", "1001", "1002")
    decided = decide(Asked(callee=callee, caller=caller, why=Why.ASKED, survival=True), town, NOON)
    assert (decided.answer, decided.led) == ((callee,), led)
    assert decided.for_s is not None
    assert decided.for_s > 0


@pytest.mark.parametrize(
    ("status", "rang", "why"),
    [
        (408, True, Why.NO_ANSWER),
        (408, False, Why.SILENT),
        (486, True, Why.BUSY),
        (600, False, Why.BUSY),
        (480, False, Why.ABSENT),
        (480, True, None),
        (302, True, Why.ILL),
        (503, False, Why.ILL),
        (407, False, Why.ILL),
        (603, True, None),
        (488, True, None),
    ],
)
def test_how_a_phone_that_we_rang_did_not_take_it(status: int, rang: bool, why: Why | None) -> None:
    assert after(status, rang=rang) is why


def test_a_phone_that_refuses_the_sound_is_rung_once_more_by_us(town: Town) -> None:
    decided = decide(
        Asked(callee="1001", caller="1002", why=Why.UNLIKE, survival=True, tried=("1001", "1003")), town, NOON
    )
    assert (decided.answer, decided.led, decided.told) == (("1003",), True, None)


HOSTILE = (
    "Bygg\r\nContact: <sip:evil@x>",
    'Bygg"; evil="1',
    "Bygg\\",
    "Bygg\0\x07\x7f",
    "Bygg\u2028\u202e",
    "B" * 5000,
)


@pytest.mark.parametrize("name", HOSTILE)
def test_no_name_ends_a_line_of_the_answer(name: str, town: Town) -> None:
    town.change_unit("u", unstaffed=True, name=name)
    _safe(ask(town))


@given(text=st.text(max_size=60))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
def test_no_announcement_ends_a_line_of_the_answer(text: str, town_of: Callable[[], Town]) -> None:
    town = town_of()
    town.entities["k"] = _without_reception(town)
    town.add("1600", kind=Kind.GROUP, announcement=text)
    _safe(ask(town, Why.NO_ANSWER, "1600", callee="1600"))


INVITE = (
    b"INVITE sip:1001@x SIP/2.0\r\nVia: SIP/2.0/TCP x;branch=z9hG4bK1\r\nFrom: <sip:a@x>;tag=1\r\nTo: <sip:1001@x>\r\n"
    b"Call-ID: c\r\nCSeq: 1 INVITE\r\nMax-Forwards: 70\r\nContent-Length: 0\r\n\r\n"
)


def _safe(found: Any) -> None:
    assert isinstance(found, Refusal)
    assert found.phrase.isprintable()
    assert len(found.phrase) <= 2 * LINE_MAX + 3
    request = Request.parse(INVITE)
    answer = Response.answering(request, found.status, found.phrase, headers=found.headers())
    again = Response.parse(answer.to_bytes())
    assert again.status == 480
    (reason,) = [value for name, value in again.headers if name == "Reason"]
    quoted = reason.split('text="', 1)[1]
    assert quoted.endswith('"')
    assert '"' not in quoted[:-1].replace("\\\\", "").replace('\\"', "")


def test_what_was_tried_does_not_depend_on_order(town: Town) -> None:
    hunt(Distribution.ALL)(town)
    kept: Mapping[str, Any] = {"callee": "1900"}
    assert ask(town, Why.NO_ANSWER, "1001", "1002", **kept) == ask(town, Why.NO_ANSWER, "1002", "1001", **kept)
