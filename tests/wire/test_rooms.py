"""Calls whose sound passes the unit, in SURVIVAL, by real phones: conferences, barge-in, a threat, phones with
nothing in common."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from callcontrol.media.pcm import samples
from callcontrol.media.recorder import read_recording
from firmware.recordings import recording_of
from firmware.store.threats import Threat, ThreatRows
from hil.phone.baresip import Baresip
from hil.phone.linphone import Linphone
from hil.sound import RATE_HZ, Sound, tone_s
from tests.wire import housed
from tests.wire.conftest import STEP_S
from tests.wire.housed import HEARD_S, Desk, in_survival

pytestmark = [pytest.mark.wire, pytest.mark.timeout(240)]

ONE, OTHER, THIRD, WIDE, SECRET = "1001", "1002", "1003", "1004", "1005"
"""The first three are alike; one has G.722 alone, one SRTP alone."""
DESKS = (
    Desk(ONE, Baresip, 500.0),
    Desk(OTHER, Baresip, 700.0),
    Desk(THIRD, Linphone, 1100.0),
    Desk(WIDE, Baresip, 1500.0, options={"codecs": "G722/16000", "settings": "module g722.so\n"}),
    Desk(SECRET, Baresip, 2000.0, srtp=True),
)
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
CONFERENCE, BARGE_IN, THREAT, ADD = "*55*7", f"*56*{OTHER}", "*57", f"*58*{THIRD}"
MIXED_SHARE = 0.015
"""Of the energy of five voices, that of the softest: baresip's tone is ten times as strong as linphone's. What a tone
leaves at another's frequency is a thousandth."""


class House(housed.House):
    def threats(self) -> tuple[Threat, ...]:
        with closing(ThreatRows.open(self.site.paths.journal)) as rows:
            return rows.all()


@pytest.fixture(scope="module")
def house() -> Iterator[House]:
    with in_survival("rvroom", DESKS, GROUP) as (site, phones):
        site.wait(lambda: site.table("ask").get(OTHER) == "led", STEP_S, "known to the edge")
        yield House(site, phones)


@pytest.mark.parametrize("number", [WIDE, SECRET])
def test_phones_with_nothing_in_common(house: House, number: str) -> None:
    """The edge has carried the call, and the phone has refused its sound."""
    one, other = house.phones[ONE], house.phones[number]
    house.reaches(one, number)
    house.talk(one, other)
    house.site.wait(lambda: len(house.site.table("legs")) == 2, STEP_S, "both legs noted")
    one.hang_up()
    house.all_closed()


def test_five_in_a_conference(house: House) -> None:
    for phone in house.phones.values():
        house.reaches(phone, CONFERENCE)
    house.talk(*house.phones.values(), share=MIXED_SHARE)
    assert len(house.site.table("legs")) == len(house.phones)
    for phone in house.phones.values():
        phone.hang_up()
    house.all_closed()


def test_barge_in_and_back(house: House) -> None:
    one, other, third = house.phones[ONE], house.phones[OTHER], house.phones[THIRD]
    house.reaches(one, OTHER)
    house.talk(one, other)
    house.reaches(third, BARGE_IN)
    for phone in (one, other):
        house.hears(phone, 1400.0, MIXED_SHARE)
    house.talk(one, other, third, share=MIXED_SHARE)
    third.hang_up()
    house.talk(one, other)
    one.hang_up()
    house.all_closed()


def test_a_threat_is_marked_by_one_key_and_recorded(house: House) -> None:
    """By a transfer to the code, upon which the call stays where it is; baresip holds it before it transfers."""
    one, other = house.phones[ONE], house.phones[OTHER]
    assert isinstance(other, Baresip)
    house.reaches(one, OTHER)
    house.talk(one, other)
    other.transfer(THREAT)
    house.site.wait(house.threats, STEP_S, "marked")
    threat = house.threats()[-1]
    assert (threat.extension, threat.other, threat.recorded) == (OTHER, ONE, True)
    other.resume()
    file = recording_of(house.site.paths.threats, threat.id)
    for phone in (one, other):
        house.site.wait(lambda phone=phone: kept_s(file, phone.tone_hz) > HEARD_S, STEP_S, "both recorded")  # type: ignore[misc]
    assert not any(phone.call.closed_at for phone in (one, other))
    one.hang_up()
    house.all_closed()
    house.site.wait(lambda: house.threats()[-1].length_ms, STEP_S, "its length known")


@pytest.mark.long
def test_a_third_is_called_in_and_two_are_left(house: House) -> None:
    """By a transfer to the code; baresip holds before it transfers."""
    one, other, third = house.phones[ONE], house.phones[OTHER], house.phones[THIRD]
    assert isinstance(other, Baresip)
    house.reaches(one, OTHER)
    house.talk(one, other)
    other.transfer(ADD)
    third.wait_established(STEP_S)
    other.resume()
    house.talk(one, other, third, share=MIXED_SHARE)
    one.hang_up()
    house.talk(other, third)
    third.hang_up()
    house.all_closed()


@pytest.mark.long
def test_all_legs_of_rooms_end_when_calls_dies(house: House) -> None:
    one, other, third, wide, secret = house.phones.values()
    for phone in (one, other, third):
        house.reaches(phone, CONFERENCE)
    house.reaches(wide, SECRET)
    house.site.wait(lambda: len(house.site.table("legs")) == len(house.phones), STEP_S, "each leg is noted")
    house.site.calls.kill()
    house.site.calls.start()
    for phone in house.phones.values():
        phone.wait_closed(STEP_S)
    house.site.wait(lambda: not house.site.table("legs"), STEP_S, "no leg is left")
    assert secret.call.established_at is not None


def kept_s(file: Path, hz: float) -> float:
    """How long a tone is in a recording that grows."""
    try:
        return tone_s(Sound(RATE_HZ, samples(read_recording(file))), hz, MIXED_SHARE)
    except (OSError, ValueError):
        return 0.0
