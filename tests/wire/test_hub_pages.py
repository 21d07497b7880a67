"""The hub's page in Debian's Chromium: somebody comes in by their one-time word, and everybody can use it."""

from __future__ import annotations

import contextlib
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from playwright.sync_api import Page

from hil.pages import browser
from hil.pagestates import LOOKS, faults_of
from tools.hub.accounts import ADMIN, Accounts
from tools.hub.store import Store
from tools.hub.testing import made
from tools.hub.units import Units

pytestmark = [pytest.mark.wire, pytest.mark.timeout(90)]

PASSWORD = "en hemlig mening"


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[tuple[str, Store]]:
    place, store = made(tmp_path / "hub")
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port = sock.getsockname()[1]
    words = ("-P", "-m", "tools.cli", "hub", "run", "--state", str(place.state), "--listen", f"127.0.0.1:{port}")
    process = subprocess.Popen([sys.executable, *words], stderr=subprocess.DEVNULL)
    try:
        for _ in range(200):
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port)):
                break
            time.sleep(0.05)
        yield f"https://127.0.0.1:{port}", store
    finally:
        process.kill()
        process.wait()
        store.close()


def fill(store: Store) -> None:
    """Something of all that the page shows."""
    now, units = datetime.now(UTC), Units(store)

    def work() -> None:
        unit = units.add("Östra skolan", ["norrby"], ["1000-1999"], now)
        units.find("forked", unit, "e", {"n": 7}, now)
        units.find("refused", unit, "referral", {"why": "source: must be one of code, page"}, now)
        sql = "INSERT INTO overruled (kind, item, row, stamp, by, winner, at) VALUES (?, ?, NULL, 's', ?, 't', ?)"
        store.db.execute(sql, ("forwarding", "1001|always", unit, "2026-11-23T09:00:00.000000Z"))
        store.db.execute("INSERT INTO source VALUES ('norrby', '090', 0, NULL, 7)")

    store.transact(work)


def test_everybody_can_use_it(hub: tuple[str, Store]) -> None:
    url, store = hub
    fill(store)
    faulty: dict[str, list[str]] = {}
    with browser() as started:
        for number, look in enumerate(LOOKS):
            context = started.new_context(
                base_url=url, viewport=look.size, color_scheme="dark" if look.dark else "light", locale=look.language,
                ignore_https_errors=True,
            )  # fmt: skip
            page = context.new_page()
            page.goto("/")
            faulty |= judge(page, f"{number} sign in")
            come_in(page, store, f"anna{number}")
            faulty |= judge(page, f"{number} hub")
            page.click("form[action^='/seen/'] button")
            page.wait_for_selector(".done")
            page.goto("/nowhere")
            faulty |= judge(page, f"{number} nowhere")
            fill_again(store)
            context.close()
    assert {name: faults for name, faults in faulty.items() if faults} == {}


def come_in(page: Page, store: Store, name: str) -> None:
    word = Accounts(store).invite(name, ADMIN, "test", datetime.now(UTC))
    page.click("main a")
    page.fill("#word", "wrong")
    for field in ("#password", "#again"):
        page.fill(field, PASSWORD)
    page.click("main button")
    assert faults_of(page) == []  # with what is wrong said
    page.fill("#word", word)
    for field in ("#password", "#again"):
        page.fill(field, PASSWORD)
    page.click("main button")
    page.fill("#name", name)
    page.fill("#password", PASSWORD)
    page.click("main button")
    page.wait_for_selector("table")


def judge(page: Page, name: str) -> dict[str, list[str]]:
    return {name: faults_of(page)}


def fill_again(store: Store) -> None:
    store.transact(lambda: store.db.execute("UPDATE finding SET seen_at = NULL"))
