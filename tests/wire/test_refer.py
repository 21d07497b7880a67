"""REFER in an outage, on calls that the edge carries: nobody brings anybody further than he may call himself; and
outside of a call, for one's own phone."""

from __future__ import annotations

import os
import re
import signal
import threading
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from datetime import UTC, datetime

import pytest

from callcontrol.plan.model import Entity, Extension, Identity, Kind, Person, Unit
from callcontrol.plan.reach import DEFAULT_CLASS, REACH_CLASSES
from firmware.store.database import connect
from firmware.store.load import Bulk, Municipality, load
from hil.net import Net
from hil.phone import Account, PhoneError
from hil.phone.baresip import Baresip
from hil.phone.linphone import Linphone
from hil.phone.raw import SDP, RawPhone, header, headers, status
from hil.phone.sipp import User
from hil.site import PROXY, REALM, Site, numbers, password

pytestmark = [pytest.mark.wire, pytest.mark.timeout(180)]

ONE, TWO, INSIDE, OTHER = "1001", "1002", "1003", "1004"
NUMBERS = (ONE, TWO, INSIDE, OTHER)
DESKS = ("1005", "1006")
MOBILE, ABROAD = "00701740605", "0004721030000"
AUDIO = "m=audio 40000 RTP/AVP 8\r\na=rtpmap:8 PCMA/8000\r\n"
STEP_S = 30.0


class House:
    """In SURVIVAL; `INSIDE` may call nobody outside, the others Sweden."""

    def __init__(self, net: Net, site: Site, phones: ExitStack) -> None:
        self.net, self.site, self.stack = net, site, phones
        self.phones = {
            number: phones.enter_context(
                RawPhone(site.phones, site.phone_ip(11 + place), User(number, password(number)), PROXY, REALM)
            )
            for place, number in enumerate(NUMBERS)
        }
        for phone in self.phones.values():
            assert status(phone.register()) == 200

    def up(self, caller: str, callee: str) -> tuple[str, str]:
        """A call that is answered: the callee's INVITE and its 200, as it was sent."""
        one, other = self.phones[caller], self.phones[callee]
        uri, made = f"sip:{callee}@{REALM}", {}

        def call() -> None:
            made["answer"] = one.ask("INVITE", uri, body=SDP.format(ip=one.ip) + AUDIO)

        calling = threading.Thread(target=call)
        calling.start()
        invite = other.called(timeout_s=STEP_S)
        answer = other.respond(invite, "200 OK", body=SDP.format(ip=other.ip) + AUDIO)
        calling.join(STEP_S)
        assert status(made["answer"]) == 200
        one.within("ACK", uri, made["answer"])
        return invite, answer

    def refers(self, number: str, invite: str, answer: str, more: Mapping[str, str], contact: str = "") -> str:
        """A REFER of the one who was called, in its dialog, to the other's Contact or what it takes for that; what was
        sent."""
        target = re.search(r"<([^>]+)>", contact or header(invite, "Contact"))
        assert target is not None
        route = ", ".join(headers(invite, "Record-Route"))
        names = {"From": header(answer, "To"), "To": header(answer, "From"), "Call-ID": header(answer, "Call-ID")}
        return self.phones[number].request("REFER", target[1], {**names, "Route": route, **more})

    @contextmanager
    def calls_stopped(self) -> Iterator[None]:
        os.kill(self.site.calls.pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(self.site.calls.pid, signal.SIGCONT)


@pytest.fixture(scope="module")
def house() -> Iterator[House]:
    with Net("rvref") as net, ExitStack() as phones:
        site = Site(net, users=numbers(1001, 6), configuration={"survival": {"signal_s": 5, "ring_signals": 4}})
        with closing(connect(site.paths.directory, "directory")) as directory:
            load(directory, _people(), "rig", datetime.now(UTC))
        site.start()
        site.platform.kill()
        site.wait_mode("SURVIVAL", STEP_S)
        yield House(net, site, phones)
        site.stop()


def _people() -> Bulk:
    return Bulk(
        municipalities=(Municipality(id="m", name="Norrby"),),
        classes=(DEFAULT_CLASS, REACH_CLASSES["inside"]),
        entities=(Entity(id="e", name="Norrby", municipality="m", greeting="Norrby kommun"),),
        units=(Unit(id="u", name="Bygg", entity="e"),),
        people=tuple(Person(id=f"p{one}", given="Anna", family=f"Ek {one}", unit="u") for one in (*NUMBERS, *DESKS)),
        extensions=tuple(
            Extension(
                number=number,
                kind=Kind.PERSON,
                unit="u",
                person=f"p{number}",
                reach=REACH_CLASSES["inside"] if number == INSIDE else DEFAULT_CLASS,
                identity=Identity.MAIN,
            )
            for number in (*NUMBERS, *DESKS)
        ),
    )


def _refused(house: House, number: str, refer: str) -> str:
    """The status line of the answer, without the protocol."""
    return house.phones[number].final(refer, STEP_S).partition("\r\n")[0][8:]


def _passed(house: House, at: str, refer: str, by: str) -> None:
    """The REFER has come to the other phone, which takes it."""
    came = house.phones[at].called("REFER", STEP_S)
    assert header(came, "Refer-To") == header(refer, "Refer-To")
    house.phones[at].respond(came, "202 Accepted")
    assert status(house.phones[by].final(refer, STEP_S)) == 202


def test_nobody_is_brought_further_than_the_one_who_refers_may_call(house: House) -> None:
    invite, answer = house.up(ONE, INSIDE)
    for to in (
        f"<sip:{TWO}@{REALM}>",
        f"<sip:*70*1%23@{REALM}>",
        f"sip:112@{REALM}",
        f"<sip:x-1@{house.phones[TWO].ip}:5060>",
    ):
        _passed(house, ONE, house.refers(INSIDE, invite, answer, {"Refer-To": to}), INSIDE)
    replaces = f"<sip:{MOBILE}@{REALM}?Replaces=a%3Bto-tag%3Db%3Bfrom-tag%3Dc>"
    for to in (f"<sip:{MOBILE}@{REALM}>", f"<tel:{ABROAD}>", replaces, f"<sip:%300701740605@{REALM}>"):
        said = _refused(house, INSIDE, house.refers(INSIDE, invite, answer, {"Refer-To": to}))
        assert said[:3] in ("403", "484"), to
        assert "/" in said  # in words, Swedish and English
    for to in (f"<sip:{TWO}@{REALM};method=BYE>", f"<sip:{TWO}@{REALM}>, <sip:{MOBILE}@{REALM}>", "<mailto:a@b>", "<>"):
        assert _refused(house, INSIDE, house.refers(INSIDE, invite, answer, {"Refer-To": to})).startswith("400"), to
    # A dialog of `calls`'s by its host alone is none: the alias leads to the other phone.
    target = f"<sip:{ONE}@127.0.0.1;alias={house.phones[ONE].ip}~5060~1>"
    disguised = house.refers(INSIDE, invite, answer, {"Refer-To": f"<sip:{MOBILE}@{REALM}>"}, target)
    assert _refused(house, INSIDE, disguised)[:3] in ("403", "484")
    twice = {"Refer-To": f"<sip:{TWO}@{REALM}>", "r": f"<sip:{MOBILE}@{REALM}>"}
    assert _refused(house, INSIDE, house.refers(INSIDE, invite, answer, twice)).startswith("400")


def test_the_same_number_by_one_who_may_and_not_abroad(house: House) -> None:
    invite, answer = house.up(ONE, TWO)
    _passed(house, ONE, house.refers(TWO, invite, answer, {"Refer-To": f"<sip:{MOBILE}@{REALM}>"}), TWO)
    refer = house.refers(TWO, invite, answer, {"Refer-To": f"<sip:{ABROAD}@{REALM}>"})
    assert _refused(house, TWO, refer).startswith("403")


def test_nobody_has_anothers_phone_set_something_by_a_code(house: House) -> None:
    """A phone follows a REFER unasked, and proves to be its owner's when it dials: his calls would be forwarded, or a
    number rung by a code that the one who refers may not ring."""
    invite, answer = house.up(ONE, TWO)
    for code in (f"*21*{MOBILE}%23", f"*42%23{MOBILE}", "*23*9%23", "%2322%23", "*99*1%23"):
        for host in (REALM, f"{house.phones[TWO].ip}:5060"):
            said = _refused(house, TWO, house.refers(TWO, invite, answer, {"Refer-To": f"<sip:{code}@{host}>"}))
            assert said.startswith("403"), code
    with pytest.raises(PhoneError):
        house.phones[ONE].called("REFER", 1.0)


def test_a_phone_is_rung_by_its_contact_whatever_its_user_part(house: House) -> None:
    """As one does who takes over a call by REFER with Replaces; the phone itself then knows which call is meant."""
    one, two = house.phones[ONE], house.phones[TWO]
    uri, replaces = f"sip:x-0x5556@{two.ip}:5060", "a@b;to-tag=c;from-tag=d"
    lines = {"Call-ID": f"contact-{os.urandom(4).hex()}", "From": f"<sip:{ONE}@{REALM}>;tag={os.urandom(4).hex()}"}
    challenge = one.final(one.request("INVITE", uri, {**lines, "Replaces": replaces}))
    assert status(challenge) == 407
    lines["Proxy-Authorization"] = one.authorization(challenge, "INVITE", uri)
    invite = one.request("INVITE", uri, {**lines, "Replaces": replaces}, SDP.format(ip=one.ip) + AUDIO)
    call = two.called(timeout_s=STEP_S)
    assert header(call, "Replaces") == replaces
    two.respond(call, "603 Decline")
    assert status(one.final(invite, STEP_S)) == 603


def test_where_a_phone_sends_its_caller_is_not_followed(house: House) -> None:
    one, two = house.phones[ONE], house.phones[TWO]
    uri = f"sip:{TWO}@{REALM}"
    lines = {"Call-ID": f"moved-{os.urandom(4).hex()}", "From": f"<sip:{ONE}@{REALM}>;tag={os.urandom(4).hex()}"}
    challenge = one.final(one.request("INVITE", uri, lines))
    lines["Proxy-Authorization"] = one.authorization(challenge, "INVITE", uri)
    invite = one.request("INVITE", uri, lines)
    moved = {"m": f"<sip:{OTHER}@{REALM}>", "P-Ring": OTHER}  # the second is `calls`'s word alone
    two.respond(two.called(timeout_s=STEP_S), "302 Moved Temporarily", moved)
    assert status(one.final(invite, STEP_S)) == 480
    with pytest.raises(PhoneError):
        house.phones[OTHER].called(timeout_s=1.0)


def test_without_calls_inside_alone(house: House) -> None:
    invite, answer = house.up(ONE, TWO)
    with house.calls_stopped():
        _passed(house, ONE, house.refers(TWO, invite, answer, {"Refer-To": f"<sip:{OTHER}@{REALM}>"}), TWO)
        refer = house.refers(TWO, invite, answer, {"Refer-To": f"<sip:{MOBILE}@{REALM}>"})
        assert _refused(house, TWO, refer).startswith("403")


@pytest.mark.parametrize("to", [OTHER, MOBILE], ids=["inside", "judged by calls"])
def test_the_other_phone_cannot_be_reached(house: House, to: str) -> None:
    """Nothing can be sent there: who refers hears that, and not `calls`'s word to the edge."""
    invite, answer = house.up(ONE, TWO)
    route = ("unreachable", f"{house.phones[ONE].ip}/32")
    house.site.host.ip("route", "add", *route)
    try:
        said = _refused(house, TWO, house.refers(TWO, invite, answer, {"Refer-To": f"<sip:{to}@{REALM}>"}))
    finally:
        house.site.host.ip("route", "del", *route)
    assert said.startswith("480"), said
    assert [status(one) for one in house.phones[TWO].unasked(0.5) if status(one)] == [], "answered once"


def test_ones_own_phone_is_rung_and_then_the_other(house: House) -> None:
    """A program at the desk asks by REFER, with its user's credentials; of nobody else's phone it disposes."""
    one, two = house.phones[ONE], house.phones[TWO]
    stranger = one.ask("REFER", f"sip:{TWO}@{REALM}", {"Refer-To": f"<sip:{OTHER}@{REALM}>"})
    assert status(stranger) == 403
    abroad = one.ask("REFER", f"sip:{ONE}@{REALM}", {"Refer-To": f"<sip:{ABROAD}@{REALM}>"})
    assert status(abroad) in (403, 480)
    accepted = one.ask("REFER", f"sip:{ONE}@{REALM}", {"Refer-To": f"<sip:{TWO}@{REALM}>"})
    assert status(accepted) == 202
    call = one.called(timeout_s=STEP_S)
    assert TWO in header(call, "From")
    note = one.called("NOTIFY", STEP_S)
    one.respond(note, "200 OK")
    assert "SIP/2.0 100" in note
    one.respond(call, "200 OK", body=SDP.format(ip=one.ip) + AUDIO)
    led = two.called(timeout_s=STEP_S)
    assert ONE in header(led, "From")
    two.respond(led, "603 Decline")
    note = one.called("NOTIFY", STEP_S)
    while "SIP/2.0 603" not in note:
        one.respond(note, "200 OK")
        note = one.called("NOTIFY", STEP_S)
    one.respond(note, "200 OK")
    one.respond(one.called("BYE", STEP_S), "200 OK")


@pytest.mark.long
def test_real_phones_transfer_and_are_refused(house: House) -> None:
    desks: list[Linphone | Baresip] = []
    for kind, number, tone_hz in ((Linphone, "1005", 700.0), (Baresip, "1006", 1100.0)):
        host, ip = house.net.host(f"d{number}"), f"10.98.0.{30 + int(number) - 1005}"
        house.site.switch.join(host, "eth0", f"{ip}/24")
        desk = kind(host, ip, Account(number, password(number), REALM, PROXY), tone_hz)
        desk.start()
        house.stack.callback(desk.kill)
        desk.wait_registered(STEP_S)
        desks.append(desk)
    linphone, baresip = desks
    assert isinstance(baresip, Baresip)
    linphone.dial(baresip.account.extension)
    linphone.wait_established(STEP_S)
    baresip.wait_established(STEP_S)
    baresip.transfer(ABROAD)
    baresip.transfer(ONE)
    call = house.phones[ONE].called(timeout_s=STEP_S)  # the first one that anybody was called by
    assert linphone.account.extension in header(call, "From")
    house.phones[ONE].respond(call, "200 OK", body=SDP.format(ip=house.phones[ONE].ip) + AUDIO)
    baresip.wait_closed(STEP_S)
    linphone.hang_up()
