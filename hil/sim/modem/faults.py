"""What can be wrong with a modem, its line, its sound and its network, by name.

Each was seen in the field or stands in a bug report. A fault is on with a likelihood: each time it could strike it does
so with that likelihood, drawn from the modem's own seed.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum

__all__ = ["LINE", "NETWORK", "SOUND", "SPOKEN", "Fault", "Faults", "Planned", "plan"]


class Fault(StrEnum):
    """The names; what each does stands beside it."""

    # The line
    CUT = "cut"  # what is said arrives in pieces of one or two bytes
    DOUBLE_CR = "double_cr"  # \r\r\n for \r\n
    NO_CR = "no_cr"  # lines end with \n alone
    NOISE = "noise"  # bytes that belong to nothing, between lines
    GLUED = "glued"  # a final result and the next line without anything between: ERROR+CNUM: …
    INSIDE = "inside"  # an unsolicited line in the middle of an answer
    ECHO_STAYS = "echo_stays"  # ATE0 is answered OK and changes nothing
    STALE_PROMPT = "stale_prompt"  # "> " when no text was asked for
    STUCK_PROMPT = "stuck_prompt"  # Ctrl-Z is not heard; only ESC leads out of the prompt
    LOST_URC = "lost_urc"  # an unsolicited line goes to another port
    SLOW = "slow"  # an answer takes seconds
    NO_ANSWER = "no_answer"  # a command is not answered
    HANG = "hang"  # nothing is heard or said any more, until power is cut
    RENAMED = "renamed"  # comes back on USB under other names (where it has a place there)
    # What is said
    ERROR_TEXT = "error_text"  # errors in words: COMMAND NOT SUPPORT, +CME ERROR: SIM busy
    PADDED = "padded"  # +CREG:002,001,"18d8","ffff"
    BROKEN_QUOTES = "broken_quotes"  # +CREG: 2,1,"0B,"0100701",7
    ORDER = "order"  # a compound command is answered in another order
    HEX_NUMBER = "hex_number"  # letters among the digits of a caller's number
    NO_NUMBER = "no_number"  # +CLCC and +CLIP without the number
    PHANTOM = "phantom"  # +CLCC: 1,1,0,1,0,"",128 that nobody called; it survives a reset
    NO_RING = "no_ring"  # a call comes in without RING
    NO_END = "no_end"  # a call ends without a word
    CMTI_MINUS = "cmti_minus"  # +CMTI: "SM",-1
    CDSI_EMPTY = "cdsi_empty"  # +CDSI: "SM",0 and nothing there
    SLOW_SMS = "slow_sms"  # +CMGS: after 14 s
    SMS_ERROR = "sms_error"  # +CMS ERROR: 38, the network is out of order
    QHUP_RESETS = "qhup_resets"  # AT+QHUP is not answered, and the modem begins anew
    # The card
    SIM_BUSY = "sim_busy"  # +CME ERROR: 14 for some seconds after the start
    # Sound
    PCM_DEGRADES = "pcm_degrades"  # the second use of sound after a start fails first, then chops, then is silent
    PCM_DIES = "pcm_dies"  # no more sound after 20 s of a call
    ONE_WAY = "one_way"  # what the modem is given is not heard
    DEAF = "deaf"  # the modem gives silence
    PCM_JITTER = "pcm_jitter"  # chunks come late and then together
    PCM_ODD = "pcm_odd"  # deliveries end in the middle of a sample
    # The network
    REJECT = "reject"  # a call is refused by the network, cause 38
    NITZ_WRONG = "nitz_wrong"  # a time of years ago, and one that is none
    DROP = "drop"  # a call is cut by the network within seconds
    SMS_LOST = "sms_lost"  # accepted, never delivered, no report
    SMS_TWICE = "sms_twice"  # delivered two times
    REPORT_LOST = "report_lost"  # delivered, no report
    REPORT_TWICE = "report_twice"  # delivered, the same report two times


SPOKEN = frozenset(
    {Fault.ERROR_TEXT, Fault.PADDED, Fault.BROKEN_QUOTES, Fault.ORDER, Fault.HEX_NUMBER, Fault.NO_NUMBER}
)
LINE = frozenset(
    {Fault.CUT, Fault.DOUBLE_CR, Fault.NO_CR, Fault.NOISE, Fault.GLUED, Fault.INSIDE, Fault.ECHO_STAYS}
    | {Fault.STALE_PROMPT, Fault.STUCK_PROMPT, Fault.LOST_URC, Fault.SLOW, Fault.NO_ANSWER, Fault.HANG, Fault.RENAMED}
)
SOUND = frozenset({fault for fault in Fault if fault.startswith("pcm_")} | {Fault.ONE_WAY, Fault.DEAF})
NETWORK = frozenset(
    {Fault.REJECT, Fault.NITZ_WRONG, Fault.DROP, Fault.SMS_LOST, Fault.SMS_TWICE}
    | {Fault.REPORT_LOST, Fault.REPORT_TWICE}
)


class Faults:
    """Those that are on at one modem. `struck` is told each time one does what it does."""

    def __init__(self, seed: int, struck: Callable[[Fault], None] = lambda _fault: None) -> None:
        self.random = random.Random(seed)
        self._struck = struck
        self._on: dict[Fault, float] = {}

    def put(self, fault: Fault, likelihood: float = 1.0) -> None:
        """On from now; a likelihood of 0 is off."""
        if likelihood > 0:
            self._on[fault] = min(likelihood, 1.0)
        else:
            self._on.pop(fault, None)

    def clear(self) -> None:
        """All off."""
        self._on.clear()

    def on(self, fault: Fault) -> bool:
        """Whether it is on, without its striking."""
        return fault in self._on

    def strikes(self, fault: Fault) -> bool:
        """Whether it strikes now."""
        likelihood = self._on.get(fault)
        if likelihood is None or (likelihood < 1.0 and self.random.random() >= likelihood):
            return False
        self._struck(fault)
        return True

    def all(self) -> dict[Fault, float]:
        """Those that are on, and how likely each is."""
        return dict(self._on)


@dataclass(frozen=True)
class Planned:
    """One fault of a plan: on from `at_s`, for `seconds`, with a likelihood."""

    at_s: float
    fault: Fault
    seconds: float
    likelihood: float


def plan(seed: int, span_s: float, count: int, of: Iterable[Fault] = tuple(Fault)) -> list[Planned]:
    """So many faults within a span, the same for the same seed."""
    choice = random.Random(seed)
    kinds = sorted(of)
    made = (
        Planned(
            choice.uniform(0, span_s), choice.choice(kinds), choice.uniform(0.5, span_s / 4), choice.choice((1.0, 0.5))
        )
        for _ in range(count)
    )
    return sorted(made, key=lambda planned: planned.at_s)
