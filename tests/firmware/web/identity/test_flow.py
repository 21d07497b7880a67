"""To a provider and back, with a provider of ours that can lie; one of others: tests/wire/test_identity.py."""

from __future__ import annotations

import json
import time
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import parse_qs, urlsplit

import aiohttp
import jwt
import pytest
from aiohttp import web
from cryptography.hazmat.primitives.asymmetric import ec

from firmware.config import Config
from firmware.config_identity import Identity, IdentityKey
from firmware.web.identity import asking, routes
from firmware.web.identity.oidc import challenge_of
from firmware.web.signing import ROUTES as SIGNING
from firmware.web.site import Request, Response, Route, Who
from firmware.web.store import Store
from tests.firmware.web.conftest import Town
from tests.firmware.web.serving import free_port, served


def _hello(request: Request, store: Store) -> Response:
    return Response(body=request.who.extension.encode(), type="text/plain")


ROUTES = (*SIGNING, *routes.ROUTES, Route("GET", "/hello", Who.SIGNED_IN, _hello))


@dataclass
class Liar:
    """A provider. `said`: what it says of whoever comes; the rest: how it lies."""

    issuer: str
    said: dict[str, Any] = field(default_factory=lambda: {"email": "ANNA@norrby.se"})
    body: bytes | None = None
    status: int = 200
    key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))
    kid: str = "k1"
    asked: list[str] = field(default_factory=list)
    nonce: str = ""
    challenge: str = ""

    async def came(self, request: web.BaseRequest) -> web.StreamResponse:
        self.asked.append(request.path)
        if self.body is not None:
            return web.Response(status=self.status, body=self.body)
        if request.path.endswith("openid-configuration"):
            places = {
                name: f"{self.issuer}/{name}" for name in ("authorization_endpoint", "token_endpoint", "jwks_uri")
            }
            return web.json_response({"issuer": self.issuer, **places} | {
                "id_token_signing_alg_values_supported": ["ES256"]})  # fmt: skip
        if request.path.endswith("jwks_uri"):
            known = json.loads(jwt.algorithms.ECAlgorithm.to_jwk(self.key.public_key()))
            return web.json_response({"keys": [{**known, "kid": self.kid}]})
        form = await request.post()
        if form["code"] != "c0de" or challenge_of(str(form["code_verifier"])) != self.challenge:
            return web.json_response({"error": "invalid_grant"}, status=400)
        now = time.time()
        said = {"iss": self.issuer, "aud": "vaxel", "exp": now + 60, "iat": now, "nonce": self.nonce, **self.said}
        token = jwt.encode(said, self.key, "ES256", headers={"kid": self.kid})
        return web.json_response({"id_token": token, "access_token": "a", "token_type": "Bearer"})


@pytest.fixture
async def liar() -> AsyncIterator[Liar]:
    port = free_port()
    liar = Liar(f"http://127.0.0.1:{port}")
    runner = web.ServerRunner(web.Server(liar.came))
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    yield liar
    await runner.cleanup()


def with_identity(town: Town, liar: Liar, **more: str) -> Config:
    identity = Identity(issuer=liar.issuer, client="vaxel", name="Norrby-konto", **more)
    return replace(
        town.config, identity=identity, secrets=replace(town.config.secrets, identity=IdentityKey(secret="s3cret"))
    )


async def went(browser: aiohttp.ClientSession, liar: Liar) -> dict[str, str]:
    """What the pages asked the provider for, as the browser brings it there."""
    async with browser.get("/sign-in/with?to=/hello", allow_redirects=False) as answer:
        assert answer.status == 303
        there = urlsplit(answer.headers["Location"])
        assert "HttpOnly" in answer.headers["Set-Cookie"]
    asked = {name: value[0] for name, value in parse_qs(there.query).items()}
    liar.nonce, liar.challenge = asked["nonce"], asked["code_challenge"]
    return asked


async def back(browser: aiohttp.ClientSession, **said: str) -> tuple[int, str]:
    """The status, and the place, or what it says."""
    async with browser.get("/sign-in/back", params=said, allow_redirects=False) as answer:
        return answer.status, answer.headers.get("Location") or await answer.text()


async def is_in(browser: aiohttp.ClientSession) -> str:
    async with browser.get("/hello", allow_redirects=False) as answer:
        return await answer.text() if answer.status == 200 else ""


async def test_there_and_back(town: Town, liar: Liar) -> None:
    async with served(with_identity(town, liar), ROUTES) as (browser, answering):
        assert answering.asking is not None
        await answering.asking.look()
        async with browser.get("/sign-in?to=/hello") as answer:
            assert "Logga in med Norrby-konto" in await answer.text()
        asked = await went(browser, liar)
        assert asked["redirect_uri"] == f"{browser._base_url}/sign-in/back".replace("//sign", "/sign")
        assert await back(browser, code="c0de", state=asked["state"]) == (303, "/hello")
        assert await is_in(browser) == "1001"
        status, _ = await back(browser, code="c0de", state=asked["state"])
        assert status == 403, "once"


@pytest.mark.parametrize(
    ("more", "said", "extension"),
    [
        ({"claim": "sub", "means": "person"}, {"sub": "bo"}, "1004"),
        ({"claim": "upn", "means": "extension"}, {"upn": "2001"}, "2001"),
        ({}, {"email": "nobody@norrby.se"}, ""),
        ({}, {"email": "%"}, ""),
        ({"claim": "sub", "means": "person"}, {"sub": "bo' OR '1'='1"}, ""),
        ({"claim": "sub", "means": "extension"}, {"sub": "9999"}, ""),
        ({}, {"nonce": "of another sign-in"}, ""),
        ({}, {"aud": "another"}, ""),
        ({}, {"iss": "https://another.example"}, ""),
        ({}, {"exp": 1}, ""),
    ],
)
async def test_who_comes_back_is_who_the_directory_has(
    town: Town, liar: Liar, more: dict[str, str], said: dict[str, Any], extension: str
) -> None:
    liar.said |= said
    async with served(with_identity(town, liar, **more), ROUTES) as (browser, _):
        asked = await went(browser, liar)
        status, told = await back(browser, code="c0de", state=asked["state"])
        assert status == (303 if extension else 403)
        assert await is_in(browser) == extension
        assert not any(secret in told for secret in ("another", "9999", "OR", "nobody@"))


async def test_two_with_one_address_are_neither(town: Town, liar: Liar) -> None:
    town.store.people.directory.execute("UPDATE person SET email = 'Anna@Norrby.se' WHERE id = 'bo'")
    async with served(with_identity(town, liar), ROUTES) as (browser, _):
        asked = await went(browser, liar)
        assert (await back(browser, code="c0de", state=asked["state"]))[0] == 403


async def test_a_blocked_telephone_is_not_signed_in(town: Town, liar: Liar) -> None:
    async with served(with_identity(town, liar), ROUTES) as (browser, _):
        asked = await went(browser, liar)
        town.store.changes.block("1001", "reception", "lost", town.asks(None, "GET", "/").now)
        assert (await back(browser, code="c0de", state=asked["state"]))[0] == 403


@pytest.mark.parametrize(
    "said",
    [
        {},
        {"code": "c0de"},
        {"code": "c0de", "state": ""},
        {"code": "c0de", "state": "guessed"},
        {"code": "c0de", "state": "\u0660" * 43},
        {"error": "access_denied", "state": "THEIRS"},
        {"code": "another", "state": "THEIRS"},
        {"code": "c" * 3000, "state": "THEIRS"},
        {"code": "c0de", "state": "THEIRS", "iss": "https://another.example"},
    ],
)
async def test_what_no_provider_of_ours_sends_back(town: Town, liar: Liar, said: dict[str, str]) -> None:
    async with served(with_identity(town, liar), ROUTES) as (browser, _):
        asked = await went(browser, liar)
        status, _told = await back(browser, **{k: asked["state"] if v == "THEIRS" else v for k, v in said.items()})
        assert status == 403
        assert await is_in(browser) == ""


async def test_another_browser_cannot_be_signed_in_as_who_began(town: Town, liar: Liar) -> None:
    """A sign-in that somebody began is put before another (RFC 9700 §4.7)."""
    async with served(with_identity(town, liar), ROUTES) as (browser, _):
        asked = await went(browser, liar)
        async with aiohttp.ClientSession(browser._base_url, cookie_jar=aiohttp.CookieJar(unsafe=True)) as victim:
            assert (await back(victim, code="c0de", state=asked["state"]))[0] == 403
            assert await is_in(victim) == ""
        assert (await back(browser, code="c0de", state=asked["state"]))[0] == 303


async def test_a_new_key_is_fetched_once(town: Town, liar: Liar, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asking, "KEYS_AGAIN_S", 0.0)
    async with served(with_identity(town, liar), ROUTES) as (browser, _):
        asked = await went(browser, liar)
        liar.key, liar.kid = ec.generate_private_key(ec.SECP256R1()), "k2"
        assert (await back(browser, code="c0de", state=asked["state"]))[0] == 303
        assert liar.asked.count("/jwks_uri") == 2


@pytest.mark.parametrize(
    ("status", "body"), [(500, b""), (200, b"[]"), (200, b" " * 300_000), (302, b""), (200, b'{"issuer": "another"}')]
)
async def test_a_provider_that_cannot_be_reached_leaves_the_pin(
    town: Town, liar: Liar, status: int, body: bytes
) -> None:
    liar.status, liar.body = status, body
    async with served(with_identity(town, liar), ROUTES) as (browser, answering):
        assert answering.asking is not None
        with suppress(asking.Unreachable):
            await answering.asking.look()
        async with browser.get("/sign-in") as answer:
            assert "Norrby-konto" not in await answer.text()
        before = len(liar.asked)
        for _ in range(10):
            async with browser.get("/sign-in/with?to=/hello", allow_redirects=False) as answer:
                assert answer.status == 503
                assert 'name="pin"' in await answer.text()
        assert len(liar.asked) == before, "who is ill is not asked by everybody"


async def test_a_site_without_a_provider(town: Town) -> None:
    async with served(town.config, ROUTES) as (browser, _):
        for path in ("/sign-in/with", "/sign-in/back?code=a&state=b"):
            async with browser.get(path) as answer:
                assert answer.status == 404
