"""A TCP stream cut into SIP messages by Content-Length (RFC 3261 §18.3, §7.5).

A stream that breaks the rules is lost for good: nobody knows where its next message begins. So after a RemoteError the
connection is to be closed.

The edge takes a lone LF for the end of a line and passes it on (tried: Kamailio 5.6.3), so it does here too, though no
message with one is valid: else a stranger's message could end elsewhere for us than for the edge, and what he wrote
after it would be read as the edge's own.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from callcontrol.sip.errors import RemoteError

__all__ = ["BODY_MAX_BYTES", "HEADER_MAX_BYTES", "StreamFramer"]

HEADER_MAX_BYTES = 131_072
"""Start line and headers. The edge takes 65,535 bytes from a stranger and adds lines of its own: who sends that much
must not be able to have this connection closed."""

BODY_MAX_BYTES = 65_536

_END = re.compile(rb"\n\r?\n")
_END_MAX_BYTES = 3
_CONTENT_LENGTH = re.compile(rb"\n(?:content-length|l)[ \t]*:((?:[^\n]|\n[ \t])*+)(?=\n)", re.IGNORECASE)
_DIGITS = re.compile(rb"[0-9]{1,10}")


class StreamFramer:
    """Holds at most one message that is not complete, and what was fed and not fetched yet."""

    def __init__(self, max_header: int = HEADER_MAX_BYTES, max_body: int = BODY_MAX_BYTES) -> None:
        self._max_header = max_header
        self._max_body = max_body
        self._buffer = bytearray()
        self._searched = 0  # so far the buffer has no end of headers
        self._length: int | None = None  # of the message at the head of the buffer, once its headers are there

    def feed(self, data: bytes) -> None:
        """Takes what was read from the connection. To be followed by `messages`, which is what empties the buffer."""
        self._buffer += data

    def messages(self) -> Iterator[bytes]:
        """Gives each message that is complete: start line, headers and body. CR LF between messages is passed over.

        Raises RemoteError, naming the field, where headers or body are too long or Content-Length is missing, there
        twice, or not a number.
        """
        while (length := self._message_length()) is not None and len(self._buffer) >= length:
            message = bytes(self._buffer[:length])
            del self._buffer[:length]
            self._length, self._searched = None, 0
            yield message

    def _message_length(self) -> int | None:
        if self._length is not None:
            return self._length
        self._drop_keep_alives()
        end = _END.search(self._buffer, self._searched, self._max_header)
        if end is None:
            if len(self._buffer) >= self._max_header:
                raise RemoteError("headers", _text(self._buffer), f"longer than {self._max_header} bytes")
            self._searched = max(0, len(self._buffer) - _END_MAX_BYTES + 1)
            return None
        self._length = end.end() + self._body_length(bytes(self._buffer[: end.end()]))
        return self._length

    def _drop_keep_alives(self) -> None:
        """RFC 5626 §3.5.1: CR LF CR LF, which need no answer here. A lone CR at the end may be half of one."""
        if self._searched:
            return
        end = 0
        while self._buffer[end : end + 2] == b"\r\n":
            end += 2
        del self._buffer[:end]

    def _body_length(self, headers: bytes) -> int:
        values = [found[1].strip() for found in _CONTENT_LENGTH.finditer(headers)]
        if len(values) != 1:
            text = _text(b", ".join(values) or headers)
            raise RemoteError("Content-Length", text, "there more than once" if values else "missing")
        if _DIGITS.fullmatch(values[0]) is None:
            raise RemoteError("Content-Length", _text(values[0]), "not a number")
        length = int(values[0])
        if length > self._max_body:
            raise RemoteError("Content-Length", _text(values[0]), f"body longer than {self._max_body} bytes")
        return length


def _text(data: bytes | bytearray) -> str:
    return data[:200].decode("utf-8", "backslashreplace")
