"""How every command writes: words before colours, results on standard output, progress and hints on standard error.

Colour only repeats a word, and is off when the stream is no terminal, with ``--no-color``, ``NO_COLOR``,
``RVX_NO_COLOR`` or ``TERM=dumb``; each stream is judged for itself. On a stream that is not UTF-8, text is written in
ASCII that reads alike (å as a, ≥ as >=).
"""

import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TextIO

from firmware import __version__

__all__ = ["JSON_SCHEMA", "WIDTH", "Output", "Paint", "counted", "table", "to_ascii"]

WIDTH = 80  # columns that every text fits in
JSON_SCHEMA = 1  # of the envelope around every --json; fields are only ever added

_RED, _YELLOW, _BOLD, _DIM, _PLAIN = "\x1b[31m", "\x1b[33m", "\x1b[1m", "\x1b[2m", "\x1b[0m"
_CLEAR_LINE = "\r\x1b[K"
_WORD_COLOURS = {"fail": _RED, "warn": _YELLOW}
_ALIKE = str.maketrans(
    {"–": "-", "—": "-", "−": "-", "→": "->", "←": "<-", "…": "...", "×": "x", "≥": ">=", "≤": "<=", "·": "-"}
    | {"“": '"', "”": '"', "’": "'", "°": " deg", "µ": "u", "\u00a0": " "}
    | {"▁": ".", "▂": ".", "▃": ":", "▄": ":", "▅": ":", "▆": "#", "▇": "#", "█": "#", "▀": "="}
    | {"│": "|", "┤": "+", "└": "+", "─": "-"}
)


def to_ascii(text: str) -> str:
    """Text that reads alike in ASCII: accents are taken off, what has no likeness becomes a question mark."""
    import unicodedata

    plain = unicodedata.normalize("NFKD", text.translate(_ALIKE))
    return "".join(c for c in plain if not unicodedata.combining(c)).encode("ascii", "replace").decode()


def counted(number: int, noun: str) -> str:
    """``1 fault``, ``2 faults``."""
    return f"{number} {noun}{'' if number == 1 else 's'}"


def table(rows: Iterable[Sequence[str]], gap: int = 2) -> list[str]:
    """Lines of left-aligned columns; the last column is as long as it is."""
    cells = [list(row) for row in rows]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    return [
        (" " * gap).join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in cells
    ]


class Paint:
    """Colours for one stream, or none."""

    def __init__(self, stream: TextIO, environment: Mapping[str, str], no_color: bool = False) -> None:
        refused = no_color or any(environment.get(name) for name in ("NO_COLOR", "RVX_NO_COLOR"))
        self.terminal = stream.isatty() and environment.get("TERM") != "dumb"
        self.colour = self.terminal and not refused

    def _in(self, colour: str, text: str) -> str:
        return f"{colour}{text}{_PLAIN}" if self.colour and colour else text

    def bold(self, text: str) -> str:
        return self._in(_BOLD, text)

    def dim(self, text: str) -> str:
        return self._in(_DIM, text)

    def fail(self, text: str) -> str:
        return self._in(_RED, text)

    def warn(self, text: str) -> str:
        return self._in(_YELLOW, text)

    def word(self, word: str) -> str:
        """``ok``, ``warn``, ``fail`` or ``skip`` in brackets, six columns wide."""
        return self._in(_WORD_COLOURS.get(word, ""), f"[{word}]") + " " * (4 - len(word))


class Output:
    """The two streams of one command.

    ``line`` and ``document`` write the result; ``note`` and ``progress`` write what only helps the person waiting.
    With ``json`` set a command gives its result by one ``document`` and no ``line``.
    """

    def __init__(
        self,
        json: bool = False,
        no_color: bool = False,
        result: TextIO | None = None,
        side: TextIO | None = None,
        environment: Mapping[str, str] = os.environ,
    ) -> None:
        self.json = json
        self._result = sys.stdout if result is None else result
        self._side = sys.stderr if side is None else side
        self.paint = Paint(self._result, environment, no_color)
        self.side_paint = Paint(self._side, environment, no_color)
        self._progress_open = False

    @classmethod
    def of(cls, args: Any) -> "Output":
        """The streams as the command line asks for them."""
        return cls(json=args.json, no_color=args.no_color)

    def line(self, text: str = "") -> None:
        self._end_progress()
        self._write(self._result, text + "\n")

    def note(self, text: str) -> None:
        self._end_progress()
        self._write(self._side, text + "\n")

    def progress(self, text: str) -> None:
        """What is being done now: one line that is overwritten on a terminal, a line of its own elsewhere."""
        if self.side_paint.terminal:
            self._write(self._side, _CLEAR_LINE + text[: WIDTH - 1])
            self._progress_open = True
        else:
            self._write(self._side, text + "\n")

    def done(self) -> None:
        """Takes the last progress line away."""
        self._end_progress()

    def document(self, verdict: str, problems: Sequence[Mapping[str, Any]] = (), **fields: Any) -> None:
        """One JSON object: the envelope that all commands share, and the command's own fields."""
        import json
        from datetime import UTC, datetime

        now = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        envelope = {"schema": JSON_SCHEMA, "tool": "rvx", "version": __version__, "time": now, "verdict": verdict}
        self._end_progress()
        text = json.dumps({**envelope, "problems": list(problems), **fields}, ensure_ascii=False, indent=2)
        self._write(self._result, text + "\n")

    def _end_progress(self) -> None:
        if self._progress_open:
            self._write(self._side, _CLEAR_LINE)
            self._progress_open = False

    @staticmethod
    def _write(stream: TextIO, text: str) -> None:
        try:
            text.encode(stream.encoding or "utf-8")
        except UnicodeEncodeError:
            text = to_ascii(text)
        stream.write(text)
        stream.flush()
