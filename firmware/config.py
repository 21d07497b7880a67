"""The configuration: ``unit.toml``, and ``secrets.toml`` beside it, read once at start into frozen dataclasses.

The dataclasses are the one truth: names are those of TOML, each key has its default, its bounds and what it means. What
cannot be so stops the start, with file, line, what was expected and what was probably meant; all of it at once, so that
a technician mends a file in one go. ``firmware/example.toml`` shows every key.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import MISSING, dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from firmware.bounds import Refused, Text, absolute_path, like
from firmware.config_calendars import Calendars
from firmware.config_calls import Announcing, Codes, Numbering
from firmware.config_data import Data, DataKey, Gateway, TrunkGateway, data_whole, gateway_account_whole, gateway_whole
from firmware.config_edge import (
    EDGE_CHECKS,
    NO_PROBE,
    Edge,
    Emergency,
    Limits,
    Network,
    Platform,
    Returning,
    Survival,
    Tls,
)
from firmware.config_identity import Identity, IdentityKey, identity_whole
from firmware.config_kinds import LISTEN, Clashes, Values, kept, or_empty, tables_of
from firmware.config_mail import Mail, MailKey, mail_whole
from firmware.config_mcu import Mcu, mcu_whole
from firmware.config_panel import Panel
from firmware.config_power import Load, Poe, PoeKey, Power, power_whole
from firmware.config_reach import Reach, reach_whole
from firmware.config_sms import Sms
from firmware.config_standby import Standby, StandbyKey, standby_whole
from firmware.config_sync import Sync, SyncKey, sync_whole
from firmware.config_trunk import Modem, Sim, Trunk, modems_whole
from firmware.config_ups import NutKey, SnmpKey, Ups
from firmware.config_web import Web, web_whole
from firmware.document import Document, Problem, Sections, key, rule_of
from firmware.paths import Paths

__all__ = [
    "NO_PROBE",
    "SECRETS_FILE",
    "Announcing",
    "Calendars",
    "Codes",
    "Config",
    "ConfigError",
    "Data",
    "DataKey",
    "Edge",
    "Emergency",
    "Gateway",
    "Identity",
    "IdentityKey",
    "Key",
    "Limits",
    "Load",
    "Mail",
    "MailKey",
    "Mcu",
    "Modem",
    "Network",
    "Numbering",
    "NutKey",
    "Panel",
    "Platform",
    "Poe",
    "PoeKey",
    "Power",
    "Problem",
    "Reach",
    "Returning",
    "Secrets",
    "Sim",
    "Sms",
    "Standby",
    "StandbyKey",
    "Survival",
    "Sync",
    "SyncKey",
    "Tls",
    "Trunk",
    "TrunkGateway",
    "Unit",
    "Ups",
    "Web",
    "default",
    "known_keys",
    "load",
]

SECRETS_FILE = "secrets.toml"


@dataclass(frozen=True, slots=True, kw_only=True)
class Unit:
    name: str = field(
        metadata=key(
            Text("1 to 63 letters, digits or -", like(r"[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?")),
            "the unit's own name, as its label says",
        )
    )
    state_dir: Path = field(
        default=Path("/var/lib/reservvaxel"),
        metadata=key(
            Text("an absolute path, at most 80 bytes", absolute_path), "where the unit keeps what it remembers"
        ),
    )
    run_dir: str = field(
        default="",
        metadata=key(
            Text('an absolute path, at most 80 bytes, or ""', or_empty(kept(absolute_path))),
            'a folder in memory (/run/reservvaxel) for sockets and bindings, which wear flash; "" is run/ in state_dir',
        ),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Secrets:
    """What is in ``secrets.toml``."""

    gateway: Gateway = field(default_factory=Gateway)
    standby: StandbyKey = field(default_factory=StandbyKey)
    sim: Sim = field(default_factory=Sim)
    data: DataKey = field(default_factory=DataKey)
    nut: NutKey = field(default_factory=NutKey)
    snmp: SnmpKey = field(default_factory=SnmpKey)
    poe: PoeKey = field(default_factory=PoeKey)
    mail: MailKey = field(default_factory=MailKey)
    identity: IdentityKey = field(default_factory=IdentityKey)
    sync: SyncKey = field(default_factory=SyncKey)


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """All that a unit is told, sections named as in TOML. ``secrets`` comes from the file beside it."""

    unit: Unit
    network: Network = field(default_factory=Network)
    platform: Platform = field(default_factory=Platform)
    edge: Edge
    tls: Tls = field(default_factory=Tls)
    survival: Survival = field(default_factory=Survival)
    returning: Returning = field(default_factory=Returning)
    emergency: Emergency = field(default_factory=Emergency)
    numbering: Numbering = field(default_factory=Numbering)
    codes: Codes = field(default_factory=Codes)
    announcing: Announcing = field(default_factory=Announcing)
    sms: Sms = field(default_factory=Sms)
    web: Web = field(default_factory=Web)
    identity: Identity = field(default_factory=Identity)
    calendars: Calendars = field(default_factory=Calendars)
    mail: Mail = field(default_factory=Mail)
    sync: Sync = field(default_factory=Sync)
    limits: Limits = field(default_factory=Limits)
    standby: Standby = field(default_factory=Standby)
    trunk: Trunk = field(default_factory=Trunk)
    modem: tuple[Modem, ...] = ()
    data: Data = field(default_factory=Data)
    gateway: TrunkGateway = field(default_factory=TrunkGateway)
    power: Power = field(default_factory=Power)
    mcu: Mcu = field(default_factory=Mcu)
    panel: Panel = field(default_factory=Panel)
    ups: tuple[Ups, ...] = ()
    load: tuple[Load, ...] = ()
    reach: tuple[Reach, ...] = ()
    poe: Poe = field(default_factory=Poe)
    secrets: Secrets = field(default_factory=Secrets)

    @property
    def emergency_gateway(self) -> str:
        """The SIP gateway that is a way to 112; "" for none."""
        return self.emergency.gateway or self.gateway.address

    @property
    def paths(self) -> Paths:
        """Where this unit's files lie."""
        return Paths(self.unit.state_dir, Path(self.unit.run_dir) if self.unit.run_dir else None)

    @property
    def has_web(self) -> bool:
        """Whether there is anything for the process `web` to do."""
        return bool(self.web.listen or self.web.phones_listen or self.mail.server)

    def in_state(self, state_dir: Path, run_dir: str = "") -> Config:
        """The same unit, with all that is its own in other folders."""
        return replace(self, unit=replace(self.unit, state_dir=state_dir, run_dir=run_dir))


_SECTIONS: Sections = {
    "unit": Unit,
    "network": Network,
    "platform": Platform,
    "edge": Edge,
    "tls": Tls,
    "survival": Survival,
    "returning": Returning,
    "emergency": Emergency,
    "numbering": Numbering,
    "codes": Codes,
    "announcing": Announcing,
    "sms": Sms,
    "web": Web,
    "identity": Identity,
    "calendars": Calendars,
    "mail": Mail,
    "sync": Sync,
    "limits": Limits,
    "standby": Standby,
    "trunk": Trunk,
    "data": Data,
    "gateway": TrunkGateway,
    "power": Power,
    "mcu": Mcu,
    "poe": Poe,
    "panel": Panel,
}
_ARRAYS: Sections = {"modem": Modem, "ups": Ups, "load": Load, "reach": Reach}
_SECRET_SECTIONS: Sections = {
    "gateway": Gateway,
    "standby": StandbyKey,
    "sim": Sim,
    "data": DataKey,
    "nut": NutKey,
    "snmp": SnmpKey,
    "poe": PoeKey,
    "mail": MailKey,
    "identity": IdentityKey,
    "sync": SyncKey,
}


class ConfigError(Exception):
    """The configuration cannot be used; ``problems`` has all that is wrong with it, at least one."""

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        super().__init__("\n".join(map(str, problems)))
        self.problems = problems


@dataclass(frozen=True, slots=True)
class Key:
    """A key that may be in a file: where, what it is, what is expected of it. ``required`` keys have no default."""

    file: str
    section: str
    name: str
    meaning: str
    expected: str
    required: bool
    default: object
    many: bool = False
    """The section may be there any number of times, [[section]]."""


def load(path: Path, secrets_path: Path | None = None) -> Config:
    """Read ``path`` and ``secrets.toml`` beside it (or ``secrets_path``), if there is one. Raises ConfigError with all
    problems at once."""
    unit, secrets = Document(path), Document(secrets_path or path.with_name(SECRETS_FILE), secret=True)
    values = unit.take(_SECTIONS, elsewhere=dict.fromkeys(_SECRET_SECTIONS, SECRETS_FILE), arrays=_ARRAYS)
    secret_values = secrets.take(_SECRET_SECTIONS, elsewhere=dict.fromkeys({**_SECTIONS, **_ARRAYS}, path.name))
    for check in _CHECKS:
        try:
            for where, message, expected in check(values | secret_values):
                document = secrets if where in secret_values else unit
                document.refuse(tuple(where.split(".")), message, expected)
        except KeyError:  # one of its keys is refused already
            continue
    if problems := (*unit.problems, *secrets.problems):
        raise ConfigError(problems)
    taken: dict[str, Any] = {name: kind(**_of(name, values)) for name, kind in _SECTIONS.items()}
    for name, kind in _ARRAYS.items():
        taken[name] = tuple(kind(**each) for each in tables_of(name, values))
    return Config(
        **taken,
        secrets=Secrets(**{name: kind(**_of(name, secret_values)) for name, kind in _SECRET_SECTIONS.items()}),
    )


SIMULATED = Modem(name="simulated", at="socket://127.0.0.1:5071", pcm="socket://127.0.0.1:5072", number="+46701000001")
"""The modem of a unit without a configuration. With one, what is not there is unknown, and never simulated."""


SIMULATED_UPS = Ups(name="simulated", kind="nut", url="nut://127.0.0.1:5073/sim", keeps=("unit", "switch"))
"""Likewise its UPS."""


def default(state_dir: Path, address: str | None = None) -> Config:
    """Give what ``rvx run`` uses when there is no file: this machine alone, no platform, and a modem and a UPS that
    `rvx run` simulates; this machine is never halted.

    ``address`` is an IPv4 address of this machine that phones elsewhere can reach. Raises ConfigError when one of them
    cannot be used.
    """
    listen = ["udp:127.0.0.1:5060", "tcp:127.0.0.1:5060"]
    if address and address != "127.0.0.1":
        listen += [f"udp:{address}:5060", f"tcp:{address}:5060"]
    try:
        for entry in listen:
            LISTEN.take(entry)
        return Config(
            unit=Unit(name="demo", state_dir=absolute_path(str(state_dir.absolute()))),
            network=Network(phone_networks=("127.0.0.0/8", *Network().phone_networks)),
            platform=Platform(realm="demo.invalid"),
            edge=Edge(listen=tuple(listen)),
            modem=(SIMULATED,),
            ups=(SIMULATED_UPS,),
            web=Web(listen=("127.0.0.1:8080",)),
            power=Power(halt_command=(), restart_command=()),
        )
    except Refused as refused:
        raise ConfigError((Problem(state_dir, None, "", f"{refused}; give another place"),)) from None


def known_keys() -> tuple[Key, ...]:
    """Give every key of both files, in the order of the example."""
    return tuple(
        Key(
            file=file,
            section=section,
            name=field.name,
            meaning=field.metadata["meaning"],
            expected=rule_of(field).expected,
            required=field.default is MISSING,
            default=None if field.default is MISSING else field.default,
            many=section in _ARRAYS,
        )
        for file, sections in (("unit.toml", {**_SECTIONS, **_ARRAYS}), (SECRETS_FILE, _SECRET_SECTIONS))
        for section, kind in sections.items()
        for field in fields(kind)
    )


def _of(section: str, values: Mapping[str, Any]) -> dict[str, Any]:
    """Give the values of one section by their bare names."""
    prefix = f"{section}."
    return {where.removeprefix(prefix): value for where, value in values.items() if where.startswith(prefix)}


_CHECKS: tuple[Callable[[Values], Clashes], ...] = (
    *EDGE_CHECKS,
    gateway_account_whole,
    standby_whole,
    modems_whole,
    data_whole,
    gateway_whole,
    power_whole,
    reach_whole,
    mcu_whole,
    web_whole,
    mail_whole,
    identity_whole,
    sync_whole,
)
