"""How a turn of a mailbox's menu sounds (callcontrol/voicemail.py): its words before the sound that it plays, and what
may be pressed after it. Pure."""

from __future__ import annotations

from datetime import datetime

from callcontrol.media.phrases import Choice, NameOf, Piece, Sentence, choices, number, past, phrase
from callcontrol.voicemail import Note, Turn

__all__ = ["before", "offered"]

COUNTED_MAX = 99
"""More are said as so many."""
OWN_COUNTRY = "+46"


def before(turn: Turn, now: datetime, language: str, name_of: NameOf) -> list[Sentence]:
    """What is said first: what was done, how many messages there are, who has left this one and when."""
    found: list[Sentence] = [(phrase(key, language),) for key in turn.says]
    if turn.counts is not None:
        found.append(counted(*turn.counts, language))
    if turn.about is not None:
        found.append(about(turn.about, now, language, name_of))
    return found


def offered(turn: Turn, language: str, name_of: NameOf) -> list[Sentence]:
    """What may be pressed."""
    return choices((Choice(offer.key, offer.what) for offer in turn.offers), language, name_of)


def counted(new: int, old: int, language: str) -> Sentence:
    """ "Du har | två | nya meddelanden | och | ett | gammalt meddelande"."""
    if not new and not old:
        return (phrase("you_have_no_messages", language),)
    parts = [
        (phrase(f"n{min(many, COUNTED_MAX)}", language), phrase(f"{which}_{'one' if many == 1 else 'many'}", language))
        for many, which in ((new, "new_messages"), (old, "old_messages"))
        if many
    ]
    joined: Sentence = (phrase("you_have", language), *parts[0])
    return (*joined, phrase("and", language), *parts[1]) if len(parts) == 2 else joined


def about(note: Note, now: datetime, language: str, name_of: NameOf) -> Sentence:
    """ "Nytt meddelande | från | Anna Ek | i går | klockan | tretton"."""
    what = phrase("old_message" if note.heard else "new_message", language)
    return (what, *_who(note.caller, language, name_of), *past(note.left_at, now, language))


def _who(caller: str, language: str, name_of: NameOf) -> Sentence:
    if not caller:
        return (phrase("from_withheld", language),)
    name = name_of(caller)
    told: Sentence = (Piece(name, name=caller),) if name else number(_as_dialled(caller), language)
    return (phrase("from", language), *told)


def _as_dialled(caller: str) -> str:
    """A number of this country as people here know it."""
    return f"0{caller.removeprefix(OWN_COUNTRY)}" if caller.startswith(OWN_COUNTRY) else caller
