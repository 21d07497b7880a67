"""Calls that come to a reception that is closed, or to a department that is referred whole (B3, B10)."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from callcontrol.asked import Asked, decide
from callcontrol.media.phrases import text
from callcontrol.plan.compile import table
from callcontrol.plan.model import Call, Kind, Mode, State, Whole
from callcontrol.plan.plan import plan
from callcontrol.plan.schedule import Schedule
from callcontrol.plan.service import Key, OnCall, Service, press
from callcontrol.plan.steps import Plan, Reception, Ring, Say, Voicemail
from callcontrol.refusal import Refusal, Why
from callcontrol.told import KEY_INSTEAD, KEY_MESSAGE, KEY_RECEPTION

CITIZEN = "+46705555555"
OPEN = datetime(2026, 3, 3, 9, tzinfo=UTC)  # a Tuesday, 10:00 in Sweden
LUNCH = datetime(2026, 3, 3, 11, 30, tzinfo=UTC)
NIGHT = datetime(2026, 3, 3, 22, tzinfo=UTC)
HOURS = Service(entity="k", hours=Schedule.parse("mån-fre 08:00-16:30"), lunch=Schedule.parse("mån-fre 12:00-13:00"))


def served(town: Any, **fields: Any) -> Any:
    town.services["k"] = (replace(HOURS, **fields), None)
    return town


def walked(made: Plan) -> str:
    found = []
    for step in made.steps:
        match step:
            case Ring():
                found.append(f"ring {'+'.join(step.extensions)}")
            case Say():
                found.append(f"say {step.words}")
            case Voicemail():
                found.append(f"voicemail {step.extension}{' announcement' if step.announcement_only else ''}")
            case Reception():
                found.append(f"reception {step.extension} {step.why}")
    return " > ".join(found)


def called(town: Any, dialled: str, now: datetime, caller: str | None = CITIZEN, **fields: Any) -> Plan:
    call = Call(caller=caller, dialled=dialled, **fields)
    return plan(call, town, State(mode=Mode.SURVIVAL, platform=False, trunk_channels_free=1), now)


ROWS: list[tuple[str, Any, str, datetime, str]] = [
    ("open", served, "0090161000", OPEN, "reception 1000 entity_number"),
    ("an entity without hours", lambda t: None, "0090161000", NIGHT, "reception 1000 entity_number"),
    ("night", served, "0090161000", NIGHT, "say night > voicemail 1000 announcement"),
    ("its own mailbox", lambda t: (served(t), t.change("1000", voicemail=True)), "0090161000", NIGHT,
     "say night > voicemail 1000"),
    ("a lost phone has no mailbox", lambda t: (served(t), t.change("1000", voicemail=True, blocked=True)),
     "0090161000", NIGHT, "say night > voicemail 1000 announcement"),
    ("lunch", served, "0090161000", LUNCH, "say lunch > voicemail 1000 announcement"),
    ("somebody else has lunch later", lambda t: served(t, lunch_to="1004"), "0090161000", LUNCH,
     "ring 1004 > say lunch > voicemail 1000 announcement"),
    ("the one on call, once it is said", lambda t: (served(t, night_to="1200"), t.add("1200", kind=Kind.ON_CALL)),
     "0090161000", NIGHT, "say night > ring 1200 > voicemail 1000 announcement"),
    ("another reception", lambda t: served(t, night_to="2000"), "0090161000", NIGHT,
     "say night > reception 2000 served_by"),
    ("who is nobody", lambda t: served(t, night_to="1777"), "0090161000", NIGHT,
     "say night > voicemail 1000 announcement"),
    ("nobody answers", served, "1004", NIGHT, "ring 1004 > say night > voicemail 1000 announcement"),
    ("another entity has its own", served, "2000", NIGHT, "reception 2000 called"),
    ("never open", lambda t: served(t, hours=Schedule.parse("mån-sön stängt")), "0090161000", NIGHT,
     "say closed > voicemail 1000 announcement"),
    ("a mailbox leads to no closed reception", lambda t: (served(t), t.change("1004", voicemail=True)), "1004", NIGHT,
     "ring 1004 > voicemail 1004"),
]  # fmt: skip


@pytest.mark.parametrize(("title", "change", "dialled", "now", "expected"), ROWS, ids=[row[0] for row in ROWS])
def test_where_a_call_ends(town: Any, title: str, change: Any, dialled: str, now: datetime, expected: str) -> None:
    change(town)
    made = called(town, dialled, now)
    assert walked(made) == expected
    if title == "a mailbox leads to no closed reception":
        assert isinstance(made.steps[-1], Voicemail)
        assert made.steps[-1].reception is None


def test_a_key_closes_and_opens(town: Any) -> None:
    town.services["k"] = (HOURS, press(HOURS, Key.NIGHT, "1000", OPEN))
    assert walked(called(town, "1000", OPEN)) == "say night > voicemail 1000 announcement"
    town.services["k"] = (HOURS, press(HOURS, Key.OPEN, "1000", NIGHT))
    assert walked(called(town, "1000", NIGHT)) == "reception 1000 called"
    assert walked(called(town, "1000", NIGHT + timedelta(days=1))) == "say night > voicemail 1000 announcement"


def test_who_calls_back_after_112_reaches_the_reception_whatever_its_hours(town: Any) -> None:
    served(town)
    assert walked(called(town, "1000", NIGHT, sos=True)) == "reception 1000 called"
    asked = Asked(callee="1000", caller=CITIZEN, why=Why.ASKED, survival=True, sos=True)
    assert decide(asked, town, NIGHT).answer == ("1000",)


def test_what_is_told_at_night(town: Any) -> None:
    town.add("1200", kind=Kind.ON_CALL)
    on_call = (
        OnCall(name="Socialjouren", number="+4690161900"),
        OnCall(name="Vattenjouren", number="1200"),
        OnCall(name="Bara helger", number="+4690161901", hours=Schedule.parse("lör-sön dygnet runt")),
    )
    served(town, on_call=on_call)
    asked = Asked(callee="1000", caller=CITIZEN, why=Why.ASKED, survival=True)
    decided = decide(asked, town, NIGHT)
    told = decided.told
    assert told is not None
    assert isinstance(decided.answer, Refusal)
    assert decided.answer.phrase.startswith("Växeln är stängd; öppnar 04/03 08.00; Socialjouren +4690161900 / The")
    assert text(told.reasons(NIGHT, "sv", lambda _: None)) == (
        "Växeln är stängd. Vi svarar igen i morgon klockan åtta."
        " Vi har öppet måndag till fredag klockan åtta till sexton trettio."
        " Socialjouren når du på noll nio noll ett sex ett nio noll noll."
    )
    assert text(told.reasons(NIGHT, "en", lambda _: None)) == (
        "Our switchboard is closed. We will answer again tomorrow at eight a.m."
        " We are open Monday to Friday at eight a.m. to four thirty p.m."
        " Socialjouren is reached at zero nine zero one six one nine zero zero."
    )
    assert told.keys == {KEY_INSTEAD: "1200"}
    assert told.next == ()  # nobody is led to who is on call unasked
    assert "för att kopplas till Vattenjouren" in text(told.choices("sv", lambda _: None))


def test_what_a_mailbox_offers_at_night(town: Any) -> None:
    served(town, night_text="Norrby kommuns växel är stängd")
    town.change("1000", voicemail=True)
    told = decide(Asked(callee="1000", caller=CITIZEN, why=Why.ASKED, survival=True), town, NIGHT).told
    assert told is not None
    assert told.mailbox == "1000"
    assert KEY_RECEPTION not in told.keys
    assert f"Tryck {'ett'} för att lämna ett meddelande" in text(told.choices("sv", lambda _: None))
    assert KEY_MESSAGE == "1"
    assert text(told.reasons(NIGHT, "sv", lambda _: None)).startswith("Norrby kommuns växel är stängd. Vi svarar")
    assert text(told.reasons(NIGHT, "en", lambda _: None)).startswith("Our switchboard is closed")


@pytest.mark.parametrize(
    ("hours", "sv"),
    [
        ("mån-fre 08:00-12:00, 13:00-16:30", "måndag till fredag klockan åtta till tolv och klockan tretton till"),
        ("mån-ons 08:00-16:00; tor 08:00-18:00", "torsdag klockan åtta till arton."),
        ("lör-sön dygnet runt", "lördag till söndag dygnet runt."),
        ("mån 22:00-06:00", "måndag klockan tjugotvå till sex."),
    ],
)
def test_hours_are_spoken(town: Any, hours: str, sv: str) -> None:
    town.services["k"] = (Service(entity="k", hours=Schedule.parse(hours)), press(HOURS, Key.NIGHT, "1000", OPEN))
    told = decide(Asked(callee="1000", caller=CITIZEN, why=Why.ASKED, survival=True), town, OPEN).told
    assert told is not None
    assert sv in text(told.reasons(OPEN, "sv", lambda _: None))


def test_who_is_on_call_is_not_offered_to_themselves(town: Any) -> None:
    town.add("1200", kind=Kind.ON_CALL)
    served(town, night_to="1200", on_call=(OnCall(name="Jouren", number="1200"),))
    made = called(town, "1000", NIGHT, caller="1200")
    assert walked(made) == "say night > voicemail 1000 announcement"
    assert isinstance(made.steps[0], Say)
    assert "offered" not in dict(made.steps[0].fill)


def test_on_call_numbers_are_carried_as_they_are(town: Any) -> None:
    served(town, on_call=(OnCall(name='Jour "A"; B', number="+4690161900"),))
    step = called(town, "1000", NIGHT).steps[0]
    assert isinstance(step, Say)
    assert json.loads(dict(step.fill)["on_call"]) == [['Jour "A"; B', "+4690161900"]]


WHOLE = Whole(id="w", reason="course", start=OPEN, until=NIGHT, emergency_number="+46701112233")


@pytest.mark.parametrize(
    ("title", "now", "fields", "expected"),
    [
        ("before", OPEN - timedelta(minutes=1), {}, "ring 1001 > reception 1000 no_answer"),
        ("in it", OPEN, {}, "say unstaffed_until > reception 1000 unstaffed"),
        ("over", NIGHT, {}, "ring 1001 > reception 1000 no_answer"),
        ("without an end", NIGHT, {"until": None}, "say unstaffed > reception 1000 unstaffed"),
    ],
)
def test_a_department_referred_whole(town: Any, title: str, now: datetime, fields: Any, expected: str) -> None:
    town.change_unit("u", referred=(replace(WHOLE, **fields),), emergency_number="+46709999999")
    made = called(town, "1001", now)
    assert walked(made) == expected
    treated = table(["1001"], town, now).rows
    assert treated == ({"1001": "ask"} if "say" in expected else {})
    last = made.steps[-1]
    assert isinstance(last, Reception)
    assert last.emergency_number == ("+46701112233" if "say" in expected else None)


def test_the_one_that_was_set_last_holds_and_the_departments_own_number_where_none_was_said(town: Any) -> None:
    newer = replace(WHOLE, id="v", emergency_number=None, until=None)
    town.change_unit("u", referred=(newer, WHOLE), emergency_number="+46709999999")
    made = called(town, "1001", OPEN)
    assert walked(made) == "say unstaffed > reception 1000 unstaffed"
    assert isinstance(made.steps[-1], Reception)
    assert made.steps[-1].emergency_number == "+46709999999"


def test_a_department_that_is_away_says_until_when(town: Any) -> None:
    town.change_unit("u", referred=(WHOLE,))
    told = decide(Asked(callee="1001", caller=CITIZEN, why=Why.ASKED, survival=True), town, OPEN).told
    assert told is not None
    said = text(told.reasons(OPEN, "sv", lambda _: None))
    assert said == "Bygg är inte bemannad just nu. Vi svarar igen klockan tjugotre."
