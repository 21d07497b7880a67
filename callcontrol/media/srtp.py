"""SRTP with keys from SDP (RFC 3711, RFC 4568 §6), by libsrtp.

The key is in the signalling, so it is worth as much as the TLS that carries that.
"""

from __future__ import annotations

import base64
import binascii
import secrets
from dataclasses import dataclass

import pylibsrtp

from callcontrol.sip.sdp import SUITES

__all__ = ["Keys", "Secured", "new_key", "parse_key"]

_SALTED_BYTES = 30  # 16 of key, 14 of salt
_PROFILES: dict[str, int] = dict(
    zip(
        SUITES,
        (pylibsrtp.Policy.SRTP_PROFILE_AES128_CM_SHA1_80, pylibsrtp.Policy.SRTP_PROFILE_AES128_CM_SHA1_32),
        strict=True,
    )
)


def new_key() -> bytes:
    """Master key and salt."""
    return secrets.token_bytes(_SALTED_BYTES)


def parse_key(text: str) -> bytes:
    """Of ``inline:…`` (RFC 4568 §6.1). Raises ValueError. A lifetime is passed over; an MKI is not supported."""
    method, _, rest = text.partition(":")
    key, *parameters = rest.split("|")
    if method != "inline" or any(":" in parameter for parameter in parameters):
        raise ValueError("crypto: no inline key, or one with an MKI")
    try:
        found = base64.b64decode(key, validate=True)
    except binascii.Error as error:
        raise ValueError("crypto: no base64") from error
    if len(found) != _SALTED_BYTES:
        raise ValueError(f"crypto: {len(found)} bytes of key")
    return found


@dataclass(frozen=True, slots=True, repr=False)
class Keys:
    """Of one leg: the suite, the key that we send with, the key that the peer sends with."""

    suite: str
    ours: bytes
    theirs: bytes


class Secured:
    """Seals what goes out and opens what comes in. `rejected` counts what was forged, repeated or broken."""

    def __init__(self, keys: Keys) -> None:
        profile = _PROFILES[keys.suite]
        policy = pylibsrtp.Policy
        self._out = pylibsrtp.Session(policy(keys.ours, policy.SSRC_ANY_OUTBOUND, 0, profile))
        self._in = pylibsrtp.Session(policy(keys.theirs, policy.SSRC_ANY_INBOUND, 0, profile))
        self.rejected = 0

    def seal(self, packet: bytes) -> bytes:
        return self._out.protect(packet)

    def seal_rtcp(self, packet: bytes) -> bytes:
        return self._out.protect_rtcp(packet)

    def opened(self, data: bytes, *, rtcp: bool = False) -> bytes | None:
        try:
            return self._in.unprotect_rtcp(data) if rtcp else self._in.unprotect(data)
        except (pylibsrtp.Error, ValueError):
            self.rejected += 1
            return None
