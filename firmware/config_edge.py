"""What the configuration says of the edge and of whom it talks with: phones' networks, the platform, sockets, TLS,
survival, going back, 112, limits.

See firmware/config.py, whose part this is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from itertools import combinations

from firmware.bounds import Choice, Each, Listen, Text, Whole, ipaddress_of, like, parse_listen
from firmware.config_kinds import CIDR, FILE_OR_NONE, LISTEN, REALM, SIP_URI, SIP_URI_OR_NONE, Clashes, Values, kept
from firmware.document import key

__all__ = [
    "EDGE_CHECKS",
    "NO_PROBE",
    "Edge",
    "Emergency",
    "Limits",
    "Network",
    "Platform",
    "Returning",
    "Survival",
    "Tls",
]

NO_PROBE = "none"
PLACE = Text('up to 100 characters on one line, or ""', like(r'[^\x00-\x1f\x7f-\x9f\u2028\u2029"\\]{0,100}'))
NUMBER = Text("2 to 16 of the digits and + * # -", like(r"[0-9+*#-]{2,16}"))
HOUR = Text('"HH:MM"', like(r"([01][0-9]|2[0-3]):[0-5][0-9]"))


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

    @property
    def here(self) -> bool:
        """Whether phones may be on this very machine, as on a laptop."""
        return any(entry.startswith("127.") for entry in self.phone_networks)


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
            Each(Text("an IPv4 address", kept(ipaddress_of)), 0, 4),
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


def _first_response_in_order(values: Values) -> Clashes:
    low, start, high = (values[f"survival.first_response_{name}_ms"] for name in ("min", "initial", "max"))
    if not low <= start <= high:
        expected = f"first_response_min_ms ({low}) or more, first_response_max_ms ({high}) or less"
        yield "survival.first_response_initial_ms", f"{start} lies outside", expected


def _hold_down_in_order(values: Values) -> Clashes:
    start, most = values["returning.hold_down_s"], values["returning.hold_down_max_s"]
    if start > most:
        yield "returning.hold_down_s", f"{start} is more than the longest wait", f"hold_down_max_s ({most}) or less"


def _listens_once(values: Values) -> Clashes:
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


def _certificate_whole(values: Values) -> Clashes:
    if bool(values["tls.certificate"]) != bool(values["tls.key"]):
        missing = "tls.certificate" if values["tls.key"] else "tls.key"
        yield missing, "is missing", "certificate and key, or neither"


def _realm_of_nodes(values: Values) -> Clashes:
    if values["platform.nodes"] and not values["platform.realm"]:
        yield "platform.realm", "is missing", "the realm of the platform's digest, as there are nodes"


def _data_nodes_of_nodes(values: Values) -> Clashes:
    if values["platform.data_nodes"] and not values["platform.nodes"]:
        yield "platform.data_nodes", "there are no nodes", "nodes that these are another way to"


def _numbers_hold_112(values: Values) -> Clashes:
    if "112" not in values["emergency.numbers"]:
        yield "emergency.numbers", "112 is not among them", '"112" and what else is dialled for it'


EDGE_CHECKS: tuple[Callable[[Values], Clashes], ...] = (
    _first_response_in_order,
    _hold_down_in_order,
    _listens_once,
    _certificate_whole,
    _realm_of_nodes,
    _data_nodes_of_nodes,
    _numbers_hold_112,
)
