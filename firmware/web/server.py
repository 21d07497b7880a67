"""Moves the bytes of pages: HTTP by aiohttp, in and out. Decides nothing but what is no request at all."""

from __future__ import annotations

import asyncio
import ipaddress
import logging
import ssl
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from functools import partial
from http import HTTPStatus
from typing import Protocol
from urllib.parse import parse_qsl, urlsplit

from aiohttp import web

from firmware.config_web import Place
from firmware.web.site import Request, Response

__all__ = [
    "HEADERS",
    "HEADERS_BY_TLS",
    "LANGUAGE_COOKIE",
    "Bounded",
    "NoRequest",
    "Server",
    "begun_cookie",
    "form_of",
    "language_of",
    "same_origin",
]

BODY_MAX_BYTES = 64 << 10
"""Of a form."""
FIELDS_MAX = 100
VALUE_MAX = 4_000
"""Characters of a field."""
LINE_MAX_BYTES, HEADERS_MAX, HEADER_MAX_BYTES = 4_094, 48, 4_094
CONNECTIONS_MAX, BY_ADDRESS_MAX = 256, 64
"""At a place; several people may come from one address."""
FIRST_S = 10.0
"""For the first request to come, and for TLS before it."""
READ_S = 10.0
"""For a form to come."""
ANSWER_S = 20.0
SHUT_S = 1.0
IDLE_S = 30.0
"""A connection on which nothing is asked is closed."""
LANGUAGES = ("sv", "en")
COOKIE = "rvx"
SECURE_COOKIE = "__Host-rvx"
"""Only by TLS, of this host alone (RFC 6265bis §4.1.3.2)."""
BEGUN_COOKIE = "rvx-begun"
LANGUAGE_COOKIE = "language"

HEADERS: Mapping[str, str] = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; font-src 'self'; media-src 'self';"
        " connect-src 'self'; manifest-src 'self'; worker-src 'self'; form-action 'self'; frame-ancestors 'none';"
        " base-uri 'none'"
    ),
    "Server": "reservvaxel",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(self)",
}
HEADERS_BY_TLS: Mapping[str, str] = {"Strict-Transport-Security": "max-age=31536000"}

log = logging.getLogger("rvx")
_UNHEARD = logging.getLogger("rvx.no-request")
"""What is no HTTP is answered and told to nobody: else whoever sends it fills the log, with a traceback for each."""
_UNHEARD.setLevel(logging.CRITICAL)


class NoRequest(Exception):
    """What came is none; how it is answered."""

    def __init__(self, status: HTTPStatus) -> None:
        super().__init__(status.phrase)
        self.status = status


class Bounded(web.Server):
    """Of as many connections as can be borne (`most`; `of_one`: from one address; None: as for pages), and none that
    asks nothing."""

    def __init__(
        self,
        handler: Callable[..., Awaitable[web.StreamResponse]],
        *,
        request_factory: Callable[..., web.BaseRequest] | None = None,
        most: int | None = None,
        of_one: int | None = None,
        idle_s: float = IDLE_S,
    ) -> None:
        super().__init__(
            self._asked,
            request_factory=request_factory,
            access_log=None,
            logger=_UNHEARD,
            keepalive_timeout=idle_s,
            max_line_size=LINE_MAX_BYTES,
            max_headers=HEADERS_MAX,
            max_field_size=HEADER_MAX_BYTES,
        )
        self._answer = handler
        self._most, self._of_one = most, of_one
        self._by_address: Counter[str] = Counter()
        self._waited_for: dict[object, asyncio.TimerHandle] = {}

    def connection_made(self, handler: web.RequestHandler, transport: asyncio.Transport) -> None:
        super().connection_made(handler, transport)
        address = _address_of(transport)
        self._by_address[address] += 1
        most = CONNECTIONS_MAX if self._most is None else self._most
        of_one = BY_ADDRESS_MAX if self._of_one is None else self._of_one
        if len(self.connections) > most or self._by_address[address] > of_one:
            transport.abort()
            return
        self._waited_for[handler] = asyncio.get_running_loop().call_later(FIRST_S, transport.abort)

    def connection_lost(self, handler: web.RequestHandler, exc: BaseException | None = None) -> None:
        if handler.transport is not None:
            address = _address_of(handler.transport)
            self._by_address[address] -= 1
            if not self._by_address[address]:
                del self._by_address[address]  # else every address that ever came would be kept
        self._heard(handler)
        super().connection_lost(handler, exc)

    async def _asked(self, asked: web.BaseRequest) -> web.StreamResponse:
        self._heard(asked.protocol)
        return await self._answer(asked)

    def _heard(self, handler: object) -> None:
        if (timer := self._waited_for.pop(handler, None)) is not None:
            timer.cancel()


def _address_of(transport: asyncio.BaseTransport) -> str:
    peer = transport.get_extra_info("peername")
    return str(peer[0]) if peer else ""


class Answers(Protocol):
    async def answer(self, request: Request) -> Response: ...


class Server:
    """`name`: by which people reach it, beside its addresses. `tls`: None on loopback alone. `up`
    is called once all places are had."""

    def __init__(
        self,
        answering: Answers,
        places: Sequence[Place],
        name: str,
        tls: ssl.SSLContext | None,
        up: Callable[[], None] = lambda: None,
    ) -> None:
        self._answering = answering
        self._places = places
        self._name = name
        self._tls = tls
        self._up = up

    async def run(self) -> None:
        """Until cancelled. Raises OSError where a place cannot be had."""
        loop = asyncio.get_running_loop()
        async with AsyncExitStack() as stack:
            for place in self._places:
                tls = None if place.loopback else self._tls
                server = Bounded(partial(self._came, by_tls=tls is not None))
                stack.push_async_callback(server.shutdown, SHUT_S)
                handshake_s = FIRST_S if tls else None
                listening = await loop.create_server(
                    server, place.address, place.port, ssl=tls, ssl_handshake_timeout=handshake_s
                )
                stack.callback(listening.close)
            self._up()
            await asyncio.Event().wait()

    async def _came(self, asked: web.BaseRequest, *, by_tls: bool) -> web.StreamResponse:
        try:
            async with asyncio.timeout(ANSWER_S):
                request = await self._read(asked, by_tls)
                response = await self._answering.answer(request)
        except NoRequest as error:
            response = Response(status=error.status, body=error.status.phrase.encode(), type="text/plain")
        except TimeoutError:
            status = HTTPStatus.SERVICE_UNAVAILABLE
            response = Response(status=status, body=status.phrase.encode(), type="text/plain")
        return _given(response, by_tls, head=asked.method == "HEAD")

    async def _read(self, asked: web.BaseRequest, by_tls: bool) -> Request:
        if asked.method not in ("GET", "HEAD", "POST"):
            raise NoRequest(HTTPStatus.NOT_IMPLEMENTED)
        host = asked.headers.get("Host", "")
        if not self._ours(host):
            raise NoRequest(HTTPStatus.MISDIRECTED_REQUEST)  # another's name for this address (DNS rebinding)
        cookies = asked.cookies
        return Request(
            method=asked.method,
            path=asked.path,
            query=fields_of(asked.query_string),
            form=await form_of(asked) if asked.method == "POST" else {},
            language=language_of(cookies.get(LANGUAGE_COOKIE, ""), asked.headers.get("Accept-Language", "")),
            address=asked.remote or "",
            host=host,
            ours=same_origin(asked.headers, host),
            cookie=cookies.get(SECURE_COOKIE if by_tls else COOKIE, ""),
            by_tls=by_tls,
            browser=cookies.get(begun_cookie(by_tls), ""),
            known=asked.headers.get("If-None-Match", ""),
            now=datetime.now(UTC),
        )

    def _ours(self, host: str) -> bool:
        name, _, port = host.partition(":")
        if port and not (port.isascii() and port.isdigit()):
            return False  # what a browser would take for somebody's name before another host
        if name in ("localhost", self._name) and name:
            return True
        try:
            ipaddress.IPv4Address(name)
        except ValueError:
            return False
        return True


def begun_cookie(by_tls: bool) -> str:
    """Holds what a browser has begun elsewhere, until it is back."""
    return f"__Host-{BEGUN_COOKIE}" if by_tls else BEGUN_COOKIE


async def form_of(asked: web.BaseRequest) -> dict[str, str]:
    """The fields of a form. Raises NoRequest."""
    if asked.content_type != "application/x-www-form-urlencoded":
        raise NoRequest(HTTPStatus.UNSUPPORTED_MEDIA_TYPE)
    if (asked.content_length or 0) > BODY_MAX_BYTES:
        raise NoRequest(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
    body = b""
    try:
        async with asyncio.timeout(READ_S):
            while piece := await asked.content.readany():
                body += piece
                if len(body) > BODY_MAX_BYTES:
                    raise NoRequest(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
        return fields_of(body.decode("ascii"))
    except TimeoutError:
        raise NoRequest(HTTPStatus.REQUEST_TIMEOUT) from None
    except UnicodeDecodeError:
        raise NoRequest(HTTPStatus.BAD_REQUEST) from None


def fields_of(text: str) -> dict[str, str]:
    """The first of each name. What a form of ours cannot have sent is no request."""
    try:
        pairs = parse_qsl(text, keep_blank_values=True, max_num_fields=FIELDS_MAX, errors="strict")
    except ValueError:
        raise NoRequest(HTTPStatus.BAD_REQUEST) from None
    found: dict[str, str] = {}
    for name, value in pairs:
        if len(value) > VALUE_MAX or "\0" in value:
            raise NoRequest(HTTPStatus.BAD_REQUEST)
        found.setdefault(name, value.replace("\r\n", "\n"))
    return found


def same_origin(headers: Mapping[str, str], host: str) -> bool:
    """What a browser says of where a form comes from; one that says nothing is not believed."""
    if site := headers.get("Sec-Fetch-Site"):
        return site == "same-origin"
    origin = headers.get("Origin", "")
    return bool(host) and urlsplit(origin).netloc == host


def language_of(chosen: str, accepted: str) -> str:
    """Swedish, but for who has chosen or asks for English first."""
    if chosen in LANGUAGES:
        return chosen
    for part in accepted[:200].lower().split(","):
        tag = part.partition(";")[0].strip().partition("-")[0]
        if tag in LANGUAGES:
            return tag
    return LANGUAGES[0]


def _given(response: Response, by_tls: bool, *, head: bool) -> web.Response:
    headers = {**HEADERS, **(HEADERS_BY_TLS if by_tls else {}), "Cache-Control": "no-store", **dict(response.headers)}
    if response.body:
        headers["Content-Type"] = response.type
    given = web.Response(status=response.status, body=b"" if head else response.body, headers=headers)
    if response.cookie is not None:
        given.set_cookie(
            SECURE_COOKIE if by_tls else COOKIE,
            response.cookie,
            max_age=(response.cookie_s or None) if response.cookie else 0,
            path="/",
            secure=by_tls,
            httponly=True,
            samesite="Lax",
        )
    return given
