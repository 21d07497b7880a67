"""The hub's page: nobody without a password that they gave themselves, and nothing by somebody else's form."""

from __future__ import annotations

import re
import ssl
import time
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import aiohttp
import pytest

from firmware.web.server import HEADERS
from tools.hub.accounts import ADMIN, READER, AccountError, Accounts
from tools.hub.testing import Running
from tools.hub.units import Units

NOW = datetime.now(UTC)
PASSWORD = "en hemlig mening"
Make = Callable[..., Any]


@pytest.fixture
async def browser(hub: Running) -> AsyncIterator[Browser]:
    context = ssl.create_default_context(cafile=str(hub.ca))
    jar = aiohttp.CookieJar(unsafe=True)
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=context), cookie_jar=jar) as http:
        yield Browser(http, hub)


class Browser:
    def __init__(self, http: aiohttp.ClientSession, hub: Running) -> None:
        self._http, self._hub = http, hub
        self.page = ""

    async def get(self, path: str) -> tuple[int, str]:
        async with self._http.get(self._hub.url + path) as answer:
            self.page = await answer.text()
            return answer.status, answer.url.path

    async def post(self, path: str, *, site: str = "same-origin", token: bool = True, **form: str) -> tuple[int, str]:
        if token and (found := re.search(r'name="token" value="([0-9a-f]+)"', self.page)):
            form["token"] = found[1]
        async with self._http.post(self._hub.url + path, data=form, headers={"Sec-Fetch-Site": site}) as answer:
            self.page = await answer.text()
            return answer.status, str(answer.url.relative())

    async def come_in(self, name: str = "anna", role: str = ADMIN) -> None:
        word = Accounts(self._hub.store).invite(name, role, "test", NOW)
        assert (await self.post("/first", word=word, password=PASSWORD, again=PASSWORD))[1] == "/sign-in?done=begun"
        assert (await self.post("/sign-in", name=name, password=PASSWORD))[1] == "/"


async def test_nobody_sees_anything_without_signing_in(browser: Browser) -> None:
    for path in ("/", "/?x=1"):
        assert await browser.get(path) == (200, "/sign-in")
    assert (await browser.get("/nowhere"))[0] == 404
    assert (await browser.post("/seen/1"))[1] == "/sign-in"


async def test_the_first_account_has_no_password_until_its_word_is_used(hub: Running, browser: Browser) -> None:
    word = Accounts(hub.store).invite("anna", ADMIN, "test", NOW)
    assert (await browser.post("/sign-in", name="anna", password=""))[0] == 422
    assert (await browser.post("/first", word=word, password=PASSWORD, again="x"))[0] == 422
    for weak in ("kort", "aaaaaaaaaaaaaaa", "anna och anna igen"):
        assert (await browser.post("/first", word=word, password=weak, again=weak))[0] == 422
    shown = "-".join(re.findall(".{4}", word))  # as it is shown to people
    assert (await browser.post("/first", word=shown, password=PASSWORD, again=PASSWORD))[0] == 200
    assert (await browser.post("/first", word=word, password=PASSWORD, again=PASSWORD))[0] == 422
    assert (await browser.post("/sign-in", name="anna", password=PASSWORD)) == (200, "/")
    assert "Navet" in browser.page
    assert PASSWORD not in str(hub.store.db.execute("SELECT * FROM account").fetchall())


async def test_guesses_are_counted(hub: Running, browser: Browser) -> None:
    await browser.come_in()
    await browser.post("/sign-out")
    for _ in range(10):
        assert (await browser.post("/sign-in", name="anna", password="wrong wrong wrong"))[0] == 422
    assert (await browser.post("/sign-in", name="anna", password=PASSWORD))[0] == 422
    del hub


async def test_a_form_of_another_site_does_nothing(browser: Browser, hub: Running) -> None:
    await browser.come_in()
    await browser.get("/")
    for more in ({"site": "cross-site"}, {"site": "none"}, {"token": False}):
        assert (await browser.post("/sign-out", **more))[0] == 403
        await browser.get("/")
    assert (await browser.get("/"))[1] == "/"
    del hub


async def test_what_is_named_is_shown_and_marked(hub: Running, browser: Browser) -> None:
    units = Units(hub.store)
    unit, _ = hub.code(name="Skolan <script>alert(1)</script>")
    hub.store.transact(lambda: units.find("forked", unit, "e", {"n": 7}, NOW))
    await browser.come_in()
    assert "<script>alert" not in browser.page
    assert "samma nummer med olika innehåll" in browser.page
    (finding,) = units.findings()
    assert (await browser.post(f"/seen/{finding.id}"))[1] == "/?done=seen"
    assert units.findings() == ()
    assert "samma nummer" not in browser.page


async def test_who_may_only_read_changes_nothing(hub: Running, browser: Browser) -> None:
    units = Units(hub.store)
    unit, _ = hub.code()
    hub.store.transact(lambda: units.find("forked", unit, "e", {}, NOW))
    await browser.come_in("bo", READER)
    assert "/seen/" not in browser.page
    assert (await browser.post(f"/seen/{units.findings()[0].id}"))[0] == 403
    assert len(units.findings()) == 1


async def test_one_click_undoes(hub: Running, browser: Browser, unit: Make) -> None:
    one, other = await unit(), await unit(name="Biblioteket")
    for caller, target, ago in ((one, "2", 20), (other, "3", 10)):
        await caller.greet()
        stamp = f"{int((time.time() - ago) * 1000):012x}-0000-{caller.unit}"
        at = "2026-11-23T09:00:00.000000Z"
        body = {"extension": "1001", "condition": "always", "target": target, "set_at": at, "set_by": "x"}
        entry = {"n": 1, "at": at, "stamp": stamp, "kind": "forwarding", "subject": "1001", "body": body}
        assert (await caller.send(entry))[1]["refused"] == []
    await browser.come_in()
    assert "forwarding 1001|always" in browser.page
    path = re.findall(r'action="(/undo/[0-9]+)"', browser.page)[0]
    assert (await browser.post(path))[1] == "/?done=undone"
    assert (await browser.post(path))[1] == "/?done=gone"
    row = hub.store.db.execute("SELECT row FROM item WHERE kind = 'forwarding'").fetchone()[0]
    assert '"target":"2"' in row
    assert [line[0] for line in hub.store.db.execute("SELECT what FROM audit WHERE who = 'anna'")][-1] == "undone"


async def test_every_answer_is_guarded(hub: Running, browser: Browser) -> None:
    for path in ("/sign-in", "/first", "/nowhere", "/static/site.css"):
        async with browser._http.get(hub.url + path) as answer:
            for name, value in HEADERS.items():
                assert answer.headers[name] == value
    assert (await browser.get("/static/../hub.db"))[0] == 404
    assert (await browser.get("/static/words.toml"))[0] == 404


async def test_english(browser: Browser) -> None:
    await browser.get("/sign-in")
    assert 'lang="sv"' in browser.page
    await browser.post("/language", language="en", to="/sign-in")
    assert "Password" in browser.page


def test_an_account_that_is_ended_is_out_and_the_last_one_stays(hub: Running) -> None:
    accounts = Accounts(hub.store)
    for name in ("anna", "bo"):
        assert accounts.begin(accounts.invite(name, ADMIN, "test", NOW), PASSWORD, "", NOW) == name
    cookie = accounts.sign_in("bo", PASSWORD, "", NOW)
    assert cookie
    assert accounts.of(cookie, NOW)
    assert accounts.of(cookie, NOW + timedelta(minutes=31)) is None
    accounts.end("bo", "anna", NOW)
    assert accounts.of(cookie, NOW) is None
    with pytest.raises(AccountError, match="last"):
        accounts.end("anna", "anna", NOW)
    word = accounts.invite("eva", READER, "anna", NOW)
    assert accounts.begin(word, PASSWORD, "", NOW + timedelta(hours=25)) is None
