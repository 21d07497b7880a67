"""Whatever a stranger in the phones' network sends: the edge neither dies nor grows nor tells, and phones go on.

Invariant, held after every test: a normal phone registers and calls; the edge's processes are the ones that were; none
of what was sent stands in its log; no answer holds a secret."""

from __future__ import annotations

import contextlib
import itertools
import os
import random
import re
import select
import socket
import sqlite3
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import md5
from pathlib import Path
from types import TracebackType

import pytest

from callcontrol.digest import ha1
from callcontrol.edge.rpc import EdgeError
from callcontrol.records import Record
from hil.net import Net
from hil.phone.sipp import Answering, Dial, Sipp, User
from hil.site import PROXY, REALM, UNIT_SOUTH_IP, Site, numbers, password

pytestmark = [pytest.mark.wire, pytest.mark.timeout(300)]

VECTOR_DIR = Path(__file__).parents[1] / "vectors" / "sip"
VECTORS = sorted(VECTOR_DIR.rglob("*.dat"))
UNIT = (UNIT_SOUTH_IP, 5060)
STRANGER_IP, GATEWAY_IP = 66, "10.99.0.3"
SEED = 4475
UDP_MAX = 65_507  # bytes of a datagram's payload
REGISTER_S = 60
AT_ONCE = 20  # datagrams between two signs of life, well below what the socket's buffer holds
QUIET_S = 60.0  # an unanswered request is given up within 32 s, a call to 112 here within 15 s
GROWTH_MAX_KB = 3_072
"""What the edge's processes together may grow by over all rounds after the third: measured 0.4 to 1.0 MB of 24 to 46.
Each of the 16 has a heap that comes to its full size by what happens to fall to it."""

_numbers = itertools.count(1)


@dataclass
class Edge:
    """A running edge, what is normal for it, and what strangers have sent it."""

    site: Site
    mode: str
    callee: Answering | None = None
    pids: list[int] = field(default_factory=list)
    words: set[str] = field(default_factory=set)
    log_from: int = 0
    answers: list[bytes] = field(default_factory=list)

    def log(self) -> bytes:
        """What has been logged since `forget`."""
        return (self.site.host.directory / "edge.log").read_bytes()[self.log_from :]

    def forget(self) -> None:
        """What was sent, told and logged so far."""
        self.words.clear()
        self.answers.clear()
        self.log_from += len(self.log())

    def running(self) -> list[int]:
        return sorted(self.site.host.pids(self.site.edge.pid))

    def pss_kb(self) -> int:
        """Memory of all the edge's processes, what they share counted once (proc(5), smaps_rollup). Their programs' own
        files are left out: a share of those is of every Kamailio on this machine, and grows when another one ends."""
        rollups = (Path(f"/proc/{pid}/smaps_rollup").read_text() for pid in self.running())
        return sum(int(kb) for text in rollups for kb in re.findall(r"^Pss_(?:Anon|Shmem):\s+(\d+)", text, re.M))

    def sipp(self, number: int, transport: str = "udp") -> Sipp:
        return Sipp(self.site.phones, self.site.phone_ip(number), PROXY, REALM, transport=transport)

    def serves(self, transport: str = "udp") -> bool:
        """Whether a phone registers, and rings another."""
        registered = self.sipp(31, transport).register([user(1003)], expires_s=60)
        (called,) = self.sipp(32, transport).call([Dial(user(1004), "1002")], hold_ms=20, patience_ms=25_000)
        return [result.code for result in registered] == [200] and called.completed

    def told(self) -> set[str]:
        """Words of strangers that stand in the log."""
        return self.words & words_of(self.log())


def words_of(data: bytes) -> set[str]:
    return {word.decode() for word in re.findall(rb"[A-Za-z][A-Za-z0-9_]{7,60}", data)}


def user(extension: int) -> User:
    return User(str(extension), password(str(extension)))


@pytest.fixture(scope="module", params=["NORMAL", "SURVIVAL"])
def running(request: pytest.FixtureRequest) -> Iterator[Edge]:
    with Net("rvho") as net:
        over: dict[str, dict[str, object]] = {
            "edge": {"register_s": REGISTER_S},
            "emergency": {"hold_s": 5, "no_ringing_s": 2, "gateway": f"sip:{GATEWAY_IP}:5060"},
        }
        site = Site(net, users=numbers(1001, 6), configuration=over, challenges_emergency=False)
        site.platform_host.address("line", f"{GATEWAY_IP}/24")
        site.start()
        edge = Edge(site, request.param)
        edge.callee = edge.sipp(30).answer([user(1002)], refresh_s=5)
        edge.callee.wait_registered(30)
        if edge.mode == "SURVIVAL":
            site.platform.kill()
            site.wait_mode("SURVIVAL", 30)
        assert edge.serves()
        edge.pids = edge.running()
        yield edge
        site.stop()


@pytest.fixture
def edge(running: Edge) -> Iterator[Edge]:
    running.forget()
    yield running
    assert running.running() == running.pids, running.site.log()
    assert running.serves(), running.site.log()
    running.site.wait_mode(running.mode, 30)
    secrets = {ha1(name, REALM, password(name), "md5").encode() for name in running.site.users}
    assert not any(secret in answer for answer in running.answers for secret in secrets)
    assert running.told() == set()


class Stranger:
    """A host of the phones' network that sends what it likes; a context manager."""

    def __init__(self, edge: Edge, number: int = STRANGER_IP) -> None:
        self.edge = edge
        self.ip = edge.site.phone_ip(number)
        self._known = words_of(edge.log()) | {"reservvaxel"}
        self._udp = edge.site.phones.socket()
        self._udp.bind((self.ip, 5060))
        self._udp.setblocking(False)

    def __enter__(self) -> Stranger:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._udp.close()

    def note(self, data: bytes) -> None:
        """Remember the words that were sent: none of them may come to stand in the log."""
        self.edge.words |= words_of(data) - self._known

    def udp(self, messages: Iterable[bytes], *, rate: float = 0) -> None:
        """One datagram each; the edge is asked for a sign of life every few, so that none is lost unread. `rate` is so
        many a second at most."""
        for number, data in enumerate(messages):
            self.note(data)
            self._send(data[:UDP_MAX])
            if number % AT_ONCE == AT_ONCE - 1:
                self.alive()
                time.sleep(AT_ONCE / rate if rate else 0)
        self.alive()

    def ask(self, data: bytes, call_id: str, timeout_s: float = 5) -> bytes:
        """Send, and give the next final answer for a Call-ID; empty when none comes."""
        self.note(data)
        self._send(data)
        return self._await(call_id.encode(), timeout_s)

    def alive(self) -> None:
        """An OPTIONS that is answered: all that was sent before has been read."""
        number = next(_numbers)
        ping = message("OPTIONS", f"sip:{UNIT_SOUTH_IP}", self.ip, {"Call-ID": f"ping{number}"})
        for _ in range(6):  # a datagram may be lost in a full buffer
            self._send(ping)
            if self._await(f"ping{number}".encode(), 3):
                return
        raise AssertionError(f"the edge is silent:\n{self.edge.site.log()}")

    def connect(self, port: int = 0) -> socket.socket:
        opened = self.edge.site.phones.socket(socket.SOCK_STREAM)
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        opened.bind((self.ip, port))
        opened.settimeout(5)
        opened.connect(UNIT)
        opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return opened

    def tcp(self, data: bytes, *, piece: int = 0, slowly_s: float = 0) -> None:
        """On a connection of its own, in one or in pieces of so many bytes."""
        self.note(data)
        with contextlib.closing(self.connect()) as stream, contextlib.suppress(OSError):  # it may hang up on us
            for at in range(0, len(data), piece or max(1, len(data))):
                stream.sendall(data[at : at + (piece or len(data))])
                time.sleep(slowly_s)
            if select.select([stream], [], [], 0.02)[0]:
                self.edge.answers.append(stream.recv(65536))

    def _send(self, data: bytes) -> None:
        select.select([], [self._udp], [], 5)
        self._udp.sendto(data, UNIT)

    def _await(self, mark: bytes, timeout_s: float) -> bytes:
        deadline = time.monotonic() + timeout_s
        while (left := deadline - time.monotonic()) > 0 and select.select([self._udp], [], [], left)[0]:
            answer = self._udp.recv(65536)
            self.edge.answers.append(answer)
            if mark in answer and re.match(rb"SIP/2.0 [2-6]", answer):
                return answer
        return b""


def message(method: str, request: str, ip: str, more: dict[str, str] | None = None, body: str = "") -> bytes:
    """A plain request, as it leaves a phone; `more` replaces or adds headers."""
    number = next(_numbers)
    lines = {
        "Via": f"SIP/2.0/UDP {ip}:5060;rport;branch=z9hG4bK-h{number}",
        "From": f"<sip:1001@{REALM}>;tag=h{number}",
        "To": f"<sip:1001@{REALM}>" if method == "REGISTER" else f"<{request}>",
        "Call-ID": f"h{number}@{ip}",
        "CSeq": f"1 {method}",
        "Contact": f"<sip:1001@{ip}:5060>",
        "Max-Forwards": "70",
        **(more or {}),
        "Content-Length": str(len(body.encode())),
    }
    head = f"{method} {request} SIP/2.0\r\n" + "".join(f"{name}: {value}\r\n" for name, value in lines.items())
    return f"{head}\r\n{body}".encode("utf-8", "surrogateescape")


def header(text: bytes, name: str) -> str:
    match = re.search(rf"^{name}:\s*(.*?)\r$".encode(), text, re.M | re.I)
    return match[1].decode("utf-8", "surrogateescape") if match else ""


def digest(challenge: bytes, method: str, uri: str, extension: str) -> str:
    """The value of (Proxy-)Authorization that answers a challenge (RFC 2617, MD5)."""
    offered = header(challenge, "WWW-Authenticate") or header(challenge, "Proxy-Authenticate")
    found = dict(re.findall(r'(\w+)="?([^",]+)"?', offered.partition(" ")[2]))

    def hashed(text: str) -> str:
        return md5(text.encode()).hexdigest()

    first, second = ha1(extension, REALM, password(extension), "md5"), hashed(f"{method}:{uri}")
    middle = f"{found['nonce']}:00000001:c:auth" if "qop" in found else found["nonce"]
    tail = ', qop=auth, nc=00000001, cnonce="c"' if "qop" in found else ""
    return (
        f'Digest username="{extension}", realm="{REALM}", nonce="{found["nonce"]}", uri="{uri}", '
        f'response="{hashed(f"{first}:{middle}:{second}")}"{tail}'
    )


def answered(stranger: Stranger, method: str, request: str, more: dict[str, str], extension: str = "1001") -> bytes:
    """A request of somebody who has a secret of the unit's and means ill: its challenge is answered."""
    call_id = more.setdefault("Call-ID", f"in{next(_numbers)}")
    mark = call_id.partition("\r")[0].partition("\n")[0].encode("utf-8", "surrogateescape").decode("latin1")
    first = stranger.ask(message(method, request, stranger.ip, more), mark)
    if first[8:11] not in (b"401", b"407"):
        return first
    if method == "INVITE":
        stranger.udp([acknowledge(method, request, stranger.ip, more, first)])
    name = "Authorization" if first[8:11] == b"401" else "Proxy-Authorization"
    again = more | {name: digest(first, method, request, extension), "CSeq": f"2 {method}"}
    return stranger.ask(message(method, request, stranger.ip, again), mark)


def acknowledge(method: str, request: str, ip: str, more: dict[str, str], answer: bytes) -> bytes:
    own = {
        "CSeq": header(answer, "CSeq").replace(method, "ACK"),
        "To": header(answer, "To"),
        "Via": header(answer, "Via"),
    }
    return message("ACK", request, ip, more | own)


def truncated(data: bytes, chance: random.Random) -> Iterator[bytes]:
    """At each of the first places where something ends, and at some others."""
    ends = [match.end() for match in re.finditer(rb"[\r\n ;:<>=\",]", data)]
    places = {*chance.sample(ends, min(15, len(ends))), *(chance.randrange(len(data)) for _ in range(10))}
    return (data[:place] for place in sorted(places))


def noisy(data: bytes, chance: random.Random) -> bytes:
    """Some bytes changed, some left out, some doubled; at places that a parser minds as often as at others."""
    out = bytearray(data)
    for _ in range(chance.randint(1, 8)):
        places = [n for n, byte in enumerate(out) if byte in b'\r\n ;:<>=",@']
        at = chance.choice(places) if places and chance.random() < 0.5 else chance.randrange(len(out))
        what = chance.randrange(3)
        if what == 0:
            out[at] = chance.choice([0, 10, 13, 32, 34, 36, 39, 92, 124, 255, chance.randrange(256)])
        elif what == 1:
            del out[at]
        else:
            out[at:at] = out[at : at + chance.randint(1, 40)]
        if not out:
            return b"\0"
    return bytes(out)


GARBAGE: list[bytes] = [
    b"", b"\0", b"\r\n\r\n", b"\r\n" * 30_000, b"\0" * UDP_MAX, b"\xff" * UDP_MAX, b"A" * UDP_MAX, b" " * 60_000,
    b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", b"\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03" + b"\x55" * 500,
    b"\0\x01\0\0\x21\x12\xa4\x42" + b"\x42" * 12, b"INVITE", b"INVITE ", b"SIP/2.0", b"SIP/2.0 ", b"SIP/2.0 200",
    b"SIP/2.0 200 OK\r\n\r\n", b"INVITE sip:a SIP/2.0\r\n\r\n", b"INVITE sip:a SIP/2.0\r\n" + b"Via: " * 10_000,
    b"REGISTER sip:a SIP/2.0\r\n" + b":\r\n" * 20_000, b'{"jsonrpc":"2.0","method":"core.kill","id":1}',
    b"<>" * 30_000, b"INVITE " + b"sip:" * 15_000 + b" SIP/2.0\r\n\r\n",
    b"INVITE sip:" + b"@" * 60_000 + b" SIP/2.0\r\n\r\n",
]  # fmt: skip


def large(ip: str) -> Iterator[bytes]:
    """Requests as large as a datagram can be, or larger: by one header, by many, by what is in them."""
    for name in ("X-Long", "Subject", "User-Agent", "Authorization", "Contact", "Route", "Supported", "Call-ID"):
        yield message("REGISTER", f"sip:{REALM}", ip, {name: "z" * 64_000})
    yield message("INVITE", f"sip:1002@{REALM}", ip, {f"X-{n}": "y" * 50 for n in range(1000)})
    yield message("INVITE", f"sip:1002@{REALM}", ip, {"From": f'"{"x" * 64_000}" <sip:1001@{REALM}>;tag=1'})
    yield message("INVITE", f"sip:{'9' * 60_000}@{REALM}", ip)
    yield message("INVITE", f"sip:112@{REALM}", ip, {"X-Long": "w" * 64_000})
    yield message("OPTIONS", f"sip:1002@{REALM}", ip, {"X-Folded": "a" + "\r\n a" * 12_000})
    yield message("OPTIONS", f"sip:{UNIT_SOUTH_IP}", ip, {}, body="b" * 64_000)


def strangers_registers(ip: str, count: int) -> Iterator[bytes]:
    for number in range(count):
        name = f"{chr(97 + number % 26)}{number}nobody"
        address = {"From": f"<sip:{name}@{REALM}>;tag=r{number}", "To": f"<sip:{name}@{REALM}>"}
        yield message("REGISTER", f"sip:{REALM}", ip, address | {"Contact": f"<sip:{name}@{ip}:5060>"})


# Vectors


def test_the_vectors_are_there() -> None:
    assert len([path for path in VECTORS if "rfc4475" in path.parts]) == 49
    assert len([path for path in VECTORS if "own" in path.parts]) >= 50
    readme = (VECTOR_DIR / "README.md").read_text()
    assert [path.stem for path in VECTORS if f"`{path.stem}`" not in readme] == []


def test_vectors_whole_by_udp(edge: Edge) -> None:
    with Stranger(edge) as stranger:
        stranger.udp(path.read_bytes() for path in VECTORS)


def test_vectors_whole_by_tcp(edge: Edge) -> None:
    with Stranger(edge) as stranger:
        for path in VECTORS:
            stranger.tcp(path.read_bytes())
        stranger.tcp(b"".join(path.read_bytes() for path in VECTORS))


def test_vectors_truncated(edge: Edge) -> None:
    chance = random.Random(SEED)
    with Stranger(edge) as stranger:
        stranger.udp(piece for path in VECTORS for piece in truncated(path.read_bytes(), chance))
        for path in VECTORS[::2]:
            for piece in itertools.islice(truncated(path.read_bytes(), chance), 3):
                stranger.tcp(piece)


@pytest.mark.parametrize("seed", [SEED, SEED + 1])
def test_vectors_noisy(edge: Edge, seed: int) -> None:
    chance = random.Random(seed)
    with Stranger(edge) as stranger:
        stranger.udp(noisy(path.read_bytes(), chance) for _ in range(8) for path in VECTORS)
        for path in VECTORS[::2]:
            stranger.tcp(noisy(path.read_bytes(), chance))


def test_vectors_by_tcp_byte_by_byte(edge: Edge) -> None:
    with Stranger(edge) as stranger:
        for path in VECTORS:
            data = path.read_bytes()
            if len(data) < 3_000:
                stranger.tcp(data, piece=1)


# Garbage and size


def test_garbage(edge: Edge) -> None:
    chance = random.Random(SEED)
    pieces = GARBAGE + [chance.randbytes(chance.choice([1, 20, 300, 1500, 9000])) for _ in range(300)]
    with Stranger(edge) as stranger:
        stranger.udp(pieces)
        for piece in pieces[:100]:
            stranger.tcp(piece)


def test_too_large(edge: Edge) -> None:
    with Stranger(edge) as stranger:
        for data in large(stranger.ip):
            stranger.udp([data])
            stranger.tcp(data)
        stranger.tcp(
            message("OPTIONS", "sip:x", stranger.ip, {"X": "y"}).replace(
                b"Content-Length: 0", b"Content-Length: 2000000000"
            )
            + b"z" * 100_000
        )


def test_registers_of_nobody(edge: Edge) -> None:
    with Stranger(edge) as stranger:
        stranger.udp(strangers_registers(stranger.ip, 3000), rate=250)
    assert set(edge.site.bindings()) <= {"1002", "1003"}


def test_a_storm_from_many_addresses(edge: Edge) -> None:
    """More than phones ever send, from more addresses than a limit for each of them can hold: it passes, and while it
    lasts 112 is answered."""
    with Stranger(edge) as stranger, contextlib.closing(edge.site.platform_host.socket()) as gateway:
        gateway.bind((GATEWAY_IP, 5060))
        stranger.udp(strangers_registers(stranger.ip, 4000))
        gateway.settimeout(30)
        stranger.udp([message("INVITE", f"sip:112@{REALM}", stranger.ip)])
        asked = gateway.recv(65536)
        assert asked.startswith(b"INVITE sip:112@"), asked


# Memory


@pytest.mark.long
def test_memory_is_flat(edge: Edge) -> None:
    """After a first round of everything, further ones leave the edge as large as it was."""

    def round_of(seed: int) -> int:
        chance = random.Random(seed)
        stranger.udp(path.read_bytes() for path in VECTORS)
        stranger.udp(noisy(path.read_bytes(), chance) for _ in range(3) for path in VECTORS)
        stranger.udp(GARBAGE)
        stranger.udp(large(stranger.ip))
        stranger.udp(strangers_registers(stranger.ip, 500), rate=250)
        for path in VECTORS:
            stranger.tcp(path.read_bytes())
        quiet(edge)
        return edge.pss_kb()

    with Stranger(edge) as stranger:
        assert edge.serves()
        sizes = [round_of(seed) for seed in range(5)]
    print(f"{edge.mode}: PSS after each round {sizes} kB")
    assert max(sizes[3:]) - sizes[2] <= GROWTH_MAX_KB, sizes


def quiet(edge: Edge) -> None:
    """Until every transaction and every call to 112 that strangers began has come to its end."""

    def ended() -> bool:
        calls, transactions = edge.site.rpc("dlg.stats_active"), edge.site.rpc("tm.stats")
        # One that waits has had its answer; the probes of the platform are always under way.
        return transactions["current"] - transactions["waiting"] <= 3 and not any(calls.values())

    edge.site.wait(ended, QUIET_S, "quiet")


# Connections


def half(stranger: Stranger, number: int) -> bytes:
    whole = message("REGISTER", f"sip:{REALM}", stranger.ip, {"Call-ID": f"slow{number}half"})
    return whole[: len(whole) // 2]


def test_slow_connections(edge: Edge) -> None:
    """A byte a second each, by many; meanwhile others are served as ever."""
    with Stranger(edge) as stranger, contextlib.ExitStack() as stack:
        streams = [stack.enter_context(contextlib.closing(stranger.connect())) for _ in range(200)]
        texts = [half(stranger, number) for number in range(len(streams))]
        for second in range(6):
            for stream, text in zip(streams, texts, strict=True):
                with contextlib.suppress(OSError):
                    stream.send(text[second : second + 1])
            time.sleep(1)
        assert edge.serves()
        assert edge.serves("tcp")


def test_more_connections_than_there_is_room_for(edge: Edge) -> None:
    """One host opens all it can and sends half a message on each: phones by TCP are still served."""
    with Stranger(edge) as stranger, contextlib.ExitStack() as stack:
        opened = 0
        for number in range(2500):
            try:
                stream = stack.enter_context(contextlib.closing(stranger.connect()))
                stream.sendall(half(stranger, number))
            except OSError:
                break
            opened += 1
        assert edge.serves(), f"{opened} connections"
        assert edge.serves("tcp"), f"{opened} connections"


def test_a_silent_connection_is_closed(edge: Edge) -> None:
    """A phone is heard of within register_s; what is silent for several times as long, half a message told, is none."""
    lifetime = re.search(r"(?m)^tcp_connection_lifetime=(\d+)$", edge.site.paths.edge_config.read_text())
    assert lifetime
    assert int(lifetime[1]) <= 4 * REGISTER_S


# Injection

EVIL = {
    "quotes": "1001'--",
    "double quotes": '1001"x',
    "sql": "1001');DELETE-FROM-location;--",
    "backslash": "1001\\",
    "backslash quote": '1001\\"',
    "backslash u": "1001\\u0022",
    "json": '1001",0,0],"method":"core.kill","x":["',
    "variable": "$var(ha1)",
    "table": "$sht(cred=>1001)",
    "table key": "1001=>x",
    "pipe": "a|b|c",
    "percent": "%s%n%x",
    "escaped nul": "a%00b",
    "nul": "a\0b",
    "newline": "a\r\n b",
    "newline header": "a\r\n\tX-Evil: yes",
    "octets": "\udcff\udcfe\udc80",
    "controls": "\x01\x1b[2J\x7f",
    "colon": "a:b:c",
    "semicolon": "a;b=c",
    "comma": "a,b",
    "long": "l" * 5000,
    "dots": "../../../etc/passwd",
}


@pytest.mark.parametrize("evil", EVIL.values(), ids=list(EVIL))
def test_a_phone_with_a_secret_and_an_evil_contact(edge: Edge, evil: str) -> None:
    """Its Contact is kept, looked up, rung, written to a database and told in JSON."""
    with Stranger(edge) as stranger:
        try:
            for contact in (
                f"<sip:{evil}@{stranger.ip}:5060>",
                f"<sip:1001@{stranger.ip}:5060;x={evil}>",
                f'"{evil}" <sip:1001@{stranger.ip}:5060>',
                f"<sip:1001@{stranger.ip}:5060>;x={evil}",
            ):
                answer = answered(stranger, "REGISTER", f"sip:{REALM}", {"Contact": contact})
                assert b"\nX-Evil" not in answer
                assert contacts(edge, "1002") == 1
            ringing = edge.sipp(33).place([Dial(user(1004), "1001")], patience_ms=300)
            time.sleep(1.5)  # bindings are written each second
            ringing.stop()
            assert_database(edge)
        finally:
            answered(stranger, "REGISTER", f"sip:{REALM}", {"Contact": "*", "Expires": "0"})
        assert contacts(edge, "1001") == 0


def contacts(edge: Edge, extension: str) -> int:
    """How many of an extension are bound."""
    try:
        return len(edge.site.rpc("ul.lookup", "location", extension)["Contacts"])
    except EdgeError as error:
        # RFC 3261 lets any octet stand in a Contact, JSON does not.
        return 1 if "not JSON" in str(error) else 0


@pytest.mark.parametrize("evil", EVIL.values(), ids=list(EVIL))
def test_evil_names_calls_and_numbers(edge: Edge, evil: str) -> None:
    with Stranger(edge) as stranger:
        for place in (
            {"To": f"<sip:{evil}@{REALM}>"},
            {"To": f'"{evil}" <sip:1002@{REALM}>'},
            {"From": f"<sip:{evil}@{REALM}>;tag=e"},
            {"From": f'"{evil}" <sip:1001@{REALM}>;tag=e'},
            {"From": f"<sip:1001@{REALM}>;tag={evil}"},
            {"Call-ID": evil},
            {"CSeq": f"{evil} INVITE"},
            {"Proxy-Authorization": f'Digest username="{evil}", realm="{REALM}", nonce="{evil}", response="0"'},
            {"Route": f"<sip:{evil}@{UNIT_SOUTH_IP};lr>"},
            {"Max-Forwards": evil},
            {"Expires": evil},
        ):  # fmt: skip
            for method, request in (
                ("REGISTER", f"sip:{REALM}"),
                ("INVITE", f"sip:1002@{REALM}"),
                ("INVITE", f"sip:112@{REALM}"),
            ):
                stranger.udp([message(method, request, stranger.ip, place)])
        for request in (f"sip:{evil}@{REALM}", f"sip:1002@{REALM};{evil}", f"tel:{evil}"):
            stranger.udp([message("INVITE", request, stranger.ip), message("OPTIONS", request, stranger.ip)])
        assert_database(edge)


def assert_database(edge: Edge) -> None:
    """All its tables are there, and 1002 is where it was."""
    file = edge.site.paths.bindings
    with contextlib.closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True, timeout=5)) as db:
        tables = {name for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
        assert {"location", "version"} <= tables
        names = {name for (name,) in db.execute("SELECT username FROM location")}
        assert "1002" in names
        assert names <= {"1001", "1002", "1003"}
    with contextlib.closing(
        sqlite3.connect(f"file:{edge.site.paths.edge / 'tables.db'}?mode=ro", uri=True, timeout=5)
    ) as db:
        tables = {name for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
        assert {"st", "count", "cred", "learnt", "version"} <= tables
    known = {"mode", "lease", "path", "calls", "link", "trunk", "trunk_link", "aside", "knows"}
    assert set(edge.site.table("st")) <= known
    assert set(edge.site.table("cred")) == set(edge.site.users)


def test_cseq_overflow(edge: Edge) -> None:
    with Stranger(edge) as stranger:
        for number in ("4294967295", "4294967296", "18446744073709551617", "9" * 300, "-1", "0x7fffffff", "1e9", ""):
            stranger.udp(
                message(method, request, stranger.ip, {"CSeq": f"{number} {method}"})
                for method, request in (
                    ("REGISTER", f"sip:{REALM}"),
                    ("INVITE", f"sip:1002@{REALM}"),
                    ("INVITE", f"sip:112@{REALM}"),
                )
            )


# Records


def records(edge: Edge) -> tuple[Record, ...]:
    """All of them, when nothing goes on any more."""
    quiet(edge)
    time.sleep(2.5)  # a fold, and one more
    journal = edge.site.journal()
    try:
        return tuple(journal.records(1000))
    finally:
        journal.close()


FORGED = "BYE|t|t|forged-by-stranger|200|OK|1800000000|9|9|local|1|1800000000.1"
CALL_IDS = (
    "x|200|OK|1|2|3",
    f"a\r\n {FORGED}",
    "a|forged-by-stranger|200|OK|1800000000|9|9|local|1|1800000000.1",
    "c\udcff\udcfe",
    "'\"\\",
    "$ci|$var(x)",
)


@pytest.mark.long
def test_what_a_caller_writes_makes_no_record_of_its_own(edge: Edge) -> None:
    """Accounting is lines and columns: neither can be made by who is written of."""
    before, began = {record.call_id for record in records(edge)}, datetime.now(UTC) - timedelta(seconds=2)
    with Stranger(edge) as stranger:
        for call_id in CALL_IDS:
            who = f"<sip:1001|{next(_numbers)}|x@{REALM}>;tag=t|u"
            names = {"From": who, "Call-ID": f"u{next(_numbers)}{call_id}"}
            stranger.udp([message("INVITE", f"sip:112@{REALM}", stranger.ip, names)])
            plain = {"Call-ID": f"v{next(_numbers)}{call_id}"}
            answered(stranger, "INVITE", f"sip:1099@{REALM}", plain)
    new = [record for record in records(edge) if record.call_id not in before and record.began_at >= began]
    assert not any("forged" in record.call_id and not record.call_id.startswith(("u", "v")) for record in new), new
    assert all(record.began_at.year < 2027 for record in new), new
    for record in new:
        assert record.call_id.startswith(("u", "v")), record
        assert record.sip_code != 200, record


def test_a_record_cannot_be_forged(edge: Edge) -> None:
    """A BYE of a call that never was, by who answers it himself: no call, so no record."""
    with Stranger(edge) as stranger, contextlib.closing(edge.site.phones.socket()) as accomplice:
        accomplice.bind((stranger.ip, 5099))
        accomplice.settimeout(3)
        more = {
            "From": f"<sip:1005@{REALM}>;tag=forger",
            "To": f"<sip:1006@{REALM}>;tag=forged",
            "Call-ID": "forged-bye-of-nothing",
            "Route": f"<sip:{UNIT_SOUTH_IP};lr;ftag=forger;rec=1>",
        }
        stranger.udp([message("BYE", f"sip:1006@{stranger.ip}:5099", stranger.ip, more)])
        with contextlib.suppress(TimeoutError):
            request, source = accomplice.recvfrom(65536)
            kept = [line for line in request.split(b"\r\n") if re.match(rb"(Via|From|To|Call-ID|CSeq):", line)]
            accomplice.sendto(b"SIP/2.0 200 OK\r\n" + b"\r\n".join(kept) + b"\r\nContent-Length: 0\r\n\r\n", source)
    assert [record for record in records(edge) if record.call_id == "forged-bye-of-nothing"] == []


# What is not for strangers


@pytest.mark.parametrize("method", ["INVITE", "REFER", "MESSAGE", "BYE"])
def test_nobody_reaches_the_gateway_past_112(edge: Edge, method: str) -> None:
    """The gateway trusts the unit. A request that says it belongs to a call, which is none, does not get there."""
    with Stranger(edge) as stranger, contextlib.closing(edge.site.platform_host.socket()) as gateway:
        gateway.bind((GATEWAY_IP, 5060))
        gateway.settimeout(2)
        numbers_ = {"To": f"<sip:0046701234567@{REALM}>;tag=none"}
        for more in (
            numbers_ | {"Route": f"<sip:{UNIT_SOUTH_IP};lr>, <sip:{GATEWAY_IP}:5060;lr>"},
            numbers_ | {"Route": f"<sip:{UNIT_SOUTH_IP};lr;rec=1>"},
        ):
            stranger.udp([message(method, f"sip:0046701234567@{GATEWAY_IP}:5060", stranger.ip, more)])
        # A 112 of an earlier test may still be on its rounds; nothing else may come.
        with contextlib.suppress(TimeoutError):
            until = time.monotonic() + 2
            while time.monotonic() < until:
                assert b"0046701234567" not in gateway.recv(65536)


def test_the_edges_own_sockets_are_out_of_reach(edge: Edge) -> None:
    """Neither the place where 112 waits nor the edge's control answers from a network."""
    with Stranger(edge) as stranger:
        for port in (5066, 8080, 2049, 2046):
            with contextlib.closing(edge.site.phones.socket(socket.SOCK_STREAM)) as stream:
                stream.settimeout(2)
                assert stream.connect_ex((UNIT_SOUTH_IP, port)) != 0
        more = {"Contact": f"<sip:1001@{stranger.ip};alias=127.0.0.1~5066~1>"}
        answered(stranger, "REGISTER", f"sip:{REALM}", more)
        edge.sipp(33).call([Dial(user(1004), "1001")], hold_ms=10, patience_ms=300)
        answered(stranger, "REGISTER", f"sip:{REALM}", {"Contact": "*", "Expires": "0"})
    control = edge.site.paths.edge_socket.stat()
    assert control.st_mode & 0o077 == 0
    assert os.stat(edge.site.paths.edge).st_mode & 0o077 == 0
