"""A server of mail that does as it is told: how it answers at each step, where it hangs up, what it says instead.

One thread a connection. What it took stands in `taken`, as it came; `heard` has every line of the other side.
"""

from __future__ import annotations

import contextlib
import re
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default

__all__ = ["HANG_UP", "RESET", "SILENCE", "MailServer", "Taken"]

HANG_UP, SILENCE, RESET = b"<hang up>", b"<silence>", b"<reset>"
"""Instead of an answer; a number in `Endless` is said again and again."""
SILENCE_S = 30.0
GOES_ON = b"3"
"""Of an answer to DATA: the mail may come. After any other one what comes is the next command."""
_PLAIN = {
    "greeting": b"220 mail.norrby.example ESMTP",
    "ehlo": b"250-mail.norrby.example\r\n250-SIZE 20000000\r\n250 8BITMIME",
    "mail": b"250 ok",
    "rcpt": b"250 ok",
    "data": b"354 go on",
    "end": b"250 ok: queued as 1A2B",
    "quit": b"221 bye",
    "helo": b"250 ok",
}


@dataclass(frozen=True, slots=True)
class Taken:
    sender: str
    recipient: str
    content: bytes

    @property
    def message(self) -> EmailMessage:
        found = message_from_bytes(self.content, policy=default)
        if not isinstance(found, EmailMessage):
            raise TypeError(found)
        return found


@dataclass
class MailServer:
    """`say`: instead of the usual answer at a step, for each of the next times it is reached; the last one stays.
    A list may hold HANG_UP, SILENCE, RESET, or any bytes. `takes_and_dies`: takes the mail, and hangs up before it says
    so, for so many mails."""

    say: dict[str, list[bytes]] = field(default_factory=dict)
    takes_and_dies: int = 0
    taken: list[Taken] = field(default_factory=list)
    heard: list[bytes] = field(default_factory=list)
    connections: int = 0
    address: tuple[str, int] = ("127.0.0.1", 0)
    told: Callable[[Taken], None] = lambda taken: None
    """Hears of each mail that is taken, before that is said to who gives it."""

    def __post_init__(self) -> None:
        self._listening = socket.create_server(self.address)
        self.port = int(self._listening.getsockname()[1])
        self._open: set[socket.socket] = set()
        self._lock = threading.Lock()
        self._stop = threading.Event()
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self._stop.set()
        with contextlib.suppress(OSError):
            self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        for connection in tuple(self._open):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def _accept(self) -> None:
        while not self._stop.is_set():
            try:
                connection, _ = self._listening.accept()
            except OSError:
                return
            self.connections += 1
            self._open.add(connection)
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        try:
            with connection, connection.makefile("rb") as lines:
                self._talk(connection, lines)
        except (OSError, _Over):
            pass
        finally:
            self._open.discard(connection)

    def _talk(self, connection: socket.socket, lines: object) -> None:
        self._answer(connection, "greeting")
        sender = recipient = ""
        while line := lines.readline():  # type: ignore[attr-defined]
            self.heard.append(line)
            word = line[:4].strip().lower().decode("ascii", "replace")
            if word == "mail":
                sender = _path(line)
            elif word == "rcpt":
                recipient = _path(line)
            elif word == "quit":
                self._answer(connection, "quit")
                return
            said = self._next(word)
            self._say(connection, said)
            if word == "data" and said.startswith(GOES_ON):
                self._take(connection, lines, sender, recipient)

    def _take(self, connection: socket.socket, lines: object, sender: str, recipient: str) -> None:
        content = b""
        while (line := lines.readline()) not in (b".\r\n", b""):  # type: ignore[attr-defined]
            content += line[1:] if line.startswith(b".") else line
        if not line:
            return  # what has no end is no mail
        with self._lock:
            dies = self.takes_and_dies > 0
            self.takes_and_dies -= dies
        said = self._next("end")
        if dies or said[:1] == b"2":
            taken = Taken(sender, recipient, content)
            self.told(taken)
            self.taken.append(taken)
        self._say(connection, HANG_UP if dies else said)

    def _answer(self, connection: socket.socket, step: str) -> None:
        self._say(connection, self._next(step))

    def _next(self, step: str) -> bytes:
        with self._lock:
            told = self.say.get(step)
            if not told:
                return _PLAIN.get(step, b"500 what?")
            return told.pop(0) if len(told) > 1 else told[0]

    def _say(self, connection: socket.socket, said: bytes) -> None:
        if said == SILENCE:
            self._stop.wait(SILENCE_S)
            raise _Over
        if said == RESET:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            raise _Over
        if said == HANG_UP:
            connection.shutdown(socket.SHUT_RDWR)
            raise _Over
        if said.startswith(b"<slowly>"):
            for byte in said.removeprefix(b"<slowly>"):
                connection.sendall(bytes([byte]))
                if self._stop.wait(0.05):
                    raise _Over
            return
        if said.startswith(b"<endless>"):
            until = time.monotonic() + SILENCE_S
            while time.monotonic() < until and not self._stop.is_set():
                connection.sendall(said.removeprefix(b"<endless>") * 100)
            raise _Over
        connection.sendall(said + b"\r\n")


class _Over(Exception):
    """The connection is."""


def _path(line: bytes) -> str:
    match = re.search(rb"<([^>]*)>", line)
    return match[1].decode("utf-8", "replace") if match else ""
