"""What a code comes to: every one of them, for oneself and for others, and what is wrong with those that are."""

from __future__ import annotations

import itertools
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from callcontrol.confirmed import asked, confirmed, displayed
from callcontrol.media.phrases import phrases, text
from callcontrol.plan.absence import Absent, Opening, Referral, Source
from callcontrol.plan.codes import Code, Own, read
from callcontrol.plan.codesets import codes_of
from callcontrol.plan.faultreport import FaultReport
from callcontrol.plan.model import Call, Condition, Forwarding, Kind, Mode, State
from callcontrol.plan.plan import plan
from callcontrol.plan.reasons import READY
from callcontrol.plan.rights import Given, Role, may_pass
from callcontrol.plan.schedule import STOCKHOLM, Schedule
from callcontrol.plan.service import Key, Service, press
from callcontrol.plan.setting import Asks, Ends, Locks, Presses, Said, Settled, settle
from callcontrol.plan.steps import Out, Refuse

NOW = datetime(2026, 3, 3, 9, tzinfo=STOCKHOLM)  # a Tuesday
CODES = codes_of(("mx-one", "public"), {})
HERS = {"anna": (Given(Role.TELEPHONY_CONTACT, "u"),)}


@pytest.fixture(autouse=True)
def ready(town: Any) -> None:
    town.reason_table = READY


def dial(town: Any, code: str, caller: str = "1001") -> Settled | Asks:
    wanted = read(code, CODES)
    assert wanted is not None, code
    ids = (f"id{n}" for n in itertools.count())
    return settle(wanted, caller, town, NOW, lambda: next(ids), lambda person: HERS.get(person, ()))


def heard(said: Settled | Asks, language: str = "sv") -> str:
    names = {"1002": "Bo Ek"}.get
    if isinstance(said, Asks):
        return text(asked(said.doubts, NOW, language, names))
    return text(confirmed(said.said, NOW, language, names))


@pytest.mark.parametrize(
    ("code", "sv", "en"),
    [
        ("*23*1*1430#", "Du är hänvisad möte åter klockan fjorton trettio.",
         "You are referred meeting back at two thirty p.m."),
        ("*23*1#", "Du är hänvisad möte åter klockan tio.", None),
        ("*23*9#", "Du är hänvisad sjuk tills vidare.", "You are referred sick until further notice."),
        ("*23*6*0309#", "Du är hänvisad semester åter på måndag klockan åtta.", None),
        ("*23*6*0821#", "Du är hänvisad semester åter den tjugoförsta augusti.", None),
        ("*230*1002*9#", "Bo Ek är hänvisad sjuk tills vidare.", "Bo Ek is referred sick until further notice."),
        ("*21*1002#", "Dina samtal följer med till Bo Ek.", "Your calls follow you to Bo Ek."),
        ("*21*1004#", "Dina samtal följer med till tio noll fyra.", None),
        ("*22#0701234567#", "Alla samtal vidarekopplas till noll sju noll ett tjugotre fyrtiofem sextiosju.", None),
        ("*67*1002#", "När du är upptagen vidarekopplas samtal till Bo Ek.", None),
        ("*61*1002#", "När du inte svarar vidarekopplas samtal till Bo Ek.", None),
        ("*62*1002#", "När telefonen inte kan nås vidarekopplas samtal till Bo Ek.", None),
        ("*211#", "När du inte svarar vidarekopplas samtal till tio noll noll.", None),
        ("*27#", "Stör ej är på. Telefonen ringer inte.", None),
        ("#27#", "Stör ej är av. Telefonen ringer som vanligt.", None),
        ("#23#", "Du var inte hänvisad.", None),
        ("#230*1002#", "Bo Ek var inte hänvisad.", None),
        ("#21#", "Ingen vidarekoppling var satt.", None),
        ("*#21#", "Ingenting är inställt.", "Nothing is set."),
        ("*73*123456#", "Telefonen är låst. Den når interna nummer och 112.", None),
        ("#73*123456#", "Telefonen är upplåst.", None),
    ],
)  # fmt: skip
def test_what_is_heard(town: Any, code: str, sv: str, en: str | None) -> None:
    assert heard(dial(town, code)) == sv
    if en is not None:
        assert heard(dial(town, code), "en") == en


@pytest.mark.parametrize(
    ("code", "caller", "key"),
    [
        ("*23*1*2561#", "1001", "time_wrong"),
        ("*23*1*930#", "1001", "time_wrong"),
        ("*23*6*1332#", "1001", "date_wrong"),
        ("*23*12*1430#", "1001", "reason_unknown"),
        ("*230*1002*12#", "1001", "reason_unknown"),
        ("*230*1003*9#", "1001", "may_not"),  # of another unit
        ("*230*1001*9#", "1002", "may_not"),
        ("#230*1001#", "1002", "may_not"),
        ("*230*1999*9#", "1001", "number_unknown"),
        ("*23*1#", "1999", "nobodys_phone"),
        ("*21*1999#", "1001", "number_unknown"),
        ("*21*1001#", "1001", "own_number"),
        ("*21*0701234567#", "1001", "not_forwarded_there"),  # nobody of ours sits there
        ("*22#0701234567#", "1003", "secret_not_outside"),
        ("*22#00701234567#", "1003", "secret_not_outside"),
        ("*22#0046701234567890123#", "1001", "number_unknown"),
        ("*22#0009447000000000#", "1001", "not_forwarded_there"),
        ("*22#112#", "1001", "number_unknown"),
        ("*22#009001234567#", "1001", "not_forwarded_there"),
        ("*22#118118#", "1001", "number_unknown"),
        ("*212#", "1000", "no_place"),
    ],
)
def test_what_is_wrong_is_said_and_nothing_is_set(town: Any, code: str, caller: str, key: str) -> None:
    settled = dial(town, code, caller)
    assert isinstance(settled, Settled)
    assert settled.writes == ()
    assert [said.key for said in settled.said] == [key]


def test_a_referral_says_who_and_how(town: Any) -> None:
    settled = dial(town, "*230*1002*1*1430#")
    assert isinstance(settled, Settled)
    (made,) = settled.writes
    assert isinstance(made, Referral)
    assert (made.extension, made.reason, made.source, made.set_by) == ("1002", "meeting", Source.CODE, "1001")
    assert made.until == NOW.replace(hour=14, minute=30)


@pytest.mark.parametrize(
    ("code", "key", "words"),
    [
        ("*23*1*2230#", "odd_after_hours", "Det är efter arbetstid åter klockan tjugotvå trettio."),
        ("*23*6*0308#", "odd_not_worked", "Den dagen arbetar ingen åter på söndag klockan åtta."),
    ],
)  # fmt: skip
def test_an_odd_return_is_asked_about(town: Any, code: str, key: str, words: str) -> None:
    asks = dial(town, code)
    assert isinstance(asks, Asks)
    assert [said.key for said in asks.doubts] == [key]
    assert heard(asks) == f"{words} Tryck ett för att spara det ändå."
    assert len(asks.settled.writes) == 1


def test_who_is_back_ends_what_was_seen(town: Any) -> None:
    town.away["1001"] = Absent(
        reason="meeting", since=NOW, back_at=None, source=Source.PAGE, set_by="x", referral="r", seen=frozenset({"r"})
    )
    settled = dial(town, "#23#")
    assert isinstance(settled, Settled)
    (opened,) = settled.writes
    assert isinstance(opened, Opening)
    assert (opened.extension, opened.seen, opened.set_by) == ("1001", frozenset({"r"}), "1001")
    assert heard(settled) == "Du är inte längre hänvisad."
    assert heard(dial(town, "*#21#")) == "Du är hänvisad möte tills vidare."


@pytest.mark.parametrize(
    ("code", "conditions"),
    [
        ("#21#", (Condition.ALWAYS, Condition.FOLLOW_ME)),
        ("#22#", (Condition.ALWAYS, Condition.FOLLOW_ME)),
        ("##002#", tuple(one for one in Condition if one is not Condition.DO_NOT_DISTURB)),
    ],
)
def test_forwardings_end(town: Any, code: str, conditions: tuple[Condition, ...]) -> None:
    town.forward("1001", Condition.FOLLOW_ME, "1002")
    assert dial(town, code) == Settled((Said(key="forwarding_off"),), (Ends("1001", conditions),))
    assert dial(town, "#67#") == Settled((Said(key="no_forwarding"),)) or code == "##002#"


def test_what_is_set_is_told_as_it_is(town: Any) -> None:
    town.forward("1001", Condition.BUSY, "1002")
    town.forward("1001", Condition.DO_NOT_DISTURB, None)
    town.change("1001", locked=True)
    assert heard(dial(town, "*#21#")) == (
        "När du är upptagen vidarekopplas samtal till Bo Ek. Stör ej är på. Telefonen ringer inte."
        " Telefonen är låst. Den når interna nummer och 112."
    )


def test_without_a_number_the_units_attended_place_answers(town: Any) -> None:
    town.add("1100", kind=Kind.ATTENDED)
    town.change_unit("u", attended_by="1100")
    settled = dial(town, "*21#")
    assert isinstance(settled, Settled)
    assert settled.writes == (Forwarding(extension="1001", condition=Condition.ALWAYS, target="1100", set_at=NOW),)


def test_a_number_that_is_ours_is_forwarded_to_as_ours(town: Any) -> None:
    for code in ("*22#0090161002#", "*22#1002#", "*22#+4690161002#"):
        settled = dial(town, code)
        assert isinstance(settled, Settled)
        (made,) = settled.writes
        assert isinstance(made, Forwarding)
        assert made.target == "1002"


def test_every_word_is_in_the_catalogue_in_both_languages(town: Any) -> None:
    known = phrases()
    for reason in READY:
        assert f"word_{reason.key}" in known
        assert known[f"word_{reason.key}"].sv == reason.sv.lower()
    wrongs = [Said(key=key.removeprefix("code_")) for key in known if key.startswith("code_")]
    assert len(wrongs) > 40
    for one in wrongs:
        sv, en = displayed((one,), NOW, lambda _: None)
        assert sv
        assert en
        assert len(sv) < 120, "what a display has room for"


def test_locks(town: Any) -> None:
    assert dial(town, "*76*123456#") == Settled((Said(key="locked"),), (Locks("1001", True),))
    assert dial(town, "#76*123456#") == Settled((Said(key="unlocked"),), (Locks("1001", False),))


@pytest.mark.parametrize(
    ("dialled", "locked", "proved", "why"),
    [
        ("00701234567", False, False, None),
        ("00701234567", True, False, "locked"),
        ("00701234567", True, True, None),
        ("009001234567", True, False, "barred"),
        ("011414", True, False, None),
    ],
)
def test_a_locked_phone_calls_inside_and_what_is_always_open(
    town: Any, dialled: str, locked: bool, proved: bool, why: str | None
) -> None:
    town.change("1001", locked=locked)
    state = State(mode=Mode.SURVIVAL, platform=False, trunk_channels_free=1)
    step = plan(Call(caller="1001", dialled=dialled, proved=proved), town, state, NOW).steps[0]
    assert isinstance(step, Out if why is None else Refuse)
    assert not isinstance(step, Refuse) or step.words == why


def test_who_rings_past_a_forwarding(town: Any) -> None:
    def may(caller: str, roles: tuple[Given, ...] = ()) -> bool:
        return may_pass(caller, "1001", town, lambda _: roles, NOW.astimezone(UTC))

    town.forward("1001", Condition.ALWAYS, "1004")
    assert may("1004"), "who answers for her"
    assert not may("1002")
    assert may("1002", (Given(Role.OPERATOR, "*"),))
    assert not may("1002", (Given(Role.OPERATOR, "s"),))
    assert not may("1999")
    town.extensions["1005"] = replace(town.extensions["1001"], number="1005")
    assert may("1005"), "her other phone"


SERVICE = Service(entity="k", hours=Schedule.parse("mån-fre 08:00-16:30"))
OURS = (Code.parse(Own.NIGHT, "*84#"), Code.parse(Own.NIGHT, "*84*N#"), Code.parse(Own.FAULT, "*85#"))


def pressed(town: Any, code: str, caller: str) -> Settled | Asks:
    wanted = read(code, OURS)
    assert wanted is not None
    given = {"anna": (Given(Role.OPERATOR, "k"),)}
    return settle(wanted, caller, town, NOW, lambda: "id", lambda person: given.get(person, ()))


@pytest.mark.parametrize(
    ("code", "caller", "key", "sv"),
    [
        ("*84#", "1000", Key.NIGHT, "Växeln är stängd åter i morgon klockan åtta."),
        ("*84#", "1001", Key.NIGHT, "Växeln är stängd åter i morgon klockan åtta."),
        ("*84*2#", "1000", Key.LUNCH, "Växeln är stängd för lunch åter klockan tio."),
        ("*84*3#", "1000", Key.NIGHT, "Växeln är stängd åter i morgon klockan åtta."),
        ("*84*1#", "1000", Key.OPEN, "Växeln är öppen."),
        ("*84*0#", "1000", Key.HOURS, "Växeln är öppen."),
    ],
)
def test_the_key_of_a_reception(town: Any, code: str, caller: str, key: Key, sv: str) -> None:
    town.services["k"] = (SERVICE, None)
    settled = pressed(town, code, caller)
    assert isinstance(settled, Settled)
    assert settled.writes == (Presses(SERVICE, key),)
    assert heard(settled) == sv


def test_the_key_turns_back(town: Any) -> None:
    town.services["k"] = (SERVICE, press(SERVICE, Key.NIGHT, "1000", NOW))
    settled = pressed(town, "*84#", "1000")
    assert isinstance(settled, Settled)
    assert settled.writes == (Presses(SERVICE, Key.OPEN),)
    assert heard(settled, "en") == "The switchboard is open."


@pytest.mark.parametrize(
    ("code", "caller", "hours", "key"),
    [
        ("*84#", "1000", False, "no_hours"),
        ("*84#", "1002", True, "may_not"),
        ("*84#", "2000", True, "no_hours"),  # of another entity
        ("*84*7#", "1000", True, "code_unknown"),
        ("*84*33#", "1000", True, "code_unknown"),
    ],
)
def test_who_may_not_press_it(town: Any, code: str, caller: str, hours: bool, key: str) -> None:
    if hours:
        town.services["k"] = (SERVICE, None)
    assert pressed(town, code, caller) == Settled((Said(key=key),))


def test_a_fault_is_reported_by_a_code(town: Any) -> None:
    settled = pressed(town, "*85#", "1002")
    assert isinstance(settled, Settled)
    (report,) = settled.writes
    assert isinstance(report, FaultReport)
    assert (report.extension, report.reporter, report.source) == ("1002", "1002", "code")
    assert heard(settled) == "Din felanmälan är mottagen."


def test_a_locked_phone_is_not_led_outside_by_who_sits_at_it(town: Any) -> None:
    """Else it would ring outside by being rung; what was set before, and what is inside, stays."""
    town.change("1001", locked=True)
    for code in ("*22#0701234567#", "*21*0701234567#", "*67*0701234567#"):
        settled = dial(town, code)
        assert isinstance(settled, Settled)
        assert settled.writes == (), code
    assert heard(dial(town, "*67*0701234567#")) == "Telefonen är låst. Den når interna nummer och 112."
    assert isinstance(dial(town, "*22#1002#"), Settled)
    assert dial(town, "*22#1002#").writes  # type: ignore[union-attr]
