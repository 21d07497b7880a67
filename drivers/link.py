"""A stream of bytes to a device, opened by URL and held by nobody else.

``serial:///dev/ttyUSB2?baud=115200`` (or the path alone; a pty is one, too) or ``socket://127.0.0.1:7001``. One
non-blocking file in the asyncio loop, no thread: what the device sends is handed over at once, and whether it is still
there is looked at `LOOK_S` apart, as not every driver tells."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import fcntl
import os
import socket
import stat
import termios
import tty
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import parse_qs, urlsplit

__all__ = ["Link", "LinkError", "open_link"]

LOOK_S = 0.4
WRITE_HANG_S = 1.0
"""Nothing at all taken for so long: the device hangs."""
CONNECT_S = 2.0
READ_BYTES = 65536
READS_AT_ONCE = 8
"""Others in the loop have their turn then."""
PENDING_MAX_BYTES = 65536
TAKEN = {errno.EBUSY, errno.EWOULDBLOCK, errno.EAGAIN}


class LinkError(Exception):
    """`reason`: url, absent, taken, forbidden or broken."""

    def __init__(self, reason: str, text: str) -> None:
        super().__init__(f"{reason}: {text}")
        self.reason = reason


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
    if place.path:
        return Link(_open_serial(place), received, lost, place.path)
    sock = socket.socket(socket.AF_INET)
    sock.setblocking(False)
    try:
        async with asyncio.timeout(CONNECT_S):
            await asyncio.get_running_loop().sock_connect(sock, (place.host, place.port))
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    except (OSError, TimeoutError) as error:
        sock.close()
        raise LinkError("absent", f"{url}: {str(error) or 'no answer'}") from error
    except BaseException:
        sock.close()
        raise
    return Link(sock.detach(), received, lost)


class Link:
    """Made by :func:`open_link`."""

    def __init__(
        self, file: int, received: Callable[[bytes], None], lost: Callable[[str], None], path: str = ""
    ) -> None:
        self._file = file
        self._received = received
        self._lost = lost
        self._path = path
        self._device = os.fstat(file).st_rdev
        self._loop = asyncio.get_running_loop()
        self._pending = bytearray()
        self._open = True
        self._hang: asyncio.TimerHandle | None = None
        self._loop.add_reader(file, self._readable)
        self._look = self._loop.call_later(LOOK_S, self._look_again)

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
        os.close(self._file)

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
            self._look = self._loop.call_later(LOOK_S, self._look_again)

    def _is_there(self) -> bool:
        try:
            termios.tcgetattr(self._file)
            return os.stat(self._path).st_rdev == self._device
        except (termios.error, OSError):
            return False

    def _lose(self, reason: str) -> None:
        if self._open:
            self.close()
            self._lost(reason)


def _parse(url: str) -> _Place:
    if url.startswith("/"):
        return _Place(path=url, baud=115200)
    try:
        parts = urlsplit(url)
        if parts.scheme == "socket" and parts.hostname and parts.port:
            return _Place(host=parts.hostname, port=parts.port)
        if parts.scheme == "serial" and parts.path.startswith("/") and not parts.netloc:
            baud = parse_qs(parts.query).get("baud", ["115200"])[-1]
            if hasattr(termios, f"B{baud}"):
                return _Place(path=parts.path, baud=int(baud))
    except ValueError:
        pass
    raise LinkError("url", f"{url!r} is neither serial:///dev/…?baud=115200, a path, nor socket://host:port")


def _open_serial(place: _Place) -> int:
    file = -1
    try:
        file = os.open(place.path, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK | os.O_CLOEXEC)
        if not stat.S_ISCHR(os.fstat(file).st_mode):
            raise LinkError("url", f"{place.path} is no device")
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        fcntl.ioctl(file, termios.TIOCEXCL)
        _set_raw(file, place.baud)
    except LinkError:
        os.close(file)
        raise
    except (OSError, termios.error) as error:
        if file >= 0:
            os.close(file)
        raise LinkError(_why(error), f"{place.path}: {error}") from error
    return file


def _why(error: Exception) -> str:
    number = error.args[0] if error.args else None
    if number in TAKEN:
        return "taken"
    if number in (errno.ENOENT, errno.ENODEV, errno.ENXIO):
        return "absent"
    return "forbidden" if number in (errno.EACCES, errno.EPERM) else "broken"


def _set_raw(file: int, baud: int) -> None:
    """Eight bits, no parity, no flow control by characters or wires, and what came before we did is dropped."""
    tty.setraw(file, termios.TCSANOW)
    state = termios.tcgetattr(file)
    state[2] = (state[2] | termios.CLOCAL | termios.CREAD | termios.CS8) & ~(
        termios.CRTSCTS | termios.HUPCL | termios.PARENB | termios.CSTOPB
    )
    state[4] = state[5] = getattr(termios, f"B{baud}")
    termios.tcsetattr(file, termios.TCSANOW, state)
    termios.tcflush(file, termios.TCIFLUSH)
