"""RFC 4475's torture messages, and our own: whole, truncated and byte by byte."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable
from pathlib import Path

import pytest

from callcontrol.sip.errors import RemoteError
from callcontrol.sip.framing import StreamFramer
from callcontrol.sip.message import Request, Response, parse

VECTOR_DIR = Path(__file__).parents[2] / "vectors" / "sip"
VECTORS = sorted(VECTOR_DIR.rglob("*.dat"))
NAMES = [path.stem for path in VECTORS]

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
    "line-feeds": "headers",
    "no-end": "headers",
    "port-huge": "Contact",
    "pv-contact": "Contact",
    "pv-to": "To",
    "star-and-contact": "Contact",
    "start-line-only": "Via",
}


def read_all(data: bytes) -> Request | Response:
    """Everything that has a type is read."""
    message = parse(data)
    message.check()
    _ = message.contacts, message.routes, message.record_routes, message.expires
    return message


def framed(pieces: Iterable[bytes]) -> list[bytes]:
    framer = StreamFramer()
    messages: list[bytes] = []
    for piece in pieces:
        framer.feed(piece)
        messages += framer.messages()
    return messages


@pytest.mark.parametrize("path", VECTORS, ids=NAMES)
def test_each_is_read_or_refused_with_its_field_named(path: Path) -> None:
    if path.stem in REFUSED:
        with pytest.raises(RemoteError) as refused:
            read_all(path.read_bytes())
        assert refused.value.field == REFUSED[path.stem]
    else:
        read_all(path.read_bytes())


@pytest.mark.parametrize("path", VECTORS, ids=NAMES)
def test_what_is_written_again_reads_the_same(path: Path) -> None:
    if path.stem not in REFUSED:
        message = parse(path.read_bytes())
        again = parse(message.to_bytes())
        without_length = again.with_header("Content-Length"), message.with_header("Content-Length")
        assert without_length[0] == without_length[1]


@pytest.mark.parametrize("path", VECTORS, ids=NAMES)
def test_cut_anywhere_is_refused_or_read_and_never_worse(path: Path) -> None:
    data = path.read_bytes()
    for end in range(0, len(data), max(1, len(data) // 200)):
        with contextlib.suppress(RemoteError):
            read_all(data[:end])


@pytest.mark.parametrize("path", VECTORS, ids=NAMES)
def test_byte_by_byte_is_as_whole(path: Path) -> None:
    data = path.read_bytes()

    def outcome(pieces: Iterable[bytes]) -> list[bytes] | str:
        try:
            return framed(pieces)
        except RemoteError as error:
            return error.field

    assert outcome(data[at : at + 1] for at in range(len(data))) == outcome([data])
