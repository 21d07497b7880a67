"""A NUT driver on this machine, by its own socket (NUT developer guide, "Driver/server socket protocol"): whether it
lives, and that it has something new. What it has is read from `upsd`; here is only looked at whether it stirs."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable

__all__ = ["BEAT_S", "SILENT_S", "NutDriver"]

BEAT_S = 2.0
SILENT_S = 5.0
"""A driver is one thread: while it talks with a slow UPS it answers nobody."""
READ_BYTES = 4096
NEWS = b"SETINFO "
PONG = b"PONG"


class NutDriver:
    """`stirred` is called when it tells of a change. With no path, or none that may be opened, nothing is known of it,
    and it is never called silent."""

    def __init__(self, path: str, stirred: Callable[[], None]) -> None:
        self._path = path
        self._stirred = stirred
        self._socket: socket.socket | None = None
        self._tried_s = -BEAT_S
        self._waits_since_s: float | None = None
        self._tail = b""

    def beat(self, now_s: float) -> None:
        """Asks it, where that is due. Never waits."""
        if not self._path or now_s - self._tried_s < BEAT_S:
            return
        self._tried_s = now_s
        try:
            if self._socket is None:
                self._open()
            assert self._socket is not None
            self._socket.send(b"PING\n")
        except BlockingIOError:
            pass  # its queue is full: it has not read for long, which is what is asked
        except OSError:
            self.close()
            return
        if self._waits_since_s is None:
            self._waits_since_s = now_s

    def is_silent(self, now_s: float) -> bool:
        """It was asked, and has answered nothing for `SILENT_S`."""
        return self._waits_since_s is not None and now_s - self._waits_since_s >= SILENT_S

    @property
    def is_open(self) -> bool:
        return self._socket is not None

    def close(self) -> None:
        """Lets it go; nothing is known of it then."""
        self._waits_since_s = None
        self._tail = b""
        if self._socket is not None:
            asyncio.get_running_loop().remove_reader(self._socket)
            self._socket.close()
            self._socket = None

    def _open(self) -> None:
        opened = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
        try:
            opened.connect(self._path)
        except BaseException:
            opened.close()
            raise
        self._socket = opened
        asyncio.get_running_loop().add_reader(opened, self._readable)

    def _readable(self) -> None:
        assert self._socket is not None
        try:
            data = self._socket.recv(READ_BYTES)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self.close()
            self._stirred()
            return
        lines = (self._tail + data)[-READ_BYTES:].split(b"\n")
        self._tail = lines.pop()
        if PONG in lines:
            self._waits_since_s = None
        if any(line.startswith(NEWS) for line in lines):
            self._stirred()
