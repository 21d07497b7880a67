"""The SIP of a crowd by one UDP socket: requests that are sent again until they are answered, and answers that are
sent again when their request comes again (RFC 3261 §17)."""

from __future__ import annotations

import contextlib
import itertools
import re
import socket
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from hil.net import Host
from hil.phone.hearing.loop import Loop
from hil.phone.raw import authorization, header, headers, status
from hil.phone.sipp import User

__all__ = ["GIVEN_UP_S", "KEYS_TRIED", "T1_S", "T2_S", "Signalling", "listed", "new_tag", "tag_of", "uri_of", "user_of"]

T1_S, T2_S = 0.5, 4.0
GIVEN_UP_S = 32.0
"""RFC 3261 §17.1.1.2: timers B and F."""
PATIENCE_S = 60.0
"""Who rings hears a final answer within this, or cancels."""
KEYS_TRIED = 2
"""A challenge is answered so many times."""
REMEMBERED = 2_000
"""Answers that are kept for requests that come again."""
BACKLOG_BYTES = 1 << 22
_RCVBUFFORCE = 33  # <asm-generic/socket.h>; Python has no name for it

_numbers = itertools.count(1)


@dataclass(eq=False)
class _Asked:
    """A request of ours that waits for its final answer."""

    request: str
    heard: Callable[[str], None]  # "": none came
    interval_s: float = T1_S
    provisional: bool = False


class Signalling:
    """From `ip`:`port` to `proxy` ("ip:port"), and from there."""

    def __init__(self, loop: Loop, host: Host, ip: str, port: int, proxy: str, realm: str) -> None:
        self.ip, self.port, self.realm = ip, port, realm
        self._loop, self._host, self._proxy = loop, host, proxy
        self._asked: dict[str, _Asked] = {}  # by branch
        self._answered: OrderedDict[tuple[str, str], str] = OrderedDict()  # by branch and method

    def open(self, came: Callable[[str, str], None], repeated: Callable[[str], None]) -> None:
        """`came` gets the method and text of each request that is new, ACK too; `repeated` each 2xx that nothing here
        waits for. Raises OSError."""
        self._came, self._repeated = came, repeated
        self._wire = self._host.socket()
        self._wire.setsockopt(socket.SOL_SOCKET, _RCVBUFFORCE, BACKLOG_BYTES)
        self._wire.bind((self.ip, self.port))
        address, _, port = self._proxy.partition(":")
        self._wire.connect((address, int(port)))
        self._wire.setblocking(False)
        self._loop.watch(self._wire, self._read)

    def close(self) -> None:
        """The loop is at rest by then."""
        self._wire.close()
        self._asked.clear()

    def contact(self, extension: str) -> str:
        return f"<sip:{extension}@{self.ip}:{self.port}>"

    def send(self, message: str) -> None:
        with contextlib.suppress(OSError):
            self._wire.send(message.encode())

    def request(self, method: str, uri: str, lines: Mapping[str, str], body: str = "") -> str:
        """The text of one; `lines` are its headers, a Via among them stands for a new one."""
        made = {"Via": self._via(), "Max-Forwards": "70", **lines}
        if body:
            made.setdefault("Content-Type", "application/sdp")
        made["Content-Length"] = str(len(body.encode()))
        return f"{method} {uri} SIP/2.0\r\n" + "".join(f"{k}: {v}\r\n" for k, v in made.items()) + f"\r\n{body}"

    def with_key(self, request: str, challenge: str, user: User, cseq: int) -> str:
        """The same, with the answer to a challenge."""
        method, uri = request.split(" ")[:2]
        kind = "Authorization" if status(challenge) == 401 else "Proxy-Authorization"
        key = authorization(challenge, method, uri, user, self.realm)
        head, _, body = request.partition("\r\n\r\n")
        kept = [line for line in head.split("\r\n")[1:] if not line.startswith((f"{kind}:", "Via:", "CSeq:"))]
        lines = [f"{method} {uri} SIP/2.0", f"Via: {self._via()}", f"CSeq: {cseq} {method}", f"{kind}: {key}", *kept]
        return "\r\n".join(lines) + f"\r\n\r\n{body}"

    def ask(self, request: str, heard: Callable[[str], None]) -> None:
        """Sends it until it is answered. `heard` gets the final answer once; "": none came."""
        branch = _branch(request)
        self._asked[branch] = _Asked(request, heard)
        self.send(request)
        self._loop.at(T1_S, lambda: self._again(branch))
        self._loop.at(PATIENCE_S if request.startswith("INVITE ") else GIVEN_UP_S, lambda: self._give_up(branch))

    def respond(self, request: str, line: str, to: str, more: Mapping[str, str] | None = None, body: str = "") -> str:
        """What was sent: an answer with the status line `line`, and `to` for a To that has no tag."""
        lines = [f"SIP/2.0 {line}", *(f"Via: {via}" for via in headers(request, "Via"))]
        lines += [f"Record-Route: {route}" for route in headers(request, "Record-Route")]
        asked_to = header(request, "To")
        to = asked_to if ";tag=" in asked_to else to
        lines += [f"From: {header(request, 'From')}", f"To: {to}", f"Call-ID: {header(request, 'Call-ID')}"]
        lines += [f"CSeq: {header(request, 'CSeq')}", f"Contact: {self.contact(user_of(to))}"]
        lines += [f"{name}: {value}" for name, value in (more or {}).items()]
        lines += ["Content-Type: application/sdp"] if body else []
        answer = "\r\n".join(lines) + f"\r\nContent-Length: {len(body.encode())}\r\n\r\n{body}"
        self._answered[_branch(request), request.partition(" ")[0]] = answer
        while len(self._answered) > REMEMBERED:
            self._answered.popitem(last=False)
        self.send(answer)
        return answer

    def _via(self) -> str:
        return f"SIP/2.0/UDP {self.ip}:{self.port};rport;branch=z9hG4bK-ears{next(_numbers)}"

    def _again(self, branch: str) -> None:
        asked = self._asked.get(branch)
        if asked is None or (asked.provisional and asked.request.startswith("INVITE ")):
            return
        self.send(asked.request)
        asked.interval_s = min(T2_S, asked.interval_s * 2)
        self._loop.at(asked.interval_s, lambda: self._again(branch))

    def _give_up(self, branch: str) -> None:
        if (asked := self._asked.pop(branch, None)) is not None:
            asked.heard("")

    def _read(self, data: bytes, source: object) -> None:
        message = data.decode(errors="replace")
        if not message.strip():
            return
        if status(message):
            self._take_response(message)
            return
        method = message.partition(" ")[0]
        known = self._answered.get((_branch(message), method))
        if known is not None:
            self.send(known)
        else:
            self._came(method, message)

    def _take_response(self, message: str) -> None:
        branch = _branch(message)
        asked, method = self._asked.get(branch), header(message, "CSeq").rpartition(" ")[2]
        # A CANCEL has the branch of its INVITE (RFC 3261 §17.1.3).
        if asked is None or not asked.request.startswith(f"{method} "):
            if 200 <= status(message) < 300:
                self._repeated(message)
            return
        if status(message) < 200:
            asked.provisional = True
            return
        del self._asked[branch]
        if asked.request.startswith("INVITE ") and status(message) >= 300:
            number, uri = header(message, "CSeq").split()[0], asked.request.split(" ")[1]
            lines = {name: header(asked.request, name) for name in ("Via", "From", "Call-ID", "Route")}
            lines = {name: value for name, value in lines.items() if value}
            self.send(self.request("ACK", uri, {**lines, "To": header(message, "To"), "CSeq": f"{number} ACK"}))
        asked.heard(message)


def new_tag() -> str:
    return f"ears{next(_numbers)}"


def tag_of(value: str) -> str:
    """Of a From or To; "": it has none."""
    found = re.search(r";tag=([^;\s>]+)", value)
    return found[1] if found else ""


def user_of(value: str) -> str:
    """Of the first SIP URI in a text; "": it has none."""
    found = re.search(r"sips?:([^@;>]+)@", value)
    return found[1] if found else ""


def uri_of(value: str) -> str:
    """Of a Contact, From or To."""
    found = re.search(r"<([^>]+)>", value)
    return found[1] if found else value.partition(";")[0].strip()


def listed(message: str, name: str) -> list[str]:
    """The values of a header that is a list, in order, however many lines they stand on."""
    return [each.strip() for line in headers(message, name) for each in line.split(",")]


def _branch(message: str) -> str:
    found = re.search(r"branch=([^;,\s]+)", header(message, "Via"))
    return found[1] if found else ""
