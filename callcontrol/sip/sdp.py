"""Session descriptions (RFC 8866, of which RFC 4566 is the old form): read within bounds, kept as they were written.

What is passed on between two phones is their own text, but for the origin, which is ours to each of them. What nobody
here knows (a=ssrc, m=text, candidates) stays where it stands.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import Enum
from functools import cached_property, lru_cache
from typing import Self

from callcontrol.sip.errors import LocalError, RemoteError

__all__ = ["CONTENT_TYPE", "DISCARD_PORT", "SUITES", "Codec", "Crypto", "Description", "Direction", "Media", "Origin"]

CONTENT_TYPE = "application/sdp"

LINES_MAX = 160
"""A browser's with sound alone has some 60."""
LINE_MAX_CHARS = 2_000
MEDIAS_MAX = 8
FORMATS_MAX = 48
"""Payload types of one medium."""

KEPT_MAX, KEPT_MAX_BYTES = 32, 4_000
"""Descriptions remembered with what was read from them: each is read by the dialog and by the call."""

ANY_ADDRESS = ("0.0.0.0", "::")  # noqa: S104 – read in a description, not bound
"""How phones before RFC 3264 said hold (§8.4)."""
DISCARD_PORT = 9
"""With such an address: the place is told later (RFC 8840 §4.1), and no hold."""

_LINE = re.compile(r"([a-z])=([^\x00-\x08\x0a-\x1f\x7f]*)")
_MEDIA = re.compile(r"([a-z]+) ([0-9]{1,5})(?:/[0-9]{1,3})? ([A-Za-z0-9/_.-]+)((?: [^ ]+)+)")
_CONNECTION = re.compile(r"IN IP[46] ([A-Za-z0-9.:-]{1,255})(?:/[0-9/]+)?")
_ORIGIN = re.compile(r"([^ ]+) ([0-9]{1,20}) ([0-9]{1,20}) (IN IP[46] [A-Za-z0-9.:-]{1,255})")
_RTPMAP = re.compile(r"([0-9]{1,3}) ([A-Za-z0-9_.+-]+)/([0-9]{1,6})(?:/([0-9]{1,2}))?")
_FMTP = re.compile(r"([0-9]{1,3}) (.+)")
_CRYPTO = re.compile(r"([0-9]{1,9}) +([A-Za-z0-9_]+) +inline:([A-Za-z0-9+/=]+)((?:\|[0-9^:]+)*)(?: +.*)?")


class Direction(Enum):
    """As the one who wrote the description sees it (RFC 8866 §6.7)."""

    SENDRECV = "sendrecv"
    SENDONLY = "sendonly"
    RECVONLY = "recvonly"
    INACTIVE = "inactive"

    @property
    def sends(self) -> bool:
        return self in (Direction.SENDRECV, Direction.SENDONLY)

    @property
    def receives(self) -> bool:
        return self in (Direction.SENDRECV, Direction.RECVONLY)

    @classmethod
    def of(cls, *, sends: bool, receives: bool) -> Direction:
        if sends:
            return cls.SENDRECV if receives else cls.SENDONLY
        return cls.RECVONLY if receives else cls.INACTIVE

    @property
    def mirrored(self) -> Direction:
        """The most that may be answered (RFC 3264 §6.1)."""
        return Direction.of(sends=self.receives, receives=self.sends)


@dataclass(frozen=True, slots=True)
class Codec:
    """A payload type and what it stands for. `name` as IANA writes it or as the peer does: case is nothing."""

    payload: int
    name: str
    clock_hz: int
    channels: int = 1
    fmtp: str = ""

    def same(self, other: Codec) -> bool:
        """Whatever the payload types are."""
        return (self.name.lower(), self.clock_hz, self.channels) == (other.name.lower(), other.clock_hz, other.channels)

    @property
    def rtpmap(self) -> str:
        return f"{self.payload} {self.name}/{self.clock_hz}" + (f"/{self.channels}" if self.channels > 1 else "")


STATIC = {
    0: Codec(0, "PCMU", 8000),
    3: Codec(3, "GSM", 8000),
    8: Codec(8, "PCMA", 8000),
    9: Codec(9, "G722", 8000),  # of 16,000 samples: RFC 3551 §4.5.2 keeps an old fault
    13: Codec(13, "CN", 8000),
    18: Codec(18, "G729", 8000),
}
"""RFC 3551 §6: payload types that need no rtpmap."""

SUITES = ("AES_CM_128_HMAC_SHA1_80", "AES_CM_128_HMAC_SHA1_32")
"""The encryptions of sound that every peer has, the better first (RFC 4568 §6.2)."""


@dataclass(frozen=True, slots=True)
class Crypto:
    """One a=crypto (RFC 4568 §9.1): `key` in base64, `lifetime` and MKI with their bars, as written."""

    tag: int
    suite: str
    key: str
    more: str = ""

    def __str__(self) -> str:
        return f"{self.tag} {self.suite} inline:{self.key}{self.more}"

    def __repr__(self) -> str:
        return f"Crypto({self.tag}, {self.suite!r})"


@dataclass(frozen=True)
class Origin:
    """o=: who described what, and for which time (RFC 8866 §5.2)."""

    user: str
    session: int
    version: int
    address: str
    """With its net: ``IN IP4 192.0.2.1``."""

    def __str__(self) -> str:
        return f"{self.user} {self.session} {self.version} {self.address}"


@dataclass(frozen=True)
class Media:
    """One m= with the lines under it. `port` 0: refused, or ended (RFC 3264 §6, §8.2)."""

    kind: str
    port: int
    protocol: str
    formats: tuple[str, ...]
    lines: tuple[tuple[str, str], ...] = ()
    shared: tuple[tuple[str, str], ...] = ()
    """Of the session: they hold for each medium that does not say otherwise."""

    @property
    def rtp(self) -> bool:
        return "RTP/" in self.protocol

    @property
    def secure(self) -> bool:
        return self.rtp and "SAVP" in self.protocol

    @cached_property
    def address(self) -> str:
        """Where its sound is awaited; empty where it is said nowhere, as for a medium that is refused."""
        for lines in (self.lines, self.shared):
            for name, value in lines:
                if name == "c":
                    match = _CONNECTION.fullmatch(value)
                    if match is None:
                        raise RemoteError("SDP c=", value, "not an address")
                    return match[1]
        return ""

    @cached_property
    def direction(self) -> Direction:
        """With the hold of old phones, 0.0.0.0, read as what it means: nothing is to be sent there."""
        said = Direction.SENDRECV
        for name, value in (*self.shared, *self.lines):
            if name == "a" and value in Direction._value2member_map_:
                said = Direction(value)
        if self.address in ANY_ADDRESS and self.port != DISCARD_PORT:
            return Direction.of(sends=said.sends, receives=False)
        return said

    @cached_property
    def codecs(self) -> tuple[Codec, ...]:
        """Of an RTP medium, in the order of preference; payload types that nothing explains are left out."""
        if not self.rtp:
            return ()
        maps: dict[int, re.Match[str]] = {}
        fmtps: dict[int, str] = {}
        for value in self._attributes("rtpmap"):
            if (match := _RTPMAP.fullmatch(value)) is None:
                raise RemoteError("SDP a=rtpmap", value, "not a codec")
            maps[int(match[1])] = match
        for value in self._attributes("fmtp"):
            if (match := _FMTP.fullmatch(value)) is not None:
                fmtps[int(match[1])] = match[2].strip()
        found: list[Codec] = []
        for text in self.formats:
            payload = int(text)
            if (match := maps.get(payload)) is not None:
                codec = Codec(payload, match[2], int(match[3]), int(match[4] or 1), fmtps.get(payload, ""))
            elif payload in STATIC:
                codec = replace(STATIC[payload], fmtp=fmtps.get(payload, ""))
            else:
                continue
            found.append(codec)
        return tuple(found)

    @cached_property
    def ptime_ms(self) -> int | None:
        """None where it is not said, or not as a whole number from 1 to 200."""
        for value in self._attributes("ptime"):
            if value.isascii() and value.isdigit() and 1 <= int(value[:4]) <= 200:
                return int(value)
        return None

    @cached_property
    def cryptos(self) -> tuple[Crypto, ...]:
        """Lines that cannot be read are passed over: the next may be one that we know (RFC 4568 §5.1.2)."""
        found = (_CRYPTO.fullmatch(value) for value in self._attributes("crypto"))
        return tuple(Crypto(int(match[1]), match[2], match[3], match[4]) for match in found if match is not None)

    def with_direction(self, direction: Direction) -> Self:
        kept = (line for line in self.lines if line[0] != "a" or line[1] not in Direction._value2member_map_)
        return replace(self, lines=(*kept, ("a", direction.value)))

    def refused(self) -> Self:
        """RFC 3264 §6: the same with port 0, and nothing more than it needs."""
        return replace(self, port=0, lines=(), shared=())

    def _attributes(self, name: str) -> Iterable[str]:
        """Values of a=name:…, of the medium alone: none of those read here stands with the session."""
        return (value.partition(":")[2] for kind, value in self.lines if kind == "a" and value.startswith(f"{name}:"))

    def _written(self) -> list[str]:
        head = f"m={self.kind} {self.port} {self.protocol} {' '.join(self.formats)}"
        return [head, *(f"{name}={value}" for name, value in self.lines)]


@dataclass(frozen=True)
class Description:
    """`lines`: those of the session, without v= and o=."""

    origin: Origin
    lines: tuple[tuple[str, str], ...]
    medias: tuple[Media, ...]

    @classmethod
    def parse(cls, body: bytes) -> Description:
        """Lines may end with a lone LF, as some phones write them. RemoteError names the line's type."""
        return _kept(body) if len(body) <= KEPT_MAX_BYTES else cls._read(body)

    @classmethod
    def _read(cls, body: bytes) -> Description:
        text = body.decode("utf-8", "surrogateescape").rstrip("\r\n")
        rows = text.split("\n", LINES_MAX)
        if len(rows) > LINES_MAX:
            raise RemoteError("SDP", text, f"more than {LINES_MAX} lines")
        lines = [_line(row.removesuffix("\r")) for row in rows]
        if lines[0] != ("v", "0"):
            raise RemoteError("SDP v=", rows[0], "not version 0")
        if len(lines) < 2 or lines[1][0] != "o" or (match := _ORIGIN.fullmatch(lines[1][1])) is None:
            raise RemoteError("SDP o=", rows[1] if len(rows) > 1 else "", "not an origin")
        origin = Origin(match[1], int(match[2]), int(match[3]), match[4])
        first = next((at for at, line in enumerate(lines) if line[0] == "m"), len(lines))
        shared = tuple(lines[2:first])
        medias = tuple(_media(part, shared) for part in _parts(lines[first:]))
        if len(medias) > MEDIAS_MAX:
            raise RemoteError("SDP m=", "", f"more than {MEDIAS_MAX} media")
        return cls(origin, shared, medias)

    @classmethod
    def new(cls, origin: Origin, address: str, medias: Iterable[Media]) -> Self:
        """`address`: where all its media are, without the net."""
        net = "IN IP6" if ":" in address else "IN IP4"
        shared = (("s", "-"), ("c", f"{net} {address}"), ("t", "0 0"))
        return cls(origin, shared, tuple(replace(media, shared=shared) for media in medias))

    @property
    def audio(self) -> Media | None:
        """The first that is spoken over: RTP, and not refused."""
        return next((media for media in self.medias if media.kind == "audio" and media.rtp and media.port), None)

    @property
    def holds(self) -> bool:
        """Whoever wrote this does not want to hear the other (RFC 3264 §8.4)."""
        return self.audio is not None and not self.audio.direction.receives

    def with_origin(self, origin: Origin) -> Self:
        return replace(self, origin=origin)

    def with_direction(self, direction: Direction) -> Self:
        """Of all media."""
        lines = tuple(line for line in self.lines if line[0] != "a" or line[1] not in Direction._value2member_map_)
        return replace(self, lines=lines, medias=tuple(media.with_direction(direction) for media in self.medias))

    def same_but_version(self, other: Description) -> bool:
        """Whether nothing changes by it (RFC 3264 §8: then the origin is the very same)."""
        return (self.lines, self.medias) == (other.lines, other.medias)

    def to_bytes(self) -> bytes:
        """LocalError where a line break stands in a line."""
        rows = ["v=0", f"o={self.origin}", *(f"{name}={value}" for name, value in self.lines)]
        for media in self.medias:
            rows += media._written()
        for row in rows:
            if "\r" in row or "\n" in row:
                raise LocalError(f"a line break in {row[:80]!r}")
        return ("\r\n".join(rows) + "\r\n").encode("utf-8", "surrogateescape")


_kept = lru_cache(KEPT_MAX)(Description._read)


def _line(row: str) -> tuple[str, str]:
    match = _LINE.fullmatch(row) if len(row) <= LINE_MAX_CHARS else None
    if match is None:
        raise RemoteError("SDP", row, f"not a letter, = and a value of at most {LINE_MAX_CHARS} characters")
    return match[1], match[2]


def _parts(lines: list[tuple[str, str]]) -> Iterable[list[tuple[str, str]]]:
    """Each m= with what follows it."""
    part: list[tuple[str, str]] = []
    for line in lines:
        if line[0] == "m" and part:
            yield part
            part = []
        part.append(line)
    if part:
        yield part


def _media(part: list[tuple[str, str]], shared: tuple[tuple[str, str], ...]) -> Media:
    text = part[0][1]
    match = _MEDIA.fullmatch(text)
    if match is None or int(match[2]) > 65_535:
        raise RemoteError("SDP m=", text, "not a medium, a port, a protocol and formats")
    formats = tuple(match[4].split())
    if len(formats) > FORMATS_MAX:
        raise RemoteError("SDP m=", text, f"more than {FORMATS_MAX} formats")
    media = Media(match[1], int(match[2]), match[3], formats, tuple(part[1:]), shared)
    if media.rtp and not all(one.isascii() and one.isdigit() and len(one) <= 3 and int(one) < 128 for one in formats):
        raise RemoteError("SDP m=", text, "not payload types")
    _ = media.codecs, media.direction
    if media.port and media.rtp and not media.address:
        raise RemoteError("SDP c=", text, "missing")
    return media
