"""Offer and answer (RFC 3264): who may offer when, and what is answered. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from enum import Enum, auto

from callcontrol.sip.errors import LocalError, RemoteError
from callcontrol.sip.sdp import DISCARD_PORT, SUITES, Codec, Crypto, Description, Direction, Media, Origin

__all__ = [
    "ABLE",
    "EVENT",
    "Local",
    "Negotiation",
    "Stage",
    "aligned",
    "answer",
    "answering",
    "common",
    "matched",
    "offer",
    "silent",
]

EVENT = "telephone-event"
EVENT_CLOCK_HZ = 8000
"""Of which nearly all phones send them."""

ABLE = (
    Codec(8, "PCMA", 8000),
    Codec(0, "PCMU", 8000),
    Codec(9, "G722", 8000),
    Codec(111, "opus", 48_000, 2, "useinbandfec=1"),
    Codec(101, EVENT, 8000, 1, "0-16"),
    Codec(110, EVENT, 48_000, 1, "0-16"),
    Codec(13, "CN", 8000),
)
"""What the unit itself can read and write, in its order of preference, with the payload types that it offers."""

TEXT = "text"
"""Real-time text (RFC 4103) is between phones, and passes as they say it; the unit neither reads nor writes it."""

_NO_VOICE = (EVENT, "cn")
_NOWHERE = "IN IP4 0.0.0.0"


class Stage(Enum):
    STABLE = auto()
    SENT = auto()  # our offer waits for its answer
    RECEIVED = auto()  # the peer's offer waits for ours


@dataclass
class Negotiation:
    """Whose turn it is in a dialog (RFC 3264 §4), and what was agreed on last. RemoteError: the peer is out of turn."""

    stage: Stage = Stage.STABLE
    local: bytes = b""
    remote: bytes = b""
    tried: bytes = b""
    """Our last offer that was refused."""
    _before: tuple[bytes, bytes] = field(default=(b"", b""))

    def sends(self, body: bytes) -> None:
        """We send a description: an offer, or the answer that is due."""
        if self.stage is Stage.SENT:
            raise LocalError("an offer while ours is not answered")
        if self.stage is Stage.STABLE:
            self._before = (self.local, self.remote)
        self.local, self.stage = body, Stage.SENT if self.stage is Stage.STABLE else Stage.STABLE

    def receives(self, body: bytes) -> bool:
        """The peer has sent one. Whether it is an offer."""
        if self.stage is Stage.RECEIVED:
            raise RemoteError("SDP", "", "an offer while the last is not answered")
        offers = self.stage is Stage.STABLE
        if offers:
            self._before = (self.local, self.remote)
        self.remote, self.stage = body, Stage.RECEIVED if offers else Stage.STABLE
        return offers

    def refused(self) -> None:
        """The offer under way came to nothing: what was agreed on before holds (RFC 3264 §8, RFC 6141 §3.4)."""
        if self.stage is Stage.SENT:
            self.tried = self.local
        if self.stage is not Stage.STABLE:
            (self.local, self.remote), self.stage = self._before, Stage.STABLE


@dataclass(frozen=True)
class Local:
    """What is said of ourselves: where our sound is, what it can be. `crypto_key`: base64, made for this call alone.
    `one_voice`: of all that both can the answer takes the first alone."""

    origin: Origin
    address: str
    port: int
    able: Sequence[Codec] = ABLE
    direction: Direction = Direction.SENDRECV
    ptime_ms: int = 20
    crypto_key: str = ""
    one_voice: bool = False


def common(theirs: Iterable[Codec], able: Sequence[Codec]) -> tuple[Codec, ...]:
    """What both can, in the other's order, with his payload types (RFC 3264 §6.1); empty: nothing to be heard by.

    Telephone events and comfort noise go with a voice of their clock rate, and are nothing alone; but phones send
    events of 8 kHz beside any voice.
    """
    both = [codec for codec in theirs if any(codec.same(one) for one in able)]
    voices = [codec for codec in both if codec.name.lower() not in _NO_VOICE]
    clocks = {codec.clock_hz for codec in voices}
    return tuple(codec for codec in both if codec.clock_hz in clocks or (voices and _is_usual_event(codec)))


def _is_usual_event(codec: Codec) -> bool:
    return codec.name.lower() == EVENT and codec.clock_hz == EVENT_CLOCK_HZ


def offer(local: Local) -> Description:
    """With a key: as SRTP only (RFC 4568); who cannot is to be offered once more without."""
    cryptos = [Crypto(at, suite, local.crypto_key) for at, suite in enumerate(SUITES, 1)] if local.crypto_key else []
    media = _sound(local, local.able, local.direction, "RTP/SAVP" if cryptos else "RTP/AVP", cryptos)
    return Description.new(local.origin, local.address, [media])


def answer(offered: Description, local: Local) -> Description | None:
    """Ours to `offered`: its first sound that we can is taken, all else refused (§6). None: nothing in common (488)."""
    taken: Media | None = None
    medias: list[Media] = []
    for media in offered.medias:
        answered = _answered(media, local) if taken is None else None
        taken = taken or answered
        medias.append(answered or media.refused())
    return None if taken is None else Description.new(local.origin, local.address, medias)


def matched(offered: Description, other: Description) -> Description | None:
    """`other`, an offer too, made an answer to `offered`, so that two who have both offered hear each other (§6).

    None where they have no sound in common: no codec, or one is encrypted and the other not.
    """
    theirs = offered.audio
    ours = None if theirs is None else next((one for one in other.medias if _joins(theirs, one)), None)
    if theirs is None or ours is None:
        return None
    kept = common(ours.codecs, theirs.codecs)
    sound = _cut(ours, kept)
    texts = iter([media for media in other.medias if media.kind == TEXT and media.port])
    medias = [
        sound if media is theirs else _texts(media, next(texts, None)) if media.kind == TEXT else media.refused()
        for media in offered.medias
    ]
    return replace(other, medias=tuple(medias))


def _cut(media: Media, kept: Sequence[Codec]) -> Media:
    numbers = {codec.payload for codec in kept}
    lines = tuple(line for line in media.lines if not _of_other_format(line, numbers))
    return replace(media, formats=tuple(str(codec.payload) for codec in kept), lines=lines)


def _texts(theirs: Media, ours: Media | None) -> Media:
    """Real-time text (RFC 4103) of two who have both offered it; refused where they have not."""
    if not theirs.port or ours is None or ours.protocol != theirs.protocol:
        return theirs.refused()
    kept = [codec for codec in ours.codecs if any(codec.same(one) for one in theirs.codecs)]
    return _cut(ours, kept) if kept else theirs.refused()


def aligned(said: Description, before: Description) -> Description:
    """`said` as what follows `before` with the same peer: each medium of `before` keeps its place, and one that is no
    more is refused there (RFC 3264 §8). What is new comes behind."""
    left = list(said.medias)
    medias: list[Media] = []
    for known in before.medias:
        found = next((media for media in left if media.kind == known.kind), None)
        medias.append(known.refused() if found is None else found)
        if found is not None:
            left.remove(found)
    return replace(said, medias=(*medias, *left))


def answering(said: Description, offered: Description) -> Description:
    """`said`, somebody else's description, as an answer to `offered`: medium by medium, no more and no fewer, and none
    that was not offered (§6)."""
    medias = zip(aligned(said, offered).medias, offered.medias, strict=False)  # what `said` has beyond them is left out
    return replace(said, medias=tuple(one if asked.port else one.refused() for one, asked in medias))


def silent(description: Description) -> Description:
    """To whoever has offered, or answered, `description`: the same media, and nobody at their other end (RFC 3725)."""
    medias = []
    for media in description.medias:
        lines = [line for line in media.lines if line[0] == "a" and line[1].startswith(("rtpmap:", "fmtp:"))]
        still = replace(media, port=media.port and DISCARD_PORT, lines=(("c", _NOWHERE), *lines), shared=())
        medias.append(still.with_direction(Direction.INACTIVE) if media.port else media.refused())
    return replace(description, lines=(("s", "-"), ("t", "0 0")), medias=tuple(medias))


def _joins(theirs: Media, ours: Media) -> bool:
    alike = ours.kind == "audio" and bool(ours.port) and ours.protocol == theirs.protocol
    return alike and bool(common(ours.codecs, theirs.codecs))


def _of_other_format(line: tuple[str, str], numbers: set[int]) -> bool:
    name, _, rest = line[1].partition(":")
    number = rest.partition(" ")[0]
    return line[0] == "a" and name in ("rtpmap", "fmtp") and not (number.isdigit() and int(number) in numbers)


def _answered(media: Media, local: Local) -> Media | None:
    if media.kind != "audio" or not media.rtp or not media.port or media.protocol not in ("RTP/AVP", "RTP/SAVP"):
        return None
    cryptos: list[Crypto] = []
    if media.secure:
        theirs = next((one for suite in SUITES for one in media.cryptos if one.suite == suite and not one.more), None)
        theirs = theirs or next((one for suite in SUITES for one in media.cryptos if one.suite == suite), None)
        if theirs is None or not local.crypto_key:
            return None
        cryptos.append(Crypto(theirs.tag, theirs.suite, local.crypto_key))
    codecs = common(media.codecs, local.able)
    if not codecs:
        return None
    if local.one_voice:
        voice = next(codec for codec in codecs if codec.name.lower() not in _NO_VOICE)
        beside = [one for one in codecs if one.name.lower() in _NO_VOICE and one.clock_hz == voice.clock_hz]
        codecs = (voice, *(beside or filter(_is_usual_event, codecs)))
    most = media.direction.mirrored
    direction = Direction.of(
        sends=most.sends and local.direction.sends, receives=most.receives and local.direction.receives
    )
    return _sound(local, codecs, direction, media.protocol, cryptos)


def _sound(
    local: Local, codecs: Sequence[Codec], direction: Direction, protocol: str, cryptos: Iterable[Crypto]
) -> Media:
    lines = [("a", f"rtpmap:{codec.rtpmap}") for codec in codecs]
    lines += [("a", f"fmtp:{codec.payload} {codec.fmtp}") for codec in codecs if codec.fmtp]
    lines += [("a", f"crypto:{crypto}") for crypto in cryptos]
    lines += [("a", f"ptime:{local.ptime_ms}"), ("a", direction.value)]
    return Media("audio", local.port, protocol, tuple(str(codec.payload) for codec in codecs), tuple(lines))
