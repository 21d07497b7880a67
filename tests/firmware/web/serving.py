"""The pages of a town, served on loopback."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, closing, suppress

import aiohttp

from firmware.config import Config
from firmware.config_web import Place
from firmware.pins import Pins
from firmware.web.answering import Answering
from firmware.web.server import Server
from firmware.web.site import Route

__all__ = ["free_port", "served"]


def free_port() -> int:
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@asynccontextmanager
async def served(config: Config, routes: Sequence[Route]) -> AsyncIterator[tuple[aiohttp.ClientSession, Answering]]:
    """A browser with cookies of its own, at the server's address."""
    pins = Pins(config.paths, lambda _: None)
    answering = Answering(config, pins, routes)
    place = Place("127.0.0.1", free_port())
    serving = asyncio.create_task(Server(answering, [place], "vaxel.norrby.se", None).run())
    jar = aiohttp.CookieJar(unsafe=True)  # of an address, not of a name
    try:
        async with aiohttp.ClientSession(f"http://127.0.0.1:{place.port}", cookie_jar=jar) as client:
            for _ in range(200):
                with suppress(aiohttp.ClientError):
                    async with client.get("/sign-in"):
                        break
                await asyncio.sleep(0.01)
            yield client, answering
    finally:
        serving.cancel()
        with suppress(asyncio.CancelledError):
            await serving
        answering.close()
        pins.close()
