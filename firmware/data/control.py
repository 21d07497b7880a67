"""What Kamailio's module rtpproxy asks, and how it is answered: text in, values out.

A datagram is a cookie, which the answer repeats, and a command: `U` what is offered, `L` what is answered, `D` the end
of a call, `V` which version this is. As rtpproxy(8) has it; only what the edge's configuration can bring is known here.
`I` and `E` among the options say from which side a message comes (first) and where it goes: inside, phones; outside,
the platform."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from ipaddress import IPv4Address

__all__ = ["COMMAND_MAX_BYTES", "Command", "CommandError", "Kind", "Side", "answer_of", "parse"]

COMMAND_MAX_BYTES = 2048
PROTOCOL = "20040107"
FEATURES = frozenset({"20040107", "20050322"})
"""Of the versions that the module asks for: the plain one, and several streams of one call."""
ID_MAX = 512
PORT_MIN = 1024
STREAMS_MAX = 4
"""Streams of one call that have a place; sound is the first."""


class CommandError(ValueError):
    """What was asked is no command that is known here."""


class Kind(StrEnum):
    VERSION = "V"
    FEATURE = "VF"
    OFFER = "U"
    ANSWER = "L"
    DELETE = "D"


class Side(StrEnum):
    INSIDE = "I"
    OUTSIDE = "E"

    @property
    def other(self) -> Side:
        return Side.OUTSIDE if self is Side.INSIDE else Side.INSIDE


@dataclass(frozen=True, slots=True)
class Command:
    """`came` is the side that the message came from; `host` and `port` are where its sender wants the stream."""

    cookie: str
    kind: Kind
    call_id: str = ""
    came: Side = Side.INSIDE
    host: str = ""
    port: int = 0
    from_tag: str = ""
    to_tag: str = ""
    stream: int = 1
    feature: str = ""


def parse(data: bytes) -> Command:
    """Raises CommandError, with what is wrong."""
    if len(data) > COMMAND_MAX_BYTES:
        raise CommandError(f"length: {len(data)} bytes")
    try:
        cookie, word, *rest = data.decode("ascii").split()
    except (UnicodeDecodeError, ValueError):
        raise CommandError("no cookie and command") from None
    if len(cookie) > ID_MAX or any(len(each) > ID_MAX for each in rest):
        raise CommandError("a word is too long")
    letter, options = word[0].upper(), word[1:]
    if letter == "V":
        return (
            Command(cookie, Kind.FEATURE, feature=rest[0])
            if options.upper() == "F" and rest
            else Command(cookie, Kind.VERSION)
        )
    if letter == "D" and len(rest) >= 2:
        return Command(cookie, Kind.DELETE, rest[0], from_tag=_tag(rest[1])[0])
    if letter in "UL" and len(rest) >= 4:
        return _stream(cookie, Kind(letter), options, rest)
    raise CommandError(f"command: {word[:20]}")


def _stream(cookie: str, kind: Kind, options: str, rest: list[str]) -> Command:
    # Codecs ("c8,0,101") are options too; sides are the only capital letters.
    sides = [Side(letter) for letter in options if letter in "IE"]
    host, port = rest[1], rest[2]
    try:
        address = IPv4Address(host)
    except ValueError:
        raise CommandError(f"address: {host[:40]}") from None
    # A phone writes it: sound goes to no group, and to no port of services. 0.0.0.0 and port 0 are on hold.
    if address.is_multicast or address.is_reserved:
        raise CommandError(f"address: {host}")
    if not port.isdigit() or 0 < int(port) < PORT_MIN or int(port) > 65535:
        raise CommandError(f"port: {port[:20]}")
    from_tag, stream = _tag(rest[3])
    to_tag = _tag(rest[4])[0] if len(rest) > 4 else ""
    if kind is Kind.ANSWER and not to_tag:
        raise CommandError("tag: an answer has two")
    came = sides[0] if sides else Side.INSIDE
    return Command(cookie, kind, rest[0], came, host, int(port), from_tag, to_tag, stream)


def _tag(text: str) -> tuple[str, int]:
    """`tag;2` is the second stream."""
    tag, _, number = text.partition(";")
    if number and (not number.isdigit() or not 1 <= int(number) <= STREAMS_MAX):
        raise CommandError(f"stream: {number[:20]}")
    return tag, int(number or 1)


def answer_of(command: Command, said: str) -> bytes:
    """The datagram for what was found: a place ("31000 10.0.0.1"), "0" where it is done, or an error ("E8")."""
    return f"{command.cookie} {said}\n".encode()
