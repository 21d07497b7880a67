"""What a caller is told whose call nobody takes, and where it may go from there. Pure.

The words are the plan's, as sentences of callcontrol/media/phrases.py. Who chooses nothing is led on to whoever answers
instead, and else to the reception: no call ends in nothing (B1).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from callcontrol.media.phrases import Choice, NameOf, Sentence, because, phrase, said
from callcontrol.media.phrases import choices as spoken
from callcontrol.plan.steps import Say
from callcontrol.refusal import Why

__all__ = ["KEY_AGAIN", "KEY_CALL_BACK", "KEY_CONTACT", "KEY_END", "KEY_MESSAGE", "KEY_WAIT", "Told", "one", "word_of"]

KEY_MESSAGE, KEY_RECEPTION, KEY_INSTEAD, KEY_AGAIN = "1", "2", "3", "9"
KEY_WAIT, KEY_CALL_BACK, KEY_CONTACT = "4", "5", "6"
"""As on the exchanges that people know (MD110)."""
KEY_END = "#"
"""Ends a message."""

_WORDS = {
    Why.UNKNOWN: "unknown",
    Why.OUTSIDE: "no_way_out",
    Why.GONE: "no_way_out",
    Why.NO_ANSWER: "no_answer",
    Why.BUSY: "busy",
}


def word_of(why: Why) -> str:
    """The edge's word as the plan would say it."""
    return _WORDS.get(why, "not_reachable")


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """`said`: the plan's; `why`: a word of it, said where the plan says nothing. `sought`: the extension that was
    called, "" for none. `reception`, `instead`: extensions to be led on to. `mailbox`: the extension that a message may
    be left for. `greeting`: the extension whose own recorded words are said, where there are any. `busy`: the extension
    that the caller, one of ours, may wait for or be called back by. `contact`: the extension to whose person the caller
    may leave his number."""

    said: tuple[Say, ...] = ()
    why: str
    sought: str = ""
    reception: str | None = None
    instead: str | None = None
    mailbox: str | None = None
    greeting: str | None = None
    busy: str | None = None
    contact: str | None = None

    @property
    def offered(self) -> tuple[str, str] | None:
        """An extension on call that may be chosen, and what it is called: nobody is led there unasked."""
        for step in self.said:
            fill = dict(step.fill)
            if "offered" in fill:
                return fill["offered"], fill["offered_name"]
        return None

    @property
    def next(self) -> tuple[str, ...]:
        """Who rings where nothing is chosen, one after the other."""
        return tuple(number for number in (self.instead, self.reception) if number)

    @property
    def keys(self) -> dict[str, str]:
        """Where each leads to."""
        offered = self.offered[0] if self.offered else None
        both = {KEY_RECEPTION: self.reception, KEY_INSTEAD: self.instead or offered}
        return {key: number for key, number in both.items() if number}

    @property
    def greeting_says_all(self) -> bool:
        """Nothing but that somebody does not answer would be said, or what stands written for it: their own words say
        it. Why they are away, and until when, they may not."""
        return all(step.words == "announcement" for step in self.said)

    def reasons(self, now: datetime, language: str, name_of: NameOf) -> list[Sentence]:
        """Why, and until when."""
        found = [sentence for step in self.said for sentence in said(step, now, language, name_of)]
        return found or because(self.why, self.sought, language, name_of)

    def choices(self, language: str, name_of: NameOf) -> list[Sentence]:
        """What the caller may press; empty where there is nothing to choose."""
        message = [Choice(KEY_MESSAGE, "for_message")] if self.mailbox else []
        waits = [Choice(KEY_WAIT, "for_waiting"), Choice(KEY_CALL_BACK, "for_call_back")] if self.busy else []
        contact = [Choice(KEY_CONTACT, "for_contact")] if self.contact else []
        given = [*message, *self._ways, *waits, *contact]
        return spoken((*given, Choice(KEY_AGAIN, "for_again")), language, name_of) if given else []

    def after_message(self, language: str, name_of: NameOf) -> list[Sentence]:
        """When one has been saved, and where its caller may go from there."""
        return [*one("message_kept", language), *spoken(self._ways, language, name_of)]

    def farewell(self, language: str) -> list[Sentence]:
        """When nothing was chosen."""
        return one("please_wait" if self.next else "goodbye", language)

    @property
    def _ways(self) -> list[Choice]:
        ways = [Choice(KEY_RECEPTION, "for_reception")] if self.reception else []
        if self.instead:
            return [*ways, Choice(KEY_INSTEAD, "for_instead", self.instead)]
        return [*ways, Choice(KEY_INSTEAD, "for_on_call", called=self.offered[1])] if self.offered else ways


def one(key: str, language: str) -> list[Sentence]:
    """A phrase as a sentence of its own."""
    return [(phrase(key, language),)]
