"""A calendar is asked of servers that behave, and of such as do not."""

from __future__ import annotations

import asyncio
import base64
import gzip
import socket
import ssl
import subprocess
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import pytest
from aiohttp import web

from firmware.calendars.address import Policy
from firmware.calendars.answer import BODY_MAX
from firmware.calendars.fetching import Fetched, Fetcher, NotFetched

BODY = b"BEGIN:VCALENDAR\r\nEND:VCALENDAR\r\n"
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@asynccontextmanager
async def serving(handler: Handler, tls: ssl.SSLContext | None = None) -> AsyncIterator[str]:
    """On a port of its own; gives the origin."""
    app = web.Application()
    app.router.add_route("*", "/{tail:.*}", handler)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls)
    await site.start()
    try:
        yield f"http{'s' if tls else ''}://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


def fetcher(*servers: str, whole_s: float = 40.0, silent_s: float = 40.0) -> Fetcher:
    return Fetcher(Policy.of(servers, ["10.0.0.0/8"]), whole_s=whole_s, silent_s=silent_s)


async def fault_of(asked: Fetcher, url: str) -> str:
    with pytest.raises(NotFetched) as refused:
        await asked.fetch(url)
    return refused.value.fault


async def test_what_is_there_and_nothing_when_it_is_as_it_was() -> None:
    seen: list[web.Request] = []

    async def handler(request: web.Request) -> web.Response:
        seen.append(request)
        if request.headers.get("If-None-Match") == '"7"':
            return web.Response(status=304)
        return web.Response(body=BODY, headers={"ETag": '"7"', "Last-Modified": "Mon, 05 Jan 2026 06:00:00 GMT"})

    async with serving(handler) as origin:
        first = await fetcher(origin).fetch(f"{origin}/x.ics?y=1")
        again = await fetcher(origin).fetch(f"{origin}/x.ics", first.etag, first.modified)
    assert first == Fetched(BODY, '"7"', "Mon, 05 Jan 2026 06:00:00 GMT")
    assert again == Fetched(None)
    assert seen[0].path_qs == "/x.ics?y=1"
    assert "If-None-Match" not in seen[0].headers
    assert seen[1].headers["If-Modified-Since"] == first.modified


@pytest.mark.parametrize(
    ("status", "fault"),
    [(401, "refused"), (403, "refused"), (404, "gone"), (410, "gone"), (429, "busy"), (503, "busy"), (500, "server"),
     (400, "server"), (204, "server"), (206, "server"), (302, "server")],
)  # fmt: skip
async def test_other_answers(status: int, fault: str) -> None:
    async def handler(_: web.Request) -> web.Response:
        return web.Response(status=status, body=None if status == 204 else b"x")

    async with serving(handler) as origin:
        assert await fault_of(fetcher(origin), origin) == fault


@pytest.mark.parametrize(
    ("told", "least", "most"),
    [
        ("120", 120, 120),
        ("in 300 s", 200, 300),
        ("soon", 0, 0),
        ("-5", 0, 0),
        ("9" * 30, 0, 0),
        ("Mon, 01 Jan 1990 00:00:00 GMT", 0, 0),
    ],
)
async def test_how_long_a_server_wants_us_to_wait(told: str, least: float, most: float) -> None:
    async def handler(_: web.Request) -> web.Response:
        at = format_datetime(datetime.now(UTC) + timedelta(seconds=300), usegmt=True)
        return web.Response(status=503, headers={"Retry-After": at if told == "in 300 s" else told})

    async with serving(handler) as origin:
        with pytest.raises(NotFetched) as refused:
            await fetcher(origin).fetch(origin)
    assert least <= refused.value.after_s <= most


@pytest.mark.parametrize(
    ("packed", "fault"),
    [(BODY, None), (b"x" * (BODY_MAX + 1), "too_large"), (b"\0" * (64 << 20), "too_large")],
    ids=["ordinary", "a byte too many", "a bomb"],
)
async def test_what_comes_packed_is_unpacked_within_the_bound(packed: bytes, fault: str | None) -> None:
    body = gzip.compress(packed)

    async def handler(_: web.Request) -> web.Response:
        return web.Response(body=body, headers={"Content-Encoding": "gzip"})

    async with serving(handler) as origin:
        if fault is None:
            assert (await fetcher(origin).fetch(origin)).body == packed
        else:
            assert await fault_of(fetcher(origin), origin) == fault


@pytest.mark.parametrize(
    ("body", "encoding"),
    [(b"no gzip", "gzip"), (gzip.compress(BODY)[:-9], "gzip"), (BODY, "br")],
    ids=["plain", "cut", "brotli"],
)
async def test_what_is_not_packed_as_it_says(body: bytes, encoding: str) -> None:
    async def handler(_: web.Request) -> web.Response:
        return web.Response(body=body, headers={"Content-Encoding": encoding})

    async with serving(handler) as origin:
        assert await fault_of(fetcher(origin), origin) == "broken"


async def test_10_mb_are_too_many_whether_or_not_that_is_said() -> None:
    sent = 0

    async def handler(request: web.Request) -> web.StreamResponse:
        nonlocal sent
        answer = web.StreamResponse()
        await answer.prepare(request)
        for _ in range(160):
            await answer.write(b"x" * 65536)
            sent += 65536
        return answer

    async with serving(handler) as origin:
        assert await fault_of(fetcher(origin), origin) == "too_large"
    assert sent < 10 << 20


async def test_a_server_that_never_ends() -> None:
    async def drip(request: web.Request) -> web.StreamResponse:
        answer = web.StreamResponse()
        await answer.prepare(request)
        while True:
            await answer.write(b"x")
            await asyncio.sleep(0.05)

    async def silent(_: web.Request) -> web.Response:
        await asyncio.sleep(30)
        return web.Response()

    async with serving(drip) as origin:
        assert await fault_of(fetcher(origin, whole_s=0.5), origin) == "timeout"
    async with serving(silent) as origin:
        assert await fault_of(fetcher(origin, silent_s=0.3), origin) == "timeout"


@pytest.mark.parametrize(
    "raw",
    [b"", b"\xff" * 100, b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nBEGIN",
     b"HTTP/1.1 200 OK\r\nX: " + b"y" * 100_000,
     b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"],
    ids=["nothing", "noise", "cut", "long", "chunks"],
)  # fmt: skip
async def test_what_is_no_http(raw: bytes) -> None:
    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(raw)
        writer.close()

    server = await asyncio.start_server(handler, "127.0.0.1", 0)
    origin = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    async with server:
        assert await fault_of(fetcher(origin), origin) == "broken"


async def test_an_address_that_leads_inside_is_not_even_asked() -> None:
    asked = []

    async def handler(request: web.Request) -> web.Response:
        asked.append(request)
        return web.Response(body=BODY)

    async with serving(handler) as origin:
        port = origin.rpartition(":")[2]
        for url, fault in (
            (origin, "not_https"),
            (f"https://127.0.0.1:{port}/", "address"),
            (f"https://localhost:{port}/", "address"),
            (f"https://[::1]:{port}/", "address"),
            (f"https://2130706433:{port}/", "address"),
            (f"https://127.1:{port}/", "address"),
            ("https://10.0.0.1/", "address"),
            ("https://169.254.169.254/latest/meta-data", "address"),
            ("file:///etc/passwd", "address"),
        ):
            assert await fault_of(fetcher(), url) == fault, url
    assert asked == []


async def test_a_name_is_judged_once_and_asked_just_there(monkeypatch: pytest.MonkeyPatch) -> None:
    """A name server that says a public address first and an inner one afterwards (DNS rebinding) gains nothing."""
    said = ["93.184.216.34", "127.0.0.1"]
    connected: list[object] = []

    async def resolved(self: object, host: str, port: int, **_: object) -> list[tuple[object, ...]]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (said.pop(0), port))]

    async def start_connection(addr_infos: list[tuple[object, ...]], **_: object) -> socket.socket:
        connected.extend(one[4] for one in addr_infos)
        raise OSError(111, "refused")

    loop = asyncio.get_running_loop()
    monkeypatch.setattr(type(loop), "getaddrinfo", resolved)
    monkeypatch.setattr("aiohttp.connector.aiohappyeyeballs.start_connection", start_connection)
    assert await fault_of(fetcher(), "https://kalender.evil.example/x") == "unreachable"
    assert connected == [("93.184.216.34", 443)]
    assert await fault_of(fetcher(), "https://kalender.evil.example/x") == "address"


async def test_redirections_are_judged_and_end() -> None:
    async def handler(request: web.Request) -> web.Response:
        match request.path:
            case "/once":
                return web.Response(status=302, headers={"Location": "/here"})
            case "/here":
                return web.Response(body=BODY)
            case "/inside":
                return web.Response(status=301, headers={"Location": "https://127.0.0.1:1/"})
            case "/plain":
                return web.Response(status=301, headers={"Location": "http://93.184.216.34/"})
            case "/file":
                return web.Response(status=301, headers={"Location": "file:///etc/passwd"})
            case _:
                return web.Response(status=307, headers={"Location": "/round"})

    async with serving(handler) as origin:
        asked = fetcher(origin)
        assert (await asked.fetch(f"{origin}/once")).body == BODY
        for path, fault in (("inside", "address"), ("plain", "not_https"), ("file", "address"), ("round", "redirects")):
            assert await fault_of(asked, f"{origin}/{path}") == fault, path


async def test_a_password_goes_to_whom_it_was_meant_for_alone() -> None:
    heard: list[str | None] = []

    async def elsewhere(request: web.Request) -> web.Response:
        heard.append(request.headers.get("Authorization"))
        return web.Response(body=BODY)

    async with serving(elsewhere) as other:

        async def handler(request: web.Request) -> web.Response:
            heard.append(request.headers.get("Authorization"))
            return web.Response(status=302, headers={"Location": "/b" if request.path == "/a" else f"{other}/c"})

        async with serving(handler) as origin:
            await fetcher(origin, other).fetch(origin.replace("//", "//anna:hem%3Aligt@") + "/a")
    basic = "Basic " + base64.b64encode(b"anna:hem:ligt").decode()
    assert heard == [basic, basic, None]


@pytest.fixture
def tls(tmp_path: Path) -> ssl.SSLContext:
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
         "-keyout", "key.pem", "-out", "cert.pem", "-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"],
        cwd=tmp_path, check=True, capture_output=True,
    )  # fmt: skip
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "cert.pem", tmp_path / "key.pem")
    return context


async def test_a_certificate_that_nobody_vouches_for(tls: ssl.SSLContext) -> None:
    async def handler(_: web.Request) -> web.Response:
        return web.Response(body=BODY)

    async with serving(handler, tls) as origin:
        assert await fault_of(fetcher(origin), origin) == "certificate"


async def test_nobody_there() -> None:
    assert await fault_of(fetcher("http://127.0.0.1:1"), "http://127.0.0.1:1/") == "unreachable"
    assert await fault_of(fetcher(), "https://there-is-no-such-name.invalid/") in ("name", "unreachable")


@pytest.mark.parametrize(("ago_s", "kept"), [(10, True), (0, False), (-10, False)])
async def test_what_was_changed_this_second_may_be_changed_again_in_it(ago_s: int, kept: bool) -> None:
    mark = format_datetime(datetime.now(UTC) - timedelta(seconds=ago_s), usegmt=True)

    async def handler(_: web.Request) -> web.Response:
        return web.Response(body=BODY, headers={"Last-Modified": mark})

    async with serving(handler) as origin:
        assert await fetcher(origin).fetch(origin) == Fetched(BODY, modified=mark if kept else "")


async def test_a_mark_that_cannot_be_sent_back_is_not_kept() -> None:
    async def handler(_: web.Request) -> web.Response:
        return web.Response(body=BODY, headers={"ETag": '"' + "x" * 500 + '"', "Last-Modified": "å"})

    async with serving(handler) as origin:
        assert await fetcher(origin).fetch(origin) == Fetched(BODY)
