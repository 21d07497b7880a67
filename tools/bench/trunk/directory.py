"""The directory of the houses that ``rvx bench trunk`` builds."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime

from callcontrol.plan.model import Entity, Extension, Identity, Kind, Person, Unit
from callcontrol.plan.reach import DEFAULT_CLASS
from firmware.store.database import connect
from firmware.store.load import Bulk, Municipality, load
from hil.site import Site

__all__ = ["settle"]


def settle(site: Site, numbers: Iterable[str]) -> None:
    """A person for each number, who may call outside; before the site is started."""
    directory = connect(site.paths.directory, "directory")
    load(directory, _people(tuple(numbers)), "bench", datetime.now(UTC))
    directory.close()


def _people(numbers: tuple[str, ...]) -> Bulk:
    return Bulk(
        municipalities=(Municipality(id="m", name="Norrby"),),
        classes=(DEFAULT_CLASS,),
        entities=(Entity(id="e", name="Norrby", municipality="m", greeting="Norrby kommun"),),
        units=(Unit(id="u", name="Bygg", entity="e"),),
        people=tuple(Person(id=f"p{number}", given="Anna", family="Ek", unit="u") for number in numbers),
        extensions=tuple(
            Extension(
                number=number, kind=Kind.PERSON, unit="u", person=f"p{number}", reach=DEFAULT_CLASS,
                identity=Identity.MAIN,
            )
            for number in numbers
        ),
    )  # fmt: skip
