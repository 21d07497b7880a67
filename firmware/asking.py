"""Answers the edge's questions about calls from what the unit knows of people (callcontrol.asked)."""

from __future__ import annotations

import logging
import re
import sqlite3
from datetime import UTC, datetime

from callcontrol.asked import Asked, decide
from callcontrol.refusal import Refusal, Why, refuse
from callcontrol.sip.message import Request, Response
from firmware.config import Config
from firmware.modes import Mode
from firmware.store import StoreError
from firmware.store.people import People

__all__ = ["RING", "Asking"]

RING = "P-Ring"
"""In a 302 to the edge: the extensions that ring now, parted by dots. No phone's 302 is heeded (cfg/70-calls.cfg)."""
TRIED_MAX = 64
_NUMBER = re.compile(r"[0-9A-Za-z*#+_-]{1,32}")

log = logging.getLogger("rvx")


class Asking:
    """Belongs to the thread that made it. A store that cannot be read refuses as if nothing were known of anybody."""

    def __init__(self, config: Config) -> None:
        self._config = config
        self._people: People | None = None

    def close(self) -> None:
        """It is opened anew when it is asked again."""
        if self._people is not None:
            self._people.close()
            self._people = None

    def answer(self, request: Request) -> Response:
        """To what the edge hands over, with why in the Request-URI: a 302 to it, or the final answer to the caller."""
        params = request.request_uri.params
        if request.method != "INVITE" or params.get("why") not in frozenset(Why):
            return Response.answering(request, 501)
        tried = tuple(filter(_NUMBER.fullmatch, (params.get("tried") or "").split(".")[:TRIED_MAX]))
        asked = Asked(
            callee=request.request_uri.user,
            caller=params.get("caller"),
            why=Why(params["why"]),
            survival=params.get("mode") == Mode.SURVIVAL,
            tried=tried,
        )
        found = self._decided(asked)
        if isinstance(found, Refusal):
            return Response.answering(request, found.status, found.phrase, headers=found.headers())
        return Response.answering(request, 302, headers=((RING, ".".join(found)),))

    def _decided(self, asked: Asked) -> tuple[str, ...] | Refusal:
        try:
            people = self._opened()
            if people is not None:
                return decide(asked, people, datetime.now(UTC))
        except (StoreError, sqlite3.Error, OSError) as error:
            log.error("rvx-event kind=store_fault why=%s", str(error).replace(" ", "_"))
            self.close()
        return refuse(asked.why, survival=asked.survival)

    def _opened(self) -> People | None:
        """What is known of people as it is now; None where nobody was ever loaded."""
        paths = self._config.paths
        if self._people is None and paths.directory.exists():
            self._people = People.open(paths.directory, paths.journal, self._config.numbering.local)
        if self._people is not None:
            self._people.look_again()
        return self._people
