"""The one thread of a crowd: sockets that are read, and work that is due."""

from __future__ import annotations

import contextlib
import heapq
import itertools
import selectors
import socket
import threading
import time
from collections.abc import Callable
from typing import Any

__all__ = ["Loop"]

READ_BYTES = 65_535
IDLE_S = 1.0
STOP_S = 32.0

_numbers = itertools.count(1)


class Loop:
    """Its work is done under `lock`, which whoever comes from another thread takes before touching what the work
    touches; then he calls `wake`, as something may be due sooner than the thread sleeps."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self._over = threading.Event()
        self._due: list[tuple[float, int, Callable[[], None]]] = []
        self._selector = selectors.DefaultSelector()
        self._thread: threading.Thread | None = None

    @property
    def running(self) -> bool:
        return self._thread is not None

    def start(self) -> None:
        """Raises OSError."""
        self._over.clear()
        self._woken, self._wake = socket.socketpair()
        self._woken.setblocking(False)
        self.watch(self._woken, lambda data, source: None)
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Nothing is read, and nothing is due any more. Whoever opened a socket closes it."""
        if self._thread is None:
            return
        self._over.set()
        self.wake()
        self._thread.join(STOP_S)
        self._thread = None
        with self.lock:
            self._wake.close()
            self._woken.close()
            self._selector.close()
            self._selector = selectors.DefaultSelector()
            self._due.clear()

    def wake(self) -> None:
        self._wake.send(b"x")

    def at(self, after_s: float, work: Callable[[], None]) -> None:
        heapq.heappush(self._due, (time.monotonic() + after_s, next(_numbers), work))

    def watch(self, wire: socket.socket, came: Callable[[bytes, Any], None]) -> None:
        """`came` gets each datagram that comes at `wire`, which does not block, with its source."""
        self._selector.register(wire, selectors.EVENT_READ, came)

    def leave(self, wire: socket.socket) -> None:
        self._selector.unregister(wire)

    def _run(self) -> None:
        while not self._over.is_set():
            with self.lock:
                wait_s = self._due[0][0] - time.monotonic() if self._due else IDLE_S
            ready = self._selector.select(max(0.0, wait_s))
            with self.lock:
                now = time.monotonic()
                for key, _ in ready:
                    self._read(key.fileobj, key.data)  # type: ignore[arg-type]
                while self._due and self._due[0][0] <= now:
                    heapq.heappop(self._due)[2]()

    def _read(self, wire: socket.socket, came: Callable[[bytes, Any], None]) -> None:
        with contextlib.suppress(OSError):  # all is read, or its call has ended
            while not self._over.is_set():
                came(*wire.recvfrom(READ_BYTES))
