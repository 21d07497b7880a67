"""Keys three ways, from a real phone: as telephone events (RFC 4733), by INFO, and in the sound itself. Each reaches
the choice of a caller who is told something."""

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

pytestmark = [pytest.mark.wire, pytest.mark.long, pytest.mark.timeout(300)]

CALLER, AWAY, RECEPTION = "1001", "1002", "1003"
SAID_HZ = 1020.0
WAYS = {
    "events": {"use_rfc2833": 1, "use_info": 0},
    "info": {"use_rfc2833": 0, "use_info": 1},
    "in band": {"use_rfc2833": 0, "use_info": 0},
    "events and info": {"use_rfc2833": 1, "use_info": 1},
}


@pytest.fixture(scope="module")
def house() -> Iterator[tuple[Site, Baresip, Net]]:
    """In SURVIVAL; somebody is in a meeting, and baresip is the reception."""
    with Net("rvkeys") as net, ExitStack() as stack:
        site = open_told(net, numbers(1001, 3), AWAY, RECEPTION, {"reason_meeting": SAID_HZ}, 1.5)
        stack.callback(site.stop)
        host = net.host("reception")
        site.switch.join(host, "eth0", "10.98.0.30/24")
        reception = Baresip(host, "10.98.0.30", Account(RECEPTION, password(RECEPTION), REALM, PROXY), 1100)
        reception.start()
        stack.callback(reception.stop)
        reception.wait_registered(STEP_S)
        yield site, reception, net


@pytest.mark.parametrize("way", WAYS)
def test_a_key_chooses_the_reception(house: tuple[Site, Baresip, Net], way: str) -> None:
    site, reception, net = house
    at = list(WAYS).index(way)
    host, ip = net.host(f"desk{at}"), f"10.98.0.{31 + at}"
    site.switch.join(host, "eth0", f"{ip}/24")
    caller = Linphone(host, ip, Account(CALLER, password(CALLER), REALM, PROXY), 700, sip=WAYS[way])
    caller.start()
    try:
        caller.wait_registered(STEP_S)
        since = _told(site, caller)
        caller.press("2")
        site.wait(lambda: (reception.call.established_at or 0) > since, STEP_S, f"{way}: led on")
        for ear, mouth in ((caller, reception), (reception, caller)):
            site.wait(lambda ear=ear, mouth=mouth: holds(ear.heard(), mouth.tone_hz), STEP_S, "talk")  # type: ignore[misc]
        caller.hang_up()
        reception.wait_closed(STEP_S)
    finally:
        caller.stop()


def _told(site: Site, caller: Linphone) -> float:
    """The caller hears why; since when. Again while `calls` has no voice yet."""
    deadline = time.monotonic() + STEP_S
    while True:
        since = time.monotonic()
        caller.dial(AWAY)
        try:
            caller.wait_established(STEP_S)
        except PhoneError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.5)
        else:
            site.wait(lambda: holds(caller.heard(), SAID_HZ, 0.3), STEP_S, "told")
            return since
