"""A reception that is closed by its key says so and leads to who is on call; a department that is referred whole says
until when: with real phones, whose hearing is compared with the phrase that is to be said."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta

import pytest

from callcontrol.plan.model import Whole
from callcontrol.plan.schedule import Schedule
from callcontrol.plan.service import Key, Service
from firmware.store.changes import new_id
from firmware.store.faults import FaultRows
from firmware.store.services import Services
from firmware.store.wholes import Wholes
from hil.phone.baresip import Baresip
from hil.phone.linphone import Linphone
from tests.wire.conftest import STEP_S
from tests.wire.housed import Desk, House, in_survival

pytestmark = [pytest.mark.wire, pytest.mark.timeout(240)]

CALLER, STAFF, RECEPTION, ON_CALL = "1001", "1002", "1003", "1004"
SAID = {
    "closed_night": 1020.0,
    "we_are_open": 1220.0,
    "for_on_call": 1420.0,
    "unstaffed": 1620.0,
    "code_night_night": 1820.0,
    "code_night_open": 2020.0,
    "code_may_not": 2220.0,
    "code_fault_kept": 2420.0,
}
ALWAYS = "mån-sön dygnet runt; helgdag dygnet runt; afton dygnet runt"
SITE = f"""
[service.e]
hours = "{ALWAYS}"
on_call = [{{ name = "Jouren", number = "{ON_CALL}" }}]
"""
SERVICE = Service(entity="e", hours=Schedule.parse(ALWAYS))


@pytest.fixture(scope="module")
def house() -> Iterator[House]:
    desks = (
        Desk(CALLER, Baresip, 700.0),
        Desk(STAFF, Baresip, 800.0),
        Desk(RECEPTION, Linphone, 900.0),
        Desk(ON_CALL, Linphone, 1100.0),
    )
    with in_survival("rvnight", desks, SITE, said=SAID, reception=RECEPTION) as (site, phones):
        yield House(site, phones)


def press(house: House, key: Key) -> None:
    with closing(Services.open(house.site.paths.journal)) as services:
        services.press(SERVICE, key, "rig", datetime.now(UTC))


def is_led_on(house: House, to: str, since: float) -> None:
    phone = house.phones[to]
    house.site.wait(lambda: (phone.call.established_at or 0.0) > since, STEP_S, f"led on to {to}")


def test_closed_by_its_key_it_says_so_and_leads_to_who_is_on_call(house: House) -> None:
    caller = house.phones[CALLER]
    press(house, Key.NIGHT)
    since = time.monotonic()
    house.reaches(caller, RECEPTION)
    for key in ("closed_night", "we_are_open", "for_on_call"):
        house.hears(caller, SAID[key])
    caller.press("3")
    is_led_on(house, ON_CALL, since)
    house.talk(caller, house.phones[ON_CALL])
    assert (house.phones[RECEPTION].call.ringing_at or 0.0) < since
    caller.hang_up()
    house.all_closed()


def test_opened_again_it_rings(house: House) -> None:
    press(house, Key.NIGHT)
    press(house, Key.HOURS)
    caller, reception = house.phones[CALLER], house.phones[RECEPTION]
    since = time.monotonic()
    house.dials(caller, RECEPTION, reception)
    is_led_on(house, RECEPTION, since)
    house.talk(caller, reception)
    caller.hang_up()
    house.all_closed()


def dials_code(house: House, number: str, code: str, said: str) -> None:
    phone = house.phones[number]
    house.reaches(phone, code.replace("#", "%23"))
    house.hears(phone, SAID[said])
    phone.wait_closed(STEP_S)


def test_the_key_is_a_code_at_the_reception_and_nobody_elses(house: House) -> None:
    press(house, Key.HOURS)
    caller = house.phones[CALLER]
    dials_code(house, CALLER, "*84#", "code_may_not")
    dials_code(house, RECEPTION, "*84#", "code_night_night")
    house.reaches(caller, RECEPTION)
    house.hears(caller, SAID["closed_night"])
    caller.hang_up()
    house.all_closed()
    dials_code(house, RECEPTION, "*84#", "code_night_open")


def test_a_fault_is_reported_by_a_code_in_the_outage(house: House) -> None:
    dials_code(house, CALLER, "*85#", "code_fault_kept")
    with closing(FaultRows.open(house.site.paths.journal)) as faults:
        (report,) = faults.waiting()
    assert (report.extension, report.source, report.mode) == (CALLER, "code", "SURVIVAL")
    assert report.incident is not None


def test_a_department_that_is_referred_whole_says_so_and_its_calls_come_to_the_reception(house: House) -> None:
    caller, reception = house.phones[CALLER], house.phones[RECEPTION]
    now = datetime.now(UTC)
    whole = Whole(id=new_id(), reason="course", start=now, until=now + timedelta(hours=1), set_by="rig")
    with closing(Wholes.open(house.site.paths.journal)) as wholes:
        wholes.refer(["u"], whole, now)
        house.site.wait(lambda: house.site.table("ask").get(STAFF) == "ask", STEP_S, "known to the edge")
        since = time.monotonic()
        house.reaches(caller, STAFF)
        house.hears(caller, SAID["unstaffed"])
        is_led_on(house, RECEPTION, since)
        house.talk(caller, reception)
        assert (house.phones[STAFF].call.ringing_at or 0.0) < since
        caller.hang_up()
        house.all_closed()
        wholes.end(["u"], "rig", datetime.now(UTC))
    house.site.wait(lambda: STAFF not in house.site.table("ask"), STEP_S, "back")
    house.dials(caller, STAFF, house.phones[STAFF])
    caller.hang_up()
    house.all_closed()
