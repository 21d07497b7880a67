"""The process `web`: pages, and what else the unit does over the network that is no call.

A process of its own, as what strangers reach shares no interpreter with who is master: whatever is asked here, no call
waits for it, and it may be killed at any moment."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable
from dataclasses import replace
from functools import partial

from firmware.calendars.keeping import CalendarKeeper
from firmware.certificate import CertificateError
from firmware.config import Config
from firmware.config_web import parse_place
from firmware.mail.sender import Sender
from firmware.pins import Pins
from firmware.telling import Telling
from firmware.web.answering import Answering
from firmware.web.certificate import tls_of
from firmware.web.identity.routes import ROUTES as IDENTITY
from firmware.web.pages import ROUTES
from firmware.web.phonebook import PhoneBook
from firmware.web.server import Server
from firmware.web.shown import TROUBLE_MAX, WebShown
from firmware.web.signing import ROUTES as SIGNING

__all__ = ["WebProcess"]

AGAIN_FIRST_S, AGAIN_MAX_S = 1.0, 60.0
"""A place that cannot be had, as the other unit of a pair has it, is tried again, ever more seldom."""
SHOWN_EVERY_S = 3.0
RENEWED_S = 24 * 3600.0
"""So often a certificate is looked at anew."""

log = logging.getLogger("rvx")


class WebProcess:
    """One per process; `run` returns only by being cancelled."""

    def __init__(self, config: Config) -> None:
        self._config = config
        self._telling = Telling(config.paths.journal)
        self._pins = Pins(config.paths, self._telling.tell)
        self._calendars = CalendarKeeper(config)
        self._shown = WebShown()
        self._answering = Answering(config, self._pins, (*SIGNING, *IDENTITY, *ROUTES))

    async def run(self) -> None:
        """Until cancelled."""
        web = self._config.web
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._show())
                tasks.create_task(self._calendars.run())
                tasks.create_task(Sender(self._config).run())
                if web.listen:
                    tasks.create_task(self._served("pages", self._pages))
                    if self._answering.asking is not None:
                        tasks.create_task(self._answering.asking.run())
                if web.phones_listen:
                    place, up = parse_place(web.phones_listen), self._up("phone_book")
                    phones = Server(PhoneBook(self._answering), [place], web.name, None, up)
                    tasks.create_task(self._served("phone_book", phones.run))
        finally:
            self._config.paths.web_shown.unlink(missing_ok=True)
            self._answering.close()
            self._pins.close()
            self._telling.close()

    async def _pages(self) -> None:
        """By a certificate that holds, for a day."""
        web = self._config.web
        closed = all(place.loopback for place in web.places)
        tls = None if closed else await asyncio.to_thread(tls_of, self._config)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(RENEWED_S):
                await Server(self._answering, web.places, web.name, tls, self._up("pages")).run()

    async def _served(self, what: str, serve: Callable[[], Awaitable[None]]) -> None:
        """Again and again, whatever is in the way."""
        pause_s = AGAIN_FIRST_S
        while True:
            try:
                await serve()
                pause_s = AGAIN_FIRST_S
            except (OSError, CertificateError) as error:
                log.error("rvx-event kind=pages_down why=%s", str(error).replace(" ", "_"))
                self._note(what, False, str(error))
                await asyncio.sleep(pause_s)
                pause_s = min(2 * pause_s, AGAIN_MAX_S)

    def _up(self, what: str) -> Callable[[], None]:
        return partial(self._note, what, True)

    def _note(self, what: str, there: bool, trouble: str = "") -> None:
        kept = self._shown
        pages, phone_book = (there, kept.phone_book) if what == "pages" else (kept.pages, there)
        trouble = trouble[:TROUBLE_MAX] or kept.trouble
        self._shown = replace(kept, pages=pages, phone_book=phone_book, trouble=trouble)

    async def _show(self) -> None:
        """Tells `unit` how it is."""
        while True:
            asking = self._answering.asking
            shown = replace(self._shown, identity=asking.reachable if asking is not None else None)
            with contextlib.suppress(OSError):
                shown.write(self._config.paths.web_shown)
            await asyncio.sleep(SHOWN_EVERY_S)
