"""A caller whose call nobody takes hears why, chooses, leaves a message, and is led on: with real phones."""

from __future__ import annotations

import asyncio
import time
from array import array
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

from callcontrol.media.recorder import HEADER_BYTES, read_recording
from callcontrol.plan.memo import Wants
from firmware.contacts import BY_CALLER
from firmware.store.memos import MemoRows
from firmware.store.messages import Message, MessageRows
from firmware.trunk.asked import tell_power_ends
from hil.net import Net
from hil.phone import PhoneError
from hil.phone.baresip import Baresip
from hil.phone.linphone import Linphone
from hil.site import Site, numbers
from hil.sound import RATE_HZ, Sound, holds, seconds_of, silent_s, tone_s
from hil.told import desk, open_told, refer
from tests.wire.conftest import STEP_S

pytestmark = [pytest.mark.wire, pytest.mark.timeout(240)]

CALLER, AWAY, RECEPTION, WITHOUT_MAILBOX, UNKNOWN = "1001", "1002", "1003", "1004", "1777"
SAID = {
    "reason_meeting": 1020.0,
    "unknown": 1320.0,
    "speak_after_tone": 1720.0,
    "message_kept": 1920.0,
    "power_ends": 2120.0,
    "number_kept": 2320.0,
}
"""The municipality's own recordings are tones here, so that it can be heard which of them is said."""
SAID_S = 1.5
MUSIC_HZ = 620.0
HEARD_S = 0.5
BEEP_HZ, BEEP_S = 1400.0, 0.2
SPOKEN_S = 2.0
SILENT_MAX_S = 3.0


class House:
    """In SURVIVAL: baresip calls, linphone is the reception, and somebody is in a meeting."""

    def __init__(self, site: Site, caller: Baresip, reception: Linphone) -> None:
        self.site = site
        self.caller = caller
        self.reception = reception

    def hears(self, hz: float) -> None:
        self.site.wait(lambda: holds(self.caller.heard(), hz, HEARD_S), STEP_S, f"{hz} Hz heard")

    def speaks(self, number: str) -> None:
        """Calls, and leaves a message by key 1, of which so much is on the disk already."""
        before = set(self.files())
        self.calls(number)
        self.hears(SAID["reason_meeting"])
        self.caller.press("1")
        self.hears(SAID["speak_after_tone"])
        self.site.wait(lambda: holds(self.caller.heard(), BEEP_HZ, BEEP_S), STEP_S, "the beep heard")
        self.site.wait(lambda: set(self.files()) - before, STEP_S, "a file")
        (file,) = set(self.files()) - before
        self.site.wait(lambda: self.spoken_s(file) >= SPOKEN_S, STEP_S, "sound on the disk")

    def files(self) -> list[Path]:
        return list(self.site.paths.messages.glob("*.wav"))

    def spoken_s(self, file: Path) -> float:
        """How long the caller's tone is in a message, by its sound, whatever its header says."""
        data = read_recording(file) if file.stat().st_size >= HEADER_BYTES else b""
        sound = Sound(RATE_HZ, array("h", data))
        return tone_s(sound, self.caller.tone_hz)

    def left(self) -> list[Message]:
        with closing(MessageRows.open(self.site.paths.journal)) as rows:
            return [message for message in rows.all().values() if message.length_ms is not None]

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
        site = open_told(net, numbers(1001, 4), AWAY, RECEPTION, SAID, SAID_S, music_hz=MUSIC_HZ)
        stack.callback(site.stop)
        caller = stack.enter_context(desk(net, site, 30, Baresip, CALLER, 700.0))
        reception = stack.enter_context(desk(net, site, 31, Linphone, RECEPTION, 1100.0))
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


@pytest.mark.long
def test_who_is_held_hears_music_until_it_is_taken_back(house: House) -> None:
    since = house.calls(AWAY)
    house.caller.press("2")
    house.led_on(since)
    house.site.wait(lambda: holds(house.reception.heard(), house.caller.tone_hz), STEP_S, "talk")
    house.caller.hold()
    house.site.wait(lambda: holds(house.reception.heard(), MUSIC_HZ), STEP_S, "music")
    before_s = seconds_of(house.reception.heard(), house.caller.tone_hz)
    house.caller.resume()
    house.site.wait(
        lambda: seconds_of(house.reception.heard(), house.caller.tone_hz) >= before_s + HEARD_S, STEP_S, "taken back"
    )
    assert silent_s(house.reception.heard()) <= SILENT_MAX_S
    house.talk()


def test_a_message_by_key_1(house: House) -> None:
    """The file has what was said and for how long, its row whose it is; the caller is thanked for it."""
    before = len(house.left())
    house.speaks(AWAY)
    house.caller.press("#")
    house.hears(SAID["message_kept"])
    house.caller.hang_up()
    house.caller.wait_closed(STEP_S)
    *_, message = sorted(house.left(), key=lambda each: each.left_at)
    assert (len(house.left()) - before, message.extension, message.caller) == (1, AWAY, CALLER)
    file = house.site.paths.messages / f"{message.id}.wav"
    assert file.stat().st_mode & 0o777 == 0o600
    assert message.length_ms == (file.stat().st_size - HEADER_BYTES) // 8
    assert SPOKEN_S <= house.spoken_s(file) <= (message.length_ms or 0) / 1000
    with closing(house.site.journal()) as journal:
        house.site.wait(
            lambda: message.call_id in {record.call_id for record in journal.records(20)}, STEP_S, "the call's record"
        )


def test_a_number_to_call_back_by_key_6(house: House) -> None:
    """Of who has no mailbox; once, however often it is asked for."""
    refer(house.site.paths, WITHOUT_MAILBOX)
    for _ in range(2):
        house.calls(WITHOUT_MAILBOX)
        house.hears(SAID["reason_meeting"])
        house.caller.press("6")
        house.hears(SAID["number_kept"])
        house.caller.wait_closed(STEP_S)
    with closing(MemoRows.open(house.site.paths.journal)) as rows:
        (memo,) = rows.not_handled(10)
    assert (memo.extension, memo.caller, memo.taken_by, memo.wants) == (
        WITHOUT_MAILBOX, CALLER, BY_CALLER, Wants.CALL_BACK,
    )  # fmt: skip


@pytest.mark.long
def test_who_leaves_a_message_hears_that_the_power_ends_and_it_is_kept(house: House) -> None:
    before = len(house.left())
    house.speaks(AWAY)
    assert asyncio.run(tell_power_ends(house.site.paths.calls_socket)) == 1
    house.hears(SAID["power_ends"])
    house.caller.wait_closed(STEP_S)
    *_, message = sorted(house.left(), key=lambda each: each.left_at)
    assert (len(house.left()) - before, message.extension, message.caller) == (1, AWAY, CALLER)
    assert house.spoken_s(house.site.paths.messages / f"{message.id}.wav") >= SPOKEN_S


@pytest.mark.long
def test_who_talks_by_the_unit_or_is_held_there_hears_that_the_power_ends(house: House) -> None:
    since = house.calls(AWAY)
    house.caller.press("2")
    house.led_on(since)
    house.site.wait(lambda: holds(house.reception.heard(), house.caller.tone_hz), STEP_S, "talk")
    house.caller.hold()
    house.site.wait(lambda: holds(house.reception.heard(), MUSIC_HZ), STEP_S, "music")
    music_s = seconds_of(house.reception.heard(), MUSIC_HZ)
    assert asyncio.run(tell_power_ends(house.site.paths.calls_socket)) >= 1
    house.site.wait(lambda: holds(house.reception.heard(), SAID["power_ends"]), STEP_S, "that the power ends")
    house.site.wait(lambda: seconds_of(house.reception.heard(), MUSIC_HZ) > music_s + HEARD_S, STEP_S, "music again")
    house.caller.resume()
    house.talk()


def test_a_message_outlives_the_death_of_calls(house: House) -> None:
    """Killed in the middle of it: what was said until then is playable, and its row is made at the next start."""
    before = len(house.left())
    house.speaks(AWAY)
    house.site.calls.kill()
    house.site.calls.start()
    house.site.wait(lambda: len(house.left()) > before, STEP_S, "the row of what was cut")
    *_, message = sorted(house.left(), key=lambda each: each.left_at)
    assert (len(house.left()) - before, message.extension, message.caller) == (1, AWAY, CALLER)
    file = house.site.paths.messages / f"{message.id}.wav"
    assert house.spoken_s(file) >= SPOKEN_S
    assert int.from_bytes(file.read_bytes()[HEADER_BYTES - 4 : HEADER_BYTES], "little") == (message.length_ms or 0) * 8
    house.caller.wait_closed(STEP_S)


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
