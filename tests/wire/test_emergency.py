"""112: from any phone, by the best way that works now, whatever is dead, busy or barred. A4 of the requirements.

The platform passes 112 on to an emergency centre of its own; a second gateway is another way there. Both are the same
small program here, `Centre`, which notes to the millisecond what it is sent and answers by a script."""

from __future__ import annotations

import itertools
import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from types import TracebackType
from typing import Any, Literal

import pytest

from callcontrol.records import Outcome, Record, Way
from firmware.store.trunk import TrunkRows
from hil.net import Net
from hil.phone import Account
from hil.phone.baresip import Baresip
from hil.phone.scripted import RINGS, Centre, Script, header, headers
from hil.phone.sipp import Dial, Placing, Result, Sipp, User
from hil.site import PROXY, REALM, UNIT_NORTH_IP, Site, numbers, password

pytestmark = [pytest.mark.wire, pytest.mark.timeout(300)]

GATEWAY_IP, OUTSIDE_IP, DATA_IP, STRANGER_IP = "10.99.0.3", "10.99.0.4", "10.99.0.5", "10.99.0.77"
REGISTRATIONS: list[Literal["path", "contact"]] = ["path", "contact"]
NUMBERS = ["112", "0112", "00112", "0-112"]
NO_RINGING_S = 2
NOTED_LATE_S = 0.5
"""Two ends note what comes each by itself, on a busy machine."""
DETECTED_S = 30.0
"""A dead platform is known by then, on a busy machine too."""
STEP_S = 30.0
UNSENDABLE_S = 3.0
SLOW: Script = ((0.0, 180), (NO_RINGING_S + 2.0, 200))
SILENT: Script = ()
TRYING: Script = ((0.0, 100),)
BUSY: Script = ((0.0, 486),)

_calls = itertools.count(1)


@dataclass(frozen=True)
class Building:
    """A site with two ways to 112, and phones in a row of addresses."""

    site: Site
    outside: Centre
    gateway: Centre

    def centre(self, ip: str, script: Script = RINGS, **options: bool) -> Centre:
        host = self.site.platform_host
        if ip not in host.ip("-o", "-4", "addr", "show"):
            host.address("line", f"{ip}/24")
        return Centre(host, ip, script, **options)

    def phone(self, number: int) -> Sipp:
        return Sipp(self.site.phones, self.site.phone_ip(number), PROXY, REALM)

    def ring(self, dials: Sequence[Dial] | None = None, phone: int = 11, **options: Any) -> list[Result]:
        """Calls to their end; without `dials` one by a phone that nobody knows."""
        return self.begin(dials, phone, **options).wait()

    def begin(self, dials: Sequence[Dial] | None = None, phone: int = 11, **options: Any) -> Placing:
        options = {"hold_ms": 50, "patience_ms": 60_000} | options
        return self.phone(phone).place(dials or [Dial(STRANGER, "112")], **options)

    def answered(self, result: Result) -> list[str]:
        """Who was asked for this call, in order; the last answered it."""
        asked = [(one.at, name) for name, centre in self._centres() for one in centre.seen("INVITE")]
        assert result.completed, (result, asked, self.site.log())
        return [name for _, name in sorted(asked)]

    def forget(self) -> None:
        for _, centre in self._centres():
            centre._seen.clear()

    def _centres(self) -> list[tuple[str, Centre]]:
        return [("platform", self.outside), ("gateway", self.gateway)]


STRANGER = User("7777")
"""A phone that the unit has never met, and that has no secret."""


def user(extension: int) -> User:
    return User(str(extension), password(str(extension)))


@contextmanager
def building(
    *,
    emergency: Mapping[str, object] | None = None,
    registration: Literal["path", "contact"] = "path",
    outside: Script = RINGS,
    gateway: Script = RINGS,
    over: Mapping[str, Mapping[str, object]] | None = None,
    heeds_cancel: bool = True,
    unit: bool = True,
    **options: Any,
) -> Iterator[Building]:
    """In NORMAL, with a platform that takes 112 from anybody unless it is told to ask."""
    settings = {"gateway": f"sip:{GATEWAY_IP}:5060", "no_ringing_s": NO_RINGING_S, **(emergency or {})}
    with Net("rvem") as net:
        site = Site(
            net,
            users=numbers(1001, 4),
            registration=registration,
            configuration={"edge": {"register_s": 20}, "emergency": settings, **(over or {})},
            outside=f"sip:{OUTSIDE_IP}:5060",
            **{"challenges_emergency": False, **options},
        )
        for ip in (GATEWAY_IP, OUTSIDE_IP):
            site.platform_host.address("line", f"{ip}/24")
        host = site.platform_host
        with (
            Centre(host, OUTSIDE_IP, outside, heeds_cancel=heeds_cancel) as far,
            Centre(host, GATEWAY_IP, gateway) as near,
        ):
            site.start(unit=unit)
            yield Building(site, far, near)
            site.stop()


@pytest.fixture
def house() -> Iterator[Building]:
    with building() as made:
        yield made


def raw(request: str, ip: str, **more: str) -> str:
    """An INVITE to `request` as a phone at `ip` writes it, with its own Call-ID."""
    number = next(_calls)
    lines = {
        "Via": f"SIP/2.0/UDP {ip}:5070;rport;branch=z9hG4bK-raw{number}",
        "From": f"<sip:7777@{REALM}>;tag=raw{number}",
        "To": f"<{request}>",
        "Call-ID": f"raw{number}@{ip}",
        "CSeq": "1 INVITE",
        "Contact": f"<sip:7777@{ip}:5070>",
        "Max-Forwards": "70",
        **more,
        "Content-Length": "0",
    }
    return f"INVITE {request} SIP/2.0\r\n" + "".join(f"{name}: {value}\r\n" for name, value in lines.items()) + "\r\n"


def within(invite: str, method: str, answer: str = "") -> str:
    """The ACK, CANCEL or BYE of an INVITE sent by `raw`; ACK and BYE of an answered one take its answer."""
    request = invite.split(" ")[1]
    routes = [value for name, value in headers(answer) if name == "record-route"]
    if answer:
        contact = re.search(r"<([^>]+)>", header(answer, "contact"))
        request = contact[1] if contact else request
    branch = f"{header(invite, 'via')}" + (f"-{method}" if answer else "")
    number = 2 if method == "BYE" else 1
    lines = [f"Via: {branch}", f"From: {header(invite, 'from')}", f"To: {header(answer or invite, 'to')}"]
    lines += [f"Route: {route}" for route in reversed(routes)]
    lines += [f"Call-ID: {header(invite, 'call-id')}", f"CSeq: {number} {method}", "Max-Forwards: 70"]
    return f"{method} {request} SIP/2.0\r\n" + "\r\n".join(lines) + "\r\nContent-Length: 0\r\n\r\n"


class RawPhone:
    """A socket of a phone, from which text is sent to the unit."""

    def __init__(self, site: Site, number: int, port: int = 5070) -> None:
        self.ip = site.phone_ip(number)
        self._socket = site.phones.socket()
        self._socket.bind((self.ip, port))

    def __enter__(self) -> RawPhone:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._socket.close()

    def send(self, text: str, to: str = PROXY) -> None:
        address, _, port = to.partition(":")
        self._socket.sendto(text.encode(), (address, int(port)))

    def final(self, cseq: str = "1 INVITE", timeout_s: float = STEP_S) -> str:
        """The next final response to a request; "" when none comes."""
        deadline = time.monotonic() + timeout_s
        while (left := deadline - time.monotonic()) > 0:
            self._socket.settimeout(left)
            try:
                message = self._socket.recv(65535).decode(errors="replace")
            except TimeoutError:
                break
            if re.match(r"SIP/2.0 [2-6]", message) and header(message, "cseq") == cseq:
                return message
        return ""


def status(message: str) -> int:
    return int(message[8:11] or 0) if message else 0


def until(true: Callable[[], object], timeout_s: float = STEP_S) -> bool:
    deadline = time.monotonic() + timeout_s
    while not true():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def kill(house: Building) -> None:
    house.site.platform.kill()


def freeze(house: Building) -> None:
    house.site.platform.freeze()


def busy503(house: Building) -> None:
    house.site.platform.busy503(True)


DEATHS = [kill, freeze, busy503]


def say_survival(house: Building) -> None:
    """The mode is SURVIVAL although the platform lives, and nobody is there to say otherwise."""
    house.site.unit.kill()
    house.site.rpc("htable.sets", "st", "mode", "SURVIVAL")


# Who rings


@pytest.mark.parametrize("registration", REGISTRATIONS)
def test_registered_phone_answers_the_platforms_challenge(registration: Literal["path", "contact"]) -> None:
    with building(registration=registration, challenges_emergency=True) as house:
        assert [result.code for result in house.phone(11).register([user(1001)])] == [200]
        results = house.ring([Dial(user(1001), number) for number in NUMBERS], rate=2)
        assert [result.challenges for result in results] == [1] * len(NUMBERS)
        assert house.answered(results[0]) == ["platform"] * len(NUMBERS)
        assert all(result.completed for result in results)

        house.forget()
        kill(house)
        (first,) = house.ring([Dial(user(1001), "112")])
        assert (first.challenges, house.answered(first)) == (0, ["gateway"])
        house.site.wait_mode("SURVIVAL", DETECTED_S)
        house.forget()
        results = house.ring([Dial(user(1001), number) for number in NUMBERS], rate=2)
        assert [result.challenges for result in results] == [0] * len(NUMBERS)
        assert house.answered(results[-1]) == ["gateway"] * len(NUMBERS)


def test_a_real_phone(house: Building) -> None:
    site = house.site
    phone = Baresip(site.phones, site.phone_ip(12), Account("1002", password("1002"), REALM, PROXY), 700)
    phone.start()
    phone.wait_registered(STEP_S)
    for die in (None, kill):
        if die:
            die(house)
            site.wait_mode("SURVIVAL", DETECTED_S)
        phone.dial("112")
        phone.wait_established(STEP_S)
        phone.hang_up()
        phone.wait_closed(STEP_S)
    assert [len(house.outside.seen("INVITE")), len(house.gateway.seen("INVITE"))] == [1, 1]
    assert until(lambda: house.outside.seen("BYE") and house.gateway.seen("BYE"))


def test_unregistered_phone_where_the_platform_takes_112_from_anybody(house: Building) -> None:
    results = house.ring([Dial(STRANGER, number) for number in NUMBERS], rate=2)
    assert house.answered(results[0]) == ["platform"] * len(NUMBERS)
    assert [result.challenges for result in results] == [0] * len(NUMBERS)
    assert all(result.completed for result in results)


def test_unregistered_phone_where_the_platform_asks_who_it_is() -> None:
    """It has no secret to answer with: the challenge must not be the end of its call."""
    with building(challenges_emergency=True) as house:
        (result,) = house.ring()
        assert house.answered(result) == ["gateway"]


@pytest.mark.parametrize("registration", REGISTRATIONS)
def test_a_phone_that_is_not_known_is_not_challenged(registration: Literal["path", "contact"]) -> None:
    """It could not answer: the platform's challenge is for phones that are bound here, or where no other way is."""
    with building(registration=registration, challenges_emergency=True) as house:
        (result,) = house.ring([Dial(User("1001", "wrong"), "112")])
        assert result.challenges == 0
        assert house.answered(result) == ["gateway"]


@pytest.mark.parametrize(
    "request_uri",
    ["urn:service:sos", "urn:service:sos.police", "tel:112", f"sip:112@{REALM};user=phone", f"sips:112@{REALM}"],
)
def test_other_ways_of_writing_it(one_house: Building, request_uri: str) -> None:
    with RawPhone(one_house.site, 21) as phone:
        invite = raw(request_uri, phone.ip)
        phone.send(invite)
        answer = phone.final()
        assert status(answer) == 200, (answer, one_house.site.log())
        phone.send(within(invite, "ACK", answer))
        phone.send(within(invite, "BYE", answer))
        assert status(phone.final("2 BYE")) == 200


@pytest.fixture(scope="module")
def one_house() -> Iterator[Building]:
    """For what leaves no trace."""
    with building() as made:
        yield made


@pytest.mark.parametrize("number", ["1112", "112112", "11", "0113", "sos", "112;x=y"])
def test_what_only_looks_like_it(one_house: Building, number: str) -> None:
    with RawPhone(one_house.site, 22) as phone:
        phone.send(raw(f"sip:{number}@{REALM}", phone.ip))
        assert status(phone.final()) in (403, 404, 407) or number == "112;x=y"


def test_the_phones_route_to_the_unit_ends_there(one_house: Building) -> None:
    """A gateway that goes by Route would send the call back (RFC 3261 §16.4)."""
    one_house.forget()
    with RawPhone(one_house.site, 23) as phone:
        invite = raw(f"sip:112@{REALM}", phone.ip, Route=f"<sip:{PROXY};lr>")
        phone.send(invite)
        answer = phone.final()
        assert status(answer) == 200
        phone.send(within(invite, "ACK", answer))
        phone.send(within(invite, "BYE", answer))
        assert status(phone.final("2 BYE")) == 200
        (asked,) = one_house.outside.seen("INVITE")
        assert header(asked.message, "route") == ""
    one_house.outside.script = BUSY
    one_house.forget()
    try:
        with RawPhone(one_house.site, 23) as phone:
            phone.send(raw(f"sip:112@{REALM}", phone.ip, Route=f"<sip:{PROXY};lr>"))
            assert status(phone.final()) == 200
            (asked,) = one_house.gateway.seen("INVITE")
            assert header(asked.message, "route") == ""
    finally:
        one_house.outside.script = RINGS


# Which way


@pytest.mark.parametrize("die", DEATHS)
def test_platform_dead_known_or_not(house: Building, die: Callable[[Building], None]) -> None:
    die(house)
    (first,) = house.ring()
    assert house.answered(first)[-1] == "gateway"
    house.site.wait_mode("SURVIVAL", DETECTED_S)
    house.forget()
    (later,) = house.ring()
    assert house.answered(later) == ["gateway"]


@pytest.mark.parametrize("script", [TRYING, SILENT], ids=["trying", "silent"])
def test_platform_slow(script: Script) -> None:
    """The platform itself says 100, and then nothing comes."""
    with building(outside=script) as house:
        (result,) = house.ring()
        assert house.answered(result) == ["platform", "gateway"]
        assert house.site.mode() in ("NORMAL", "SUSPECT")
        # The first was given up before the next was tried.
        given_up, tried = house.outside.seen("CANCEL") or house.outside.seen("INVITE"), house.gateway.seen("INVITE")
        assert given_up[0].at <= tried[0].at + 0.05
        if script is TRYING:
            assert house.outside.seen("CANCEL")


def test_ringing_at_the_platform_is_waited_for() -> None:
    with building(outside=SLOW) as house:
        (result,) = house.ring()
        assert house.answered(result) == ["platform"]
        assert result.final_ms
        assert result.final_ms > NO_RINGING_S * 1000


def test_ringing_at_the_gateway_is_waited_for() -> None:
    with building(gateway=SLOW) as house:
        kill(house)
        (result,) = house.ring()
        assert house.answered(result) == ["gateway"]


@pytest.mark.parametrize("first", [False, True], ids=["after a refusal", "first of all"])
def test_a_way_that_nothing_can_be_sent_on_is_not_the_end(first: bool) -> None:
    """No route to it, no interface, no connection: the kernel says so at once, and the next way is asked, or the same
    one again a little later."""
    with building(outside=BUSY) as house:
        if first:
            kill(house)
            house.site.wait_mode("SURVIVAL", DETECTED_S)
        house.site.host.ip("route", "add", "unreachable", f"{GATEWAY_IP}/32")
        placing = house.begin()
        time.sleep(UNSENDABLE_S)
        house.site.host.ip("route", "del", "unreachable", f"{GATEWAY_IP}/32")
        (result,) = placing.wait()
        assert house.answered(result)[-1] == "gateway"


@pytest.mark.parametrize("code", [300, 302, 400, 403, 404, 408, 480, 486, 488, 500, 503, 600, 603])
def test_a_refusal_by_the_platform_is_not_the_end(one_house: Building, code: int) -> None:
    one_house.forget()
    one_house.outside.script = ((0.0, code),)
    try:
        (result,) = one_house.ring()
        assert one_house.answered(result) == ["platform", "gateway"]
    finally:
        one_house.outside.script = RINGS


@pytest.mark.parametrize("script", [BUSY, SILENT, TRYING, ((0.0, 302),)], ids=["busy", "silent", "trying", "moved"])
def test_survival_begins_with_the_gateway(script: Script) -> None:
    """The unit takes the platform for dead, wrongly."""
    with building(gateway=script) as house:
        say_survival(house)
        (result,) = house.ring()
        assert house.answered(result) == ["gateway", "platform"]


@pytest.mark.parametrize("survival", [False, True], ids=["normal", "survival"])
def test_three_ways_in_their_order(survival: bool) -> None:
    """Platform, gateway, data; and in survival gateway, data, platform. The last one answers."""
    data = {"platform": {"data_nodes": [f"sip:{DATA_IP}:5060"]}}
    with (
        building(outside=RINGS if survival else BUSY, gateway=BUSY, over=data) as house,
        house.centre(DATA_IP, BUSY if survival else RINGS) as data_centre,
    ):
        if survival:
            say_survival(house)
        assert until(lambda: data_centre.seen("OPTIONS"))
        (result,) = house.ring()
        asked = house.answered(result)
        third = [one.at for one in data_centre.seen("INVITE")]
        assert len(third) == 1
        others = {name: centre.seen("INVITE")[0].at for name, centre in house._centres()}
        order = sorted([*others, "data"], key=lambda name: third[0] if name == "data" else others[name])
        assert order == (["gateway", "data", "platform"] if survival else ["platform", "gateway", "data"]), asked


# One at a time


def test_the_first_is_cancelled_before_the_next() -> None:
    with building(outside=((0.0, 100), (NO_RINGING_S + 3.0, 200))) as house:
        (result,) = house.ring(hold_ms=4000)
        assert house.answered(result) == ["platform", "gateway"]
        (cancelled,), (tried,) = house.outside.seen("CANCEL"), house.gateway.seen("INVITE")
        assert cancelled.at <= tried.at + NOTED_LATE_S
        assert house.outside.up() == 0


def test_an_answer_after_the_cancel_leaves_one_call_up() -> None:
    """It had answered before the CANCEL reached it."""
    late: Script = ((0.0, 100), (NO_RINGING_S + 0.5, 200))
    with building(outside=late, gateway=((0.0, 180), (1.0, 200)), heeds_cancel=False) as house:
        placing = house.begin(hold_ms=8000)
        assert until(lambda: house.gateway.seen("INVITE"))
        time.sleep(3)
        assert until(lambda: house.outside.up() + house.gateway.up() == 1, 4)
        (result,) = placing.wait()
        assert result.completed
        assert until(lambda: house.outside.up() + house.gateway.up() == 0)


def test_caller_gives_up_while_it_rings() -> None:
    with building(outside=((0.0, 180),)) as house:
        (result,) = house.ring(cancel_ms=300)
        assert result.code == 487
        assert until(lambda: house.outside.seen("CANCEL"))
        time.sleep(NO_RINGING_S + 1)
        assert house.gateway.seen("INVITE") == []


# None left


def test_both_dead_is_held_until_one_comes_back() -> None:
    with building(gateway=SILENT) as house:
        kill(house)
        placing = house.begin()
        time.sleep(5)
        assert placing.so_far()[0].code is None
        house.gateway.script = RINGS
        (result,) = placing.wait()
        assert result.completed, house.site.log()
        assert result.final_ms
        assert result.final_ms < 45_000


def test_both_dead_is_held_until_the_platform_comes_back() -> None:
    with building(gateway=BUSY) as house:
        kill(house)
        placing = house.begin()
        time.sleep(4)
        house.site.platform.start()
        (result,) = placing.wait()
        assert house.answered(result)[-1] == "platform"


def test_none_left_is_said_in_words() -> None:
    with building(emergency={"hold_s": 5}, gateway=BUSY) as house, RawPhone(house.site, 21) as phone:
        kill(house)
        invite = raw(f"sip:112@{REALM}", phone.ip)
        began = time.monotonic()
        phone.send(invite)
        answer = phone.final()
        assert time.monotonic() - began >= 4  # the unit counts whole seconds
        assert status(answer) == 503, (answer, house.site.log())
        assert "cause=34" in header(answer, "reason")
        phone.send(within(invite, "ACK"))
        assert len(house.gateway.seen("INVITE")) >= 2
        record = the_record(house, header(invite, "call-id"))
        assert (record.emergency, record.outcome, record.sip_code) == (True, Outcome.FAILED, 503)


@pytest.mark.long
def test_longest_hold_with_every_way_refusing_at_once() -> None:
    """Each try is a branch of the call's one transaction, of which there are few."""
    with building(emergency={"hold_s": 40}, outside=BUSY, gateway=BUSY) as house, RawPhone(house.site, 21) as phone:
        invite = raw(f"sip:112@{REALM}", phone.ip)
        phone.send(invite)
        answer = phone.final(timeout_s=80)
        assert status(answer) == 503
        assert "cause=34" in header(answer, "reason"), (answer, house.site.log())
        phone.send(within(invite, "ACK"))


@pytest.mark.long
def test_more_calls_than_a_phone_may_have_are_held_not_refused() -> None:
    with building(emergency={"calls_per_phone": 2, "hold_s": 60}) as house:
        results = house.ring([Dial(STRANGER, "112")] * 5, hold_ms=3000)
        assert [result.code for result in results] == [200] * 5, house.site.log()
        assert all(result.completed for result in results)
        begun = sorted(one.at for one in house.outside.seen("INVITE"))
        ended = sorted(one.at for one in house.outside.seen("BYE"))
        for at in begun:
            assert sum(b <= at for b in begun) - sum(e < at for e in ended) <= 2
        # They go on when there is room, not at the end of their patience.
        assert begun[-1] - begun[0] < 40
        assert house.site.count("sos_held") == 3


# Before every limit


def test_over_the_limit_of_its_source_it_still_rings() -> None:
    with building(over={"limits": {"requests_per_source_s": 5}}) as house, RawPhone(house.site, 21) as phone:
        flood = raw(f"sip:1002@{REALM}", phone.ip).replace("INVITE", "OPTIONS")
        for _ in range(200):
            phone.send(flood)
        time.sleep(0.3)
        phone.send(raw(f"sip:1002@{REALM}", phone.ip))
        assert phone.final(timeout_s=1) == "", "the source is not limited: this test shows nothing"
        invite = raw(f"sip:112@{REALM}", phone.ip)
        phone.send(invite)
        answer = phone.final()
        assert status(answer) == 200
        phone.send(within(invite, "ACK", answer))
        assert until(lambda: house.outside.up() == 1), "its ACK was dropped"
        phone.send(within(invite, "BYE", answer))
        assert status(phone.final("2 BYE")) == 200


def test_over_the_limit_of_its_source_it_can_give_up() -> None:
    with (
        building(outside=((0.0, 180),), over={"limits": {"requests_per_source_s": 5}}) as house,
        RawPhone(house.site, 21) as phone,
    ):
        flood = raw(f"sip:1002@{REALM}", phone.ip).replace("INVITE", "OPTIONS")
        for _ in range(200):
            phone.send(flood)
        invite = raw(f"sip:112@{REALM}", phone.ip)
        phone.send(invite)
        assert until(lambda: house.outside.seen("INVITE"))
        phone.send(within(invite, "CANCEL"))
        assert until(lambda: house.outside.seen("CANCEL")), "its CANCEL was dropped"
        assert status(phone.final()) == 487


def test_a_phone_with_too_many_wrong_answers_still_rings() -> None:
    with building(over={"limits": {"failed_auth_per_minute": 2}}) as house:
        kill(house)
        house.site.wait_mode("SURVIVAL", DETECTED_S)
        wrong = [Dial(User("1001", "wrong"), "1002")]
        codes = {result.code for _ in range(4) for result in house.ring(wrong)}
        assert 503 in codes, "the source is not banned: this test shows nothing"
        (result,) = house.ring([Dial(User("1001", "wrong"), "112")])
        assert result.completed


def test_from_outside_the_phones_networks_it_is_refused(one_house: Building) -> None:
    one_house.forget()
    site = one_house.site
    site.platform_host.address("line", f"{STRANGER_IP}/24")
    with site.platform_host.socket() as sender:
        sender.bind((STRANGER_IP, 5070))
        sender.settimeout(STEP_S)
        sender.sendto(raw(f"sip:112@{REALM}", STRANGER_IP).encode(), (UNIT_NORTH_IP, 5060))
        assert status(sender.recv(65535).decode()) == 403
    assert one_house.gateway.seen("INVITE") == one_house.outside.seen("INVITE") == []


# Whatever is dead


@pytest.mark.parametrize("die", [None, *DEATHS], ids=["alive", "kill", "freeze", "busy503"])
def test_with_all_python_dead(house: Building, die: Callable[[Building], None] | None) -> None:
    house.site.unit.kill()
    house.site.calls.kill()
    if die:
        die(house)
    for _ in range(3):
        (result,) = house.ring()
        assert house.answered(result)[-1] == ("gateway" if die else "platform")


@pytest.mark.parametrize("way", ["platform", "gateway"])
def test_a_call_that_is_up_is_not_cut(house: Building, way: str) -> None:
    site = house.site
    if way == "gateway":
        kill(house)
    centre = house.gateway if way == "gateway" else house.outside
    with RawPhone(site, 21) as phone:
        invite = raw(f"sip:112@{REALM}", phone.ip)
        phone.send(invite)
        answer = phone.final()
        assert status(answer) == 200, (answer, site.log())
        phone.send(within(invite, "ACK", answer))
        assert until(lambda: centre.up() == 1)
        if way == "platform":
            kill(house)
            site.wait_mode("SURVIVAL", DETECTED_S)
        site.unit.kill()
        site.unit.start()
        site.edge.kill()
        site.edge.start()
        assert centre.up() == 1
        assert centre.seen("BYE") == []
        phone.send(within(invite, "BYE", answer))
        assert status(phone.final("2 BYE")) == 200, site.log()
    assert until(lambda: centre.up() == 0), "the caller's BYE did not come through"


# Afterwards


def the_record(house: Building, call_id: str) -> Record:
    def found() -> Record | None:
        journal = house.site.journal()
        try:
            return next((record for record in journal.records(100) if record.call_id == call_id), None)
        finally:
            journal.close()

    assert until(found), "no record"
    time.sleep(1.5)  # the fold of a later line of the same call
    record = found()
    assert record
    return record


def test_records_are_marked(house: Building) -> None:
    (by_platform,) = house.ring([Dial(STRANGER, "0112")])
    kill(house)
    (by_gateway,) = house.ring()
    for result, way in ((by_platform, Way.PLATFORM), (by_gateway, Way.GATEWAY)):
        assert result.completed
        record = the_record(house, result.call_id)
        assert (record.emergency, record.way, record.outcome) == (True, way, Outcome.ANSWERED)
        assert (record.caller, record.callee) == ("7777", "112")
        assert record.answered_at
        assert record.ended_at
    with closing(TrunkRows.open(house.site.paths.journal)) as rows:
        noted = rows.steps(record.began_at - timedelta(minutes=1), by_gateway.call_id)
    steps = [(each.step, each.detail) for each in noted]
    assert steps[-3:] == [("way", "gateway"), ("way_answered", "gateway"), ("over", "gateway")]
    assert all(detail.startswith("platform") for _, detail in steps[:-3]), "until its death is known"
