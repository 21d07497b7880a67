"""The AT line: bytes in become command lines and texts, lines out become bytes, with what real lines do to them.

V.250 §5: a command ends with CR; LF is nothing; what is received is echoed while E1. 27.005 §3.5.1: a text after
``> `` ends with Ctrl-Z or, given up, with ESC.
"""

from __future__ import annotations

import collections
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from hil.sim.modem.faults import Fault, Faults
from hil.sim.modem.timers import Timers

__all__ = ["LINE_MAX_BYTES", "Line", "Text"]

LINE_MAX_BYTES = 2048
"""Of a command or a text; what goes beyond is lost, as in a full buffer."""
PIECE_PAUSE_S = 0.003
CTRL_Z, ESCAPE, CR, BACKSPACE = 0x1A, 0x1B, 0x0D, 0x08
NUMERIC = {"OK": "0", "RING": "2", "NO CARRIER": "3", "ERROR": "4", "NO DIALTONE": "6", "BUSY": "7", "NO ANSWER": "8"}
"""V.250 table 1, after ATV0."""
WORDS = {"ERROR": "COMMAND NOT SUPPORT", "+CME ERROR: 14": "+CME ERROR: SIM busy", "+CMS ERROR: 38": "MODEM ERROR: 38"}
NOISE = (b"\x00", b"\xff\xfe\r\n", b"\r\n\r\n", b"\x00\x00\x7f\r\n")


@dataclass(frozen=True)
class Text:
    """What followed a prompt; None: it was given up."""

    text: str | None


class Line:
    """`send` takes the bytes for the port; `urc_written` is for the history."""

    def __init__(self, send: Callable[[bytes], None], timers: Timers, faults: Faults) -> None:
        self._send, self._timers, self._faults = send, timers, faults
        self._held = bytearray()
        self._pieces: collections.deque[bytes] = collections.deque()
        self._glue = False
        self.echo = True
        self.verbose = True
        self.prompting = False

    def reset(self) -> None:
        """As after power on."""
        self._held.clear()
        self._pieces.clear()
        self._glue = False
        self.echo, self.verbose, self.prompting = True, True, False

    def receive(self, data: bytes) -> list[str | Text]:
        """Command lines and texts that are whole now, in order."""
        found: list[str | Text] = []
        echo = bytearray()
        for byte in data:
            echo.append(byte)
            if self.prompting and byte in (CTRL_Z, ESCAPE):
                if byte == CTRL_Z and self._faults.strikes(Fault.STUCK_PROMPT):
                    continue
                self.prompting = False
                found.append(Text(None if byte == ESCAPE else self._held.decode("latin-1")))
                self._held.clear()
            elif byte == CR and not self.prompting:
                found.append(self._held.decode("latin-1"))
                self._held.clear()
            elif byte == BACKSPACE:
                del self._held[-1:]
            elif byte in (CTRL_Z, ESCAPE):
                self._held.clear()  # outside a text they mean: what was begun is nothing
            elif (byte >= 0x20 or self.prompting) and len(self._held) < LINE_MAX_BYTES:
                self._held.append(byte)
        if self.echo and echo:
            self._write(bytes(echo))
        return found

    def prompt(self) -> None:
        """Ask for a text."""
        self.prompting = True
        self._held.clear()
        self._write(b"\r\n> ")

    def answer(self, lines: Sequence[str], final: str, inside: str | None = None) -> None:
        """An answer as a whole; `inside` is an unsolicited line that comes in the middle of it."""
        shown = list(lines)
        if inside is not None:
            shown.append(inside)
        if self._faults.strikes(Fault.STALE_PROMPT):
            self._write(b"\r\n> ")
        if self._faults.strikes(Fault.NOISE):
            self._write(self._faults.random.choice(NOISE))
        if final in WORDS and self._faults.strikes(Fault.ERROR_TEXT):
            final = WORDS[final]
        text = "".join(("\r\n", "\r\n".join(shown), "\r\n")) if shown else ""
        if not self.verbose:
            self._write(f"{text}{NUMERIC.get(final, '4')}\r".encode("latin-1", "replace"))
            return
        self._write(self._ended(f"{text}\r\n{final}\r\n", self._faults.strikes(Fault.GLUED)))

    def unsolicited(self, text: str) -> None:
        """A line that nobody asked for."""
        if not self.verbose and text in NUMERIC:
            self._write(f"{NUMERIC[text]}\r".encode())
            return
        self._write(self._ended(f"\r\n{text}\r\n"))

    def _ended(self, text: str, glue_next: bool = False) -> bytes:
        if self._glue:
            text, self._glue = text.removeprefix("\r\n"), False
        if glue_next:
            text, self._glue = text.removesuffix("\r\n"), True
            self._timers.later(1.0, self._unglue)
        if self._faults.strikes(Fault.DOUBLE_CR):
            text = text.replace("\r\n", "\r\r\n")
        elif self._faults.strikes(Fault.NO_CR):
            text = text.replace("\r\n", "\n")
        return text.encode("latin-1", "replace")

    def _unglue(self) -> None:
        """Nothing came that it could be glued to."""
        if self._glue:
            self._glue = False
            self._write(b"\r\n")

    def _write(self, data: bytes) -> None:
        if not self._pieces and not self._faults.strikes(Fault.CUT):
            self._send(data)
            return
        idle = not self._pieces
        at = 0
        while at < len(data):
            size = self._faults.random.choice((1, 1, 2, 3, 7))
            self._pieces.append(data[at : at + size])
            at += size
        if idle:
            self._one_piece()

    def _one_piece(self) -> None:
        if self._pieces:
            self._send(self._pieces.popleft())
        if self._pieces:
            self._timers.later(self._faults.random.uniform(0, PIECE_PAUSE_S), self._one_piece)
