"""How far a call is, as one of its sides has it."""

from __future__ import annotations

from enum import Enum, auto

__all__ = ["NEXT", "Phase"]


class Phase(Enum):
    CALLING = auto()  # our INVITE has no final answer
    RINGING = auto()  # nor has the peer's
    CANCELLING = auto()  # we gave up while calling
    UP = auto()
    ENDING = auto()  # a BYE is sent, or will be as soon as it may be
    OVER = auto()


NEXT: dict[Phase, frozenset[Phase]] = {
    Phase.CALLING: frozenset({Phase.UP, Phase.CANCELLING, Phase.ENDING, Phase.OVER}),
    Phase.RINGING: frozenset({Phase.UP, Phase.OVER}),
    Phase.CANCELLING: frozenset({Phase.ENDING, Phase.OVER}),
    Phase.UP: frozenset({Phase.ENDING, Phase.OVER}),
    Phase.ENDING: frozenset({Phase.OVER}),
    Phase.OVER: frozenset(),
}
