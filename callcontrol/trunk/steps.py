"""What happens to a call to 112, each step by its name; kept with its time for 30 days (H2, A4)."""

from __future__ import annotations

from datetime import timedelta
from enum import StrEnum

__all__ = ["KEPT", "Step"]

KEPT = timedelta(days=30)


class Step(StrEnum):
    WAY = "way"
    """The edge gives it to a way; `detail` says which: platform, platform_data, modem, gateway."""
    WAY_FAILED = "way_failed"
    """That has not carried it: `detail` is the way and the SIP status, 408 where it did not answer in time."""
    WAY_ANSWERED = "way_answered"
    """By another way than a modem; `detail` says which."""
    OVER = "over"
    """A call that no modem carried: `detail` is the way, else why nobody answered (callcontrol.records.Outcome)."""
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
