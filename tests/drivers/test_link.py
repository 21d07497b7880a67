"""A link to a device, by a pty and by a socket: bytes both ways, held alone, its loss and its hanging seen in time."""

from __future__ import annotations

import asyncio
import os
import threading
import tty
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from drivers import link as link_module
from drivers.link import Link, LinkError, open_link

LATE_TRIES = 1_000


class Heard:
    def __init__(self) -> None:
        self.data = b""
        self.lost: list[str] = []
        self.changed = asyncio.Event()

    def received(self, data: bytes) -> None:
        self.data += data
        self.changed.set()

    def gone(self, reason: str) -> None:
        self.lost.append(reason)
        self.changed.set()

    async def until_data(self, count: int) -> None:
        while len(self.data) < count:
            self.changed.clear()
            await asyncio.wait_for(self.changed.wait(), 5)

    async def until_lost(self) -> None:
        while not self.lost:
            self.changed.clear()
            await asyncio.wait_for(self.changed.wait(), 5)


@pytest.fixture
def device(tmp_path: Path) -> Iterator[tuple[int, Path]]:
    master, slave = os.openpty()
    tty.setraw(slave)
    path = tmp_path / "ttyAT"
    path.symlink_to(os.ttyname(slave))
    os.close(slave)
    os.set_blocking(master, False)
    yield master, path
    with_open = os.path.exists(f"/proc/self/fd/{master}")
    if with_open:
        os.close(master)


def no_thread(pool: ThreadPoolExecutor) -> None:
    raise RuntimeError("can't start new thread")


async def test_bytes_go_both_ways_unchanged(device: tuple[int, Path]) -> None:
    master, path = device
    heard = Heard()
    link = await open_link(f"serial://{path}?baud=115200", heard.received, heard.gone)
    everything = bytes(range(256))
    os.write(master, everything)
    await heard.until_data(256)
    link.write(everything)
    assert heard.data == everything
    assert os.read(master, 1000) == everything
    link.close()
    assert heard.lost == []


async def test_a_device_is_held_alone(device: tuple[int, Path]) -> None:
    _, path = device
    heard = Heard()
    link = await open_link(str(path), heard.received, heard.gone)
    with pytest.raises(LinkError) as refused:
        await open_link(str(path), heard.received, heard.gone)
    assert refused.value.reason == "taken"
    link.close()
    (await open_link(str(path), heard.received, heard.gone)).close()


async def test_a_thread_that_begins_late_keeps_no_device(
    device: tuple[int, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without memory a pool says that it can start none, and has the work all the same."""
    _, path = device
    heard = Heard()
    with monkeypatch.context() as short:
        short.setattr(ThreadPoolExecutor, "_adjust_thread_count", no_thread)
        with pytest.raises(RuntimeError, match="thread"):
            await open_link(str(path), heard.received, heard.gone)
    (await open_link(str(path), heard.received, heard.gone)).close()


async def test_a_device_that_comes_too_late_is_closed(
    device: tuple[int, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    _, path = device
    heard, opens, may_go = Heard(), link_module._open, threading.Event()

    def slowly(place: Any) -> Any:
        opened = opens(place)
        may_go.wait(5)
        return opened

    monkeypatch.setattr(link_module, "OPEN_S", 0.05)
    with monkeypatch.context() as slow:
        slow.setattr(link_module, "_open", slowly)
        with pytest.raises(LinkError) as late:
            await open_link(str(path), heard.received, heard.gone)
    assert late.value.reason == "broken"
    may_go.set()
    monkeypatch.setattr(link_module, "OPEN_S", 5.0)
    for again in range(LATE_TRIES, 0, -1):
        try:
            (await open_link(str(path), heard.received, heard.gone)).close()
            break
        except LinkError:  # until the thread has come so far
            if again == 1:
                raise
            await asyncio.sleep(0.005)


async def test_an_unplugged_device_is_lost_at_once(device: tuple[int, Path]) -> None:
    master, path = device
    heard = Heard()
    link = await open_link(str(path), heard.received, heard.gone)
    os.close(master)
    await heard.until_lost()
    link.write(b"AT\r")
    assert heard.lost == ["unplugged"]


async def test_a_device_whose_name_is_gone_is_lost(device: tuple[int, Path]) -> None:
    _, path = device
    heard = Heard()
    await open_link(str(path), heard.received, heard.gone)
    path.unlink()
    await heard.until_lost()
    assert heard.lost == ["unplugged"]


async def test_a_device_that_takes_nothing_is_lost(device: tuple[int, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    _, path = device
    monkeypatch.setattr(link_module, "WRITE_HANG_S", 0.05)
    heard = Heard()
    link = await open_link(str(path), heard.received, heard.gone)
    assert link.offer(bytes(1024)) > 0
    while not heard.lost:  # the kernel takes some more whenever it finds the time
        link.write(bytes(1024))
        await asyncio.sleep(0.005)
    assert heard.lost == ["hung"]
    assert link.offer(b"x") == 0


async def test_too_much_that_waits_is_a_hang(device: tuple[int, Path]) -> None:
    _, path = device
    heard = Heard()
    link = await open_link(str(path), heard.received, heard.gone)
    for _ in range(40):
        link.write(bytes(4096))
    assert heard.lost == ["hung"]


async def test_what_a_slow_device_takes_arrives_in_order(device: tuple[int, Path]) -> None:
    master, path = device
    heard = Heard()
    link = await open_link(str(path), heard.received, heard.gone)
    said = os.urandom(30_000)
    link.write(said)
    got = b""
    while len(got) < len(said):
        await asyncio.sleep(0.001)
        try:
            got += os.read(master, 4096)
        except BlockingIOError:
            continue
    assert got == said
    link.close()


async def test_a_socket_is_a_device_too() -> None:
    heard = Heard()
    ended = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"OK " + await reader.readexactly(3))
        await writer.drain()
        await ended.wait()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    link = await open_link(f"socket://127.0.0.1:{port}", heard.received, heard.gone)
    link.write(b"AT\r")
    await heard.until_data(6)
    ended.set()
    await heard.until_lost()
    server.close()
    assert (heard.data, heard.lost) == (b"OK AT\r", ["unplugged"])
    with pytest.raises(LinkError) as absent:
        await open_link(f"socket://127.0.0.1:{port}", heard.received, heard.gone)
    assert absent.value.reason == "absent"


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("serial:///dev/none-such", "absent"),
        ("serial:///dev/none-such?baud=7", "url"),
        ("serial://host/dev/x", "url"),
        ("socket://127.0.0.1", "url"),
        ("socket://127.0.0.1:99999", "url"),
        ("ftp://x", "url"),
        ("", "url"),
        ("/etc/hostname", "url"),
        ("/etc", "url"),
    ],
)
async def test_what_cannot_be_opened_is_named(url: str, reason: str) -> None:
    with pytest.raises(LinkError) as refused:
        await open_link(url, lambda data: None, lambda reason: None)
    assert refused.value.reason == reason


async def test_nothing_is_told_after_closing(device: tuple[int, Path]) -> None:
    master, path = device
    heard = Heard()
    link: Link = await open_link(str(path), heard.received, heard.gone)
    link.close()
    link.close()
    os.close(master)
    link.write(b"x")
    await asyncio.sleep(0)
    assert (heard.lost, link.offer(b"x")) == ([], 0)
