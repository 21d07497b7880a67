"""Records of calls, made of the lines that the edge's accounting leaves behind.

Kamailio's acc writes one line per event through db_flatstore: a call is answered, a call fails, a call ends. Each
process has its own file, so the lines of one call lie in several files and are met in any order, some twice, some
never. Therefore one line is already a ``Record``, only a thin one, and ``join`` of two records of the same call is
commutative, associative and idempotent: whatever is folded in whatever order, how often, the record is the same. Beside
these a call to 112 has lines of the ways that it was given (``Tried``).

What describes the call (parties, way, tags, code) comes from its best witness:

    answered    the INVITE's 2xx; of several, the first
    ended       a BYE whose INVITE was never seen; of several, the first. It proves that the call was answered
    failed      the INVITE's final refusal; of several (a challenge, ways tried one after the other), the last
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta, tzinfo
from enum import StrEnum

__all__ = [
    "COLUMNS",
    "EARLIEST",
    "LINE_MAX_BYTES",
    "Outcome",
    "Parsed",
    "Record",
    "Tried",
    "Way",
    "join",
    "outcome_of",
    "parse",
    "parse_line",
]

COLUMNS = (
    "method", "from_tag", "to_tag", "call_id", "sip_code", "sip_reason",
    "time", "caller", "callee", "way", "emergency", "micros", "why",
)  # fmt: skip

LINE_MAX_BYTES = 128 * 1024
"""Longer than any line that Kamailio can make of one SIP message (64 KiB); what is longer is no line."""

FIELD_MAX = 512
"""Characters of a Call-ID, tag or number. A longer one would only serve to fill the disk."""

EARLIEST = datetime(2025, 1, 1, tzinfo=UTC)
"""Before this program was written: the clock that said so was not set."""


class Way(StrEnum):
    """By which way the call went."""

    LOCAL = "local"
    PLATFORM = "platform"
    GATEWAY = "gateway"
    MODEM = "modem"
    NONE = "none"
    """To nobody; of an answered call: the unit itself has answered, and told the caller why."""


WAYS = frozenset(Way)
TRIES, TRIED = "100", "199"
"""What the edge writes as the code of a way that a call to 112 is given, and of one that has not carried it."""
WAY_OF = {"P": "platform", "D": "platform_data", "M": "modem", "G": "gateway"}
"""By its letters (60-emergency.cfg)."""
_OF_TRIED = ("call_id", "sip_code", "sip_reason", "emergency", "micros")
_TRIED = re.compile(r"([PDMG])(?: ([3-6][0-9][0-9]))?", re.ASCII)


class Outcome(StrEnum):
    ANSWERED = "answered"
    BUSY = "busy"
    NO_ANSWER = "no_answer"
    UNKNOWN_NUMBER = "unknown_number"
    NOT_REGISTERED = "not_registered"
    CANCELLED = "cancelled"
    REFUSED = "refused"
    FAILED = "failed"


OUTCOMES = {
    401: Outcome.REFUSED,
    403: Outcome.REFUSED,
    404: Outcome.UNKNOWN_NUMBER,
    407: Outcome.REFUSED,
    408: Outcome.NO_ANSWER,
    410: Outcome.UNKNOWN_NUMBER,
    480: Outcome.NOT_REGISTERED,
    484: Outcome.UNKNOWN_NUMBER,
    485: Outcome.UNKNOWN_NUMBER,
    486: Outcome.BUSY,
    487: Outcome.CANCELLED,
    600: Outcome.BUSY,
    603: Outcome.REFUSED,
    604: Outcome.UNKNOWN_NUMBER,
    607: Outcome.REFUSED,
    608: Outcome.REFUSED,
}
"""What a final response to an INVITE means to people; any other refusal is FAILED."""


NOT_AVAILABLE = 480
"""What the edge says beside this code is more than the code; a call that went on to another phone may end otherwise."""
NO_ANSWER = "no_answer"
"""What the edge says of a phone that rang in vain; the code, 480, is also that of one that is not there."""
NO_WAY = "no_way"
"""The same of a number outside that no way leads to."""


def outcome_of(sip_code: int, why: str = "") -> Outcome:
    """Give the outcome that a final response (200–699) means, and what the edge says of it."""
    if sip_code == NOT_AVAILABLE and why == NO_ANSWER:
        return Outcome.NO_ANSWER
    if sip_code == NOT_AVAILABLE and why == NO_WAY:
        return Outcome.FAILED
    return Outcome.ANSWERED if sip_code < 300 else OUTCOMES.get(sip_code, Outcome.FAILED)


@dataclass(frozen=True, slots=True)
class Record:
    """One call. Times are aware, in UTC; ``None`` is unknown, or did not happen.

    ``from_tag`` is the caller's, but for a call of which only the callee's BYE was seen. ``sip_code`` is the final
    response to the INVITE (200 when a BYE alone proves it). ``time_certain`` says that no event of the call was
    stamped by a clock that was not set.
    """

    call_id: str
    from_tag: str
    to_tag: str
    caller: str
    callee: str
    began_at: datetime
    answered_at: datetime | None
    ended_at: datetime | None
    way: Way
    outcome: Outcome
    sip_code: int
    emergency: bool
    time_certain: bool


def join(one: Record, other: Record) -> Record:
    """Give what two records of the same call say together. Commutative, associative, idempotent."""
    best = max(one, other, key=_weight)
    return replace(
        best,
        began_at=min(one.began_at, other.began_at),
        ended_at=best.ended_at if best.outcome is not Outcome.ANSWERED else _first(_end(one), _end(other)),
        emergency=one.emergency or other.emergency,
        time_certain=one.time_certain and other.time_certain,
    )


@dataclass(frozen=True, slots=True)
class Tried:
    """A way that the edge has given a call to 112: when, or, with a `status`, that it has not carried the call (408:
    in time)."""

    call_id: str
    at: datetime
    way: str
    status: int | None


@dataclass(frozen=True, slots=True)
class Parsed:
    """What a piece of a file held: one thin record a line, or a way tried; how many bytes were taken, how many lines
    were no lines."""

    records: tuple[Record, ...]
    taken: int
    garbage: int
    tried: tuple[Tried, ...] = ()


def parse(data: bytes, zone: tzinfo = UTC) -> Parsed:
    """Parse the complete lines of ``data``; what follows the last line feed is not taken. Never raises.

    ``zone`` is that of a ``time`` written as local time; seconds since the epoch need none.
    """
    taken = data.rfind(b"\n") + 1
    lines = data[:taken].split(b"\n")[:-1]
    read = [parse_line(line, zone) or parse_tried(line, zone) for line in lines]
    records = tuple(each for each in read if isinstance(each, Record))
    tried = tuple(each for each in read if isinstance(each, Tried))
    return Parsed(records, taken, len(lines) - len(records) - len(tried), tried)


def parse_line(line: bytes, zone: tzinfo = UTC) -> Record | None:
    """Give the thin record that one line (without its line feed) means; ``None`` when it is no such line."""
    if (fields := _fields(line)) is None:
        return None
    method, from_tag, to_tag, call_id, code_text, _, time, caller, callee, way, emergency, micros, why = fields
    if any(len(text) > FIELD_MAX or not text.isprintable() for text in (from_tag, to_tag, call_id, caller, callee)):
        return None
    at = _moment(micros, zone) or _moment(time, zone)
    if not (
        at and from_tag and call_id and code_text.isascii() and code_text.isdigit() and 200 <= int(code_text) < 700
    ):
        return None
    code = int(code_text)
    ended = method.endswith("BYE")
    if not ended and not method.endswith("INVITE"):
        return None
    outcome = Outcome.ANSWERED if ended else outcome_of(code, why)
    return Record(
        call_id=call_id,
        from_tag=from_tag,
        to_tag=_known(to_tag),
        caller=_known(caller),
        callee=_known(callee),
        began_at=at,
        answered_at=at if outcome is Outcome.ANSWERED and not ended else None,
        ended_at=at if ended or outcome is not Outcome.ANSWERED else None,
        way=Way(way) if way in WAYS else Way.NONE,
        outcome=outcome,
        sip_code=200 if ended else code,
        emergency=emergency == "1",
        time_certain=at >= EARLIEST,
    )


def parse_tried(line: bytes, zone: tzinfo = UTC) -> Tried | None:
    """The same of a way that was tried for a call to 112."""
    if (fields := _fields(line)) is None:
        return None
    call_id, code_text, reason, emergency, micros = (fields[COLUMNS.index(name)] for name in _OF_TRIED)
    at, said = _moment(micros, zone), _TRIED.fullmatch(reason)
    if at is None or said is None or not 0 < len(call_id) <= FIELD_MAX or not call_id.isprintable():
        return None
    if emergency != "1" or code_text != (TRIED if said[2] else TRIES):
        return None
    return Tried(call_id, at, WAY_OF[said[1]], int(said[2]) if said[2] else None)


def _fields(line: bytes) -> list[str] | None:
    if len(line) > LINE_MAX_BYTES:
        return None
    # A power cut may leave a block of zeros before the next line, or half a line glued to it: the last twelve
    # columns are whole, as flatstore encodes a "|" that a phone sent.
    fields = line.rpartition(b"\0")[2].decode("utf-8", "backslashreplace").split("|")[-len(COLUMNS) :]
    return fields if len(fields) == len(COLUMNS) else None


_ABSENT = frozenset(("", "<null>"))
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SECONDS = re.compile(r"([0-9]{1,11})(?:\.([0-9]{1,6}))?", re.ASCII)


def _known(text: str) -> str:
    """Give a column's text, empty where Kamailio had none to write."""
    return "" if text in _ABSENT else text


def _moment(text: str, zone: tzinfo) -> datetime | None:
    if seconds := _SECONDS.fullmatch(text):
        whole, part = seconds.groups(default="0")
        return _EPOCH + timedelta(seconds=int(whole), microseconds=int(part.ljust(6, "0")))
    try:
        return datetime.strptime(text, "%Y-%m-%d %H:%M:%S").replace(tzinfo=zone).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _weight(record: Record) -> tuple[int, int, int, tuple[str, ...]]:
    """Order witnesses by what they prove, then by time; the rest only makes the order total."""
    rest = (record.from_tag, record.to_tag, record.caller, record.callee, record.way)
    if record.answered_at:
        return 2, -_microseconds(record.answered_at), record.sip_code, rest
    assert record.ended_at, "a call that was not answered has ended"
    if record.outcome is Outcome.ANSWERED:
        return 1, -_microseconds(record.ended_at), record.sip_code, rest
    return 0, _microseconds(record.ended_at), record.sip_code, rest


def _microseconds(at: datetime) -> int:
    return (at - _EPOCH) // timedelta(microseconds=1)


def _end(record: Record) -> datetime | None:
    """When a BYE ended the call; the end of a call that failed is none."""
    return record.ended_at if record.outcome is Outcome.ANSWERED else None


def _first(one: datetime | None, other: datetime | None) -> datetime | None:
    return min(filter(None, (one, other)), default=None)
