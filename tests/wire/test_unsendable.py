"""A platform to which nothing can be sent (no route, no interface), before that is known: each request has one answer,
and a call to who is here gets there."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from hil.net import Net
from hil.phone.raw import RawPhone, header, status
from hil.phone.sipp import User
from hil.site import PLATFORM_IP, PROXY, REALM, Site, password
from tests.wire.conftest import STEP_S

pytestmark = [pytest.mark.wire, pytest.mark.timeout(120)]

CALLER, CALLEE, ELSEWHERE = "1001", "1002", "1009"
LATE_S = 0.5
GONE_S = 2.0
"""A second answer comes in the same breath."""


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    with Net("rvunsent") as net:
        site = Site(net, users={number: password(number) for number in (CALLER, CALLEE)})
        site.start()
        yield site
        site.stop()


@pytest.fixture
def phones(site: Site) -> Iterator[tuple[RawPhone, RawPhone]]:
    site.wait_mode("NORMAL", STEP_S)
    made = [
        RawPhone(site.phones, site.phone_ip(30 + at), User(number, password(number)), PROXY, REALM)
        for at, number in enumerate((CALLER, CALLEE))
    ]
    for phone in made:
        assert status(phone.register()) == 200
    yield made[0], made[1]
    for phone in made:
        phone.close()


@contextmanager
def nothing_can_be_sent(site: Site) -> Iterator[None]:
    site.host.ip("route", "add", "unreachable", f"{PLATFORM_IP}/32")
    try:
        yield
    finally:
        site.host.ip("route", "del", "unreachable", f"{PLATFORM_IP}/32")


def test_a_registration_has_one_answer(site: Site, phones: tuple[RawPhone, RawPhone]) -> None:
    with RawPhone(site.phones, site.phone_ip(32), User(CALLER, password(CALLER)), PROXY, REALM) as new:
        with nothing_can_be_sent(site):
            assert status(new.register()) == 200
            assert site.mode() in ("NORMAL", "SUSPECT"), "the edge has asked the platform"
        assert new.unasked(LATE_S) == []
        assert status(new.register(0)) == 200


def test_a_call_comes_to_who_is_here(site: Site, phones: tuple[RawPhone, RawPhone]) -> None:
    caller, callee = phones
    uri = f"sip:{CALLEE}@{REALM}"
    with nothing_can_be_sent(site):
        lines = {"Call-ID": f"unsent-{time.monotonic()}", "From": f"<sip:{CALLER}@{REALM}>;tag=1"}
        challenge = caller.final(caller.request("INVITE", uri, lines))
        assert status(challenge) == 407
        assert site.mode() in ("NORMAL", "SUSPECT"), "the edge has asked the platform"
        lines["Proxy-Authorization"] = caller.authorization(challenge, "INVITE", uri)
        invite = caller.request("INVITE", uri, lines)
        callee.respond(callee.called(), "200 OK")
        answer = caller.final(invite)
        assert status(answer) == 200
        caller.within("ACK", uri, answer)
        bye = caller.within("BYE", uri, answer)
        callee.respond(callee.called("BYE"), "200 OK")
        assert status(caller.final(bye)) == 200
    assert [header(message, "CSeq") for message in caller.unasked(LATE_S)] == []


def test_a_call_to_elsewhere_is_refused_in_words_once(site: Site, phones: tuple[RawPhone, RawPhone]) -> None:
    caller, _ = phones
    uri = f"sip:{ELSEWHERE}@{REALM}"
    with nothing_can_be_sent(site):
        lines = {"Call-ID": f"unsent-{time.monotonic()}", "From": f"<sip:{CALLER}@{REALM}>;tag=1"}
        challenge = caller.final(caller.request("INVITE", uri, lines))
        assert status(challenge) == 407
        assert site.mode() in ("NORMAL", "SUSPECT"), "the edge has asked the platform"
        lines["Proxy-Authorization"] = caller.authorization(challenge, "INVITE", uri)
        refused = caller.final(caller.request("INVITE", uri, lines))
        assert status(refused) in (404, 480)
        assert "/" in refused.partition("\r\n")[0], "in two languages"
    assert caller.unasked(LATE_S) == []


@pytest.mark.parametrize("survival", [False, True], ids=["normal", "survival"])
def test_a_phone_whose_connection_is_gone_is_not_there(survival: bool) -> None:
    """Nobody listens at the port that it came from, and no new connection can be opened."""
    with Net("rvgone") as net:
        site = Site(net, users={number: password(number) for number in (CALLER, CALLEE)})
        site.start()
        caller, callee = (
            RawPhone(site.phones, site.phone_ip(ip), User(number, password(number)), PROXY, REALM, transport="tcp")
            for ip, number in ((30, CALLER), (31, CALLEE))
        )
        with caller:
            assert [status(phone.register()) for phone in (caller, callee)] == [200, 200]
            if survival:
                site.platform.kill()
                site.wait_mode("SURVIVAL", STEP_S)
            callee.close()
            began = time.monotonic()
            answer = caller.ask("INVITE", f"sip:{CALLEE}@{REALM}")
            took_s = time.monotonic() - began
            assert status(answer) in (404, 480), answer
            assert took_s < GONE_S, took_s
            print("TOOK", survival, took_s, answer.splitlines()[0])
        site.stop()


def test_a_platform_by_tcp() -> None:
    with Net("rvtcp") as net:
        users = {number: password(number) for number in (CALLER, CALLEE)}
        nodes = [f"sip:{PLATFORM_IP}:5060;transport=tcp"]
        site = Site(net, users=users, configuration={"platform": {"nodes": nodes}})
        site.start()
        site.wait_mode("NORMAL", STEP_S)
        caller, callee = (
            RawPhone(site.phones, site.phone_ip(ip), User(number, password(number)), PROXY, REALM)
            for ip, number in ((30, CALLER), (31, CALLEE))
        )
        with caller, callee:
            assert [status(phone.register()) for phone in (caller, callee)] == [200, 200]
            uri = f"sip:{CALLEE}@{REALM}"
            with nothing_can_be_sent(site):
                began = time.monotonic()
                lines = {"Call-ID": f"tcp-{began}", "From": f"<sip:{CALLER}@{REALM}>;tag=1"}
                challenge = caller.final(caller.request("INVITE", uri, lines))
                assert status(challenge) == 407
                first_s = time.monotonic() - began
                assert site.mode() in ("NORMAL", "SUSPECT"), "the edge has asked the platform"
                lines["Proxy-Authorization"] = caller.authorization(challenge, "INVITE", uri)
                invite = caller.request("INVITE", uri, lines)
                callee.respond(callee.called(), "200 OK")
                assert status(caller.final(invite)) == 200
                print("TOOK", first_s, time.monotonic() - began)
        site.stop()
