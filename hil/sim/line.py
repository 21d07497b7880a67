"""A line of a stated length and quality between two hosts, for kernels that cannot delay packets themselves.

``python -m hil.sim.line --a IF --b IF`` joins two interfaces of its namespace at frame level and is commanded on its
standard input, one line each, each answered by one line:

    delay MS                 round trip; half of it each way
    jitter MS                each frame is later by up to so much more, at random; the order is kept
    loss PERCENT             of the frames, at random, in each direction
    rate KBIT                what it carries in each direction; 0: all
    cut both|ab|ba           nothing gets through, in that direction
    mend                     end a cut
    stats                    frames passed and lost so far, by direction

``ok …`` or ``error …`` is the answer. It ends with its standard input. :class:`Line` starts and commands it.
"""

from __future__ import annotations

import argparse
import collections
import contextlib
import os
import random
import select
import socket
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from hil.net import Host, Net

__all__ = ["Conditions", "Line", "LineError", "Transit", "parse_command"]

Direction = Literal["ab", "ba"]
DIRECTIONS: tuple[Direction, Direction] = ("ab", "ba")
DELAY_MAX_MS = 10_000.0
IN_FLIGHT_MAX = 20_000  # frames in one direction; more are lost, as in a full buffer
FRAME_MAX_BYTES = 65_535
RATE_MAX_KBIT = 1_000_000.0
QUEUE_MAX_S = 0.5  # what waits for longer than this for its turn is lost, as before a modem
FRAMES_A_TURN = 64  # so that a flood one way does not starve the other
COMMAND_MAX_BYTES = 200
ANSWER_TIMEOUT_S = 20.0
STDIN = 0
# Sockets of a protocol, not of all: they come after the faults of hil.net, and do not see what they send.
PROTOCOLS = (0x0800, 0x0806, 0x86DD)  # IPv4, ARP, IPv6


class LineError(Exception):
    """A command that the line does not understand, or a line that is not there."""


@dataclass(frozen=True)
class Conditions:
    """What the line is like now."""

    delay_ms: float = 0.0  # round trip
    jitter_ms: float = 0.0  # one way
    loss_percent: float = 0.0
    rate_kbit: float = 0.0  # 0: no bound
    cut: frozenset[Direction] = frozenset()


def parse_command(now: Conditions, text: str) -> Conditions:
    """The conditions after a command. Raises LineError, naming the word at fault."""
    match text.split():
        case ["delay", number]:
            return replace(now, delay_ms=_number(number, DELAY_MAX_MS))
        case ["jitter", number]:
            return replace(now, jitter_ms=_number(number, DELAY_MAX_MS))
        case ["loss", number]:
            return replace(now, loss_percent=_number(number, 100))
        case ["rate", number]:
            return replace(now, rate_kbit=_number(number, RATE_MAX_KBIT))
        case ["cut", "both"]:
            return replace(now, cut=frozenset(DIRECTIONS))
        case ["cut", ("ab" | "ba") as direction]:
            return replace(now, cut=frozenset({direction}))
        case ["mend"]:
            return replace(now, cut=frozenset())
    raise LineError(f"{text.strip()[:80]!r} is no command of a line")


def _number(text: str, most: float) -> float:
    try:
        value = float(text)
    except ValueError:
        raise LineError(f"{text[:20]!r} is no number") from None
    if not 0 <= value <= most:
        raise LineError(f"{text[:20]} is not between 0 and {most:g}")
    return value


@dataclass
class Transit:
    """The frames on their way: takes and gives them, with the time as an argument; no IO."""

    conditions: Conditions
    rng: random.Random
    passed: dict[Direction, int] = field(default_factory=lambda: dict.fromkeys(DIRECTIONS, 0))
    lost: dict[Direction, int] = field(default_factory=lambda: dict.fromkeys(DIRECTIONS, 0))
    _on_way: dict[Direction, collections.deque[tuple[float, bytes]]] = field(
        default_factory=lambda: {direction: collections.deque() for direction in DIRECTIONS}
    )

    _free_s: dict[Direction, float] = field(default_factory=lambda: dict.fromkeys(DIRECTIONS, 0.0))

    def enter(self, direction: Direction, frame: bytes, now_s: float) -> None:
        """A frame enters the line."""
        waiting = self._on_way[direction]
        lost = self.rng.random() * 100 < self.conditions.loss_percent
        if lost or direction in self.conditions.cut or len(waiting) >= IN_FLIGHT_MAX:
            self.lost[direction] += 1
            return
        sent_s = self._sent(direction, len(frame), now_s)
        if sent_s is None:
            self.lost[direction] += 1
            return
        late_ms = self.rng.random() * self.conditions.jitter_ms
        due = sent_s + (self.conditions.delay_ms / 2 + late_ms) / 1000
        # A shorter delay does not let frames overtake: a line keeps the order.
        waiting.append((max(due, waiting[-1][0]) if waiting else due, frame))

    def _sent(self, direction: Direction, length: int, now_s: float) -> float | None:
        """When its last bit is on the line, behind those that wait; None: too many do."""
        if not self.conditions.rate_kbit:
            return now_s
        free_s = max(now_s, self._free_s[direction])
        if free_s - now_s > QUEUE_MAX_S:
            return None
        self._free_s[direction] = free_s + length * 8 / (self.conditions.rate_kbit * 1000)
        return self._free_s[direction]

    def leave(self, now_s: float) -> list[tuple[Direction, bytes]]:
        """The frames that are due by now; what was on its way in a direction that is cut is lost."""
        out: list[tuple[Direction, bytes]] = []
        for direction, waiting in self._on_way.items():
            while waiting and waiting[0][0] <= now_s:
                _, frame = waiting.popleft()
                if direction in self.conditions.cut:
                    self.lost[direction] += 1
                else:
                    self.passed[direction] += 1
                    out.append((direction, frame))
        return out

    def next_due(self) -> float | None:
        """When the next frame leaves; None when the line is empty."""
        return min((waiting[0][0] for waiting in self._on_way.values() if waiting), default=None)

    def stats(self) -> str:
        """Counts in one line: ``ab passed 12 lost 1 ba passed 11 lost 0``."""
        return " ".join(f"{way} passed {self.passed[way]} lost {self.lost[way]}" for way in DIRECTIONS)


class Line:
    """A running line between two hosts, in a namespace of its own; it ends with its Net.

    Each host gets a new interface with its address. ``history`` holds each command with its monotonic time.
    """

    def __init__(
        self,
        net: Net,
        name: str,
        a: tuple[Host, str, str],
        b: tuple[Host, str, str],
        *,
        delay_ms: float = 0.0,
        loss_percent: float = 0.0,
        seed: int = 1,
    ) -> None:
        self.history: list[tuple[float, str]] = []
        host = net.host(name)
        host.run(["sysctl", "-q", "-w", "net.ipv6.conf.all.disable_ipv6=1", "net.ipv6.conf.default.disable_ipv6=1"])
        for port, (end, interface, cidr) in (("a", a), ("b", b)):
            net.link(end, interface, cidr, host, port, None)
        quality = ["--delay-ms", str(delay_ms), "--loss", str(loss_percent), "--seed", str(seed)]
        program = [sys.executable, "-I", __file__, "--a", "a", "--b", "b", *quality]
        self._process = host.popen(program, stdin=-1, stdout=-1, text=True)
        self.stats()  # answered: it stands

    def delay(self, ms: float) -> None:
        """Set the round trip."""
        self._command(f"delay {ms}")

    def jitter(self, ms: float) -> None:
        """Let each frame be later by up to so much more, at random, each way; none overtakes another."""
        self._command(f"jitter {ms}")

    def loss(self, percent: float) -> None:
        """Lose this share of the frames, in each direction."""
        self._command(f"loss {percent}")

    def rate(self, kbit: float) -> None:
        """Carry so much in each direction, Ethernet's headers included; 0: no bound."""
        self._command(f"rate {kbit}")

    def cut(self, direction: Direction | Literal["both"] = "both") -> None:
        """Let nothing through, both ways or one: ``ab`` is from the first host to the second."""
        self._command(f"cut {direction}")

    def mend(self) -> None:
        """End a cut."""
        self._command("mend")

    def stats(self) -> dict[str, tuple[int, int]]:
        """Frames (passed, lost) so far, by direction."""
        words = self._command("stats").split()
        return {words[i]: (int(words[i + 2]), int(words[i + 4])) for i in (0, 5)}

    def _command(self, text: str) -> str:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self.history.append((time.monotonic(), text))
        try:
            self._process.stdin.write(text + "\n")
            self._process.stdin.flush()
        except OSError as error:
            raise LineError(f"the line is gone: {error}") from error
        if not select.select([self._process.stdout], [], [], ANSWER_TIMEOUT_S)[0]:
            raise LineError(f"{text!r}: no answer")
        answered: str = self._process.stdout.readline()
        word, _, answer = answered.strip().partition(" ")
        if word != "ok":
            raise LineError(answer or "the line is gone")
        return answer


def _open(interface: str) -> list[socket.socket]:
    opened = []
    for protocol in PROTOCOLS:
        end = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)  # 0: hears nothing until it is bound
        end.bind((interface, protocol))
        end.setblocking(False)
        opened.append(end)
    return opened


def _join(a: str, b: str, transit: Transit) -> None:
    """Carry frames and obey commands until standard input ends."""
    ends: dict[Direction, list[socket.socket]] = {"ab": _open(a), "ba": _open(b)}
    exits: dict[Direction, socket.socket] = {"ab": ends["ba"][0], "ba": ends["ab"][0]}
    ways = {end.fileno(): (way, end) for way in DIRECTIONS for end in ends[way]}
    commands = b""
    while True:
        due = transit.next_due()
        wait = None if due is None else max(0.0, due - time.monotonic())
        ready, _, _ = select.select([STDIN, *ways], [], [], wait)
        now = time.monotonic()
        for source in ready:
            if source == STDIN:
                if not (read := os.read(STDIN, FRAME_MAX_BYTES)):
                    return
                *whole, commands = (commands[-COMMAND_MAX_BYTES:] + read).split(b"\n")
                for command in whole:
                    _obey(transit, command.decode(errors="replace"))
                continue
            way, end = ways[source]
            # An interface that goes down says so once (ENETDOWN), an empty one EAGAIN.
            with contextlib.suppress(OSError):
                for _ in range(FRAMES_A_TURN):
                    transit.enter(way, end.recv(FRAME_MAX_BYTES), now)
        for way, frame in transit.leave(time.monotonic()):
            with contextlib.suppress(OSError):  # the far interface is down
                exits[way].send(frame)


def _obey(transit: Transit, text: str) -> None:
    try:
        if text.split() == ["stats"]:
            print("ok", transit.stats(), flush=True)
            return
        transit.conditions = parse_command(transit.conditions, text)
        print("ok", flush=True)
    except LineError as error:
        print("error", error, flush=True)


def main(argv: Sequence[str] | None = None) -> int:
    """The program."""
    parser = argparse.ArgumentParser(prog="hil.sim.line", description="Join two interfaces by a line.")
    parser.add_argument("--a", required=True, metavar="IF")
    parser.add_argument("--b", required=True, metavar="IF")
    parser.add_argument("--delay-ms", type=float, default=0.0, help="round trip")
    parser.add_argument("--loss", type=float, default=0.0, metavar="PERCENT")
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args(argv)
    try:
        conditions = parse_command(parse_command(Conditions(), f"delay {args.delay_ms}"), f"loss {args.loss}")
    except LineError as error:
        parser.error(str(error))
    _join(args.a, args.b, Transit(conditions, random.Random(args.seed)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
