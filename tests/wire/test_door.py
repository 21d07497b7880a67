"""The door, on the wire: what a phone says of itself, subscriptions, SRTP and text passing, limits and bans."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass

import pytest

from callcontrol.edge.door import EVENT_PACKAGES, IDENTITY_HEADERS
from hil.net import Net
from hil.phone.raw import SDP, RawPhone, body_of, header, headers, status
from hil.phone.sipp import User
from hil.site import PROXY, REALM, Site, numbers, password
from tests.wire.conftest import STEP_S

pytestmark = [pytest.mark.wire, pytest.mark.timeout(300)]

CALLER_IP, CALLEE_IP, GATEWAY_IP = 41, 42, "10.99.0.3"
BAN_S = 6
REGISTER_S = 600


@dataclass
class House:
    site: Site
    caller: RawPhone
    callee: RawPhone

    def phone(self, number: int, extension: str, secret: str | None = None, **options: object) -> RawPhone:
        user = User(extension, password(extension) if secret is None else secret)
        return RawPhone(self.site.phones, self.site.phone_ip(number), user, PROXY, REALM, **options)  # type: ignore[arg-type]

    def ring(self, more: dict[str, str], body: str = "") -> tuple[str, str]:
        """The caller rings the callee, who answers and hangs up: the INVITE and the 200, each as it came in."""
        self.callee.forget()
        own = {"From": f"<sip:1001@{REALM}>;tag=f{time.monotonic_ns()}", "Call-ID": f"d{time.monotonic_ns()}"} | more
        uri = f"sip:1002@{REALM}"
        sent = self.caller.request("INVITE", uri, own, body)
        challenge = self.caller.final(sent)
        assert status(challenge) == 407, challenge
        proof = {"Proxy-Authorization": self.caller.authorization(challenge, "INVITE", uri)}
        sent = self.caller.request("INVITE", uri, own | proof, body)
        came = self.callee.called()
        self.callee.respond(came, "180 Ringing", more)
        self.callee.respond(came, "200 OK", more, body)
        answer = self.caller.final(sent)
        assert status(answer) == 200, answer
        self.caller.within("ACK", uri, answer)
        self.callee.called("ACK")
        bye = self.caller.within("BYE", uri, answer, more)
        self.callee.respond(said := self.callee.called("BYE"), "200 OK")
        self.caller.final(bye)
        self.said = said
        return came, answer


@pytest.fixture(scope="module", params=["NORMAL", "SURVIVAL"])
def house(request: pytest.FixtureRequest) -> Iterator[House]:
    with Net("rvdoor") as net:
        # These phones register once.
        over: dict[str, dict[str, object]] = {
            "edge": {"register_s": REGISTER_S},
            "emergency": {"gateway": f"sip:{GATEWAY_IP}:5060"},
        }
        site = Site(net, users=numbers(1001, 6), configuration=over)
        site.platform_host.address("line", f"{GATEWAY_IP}/24")
        site.start()
        made = House(site, None, None)  # type: ignore[arg-type]
        made.caller, made.callee = made.phone(CALLER_IP, "1001"), made.phone(CALLEE_IP, "1002")
        with made.caller, made.callee:
            if request.param == "SURVIVAL":
                site.platform.kill()
                site.wait_mode("SURVIVAL", STEP_S)
            for phone in (made.caller, made.callee):
                assert status(phone.register(3600)) == 200
            yield made
        site.stop()


def mode_of(house: House) -> str:
    return house.site.mode()


# Who a caller is


@pytest.mark.parametrize("name", IDENTITY_HEADERS)
def test_what_a_phone_asserts_is_taken_out(house: House, name: str) -> None:
    """Of requests and answers, in the dialog and before it, in both directions."""
    claimed = "<sip:999@evil.example>;reason=unconditional"
    came, answer = house.ring({name: claimed})
    for message in (came, answer, house.said):
        assert "evil.example" not in message, message


@pytest.mark.parametrize("name", ["p-asserted-identity", "P-ASSERTED-IDENTITY", "Remote-party-id"])
def test_however_it_is_written(house: House, name: str) -> None:
    came, _ = house.ring({name: "<sip:999@evil.example>"})
    assert "evil.example" not in came


@pytest.mark.parametrize("privacy", ["", "none", "critical", "id", "user", "id;critical", "header;id", "session"])
def test_who_calls_is_asserted_here_only_where_the_unit_has_proved_it(house: House, privacy: str) -> None:
    came, _ = house.ring({"Privacy": privacy} if privacy else {})
    withheld = bool({"id", "user", "header"} & set(privacy.split(";")))
    own = mode_of(house) == "SURVIVAL" and not withheld
    assert headers(came, "P-Asserted-Identity") == ([f"<sip:1001@{REALM}>"] if own else [])
    assert header(came, "Privacy") == privacy, "a wish, which stays one"


ANONYMOUS = '"Anonymous" <sip:anonymous@anonymous.invalid>;tag='


@pytest.mark.parametrize("preferred", [{}, {"P-Preferred-Identity": f"<sip:1001@{REALM}>"}], ids=["plain", "preferred"])
def test_a_withheld_caller_gets_through_in_survival(house: House, preferred: dict[str, str]) -> None:
    if mode_of(house) != "SURVIVAL":
        pytest.skip("in NORMAL the platform decides who that is")
    came, _ = house.ring({"From": f"{ANONYMOUS}{time.monotonic_ns()}", "Privacy": "id"} | preferred)
    assert "1001" not in header(came, "From") + header(came, "P-Preferred-Identity")
    assert headers(came, "P-Asserted-Identity") == []


def test_a_withheld_caller_must_prove_who_it_is(house: House) -> None:
    if mode_of(house) != "SURVIVAL":
        pytest.skip("in NORMAL the platform decides who that is")
    with house.phone(43, "1003", "wrong") as stranger:
        more = {"From": f"{ANONYMOUS}x", "P-Preferred-Identity": f"<sip:1001@{REALM}>"}
        assert status(stranger.ask("INVITE", f"sip:1002@{REALM}", more)) in (403, 407)
    with house.phone(43, "1003") as other:
        assert status(other.ask("INVITE", f"sip:1002@{REALM}", more)) in (403, 407)


def test_112_says_nothing_that_was_not_proved(house: House) -> None:
    if mode_of(house) != "SURVIVAL":
        pytest.skip("the platform asks who it is")
    with closing(house.site.platform_host.socket()) as gateway, house.phone(44, "1004") as phone:
        gateway.bind((GATEWAY_IP, 5060))
        gateway.settimeout(STEP_S)
        sent = phone.request(
            "INVITE",
            f"sip:112@{REALM}",
            {
                "From": f"<sip:1004@{REALM}>;tag=1",
                "Call-ID": "sos-door",
                **dict.fromkeys(IDENTITY_HEADERS, "<sip:999@evil.example>"),
            },
        )
        came, source = gateway.recvfrom(65535)
        assert came.startswith(b"INVITE sip:112@")
        assert b"evil.example" not in came
        kept = [
            line for line in came.split(b"\r\n") if line.partition(b":")[0] in (b"Via", b"From", b"Call-ID", b"CSeq")
        ]
        end = b"\r\n".join([b"SIP/2.0 200 OK", *kept, b"To: <sip:112@x>;tag=g", b"Content-Length: 0", b"", b""])
        gateway.sendto(end, source)
        assert status(phone.final(sent)) == 200


# Subscriptions


@pytest.mark.parametrize("package", [*EVENT_PACKAGES, "dialog;sla", "Dialog"])
def test_listed_packages_go_their_way(house: House, package: str) -> None:
    answer = house.caller.ask("SUBSCRIBE", f"sip:1002@{REALM}", {"Event": package, "Expires": "60"})
    # The platform of the rig serves none of them and says so itself; the edge serves lamps, its mailbox to each.
    own = {"dialog": 200, "dialog;sla": 200, "presence": 200, "message-summary": 404}
    assert status(answer) == (own.get(package.lower(), 480) if mode_of(house) == "SURVIVAL" else 405)


@pytest.mark.parametrize("event", ["ua-profile", "reg", "presence.winfo", "dialogx", "x y", ";dialog", None])
@pytest.mark.parametrize("name", ["Event", "o"])
def test_others_are_refused(house: House, event: str | None, name: str) -> None:
    more = {"Expires": "60"} | ({} if event is None else {name: event})
    answer = house.caller.ask("SUBSCRIBE", f"sip:1002@{REALM}", more)
    assert status(answer) == 489
    assert header(answer, "Allow-Events").split(", ") == list(EVENT_PACKAGES)


def test_the_short_form_of_a_listed_one(house: House) -> None:
    answer = house.caller.ask("SUBSCRIBE", f"sip:1002@{REALM}", {"o": "dialog", "Expires": "60"})
    assert status(answer) != 489


# What is said within a call passes as it is

BODIES = {
    "SDES": (
        "m=audio 40000 RTP/SAVP 8\r\na=rtpmap:8 PCMA/8000\r\n"
        "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:d0RmdmcmVCspeEc3QGZiNWpVLFJhQX1cfHAwJSoj|2^20|1:32\r\n"
        "a=crypto:2 AEAD_AES_256_GCM inline:WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVzcyBzaG93IQ==\r\n"
    ),
    "DTLS": (
        "m=audio 40000 UDP/TLS/RTP/SAVPF 8\r\na=rtpmap:8 PCMA/8000\r\na=setup:actpass\r\na=rtcp-mux\r\n"
        "a=fingerprint:sha-256 "
        + ":".join(["AB"] * 32)
        + "\r\na=ice-ufrag:abcd\r\na=ice-pwd:0123456789012345678901\r\n"
    ),
    "text": (
        "m=audio 40000 RTP/AVP 8\r\na=rtpmap:8 PCMA/8000\r\n"
        "m=text 40002 RTP/AVP 98 100\r\na=rtpmap:98 t140/1000\r\na=rtpmap:100 red/1000\r\na=fmtp:100 98/98/98\r\n"
        "a=fmtp:98 cps=30\r\na=hlang-send:sv\r\na=hlang-recv:sv\r\n"
    ),
}


@pytest.mark.parametrize("body", BODIES.values(), ids=list(BODIES))
def test_media_pass_untouched(house: House, body: str) -> None:
    """Not a byte of the offer nor of the answer is changed: keys of SRTP (RFC 4568), real-time text (RFC 4103)."""
    offer = SDP.format(ip=house.caller.ip).partition("m=")[0] + body
    came, answer = house.ring({}, offer)
    assert body_of(came) == offer
    assert body_of(answer) == offer


# Limits and bans


@pytest.fixture(scope="module")
def limited() -> Iterator[House]:
    """A house in SURVIVAL whose limits are low, with a phone that is registered at the address of the others."""
    with Net("rvlim") as net:
        limits: dict[str, object] = {"requests_per_source_s": 10, "requests_per_address_s": 30, "ban_s": BAN_S}
        over: dict[str, dict[str, object]] = {
            "edge": {"register_s": REGISTER_S},
            "limits": limits,
            "emergency": {"gateway": f"sip:{GATEWAY_IP}:5060", "hold_s": 5, "no_ringing_s": 2},
        }
        site = Site(net, users=numbers(1001, 6), configuration=over)
        site.start()
        site.platform.kill()
        site.wait_mode("SURVIVAL", STEP_S)
        made = House(site, None, None)  # type: ignore[arg-type]
        made.caller = made.phone(CALLER_IP, "1001", port=5061)
        made.callee = made.phone(CALLER_IP, "1002", port=5062)
        with made.caller, made.callee:
            for phone in (made.caller, made.callee):
                assert status(phone.register(3600)) == 200
            yield made
        site.stop()


def flood(house: House, port: int, count: int, request: str = f"OPTIONS sip:1002@{REALM} SIP/2.0") -> None:
    """From a port of the phones' shared address; what comes back is not read."""
    ip, method = house.site.phone_ip(CALLER_IP), request.partition(" ")[0]
    address, _, proxy_port = PROXY.partition(":")
    with closing(house.site.phones.socket(socket.SOCK_DGRAM)) as sender:
        sender.bind((ip, port))
        sender.connect((address, int(proxy_port)))
        for number in range(count):
            mark = f"{port}-{number}-{time.monotonic_ns()}"
            lines = [request, f"Via: SIP/2.0/UDP {ip}:{port};rport;branch=z9hG4bK{mark}", "Max-Forwards: 70"]
            lines += [f"From: <sip:1001@{REALM}>;tag={mark}", f"To: <sip:1002@{REALM}>", f"Call-ID: {mark}"]
            lines += [f"CSeq: 1 {method}", f"Contact: <sip:x@{ip}:{port}>", "Content-Length: 0", "", ""]
            sender.send("\r\n".join(lines).encode())
            if number % 20 == 19:
                time.sleep(0.005)


def test_a_source_that_floods_is_banned_and_the_ban_ends(limited: House) -> None:
    site = limited.site
    before, began = site.count("bans"), time.monotonic()
    flood(limited, 5070, 200)
    site.wait(lambda: site.count("bans") > before, STEP_S, "banned")
    assert site.table("ban") == {f"{site.phone_ip(CALLER_IP)}:5070": 1}
    assert site.count("flood_dropped") > 0
    with limited.phone(CALLER_IP, "1003", port=5070) as phone:
        ask = phone.request("OPTIONS", f"sip:{REALM}", {"Call-ID": "b1", "From": "<sip:a@b>;tag=1"})
        with pytest.raises(Exception, match="no final answer"):
            phone.final(ask, 1)
        site.wait(lambda: not site.table("ban"), BAN_S + STEP_S, "not banned any more")
        assert time.monotonic() - began > BAN_S / 2
        assert status(phone.register()) == 200


def test_a_neighbour_behind_the_same_address_is_not_held(limited: House) -> None:
    """By one port that floods, and by a host that takes a new port for each few packets."""
    flood(limited, 5071, 200)
    limited.ring({})
    for port in range(6000, 6100):
        flood(limited, port, 4)
    limited.ring({})
    assert limited.site.count("flood_dropped") > 0


def test_a_connection_is_a_source_of_its_own(limited: House) -> None:
    with limited.phone(45, "1004", transport="tcp") as bad, limited.phone(45, "1005", transport="tcp") as good:
        assert status(good.register()) == 200
        for number in range(200):
            bad.request("OPTIONS", f"sip:{REALM}", {"Call-ID": f"t{number}", "From": "<sip:a@b>;tag=1"})
        limited.site.wait(lambda: f"{bad.ip}:{bad.port}" in limited.site.table("ban"), STEP_S, "banned")
        assert status(good.register()) == 200


def test_112_is_never_held_by_a_ban(limited: House) -> None:
    """Of the banned phone itself and of its neighbour; also while it floods 112 itself, then not each of them."""
    site = limited.site
    with closing(site.platform_host.socket()) as gateway:
        site.platform_host.address("line", f"{GATEWAY_IP}/24")
        gateway.bind((GATEWAY_IP, 5060))
        gateway.settimeout(STEP_S)
        flood(limited, 5072, 200)
        site.wait(lambda: f"{site.phone_ip(CALLER_IP)}:5072" in site.table("ban"), STEP_S, "banned")
        flood(limited, 5072, 1, f"INVITE sip:112@{REALM} SIP/2.0")
        assert gateway.recv(65535).startswith(b"INVITE sip:112@")
        flood(limited, 5073, 500, f"INVITE sip:112@{REALM} SIP/2.0")
        assert site.count("sos_flooded") > 0
        limited.caller.request(
            "INVITE", f"sip:112@{REALM}", {"From": f"<sip:1001@{REALM}>;tag=n", "Call-ID": "neighbour-sos"}
        )
        deadline = time.monotonic() + STEP_S
        while b"neighbour-sos" not in gateway.recv(65535):
            assert time.monotonic() < deadline


def test_a_neighbour_who_guesses_passwords_holds_nobody(limited: House) -> None:
    with limited.phone(CALLER_IP, "1001", "wrong", port=5074) as guesser:
        codes = []
        for _ in range(15):
            codes.append(status(guesser.ask("INVITE", f"sip:1002@{REALM}")))
            time.sleep(0.3)  # below the other limit
        assert codes[-1] == 503
    limited.ring({})
