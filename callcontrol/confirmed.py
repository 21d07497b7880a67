"""What somebody hears who has dialled a code: what was set and until when, or what was wrong. Pure.

The words are phrases of callcontrol/media/phrases.py, so that each may be recorded; without sound they stand on the
display.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from callcontrol.media.phrases import Choice, NameOf, Piece, Sentence, choices, number, phrase, phrases, text, when
from callcontrol.plan.reasons import Reason
from callcontrol.plan.setting import Said

__all__ = ["KEY_YES", "asked", "confirmed", "displayed"]

KEY_YES = "1"

_OF_ANOTHER = {"referred": "is_referred", "is_back": "other_is_back", "was_in": "other_was_in"}
_OF_ONESELF = {"referred": "you_are_referred", "is_back": "you_are_back", "was_in": "you_were_in"}


def confirmed(said: Sequence[Said], now: datetime, language: str, name_of: NameOf) -> list[Sentence]:
    return [_sentence(one, now, language, name_of) for one in said]


def asked(doubts: Sequence[Said], now: datetime, language: str, name_of: NameOf) -> list[Sentence]:
    """What is odd, and how it is done all the same."""
    return [*confirmed(doubts, now, language, name_of), *choices((Choice(KEY_YES, "for_saving"),), language, name_of)]


def displayed(said: Sequence[Said], now: datetime, name_of: NameOf) -> tuple[str, str]:
    """Swedish, and English."""
    sv, en = (text(confirmed(said, now, language, name_of)).rstrip(".") for language in ("sv", "en"))
    return sv, en


def _sentence(one: Said, now: datetime, language: str, name_of: NameOf) -> Sentence:
    key = (_OF_ANOTHER if one.who else _OF_ONESELF).get(one.key, one.key)
    pieces = [*_who(one.who, language, name_of), phrase(f"code_{key}", language)]
    if one.reason is not None:
        pieces.append(_word(one.reason, language))
    if one.back is not None:
        pieces += _back(one.back[0], now, language)
    if one.target:
        pieces += _who(one.target, language, name_of)
    return tuple(pieces)


def _who(whose: str, language: str, name_of: NameOf) -> Sequence[Piece]:
    """A name, else the number as it is read out."""
    if not whose:
        return ()
    name = name_of(whose) if not whose.startswith("+") else None
    if name:
        return (Piece(name, name=whose),)
    return number(whose.replace("+46", "0", 1) if whose.startswith("+46") else whose, language)


def _word(reason: Reason, language: str) -> Piece:
    """By its own word, for who has set it; a site's own reason has no recording."""
    word = reason.word(public=False, english=language == "en").lower()
    key = f"word_{reason.key}"
    ready = phrases().get(key)
    known = ready is not None and ready[("sv", "en").index(language)] == word
    return phrase(key, language) if known else Piece(word)


def _back(moment: datetime | None, now: datetime, language: str) -> Sequence[Piece]:
    if moment is None:
        return (phrase("until_further", language),)
    back = when(moment, now, language)
    return (phrase("back_again", language), *back) if back else ()
