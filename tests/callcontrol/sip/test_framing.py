"""Where a message ends in a stream, and when the stream is lost."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callcontrol.sip.errors import RemoteError
from callcontrol.sip.framing import StreamFramer


def message(length: str = "0", body: bytes = b"", name: str = "Content-Length") -> bytes:
    return f"OPTIONS sip:a@b SIP/2.0\r\nVia: x\r\n{name}: {length}\r\nTo: y\r\n\r\n".encode() + body


def fed(data: bytes) -> list[bytes]:
    framer = StreamFramer()
    framer.feed(data)
    return list(framer.messages())


@pytest.mark.parametrize("name", ["Content-Length", "content-length", "l", "L", "Content-Length ", "l\t"])
@pytest.mark.parametrize("length", ["3", " 3", "003", "\r\n 3", "3 \t"])
def test_lengths(name: str, length: str) -> None:
    whole = message(length, b"abc", name)
    assert fed(whole + b"NEXT") == [whole]


@pytest.mark.parametrize("length", ["", "-1", "+3", "3,3", "3 3", "0x3", "٣", "99999999999", "3\r\nl: 3", "3\r\nL: 0"])
def test_a_length_that_is_none(length: str) -> None:
    with pytest.raises(RemoteError) as lost:
        fed(message(length, b"abc"))
    assert lost.value.field == "Content-Length"


def test_no_length() -> None:
    with pytest.raises(RemoteError, match="Content-Length: missing"):
        fed(b"OPTIONS sip:a@b SIP/2.0\r\nX-Content-Length: 0\r\n\r\n")


@pytest.mark.parametrize("between", [b"", b"\r\n", b"\r\n\r\n", b"\r\n" * 500])
def test_keep_alives_between_messages(between: bytes) -> None:
    assert fed(between + message() + between + message() + between) == [message()] * 2


def test_what_came_before_the_fault_is_given() -> None:
    framer = StreamFramer()
    framer.feed(message() + message("-1"))
    messages = framer.messages()
    assert next(messages) == message()
    with pytest.raises(RemoteError):
        next(messages)


def test_headers_and_bodies_are_bounded() -> None:
    framer = StreamFramer(max_header=100, max_body=10)
    framer.feed(message("10", b"0123456789"))
    assert len(list(framer.messages())) == 1
    framer.feed(message("11"))
    with pytest.raises(RemoteError, match="longer than 10 bytes"):
        list(framer.messages())
    framer = StreamFramer(max_header=100)
    framer.feed(b"x" * 99)
    assert not list(framer.messages())
    framer.feed(b"x")
    with pytest.raises(RemoteError, match="longer than 100 bytes"):
        list(framer.messages())


def test_a_long_message_byte_by_byte_takes_no_longer_than_its_length() -> None:
    whole = b"OPTIONS sip:a@b SIP/2.0\r\nX: " + b"y" * 60_000 + b"\r\nl: 0\r\n\r\n"
    framer = StreamFramer()
    began = time.process_time()
    for at in range(len(whole)):
        framer.feed(whole[at : at + 1])
        if list(framer.messages()):
            break
    assert at == len(whole) - 1
    assert time.process_time() - began < 5


@given(
    bodies=st.lists(st.binary(max_size=40), max_size=5),
    cuts=st.lists(st.integers(0, 700)),
    between=st.sampled_from([b"", b"\r\n\r\n"]),
)
def test_any_cutting_gives_the_same_messages(bodies: list[bytes], cuts: list[int], between: bytes) -> None:
    sent = [message(str(len(body)), body) for body in bodies]
    stream = between.join(sent)
    framer, got, begin = StreamFramer(), [], 0
    for end in [*sorted(cuts), len(stream)]:
        framer.feed(stream[begin:end])
        begin = max(begin, end)
        got += list(framer.messages())
    assert got == sent
