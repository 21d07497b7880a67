"""A building for one scene: a unit between a platform and a crowd of phones that answer, and one who rings them."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from hil.net import Net
from hil.phone.sipp import Dial, Result, Sipp, User
from hil.platform.kamailio import KamailioPlatform
from hil.site import PROXY, REALM, Site, numbers, password

__all__ = ["Counts", "Say", "Stage", "Stopped"]

FIRST_EXTENSION, CROWD = 1001, 20
CROWD_IP, CALLER_IP = 11, 13
START_S = 30.0
REGISTER_S = 15
"""What phones are told: the least that the product allows. A crowd of sipp comes again somewhat before."""
REFRESH_S = 10.0

Say = Callable[[str], None]


class Stopped(Exception):
    """Another scene has failed: this one need not go on."""


@dataclass
class Counts:
    """What the scenes have counted together."""

    attempted: int = 0  # calls that cross a unit
    lost: int = 0  # those of them that were not answered, or not ended
    calm_calls: int = 0  # that the next three are told of
    diverted: int = 0
    false_survivals: int = 0
    observed_s: float = 0.0
    double_rings: int = 0
    double_answers: int = 0
    slow_calls: int = 0  # that the last two and the next are told of
    ghosts: int = 0
    setups: int = 0
    setups_lost: int = 0
    amnesia_calls: int = 0
    amnesia_failed: int = 0
    amnesia_gap_s: list[float] = field(default_factory=list)
    restart_calls: int = 0
    restart_lost: int = 0
    unit_death_s: list[float] = field(default_factory=list)
    unit_death_baresip_s: list[float] = field(default_factory=list)
    unit_frozen_s: list[float] = field(default_factory=list)
    takeover_s: list[float] = field(default_factory=list)
    takeover_hung_s: list[float] = field(default_factory=list)
    flood_ms: list[float] = field(default_factory=list)
    flood_rates: list[float] = field(default_factory=list)  # packets a second
    failed_scenes: list[str] = field(default_factory=list)

    def calls(self, results: Sequence[Result], say: Say) -> int:
        """Counts calls that must be answered and end well; how many did not."""
        lost = [result for result in results if not result.completed]
        self.attempted += len(results)
        self.lost += len(lost)
        for result in lost:
            say(f"lost: {result}")
        return len(lost)


class Stage:
    """Running after `start`, gone with its Net."""

    def __init__(
        self,
        net: Net,
        label: str,
        stopped: threading.Event,
        *,
        delay_ms: float | None = None,
        configuration: Mapping[str, Mapping[str, object]] | None = None,
        **platform: Any,
    ) -> None:
        over: dict[str, Mapping[str, object]] = {
            "edge": {"register_s": REGISTER_S},
            # The hold-down is a choice, not a speed.
            "returning": {"hold_down_s": 0, "hold_down_max_s": 0},
        }
        self.site = Site(
            net,
            f"-{label}",
            users=numbers(FIRST_EXTENSION, CROWD),
            delay_ms=delay_ms,
            configuration=over | dict(configuration or {}),
            **platform,
        )
        self._stopped = stopped

    def start(self, *, ring_ms: int = 20) -> None:
        """Into NORMAL, the crowd registered."""
        self.site.start()
        self.caller, phones = (
            Sipp(self.site.phones, self.site.phone_ip(ip), PROXY, REALM) for ip in (CALLER_IP, CROWD_IP)
        )
        users = [User(extension, secret) for extension, secret in self.site.users.items()]
        self.crowd = phones.answer(users, ring_ms=ring_ms, refresh_s=REFRESH_S)
        self.crowd.wait_registered(START_S)

    def stop(self) -> None:
        """All of it but its hosts."""
        self.crowd.stop()
        self.site.stop()

    def sleep(self, seconds: float) -> None:
        """Raises Stopped when another scene has failed."""
        if self._stopped.wait(max(0.0, seconds)):
            raise Stopped

    @property
    def platform(self) -> KamailioPlatform:
        assert isinstance(self.site.platform, KamailioPlatform)
        return self.site.platform

    def dials(self) -> list[Dial]:
        """Each of the crowd rings the next."""
        extensions = list(self.site.users)
        return [
            Dial(User(caller, password(caller)), callee)
            for caller, callee in zip(extensions, [*extensions[1:], extensions[0]], strict=True)
        ]
