"""What is dialled to have something done: the site's table of codes, and how a dialled number is read by it. Pure.

A code is written as it is dialled, with a letter where digits stand:

N  a number inside: an extension, a slot             A  an extension, or a number outside as it is dialled
R  the digit of a reason                             T  a time or a date: HHMM, or MMDD
P  a PIN

"*8*N#", "*23*R*T#", "*74*P*P#". Its last # may be left out by who dials: many phones take it for "send". More digits
are read than can be right, so that who is wrong is told in what, and so that no PIN is taken for a number that was
dialled. Which codes a site has is firmware.config_calls; ready sets are codesets.py.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from itertools import combinations
from typing import Self

__all__ = [
    "ANY",
    "Code",
    "Dialled",
    "Does",
    "Function",
    "Own",
    "clashes",
    "looks_like",
    "observed",
    "of_calls",
    "of_numbers",
    "pattern",
    "read",
    "shown",
]

_DIGITS = {"N": (1, 15), "A": (1, 20), "R": (1, 4), "T": (1, 8), "P": (1, 20)}
"""How many may stand for each letter. An A may begin with a plus."""
PAIRS_KNOWN = 4_096
"""Pairs of codes of which it is remembered whether one begins the other: a site's and both sets' are a thousand."""
LITERALS_MAX = 10
"""Digits, * and # of a code, beside its letters."""
DIALLED_MAX = 48
"""What is longer is no code."""
ANY = f"[*#][0-9*#]{{0,{DIALLED_MAX - 1}}}"
"""Whatever a code could look like: no number of anybody's begins so."""
SHOWN_DIGITS = 4
"""Of a code where it is noted: what somebody has set is nobody's business that reads records, and a PIN never."""

_WRITTEN = re.compile(r"[0-9*#]+(?:[NARTP]?[*#][0-9*#]*)*[NARTP]?")
_PIN_APART = re.compile(r"(?:[^P]|(?<=[*#])P(?=[*#]|\Z))*")
"""A PIN stands between * and #: else its digits are of the beginning, which is noted (`shown`)."""
_BEGINS = re.compile(rf"[*#]+[0-9]{{0,{SHOWN_DIGITS}}}")


class Function(StrEnum):
    """What may be had by a code in calls; each is a key of `[codes]`."""

    GROUP_PICK_UP = "group_pick_up"
    PICK_UP = "pick_up"
    PARK = "park"
    FETCH = "fetch"
    CALL_BACK = "call_back"
    CALL_BACK_OFF = "call_back_off"
    CAMP_ON = "camp_on"
    CONFERENCE = "conference"
    BARGE_IN = "barge_in"
    ADD = "add"
    THREAT = "threat"
    VOICEMAIL = "voicemail"
    VOICEMAIL_OF = "voicemail_of"

    @property
    def letters(self) -> frozenset[str]:
        """Which letters may stand in it, in their order."""
        alone = (Function.GROUP_PICK_UP, Function.CALL_BACK_OFF, Function.THREAT, Function.VOICEMAIL)
        return frozenset({"" if self in alone else "N"})


class Own(StrEnum):
    """What is set by a code, or is so for one call; each is a key of `[codes]`, too."""

    REFER = "refer"
    BACK = "back"
    REFER_OTHER = "refer_other"
    BACK_OTHER = "back_other"
    FOLLOW_ME = "follow_me"
    FORWARD = "forward"  # without a number: to who answers for one's unit
    FORWARD_OFF = "forward_off"  # and follow-me
    BUSY = "busy"
    BUSY_OFF = "busy_off"
    NO_ANSWER = "no_answer"
    NO_ANSWER_OFF = "no_answer_off"
    NOT_REACHABLE = "not_reachable"
    NOT_REACHABLE_OFF = "not_reachable_off"
    ALL_OFF = "all_off"  # every forwarding
    DO_NOT_DISTURB = "do_not_disturb"
    DO_NOT_DISTURB_OFF = "do_not_disturb_off"
    STATUS = "status"  # says what is set
    LOCK = "lock"  # inside calls only, and 112
    UNLOCK = "unlock"
    CHANGE_PIN = "change_pin"
    CALL_AS = "call_as"  # with the right of one's own extension, from another's
    PAST = "past"  # past forwarding and do-not-disturb, for who may
    WITHHELD = "withheld"
    NIGHT = "night"  # the key of one's reception: closed, and open again
    FAULT = "fault"  # reports that something is wrong with this phone

    @property
    def letters(self) -> frozenset[str]:
        return frozenset(_OWN.get(self, ("",)))

    @property
    def secret(self) -> bool:
        """A PIN stands in it."""
        return any("P" in letters for letters in self.letters)


_OWN: dict[Own, tuple[str, ...]] = {
    Own.REFER: ("R", "RT"),
    Own.REFER_OTHER: ("NR", "NRT"),
    Own.BACK_OTHER: ("N",),
    Own.FOLLOW_ME: ("N", "A"),
    Own.FORWARD: ("", "A"),
    Own.BUSY: ("", "A"),
    Own.NO_ANSWER: ("", "A"),
    Own.NOT_REACHABLE: ("", "A"),
    Own.LOCK: ("P",),
    Own.UNLOCK: ("P",),
    Own.CHANGE_PIN: ("PP",),
    Own.CALL_AS: ("P", "PN"),
    Own.PAST: ("N",),
    Own.WITHHELD: ("A",),
    Own.NIGHT: ("", "N"),
}
"""Those without an entry have no letters."""

OBSERVED = frozenset(Own) - {
    Own.STATUS, Own.LOCK, Own.UNLOCK, Own.CHANGE_PIN, Own.CALL_AS, Own.PAST, Own.WITHHELD
}  # fmt: skip
"""What a platform that does it is believed."""

Does = Function | Own


@dataclass(frozen=True, slots=True)
class Code:
    does: Does
    written: str

    @classmethod
    def parse(cls, does: Does, text: str) -> Self:
        """ValueError for what is no code of this."""
        letters = "".join(sign for sign in text if sign in _DIGITS)
        literals = len(text) - len(letters)
        fits = letters in does.letters and 0 < literals <= LITERALS_MAX and _PIN_APART.fullmatch(text) is not None
        if not fits or _WRITTEN.fullmatch(text) is None or (isinstance(does, Own) and text[0] not in "*#"):
            forms = " or ".join(_named(wanted) for wanted in sorted(does.letters))
            first = "; * or # first" if isinstance(does, Own) else ""
            raise ValueError(f"{text!r}: digits, * and #, {forms}{first}")
        return cls(does, text)

    @property
    def letters(self) -> str:
        return "".join(sign for sign in self.written if sign in _DIGITS)

    @property
    def before(self) -> str:
        """What is dialled before the first letter, or alone."""
        return re.split("[NARTP]", self.written, maxsplit=1)[0]


@dataclass(frozen=True, slots=True)
class Dialled:
    """What a code asks for, with what stood for its letters; "" where it has none."""

    does: Does
    number: str = ""
    reason: str = ""
    time: str = ""
    pins: tuple[str, ...] = ()

    def __repr__(self) -> str:
        """Without PINs, wherever it is printed."""
        return f"Dialled({self.does}, {self.number!r}, {self.reason!r}, {self.time!r})"


def read(dialled: str, codes: Iterable[Code]) -> Dialled | None:
    """What `dialled` asks for; None for what is no code."""
    for code in codes:
        if (found := re.fullmatch(_expression(code), dialled)) is not None:
            pairs = list(zip(code.letters, found.groups(), strict=True))
            one = {letter: value for letter, value in pairs if letter != "P"}
            return Dialled(
                code.does,
                number=one.get("N", one.get("A", "")),
                reason=one.get("R", ""),
                time=one.get("T", ""),
                pins=tuple(value for letter, value in pairs if letter == "P"),
            )
    return None


def looks_like(dialled: str) -> bool:
    """Whether it begins as codes do: somebody who mistypes one is told so, and what is mistyped may hold a PIN."""
    return re.fullmatch(ANY, dialled) is not None


def pattern(codes: Iterable[Code]) -> str:
    """One regular expression (POSIX, extended) for all, a # also as %23 (RFC 3986 §2.1), and for whatever looks like
    a code where there are any; "" for none."""
    listed = tuple(codes)
    if not listed:
        return ""
    marked = (code for code in listed if code.written[0] not in "*#")
    every = f"([*#]|%23)([0-9*#]|%23){{0,{DIALLED_MAX - 1}}}"
    return "|".join([every, *(_expression(code).replace("[#]", "(#|%23)") for code in marked)])


def of_calls(codes: Iterable[Code]) -> str:
    """Another, of those that are noted as they were dialled: what was had in a call, and of whom."""
    return "|".join(_expression(code).replace("[#]", "(#|%23)") for code in codes if isinstance(code.does, Function))


def of_numbers(codes: Iterable[Code]) -> str:
    """Another, of what stands before the number in codes that call it, which is what is noted; each # is a #."""
    return "|".join("".join(map(_piece, code.before)) for code in codes if code.does in (Own.PAST, Own.WITHHELD))


def observed(codes: Iterable[Code]) -> str:
    """Another, of those that set something without a PIN: what the platform has done by one is so here, too (C8)."""
    seen = (code for code in codes if code.does in OBSERVED)
    return "|".join(_expression(code).replace("[#]", "(#|%23)") for code in seen)


def shown(dialled: str) -> str:
    """As any other code is noted: how it begins, and no more."""
    found = _BEGINS.match(dialled)
    return found[0] if found else dialled


def clashes(codes: Sequence[Code]) -> Iterator[tuple[Code, Code]]:
    """Pairs of which one is dialled whole while the other is being dialled, or which are the same: phones that send
    what is complete tell them not apart."""
    for one, other in combinations(codes, 2):
        if _begins(one.written, other.written):
            yield one, other


@lru_cache(PAIRS_KNOWN)
def _begins(one: str, other: str) -> bool:
    """Whether something that is dialled for either begins something dialled for the other; both walked sign by sign."""
    ahead = {((0, 0), (0, 0))}
    seen = set(ahead)
    while ahead:
        places = ahead.pop()
        if any(_done(text, place) for text, place in zip((one, other), places, strict=True)):
            return True
        for sign in "0123456789*#+":
            for next_ in {(a, b) for a in _after(one, places[0], sign) for b in _after(other, places[1], sign)}:
                if next_ not in seen:
                    seen.add(next_)
                    ahead.add(next_)
    return False


_Place = tuple[int, int]
"""Which sign of a code as it is written is next, and how many signs stood for it so far, if it is a letter."""


def _done(text: str, place: _Place) -> bool:
    at, stood = place
    return at == len(text) or (at == len(text) - 1 and text[at] in _DIGITS and stood >= _DIGITS[text[at]][0])


def _after(text: str, place: _Place, sign: str) -> Iterator[_Place]:
    at, stood = place
    if at == len(text):
        return
    if text[at] not in _DIGITS:
        if text[at] == sign:
            yield at + 1, 0
        return
    least, most = _DIGITS[text[at]]
    if (sign.isdigit() and stood < most) or (sign == "+" and text[at] == "A" and stood == 0):
        yield at, stood + 1
    if stood >= least:
        yield from _after(text, (at + 1, 0), sign)


def _expression(code: Code) -> str:
    whole = "".join(_piece(sign) for sign in code.written)
    return f"{whole}?" if whole.endswith("[#]") else whole


def _piece(sign: str) -> str:
    if sign in _DIGITS:
        least, most = _DIGITS[sign]
        return f"({'[+]?' if sign == 'A' else ''}[0-9]{{{least},{most}}})"
    return sign if sign.isdigit() else f"[{sign}]"


def _named(letters: str) -> str:
    words = {"N": "N for the number", "A": "A for the number", "R": "R for the reason", "T": "T for the time",
             "P": "P for the PIN"}  # fmt: skip
    return "with " + ", then ".join(words[letter] for letter in letters) if letters else "nothing else"
