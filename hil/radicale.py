"""The real Radicale (Debian's `python3-radicale`) on loopback, with people who keep a calendar there, for a rig."""

from __future__ import annotations

import base64
import http.client
import subprocess
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

__all__ = ["PASSWORD", "Radicale", "RadicaleError", "entry"]

PYTHON = "/usr/bin/python3"
"""Debian's own, which has its packages."""
WITH_US = ("setpriv", "--pdeathsig", "TERM", "--")
START_S, LOOK_S, STOP_S, ASK_S = 10.0, 0.05, 3.0, 5.0
PASSWORD = "only-of-the-rig"  # noqa: S105
COLLECTION = "kalender"
_MADE = """<?xml version="1.0"?>
<C:mkcalendar xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav"><D:set><D:prop>
<D:displayname>Kalender</D:displayname></D:prop></D:set></C:mkcalendar>"""


class RadicaleError(Exception):
    """It does not run, or refuses what it was asked."""


def entry(name: str, text: str, start: datetime, end: datetime, *lines: str) -> str:
    """A calendar with one entry, in UTC; `lines`: more of it."""
    at, until = (f"{moment.astimezone(UTC):%Y%m%dT%H%M%SZ}" for moment in (start, end))
    return "\r\n".join(
        (
            *("BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//rig//rig//SV", "BEGIN:VEVENT", f"UID:{name}"),
            *(f"DTSTAMP:{datetime.now(UTC):%Y%m%dT%H%M%SZ}", f"SUMMARY:{text}", f"DTSTART:{at}", f"DTEND:{until}"),
            *(*lines, "END:VEVENT", "END:VCALENDAR", ""),
        )
    )


class Radicale:
    """`people`: who has a calendar there."""

    def __init__(self, folder: Path, port: int, people: tuple[str, ...] = ("anna",)) -> None:
        self._folder, self.port, self._people = folder, port, people
        self._running: subprocess.Popen[bytes] | None = None

    @property
    def origin(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def url(self, person: str = "anna") -> str:
        """The address of somebody's calendar, with what one needs to read it."""
        return f"http://{person}:{PASSWORD}@127.0.0.1:{self.port}/{person}/{COLLECTION}/"

    def start(self) -> None:
        """Until it answers, each with an empty calendar. Raises RadicaleError."""
        self._folder.mkdir(parents=True, exist_ok=True)
        (self._folder / "users").write_text("".join(f"{person}:{PASSWORD}\n" for person in self._people))
        settings = self._folder / "config"
        settings.write_text(
            f"[server]\nhosts = 127.0.0.1:{self.port}\n"
            f"[auth]\ntype = htpasswd\nhtpasswd_filename = {self._folder / 'users'}\nhtpasswd_encryption = plain\n"
            "delay = 0\n"
            f"[storage]\nfilesystem_folder = {self._folder / 'collections'}\n"
        )
        log = (self._folder / "log").open("ab")
        command = (*WITH_US, PYTHON, "-m", "radicale", "--config", str(settings))
        self._running = subprocess.Popen(command, stdout=log, stderr=log, stdin=subprocess.DEVNULL)
        log.close()
        until = time.monotonic() + START_S
        while True:
            try:
                for person in self._people:
                    self._ask(person, "MKCALENDAR", "", _MADE, (201, 405, 409))
                return
            except OSError as error:
                if time.monotonic() > until or self._running.poll() is not None:
                    raise RadicaleError(f"does not answer: {error}; see {self._folder / 'log'}") from error
            time.sleep(LOOK_S)

    def stop(self) -> None:
        if self._running is not None:
            self._running.terminate()
            try:
                self._running.wait(STOP_S)
            except subprocess.TimeoutExpired:
                self._running.kill()
                self._running.wait()
            self._running = None

    def put(self, name: str, calendar: str, person: str = "anna") -> None:
        """New, or instead of what had this name. Raises RadicaleError, OSError."""
        self._ask(person, "PUT", f"{name}.ics", calendar, (201, 204))

    def meeting(self, name: str, text: str, lasts: timedelta, person: str = "anna", *lines: str) -> None:
        """An entry from a minute ago on."""
        now = datetime.now(UTC)
        self.put(name, entry(name, text, now - timedelta(minutes=1), now + lasts, *lines), person)

    def remove(self, name: str, person: str = "anna") -> None:
        self._ask(person, "DELETE", f"{name}.ics", None, (200, 204))

    def _ask(self, person: str, method: str, name: str, body: str | None, good: tuple[int, ...]) -> None:
        login = base64.b64encode(f"{person}:{PASSWORD}".encode()).decode()
        kind = "text/calendar; charset=utf-8" if method == "PUT" else "application/xml"
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=ASK_S)
        try:
            headers = {"Authorization": f"Basic {login}", "Content-Type": kind}
            data = body.encode() if body is not None else None
            connection.request(method, f"/{person}/{COLLECTION}/{name}", data, headers)
            answer = connection.getresponse()
            said = answer.read()
            if answer.status not in good:
                raise RadicaleError(f"{method} {name}: {answer.status} {said[:200]!r}")
        finally:
            connection.close()
