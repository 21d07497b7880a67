"""A caller whose call nobody takes hears why, chooses, and is led on: with real phones."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from hil.net import Net
from hil.phone import Account, PhoneError
from hil.phone.baresip import Baresip
from hil.phone.linphone import Linphone
from hil.site import PROXY, REALM, Site, numbers, password
from hil.sound import holds
from hil.told import open_told
from tests.wire.conftest import STEP_S

pytestmark = [pytest.mark.wire, pytest.mark.timeout(240)]

CALLER, AWAY, RECEPTION, UNKNOWN = "1001", "1002", "1003", "1777"
SAID = {"reason_meeting": 1020.0, "unknown": 1320.0}
"""The municipality's own recordings are tones here, so that it can be heard which of them is said."""
SAID_S = 1.5
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
        site = open_told(net, numbers(1001, 3), AWAY, RECEPTION, SAID, SAID_S)
        stack.callback(site.stop)
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
