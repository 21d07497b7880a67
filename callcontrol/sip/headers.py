"""Typed reading of SIP headers (RFC 3261 §20, §25): values that know their own text.

What is read is never written again from its parts: a Contact with instance and reg-id that was taken apart and put
together would no longer be the one that the registrar knows. So each value keeps the text that it was read from, and
`str` gives it back.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Self
from urllib.parse import unquote

from callcontrol.sip.errors import RemoteError

__all__ = ["TOKEN", "Address", "CSeq", "Uri", "Via", "parse_addresses", "parse_params", "split", "withheld"]

TOKEN = r"[A-Za-z0-9\-.!%*_+`'~]+"  # noqa: S105 – of the grammar, no secret
CSEQ_LIMIT = 1 << 31
"""RFC 3261 §8.1.1.5: a sequence number is less than that."""

KEPT_MAX = 1_000
"""Addresses remembered with what was read from them: a call says the same ones in each of its messages."""
KEPT_MAX_CHARS = 200
"""Longer ones are read anew each time."""

_QUOTED = r'"(?:[^"\\]|\\.)*+"'
_PIECE = re.compile(_QUOTED + r'|<[^<>]*+>|[^"<,;]++|[,;"<]', re.DOTALL)
_NAME_ADDR = re.compile(rf"({_QUOTED}|[^\"<>,;]*+)\s*<([^<>]*+)>(.*)", re.DOTALL)
_PARAM = re.compile(rf"({TOKEN})(?:\s*=\s*({_QUOTED}|[^\s\",;<>]+))?", re.DOTALL)
_HOST = r"\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9_.\-]+"
_VIA = re.compile(rf"SIP\s*/\s*2\.0\s*/\s*({TOKEN})\s+({_HOST})(?:\s*:\s*([0-9]{{1,5}}))?\s*(;.*)?", re.DOTALL | re.I)
_URI = re.compile(r"([A-Za-z][A-Za-z0-9+.\-]*):([^\s<>\"\x00-\x1f\x7f]+)")
_HOST_PORT = re.compile(rf"({_HOST})(?::([0-9]{{1,5}}))?")
_CSEQ = re.compile(rf"([0-9]{{1,10}})\s+({TOKEN})")


@dataclass(frozen=True)
class Uri:
    """A URI as it was written. `user` (unescaped), `host`, `port` and `params` are known of sip and sips alone."""

    text: str
    scheme: str
    user: str = ""
    host: str = ""
    port: int | None = None
    params: Mapping[str, str] = field(default_factory=dict, hash=False)

    @classmethod
    def parse(cls, text: str, name: str = "URI") -> Self:
        """RFC 3261 §19.1.1. Any scheme will do. RemoteError names the field `name`."""
        match = _URI.fullmatch(text)
        if match is None:
            raise RemoteError(name, text, "not a URI")
        scheme, rest = match[1].lower(), match[2]
        if scheme not in ("sip", "sips"):
            return cls(text, scheme)
        # A user may hold ; and ? (RFC 4475 §3.1.1.2, semiuri), so the @ comes first; there is only one (§25.1).
        userinfo, _, address = rest.rpartition("@")
        if "@" in userinfo:
            raise RemoteError(name, text, "more than one @")
        address, _, _ = address.partition("?")
        host_port, _, params = address.partition(";")
        found = _HOST_PORT.fullmatch(host_port)
        if found is None:
            raise RemoteError(name, text, "no host")
        return cls(
            text,
            scheme,
            unquote(userinfo.partition(":")[0], errors="surrogateescape"),
            found[1].lower(),
            _port(found[2], name, text),
            _uri_params(params),
        )

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True)
class Address:
    """name-addr or addr-spec with its parameters: From, To, Contact, Route, Record-Route."""

    text: str
    display: str
    uri: Uri
    params: Mapping[str, str] = field(hash=False)
    """Names in lower case; values as written, with their quotes; a flag's is empty."""

    @classmethod
    def parse(cls, text: str, name: str = "address") -> Address:
        """RFC 3261 §20.10. RemoteError names the field `name`."""
        return _kept_address(text, name) if len(text) <= KEPT_MAX_CHARS else _address(text, name)

    @property
    def tag(self) -> str:
        """RFC 3261 §19.3; empty when there is none."""
        return self.params.get("tag", "")

    def __str__(self) -> str:
        return self.text


def _address(text: str, name: str) -> Address:
    text = text.strip()
    match = _NAME_ADDR.fullmatch(text)
    if match is not None:
        return Address(text, _unquoted(match[1].strip()), Uri.parse(match[2], name), parse_params(match[3], name))
    # Without brackets all that follows a semicolon is the header's; ? and , would need brackets.
    uri, semicolon, params = text.partition(";")
    if "?" in uri or "," in uri:
        raise RemoteError(name, text, "a URI with ? or , needs brackets")
    return Address(text, "", Uri.parse(uri.strip(), name), parse_params(semicolon + params, name))


_kept_address = lru_cache(KEPT_MAX)(_address)


@dataclass(frozen=True)
class Via:
    text: str
    transport: str
    host: str
    port: int | None
    params: Mapping[str, str] = field(hash=False)

    @classmethod
    def parse(cls, text: str) -> Self:
        """RFC 3261 §20.42: one value of Via."""
        text = text.strip()
        match = _VIA.fullmatch(text)
        if match is None:
            raise RemoteError("Via", text, "not SIP/2.0/transport host")
        return cls(
            text,
            match[1].upper(),
            match[2].lower(),
            _port(match[3], "Via", text),
            parse_params(match[4] or "", "Via"),
        )

    @property
    def branch(self) -> str:
        return self.params.get("branch", "")

    @property
    def sent_by(self) -> str:
        return self.host if self.port is None else f"{self.host}:{self.port}"

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True, slots=True)
class CSeq:
    number: int
    method: str

    @classmethod
    def parse(cls, text: str) -> Self:
        """RFC 3261 §20.16."""
        match = _CSEQ.fullmatch(text.strip())
        if match is None:
            raise RemoteError("CSeq", text, "not a number and a method")
        if int(match[1]) >= CSEQ_LIMIT:
            raise RemoteError("CSeq", text, "number of 2**31 or more")
        return cls(int(match[1]), match[2])

    def __str__(self) -> str:
        return f"{self.number} {self.method}"


def parse_addresses(values: tuple[str, ...], name: str) -> tuple[Address, ...]:
    """All addresses of a header that may hold several in a line, and be there several times."""
    return tuple(Address.parse(part, name) for value in values for part in split(value, ",", name))


def parse_params(text: str, name: str) -> dict[str, str]:
    """``;a=b;c`` by lower-case name. One that is there twice could be read in two ways, and is refused."""
    text = text.strip()
    if not text:
        return {}
    first, *parts = split(text, ";", name)
    if first.strip():
        raise RemoteError(name, text, "something before the parameters")
    params: dict[str, str] = {}
    for part in parts:
        match = _PARAM.fullmatch(part.strip())
        if match is None:
            raise RemoteError(name, part, "not a parameter")
        key = match[1].lower()
        if key in params:
            raise RemoteError(name, text, f"parameter {key} twice")
        params[key] = match[2] or ""
    return params


def split(text: str, separator: str, name: str) -> list[str]:
    """The parts between `separator`, a comma or a semicolon, where it stands in neither quotes nor brackets."""
    if '"' not in text and "<" not in text:
        return text.split(separator)
    parts: list[str] = []
    begin = 0
    for piece in _PIECE.finditer(text):
        if piece[0] in ('"', "<"):
            raise RemoteError(name, text, f"{piece[0]} is not closed")
        if piece[0] == separator:
            parts.append(text[begin : piece.start()])
            begin = piece.end()
    parts.append(text[begin:])
    return parts


def _uri_params(text: str) -> dict[str, str]:
    """Of a URI that is kept as text anyway: what is odd in them matters to nobody here."""
    params: dict[str, str] = {}
    for part in text.split(";"):
        key, _, value = part.partition("=")
        if key:
            params.setdefault(key.lower(), value)
    return params


def _port(text: str | None, name: str, whole: str) -> int | None:
    if text is None:
        return None
    if not 0 < int(text) < 1 << 16:
        raise RemoteError(name, whole, "port out of range")
    return int(text)


def withheld(privacy: str | None) -> bool:
    """Whether who calls wants to be unknown to who is called, by his Privacy header (RFC 3323 §4.2, RFC 3325 §9.3)."""
    return bool({"id", "user", "header"} & set(re.split(r"[;, ]+", (privacy or "").lower())))


def _unquoted(text: str) -> str:
    return re.sub(r"\\(.)", r"\1", text[1:-1], flags=re.DOTALL) if text.startswith('"') else text
