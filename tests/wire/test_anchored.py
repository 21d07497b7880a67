"""Calls whose sound the platform carries, when it dies: both sides are ended, once, and nobody else is."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from callcontrol.anchored import SILENT_S
from hil.net import Net
from hil.phone import PhoneError
from hil.phone.raw import SDP, RawPhone, header, status
from hil.phone.scripted import Centre
from hil.phone.sipp import User
from hil.platform.kamailio import KamailioPlatform
from hil.site import PROXY, REALM, Site, numbers, password

pytestmark = [pytest.mark.wire, pytest.mark.long, pytest.mark.timeout(300)]

DIRECT, ANCHORED, HUNG_UP, EMERGENCY = ("1001", "1002"), ("1003", "1004"), ("1005", "1006"), "1007"
OUTSIDE_IP = "10.99.0.5"
AUDIO = "m=audio 40000 RTP/AVP 8\r\na=rtpmap:8 PCMA/8000\r\n"
STEP_S = 20.0
FLAP_S = 8.0
"""Long enough for SURVIVAL."""
ENDED_S = SILENT_S + 40.0
QUIET_S = 1.0


class House:
    """Seven phones, registered by a platform that has a way to 112."""

    def __init__(self, site: Site, phones: ExitStack) -> None:
        self.site = site
        self._phones = {
            number: phones.enter_context(
                RawPhone(site.phones, site.phone_ip(11 + place), User(number, password(number)), PROXY, REALM)
            )
            for place, number in enumerate(site.users)
        }
        for phone in self._phones.values():
            assert status(phone.register()) == 200

    @property
    def platform(self) -> KamailioPlatform:
        assert isinstance(self.site.platform, KamailioPlatform)
        return self.site.platform

    def phone(self, number: str) -> RawPhone:
        return self._phones[number]

    def call(self, caller: str, callee: str) -> str:
        """The 200 that the caller has got, and acknowledged."""
        one, uri = self.phone(caller), f"sip:{callee}@{REALM}"
        lines = {
            "Call-ID": f"{callee}-{os.urandom(4).hex()}",
            "From": f"<sip:{caller}@{REALM}>;tag={os.urandom(4).hex()}",
        }
        offer = SDP.format(ip=one.ip) + AUDIO
        challenge = one.final(one.request("INVITE", uri, lines, offer))
        assert status(challenge) == 407, challenge
        lines["Proxy-Authorization"] = one.authorization(challenge, "INVITE", uri)
        invite = one.request("INVITE", uri, lines, offer)
        if callee in self._phones:
            other = self.phone(callee)
            other.respond(other.called(), "200 OK", body=SDP.format(ip=other.ip) + AUDIO)
        answer = one.final(invite)
        assert status(answer) == 200, answer
        one.within("ACK", uri, answer)
        return answer

    def legs(self) -> set[str]:
        return {name.partition("|")[0] for name in self.site.table("legs")}

    def is_left_alone(self, *extensions: str) -> bool:
        for extension in extensions:
            try:
                self.phone(extension).called("BYE", QUIET_S)
            except PhoneError:
                continue
            return False
        return True


@pytest.fixture
def house() -> Iterator[House]:
    with Net("rvanc") as net, ExitStack() as phones:
        site = Site(net, users=numbers(1001, 7), outside=f"sip:{OUTSIDE_IP}:5060")
        site.platform_host.address("line", f"{OUTSIDE_IP}/24")
        site.start()
        with Centre(site.platform_host, OUTSIDE_IP):
            yield House(site, phones)
        site.stop()


def test_both_sides_are_ended_and_nobody_else(house: House) -> None:
    site, platform = house.site, house.platform
    house.call(*DIRECT)
    assert house.legs() == set()
    platform.anchors(True)
    house.call(EMERGENCY, "112")
    assert house.legs() == set()
    hung_up = house.call(*HUNG_UP)
    assert house.legs() == {"caller", "callee"}
    bye = house.phone(HUNG_UP[0]).within("BYE", "", hung_up)
    house.phone(HUNG_UP[1]).respond(house.phone(HUNG_UP[1]).called("BYE"), "200 OK")
    assert status(house.phone(HUNG_UP[0]).final(bye)) == 200
    assert house.legs() == set()
    answer = house.call(*ANCHORED)
    assert house.legs() == {"caller", "callee"}

    platform.freeze()
    site.wait_mode("SURVIVAL", STEP_S)
    time.sleep(FLAP_S)
    platform.thaw()
    site.wait_mode("NORMAL", STEP_S)
    assert house.legs() == {"caller", "callee"}
    assert house.is_left_alone(*ANCHORED)

    began = time.monotonic()
    platform.kill()
    for extension in ANCHORED:
        phone = house.phone(extension)
        bye = phone.called("BYE", ENDED_S)
        assert time.monotonic() - began >= SILENT_S
        phone.respond(bye, "200 OK")
        assert header(bye, "Call-ID") == header(answer, "Call-ID")
        assert header(bye, "Reason").startswith("Q.850;cause=38")
        tags = {header(bye, name).partition(";tag=")[2] for name in ("From", "To")}
        assert tags == {header(answer, name).partition(";tag=")[2] for name in ("From", "To")}
    site.wait(lambda: house.legs() == set(), STEP_S, "no leg left")
    assert house.is_left_alone(*DIRECT, *ANCHORED, EMERGENCY)
    assert site.count("legs_ended") == 2
