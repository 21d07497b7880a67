"""What is told of the process `web`, as somebody reads it in `rvx status`."""

from __future__ import annotations

import asyncio
import os
import socket
from contextlib import closing, suppress
from dataclasses import replace
from pathlib import Path

import pytest

from firmware.config import Web as Wanted
from firmware.problems import find_problems
from firmware.status import Status, Web
from firmware.web import process
from firmware.web.process import WebProcess
from firmware.web.shown import TROUBLE_MAX, WebShown
from tests.firmware.web.conftest import Town
from tests.firmware.web.serving import free_port
from tools.errors.catalog import CATALOG
from tools.status import _web

GOOD = Status(unit="gw-1", version="0.1.0", time="2026-11-22T00:41:09.000Z", edge=True, platform=False)


@pytest.mark.parametrize(
    ("web", "code", "row"),
    [
        (None, None, ""),
        (Web(None), None, "not known yet"),
        (Web(True, True, True, True), None, "pages served, phones' directory served"),
        (Web(True), None, "none; mail and calendars"),
        (Web(False), "RVX-X01", "the process web is away"),
        (Web(True, False, trouble="taken"), "RVX-X02", "pages not served"),
        (Web(True, True, False), "RVX-X02", "pages served, phones' directory not served"),
        (Web(True, True, None, False), "RVX-X03", "pages served"),
    ],
)
def test_what_is_wrong_and_what_is_shown(web: Web | None, code: str | None, row: str) -> None:
    found = [problem.id for problem in find_problems(replace(GOOD, web=web)) if problem.id.startswith("RVX-X")]
    assert found == ([code] if code else [])
    assert code is None or code in CATALOG
    assert web is None or _web(web)[0] == row


@pytest.mark.parametrize("text", ["", "[]", "{", '{"pages": 1}', '{"trouble": null}', "\x00" * 5000])
def test_what_is_not_understood_is_not_known(tmp_path: Path, text: str) -> None:
    file = tmp_path / "web.json"
    file.write_text(text)
    assert WebShown.read(file) is None
    assert WebShown.read(tmp_path / "none") is None


def test_what_was_written_long_ago_is_not_known(tmp_path: Path) -> None:
    file = tmp_path / "web.json"
    shown = WebShown(pages=True, trouble="x" * TROUBLE_MAX)
    shown.write(file)
    assert WebShown.read(file) == shown
    os.utime(file, (1, 1))
    assert WebShown.read(file) is None


async def test_it_tells_of_a_place_that_it_has_and_has_not(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "SHOWN_EVERY_S", 0.02)
    monkeypatch.setattr(process, "AGAIN_FIRST_S", 0.02)
    file = town.config.paths.web_shown
    file.parent.mkdir(parents=True, exist_ok=True)

    async def told(wanted: bool) -> WebShown:
        for _ in range(1000):
            seen = WebShown.read(file)
            if seen is not None and seen.pages is wanted:
                return seen
            await asyncio.sleep(0.01)
        raise AssertionError(seen)

    with closing(socket.socket()) as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        place = f"127.0.0.1:{other.getsockname()[1]}"
        web = Wanted(listen=(place,), phones_listen=f"127.0.0.1:{free_port()}")
        running = asyncio.create_task(WebProcess(replace(town.config, web=web)).run())
        seen = await told(False)
        assert seen.phone_book
        assert "address already in use" in seen.trouble
    await told(True)
    running.cancel()
    with suppress(asyncio.CancelledError):
        await running
    assert not file.exists()
