"""SIP requests and responses (RFC 3261 §7): what was said, byte for byte, and typed reading of what is asked for.

Parsing a message looks at its form alone; a header is read when it is asked for, once. Reading raises RemoteError when
the header is missing, is there too often, or is not what it should be; `check` reads all that every message must have.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Self

from callcontrol.sip.errors import LocalError, RemoteError
from callcontrol.sip.headers import TOKEN, Address, CSeq, Uri, Via, parse_addresses, split

__all__ = ["REASONS", "Message", "Request", "Response", "parse"]

MAX_FORWARDS = "70"
"""RFC 3261 §8.1.1.6."""

REASONS = {
    100: "Trying",
    180: "Ringing",
    181: "Call Is Being Forwarded",
    183: "Session Progress",
    200: "OK",
    202: "Accepted",
    400: "Bad Request",
    401: "Unauthorized",
    403: "Forbidden",
    404: "Not Found",
    405: "Method Not Allowed",
    407: "Proxy Authentication Required",
    408: "Request Timeout",
    415: "Unsupported Media Type",
    420: "Bad Extension",
    422: "Session Interval Too Small",
    480: "Temporarily Unavailable",
    481: "Call/Transaction Does Not Exist",
    482: "Loop Detected",
    483: "Too Many Hops",
    486: "Busy Here",
    487: "Request Terminated",
    488: "Not Acceptable Here",
    489: "Bad Event",
    491: "Request Pending",
    500: "Server Internal Error",
    501: "Not Implemented",
    503: "Service Unavailable",
    504: "Server Time-out",
    600: "Busy Everywhere",
    603: "Decline",
}
"""RFC 3261 §21, RFC 3515, RFC 4028 and RFC 6665: what a code says when nobody gives it other words."""

_COMPACT = {
    "a": "accept-contact",
    "b": "referred-by",
    "c": "content-type",
    "d": "request-disposition",
    "e": "content-encoding",
    "f": "from",
    "i": "call-id",
    "j": "reject-contact",
    "k": "supported",
    "l": "content-length",
    "m": "contact",
    "o": "event",
    "r": "refer-to",
    "s": "subject",
    "t": "to",
    "u": "allow-events",
    "v": "via",
    "x": "session-expires",
    "y": "identity",
}
"""One-letter names, by IANA's registry of SIP header fields."""

_REQUEST_LINE = re.compile(rf"({TOKEN}) ([^ ]+) SIP/2\.0", re.IGNORECASE)
_STATUS_LINE = re.compile(r"SIP/2\.0 ([1-6][0-9]{2})(?: (.*))?", re.IGNORECASE | re.DOTALL)
_HEADER = re.compile(rf"({TOKEN})[ \t]*:([^\r\n]*)")
_FOLD = re.compile(r"\r\n[ \t]+")
_BREAK = re.compile(r"[\r\n]")
_DIGITS = re.compile("[0-9]{1,10}")


_KEYS = {
    name: name.lower()
    for name in (
        *("Allow", "Call-ID", "Contact", "Content-Length", "Content-Type", "CSeq", "From", "Max-Forwards", "Min-SE"),
        *("P-Asserted-Identity", "Reason", "Record-Route", "Require", "Route", "Session-Expires", "Supported", "To"),
        *("Via", "User-Agent"),
    )
}
"""Names as nearly everybody writes them, which need not be made small each time."""


def _key(name: str) -> str:
    if (key := _KEYS.get(name)) is not None:
        return key
    lower = name.lower()
    return _COMPACT.get(lower, lower)


@dataclass(frozen=True)
class Message:
    """What requests and responses share. `headers`: names and values as written, in their order, unfolded."""

    headers: tuple[tuple[str, str], ...]
    body: bytes

    def header(self, name: str) -> str | None:
        """The first value of a header, whichever way its name is written."""
        values = self._index.get(_key(name))
        return values[0] if values else None

    def header_values(self, name: str) -> tuple[str, ...]:
        """All values of a header, one for each time that it is there."""
        return self._index.get(_key(name), ())

    @cached_property
    def vias(self) -> tuple[Via, ...]:
        """The nearest first; at least one."""
        values = self._values("Via")
        return tuple(Via.parse(part) for value in values for part in split(value, ",", "Via"))

    @cached_property
    def from_(self) -> Address:
        return Address.parse(self._only("From"), "From")

    @cached_property
    def to(self) -> Address:
        return Address.parse(self._only("To"), "To")

    @cached_property
    def call_id(self) -> str:
        text = self._only("Call-ID")
        if not text or " " in text:
            raise RemoteError("Call-ID", text, "not a word")
        return text

    @cached_property
    def cseq(self) -> CSeq:
        return CSeq.parse(self._only("CSeq"))

    @cached_property
    def contacts(self) -> tuple[Address, ...]:
        """Empty for ``*`` (RFC 3261 §10.2.2) as for none at all."""
        values = self.header_values("Contact")
        return () if values == ("*",) else parse_addresses(values, "Contact")

    @cached_property
    def routes(self) -> tuple[Address, ...]:
        return parse_addresses(self.header_values("Route"), "Route")

    @cached_property
    def record_routes(self) -> tuple[Address, ...]:
        """The nearest to whom the message has come first, as written."""
        return parse_addresses(self.header_values("Record-Route"), "Record-Route")

    @cached_property
    def expires(self) -> int | None:
        """Seconds, of the header Expires alone."""
        text = self.header("Expires")
        if text is not None and _DIGITS.fullmatch(text) is None:
            raise RemoteError("Expires", text, "not a number")
        return None if text is None else int(text)

    def supports(self, option: str) -> bool:
        """Whether its sender names an extension in Supported or Require (§20.37)."""
        return option in self.options("Supported") or option in self.options("Require")

    def options(self, name: str) -> frozenset[str]:
        """The words of a header that is a list of them, in lower case: Supported, Require, Allow."""
        return frozenset(
            word.strip().lower() for value in self.header_values(name) for word in value.split(",") if word.strip()
        )

    def check(self) -> None:
        """Reads what every message must have (RFC 3261 §8.1.1). Raises RemoteError for the first that is not right."""
        _ = self.vias, self.from_, self.to, self.call_id, self.cseq

    def with_header(self, name: str, *values: str) -> Self:
        """The same with all headers of that name taken out, and these put after all others."""
        return self._with((*self._others(name), *((name, value) for value in values)))

    def with_first(self, name: str, value: str) -> Self:
        """The same with one more header, before all others."""
        return self._with(((name, value), *self.headers))

    def to_bytes(self) -> bytes:
        """The message with the Content-Length that it has. LocalError where a line break stands in a line."""
        lines = [self._start_line()]
        lines += [f"{name}: {value}" for name, value in self.headers if _key(name) != "content-length"]
        lines += [f"Content-Length: {len(self.body)}", "", ""]
        head = "\r\n".join(lines)
        if head.count("\r") != len(lines) - 1 or head.count("\n") != len(lines) - 1:
            line = next(line for line in lines if _BREAK.search(line))
            raise LocalError(f"a line break in {line[:80]!r}")
        return head.encode("utf-8", "surrogateescape") + self.body

    def _start_line(self) -> str:
        raise NotImplementedError

    def _with(self, headers: tuple[tuple[str, str], ...]) -> Self:
        raise NotImplementedError

    def _others(self, name: str) -> list[tuple[str, str]]:
        key = _key(name)
        return [header for header in self.headers if _key(header[0]) != key]

    @cached_property
    def _index(self) -> dict[str, tuple[str, ...]]:
        index: dict[str, list[str]] = {}
        for name, value in self.headers:
            index.setdefault(_key(name), []).append(value)
        return {name: tuple(values) for name, values in index.items()}

    def _values(self, name: str) -> tuple[str, ...]:
        values = self.header_values(name)
        if not values:
            raise RemoteError(name, "", "missing")
        return values

    def _only(self, name: str) -> str:
        values = self._values(name)
        if len(values) > 1:
            raise RemoteError(name, values[1], "there more than once")
        return values[0]


@dataclass(frozen=True)
class Request(Message):
    method: str
    uri: str

    @classmethod
    def new(
        cls,
        method: str,
        uri: str,
        *,
        from_: str,
        to: str,
        call_id: str,
        cseq: int,
        routes: Iterable[str] = (),
        headers: Iterable[tuple[str, str]] = (),
        body: bytes = b"",
    ) -> Self:
        """A request without Via, which the agent adds. `from_`, `to` and `routes` as they are to be written."""
        return cls(
            (
                *(("Route", route) for route in routes),
                ("Max-Forwards", MAX_FORWARDS),
                ("From", from_),
                ("To", to),
                ("Call-ID", call_id),
                ("CSeq", f"{cseq} {method}"),
                *headers,
            ),
            body,
            method,
            uri,
        )

    @classmethod
    def parse(cls, data: bytes) -> Request:
        """RemoteError where `data` is no request."""
        message = parse(data)
        if not isinstance(message, Request):
            raise RemoteError("start line", message._start_line(), "not a request")
        return message

    def check(self) -> None:
        super().check()
        if self.cseq.method != self.method:
            raise RemoteError("CSeq", str(self.cseq), f"not the method {self.method}")

    @cached_property
    def request_uri(self) -> Uri:
        return Uri.parse(self.uri, "Request-URI")

    def _start_line(self) -> str:
        return f"{self.method} {self.uri} SIP/2.0"

    def _with(self, headers: tuple[tuple[str, str], ...]) -> Self:
        return type(self)(headers, self.body, self.method, self.uri)


@dataclass(frozen=True)
class Response(Message):
    status: int
    reason: str

    @classmethod
    def answering(
        cls,
        request: Request,
        status: int,
        reason: str = "",
        *,
        headers: Iterable[tuple[str, str]] = (),
        body: bytes = b"",
    ) -> Self:
        """A response to `request` (RFC 3261 §8.2.6.2); the agent adds our tag to To. `reason`: see REASONS.

        Record-Route is copied where the answer may make a dialog (§12.1.1). Headers that the request lacks are left
        out, so that one which has not what it must can be refused too.
        """
        copied = {"via", "from", "to", "call-id", "cseq"}
        if 100 < status < 300:
            copied.add("record-route")
        kept = (header for header in request.headers if _key(header[0]) in copied)
        return cls((*kept, *headers), body, status, reason or REASONS.get(status, "Unnamed"))

    @classmethod
    def parse(cls, data: bytes) -> Response:
        """RemoteError where `data` is no response."""
        message = parse(data)
        if not isinstance(message, Response):
            raise RemoteError("start line", message._start_line(), "not a response")
        return message

    def _start_line(self) -> str:
        return f"SIP/2.0 {self.status} {self.reason}"

    def _with(self, headers: tuple[tuple[str, str], ...]) -> Self:
        return type(self)(headers, self.body, self.status, self.reason)


def parse(data: bytes) -> Request | Response:
    """One message: what StreamFramer gives, or a datagram, whose end Content-Length may move forward (§18.3).

    Bytes that are not UTF-8 are kept as they are. Raises RemoteError.
    """
    head, end, body = data.lstrip(b"\r\n").partition(b"\r\n\r\n")
    if not end:
        raise RemoteError("headers", _start_of(data), "no empty line after them")
    text = _FOLD.sub(" ", head.decode("utf-8", "surrogateescape"))
    start_line, *lines = text.split("\r\n")
    headers = tuple(_header(line) for line in lines)
    if _BREAK.search(start_line):
        raise RemoteError("start line", start_line, "a line break in it")
    body = _body(headers, body)
    if (match := _STATUS_LINE.fullmatch(start_line)) is not None:
        return Response(headers, body, int(match[1]), match[2] or "")
    if (match := _REQUEST_LINE.fullmatch(start_line)) is not None:
        request = Request(headers, body, match[1], match[2])
        _ = request.request_uri
        return request
    raise RemoteError("start line", start_line, "neither request nor response of SIP/2.0")


def _header(line: str) -> tuple[str, str]:
    match = _HEADER.fullmatch(line)
    if match is None:
        raise RemoteError("header", line, "not a name, a colon and a value in a line")
    return match[1], match[2].strip(" \t")


def _body(headers: Iterable[tuple[str, str]], body: bytes) -> bytes:
    lengths = [value for name, value in headers if name[0] in "CcLl" and _key(name) == "content-length"]
    if not lengths:
        return body
    if len(lengths) > 1 or _DIGITS.fullmatch(lengths[0]) is None:
        raise RemoteError("Content-Length", ", ".join(lengths), "not one number")
    if int(lengths[0]) > len(body):
        raise RemoteError("Content-Length", lengths[0], f"body of {len(body)} bytes")
    return body[: int(lengths[0])]


def _start_of(data: bytes) -> str:
    return data[:200].decode("utf-8", "backslashreplace")
