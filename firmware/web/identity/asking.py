"""Asks the provider: what it says of itself, its keys, and who came with a code. The shell over oidc.py."""

from __future__ import annotations

import asyncio
import logging
import ssl
from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime
from typing import Any

import aiohttp

from firmware.config_identity import Identity
from firmware.web.identity.oidc import (
    WELL_KNOWN,
    Began,
    Claims,
    Pending,
    Provider,
    Untrue,
    claims_of,
    keys_of,
    object_of,
    provider_of,
    token_request,
)

__all__ = ["Asking", "Unreachable"]

WHOLE_S, CONNECT_S = 6.0, 3.0
BODY_MAX_BYTES = 256 << 10
TOKEN_MAX = 16_000
"""Characters of an ID token."""
WELL_S, ILL_S = 600.0, 20.0
"""So often it is asked how it is, while it answers, and while it does not."""
AGAIN_S = 5.0
"""One that did not answer is not asked again sooner, whoever wants it."""
KEYS_AGAIN_S = 30.0
"""A key that nobody knows has the keys fetched anew, no more often than that."""

log = logging.getLogger("rvx")


class Unreachable(Exception):
    """The provider does not answer, or not as one does."""


class Asking:
    """One per process. `reachable`: whether the button is worth showing."""

    def __init__(self, identity: Identity, secret: str) -> None:
        self.identity = identity
        self.pending = Pending()
        self._secret = secret
        self._provider: Provider | None = None
        self._keys: tuple[Mapping[str, Any], ...] = ()
        self._keys_at_s = float("-inf")
        self._tls: ssl.SSLContext | None = None
        self._told = ""
        self._failed_at_s = float("-inf")
        self._one = asyncio.Lock()

    @property
    def reachable(self) -> bool:
        return self._provider is not None

    async def run(self) -> None:
        """Until cancelled: keeps `reachable` true to what is."""
        while True:
            with suppress(Unreachable):
                await self.look()
            await asyncio.sleep(WELL_S if self.reachable else ILL_S)

    async def look(self) -> Provider:
        """Raises Unreachable."""
        try:
            said = object_of(await self._ask("GET", self.identity.issuer.rstrip("/") + WELL_KNOWN))
            provider = provider_of(said, self.identity.issuer)
            self._keys = keys_of(object_of(await self._ask("GET", provider.keys)))
            self._keys_at_s = asyncio.get_running_loop().time()
        except (Unreachable, Untrue) as error:
            self._lost(str(error))
            raise Unreachable(str(error)) from error
        self._provider = provider
        self._tell("")
        return provider

    async def provider(self) -> Provider:
        """Raises Unreachable. However many want it, it is asked by one, and seldom."""
        async with self._one:
            if self._provider is not None:
                return self._provider
            if asyncio.get_running_loop().time() - self._failed_at_s < AGAIN_S:
                raise Unreachable(self._told)
            return await self.look()

    async def who(self, code: str, began: Began, now: datetime) -> Claims:
        """Who came back with this code. Raises Unreachable, Untrue."""
        provider = await self.provider()
        form, headers = token_request(provider, self.identity.client, self._secret, code, began)
        token = object_of(await self._ask("POST", provider.token, form, headers)).get("id_token")
        if not isinstance(token, str) or len(token) > TOKEN_MAX:
            raise Untrue("id_token")
        try:
            return self._claims(token, provider, began, now)
        except KeyError:
            pass
        if asyncio.get_running_loop().time() - self._keys_at_s < KEYS_AGAIN_S:
            raise Untrue("kid")
        self._keys_at_s = asyncio.get_running_loop().time()
        self._keys = keys_of(object_of(await self._ask("GET", provider.keys)))
        try:
            return self._claims(token, provider, began, now)
        except KeyError:
            raise Untrue("kid") from None

    def _claims(self, token: str, provider: Provider, began: Began, now: datetime) -> Claims:
        return claims_of(token, self._keys, provider, self.identity.client, began, self.identity.claim, now)

    async def _ask(
        self, method: str, url: str, form: Mapping[str, str] | None = None, headers: Mapping[str, str] | None = None
    ) -> bytes:
        """Raises Unreachable, Untrue. No redirection is followed: a provider says where it is."""
        timeout = aiohttp.ClientTimeout(total=WHOLE_S, sock_connect=CONNECT_S)
        try:
            connector = aiohttp.TCPConnector(force_close=True, ssl=self._context())
            async with (
                aiohttp.ClientSession(
                    connector=connector, timeout=timeout, cookie_jar=aiohttp.DummyCookieJar(), auto_decompress=False
                ) as session,
                session.request(
                    method, url, data=form, allow_redirects=False,
                    headers={"Accept": "application/json", "Accept-Encoding": "identity", **(headers or {})},
                ) as answer,
            ):  # fmt: skip
                if answer.status in (400, 401) and form is not None:  # RFC 6749 §5.2: a code, or a secret, that is none
                    raise Untrue("code")
                if answer.status != 200:
                    raise Unreachable(f"answers {answer.status}")
                body = b""
                async for piece in answer.content.iter_chunked(16 << 10):
                    body += piece
                    if len(body) > BODY_MAX_BYTES:
                        raise Unreachable("answers too much")
                return body
        except (aiohttp.ClientError, OSError, TimeoutError, ValueError) as error:
            raise Unreachable(type(error).__name__) from None

    def _context(self) -> ssl.SSLContext:
        if self._tls is None:
            self._tls = ssl.create_default_context(cafile=self.identity.ca_file or None)
        return self._tls

    def _lost(self, why: str) -> None:
        self._provider = None
        self._failed_at_s = asyncio.get_running_loop().time()
        self._tell(why)

    def _tell(self, why: str) -> None:
        if why != self._told:
            self._told = why
            kind = "identity_lost" if why else "identity_back"
            log.warning("rvx-event kind=%s why=%s", kind, why.replace(" ", "_") or "-")
