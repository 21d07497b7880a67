"""Calls whose sound passes the unit, in SURVIVAL, by real phones: conferences, barge-in, a threat, phones with
nothing in common."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from callcontrol.media.pcm import samples
from callcontrol.media.recorder import read_recording
from callcontrol.plan.number import LocalNumbering
from firmware.store import organisation
from firmware.store.database import connect
from firmware.store.load import load
from firmware.store.threats import Threat, ThreatRows
from hil.net import Net
from hil.phone import Account, PhoneError
from hil.phone.baresip import Baresip
from hil.phone.linphone import Linphone
from hil.site import PROXY, REALM, Site, numbers, password
from hil.sound import RATE_HZ, TONE_SHARE, Sound, holds, tone_s
from hil.told import staff
from tests.wire.conftest import STEP_S

pytestmark = [pytest.mark.wire, pytest.mark.timeout(240)]

ONE, OTHER, THIRD, WIDE, SECRET = STAFF = ("1001", "1002", "1003", "1004", "1005")
"""The first three are alike; one has G.722 alone, one SRTP alone."""
TONES = (500.0, 700.0, 1100.0, 1500.0, 2000.0)
GROUP = f"""
[pick_up.bygg]
entity = "e"
extensions = ["{OTHER}"]
barge_in = true
[[role]]
person = "p{THIRD}"
role = "group_leader"
scope = "u"
"""
CONFERENCE, BARGE_IN, THREAT = "*55*7", f"*56*{OTHER}", "*57"
HEARD_S = 0.4


Real = Baresip | Linphone


class House:
    def __init__(self, site: Site, phones: Sequence[Real]) -> None:
        self.site = site
        self.phones = phones

    def of(self, number: str) -> Real:
        return self.phones[STAFF.index(number)]

    def hear_each_other(self, *phones: Real, mixed: bool = False) -> None:
        for ear in phones:
            for mouth in phones:
                if ear is not mouth:
                    self.hears(ear, mouth.tone_hz, mixed=mixed)

    def hears(self, ear: Real, hz: float, *, mixed: bool = False) -> None:
        share = MIXED_SHARE if mixed else TONE_SHARE
        what = f"{ear.account.extension} hears {hz} Hz"
        self.site.wait(lambda: holds(ear.heard(), hz, HEARD_S, share), STEP_S, what)

    def dial(self, phone: Real, number: str) -> None:
        """Again while `calls` has no sound yet, which it loads beside the calls."""
        began = time.monotonic()
        while True:
            phone.dial(number)
            try:
                phone.wait_established(STEP_S)
            except PhoneError:
                if time.monotonic() - began > STEP_S:
                    raise
                time.sleep(0.5)
            else:
                return

    def threats(self) -> tuple[Threat, ...]:
        with closing(ThreatRows.open(self.site.paths.journal)) as rows:
            return rows.all()

    def all_over(self) -> None:
        for phone in self.phones:
            if phone.call.dialled_at or phone.call.ringing_at:
                phone.wait_closed(STEP_S)
        self.site.wait(lambda: not self.site.table("legs"), STEP_S, "no leg is left")


MIXED_SHARE = 0.015
"""Of the energy of five voices, that of the softest: baresip's tone is ten times as strong as linphone's. What a tone
leaves at another's frequency is a thousandth."""


@pytest.fixture(scope="module")
def house() -> Iterator[House]:
    with Net("rvroom") as net, ExitStack() as stack:
        site = Site(net, users=numbers(1001, 5), configuration={"announcing": {"languages": []}})
        with closing(connect(site.paths.directory, "directory")) as directory:
            load(directory, staff(STAFF), "rig", datetime.now(UTC))
            assert organisation.apply(directory, GROUP, LocalNumbering()).faults == ()
        site.start()
        stack.callback(site.stop)
        site.platform.kill()
        site.wait_mode("SURVIVAL", STEP_S)
        phones: list[Real] = []
        for at, (number, hz) in enumerate(zip(STAFF, TONES, strict=True)):
            host, ip = net.host(f"desk{number}"), f"10.98.0.{30 + at}"
            site.switch.join(host, "eth0", f"{ip}/24")
            account = Account(number, password(number), REALM, PROXY, srtp=number == SECRET)
            phone: Real
            if number == THIRD:
                phone = Linphone(host, ip, account, hz)
            elif number == WIDE:
                phone = Baresip(host, ip, account, hz, codecs="G722/16000", settings="module g722.so\n")
            else:
                phone = Baresip(host, ip, account, hz)
            phone.start()
            stack.callback(phone.stop)
            phone.wait_registered(STEP_S)
            phones.append(phone)
        site.wait(lambda: site.table("ask").get(OTHER) == "led", STEP_S, "known to the edge")
        yield House(site, phones)


@pytest.mark.parametrize("number", [WIDE, SECRET])
def test_phones_with_nothing_in_common(house: House, number: str) -> None:
    """The edge has carried the call, and the phone has refused its sound."""
    one, other = house.of(ONE), house.of(number)
    house.dial(one, number)
    house.hear_each_other(one, other)
    house.site.wait(lambda: len(house.site.table("legs")) == 2, STEP_S, "both legs noted")
    one.hang_up()
    house.all_over()


def test_five_in_a_conference(house: House) -> None:
    for phone in house.phones:
        house.dial(phone, CONFERENCE)
    house.hear_each_other(*house.phones, mixed=True)
    assert len(house.site.table("legs")) == len(house.phones)
    for phone in house.phones:
        phone.hang_up()
    house.all_over()


def test_barge_in_and_back(house: House) -> None:
    one, other, third = house.of(ONE), house.of(OTHER), house.of(THIRD)
    house.dial(one, OTHER)
    house.hear_each_other(one, other)
    house.dial(third, BARGE_IN)
    for phone in (one, other):
        house.hears(phone, 1400.0, mixed=True)
    house.hear_each_other(one, other, third, mixed=True)
    third.hang_up()
    house.hear_each_other(one, other)
    one.hang_up()
    house.all_over()


def test_a_threat_is_marked_by_one_key_and_recorded(house: House) -> None:
    """By a transfer to the code, upon which the call stays where it is; baresip holds it before it transfers."""
    one, other = house.of(ONE), house.of(OTHER)
    assert isinstance(other, Baresip)
    house.dial(one, OTHER)
    house.hear_each_other(one, other)
    other.transfer(THREAT)
    house.site.wait(house.threats, STEP_S, "marked")
    threat = house.threats()[-1]
    assert (threat.extension, threat.other, threat.recorded) == (OTHER, ONE, True)
    other.resume()
    file = house.site.paths.threats / f"{threat.id}.wav"
    for phone in (one, other):
        house.site.wait(lambda phone=phone: kept_s(file, phone.tone_hz) > HEARD_S, STEP_S, "both recorded")  # type: ignore[misc]
    assert not any(phone.call.closed_at for phone in (one, other))
    one.hang_up()
    house.all_over()
    house.site.wait(lambda: house.threats()[-1].length_ms, STEP_S, "its length known")


@pytest.mark.long
def test_all_legs_of_rooms_end_when_calls_dies(house: House) -> None:
    one, other, third, wide, secret = house.phones
    for phone in (one, other, third):
        house.dial(phone, CONFERENCE)
    house.dial(wide, SECRET)
    house.site.wait(lambda: len(house.site.table("legs")) == len(house.phones), STEP_S, "each leg is noted")
    house.site.calls.kill()
    house.site.calls.start()
    for phone in house.phones:
        phone.wait_closed(STEP_S)
    house.site.wait(lambda: not house.site.table("legs"), STEP_S, "no leg is left")
    assert secret.call.established_at is not None


def kept_s(file: Path, hz: float) -> float:
    """How long a tone is in a recording that grows."""
    try:
        return tone_s(Sound(RATE_HZ, samples(read_recording(file))), hz, MIXED_SHARE)
    except (OSError, ValueError):
        return 0.0
