"""A long text in several short messages, and several that came as one text (3GPP TS 23.040 §9.2.3.24.1). Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import groupby

from drivers.codec import gsm7
from drivers.codec.sms_fields import (
    PARTS_MAX,
    USER_DATA_MAX,
    Alphabet,
    Concatenation,
    UserData,
    text_of,
    utf16,
)
from drivers.codec.sms_pdu import DeliverPdu

__all__ = ["Reassembly", "Received", "split"]

WAITING_MAX = 64
"""Messages whose parts are waited for at once; the oldest is given up for another."""
WAIT = timedelta(hours=24)
"""For the rest of a message: a telephone that was off gets its parts late."""

_GAP = "[…]"
_SEPTETS_MAX = USER_DATA_MAX * 8 // 7


def split(text: str, reference: int, *, wide: bool = False, parts_max: int = PARTS_MAX) -> tuple[UserData, ...]:
    """The parts of a text, one alone where it has room. No letter is cut: an escape stays with what follows it, a
    surrogate with its other half. `reference` is the same in all parts of one message, and another in the next;
    `wide`: it has 16 bits. Raises ValueError where more than `parts_max` are needed."""
    whole = UserData.of(text)
    if len(whole.units) <= (_SEPTETS_MAX if whole.alphabet is Alphabet.GSM7 else USER_DATA_MAX):
        return (whole,)
    header = 1 + len(Concatenation(reference, 1, 1, wide).to_bytes())
    room = (USER_DATA_MAX - header) * 8 // 7 if whole.alphabet is Alphabet.GSM7 else USER_DATA_MAX - header
    pieces = list(_pieces(text, whole.alphabet, room))
    if len(pieces) > min(parts_max, PARTS_MAX):
        raise ValueError(f"a text of {len(pieces)} parts; {min(parts_max, PARTS_MAX)} at the most")
    return tuple(
        UserData(whole.alphabet, piece, Concatenation(reference, len(pieces), number, wide))
        for number, piece in enumerate(pieces, 1)
    )


def _pieces(text: str, alphabet: Alphabet, room: int) -> Iterator[bytes]:
    piece = b""
    for letter in text if alphabet is Alphabet.GSM7 else utf16(text).decode("utf-16-be"):
        units = (gsm7.septets_of(letter) if alphabet is Alphabet.GSM7 else None) or utf16(letter)
        if len(piece) + len(units) > room:
            yield piece
            piece = b""
        piece += units
    yield piece


@dataclass(frozen=True, slots=True, kw_only=True)
class Received:
    """A text that came. `parts` are the keys that its parts were given by; not `complete`: some never came, and each
    gap reads "[…]"."""

    sender: str
    is_name: bool
    sent_at: datetime | None
    text: str
    parts: tuple[int, ...]
    complete: bool = True


@dataclass(slots=True)
class _Waiting:
    since: datetime
    total: int
    parts: dict[int, tuple[int, DeliverPdu]] = field(default_factory=dict)  # by number: key, part


class Reassembly:
    """Parts in, texts out. The time is the caller's; it is to ask `expired` now and then."""

    def __init__(self) -> None:
        self._waiting: dict[tuple[str, int, int, bool], _Waiting] = {}

    def push(self, key: int, part: DeliverPdu, now: datetime) -> tuple[Received, ...]:
        """Take a part in, which the caller calls `key`. Gives what is whole by it, and what is given up for it:
        references are soon used again, so a part whose place another has begins a new message. One that came twice is
        passed over."""
        concatenation = part.user.concatenation
        if concatenation is None or concatenation.total == 1:
            return (_received({1: (key, part)}, 1),)
        of = (part.sender.number, concatenation.reference, concatenation.total, concatenation.wide)
        given_up = []
        before = self._waiting[of].parts.get(concatenation.number) if of in self._waiting else None
        if before is not None and before[1].user != part.user:
            given_up.append(self._end(of))
        if of not in self._waiting and len(self._waiting) >= WAITING_MAX:
            oldest = min(self._waiting, key=lambda one: self._waiting[one].since)
            given_up.append(self._end(oldest))
        waiting = self._waiting.setdefault(of, _Waiting(now, concatenation.total))
        waiting.parts.setdefault(concatenation.number, (key, part))
        if len(waiting.parts) == waiting.total:
            given_up.append(self._end(of))
        return tuple(given_up)

    def expired(self, now: datetime) -> tuple[Received, ...]:
        """What has waited too long, as far as it came."""
        old = [of for of, waiting in self._waiting.items() if now - waiting.since >= WAIT]
        return tuple(self._end(of) for of in old)

    def _end(self, of: tuple[str, int, int, bool]) -> Received:
        waiting = self._waiting.pop(of)
        return _received(waiting.parts, waiting.total)


def _received(parts: dict[int, tuple[int, DeliverPdu]], total: int) -> Received:
    pieces = (
        text_of(tuple(parts[number][1].user for number in run)) if there else _GAP
        for there, run in groupby(range(1, total + 1), parts.__contains__)
    )
    first = parts[min(parts)][1]
    return Received(
        sender=first.sender.number,
        is_name=first.sender.is_name,
        sent_at=first.sent_at,
        text="".join(pieces),
        parts=tuple(key for key, _ in parts.values()),
        complete=len(parts) == total,
    )
