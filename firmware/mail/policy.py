"""What may become of a mail that is to be sent, and what an answer of the server means for it. Pure.

SMTP hands a mail over with the answer to its last line (RFC 5321 §4.1.1.4). A connection that ends between the two, or
a process that dies there, leaves nobody knowing whether it was taken; SMTP has no way to ask. Such a mail is `PERHAPS`,
and goes once more under the same Message-ID, by which many servers and readers leave out the second (RFC 1047): a mail
that comes twice is a nuisance, one that never comes may be a message to somebody.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from types import MappingProxyType

__all__ = [
    "ADDRESS_MAX",
    "AGAIN_AFTER_DOUBT",
    "BACK_OFF",
    "DOUBTS_MAX",
    "ENDED",
    "RULES",
    "SERVER_BACK_OFF",
    "Happened",
    "Kind",
    "Rule",
    "Stage",
    "State",
    "address",
    "back_off",
    "following",
    "meaning",
    "one_line",
    "server_back_off",
]

ADDRESS_MAX = 254
"""RFC 5321 §4.5.3.1.3, without the angle brackets."""


class Kind(StrEnum):
    """Why it is sent."""

    ALARM = "alarm"
    TEST = "test"
    NOTICE = "notice"
    MEMO = "memo"
    VOICEMAIL = "voicemail"


@dataclass(frozen=True, slots=True)
class Rule:
    """Of a kind: the least `priority` is sent first; not sent when it is older than `valid`."""

    priority: int
    valid: timedelta


RULES: Mapping[Kind, Rule] = MappingProxyType(
    {
        Kind.ALARM: Rule(0, timedelta(days=2)),
        Kind.TEST: Rule(0, timedelta(hours=1)),
        Kind.MEMO: Rule(1, timedelta(days=14)),
        Kind.VOICEMAIL: Rule(2, timedelta(days=14)),
        Kind.NOTICE: Rule(3, timedelta(days=2)),
    }
)

BACK_OFF = tuple(timedelta(minutes=m) for m in (1, 5, 15, 30, 60))
"""Before the next try of a mail that was put off; the last one from then on. A server that wants a stranger to come
again (greylisting) wants minutes."""
SERVER_BACK_OFF = tuple(timedelta(seconds=s) for s in (5, 15, 60, 300, 600))
"""Before a server that was not reached, or takes nothing, is tried again; no mail is at fault."""
AGAIN_AFTER_DOUBT = timedelta(minutes=10)
DOUBTS_MAX = 2
"""What went perhaps so often is not sent again: nobody knows, and so it is said."""


class State(StrEnum):
    WAITING = "waiting"
    SENDING = "sending"
    PERHAPS = "perhaps"
    SENT = "sent"  # the server has it
    FAILED = "failed"
    UNKNOWN = "unknown"  # the server may have it


class Happened(StrEnum):
    BEGUN = "begun"
    TAKEN = "taken"
    UNREACHED = "unreached"  # the server's fault, or the configuration's: the mail was not judged
    PUT_OFF = "put_off"
    REFUSED = "refused"
    DOUBTFUL = "doubtful"
    AGAIN = "again"
    TOO_LATE = "too_late"


ENDED = frozenset({State.SENT, State.FAILED, State.UNKNOWN})

_NEXT: Mapping[State, Mapping[Happened, State]] = {
    State.WAITING: {Happened.BEGUN: State.SENDING, Happened.TOO_LATE: State.FAILED},
    State.SENDING: {
        Happened.TAKEN: State.SENT,
        Happened.UNREACHED: State.WAITING,
        Happened.PUT_OFF: State.WAITING,
        Happened.REFUSED: State.FAILED,
        Happened.DOUBTFUL: State.PERHAPS,
    },
    State.PERHAPS: {Happened.AGAIN: State.WAITING, Happened.TOO_LATE: State.UNKNOWN},
    # Where somebody says so.
    State.FAILED: {Happened.AGAIN: State.WAITING},
    State.UNKNOWN: {Happened.AGAIN: State.WAITING},
}


def following(state: State, happened: Happened) -> State | None:
    """The state that comes of it; None: nothing does."""
    return _NEXT.get(state, {}).get(happened)


def back_off(tries: int) -> timedelta:
    """After so many tries of one mail."""
    return BACK_OFF[min(max(tries, 1), len(BACK_OFF)) - 1]


def server_back_off(failures: int) -> timedelta:
    """After the server failed so often, one time after the other."""
    return SERVER_BACK_OFF[min(max(failures, 1), len(SERVER_BACK_OFF)) - 1]


class Stage(StrEnum):
    """How far a mail had come when the server answered, or was gone."""

    GREETING = "greeting"  # connecting, and its first line
    HELLO = "hello"
    TLS = "tls"
    LOGIN = "login"
    SENDER = "sender"
    RECIPIENT = "recipient"
    DATA = "data"  # before the mail itself
    END = "end"  # the mail is there, and its answer is not


_TOO_BIG = 552
_OF_THE_MAIL = frozenset({Stage.RECIPIENT, Stage.DATA, Stage.END})


def meaning(stage: Stage, code: int | None) -> Happened:
    """What an answer means for a mail (RFC 5321 §4.2.1); `code` None: there was none, or it could not be read.

    What is refused before a recipient is named would be refused for every mail: a wrong login or sender costs none. A
    server that hangs up on a mail's recipient or text may do so on this one alone, so the others do not wait for it.
    """
    if stage is Stage.SENDER and code == _TOO_BIG:
        return Happened.REFUSED
    if stage not in _OF_THE_MAIL:
        return Happened.UNREACHED
    if stage is Stage.END and code is not None and 200 <= code < 300:
        return Happened.TAKEN
    if code is not None and 400 <= code < 500:
        return Happened.PUT_OFF
    if code is not None and 500 <= code < 600:
        return Happened.REFUSED
    return Happened.DOUBTFUL if stage is Stage.END else Happened.PUT_OFF


_ADDRESS = re.compile(
    r"[^\s@<>\"',;:()\[\]\\\x00-\x20\x7f-\x9f]{1,64}@"
    r"(?=[^@]{1,253}$)[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?(?:\.[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?)*"
)
_LINE_END = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")


def address(text: str, field: str = "address") -> str:
    """An address as it is. Raises ValueError, which names the field: what is none, or would be more than one line."""
    if len(text) > ADDRESS_MAX or not _ADDRESS.fullmatch(text) or text.startswith(("-", ".")):
        raise ValueError(f"{field}: {text[:60]!r} is no address of mail")
    return text


def one_line(text: str, most: int) -> str:
    """Somebody's words as a line of a heading: no ends of lines or other control characters, shortened."""
    line = " ".join(_LINE_END.sub(" ", text).split())
    return line if len(line) <= most else line[: most - 1].rstrip() + "…"
