"""From the configuration to sources and switches; a driver's library is loaded only where it is used."""

from __future__ import annotations

from typing import TYPE_CHECKING

from drivers.ups.model import Source
from firmware.config import Config, Ups
from firmware.config_ups import nut_of, snmp_of

if TYPE_CHECKING:
    from drivers.gpio import Header
    from drivers.poe import PoeSwitch
    from drivers.reach import Pinger

__all__ = ["open_boxes", "open_poe", "open_source", "open_sources"]

MAINS_PIN = "mains"
"""In the pin map."""


def open_sources(config: Config) -> tuple[Source, ...]:
    """Those that something can be read of. Nothing is opened yet: `Source.run` does it, and does it again."""
    return tuple(source for ups in config.ups if (source := open_source(config, ups)) is not None)


def open_source(config: Config, ups: Ups, header: Header | None = None) -> Source | None:
    """`header`: of GPIO, where a rig has its own."""
    match ups.kind:
        case "nut":
            from drivers.ups.nut import NutSettings, NutUps

            at = nut_of(ups.url)
            password = config.secrets.nut.of(ups.name)
            return NutUps(NutSettings(ups.name, at.ups, at.host, at.port, at.user, password, ups.driver_socket))
        case "snmp":
            from drivers.snmp import Access, Auth, Privacy, SnmpAgent
            from drivers.ups.upsmib import UpsMib

            where, (auth_password, privacy_password) = snmp_of(ups.url), config.secrets.snmp.of(ups.name)
            access = Access(
                address=where.address,
                port=where.port,
                user=where.user,
                auth_password=auth_password,
                privacy_password=privacy_password,
                auth=Auth(ups.auth),
                privacy=Privacy(ups.privacy),
            )
            return UpsMib(ups.name, SnmpAgent(access))
        case "max1704x":
            from drivers.ups.max1704x import ADDRESS, Max1704xSettings, max1704x

            return max1704x(Max1704xSettings(ups.name, ups.chip, ups.bus, ups.address or ADDRESS))
        case "ina219":
            from drivers.ups.ina219 import Ina219Settings, ina219

            usual = Ina219Settings(ups.name).address
            return ina219(
                Ina219Settings(
                    ups.name,
                    address=ups.address or usual,
                    bus=ups.bus,
                    shunt_ohm=ups.shunt_mohm / 1000,
                    cells=ups.cells,
                    positive_is_out=ups.out_is_positive == "yes",
                )
            )
        case "line":
            from drivers.gpio import Header
            from drivers.pins import PINMAP, parse
            from drivers.ups.line import LineSettings, MainsIs, MainsLine

            pin = parse(PINMAP.read_text("utf-8")).named(MAINS_PIN) if ups.pin < 0 else None
            number = pin.number if pin else ups.pin
            return MainsLine(LineSettings(ups.name, number, MainsIs(ups.mains_is)), header or Header(config.paths.run))
        case "mcu":
            from drivers.ups.mcu import McuUps

            return McuUps(ups.name, config.paths.heart_socket)
    return None


def open_boxes(config: Config) -> tuple[Pinger, ...]:
    """Boxes of `[[reach]]`, by the names of their parts."""
    if not config.reach:
        return ()
    from drivers.reach import Pinger

    return tuple(Pinger(box.what, box.address) for box in config.reach)


def open_poe(config: Config) -> PoeSwitch | None:
    """The switch of `[poe]`."""
    if not config.poe.address:
        return None
    from drivers.poe import SnmpPoeSwitch
    from drivers.snmp import Access, Auth, Privacy, SnmpAgent

    key = config.secrets.poe
    access = Access(
        address=config.poe.address,
        user=config.poe.user,
        auth_password=key.auth_password,
        privacy_password=key.privacy_password,
        port=config.poe.port,
        auth=Auth(config.poe.auth),
        privacy=Privacy(config.poe.privacy),
    )
    switching, names = config.poe.switching == "yes", config.poe.names == "yes"
    return SnmpPoeSwitch("poe", SnmpAgent(access), switching=switching, names=names)
