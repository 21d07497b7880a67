"""A user agent of one address that answers calls by a script, and notes to the millisecond what it is sent."""

from __future__ import annotations

import re
import select
import socket
import struct
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from types import TracebackType

from hil.net import Host

__all__ = ["RINGS", "Centre", "Script", "Seen", "header", "headers"]

SDP = (
    "v=0\r\no=- 1 1 IN IP4 {ip}\r\ns=-\r\nc=IN IP4 {ip}\r\nt=0 0\r\nm=audio 40000 RTP/AVP 8\r\na=rtpmap:8 PCMA/8000\r\n"
)

Script = Sequence[tuple[float, int]]
"""Responses to an INVITE: seconds after it, status code."""
RINGS: Script = ((0.0, 180), (0.15, 200))
SO_TIMESTAMPNS = 35  # socket(7), asm-generic/socket.h: not in Python's module
TIMESPEC = struct.Struct("@ll")


def headers(message: str) -> list[tuple[str, str]]:
    """Name in lower case, and value, of each header."""
    lines = message.partition("\r\n\r\n")[0].split("\r\n")[1:]
    return [(name.strip().lower(), value.strip()) for name, _, value in (line.partition(":") for line in lines)]


def header(message: str, name: str) -> str:
    return next((value for key, value in headers(message) if key == name), "")


def _came_at(more: Sequence[tuple[int, int, bytes]]) -> float:
    """When a datagram came, by the time that the kernel put beside it."""
    for level, kind, data in more:
        if (level, kind) == (socket.SOL_SOCKET, SO_TIMESTAMPNS):
            seconds, nanoseconds = TIMESPEC.unpack(data)
            return float(seconds + nanoseconds / 1e9) + time.monotonic() - time.time()
    return time.monotonic()


@dataclass(frozen=True)
class Seen:
    """A request that came; `at` is s, time.monotonic(), by the kernel: this program may be late to read it."""

    at: float
    method: str
    call_id: str
    branch: str
    message: str


class Centre:
    """Whoever answers, by UDP at port 5060 of one address. Answers BYE, CANCEL and OPTIONS; a context manager.

    Without `heeds_cancel` it goes on by its script although it was cancelled."""

    def __init__(self, host: Host, ip: str, script: Script = RINGS, *, heeds_cancel: bool = True) -> None:
        self.script = script
        self._ip = ip
        self._heeds_cancel = heeds_cancel
        self._seen: list[Seen] = []
        self._due: list[tuple[float, str, int, tuple[str, int]]] = []
        self._socket = host.socket()
        self._socket.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
        self._socket.bind((ip, 5060))
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def __enter__(self) -> Centre:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def stop(self) -> None:
        self._stop.set()
        self._thread.join()
        self._socket.close()

    def seen(self, method: str) -> list[Seen]:
        """Requests of one method, retransmissions left out."""
        once: dict[tuple[str, str], Seen] = {}
        for one in list(self._seen):
            once.setdefault((one.call_id, one.branch if method != "ACK" else ""), one) if one.method == method else None
        return list(once.values())

    def up(self) -> int:
        """Calls that were answered and acknowledged, and have not been ended."""
        ended = {one.call_id for one in self.seen("BYE")}
        return len({one.call_id for one in self.seen("ACK") if header(one.message, "to").count("answered")} - ended)

    def _run(self) -> None:
        while not self._stop.is_set():
            now = time.monotonic()
            for due in [due for due in self._due if due[0] <= now]:
                self._due.remove(due)
                self._answer(due[1], due[2], due[3])
            if select.select([self._socket], [], [], 0.01)[0]:
                data, more, _, source = self._socket.recvmsg(65535, socket.CMSG_SPACE(TIMESPEC.size))
                self._receive(data.decode(errors="replace"), source, _came_at(more))

    def _receive(self, message: str, source: tuple[str, int], at: float) -> None:
        method = message.partition(" ")[0]
        if not re.fullmatch("[A-Z]+", method):
            return
        branch = re.search(r"branch=([^;,\s]+)", header(message, "via"))
        one = Seen(at, method, header(message, "call-id"), branch[1] if branch else "", message)
        known = any(old.method == "INVITE" and old.branch == one.branch for old in self._seen)
        self._seen.append(one)
        if method == "INVITE" and not known:
            self._due += [(one.at + after, message, code, source) for after, code in self.script]
        elif method == "CANCEL":
            self._answer(message, 200, source)
            invite = next((old for old in self._seen if old.method == "INVITE" and old.branch == one.branch), None)
            if self._heeds_cancel and invite:
                self._due = [due for due in self._due if f"branch={one.branch}" not in due[1]]
                self._answer(invite.message, 487, source)
        elif method in ("BYE", "OPTIONS"):
            self._answer(message, 200, source)

    def _answer(self, request: str, code: int, source: tuple[str, int]) -> None:
        kept = [f"{name}: {value}" for name, value in headers(request) if name in ("via", "from", "call-id", "cseq")]
        kept += [f"record-route: {value}" for name, value in headers(request) if name == "record-route"]
        tag = {True: ";tag=answered", False: f";tag=r{code}"}[code == 200 or 101 <= code < 200]
        to = header(request, "to")
        kept.append(f"to: {to}" if "tag=" in to or code == 100 else f"to: {to}{tag}")
        body = SDP.format(ip=self._ip) if request.startswith("INVITE") and code == 200 else ""
        kept += [f"contact: <sip:{self._ip}:5060>", f"content-length: {len(body)}"]
        kept += ["content-type: application/sdp"] if body else []
        text = f"SIP/2.0 {code} Said By A Script\r\n" + "\r\n".join(kept) + "\r\n\r\n" + body
        self._socket.sendto(text.encode(), source)
