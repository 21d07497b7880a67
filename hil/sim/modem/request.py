"""A command line taken apart (V.250 §5.2, 27.007 §4), and what may be answered to a command."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

__all__ = [
    "ERROR",
    "OK",
    "Answer",
    "Form",
    "Handler",
    "Later",
    "Prompt",
    "Reply",
    "Request",
    "Silence",
    "cme",
    "cms",
    "split",
]

EXTENDED = "+^*$#%"
"""What the name of an extended command begins with."""


class Form(StrEnum):
    """How a command is asked."""

    RUN = "run"  # AT+X
    SET = "set"  # AT+X=…
    READ = "read"  # AT+X?
    TEST = "test"  # AT+X=?


@dataclass(frozen=True)
class Request:
    """One command of a line. `name` in capitals (``+CREG``, ``D``, ``E``); `args` without their quotes."""

    name: str
    form: Form
    args: tuple[str, ...] = ()
    raw: str = ""  # all that follows the name

    def arg(self, at: int, default: str = "") -> str:
        """One argument; `default` when it is absent or empty."""
        return self.args[at] if at < len(self.args) and self.args[at] else default

    def number(self, at: int, default: int = 0) -> int:
        """One argument as a number. Raises ValueError."""
        return int(self.arg(at, str(default)))


@dataclass(frozen=True)
class Answer:
    """Lines of information and the final result; `then` happens when they are written."""

    lines: tuple[str, ...] = ()
    final: str = "OK"
    then: Callable[[], None] | None = None


@dataclass(frozen=True)
class Later:
    """The answer is known only after so long."""

    seconds: float
    make: Callable[[], Reply]


@dataclass(frozen=True)
class Prompt:
    """A text is asked for (27.005 §3.5.1: ``> ``, until Ctrl-Z or ESC)."""

    take: Callable[[str], Reply]


@dataclass(frozen=True)
class Silence:
    """Nothing is ever answered."""


Reply = Answer | Later | Prompt | Silence
Handler = Callable[[Request], Reply]
"""May raise ValueError: an argument is none, and the answer ERROR."""
OK = Answer()
ERROR = Answer(final="ERROR")


def cme(code: int) -> Answer:
    """27.007 §9.2."""
    return Answer(final=f"+CME ERROR: {code}")


def cms(code: int) -> Answer:
    """27.005 §3.2.5."""
    return Answer(final=f"+CMS ERROR: {code}")


def split(line: str) -> list[Request] | None:
    """The commands of a line, in order; None: it is no command line (V.250 §5.2.1) and is not answered."""
    begins = line.upper().find("AT")
    if begins < 0:
        return None
    rest = line[begins + 2 :].strip()
    found: list[Request] = []
    while rest:
        if rest[0] in EXTENDED:
            text, rest = _until_semicolon(rest)
            found.append(_extended(text))
        elif rest[0] in "Dd":
            found.append(Request("D", Form.RUN, raw=rest[1:]))
            rest = ""
        else:
            request, rest = _basic(rest)
            found.append(request)
        rest = rest.lstrip("; ")
    return found


def _until_semicolon(text: str) -> tuple[str, str]:
    quoted = False
    for at, letter in enumerate(text):
        if letter == '"':
            quoted = not quoted
        elif letter == ";" and not quoted:
            return text[:at], text[at + 1 :]
    return text, ""


def _extended(text: str) -> Request:
    ends = next((at for at, letter in enumerate(text) if letter in "=?"), len(text))
    name, rest = text[:ends].strip().upper(), text[ends:]
    if rest.startswith("=?"):
        return Request(name, Form.TEST)
    if rest.startswith("?"):
        return Request(name, Form.READ)
    if rest.startswith("="):
        return Request(name, Form.SET, _arguments(rest[1:]), rest[1:])
    return Request(name, Form.RUN)


def _arguments(text: str) -> tuple[str, ...]:
    found, now, quoted = [], "", False
    for letter in text:
        if letter == '"':
            quoted = not quoted
        elif letter == "," and not quoted:
            found.append(now.strip())
            now = ""
        else:
            now += letter
    return (*found, now.strip())


def _basic(text: str) -> tuple[Request, str]:
    """A letter (or & and a letter) and digits; S also ``S0=1`` and ``S0?``."""
    name = text[:2].upper() if text[0] == "&" else text[0].upper()
    rest = text[len(name) :]
    digits = ""
    while rest[:1].isdigit():
        digits, rest = digits + rest[0], rest[1:]
    if name == "S" and rest[:1] == "=":
        value, rest = "", rest[1:]
        while rest[:1].isdigit():
            value, rest = value + rest[0], rest[1:]
        return Request(f"S{digits}", Form.SET, (value,)), rest
    if name == "S" and rest[:1] == "?":
        return Request(f"S{digits}", Form.READ), rest[1:]
    return Request(name, Form.RUN, (digits,), digits), rest
