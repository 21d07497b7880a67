"""The hub is killed while a unit sends and listens: what it called held is held, once, and the feed goes on."""

from __future__ import annotations

import asyncio
import contextlib
import random
import signal
import socket
import sys
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from tools.hub.store import Store
from tools.hub.testing import EPOCH, Caller, made, request_of, shown
from tools.hub.units import Units

pytestmark = [pytest.mark.wire, pytest.mark.timeout(60)]

ROWS, AT_ONCE, DEATHS = 16_000, 40, 6
AT = "2026-11-23T09:00:00.000000Z"
GONE = (aiohttp.ClientError, OSError, asyncio.TimeoutError)


def row(n: int) -> dict[str, Any]:
    ms = int(time.time() * 1000)
    body = {"extension": "1001", "condition": "always", "target": str(n), "set_at": AT, "set_by": "x"}
    stamp = f"{ms:012x}-{n % 0x10000:04x}-{EPOCH}"
    return {"n": n, "at": AT, "stamp": stamp, "kind": "forwarding", "subject": "1001", "body": body}


def free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


class Hub:
    """The program, as one starts it."""

    def __init__(self, state: Path, port: int) -> None:
        self._words = ("-P", "-m", "tools.cli", "hub", "run", "--state", str(state), "--listen", f"127.0.0.1:{port}")
        self._port = port
        self._process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        self._process = await asyncio.create_subprocess_exec(
            sys.executable, *self._words, stderr=asyncio.subprocess.DEVNULL
        )
        for _ in range(200):
            with contextlib.suppress(OSError):
                (await asyncio.open_connection("127.0.0.1", self._port))[1].close()
                return
            await asyncio.sleep(0.05)
        raise AssertionError("the hub does not listen")

    async def kill(self) -> None:
        assert self._process is not None
        if self._process.returncode is None:
            self._process.send_signal(signal.SIGKILL)
        await self._process.wait()

    async def __aenter__(self) -> Hub:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.kill()


@contextlib.asynccontextmanager
async def unit(store: Store, url: str, folder: Path, name: str) -> AsyncIterator[Caller]:
    now = datetime.now(UTC)
    units = Units(store)
    code = store.transact(lambda: units.make_code(units.add(name, ("norrby",), (), now), now))
    key, ca = ec.generate_private_key(ec.SECP256R1()), store.place.ca / "ca.pem"
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=shown(ca))) as http:
        said = {"code": code, "csr": request_of(key), "name": name, "machine": "0" * 32, "version": "1"}
        status, answer = await Caller(http, url).post("/v1/enrol", said)
        assert status == 200
    context = shown(ca, folder / f"{name}.pem", answer["certificate"], key)
    timeout = aiohttp.ClientTimeout(total=10)
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=context), timeout=timeout) as http:
        yield Caller(http, url, answer["unit"])


async def test_killed_again_and_again(tmp_path: Path) -> None:
    place, store = made(tmp_path / "hub")
    port, chance = free_port(), random.Random(1)
    url = f"https://127.0.0.1:{port}"
    held = 0
    async with Hub(place.state, port) as hub, unit(store, url, tmp_path, "skolan") as sender:
        await sender.greet()
        cursor = str((await sender.snapshot())[0]["cursor"])

        async def send() -> None:
            """As a unit does: what is not held is sent again, in any order."""
            nonlocal held
            while held < ROWS:
                first = max(1, held + 1 - AT_ONCE // 2)
                batch = [row_of(n) for n in range(first, min(first + AT_ONCE, ROWS + 1))]
                chance.shuffle(batch)
                try:
                    status, answer = await sender.send(*batch)
                except GONE:
                    await asyncio.sleep(0.05)
                    continue
                assert status == 200, answer
                assert answer["held"] >= held, "what was held is no more"
                held = answer["held"]

        rows: dict[int, dict[str, Any]] = {}

        def row_of(n: int) -> dict[str, Any]:
            return rows.setdefault(n, row(n))

        async def listen() -> str:
            at, last = cursor, ""
            while last != str(ROWS):
                try:
                    page = await sender.feed(at, wait=2)
                except GONE:
                    await asyncio.sleep(0.05)
                    continue
                at = page["cursor"]
                for item in page["items"]:
                    last = item["row"]["target"]
            return at

        async def strike() -> None:
            for _ in range(DEATHS):
                await asyncio.sleep(chance.uniform(0.05, 0.6))
                await hub.kill()
                await hub.start()

        async with asyncio.timeout(50):
            end, *_ = await asyncio.gather(listen(), send(), strike())
        assert held == ROWS
        assert (await sender.greet())["held"] == {EPOCH: ROWS}
        assert (await sender.feed(end))["items"] == []
    assert store.db.execute("SELECT count(*), count(DISTINCT number) FROM entry").fetchone() == (ROWS, ROWS)
    assert store.db.execute("SELECT low, high FROM span").fetchall() == [(1, ROWS)]
    assert store.db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    store.close()
