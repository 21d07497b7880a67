"""Two sources on one battery, as a gauge of charge and one of current: what one does not tell the other does. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import fields, replace

from drivers.ups.model import Reading
from firmware.power.sources import Seen

__all__ = ["joined"]

TAKEN = ("volts", "amps", "watts", "charging", "celsius")
"""Of the battery; who is believed of mains is judged before."""


def joined(sources: Iterable[Seen], same: Mapping[str, str]) -> tuple[Seen, ...]:
    """One for each battery. `same`: by source, the other one that has its battery, and tells of it where it can; one
    that tells nothing leaves it to the first."""
    found = {seen.name: seen for seen in sources}
    for name, other in same.items():
        one, whole = found.get(name), found.get(other)
        if one is not None and whole is not None and whole.reading is not None:
            del found[name]
            if one.reading is not None:
                found[other] = replace(whole, reading=_with(whole.reading, one.reading))
    return tuple(found.values())


def _with(reading: Reading, other: Reading) -> Reading:
    lacks = [field.name for field in fields(reading) if field.name in TAKEN and getattr(reading, field.name) is None]
    return replace(reading, **{name: getattr(other, name) for name in lacks})
