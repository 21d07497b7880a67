"""How many short messages are lost or come twice while the process that sends them dies again and again; in virtual
time (hil/smsrig.py)."""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Callable
from pathlib import Path

from hil.smsrig import FAULTS, Outcome, send
from tools.bench.figures import Class, Figure, Goal, Scalar

__all__ = ["measure"]

MESSAGES, MESSAGES_QUICK = 1_000, 200
SEED = 7
NONE = Goal(0)


def measure(tell: Callable[[str], None], *, quick: bool) -> tuple[list[Figure], dict[str, Scalar]]:
    """Under half a minute, with `quick` five seconds; the figures, and what they were measured under."""
    count = MESSAGES_QUICK if quick else MESSAGES
    tell(f"{count} SMS, in virtual time")
    logging.disable(logging.WARNING)  # each death is logged by the process that follows
    try:
        with tempfile.TemporaryDirectory() as folder:
            outcome = send(count, SEED, Path(folder), tell)
    finally:
        logging.disable(logging.NOTSET)
    return _figures(outcome), {
        "sms_restarts": outcome.restarts,
        "sms_faults": ", ".join(f"{fault} {likelihood:.0%}" for fault, likelihood in FAULTS.items()),
        "sms_lost_is": "neither came nor was said to have failed, or to be unknown",
    }


def _figures(outcome: Outcome) -> list[Figure]:
    return [
        Figure(key, value, outcome.sent, "sms_sent", Class.SIMULATED, goal)
        for key, value, goal in (
            ("sms_lost", outcome.lost, NONE),
            ("sms_doubled", outcome.doubled, NONE),
            ("sms_unknown", outcome.unknown, None),
            ("sms_failed", outcome.failed, None),
        )
    ]
