"""Invariant: whatever bytes come, in whatever pieces, an agent raises RemoteError or nothing, and writes only SIP.

Bytes are made of the vectors: parts cut, doubled, swapped between messages, replaced by what parsers trip over. Also:
time stays in proportion to what was read, and nothing is kept once the connection is lost.
"""

from __future__ import annotations

import itertools
import random
import time
from pathlib import Path

import pytest

from callcontrol.digest import ha1
from callcontrol.sip.agent import Agent, RequestReceived
from callcontrol.sip.dialog import Dialog
from callcontrol.sip.digest import Challenge, Credentials, challenges
from callcontrol.sip.errors import RemoteError
from callcontrol.sip.framing import StreamFramer
from callcontrol.sip.message import Request, Response, parse

VECTOR_DIR = Path(__file__).parents[2] / "vectors" / "sip"
VECTORS = [path.read_bytes() for path in sorted(VECTOR_DIR.rglob("*.dat")) if path.stat().st_size < 8_192]
CREDENTIALS = Credentials("1", "r", {"md5": ha1("1", "r", "x", "md5")})
ANSWERS = [
    b"SIP/2.0 %b\r\nVia: SIP/2.0/TCP a:1;branch=z9hG4bK0\r\nFrom: <sip:1@r>;tag=f\r\nTo: <sip:1@r>;tag=t\r\n"
    b"Call-ID: c\r\nCSeq: 1 INVITE\r\nContact: <sip:1@b;lr>\r\nRecord-Route: <sip:r;lr>\r\n"
    b'WWW-Authenticate: Digest realm="r", nonce="n", qop="auth"\r\nContent-Length: 0\r\n\r\n' % status
    for status in (b"100 T", b"200 OK", b"401 No", b"486 Busy")
]
ODD = [
    b"\r\n", b"\n", b"\r", b"\0", b'"', b"<", b">", b";", b",", b":", b"=", b"@", b"?", b"%", b"\\", b" ", b"\t",
    b"\r\n ", b"\xff\xfe", b"\xc3", b"\xe2\x80\xa8", b"0", b"-1", b"99999999999999999999", b"SIP/2.0", b"*", b'""',
    b"Content-Length: 5\r\n", b"l: 0\r\n", b"Via: SIP/2.0/TCP a:1;branch=z9hG4bK0\r\n", b"CSeq: 1 INVITE\r\n",
    b"CSeq: 1 ACK\r\n", b";;", b";branch=z9hG4bK0", b"INVITE", b"ACK", b"CANCEL", b"[::1]", b"sip:", b"<sip:a>",
    b"tag=", b"\r\n\r\n", b"A" * 600,
]  # fmt: skip
SECOND_PER_BYTE_MAX = 2e-4
"""A hundred times what it takes; a quadratic reader of a few thousand bytes takes more."""


def mangled(rng: random.Random) -> bytes:
    data = bytearray(rng.choice(VECTORS + ANSWERS * 5))
    for _ in range(rng.randrange(6)):
        begin = rng.randrange(len(data) + 1)
        end = min(len(data), begin + rng.randrange(40))
        match rng.randrange(5):
            case 0:
                del data[begin:end]
            case 1:
                data[begin:begin] = data[begin:end] * rng.randrange(1, 20)
            case 2:
                data[begin:end] = rng.choice(ODD)
            case 3:
                data[begin:begin] = rng.choice(ODD) * rng.choice((1, 1, 1, 50))
            case 4:
                other = rng.choice(VECTORS)
                place = rng.randrange(len(other))
                data[begin:end] = other[place : place + rng.randrange(200)]
    return bytes(data)


def pieces(data: bytes, rng: random.Random) -> list[bytes]:
    cuts = sorted(rng.randrange(len(data) + 1) for _ in range(rng.randrange(4)))
    return [data[begin:end] for begin, end in itertools.pairwise([0, *cuts, len(data)])]


def read_everything(message: Request | Response) -> None:
    """Each property by itself: what one refuses must not hide what another does."""
    for name in ("vias", "from_", "to", "call_id", "cseq", "contacts", "routes", "record_routes", "expires"):
        try:
            getattr(message, name)
        except RemoteError as error:
            assert str(error).startswith(error.field)  # noqa: PT017 – reading may succeed as well
    if isinstance(message, Response):
        challenges(message)
        for read in (lambda: Dialog.of_answer(message).bye().to_bytes(), lambda: Challenge.parse(message.reason)):
            try:
                read()
            except RemoteError:
                continue


def try_one(seed: int) -> None:
    size, spent_s = tried(seed)
    most_s = 0.05 + SECOND_PER_BYTE_MAX * size
    assert spent_s < most_s or tried(seed)[1] < most_s, "twice: once may be the collector of garbage"


def tried(seed: int) -> tuple[int, float]:
    """How many bytes were read, and the CPU seconds that they took."""
    rng = random.Random(seed)
    data = mangled(rng)
    if rng.random() < 0.3:
        data += mangled(rng)
    names = (f"{number}" for number in itertools.count())
    agent = Agent("a:1", lambda: next(names), transport=rng.choice(("TCP", "UDP")))
    asked = Request.new("INVITE", "sip:1@r", from_="<sip:1@r>;tag=f", to="<sip:1@r>", call_id="c", cseq=1)
    agent.request(asked, 0.0, CREDENTIALS)
    began = time.process_time()
    now = 0.0
    try:
        for piece in pieces(data, rng):
            now += rng.random() * 10
            agent.receive(piece, now)
            agent.on_timer(now)
    except RemoteError as error:
        assert error.field  # noqa: PT017 – most bytes raise nothing
    written = b""
    while (event := agent.next_event()) is not None:
        if isinstance(event, RequestReceived):
            read_everything(event.request)
            response = Response.answering(event.request, rng.choice((180, 200, 404)))
            agent.respond(event.id, response, now)
    while more := agent.data_to_send():
        written += more
    framer = StreamFramer()
    framer.feed(written)
    for message in framer.messages():
        parse(message)
    try:
        read_everything(parse(data))
    except RemoteError as error:
        assert error.field  # noqa: PT017
    spent_s = time.process_time() - began
    agent.lost()
    assert sum(len(value) for value in vars(agent).values() if isinstance(value, dict | list)) == 0
    return len(data), spent_s


@pytest.mark.parametrize("first", range(0, 4_000, 1_000))
def test_a_few_thousand(first: int) -> None:
    for seed in range(first, first + 1_000):
        try:
            try_one(seed)
        except Exception as error:
            raise AssertionError(f"seed {seed}") from error


@pytest.mark.long
@pytest.mark.timeout(900)
def test_for_five_minutes() -> None:
    until = time.monotonic() + 300
    for seed in itertools.count(random.randrange(1 << 40)):
        if time.monotonic() > until:
            return
        try:
            try_one(seed)
        except Exception as error:
            raise AssertionError(f"seed {seed}") from error
