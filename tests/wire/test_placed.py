"""What the edge lets `calls` do with calls: answer one itself, place one, and end them. The test speaks as `calls`,
whose own process is stopped."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from hil.net import Net
from hil.phone.raw import SDP, RawPhone, body_of, header, headers, status
from hil.phone.sipp import User
from hil.site import PROXY, REALM, Site, numbers, password
from tests.wire.conftest import STEP_S

pytestmark = [pytest.mark.wire, pytest.mark.timeout(120)]

CALLS_PORT = 5068
LEASE_S = 3600
CALLER, CALLEE, STRANGE = "1001", "1002", "1003"
"""The last one has a secret, and no phone."""
OFFER = SDP.format(ip="10.98.0.99") + "m=audio 4000 RTP/AVP 8\r\n"


class House:
    def __init__(self, site: Site, phones: ExitStack) -> None:
        self.site = site
        self.calls = phones.enter_context(
            RawPhone(site.host, "127.0.0.1", User("calls"), f"127.0.0.1:{CALLS_PORT}", REALM, transport="tcp")
        )
        self.caller, self.callee = (
            phones.enter_context(
                RawPhone(site.phones, site.phone_ip(11 + place), User(number, password(number)), PROXY, REALM)
            )
            for place, number in enumerate((CALLER, CALLEE))
        )
        for phone in (self.caller, self.callee):
            assert status(phone.register()) == 200
        site.rpc("htable.seti", "st", "link", self.calls.port)
        site.rpc("htable.seti", "st", "calls", int(time.time()) + LEASE_S)

    def place(self, callee: str) -> str:
        own = {"From": f"<sip:{CALLER}@{REALM}>;tag=placed", "Call-ID": f"placed-{callee}-{time.monotonic_ns()}"}
        return self.calls.request("INVITE", f"sip:{callee}@{REALM}", own, OFFER)


@pytest.fixture(scope="module")
def house() -> Iterator[House]:
    with Net("rvplace") as net, ExitStack() as phones:
        site = Site(net, users=numbers(1001, 3), configuration={"survival": {"signal_s": 2, "ring_signals": 1}})
        site.start()
        site.platform.kill()
        site.wait_mode("SURVIVAL", STEP_S)
        site.calls.stop()
        yield House(site, phones)
        site.stop()


def ends(here: RawPhone, there: RawPhone, uri: str, answer: str) -> None:
    """`here` says BYE in the dialog of `answer`, and `there` hears it."""
    bye = here.within("BYE", uri, answer)
    heard = there.called("BYE", STEP_S)
    there.respond(heard, "200 OK")
    assert status(here.final(bye)) == 200
    assert header(heard, "Call-ID") == header(answer, "Call-ID")


@pytest.mark.parametrize("who_ends", ["calls", "phone"])
def test_it_places_a_call(house: House, who_ends: str) -> None:
    """With who is calling asserted; its offer reaches the phone as it is, and the phone's answer comes back."""
    invite = house.place(CALLEE)
    uri = f"sip:{CALLEE}@{REALM}"
    heard = house.callee.called(timeout_s=STEP_S)
    assert body_of(heard) == OFFER
    assert header(heard, "P-Asserted-Identity") == f"<sip:{CALLER}@{REALM}>"
    said = house.callee.respond(heard, "200 OK", body=OFFER)
    answer = house.calls.final(invite, STEP_S)
    assert status(answer) == 200
    assert body_of(answer) == OFFER
    house.calls.within("ACK", uri, answer)
    assert header(house.callee.called("ACK", STEP_S), "Call-ID") == header(invite, "Call-ID")
    if who_ends == "calls":
        ends(house.calls, house.callee, uri, answer)
        return
    # The phone's side of the dialog: From and To change places (RFC 3261 §12.2.1.1).
    own = {"From": header(said, "To"), "To": header(heard, "From")}
    routes = {"Route": ", ".join(headers(heard, "Record-Route"))}
    bye = house.callee.request("BYE", header(heard, "Contact").strip("<>"), {**own, **routes, **ids(heard)})
    house.calls.respond(house.calls.called("BYE", STEP_S), "200 OK")
    assert status(house.callee.final(bye)) == 200


def ids(message: str) -> dict[str, str]:
    return {"Call-ID": header(message, "Call-ID")}


@pytest.mark.parametrize(
    ("line", "seen"),
    [
        ("486 Busy Here", 486),
        ("302 Moved Temporarily", 302),  # where a phone sends a call is judged by `calls`
        ("603 Decline", 603),
    ],
)
def test_it_hears_what_a_phone_says(house: House, line: str, seen: int) -> None:
    invite = house.place(CALLEE)
    house.callee.respond(house.callee.called(timeout_s=STEP_S), line)
    assert status(house.calls.final(invite, STEP_S)) == seen


def test_a_phone_that_is_not_there_or_does_not_answer(house: House) -> None:
    assert status(house.calls.final(house.place(STRANGE), STEP_S)) == 480
    invite = house.place(CALLEE)
    house.callee.respond(house.callee.called(timeout_s=STEP_S), "180 Ringing")
    assert status(house.calls.final(invite, STEP_S)) == 408
    house.callee.respond(house.callee.called("CANCEL", STEP_S), "200 OK")


def test_what_it_does_not_understand_goes_on_without_it(house: House) -> None:
    """The edge refuses by itself, in fewer words."""
    uri = f"sip:{STRANGE}@{REALM}"
    lines = {"Call-ID": f"odd-{time.monotonic_ns()}", "From": f"<sip:{CALLER}@{REALM}>;tag=asks"}
    challenge = house.caller.final(house.caller.request("INVITE", uri, lines, OFFER))
    lines["Proxy-Authorization"] = house.caller.authorization(challenge, "INVITE", uri)
    invite = house.caller.request("INVITE", uri, lines, OFFER)
    house.calls.respond(house.calls.called(timeout_s=STEP_S), "400 Bad SDP")
    assert status(house.caller.final(invite, STEP_S)) == 480


def test_it_answers_a_call(house: House) -> None:
    """One that the edge hands over: its answer reaches the caller, who acknowledges and ends it; or it offers anew, and
    ends it itself."""
    uri = f"sip:{STRANGE}@{REALM}"
    for who_ends in (house.caller, house.calls):
        lines = {"Call-ID": f"asked-{time.monotonic_ns()}", "From": f"<sip:{CALLER}@{REALM}>;tag=asks"}
        challenge = house.caller.final(house.caller.request("INVITE", uri, lines, OFFER))
        lines["Proxy-Authorization"] = house.caller.authorization(challenge, "INVITE", uri)
        invite = house.caller.request("INVITE", uri, lines, OFFER)
        asked = house.calls.called(timeout_s=STEP_S)
        assert ";why=absent" in asked.partition("\r\n")[0]
        said = house.calls.respond(asked, "200 OK", body=OFFER)
        answer = house.caller.final(invite, STEP_S)
        assert status(answer) == 200
        assert body_of(answer) == OFFER
        house.caller.within("ACK", uri, answer)
        house.calls.called("ACK", STEP_S)
        if who_ends is house.caller:
            ends(house.caller, house.calls, uri, answer)
            continue
        own = {"From": header(said, "To"), "To": header(asked, "From"), **ids(asked)}
        own["Route"] = ", ".join(headers(asked, "Record-Route"))
        target = header(asked, "Contact").strip("<>")
        again = house.calls.request("INVITE", target, own, OFFER)
        house.caller.respond(house.caller.called(timeout_s=STEP_S), "200 OK", body=OFFER)
        assert status(house.calls.final(again, STEP_S)) == 200
        house.calls.request("ACK", target, own | {"CSeq": header(again, "CSeq").replace("INVITE", "ACK")})
        house.caller.called("ACK", STEP_S)
        bye = house.calls.request("BYE", target, own)
        house.caller.respond(house.caller.called("BYE", STEP_S), "200 OK")
        assert status(house.calls.final(bye, STEP_S)) == 200
