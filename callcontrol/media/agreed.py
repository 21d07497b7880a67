"""The unit's own end of a call's sound: its offers and answers (RFC 3264, RFC 4568), and what the leg is to be by them.

Pure but for the key, which is made at random for each end. One voice is agreed on, so that nothing comes that the leg
does not read."""

from __future__ import annotations

import base64
import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass, field

from callcontrol.media.codecs import format_of
from callcontrol.media.leg import LegSettings
from callcontrol.media.srtp import Keys, new_key, parse_key
from callcontrol.sip.errors import RemoteError
from callcontrol.sip.offer import ABLE, EVENT, EVENT_CLOCK_HZ, Local, answer, offer
from callcontrol.sip.sdp import Codec, Description, Direction, Media, Origin

__all__ = ["COMFORT", "OwnEnd"]

COMFORT = "CN"
"""RFC 3389."""
_NO_VOICE = (EVENT, COMFORT.lower())


def _fresh_key() -> str:
    return base64.b64encode(new_key()).decode()


@dataclass(frozen=True, slots=True)
class OwnEnd:
    """`address` and `port`: where its sound is awaited."""

    address: str
    port: int
    able: Sequence[Codec] = ABLE
    _key: str = field(default_factory=_fresh_key, repr=False)

    def answer(self, offered: bytes) -> tuple[bytes, LegSettings] | None:
        """None: nothing in common (488). Raises RemoteError for what is no description."""
        read = Description.parse(offered)
        answered = answer(read, self._local(secure=True))
        settings = None if answered is None else self._settings(theirs=read, ours=answered, voices=answered)
        return None if answered is None or settings is None else (answered.to_bytes(), settings)

    def offer(self, direction: Direction = Direction.SENDRECV, *, secure: bool = False) -> bytes:
        """All that we can; `secure`: by SRTP only, as whoever was secret stays so."""
        return offer(self._local(secure, direction)).to_bytes()

    def agreed(self, offered: bytes, answered: bytes) -> LegSettings | None:
        """By the answer to an offer of ours; None where nothing is in common. Raises RemoteError."""
        ours, theirs = Description.parse(offered), Description.parse(answered)
        return self._settings(theirs=theirs, ours=ours, voices=theirs)

    def _local(self, secure: bool, direction: Direction = Direction.SENDRECV) -> Local:
        return Local(
            Origin("rvx", 0, 0, f"IN IP4 {self.address}"),
            self.address,
            self.port,
            self.able,
            direction,
            crypto_key=self._key if secure else "",
            one_voice=True,
        )

    def _settings(self, *, theirs: Description, ours: Description, voices: Description) -> LegSettings | None:
        """`voices`: the answer, which says what of the offer is used."""
        place = next((at for at, media in enumerate(voices.medias) if media.kind == "audio" and media.port), None)
        if place is None or place >= min(len(theirs.medias), len(ours.medias)):
            return None
        their, our, agreed = theirs.medias[place], ours.medias[place], voices.medias[place].codecs
        voice = next((codec for codec in agreed if codec.name.lower() not in _NO_VOICE), None)
        known = None if voice is None else format_of(voice.name)
        if voice is None or known is None or not _is_ip(their.address):  # a name would be asked for at each packet
            return None
        return LegSettings(
            format=known,
            payload_type=voice.payload,
            event_type=_payload(agreed, EVENT, voice.clock_hz) or _payload(agreed, EVENT, EVENT_CLOCK_HZ),
            comfort_type=_payload(agreed, COMFORT, voice.clock_hz),
            remote=(their.address, their.port),
            keys=self._keys(their, voices.medias[place]) if our.secure else None,
            sends=our.direction.sends and their.direction.receives,
            receives=our.direction.receives and their.direction.sends,
        )

    def _keys(self, their: Media, chosen: Media) -> Keys:
        """By the crypto line that the answer has taken, of those that were offered."""
        suite = chosen.cryptos[0] if chosen.cryptos else None
        key = next((one.key for one in their.cryptos if suite and one.tag == suite.tag), None)
        if suite is None or key is None:
            raise RemoteError("SDP a=crypto", "", "no key of those that were offered")
        try:
            return Keys(suite.suite, base64.b64decode(self._key), parse_key(f"inline:{key}"))
        except ValueError as error:
            raise RemoteError("SDP a=crypto", "", str(error)) from error


def _is_ip(address: str) -> bool:
    try:
        ipaddress.ip_address(address)
    except ValueError:
        return False
    return True


def _payload(codecs: Sequence[Codec], name: str, clock_hz: int) -> int | None:
    return next((one.payload for one in codecs if one.name == name and one.clock_hz == clock_hz), None)
