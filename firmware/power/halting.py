"""The last words: calls are told, what is remembered is flushed, the machine halts. Pure.

A state machine: an event gives the next stage and what is to be done. Mains that is back at any moment of it ends in a
running unit: before the command nothing has been done that needs undoing; after it the machine is going down, and is
told to start again instead, as nothing would wake a halted one that has mains. A command that fails is tried again
while the halt is due. Nothing waits for ever: what does not answer within its time is passed over.
"""

from __future__ import annotations

from enum import StrEnum

__all__ = ["TABLE", "WAITS_S", "Do", "Happened", "Stage", "after"]


class Stage(StrEnum):
    RUNNING = "running"
    TELLING = "telling"
    """Calls are told, and have a moment to end."""
    FLUSHING = "flushing"
    COMMANDED = "commanded"
    """The machine goes down at any moment; or stays, where no command is configured."""
    STARTING_AGAIN = "starting_again"
    """It was commanded to halt, and then to start again, as mains is back. DONE: it was never going down."""


class Happened(StrEnum):
    HALT = "halt"
    """The policy's state is HALTING."""
    BACK = "back"
    """It is not any more."""
    DONE = "done"
    """What this stage does is done, or its time is over."""
    FAILED = "failed"
    """The command could not be given."""


class Do(StrEnum):
    NOTHING = "nothing"
    TELL = "tell"
    FLUSH = "flush"
    HALT = "halt"
    RESTART = "restart"
    CARRY_ON = "carry_on"
    """Say that nothing ends after all."""


_S, _H, _D = Stage, Happened, Do
TABLE: dict[tuple[Stage, Happened], tuple[Stage, Do]] = {
    (_S.RUNNING, _H.HALT): (_S.TELLING, _D.TELL),
    (_S.TELLING, _H.DONE): (_S.FLUSHING, _D.FLUSH),
    (_S.FLUSHING, _H.DONE): (_S.COMMANDED, _D.HALT),
    (_S.TELLING, _H.BACK): (_S.RUNNING, _D.CARRY_ON),
    (_S.FLUSHING, _H.BACK): (_S.RUNNING, _D.CARRY_ON),
    (_S.COMMANDED, _H.BACK): (_S.STARTING_AGAIN, _D.RESTART),
    (_S.COMMANDED, _H.FAILED): (_S.FLUSHING, _D.FLUSH),
    (_S.STARTING_AGAIN, _H.FAILED): (_S.STARTING_AGAIN, _D.RESTART),
    (_S.STARTING_AGAIN, _H.HALT): (_S.COMMANDED, _D.HALT),
    (_S.STARTING_AGAIN, _H.DONE): (_S.RUNNING, _D.CARRY_ON),
}
"""What is not here changes nothing."""

WAITS_S = {Stage.FLUSHING: 10.0}
"""How long a stage may last before it is taken for DONE; TELLING has the configuration's time."""


def after(stage: Stage, happened: Happened) -> tuple[Stage, Do]:
    return TABLE.get((stage, happened), (stage, Do.NOTHING))
