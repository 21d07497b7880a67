"""RFC 4475's torture messages, and our own: whole, byte by byte, truncated and noisy."""

from __future__ import annotations

import contextlib
import random
from collections.abc import Iterable
from pathlib import Path

import pytest

from callcontrol.sip.errors import RemoteError
from callcontrol.sip.framing import StreamFramer
from callcontrol.sip.message import Request, Response, parse

VECTOR_DIR = Path(__file__).parents[2] / "vectors" / "sip"
VECTORS = {path.stem: path.read_bytes() for path in sorted(VECTOR_DIR.rglob("*.dat"))}
SEED = 4475

REFUSED = {
    # RFC 4475 §3.1.2, the field that is at fault; the others of that section have faults that matter to nobody here
    "badinv01": "Via",
    "clerr": "Content-Length",
    "ncl": "Content-Length",
    "scalar02": "CSeq",
    "scalarlg": "CSeq",
    "quotbal": "To",
    "ltgtruri": "Request-URI",
    "lwsruri": "start line",
    "lwsstart": "start line",
    "trws": "start line",
    "regbadct": "Contact",
    "badaspec": "To",
    "baddn": "From",
    "badvers": "start line",
    "mismatch01": "CSeq",
    "mismatch02": "CSeq",
    "bigcode": "start line",
    # §3.3
    "insuf": "From",
    "multi01": "From",
    "mcl01": "Content-Length",
    # ours
    "acc-newline-call-id": "Call-ID",
    "carriage-returns": "headers",
    "cseq-huge": "CSeq",
    "cseq-negative": "CSeq",
    "cseq-overflow": "CSeq",
    "emergency-bare": "From",
    "expires-huge": "Expires",
    "expires-negative": "Expires",
    "json-contact": "Contact",
    "json-contact-escape": "Contact",
    "json-newline": "Contact",
    "json-to": "To",
    "length-hidden": "header",
    "length-hidden-compact": "header",
    "length-line-feed": "header",
    "length-twice": "Content-Length",
    "line-feeds": "headers",
    "no-end": "headers",
    "port-huge": "Contact",
    "pv-contact": "Contact",
    "pv-to": "To",
    "star-and-contact": "Contact",
    "start-line-only": "Via",
}

LOST = {
    # after these nobody knows where in a stream the next message begins
    "ncl": "Content-Length",
    "mcl01": "Content-Length",
    "length-twice": "Content-Length",
}


def read_all(data: bytes) -> Request | Response:
    """Everything that has a type is read."""
    message = parse(data)
    message.check()
    _ = message.contacts, message.routes, message.record_routes, message.expires
    return message


def framed(pieces: Iterable[bytes]) -> tuple[list[bytes], str]:
    """The messages, and the field for which the stream was lost."""
    framer = StreamFramer()
    messages: list[bytes] = []
    try:
        for piece in pieces:
            framer.feed(piece)
            for message in framer.messages():
                messages.append(message)
    except RemoteError as error:
        return messages, error.field
    return messages, ""


def test_refused_ones_exist() -> None:
    assert REFUSED.keys() | LOST.keys() <= VECTORS.keys()


@pytest.mark.parametrize("name", VECTORS)
def test_vector(name: str) -> None:
    read_whole(name)
    read_what_is_written_again(name)
    read_byte_by_byte(name)
    read_truncated(name)
    read_noisy(name)


def read_whole(name: str) -> None:
    if name in REFUSED:
        with pytest.raises(RemoteError) as refused:
            read_all(VECTORS[name])
        assert refused.value.field == REFUSED[name]
        assert repr(refused.value.text[:20])[1:-1] in str(refused.value)
    else:
        read_all(VECTORS[name])


def read_what_is_written_again(name: str) -> None:
    if name in REFUSED:
        return
    message = parse(VECTORS[name])
    again = parse(message.to_bytes())
    assert again.with_header("Content-Length") == message.with_header("Content-Length")


def read_byte_by_byte(name: str) -> None:
    data = VECTORS[name]
    whole = framed([data])
    assert framed(data[at : at + 1] for at in range(len(data))) == whole
    if name in LOST:
        assert whole == ([], LOST[name])


def read_truncated(name: str) -> None:
    data = VECTORS[name]
    for end in range(0, len(data), max(1, len(data) // 200)):
        with contextlib.suppress(RemoteError):
            read_all(data[:end])
        framed([data[:end]])


def read_noisy(name: str) -> None:
    rng = random.Random(SEED)
    for _ in range(20):
        noisy = bytearray(VECTORS[name])
        for _ in range(rng.randrange(1, 8)):
            noisy[rng.randrange(len(noisy))] = rng.randrange(256)
        with contextlib.suppress(RemoteError):
            read_all(bytes(noisy))
        framed([bytes(noisy)])


@pytest.mark.parametrize("name", [name for name in VECTORS if name.startswith("length-")])
def test_a_message_ends_where_the_edge_thinks_that_it_ends(name: str) -> None:
    """The bytes as Kamailio passes them on (tried: 5.6.3): nothing of a stranger's body is a message of its own."""
    messages, lost = framed([VECTORS[name]])
    assert messages == ([] if lost else [VECTORS[name]])


def test_two_messages_in_one_piece() -> None:
    messages, lost = framed([VECTORS["dblreq"]])
    assert not lost
    assert [parse(message).cseq.method for message in messages] == ["REGISTER", "INVITE"]


def test_lines_are_unfolded_and_compact_names_known() -> None:
    message = read_all(VECTORS["wsinv"])
    assert message.to.tag == "1918181833n"
    assert message.from_.display == 'J Rosenberg \\"'
    assert [via.sent_by for via in message.vias] == ["192.0.2.2", "spindle.example.com", "192.168.255.111"]
    assert message.vias[2].branch == "z9hG4bK30239"
    assert message.cseq.number == 9
    assert message.contacts[0].display == 'Quoted string ""'
    assert message.contacts[0].params == {"newparam": "newvalue", "secondparam": "", "q": "0.33"}


def test_a_user_may_hold_a_semicolon() -> None:
    message = Request.parse(VECTORS["semiuri"])
    assert message.request_uri.user == "user;par=u@example.net"
    assert message.request_uri.host == "example.com"


def test_octets_that_are_no_text_are_kept() -> None:
    strange = [line for line in VECTORS["octets"].split(b"\r\n") if max(line, default=0) > 127]
    written = parse(VECTORS["octets"]).to_bytes().split(b"\r\n")
    assert strange
    assert set(strange) <= set(written)
