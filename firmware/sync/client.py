"""The hub is spoken to: HTTPS by TLS 1.3, the unit's certificate, JSON packed by gzip. It decides nothing.

Bounded in time by what is carried: whoever drips is left, while a line of 64 kbit/s that loses every fifth packet has
the time that it needs. What answers in the hub's place (a captive portal, a proxy that opens TLS, another server) is
told from the hub and named: `Unreached.why` is a word of `rvx sync why`."""

from __future__ import annotations

import asyncio
import errno
import socket
import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Self
from urllib.parse import urlsplit

import aiohttp

from firmware.sync import wire
from firmware.sync.wire import WireError

__all__ = ["Answer", "Client", "Refused", "Unreached", "tls_of"]

CONNECT_S = 15.0
PATIENT_S = 30.0
"""Before the first byte of an answer, and beyond what the pace below allows."""
SLOWEST = 500
"""Bytes a second, on the average; less is no line, or somebody who drips."""
CHUNK = 64 << 10
SMALL = 400
"""Bytes that are not worth packing."""
AFTER_MAX_S = 86_400.0
WHERE_MAX = 120
_AGENT = "reservvaxel-sync"


class Unreached(Exception):
    """The hub was not spoken to. `why` is a key of tools/sync.py's table; `detail` what was seen."""

    def __init__(self, why: str, detail: str = "") -> None:
        super().__init__(f"{why}: {detail}" if detail else why)
        self.why, self.detail = why, detail[:WHERE_MAX]


class Refused(Exception):
    """The hub says no, in its own words."""

    def __init__(self, status: int, said: Mapping[str, Any], after_s: float = 0.0, offset: int | None = None) -> None:
        super().__init__(f"{said['error']}: {said['text']}")
        self.status, self.error = status, str(said["error"])
        self.field: str | None = said["field"]
        self.text = str(said["text"])
        self.n: int | None = said.get("n")
        self.after_s, self.offset = after_s, offset


@dataclass(frozen=True, slots=True)
class Answer:
    """`body` {} where there was none. `metered`: whether it went by mobile data."""

    status: int
    body: Mapping[str, Any]
    headers: Mapping[str, str]
    data: bytes = b""


@dataclass(slots=True)
class Traffic:
    """Bytes of bodies and heads, about; TLS and TCP are a tenth more."""

    sent: int = 0
    received: int = 0
    metered: int = 0
    """Of both, those that went from the address that is mobile data's."""


def tls_of(ca: str | None, certificate: str | None = None, key: str | None = None) -> ssl.SSLContext:
    """TLS 1.3; `ca`: a PEM of who vouches for the hub, None: whom the system knows. Raises OSError, ssl.SSLError."""
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    made.minimum_version = ssl.TLSVersion.TLSv1_3
    if ca is None:
        made.load_default_certs()
    else:
        made.load_verify_locations(cadata=ca)
    if certificate is not None:
        made.load_cert_chain(certificate, key)
    return made


@dataclass
class Client:
    """One hub. A context manager. `local_address`: of mobile data, by which bytes are told as metered."""

    url: str
    tls: ssl.SSLContext
    proxy: str = ""
    proxy_auth: aiohttp.BasicAuth | None = None
    metered_address: str = ""
    fingerprint: aiohttp.Fingerprint | None = None
    patient_s: float = PATIENT_S
    traffic: Traffic = field(default_factory=Traffic)
    on_metered: bool | None = None
    """Whether the last request went by mobile data; None: none went yet."""

    async def __aenter__(self) -> Self:
        how: Any = self.fingerprint if self.fingerprint is not None else self.tls
        connector = aiohttp.TCPConnector(ssl=how, limit=6, ttl_dns_cache=60, keepalive_timeout=75)
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_S, connect=2 * CONNECT_S)
        self._session = aiohttp.ClientSession(
            connector=connector,
            timeout=timeout,
            auto_decompress=False,
            cookie_jar=aiohttp.DummyCookieJar(),
            headers={"User-Agent": _AGENT, wire.HEADER: str(wire.SCHEMA)},
            skip_auto_headers=["Accept-Encoding"],
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._session.close()

    async def ask(
        self,
        method: str,
        path: str,
        name: str = "",
        message: Mapping[str, Any] | None = None,
        *,
        query: Mapping[str, str] | None = None,
        wait_s: float = 0.0,
        data: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """One message and its answer, which is as the schema's `name` says ("": its bytes as they are). Raises
        Unreached, Refused."""
        sent, given = _packed(message, data)
        async with self._turn(
            method, path, data=given, headers={**sent, **(headers or {})}, query=query, wait_s=wait_s
        ) as (answer, most_s):
            body = await self._body(answer, most_s)
            if answer.status == 204 or not name or method == "HEAD":
                return Answer(answer.status, {}, answer.headers, body)
            try:
                return Answer(answer.status, wire.read(name, body), answer.headers)
            except WireError as error:
                raise Unreached("not_understood", f"{path}: {error}") from None

    @asynccontextmanager
    async def stream(
        self, path: str, headers: Mapping[str, str]
    ) -> AsyncIterator[tuple[int, Mapping[str, str], AsyncIterator[bytes]]]:
        """Status, head and bytes of what is too long for the memory."""
        async with self._turn("GET", path, data=None, headers=headers, query=None, wait_s=0.0) as (answer, most_s):
            yield answer.status, answer.headers, self._chunks(answer, most_s, wire.REQUEST_BYTES_MAX * 64)

    @asynccontextmanager
    async def _turn(
        self,
        method: str,
        path: str,
        *,
        data: bytes | None,
        headers: Mapping[str, str],
        query: Mapping[str, str] | None,
        wait_s: float,
    ) -> AsyncIterator[tuple[aiohttp.ClientResponse, float]]:
        """The head of an answer that is the hub's, and is no refusal; and the time by which its body must be there, but
        for what its pace allows."""
        size = len(data or b"")
        loop = asyncio.get_running_loop()
        most_s = loop.time() + self.patient_s + wait_s + size / SLOWEST
        try:
            async with asyncio.timeout_at(most_s):
                answer = await self._session.request(
                    method,
                    self.url + path,
                    data=data,
                    headers=headers,
                    params=query,
                    allow_redirects=False,
                    proxy=self.proxy or None,
                    proxy_auth=self.proxy_auth,
                )
        except TimeoutError:
            raise Unreached("timeout", f"{path}: no answer") from None
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise _unreached(error, self.url, self.proxy) from None
        except RuntimeError:
            if not self._session.closed:
                raise
            raise Unreached("broken", f"{path}: the session is over") from None
        try:
            self._count(answer, size)
            self._know(answer, path)
            if answer.status >= 400:
                raise await self._refusal(answer, most_s, path, method)
            yield answer, most_s
        except TimeoutError:
            raise Unreached("timeout", f"{path}: the answer drips") from None
        except (aiohttp.ClientError, OSError) as error:
            raise _unreached(error, self.url, self.proxy) from None
        finally:
            answer.release()

    def _know(self, answer: aiohttp.ClientResponse, path: str) -> None:
        """Raises Unreached where it is somebody else's."""
        if 300 <= answer.status < 400:
            there = urlsplit(answer.headers.get("Location", "")).hostname or "elsewhere"
            raise Unreached("redirected", f"{path}: to {there}")
        if answer.headers.get(wire.HEADER) is None:
            kind = answer.headers.get("Content-Type", "nothing").partition(";")[0]
            raise Unreached("not_the_hub", f"{path}: {answer.status}, {kind[:40]}")
        if answer.headers[wire.HEADER] != str(wire.SCHEMA):
            raise Unreached("too_new", f"it speaks schema {answer.headers[wire.HEADER][:20]}, this unit {wire.SCHEMA}")

    async def _refusal(
        self, answer: aiohttp.ClientResponse, most_s: float, path: str, method: str
    ) -> Refused | Unreached:
        if method == "HEAD":
            word = next((word for word, (status, _) in wire.ERRORS.items() if status == answer.status), "fault")
            said: Mapping[str, Any] = {"error": word, "field": None, "text": wire.ERRORS[word][1]}
        else:
            try:
                said = wire.read("error", await self._body(answer, most_s))
            except WireError as error:
                return Unreached("not_understood", f"{path}: {answer.status}, {error}")
        offset = answer.headers.get("Upload-Offset", "")
        return Refused(
            answer.status,
            said,
            _seconds(answer.headers.get("Retry-After", "")),
            int(offset) if _digits(offset) else None,
        )

    async def _body(self, answer: aiohttp.ClientResponse, most_s: float) -> bytes:
        body = bytearray()
        async for chunk in self._chunks(answer, most_s, wire.REQUEST_BYTES_MAX):
            body += chunk
        packed = answer.headers.get("Content-Encoding", "identity")
        try:
            return wire.unpack(bytes(body)) if packed == "gzip" and body else bytes(body)
        except WireError as error:
            raise Unreached("not_understood", str(error)) from None

    async def _chunks(self, answer: aiohttp.ClientResponse, most_s: float, most: int) -> AsyncIterator[bytes]:
        came, loop = 0, asyncio.get_running_loop()
        while True:
            async with asyncio.timeout_at(max(most_s, loop.time()) if came == 0 else most_s + came / SLOWEST):
                chunk = await answer.content.readany()
            if not chunk:
                return
            came += len(chunk)
            self._add(received=len(chunk))
            if came > most:
                raise Unreached("not_understood", f"more than {most} bytes")
            yield chunk

    def _count(self, answer: aiohttp.ClientResponse, sent: int) -> None:
        connection = answer.connection
        name = connection.transport.get_extra_info("sockname") if connection and connection.transport else None
        if name and self.metered_address:
            self.on_metered = name[0] == self.metered_address
        elif self.on_metered is None:
            self.on_metered = False
        head = sum(len(key) + len(value) + 4 for key, value in answer.headers.items())
        self._add(sent=sent + 200, received=head)

    def _add(self, sent: int = 0, received: int = 0) -> None:
        self.traffic.sent += sent
        self.traffic.received += received
        if self.on_metered:
            self.traffic.metered += sent + received


def _packed(message: Mapping[str, Any] | None, data: bytes | None) -> tuple[dict[str, str], bytes | None]:
    headers = {"Accept-Encoding": "gzip", "Accept": "application/json"}
    if message is None:
        return headers, data
    body = wire.write(message)
    headers["Content-Type"] = "application/json"
    if len(body) > SMALL:
        headers["Content-Encoding"] = "gzip"
        body = wire.pack(body)
    return headers, body


def _unreached(error: Exception, url: str, proxy: str) -> Unreached:
    """What was in the way, without an address that may have a secret in it."""
    host = urlsplit(url).hostname or ""
    if isinstance(error, aiohttp.ClientHttpProxyError):
        return Unreached("proxy", f"{urlsplit(proxy).hostname or 'the proxy'} says {error.status}")
    if isinstance(error, aiohttp.ClientProxyConnectionError):
        return Unreached("proxy", f"{urlsplit(proxy).hostname or 'the proxy'} is not reached")
    if isinstance(error, aiohttp.ServerFingerprintMismatch):
        return Unreached("fingerprint", f"it shows {error.got.hex()}")
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        inner = error.certificate_error
        said = getattr(inner, "verify_message", "") or str(inner)
        return Unreached("certificate", f"{host}: {said}")
    if isinstance(error, aiohttp.ClientConnectorDNSError | socket.gaierror):
        return Unreached("name", f"{host} is not found")
    inner_os = getattr(error, "os_error", error)
    if isinstance(error, aiohttp.ClientConnectorSSLError | ssl.SSLError) or isinstance(inner_os, ssl.SSLError):
        said = str(getattr(inner_os, "reason", "") or inner_os)
        if "CERTIFICATE_REQUIRED" in said or "REVOKED" in said or "UNKNOWN_CA" in said or "CERTIFICATE_EXPIRED" in said:
            return Unreached("own_certificate", said[:80])
        return Unreached("tls", said[:80])
    if isinstance(error, aiohttp.ServerTimeoutError | aiohttp.ConnectionTimeoutError):
        return Unreached("timeout", f"{host}: no connection")
    number = getattr(inner_os, "errno", None)
    if number in (errno.ENETUNREACH, errno.EHOSTUNREACH, errno.ENETDOWN):
        return Unreached("no_way", f"no way to {host}")
    if number == errno.ECONNREFUSED:
        return Unreached("refused", f"{host}: nobody listens")
    if isinstance(error, aiohttp.InvalidURL):
        return Unreached("address", "no address that can be asked")
    return Unreached("broken", f"{host}: {type(error).__name__}")


def _digits(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 16


def _seconds(text: str) -> float:
    """Retry-After as seconds; a date is not obeyed, as either clock may be wrong."""
    return min(float(text), AFTER_MAX_S) if _digits(text) else 0.0
