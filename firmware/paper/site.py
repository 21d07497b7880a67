"""What papers say of a site: from its configuration and its directory, so that none promises what is not there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from callcontrol.plan.codes import Code
from callcontrol.plan.model import Choices, Entity
from callcontrol.plan.number import pretty
from callcontrol.plan.reasons import READY, Reason
from firmware.config import Config
from firmware.store.people import People

__all__ = ["Site", "site_of"]

HTTPS = 443


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """`place`: what SOS is told. `prefix`: dialled for a line, "" for none. `address`: of the pages, "" for none.
    `by_data`, `by_gateway`: other ways out; `modems`: calls outside at once by voice, `numbers` theirs. `emergency`:
    whether 112 has a way of the unit's own. `backup`: whether anything is known of its battery."""

    unit: str
    whose: str
    municipality: str
    place: str
    prefix: str
    reception: str
    codes: tuple[Code, ...]
    reasons: tuple[Reason, ...]
    choices: Choices
    address: str
    by_data: bool
    by_gateway: bool
    modems: int
    numbers: tuple[str, ...]
    emergency: bool
    sms_referral: bool
    spoken: bool
    backup: bool

    @property
    def ways_out(self) -> bool:
        return self.by_data or self.by_gateway or self.modems > 0


def site_of(config: Config, people: People, entity: str | None = None) -> Site:
    """Of one entity; without its id, of the first that has a reception. Where the directory has none, of the unit."""
    found = people.entity(entity) if entity is not None else _first(people)
    modems = [modem for modem in config.modem if modem.emergency != "only"]
    units = (unit.id for unit in people.units() if found is not None and unit.entity == found.id)
    unit = next(units, None)
    reasons = people.reasons_of(unit) if unit is not None else READY
    return Site(
        unit=config.unit.name,
        whose=found.name if found is not None else config.unit.name,
        municipality=found.municipality if found is not None else "",
        place=config.emergency.place,
        prefix=next(iter(config.numbering.local.line_prefixes), ""),
        reception=(found.reception or "") if found is not None else "",
        codes=config.codes.table,
        reasons=tuple(reasons),
        choices=found.choices if found is not None else Choices(),
        address=_address(config),
        by_data=bool(config.data.address),
        by_gateway=bool(config.gateway.address),
        modems=len(modems),
        numbers=tuple(pretty(modem.number) for modem in config.modem if modem.number),
        emergency=bool(config.emergency_gateway or any(modem.emergency != "never" for modem in config.modem)),
        sms_referral=bool(config.modem) and config.sms.referral == "yes",
        spoken=bool(config.announcing.languages),
        backup=bool(config.ups),
    )


def _first(people: People) -> Entity | None:
    names = [name for (name,) in people.directory.execute("SELECT id FROM entity ORDER BY reception IS NULL, id")]
    return next((found for name in names if (found := people.entity(name)) is not None), None)


def _address(config: Config) -> str:
    """Of the pages, as people reach them; where they are had on this machine alone they are nobody's."""
    web: Any = getattr(config, "web", None)
    if web is None or not web.listen:
        return ""
    place = next((one for one in web.places if not one.loopback), None)
    if place is None:
        return ""
    port = "" if place.port == HTTPS else f":{place.port}"
    return f"https://{web.name or place.address}{port}/"
