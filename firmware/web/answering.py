"""Answers a request: finds its route, who asks and whether they may, and has it done in the store's thread."""

from __future__ import annotations

import asyncio
import inspect
import logging
import sqlite3
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from http import HTTPStatus
from typing import TypeVar, cast

from callcontrol.plan.model import Unreadable
from firmware.config import Config
from firmware.pins import Pins
from firmware.store import StoreError
from firmware.web.identity.asking import Asking
from firmware.web.pace import Paces
from firmware.web.site import LOCAL, Denied, Refused, Request, Response, Route, Routes, judge, see_other
from firmware.web.store import Store
from firmware.web.views.frame import Frame, problem
from firmware.web.who import session_of

__all__ = ["Answering", "NotNow"]

SIGN_IN = "/sign-in"
WAITING_MAX = 64
"""Requests that wait for the store's thread; what comes above is told to come again."""

log = logging.getLogger("rvx")

T = TypeVar("T")


class NotNow(Exception):
    """The store cannot be asked now."""


class Answering:
    """`asking`: of the municipality's own sign-in; None where it has none."""

    def __init__(self, config: Config, pins: Pins, routes: Sequence[Route]) -> None:
        self.config = config
        identity = config.identity
        self.asking = Asking(identity, config.secrets.identity.secret) if identity.issuer else None
        self.pins = pins
        self.routes = Routes(routes)
        self._paces = Paces()
        self._store: Store | None = None
        self._thread = ThreadPoolExecutor(1, "pages")
        self._waiting = 0

    def close(self) -> None:
        self._thread.submit(self._close)
        self._thread.shutdown(wait=True)

    async def answer(self, request: Request) -> Response:
        """Whatever is asked; raises nothing but what ends the process."""
        try:
            if not self._paces.allows(request.address, asyncio.get_running_loop().time()):
                raise Denied(HTTPStatus.TOO_MANY_REQUESTS, "too_often")
            route, part = self.routes.find(request.method, request.path)
            request = replace(request, part=part)
            if inspect.iscoroutinefunction(route.handler):
                if request.cookie:
                    request = await self.in_store(lambda store: _known(store, request))
                judge(route, request)
                return cast(Response, await route.handler(request, self))
            return await self.in_store(lambda store: self._handled(store, route, request))
        except Denied as denied:
            if denied.why == "sign_in" and request.method == "GET" and LOCAL.fullmatch(request.path):
                return see_other(f"{SIGN_IN}?to={request.path}")
            return _refused(request, denied.status, denied.why)
        except Refused as refused:
            return _refused(request, HTTPStatus.UNPROCESSABLE_ENTITY, refused.why, **refused.fill)
        except NotNow:
            return _refused(request, HTTPStatus.SERVICE_UNAVAILABLE, "not_now")
        except Exception as fault:
            log.error("rvx-event kind=fault of=web", exc_info=fault)
            return _refused(request, HTTPStatus.INTERNAL_SERVER_ERROR, "fault")

    async def in_store(self, work: Callable[[Store], T]) -> T:
        """Raises NotNow, and what `work` raises."""
        if self._waiting >= WAITING_MAX:
            raise NotNow
        self._waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._thread, self._in_thread, work)
        finally:
            self._waiting -= 1

    def _in_thread(self, work: Callable[[Store], T]) -> T:
        try:
            if self._store is None:
                self._store = Store(self.config)
            self._store.people.look_again()
            return work(self._store)
        except (StoreError, Unreadable, sqlite3.Error, OSError) as error:
            self._close()
            log.error("rvx-event kind=store_fault of=web why=%s", type(error).__name__)
            raise NotNow from error

    def _handled(self, store: Store, route: Route, request: Request) -> Response:
        request = _known(store, request)
        judge(route, request)
        return cast(Response, route.handler(request, store))

    def _close(self) -> None:
        if self._store is not None:
            self._store.close()
            self._store = None


def _refused(request: Request, status: int, why: str, **fill: str) -> Response:
    return problem(Frame.of(request), status, why, **fill)


def _known(store: Store, request: Request) -> Request:
    return replace(request, session=session_of(store, request.cookie, request.now))
