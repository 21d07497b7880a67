"""``[calendars]`` of the configuration: whose servers may be asked for people's calendars, and how often."""

from __future__ import annotations

from dataclasses import dataclass, field

from firmware.bounds import Each, Text, Whole
from firmware.calendars.address import server
from firmware.document import key

__all__ = ["Calendars"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Calendars:
    every_s: int = field(
        default=60, metadata=key(Whole(5, 3600), "each calendar is asked for so often; one that fails ever less often")
    )
    servers: tuple[str, ...] = field(
        default=(),
        metadata=key(
            Each(Text('a server as "https://mail.norrby.example" or "http://10.1.2.3:5232"', server), 0, 32),
            "servers of the municipality's own networks, or without https, to be asked too; others: by https in public",
        ),
    )
