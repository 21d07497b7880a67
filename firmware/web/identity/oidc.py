"""What is said between the pages and an OpenID Connect provider, and what of it is believed. Pure.

The code flow with PKCE alone (OpenID Connect Core 1.0 §3.1, RFC 7636, RFC 9700): nothing but a code passes by the
browser, and only who began may end it. What the provider says of somebody is believed by its signature, for us, now,
and for the very sign-in that was begun."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode, urlsplit

from firmware.config_identity import is_safe

__all__ = [
    "WELL_KNOWN",
    "Began",
    "Claims",
    "Pending",
    "Provider",
    "Untrue",
    "challenge_of",
    "claims_of",
    "keys_of",
    "object_of",
    "provider_of",
    "to_provider",
    "token_request",
]

WELL_KNOWN = "/.well-known/openid-configuration"
ALGORITHMS = ("RS256", "PS256", "ES256")
"""By keys of the provider's alone: a shared secret or no signature at all proves nothing."""
CLOCKS_S = 60
"""So much may the provider's clock and ours differ."""
KEYS_MAX = 32
VALUE_MAX = 254
"""Characters of what says who somebody is."""
BEGUN_MAX = timedelta(minutes=10)
"""For somebody to sign in there."""
PENDING_MAX = 1_000
"""Sign-ins that are begun; what comes above takes the place of the oldest."""
SECRET_BYTES = 32


class Untrue(Exception):
    """The provider says what cannot be: the field. Never what was in it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Provider:
    """What a provider says of itself (OpenID Connect Discovery 1.0 §3). `by_post`: the secret goes in the form."""

    issuer: str
    authorization: str
    token: str
    keys: str
    by_post: bool = False
    names_itself: bool = False
    """Its answers have `iss` (RFC 9207 §3)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Began:
    """A sign-in on its way. `browser`: what the browser that began it holds; `back`: where it is sent back."""

    state: str = field(repr=False)
    nonce: str = field(repr=False)
    verifier: str = field(repr=False)
    browser: str = field(repr=False)
    back: str
    to: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Claims:
    """`value`: what the claim that was asked for says."""

    value: str = field(repr=False)


class Pending:
    """Sign-ins that are begun, each to be ended once, by the browser that began it."""

    def __init__(self) -> None:
        self._begun: dict[str, Began] = {}

    def begin(self, back: str, to: str, now: datetime) -> Began:
        self._begun = {state: one for state, one in self._begun.items() if abs(now - one.at) <= BEGUN_MAX}
        while len(self._begun) >= PENDING_MAX:
            del self._begun[next(iter(self._begun))]
        state, nonce, verifier, browser = (secrets.token_urlsafe(SECRET_BYTES) for _ in range(4))
        began = Began(state=state, nonce=nonce, verifier=verifier, browser=browser, back=back, to=to, at=now)
        self._begun[state] = began
        return began

    def end(self, state: str, browser: str, now: datetime) -> Began | None:
        """None for one that nobody began, that another browser began, or that took too long. Whoever knows a state
        and is another browser ends nothing."""
        began = self._begun.get(state)
        if began is None or not hmac.compare_digest(began.browser.encode(), browser.encode()):
            return None
        del self._begun[state]
        return began if abs(now - began.at) <= BEGUN_MAX else None


def object_of(body: bytes) -> dict[str, Any]:
    """Raises Untrue."""
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        raise Untrue("is no JSON") from None
    if not isinstance(found, dict):
        raise Untrue("is no JSON object")
    return found


def provider_of(said: Mapping[str, Any], issuer: str) -> Provider:
    """Raises Untrue."""
    if said.get("issuer") != issuer:
        raise Untrue("issuer")  # §4.3: must be the very same
    ways = said.get("token_endpoint_auth_methods_supported", ["client_secret_basic"])
    algorithms = said.get("id_token_signing_alg_values_supported", ["RS256"])
    if not isinstance(algorithms, list) or not any(one in ALGORITHMS for one in algorithms):
        raise Untrue("id_token_signing_alg_values_supported")
    methods = said.get("code_challenge_methods_supported", ["S256"])
    if not isinstance(methods, list) or "S256" not in methods:
        raise Untrue("code_challenge_methods_supported")
    return Provider(
        issuer=issuer,
        authorization=_place(said, "authorization_endpoint"),
        token=_place(said, "token_endpoint"),
        keys=_place(said, "jwks_uri"),
        by_post=isinstance(ways, list) and "client_secret_basic" not in ways and "client_secret_post" in ways,
        names_itself=said.get("authorization_response_iss_parameter_supported") is True,
    )


def _place(said: Mapping[str, Any], name: str) -> str:
    place = said.get(name)
    if not isinstance(place, str) or not is_safe(place):
        raise Untrue(name)
    return place


def keys_of(said: Mapping[str, Any]) -> tuple[Mapping[str, Any], ...]:
    """A provider's keys for signing (RFC 7517 §5). Raises Untrue."""
    keys = said.get("keys")
    if not isinstance(keys, list):
        raise Untrue("keys")
    return tuple(
        one for one in keys[:KEYS_MAX] if isinstance(one, dict) and one.get("use", "sig") == "sig" and "k" not in one
    )


def challenge_of(verifier: str) -> str:
    """RFC 7636 §4.2, S256."""
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()


def to_provider(provider: Provider, client: str, began: Began, claim: str) -> str:
    """Where the browser is sent to sign in."""
    asked = {
        "response_type": "code",
        "client_id": client,
        "redirect_uri": began.back,
        "scope": "openid profile email" if claim != "sub" else "openid",
        "state": began.state,
        "nonce": began.nonce,
        "code_challenge": challenge_of(began.verifier),
        "code_challenge_method": "S256",
    }
    between = "&" if urlsplit(provider.authorization).query else "?"
    return f"{provider.authorization}{between}{urlencode(asked)}"


def token_request(
    provider: Provider, client: str, secret: str, code: str, began: Began
) -> tuple[dict[str, str], dict[str, str]]:
    """The form and the headers by which a code is made somebody."""
    form = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": began.back,
        "code_verifier": began.verifier,
    }
    if secret and not provider.by_post:
        pair = urlencode({"": client})[1:] + ":" + urlencode({"": secret})[1:]  # RFC 6749 §2.3.1: each form-encoded
        return form, {"Authorization": f"Basic {base64.b64encode(pair.encode()).decode()}"}
    form["client_id"] = client
    if secret:
        form["client_secret"] = secret
    return form, {}


def claims_of(
    token: str, keys: Sequence[Mapping[str, Any]], provider: Provider, client: str, began: Began, claim: str,
    now: datetime,
) -> Claims:  # fmt: skip
    """What an ID token says, by OpenID Connect Core §3.1.3.7. Raises Untrue, and KeyError where none of these keys
    signed it: the provider may have newer ones."""
    import jwt

    try:
        head = jwt.get_unverified_header(token)
    except jwt.PyJWTError:
        raise Untrue("id_token") from None
    if head.get("alg") not in ALGORITHMS:
        raise Untrue("alg")
    said = _signed(token, head, keys)
    if said.get("iss") != provider.issuer:
        raise Untrue("iss")
    audience = said.get("aud")
    several = audience if isinstance(audience, list) else [audience]
    if client not in several or (len(several) > 1 and said.get("azp") != client):
        raise Untrue("aud")
    if "azp" in said and said["azp"] != client:
        raise Untrue("azp")
    until, since = _moment(said, "exp"), _moment(said, "iat")
    at = now.timestamp()
    if until + CLOCKS_S <= at:
        raise Untrue("exp")
    if since - CLOCKS_S > at or since + BEGUN_MAX.total_seconds() + CLOCKS_S < at:
        raise Untrue("iat")
    if "nbf" in said and _moment(said, "nbf") - CLOCKS_S > at:
        raise Untrue("nbf")
    nonce = said.get("nonce")
    if not isinstance(nonce, str) or not hmac.compare_digest(nonce.encode(), began.nonce.encode()):
        raise Untrue("nonce")
    if claim == "email" and said.get("email_verified", True) not in (True, "true"):
        raise Untrue("email_verified")
    value = said.get(claim)
    if not isinstance(value, str) or not 0 < len(value) <= VALUE_MAX or not value.isprintable():
        raise Untrue(claim)
    return Claims(value=value)


def _signed(token: str, head: Mapping[str, Any], keys: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    import jwt

    named = head.get("kid")
    fit = [one for one in keys if named is None or one.get("kid") == named]
    if not fit:
        raise KeyError("kid")
    for one in fit:
        try:
            key = jwt.PyJWK(dict(one), head["alg"])
            # All but the signature is judged by who called, against a clock that is given.
            return dict(jwt.decode(token, key, algorithms=[head["alg"]], options=_SIGNATURE_ALONE))
        except (jwt.PyJWTError, ValueError, TypeError):
            continue
    raise Untrue("signature")


_SIGNATURE_ALONE: Any = {
    "verify_signature": True,
    **{f"verify_{name}": False for name in ("exp", "nbf", "iat", "aud", "iss", "sub", "jti")},
}


def _moment(said: Mapping[str, Any], name: str) -> float:
    found = said.get(name)
    if isinstance(found, bool) or not isinstance(found, int | float) or not 0 < found < 1e11:
        raise Untrue(name)
    return float(found)
