"""The pages by HTTP on loopback: signing in as a browser does, and what no browser sends."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import closing, suppress

import aiohttp
import pytest

from callcontrol.plan.pins import BY_ADDRESS_MAX, OF_EXTENSION_MAX
from firmware.config_web import Place
from firmware.pins import Pins
from firmware.web import server, signing
from firmware.web.answering import Answering
from firmware.web.server import BODY_MAX_BYTES, Server
from firmware.web.site import Request, Response, Route, Who
from firmware.web.store import Store
from tests.firmware.web.conftest import PIN, Town

SAME = {"Sec-Fetch-Site": "same-origin"}


def _hello(request: Request, store: Store) -> Response:
    return Response(body=f"{request.who.name} {request.who.token}".encode(), type="text/plain")


def _fails(request: Request, store: Store) -> Response:
    raise RuntimeError("a fault of ours")


ROUTES = (
    *signing.ROUTES,
    Route("GET", "/hello", Who.SIGNED_IN, _hello),
    Route("POST", "/hello", Who.SIGNED_IN, _hello),
    Route("GET", "/fails", Who.ANYBODY, _fails),
)


def free_port() -> int:
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
async def browser(town: Town) -> AsyncIterator[aiohttp.ClientSession]:
    """With cookies of its own, at the server's address."""
    pins = Pins(town.config.paths, lambda _: None)
    answering = Answering(town.config, pins, ROUTES)
    place = Place("127.0.0.1", free_port())
    serving = asyncio.create_task(Server(answering, [place], "vaxel.norrby.se", None).run())
    jar = aiohttp.CookieJar(unsafe=True)  # of an address, not of a name
    async with aiohttp.ClientSession(f"http://127.0.0.1:{place.port}", cookie_jar=jar) as client:
        for _ in range(200):
            with suppress(aiohttp.ClientError):
                async with client.get("/sign-in"):
                    break
            await asyncio.sleep(0.01)
        yield client
    serving.cancel()
    with suppress(asyncio.CancelledError):
        await serving
    answering.close()
    pins.close()


async def sign_in(browser: aiohttp.ClientSession, extension: str = "1001", pin: str = PIN, **more: str) -> int:
    form = {"extension": extension, "pin": pin, "to": "/hello", **more}
    async with browser.post("/sign-in", data=form, headers=SAME, allow_redirects=False) as answer:
        return answer.status


async def test_who_is_not_signed_in_is_led_there_and_back(browser: aiohttp.ClientSession) -> None:
    async with browser.get("/hello", allow_redirects=False) as answer:
        assert (answer.status, answer.headers["Location"]) == (303, "/sign-in?to=/hello")
    assert await sign_in(browser) == 303
    async with browser.get("/hello") as answer:
        assert answer.status == 200
        token = (await answer.text()).split()[-1]
    async with browser.post("/hello", data={"token": token}, headers=SAME) as answer:
        assert answer.status == 200
    async with browser.post("/hello", data={"token": token}) as answer:
        assert answer.status == 403, "no page of ours says so"
    async with browser.post("/hello", data={"token": "0"}, headers=SAME) as answer:
        assert answer.status == 403
    async with browser.post("/sign-out", data={"token": token}, headers=SAME) as answer:
        assert str(answer.url).endswith("/sign-in")
    async with browser.get("/hello", allow_redirects=False) as answer:
        assert answer.status == 303


async def test_what_each_answer_forbids_browsers(browser: aiohttp.ClientSession) -> None:
    await sign_in(browser)
    for path in ("/sign-in", "/hello", "/none", "/fails"):
        async with browser.get(path) as answer:
            assert "default-src 'none'" in answer.headers["Content-Security-Policy"], path
            assert "unsafe" not in answer.headers["Content-Security-Policy"]
            assert answer.headers["X-Content-Type-Options"] == "nosniff"
            assert answer.headers["Cache-Control"] == "no-store"
    async with browser.post(
        "/sign-in", data={"extension": "1001", "pin": PIN}, headers=SAME, allow_redirects=False
    ) as answer:
        cookie = answer.headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie


async def test_a_session_ends_with_its_browser_but_where_it_is_to_be_kept(browser: aiohttp.ClientSession) -> None:
    form = {"extension": "1001", "pin": PIN}
    for more, lasts in (({}, False), ({"kept": "1"}, True)):
        async with browser.post("/sign-in", data={**form, **more}, headers=SAME, allow_redirects=False) as answer:
            assert ("Max-Age" in answer.headers["Set-Cookie"]) is lasts


async def test_guessing_ends(browser: aiohttp.ClientSession) -> None:
    statuses = [await sign_in(browser, "1001", f"{number}") for number in range(804720, 804720 + OF_EXTENSION_MAX)]
    assert statuses == [422] * OF_EXTENSION_MAX
    assert await sign_in(browser) == 422, "the right one, too late"
    assert await sign_in(browser, "1002") == 303, "another, from the same place, as a house has one address"
    for _ in range(BY_ADDRESS_MAX):
        await sign_in(browser, "1003", "804720")
    assert await sign_in(browser, "1002") == 429, "another, from the same place"


@pytest.mark.parametrize(
    ("extension", "pin"),
    [
        ("", ""),
        ("1001", ""),
        ("9999", PIN),
        ("1001' OR 1=1 --", PIN),
        ("1001", "٨٠٤٧١٥"),
        ("2" * 4000, PIN),
        ("1001\r\n", "1"),
    ],
)
async def test_what_is_no_extension_or_no_pin(browser: aiohttp.ClientSession, extension: str, pin: str) -> None:
    assert await sign_in(browser, extension, pin) == 422


async def test_a_blocked_phone_and_a_new_pin_end_sessions(browser: aiohttp.ClientSession, town: Town) -> None:
    await sign_in(browser)
    async with browser.get("/hello") as answer:
        assert answer.status == 200
    town.store.changes.block("1001", "reception", "lost", town.asks(None, "GET", "/").now)
    async with browser.get("/hello", allow_redirects=False) as answer:
        assert answer.status == 303
    assert await sign_in(browser) == 422


async def raw(browser: aiohttp.ClientSession, text: bytes) -> bytes:
    base = browser._base_url
    assert base is not None
    reader, writer = await asyncio.open_connection("127.0.0.1", base.port)
    writer.write(text)
    try:
        return await asyncio.wait_for(reader.read(4000), 5)
    finally:
        writer.close()


HOST = b"Host: 127.0.0.1\r\nConnection: close\r\n"


@pytest.mark.parametrize(
    ("text", "status"),
    [
        (b"GET / HTTP/1.1\r\nHost: elsewhere.example\r\n\r\n", 421),
        (b"GET / HTTP/1.1\r\nHost: vaxel.norrby.se:@elsewhere.example\r\n\r\n", 421),
        (b"GET / HTTP/1.1\r\n\r\n", 400),
        (b"GET /sign-in HTTP/1.1\r\nHost: vaxel.norrby.se:443\r\nConnection: close\r\n\r\n", 200),
        (b"PUT / HTTP/1.1\r\n" + HOST + b"\r\n", 501),
        (b"GET /" + b"x" * 5000 + b" HTTP/1.1\r\n" + HOST + b"\r\n", 400),
        (b"GET / HTTP/1.1\r\n" + HOST + b"X: " + b"x" * 5000 + b"\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\n" + HOST + b"".join(b"X%d: 1\r\n" % n for n in range(60)) + b"\r\n", 400),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 400),
        (b"GET /?a=%ff HTTP/1.1\r\n" + HOST + b"\r\n", 400),
        (b"GET /?" + b"&".join(b"a%d=1" % n for n in range(101)) + b" HTTP/1.1\r\n" + HOST + b"\r\n", 400),
        (b"POST /sign-in HTTP/1.1\r\n" + HOST + b"Content-Type: text/plain\r\nContent-Length: 1\r\n\r\nx", 415),
        (
            b"POST /sign-in HTTP/1.1\r\n" + HOST + b"Content-Type: application/x-www-form-urlencoded\r\n"
            b"Content-Length: 100000000\r\n\r\nx",
            413,
        ),
        (
            b"POST /sign-in HTTP/1.1\r\n" + HOST + b"Content-Type: application/x-www-form-urlencoded\r\n"
            b"Transfer-Encoding: chunked\r\n\r\n"
            + b"%x\r\n" % (BODY_MAX_BYTES + 1)
            + b"x" * (BODY_MAX_BYTES + 1)
            + b"\r\n0\r\n\r\n",
            413,
        ),
        (b"GET /..%2f..%2fetc/passwd HTTP/1.1\r\n" + HOST + b"\r\n", 404),
        (b"GET /sign-in?to=%0d%0aSet-Cookie:%20a=b HTTP/1.1\r\n" + HOST + b"\r\n", 200),
    ],
)
async def test_what_no_browser_sends(browser: aiohttp.ClientSession, text: bytes, status: int) -> None:
    answer = await raw(browser, text)
    assert answer.startswith((b"HTTP/1.1 %d " % status, b"HTTP/1.0 %d " % status)), answer[:200]
    assert b"Set-Cookie" not in answer.partition(b"\r\n\r\n")[0]
    assert b"Traceback" not in answer


async def test_one_address_cannot_ask_without_end(browser: aiohttp.ClientSession) -> None:
    statuses = []
    for _ in range(150):
        async with browser.get("/sign-in") as answer:
            statuses.append(answer.status)
    assert statuses[:100] == [200] * 100
    assert 429 in statuses


async def test_a_store_that_cannot_be_read_is_said(browser: aiohttp.ClientSession, town: Town) -> None:
    town.config.paths.directory.write_bytes(b"no database" * 1000)
    async with browser.get("/hello", allow_redirects=False) as answer:
        assert answer.status == 503


def opened(browser: aiohttp.ClientSession) -> socket.socket:
    base = browser._base_url
    assert base is not None
    found = socket.create_connection(("127.0.0.1", base.port or 0), 5)
    found.settimeout(5)
    return found


async def test_who_asks_nothing_or_byte_by_byte_is_let_go(
    browser: aiohttp.ClientSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "FIRST_S", 0.2)
    slow = [opened(browser) for _ in range(3)]
    slow[1].sendall(b"GET / HTTP/1.1\r\n")
    slow[2].sendall(b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX")
    for one in slow:
        with suppress(ConnectionResetError):
            assert await asyncio.to_thread(one.recv, 100) == b""
        one.close()
    async with browser.get("/sign-in") as answer:
        assert answer.status == 200


async def test_one_address_has_so_many_connections(
    browser: aiohttp.ClientSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "BY_ADDRESS_MAX", 5)
    many = [opened(browser) for _ in range(10)]
    await asyncio.sleep(0.1)
    gone = 0
    for one in many:
        one.setblocking(False)
        try:
            gone += one.recv(1) == b""
        except BlockingIOError:
            pass
        except ConnectionResetError:
            gone += 1
        one.close()
    assert gone >= 5
    await asyncio.sleep(0.1)
    async with browser.get("/sign-in") as answer:
        assert answer.status == 200, "room again"
