"""``[sms]`` of the configuration: who is told of outages, and what may be done by SMS."""

from __future__ import annotations

from dataclasses import dataclass, field

from callcontrol.trunk.smsqueue import receiver
from firmware.bounds import Choice, Each, Refused, Text, Whole
from firmware.document import key

__all__ = ["Sms", "mobile"]

DAY_MIN = 24 * 60
WEEK_MIN = 7 * DAY_MIN


def mobile(text: str) -> str:
    """Raises Refused."""
    found = receiver(text, abroad=True)
    if found.number is None or found.number != text:
        raise Refused("is no mobile that a message can be sent to", f'"{found.number}"' if found.number else None)
    return text


_YES_NO = Choice(("yes", "no"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Sms:
    alarm_numbers: tuple[str, ...] = field(
        default=(),
        metadata=key(
            Each(Text('a mobile with its country, as "+46701234567"', mobile), 0, 32),
            "who is told of an outage, and of what operations are told; none: nobody",
        ),
    )
    alarm_after_s: int = field(
        default=60, metadata=key(Whole(0, 3600), "an outage is told when it has lasted for so long")
    )
    alarm_minutes: tuple[int, ...] = field(
        default=(30, 120, 480),
        metadata=key(Each(Whole(1, WEEK_MIN), 0, 8), "while it lasts it is told again after so many minutes"),
    )
    alarm_pause_min: int = field(
        default=5,
        metadata=key(
            Whole(1, DAY_MIN),
            "its end is told when it has been over for so long; what begins sooner is the same outage",
        ),
    )
    twins: str = field(
        default="yes", metadata=key(_YES_NO, "whether the mobile twins of phones here are told when an outage begins")
    )
    notices: str = field(
        default="yes", metadata=key(_YES_NO, "whether what somebody is told of goes by SMS, where they have a number")
    )
    referral: str = field(
        default="yes",
        metadata=key(_YES_NO, "whether people refer themselves by SMS from the mobile that the directory has of them"),
    )
    answers_per_hour: int = field(
        default=6, metadata=key(Whole(0, 60), "commands of one mobile in an hour that are done and answered")
    )
    abroad: str = field(default="no", metadata=key(_YES_NO, "whether messages go to mobiles abroad"))
    part_ore: int = field(
        default=50, metadata=key(Whole(0, 10_000), "what a part costs, in öre, as the contract says; shown only")
    )
