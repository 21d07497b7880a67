"""A crowd of phones that hear: SIP by one UDP socket, a socket of sound for each call, all in one thread.

For what sipp cannot tell (whether anybody sits in silence) and real phones are too heavy for (fifty of them, or five
hundred callers). They speak G.711 A-law and telephone events, and do what a desk phone does in a call: they ring, lift,
press keys, wait, hang up, take a re-INVITE and a REFER, transfer by REFER, and take the place of a call (Replaces).
What each call heard, and when, is told as facts.

Calls are told apart by Call-ID: who calls somebody whom the edge reaches must be of another crowd.
A phone says its tone in one packet of five (`SAYS_EVERY_S`), as nobody listens to it: what counts is that it comes.
"""

from __future__ import annotations

import contextlib
import heapq
import itertools
import random
import re
import selectors
import socket
import struct
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from urllib.parse import quote, unquote

from hil.net import Host
from hil.phone import PhoneError
from hil.phone.raw import authorization, body_of, header, headers, status
from hil.phone.sipp import User

__all__ = ["GAP_S", "Heard", "Hearing", "Manner"]

SAYS_EVERY_S = 0.1
GAP_S = 1.0
"""No sound for so long is remembered."""
T1_S, T2_S = 0.5, 4.0
GIVEN_UP_S = 32.0
"""RFC 3261 §17.1.1.2: timers B and F."""
PATIENCE_S = 60.0
"""Who rings hears a final answer within this, or cancels."""
REMEMBERED = 2_000
"""Answers that are kept for requests that come again."""
READ_BYTES = 65_535
BACKLOG_BYTES = 1 << 22
MILLIWATT = bytes((0x34, 0x21, 0x21, 0x34, 0xB4, 0xA1, 0xA1, 0xB4)) * 20
"""The digital milliwatt: 1 kHz in A-law (ITU-T G.711, table 5)."""
CLOCK_HZ, FRAME_S = 8000, 0.02
VOICE, EVENT = 8, 101
KEYS = "0123456789*#ABCD"
KEY_FRAMES, END_FRAMES = 5, 3
FRAMES = round(SAYS_EVERY_S / FRAME_S)
_RCVBUFFORCE = 33  # <asm-generic/socket.h>; Python has no name for it

_numbers = itertools.count(1)


@dataclass(frozen=True)
class Manner:
    """What a phone does in a call. `keys` are pressed one after the other, the first `after_s` the first sound;
    `hold_s` after it is up it hangs up, None: it waits for the other to do so. `transfer_s` after it is up it sends
    the other to `transfers_to`, by way of a second call that it makes there itself where it is `attended`."""

    ring_s: float = 0.3
    keys: str = ""
    after_s: float = 0.5
    hold_s: float | None = None
    transfers_to: str = ""
    transfer_s: float = 1.0
    attended: bool = False
    refuses: str = ""
    """A status line, "486 Busy Here"."""
    mute: bool = False
    """Says nothing, but for its keys."""
    speaks: bool = False
    """Says all of its tone."""
    between_s: float = 0.3
    """From key to key."""


@dataclass
class Heard:
    """One call as its phone saw it; times are s, time.monotonic(), None: it did not happen (yet)."""

    number: int
    extension: str
    peer: str
    call_id: str
    began_at: float
    label: str = ""
    code: int | None = None  # of the final answer to its own INVITE
    up_at: float | None = None
    over_at: float | None = None
    by_us: bool = False  # it was this phone that ended it
    bye_refused: int | None = None  # what a BYE of ours got, where that was no 200
    sound_at: tuple[str, int] | None = None  # where the other side's description wants its sound
    first_at: float | None = None  # sound
    last_at: float | None = None
    packets: int = 0
    gaps: tuple[tuple[float, float], ...] = ()  # of GAP_S and more without sound, while it was up, that are over
    sources: dict[tuple[str, int], int] = field(default_factory=dict)  # packets by where they came from

    def silence(self, now: float) -> list[tuple[float, float]]:
        """All spans without sound while it was up, before `now`, the one that lasts included."""
        if self.up_at is None:
            return []
        until = now if self.over_at is None else min(now, self.over_at)
        return [*self.gaps, (max(self.up_at, self.last_at or 0.0), until)]


@dataclass(eq=False)
class _Call:
    """A dialog and its sound."""

    heard: Heard
    manner: Manner
    sound: socket.socket
    local: str  # From or To of ours, with its tag
    remote: str
    target: str  # Request-URI within the dialog
    routes: tuple[str, ...] = ()
    cseq: int = 0
    invite: str = ""  # the INVITE that came, or the last of ours
    answer: str = ""  # our 200, sent again until it is acknowledged
    acked: bool = True
    ack: str = ""  # the last of ours
    receives: bool = True
    pressed: bool = False
    cancelled: bool = False
    replaces: str = ""  # header of our INVITE
    final: Callable[[int], None] | None = None
    """Hears the final answer to our INVITE."""
    sequence: int = field(default_factory=lambda: random.getrandbits(16))
    ssrc: int = field(default_factory=lambda: random.getrandbits(32))
    consulting: _Call | None = None

    @property
    def up(self) -> bool:
        return self.heard.up_at is not None and self.heard.over_at is None


@dataclass(eq=False)
class _Asked:
    """A request of ours that waits for its final answer."""

    request: str
    heard: Callable[[str], None]  # "": none came
    interval_s: float = T1_S
    provisional: bool = False


class Hearing:
    """`users` are registered, and answer as `manners` says of each. A context manager."""

    def __init__(
        self,
        host: Host,
        ip: str,
        users: Sequence[User],
        proxy: str,
        realm: str,
        *,
        manners: Mapping[str, Manner] | None = None,
        port: int = 5060,
        register_s: int = 60,
        refresh_s: float | None = None,
        rings: bool = True,
    ) -> None:
        """With `rings` False nobody is registered: they only call."""
        self.ip, self.port = ip, port
        self._host, self._proxy, self._realm = host, proxy, realm
        self._users = {user.extension: user for user in users}
        self._manners = dict(manners or {})
        self._register_s, self._refresh_s, self._rings = register_s, refresh_s or register_s * 0.5, rings
        self._lock = threading.RLock()
        self._over = threading.Event()
        self._due: list[tuple[float, int, Callable[[], None]]] = []
        self._calls: dict[str, _Call] = {}  # by Call-ID
        self._all: list[Heard] = []
        self._asked: dict[str, _Asked] = {}  # by branch
        self._answered: OrderedDict[tuple[str, str], str] = OrderedDict()  # by branch and method
        self._registered: dict[str, float] = {}
        self._register_ids = {
            extension: f"ears-{extension}-{random.getrandbits(32):x}@{ip}" for extension in self._users
        }
        self._register_cseq = 0
        self._selector = selectors.DefaultSelector()
        self._thread: threading.Thread | None = None

    def __enter__(self) -> Hearing:
        self.start()
        return self

    def __exit__(self, *raised: object) -> None:
        self.stop()

    def start(self) -> None:
        """On, and registering. Raises OSError."""
        self._over.clear()
        self._wire = self._host.socket()
        self._wire.setsockopt(socket.SOL_SOCKET, _RCVBUFFORCE, BACKLOG_BYTES)
        self._wire.bind((self.ip, self.port))
        address, _, port = self._proxy.partition(":")
        self._wire.connect((address, int(port)))
        self._wire.setblocking(False)
        self._woken, self._wake = socket.socketpair()
        self._woken.setblocking(False)
        self._selector.register(self._wire, selectors.EVENT_READ, None)
        self._selector.register(self._woken, selectors.EVENT_READ, None)
        if self._rings:
            for extension in self._users:
                self._at(0.0, lambda extension=extension: self._register(extension))  # type: ignore[misc]
        self._at(SAYS_EVERY_S, self._say_all)
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Off, without a word to anybody."""
        if self._thread is None:
            return
        self._over.set()
        self._wake.send(b"x")
        self._thread.join(GIVEN_UP_S)
        self._thread = None
        with self._lock:
            for call in self._calls.values():
                call.heard.over_at = call.heard.over_at or time.monotonic()
                call.sound.close()
            for wire in (self._wire, self._wake, self._woken):
                wire.close()
            self._selector.close()
            self._selector = selectors.DefaultSelector()
            self._calls.clear()
            self._asked.clear()
            self._due.clear()
            self._registered.clear()

    @property
    def registered(self) -> dict[str, float]:
        """When each heard its last 200 to a REGISTER."""
        with self._lock:
            return dict(self._registered)

    def wait_registered(self, timeout_s: float) -> None:
        deadline = time.monotonic() + timeout_s
        while self._rings and len(self.registered) < len(self._users):
            if time.monotonic() > deadline:
                raise PhoneError(f"registered: {sorted(self.registered)} of {sorted(self._users)}")
            time.sleep(0.05)

    @property
    def calls(self) -> list[Heard]:
        """Every call since the beginning, as of now."""
        with self._lock:
            return [replace(each, sources=dict(each.sources)) for each in self._all]

    def dial(self, caller: str, callee: str, manner: Manner | None = None, label: str = "") -> int:
        """Begins a call; its number, by which it is found among `calls`."""
        with self._lock:
            call = self._dial(caller, f"sip:{callee}@{self._realm}", manner or Manner(), label)
        self._wake.send(b"x")
        return call.heard.number

    def hang_up(self, number: int) -> None:
        """Ends a call: by CANCEL, BYE, or by refusing it."""
        with self._lock:
            for call in self._of(number):
                self._hang_up(call)
        self._wake.send(b"x")

    def press(self, number: int, key: str) -> None:
        with self._lock:
            for call in self._of(number):
                self._press(call, key)
        self._wake.send(b"x")

    def within(self, number: int, method: str, more: Mapping[str, str] | None = None, body: str = "") -> None:
        """Sends a request within a call, and looks no further: for who means harm."""

        def heard(answer: str) -> None:
            if method == "INVITE" and 200 <= (status(answer) if answer else 408) < 300:
                self._acknowledge(call, answer, "" if body else self._described(call))

        with self._lock:
            for call in self._of(number):
                self._within(call, method, heard, more, body)
        self._wake.send(b"x")

    def described(self, number: int) -> str:
        """A call's own session description. Raises PhoneError where it is over."""
        with self._lock:
            for call in self._of(number):
                return self._described(call)
        raise PhoneError(f"call {number} is over")

    def sound_of(self, number: int) -> socket.socket:
        """The socket by which a call's sound comes and goes. Raises PhoneError where it is over."""
        with self._lock:
            for call in self._of(number):
                return call.sound
        raise PhoneError(f"call {number} is over")

    # ---- the thread

    def _run(self) -> None:
        while not self._over.is_set():
            with self._lock:
                wait_s = self._due[0][0] - time.monotonic() if self._due else 1.0
            ready = self._selector.select(max(0.0, wait_s))
            with self._lock:
                now = time.monotonic()
                for key, _ in ready:
                    self._read(key.fileobj, key.data)  # type: ignore[arg-type]
                while self._due and self._due[0][0] <= now:
                    heapq.heappop(self._due)[2]()

    def _read(self, wire: socket.socket, call: _Call | None) -> None:
        with contextlib.suppress(BlockingIOError, OSError):
            while data := wire.recv(READ_BYTES) if call is None else self._hear(call):
                if wire is self._wire and data.strip():
                    self._take(data.decode(errors="replace"))

    def _at(self, after_s: float, work: Callable[[], None]) -> None:
        heapq.heappush(self._due, (time.monotonic() + after_s, next(_numbers), work))

    def _of(self, number: int) -> list[_Call]:
        return [call for call in self._calls.values() if call.heard.number == number and call.heard.over_at is None]

    # ---- sound

    def _hear(self, call: _Call) -> bytes:
        data, source = call.sound.recvfrom(READ_BYTES)
        if len(data) < 12 or data[0] >> 6 != 2 or 192 <= data[1] < 224 or data[1] & 0x7F == EVENT:
            return data or b"\0"
        heard, now = call.heard, time.monotonic()
        heard.packets += 1
        heard.sources[source] = heard.sources.get(source, 0) + 1
        if heard.up_at is not None:
            since = max(heard.up_at, heard.last_at or 0.0)
            if now - since >= GAP_S:
                heard.gaps = (*heard.gaps, (since, now))
        heard.first_at = heard.first_at or now
        heard.last_at = now
        if call.up and call.manner.keys and not call.pressed:
            call.pressed = True
            for at, key in enumerate(call.manner.keys):
                self._at(call.manner.after_s + at * call.manner.between_s, lambda key=key: self._press(call, key))  # type: ignore[misc]
        return data

    def _say_all(self) -> None:
        self._at(SAYS_EVERY_S, self._say_all)
        for call in self._calls.values():
            if not call.up or call.manner.mute:
                continue
            at = int(time.monotonic() * CLOCK_HZ)
            for frame in range(FRAMES if call.manner.speaks else 1):
                self._say(call, VOICE, MILLIWATT, at + frame * len(MILLIWATT))

    def _say(self, call: _Call, kind: int, payload: bytes, at: int | None = None, first: bool = False) -> None:
        if call.heard.sound_at is None or not call.receives:
            return
        call.sequence = call.sequence + 1 & 0xFFFF
        at = int(time.monotonic() * CLOCK_HZ) if at is None else at
        head = struct.pack("!BBHII", 0x80, kind | (0x80 if first else 0), call.sequence, at & 0xFFFFFFFF, call.ssrc)
        with contextlib.suppress(OSError):
            call.sound.sendto(head + payload, call.heard.sound_at)

    def _press(self, call: _Call, key: str) -> None:
        """RFC 4733: the duration grows, the end is said three times."""
        at = int(time.monotonic() * CLOCK_HZ)
        for number in range(KEY_FRAMES + END_FRAMES):
            lasted = min(number + 1, KEY_FRAMES) * int(CLOCK_HZ * FRAME_S)
            payload = struct.pack("!BBH", KEYS.index(key), (0x80 if number >= KEY_FRAMES else 0) | 10, lasted)
            self._at(
                number * FRAME_S,
                lambda payload=payload, first=number == 0: self._say(call, EVENT, payload, at, first),  # type: ignore[misc]
            )

    def _described(self, call: _Call) -> str:
        port = call.sound.getsockname()[1]
        return (
            f"v=0\r\no=- {call.ssrc} {call.cseq + 1} IN IP4 {self.ip}\r\ns=-\r\nc=IN IP4 {self.ip}\r\nt=0 0\r\n"
            f"m=audio {port} RTP/AVP {VOICE} {EVENT}\r\na=rtpmap:{VOICE} PCMA/8000\r\n"
            f"a=rtpmap:{EVENT} telephone-event/8000\r\na=fmtp:{EVENT} 0-15\r\n"
        )

    def _agree(self, call: _Call, body: str) -> bool:
        """What the other side says of its sound. False: nothing that is spoken here."""
        audio = re.search(r"^m=audio (\d+) \S+((?: \d+)+)", body, re.M)
        where = re.findall(r"^c=IN IP4 (\S+)", body, re.M)
        if audio is None or not where or str(VOICE) not in audio[2].split() or audio[1] == "0":
            return False
        call.heard.sound_at = str(where[-1]).partition("/")[0], int(audio[1])
        call.receives = not re.search(r"^a=(sendonly|inactive)", body, re.M) and where[-1] != "0.0.0.0"  # noqa: S104
        return True

    # ---- what is asked, and answered

    def _send(self, message: str) -> None:
        with contextlib.suppress(OSError):
            self._wire.send(message.encode())

    def _request(self, method: str, uri: str, lines: Mapping[str, str], body: str = "") -> str:
        made = {
            "Via": f"SIP/2.0/UDP {self.ip}:{self.port};rport;branch=z9hG4bK-ears{next(_numbers)}",
            "Max-Forwards": "70",
            **lines,
        }
        if body:
            made.setdefault("Content-Type", "application/sdp")
        made["Content-Length"] = str(len(body.encode()))
        return f"{method} {uri} SIP/2.0\r\n" + "".join(f"{k}: {v}\r\n" for k, v in made.items()) + f"\r\n{body}"

    def _ask(self, request: str, heard: Callable[[str], None]) -> None:
        branch = _branch(request)
        self._asked[branch] = _Asked(request, heard)
        self._send(request)
        self._at(T1_S, lambda: self._again(branch))
        self._at(PATIENCE_S if request.startswith("INVITE ") else GIVEN_UP_S, lambda: self._give_up(branch))

    def _again(self, branch: str) -> None:
        asked = self._asked.get(branch)
        if asked is None or (asked.provisional and asked.request.startswith("INVITE ")):
            return
        self._send(asked.request)
        asked.interval_s = min(T2_S, asked.interval_s * 2)
        self._at(asked.interval_s, lambda: self._again(branch))

    def _give_up(self, branch: str) -> None:
        if (asked := self._asked.pop(branch, None)) is not None:
            asked.heard("")

    def _with_key(self, request: str, challenge: str, extension: str, cseq: int) -> str:
        """The same, with the answer to a challenge."""
        method, uri = request.split(" ")[:2]
        kind = "Authorization" if status(challenge) == 401 else "Proxy-Authorization"
        key = authorization(challenge, method, uri, self._users[extension], self._realm)
        head, _, body = request.partition("\r\n\r\n")
        kept = [line for line in head.split("\r\n")[1:] if not line.startswith((f"{kind}:", "Via:", "CSeq:"))]
        via = f"Via: SIP/2.0/UDP {self.ip}:{self.port};rport;branch=z9hG4bK-ears{next(_numbers)}"
        lines = [f"{method} {uri} SIP/2.0", via, f"CSeq: {cseq} {method}", f"{kind}: {key}", *kept]
        return "\r\n".join(lines) + f"\r\n\r\n{body}"

    def _take(self, message: str) -> None:
        if status(message):
            self._take_response(message)
        elif message.startswith("ACK "):
            if (call := self._calls.get(header(message, "Call-ID"))) is not None:
                self._acked(call, message)
        else:
            method = message.partition(" ")[0]
            known = self._answered.get((_branch(message), method))
            if known is not None:
                self._send(known)
            else:
                self._take_request(method, message)

    def _take_response(self, message: str) -> None:
        branch = _branch(message)
        asked = self._asked.get(branch)
        if asked is None:
            call = self._calls.get(header(message, "Call-ID"))
            if call is not None and call.ack and 200 <= status(message) < 300 and " INVITE" in header(message, "CSeq"):
                self._send(call.ack)
            return
        if status(message) < 200:
            asked.provisional = True
            return
        del self._asked[branch]
        if asked.request.startswith("INVITE ") and status(message) >= 300:
            number, uri = header(message, "CSeq").split()[0], asked.request.split(" ")[1]
            lines = {name: header(asked.request, name) for name in ("Via", "From", "Call-ID", "Route")}
            lines = {name: value for name, value in lines.items() if value}
            self._send(self._request("ACK", uri, {**lines, "To": header(message, "To"), "CSeq": f"{number} ACK"}))
        asked.heard(message)

    def _respond(self, request: str, line: str, more: Mapping[str, str] | None = None, body: str = "") -> str:
        lines = [f"SIP/2.0 {line}", *(f"Via: {via}" for via in headers(request, "Via"))]
        lines += [f"Record-Route: {route}" for route in headers(request, "Record-Route")]
        to = header(request, "To")
        call = self._calls.get(header(request, "Call-ID"))
        if ";tag=" not in to:
            to = call.local if call is not None else f"{to};tag=ears{next(_numbers)}"
        lines += [f"From: {header(request, 'From')}", f"To: {to}", f"Call-ID: {header(request, 'Call-ID')}"]
        lines += [f"CSeq: {header(request, 'CSeq')}", f"Contact: <sip:{_user(to)}@{self.ip}:{self.port}>"]
        lines += [f"{name}: {value}" for name, value in (more or {}).items()]
        lines += ["Content-Type: application/sdp"] if body else []
        answer = "\r\n".join(lines) + f"\r\nContent-Length: {len(body.encode())}\r\n\r\n{body}"
        self._answered[_branch(request), request.partition(" ")[0]] = answer
        while len(self._answered) > REMEMBERED:
            self._answered.popitem(last=False)
        self._send(answer)
        return answer

    # ---- registered

    def _register(self, extension: str) -> None:
        self._register_cseq += 1
        who = f"<sip:{extension}@{self._realm}>"
        lines = {
            "From": f"{who};tag=ears{next(_numbers)}",
            "To": who,
            "Call-ID": self._register_ids[extension],
            "CSeq": f"{self._register_cseq} REGISTER",
            "Contact": f"<sip:{extension}@{self.ip}:{self.port}>;expires={self._register_s}",
        }
        request = self._request("REGISTER", f"sip:{self._realm}", lines)
        self._ask(request, lambda answer: self._registering(extension, request, answer, 0))

    def _registering(self, extension: str, request: str, answer: str, tried: int) -> None:
        code = status(answer) if answer else 0
        if code in (401, 407) and tried < 2:
            self._register_cseq += 1
            again = self._with_key(request, answer, extension, self._register_cseq)
            self._ask(again, lambda more: self._registering(extension, request, more, tried + 1))
            return
        if code == 200:
            self._registered[extension] = time.monotonic()
        self._at(self._refresh_s if code == 200 else T2_S / 2, lambda: self._register(extension))

    # ---- calls of ours

    def _dial(self, caller: str, uri: str, manner: Manner, label: str = "", replaces: str = "") -> _Call:
        tag, call_id = f"ears{next(_numbers)}", f"ears-{random.getrandbits(64):x}@{self.ip}"
        callee = _user(uri)
        heard = Heard(next(_numbers), caller, callee, call_id, time.monotonic(), label)
        call = _Call(
            heard, manner, self._open(), f"<sip:{caller}@{self._realm}>;tag={tag}", f"<{uri}>", uri, replaces=replaces
        )
        self._begin(call)
        self._invite(call)
        return call

    def _open(self) -> socket.socket:
        sound = self._host.socket()
        sound.bind((self.ip, 0))
        sound.setblocking(False)
        return sound

    def _begin(self, call: _Call) -> None:
        self._calls[call.heard.call_id] = call
        self._all.append(call.heard)
        self._selector.register(call.sound, selectors.EVENT_READ, call)

    def _lines(self, call: _Call, method: str) -> dict[str, str]:
        call.cseq += 1
        lines = {"Route": ", ".join(call.routes)} if call.routes else {}
        return {
            **lines,
            "From": call.local,
            "To": call.remote,
            "Call-ID": call.heard.call_id,
            "CSeq": f"{call.cseq} {method}",
            "Contact": f"<sip:{call.heard.extension}@{self.ip}:{self.port}>",
        }

    def _invite(self, call: _Call) -> None:
        lines = self._lines(call, "INVITE")
        if call.replaces:
            lines["Replaces"] = call.replaces
        lines["Allow"] = "INVITE, ACK, BYE, CANCEL, OPTIONS, REFER, NOTIFY, UPDATE"
        call.invite = self._request("INVITE", call.target, lines, self._described(call))
        self._ask(call.invite, lambda answer: self._inviting(call, answer, 0))

    def _inviting(self, call: _Call, answer: str, tried: int) -> None:
        code = status(answer) if answer else 408
        if code in (401, 407) and tried < 2 and call.heard.extension in self._users and not call.cancelled:
            call.cseq += 1
            call.invite = self._with_key(call.invite, answer, call.heard.extension, call.cseq)
            self._ask(call.invite, lambda more: self._inviting(call, more, tried + 1))
            return
        call.heard.code = code
        if not 200 <= code < 300:
            if not answer:
                self._cancel(call)
            self._over_now(call)
        else:
            call.remote = header(answer, "To")
            call.target = _uri(header(answer, "Contact"))
            call.routes = tuple(reversed(_listed(answer, "Record-Route")))
            self._acknowledge(call, answer)
            good = self._agree(call, body_of(answer))
            self._up(call)
            if not good or call.cancelled:
                self._hang_up(call)
        if call.final is not None:
            call.final(code)

    def _acknowledge(self, call: _Call, answer: str, body: str = "") -> None:
        lines = self._lines(call, "ACK")
        call.cseq -= 1
        lines["CSeq"] = f"{header(answer, 'CSeq').split()[0]} ACK"
        call.ack = self._request("ACK", call.target, lines, body)
        self._send(call.ack)

    def _cancel(self, call: _Call) -> None:
        number, uri = header(call.invite, "CSeq").split()[0], call.invite.split(" ")[1]
        lines = {name: header(call.invite, name) for name in ("Via", "From", "To", "Call-ID")}
        self._send(self._request("CANCEL", uri, {**lines, "CSeq": f"{number} CANCEL"}))

    def _within(
        self,
        call: _Call,
        method: str,
        heard: Callable[[str], None],
        more: Mapping[str, str] | None = None,
        body: str = "",
    ) -> None:
        self._ask(self._request(method, call.target, {**self._lines(call, method), **(more or {})}, body), heard)

    def _up(self, call: _Call) -> None:
        if call.heard.up_at is not None or call.heard.over_at is not None:
            return
        call.heard.up_at = time.monotonic()
        manner = call.manner
        if manner.hold_s is not None:
            self._at(manner.hold_s, lambda: self._hang_up(call))
        if manner.transfers_to:
            self._at(manner.transfer_s, lambda: self._transfer(call))

    def _hang_up(self, call: _Call) -> None:
        heard = call.heard
        if heard.over_at is not None:
            return
        if heard.up_at is None and not call.acked and not call.answer:
            self._respond(call.invite, "603 Decline")
            self._over_now(call)
        elif heard.up_at is None and not call.answer:
            if not call.cancelled:
                call.cancelled = True
                self._cancel(call)
        else:
            heard.by_us = True
            self._within(call, "BYE", lambda answer: self._bye_heard(call, answer))
            self._over_now(call)

    def _bye_heard(self, call: _Call, answer: str) -> None:
        code = status(answer) if answer else 408
        call.heard.bye_refused = None if code == 200 else code

    def _over_now(self, call: _Call) -> None:
        if call.heard.over_at is None:
            call.heard.over_at = time.monotonic()
            self._selector.unregister(call.sound)
            call.sound.close()
            # What comes again is answered still.
            self._at(GIVEN_UP_S, lambda: self._forget(call.heard.call_id))

    def _forget(self, call_id: str) -> None:
        self._calls.pop(call_id, None)

    # ---- transfer

    def _transfer(self, call: _Call) -> None:
        if not call.up:
            return
        manner = call.manner
        if not manner.attended:
            self._refer(call, f"<sip:{manner.transfers_to}@{self._realm}>")
            return

        def answered(code: int) -> None:
            if call.up and second.up:
                self._at(manner.transfer_s, lambda: self._refer_to(call, second))
            else:
                self._hang_up(call)
                self._hang_up(second)

        second = self._dial(call.heard.extension, f"sip:{manner.transfers_to}@{self._realm}", Manner(), "consulting")
        second.final = answered
        call.consulting = second

    def _refer_to(self, call: _Call, second: _Call) -> None:
        if not (call.up and second.up):
            self._hang_up(call)
            self._hang_up(second)
        else:
            dialog = f"{second.heard.call_id};to-tag={_tag(second.remote)};from-tag={_tag(second.local)}"
            where = f"sip:{call.manner.transfers_to}@{self._realm}"
            self._refer(call, f"<{where}?Replaces={quote(dialog, safe='')}>")

    def _refer(self, call: _Call, to: str) -> None:
        def heard(answer: str) -> None:
            if not 200 <= (status(answer) if answer else 408) < 300:
                self._hang_up(call)  # nothing came of it

        self._within(call, "REFER", heard, {"Refer-To": to, "Referred-By": call.local.partition(";")[0]})

    def _referred(self, call: _Call, request: str) -> None:
        """The other sends us on: a call of our own, of which it hears."""
        found = re.search(r"<?(sip:[^>?]+)(?:\?([^>]*))?>?", header(request, "Refer-To"))
        if found is None:
            self._respond(request, "400 Bad Refer-To")
            return
        self._respond(request, "202 Accepted")
        replaces = re.search(r"(?:^|&)Replaces=([^&]*)", found[2] or "", re.I)
        new = self._dial(
            call.heard.extension, found[1], Manner(hold_s=call.manner.hold_s), call.heard.label,
            unquote(replaces[1]) if replaces else "",
        )  # fmt: skip

        def answered(code: int) -> None:
            if call.heard.over_at is None:
                more = {
                    "Event": "refer", "Subscription-State": "terminated;reason=noresource",
                    "Content-Type": "message/sipfrag;version=2.0",
                }  # fmt: skip
                self._within(call, "NOTIFY", lambda answer: None, more, f"SIP/2.0 {code} Told\r\n")

        new.final = answered

    # ---- calls that come

    def _take_request(self, method: str, message: str) -> None:
        call = self._calls.get(header(message, "Call-ID"))
        inside = ";tag=" in header(message, "To")
        match method:
            case "INVITE" if not inside:
                self._invited(message)
            case "OPTIONS":
                self._respond(message, "200 OK")
            case _ if call is None or (call.heard.over_at is not None and method != "BYE"):
                self._respond(message, "481 Call Does Not Exist")
            case "CANCEL":
                self._respond(message, "200 OK")
                if call.heard.up_at is None and call.heard.over_at is None:
                    self._respond(call.invite, "487 Request Terminated")
                    self._over_now(call)
            case "BYE":
                self._respond(message, "200 OK")
                self._over_now(call)
            case "INVITE":
                good = not body_of(message) or self._agree(call, body_of(message))
                if good:
                    call.answer, call.acked = self._respond(message, "200 OK", body=self._described(call)), False
                    call.invite = message
                    self._at(T1_S, lambda: self._answer_again(call, call.answer, T1_S, 0.0))
                else:
                    self._respond(message, "488 Not Acceptable Here")
            case "UPDATE":
                self._agree(call, body_of(message))
                self._respond(message, "200 OK", body=self._described(call) if body_of(message) else "")
            case "REFER":
                self._referred(call, message)
            case "NOTIFY":
                self._respond(message, "200 OK")
                said = re.match(r"SIP/2.0 (\d{3})", body_of(message))
                if said and int(said[1]) >= 200:
                    for each in (call, call.consulting):
                        if each is not None:
                            self._hang_up(each)
            case _:
                self._respond(message, "405 Method Not Allowed")

    def _invited(self, message: str) -> None:
        extension = _user(message.split(" ")[1])
        manner = self._manners.get(extension, Manner())
        if extension not in self._users:
            self._respond(message, "404 Not Found")
            return
        replaced = self._replaced(header(message, "Replaces"))
        if header(message, "Replaces") and replaced is None:
            self._respond(message, "481 Call Does Not Exist")
            return
        if manner.refuses:
            self._respond(message, manner.refuses)
            return
        heard = Heard(
            next(_numbers), extension, _user(header(message, "From")), header(message, "Call-ID"), time.monotonic()
        )
        call = _Call(
            heard,
            manner,
            self._open(),
            f"{header(message, 'To')};tag=ears{next(_numbers)}",
            header(message, "From"),
            _uri(header(message, "Contact")),
            tuple(_listed(message, "Record-Route")),
            invite=message,
            acked=False,
        )
        self._begin(call)
        if body_of(message) and not self._agree(call, body_of(message)):
            self._respond(message, "488 Not Acceptable Here")
            self._over_now(call)
        elif replaced is not None:
            self._lift(call)
            self._hang_up(replaced)
        else:
            self._respond(message, "180 Ringing")
            self._at(manner.ring_s, lambda: self._lift(call))

    def _replaced(self, dialog: str) -> _Call | None:
        call = self._calls.get(dialog.partition(";")[0].strip())
        return call if call is not None and call.up and f"to-tag={_tag(call.local)}" in dialog else None

    def _lift(self, call: _Call) -> None:
        if call.heard.over_at is None and not call.answer:
            call.answer = self._respond(call.invite, "200 OK", body=self._described(call))
            self._at(T1_S, lambda: self._answer_again(call, call.answer, T1_S, 0.0))

    def _answer_again(self, call: _Call, answer: str, interval_s: float, waited_s: float) -> None:
        """RFC 3261 §13.3.1.4."""
        if call.acked or call.heard.over_at is not None or answer != call.answer:
            return
        if waited_s >= GIVEN_UP_S:
            self._up(call)
            self._hang_up(call)
            return
        self._send(answer)
        more_s = min(T2_S, interval_s * 2)
        self._at(more_s, lambda: self._answer_again(call, answer, more_s, waited_s + interval_s))

    def _acked(self, call: _Call, message: str) -> None:
        if not call.answer or call.heard.over_at is not None:
            return
        call.acked = True
        if body_of(message):
            self._agree(call, body_of(message))
        self._up(call)


def _branch(message: str) -> str:
    found = re.search(r"branch=([^;,\s]+)", header(message, "Via"))
    return found[1] if found else ""


def _tag(value: str) -> str:
    found = re.search(r";tag=([^;\s>]+)", value)
    return found[1] if found else ""


def _user(value: str) -> str:
    found = re.search(r"sips?:([^@;>]+)@", value)
    return found[1] if found else ""


def _uri(value: str) -> str:
    found = re.search(r"<([^>]+)>", value)
    return found[1] if found else value.partition(";")[0].strip()


def _listed(message: str, name: str) -> list[str]:
    return [route.strip() for line in headers(message, name) for route in line.split(",")]
