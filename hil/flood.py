"""A phone gone mad: one address and port that sends thousands of packets a second, and what calls are worth meanwhile.

Run as a program it is the sender itself, which holds its pace by the millisecond and says at its end how many it sent.
Each packet is a new request (its own branch, tag and Call-ID), so that none is a retransmission to anybody.
"""

from __future__ import annotations

import argparse
import contextlib
import itertools
import math
import os
import select
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

from hil.net import Host
from hil.phone import PhoneError
from hil.phone.sipp import Dial, Result, Sipp
from hil.site import PROXY, REALM, Site

__all__ = ["KINDS", "LIMITS", "Flood", "Outcome", "calls_under_flood", "requests"]

STEP_S = 0.001
END_TIMEOUT_S = 20.0
LEAD_S = 1.0
"""The flood is under way before the first call."""
CALLS_PER_S, PATIENCE_MS = 5, 8_000
FLOODER = 66
LIMITS: dict[str, dict[str, object]] = {"limits": {"requests_per_source_s": 100, "requests_per_address_s": 400}}
"""The product's defaults, over those of the rig."""
KINDS = ("register", "invite", "options", "sos", "garbage")


def requests(kind: str, ip: str, port: int, realm: str) -> Iterator[bytes]:
    """Endlessly many packets of a kind."""
    method = {"register": "REGISTER", "sos": "INVITE"}.get(kind, kind.upper())
    uri = {"register": f"sip:{realm}", "sos": f"sip:112@{realm}"}.get(kind, f"sip:1002@{realm}")
    for number in itertools.count():
        mark = f"flood{port}x{number}"
        lines = [f"{method} {uri} SIP/2.0", f"Via: SIP/2.0/UDP {ip}:{port};rport;branch=z9hG4bK{mark}"]
        lines += ["Max-Forwards: 70", f"From: <sip:1001@{realm}>;tag={mark}", f"To: <sip:1001@{realm}>"]
        lines += [f"Call-ID: {mark}@{ip}", f"CSeq: 1 {method}", f"Contact: <sip:1001@{ip}:{port}>"]
        text = "\r\n".join([*lines, "Content-Length: 0", "", ""])
        yield text.encode() if kind != "garbage" else text.replace(":", "\xff").encode("latin1")


class Flood:
    """Sends while the context lasts, from ``ip:port`` on ``host``."""

    def __init__(
        self, host: Host, ip: str, proxy: str, *, kind: str = "register", rate: int = 10_000, port: int = 5099
    ) -> None:
        self._host = host
        self._words = ["--ip", ip, "--port", str(port), "--to", proxy, "--kind", kind, "--rate", str(rate)]
        self._process: subprocess.Popen[Any] | None = None
        self.sent = 0
        """Known at the end."""
        self.seconds = 0.0

    def __enter__(self) -> Flood:
        command = [sys.executable, "-m", "hil.flood", *self._words]
        self._process = self._host.popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert self._process.stdout is not None
        if self._process.stdout.readline() != "begun\n":
            raise PhoneError("the flood did not begin")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._process is not None
        try:
            said, _ = self._process.communicate("", END_TIMEOUT_S)
            self.sent, self.seconds = int(said.split()[0]), float(said.split()[1])
        except (subprocess.TimeoutExpired, ValueError, IndexError) as failed:
            self._process.kill()
            if error is None:
                raise PhoneError("the flood did not end in good order") from failed

    @property
    def rate(self) -> float:
        """Packets a second, as sent."""
        return self.sent / self.seconds if self.seconds else math.nan


@dataclass(frozen=True)
class Outcome:
    """Calls begun while a flood lasted, and what it was."""

    calls: tuple[Result, ...]
    flood_rate: float
    banned: int
    dropped: int
    edge_cpu_percent: float
    """Of one core, all processes of the edge, calls included."""

    @property
    def lost(self) -> int:
        return sum(not call.completed for call in self.calls)

    @property
    def ringing_ms(self) -> list[float]:
        return [call.first_ms for call in self.calls if call.first_ms is not None]


def calls_under_flood(
    site: Site, dials: Sequence[Dial], *, caller_ip: str, kind: str = "register", calls: int = 100, rate: int = 10_000
) -> Outcome:
    """`dials` round and round, five calls a second, from one address while another one floods the unit.

    Callees must answer already, and `site` have the product's own `[limits]` (`LIMITS`), not the rig's wide ones."""
    flooder = site.phone_ip(FLOODER)
    before = {name: site.count(name) for name in ("bans", "flood_dropped", "sos_flooded")}
    caller = Sipp(site.phones, caller_ip, PROXY, REALM)
    used_s, began = _cpu_s(site), time.monotonic()
    with Flood(site.phones, flooder, PROXY, kind=kind, rate=rate) as flood:
        time.sleep(LEAD_S)
        results = caller.call(dials, count=calls, rate=CALLS_PER_S, hold_ms=50, patience_ms=PATIENCE_MS)
    used_s, seconds = _cpu_s(site) - used_s, time.monotonic() - began
    return Outcome(
        tuple(results),
        flood.rate,
        site.count("bans") - before["bans"],
        sum(site.count(name) - before[name] for name in ("flood_dropped", "sos_flooded")),
        100 * used_s / seconds,
    )


def _cpu_s(site: Site) -> float:
    """What the edge's processes have used so far (proc(5), stat: utime and stime)."""
    stats = (Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split() for pid in site.host.pids(site.edge.pid))
    return sum(int(fields[11]) + int(fields[12]) for fields in stats) / os.sysconf("SC_CLK_TCK")


def main() -> None:
    parser = argparse.ArgumentParser()
    for name in ("ip", "to", "kind"):
        parser.add_argument(f"--{name}", required=True)
    for name in ("port", "rate"):
        parser.add_argument(f"--{name}", type=int, required=True)
    args = parser.parse_args()
    address, _, port = args.to.partition(":")
    sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sender.bind((args.ip, args.port))
    sender.connect((address, int(port)))
    sender.setblocking(False)
    packets = requests(args.kind, args.ip, args.port, REALM)
    print("begun", flush=True)
    began, sent = time.monotonic(), 0
    while not _told_to_end():
        due = int((time.monotonic() - began) * args.rate)
        for _ in range(due - sent):
            with contextlib.suppress(BlockingIOError, ConnectionRefusedError):
                sender.send(next(packets))
        sent = max(sent, due)
        with contextlib.suppress(BlockingIOError, ConnectionRefusedError):
            while sender.recv(65_535):  # what is answered is not waited for
                pass
        time.sleep(STEP_S)
    print(sent, time.monotonic() - began)


def _told_to_end() -> bool:
    """Whether standard input is closed."""
    return bool(select.select([sys.stdin], [], [], 0)[0])


if __name__ == "__main__":
    main()
