"""The configuration: ``unit.toml``, and ``secrets.toml`` beside it, read once at start into frozen dataclasses.

The dataclasses are the one truth: names are those of TOML, each key has its default, its bounds and what it means. What
cannot be so stops the start, with file, line, what was expected and what was probably meant; all of it at once, so that
a technician mends a file in one go. ``firmware/example.toml`` shows every key.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import MISSING, dataclass, field, fields, replace
from itertools import combinations
from pathlib import Path
from typing import Any

from callcontrol.plan.codes import Code, Function
from callcontrol.plan.number import LocalNumbering
from firmware.bounds import (
    Choice,
    Each,
    Listen,
    Refused,
    Text,
    Whole,
    absolute_path,
    address,
    ipaddress_of,
    like,
    network,
    parse_direct,
    parse_listen,
    parse_range,
    parse_shared,
    parse_sip_uri,
)
from firmware.config_data import Data, DataKey, TrunkGateway, data_whole, gateway_whole
from firmware.config_sms import Sms
from firmware.config_trunk import Modem, Sim, Trunk, modems_of, modems_whole
from firmware.document import Document, Problem, Sections, key, rule_of
from firmware.paths import Paths

__all__ = [
    "NO_PROBE",
    "SECRETS_FILE",
    "Announcing",
    "Codes",
    "Config",
    "ConfigError",
    "Data",
    "DataKey",
    "Edge",
    "Emergency",
    "Gateway",
    "Key",
    "Limits",
    "Modem",
    "Network",
    "Numbering",
    "Platform",
    "Problem",
    "Returning",
    "Secrets",
    "Sim",
    "Sms",
    "Standby",
    "StandbyKey",
    "Survival",
    "Tls",
    "Trunk",
    "TrunkGateway",
    "Unit",
    "default",
    "known_keys",
    "load",
]

SECRETS_FILE = "secrets.toml"
NO_PROBE = "none"


def _kept(parse: Callable[[str], object]) -> Callable[[str], str]:
    """Give a parser that checks by ``parse`` and keeps the text."""

    def check(text: str) -> str:
        parse(text)
        return text

    return check


def _or_empty(parse: Callable[[str], str]) -> Callable[[str], str]:
    return lambda text: parse(text) if text else text


LISTEN = Text('"udp:ADDRESS:PORT", "tcp:ADDRESS:PORT" or "tls:ADDRESS:PORT" (IPv4)', _kept(parse_listen))
FOLDER_OR_NONE = FILE_OR_NONE = Text('an absolute path, at most 80 bytes, or ""', _or_empty(_kept(absolute_path)))
SIP_URI = Text('"sip:HOST[:PORT][;transport=udp|tcp]"', _kept(parse_sip_uri))
SIP_URI_OR_NONE = Text(f'{SIP_URI.expected}, or ""', _or_empty(_kept(parse_sip_uri)))
REALM = Text('up to 255 letters, digits or . - _, or ""', like(r"[A-Za-z0-9._-]{0,255}"))
PLACE = Text('up to 100 characters on one line, or ""', like(r'[^\x00-\x1f\x7f-\x9f\u2028\u2029"\\]{0,100}'))
NUMBER = Text("2 to 16 of the digits and + * # -", like(r"[0-9+*#-]{2,16}"))
PREFIX = Text('up to 4 digits, or ""', like(r"[0-9]{0,4}"))
AREA_CODE = Text('an area code with its 0, such as "090", or ""', like(r"(0[1-9][0-9]{0,2})?"))
RANGE = Text('digits and an x for each that may be any, such as "16xx"', _kept(parse_range))
DIRECT = Text('"+46NUMBER=EXTENSION", both with the same xs: "+4690161xxx=1xxx"', _kept(parse_direct))
LANGUAGE = Choice(("sv", "en"))
HOUR = Text('"HH:MM"', like(r"([01][0-9]|2[0-3]):[0-5][0-9]"))
CIDR = Text('"ADDRESS/LENGTH" (IPv4)', network)
ADDRESS_OR_NONE = Text('an IPv4 address, or ""', _or_empty(address))
SHARED = Text('"ADDRESS/LENGTH INTERFACE" (IPv4)', _kept(parse_shared))


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
            Text('an absolute path, at most 80 bytes, or ""', _or_empty(_kept(absolute_path))),
            'a folder in memory (/run/reservvaxel) for sockets and bindings, which wear flash; "" is run/ in state_dir',
        ),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Network:
    phone_networks: tuple[str, ...] = field(
        default=("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"),
        metadata=key(Each(CIDR, 1, 64), "where phones are; nobody else may call 112 through the unit"),
    )
    platform_interface: str = field(
        default="",
        metadata=key(
            Text('the name of an interface, at most 15 characters, or ""', like(r"[A-Za-z0-9_.-]{0,15}")),
            'the interface towards the platform, whose carrier is watched; "" is not watched, so not known',
        ),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Platform:
    nodes: tuple[str, ...] = field(
        default=(), metadata=key(Each(SIP_URI, 0, 8), "the platform's nodes, the first preferred; none: no platform")
    )
    data_nodes: tuple[str, ...] = field(
        default=(), metadata=key(Each(SIP_URI, 0, 8), "the same nodes as reached over mobile data")
    )
    realm: str = field(
        default="", metadata=key(REALM, "the realm of the platform's digest; must be set when nodes are")
    )
    registration: str = field(
        default="path",
        metadata=key(
            Choice(("path", "contact")), 'how the platform finds the way back: "path" is RFC 3327, "contact" rewrites'
        ),
    )
    expires_s: int = field(default=3600, metadata=key(Whole(60, 86400), "how long the platform keeps a registration"))
    name_servers: tuple[str, ...] = field(
        default=(),
        metadata=key(
            Each(Text("an IPv4 address", _kept(ipaddress_of)), 0, 4),
            "whom to ask for nodes that are given by name; none: the system's own",
        ),
    )
    probe: str = field(
        default="OPTIONS",
        metadata=key(
            Choice(("OPTIONS", "INFO", "REGISTER", NO_PROBE)),
            'what the platform is asked each second, any answer being life; "none" judges it by what phones ask',
        ),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Edge:
    listen: tuple[str, ...] = field(metadata=key(Each(LISTEN, 1, 8), "where phones reach the unit"))
    platform_listen: tuple[str, ...] = field(
        default=(), metadata=key(Each(LISTEN, 0, 8), "where the platform reaches the unit; none: the same as listen")
    )
    control_port: int = field(
        default=5066, metadata=key(Whole(1024, 65535), "UDP port on 127.0.0.1 that the edge uses for itself")
    )
    calls_port: int = field(
        default=5068, metadata=key(Whole(1024, 65535), "TCP port on 127.0.0.1 for the unit's own process `calls` alone")
    )
    trunk_port: int = field(
        default=5069, metadata=key(Whole(1024, 65535), "TCP port on 127.0.0.1 for the unit's own process `trunk` alone")
    )
    late_port: int = field(
        default=5067, metadata=key(Whole(1024, 65535), "UDP port on 127.0.0.1 where `calls` is handed late answers")
    )
    user: str = field(
        default="kamailio",
        metadata=key(Text("the name of a system user", like(r"[a-z_][a-z0-9_-]{0,31}")), "whom the edge runs as"),
    )
    register_s: int = field(
        default=60, metadata=key(Whole(15, 600), "the expiry that phones are told, whatever they ask for")
    )
    workers: int = field(default=1, metadata=key(Whole(1, 16), "processes for each address listened on"))
    shared_memory_mb: int = field(default=256, metadata=key(Whole(32, 512), "memory that the edge's processes share"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Tls:
    """Used where ``edge.listen`` has a place by TLS."""

    certificate: str = field(
        default="",
        metadata=key(
            FILE_OR_NONE,
            'the unit\'s certificate and what stands between it and its CA (PEM); "": the unit makes its own',
        ),
    )
    key: str = field(default="", metadata=key(FILE_OR_NONE, "the key of that certificate (PEM)"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Survival:
    signal_s: int = field(default=6, metadata=key(Whole(2, 10), "the length of one signal"))
    ring_signals: int = field(default=4, metadata=key(Whole(1, 20), "signals before an unanswered call goes on"))
    learnt: str = field(
        default="inside",
        metadata=key(
            Choice(("inside", "off")),
            "what a phone without a known secret may do, if the platform accepted it: call inside, or nothing",
        ),
    )
    learnt_after_s: int = field(
        default=3600, metadata=key(Whole(0, 2_592_000), "how long the platform must have accepted it before that")
    )
    first_response_min_ms: int = field(
        default=250, metadata=key(Whole(100, 1000), "the least that the platform is given for its first response")
    )
    first_response_max_ms: int = field(
        default=1500, metadata=key(Whole(500, 5000), "the most that the platform is given for its first response")
    )
    first_response_initial_ms: int = field(
        default=400, metadata=key(Whole(100, 5000), "what it is given before its usual time is known")
    )
    ringing_s: int = field(
        default=4, metadata=key(Whole(2, 30), "how long a bare 100 is enough for a target that is bound here")
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Returning:
    good_probes: int = field(default=3, metadata=key(Whole(1, 20), "good probes in a row before the unit goes back"))
    hold_down_s: int = field(default=10, metadata=key(Whole(0, 3600), "wait before going back; doubles when it flaps"))
    hold_down_max_s: int = field(default=600, metadata=key(Whole(0, 86400), "the longest such wait"))
    when: str = field(
        default="at_once",
        metadata=key(
            Choice(("at_once", "idle", "hour")),
            "when to go back after that: at once, when no call is up that the unit decided, or in one hour of the day",
        ),
    )
    hour: str = field(
        default="03:00", metadata=key(HOUR, "when that hour begins, local time; counts only for when = hour")
    )
    longest_wait_s: int = field(
        default=86400, metadata=key(Whole(0, 604_800), "idleness or the hour is waited for no longer than this")
    )
    spread_s: int = field(
        default=30, metadata=key(Whole(0, 600), "registrations begin anew at a moment of the unit's own within this")
    )
    registrations_per_s: int = field(
        default=10, metadata=key(Whole(1, 10_000), "registrations that the platform gets from the unit in one second")
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Emergency:
    numbers: tuple[str, ...] = field(
        default=("112", "0112", "00112", "0-112"),
        metadata=key(Each(NUMBER, 1, 16), "what is dialled for help; 112 must be among them"),
    )
    gateway: str = field(default="", metadata=key(SIP_URI_OR_NONE, "a second SIP gateway as a way to 112"))
    place: str = field(
        default="", metadata=key(PLACE, "what to tell SOS of where this is: street and number, house, floor, room")
    )
    no_ringing_s: int = field(
        default=6, metadata=key(Whole(2, 30), "without ringing for so long, the next way is tried")
    )
    hold_s: int = field(
        default=30, metadata=key(Whole(5, 120), "how long the ways are gone round before giving up in words")
    )
    calls_per_phone: int = field(default=2, metadata=key(Whole(1, 10), "calls to 112 at once from one phone"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Numbering:
    """How numbers are dialled in this building."""

    line_prefixes: tuple[str, ...] = field(
        default=("0",),
        metadata=key(Each(PREFIX, 1, 4), 'what is dialled for an outside line; "" where nothing is'),
    )
    area_code: str = field(
        default="", metadata=key(AREA_CODE, "that of the place; without it, numbers are dialled with one")
    )
    extensions: tuple[str, ...] = field(
        default=(), metadata=key(Each(RANGE, 0, 64), "which numbers are extensions, beside those in the directory")
    )
    direct: tuple[str, ...] = field(
        default=(), metadata=key(Each(DIRECT, 0, 64), "numbers outside that ring an extension straight")
    )

    @property
    def local(self) -> LocalNumbering:
        """The same, as numbers are read by it."""
        return LocalNumbering(
            line_prefixes=self.line_prefixes,
            area_code=self.area_code,
            extensions=tuple(map(parse_range, self.extensions)),
            direct=tuple(map(parse_direct, self.direct)),
        )


def _code(function: Function, default: str, meaning: str) -> Any:
    def check(text: str) -> str:
        try:
            Code.parse(function, text)
        except ValueError as error:
            raise Refused(str(error)) from None
        return text

    example = "*8*N#" if function.numbered else "*8#"
    number = " with an N for the number" if function.numbered else ""
    expected = f'1 to 8 digits, * and #{number}, as "{example}", or ""'
    return field(default=default, metadata=key(Text(expected, _or_empty(check)), meaning))


@dataclass(frozen=True, slots=True, kw_only=True)
class Codes:
    """What is dialled in an outage to have something done; "" for none. Each is a `Function`."""

    group_pick_up: str = _code(Function.GROUP_PICK_UP, "*8#", "take the call that rings in one's own group")
    pick_up: str = _code(Function.PICK_UP, "*8*N#", "take the call that rings at this extension of one's own group")
    park: str = _code(Function.PARK, "*70*N#", "transfer to it: whoever is on the phone waits in this slot")
    fetch: str = _code(Function.FETCH, "#70*N#", "take who waits in this slot")
    call_back: str = _code(Function.CALL_BACK, "*37*N#", "be called back when this extension is free")
    call_back_off: str = _code(Function.CALL_BACK_OFF, "#37#", "not to be called back by anybody any more")
    camp_on: str = _code(Function.CAMP_ON, "*4*N#", "wait for this extension, which is busy")
    conference: str = _code(Function.CONFERENCE, "*55*N#", "be in the conference of this number, or transfer to it")
    barge_in: str = _code(Function.BARGE_IN, "*56*N#", "come into the call of this extension; all hear a tone")
    add: str = _code(Function.ADD, "*58*N#", "call this extension into one's own call")
    threat: str = _code(Function.THREAT, "*57#", "mark one's own call as a threat, and record it from now on")

    @property
    def table(self) -> tuple[Code, ...]:
        written = ((function, getattr(self, function)) for function in Function)
        return tuple(Code.parse(function, text) for function, text in written if text)


@dataclass(frozen=True, slots=True, kw_only=True)
class Announcing:
    """What callers hear whose call nobody takes."""

    languages: tuple[str, ...] = field(
        default=("sv",),
        metadata=key(Each(LANGUAGE, 0, 2), "in which languages, one after the other; none: they only read it"),
    )
    recordings: str = field(
        default="",
        metadata=key(FOLDER_OR_NONE, "the municipality's own recordings; what is not there is spoken by espeak-ng"),
    )
    music: str = field(
        default="",
        metadata=key(FOLDER_OR_NONE, "what who waits hears: files of sound, in turns; none: a quiet tune of our own"),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    requests_per_source_s: int = field(
        default=100,
        metadata=key(
            Whole(1, 100_000), "requests a second from one phone (address and port); 112 is never limited by it"
        ),
    )
    requests_per_address_s: int = field(
        default=400,
        metadata=key(
            Whole(1, 100_000), "requests a second from all phones at one address (NAT) that have not registered yet"
        ),
    )
    ban_s: int = field(
        default=30, metadata=key(Whole(1, 3600), "how long a phone that sends more is not heard; 112 always is")
    )
    failed_auth_per_minute: int = field(
        default=10, metadata=key(Whole(1, 1000), "wrong passwords a minute from one address before it has to wait")
    )
    wrong_answers_north: int = field(
        default=3,
        metadata=key(
            Whole(1, 100), "times that the platform may refuse one phone's password before the phone is kept from it"
        ),
    )


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


# Printable ASCII but what would end a string in the edge's configuration.
_CREDENTIAL = r"[!#-\[\]-~]{0,128}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Gateway:
    username: str = field(
        default="",
        metadata=key(
            Text('up to 128 printable ASCII characters, no space, " or \\', like(_CREDENTIAL), secret=True),
            "the unit's account at gateway.address or emergency.gateway",
        ),
    )
    password: str = field(
        default="",
        repr=False,
        metadata=key(
            Text('up to 128 printable ASCII characters, no space, " or \\', like(_CREDENTIAL), secret=True),
            "and its password",
        ),
    )


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Secrets:
    """What is in ``secrets.toml``."""

    gateway: Gateway = field(default_factory=Gateway)
    standby: StandbyKey = field(default_factory=StandbyKey)
    sim: Sim = field(default_factory=Sim)
    data: DataKey = field(default_factory=DataKey)


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
    limits: Limits = field(default_factory=Limits)
    standby: Standby = field(default_factory=Standby)
    trunk: Trunk = field(default_factory=Trunk)
    modem: tuple[Modem, ...] = ()
    data: Data = field(default_factory=Data)
    gateway: TrunkGateway = field(default_factory=TrunkGateway)
    secrets: Secrets = field(default_factory=Secrets)

    @property
    def emergency_gateway(self) -> str:
        """The SIP gateway that is a way to 112; "" for none."""
        return self.emergency.gateway or self.gateway.address

    @property
    def paths(self) -> Paths:
        """Where this unit's files lie."""
        return Paths(self.unit.state_dir, Path(self.unit.run_dir) if self.unit.run_dir else None)

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
    "limits": Limits,
    "standby": Standby,
    "trunk": Trunk,
    "data": Data,
    "gateway": TrunkGateway,
}
_ARRAYS: Sections = {"modem": Modem}
_SECRET_SECTIONS: Sections = {"gateway": Gateway, "standby": StandbyKey, "sim": Sim, "data": DataKey}


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


def load(path: Path) -> Config:
    """Read ``path`` and ``secrets.toml`` beside it, if there is one. Raises ConfigError with all problems at once."""
    unit, secrets = Document(path), Document(path.with_name(SECRETS_FILE), secret=True)
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
    return Config(
        **{name: kind(**_of(name, values)) for name, kind in _SECTIONS.items()},
        modem=tuple(Modem(**each) for each in modems_of(values)),
        secrets=Secrets(**{name: kind(**_of(name, secret_values)) for name, kind in _SECRET_SECTIONS.items()}),
    )


SIMULATED = Modem(name="simulated", at="socket://127.0.0.1:5071", pcm="socket://127.0.0.1:5072", number="+46701000001")
"""The modem of a unit without a configuration. With one, what is not there is unknown, and never simulated."""


def default(state_dir: Path, address: str | None = None) -> Config:
    """Give what ``rvx run`` uses when there is no file: this machine alone, no platform, and a modem that `rvx run`
    simulates.

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


# What must hold between keys. Each check takes the values of both files by "section.name" and gives (key, message,
# expected) for what does not hold; one that misses a key, as it was refused, is left out.

_Values = Mapping[str, Any]
_Clashes = Iterator[tuple[str, str, str]]


def _first_response_in_order(values: _Values) -> _Clashes:
    low, start, high = (values[f"survival.first_response_{name}_ms"] for name in ("min", "initial", "max"))
    if not low <= start <= high:
        expected = f"first_response_min_ms ({low}) or more, first_response_max_ms ({high}) or less"
        yield "survival.first_response_initial_ms", f"{start} lies outside", expected


def _hold_down_in_order(values: _Values) -> _Clashes:
    start, most = values["returning.hold_down_s"], values["returning.hold_down_max_s"]
    if start > most:
        yield "returning.hold_down_s", f"{start} is more than the longest wait", f"hold_down_max_s ({most}) or less"


def _listens_once(values: _Values) -> _Clashes:
    taken = [("edge.control_port", f"udp:127.0.0.1:{values['edge.control_port']}")]
    taken += [
        ("edge.calls_port", f"tcp:127.0.0.1:{values['edge.calls_port']}"),
        ("edge.trunk_port", f"tcp:127.0.0.1:{values['edge.trunk_port']}"),
        ("edge.late_port", f"udp:127.0.0.1:{values['edge.late_port']}"),
    ]
    taken += [(where, entry) for where in ("edge.platform_listen", "edge.listen") for entry in values[where]]
    for (where, entry), (_, other) in combinations(taken, 2):
        # TLS is TCP to the kernel.
        if _place(entry) == _place(other):
            yield where, f"{entry} is taken twice", "an address and port that nothing else listens on"


def _place(entry: str) -> Listen:
    found = parse_listen(entry)
    return replace(found, protocol="tcp") if found.protocol == "tls" else found


def _certificate_whole(values: _Values) -> _Clashes:
    if bool(values["tls.certificate"]) != bool(values["tls.key"]):
        missing = "tls.certificate" if values["tls.key"] else "tls.key"
        yield missing, "is missing", "certificate and key, or neither"


def _realm_of_nodes(values: _Values) -> _Clashes:
    if values["platform.nodes"] and not values["platform.realm"]:
        yield "platform.realm", "is missing", "the realm of the platform's digest, as there are nodes"


def _data_nodes_of_nodes(values: _Values) -> _Clashes:
    if values["platform.data_nodes"] and not values["platform.nodes"]:
        yield "platform.data_nodes", "there are no nodes", "nodes that these are another way to"


def _numbers_hold_112(values: _Values) -> _Clashes:
    if "112" not in values["emergency.numbers"]:
        yield "emergency.numbers", "112 is not among them", '"112" and what else is dialled for it'


def _gateway_account_whole(values: _Values) -> _Clashes:
    if values["gateway.password"] and not values["gateway.username"]:
        yield "gateway.username", "is missing", "the user whose password is given"


def _standby_whole(values: _Values) -> _Clashes:
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


def _router_whole(values: _Values, given: Mapping[str, str], shared: Sequence[str]) -> _Clashes:
    if not given["own"]:
        yield "standby.own", "is missing", "the address in the phones' network, as there are shared ones"
    for name, found in given.items():
        if found and name != "own":
            yield f"standby.{name}", "a router beside has no such", 'nothing, or peer_is = "unit"'
    yield from _listens_on_shared(values, shared, "edge.listen")


def _listens_on_shared(values: _Values, shared: Sequence[str], *places: str) -> _Clashes:
    for where in places:
        for entry in values[where]:
            if parse_listen(entry).address not in shared:
                yield where, f"{entry} is not a shared address", f"one of {', '.join(shared)}"


_CHECKS: tuple[Callable[[_Values], _Clashes], ...] = (
    _first_response_in_order,
    _hold_down_in_order,
    _listens_once,
    _certificate_whole,
    _realm_of_nodes,
    _data_nodes_of_nodes,
    _numbers_hold_112,
    _gateway_account_whole,
    _standby_whole,
    modems_whole,
    data_whole,
    gateway_whole,
)
