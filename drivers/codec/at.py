"""AT commands (V.250, 27.007) over one port: orders in, bytes out; bytes in, answers and unsolicited lines out.

No IO and no clock. One command is under way at a time; what waits goes by rank, then by age. An URGENT one waits for
what is under way at most `URGENT_WAIT_S` and is then written behind it: a modem that is busy takes it from its buffer,
one that lets itself be interrupted does so by the line end before it, and answers come in order.

Whatever a port says is taken: echo, line ends doubled or cut, answers glued to what follows, an unsolicited line amid
an answer, prompts of an order that nobody remembers. After a command that was not answered in time (and at the start)
the port is brought into step by a question whose answer cannot be mistaken; what comes before it belongs to nobody."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from enum import Enum, IntEnum

from drivers.codec.at_form import (
    CALL_RESULT,
    FINAL_ERROR,
    GLUED,
    HEX,
    SPOKEN,
    WITH_PDU,
    Verdict,
    judged,
    names,
    prefix,
    text_of,
)

__all__ = ["Answer", "AtCore", "Command", "Dead", "Rank", "Unsolicited", "Verdict"]

LINE_MAX_BYTES = 4096
"""Of a longer line nothing is kept."""
ANSWER_MAX_LINES = 1024
"""Further lines of one answer are dropped."""
QUEUE_MAX = 64
EVENTS_MAX = 4096
"""What nobody fetched; further unsolicited lines are dropped."""
URGENT_WAIT_S = 0.2
SYNC_S = 2.0
SYNC_TRIES = 3
SYNC_QUESTION, SYNC_PREFIX = "AT+CMEE?", "+CMEE"
ESC, CTRL_Z = b"\x1b", b"\x1a"


class Rank(IntEnum):
    URGENT = 0
    CALL = 1
    ORDER = 2
    POLL = 3


@dataclass(frozen=True, eq=False, slots=True)
class Command:
    """`prefixes`: of the lines that are its answer; by default ``+CLCC`` of ``AT+CLCC``, and none of what sets
    something, as ``AT+CLIP=1`` does. `free`: lines without a prefix are its answer, too. `call`: NO CARRIER and the
    like may end it. `payload`: written at the prompt. `timeout_s` counts from when it was written."""

    text: str
    timeout_s: float = 5.0
    rank: Rank = Rank.ORDER
    prefixes: tuple[str, ...] | None = None
    free: bool = False
    call: bool = False
    payload: bytes | None = None

    def is_mine(self, line: str) -> bool:
        name = prefix(line)
        if name:
            return name in (self.prefixes if self.prefixes is not None else names(self.text))
        return self.free and not SPOKEN.match(line)


@dataclass(frozen=True, slots=True)
class Answer:
    """`code`: of a numeric +CME or +CMS ERROR. `text`: of an error in words."""

    command: Command
    verdict: Verdict
    lines: tuple[str, ...] = ()
    code: int | None = None
    text: str = ""


@dataclass(frozen=True, slots=True)
class Unsolicited:
    line: str
    pdu: str = ""
    """In hex, as it came."""


@dataclass(frozen=True, slots=True)
class Dead:
    """The port could not be brought into step; nothing is written any more."""


class _Mode(Enum):
    CLOSED = "closed"
    SYNCING = "syncing"
    READY = "ready"


@dataclass(slots=True)
class _Flight:
    command: Command
    deadline: float
    written: float
    lines: list[str]
    prompted: bool = False
    again: bool = False
    given_up: bool = False  # before its prompt, for an urgent one


class AtCore:
    """`start` opens it; `close` answers all that waits with GONE."""

    def __init__(self) -> None:
        self._mode = _Mode.CLOSED
        self._buffer = bytearray()
        self._overlong = False
        self._out = bytearray()
        self._events: deque[Answer | Unsolicited | Dead] = deque()
        self._waiting: list[Command] = []
        self._flying: deque[_Flight] = deque()
        self._pdu_of: str | None = None
        self._sync_until = 0.0
        self._sync_tries = 0
        self._sync_seen = False
        self._swallowed: Command | None = None
        self._unsure = False  # an answer is late, and may come yet

    def start(self, now: float) -> None:
        self._buffer.clear()
        self._overlong, self._pdu_of = False, None
        self._sync(now)

    def close(self) -> None:
        flying = [flight.command for flight in self._flying]
        for command in (*flying, *self._waiting):
            self._say(Answer(command, Verdict.GONE))
        self._flying.clear()
        self._waiting.clear()
        self._out.clear()
        self._mode = _Mode.CLOSED

    def order(self, command: Command, now: float) -> None:
        """Its Answer comes as an event, exactly once."""
        if self._mode is _Mode.CLOSED or (len(self._waiting) >= QUEUE_MAX and command.rank is not Rank.URGENT):
            self._say(Answer(command, Verdict.GONE))
            return
        self._waiting.append(command)
        self._waiting.sort(key=lambda each: each.rank)
        self._pump(now)

    def withdraw(self, command: Command) -> None:
        """Nobody waits for its answer any more; is it not written yet, it is not going to be, and has none."""
        if command in self._waiting:
            self._waiting.remove(command)

    def data_to_send(self) -> bytes:
        data = bytes(self._out)
        self._out.clear()
        return data

    def next_event(self) -> Answer | Unsolicited | Dead | None:
        return self._events.popleft() if self._events else None

    def next_timer(self) -> float | None:
        if self._mode is _Mode.CLOSED:
            return None
        if self._mode is _Mode.SYNCING:
            return self._sync_until
        due = [flight.deadline for flight in self._flying]
        if len(self._flying) == 1 and self._urgent_waits():
            due.append(self._flying[0].written + URGENT_WAIT_S)
        return min(due, default=None)

    def on_timer(self, now: float) -> None:
        """To be called after what has come was given to `receive`."""
        if self._mode is _Mode.SYNCING and now >= self._sync_until:
            self._sync(now)
        elif self._mode is _Mode.READY:
            late = [flight for flight in self._flying if now >= flight.deadline]
            for flight in late:
                self._flying.remove(flight)
                self._say(Answer(flight.command, Verdict.SILENT, tuple(flight.lines)))
            self._unsure = self._unsure or bool(late)
            self._pump(now)

    def receive(self, data: bytes, now: float) -> None:
        """Anything, cut anywhere."""
        if self._mode is _Mode.CLOSED:
            return
        self._buffer += data.replace(b"\n", b"\r")
        *lines, rest = self._buffer.split(b"\r")
        self._buffer = bytearray(rest)
        for line in lines:
            if self._overlong or len(line) > LINE_MAX_BYTES:
                self._overlong = False
                continue
            self._line(text_of(line), now)
        if len(self._buffer) > LINE_MAX_BYTES:
            self._buffer.clear()
            self._overlong = True
        self._prompt(now)
        self._pump(now)

    # -- lines

    def _line(self, line: str, now: float) -> None:
        if not line or self._is_echo(line):
            return
        glued = GLUED.match(line)
        if glued:
            self._line(glued[1], now)
            self._line(line[glued.end() :], now)
        elif self._pdu_of is not None:
            first, self._pdu_of = self._pdu_of, None
            is_pdu = HEX.fullmatch(line) is not None
            self._say(Unsolicited(first, line if is_pdu else ""))
            if not is_pdu:
                self._line(line, now)
        elif prefix(line) in WITH_PDU:
            self._pdu_of = line
        elif not self._is_final(line, now):
            self._content(line)

    def _content(self, line: str) -> None:
        if self._mode is _Mode.SYNCING:
            if prefix(line) == SYNC_PREFIX:
                self._sync_seen = True
                return
        elif self._flying and self._flying[0].command.is_mine(line):
            if len(self._flying[0].lines) < ANSWER_MAX_LINES:
                self._flying[0].lines.append(line)
            return
        self._say(Unsolicited(line))

    def _is_final(self, line: str, now: float) -> bool:
        called = CALL_RESULT.match(line)
        error = FINAL_ERROR.fullmatch(line)
        if not (called or error or line == "OK"):
            return False
        if called and not (self._flying and self._flying[0].command.call and self._mode is _Mode.READY):
            self._say(Unsolicited(line))
        elif self._mode is _Mode.SYNCING:
            # An error without the line is an old command's, or of a modem that does not know the question.
            if self._sync_seen or (error and self._sync_tries > 1):
                self._mode = _Mode.READY
            elif error:
                self._sync(now)
        elif self._flying:
            flight = self._flying.popleft()
            verdict, code, text = judged(called, error)
            if flight.given_up and verdict is Verdict.OK and not flight.lines:
                verdict, text = Verdict.ERROR, "given up"
            self._say(Answer(flight.command, verdict, tuple(flight.lines), code, text))
        return True

    def _is_echo(self, line: str) -> bool:
        if self._mode is _Mode.SYNCING:
            return line == SYNC_QUESTION
        return any(
            line == flight.command.text or (flight.prompted and line.encode("latin-1") == flight.command.payload)
            for flight in self._flying
        )

    def _prompt(self, now: float) -> None:
        """A prompt has no line end."""
        head = self._flying[0] if self._flying else None
        awaited = self._mode is _Mode.READY and head and head.command.payload is not None and not head.prompted
        if awaited and head and self._buffer.startswith(b">"):
            self._buffer.clear()
            head.prompted = True
            self._out += (head.command.payload or b"") + CTRL_Z
        elif self._buffer.startswith(b"> ") and self._mode is _Mode.READY:
            # Of an order of somebody before us, which has taken what we wrote for its text.
            self._buffer.clear()
            if head and head.given_up:
                return
            for flight in reversed(self._flying):
                # A call that is ordered twice may become two.
                if flight.again or flight.prompted or flight.command.call:
                    self._say(Answer(flight.command, Verdict.SILENT))
                else:
                    self._swallowed = flight.command
                    self._waiting.insert(0, flight.command)
            self._flying.clear()
            self._sync(now)

    # -- what is written

    def _pump(self, now: float) -> None:
        if self._mode is _Mode.READY and self._unsure and not self._flying:
            self._unsure = False
            self._sync(now)
        if self._mode is not _Mode.READY or not self._waiting:
            return
        if not self._flying:
            self._write(self._waiting.pop(0), now)
        elif len(self._flying) == 1 and self._urgent_waits() and now >= self._flying[0].written + URGENT_WAIT_S:
            head = self._flying[0]
            if head.command.payload is not None and not head.prompted:
                # The prompt may come any moment, and would take the urgent one for its text.
                self._out += ESC
                head.given_up = head.prompted = True
            self._out += b"\r"
            self._write(self._waiting.pop(0), now)

    def _urgent_waits(self) -> bool:
        return bool(self._waiting) and self._waiting[0].rank is Rank.URGENT

    def _write(self, command: Command, now: float) -> None:
        self._out += command.text.encode("latin-1", "replace") + b"\r"
        flight = _Flight(command, now + command.timeout_s, now, [], again=command is self._swallowed)
        self._flying.append(flight)

    def _sync(self, now: float) -> None:
        if self._mode is not _Mode.SYNCING:
            self._sync_tries = 0
        elif self._sync_tries >= SYNC_TRIES:
            self.close()
            self._say(Dead())
            return
        self._mode = _Mode.SYNCING
        self._sync_tries += 1
        self._sync_seen = False
        self._sync_until = now + SYNC_S
        self._out += ESC + b"\r" + SYNC_QUESTION.encode() + b"\r"

    def _say(self, event: Answer | Unsolicited | Dead) -> None:
        if isinstance(event, Unsolicited) and len(self._events) >= EVENTS_MAX:
            return
        self._events.append(event)
