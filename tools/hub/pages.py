"""The hub's page for people: who is signed in, what it shows, and what a form of it does."""

from __future__ import annotations

import hmac
import logging
import sqlite3
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from functools import partial
from importlib.resources import files
from typing import NamedTuple

from aiohttp import web

from firmware.store.database import StoreError, from_text, to_text
from firmware.web.server import HEADERS, HEADERS_BY_TLS, LANGUAGE_COOKIE, NoRequest, form_of, language_of, same_origin
from firmware.web.site import FIELD_TOKEN, LOCAL
from firmware.web.words import LANGUAGES
from tools.hub import audit, views
from tools.hub.accounts import Account, AccountError, Accounts
from tools.hub.feed import Wake
from tools.hub.store import Store
from tools.hub.taking import Taking
from tools.hub.threads import Busy, Threads
from tools.hub.units import Units
from tools.hub.views import Looked, Overruled, View

__all__ = ["COOKIE", "Pages"]

COOKIE = "__Host-rvx-hub"
AUDIT_SHOWN = 20
OVERRULED_SHOWN = 100
LANGUAGE_S = 365 * 86_400
STATIC = {"site.css": "text/css", "icon.svg": "image/svg+xml"}
"""Of the unit's pages, which look alike."""

log = logging.getLogger("rvx")


class _Asked(NamedTuple):
    """A request, by whom, and its form."""

    request: web.Request
    account: Account | None
    form: dict[str, str]
    now: datetime

    def view(self) -> View:
        language = language_of(
            self.request.cookies.get(LANGUAGE_COOKIE, ""), self.request.headers.get("Accept-Language", "")
        )
        say = views.say_in(language)
        done = self.request.query.get("done", "")
        path = self.request.path if LOCAL.fullmatch(self.request.path) else "/"
        return View(say, self.now, path, self.account, done if say.knows(f"done.{done}") else "")


_Handler = Callable[[_Asked], Awaitable[web.Response]]


class Pages:
    def __init__(self, threads: Threads, wake: Wake, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._threads, self._wake, self._now = threads, wake, now

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/", partial(self._answer, self._overview, signed=True)),
            web.get("/sign-in", partial(self._answer, self._sign_in_page)),
            web.post("/sign-in", partial(self._answer, self._sign_in)),
            web.get("/first", partial(self._answer, self._first_page)),
            web.post("/first", partial(self._answer, self._first)),
            web.post("/sign-out", partial(self._answer, self._sign_out, signed=True)),
            web.post("/language", partial(self._answer, self._language)),
            web.post("/undo/{id:[0-9]{1,15}}", partial(self._answer, self._undo, signed=True, changes=True)),
            web.post("/leave/{id:[0-9]{1,15}}", partial(self._answer, self._leave, signed=True, changes=True)),
            web.post("/seen/{id:[0-9]{1,15}}", partial(self._answer, self._seen, signed=True, changes=True)),
            web.get("/static/{name}", self._static),
            web.route("*", "/{rest:(?!v1/).*}", partial(self._answer, self._nothing)),
        ]

    async def _answer(
        self, handler: _Handler, request: web.Request, *, signed: bool = False, changes: bool = False
    ) -> web.Response:
        """Through the doors that each request passes."""
        now, account = self._now(), None
        asked = _Asked(request, None, {}, now)
        try:
            if cookie := request.cookies.get(COOKIE, ""):
                account = await self._threads.write(lambda store: Accounts(store).of(cookie, now))
            form = await form_of(request) if request.method == "POST" else {}
            asked = _Asked(request, account, form, now)
            if signed and account is None:
                return _see_other("/sign-in")
            if request.method == "POST" and not _ours(asked, signed=signed):
                return _page(views.problem(asked.view(), "not_ours"), 403)
            if changes and (account is None or not account.may_change):
                return _page(views.problem(asked.view(), "may_not"), 403)
            return await handler(asked)
        except NoRequest as error:
            return _page(views.problem(asked.view(), "not_ours"), error.status)
        except (Busy, StoreError, sqlite3.Error, OSError) as error:
            log.error("rvx-event kind=store_fault of=hub why=%s", type(error).__name__)
            return _page(views.problem(asked.view(), "not_now"), 503)
        except Exception as fault:
            log.error("rvx-event kind=fault of=hub", exc_info=fault)
            return _page(views.problem(asked.view(), "not_now"), 500)

    async def _overview(self, asked: _Asked) -> web.Response:
        looked = await self._threads.read(look)
        return _page(views.overview(asked.view(), looked))

    async def _sign_in_page(self, asked: _Asked) -> web.Response:
        return _page(views.sign_in(asked.view()))

    async def _sign_in(self, asked: _Asked) -> web.Response:
        name, password = asked.form.get("name", "").strip().lower(), asked.form.get("password", "")
        address = asked.request.remote or ""
        cookie = await self._threads.slow(lambda store: Accounts(store).sign_in(name, password, address, asked.now))
        if cookie is None:
            return _page(views.sign_in(asked.view(), name, wrong=True), 422)
        answer = _see_other("/")
        answer.set_cookie(COOKIE, cookie, path="/", secure=True, httponly=True, samesite="Lax")
        return answer

    async def _first_page(self, asked: _Asked) -> web.Response:
        return _page(views.first(asked.view()))

    async def _first(self, asked: _Asked) -> web.Response:
        word, password, again = (asked.form.get(name, "") for name in ("word", "password", "again"))
        address = asked.request.remote or ""
        if password != again:
            return _page(views.first(asked.view(), word, wrong="differ"), 422)
        try:
            name = await self._threads.slow(lambda store: Accounts(store).begin(word, password, address, asked.now))
        except AccountError:
            return _page(views.first(asked.view(), word, wrong="weak"), 422)
        if name is None:
            return _page(views.first(asked.view(), wrong="wrong"), 422)
        return _see_other("/sign-in?done=begun")

    async def _sign_out(self, asked: _Asked) -> web.Response:
        cookie = asked.request.cookies.get(COOKIE, "")
        await self._threads.write(lambda store: Accounts(store).sign_out(cookie))
        answer = _see_other("/sign-in")
        answer.del_cookie(COOKIE, path="/", secure=True, httponly=True, samesite="Lax")
        return answer

    async def _language(self, asked: _Asked) -> web.Response:
        language, to = asked.form.get("language", ""), asked.form.get("to", "/")
        answer = _see_other(to if LOCAL.fullmatch(to) else "/")
        kept = language if language in LANGUAGES else LANGUAGES[0]
        answer.set_cookie(LANGUAGE_COOKIE, kept, max_age=LANGUAGE_S, path="/", secure=True, samesite="Lax")
        return answer

    async def _undo(self, asked: _Asked) -> web.Response:
        return await self._done(asked, "undone", undo)

    async def _leave(self, asked: _Asked) -> web.Response:
        return await self._done(asked, "left", leave)

    async def _seen(self, asked: _Asked) -> web.Response:
        def work(store: Store, number: int, who: str, now: datetime) -> bool:
            def both() -> bool:
                done = Units(store).have_seen(number, who, now)
                if done:
                    audit.note(store, now, who, "seen", str(number))
                return done

            return store.transact(both)

        return await self._done(asked, "seen", work)

    async def _done(self, asked: _Asked, word: str, work: Callable[[Store, int, str, datetime], bool]) -> web.Response:
        number, who = int(asked.request.match_info["id"]), asked.account.name if asked.account else ""
        done = await self._threads.write(lambda store: work(store, number, who, asked.now))
        self._wake.tell()
        return _see_other(f"/?done={word if done else 'gone'}")

    async def _nothing(self, asked: _Asked) -> web.Response:
        return _page(views.problem(asked.view(), "not_found"), 404)

    async def _static(self, request: web.Request) -> web.Response:
        name = request.match_info["name"]
        if name not in STATIC:
            raise web.HTTPNotFound
        body = (files("firmware.web") / "static" / name).read_bytes()
        headers = {**HEADERS, **HEADERS_BY_TLS, "Content-Type": STATIC[name], "Cache-Control": "max-age=31536000"}
        return web.Response(body=body, headers=headers)


def look(store: Store) -> Looked:
    """All that the page shows, as it stands."""
    db = store.db
    units = Units(store)
    waiting = "SELECT unit, sum(max(last - held, 0)) FROM life GROUP BY unit"
    copied = db.execute("SELECT backed_up_at FROM hub").fetchone()[0]
    overruled = "SELECT id, kind, item, by, at FROM overruled WHERE ended_at IS NULL ORDER BY id DESC LIMIT ?"
    sources = db.execute("SELECT name, people, loaded_at, whole FROM source ORDER BY name")
    everybody, head = units.all(), store.head
    return Looked(
        name=store.name,
        generation=store.generation,
        entries=db.execute("SELECT coalesce(max(seq), 0) FROM entry").fetchone()[0],
        backed_up_at=from_text(copied) if copied else None,
        units=everybody,
        waiting={unit: count for unit, count in db.execute(waiting) if count},
        behind={unit.id: head - unit.position for unit in everybody if unit.seen_at},
        findings=units.findings(),
        overruled=[
            Overruled(number, kind, item, by or "", from_text(at))
            for number, kind, item, by, at in db.execute(overruled, (OVERRULED_SHOWN,))
        ],
        sources=[(name, people, from_text(at) if at else None, bool(whole)) for name, people, at, whole in sources],
        audit=audit.lines(store, AUDIT_SHOWN),
    )


def undo(store: Store, overruled: int, who: str, now: datetime) -> bool:
    """Whether it was there to be undone."""
    done = Taking(store).undo(overruled, who, now)
    if done:
        store.transact(lambda: audit.note(store, now, who, "undone", str(overruled)))
    return done


def leave(store: Store, overruled: int, who: str, now: datetime) -> bool:
    sql = "UPDATE overruled SET ended_at = ?, ended_by = ? WHERE id = ? AND ended_at IS NULL"

    def work() -> bool:
        done = store.db.execute(sql, (to_text(now), who, overruled)).rowcount > 0
        if done:
            audit.note(store, now, who, "left", str(overruled))
        return done

    return store.transact(work)


def _ours(asked: _Asked, *, signed: bool) -> bool:
    """Whether a page of ours asks: by what the browser says, and by the session's token where there is one."""
    if not same_origin(asked.request.headers, asked.request.host):
        return False
    if not signed or asked.account is None:
        return True
    return hmac.compare_digest(asked.account.token.encode(), asked.form.get(FIELD_TOKEN, "").encode())


def _page(body: bytes, status: int = 200) -> web.Response:
    headers = {**HEADERS, **HEADERS_BY_TLS, "Cache-Control": "no-store", "Content-Type": "text/html; charset=utf-8"}
    return web.Response(status=status, body=body, headers=headers)


def _see_other(place: str) -> web.Response:
    return web.Response(status=303, headers={**HEADERS, "Location": place, "Cache-Control": "no-store"})
