"""A phone that shows every byte: one socket, by UDP, TCP or TLS, messages as text. For what sipp and real phones cannot
show or say: whole headers, SHA-256, a body that must come through untouched.

It holds one registration and one call at a time, and knows only what tests need.
"""

from __future__ import annotations

import contextlib
import hashlib
import itertools
import re
import socket
import ssl
import time
from collections.abc import Callable, Mapping
from types import TracebackType

from hil.net import Host
from hil.phone import PhoneError
from hil.phone.sipp import User

__all__ = ["RawPhone", "authorization", "body_of", "header", "headers", "status"]

READ_BYTES = 65_535
ANSWER_TIMEOUT_S = 20.0
RESEND_S = 1.0
"""By UDP a request that has no final answer is sent again after this."""
SDP = "v=0\r\no=- 1 1 IN IP4 {ip}\r\ns=-\r\nc=IN IP4 {ip}\r\nt=0 0\r\n"
"""What stands before the media lines."""

_HASHES = {"MD5": hashlib.md5, "SHA-256": hashlib.sha256}
_numbers = itertools.count(1)


def headers(message: str, name: str) -> list[str]:
    """The values of every header of that name, in order."""
    head = message.partition("\r\n\r\n")[0]
    return re.findall(rf"^{re.escape(name)}[ \t]*:[ \t]*(.*?)\r?$", head, re.M | re.I)


def header(message: str, name: str) -> str:
    """The first value of a header; "" when there is none."""
    return (headers(message, name) or [""])[0]


def body_of(message: str) -> str:
    return message.partition("\r\n\r\n")[2]


def status(message: str) -> int:
    """The code of a response; 0 for anything else."""
    return int(message[8:11]) if message.startswith("SIP/2.0 ") else 0


def authorization(challenge: str, method: str, uri: str, user: User, realm: str) -> str:
    """The credentials of `user` that answer a 401 or 407, by its own algorithm (RFC 7616). Raises KeyError
    for what is no challenge, or of an algorithm other than MD5 and SHA-256."""
    offered = header(challenge, "WWW-Authenticate") or header(challenge, "Proxy-Authenticate")
    found = dict(re.findall(r'(\w+)="?([^",]+)"?', offered.partition(" ")[2]))
    algorithm = found.get("algorithm", "MD5")

    def hashed(text: str) -> str:
        return _HASHES[algorithm](text.encode()).hexdigest()

    first = hashed(f"{user.extension}:{realm}:{user.password}")
    middle, tail = found["nonce"], ""
    if "qop" in found:
        middle += ":00000001:raw:auth"
        tail = ', qop=auth, nc=00000001, cnonce="raw"'
    response = hashed(f"{first}:{middle}:{hashed(f'{method}:{uri}')}")
    return (
        f'Digest username="{user.extension}", realm="{realm}", nonce="{found["nonce"]}", uri="{uri}", '
        f'response="{response}", algorithm={algorithm}{tail}'
    )


class RawPhone:
    """A context manager. ``proxy`` is "ip:port"; ``tls`` is how the unit's certificate is checked, and makes it TLS.

    Its Contact names the address that it believes it has, which behind a NAT is not the one that the unit sees.
    """

    def __init__(
        self,
        host: Host,
        ip: str,
        user: User,
        proxy: str,
        realm: str,
        *,
        transport: str = "udp",
        port: int = 5060,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self.ip, self.user, self.realm = ip, user, realm
        self.transport = "tls" if tls else transport
        address, _, proxy_port = proxy.partition(":")
        self._socket = host.socket(socket.SOCK_DGRAM if self.transport == "udp" else socket.SOCK_STREAM)
        self._socket.settimeout(ANSWER_TIMEOUT_S)
        if self.transport != "udp":
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._socket.bind((ip, port if self.transport == "udp" else 0))
        self._socket.connect((address, int(proxy_port)))
        if tls:
            self._socket = tls.wrap_socket(self._socket, server_hostname=address)
        self.port: int = self._socket.getsockname()[1]
        self._read = b""
        self._messages: list[str] = []
        self._register_id = f"raw-register-{next(_numbers)}@{ip}"
        self._cseq = 0

    def __enter__(self) -> RawPhone:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Without a word to anybody, as when the plug is pulled."""
        self._socket.close()

    def forget(self) -> None:
        """What came in and was not asked for."""
        self._messages.clear()

    def unasked(self, timeout_s: float) -> list[str]:
        """What came in that nothing has waited for, within this time too, but provisional answers."""
        with contextlib.suppress(PhoneError):
            self._await(lambda message: False, timeout_s, "anything")
        return [message for message in self._messages if not 100 <= status(message) < 200]

    @property
    def contact(self) -> str:
        return f"<sip:{self.user.extension}@{self.ip}:{self.port};transport={self.transport}>"

    def register(self, expires_s: int = 60) -> str:
        """The final answer, a challenge answered."""
        own = f"<sip:{self.user.extension}@{self.realm}>"
        more = {"To": own, "Call-ID": self._register_id, "Contact": f"{self.contact};expires={expires_s}"}
        return self.ask("REGISTER", f"sip:{self.realm}", more)

    def ask(self, method: str, uri: str, more: Mapping[str, str] | None = None, body: str = "") -> str:
        """Send a request outside a dialog; the final answer, one challenge answered and refusals acknowledged."""
        lines = dict(more or {})
        lines.setdefault("Call-ID", f"raw-{next(_numbers)}@{self.ip}")
        lines.setdefault("From", f"<sip:{self.user.extension}@{self.realm}>;tag=raw{next(_numbers)}")
        request = self.request(method, uri, lines, body)
        answer = self.final(request)
        if status(answer) in (401, 407) and self.user.password:
            kind = "Authorization" if status(answer) == 401 else "Proxy-Authorization"
            lines[kind] = self.authorization(answer, method, uri)
            answer = self.final(self.request(method, uri, lines, body))
        return answer

    def request(self, method: str, uri: str, more: Mapping[str, str], body: str = "") -> str:
        """Send it and give what was sent; ``more`` replaces or adds headers."""
        self._cseq += 1
        lines = {
            "Via": f"SIP/2.0/{self.transport.upper()} {self.ip}:{self.port};rport;branch=z9hG4bK-raw{next(_numbers)}",
            "Max-Forwards": "70",
            "To": f"<{uri}>",
            "CSeq": f"{self._cseq} {method}",
            "Contact": self.contact,
            **more,
        }
        if body:
            lines.setdefault("Content-Type", "application/sdp")
        lines["Content-Length"] = str(len(body.encode()))
        head = f"{method} {uri} SIP/2.0\r\n" + "".join(f"{name}: {value}\r\n" for name, value in lines.items())
        message = f"{head}\r\n{body}"
        self._socket.sendall(message.encode())
        return message

    def final(self, request: str, timeout_s: float = ANSWER_TIMEOUT_S) -> str:
        """The final response to a request that was sent; that of a refused INVITE is acknowledged."""
        call_id, cseq = header(request, "Call-ID"), header(request, "CSeq")
        answer = self._await(
            lambda m: status(m) >= 200 and header(m, "Call-ID") == call_id and header(m, "CSeq") == cseq,
            timeout_s,
            f"final answer to {cseq}",
            request if self.transport == "udp" else "",
        )
        if cseq.endswith(" INVITE") and status(answer) >= 300:
            number, uri = cseq.split()[0], request.split(" ")[1]
            ack = [f"ACK {uri} SIP/2.0", f"Via: {header(request, 'Via')}", f"From: {header(request, 'From')}"]
            ack += [f"To: {header(answer, 'To')}", f"Call-ID: {call_id}", f"CSeq: {number} ACK", "Max-Forwards: 70"]
            self._socket.sendall(("\r\n".join(ack) + "\r\nContent-Length: 0\r\n\r\n").encode())
        return answer

    def called(self, method: str = "INVITE", timeout_s: float = ANSWER_TIMEOUT_S) -> str:
        """The next request of that method that comes in."""
        return self._await(lambda m: m.startswith(f"{method} "), timeout_s, f"{method} at {self.user.extension}")

    def respond(self, request: str, line: str, more: Mapping[str, str] | None = None, body: str = "") -> str:
        """Answer a request that came in, "200 OK" and the like."""
        lines = [f"SIP/2.0 {line}", *(f"Via: {via}" for via in headers(request, "Via"))]
        lines += [f"Record-Route: {route}" for route in headers(request, "Record-Route")]
        to = header(request, "To")
        to += "" if ";tag=" in to else f";tag=raw{self.user.extension}"
        lines += [f"From: {header(request, 'From')}", f"To: {to}", f"Call-ID: {header(request, 'Call-ID')}"]
        lines += [f"CSeq: {header(request, 'CSeq')}", f"Contact: {self.contact}"]
        lines += [f"{name}: {value}" for name, value in (more or {}).items()]
        lines += ["Content-Type: application/sdp"] if body else []
        message = "\r\n".join(lines) + f"\r\nContent-Length: {len(body.encode())}\r\n\r\n{body}"
        self._socket.sendall(message.encode())
        return message

    def within(self, method: str, uri: str, answer: str, more: Mapping[str, str] | None = None) -> str:
        """Send a request in the dialog that ``answer`` to our INVITE to ``uri`` has made (RFC 3261 §12.2.1.1)."""
        target = re.search(r"<([^>]+)>", header(answer, "Contact"))
        routes = ", ".join(route for line in headers(answer, "Record-Route") for route in line.split(","))
        ours = {"Route": ", ".join(reversed([route.strip() for route in routes.split(",")]))} if routes else {}
        names = {name: header(answer, name) for name in ("From", "To", "Call-ID")}
        if method == "ACK":
            ours["CSeq"] = f"{header(answer, 'CSeq').split()[0]} ACK"
        return self.request(method, target[1] if target else uri, {**names, **ours, **(more or {})})

    def authorization(self, challenge: str, method: str, uri: str) -> str:
        """The credentials that answer a 401 or 407."""
        return authorization(challenge, method, uri, self.user, self.realm)

    def _await(self, wanted: Callable[[str], bool], timeout_s: float, what: str, again: str = "") -> str:
        deadline = time.monotonic() + timeout_s
        while True:
            for message in self._messages:
                if wanted(message):
                    self._messages.remove(message)
                    return message
            left = deadline - time.monotonic()
            if left <= 0:
                heard = [message.partition("\r\n")[0] for message in self._messages]
                raise PhoneError(f"{self.user.extension}: no {what} within {timeout_s} s; heard {heard}")
            self._socket.settimeout(min(left, RESEND_S) if again else left)
            try:
                data = self._socket.recv(READ_BYTES)
            except TimeoutError:
                if again and time.monotonic() < deadline:
                    self._socket.sendall(again.encode())
                continue
            if not data and self.transport != "udp":
                raise PhoneError(f"{self.user.extension}: the unit closed the connection")
            self._take(data)

    def _take(self, data: bytes) -> None:
        if self.transport == "udp":
            self._messages.append(data.decode(errors="replace"))
            return
        self._read = (self._read + data).lstrip(b"\r\n")
        while b"\r\n\r\n" in self._read:
            head, _, rest = self._read.partition(b"\r\n\r\n")
            length = int(header(head.decode(errors="replace") + "\r\n\r\n", "Content-Length") or 0)
            if len(rest) < length:
                return
            self._messages.append((head + b"\r\n\r\n" + rest[:length]).decode(errors="replace"))
            self._read = rest[length:].lstrip(b"\r\n")
