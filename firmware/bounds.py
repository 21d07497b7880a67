"""What a value in the configuration may be.

A rule says in words what it expects, and ``take`` gives the value to keep, or raises Refused. Rules are strict about
characters, because values go on into the edge's configuration, file names and command lines.
"""

from __future__ import annotations

import difflib
import ipaddress
import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from callcontrol.plan.number import DirectRange, ExtensionRange

__all__ = [
    "Choice",
    "Each",
    "Listen",
    "Refused",
    "Rule",
    "Shared",
    "SipUri",
    "Text",
    "Whole",
    "absolute_path",
    "address",
    "ipaddress_of",
    "like",
    "network",
    "parse_direct",
    "parse_listen",
    "parse_range",
    "parse_shared",
    "parse_sip_uri",
    "shown",
]

SHOWN_MAX = 60
"""Characters of a refused value that an error repeats."""

PATH_MAX_BYTES = 80
"""A Unix socket's path may have 107 bytes, and sockets lie two names below ``state_dir``."""


class Refused(ValueError):
    """A value that may not be so: the text says why, ``nearest`` what was probably meant."""

    def __init__(self, why: str, nearest: str | None = None) -> None:
        super().__init__(why)
        self.nearest = nearest


class Rule(Protocol):
    @property
    def expected(self) -> str:
        """What is expected, in words."""

    def take(self, raw: object) -> object:
        """Give the value to keep for what TOML held; raises Refused."""


@dataclass(frozen=True, slots=True)
class Whole:
    """A whole number within bounds, both included."""

    low: int
    high: int

    @property
    def expected(self) -> str:
        return f"a whole number, {self.low} to {self.high}"

    def take(self, raw: object) -> int:
        if not isinstance(raw, int) or isinstance(raw, bool):
            raise Refused(f"{shown(raw)} is not a whole number")
        if not self.low <= raw <= self.high:
            raise Refused(f"{shown(raw)} is out of bounds")
        return raw


@dataclass(frozen=True, slots=True)
class Choice:
    """One of a few words."""

    names: tuple[str, ...]

    @property
    def expected(self) -> str:
        return " or ".join(f'"{name}"' for name in self.names)

    def take(self, raw: object) -> str:
        if isinstance(raw, str) and raw in self.names:
            return raw
        near = difflib.get_close_matches(raw[:SHOWN_MAX], self.names, 1) if isinstance(raw, str) else []
        raise Refused(f"{shown(raw)} is none of them", f'"{near[0]}"' if near else None)


@dataclass(frozen=True, slots=True)
class Text:
    """A string that ``parse`` makes into the value to keep. ``secret`` keeps the value out of every error."""

    expected: str
    parse: Callable[[str], object]
    secret: bool = False

    def take(self, raw: object) -> object:
        name = "the value" if self.secret else shown(raw)
        if not isinstance(raw, str):
            raise Refused(f"{name} is not a string")
        try:
            return self.parse(raw)
        except Refused as refused:
            raise Refused(f"{name} {refused}", refused.nearest) from None


@dataclass(frozen=True, slots=True)
class Each:
    """A list of so many values, each by one rule, none twice."""

    rule: Rule
    low: int
    high: int

    @property
    def expected(self) -> str:
        return f"a list of {self.low} to {self.high}, each {self.rule.expected}"

    def take(self, raw: object) -> tuple[object, ...]:
        if not isinstance(raw, list):
            raise Refused(f"{shown(raw)} is not a list")
        if not self.low <= len(raw) <= self.high:
            raise Refused(f"the list has {len(raw)}")
        taken: list[object] = []
        for item in raw:
            value = self.rule.take(item)
            if value in taken:
                raise Refused(f"{shown(item)} is there twice")
            taken.append(value)
        return tuple(taken)


def like(pattern: str) -> Callable[[str], str]:
    """Give a parser that keeps a string which as a whole is like ``pattern``."""
    form = re.compile(pattern, re.ASCII)

    def parse(text: str) -> str:
        if not form.fullmatch(text):
            raise Refused("is not so written")
        return text

    return parse


def absolute_path(text: str) -> Path:
    """Take an absolute path without characters that mean something to a shell or to Kamailio."""
    if not text.startswith("/"):
        raise Refused("is not absolute")
    if not text.isprintable() or set(text) & set("\"'\\`$|;#&<>*?!"):
        raise Refused("holds a character that may not be in it")
    if len(text.encode()) > PATH_MAX_BYTES:
        raise Refused(f"is longer than {PATH_MAX_BYTES} bytes")
    return Path(text)


def network(text: str) -> str:
    """Take an IPv4 network such as 10.0.0.0/8."""
    try:
        found = ipaddress.IPv4Network(text, strict=False)
    except ValueError:
        raise Refused("is not an IPv4 network") from None
    if str(found) != text:
        raise Refused("is not the network's own address and length", f'"{found}"')
    return text


def address(text: str) -> str:
    """Take the IPv4 address of one machine."""
    found = _address(text)
    if found.is_unspecified or found.is_multicast or found.is_loopback:
        raise Refused("is not an address that another machine can send to")
    return str(found)


def parse_range(text: str) -> ExtensionRange:
    """Take ``16xx``: extensions of four digits that begin with 16."""
    match = re.fullmatch(r"([0-9]{0,10})(x{0,8})", text, re.ASCII)
    if not match or not text:
        raise Refused("is not so written")
    if text.startswith("112"):
        raise Refused("begins with 112, which is dialled for help")
    try:
        return ExtensionRange(match[1], len(text))
    except ValueError as error:
        raise Refused(str(error)) from None


def parse_direct(text: str) -> DirectRange:
    """Take ``+4690161xxx=1xxx``: +46 90 16 10 00 rings 1000."""
    match = re.fullmatch(r"(\+46[0-9]{1,12})(x{0,8})=([0-9]{0,10})(x{0,8})", text, re.ASCII)
    if not match or match[2] != match[4]:
        raise Refused("is not so written")
    try:
        return DirectRange(match[1], match[3], len(match[2]))
    except ValueError as error:
        raise Refused(str(error)) from None


@dataclass(frozen=True, slots=True)
class Shared:
    """An address that goes from one unit to the other, ``10.0.0.1/24 eth0``."""

    address: str
    network: str
    interface: str


def parse_shared(text: str) -> Shared:
    """Take ``ADDRESS/LENGTH INTERFACE``, the address being a machine's in that network."""
    match = re.fullmatch(r"([0-9.]{7,15})/([0-9]{1,2}) ([A-Za-z0-9_.-]{1,15})", text, re.ASCII)
    if not match or not 8 <= int(match[2]) <= 30:
        raise Refused("is not so written")
    own = address(match[1])
    return Shared(own, str(ipaddress.IPv4Network(f"{own}/{match[2]}", strict=False)), match[3])


@dataclass(frozen=True, slots=True)
class Listen:
    """Where the edge listens, ``udp:10.0.0.1:5060``; ``protocol`` is udp, tcp or tls."""

    protocol: str
    address: str
    port: int


def ipaddress_of(text: str) -> ipaddress.IPv4Address:
    """Take an IPv4 address."""
    return _address(text)


def parse_listen(text: str) -> Listen:
    """Take ``udp:ADDRESS:PORT``, ``tcp:…`` or ``tls:…`` with an IPv4 address that a phone can send to."""
    match = re.fullmatch(r"(udp|tcp|tls):([0-9.]{7,15}):([0-9]{1,5})", text, re.ASCII)
    if not match:
        raise Refused("is not so written")
    address = _address(match[2])
    if address.is_unspecified or address.is_multicast:
        raise Refused("has no address that a phone can send to")
    return Listen(match[1], str(address), _port(match[3]))


@dataclass(frozen=True, slots=True)
class SipUri:
    """Another SIP server, ``sip:HOST[:PORT][;transport=udp|tcp]``; ``port`` None leaves it to DNS or 5060."""

    host: str
    port: int | None
    transport: str


def parse_sip_uri(text: str) -> SipUri:
    """Take the URI of a server: no user part, an IPv4 address or a host name."""
    match = re.fullmatch(r"sip:([A-Za-z0-9.-]{1,253})(?::([0-9]{1,5}))?(?:;transport=(udp|tcp))?", text, re.ASCII)
    if not match:
        raise Refused("is not so written", f'"sip:{text}"' if re.fullmatch(r"[0-9.]{7,15}(:[0-9]+)?", text) else None)
    host = match[1]
    if re.fullmatch(r"[0-9.]+", host):
        _address(host)
    elif not all(re.fullmatch(r"[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?", label) for label in host.split(".")):
        raise Refused("has a host that is neither an IPv4 address nor a name")
    return SipUri(host, _port(match[2]) if match[2] else None, match[3] or "udp")


def shown(raw: object) -> str:
    """Give a value as TOML writes it, short enough for one line of an error."""
    if isinstance(raw, dict):
        return "a table"
    if isinstance(raw, int) and not isinstance(raw, bool) and abs(raw) >= 10**SHOWN_MAX:
        return "a number of very many digits"
    text = json.dumps(raw, ensure_ascii=False, default=str)
    return text if len(text) <= SHOWN_MAX else text[: SHOWN_MAX - 1] + "…"


def _address(text: str) -> ipaddress.IPv4Address:
    try:
        return ipaddress.IPv4Address(text)
    except ValueError:
        raise Refused("has no valid IPv4 address") from None


def _port(text: str) -> int:
    if not 1 <= int(text) <= 65535:
        raise Refused("has a port that is not 1 to 65535")
    return int(text)
