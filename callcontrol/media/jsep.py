"""What a browser offers and is answered (RFC 8829), beyond what a telephone says: how it is reached by ICE (RFC 8839),
by which certificate it is known (RFC 8122), and that RTCP shares the port of RTP (RFC 5761).

Offer and answer themselves are those of `agreed`: the offer is read as a telephone's, and the answer is given the lines
that are a browser's. Pure."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from callcontrol.media.agreed import OwnEnd
from callcontrol.media.leg import LegSettings
from callcontrol.sip.errors import RemoteError
from callcontrol.sip.offer import ABLE, EVENT
from callcontrol.sip.sdp import DISCARD_PORT, Codec, Description, Media

__all__ = ["PEER", "VOICES", "Answer", "Candidate", "Transport", "answer", "answered_with"]

PEER = ("webrtc", 0)
"""Where a browser's sound comes from, for a leg: DTLS has proved who it is, and ICE may change by which address."""
VOICES = ("PCMA", "G722", "PCMU", "opus")
"""PCMA passes unopened to nearly every telephone; opus is for whoever has it at the other end too."""

CANDIDATES_MAX = 16
PORT_MIN = 1024
FINGERPRINTS_MAX = 4
_PROTOCOLS = ("UDP/TLS/RTP/SAVPF", "UDP/TLS/RTP/SAVP")
_NOWHERE = "0.0.0.0"  # noqa: S104 – written in a description, not bound
_UFRAG, _PASSWORD = re.compile(r"[A-Za-z0-9+/]{4,256}"), re.compile(r"[A-Za-z0-9+/]{22,256}")
_FINGERPRINT = re.compile(r"(sha-(?:256|384|512)) ([0-9A-F]{2}(?::[0-9A-F]{2}){31,63})", re.IGNORECASE)
_CANDIDATE = re.compile(
    r"([A-Za-z0-9+/]{1,32}) 1 udp ([0-9]{1,10}) ([0-9A-Fa-f.:]{2,45}) ([0-9]{1,5})"
    r" typ (host|srflx|prflx|relay)(?: .*)?",
    re.IGNORECASE,
)
_MID = re.compile(r"[!#-'*+.0-9A-Z^-~-]{1,32}")


@dataclass(frozen=True, slots=True)
class Candidate:
    """An address for RTP by UDP (RFC 8839 §5.1)."""

    foundation: str
    priority: int
    address: str
    port: int
    kind: str = "host"

    def __str__(self) -> str:
        return f"{self.foundation} 1 udp {self.priority} {self.address} {self.port} typ {self.kind}"


@dataclass(frozen=True, slots=True)
class Transport:
    """How one side is reached. `fingerprints`: algorithm and value."""

    ufrag: str
    password: str
    fingerprints: tuple[tuple[str, str], ...]
    candidates: tuple[Candidate, ...] = ()

    def __repr__(self) -> str:
        return f"Transport({self.ufrag!r}, {len(self.candidates)} candidates)"

    @classmethod
    def of(cls, media: Media) -> Transport:
        """Raises RemoteError, with the line's type."""
        if not any(line == ("a", "rtcp-mux") for line in media.lines):
            raise RemoteError("SDP a=rtcp-mux", "", "missing")
        _one(media, "setup", re.compile("actpass|passive"))
        prints = [match for value in _all(media, "fingerprint") if (match := _FINGERPRINT.fullmatch(value))]
        if not 0 < len(prints) <= FINGERPRINTS_MAX:
            raise RemoteError("SDP a=fingerprint", "", f"1 to {FINGERPRINTS_MAX} by SHA-2 expected")
        candidates = tuple(found for value in _all(media, "candidate") if (found := _candidate(value)) is not None)
        if not candidates:
            raise RemoteError("SDP a=candidate", "", "none with an address, for UDP")
        return cls(
            _one(media, "ice-ufrag", _UFRAG),
            _one(media, "ice-pwd", _PASSWORD),
            tuple((match[1].lower(), match[2].upper()) for match in prints),
            candidates[:CANDIDATES_MAX],
        )


@dataclass(frozen=True, slots=True)
class Answer:
    """What was agreed on; how the browser is reached; and the answer, but for how we are."""

    settings: LegSettings
    theirs: Transport
    description: Description


def answer(offered: bytes, voices: Sequence[str] = VOICES) -> Answer | None:
    """By the first of these voices that the browser has; None: it has none of them. Raises RemoteError."""
    read = Description.parse(offered)
    sound = next((media for media in read.medias if _of_browser(media)), None)
    if sound is None:
        raise RemoteError("SDP m=", "", f"no audio by {_PROTOCOLS[0]}")
    theirs = Transport.of(sound)
    plain = tuple(replace(media, protocol="RTP/AVP") if media is sound else media.refused() for media in read.medias)
    for voice in voices:
        found = OwnEnd(_NOWHERE, DISCARD_PORT, _able(voice)).answer(replace(read, medias=plain).to_bytes())
        if found is not None:
            description = Description.parse(found[0])
            medias = tuple(
                replace(
                    ours,
                    protocol=media.protocol,
                    lines=(*ours.lines, *(("a", f"mid:{mid}") for mid in _all(media, "mid") if _MID.fullmatch(mid))),
                )
                for media, ours in zip(read.medias, description.medias, strict=True)
            )
            return Answer(replace(found[1], remote=PEER), theirs, replace(description, medias=medias))
    return None


def answered_with(agreed: Answer, ours: Transport, ssrc: int) -> bytes:
    """The whole answer: we begin the handshake, and send as `ssrc`."""
    lines = [
        "rtcp-mux",
        f"ice-ufrag:{ours.ufrag}",
        f"ice-pwd:{ours.password}",
        *(f"fingerprint:{algorithm} {value}" for algorithm, value in ours.fingerprints),
        "setup:active",
        *(f"candidate:{candidate}" for candidate in ours.candidates),
        "end-of-candidates",
        f"ssrc:{ssrc} cname:rvx",
    ]
    added = tuple(("a", line) for line in lines)
    medias = tuple(
        replace(media, lines=(*media.lines, *added)) if media.port else media for media in agreed.description.medias
    )
    bundled = " ".join(mid for media in medias if media.port for mid in _all(media, "mid"))
    group = (("a", f"group:BUNDLE {bundled}"),) if bundled else ()
    return replace(agreed.description, lines=(*agreed.description.lines, *group), medias=medias).to_bytes()


def _able(voice: str) -> list[Codec]:
    """With keys, and without comfort noise: a browser that may send it falls silent between words."""
    return [codec for codec in ABLE if codec.name in (voice, EVENT)]


def _of_browser(media: Media) -> bool:
    return media.kind == "audio" and bool(media.port) and media.protocol in _PROTOCOLS


def _candidate(value: str) -> Candidate | None:
    """None for what we cannot use, TCP, a name of mDNS, RTCP alone, and for where no browser is: ourselves, many at
    once, the ports of services."""
    match = _CANDIDATE.fullmatch(value)
    if match is None or not PORT_MIN <= int(match[4]) < 65_536 or int(match[2]) >= 1 << 32:
        return None
    try:
        address = ipaddress.ip_address(match[3])
    except ValueError:
        return None
    if address.is_loopback or address.is_multicast or address.is_unspecified:
        return None
    return Candidate(match[1], int(match[2]), str(address), int(match[4]), match[5].lower())


def _one(media: Media, name: str, shape: re.Pattern[str]) -> str:
    value = next(_all(media, name), "")
    if shape.fullmatch(value) is None:
        raise RemoteError(f"SDP a={name}", value, "not as it should be" if value else "missing")
    return value


def _all(media: Media, name: str) -> Iterator[str]:
    """Of the medium, then of the session."""
    for kind, value in (*media.lines, *media.shared):
        if kind == "a" and value.startswith(f"{name}:"):
            yield value.partition(":")[2]
