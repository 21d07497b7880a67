"""Somebody who uses the unit's pages from within its namespace: signs in by PIN, and says a form until it is taken."""

from __future__ import annotations

import http.client
import re
import socket
from collections.abc import Mapping
from urllib.parse import urlencode

from hil.net import Host, NetError

__all__ = ["Browser", "Unanswered"]

ASK_S = 10.0
BODY_MAX = 1 << 20
_TOKEN = re.compile(rb'name="token"[^>]*value="([^"]+)"|data-token="([^"]+)"')


class Unanswered(Exception):
    """Nobody knows what came of it."""


class Browser:
    """On one machine, of one at a time."""

    def __init__(self, host: Host, port: int, extension: str, pin: str) -> None:
        self._host, self._port = host, port
        self._extension, self._pin = extension, pin
        self._cookie = self._token = ""

    def says(self, path: str, **fields: str) -> bool:
        """Whether the page has taken a form. False: it has refused it. Raises Unanswered."""
        if not self._cookie:
            self._sign_in()
        status, where, _ = self._ask("POST", path, {**fields, "token": self._token})
        if status == 303 and not where.startswith("/sign-in"):
            return True
        self._cookie = ""
        return False

    def _sign_in(self) -> None:
        status, where, _ = self._ask("POST", "/sign-in", {"extension": self._extension, "pin": self._pin, "to": "/"})
        if status != 303:
            raise Unanswered(f"sign-in: {status} {where}")
        status, _, body = self._ask("GET", "/")
        found = _TOKEN.search(body)
        if status != 200 or found is None:
            self._cookie = ""
            raise Unanswered(f"one's own page: {status}")
        self._token = (found[1] or found[2]).decode()

    def _ask(self, method: str, path: str, fields: Mapping[str, str] | None = None) -> tuple[int, str, bytes]:
        at = f"127.0.0.1:{self._port}"
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=ASK_S)
        headers = {"Origin": f"http://{at}", "Content-Type": "application/x-www-form-urlencoded"}
        headers |= {"Cookie": self._cookie} if self._cookie else {}
        try:
            connection.sock = self._host.socket(socket.SOCK_STREAM)
            connection.sock.settimeout(ASK_S)
            connection.sock.connect(("127.0.0.1", self._port))
            connection.request(method, path, urlencode(fields) if fields is not None else None, headers)
            answer = connection.getresponse()
            body = answer.read(BODY_MAX)
        except (OSError, NetError, http.client.HTTPException) as error:
            raise Unanswered(type(error).__name__) from error
        finally:
            connection.close()
        for given in answer.headers.get_all("Set-Cookie", []):
            self._cookie = given.partition(";")[0]
        if answer.status >= 500:
            raise Unanswered(str(answer.status))
        return answer.status, answer.headers.get("Location", ""), body
