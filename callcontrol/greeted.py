"""How somebody from outside is greeted who calls a SIM of ours, and whom their keys lead to (B6). Pure.

Keys reach extensions and nothing else: who calls from outside is led out of the house by nobody.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime

from callcontrol.asked import Asked, decide
from callcontrol.media.phrases import Piece, Sentence, phrase
from callcontrol.plan.model import Directory
from callcontrol.plan.number import LocalNumbering
from callcontrol.refusal import Refusal, Why

__all__ = ["DIGITS_MAX", "Greeted", "Keypad", "in_turn", "longest_of"]

DIGITS_MAX = 10
"""Of an extension (callcontrol.plan.number.ExtensionRange)."""
IN_TURN_MAX = 8
"""Who rings for one call, one after the other."""
KEY_DONE, KEY_ANEW = "#", "*"
GREETING_IN = "sv"
"""The language that entities write their greeting in."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Greeted:
    """`greeting`: the entity's own words, "" for neutral ones; `entity`: its id, by which they may be recorded. `next`:
    who rings where nothing is pressed. `longest`: see `longest_of`. `reached`: who rings, one after the other, for
    digits that were pressed; empty: that is no extension."""

    greeting: str
    entity: str
    next: tuple[str, ...]
    longest: int
    reached: Callable[[str], tuple[str, ...]]

    def words(self, language: str) -> list[Sentence]:
        """What is said first."""
        own = bool(self.greeting) and language == GREETING_IN
        welcome = Piece(self.greeting, name=self.entity) if own else phrase("welcome", language)
        return [(welcome,), (phrase("dial_extension", language),)]


@dataclass(slots=True)
class Keypad:
    """What somebody presses, of `longest` digits at the most."""

    longest: int
    digits: str = field(default="", init=False)

    def press(self, key: str) -> bool:
        """Whether that was all."""
        if key == KEY_DONE:
            return True
        if key == KEY_ANEW:
            self.digits = ""
        elif key.isascii() and key.isdigit():
            self.digits += key
        return len(self.digits) >= self.longest


def longest_of(numbering: LocalNumbering) -> int:
    """Digits of the longest extension of a site."""
    return max((extensions.length for extensions in numbering.extensions), default=DIGITS_MAX)


def in_turn(asked: Asked, directory: Directory, now: datetime) -> tuple[str, ...]:
    """Who rings for a caller from outside by the plan, if nobody answers; empty where that is no extension."""
    if directory.extension(asked.callee) is None:
        return ()
    found = [asked.callee]  # what is set up for it is judged again when it rings
    tried: tuple[str, ...] = ()
    while len(found) < IN_TURN_MAX:
        why = Why.NO_ANSWER if tried else Why.INCOMING
        answer = decide(replace(asked, why=why, tried=tried), directory, now).answer
        new = () if isinstance(answer, Refusal) else tuple(number for number in answer if number not in tried)
        if not new:
            break
        tried += new
        found += [number for number in new if number not in found and directory.extension(number) is not None]
    return tuple(found[:IN_TURN_MAX])
