"""A calendar is asked for, by HTTP: bounded in time, size and turns, and only of whom may be asked (address.py).

One connection an answer: who asks once a minute would hold one open for nothing. Each turn of a redirection is judged
as the first address was. What comes packed is unpacked within the bound, so a bomb is no more than a calendar that is
too large."""

from __future__ import annotations

import asyncio
import errno
import ipaddress
import socket
import ssl
import zlib
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Final
from urllib.parse import unquote, urljoin, urlsplit

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult

from firmware.calendars.address import Origin, Policy, origin_of
from firmware.calendars.answer import BODY_MAX

__all__ = ["Fetched", "Fetcher", "NotFetched"]

WHOLE_S = 30.0
CONNECT_S = 8.0
SILENT_S = 10.0
"""Without a byte for so long, it is given up."""
TURNS_MAX = 3
CHUNK = 64 << 10
MARK_MAX = 200
"""Of an ETag, or a date; a longer one is not kept."""
SETTLED = timedelta(seconds=2)
"""What was changed so long before the answer will say so when it is changed again."""
AGENT = "reservvaxel"
_REDIRECTIONS = (301, 302, 303, 307, 308)
_FAULTS: Final[Mapping[int, str]] = {401: "refused", 403: "refused", 404: "gone", 410: "gone", 429: "busy", 503: "busy"}


class NotFetched(Exception):
    """`fault` is a key of the catalogue's part `calendar`; `after_s`: how long the server asks us to wait."""

    def __init__(self, fault: str, after_s: float = 0.0) -> None:
        super().__init__(fault)
        self.fault, self.after_s = fault, after_s


@dataclass(frozen=True, slots=True)
class Fetched:
    """`body` None: it is as it was."""

    body: bytes | None
    etag: str = ""
    modified: str = ""


class Fetcher:
    """Keeps nothing from one calendar to the next."""

    def __init__(self, policy: Policy, *, whole_s: float = WHOLE_S, silent_s: float = SILENT_S) -> None:
        self._policy = policy
        self._timeout = aiohttp.ClientTimeout(total=whole_s, sock_connect=CONNECT_S, sock_read=silent_s)
        self._tls = ssl.create_default_context()

    async def fetch(self, url: str, etag: str = "", modified: str = "") -> Fetched:
        """What is at this address, if it is another than by these marks. Raises NotFetched."""
        headers = {"Accept": "text/calendar, */*;q=0.1", "Accept-Encoding": "gzip", "User-Agent": AGENT}
        headers |= {"If-None-Match": etag} if etag else {}
        headers |= {"If-Modified-Since": modified} if modified else {}
        try:
            async with asyncio.timeout(self._timeout.total):
                for _ in range(TURNS_MAX + 1):
                    found = await self._turn(url, headers)
                    if isinstance(found, Fetched):
                        return found
                    url = found
        except TimeoutError:
            raise NotFetched("timeout") from None
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise NotFetched(_fault(error)) from None
        raise NotFetched("redirects")

    async def _turn(self, url: str, headers: Mapping[str, str]) -> Fetched | str:
        """An answer, or the next address."""
        try:
            origin = origin_of(url)
        except ValueError:
            raise NotFetched("address") from None
        parts = urlsplit(url)
        given = parts.username is not None
        if given:
            secret = f"{unquote(parts.username or '')}:{unquote(parts.password or '')}"
            headers = {**headers, "Authorization": f"Basic {b64encode(secret.encode()).decode()}"}
        plain = parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()
        connector = aiohttp.TCPConnector(
            resolver=_Pinned(origin.host, await self._addresses(origin)),
            use_dns_cache=False,
            force_close=True,
            ssl=self._tls,
        )
        async with (
            aiohttp.ClientSession(
                connector=connector, timeout=self._timeout, auto_decompress=False, cookie_jar=aiohttp.DummyCookieJar()
            ) as session,
            session.get(plain, headers=headers, allow_redirects=False) as answer,
        ):
            if answer.status in _REDIRECTIONS and "Location" in answer.headers:
                there = urljoin(plain, answer.headers["Location"])
                if given and urlsplit(there).username is None and origin_of(there) == origin:
                    there = urlsplit(there)._replace(netloc=parts.netloc).geturl()
                return there
            if answer.status == 304:
                return Fetched(None)
            if answer.status != 200:
                raise NotFetched(_FAULTS.get(answer.status, "server"), _after_s(answer.headers.get("Retry-After", "")))
            body = await _body(answer)
            return Fetched(body, _mark(answer, "ETag"), _modified(answer))

    async def _addresses(self, origin: Origin) -> list[str]:
        """Where this server is, as far as it may be asked there. Raises NotFetched."""
        named = self._policy.named(origin)
        if origin.scheme != "https" and not named:
            raise NotFetched("not_https")
        if origin.number is not None:
            found = [str(origin.number)]
        else:
            try:
                listed = await asyncio.get_running_loop().getaddrinfo(origin.host, origin.port, type=socket.SOCK_STREAM)
            except socket.gaierror as error:
                raise NotFetched("name" if error.errno == socket.EAI_NONAME else "unreachable") from None
            found = list(dict.fromkeys(str(where[0]) for *_, where in listed))
        allowed = [address for address in found if named or self._policy.may_reach(address)]
        if not allowed:
            raise NotFetched("address")
        return allowed


class _Pinned(AbstractResolver):
    """A name is just these addresses, which were judged."""

    def __init__(self, host: str, addresses: list[str]) -> None:
        self._host, self._addresses = host, addresses

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        if host.lower().rstrip(".") != self._host:
            raise OSError(errno.EACCES, "another name than was judged")
        return [
            ResolveResult(
                hostname=host,
                host=address,
                port=port,
                family=socket.AF_INET6
                if ipaddress.ip_address(address.partition("%")[0]).version == 6
                else socket.AF_INET,
                proto=0,
                flags=socket.AI_NUMERICHOST,
            )
            for address in self._addresses
        ]

    async def close(self) -> None:
        pass


async def _body(answer: aiohttp.ClientResponse) -> bytes:
    """Unpacked. Raises NotFetched where it is more than BODY_MAX."""
    packed = answer.headers.get("Content-Encoding", "identity").lower()
    if packed not in ("identity", "gzip", "x-gzip"):
        raise NotFetched("broken")
    unpack = zlib.decompressobj(wbits=31) if packed != "identity" else None
    body = bytearray()
    came = 0
    async for chunk in answer.content.iter_chunked(CHUNK):
        came += len(chunk)
        if unpack is None:
            body += chunk
        else:
            try:
                body += unpack.decompress(chunk, BODY_MAX + 1 - len(body))
            except zlib.error:
                raise NotFetched("broken") from None
        if max(came, len(body)) > BODY_MAX:
            raise NotFetched("too_large")
    if unpack is not None and not unpack.eof:
        raise NotFetched("broken")
    return bytes(body)


def _mark(answer: aiohttp.ClientResponse, name: str) -> str:
    mark = answer.headers.get(name, "")
    return mark if len(mark) <= MARK_MAX and mark.isascii() and mark.isprintable() else ""


def _modified(answer: aiohttp.ClientResponse) -> str:
    """ "" where it may have been changed again within its very second, which it would not tell (RFC 9110 §8.8.2.2)."""
    mark = _mark(answer, "Last-Modified")
    try:
        since = parsedate_to_datetime(answer.headers.get("Date", "")) - parsedate_to_datetime(mark)
        return mark if since >= SETTLED else ""
    except (ValueError, TypeError):
        return ""


def _after_s(text: str) -> float:
    """Seconds, or a date (RFC 9110 §10.2.3)."""
    if text.isascii() and text.isdigit() and len(text) < 10:
        return float(text)
    try:
        return max(0.0, (parsedate_to_datetime(text) - datetime.now(UTC)).total_seconds())
    except (ValueError, TypeError):
        return 0.0


def _fault(error: Exception) -> str:
    if isinstance(error, aiohttp.ServerTimeoutError):
        return "timeout"
    if isinstance(error, aiohttp.ClientConnectorCertificateError | aiohttp.ClientConnectorSSLError | ssl.SSLError):
        return "certificate"
    if isinstance(error, aiohttp.ClientConnectorError):
        return "unreachable"
    return "broken"
