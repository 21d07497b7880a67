"""The phones themselves, against a platform and no unit between: what they say they did, they did."""

from __future__ import annotations

import contextlib
import functools
import re
import socket
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import pytest

from hil.net import Host, Net, Switch
from hil.phone import Account, Phone, PhoneError, linphone
from hil.phone.baresip import Baresip
from hil.phone.sipp import Dial, Sipp, User
from hil.platform.kamailio import KamailioPlatform
from hil.sound import holds, seconds_of

pytestmark = [pytest.mark.wire, pytest.mark.timeout(300)]

REALM = "region.example"
PLATFORM_IP = "10.98.0.1"
CROWD_IP, CALLER_IP = "10.98.0.50", "10.98.0.51"
STEP_S = 30.0
"""For what a phone does at once, on a busy machine that may stand still for some seconds."""
PASSWORDS = {str(extension): f"secret{extension}" for extension in range(1001, 1041)}
# This platform hands out GRUUs and does not route by them, as many do; taking them away is the unit's work.
Linphone = functools.partial(linphone.Linphone, gruu=False)
TRANSPORTS = ["udp", "tcp"]
RING_MS = 50


@dataclass(frozen=True)
class Site:
    """A platform, a switch, and a host on which crowds of phones live."""

    net: Net
    switch: Switch
    platform: KamailioPlatform
    platform_host: Host
    crowd_host: Host

    def phone(
        self, kind: Callable[..., Phone], number: int, transport: str, hz: float, *, answers: bool = True
    ) -> Phone:
        """A phone on a host of its own."""
        host, ip = self.net.host(f"phone{number}"), f"10.98.0.{number - 990}"
        self.switch.join(host, "eth0", f"{ip}/24")
        extension = str(number)
        account = Account(extension, PASSWORDS[extension], REALM, f"{PLATFORM_IP}:5060", transport)
        phone = kind(host, ip, account, hz, answers=answers)
        phone.start()
        phone.wait_registered(STEP_S)
        return phone

    def crowd(self, transport: str, ip: str = CROWD_IP, port: int = 5060) -> Sipp:
        return Sipp(self.crowd_host, ip, f"{PLATFORM_IP}:{port}", REALM, transport=transport)


@pytest.fixture
def site() -> Iterator[Site]:
    with Net("rvph") as net:
        switch, platform_host, crowd_host = net.switch("switch"), net.host("platform"), net.host("crowd")
        switch.join(platform_host, "eth0", f"{PLATFORM_IP}/24")
        switch.join(crowd_host, "eth0", f"{CROWD_IP}/24")
        crowd_host.address("eth0", f"{CALLER_IP}/24")
        platform = KamailioPlatform(platform_host, PLATFORM_IP, realm=REALM, users=PASSWORDS)
        platform.start()
        yield Site(net, switch, platform, platform_host, crowd_host)


def user(extension: int) -> User:
    return User(str(extension), PASSWORDS[str(extension)])


def until(true: Callable[[], bool], timeout_s: float = STEP_S) -> bool:
    deadline = time.monotonic() + timeout_s
    while not true():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.1)
    return True


# Phones with sound


@pytest.mark.parametrize("transport", TRANSPORTS)
@pytest.mark.parametrize(
    ("caller_kind", "callee_kind"), [(Baresip, Linphone), (Linphone, Baresip)], ids=["to_linphone", "to_baresip"]
)
def test_both_hear_each_other(
    site: Site, caller_kind: Callable[..., Phone], callee_kind: Callable[..., Phone], transport: str
) -> None:
    caller = site.phone(caller_kind, 1001, transport, 700)
    callee = site.phone(callee_kind, 1002, transport, 1100)

    caller.dial("1002")
    caller.wait_established(STEP_S)
    callee.wait_established(STEP_S)
    # While it lasts, too.
    assert until(lambda: holds(caller.heard(), 1100) and holds(callee.heard(), 700))
    caller.hang_up()
    seen, other = caller.wait_closed(STEP_S), callee.wait_closed(STEP_S)

    # A 180 that is overtaken by the 200 is not seen: UDP keeps no order.
    times = [seen.dialled_at, seen.established_at, seen.closed_at]
    assert None not in times
    assert times == sorted(time_s for time_s in times if time_s is not None)
    assert "1001" in other.peer
    assert other.dialled_at is None
    assert holds(caller.heard(), 1100)
    assert holds(callee.heard(), 700)
    assert not holds(caller.heard(), 700)
    assert not holds(callee.heard(), 1100)
    for phone in (caller, callee):
        phone.stop()
    assert until(lambda: not site.platform.registrations())


@pytest.mark.parametrize("kind", [Baresip, Linphone], ids=["baresip", "linphone"])
def test_a_second_call_begins_anew(site: Site, kind: Callable[..., Phone]) -> None:
    caller, callee = site.phone(kind, 1001, "udp", 700), site.phone(kind, 1002, "udp", 1100)
    recordings = set()
    for phone, number, hz in ((caller, "1002", 1100), (callee, "1001", 700)):
        phone.dial(number)
        assert phone.wait_established(STEP_S).closed_at is None
        assert until(lambda phone=phone, hz=hz: holds(phone.heard(), hz))  # type: ignore[misc]
        recordings.add(phone.heard())
        phone.hang_up()
        phone.wait_closed(STEP_S)
        assert until(lambda: caller.call.closed_at is not None and callee.call.closed_at is not None)
    assert len(recordings) == 2


@pytest.mark.parametrize("kind", [Baresip, Linphone], ids=["baresip", "linphone"])
def test_a_number_that_does_not_exist(site: Site, kind: Callable[..., Phone]) -> None:
    phone = site.phone(kind, 1001, "udp", 700)
    phone.dial("1999")
    assert phone.wait_closed(STEP_S).established_at is None
    with pytest.raises(PhoneError, match="no sign of an established call"):
        phone.wait_established(1)
    assert not phone.heard().exists()


@pytest.mark.parametrize("kind", [Baresip, Linphone], ids=["baresip", "linphone"])
def test_a_phone_that_rings_and_one_without_power(site: Site, kind: Callable[..., Phone]) -> None:
    caller = site.phone(kind, 1001, "udp", 700)
    callee = site.phone(kind, 1002, "udp", 1100, answers=False)
    caller.dial("1002")
    assert caller.wait_ringing(STEP_S).established_at is None
    assert callee.wait_ringing(STEP_S).established_at is None
    caller.hang_up()
    callee.wait_closed(STEP_S)

    callee.kill()
    assert until(lambda: not callee.registered)
    assert "1002" in site.platform.registrations()


def test_several_phones_on_one_host(site: Site) -> None:
    host = site.crowd_host
    phones: list[Phone] = []
    for number, ip, kind in ((1001, "10.98.0.61", Baresip), (1002, "10.98.0.62", Linphone)):
        host.address("eth0", f"{ip}/24")
        account = Account(str(number), PASSWORDS[str(number)], REALM, f"{PLATFORM_IP}:5060")
        phones.append(kind(host, ip, account, number))
    for phone in phones:
        phone.start()
        phone.wait_registered(STEP_S)
    contacts = {name: held[0].contact for name, held in site.platform.registrations().items()}
    assert "10.98.0.61" in contacts["1001"]
    assert "10.98.0.62" in contacts["1002"]
    phones[0].dial("1002")
    phones[0].wait_established(STEP_S)
    assert until(lambda: seconds_of(phones[1].heard(), 1001) > 0.5)


# Crowds


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_calls_to_registered_users(site: Site, transport: str) -> None:
    with site.crowd(transport).answer([user(extension) for extension in range(1002, 1012)], ring_ms=RING_MS) as phones:
        phones.wait_registered(STEP_S)
        assert len(site.platform.registrations()) == 10
        dials = [Dial(user(1001), str(extension)) for extension in range(1002, 1012)]
        results = site.crowd(transport, CALLER_IP).call(dials, hold_ms=50)
        assert [result.number for result in results] == list(range(1, 11))
        for result in results:
            assert (result.code, result.completed, result.challenges) == (200, True, 1)
            assert result.first_ms is not None
            assert result.final_ms is not None
            assert result.final_ms >= RING_MS > 0 < result.first_ms
        assert until(lambda: sum(result.completed for result in phones.calls()) == 10)


def test_registrations_come_and_go(site: Site) -> None:
    crowd = site.crowd("udp")
    assert [result.code for result in crowd.register([user(1002), user(1003), user(1004)], expires_s=60)] == [200] * 3
    assert {binding.expires_s > 50 for held in site.platform.registrations().values() for binding in held} == {True}
    assert [result.code for result in crowd.register([user(1002)], expires_s=0)] == [200]
    assert [result.code for result in crowd.register([user(1003)], expires_s=0, contact="*")] == [200]
    assert list(site.platform.registrations()) == ["1004"]
    wrong = crowd.register([User("1002", "wrong")])
    assert [(result.code, result.completed) for result in wrong] == [(401, False)]
    # Then rung on the port they registered from, by another program.
    with crowd.answer() as phones:
        assert site.crowd("udp", CALLER_IP).call([Dial(user(1001), "1004")])[0].completed
        assert len(phones.calls()) == 1


def test_they_register_anew_with_a_platform_that_forgot(site: Site) -> None:
    with site.crowd("udp").answer([user(1002), user(1003)], expires_s=10, refresh_s=1) as phones:
        phones.wait_registered(STEP_S)
        site.platform.kill()
        site.platform.start()
        assert until(lambda: len(site.platform.registrations()) == 2)


@pytest.mark.parametrize("transport", TRANSPORTS)
@pytest.mark.parametrize("status", ["486 Busy Here", "603 Decline", "480 Temporarily Unavailable"])
def test_refusals(site: Site, status: str, transport: str) -> None:
    with site.crowd(transport).answer([user(1002)], status=status) as phones:
        phones.wait_registered(STEP_S)
        (result,) = site.crowd(transport, CALLER_IP).call([Dial(user(1001), "1002")])
        assert (result.code, result.first_ms, result.completed) == (int(status[:3]), None, False)


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_slow_cancelled_unanswered_and_hung_up_by_the_callee(site: Site, transport: str) -> None:
    crowd, dial, caller = site.crowd(transport), Dial(user(1001), "1002"), site.crowd(transport, CALLER_IP)
    with crowd.answer([user(1002)], slow_ms=300) as phones:
        phones.wait_registered(STEP_S)
        (result,) = caller.call([dial])
        assert result.completed
        assert result.first_ms is not None
        assert result.first_ms >= 300
    with crowd.answer([user(1002)], ring_ms=None) as phones:
        phones.wait_registered(STEP_S)
        (cancelled,) = caller.call([dial], cancel_ms=100)
        assert (cancelled.code, cancelled.first_ms is None) == (487, False)
        (unanswered,) = caller.call([dial], patience_ms=400)
        assert unanswered.code == 487
        assert unanswered.final_ms is not None
        assert unanswered.final_ms >= 400
        assert until(lambda: [result.code for result in phones.calls()] == [487, 487])
    with crowd.answer([user(1002)], hang_up_ms=100) as phones:
        phones.wait_registered(STEP_S)
        assert caller.call([dial], callee_ends=True)[0].completed
        assert until(lambda: phones.calls()[0].completed)


def test_a_call_is_watched_while_it_lasts(site: Site) -> None:
    with site.crowd("udp").answer([user(1002)]) as phones:
        phones.wait_registered(STEP_S)
        placing = site.crowd("udp", CALLER_IP).place([Dial(user(1001), "1002")], hold_ms=4000)
        assert until(lambda: [result.code for result in placing.so_far()] == [200])
        assert not placing.so_far()[0].completed
        assert placing.wait()[0].completed


def test_without_a_password_a_challenge_is_the_end_and_a_dead_platform_no_answer(site: Site) -> None:
    caller = site.crowd("udp", CALLER_IP)
    (result,) = caller.call([Dial(User("9999"), "112")])
    assert (result.code, result.challenges) == (407, 1)
    site.platform.freeze()
    (result,) = caller.call([Dial(User("9999"), "112")], patience_ms=700)
    assert (result.code, result.first_ms, result.began_at is None) == (None, None, False)


def test_load(site: Site) -> None:
    with site.crowd("udp").answer([user(1002), user(1003)], traced=False):
        assert until(lambda: len(site.platform.registrations()) == 2)
        dials = [Dial(user(1001), "1002"), Dial(user(1001), "1003")]
        load = site.crowd("udp", CALLER_IP).load(dials, count=60, rate=60, hold_ms=50)
        assert (load.ok, load.failed, len(load.first_ms)) == (60, 0, 60)
        assert load.seconds >= 1


def reply(to: socket.socket, request: str, code: int, header: str, address: tuple[str, int]) -> None:
    kept = re.findall(r"(?:Via|From|To|Call-ID|CSeq): [^\r]*", request)
    lines = [f"SIP/2.0 {code} Scripted", *kept, header, f"Contact: <sip:{PLATFORM_IP}:5070>", "Content-Length: 0"]
    text = "\r\n".join(
        line.replace("To: <sip:1002@region.example>", "To: <sip:1002@region.example>;tag=t") for line in lines if line
    )
    to.sendto(f"{text}\r\n\r\n".encode(), address)


@contextlib.contextmanager
def scripted(site: Site, answers: Callable[[str], Iterable[tuple[int, str]]]) -> Iterator[list[str]]:
    """A far end that gives these answers, code and header, to a request; what it has heard, each once."""
    heard: list[str] = []

    def serve(server: socket.socket) -> None:
        while not heard or not heard[-1].startswith("BYE"):
            data, address = server.recvfrom(4096)
            if data.decode() in heard:
                continue  # sent again
            heard.append(data.decode())
            for code, header in answers(heard[-1].partition(" ")[0]):
                reply(server, heard[-1], code, header, address)

    with site.platform_host.socket() as server:
        server.bind((PLATFORM_IP, 5070))
        server.settimeout(STEP_S)
        script = threading.Thread(target=serve, args=(server,), daemon=True)
        script.start()
        yield heard
        script.join(STEP_S)


def test_a_180_that_its_200_has_overtaken_ends_no_call(site: Site) -> None:
    """By a script: of processes that pass both on, one may be later."""
    answers = {"INVITE": [(200, ""), (180, ""), (100, "")], "BYE": [(200, "")]}
    with scripted(site, lambda method: answers.get(method, ())) as heard:
        (result,) = site.crowd("udp", CALLER_IP, port=5070).call([Dial(user(1001), "1002")])
    assert (result.code, result.completed) == (200, True)
    assert [text.partition(" ")[0] for text in heard] == ["INVITE", "ACK", "BYE"]


def test_a_second_challenge_because_the_nonce_is_stale(site: Site) -> None:
    """By a script: no platform can be asked for exactly this."""
    turns = iter(
        [
            [(407, 'Proxy-Authenticate: Digest realm="region.example", nonce="one", qop="auth"')],
            [(407, 'Proxy-Authenticate: Digest realm="region.example", nonce="two", qop="auth", stale=true')],
            [(180, ""), (200, "")],
        ]
    )

    def answers(method: str) -> list[tuple[int, str]]:
        return next(turns) if method == "INVITE" else [(200, "")] if method == "BYE" else []

    with scripted(site, answers) as heard:
        (result,) = site.crowd("udp", CALLER_IP, port=5070).call([Dial(user(1001), "1002")])
    assert (result.code, result.challenges, result.completed) == (200, 2, True)
    invites = [text for text in heard if text.startswith("INVITE")]
    assert ['nonce="one"' in text for text in invites] == [False, True, False]
    assert 'nonce="two"' in invites[2]
    assert len({re.findall(r"branch=[^;\r]+", text)[0] for text in invites}) == 3
