"""The unit's pages as a browser meets them: a town with people, messages and a calendar, the process `web` on loopback,
and Debian's Chromium at the size of a telephone or a desk."""

from __future__ import annotations

import math
import socket
import struct
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from playwright.sync_api import Browser, BrowserContext, Page, ViewportSize, sync_playwright

from callcontrol.media import g711
from callcontrol.plan.memo import Memo, Wants
from callcontrol.plan.pins import kept
from firmware.config import default
from firmware.store.calendars import Calendars
from firmware.store.database import connect, to_text
from firmware.store.memos import MemoRows
from firmware.store.pins import PinRows

__all__ = ["CONTACT", "DESK", "OPERATOR", "PIN", "STAFF", "TELEPHONE", "Pages", "browser", "sign_in"]

PIN = "804715"
STAFF, CONTACT, OPERATOR = "1001", "1002", "1003"
"""Anna, who has all that one may have; Eva, who looks after the unit's telephony; Olle at the switchboard."""
TELEPHONE: ViewportSize = {"width": 390, "height": 844}
DESK: ViewportSize = {"width": 1280, "height": 900}
START_S = 20.0
STEP_MS = 10_000.0
PROGRAM = "/usr/bin/chromium"
OPTIONS = ("--no-sandbox", "--disable-dev-shm-usage")  # as root
RATE_HZ, TONE_HZ = 8_000, 440

UNIT = """\
[unit]
name = "norrby-1"
state_dir = "{state}"

[edge]
listen = ["udp:127.0.0.1:5060"]

[web]
listen = ["127.0.0.1:{port}"]
"""

LEFT = (("+46701234567", 50, 12.0), ("1005", 26 * 60, 31.0), ("", 3000, 4.0))
"""Messages: of whom, minutes ago, seconds long."""
HERE = Path(__file__).parent
PEOPLE, ORGANISATION = HERE / "office.csv", HERE / "office.toml"


class Pages:
    """A town in a folder of its own; its pages are served while it is entered, and both are gone afterwards."""

    def __init__(self, people: Path = PEOPLE, organisation: Path = ORGANISATION) -> None:
        self._temporary = TemporaryDirectory(prefix="rvx-pages-")
        folder = Path(self._temporary.name)
        folder.chmod(0o755)  # for the edge's user
        self.config = default(folder / "state")
        self._folder = folder
        for file, words in ((people, ("load",)), (organisation, ("organisation",))):
            _rvx("people", *words, str(file), "--state", str(folder / "state"))
        paths = self.config.paths
        with closing(PinRows.open(paths.directory, paths.journal)) as pins:
            pin = kept(PIN)
            for extension in (STAFF, CONTACT, OPERATOR):
                pins.change(extension, pin, "test", datetime.now(UTC))
        self.port = _free_port()
        file = folder / "unit.toml"
        file.write_text(UNIT.format(state=folder / "state", port=self.port))
        self._file = file
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def __enter__(self) -> Pages:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
        self._temporary.cleanup()

    def start(self) -> None:
        command = [sys.executable, "-P", "-m", "firmware.app", "web", "--config", str(self._file)]
        with (self._folder / "web.log").open("ab") as log:
            self._process = subprocess.Popen(command, stdout=log, stderr=log)
        deadline = time.monotonic() + START_S
        while True:
            try:
                urllib.request.urlopen(f"{self.url}/sign-in", timeout=2).close()  # noqa: S310  ours
                return
            except (urllib.error.URLError, ConnectionError) as error:
                if time.monotonic() > deadline or self._process.poll() is not None:
                    raise RuntimeError((self._folder / "web.log").read_text()[-2000:]) from error
                time.sleep(0.05)

    def stop(self) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait(10)
            self._process = None

    def fill(self, now: datetime | None = None) -> None:
        """What an office has on an ordinary day: messages by voice and by word, a calendar that is read."""
        at = now or datetime.now(UTC)
        paths = self.config.paths
        paths.messages.mkdir(parents=True, exist_ok=True)
        with closing(connect(paths.journal, "journal")) as db:
            sql = (
                "INSERT INTO message (id, extension, caller, call_id, why, left_at, length_ms)"
                " VALUES (?, ?, ?, ?, ?, ?, ?)"
            )
            for place, (caller, ago, seconds) in enumerate(LEFT):
                name, left_at = f"{place + 1:024x}", to_text(at - timedelta(minutes=ago))
                tone(paths.messages / f"{name}.wav", seconds)
                db.execute(sql, (name, STAFF, caller, f"call{place}", "no_answer", left_at, int(seconds * 1000)))
            db.commit()
            memos = MemoRows(db)
            memos.take(
                Memo(
                    id="a" * 24, extension=STAFF, text="Undrar över bygglovet för altanen på Storgatan 4.",
                    taken_by="olle",
                    taken_at=at - timedelta(hours=2), caller="+46702345678", caller_name="Gun Berg", urgent=True,
                )
            )  # fmt: skip
            memos.take(
                Memo(
                    id="b" * 24, extension=STAFF, text="Mötet på torsdag är flyttat till sal 2.", taken_by="bo",
                    taken_at=at - timedelta(days=1), caller_name="Bo Ek", wants=Wants.NOTHING,
                )
            )  # fmt: skip
            Calendars(db).subscribe(STAFF, "https://kalender.norrby.example/anna.ics", STAFF, at)

    def referrals(self, extension: str) -> tuple[str, ...]:
        """The ids of all that were set for it."""
        with closing(connect(self.config.paths.journal, "journal")) as db:
            rows = db.execute("SELECT id FROM referral WHERE extension = ? ORDER BY id", (extension,))
            return tuple(name for (name,) in rows)


def tone(path: Path, seconds: float) -> None:
    """A recording, as `calls` makes them."""
    count = int(seconds * RATE_HZ)
    pcm = b"".join(struct.pack("<h", int(6000 * math.sin(2 * math.pi * TONE_HZ * n / RATE_HZ))) for n in range(count))
    sound = g711.alaw_encode(pcm)
    header = struct.pack(
        "<4sI4s4sIHHIIHHH4sII4sI", b"RIFF", 50 + count, b"WAVE", b"fmt ", 18, 6, 1, RATE_HZ, RATE_HZ, 1, 8, 0,
        b"fact", 4, count, b"data", count,
    )  # fmt: skip
    path.write_bytes(header + sound)


@contextmanager
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=PROGRAM, args=list(OPTIONS))
        try:
            yield started
        finally:
            started.close()


def sign_in(
    started: Browser, pages: Pages, extension: str = STAFF, *, size: ViewportSize = DESK, dark: bool = False,
    language: str = "sv-SE", own: bool = False, **more: Any,
) -> tuple[BrowserContext, Page]:  # fmt: skip
    """A window of its own in which somebody is signed in, and stands on their own page. `own`: on a device of
    their own."""
    context = started.new_context(
        base_url=pages.url, viewport=size, color_scheme="dark" if dark else "light", locale=language, **more
    )
    page = context.new_page()
    page.set_default_timeout(STEP_MS)
    page.goto("/sign-in")
    page.fill("#extension", extension)
    page.fill("#pin", PIN)
    page.set_checked("#kept", own)
    page.click("main button")
    page.wait_for_url(f"{pages.url}/")
    return context, page


def _rvx(*words: str) -> None:
    subprocess.run([sys.executable, "-P", "-m", "tools.cli", *words], check=True, capture_output=True)


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])
