"""The secret half of SIP digest authentication (RFC 7616 §3.4.2): all that the unit keeps of a password."""

from __future__ import annotations

import hashlib
from typing import Literal

__all__ = ["Algorithm", "ha1"]

Algorithm = Literal["md5", "sha256"]


def ha1(user: str, realm: str, password: str, algorithm: Algorithm) -> str:
    """Give H(A1), A1 = user ":" realm ":" password in UTF-8, as lower-case hex.

    A colon in user or realm is a ValueError: two different accounts would share one hash.
    """
    for name, text in (("user", user), ("realm", realm)):
        if ":" in text:
            raise ValueError(f"{name} may not hold a colon: {text!r}")
    # MD5 is what desk phones speak; it is the wire's choice, not ours.
    return hashlib.new(algorithm, f"{user}:{realm}:{password}".encode(), usedforsecurity=False).hexdigest()
