"""A mailbox listened to by telephone: what is said, what each key does, and what is to be done about it. Pure.

Theory. The shell does a `Turn`: its deeds, then what it says, plays and offers, all of which a key cuts short. Then it
tells what came of it: a key, nothing, a recording's end, or that nobody took the call; each gives the next turn. What
each key does stands in one table by where one is. New messages come first, the oldest before the others. A message
counts as heard when it was played to its end, or a key was pressed in it: who is cut off hears it again as new.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import Enum, auto

__all__ = ["At", "Deed", "Greets", "Menu", "Mine", "Note", "Offer", "Turn", "What"]

KEY_S = 5.0
"""For a key, after all that may be pressed was said."""
BEGIN_S = 2.0
"""The same before the first message is played to who presses nothing."""
SILENT_MAX = 2
"""Times in a row that nothing is pressed where something must be, then the call ends."""
TURNS_MAX = 500
"""Of one call."""

STAR, HASH = "*", "#"


class At(Enum):
    """Where one is."""

    MAIN = auto()
    MESSAGE = auto()
    """It is played."""
    AFTER = auto()
    """It was played, and what may be done with it is said."""
    GREETINGS = auto()
    RECORDING = auto()
    RECORDED = auto()
    CALLING = auto()
    OVER = auto()


class What(Enum):
    """A deed."""

    HEARD = auto()
    KEEP = auto()
    DISCARD = auto()
    USE_PERSONAL = auto()
    USE_TEMPORARY = auto()
    """What was recorded last is the greeting from now on."""
    FORGET_RECORDING = auto()
    END_TEMPORARY = auto()
    END_PERSONAL = auto()
    TAKE_MESSAGES = auto()
    TAKE_NONE = auto()


@dataclass(frozen=True, slots=True)
class Deed:
    """`message`: its id, where it is about one."""

    what: What
    message: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """A message as it is told of. `caller`: "" where no number was shown."""

    id: str
    caller: str
    left_at: datetime
    heard: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Mine:
    """A mailbox as it is when somebody comes to it; which greetings it has, and whether messages may be left."""

    notes: tuple[Note, ...] = ()
    personal: bool = False
    temporary: bool = False
    takes_messages: bool = True


class Greets(Enum):
    """Which sound is played that is no message."""

    IN_FORCE = auto()
    RECORDED = auto()


@dataclass(frozen=True, slots=True)
class Offer:
    """A key, and the phrase of what it is for."""

    key: str
    what: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """What is done now, in this order. `says`: phrases; `counts`: how many are new, and old; `about`: who has left this
    one, and when; `plays`: the sound of a message; `wait_s`: for a key, after all that. Where it `records`, `calls` or
    is `over` no key is waited for."""

    deeds: tuple[Deed, ...] = ()
    says: tuple[str, ...] = ()
    counts: tuple[int, int] | None = None
    about: Note | None = None
    plays: str | None = None
    greets: Greets | None = None
    offers: tuple[Offer, ...] = ()
    wait_s: float = 0.0
    records: bool = False
    calls: str | None = None
    over: bool = False


class Menu:
    """One visit to a mailbox."""

    def __init__(self, mine: Mine) -> None:
        self.at = At.MAIN
        new = [note for note in mine.notes if not note.heard]
        self._notes = [*_in_order(new), *_in_order(note for note in mine.notes if note.heard)]
        self._new = {note.id for note in new}
        self._place = -1  # of the one that is played
        self._personal, self._temporary, self._takes = mine.personal, mine.temporary, mine.takes_messages
        self._recording_temporary = False
        self._silent = self._turns = 0

    # ---- what comes

    def begin(self) -> Turn:
        """The first turn."""
        return self._main()

    def key(self, key: str) -> Turn:
        """One was pressed, while the turn was done or after it."""
        does = _KEYS.get((self.at, key))
        self._silent = 0
        if self._counted() or self.at is At.OVER:
            return self._over()
        if does is None:
            return self._again(*self._marked())
        return does(self)

    def silence(self) -> Turn:
        """The turn was done to its end, and nothing was pressed."""
        if self._counted() or self.at is At.OVER:
            return self._over()
        if self.at is At.MESSAGE:
            deeds = self._marked()
            self.at = At.AFTER
            return self._again(*deeds)
        if self.at is At.MAIN and self._notes and self._place < 0:
            return self._go(0)
        self._silent += 1
        if self._silent >= SILENT_MAX:
            return self._over(*((Deed(What.FORGET_RECORDING),) if self.at is At.RECORDED else ()))
        return self._again()

    def recorded(self, *, well: bool) -> Turn:
        """A recording has ended; whether anything is on it."""
        assert self.at is At.RECORDING
        if self._counted():
            return self._over(Deed(What.FORGET_RECORDING))
        if not well:
            return self._greetings(says=("no_message",))
        self.at = At.RECORDED
        return self._again()

    def unanswered(self, words: str) -> Turn:
        """Nobody has taken the call that a turn made; `words`: why, a phrase."""
        assert self.at is At.CALLING
        self.at = At.AFTER
        return self._after(says=(words,))

    def failed(self) -> Turn:
        """What the turn was to do could not be done, or its message not be played, which stays new then."""
        if self.at is At.OVER or self._counted():
            return self._over()
        if self.at is At.MESSAGE:
            self.at = At.AFTER
            return self._after(says=("not_done",))
        return self._main(says=("not_done",))

    # ---- where one is, once more

    def _again(self, *deeds: Deed) -> Turn:
        match self.at:
            case At.MESSAGE:
                return self._go(self._place, *deeds)
            case At.AFTER:
                return self._after(*deeds)
            case At.GREETINGS:
                return self._greetings(*deeds)
            case At.RECORDED:
                return Turn(
                    deeds=deeds, says=("greeting_sounds",), greets=Greets.RECORDED,
                    offers=(Offer("1", "for_using"), Offer("2", "for_recording_again"), Offer(STAR, "for_not_using")),
                    wait_s=KEY_S,
                )  # fmt: skip
        return self._main(*deeds)

    def _main(self, *deeds: Deed, says: tuple[str, ...] = ()) -> Turn:
        self.at = At.MAIN
        offers = [Offer("1", "for_listening")] if self._notes else []
        offers += [Offer("4", "for_greetings"), Offer(STAR, "for_ending")]
        new = sum(note.id in self._new for note in self._notes)
        begins = self._notes and self._place < 0
        return Turn(
            deeds=deeds, says=says, counts=(new, len(self._notes) - new), offers=tuple(offers),
            wait_s=BEGIN_S if begins else KEY_S,
        )  # fmt: skip

    def _go(self, place: int, *deeds: Deed, says: tuple[str, ...] = ()) -> Turn:
        """To that message; past the last to where one began."""
        if not 0 <= place < len(self._notes):
            self._place = 0
            return self._main(*deeds, says=(*says, "no_more_messages"))
        self.at, self._place = At.MESSAGE, place
        note = self._notes[place]
        return Turn(deeds=deeds, says=says, about=note, plays=note.id)

    def _after(self, *deeds: Deed, says: tuple[str, ...] = ()) -> Turn:
        offers = [Offer("1", "for_again"), Offer("2", "for_keeping"), Offer("3", "for_discarding")]
        if self._notes[self._place].caller:
            offers.append(Offer("5", "for_calling"))
        offers += [Offer("6", "for_next"), Offer(STAR, "for_menu")]
        return Turn(deeds=deeds, says=says, offers=tuple(offers), wait_s=KEY_S)

    def _greetings(self, *deeds: Deed, says: tuple[str, ...] = ()) -> Turn:
        self.at = At.GREETINGS
        offers = [Offer("1", "for_personal_greeting"), Offer("2", "for_temporary_greeting")]
        if self._personal or self._temporary:
            offers.append(Offer("3", "for_hearing_greeting"))
            offers.append(Offer("5", "for_ending_temporary" if self._temporary else "for_ending_personal"))
        offers += [Offer("6", "for_taking_none" if self._takes else "for_taking_messages"), Offer(STAR, "for_menu")]
        return Turn(deeds=deeds, says=says, offers=tuple(offers), wait_s=KEY_S)

    def _over(self, *deeds: Deed) -> Turn:
        self.at = At.OVER
        return Turn(deeds=deeds, says=("goodbye",), over=True)

    # ---- what keys do

    def _listen(self) -> Turn:
        return self._go(0) if self._notes else self._again()

    def _end(self) -> Turn:
        return self._over()

    def _menu(self) -> Turn:
        return self._main(*self._marked())

    def _repeat(self) -> Turn:
        return self._go(self._place, *self._marked())

    def _keep(self) -> Turn:
        deeds = (*self._marked(), Deed(What.KEEP, self._notes[self._place].id))
        return self._go(self._place + 1, *deeds, says=("message_is_kept",))

    def _discard(self) -> Turn:
        note = self._notes.pop(self._place)
        self._new.discard(note.id)
        return self._go(self._place, Deed(What.DISCARD, note.id), says=("message_is_discarded",))

    def _next(self) -> Turn:
        deeds = self._marked()
        return self._go(self._place + 1, *deeds)

    def _previous(self) -> Turn:
        deeds = self._marked()
        return self._go(max(self._place - 1, 0), *deeds)

    def _call(self) -> Turn:
        note, deeds = self._notes[self._place], self._marked()
        if not note.caller:
            return self._again(*deeds)
        self.at = At.CALLING
        return Turn(deeds=deeds, calls=note.caller)

    def _to_greetings(self) -> Turn:
        return self._greetings()

    def _record_personal(self) -> Turn:
        return self._record(temporary=False)

    def _record_temporary(self) -> Turn:
        return self._record(temporary=True)

    def _record_again(self) -> Turn:
        return self._record(Deed(What.FORGET_RECORDING), temporary=self._recording_temporary)

    def _record(self, *deeds: Deed, temporary: bool) -> Turn:
        self.at, self._recording_temporary = At.RECORDING, temporary
        return Turn(deeds=deeds, says=("speak_greeting",), records=True)

    def _use(self) -> Turn:
        if self._recording_temporary:
            self._temporary = True
            return self._greetings(Deed(What.USE_TEMPORARY), says=("temporary_is_used",))
        self._personal = True
        return self._greetings(Deed(What.USE_PERSONAL), says=("greeting_is_used",))

    def _use_not(self) -> Turn:
        return self._greetings(Deed(What.FORGET_RECORDING))

    def _hear(self) -> Turn:
        if not (self._personal or self._temporary):
            return self._again()
        turn = self._greetings()
        return Turn(greets=Greets.IN_FORCE, offers=turn.offers, wait_s=turn.wait_s)

    def _end_greeting(self) -> Turn:
        if self._temporary:
            self._temporary = False
            return self._greetings(Deed(What.END_TEMPORARY), says=("greeting_is_gone",))
        if self._personal:
            self._personal = False
            return self._greetings(Deed(What.END_PERSONAL), says=("greeting_is_gone",))
        return self._again()

    def _take(self) -> Turn:
        self._takes = not self._takes
        what = What.TAKE_MESSAGES if self._takes else What.TAKE_NONE
        return self._greetings(Deed(what), says=("messages_are_taken" if self._takes else "no_messages_are_taken",))

    # ----

    def _marked(self) -> tuple[Deed, ...]:
        """The one that is played is not new any more."""
        if self.at is not At.MESSAGE or (name := self._notes[self._place].id) not in self._new:
            return ()
        self._new.discard(name)
        return (Deed(What.HEARD, name),)

    def _counted(self) -> bool:
        """Whether this call has had all its turns."""
        self._turns += 1
        return self._turns > TURNS_MAX


def _in_order(notes: Iterable[Note]) -> list[Note]:
    return sorted(notes, key=lambda note: (note.left_at, note.id))


_OF_MESSAGE: Mapping[str, Callable[[Menu], Turn]] = {
    "1": Menu._repeat,
    "2": Menu._keep,
    "3": Menu._discard,
    "4": Menu._previous,
    "5": Menu._call,
    "6": Menu._next,
    HASH: Menu._next,
    STAR: Menu._menu,
}
_KEYS: Mapping[tuple[At, str], Callable[[Menu], Turn]] = {
    (At.MAIN, "1"): Menu._listen,
    (At.MAIN, "4"): Menu._to_greetings,
    (At.MAIN, STAR): Menu._end,
    **{(at, key): does for at in (At.MESSAGE, At.AFTER) for key, does in _OF_MESSAGE.items()},
    (At.GREETINGS, "1"): Menu._record_personal,
    (At.GREETINGS, "2"): Menu._record_temporary,
    (At.GREETINGS, "3"): Menu._hear,
    (At.GREETINGS, "5"): Menu._end_greeting,
    (At.GREETINGS, "6"): Menu._take,
    (At.GREETINGS, STAR): Menu._menu,
    (At.RECORDED, "1"): Menu._use,
    (At.RECORDED, "2"): Menu._record_again,
    (At.RECORDED, "3"): Menu._use_not,
    (At.RECORDED, STAR): Menu._use_not,
}
