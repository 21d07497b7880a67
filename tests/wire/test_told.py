"""A caller whose call nobody takes hears why, chooses, and is led on: with real phones."""

from __future__ import annotations

import math
import time
import wave
from array import array
from collections.abc import Iterator
from contextlib import ExitStack, closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from callcontrol.plan.absence import Referral, Source
from callcontrol.plan.model import Entity, Extension, Identity, Kind, Person, Unit
from callcontrol.plan.reach import DEFAULT_CLASS
from firmware.store.changes import Changes, new_id
from firmware.store.database import connect
from firmware.store.load import Bulk, Municipality, load
from hil.net import Net
from hil.phone import Account, PhoneError
from hil.phone.baresip import Baresip
from hil.phone.linphone import Linphone
from hil.site import PROXY, REALM, Site, numbers, password
from hil.sound import holds
from tests.wire.conftest import STEP_S

pytestmark = [pytest.mark.wire, pytest.mark.timeout(240)]

CALLER, AWAY, RECEPTION, UNKNOWN = "1001", "1002", "1003", "1777"
SAID = {"reason_meeting": 1020.0, "unknown": 1320.0}
"""The municipality's own recordings are tones here, so that it can be heard which of them is said."""
SAID_S, RATE_HZ = 1.5, 8000
HEARD_S = 0.5


class House:
    """In SURVIVAL: baresip calls, linphone is the reception, and somebody is in a meeting."""

    def __init__(self, site: Site, caller: Baresip, reception: Linphone) -> None:
        self.site = site
        self.caller = caller
        self.reception = reception

    def hears(self, hz: float) -> None:
        self.site.wait(lambda: holds(self.caller.heard(), hz, HEARD_S), STEP_S, f"{hz} Hz heard")

    def calls(self, number: str) -> float:
        """From when; again while `calls` has no voice yet, which it loads beside the calls."""
        began = time.monotonic()
        while True:
            self.caller.dial(number)
            try:
                self.caller.wait_established(STEP_S)
            except PhoneError:
                if time.monotonic() - began > STEP_S:
                    raise
                time.sleep(0.5)
            else:
                return began

    def led_on(self, since: float, within_s: float = STEP_S) -> None:
        """To the reception, which has lifted."""
        self.site.wait(lambda: (self.reception.call.established_at or 0) > since, within_s, "led on")

    def talk(self) -> None:
        """Both hear each other, and nothing of the call's sound is left in the unit when it ends."""
        for ear, mouth in ((self.caller, self.reception), (self.reception, self.caller)):
            self.site.wait(lambda ear=ear, mouth=mouth: holds(ear.heard(), mouth.tone_hz), STEP_S, "talk")  # type: ignore[misc]
        self.caller.hang_up()
        self.reception.wait_closed(STEP_S)
        self.caller.wait_closed(STEP_S)


@pytest.fixture(scope="module")
def house() -> Iterator[House]:
    with Net("rvtold") as net, ExitStack() as stack:
        recordings = net.directory / "said"
        for key, hz in SAID.items():
            _record(recordings / "sv" / f"{key}.wav", hz)
        announcing: dict[str, object] = {"languages": ["sv"], "recordings": str(recordings)}
        site = Site(net, users=numbers(1001, 3), configuration={"announcing": announcing})
        with closing(connect(site.paths.directory, "directory")) as directory:
            load(directory, _people(), "rig", datetime.now(UTC))
        site.start()
        stack.callback(site.stop)
        site.platform.kill()
        site.wait_mode("SURVIVAL", STEP_S)
        phones: list[Baresip | Linphone] = []
        for at, (kind, number, hz) in enumerate(((Baresip, CALLER, 700.0), (Linphone, RECEPTION, 1100.0))):
            host, ip = net.host(f"desk{number}"), f"10.98.0.{30 + at}"
            site.switch.join(host, "eth0", f"{ip}/24")
            phone = kind(host, ip, Account(number, password(number), REALM, PROXY), hz)
            phone.start()
            stack.callback(phone.stop)
            phone.wait_registered(STEP_S)
            phones.append(phone)
        caller, reception = phones
        assert isinstance(caller, Baresip)
        assert isinstance(reception, Linphone)
        now = datetime.now(UTC)
        with closing(Changes.open(site.paths.journal)) as changes:
            away = Referral(
                id=new_id(), extension=AWAY, reason="meeting", start=now, until=now + timedelta(hours=1),
                source=Source.PAGE, set_by="rig", set_at=now,
            )  # fmt: skip
            changes.refer([away])
        site.wait(lambda: site.table("ask").get(AWAY) == "ask", STEP_S, "known to the edge")
        yield House(site, caller, reception)


def test_why_and_then_the_reception_by_a_key(house: House) -> None:
    since = house.calls(AWAY)
    house.hears(SAID["reason_meeting"])
    house.caller.press("2")
    house.led_on(since)
    house.talk()


@pytest.mark.long
def test_who_chooses_nothing_is_led_to_the_reception(house: House) -> None:
    house.led_on(house.calls(AWAY), 2 * STEP_S)
    house.talk()


def test_a_number_that_nobody_has_and_the_end(house: House) -> None:
    house.calls(UNKNOWN)
    house.hears(SAID["unknown"])
    assert house.caller.wait_closed(STEP_S).established_at is not None


def test_calls_that_are_led_end_when_calls_dies(house: House) -> None:
    """Killed while it tells a caller why, and after it has led one on: nobody sits in silence."""
    for led_on in (False, True):
        since = house.calls(AWAY)
        if led_on:
            house.caller.press("2")
            house.led_on(since)
        house.site.calls.kill()
        house.site.calls.start()
        house.caller.wait_closed(STEP_S)
        house.site.wait(lambda: not house.site.table("legs"), STEP_S, "no leg is left")
    house.reception.wait_closed(STEP_S)


def test_who_hangs_up_while_it_is_said(house: House) -> None:
    """The next caller is told as well."""
    for _ in range(3):
        house.calls(AWAY)
        house.caller.hang_up()
        house.caller.wait_closed(STEP_S)
    house.calls(AWAY)
    house.hears(SAID["reason_meeting"])
    house.caller.hang_up()
    house.caller.wait_closed(STEP_S)


def _record(file: Path, hz: float) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    count = int(SAID_S * RATE_HZ)
    sound = array("h", (int(9000 * math.sin(2 * math.pi * hz * n / RATE_HZ)) for n in range(count)))
    with wave.open(str(file), "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(RATE_HZ)
        out.writeframes(sound.tobytes())


def _people() -> Bulk:
    kinds = {RECEPTION: Kind.RECEPTION}
    staff = (CALLER, AWAY, RECEPTION)
    return Bulk(
        municipalities=(Municipality(id="m", name="Norrby"),),
        classes=(DEFAULT_CLASS,),
        entities=(Entity(id="e", name="Norrby", municipality="m", greeting="Norrby kommun", reception=RECEPTION),),
        units=(Unit(id="u", name="Bygg", entity="e"),),
        people=tuple(Person(id=f"p{number}", given="Anna", family=f"Ek {number}", unit="u") for number in staff),
        extensions=tuple(
            Extension(
                number=number, kind=kinds.get(number, Kind.PERSON), unit="u", person=f"p{number}",
                reach=DEFAULT_CLASS, identity=Identity.DIRECT,
            )
            for number in staff
        ),
    )  # fmt: skip
