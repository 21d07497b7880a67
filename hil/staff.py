"""The staff of a storm's building: each refers themselves, and comes back, by page, calendar and an operator's command,
whatever befalls the process `web`; and when all is mended, once more by each way, which must then be so.

A form that nobody has answered is said again until it is taken, as the page does on a telephone: it counts once."""

from __future__ import annotations

import contextlib
import random
import socket
import sqlite3
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

from callcontrol.plan.absence import Opening, Referral, Source
from callcontrol.plan.number import LocalNumbering
from callcontrol.plan.pins import kept
from firmware.store import StoreError
from firmware.store.calendars import Calendars
from firmware.store.changes import Changes, new_id
from firmware.store.people import People
from firmware.store.pins import PinRows
from hil.browser import Browser, Unanswered
from hil.invariants import Breach
from hil.net import Net, NetError
from hil.platform import PlatformError
from hil.platform.daemon import Daemon
from hil.post import PORT as POST
from hil.post import Post
from hil.radicale import entry
from hil.site import Site
from hil.staffed import Seen, Way, staff_breaches
from hil.stormdeeds import STAFF
from hil.stormpart import Part

__all__ = ["Staff", "configuration"]

PIN = "735182"
PORT = 8080
OFFICE_NUMBER = 240
"""Where calendars are had, in the phones' network."""
EVERY_S = 5
MAILS_A_MINUTE = 600
BETWEEN_S = (0.5, 4.0)
AGAIN_S = 0.5
READ_WITHIN_S = 3 * EVERY_S
AT_THE_END_S = 25.0
LASTS = timedelta(hours=10)
REASONS = ("meeting", "lunch", "business_trip")
LETTERS = {"meeting": "SAM", "lunch": "LUN", "business_trip": "TJÄ"}
JOIN_S = 12.0


def configuration() -> dict[str, dict[str, object]]:
    """What the site is given for them."""
    return {
        "web": {"listen": [f"127.0.0.1:{PORT}"]},
        "calendars": {"every_s": EVERY_S, "servers": [f"http://{_office()}:{PORT}"]},
        "mail": {
            "server": f"{_office()}:{POST}",
            "security": "none",
            "sender": "vaxel@norrby.example",
            "per_minute": MAILS_A_MINUTE,
        },
    }


def _office() -> str:
    return f"10.98.0.{OFFICE_NUMBER}"


class Staff(Part):
    """`lock` guards `seen`. They are in the directory that was loaded. Mail is of the same office."""

    def __init__(self, net: Net, site: Site, lock: threading.RLock, seed: int) -> None:
        self.seen = Seen()
        self._site, self._lock, self._seed = site, lock, seed
        self._over = threading.Event()
        self._folder = net.directory / "office"
        self._folder.mkdir(mode=0o755)
        office = net.host("office")
        site.switch.join(office, "eth0", f"{_office()}/24")
        server = [sys.executable, "-m", "http.server", str(PORT), "--bind", _office(), "--directory", str(self._folder)]
        self._server = Daemon(office, server, net.directory / "office.log", lambda: True)
        program = [*site.prefix, sys.executable, "-m", "firmware.app", "web", "--config", str(site.config_file)]
        self.web = Daemon(site.host, program, net.directory / "web.log", self._serves)
        self._post = Post(office, _office(), net.directory / "post", site.paths, seed)
        self._threads: list[threading.Thread] = []

    def programs(self) -> dict[str, Daemon]:
        return {"web": self.web}

    def figures(self) -> dict[str, int]:
        """Referrals that were acknowledged, and mails that have come."""
        return {"referred": self.seen.acknowledged.total(), "mailed": self._post.arrived()}

    def breaches(self, now: float) -> Iterator[Breach]:
        return staff_breaches(self.seen, now)

    def start(self) -> None:
        """`web` serves, each has a PIN and a calendar; and all begin."""
        paths, now = self._site.paths, datetime.now(UTC)
        known = kept(PIN)
        with contextlib.closing(PinRows.open(paths.directory, paths.journal)) as pins:
            for extension in STAFF:
                pins.change(extension, known, "rig", now)
        self._server.start()
        with contextlib.closing(Calendars.open(paths.journal)) as calendars:
            for extension in STAFF:
                self._write(extension, "")
                calendars.subscribe(extension, f"http://{_office()}:{PORT}/{extension}.ics", "rig", now)
        self._post.start()
        self.web.start()
        self._threads = [threading.Thread(target=self._live, args=(one,), daemon=True) for one in STAFF]
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        self.rest()
        self._post.stop()
        for program in (self.web, self._server):
            with contextlib.suppress(PlatformError):  # it was never started
                program.stop()

    def rest(self) -> None:
        """They begin nothing more."""
        self._over.set()
        for thread in self._threads:
            thread.join(JOIN_S)
        self._post.rest()

    def see(self) -> None:
        """What the journal has of them. Raises sqlite3.Error."""
        with self._lock:
            acknowledged = Counter(self.seen.acknowledged)
        sql = "SELECT extension, source, count(*) FROM referral GROUP BY extension, source"
        with contextlib.closing(sqlite3.connect(f"file:{self._site.paths.journal}?mode=ro", uri=True)) as db:
            found = {(extension, source): times for extension, source, times in db.execute(sql) if extension in STAFF}
        mail = self._post.wrong()
        with self._lock:
            self.seen.kept = Counter(found), acknowledged
            self.seen.mail = mail

    def at_the_end(self) -> None:
        """All is mended: each way once more, and back; what is not so then is wrong."""
        self.rest()
        self._over.clear()
        for number, extension in enumerate(STAFF):
            browser = Browser(self._site.host, PORT, extension, PIN)
            self._last_time(extension, REASONS[number % len(REASONS)], number, browser)
        self._over.set()

    def _last_time(self, extension: str, reason: str, number: int, browser: Browser) -> None:
        def back() -> bool:
            self._write(extension, "")
            return self._read_now(extension) and browser.says("/back")

        def by_page() -> bool:
            return browser.says("/away", reason=reason, until="open", sure="1", once=once)

        def by_calendar() -> bool:
            self._write(extension, entry(once, f"{LETTERS[reason]}: rig", now - LASTS, now + LASTS))
            return self._read_now(extension)

        def by_operator() -> bool:
            return self._refer(self._referral(extension, reason, once))

        once, now = new_id(), datetime.now(UTC)
        # Whom a calendar refers anew after "I am back" is in only when nothing else is set.
        self._until_so(extension, "back", back, None)
        sources = (Source.PAGE, Source.CALENDAR, Source.OPERATOR, Source.CALENDAR)
        self._tried(extension, sources[number % 4])
        way = (by_page, by_calendar, by_operator, by_calendar)[number % 4]
        self._until_so(extension, way.__name__, way, reason)
        self._until_so(extension, "back again", back, None)

    def _until_so(self, extension: str, name: str, step: Callable[[], bool], wanted: str | None) -> None:
        until = time.monotonic() + AT_THE_END_S
        done, so = False, None
        while time.monotonic() < until:
            with contextlib.suppress(Unanswered):
                done = done or step()
            with contextlib.suppress(StoreError, sqlite3.Error):
                so = self._reason(extension)
                if done and so == wanted:
                    return
            time.sleep(AGAIN_S)
        with self._lock:
            taken = "taken" if done else "not taken"
            self.seen.wrong.append(f"{extension}, {name} at the end: {taken}, and it is {so or 'in'}")

    # ---- one of them, in a thread

    def _live(self, extension: str) -> None:
        rng = random.Random(f"staff {self._seed} {extension}")
        browser = Browser(self._site.host, PORT, extension, PIN)
        ways = (self._by_page, self._by_page, self._by_calendar, self._by_operator)
        while not self._over.wait(rng.uniform(*BETWEEN_S)):
            rng.choice(ways)(extension, rng.choice(REASONS), browser)
            if rng.random() < 0.6 and not self._over.wait(rng.uniform(*BETWEEN_S)):
                self._back(browser)

    def _by_page(self, extension: str, reason: str, browser: Browser) -> bool:
        way = self._tried(extension, Source.PAGE)
        form = {"reason": reason, "until": "open", "sure": "1", "once": new_id()}
        if self._again(lambda: browser.says("/away", **form)):
            return self._acknowledged(way)
        return False

    def _back(self, browser: Browser) -> bool:
        return self._again(lambda: browser.says("/back"))

    def _by_operator(self, extension: str, reason: str, browser: Browser) -> bool:
        way = self._tried(extension, Source.OPERATOR)
        one = self._referral(extension, reason, new_id())
        return self._acknowledged(way) if self._again(lambda: self._refer(one)) else False

    def _referral(self, extension: str, reason: str, name: str) -> Referral:
        now = datetime.now(UTC)
        return Referral(
            id=name, extension=extension, reason=reason, start=now - LASTS, until=now + LASTS,
            source=Source.OPERATOR, set_by="rig", set_at=now,
        )  # fmt: skip

    def _refer(self, one: Referral) -> bool:
        """Instead of what there is. Raises Unanswered."""
        try:
            with contextlib.closing(Changes.open(self._site.paths.journal)) as changes, self._people() as people:
                people.look_again()
                absent = people.absent(one.extension, one.set_at)
                seen = absent.seen if absent else frozenset()
                opening = Opening(id=new_id(), extension=one.extension, at=one.set_at, seen=seen, set_by="rig")
                changes.open_phone(opening, one.set_at)
                changes.refer([one])
        except (StoreError, sqlite3.Error, OSError) as error:
            raise Unanswered from error
        return True

    def _by_calendar(self, extension: str, reason: str, browser: Browser) -> bool:
        """What is written is waited for; what is seen to be understood is so. Then it is taken away again."""
        way, start = self._tried(extension, Source.CALENDAR), datetime.now(UTC).replace(microsecond=0) - LASTS
        self._write(extension, entry(new_id(), f"{LETTERS[reason]}: rig", start, start + 2 * LASTS))
        until = time.monotonic() + READ_WITHIN_S
        while time.monotonic() < until and not self._over.wait(AGAIN_S):
            with contextlib.suppress(StoreError, sqlite3.Error, OSError):
                with contextlib.closing(Calendars.open(self._site.paths.journal)) as calendars:
                    found = calendars.of(extension)
                if found is not None and [one.start for one in found.understood] == [start]:
                    self._acknowledged(way)
                    break
        self._write(extension, "")
        return True

    def _again(self, says: Callable[[], bool]) -> bool:
        """Until it is answered, or there is no time."""
        while not self._over.is_set():
            with contextlib.suppress(Unanswered):
                if says():
                    return True
            self._over.wait(AGAIN_S)
        return False

    def _tried(self, extension: str, source: Source) -> Way:
        way = extension, str(source)
        with self._lock:
            self.seen.tried[way] += 1
        return way

    def _acknowledged(self, way: Way) -> bool:
        with self._lock:
            self.seen.acknowledged[way] += 1
        return True

    def _read_now(self, extension: str) -> bool:
        """As by the button of one's page: one that has failed is asked ever more seldom. Raises Unanswered."""
        try:
            with contextlib.closing(Calendars.open(self._site.paths.journal)) as calendars:
                return calendars.again(extension, datetime.now(UTC))
        except (StoreError, sqlite3.Error, OSError) as error:
            raise Unanswered from error

    # ---- what they see of the unit

    def _write(self, extension: str, calendar: str) -> None:
        path = self._folder / f"{extension}.ics"
        new = path.with_suffix(".new")
        new.write_text(calendar or "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:rig\r\nEND:VCALENDAR\r\n")
        new.replace(path)

    def _people(self) -> contextlib.closing[People]:
        paths = self._site.paths
        return contextlib.closing(People.open(paths.directory, paths.journal, LocalNumbering()))

    def _reason(self, extension: str) -> str | None:
        with self._people() as people:
            people.look_again()
            absent = people.absent(extension, datetime.now(UTC))
        return absent.reason if absent else None

    def _serves(self) -> bool:
        try:
            with self._site.host.socket(socket.SOCK_STREAM) as asking:
                asking.connect(("127.0.0.1", PORT))
        except (OSError, NetError):
            return False
        return True
