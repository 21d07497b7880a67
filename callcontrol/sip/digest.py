"""Answering a challenge: digest authentication of a client (RFC 7616, RFC 8760, RFC 2617, RFC 3261 §22).

Nonce, realm and opaque are given back as they were written, escapes and all, so that both sides hash the same octets
whatever they think of a backslash.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

from callcontrol.digest import Algorithm
from callcontrol.sip.errors import LocalError, RemoteError
from callcontrol.sip.headers import TOKEN, split
from callcontrol.sip.message import Response

__all__ = ["Challenge", "Credentials", "authorize", "challenges", "choose"]

ALGORITHMS: dict[str, Algorithm] = {"md5": "md5", "sha-256": "sha256"}
"""The wire's names, in lower case and without -sess, of those that we keep hashes for."""

STRENGTH: dict[Algorithm, int] = {"md5": 0, "sha256": 1}

_SCHEME = re.compile(r"([A-Za-z]+)\s+(.+)", re.DOTALL)
_PARAM = re.compile(rf'({TOKEN})\s*=\s*(?:"((?:[^"\\]|\\.)*+)"|({TOKEN}))', re.DOTALL)
_UNQUOTABLE = re.compile(r'["\\\r\n]')


@dataclass(frozen=True)
class Credentials:
    """Whom we may speak for: `ha1s` are H(user ":" realm ":" password), by algorithm, and good for that realm alone."""

    user: str
    realm: str
    ha1s: Mapping[Algorithm, str]

    def __repr__(self) -> str:
        return f"Credentials({self.user!r}, {self.realm!r}, {sorted(self.ha1s)})"


@dataclass(frozen=True)
class Challenge:
    realm: str
    nonce: str
    algorithm: str = "MD5"
    """As written; RFC 7616 §3.3: MD5 where none is."""
    algorithm_given: bool = False
    qops: tuple[str, ...] = ()
    opaque: str | None = None
    stale: bool = False
    for_proxy: bool = False
    """From Proxy-Authenticate: the answer goes into Proxy-Authorization."""

    @classmethod
    def parse(cls, header: str, *, for_proxy: bool = False) -> Self:
        """The value of WWW-Authenticate or Proxy-Authenticate. RemoteError where it is no digest challenge."""
        name = "Proxy-Authenticate" if for_proxy else "WWW-Authenticate"
        match = _SCHEME.fullmatch(header.strip())
        if match is None or match[1].lower() != "digest":
            raise RemoteError(name, header, "not a Digest challenge")
        params: dict[str, str] = {}
        for part in split(match[2], ",", name):
            found = _PARAM.fullmatch(part.strip())
            if found is None or found[1].lower() in params:
                raise RemoteError(name, part, "not a parameter, or there twice")
            params[found[1].lower()] = found[2] if found[2] is not None else found[3]
        for needed in ("realm", "nonce"):
            if needed not in params:
                raise RemoteError(name, header, f"{needed} is missing")
        return cls(
            realm=params["realm"],
            nonce=params["nonce"],
            algorithm=params.get("algorithm", "MD5"),
            algorithm_given="algorithm" in params,
            qops=tuple(qop.strip().lower() for qop in params.get("qop", "").split(",") if qop.strip()),
            opaque=params.get("opaque"),
            stale=params.get("stale", "").lower() == "true",
            for_proxy=for_proxy,
        )

    @property
    def hash(self) -> Algorithm | None:
        """None where it is one that we keep no hashes for."""
        return ALGORITHMS.get(self.algorithm.lower().removesuffix("-sess"))

    @property
    def session(self) -> bool:
        return self.algorithm.lower().endswith("-sess")

    @property
    def qop(self) -> str | None:
        """The one to answer with: auth before auth-int; empty: none was asked for (RFC 2069); None: none we know."""
        if not self.qops:
            return "" if not self.session else None
        return next((qop for qop in ("auth", "auth-int") if qop in self.qops), None)


def challenges(response: Response) -> tuple[Challenge, ...]:
    """Those of a 401 or 407 that are for Digest and readable, in the peer's order; others do not matter."""
    found: list[Challenge] = []
    for name, for_proxy in (("WWW-Authenticate", False), ("Proxy-Authenticate", True)):
        for value in response.header_values(name):
            try:
                found.append(Challenge.parse(value, for_proxy=for_proxy))
            except RemoteError:
                continue
    return tuple(found)


def choose(offered: tuple[Challenge, ...], credentials: Credentials) -> Challenge | None:
    """The strongest for our realm that we can answer, of equals the first (RFC 8760 §2.4); None: none."""
    able = [
        (STRENGTH[challenge.hash], challenge)
        for challenge in offered
        if challenge.realm == credentials.realm
        and challenge.qop is not None
        and challenge.hash is not None
        and challenge.hash in credentials.ha1s
    ]
    return max(able, key=lambda pair: pair[0])[1] if able else None


def authorize(
    challenge: Challenge,
    *,
    method: str,
    uri: str,
    user: str,
    ha1s: Mapping[Algorithm, str],
    cnonce: str,
    nc: int,
    body: bytes = b"",
) -> str:
    """The value of Authorization or Proxy-Authorization (RFC 7616 §3.4).

    `nc` counts the requests with this nonce, from 1. LocalError where there is no HA1 for the challenge's algorithm,
    its qop is unknown, or user, URI or cnonce cannot stand in quotes.
    """
    algorithm, qop = challenge.hash, challenge.qop
    if algorithm is None or algorithm not in ha1s or qop is None:
        raise LocalError(f"no answer to {challenge.algorithm}, qop {challenge.qops}")
    for text in (user, uri, cnonce):
        if _UNQUOTABLE.search(text):
            raise LocalError(f"cannot stand in quotes: {text!r}")

    def hashed(*parts: str) -> str:
        # Which hash is the challenge's choice, and MD5 what most platforms speak.
        data = ":".join(parts).encode("utf-8", "surrogateescape")
        return hashlib.new(algorithm, data, usedforsecurity=False).hexdigest()

    ha1 = hashed(ha1s[algorithm], challenge.nonce, cnonce) if challenge.session else ha1s[algorithm]
    whole = [hashlib.new(algorithm, body, usedforsecurity=False).hexdigest()] if qop == "auth-int" else []
    ha2 = hashed(method, uri, *whole)
    counted = [f"{nc:08x}", cnonce, qop] if qop else []
    answer = [
        f'username="{user}"',
        f'realm="{challenge.realm}"',
        f'nonce="{challenge.nonce}"',
        f'uri="{uri}"',
        f'response="{hashed(ha1, challenge.nonce, *counted, ha2)}"',
    ]
    if challenge.algorithm_given:
        answer.append(f"algorithm={challenge.algorithm}")
    if qop:
        answer += [f"qop={qop}", f"nc={nc:08x}", f'cnonce="{cnonce}"']
    if challenge.opaque is not None:
        answer.append(f'opaque="{challenge.opaque}"')
    return "Digest " + ", ".join(answer)
