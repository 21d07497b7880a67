"""What is believed of a provider, and what is not: each lie is one row."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any
from urllib.parse import parse_qs, urlsplit

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from firmware.web.identity.oidc import (
    BEGUN_MAX,
    PENDING_MAX,
    Began,
    Pending,
    Provider,
    Untrue,
    challenge_of,
    claims_of,
    keys_of,
    object_of,
    provider_of,
    to_provider,
    token_request,
)

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
ISSUER, CLIENT = "https://login.norrby.example/a", "vaxel"
SAID: dict[str, Any] = {
    "issuer": ISSUER,
    "authorization_endpoint": f"{ISSUER}/authorize",
    "token_endpoint": f"{ISSUER}/token",
    "jwks_uri": f"{ISSUER}/keys",
    "id_token_signing_alg_values_supported": ["RS256", "ES256"],
}
PROVIDER = provider_of(SAID, ISSUER)
BEGAN = Pending().begin("https://vaxel.norrby.example/sign-in/back", "/find", NOW)
TRUE: dict[str, Any] = {
    "iss": ISSUER,
    "aud": CLIENT,
    "sub": "1",
    "exp": NOW.timestamp() + 300,
    "iat": NOW.timestamp(),
    "nonce": BEGAN.nonce,
    "email": "anna@norrby.example",
}


@cache
def key(name: str) -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


def public(name: str, **more: object) -> dict[str, Any]:
    return {**json.loads(jwt.algorithms.ECAlgorithm.to_jwk(key(name).public_key())), "kid": name, "use": "sig", **more}


def signed(by: str = "k1", kid: str | None = "k1", **changed: object) -> str:
    said = {name: value for name, value in {**TRUE, **changed}.items() if value is not None}
    return jwt.encode(said, key(by), "ES256", headers={"kid": kid} if kid else {})


def judged(token: str, claim: str = "email") -> str:
    return claims_of(token, [public("k1")], PROVIDER, CLIENT, BEGAN, claim, NOW).value


@pytest.mark.parametrize(
    "changed",
    [
        {},
        {"aud": [CLIENT]},
        {"aud": [CLIENT, "another"], "azp": CLIENT},
        {"exp": NOW.timestamp() - 30},
        {"iat": NOW.timestamp() + 30},
        {"email_verified": True},
        {"kid": None},
    ],
)
def test_what_is_true(changed: dict[str, Any]) -> None:
    assert judged(signed(**changed)) == "anna@norrby.example"


@pytest.mark.parametrize(
    ("field", "changed"),
    [
        ("iss", {"iss": "https://login.norrby.example/b"}),
        ("iss", {"iss": None}),
        ("aud", {"aud": "another"}),
        ("aud", {"aud": None}),
        ("aud", {"aud": [CLIENT, "another"]}),
        ("azp", {"azp": "another"}),
        ("exp", {"exp": NOW.timestamp() - 61}),
        ("exp", {"exp": None}),
        ("exp", {"exp": 1e300}),
        ("iat", {"iat": NOW.timestamp() + 61}),
        ("iat", {"iat": NOW.timestamp() - 3600}),
        ("iat", {"iat": True}),
        ("nbf", {"nbf": NOW.timestamp() + 300}),
        ("nonce", {"nonce": "of another sign-in"}),
        ("nonce", {"nonce": None}),
        ("nonce", {"nonce": 7}),
        ("email", {"email": None}),
        ("email", {"email": ["anna@norrby.example"]}),
        ("email", {"email": ""}),
        ("email", {"email": "a" * 300}),
        ("email", {"email": "anna@norrby.example\r\n"}),
        ("email_verified", {"email_verified": False}),
        ("email_verified", {"email_verified": "no"}),
        ("signature", {"by": "another"}),
    ],
)
def test_what_is_not(field: str, changed: dict[str, Any]) -> None:
    with pytest.raises(Untrue, match=f"^{field}$"):
        judged(signed(**changed))


def part(said: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(said).encode()).rstrip(b"=").decode()


@pytest.mark.parametrize(
    "token",
    [
        "",
        "a.b.c",
        "a" * 10_000,
        f"{part({'alg': 'none'})}.{part(TRUE)}.",
        f"{part({'alg': 'None', 'kid': 'k1'})}.{part(TRUE)}.",
        f"{part({'alg': 'HS256', 'kid': 'k1'})}.{part(TRUE)}.{part('x')}",
        f"{part({'alg': 'RS256', 'kid': 'k1'})}.{part(TRUE)}.{part('x')}",
        f"{part({'alg': 'ES256', 'kid': 'k1'})}.{part(TRUE)}.{part('x')}",
        f"{part({'alg': 'ES256', 'kid': 'k1', 'jwk': {}})}.{part([1])}.{part('x')}",
    ],
)
def test_what_nobody_signed(token: str) -> None:
    with pytest.raises(Untrue):
        judged(token)


def test_what_a_public_key_signed_as_if_it_were_a_secret() -> None:
    """The confusion of RS256 with HS256."""
    head, said = part({"alg": "HS256", "kid": "k1"}), part(TRUE)
    mac = hashlib.sha256(json.dumps(public("k1")).encode()).digest()
    with pytest.raises(Untrue, match="alg"):
        judged(f"{head}.{said}.{base64.urlsafe_b64encode(mac).decode()}")


def test_every_changed_byte_is_seen() -> None:
    token = signed()
    for at in range(0, len(token) - 1, 7):  # not the last one, of which some bits are no part of the signature
        changed = token[:at] + ("A" if token[at] != "A" else "B") + token[at + 1 :]
        with pytest.raises((Untrue, KeyError)):
            judged(changed)


def test_a_key_that_is_not_known_may_be_new() -> None:
    with pytest.raises(KeyError):
        judged(signed("k2", "k2"))


def test_keys_are_those_for_signatures_and_no_shared_ones() -> None:
    said = {"keys": [public("a"), public("b", use="enc"), {"kty": "oct", "k": "c2VjcmV0"}, "x", *[public("c")] * 50]}
    assert {one["kid"] for one in keys_of(said)} == {"a", "c"}
    assert len(keys_of(said)) < 32


@pytest.mark.parametrize(
    ("field", "changed"),
    [
        ("issuer", {"issuer": f"{ISSUER}/"}),
        ("issuer", {"issuer": None}),
        ("authorization_endpoint", {"authorization_endpoint": "http://login.norrby.example/authorize"}),
        ("authorization_endpoint", {"authorization_endpoint": "javascript:alert(1)"}),
        ("token_endpoint", {"token_endpoint": "https://user:word@login.norrby.example/"}),
        ("token_endpoint", {"token_endpoint": "https://login.norrby.example/\r\nX: y"}),
        ("token_endpoint", {"token_endpoint": 7}),
        ("jwks_uri", {"jwks_uri": "file:///etc/passwd"}),
        ("jwks_uri", {"jwks_uri": "https://[::1"}),
        ("id_token_signing_alg_values_supported", {"id_token_signing_alg_values_supported": ["none", "HS256"]}),
        ("code_challenge_methods_supported", {"code_challenge_methods_supported": ["plain"]}),
    ],
)
def test_a_provider_that_is_none(field: str, changed: dict[str, Any]) -> None:
    with pytest.raises(Untrue, match=f"^{field}$"):
        provider_of({**SAID, **changed}, ISSUER)


@pytest.mark.parametrize("body", [b"", b"[]", b"\xff", b"[" * 100_000, b'{"a":'])
def test_what_is_no_object(body: bytes) -> None:
    with pytest.raises(Untrue):
        object_of(body)


def test_the_browser_is_sent_with_a_challenge_and_no_secret() -> None:
    there = urlsplit(to_provider(PROVIDER, CLIENT, BEGAN, "email"))
    asked = {name: value[0] for name, value in parse_qs(there.query).items()}
    assert asked["code_challenge"] == challenge_of(BEGAN.verifier) != BEGAN.verifier
    assert (asked["response_type"], asked["code_challenge_method"]) == ("code", "S256")
    assert BEGAN.verifier not in there.query
    assert BEGAN.browser not in there.query
    # RFC 7636, appendix B
    assert challenge_of("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk") == "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"


@pytest.mark.parametrize(
    ("secret", "by_post", "basic", "fields"),
    [
        ("", False, False, {"client_id"}),
        ("s:e c", False, True, set()),
        ("s", True, False, {"client_id", "client_secret"}),
    ],
)
def test_how_a_secret_goes(secret: str, by_post: bool, basic: bool, fields: set[str]) -> None:
    form, headers = token_request(replace(PROVIDER, by_post=by_post), CLIENT, secret, "c", BEGAN)
    assert ("Authorization" in headers) is basic
    assert set(form) - {"grant_type", "code", "redirect_uri", "code_verifier"} == fields
    if basic:
        assert base64.b64decode(headers["Authorization"].removeprefix("Basic ")) == b"vaxel:s%3Ae+c"


def end(change: Callable[[Began], tuple[str, str, datetime]]) -> bool:
    pending = Pending()
    return pending.end(*change(pending.begin("https://x/back", "/", NOW))) is not None


def test_a_sign_in_is_ended_once_by_who_began_it_and_soon() -> None:
    assert end(lambda one: (one.state, one.browser, NOW))
    assert not end(lambda one: (one.state, "", NOW))
    assert not end(lambda one: (one.state, "another's", NOW))
    assert not end(lambda one: ("", one.browser, NOW))
    assert not end(lambda one: (one.state, one.browser, NOW + BEGUN_MAX + timedelta(seconds=1)))
    pending = Pending()
    one = pending.begin("https://x/back", "/", NOW)
    assert pending.end(one.state, "another's", NOW) is None
    assert pending.end(one.state, one.browser, NOW) == one, "whom another's try does not harm"
    assert pending.end(one.state, one.browser, NOW) is None


def test_those_that_are_begun_are_bounded_and_say_nothing() -> None:
    pending = Pending()
    first = pending.begin("https://x/back", "/", NOW)
    last = [pending.begin("https://x/back", "/", NOW) for _ in range(PENDING_MAX)][-1]
    assert pending.end(first.state, first.browser, NOW) is None
    assert pending.end(last.state, last.browser, NOW) == last
    assert not any(secret in repr(first) for secret in (first.state, first.nonce, first.verifier, first.browser))


def test_a_provider_says_which_way_it_likes() -> None:
    post = provider_of({**SAID, "token_endpoint_auth_methods_supported": ["client_secret_post"]}, ISSUER)
    assert post.by_post
    assert isinstance(PROVIDER, Provider)
    assert not PROVIDER.by_post
