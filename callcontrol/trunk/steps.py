"""What happens to a call to 112 by modem, each step by its name; kept with its time for 30 days (H2, A4)."""

from __future__ import annotations

from datetime import timedelta
from enum import StrEnum

__all__ = ["KEPT", "Step"]

KEPT = timedelta(days=30)


class Step(StrEnum):
    ASKED = "asked"
    """The edge has handed it over; `detail` is the caller's extension."""
    PREEMPTS = "preempts"
    """The modem's lesser call is hung up."""
    DIALS = "dials"
    """The modem is told to."""
    DIALLED = "dialled"
    """It has taken that."""
    NOT_TAKEN = "not_taken"
    """It has not; `detail` says why."""
    NO_MODEM = "no_modem"
    """None is left: the edge takes the next way."""
    NO_PROGRESS = "no_progress"
    """Nothing was heard of it: another modem is tried."""
    ALERTING = "alerting"
    ANSWERED = "answered"
    RELEASED = "released"
    """Before anybody answered; `detail` is the cause (Q.850), where it was told."""
    GIVEN_UP = "given_up"
    """Who called has hung up, or the edge has taken another way."""
    ENDED = "ended"
    CALLED_BACK = "called_back"
    """Somebody has called that SIM within the hour; `detail` is whom it rings."""
