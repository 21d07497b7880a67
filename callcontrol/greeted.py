"""How somebody from outside is greeted who calls a SIM of ours, and whom their keys lead to (B6). Pure.

Keys reach extensions. Nobody who calls from outside is led out of the house again, but one who has proved to be an
extension's, by its PIN, where the site wants that: then as far as that extension itself could ring (E1).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime

from callcontrol.asked import Asked, Decided, decide
from callcontrol.media.phrases import Piece, Sentence, phrase, said
from callcontrol.plan.model import Directory
from callcontrol.plan.number import LocalNumbering, NumberKind, parse_dialled
from callcontrol.plan.steps import Say
from callcontrol.refusal import Refusal, Why
from callcontrol.told import Told

__all__ = ["DIGITS_MAX", "Greeted", "Keypad", "in_turn", "led_out", "longest_of"]

DIGITS_MAX = 10
"""Of an extension (callcontrol.plan.number.ExtensionRange)."""
IN_TURN_MAX = 8
"""Who rings for one call, one after the other."""
KEY_DONE, KEY_ANEW = "#", "*"
KEY_OUT = "*"
"""Before any digit."""
GREETING_IN = "sv"
"""The language that entities write their greeting in."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Greeted:
    """`greeting`: the entity's own words, "" for neutral ones; `entity`: its id, by which they may be recorded. `next`:
    who rings where nothing is pressed. `longest`: see `longest_of`. `reached`: who rings, one after the other, for
    digits that were pressed; empty: that is no extension. `leads_out`: KEY_OUT is heeded. `voicemail`: digits
    by which one's mailbox is listened to; "" for none. `closed`: that the reception is, as of a moment; `next` is then
    who is rung instead, empty for nobody."""

    greeting: str
    entity: str
    next: tuple[str, ...]
    longest: int
    reached: Callable[[str], tuple[str, ...]]
    leads_out: bool = False
    voicemail: str = ""
    closed: tuple[Say, datetime] | None = None

    def words(self, language: str) -> list[Sentence]:
        """What is said first."""
        own = bool(self.greeting) and language == GREETING_IN
        welcome = Piece(self.greeting, name=self.entity) if own else phrase("welcome", language)
        told = [] if self.closed is None else said(*self.closed, language, lambda _: None)
        dial = "dial_extension" if self.next else "dial_or_hang_up"
        return [(welcome,), *told, (phrase(dial, language),)]


@dataclass(slots=True)
class Keypad:
    """What somebody presses, of `longest` digits at the most. `leads_out`: KEY_OUT is heeded; `out`: it was pressed."""

    longest: int
    leads_out: bool = False
    digits: str = field(default="", init=False, repr=False)
    out: bool = field(default=False, init=False)

    def press(self, key: str) -> bool:
        """Whether that was all."""
        if key == KEY_DONE:
            return True
        if key == KEY_OUT and self.leads_out and not self.digits:
            self.out = True
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


def led_out(asked: Asked, decided: Decided, numbering: LocalNumbering) -> Told:
    """What becomes of a number that one of ours dials from outside: it is led on to `instead`, else told why not."""
    if parse_dialled(asked.callee, numbering).kind is NumberKind.EMERGENCY:
        return Told(why="emergency_direct")  # a mobile reaches it, with its place, and without our modems
    if isinstance(decided.answer, Refusal):
        return Told(why=decided.told.why if decided.told is not None else "no_way_out")
    if not decided.out:
        return Told(why="unknown")
    return Told(said=decided.told.said if decided.told is not None else (), why="", instead=decided.out[0].number)
