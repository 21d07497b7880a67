"""baresip's control stream is framed right, in whatever pieces it comes."""

import pytest

from hil.phone.baresip import NetstringReader

STREAM = b'2:{},0:,15:{"event": true},3:a,b,'
MESSAGES = [b"{}", b"", b'{"event": true}', b"a,b"]


def test_whole_and_byte_by_byte() -> None:
    assert NetstringReader().receive(STREAM) == MESSAGES
    reader = NetstringReader()
    assert [message for byte in STREAM for message in reader.receive(bytes([byte]))] == MESSAGES


@pytest.mark.parametrize("stream", [b"x:a,", b"2:abc,", b"99999999:", b":a,", b"1234567890", b"-1:a,"])
def test_what_is_no_netstring_is_refused(stream: bytes) -> None:
    with pytest.raises(ValueError, match="netstring"):
        NetstringReader().receive(stream)
