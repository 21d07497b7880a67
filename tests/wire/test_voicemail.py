"""Mailboxes listened to by telephone, in SURVIVAL, with real phones: messages, greetings, lamps, PINs."""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from contextlib import ExitStack, closing
from datetime import UTC, datetime

import pytest

from callcontrol.media.recorder import HEADER_BYTES, read_recording
from callcontrol.plan.pins import kept
from firmware.store.mailbox import GreetingKind, Held, Mailbox
from firmware.store.pins import PinRows
from hil.net import Net
from hil.phone.baresip import Baresip
from hil.phone.linphone import Linphone
from hil.phone.raw import RawPhone, body_of, status
from hil.phone.sipp import User
from hil.site import PROXY, REALM, Site, numbers, password
from hil.sound import RATE_HZ, Sound, holds, seconds_of, tone_s
from hil.told import desk, open_told
from tests.wire.conftest import STEP_S
from tests.wire.housed import Real

pytestmark = [pytest.mark.wire, pytest.mark.timeout(240)]

CALLER, OWNER, RECEPTION = "1001", "1002", "1003"
OWN, OF_OWNER = "*98%23", f"*98*{OWNER}%23"
NUMBER = "1099"
PIN = "804715"
SAID = {
    "reason_meeting": 1020.0,
    "speak_after_tone": 1720.0,
    "message_kept": 1920.0,
    "you_have": 1120.0,
    "you_have_no_messages": 1220.0,
    "new_message": 1320.0,
    "message_is_discarded": 1420.0,
    "speak_greeting": 1520.0,
    "greeting_is_used": 1620.0,
    "enter_pin": 1820.0,
    "for_greetings": 2020.0,
    "greeting_is_gone": 2120.0,
}
"""The municipality's own recordings are tones here, so that it can be heard which of them is said."""
SAID_S = 0.6
HEARD_S = 0.4
BEEP_HZ, BEEP_S = 1400.0, 0.2
SPOKEN_S = 2.0


class House:
    """In SURVIVAL, its owner away: `caller` leaves messages, `owner` listens."""

    def __init__(self, site: Site, caller: Baresip, owner: Linphone) -> None:
        self.site = site
        self.caller = caller
        self.owner = owner

    def hears(self, phone: Real, hz: float, heard_s: float = HEARD_S) -> None:
        self.site.wait(lambda: holds(phone.heard(), hz, heard_s), STEP_S, f"{hz} Hz heard")

    def dials(self, phone: Real, number: str) -> None:
        phone.dial(number)
        phone.wait_established(STEP_S)

    def leaves_message(self) -> Held:
        files = self.site.paths.messages
        before = {path.stem for path in files.glob("*.wav")}
        self.dials(self.caller, OWNER)
        self.hears(self.caller, SAID["reason_meeting"])
        self.caller.press("1")
        self.hears(self.caller, SAID["speak_after_tone"])
        self.hears(self.caller, BEEP_HZ, BEEP_S)

        def spoken() -> bool:
            new = {path.stem for path in files.glob("*.wav")} - before
            return any(self.spoken_s(name) >= SPOKEN_S for name in new)

        self.site.wait(spoken, STEP_S, "sound on the disk")
        self.caller.press("#")
        self.hears(self.caller, SAID["message_kept"])
        self.caller.hang_up()
        self.caller.wait_closed(STEP_S)
        (message,) = [held for held in self.held() if held.id not in before]
        return message

    def spoken_s(self, name: str) -> float:
        file = self.site.paths.messages / f"{name}.wav"
        data = read_recording(file) if file.stat().st_size >= HEADER_BYTES else b""
        return tone_s(Sound(RATE_HZ, array("h", data)), self.caller.tone_hz)

    def held(self) -> tuple[Held, ...]:
        with closing(Mailbox.open(self.site.paths.journal)) as store:
            return store.of(OWNER)

    def lamp(self) -> str:
        return str(self.site.table("mail").get(OWNER, ""))

    def lamp_becomes(self, wanted: str) -> None:
        self.site.wait(lambda: self.lamp() == wanted, STEP_S, f"the lamp {wanted}")

    def hangs_up(self, phone: Real) -> None:
        phone.hang_up()
        phone.wait_closed(STEP_S)

    def empties(self) -> None:
        with closing(Mailbox.open(self.site.paths.journal)) as store:
            for held in store.of(OWNER):
                store.discard(OWNER, held.id, OWNER, datetime.now(UTC))


@pytest.fixture(scope="module")
def house() -> Iterator[House]:
    with Net("rvvm") as net, ExitStack() as stack:
        more: dict[str, dict[str, object]] = {}
        site = open_told(net, numbers(1001, 3), OWNER, RECEPTION, SAID, SAID_S, more, voicemail=NUMBER)
        stack.callback(site.stop)
        with closing(PinRows.open(site.paths.directory, site.paths.journal)) as pins:
            pins.change(OWNER, kept(PIN), "rig", datetime.now(UTC))
        caller = stack.enter_context(desk(net, site, 30, Baresip, CALLER, 700.0))
        owner = stack.enter_context(desk(net, site, 31, Linphone, OWNER, 900.0))
        yield House(site, caller, owner)


@pytest.fixture(autouse=True)
def _over(house: House) -> Iterator[None]:
    yield
    for phone in (house.caller, house.owner):
        if phone.call.established_at and not phone.call.closed_at:
            phone.hang_up()
            phone.wait_closed(STEP_S)
    house.empties()
    house.site.wait(lambda: not house.site.table("legs"), STEP_S, "no leg is left")


def test_a_message_lights_the_lamp_is_heard_and_removed(house: House) -> None:
    """RFC 3842: the phone is told as it is left, as it was heard and when it is gone."""
    site = house.site
    with RawPhone(site.phones, site.phone_ip(41), User(OWNER, password(OWNER)), PROXY, REALM) as watcher:
        answer = watcher.ask("SUBSCRIBE", f"sip:{OWNER}@{REALM}", {"Event": "message-summary", "Expires": "600"})
        assert status(answer) == 200

        def told(wanted: str) -> None:
            while f"Voice-Message: {wanted}" not in body_of(notify := watcher.called("NOTIFY", STEP_S)):
                watcher.respond(notify, "200 OK")
            watcher.respond(notify, "200 OK")

        told("0/0")
        message = house.leaves_message()
        assert (message.caller, message.heard_at) == (CALLER, None)
        told("1/0")
        house.dials(house.owner, OWN)
        house.hears(house.owner, SAID["you_have"])
        house.hears(house.owner, SAID["new_message"])
        house.hears(house.owner, house.caller.tone_hz, SPOKEN_S / 2)
        house.owner.press("1")  # again
        told("0/1")
        house.owner.press("3")
        house.hears(house.owner, SAID["message_is_discarded"])
        told("0/0")
    assert house.held() == ()
    assert (house.site.paths.messages / f"{message.id}.wav").exists(), "the archive's matter"


def test_from_anothers_phone_by_the_pin_alone(house: House) -> None:
    message = house.leaves_message()
    house.dials(house.caller, OF_OWNER)
    house.hears(house.caller, SAID["enter_pin"])
    for key in f"{PIN}#":
        house.caller.press(key)
    house.hears(house.caller, SAID["you_have"])
    house.hears(house.caller, house.caller.tone_hz, SPOKEN_S / 2)
    house.caller.press("2")
    house.site.wait(lambda: house.held()[0].kept_at is not None, STEP_S, "kept")
    assert house.held()[0].id == message.id
    logs = "".join(path.read_text(errors="replace") for path in house.site.paths.run.glob("*.log"))
    assert PIN not in logs


def test_a_star_while_one_hears_that_one_does_not_answer(house: House) -> None:
    """A wrong PIN hears nothing of it."""
    house.leaves_message()
    house.dials(house.caller, OWNER)
    house.hears(house.caller, SAID["reason_meeting"])
    house.caller.press("*")
    house.hears(house.caller, SAID["enter_pin"])
    for key in "111111#":
        house.caller.press(key)
    house.site.wait(lambda: seconds_of(house.caller.heard(), SAID["enter_pin"]) > SAID_S, STEP_S, "asked again")
    assert not holds(house.caller.heard(), SAID["you_have"], HEARD_S)
    for key in f"{PIN}#":
        house.caller.press(key)
    house.hears(house.caller, SAID["you_have"])
    assert house.held()[0].heard_at is None


def test_the_mailboxes_own_number(house: House) -> None:
    house.dials(house.owner, NUMBER)
    house.hears(house.owner, SAID["you_have_no_messages"])


def test_a_greeting_spoken_by_telephone_is_what_callers_hear(house: House) -> None:
    house.dials(house.owner, OWN)
    house.hears(house.owner, SAID["for_greetings"])
    house.owner.press("4")
    house.owner.press("1")
    house.hears(house.owner, SAID["speak_greeting"])
    greetings = house.site.paths.greetings
    house.site.wait(
        lambda: any(path.stat().st_size > 8000 * SPOKEN_S for path in greetings.glob("*.wav")), STEP_S, "it"
    )
    house.owner.press("#")
    house.hears(house.owner, house.owner.tone_hz)  # how it sounds
    house.owner.press("1")
    house.hears(house.owner, SAID["greeting_is_used"])
    house.hangs_up(house.owner)
    with closing(Mailbox.open(house.site.paths.journal)) as store:
        (greeting,) = store.greetings(OWNER)
    assert greeting.kind is GreetingKind.PERSONAL
    house.dials(house.caller, OWNER)
    house.hears(house.caller, SAID["reason_meeting"])
    house.hears(house.caller, house.owner.tone_hz, 1.0)
    house.hangs_up(house.caller)
    house.dials(house.owner, OWN)
    house.hears(house.owner, SAID["for_greetings"])
    house.owner.press("4")
    house.owner.press("5")
    house.hears(house.owner, SAID["greeting_is_gone"])
    house.site.wait(lambda: not list(greetings.glob("*.wav")), STEP_S, "its sound is gone")


@pytest.mark.long
def test_what_was_left_in_an_outage_is_heard_after_it(house: House) -> None:
    """By the number that is the unit's own, while the platform serves."""
    message = house.leaves_message()
    house.site.platform.start()
    try:
        house.site.wait_back(2 * STEP_S)
        house.dials(house.owner, NUMBER)
        house.hears(house.owner, SAID["you_have"])
        house.hears(house.owner, house.caller.tone_hz, SPOKEN_S / 2)
        house.owner.press("6")
        house.site.wait(lambda: house.held()[0].heard_at is not None, STEP_S, "heard")
        house.hangs_up(house.owner)
        assert house.held()[0].id == message.id
    finally:
        house.site.platform.kill()
        house.site.wait_mode("SURVIVAL", 2 * STEP_S)


@pytest.mark.long
def test_what_waits_is_told_to_a_new_edge_and_by_a_new_calls(house: House) -> None:
    house.leaves_message()
    house.lamp_becomes("yes|1/0")
    house.site.edge.kill()
    house.site.edge.start()
    house.lamp_becomes("yes|1/0")
    house.site.calls.kill()
    house.empties()
    house.site.calls.start()
    house.lamp_becomes("no|0/0")
