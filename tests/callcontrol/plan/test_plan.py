# ruff: noqa: E501  a row is a line
"""What is done with a call, a row a rule and its exceptions; readable by whoever looks after telephones.

A plan is written as: `ring 1001 24s`, `ring 1001+1002`, `twin +46…`, `say referred`, `voicemail 1001`, `reception k no_answer`,
`out +46… as 090… 24s`, `refuse 404 unknown`, `platform`; steps are parted by ` > `.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from callcontrol.plan.absence import Absent, Source
from callcontrol.plan.model import (
    Call,
    Condition,
    Distribution,
    Identity,
    Kind,
    Member,
    Mode,
    Presence,
    State,
)
from callcontrol.plan.plan import plan
from callcontrol.plan.reach import REACH_CLASSES, Guard, GuardLimits
from callcontrol.plan.schedule import Schedule
from callcontrol.plan.steps import Out, Plan, Platform, Reception, Refuse, Ring, Say, Step, Voicemail

NOON = datetime(2026, 3, 3, 11, tzinfo=UTC)  # a Tuesday, 12:00 in Sweden
NIGHT = datetime(2026, 3, 3, 22, tzinfo=UTC)
OFFICE_HOURS = Schedule.parse("mån-fre 08:00-16:30")
MOBILE, OTHER_MOBILE, ABROAD = "+46701111111", "+46702222222", "+358912345678"
CITIZEN = "+46705555555"
FREE, BUSY, GONE = Presence.FREE, Presence.BUSY, Presence.NOT_REGISTERED


def told(step: Step) -> str:
    match step:
        case Platform():
            return "platform"
        case Ring():
            who = "+".join(step.extensions) + "".join(f" twin {twin}" for twin in step.twins)
            return f"ring {who} {step.for_s}s"
        case Say():
            return f"say {step.words}"
        case Voicemail():
            return f"voicemail {step.extension}{' announcement' if step.announcement_only else ''}"
        case Reception():
            return f"reception {step.entity} {step.why}"
        case Out():
            limit = f" {step.for_s}s" if step.for_s else ""
            return f"out {step.number} as {step.shown or step.identity}{limit}{' first' if step.emergency else ''}"
        case Refuse():
            return f"refuse {step.code} {step.words}"
    raise AssertionError(step)


def walked(made: Plan) -> str:
    return " > ".join(map(told, made.steps))


def decide(
    town: Any, call: Call | str, presence: dict[str, Presence] | None = None, now: datetime = NOON, **state: Any
) -> Plan:
    if isinstance(call, str):
        caller, dialled = call.split()
        call = Call(caller=None if caller == "withheld" else caller, dialled=dialled)
    return plan(
        call, town, State(**{"mode": Mode.SURVIVAL, "platform": False, "presence": presence or {}, **state}), now
    )


Change = Callable[[Any], Any]


def absent(town: Any, number: str, **fields: Any) -> Any:
    """Refer an extension; gives nothing, and stands in rows as a change does."""
    given = {"reason": "meeting", "since": NOON, "back_at": NOON + timedelta(hours=2), "source": Source.PAGE}
    town.away[number] = Absent(**given, set_by="anna", referral="r1", **fields)  # type: ignore[arg-type]


ROWS: list[tuple[str, str, Change, str, dict[str, Presence], str]] = [
    ("B2", "a free phone rings four signals, then the reception", lambda t: None, "1002 1001", {"1001": FREE},
     "ring 1001 24s > reception k no_answer"),
    ("B1", "what is not known of a phone keeps nobody from ringing it", lambda t: None, "1002 1001", {},
     "ring 1001 24s > reception k no_answer"),
    ("B2", "six signals chosen are four", lambda t: t.choose(signals=6), "1002 1001", {},
     "ring 1001 24s > reception k no_answer"),
    ("B2", "three signals of five seconds", lambda t: t.choose(signals=3, signal_s=5), "1002 1001", {},
     "ring 1001 15s > reception k no_answer"),
    ("B1", "busy goes on", lambda t: None, "1002 1001", {"1001": BUSY}, "reception k busy"),
    ("B1", "a phone that is not there goes on", lambda t: None, "1002 1001", {"1001": GONE}, "reception k not_reachable"),
    ("B1", "a mailbox comes before the reception", lambda t: t.change("1001", voicemail=True), "1002 1001", {},
     "ring 1001 24s > voicemail 1001"),
    ("B1", "a colleague comes before the mailbox", lambda t: t.change("1001", voicemail=True, fallback="1004"),
     "1002 1001", {}, "ring 1001 24s > ring 1004 24s > reception k no_answer"),
    ("B1", "one of ours is told that a number is nobody's", lambda t: None, "1002 1999", {}, "refuse 404 unknown"),
    ("B1", "a caller from outside comes to the reception instead", lambda t: None, f"{CITIZEN} 1999", {},
     "reception None unknown"),
    ("B6", "the entity's own number is its reception", lambda t: None, f"{CITIZEN} +4690162000", {},
     "reception b entity_number"),
    ("B1", "a direct number is its extension", lambda t: None, f"{CITIZEN} +4690161001", {},
     "ring 1001 24s > reception k no_answer"),
    ("B1", "an extension called as one does from outside", lambda t: None, "1002 0090161001", {},
     "ring 1001 24s > reception k no_answer"),
    ("C5", "forwarded always", lambda t: t.forward("1001", Condition.ALWAYS, "1002"), "1004 1001", {},
     "ring 1002 24s > reception k no_answer"),
    ("C5", "forwarded when busy, and it is", lambda t: t.forward("1001", Condition.BUSY, "1002"), "1004 1001",
     {"1001": BUSY}, "ring 1002 24s > reception k no_answer"),
    ("C5", "forwarded when busy, and it is not", lambda t: t.forward("1001", Condition.BUSY, "1002"), "1004 1001",
     {"1001": FREE}, "ring 1001 24s > reception k no_answer"),
    ("C5", "forwarded when nobody answers", lambda t: t.forward("1001", Condition.NO_ANSWER, "1002"), "1004 1001",
     {"1001": FREE}, "ring 1001 24s > ring 1002 24s > reception k no_answer"),
    ("C5", "forwarded when not reachable", lambda t: t.forward("1001", Condition.NOT_REACHABLE, "1002"), "1004 1001",
     {"1001": GONE}, "ring 1002 24s > reception k no_answer"),
    ("C5", "follow-me inside", lambda t: t.forward("1001", Condition.FOLLOW_ME, "1002"), "1004 1001", {},
     "ring 1002 24s > reception k no_answer"),
    ("C5", "follow-me to a municipal mobile", lambda t: t.forward("1002", Condition.FOLLOW_ME, MOBILE), "1004 1002", {},
     f"out {MOBILE} as +4690161002 24s > reception k no_answer"),
    ("C5", "follow-me to another's mobile is not followed", lambda t: t.forward("1002", Condition.FOLLOW_ME, OTHER_MOBILE),
     "1004 1002", {}, "ring 1002 24s > reception k no_answer"),
    ("E1", "a forwarding passes no barring", lambda t: t.forward("1001", Condition.ALWAYS, ABROAD), "1004 1001", {},
     "ring 1001 24s > reception k no_answer"),
    ("A4", "a forwarding to 112 is none", lambda t: t.forward("1001", Condition.ALWAYS, "112"), "1004 1001", {},
     "reception k unknown"),
    ("E8", "secret matters are not forwarded to a mobile", lambda t: t.forward("1003", Condition.ALWAYS, MOBILE),
     "1004 1003", {}, "ring 1003 24s > reception k no_answer"),
    ("C5", "mobiles not chosen", lambda t: (t.choose(forward_to_mobile=False), t.forward("1002", Condition.ALWAYS, MOBILE)),
     "1004 1002", {}, "ring 1002 24s > reception k no_answer"),
    ("C5", "do not disturb", lambda t: t.forward("1001", Condition.DO_NOT_DISTURB, None), "1004 1001", {},
     "say do_not_disturb > reception k do_not_disturb"),
    ("B1", "a loop ends at the reception", lambda t: (t.forward("1001", Condition.ALWAYS, "1002"),
     t.forward("1002", Condition.ALWAYS, "1001")), "1004 1001", {}, "reception k loop"),
    ("B1", "a deleted target ends at the reception", lambda t: t.forward("1001", Condition.ALWAYS, "1888"), "1004 1001", {},
     "reception k unknown"),
    ("C1", "referred: reason and return, then the reception", lambda t: absent(t, "1001"), "1004 1001", {},
     "say referred > reception k referred"),
    ("C2", "referred, with a mailbox", lambda t: (absent(t, "1001"), t.change("1001", voicemail=True)), "1004 1001", {},
     "say referred > voicemail 1001"),
    ("C1", "referred, another answers", lambda t: absent(t, "1001", answers_instead="1002", direct=True), "1004 1001", {},
     "say referred > ring 1002 24s > reception k no_answer"),
    ("C1", "referred, another for information only", lambda t: absent(t, "1001", answers_instead="1002"), "1004 1001", {},
     "say referred > reception k referred"),
    ("C1", "two who answer for each other", lambda t: (absent(t, "1001", answers_instead="1002", direct=True),
     absent(t, "1002", answers_instead="1001", direct=True)), "1004 1001", {},
     "say referred > say referred > reception k referred"),
    ("E5", "a blocked phone is not rung", lambda t: t.change("1001", blocked=True), "1004 1001", {}, "reception k blocked"),
    ("E5", "nor does it ring", lambda t: t.change("1004", blocked=True), "1004 1001", {}, "refuse 403 blocked"),
    ("A4", "but for 112", lambda t: t.change("1001", blocked=True), "1001 112", {}, "out 112 as +4690161001 first"),
    ("A4", "112 after a line prefix", lambda t: None, "1004 0112", {}, "out 112 as +4690161000 first"),
    ("B3", "a department that is referred whole", lambda t: t.change_unit("u", unstaffed=True, emergency_number=CITIZEN),
     "1003 1001", {}, "say unstaffed > reception k unstaffed"),
    ("B3", "an attended place answers for it", lambda t: (t.add("1100", kind=Kind.ATTENDED),
     t.change_unit("u", unstaffed=True, attended_by="1100")), "1003 1001", {"1100": FREE},
     "ring 1100 24s > reception k no_answer"),
    ("B3", "which is not certainly staffed", lambda t: (t.add("1100", kind=Kind.ATTENDED),
     t.change_unit("u", unstaffed=True, attended_by="1100")), "1003 1001", {}, "say unstaffed > reception k unstaffed"),
    ("B3", "an attended place called itself, nobody certainly there", lambda t: t.add("1100", kind=Kind.ATTENDED,
     fallback="1002"), "1003 1100", {}, "ring 1002 24s > reception k no_answer"),
    ("B1", "an attended place answers for whoever did not", lambda t: (t.add("1100", kind=Kind.ATTENDED),
     t.change_unit("u", attended_by="1100")), "1003 1001", {"1100": FREE},
     "ring 1001 24s > ring 1100 24s > reception k no_answer"),
    ("B4", "an on-call phone in its hours", lambda t: t.add("1200", kind=Kind.ON_CALL, hours=OFFICE_HOURS), "1003 1200", {},
     "ring 1200 24s > reception k no_answer"),
    ("B4", "an office phone in its hours", lambda t: t.add("1210", kind=Kind.OFFICE, hours=OFFICE_HOURS), "1003 1210", {},
     "ring 1210 24s > reception k no_answer"),
    ("B4", "an on-call phone without hours is always open", lambda t: t.add("1200", kind=Kind.ON_CALL), "1003 1200", {},
     "ring 1200 24s > reception k no_answer"),
    ("B3", "an attended place out of its hours goes on, whoever sits there", lambda t: (t.add("1100", kind=Kind.ATTENDED,
     hours=Schedule.parse("mån-fre 08:00-10:00"), fallback="2001"), t.add("2001", unit="b"),
     t.change_unit("u", unstaffed=True, attended_by="1100")), "1003 1001", {"1100": FREE},
     "ring 2001 24s > reception k no_answer"),
    ("B3", "nor is it rung when it is called itself", lambda t: t.add("1100", kind=Kind.ATTENDED,
     hours=Schedule.parse("mån-fre 08:00-10:00"), fallback="1002"), "1003 1100", {"1100": FREE},
     "ring 1002 24s > reception k no_answer"),
    ("B3", "an attended place that nobody sits at has its own fallback", lambda t: (t.add("1100", kind=Kind.ATTENDED,
     fallback="2001"), t.add("2001", unit="b"), t.change_unit("u", unstaffed=True, attended_by="1100")), "1003 1001",
     {"1100": GONE}, "ring 2001 24s > reception k no_answer"),
    ("B3", "two attended places for each other, nobody at either", lambda t: (t.add("1100", kind=Kind.ATTENDED,
     fallback="1110"), t.add("1110", kind=Kind.ATTENDED, fallback="1100")), "1003 1100", {}, "reception k not_staffed"),
    ("B1", "a chain that is too long", lambda t: [(t.add(str(1700 + n)), t.forward(str(1700 + n), Condition.ALWAYS,
     str(1701 + n))) for n in range(9)], "1004 1700", {}, "reception k loop"),
    ("E8", "a mobile that is an extension, of secret matters", lambda t: t.add("1310", kind=Kind.MOBILE, unit="s",
     mobile=OTHER_MOBILE), "1003 1310", {}, f"say mobile_trunk_notice > out {OTHER_MOBILE} as withheld 24s > reception k no_answer"),
    ("B8", "a mobile that is an extension", lambda t: t.add("1300", kind=Kind.MOBILE, mobile=OTHER_MOBILE), "1003 1300", {},
     f"out {OTHER_MOBILE} as +4690161000 24s > reception k no_answer"),
    ("A13", "the mobile twin of a phone without power", lambda t: t.change("1001", mobile_twin=MOBILE), "1004 1001",
     {"1001": GONE}, f"ring  twin {MOBILE} 24s > reception k no_answer"),
    ("E8", "no twin for secret matters", lambda t: t.change("1003", mobile_twin=MOBILE), "1004 1003", {"1003": GONE},
     "reception k not_reachable"),
    ("C7", "a group phone says whom to ring", lambda t: t.add("1400", kind=Kind.GROUP, announcement="Ring 1002.",
     fallback="1002"), "1003 1400", {},
     "ring 1400 24s > say group_announcement > ring 1002 24s > reception k no_answer"),
    ("C6", "an announcement", lambda t: t.add("1500", kind=Kind.ANNOUNCEMENT, announcement="Stängt."), "1003 1500", {},
     "say announcement > voicemail 1500 announcement"),
    ("C6", "a recorded announcement", lambda t: t.add("1500", kind=Kind.ANNOUNCEMENT), "1003 1500", {},
     "voicemail 1500 announcement"),
    ("C6", "a mailbox that takes no messages", lambda t: t.change("1001", voicemail=True, takes_messages=False),
     "1002 1001", {}, "ring 1001 24s > voicemail 1001 announcement"),
    ("C6", "away, and messages lie there that nobody hears", lambda t: (absent(t, "1001"), t.change("1001",
     voicemail=True, unheard_since=NOON - timedelta(hours=25))), "1004 1001", {}, "say referred > reception k referred"),
    ("C6", "away, and they lie there since yesterday", lambda t: (absent(t, "1001"), t.change("1001",
     voicemail=True, unheard_since=NOON - timedelta(hours=24))), "1004 1001", {}, "say referred > voicemail 1001"),
    ("C6", "not away, whatever lies there", lambda t: t.change("1001",
     voicemail=True, unheard_since=NOON - timedelta(days=9)), "1004 1001", {}, "ring 1001 24s > voicemail 1001"),
    ("B1", "the reception itself", lambda t: None, "1003 1000", {}, "reception k called"),
    ("B2", "a hunt group, all", lambda t: t.hunt("1600", Distribution.ALL, Member(extension="1001"),
     Member(extension="1002")), "1003 1600", {}, "ring 1001+1002 24s > reception k no_answer"),
    ("B2", "a hunt group, in turn", lambda t: t.hunt("1600", Distribution.IN_TURN, Member(extension="1002"),
     Member(extension="1001")), "1003 1600", {}, "ring 1002 24s > ring 1001 24s > reception k no_answer"),
    ("B2", "who is out, busy, absent or calls is not rung", lambda t: (t.hunt("1600", Distribution.ALL,
     Member(extension="1001", signed_in=False), Member(extension="1002"), Member(extension="1004"),
     Member(extension="1003")), absent(t, "1002")), "1003 1600", {"1004": BUSY}, "reception k nobody_in_group"),
    ("E5", "a blocked phone in a group is not rung", lambda t: (t.hunt("1600", Distribution.IN_TURN,
     Member(extension="1001"), Member(extension="1002")), t.change("1001", blocked=True)), "1003 1600", {},
     "ring 1002 24s > reception k no_answer"),
    ("B1", "a group that nobody answers goes to its fallback", lambda t: t.hunt("1600", Distribution.ALL,
     Member(extension="1001"), fallback="1004"), "1003 1600", {}, "ring 1001 24s > ring 1004 24s > reception k no_answer"),
    ("B6", "the other entity's extension ends at the other entity's reception", lambda t: t.add("2001", unit="b"),
     "1004 2001", {}, "ring 2001 24s > reception b no_answer"),
    ("E1", "out in Sweden, one's own number shown", lambda t: None, "1001 00705555555", {},
     f"out {CITIZEN} as +4690161001 > refuse 480 no_way_out"),
    ("E1", "abroad is closed", lambda t: None, "1001 000358912345678", {}, "refuse 403 barred"),
    ("E1", "abroad is open for one who has it", lambda t: t.change("1001", reach=REACH_CLASSES["abroad"]),
     "1001 000358912345678", {}, f"out {ABROAD} as +4690161001 > refuse 480 no_way_out"),
    ("E1", "1177 is open from every phone", lambda t: t.change("1001", reach=REACH_CLASSES["inside"]), "1001 01177", {},
     "out 1177 as +4690161001 > refuse 480 no_way_out"),
    ("E1", "nobody is led from outside to outside", lambda t: None, f"{CITIZEN} 00701234567", {},
     "refuse 403 outside_to_outside"),
    ("E2", "main number", lambda t: t.change_unit("u", identity=Identity.MAIN), "1001 00705555555", {},
     f"out {CITIZEN} as +4690161000 > refuse 480 no_way_out"),
    ("E2", "who has no number of their own shows the main one", lambda t: None, "1004 00705555555", {},
     f"out {CITIZEN} as +4690161000 > refuse 480 no_way_out"),
    ("E2", "secret matters withhold, and hear who carries the call", lambda t: None, "1003 00705555555", {},
     f"say mobile_trunk_notice > out {CITIZEN} as withheld > refuse 480 no_way_out"),
    ("E8", "secret matters are kept off the trunk where that is chosen", lambda t: t.choose(secret_by_trunk=False),
     "1003 00705555555", {}, "refuse 403 secret_not_by_trunk"),
    ("E8", "others are not", lambda t: t.choose(secret_by_trunk=False), "1001 00705555555", {},
     f"out {CITIZEN} as +4690161001 > refuse 480 no_way_out"),
    ("E8", "a mobile of secret matters is not rung then", lambda t: (t.choose(secret_by_trunk=False),
     t.add("1310", kind=Kind.MOBILE, unit="s", mobile=MOBILE)), "1001 1310", {}, "reception k not_reachable"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("rule", "title", "change", "call", "presence", "expected"), ROWS, ids=[row[1] for row in ROWS]
)
def test_what_is_done_with_a_call(
    town: Any, rule: str, title: str, change: Change, call: str, presence: dict[str, Presence], expected: str
) -> None:
    change(town)

    assert walked(decide(town, call, presence)) == expected


@pytest.mark.parametrize(
    ("idle", "expected"),
    [
        ({}, "1004 1002 1001"),
        ({"1004": 1, "1002": 9, "1001": 5}, "1002 1001 1004"),
        ({"1004": 1, "1001": 5}, "1002 1001 1004"),  # of whom nothing is known
    ],
)
def test_who_has_been_idle_longest_rings_first(town: Any, idle: dict[str, int], expected: str) -> None:
    members = [Member(extension=number) for number in ("1004", "1002", "1001")]
    town.hunt("1600", Distribution.LONGEST_IDLE, *members)
    since = {number: NOON - timedelta(minutes=minutes) for number, minutes in idle.items()}
    steps = decide(town, "1003 1600", idle=since).steps
    assert [step.extensions for step in steps if isinstance(step, Ring)] == [(number,) for number in expected.split()]


PHONE_HOURS = [
    ("in hours", True, NOON, {}, "ring 1001 24s > reception k no_answer"),
    ("out of hours", True, NIGHT, {}, "say phone_hours > reception k phone_hours"),
    ("urgent", True, NIGHT, {"urgent": True}, "ring 1200 24s > reception k no_answer"),
    ("the municipality has none", False, NIGHT, {}, "ring 1001 24s > reception k no_answer"),
]


@pytest.mark.parametrize(
    ("title", "chosen", "now", "asked", "expected"), PHONE_HOURS, ids=[row[0] for row in PHONE_HOURS]
)
def test_phone_hours(town: Any, title: str, chosen: bool, now: datetime, asked: dict[str, Any], expected: str) -> None:
    town.choose(phone_hours=chosen)
    town.people["anna"] = replace(town.people["anna"], phone_hours=OFFICE_HOURS)
    town.add("1200", kind=Kind.ON_CALL)
    town.change_unit("u", on_call="1200")

    assert walked(decide(town, Call(caller=CITIZEN, dialled="1001", **asked), now=now)) == expected
    assert walked(decide(town, Call(caller="1004", dialled="1001"), now=now)) == "ring 1001 24s > reception k no_answer"


def test_urgent_where_nobody_is_on_call(town: Any) -> None:
    town.choose(phone_hours=True)
    town.people["anna"] = replace(town.people["anna"], phone_hours=OFFICE_HOURS)

    made = decide(town, Call(caller=CITIZEN, dialled="1001", urgent=True), now=NIGHT)

    assert walked(made) == "ring 1001 24s > reception k no_answer"


def test_nobody_at_an_attended_place_is_told_to_its_telephony_contact(town: Any) -> None:
    town.add("1100", kind=Kind.ATTENDED, hours=Schedule.parse("mån-fre 08:00-16:30"))
    town.change_unit("u", unstaffed=True, attended_by="1100")
    for presence, now, told in (
        ({"1100": GONE}, NOON, [("B3", "anna", "place_unattended")]),
        ({}, NOON, []),
        ({"1100": FREE}, NOON, []),
        ({"1100": GONE}, NIGHT, []),
    ):
        made = decide(town, "1003 1001", presence, now=now)
        assert [(note.rule, note.to, note.words) for note in made.notes] == told


def test_an_on_call_phone_out_of_its_hours(town: Any) -> None:
    town.add("1200", kind=Kind.ON_CALL, hours=OFFICE_HOURS, fallback="1002")

    assert walked(decide(town, "1003 1200", now=NIGHT)) == "ring 1002 24s > reception k no_answer"


@pytest.mark.parametrize(
    ("call", "allowed", "expected"),
    [
        (Call(caller="1001", dialled="000358912345678", ordered_by="anna", by_operator=True), True,
         f"out {ABROAD} as +4690161001 > refuse 480 no_way_out"),
        (Call(caller="1001", dialled="000358912345678", ordered_by="anna", by_operator=True), False,
         "refuse 403 ordered_not_allowed"),
        (Call(caller="1001", dialled="000358912345678", by_operator=True), True, "refuse 403 operator"),
    ],
    ids=["ordered, as SAMSA has it", "ordered, as Örebro has it", "not ordered"],
)  # fmt: skip
def test_calls_abroad_by_the_operator(town: Any, call: Call, allowed: bool, expected: str) -> None:
    town.choose(abroad_by_operator=allowed)

    made = decide(town, call)

    assert walked(made) == expected
    if isinstance(made.steps[0], Out):
        assert (made.steps[0].orderer, made.steps[0].cost_centre) == ("anna", "4711")


def test_withheld_by_call(town: Any) -> None:
    made = decide(town, Call(caller="1001", dialled="00705555555", withhold=True))

    assert walked(made) == f"out {CITIZEN} as withheld > refuse 480 no_way_out"


def test_a_busy_trunk_takes_no_second_call(town: Any) -> None:
    assert walked(decide(town, "1001 00705555555", trunk_channels_free=0)) == "refuse 503 no_line_free"
    assert walked(decide(town, "1001 112", trunk_channels_free=0)) == "out 112 as +4690161001 first"


def test_too_much_in_an_hour(town: Any) -> None:
    guard = Guard(GuardLimits(calls=5), calls=5, cost_ore=0)

    made = decide(town, "1001 00705555555", guard=guard)

    assert walked(made) == "refuse 403 guard_calls"
    assert [note.to for note in made.notes] == ["operations"]
    assert walked(decide(town, "1001 112", guard=guard)) == "out 112 as +4690161001 first"
    assert walked(decide(town, "1001 01177", guard=guard)) == "out 1177 as +4690161001 > refuse 480 no_way_out"


def test_a_forwarding_to_a_mobile_is_told_to_operations(town: Any) -> None:
    town.forward("1002", Condition.ALWAYS, MOBILE)

    made = decide(town, "1004 1002")

    assert [(note.rule, note.to, note.words) for note in made.notes] == [("C5", "operations", "forwarded_to_mobile")]


def test_the_newest_forwarding_holds(town: Any) -> None:
    town.forward("1001", Condition.ALWAYS, "1002")
    town.forward("1001", Condition.FOLLOW_ME, "1004", at=NOON)

    assert walked(decide(town, "1003 1001")) == "ring 1004 24s > reception k no_answer"


def test_past_forwarding(town: Any) -> None:
    town.forward("1001", Condition.ALWAYS, "1002")
    town.forward("1001", Condition.DO_NOT_DISTURB, None)
    absent(town, "1001")

    made = decide(town, Call(caller="1004", dialled="1001", past_forwarding=True))

    assert walked(made) == "ring 1001 24s > reception k no_answer"


def test_what_was_tried_is_not_rung_again(town: Any) -> None:
    town.forward("1001", Condition.NO_ANSWER, "1002")

    made = decide(town, Call(caller="1004", dialled="1001", tried=frozenset({"1001"})))

    assert walked(made) == "ring 1002 24s > reception k no_answer"


def test_the_emergency_number_of_a_department_is_for_the_operator(town: Any) -> None:
    town.change_unit("u", unstaffed=True, emergency_number=CITIZEN)

    said, last = decide(town, "1003 1001").steps

    assert isinstance(last, Reception)
    assert last.emergency_number == CITIZEN
    assert isinstance(said, Say)
    assert CITIZEN not in dict(said.fill).values()


@pytest.mark.parametrize("mode", [Mode.NORMAL, Mode.SUSPECT, Mode.RETURNING])
def test_on_a_good_day_the_platform_decides(town: Any, mode: Mode) -> None:
    town.forward("1001", Condition.ALWAYS, "1002")

    assert walked(decide(town, "1004 1001", mode=mode)) == "platform"
    assert walked(decide(town, "1004 112", mode=mode)) == "out 112 as +4690161000 first"


def test_one_mobile_of_two_phones_rings_once(town: Any) -> None:
    town.change("1001", mobile_twin=MOBILE, fallback="1002")
    town.change("1002", mobile_twin=MOBILE)
    town.forward("1002", Condition.NO_ANSWER, MOBILE)

    made = decide(town, "1004 1001", {"1001": GONE, "1002": GONE})

    assert walked(made) == f"ring  twin {MOBILE} 24s > reception k not_reachable"
