"""Another gateway for calls outside: Asterisk, by its account, registered at or not. Requirement A3.

Calls outside come to the edge from the process `calls`; here the test stands in its place, by its port."""

from __future__ import annotations

import contextlib
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import pytest

from hil.net import Net
from hil.phone.raw import RawPhone, header, status
from hil.phone.scripted import RINGS, Centre
from hil.phone.sipp import User
from hil.platform.asterisk import AsteriskPlatform, asterisk_root
from hil.site import PROXY, REALM, Site, numbers, password

pytestmark = [pytest.mark.wire, pytest.mark.long, pytest.mark.timeout(600)]

GATEWAY_IP, WORLD_IP = "10.99.0.3", "10.99.0.4"
ACCOUNT, SECRET = "unit7", "gateway-secret"
CALLS_PORT = 5068
OUTSIDE = "+4690100000"
STEP_S = 30.0
SDP = "v=0\r\no=- 1 1 IN IP4 10.99.0.1\r\ns=-\r\nc=IN IP4 10.99.0.1\r\nt=0 0\r\nm=audio 30000 RTP/AVP 8\r\n"


@dataclass(frozen=True)
class House:
    site: Site
    gateway: AsteriskPlatform
    world: Centre

    def place(self, number: str) -> list[int]:
        """As `calls` does: what is answered, 100 left out, until it is final."""
        with self.site.host.socket(socket.SOCK_STREAM) as wire:
            wire.settimeout(STEP_S)
            wire.connect(("127.0.0.1", CALLS_PORT))
            port = wire.getsockname()[1]
            call_id = f"{time.monotonic_ns()}@calls"
            wire.sendall(
                (
                    f"INVITE sip:{number}@region.example SIP/2.0\r\n"
                    f"Via: SIP/2.0/TCP 127.0.0.1:{port};branch=z9hG4bK{port}\r\nMax-Forwards: 70\r\n"
                    f"From: <sip:1001@region.example>;tag=a\r\nTo: <sip:{number}@region.example>\r\n"
                    f"Call-ID: {call_id}\r\nCSeq: 1 INVITE\r\nContact: <sip:calls@127.0.0.1:{port};transport=tcp>\r\n"
                    f"P-Trunk-Priority: 3\r\nContent-Type: application/sdp\r\nContent-Length: {len(SDP)}\r\n\r\n{SDP}"
                ).encode()
            )
            heard = b""
            codes: list[int] = []
            while not codes or codes[-1] < 200:
                with contextlib.suppress(TimeoutError):
                    if not (more := wire.recv(65536)):
                        break
                    heard += more
                codes = [int(line[8:11]) for line in heard.decode().split("\r\n") if line.startswith("SIP/2.0 ")]
                codes = [code for code in codes if code != 100]
            return codes


@contextmanager
def house(**gateway: object) -> Iterator[House]:
    asterisk_root()
    with Net("rvgate") as net:
        settings = {"gateway": {"address": f"sip:{GATEWAY_IP}:5060", **gateway}}
        site = Site(net, users=numbers(1001, 2), configuration=settings)
        secrets = site.config_file.with_name("secrets.toml")
        secrets.write_text(f'[gateway]\nusername = "{ACCOUNT}"\npassword = "{SECRET}"\n')
        secrets.chmod(0o600)
        for ip in (GATEWAY_IP, WORLD_IP):
            site.platform_host.address("line", f"{ip}/24")
        made = AsteriskPlatform(
            site.platform_host,
            GATEWAY_IP,
            realm="gateway.example",
            users={ACCOUNT: SECRET},
            path=False,
            outside=f"sip:{WORLD_IP}:5060",
        )
        with Centre(site.platform_host, WORLD_IP, RINGS) as world:
            try:
                made.start()
                site.platform.start()
                site.edge.start()
                yield House(site, made, world)
            finally:
                site.edge.stop()
                site.platform.stop()
                made.stop()


def test_a_call_outside_goes_by_the_gateway_with_its_account() -> None:
    with house() as home:
        assert home.place(OUTSIDE)[-1] == 200, home.site.log()
        assert home.world.seen("INVITE")
        # Nobody is there: no modem is, so it is said at once, and not left to ring.
        home.gateway.kill()
        assert home.place(OUTSIDE)[-1] == 503


def test_the_unit_registers_where_the_gateway_wants_it() -> None:
    with house(register="yes", realm="gateway.example") as home:
        home.site.wait(lambda: home.gateway.registrations().get(ACCOUNT), STEP_S, "registered")
        (binding,) = home.gateway.registrations()[ACCOUNT]
        assert "10.99.0.1" in binding.contact
        assert home.place(OUTSIDE)[-1] == 200, home.site.log()


def test_no_more_calls_than_it_takes() -> None:
    with house(calls_max=1) as home:
        assert home.place(OUTSIDE)[-1] == 200, home.site.log()
        assert home.place(OUTSIDE)[-1] == 503


def test_a_gateway_calls_and_does_nothing_else() -> None:
    """It has no limits of a phone, so it may try no passwords and send no messages; its question whether we live is
    answered at the name that the unit has registered there."""
    with house() as home:
        home.gateway.stop()
        with home.site.platform_host.socket() as wire:
            wire.bind((GATEWAY_IP, 5060))
            wire.settimeout(STEP_S)

            def answered(method: str) -> int:
                wire.sendto(
                    (
                        f"{method} sip:{ACCOUNT}@10.99.0.1 SIP/2.0\r\n"
                        f"Via: SIP/2.0/UDP {GATEWAY_IP}:5060;branch=z9hG4bK{method}\r\nMax-Forwards: 70\r\n"
                        f"From: <sip:1001@region.example>;tag=a\r\nTo: <sip:1001@region.example>\r\n"
                        f"Call-ID: {method}@gateway\r\nCSeq: 1 {method}\r\nContact: <sip:1001@{GATEWAY_IP}>\r\n"
                        "Content-Length: 0\r\n\r\n"
                    ).encode(),
                    ("10.99.0.1", 5060),
                )
                while True:
                    heard = wire.recv(65536).decode()
                    if heard.startswith("SIP/2.0 ") and f"{method}@gateway" in heard and heard[8] != "1":
                        return int(heard[8:11])

            said = {method: answered(method) for method in ("OPTIONS", "REGISTER", "MESSAGE", "SUBSCRIBE")}
        assert said == {"OPTIONS": 200, "REGISTER": 403, "MESSAGE": 403, "SUBSCRIBE": 403}


def test_who_comes_by_the_gateway_is_nobody_inside() -> None:
    """A short number is shown as one from outside, and the call goes on as any other; a whole number is shown."""
    with house() as home:
        home.gateway.stop()
        site, ip = home.site, home.site.phone_ip(11)
        with (
            RawPhone(site.phones, ip, User("1001", password("1001")), PROXY, REALM, port=5070) as phone,
            RawPhone(site.platform_host, GATEWAY_IP, User("1002"), "10.99.0.1:5060", REALM) as gateway,
        ):
            assert status(phone.register()) == 200
            for caller, shown in (
                ("1002", '"1002 (utifrån / outside)" <sip:anonymous@anonymous.invalid>;tag=g1002'),
                ("0701112233", f"<sip:0701112233@{GATEWAY_IP}>;tag=g0701112233"),
            ):
                names = {"From": f"<sip:{caller}@{GATEWAY_IP}>;tag=g{caller}", "Call-ID": f"{caller}@gateway"}
                invite = gateway.request("INVITE", "sip:1001@10.99.0.1", names, SDP)
                rung = phone.called()
                assert header(rung, "From") == shown
                phone.respond(rung, "200 OK", body=SDP)
                answer = gateway.final(invite)
                assert status(answer) == 200
                gateway.within("ACK", "sip:1001@10.99.0.1", answer)
                phone.called("ACK")
                bye = gateway.within("BYE", "sip:1001@10.99.0.1", answer)
                phone.respond(phone.called("BYE"), "200 OK")
                assert status(gateway.final(bye)) == 200
