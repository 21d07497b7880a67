"""The rig itself: networks that leave nothing behind, lines of a stated length, and platforms, one contract for all."""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import select
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from hil.net import NETNS_DIR, Host, Net, NetError
from hil.platform import Platform, PlatformError
from hil.platform.asterisk import AsteriskPlatform
from hil.platform.kamailio import KamailioPlatform
from hil.sim.line import Line

pytestmark = [pytest.mark.wire, pytest.mark.timeout(300)]

REALM = "region.example"
USERS = {"1001": "one", "1002": "two"}
PHONE_IP, PLATFORM_IP, OUTSIDE_IP = "10.99.0.1", "10.99.0.2", "10.99.0.3"
ROOT = Path(__file__).parents[2]
STEP_S = 30.0
"""For what is done at once, on a busy machine that may stand still for some seconds."""
SILENT_S = 2.0
"""So long nobody answers who is not there."""


@pytest.fixture
def net() -> Iterator[Net]:
    with Net("rvrig") as made:
        yield made


def left_of(run_name: str) -> list[str]:
    """Namespaces, files and processes of a net."""
    spaces = [name for name in os.listdir(NETNS_DIR) if name.startswith(run_name + "-")]
    files = [name for name in os.listdir(tempfile.gettempdir()) if name.startswith(run_name)]
    commands = [path.read_bytes() for path in Path("/proc").glob("[0-9]*/cmdline") if path.exists()]
    return spaces + files + [line.decode() for line in commands if run_name.encode() in line]


def eventually(true: Callable[[], bool], timeout_s: float = STEP_S) -> bool:
    deadline = time.monotonic() + timeout_s
    while not true():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


# Networks


def test_nothing_is_left_after_use() -> None:
    with Net("rvrig") as net:
        host = net.host("one")
        process = host.popen(["sleep", "600"])
        assert host.pids() == [process.pid]
        assert left_of(net.run_name)
    assert left_of(net.run_name) == []
    assert process.returncode == -signal.SIGKILL


def test_nothing_is_left_after_an_exception() -> None:
    net = Net("rvrig")

    def fail() -> None:
        with net:
            net.host("one").popen(["sh", "-c", "sleep 600 & sleep 600"])
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert left_of(net.run_name) == []


OWNER = """
import sys, time
from hil.net import Net
with Net("rvrig") as net:
    net.host("one").popen(["sh", "-c", "sleep 600 & sleep 600"])
    print(net.run_name, flush=True)
    time.sleep(600)
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL, signal.SIGINT])
def test_nothing_is_left_when_the_owner_dies(number: signal.Signals) -> None:
    owner = [sys.executable, "-c", OWNER]
    with subprocess.Popen(owner, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        assert process.stdout is not None
        run_name = process.stdout.readline().strip()
        assert left_of(run_name)
        process.send_signal(number)
    assert eventually(lambda: left_of(run_name) == [])


def test_leftovers_of_the_dead_are_swept() -> None:
    dead = subprocess.Popen(["true"])
    dead.wait()
    lost_host = Host("lost", f"rvrig-{dead.pid}-1-1-lost", Path(), [])
    subprocess.run(["ip", "netns", "add", lost_host.ns], check=True)
    lost = lost_host.popen(["sleep", "600"])
    with Net("rvrig") as net:
        net.host("one")
        assert not (NETNS_DIR / lost_host.ns).exists()
        assert lost.wait(STEP_S) == -signal.SIGKILL
        with Net("rvrig"):
            assert left_of(net.run_name), "a living owner's net was swept"


def test_a_command_that_fails_says_why(net: Net) -> None:
    host = net.host("one")
    with pytest.raises(NetError, match="nowhere"):
        host.run(["sh", "-c", "echo nowhere >&2; exit 3"])
    with pytest.raises(NetError, match="no interface 'eth7'"):
        host.blackhole("eth7")


def ping(host: Host, to: str, count: int = 20, interval_s: float = 0.01) -> tuple[int, float]:
    """Answers received, and the fastest in ms (0 when there was none): noise of a busy machine only adds."""
    args = ["ping", "-q", "-n", "-c", str(count), "-i", str(interval_s), "-W", "1", to]
    text = host.run(args, timeout_s=30, check=False).stdout
    received = re.search(r"(\d+) received", text)
    fastest = re.search(r"rtt min[^=]*= ([0-9.]+)/", text)
    assert received, text
    return int(received[1]), float(fastest[1]) if fastest else 0.0


@pytest.fixture
def pair(net: Net) -> tuple[Host, Host]:
    a, b = net.host("a"), net.host("b")
    net.link(a, "wan", f"{PHONE_IP}/24", b, "eth0", f"{PLATFORM_IP}/24")
    return a, b


def test_blackhole_is_silent_and_ends(pair: tuple[Host, Host]) -> None:
    a, _ = pair
    assert ping(a, PLATFORM_IP, 2)[0] == 2
    a.blackhole("wan")
    assert a.carrier("wan")
    with a.socket() as sender:
        sender.sendto(b"nobody is told", (PLATFORM_IP, 9))
    assert ping(a, PLATFORM_IP, 2)[0] == 0
    a.unblackhole("wan")
    assert ping(a, PLATFORM_IP, 2)[0] == 2


def test_loss_within_bounds(pair: tuple[Host, Host]) -> None:
    a, _ = pair
    assert (
        ping(a, PLATFORM_IP, 2)[0] == 2
    )  # both know each other's hardware address now: what waits for that is dropped
    a.loss("wan", 20)
    assert 0.50 < ping(a, PLATFORM_IP, 400, 0.002)[0] / 400 < 0.78  # 0.8 squared is 0.64
    a.loss("wan", 0)
    assert ping(a, PLATFORM_IP, 50, 0.002)[0] == 50


def test_pulled_cable(net: Net, pair: tuple[Host, Host]) -> None:
    a, b = pair
    b.route("10.50.0.0/16", PHONE_IP)
    assert a.carrier("wan")
    a.link_down("wan")
    assert not a.carrier("wan")
    assert ping(a, PLATFORM_IP, 1)[0] == 0
    a.link_up("wan")
    assert a.carrier("wan")
    assert ping(a, PLATFORM_IP, 2)[0] == 2
    assert "10.50.0.0/16" in b.ip("route", "show")


def test_switch_and_nat(net: Net) -> None:
    lan, phone, router, far = net.switch("lan"), net.host("phone"), net.host("router"), net.host("far")
    lan.join(phone, "eth0", "192.168.1.10/24")
    lan.join(router, "lan", "192.168.1.1/24")
    net.link(router, "wan", "10.99.0.1/24", far, "eth0", "10.99.0.2/24")
    phone.route("default", "192.168.1.1")
    router.forward(masquerade_on="wan")
    with far.socket() as heard, phone.socket() as sender:
        heard.bind(("10.99.0.2", 5060))
        heard.settimeout(STEP_S)
        sender.sendto(b"hello", ("10.99.0.2", 5060))
        assert heard.recvfrom(99)[1][0] == "10.99.0.1"


# The line


@pytest.fixture
def line(net: Net) -> tuple[Host, Host, Line]:
    a, b = net.host("a"), net.host("b")
    return a, b, Line(net, "line", (a, "wan", f"{PHONE_IP}/24"), (b, "eth0", f"{PLATFORM_IP}/24"))


def test_line_delays_loses_and_keeps_its_history(line: tuple[Host, Host, Line]) -> None:
    a, _, between = line
    assert ping(a, PLATFORM_IP)[1] < 10
    between.delay(20)
    assert 20 <= ping(a, PLATFORM_IP)[1] < 40
    between.delay(60)
    assert 60 <= ping(a, PLATFORM_IP)[1] < 90
    between.delay(0)
    between.loss(20)
    assert 0.50 < ping(a, PLATFORM_IP, 400, 0.002)[0] / 400 < 0.78
    assert between.stats()["ab"][1] > 0
    assert [command for _, command in between.history][1:5] == ["delay 20", "delay 60", "delay 0", "loss 20"]


def test_line_is_cut_one_way_and_mended(line: tuple[Host, Host, Line]) -> None:
    a, b, between = line
    assert ping(a, PLATFORM_IP, 2)[0] == 2  # both know each other's hardware address now
    with a.socket() as at_a, b.socket() as at_b:
        at_a.bind((PHONE_IP, 7000))
        at_b.bind((PLATFORM_IP, 7000))

        def passes() -> tuple[bool, bool]:
            """Which of some that are sent arrive; the line is a program, and may be late."""
            arrived: set[socket.socket] = set()
            for _ in range(3):
                at_a.sendto(b"ab", (PLATFORM_IP, 7000))
                at_b.sendto(b"ba", (PHONE_IP, 7000))
                while ready := select.select([at_a, at_b], [], [], 0.5)[0]:
                    arrived |= set(ready)
                    for end in ready:
                        end.recv(99)
                if len(arrived) == 2:
                    break
            return at_b in arrived, at_a in arrived

        assert passes() == (True, True)
        between.cut("ab")
        assert passes() == (False, True)
        between.cut("ba")
        assert passes() == (True, False)
        between.cut()
        assert passes() == (False, False)
        between.mend()
        assert passes() == (True, True)


def test_faults_of_an_interface_hold_before_a_line_too(line: tuple[Host, Host, Line]) -> None:
    a, _, _ = line
    a.blackhole("wan")
    assert ping(a, PLATFORM_IP, 2)[0] == 0
    a.unblackhole("wan")
    a.link_down("wan")
    assert ping(a, PLATFORM_IP, 1)[0] == 0
    a.link_up("wan")
    assert ping(a, PLATFORM_IP, 2)[0] == 2


# Platforms


def md5(text: str) -> str:
    return hashlib.md5(text.encode()).hexdigest()


class Agent:
    """A SIP user agent over UDP, as small as the contract of a platform needs: one request or call at a time."""

    SDP = "v=0\r\no=- 1 1 IN IP4 {ip}\r\ns=-\r\nc=IN IP4 {ip}\r\nt=0 0\r\nm=audio 9000 RTP/AVP 8\r\n"

    def __init__(self, host: Host, user: str, port: int, password: str | None = None, ip: str = PHONE_IP) -> None:
        self.user, self.port, self.ip = user, port, ip
        self.password = USERS.get(user) if password is None else password
        self.socket = host.socket()
        self.socket.bind((ip, port))
        self.contact = f"sip:{user}@{ip}:{port}"
        self._cseq = 0
        self._dialog: tuple[str, ...] = ()

    def ask(
        self, method: str, uri: str, *headers: str, to: str = "", answer: bool = True, patience_s: float = STEP_S
    ) -> tuple[int, str]:
        """Send a request, and again when it is challenged: the final code and message; (0, "") is silence."""
        self._send(method, uri, to or uri, *headers)
        code, message = self.final(patience_s)
        if code in (401, 407) and answer and self.password:
            self._send(method, uri, to or uri, *headers, self._credentials(method, uri, message))
            code, message = self.final(patience_s)
        return code, message

    def invite(self, uri: str) -> None:
        """Call, and answer the challenge; what comes then is to be heard."""
        self._send("INVITE", uri, uri)
        code, message = self.final()
        assert code in (401, 407)
        self._send("INVITE", uri, uri, self._credentials("INVITE", uri, message))

    def register(
        self, *headers: str, expires: int = 600, answer: bool = True, patience_s: float = STEP_S
    ) -> tuple[int, str]:
        mine = (f"Contact: <{self.contact}>;expires={expires}", *headers)
        return self.ask(
            "REGISTER", f"sip:{REALM}", *mine, to=f"<sip:{self.user}@{REALM}>", answer=answer, patience_s=patience_s
        )

    def bye(self) -> None:
        """End the call that was answered; the answer is to be heard."""
        uri, to, *routes = self._dialog
        self._send("BYE", uri, to, *routes)

    def heard(self, timeout_s: float = STEP_S) -> str:
        """The next message, "" when none comes."""
        if not select.select([self.socket], [], [], timeout_s)[0]:
            return ""
        return self.socket.recv(65_535).decode()

    def answer(self, request: str, code: int, reason: str) -> None:
        kept = re.findall(r"(?mi)^((?:Via|Record-Route|From|To|Call-ID|CSeq): .*)\r$", request)
        lines = [
            line + (f";tag={self.user}" if line.startswith("To:") and ";tag=" not in line else "") for line in kept
        ]
        self._write(f"SIP/2.0 {code} {reason}", [*lines, f"Contact: <{self.contact}>"], sdp=code == 200)

    def close(self) -> None:
        self.socket.close()

    def final(self, timeout_s: float = STEP_S) -> tuple[int, str]:
        """The final answer to the last request, acknowledged if need be; (0, "") is silence."""
        deadline = time.monotonic() + timeout_s
        while (left := deadline - time.monotonic()) > 0:
            message = self.heard(left)
            status = re.match(r"SIP/2.0 (\d+)", message)
            if status and int(status[1]) >= 200 and f"CSeq: {self._cseq} " in message:
                if f"CSeq: {self._cseq} INVITE" in message:
                    self._acknowledge(message, int(status[1]) < 300)
                return int(status[1]), message
        return 0, ""

    def _acknowledge(self, message: str, agreed: bool) -> None:
        (to,) = re.findall(r"(?m)^To: (.*)\r$", message)
        if not agreed:  # RFC 3261 §17.1.1.3: the branch of the INVITE
            self._send("ACK", f"sip:{REALM}", to, cseq=self._cseq, branch=f"{self._cseq}INVITE")
            return
        routes = re.findall(r"(?m)^Record-Route: (.*)\r$", message)
        (target,) = re.findall(r"(?m)^Contact: <(.*?)>", message)
        self._dialog = (target, to, *(f"Route: {route}" for route in reversed(routes)))
        self._send("ACK", *self._dialog, cseq=self._cseq)

    def _send(self, method: str, uri: str, to: str, *headers: str, cseq: int = 0, branch: str = "") -> None:
        self._cseq = cseq or self._cseq + 1
        to = to if to.startswith("<") else f"<{to}>"
        lines = [
            f"Via: SIP/2.0/UDP {self.ip}:{self.port};branch=z9hG4bK{self.port}x{branch or f'{self._cseq}{method}'}",
            f"From: <sip:{self.user}@{REALM}>;tag=f{self.port}",
            f"To: {to}",
            f"Call-ID: {'register' if method == 'REGISTER' else 'call'}-{self.port}",
            f"CSeq: {self._cseq} {method}",
            "Max-Forwards: 20",
            *headers,
        ]
        if method == "INVITE":
            lines.append(f"Contact: <{self.contact}>")
        self._write(f"{method} {uri} SIP/2.0", lines, sdp=method == "INVITE")

    def _write(self, first: str, lines: list[str], *, sdp: bool) -> None:
        body = self.SDP.format(ip=self.ip) if sdp else ""
        kind = ["Content-Type: application/sdp"] if sdp else []
        text = "\r\n".join([first, *lines, *kind, f"Content-Length: {len(body)}", "", body])
        self.socket.sendto(text.encode(), (PLATFORM_IP, 5060))

    def _credentials(self, method: str, uri: str, challenge: str) -> str:
        match = re.search(r'(WWW|Proxy)-Authenticate: Digest .*?nonce="([^"]+)"', challenge)
        assert match
        kind, nonce = match.groups()
        secret = md5(f"{self.user}:{REALM}:{self.password}")
        response = md5(f"{secret}:{nonce}:00000001:c:auth:{md5(f'{method}:{uri}')}")
        name = "Authorization" if kind == "WWW" else "Proxy-Authorization"
        given = f'username="{self.user}",realm="{REALM}",nonce="{nonce}",uri="{uri}",response="{response}"'
        return f'{name}: Digest {given},algorithm=MD5,qop=auth,nc=00000001,cnonce="c"'


@pytest.fixture
def agent(pair: tuple[Host, Host]) -> Iterator[Callable[..., Agent]]:
    with contextlib.ExitStack() as opened:

        def make(user: str, port: int, password: str | None = None, ip: str = PHONE_IP) -> Agent:
            made = Agent(pair[0], user, port, password, ip)
            opened.callback(made.close)
            return made

        yield make


KINDS = [
    pytest.param(KamailioPlatform, id="kamailio"),
    # Its first use unpacks a Debian.
    pytest.param(AsteriskPlatform, id="asterisk", marks=[pytest.mark.long, pytest.mark.timeout(900)]),
]


@pytest.fixture(params=KINDS)
def platform(request: pytest.FixtureRequest, pair: tuple[Host, Host]) -> Platform:
    made: Platform = request.param(pair[1], PLATFORM_IP, realm=REALM, users=USERS)
    made.start()
    return made


def test_platform_takes_registers_with_digest_and_path(platform: Platform, agent: Callable[..., Agent]) -> None:
    phone = agent("1001", 5071)
    path = f"Path: <sip:{PHONE_IP};lr>"
    assert phone.register(path, "Supported: path", answer=False)[0] == 401
    assert agent("1001", 5072, "wrong").register()[0] in (401, 403)
    assert platform.registrations() == {}
    assert phone.register(path, "Supported: path")[0] == 200
    ((binding,),) = platform.registrations().values()
    assert binding.contact == phone.contact
    assert binding.path == f"<sip:{PHONE_IP};lr>"
    assert 590 <= binding.expires_s <= 600
    assert phone.register(expires=0)[0] == 200
    assert platform.registrations() == {}


def test_platform_carries_a_call(platform: Platform, agent: Callable[..., Agent]) -> None:
    caller, callee = agent("1001", 5071), agent("1002", 5072)
    assert caller.ask("INVITE", f"sip:1002@{REALM}")[0] == 480
    assert caller.ask("INVITE", f"sip:1099@{REALM}")[0] == 404
    assert callee.register()[0] == 200
    caller.invite(f"sip:1002@{REALM}")
    invite = callee.heard()
    assert invite.startswith("INVITE sip:1002@")
    callee.answer(invite, 180, "Ringing")
    callee.answer(invite, 200, "OK")
    assert caller.final()[0] == 200
    assert callee.heard().startswith("ACK ")
    caller.bye()
    bye = callee.heard()
    assert bye.startswith("BYE ")
    callee.answer(bye, 200, "OK")
    assert caller.final()[0] == 200


def test_platform_calls_by_the_path(platform: Platform, agent: Callable[..., Agent]) -> None:
    caller, callee, edge = agent("1001", 5071), agent("1002", 5072), agent("edge", 5099)
    assert callee.register(f"Path: <sip:{PHONE_IP}:5099;lr>", "Supported: path")[0] == 200
    caller.invite(f"sip:1002@{REALM}")
    invite = edge.heard()
    assert invite.startswith(f"INVITE {callee.contact} ")
    assert f"Route: <sip:{PHONE_IP}:5099;lr>" in invite
    assert callee.heard(0.2) == ""


def test_platform_dies_freezes_and_returns(platform: Platform, agent: Callable[..., Agent]) -> None:
    phone = agent("1001", 5071)
    assert phone.register()[0] == 200
    platform.freeze()
    assert phone.register(answer=False, patience_s=SILENT_S)[0] == 0
    platform.thaw()
    assert eventually(lambda: phone.register(patience_s=SILENT_S)[0] == 200)
    platform.kill()
    assert phone.register(answer=False, patience_s=SILENT_S)[0] == 0
    platform.start()
    assert platform.registrations() == {}
    assert phone.register()[0] == 200
    platform.restart()
    assert platform.registrations() == {}


def written(platform: Platform, extension: str) -> None:
    """Until a binding is on the platform's disk, as within a second."""
    if isinstance(platform, KamailioPlatform):
        assert eventually(lambda: extension in platform.on_disk())
    else:
        time.sleep(1.5)


@pytest.mark.parametrize("kind", KINDS)
def test_platform_ignores_path_or_remembers(
    kind: Callable[..., Platform], pair: tuple[Host, Host], agent: Callable[..., Agent]
) -> None:
    platform = kind(pair[1], PLATFORM_IP, realm=REALM, users=USERS, path=False, persistent=True)
    platform.start()
    phone = agent("1001", 5071)
    assert phone.register(f"Path: <sip:{PHONE_IP};lr>")[0] == 200
    written(platform, "1001")
    platform.kill()
    platform.start()
    ((binding,),) = platform.registrations().values()
    assert (binding.contact, binding.path) == (phone.contact, None)


@pytest.mark.parametrize("kind", KINDS)
def test_platform_reaches_outside(
    kind: Callable[..., Platform], pair: tuple[Host, Host], agent: Callable[..., Agent]
) -> None:
    pair[0].address("wan", f"{OUTSIDE_IP}/24")
    kind(pair[1], PLATFORM_IP, realm=REALM, users=USERS, outside=f"sip:{OUTSIDE_IP}:5090").start()
    caller, world = agent("1001", 5071), agent("sos", 5090, ip=OUTSIDE_IP)
    for number in ("112", "+46701234567"):
        uri = f"sip:{number}@{REALM}"
        caller.invite(uri)
        invite = world.heard()
        assert invite.startswith(f"INVITE sip:{number}@")
        world.answer(invite, 486, "Busy Here")
        assert caller.final()[0] == 486
        assert world.heard().startswith("ACK ")


@pytest.mark.long
@pytest.mark.timeout(900)
@pytest.mark.parametrize("direct", [True, False])
def test_asterisk_holds_the_sound_or_lets_it_past(
    direct: bool, pair: tuple[Host, Host], agent: Callable[..., Agent]
) -> None:
    AsteriskPlatform(pair[1], PLATFORM_IP, realm=REALM, users=USERS, direct_media=direct).start()
    caller, callee = agent("1001", 5071), agent("1002", 5072)
    assert callee.register()[0] == 200
    caller.invite(f"sip:1002@{REALM}")
    invite = callee.heard()
    assert f"c=IN IP4 {PLATFORM_IP}" in invite
    callee.answer(invite, 200, "OK")
    assert caller.final()[0] == 200
    assert callee.heard().startswith("ACK ")
    again = callee.heard(2)
    assert again.startswith("INVITE ") == direct
    assert (f"c=IN IP4 {PHONE_IP}" in again) == direct


def test_kamailio_busy_short_and_silent(pair: tuple[Host, Host], agent: Callable[..., Agent]) -> None:
    platform = KamailioPlatform(
        pair[1], PLATFORM_IP, realm=REALM, users=USERS, min_expires_s=300, max_expires_s=900, challenges_emergency=False
    )
    platform.start()
    phone = agent("1001", 5071)
    code, message = phone.register(expires=60)
    assert (code, "Min-Expires: 300" in message) == (423, True)
    assert phone.register(expires=7200)[0] == 200
    assert 890 <= platform.registrations()["1001"][0].expires_s <= 900
    assert phone.ask("OPTIONS", f"sip:{PLATFORM_IP}")[0] == 200
    assert agent("2001", 5072).ask("INVITE", f"sip:112@{REALM}")[0] == 404  # not challenged; no way outside
    platform.busy503(True)
    assert phone.ask("OPTIONS", f"sip:{PLATFORM_IP}")[0] == 503
    assert phone.register()[0] == 503
    assert phone.ask("INVITE", f"sip:1002@{REALM}")[0] == 503
    platform.busy503(False)
    assert phone.ask("OPTIONS", f"sip:{PLATFORM_IP}")[0] == 200
    assert platform.seen()["OPTIONS"] == 3
    platform.stop()
    with pytest.raises(PlatformError, match="does not answer"):
        platform.registrations()
    silent = KamailioPlatform(pair[1], PLATFORM_IP, realm=REALM, users=USERS, answers_options=False)
    silent.start()
    assert phone.ask("OPTIONS", f"sip:{PLATFORM_IP}", patience_s=SILENT_S)[0] == 0
    assert phone.register()[0] == 200


def test_kamailio_is_slow_sick_and_half_dead(pair: tuple[Host, Host], agent: Callable[..., Agent]) -> None:
    pair[0].address("wan", f"{OUTSIDE_IP}/24")
    outside = agent("outside", 5060, "", OUTSIDE_IP)
    platform = KamailioPlatform(
        pair[1], PLATFORM_IP, realm=REALM, users=USERS, outside=f"sip:{OUTSIDE_IP}", challenges_emergency=False
    )
    platform.start()
    caller, callee = agent("1001", 5071), agent("1002", 5072)
    assert (caller.register()[0], callee.register()[0]) == (200, 200)

    platform.slow(0.4, 0.8)
    began = time.monotonic()
    caller.invite(f"sip:1002@{REALM}")
    assert caller.heard().startswith("SIP/2.0 100 ")
    assert time.monotonic() - began >= 0.4
    invite = callee.heard()
    assert invite.startswith("INVITE ")
    assert time.monotonic() - began >= 1.2
    callee.answer(invite, 180, "Ringing")
    assert eventually(lambda: [call.state for call in platform.dialogs()] == ["ringing"])
    callee.answer(invite, 200, "OK")
    assert caller.final()[0] == 200
    assert eventually(lambda: [call.state for call in platform.dialogs()] == ["up"])
    caller.bye()
    came = {message.split()[0]: message for message in (callee.heard(), callee.heard())}
    assert came.keys() == {"ACK", "BYE"}, "in either order: the platform's workers pass them on side by side"
    callee.answer(came["BYE"], 200, "OK")
    assert eventually(lambda: not platform.dialogs())
    platform.slow(0, 0)

    waiting = agent("1001", 5073)
    platform.bare_100(True)
    waiting.invite(f"sip:1002@{REALM}")
    assert waiting.heard().startswith("SIP/2.0 100 ")
    assert not waiting.heard(1)
    platform.bare_100(False)

    platform.trunk_gone(408)
    assert agent("1001", 5074).ask("INVITE", f"sip:+4690123@{REALM}")[0] == 408
    platform.trunk_gone(0)
    agent("1001", 5075).invite(f"sip:+4690123@{REALM}")
    assert outside.heard().startswith("INVITE ")

    platform.sick(True)
    assert caller.ask("OPTIONS", f"sip:{PLATFORM_IP}")[0] == 200
    assert caller.register(patience_s=SILENT_S)[0] == 0
    platform.sick(False)
    platform.options(False)
    assert caller.ask("OPTIONS", f"sip:{PLATFORM_IP}", patience_s=SILENT_S)[0] == 0
    assert caller.register()[0] == 200
    platform.restart()
    assert caller.ask("OPTIONS", f"sip:{PLATFORM_IP}")[0] == 200


def test_kamailio_stops_a_loop(pair: tuple[Host, Host], agent: Callable[..., Agent]) -> None:
    KamailioPlatform(pair[1], PLATFORM_IP, realm=REALM, users=USERS, path=False).start()
    caller, callee = agent("1001", 5071), agent("1002", 5072)
    callee.contact = f"sip:1002@{REALM}"
    assert callee.register()[0] == 200
    assert caller.ask("INVITE", f"sip:1002@{REALM}")[0] == 482


def test_kamailio_takes_tcp(pair: tuple[Host, Host]) -> None:
    KamailioPlatform(pair[1], PLATFORM_IP, realm=REALM, users=USERS).start()
    with pair[0].socket(socket.SOCK_STREAM) as stream:
        stream.settimeout(STEP_S)
        stream.connect((PLATFORM_IP, 5060))
        via = f"Via: SIP/2.0/TCP {PHONE_IP}:5071;branch=z9hG4bK1"
        request = f"OPTIONS sip:{PLATFORM_IP} SIP/2.0\r\n{via}\r\nFrom: <sip:a@b>;tag=1\r\nTo: <sip:c@d>\r\n"
        stream.sendall(f"{request}Call-ID: 1\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n".encode())
        assert stream.recv(2_000).startswith(b"SIP/2.0 200")


def test_a_platform_that_cannot_start_says_why(pair: tuple[Host, Host]) -> None:
    with pytest.raises(PlatformError, match=r"10\.99\.0\.77"):
        KamailioPlatform(pair[1], "10.99.0.77", realm=REALM, users=USERS).start()
