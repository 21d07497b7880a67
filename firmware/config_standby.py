"""What the configuration says of a pair of units, or of a unit and a router on guard: `[standby]`, with its key in the
secrets.

See firmware/config.py, whose part this is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from firmware.bounds import Choice, Each, Text, Whole, like, parse_listen, parse_shared
from firmware.config_kinds import ADDRESS_OR_NONE, Clashes, Values, kept
from firmware.document import key

__all__ = ["Standby", "StandbyKey", "standby_whole"]

SHARED = Text('"ADDRESS/LENGTH INTERFACE" (IPv4)', kept(parse_shared))


@dataclass(frozen=True, slots=True, kw_only=True)
class Standby:
    """Who takes this unit's addresses when it is dead."""

    shared: tuple[str, ...] = field(
        default=(),
        metadata=key(
            Each(SHARED, 0, 8),
            "addresses that the unit in service has, that of the phones' network first; none: no standby",
        ),
    )
    peer_is: str = field(
        default="unit",
        metadata=key(
            Choice(("unit", "router")),
            "what takes the addresses: another unit, or a router that refuses what phones send there, whereupon they "
            "go to their second proxy",
        ),
    )
    own: str = field(default="", metadata=key(ADDRESS_OR_NONE, "this unit's own address in the phones' network"))
    peer: str = field(default="", metadata=key(ADDRESS_OR_NONE, "the other unit's own address there"))
    own_north: str = field(
        default="",
        metadata=key(
            ADDRESS_OR_NONE, "this unit's own address towards the platform, which must answer OPTIONS to it too"
        ),
    )
    peer_north: str = field(default="", metadata=key(ADDRESS_OR_NONE, "the other unit's own address there"))
    own_link: str = field(
        default="",
        metadata=key(
            ADDRESS_OR_NONE, "this unit's end of a cable between the two; \"\": tables go by the phones' network"
        ),
    )
    peer_link: str = field(default="", metadata=key(ADDRESS_OR_NONE, "the other unit's end of it"))
    tables_port: int = field(
        default=5064,
        metadata=key(Whole(1024, 65535), "port on its own addresses that the edge uses for the other unit"),
    )
    watch_port: int = field(
        default=5065, metadata=key(Whole(1024, 65535), "UDP port by which the two tell each other whether they serve")
    )
    group: int = field(
        default=51, metadata=key(Whole(1, 255), "number of this pair in its network (VRRP's virtual router ID)")
    )

    @property
    def pair(self) -> bool:
        """Whether there are two units, which replicate their tables and tell each other how they are."""
        return bool(self.shared) and self.peer_is == "unit"


@dataclass(frozen=True, slots=True, kw_only=True)
class StandbyKey:
    key: str = field(
        default="",
        repr=False,
        metadata=key(
            Text('32 to 128 letters or digits, or ""', like(r"([A-Za-z0-9]{32,128})?"), secret=True),
            "what the two units of a pair have in common; the same on both",
        ),
    )


def standby_whole(values: Values) -> Clashes:
    shared = [parse_shared(entry).address for entry in values["standby.shared"]]
    given = {
        name: values[f"standby.{name}"] for name in ("own", "peer", "own_north", "peer_north", "own_link", "peer_link")
    }
    if not shared:
        for name, found in given.items():
            if found:
                yield f"standby.{name}", "there are no shared addresses", 'shared = ["ADDRESS/LENGTH INTERFACE", …]'
        return
    if values["standby.peer_is"] == "router":
        yield from _router_whole(values, given, shared)
        return
    for name in ("own", "peer"):
        if not given[name]:
            yield f"standby.{name}", "is missing", "the address in the phones' network, as there are shared ones"
    for own, peer in (("own", "peer"), ("own_north", "peer_north"), ("own_link", "peer_link")):
        if bool(given[own]) != bool(given[peer]):
            yield f"standby.{own}", f"one of {own} and {peer} is missing", "both or none"
        elif given[own] and given[own] == given[peer]:
            yield f"standby.{peer}", "is this unit's own", "the other unit's address"
    if not values["standby.key"]:
        yield "standby.key", "is missing", "32 or more letters or digits, the same on both units"
    yield from _listens_on_shared(values, shared, "edge.listen", "edge.platform_listen")


def _router_whole(values: Values, given: Mapping[str, str], shared: Sequence[str]) -> Clashes:
    if not given["own"]:
        yield "standby.own", "is missing", "the address in the phones' network, as there are shared ones"
    for name, found in given.items():
        if found and name != "own":
            yield f"standby.{name}", "a router beside has no such", 'nothing, or peer_is = "unit"'
    yield from _listens_on_shared(values, shared, "edge.listen")


def _listens_on_shared(values: Values, shared: Sequence[str], *places: str) -> Clashes:
    for where in places:
        for entry in values[where]:
            if parse_listen(entry).address not in shared:
                yield where, f"{entry} is not a shared address", f"one of {', '.join(shared)}"
