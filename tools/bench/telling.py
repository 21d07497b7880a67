"""Callers who are told why nobody answers: how soon they hear it, and how evenly, while people are taken in.

Nothing is recorded, so each is told it by espeak-ng, of somebody else. Arrivals are the kernel's, so that these phones
may be slow.
"""

from __future__ import annotations

import math
import selectors
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from callcontrol.media.pcm import RATE_HZ
from callcontrol.media.rtp import Packet, parse
from hil.net import Host
from hil.phone import PhoneError
from hil.phone.raw import SDP, RawPhone, status
from hil.site import PROXY, REALM
from tools.bench.building import STEP_S, Building
from tools.bench.processes import pss_mb

__all__ = ["AT_ONCE", "Arrival", "Ear", "Told", "late_ms", "tell"]

AT_ONCE = 20
FIRST_SIP_PORT, FIRST_RTP_PORT = 20000, 21000
PHONE_IP = 13
AGAIN_S = 0.2
MEMORY_READS, MEMORY_EVERY_S = 20, 0.02
AFTER_S = 1.5
"""`calls` sees what was taken in within a second."""
TIMESTAMPS = 35
"""SO_TIMESTAMPNS, and what the kernel says by it (socket(7)): seconds and nanoseconds of the machine's clock."""
READ_BYTES = 2048
IMPORT_TIMEOUT_S = 60.0
ROOT = Path(__file__).parents[2]


@dataclass
class Told:
    """`late_ms`: each packet that came while people were taken in, against its turn. `starts_ms`: INVITE to the first
    packet, challenge included; `math.inf` heard nothing."""

    starts_ms: list[float] = field(default_factory=list)
    late_ms: list[float] = field(default_factory=list)
    memory_mb: list[float] = field(default_factory=list)
    import_s: list[float] = field(default_factory=list)


class Arrival(NamedTuple):
    """A packet: when it came, s of the machine's clock; the sample it begins with; whether it is the first after a
    silence (RFC 3551 §4.1)."""

    at: float
    sample: int
    first: bool


class Ear:
    """One phone's port of sound, and what came to it."""

    def __init__(self, host: Host, ip: str, port: int) -> None:
        self.wire = host.socket()
        self.wire.setsockopt(socket.SOL_SOCKET, TIMESTAMPS, 1)
        self.wire.setblocking(False)
        self.wire.bind((ip, port))
        self.port = port
        self.heard: list[Arrival] = []

    def listen(self) -> None:
        """Takes what has come."""
        while True:
            try:
                data, said, _, _ = self.wire.recvmsg(READ_BYTES, socket.CMSG_SPACE(16))
            except BlockingIOError:
                return
            try:
                packet: Packet = parse(data)
            except ValueError:
                continue
            for level, kind, stamp in said:
                if (level, kind) == (socket.SOL_SOCKET, TIMESTAMPS):
                    seconds, nanos = int.from_bytes(stamp[:8], "little"), int.from_bytes(stamp[8:16], "little")
                    self.heard.append(Arrival(seconds + nanos / 1e9, packet.timestamp, packet.marker))


def late_ms(heard: Sequence[Arrival], since: float, until: float) -> list[float]:
    """Of each packet that came between `since` and `until` (s of the machine's clock): how long after its turn, as the
    earliest of what was said without a pause has it."""
    found: list[float] = []
    spurt: list[tuple[float, float]] = []

    def count() -> None:
        first = min((offset for _, offset in spurt), default=0.0)
        found.extend(1000 * (offset - first) for at, offset in spurt if since <= at <= until)
        spurt.clear()

    for packet in heard:
        if packet.first:
            count()
        spurt.append((packet.at, packet.at - packet.sample / RATE_HZ))
    count()
    return found


class _Caller:
    """A registered phone with an ear; a context manager that hangs up."""

    def __init__(self, building: Building, number: int) -> None:
        host, ip = building.site.phones, building.site.phone_ip(PHONE_IP)
        self._phone = RawPhone(host, ip, building.callers[number], PROXY, REALM, port=FIRST_SIP_PORT + 2 * number)
        self.ear = Ear(host, ip, FIRST_RTP_PORT + 2 * number)
        self._phone.register()
        self._up: tuple[str, str] | None = None  # URI and answer
        self.began_at = math.inf

    def __enter__(self) -> _Caller:
        return self

    def __exit__(self, *_: object) -> None:
        if self._up is not None:
            self._phone.within("BYE", *self._up)
        self._phone.close()
        self.ear.wire.close()

    def dial(self, number: str) -> bool:
        """Whether it was answered."""
        uri = f"sip:{number}@{REALM}"
        body = SDP.format(ip=self._phone.ip) + f"m=audio {self.ear.port} RTP/AVP 8\r\na=rtpmap:8 PCMA/8000\r\n"
        self.began_at = time.time()
        answer = self._phone.ask("INVITE", uri, body=body)
        if status(answer) != 200:
            return False
        self._up = uri, answer
        self._phone.within("ACK", *self._up)
        return True

    @property
    def start_ms(self) -> float:
        """From the INVITE to the first packet."""
        return 1000 * (self.ear.heard[0].at - self.began_at) if self.ear.heard else math.inf


def tell(building: Building, rounds: int) -> Told:
    """Each round AT_ONCE callers, and an import beside them. Raises PhoneError where nobody is told anything, or the
    import fails."""
    found = Told()
    _wait_for_voice(building)
    for number in range(rounds):
        file = building.file_of_others(number)
        with ExitStack() as stack:
            callers = [stack.enter_context(_Caller(building, place)) for place in range(AT_ONCE)]
            for place, caller in enumerate(callers):
                caller.dial(building.away[(number * AT_ONCE + place) % len(building.away)])
            found.memory_mb += _memory_mb(building)
            ears = [caller.ear for caller in callers]
            since, until = _import(building, file, ears)
            found.import_s.append(until - since - AFTER_S)
            for ear in ears:
                found.late_ms += late_ms(ear.heard, since, until)
            found.starts_ms += [caller.start_ms for caller in callers]
    return found


def _wait_for_voice(building: Building) -> None:
    """`calls` loads its sound beside the calls, and refuses meanwhile."""
    deadline = time.monotonic() + STEP_S
    with _Caller(building, AT_ONCE) as caller:
        while not caller.dial(building.away[-1]):
            if time.monotonic() > deadline:
                raise PhoneError("nobody is told anything")
            time.sleep(AGAIN_S)


def _memory_mb(building: Building) -> list[float]:
    """Of `calls`, while all are told something."""
    found = []
    for _ in range(MEMORY_READS):
        found.append(pss_mb([building.site.calls.pid]))
        time.sleep(MEMORY_EVERY_S)
    return found


def _import(building: Building, file: Path, ears: Sequence[Ear]) -> tuple[float, float]:
    """From when until when people were taken in, and `calls` may have read them; the phones listen all the while.
    Raises PhoneError where that fails."""
    site = building.site
    command = [sys.executable, "-m", "tools.cli", "people", "load", str(file), "--config", str(site.config_file)]
    since = time.time()
    loading = site.host.popen(command, stderr=subprocess.PIPE, cwd=ROOT)
    until = math.inf
    with selectors.DefaultSelector() as waiting:
        for ear in ears:
            waiting.register(ear.wire, selectors.EVENT_READ, ear)
        while time.time() < until:
            if time.time() > since + IMPORT_TIMEOUT_S:
                raise PhoneError(f"{file} was not taken in within {IMPORT_TIMEOUT_S} s")
            for key, _ in waiting.select(AFTER_S):
                key.data.listen()
            if math.isinf(until) and loading.poll() is not None:
                until = time.time() + AFTER_S
    if loading.returncode:
        raise PhoneError(f"{file} was not taken in: {loading.communicate()[1].decode(errors='replace')[-500:]}")
    return since, until
