"""The kinds of items that hub and units tell each other of: which way each goes, and what names one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

__all__ = ["KINDS", "Kind", "Way"]


class Way(StrEnum):
    DOWN = "down"
    """The platform's; a unit never sets it."""
    GROWS = "grows"
    """Both ways: a set that is joined; an item is never changed."""
    REGISTER = "register"
    """Both ways: the last stamp wins."""


@dataclass(frozen=True, slots=True)
class Kind:
    """`key`: the fields of a row that make the id of its item, joined by `|`. `served`: goes only to units that serve
    that extension, as it is secret. `sets`: lists whose order says nothing."""

    name: str
    way: Way
    key: tuple[str, ...]
    served: bool = False
    sets: tuple[str, ...] = ()

    def id_of(self, row: Mapping[str, Any]) -> str:
        return "|".join(str(row[field]) for field in self.key)


KINDS: Mapping[str, Kind] = {
    kind.name: kind
    for kind in (
        Kind("municipality", Way.DOWN, ("id",)),
        Kind("reach_class", Way.DOWN, ("name",)),
        Kind("entity", Way.DOWN, ("id",), sets=("numbers",)),
        Kind("unit", Way.DOWN, ("id",)),
        Kind("person", Way.DOWN, ("id",)),
        Kind("extension", Way.DOWN, ("number",)),
        Kind("pick_up", Way.DOWN, ("name",), sets=("members",)),
        Kind("role", Way.DOWN, ("person",), sets=("roles",)),
        Kind("credential", Way.DOWN, ("extension",), served=True),
        Kind("pin", Way.DOWN, ("extension",), served=True),
        Kind("config", Way.DOWN, ("name",)),
        Kind("referral", Way.GROWS, ("id",)),
        Kind("opening", Way.GROWS, ("id",), sets=("seen",)),
        Kind("block", Way.GROWS, ("id",)),
        Kind("lift", Way.GROWS, ("id",), sets=("seen",)),
        Kind("forwarding", Way.REGISTER, ("extension", "condition")),
        Kind("lock", Way.REGISTER, ("extension",)),
        Kind("signed_out", Way.REGISTER, ("hunt", "extension")),
        Kind("service_key", Way.REGISTER, ("entity",)),
        Kind("department", Way.REGISTER, ("id",)),
        Kind("pin_change", Way.REGISTER, ("extension",), served=True),
    )
}
"""In an order in which each comes after what it names, so that a snapshot can be taken in as it comes."""
