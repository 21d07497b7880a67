"""A telephone in Debian's Chromium, by a page of ours (browser.html) and Playwright: whose sound nobody here has made.

The browser runs in a host's namespace; the page is put before it without a server. It says a tone, hears, records what
it hears, and presses keys (RTCDTMFSender). Offer and answer are the caller's to carry.
"""

from __future__ import annotations

import base64
import shlex
import wave
from pathlib import Path
from typing import Any

from playwright.sync_api import Page, Route, sync_playwright

from hil.net import Host

__all__ = ["Chromium"]

PROGRAM = "/usr/bin/chromium"
PAGE = Path(__file__).with_name("browser.html")
ORIGIN = "https://telephone.invalid/"  # secure, else no page may have the microphone
LOAD_S = 60.0
OPTIONS = (
    "--no-sandbox",  # as root
    "--use-fake-ui-for-media-stream",
    "--use-fake-device-for-media-stream",
    "--autoplay-policy=no-user-gesture-required",
    "--disable-dev-shm-usage",
)


class Chromium:
    """One window; use it as a context manager. Each `offer` begins a call in a page of its own."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self._page: Page | None = None

    def __enter__(self) -> Chromium:
        # Playwright speaks with it by a pipe, which leads out of the namespace.
        starter = self._host.directory / "chromium"
        starter.write_text(f'#!/bin/sh\nexec ip netns exec {shlex.quote(self._host.ns)} {PROGRAM} "$@"\n')
        starter.chmod(0o755)
        self._playwright = sync_playwright().start()
        try:
            self._browser = self._playwright.chromium.launch(
                executable_path=str(starter), args=list(OPTIONS), timeout=1000 * LOAD_S
            )
        except BaseException:
            self._playwright.stop()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._browser.close()
        self._playwright.stop()

    @property
    def version(self) -> str:
        return self._browser.version

    def offer(self) -> str:
        """Of a new call."""
        if self._page is not None:
            self._page.close()
        self._page = page = self._browser.new_page()
        page.set_default_timeout(1000 * LOAD_S)
        page.route("**/*", _put)
        page.goto(ORIGIN)
        return str(page.evaluate("offer()"))

    def answered(self, sdp: str) -> None:
        self._do("answered", sdp)

    @property
    def connected(self) -> bool:
        return bool(self._do("state") == "connected")

    def speak(self, hz: float) -> None:
        self._do("speak", hz)

    def burst(self, hz: float, seconds: float) -> float:
        """When it begins, in ms of the page's clock."""
        return float(self._do("burst", hz, seconds))

    def press(self, keys: str, ms: int = 100, gap_ms: int = 70) -> bool:
        """False: the other side takes no keys."""
        return bool(self._do("press", keys, ms, gap_ms))

    def heard(self, file: Path) -> list[tuple[float, int]]:
        """What was heard since the last time, as a wav; when each piece of it came, in ms, and of how many samples."""
        told = self._do("taken")
        with wave.open(str(file), "wb") as out:
            out.setnchannels(1)
            out.setsampwidth(2)
            out.setframerate(int(told["rate"]) or 48_000)
            out.writeframes(base64.b64decode(told["samples"]))
        return [(float(at), int(count)) for at, count in told["times"]]

    def hang_up(self) -> None:
        self._do("hangUp")

    def _do(self, what: str, *arguments: object) -> Any:
        assert self._page is not None
        return self._page.evaluate("([what, args]) => globalThis[what](...args)", [what, list(arguments)])


def _put(route: Route) -> None:
    route.fulfill(content_type="text/html", body=PAGE.read_text())
