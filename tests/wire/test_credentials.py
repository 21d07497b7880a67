"""SURVIVAL: who is let in, by each credential mode, and what a caller is told who does not get through."""

from __future__ import annotations

import re
import socket
from collections.abc import Iterator

import pytest

from hil.phone.sipp import Dial, User
from hil.site import REALM, UNIT_SOUTH_IP
from tests.wire.conftest import CROWD_IP, REFRESH_S, STEP_S, Building, Buildings, open_buildings, users

pytestmark = [pytest.mark.wire, pytest.mark.timeout(300)]

MODES = {"1001": 1, "1002": 2, "1003": 3, "1004": 4}
CROWD = 4
BY_ADDRESS, BUSY, SILENT, UNKNOWN = 1004, 1012, 1013, 1999
ELSEWHERE_IP, BUSY_IP, SILENT_IP = 13, 14, 15
SIGNAL_S = 2
REQUEST = (
    "{method} sip:{callee}@{realm} SIP/2.0\r\n"
    "Via: SIP/2.0/UDP {ip}:{port};branch=z9hG4bK{callee}{port}\r\n"
    "Max-Forwards: 70\r\n"
    "From: <sip:{caller}@{realm}>;tag=raw\r\n"
    "To: <sip:{callee}@{realm}>{tag}\r\n"
    "Call-ID: raw-{callee}-{port}@{ip}\r\n"
    "CSeq: 1 {method}\r\n"
    "Contact: <sip:{caller}@{ip}:{port}>\r\n"
    "Content-Length: 0\r\n\r\n"
)
"""A caller by address needs no digest, so that the plainest of clients will do to read whole answers."""


@pytest.fixture(scope="module")
def buildings() -> Iterator[Buildings]:
    """In SURVIVAL; all of the crowd was registered at the platform before."""
    survival: dict[str, object] = {"signal_s": SIGNAL_S, "ring_signals": 1}
    with open_buildings(
        CROWD, configuration={"survival": survival}, credentials=MODES | {"1012": 1, "1013": 1}
    ) as made:
        made.each(lambda building: building.platform.kill())
        for building in made.both:
            building.site.wait_mode("SURVIVAL", STEP_S)
        yield made


@pytest.mark.parametrize("extension", [1001, 1002, 1003])
def test_digest_modes(buildings: Buildings, extension: int) -> None:
    def work(building: Building) -> None:
        (call,) = building.call((extension, BY_ADDRESS))
        assert call.challenges == 1
        wrong = building.caller.call([Dial(User(str(extension), "wrong"), str(BY_ADDRESS))])
        assert [call.code for call in wrong] == [407]
        elsewhere = building.sipp(ELSEWHERE_IP).register(users(extension))
        assert [(result.code, result.challenges) for result in elsewhere] == [(200, 1)]
        building.sipp(ELSEWHERE_IP).register(users(extension), expires_s=0)

    buildings.each(work)


def test_learnt_by_address(buildings: Buildings) -> None:
    def work(building: Building) -> None:
        nobody_asks = [Dial(User(str(BY_ADDRESS)), "1001")]
        (here,) = building.sipp(CROWD_IP).call(nobody_asks)
        assert (here.completed, here.challenges) == (True, 0)
        (there,) = building.caller.call(nobody_asks)
        assert there.code == 403
        (registered,) = building.sipp(ELSEWHERE_IP).register(users(BY_ADDRESS))
        assert registered.code == 503
        assert building.site.count("learnt_calls") >= 1

    buildings.each(work)


def test_unknown_devices_are_refused(buildings: Buildings) -> None:
    def work(building: Building) -> None:
        (registered,) = building.sipp(ELSEWHERE_IP).register([User("1777", "x")])
        assert registered.code == 503
        (call,) = building.caller.call([Dial(User("1777", "x"), "1001")])
        assert call.code == 403
        assert "1777" not in building.site.bindings()

    buildings.each(work)


def test_what_a_caller_is_told(buildings: Buildings) -> None:
    def work(building: Building) -> None:
        busy = building.sipp(BUSY_IP).answer(users(BUSY), status="486 Busy Here", refresh_s=REFRESH_S)
        silent = building.sipp(SILENT_IP).answer(users(SILENT), ring_ms=None, refresh_s=REFRESH_S)
        for phone in (busy, silent):
            phone.wait_registered(STEP_S)
        told = {callee: _told(building, callee) for callee in (BUSY, SILENT, UNKNOWN)}
        assert told[BUSY][0] == 486
        assert told[SILENT] == (480, 19)
        assert told[UNKNOWN] == (404, 1)
        silent.stop()
        assert _told(building, SILENT) == (480, 20), "bound, but its plug is pulled"
        busy.stop()
        (gone,) = building.sipp(BUSY_IP).register(users(BUSY), expires_s=0)
        assert gone.code == 200
        assert _told(building, BUSY) == (480, 20), "known, and not registered"

    buildings.each(work)


def _told(building: Building, callee: int) -> tuple[int, int | None]:
    """The final code of a call by the phone that is known by its address, and the cause of its Reason (Q.850)."""
    ip = f"10.98.0.{CROWD_IP}"
    with building.site.phones.socket(socket.SOCK_DGRAM) as phone:
        phone.settimeout(STEP_S)
        phone.bind((ip, 0))
        words = {"caller": BY_ADDRESS, "callee": callee, "realm": REALM, "ip": ip, "port": phone.getsockname()[1]}
        phone.sendto(REQUEST.format(method="INVITE", tag="", **words).encode(), (UNIT_SOUTH_IP, 5060))
        while (code := int((answer := phone.recv(65535).decode())[8:11])) < 200:
            pass
        tag = re.search(r"^To:[^;]*(;tag=\S+)", answer, re.MULTILINE)
        assert tag is not None
        phone.sendto(REQUEST.format(method="ACK", tag=tag[1], **words).encode(), (UNIT_SOUTH_IP, 5060))
    cause = re.search(r"^Reason: Q\.850;cause=(\d+)", answer, re.MULTILINE)
    return code, int(cause[1]) if cause else None
