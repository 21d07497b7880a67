"""A stream of bytes to a device, opened by URL and held by nobody else.

``serial:///dev/ttyUSB2?baud=115200`` (or the path alone; a pty is one, too) or ``socket://127.0.0.1:7001``. A device is
opened and set up by pyserial, in a thread, as a sick one may hang; from then on it is one non-blocking file in the
asyncio loop: what the device sends is handed over at once, and whether it is still there is looked at `LOOK_S` apart,
as not every driver tells."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import fcntl
import math
import os
import socket
import stat
import termios
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol
from urllib.parse import parse_qs, urlsplit

__all__ = ["Link", "LinkError", "open_link"]

LOOK_S = 0.5
WRITE_HANG_S = 1.0
"""Nothing at all taken for so long: the device hangs."""
OPEN_S = 8.0
"""A device that hangs takes 5 s to refuse each setting."""
CONNECT_S = 2.0
READ_BYTES = 65536
READS_AT_ONCE = 8
"""Others in the loop have their turn then."""
PENDING_MAX_BYTES = 65536
BAUDS = (115200, 9600, 19200, 38400, 57600, 230400, 460800, 921600)
"""The first is taken where none is named; a USB modem does not care."""
TAKEN = {errno.EBUSY, errno.EWOULDBLOCK, errno.EAGAIN}
ABSENT = {errno.ENOENT, errno.ENODEV, errno.ENXIO}


class LinkError(Exception):
    """`reason`: url, absent, taken, forbidden or broken."""

    def __init__(self, reason: str, text: str) -> None:
        super().__init__(f"{reason}: {text}")
        self.reason = reason


class _Device(Protocol):
    """A socket, or pyserial's Serial as far as we use it."""

    def fileno(self) -> int: ...
    def close(self) -> None: ...


@dataclass(frozen=True, slots=True)
class _Place:
    path: str = ""
    baud: int = 0
    host: str = ""
    port: int = 0


async def open_link(url: str, received: Callable[[bytes], None], lost: Callable[[str], None]) -> Link:
    """`lost` is called at most once, with a word why (`unplugged`, `hung`), and never after `close`.
    Raises :class:`LinkError`."""
    place = _parse(url)
    device = await (_open_device(place) if place.path else _connect(place))
    return Link(device, received, lost, place.path)


class Link:
    """Made by :func:`open_link`."""

    def __init__(
        self, device: _Device, received: Callable[[bytes], None], lost: Callable[[str], None], path: str
    ) -> None:
        self._device = device
        self._file = device.fileno()
        self._received = received
        self._lost = lost
        self._path = path
        self._number = os.fstat(self._file).st_rdev
        self._loop = asyncio.get_running_loop()
        self._pending = bytearray()
        self._open = True
        self._hang: asyncio.TimerHandle | None = None
        self._loop.add_reader(self._file, self._readable)
        self._look = self._loop.call_at(self._next_look(), self._look_again)

    def write(self, data: bytes) -> None:
        """All of it, in order; never waits. A device that takes nothing for `WRITE_HANG_S`, or lets more than
        `PENDING_MAX_BYTES` wait, is lost."""
        if not self._open or not data:
            return
        if not self._pending:
            data = data[self._put(data) :]
        if data and self._open:
            self._pending += data
            if len(self._pending) > PENDING_MAX_BYTES:
                self._lose("hung")
                return
            self._loop.add_writer(self._file, self._writable)
            self._hang = self._hang or self._loop.call_later(WRITE_HANG_S, self._lose, "hung")

    def offer(self, data: bytes) -> int:
        """How many bytes of it the device took; the rest is the caller's. None where others wait."""
        return self._put(data) if self._open and data and not self._pending else 0

    def close(self) -> None:
        if not self._open:
            return
        self._open = False
        self._look.cancel()
        if self._hang:
            self._hang.cancel()
        self._loop.remove_reader(self._file)
        self._loop.remove_writer(self._file)
        if self._path:
            # The kernel would wait until a hanging device has taken what was written.
            with contextlib.suppress(termios.error, OSError):
                termios.tcflush(self._file, termios.TCIOFLUSH)
                fcntl.ioctl(self._file, termios.TIOCNXCL)
        self._device.close()

    def _readable(self) -> None:
        for _ in range(READS_AT_ONCE):
            try:
                data = os.read(self._file, READ_BYTES)
            except (BlockingIOError, InterruptedError):
                return
            except OSError:
                data = b""
            if not data:
                self._lose("unplugged")
                return
            self._received(data)
            if not self._open:
                return

    def _writable(self) -> None:
        taken = self._put(self._pending)
        if not taken or not self._open:
            return
        del self._pending[:taken]
        if self._hang:
            self._hang.cancel()
            self._hang = None
        if self._pending:
            self._hang = self._loop.call_later(WRITE_HANG_S, self._lose, "hung")
        else:
            self._loop.remove_writer(self._file)

    def _put(self, data: bytes | bytearray) -> int:
        try:
            return os.write(self._file, data)
        except (BlockingIOError, InterruptedError):
            return 0
        except OSError:
            self._loop.call_soon(self._lose, "unplugged")
            return 0

    def _look_again(self) -> None:
        if self._path and not self._is_there():
            self._lose("unplugged")
        else:
            self._look = self._loop.call_at(self._next_look(), self._look_again)

    def _next_look(self) -> float:
        """At the same moment for all devices, so that the machine wakes once for them; a tenth of LOOK_S from now at
        the least, so that a rounded moment does not come twice."""
        return math.ceil(self._loop.time() / LOOK_S + 0.1) * LOOK_S

    def _is_there(self) -> bool:
        try:
            termios.tcgetattr(self._file)
            return os.stat(self._path).st_rdev == self._number
        except (termios.error, OSError):
            return False

    def _lose(self, reason: str) -> None:
        if self._open:
            self.close()
            self._lost(reason)


def _parse(url: str) -> _Place:
    if url.startswith("/"):
        return _Place(url, BAUDS[0])
    try:
        parts = urlsplit(url)
        if parts.scheme == "socket" and parts.hostname and parts.port:
            return _Place(host=parts.hostname, port=parts.port)
        if parts.scheme == "serial" and parts.path.startswith("/") and not parts.netloc:
            baud = int(parse_qs(parts.query).get("baud", [BAUDS[0]])[-1])
            if baud in BAUDS:
                return _Place(parts.path, baud)
    except ValueError:
        pass
    raise LinkError("url", f"{url!r} is neither serial:///dev/…?baud=115200, a path, nor socket://host:port")


async def _connect(place: _Place) -> _Device:
    sock = socket.socket(socket.AF_INET)
    try:
        sock.setblocking(False)
        async with asyncio.timeout(CONNECT_S):
            await asyncio.get_running_loop().sock_connect(sock, (place.host, place.port))
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    except (OSError, TimeoutError) as error:
        sock.close()
        raise LinkError("absent", f"{place.host}:{place.port}: {error}") from error
    except BaseException:
        sock.close()
        raise
    return sock


async def _open_device(place: _Place) -> _Device:
    opening = _Opening()
    try:
        async with asyncio.timeout(OPEN_S):
            return await asyncio.to_thread(opening.open, place)
    except BaseException as error:
        opening.give_up()
        if isinstance(error, TimeoutError):
            raise LinkError("broken", f"{place.path}: not open after {OPEN_S:g} s") from None
        raise


class _Opening:
    """A device that is opened in a thread, and closed again where nobody waits for it any more: one that stays open is
    taken, for us too. A pool that cannot start a thread says so, and opens it all the same as soon as it has one."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._given_up = False
        self._device: _Device | None = None

    def open(self, place: _Place) -> _Device:
        """In the thread. Raises LinkError."""
        device = _open(place) if not self._given_up else None
        with self._lock:
            if device is not None and not self._given_up:
                self._device = device
                return device
        if device is not None:
            device.close()
        raise LinkError("broken", f"{place.path}: given up")

    def give_up(self) -> None:
        with self._lock:
            self._given_up = True
        if self._device is not None:
            self._device.close()


def _open(place: _Place) -> _Device:
    """Eight bits, no parity, no flow control; what came before us is dropped. Raises LinkError."""
    import serial  # the edge and unit do without it

    try:
        if not stat.S_ISCHR(os.stat(place.path).st_mode):
            raise LinkError("url", f"{place.path} is no device")
        # With a time between bytes VMIN is 1; with 0 an empty port would read as one that is gone.
        device: _Device = serial.serial_for_url(
            place.path, baudrate=place.baud, exclusive=True, timeout=0, write_timeout=0, inter_byte_timeout=0
        )
        # Whoever does not ask for pyserial's lock is kept away too, but for root.
        fcntl.ioctl(device.fileno(), termios.TIOCEXCL)
    except (OSError, ValueError) as error:
        raise LinkError(_why(error), f"{place.path}: {error}") from error
    return device


def _why(error: OSError | ValueError) -> str:
    number = error.errno if isinstance(error, OSError) else None
    if number in TAKEN:
        return "taken"
    if number in ABSENT:
        return "absent"
    return "forbidden" if number in (errno.EACCES, errno.EPERM) else "broken"
