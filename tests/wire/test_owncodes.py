"""What people set by codes, dialled by real phones in SURVIVAL: what they hear is compared word for word with what was
to be said, and what was to be set is in the store."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta

import pytest

from callcontrol.media.phrases import phrases, text, when
from callcontrol.plan.number import LocalNumbering
from callcontrol.plan.pins import kept
from callcontrol.plan.schedule import STOCKHOLM
from firmware.store.people import People
from firmware.store.pins import PinRows
from hil.phone import PhoneError
from hil.phone.baresip import Baresip
from hil.phone.linphone import Linphone
from hil.spelled import heard, words
from tests.wire import housed
from tests.wire.conftest import STEP_S
from tests.wire.housed import Desk, Real, in_survival

pytestmark = [pytest.mark.wire, pytest.mark.timeout(240)]

CALLER, OTHER, THIRD = "1001", "1002", "1003"
DESKS = (
    Desk(CALLER, Baresip, 500.0),
    Desk(OTHER, Linphone, 700.0),
    Desk(THIRD, Baresip, 1100.0),
)
NAMES = {number: f"Anna Ek {number}" for number in (CALLER, OTHER, THIRD)}
KEYS = [*phrases(), *NAMES]
ROLES = f"[[role]]\nperson = 'p{CALLER}'\nrole = 'telephony_contact'\nscope = 'u'\n"
UNFIT = "Den nya PIN-koden duger inte. Välj sex till tolv siffror som inte följer på varandra"
PIN, OTHER_PIN, WRONG = "135790", "314159", "975311"


class House(housed.House):
    @property
    def people(self) -> People:
        return People.open(self.site.paths.directory, self.site.paths.journal, LocalNumbering())

    def hears_after(self, phone: Real, code: str) -> str:
        """Dials, listens until the unit hangs up, and reads what was heard; again while `calls` has no voice yet."""
        began = time.monotonic()
        while True:
            phone.dial(code.replace("#", "%23"))
            try:
                phone.wait_established(STEP_S)
            except PhoneError:
                if time.monotonic() - began > STEP_S:
                    raise
                time.sleep(0.5)
                continue
            phone.wait_closed(STEP_S)
            return words(heard(phone.heard(), KEYS), NAMES)


@pytest.fixture(scope="module")
def house() -> Iterator[House]:
    configuration: dict[str, dict[str, object]] = {"codes": {"sets": ["mx-one", "public"]}}
    with in_survival("rvcode", DESKS, ROLES, spelled=True, configuration=configuration) as (site, phones):
        with closing(PinRows.open(site.paths.directory, site.paths.journal)) as pins:
            for number in (CALLER, OTHER):
                pins.change(number, kept(PIN), "rig", datetime.now(UTC))
        yield House(site, phones)


def back(moment: datetime) -> str:
    return text([when(moment, datetime.now(UTC), "sv")]).rstrip(".")


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("*23*9#", "Du är hänvisad sjuk tills vidare"),
        ("*#21#", "Du är hänvisad sjuk tills vidare"),
        ("#23#", "Du är inte längre hänvisad"),
        ("#23#", "Du var inte hänvisad"),
        ("*23*12*1430#", "Den orsaken finns inte. Ingenting är ändrat"),
        ("*23*1*2575#", "Tiden ska vara fyra siffror, timme och minut. Ingenting är ändrat"),
        ("*23*6*1399#", "Datumet ska vara fyra siffror, månad och dag. Ingenting är ändrat"),
        (f"*21*{OTHER}#", f"Dina samtal följer med till {NAMES[OTHER]}"),
        ("*#21#", f"Dina samtal följer med till {NAMES[OTHER]}"),
        ("#21#", "Vidarekopplingen är borttagen"),
        ("#21#", "Ingen vidarekoppling var satt"),
        (f"*22#{OTHER}#", f"Alla samtal vidarekopplas till {NAMES[OTHER]}"),
        ("#22#", "Vidarekopplingen är borttagen"),
        (f"*67*{OTHER}#", f"När du är upptagen vidarekopplas samtal till {NAMES[OTHER]}"),
        (f"*61*{OTHER}#", f"När du inte svarar vidarekopplas samtal till {NAMES[OTHER]}"),
        (f"*62*{OTHER}#", f"När telefonen inte kan nås vidarekopplas samtal till {NAMES[OTHER]}"),
        ("#67#", "Vidarekopplingen är borttagen"),
        ("#61#", "Vidarekopplingen är borttagen"),
        ("#62#", "Vidarekopplingen är borttagen"),
        ("*211#", "Din enhet har inget svarsställe. Ingenting är ändrat"),
        ("*21*1999#", "Det numret finns inte. Ingenting är ändrat"),
        ("*21*{own}#", "Det är ditt eget nummer. Ingenting är ändrat"),
        ("*22#009001234567#", "Du får inte vidarekoppla till det numret. Ingenting är ändrat"),
        ("*27#", "Stör ej är på. Telefonen ringer inte"),
        ("#27#", "Stör ej är av. Telefonen ringer som vanligt"),
        ("*#21#", "Ingenting är inställt"),
        ("*98765#", "Den koden finns inte"),
        (f"*37*{OTHER}#", "Du blir uppringd när telefonen är ledig"),
        ("#37#", "Återuppringningarna är avbeställda"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("number", [CALLER, OTHER])
def test_each_code_is_confirmed_in_words(house: House, number: str, code: str, said: str) -> None:
    code, said = code.replace(number, THIRD), said.replace(NAMES[number], NAMES[THIRD])  # nobody's own
    if "{own}" in code:
        code = code.replace("{own}", number)
    assert house.hears_after(house.phones[number], code) == said


def test_a_time_is_told_as_it_was_taken(house: House) -> None:
    """And is in the store before it is said."""
    now = datetime.now(STOCKHOLM)
    later = now + timedelta(minutes=50)
    said = house.hears_after(house.phones[CALLER], f"*23*3*{later:%H%M}#")
    told = f"Du är hänvisad ej anträffbar åter {back(later.replace(second=0, microsecond=0))}"
    if said == told:
        with closing(house.people) as people:
            absent = people.absent(CALLER, datetime.now(UTC))
        assert absent is not None
        assert (absent.reason, absent.set_by) == ("not_available", CALLER)
    else:  # it is evening, or a weekend, here: then it is asked about
        assert "Tryck ett för att spara det ändå" in said
    house.hears_after(house.phones[CALLER], "#23#")


def test_an_odd_return_is_saved_by_a_key_alone(house: House) -> None:
    phone = house.phones[CALLER]
    code = "*23*6*0101#"  # New Year's Day, on which nobody works
    asked = house.hears_after(phone, code)
    assert "Den dagen arbetar ingen" in asked
    assert asked.endswith("Tryck ett för att spara det ändå Ingenting är ändrat")
    phone.dial(code.replace("#", "%23"))
    phone.wait_established(STEP_S)
    house.site.wait(lambda: "press" in heard(phone.heard(), KEYS), STEP_S, "asked")
    phone.press("1")
    phone.wait_closed(STEP_S)
    assert "Du är hänvisad semester åter den första januari" in words(heard(phone.heard(), KEYS), NAMES)
    assert house.hears_after(phone, "#23#") == "Du är inte längre hänvisad"


def test_who_may_refers_another_and_who_may_not_is_told_so(house: House) -> None:
    caller, other = house.phones[CALLER], house.phones[OTHER]
    assert house.hears_after(caller, f"*230*{OTHER}*9#") == f"{NAMES[OTHER]} är hänvisad sjuk tills vidare"
    assert house.hears_after(other, "*#21#") == "Du är hänvisad sjuk tills vidare"
    assert house.hears_after(caller, f"#230*{OTHER}#") == f"{NAMES[OTHER]} är inte längre hänvisad"
    assert house.hears_after(caller, f"#230*{OTHER}#") == f"{NAMES[OTHER]} var inte hänvisad"
    told = house.hears_after(other, f"*230*{CALLER}*9#")
    assert told == "Du har inte rätt att göra det. Ingenting är ändrat"


def test_what_was_set_holds_for_calls_at_once_and_is_rung_past_by_who_may(house: House) -> None:
    caller, other, third = house.phones[CALLER], house.phones[OTHER], house.phones[THIRD]
    assert house.hears_after(third, f"*21*{CALLER}#") == f"Dina samtal följer med till {NAMES[CALLER]}"
    house.site.wait(lambda: house.site.table("ask").get(THIRD) == "ask", STEP_S, "known to the edge")
    house.dials(other, THIRD, caller)
    other.wait_established(STEP_S)
    house.talk(other, caller)
    other.hang_up()
    caller.wait_closed(STEP_S)
    house.all_over()
    house.dials(caller, f"*60*{THIRD}", third)  # calls of hers come to him
    caller.wait_established(STEP_S)
    house.talk(caller, third)
    caller.hang_up()
    third.wait_closed(STEP_S)
    house.all_over()
    assert house.hears_after(other, f"*60*{THIRD}") == "Du har inte rätt att göra det. Ingenting är ändrat"
    assert house.hears_after(third, "#21#") == "Vidarekopplingen är borttagen"


@pytest.mark.parametrize(
    ("number", "code", "said"),
    [
        (CALLER, f"*76*{WRONG}#", "Fel PIN-kod. Ingenting är ändrat"),
        (CALLER, f"*76*{PIN}#", "Telefonen är låst. Den når interna nummer och 112"),
        (CALLER, "*#21#", "Telefonen är låst. Den når interna nummer och 112"),
        (CALLER, f"#76*{PIN}#", "Telefonen är upplåst"),
        (OTHER, f"*74*{PIN}*111111#", UNFIT),
        (OTHER, f"*74*{PIN}*{OTHER_PIN}#", "PIN-koden är ändrad"),
        (OTHER, f"*73*{PIN}#", "Fel PIN-kod. Ingenting är ändrat"),
        (OTHER, f"*73*{OTHER_PIN}#", "Telefonen är låst. Den når interna nummer och 112"),
        (OTHER, f"#73*{OTHER_PIN}#", "Telefonen är upplåst"),
        (THIRD, f"*76*{PIN}#", "Fel PIN-kod. Ingenting är ändrat"),  # it has none
        (OTHER, f"*75*{WRONG}*{CALLER}#", "Fel PIN-kod. Ingenting är ändrat"),
    ],
)  # fmt: skip
def test_what_a_pin_guards(house: House, number: str, code: str, said: str) -> None:
    assert house.hears_after(house.phones[number], code) == said


def test_who_knows_the_pin_calls_from_anothers_phone_as_from_ones_own(house: House) -> None:
    other = house.phones[OTHER]
    other.dial(f"*75*{PIN}*{CALLER}%23")
    other.wait_established(STEP_S)
    house.site.wait(lambda: "enter_number" in heard(other.heard(), KEYS), STEP_S, "asked for a number")
    for key in "00701234567#":
        other.press(key)
    other.wait_closed(STEP_S)
    assert "Samtalet kan inte kopplas just nu" in words(heard(other.heard(), KEYS), NAMES), "there is no way out here"


def test_nothing_of_what_was_set_is_noted(house: House) -> None:
    """Whoever has tried has left nothing of it in files and logs, and in records not more than the code."""
    house.hears_after(house.phones[OTHER], f"*7*3{PIN}#")
    house.site.wait(lambda: any(one.callee == "*74" for one in house.records().values()), STEP_S, "recorded")
    dialled = {one.callee for one in house.records().values() if one.callee.startswith(("*", "#", "%23"))}
    of_calls = ("*37*", "#37#", "%2337", "#70*", "%2370*")
    assert not {code for code in dialled if len(code) > 6 and not code.startswith(of_calls)}
    files = b"".join(file.read_bytes() for file in house.site.paths.journal.parent.rglob("*") if file.is_file())
    assert not [pin for pin in (PIN, OTHER_PIN, WRONG) if pin.encode() in files]
