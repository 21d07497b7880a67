"""The process `web` by TLS of the unit's own CA; a place that another has is waited for."""

from __future__ import annotations

import asyncio
import socket
import ssl
from contextlib import closing, suppress
from dataclasses import replace
from pathlib import Path

import aiohttp
import pytest

from firmware.config import Config, Web
from firmware.web import process
from firmware.web.process import WebProcess
from tests.firmware.web.conftest import Town
from tests.firmware.web.test_server import free_port

TRIES = 300


async def reached(url: str, trusted: Path) -> int:
    """The status of the sign-in page, once somebody answers."""
    tls = ssl.create_default_context(cafile=str(trusted)) if url.startswith("https") else None
    async with aiohttp.ClientSession() as client:
        for _ in range(TRIES):
            with suppress(aiohttp.ClientError, FileNotFoundError):
                async with client.get(f"{url}/sign-in", ssl=tls or True) as answer:
                    return answer.status
            await asyncio.sleep(0.02)
            if tls is None and url.startswith("https"):
                break
    return 0


def at(town: Town, *places: str) -> Config:
    return replace(town.config, web=Web(listen=places))


async def test_by_tls_of_the_units_own_ca_but_on_loopback(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    # Loopback is all that a test has; one of its addresses plays another's.
    monkeypatch.setattr("firmware.config_web.LOOPBACK", "127.0.0.1")
    outside, inside = f"127.0.0.2:{free_port()}", f"127.0.0.1:{free_port()}"
    config = at(town, outside, inside)
    running = asyncio.create_task(WebProcess(config).run())
    try:
        assert await reached(f"http://{inside}", config.paths.ca) == 200
        assert await reached(f"https://{outside}", config.paths.ca) == 200
    finally:
        running.cancel()
        with suppress(asyncio.CancelledError):
            await running
    assert config.paths.ca_key.stat().st_mode & 0o077 == 0


async def test_a_place_that_another_has_is_waited_for(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "AGAIN_FIRST_S", 0.02)
    with closing(socket.socket()) as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        place = f"127.0.0.1:{other.getsockname()[1]}"
        running = asyncio.create_task(WebProcess(at(town, place)).run())
        await asyncio.sleep(0.1)
        assert not running.done()
    try:
        assert await reached(f"http://{place}", town.config.paths.ca) == 200
    finally:
        running.cancel()
        with suppress(asyncio.CancelledError):
            await running
