"""A modem's ports: a pty with a name of its own, a TCP port, one end of a socket pair.

Each hands what comes in to `received` and drops what nobody takes, as a full buffer does. A port that goes is a pulled
plug to who has it open: end of file or an error.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
import pty
import socket
import termios
import tty
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

__all__ = ["PairPort", "Port", "PtyPort", "TcpPort", "open_port"]

READ_BYTES = 4096
FREE_EVERY_S = 0.5


class Port(Protocol):
    """`write` says how many bytes were taken."""

    def open(self) -> None:
        """It is there."""

    def close(self) -> None:
        """It is gone."""

    def write(self, data: bytes) -> int: ...


class PtyPort:
    """A pty in raw mode, found by a symbolic link `path`."""

    def __init__(self, path: Path, received: Callable[[bytes], None]) -> None:
        self.path, self._received = path, received
        self._near = self._far = -1
        self._freeing: asyncio.TimerHandle | None = None

    def open(self) -> None:
        if self._near >= 0:
            return
        self._near, self._far = pty.openpty()  # the far end stays open here: who closes it does not end it
        tty.setraw(self._far)
        os.set_blocking(self._near, False)
        self.path.unlink(missing_ok=True)
        self.path.symlink_to(os.ttyname(self._far))
        asyncio.get_running_loop().add_reader(self._near, self._readable)
        self._free()

    def close(self) -> None:
        if self._near < 0:
            return
        if self._freeing is not None:
            self._freeing.cancel()
        asyncio.get_running_loop().remove_reader(self._near)
        self.path.unlink(missing_ok=True)
        os.close(self._near)
        os.close(self._far)
        self._near = self._far = -1

    def write(self, data: bytes) -> int:
        try:
            return os.write(self._near, data) if self._near >= 0 else 0
        except OSError:
            return 0

    def _free(self) -> None:
        """A serial port forgets at its last close that it was held alone (TIOCEXCL); a pty does not."""
        fcntl.ioctl(self._far, termios.TIOCNXCL)
        self._freeing = asyncio.get_running_loop().call_later(FREE_EVERY_S, self._free)

    def _readable(self) -> None:
        with contextlib.suppress(OSError):
            if data := os.read(self._near, READ_BYTES):
                self._received(data)


class _SocketPort:
    """One connected socket at a time."""

    def __init__(self, received: Callable[[bytes], None]) -> None:
        self._received = received
        self._socket: socket.socket | None = None

    def write(self, data: bytes) -> int:
        try:
            return self._socket.send(data) if self._socket is not None else 0
        except OSError:
            return 0

    def _use(self, connected: socket.socket) -> None:
        self._drop()
        connected.setblocking(False)
        self._socket = connected
        asyncio.get_running_loop().add_reader(connected, self._readable)

    def _drop(self) -> None:
        if self._socket is not None:
            asyncio.get_running_loop().remove_reader(self._socket)
            self._socket.close()
            self._socket = None

    def _readable(self) -> None:
        assert self._socket is not None
        try:
            data = self._socket.recv(READ_BYTES)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if data:
            self._received(data)
        else:
            self._drop()


class TcpPort(_SocketPort):
    """A TCP port of this machine; a second who comes takes it from the first."""

    def __init__(self, address: str, port: int, received: Callable[[bytes], None]) -> None:
        super().__init__(received)
        self.address, self.port = address, port
        self._listener: socket.socket | None = None

    def open(self) -> None:
        if self._listener is not None:
            return
        self._listener = socket.create_server((self.address, self.port), reuse_port=False)
        self._listener.setblocking(False)
        self.port = self._listener.getsockname()[1]
        asyncio.get_running_loop().add_reader(self._listener, self._accept)

    def close(self) -> None:
        if self._listener is not None:
            asyncio.get_running_loop().remove_reader(self._listener)
            self._listener.close()
            self._listener = None
        self._drop()

    def _accept(self) -> None:
        assert self._listener is not None
        with contextlib.suppress(OSError):
            connected, _ = self._listener.accept()
            connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._use(connected)


class PairPort(_SocketPort):
    """A socket pair, for who runs in the same program: `connect` gives the other end, once each time it is there."""

    def __init__(self, received: Callable[[bytes], None]) -> None:
        super().__init__(received)
        self._other: socket.socket | None = None

    def open(self) -> None:
        if self._socket is None:
            near, self._other = socket.socketpair()
            self._use(near)

    def close(self) -> None:
        self._drop()
        if self._other is not None:
            self._other.close()
            self._other = None

    def connect(self) -> socket.socket:
        """The other end. Raises ConnectionRefusedError: the port is not there."""
        if self._socket is None:
            raise ConnectionRefusedError("no port")
        if self._other is None:
            near, self._other = socket.socketpair()
            self._use(near)
        taken, self._other = self._other, None
        return taken


def open_port(where: str, received: Callable[[bytes], None]) -> Port:
    """``tcp:ADDRESS:PORT`` (port 0: any), else the path of a pty's link. It is not open yet. Raises ValueError."""
    if where.startswith("tcp:"):
        address, _, port = where[4:].rpartition(":")
        return TcpPort(address or "127.0.0.1", int(port), received)
    return PtyPort(Path(where), received)
