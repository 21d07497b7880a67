"""A call that cannot be, in SURVIVAL: what the caller hears by `calls`, and by the edge when that hangs or is dead."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from hil.net import Net
from hil.phone.raw import RawPhone, header, status
from hil.phone.sipp import User
from hil.site import PROXY, REALM, Site, numbers, password

pytestmark = [pytest.mark.wire, pytest.mark.timeout(300)]

CALLER, BUSY, RINGING, ABSENT = "1001", "1002", "1003", "1004"
UNKNOWN, OUTSIDE = "1999", "0701234567"
STEP_S = 30.0
OVER: dict[str, dict[str, object]] = {
    "survival": {"signal_s": 2, "ring_signals": 1},
    "edge": {"register_s": 600},  # these phones register once
}


class House:
    """In SURVIVAL; three phones are registered."""

    def __init__(self, site: Site, phones: ExitStack) -> None:
        self.site = site
        self.caller, self.busy, self.ringing = (
            phones.enter_context(
                RawPhone(site.phones, site.phone_ip(11 + place), User(number, password(number)), PROXY, REALM)
            )
            for place, number in enumerate((CALLER, BUSY, RINGING))
        )
        for phone in (self.caller, self.busy, self.ringing):
            assert status(phone.register(600)) == 200

    def told(self, callee: str) -> tuple[str, str, str]:
        """How a call ends for the caller: status line, Reason, Retry-After."""
        uri = f"sip:{callee}@{REALM}"
        lines = {
            "Call-ID": f"{callee}-{os.urandom(4).hex()}",
            "From": f"<sip:{CALLER}@{REALM}>;tag={os.urandom(4).hex()}",
        }
        challenge = self.caller.final(self.caller.request("INVITE", uri, lines))
        assert status(challenge) == 407
        lines["Proxy-Authorization"] = self.caller.authorization(challenge, "INVITE", uri)
        invite = self.caller.request("INVITE", uri, lines)
        if callee == BUSY:
            self.busy.respond(self.busy.called(), "486 Busy Here")
        if callee == RINGING:
            self.ringing.respond(self.ringing.called(), "180 Ringing")
        answer = self.caller.final(invite, STEP_S)
        return answer.partition("\r\n")[0][8:], header(answer, "Reason"), header(answer, "Retry-After")


@pytest.fixture(scope="module")
def house() -> Iterator[House]:
    with Net("rvref") as net, ExitStack() as phones:
        site = Site(net, users=numbers(1001, 4), configuration=OVER)
        site.start()
        site.platform.kill()
        site.wait_mode("SURVIVAL", STEP_S)
        yield House(site, phones)
        site.stop()


TOLD = {
    UNKNOWN: ("404 Numret Finns Inte / Not Found", 'Q.850;cause=1;text="unallocated number"', ""),
    OUTSIDE: ("480 Ingen Väg Ut / No Way Out", 'Q.850;cause=38;text="network out of order"', "60"),
    ABSENT: ("480 Inte Inloggad / Not Registered", 'Q.850;cause=20;text="subscriber absent"', ""),
    BUSY: ("486 Upptaget / Busy Here", 'Q.850;cause=17;text="user busy"', ""),
    RINGING: ("480 Inget Svar / No Answer", 'Q.850;cause=19;text="no answer"', ""),
}


@pytest.mark.parametrize("callee", TOLD)
def test_calls_says_why(house: House, callee: str) -> None:
    """Where it has the time to: a machine that stands still for half a second makes the edge say it."""
    house.site.wait(lambda: house.told(callee) == TOLD[callee], STEP_S, f"{callee}: {TOLD[callee]}")
    assert house.site.count("handed") > house.site.count("handed_back")


def test_the_edge_says_it_when_calls_hangs_or_is_dead(house: House) -> None:
    site = house.site
    os.kill(site.calls.pid, signal.SIGSTOP)
    try:
        # Its lease may be over before it is asked: then nobody waits for it.
        assert house.told(UNKNOWN)[0] == "404 Not Found"
        assert house.told(BUSY)[0] == "486 Busy Here"
    finally:
        os.kill(site.calls.pid, signal.SIGCONT)
    site.wait(lambda: "Upptaget" in house.told(BUSY)[0], STEP_S, "calls, that goes on")
    site.calls.kill()
    for callee, line in ((UNKNOWN, "404 Not Found"), (ABSENT, "480 Not Registered"), (BUSY, "486 Busy Here")):
        assert house.told(callee)[0] == line
    site.calls.start()
    site.wait(lambda: "Upptaget" in house.told(BUSY)[0], STEP_S, "calls, that is back")
