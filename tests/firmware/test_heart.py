"""The process `heart` in this process: its port comes and goes, those who listen are hostile, slow, too many."""

import json
import os
import pty
import socket
import time
import tty
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from drivers.codec import mcuwords as words
from drivers.codec.mcuframe import Decoder, encode
from firmware.heart import LISTENERS_MAX, PENDING_MAX, Heart, PortError, open_port
from firmware.heartbeat import LINE_MAX

PATIENCE_S = 10.0
TURN_S = 0.01


class Wire:
    """A microcontroller's end."""

    def __init__(self) -> None:
        self.file, self._held = pty.openpty()
        tty.setraw(self._held)
        os.set_blocking(self.file, False)
        self.url = f"serial://{os.ttyname(self._held)}"
        self._decoder = Decoder(words.LENGTHS)

    def says(self, kind: int, *fields: int) -> None:
        os.write(self.file, encode(kind, 1, words.pack(kind, *fields)))

    def heard(self) -> list[int]:
        """Types of what came."""
        try:
            return [kind for kind, _, _ in self._decoder.receive(os.read(self.file, 8192))]
        except BlockingIOError:
            return []

    def close(self) -> None:
        os.close(self.file)
        os.close(self._held)


@pytest.fixture
def wire() -> Iterator[Wire]:
    made = Wire()
    yield made
    made.close()


@pytest.fixture
def heart(wire: Wire, tmp_path: Path) -> Iterator[Heart]:
    made = Heart(wire.url, tmp_path, tmp_path)
    yield made
    made.close()


def until(heart: Heart, is_so: Callable[[], Any]) -> Any:
    deadline = time.monotonic() + PATIENCE_S
    while not (found := is_so()) and time.monotonic() < deadline:
        heart.turn(TURN_S)
    assert found
    return found


def listens(folder: Path) -> socket.socket:
    client = socket.socket(socket.AF_UNIX)
    client.connect(str(folder / "heart.sock"))
    client.setblocking(False)
    return client


def received(client: socket.socket) -> bytes | None:
    """None while nothing comes, b"" when it is closed."""
    try:
        return client.recv(65536)
    except BlockingIOError:
        return None
    except ConnectionError:
        return b""


def test_it_beats_and_beats_at_once_when_it_is_asked(heart: Heart, wire: Wire) -> None:
    until(heart, lambda: words.BEAT in wire.heard())
    wire.says(words.ASK)
    heart._beat_at = time.monotonic() + 100.0  # none is due
    until(heart, lambda: words.BEAT in wire.heard())


def test_who_listens_is_told_at_once(heart: Heart, wire: Wire, tmp_path: Path) -> None:
    wire.says(words.HELLO, 1, 1, 5, 3, 1, 0)
    with listens(tmp_path) as client:
        said = json.loads(until(heart, lambda: received(client)).split(b"\n")[0])
        assert said["telemetry"] is None
    assert os.stat(tmp_path / "heart.sock").st_mode & 0o777 == 0o600


@pytest.mark.parametrize("noise", [b"x" * (LINE_MAX + 1), b"x" * (LINE_MAX + 1) + b"\n"])
def test_a_line_that_is_too_long_ends_its_connection_alone(heart: Heart, tmp_path: Path, noise: bytes) -> None:
    with listens(tmp_path) as good, listens(tmp_path) as bad:
        until(heart, lambda: received(bad))
        bad.sendall(noise)
        until(heart, lambda: received(bad) == b"")
        good.sendall(b'{"id": 4, "do": "dance"}\n')
        assert b'"id":4,"error"' in until(heart, lambda: (got := received(good)) and b"error" in got and got)


def test_more_than_so_many_do_not_listen(heart: Heart, tmp_path: Path) -> None:
    clients = [listens(tmp_path) for _ in range(LISTENERS_MAX + 1)]
    until(heart, lambda: received(clients[-1]) == b"")
    assert received(clients[0])
    for client in clients:
        client.close()


def test_who_does_not_read_is_let_go(heart: Heart, tmp_path: Path) -> None:
    with listens(tmp_path) as slow:
        until(heart, lambda: received(slow))
        for _ in range(PENDING_MAX):
            try:
                slow.sendall(b"{}\n")
            except (BlockingIOError, ConnectionError):
                break
            heart.turn(0.0)
        until(heart, lambda: not heart._listeners)


def test_a_port_that_is_taken_is_said_so(heart: Heart, wire: Wire, tmp_path: Path) -> None:
    until(heart, lambda: words.BEAT in wire.heard())
    with pytest.raises(PortError, match="taken"):
        open_port(wire.url)


def test_a_port_that_goes_is_opened_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("firmware.heart.REOPEN_S", TURN_S)
    first = Wire()
    heart = Heart("serial:///dev/null", tmp_path, tmp_path)
    try:
        heart.turn(TURN_S)
        assert heart._heartbeat.trouble == "broken"
        heart._url = first.url
        until(heart, lambda: words.BEAT in first.heard())
        first.close()
        until(heart, lambda: heart._heartbeat.trouble == "absent")
        second = Wire()
        heart._url = second.url
        until(heart, lambda: words.BEAT in second.heard())
        second.close()
    finally:
        heart.close()
    assert not (tmp_path / "heart.sock").exists()


@pytest.mark.parametrize(
    "url", ["", "socket://h:1", "serial:///etc/passwd", "serial:///dev/x?baud=1", "serial://h/dev"]
)
def test_what_is_no_port_is_not_opened(url: str) -> None:
    with pytest.raises(PortError, match="url"):
        open_port(url)


def test_a_port_that_is_not_there_is_absent() -> None:
    with pytest.raises(PortError, match="absent"):
        open_port("serial:///dev/there-is-none")
