"""Two units, one in service: the rules by which the shared addresses go from one to the other (keepalived's, by VRRP,
RFC 5798), and what each knows of the other. Pure: values in, text and values out.

Neither unit is preferred: both begin alike, and who serves goes on serving until it is surely the worse one (its edge
silent, its line without carrier) or gone. What VRRP cannot see, that each takes the other for gone, the two tell each
other by every way there is between them (`Beat`)."""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from firmware.bounds import Shared, parse_shared
from firmware.config import Standby

__all__ = [
    "BEAT_BYTES_MAX",
    "BEAT_EVERY_S",
    "KNOWS_AFTER_S",
    "Beat",
    "BeatRefused",
    "Knowing",
    "Pair",
    "PairView",
    "Way",
    "keepalived_conf",
    "preferred_routes",
    "taken_epoch",
    "ways",
]

PRIORITY = 100
"""Of both units alike."""
ROUTER_PRIORITY = 50
"""Of a router that stands beside one unit; anything below the unit's."""
EDGE_SILENT, LINE_DEAD = -60, -20
"""What is taken off: with a silent edge a unit is worth less than one without a line."""
ADVERT_S = 0.3
"""Between two signs of life; the other takes over after three of them and a half."""
CHECK_EVERY_S, CHECK_S = 1, 2
"""Between two looks at the edge (keepalived knows whole seconds alone), and how long one may take at the most."""
CHECKS = 1
"""Of two units one look counts, either way: the other one moves only when a second has not taken it back by then."""
CHECKS_BY_ROUTER = 2
"""A router takes the addresses at once when the edge is silent, and refuses the phones: that must be sure."""
NICE = -20
"""A busy machine must not look like a dead one: keepalived goes before all that carries calls."""
JUST_BACK, SETTLED_S = -10, 10
"""What is taken off a unit whose cable was just put in, and for how long: until it surely hears the other one (switch,
ARP) and knows what that knows. Of two that are alike the higher address would win."""
CARRIER = "/usr/bin/grep -q 1 /sys/class/net/{interface}/carrier"
GARP_AGAIN_S = 2
"""Switches and neighbours are told of a takeover at once, and once more after this."""
BEAT_EVERY_S = 0.5
SILENT_AFTER_S = 3.0
"""A way by which nothing has come for so long is silent."""
BEAT_BYTES_MAX = 220
KNOWS_AFTER_S = 10.0
"""The unit aside asks for everything each 5 s; its first question may be lost."""
EPOCH_SETTLED_S = 5
"""A unit that has just found that the platform was away waits so long for the other one to find the same."""


def keepalived_conf(
    standby: Standby, routes: Sequence[str], *, check: str, line: str = "", log_name: str = "reservvaxel"
) -> str:
    """The whole configuration of keepalived. `routes` are those of `preferred_routes`, `check` the command that says
    whether the edge lives, `line` the interface towards the platform whose carrier counts, "" for none. With a unit the
    two speak to each other alone, with a router as routers do, to all of the network (multicast)."""
    shared = tuple(map(parse_shared, standby.shared))
    block = "\n        "
    # A router has nothing to weigh: a silent edge gives the addresses up at once, a dead line does not.
    weight = f"\n    weight {EDGE_SILENT}" if standby.pair else ""
    checks = CHECKS if standby.pair else CHECKS_BY_ROUTER
    back = f"""
vrrp_script back {{
    script "{CARRIER.format(interface=shared[0].interface)}"
    interval 1
    fall 1
    rise {SETTLED_S}
    weight {JUST_BACK}
}}
"""
    back, track_back = (back, "\n        back") if standby.pair else ("", "")
    line = line if standby.pair else ""
    track = f"\n    track_interface {{\n        {line} weight {LINE_DEAD}\n    }}" if line else ""
    addresses = block.join(f"{one.address}/{one.network.rpartition('/')[2]} dev {one.interface}" for one in shared)
    speak = (
        f"unicast_src_ip {standby.own}\n    unicast_peer {{\n        {standby.peer} min_ttl 255 max_ttl 255\n    }}"
        if standby.pair
        else f"mcast_src_ip {standby.own}"
    )
    prefer = f"\n    virtual_routes {{{block}{block.join(routes)}\n    }}" if routes else ""
    return f"""global_defs {{
    router_id {log_name}
    enable_script_security
    script_user root
    vrrp_version 3
    vrrp_priority {NICE}
    vrrp_garp_master_delay {GARP_AGAIN_S}
    vrrp_garp_master_repeat 2
    vrrp_garp_master_refresh 60
}}

vrrp_script edge {{
    script "{check}"
    interval {CHECK_EVERY_S}
    timeout {CHECK_S}
    fall {checks}
    rise {checks}{weight}
    init_fail
}}
{back}
vrrp_instance unit {{
    state BACKUP
    interface {shared[0].interface}
    virtual_router_id {standby.group}
    priority {PRIORITY}
    advert_int {ADVERT_S}
    {speak}
    track_script {{
        edge{track_back}
    }}{track}
    virtual_ipaddress {{
        {addresses}
    }}{prefer}
}}
"""


def preferred_routes(
    shared: Shared, held: Sequence[Mapping[str, Any]], between: Iterable[tuple[str, str]] = ()
) -> list[str]:
    """What the unit in service adds to `held`, the routes of the interface as `ip -json route` lists them: the same
    destinations in halves, which go before the whole, with the shared address as the source of what is sent. `between`
    has the own addresses of the two units (this one's, the other's): those go on speaking as themselves."""
    source = ipaddress.IPv4Address(shared.address)
    network = ipaddress.IPv4Network(shared.network)
    routes = [
        f"{peer}/32 dev {shared.interface} src {own} scope link"
        for own, peer in between
        if ipaddress.IPv4Address(peer) in network
    ]
    for route in held:
        if route.get("type", "unicast") != "unicast" or route.get("prefsrc") == str(source):
            continue
        text = "0.0.0.0/0" if route["dst"] == "default" else str(route["dst"])
        whole = ipaddress.IPv4Network(text, strict=False)
        halves = whole.subnets() if whole.prefixlen < whole.max_prefixlen else [whole]
        via = f" via {ipaddress.IPv4Address(route['gateway'])}" if "gateway" in route else ""
        scope = "" if via else " scope link"
        routes += [f"{half}{via} dev {shared.interface} src {source}{scope}" for half in halves]
    return routes


class Way(StrEnum):
    """By what two units hear each other."""

    PHONES = "phones"
    PLATFORM = "platform"
    LINK = "link"


def ways(standby: Standby) -> dict[Way, tuple[str, str]]:
    """Those that there are: this unit's address on each, and the other one's."""
    found = {
        Way.PHONES: (standby.own, standby.peer),
        Way.PLATFORM: (standby.own_north, standby.peer_north),
        Way.LINK: (standby.own_link, standby.peer_link),
    }
    return {way: ends for way, ends in found.items() if ends[1]}


class BeatRefused(ValueError):
    """A datagram that is no beat of the other unit: why."""


@dataclass(frozen=True)
class Beat:
    """What a unit says of itself: its name, whether it has the shared addresses, a number that only grows, its epoch,
    and until when (unix s) the platform wants no registrations; 0: not known, or none."""

    name: str
    in_service: bool
    number: int
    epoch: int = 0
    wait_until_s: int = 0

    _FORM = re.compile(r"rvx2 ([A-Za-z0-9-]{1,63}) ([01]) ([0-9]{1,20}) ([0-9]{1,10}) ([0-9]{1,10}) ([0-9a-f]{64})")

    def to_bytes(self, key: str) -> bytes:
        """Signed by the pair's key (HMAC-SHA256)."""
        text = f"rvx2 {self.name} {self.in_service:d} {self.number} {self.epoch} {self.wait_until_s}"
        return f"{text} {_signed(text, key)}".encode("ascii")

    @classmethod
    def parse(cls, data: bytes, key: str) -> Beat:
        """Raises BeatRefused."""
        if len(data) > BEAT_BYTES_MAX:
            raise BeatRefused("too long")
        match = cls._FORM.fullmatch(data.decode("ascii", "replace"))
        if match is None:
            raise BeatRefused("not so written")
        if not hmac.compare_digest(match[6], _signed(match[0].rpartition(" ")[0], key)):
            raise BeatRefused("not signed by the pair's key")
        return cls(match[1], match[2] == "1", int(match[3]), int(match[4]), int(match[5]))


def _signed(text: str, key: str) -> str:
    return hmac.new(key.encode("ascii"), text.encode("ascii"), hashlib.sha256).hexdigest()


@dataclass(frozen=True)
class PairView:
    """What a unit knows of the pair; None is not known."""

    in_service: bool | None
    peer_in_service: bool | None  # as last heard by any way; None: not heard
    silent: tuple[Way, ...]  # ways by which nothing comes
    peer_epoch: int = 0  # as last heard; 0 is not known
    peer_wait_until_s: int = 0

    @property
    def aside(self) -> bool:
        """The other one surely serves, and this one surely does not."""
        return self.in_service is False and self.peer_in_service is True


@dataclass
class Pair:
    """Collects what is heard; has no clock."""

    ways: Sequence[Way]
    _heard: dict[Way, tuple[float, Beat]] = field(default_factory=dict)

    def hear(self, way: Way, beat: Beat, now_s: float) -> None:
        """A beat that is older than what was heard by this way is a copy, and is passed over."""
        at_s, last = self._heard.get(way, (float("-inf"), None))
        if last is None or beat.number > last.number or now_s - at_s > SILENT_AFTER_S:
            self._heard[way] = (now_s, beat)

    def view(self, in_service: bool | None, now_s: float) -> PairView:
        """What holds at `now_s`."""
        fresh = {way: beat for way, (at_s, beat) in self._heard.items() if now_s - at_s <= SILENT_AFTER_S}
        newest = max(fresh.values(), key=lambda beat: beat.number, default=None)
        return PairView(
            in_service,
            newest.in_service if newest else None,
            tuple(way for way in self.ways if way not in fresh),
            newest.epoch if newest else 0,
            newest.wait_until_s if newest else 0,
        )


@dataclass
class Knowing:
    """Whether this unit has tables to give: it serves, or has heard the one that serves for so long that it knows what
    that knows. Has no clock."""

    _aside_since_s: float | None = None

    def holds(self, view: PairView, now_s: float) -> bool:
        """To be asked again and again."""
        if not view.aside:
            self._aside_since_s = None
            return view.in_service is True
        self._aside_since_s = now_s if self._aside_since_s is None else self._aside_since_s
        return now_s - self._aside_since_s > KNOWS_AFTER_S

    def missed(self) -> None:
        """The edge stood still, and has heard nothing."""
        self._aside_since_s = None


def taken_epoch(own: int, peer: int, now_s: float) -> int | None:
    """The epoch that the unit out of service takes over from the one in service, None for none: that one speaks with
    the platform, and what it has replicated holds in its epoch. An epoch is called by the time it began, unix s."""
    if peer in (0, own) or (own > peer and now_s - own < EPOCH_SETTLED_S):
        return None
    return peer
