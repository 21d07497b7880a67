"""What the configuration says of the way by mobile data, `[data]`, and of a gateway for outside calls, `[gateway]`,
with what of them is in the secrets.

See firmware/config.py, whose part this is."""

from __future__ import annotations

import base64
import binascii
import ipaddress
import re
from dataclasses import dataclass, field

from firmware.bounds import Choice, Each, Refused, Text, Whole, like, parse_listen, parse_sip_uri
from firmware.config_kinds import ADDRESS_OR_NONE, CIDR, CREDENTIAL, SIP_URI_OR_NONE, Clashes, Values
from firmware.document import key

__all__ = ["Data", "DataKey", "Gateway", "TrunkGateway", "data_whole", "gateway_account_whole", "gateway_whole"]

KEY_BYTES = 32
"""Of WireGuard (Curve25519)."""
_HOST_PORT = r"(\[[0-9A-Fa-f:]{2,39}\]|[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?):[0-9]{1,5}"


def _key(text: str) -> str:
    """A key of WireGuard as its tools write it."""
    try:
        whole = len(base64.b64decode(text, validate=True)) == KEY_BYTES
    except (binascii.Error, ValueError):
        whole = False
    if text and not whole:
        raise Refused("is no key of WireGuard")
    return text


def _endpoint(text: str) -> str:
    if text and not (re.fullmatch(_HOST_PORT, text, re.ASCII) and 1 <= int(text.rpartition(":")[2]) <= 65535):
        raise Refused("is not so written")
    return text


KEY = Text('the 44 characters of a key (wg genkey, wg pubkey), or ""', _key)
SECRET_KEY = Text(KEY.expected, _key, secret=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Data:
    """The way to the platform by mobile data, or by a second line."""

    address: str = field(
        default="",
        metadata=key(
            ADDRESS_OR_NONE,
            "the unit's own address towards platform.data_nodes, in the tunnel; sound of calls by data goes by it too",
        ),
    )
    port: int = field(default=5060, metadata=key(Whole(1024, 65535), "where the platform reaches the edge at it"))
    interface: str = field(
        default="",
        metadata=key(
            Text('the name of an interface, at most 15 characters, or ""', like(r"[A-Za-z0-9_.-]{0,15}")),
            "the modem's (wwan0) or second line's interface, whose bytes are counted; \"\": none are",
        ),
    )
    next_hop: str = field(
        default="",
        metadata=key(ADDRESS_OR_NONE, 'the router at it; "": the one that the system knows there, or none'),
    )
    peer_key: str = field(
        default="", metadata=key(KEY, 'the public key of the platform\'s WireGuard; "": no tunnel, a second line')
    )
    endpoint: str = field(
        default="", metadata=key(Text('"HOST:PORT", or ""', _endpoint), "where the platform's WireGuard is reached")
    )
    allowed: tuple[str, ...] = field(
        default=(),
        metadata=key(Each(CIDR, 0, 16), "what lies behind it: the data nodes"),
    )
    keepalive_s: int = field(
        default=25, metadata=key(Whole(0, 600), "so often the tunnel says that it is there, for the operator's NAT")
    )
    mtu: int = field(default=1280, metadata=key(Whole(1280, 1420), "the largest packet in the tunnel, bytes"))
    calls_max: int = field(
        default=30, metadata=key(Whole(1, 100), "calls by data at once, however much the way could bear")
    )
    calls_unmeasured: int = field(
        default=2, metadata=key(Whole(1, 100), "calls by data at once before the way was measured")
    )
    mb_per_day: int = field(
        default=0, metadata=key(Whole(0, 1_000_000), "what may be sent and received in a day, megabytes; 0: no limit")
    )
    mb_per_month: int = field(default=0, metadata=key(Whole(0, 10_000_000), "the same in a month"))
    control_port: int = field(
        default=5070,
        metadata=key(Whole(1024, 65535), "UDP port on 127.0.0.1 by which the edge asks for places for sound"),
    )

    @property
    def tunnel(self) -> bool:
        """Whether there is a WireGuard."""
        return bool(self.peer_key)


@dataclass(frozen=True, slots=True, kw_only=True)
class DataKey:
    """Of the secrets."""

    private_key: str = field(default="", repr=False, metadata=key(SECRET_KEY, "the unit's own key of WireGuard"))
    preshared_key: str = field(
        default="",
        repr=False,
        metadata=key(SECRET_KEY, "a second secret that both ends have, if the platform wants one"),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Gateway:
    username: str = field(
        default="",
        metadata=key(CREDENTIAL, "the unit's account at gateway.address or emergency.gateway"),
    )
    password: str = field(
        default="",
        repr=False,
        metadata=key(CREDENTIAL, "and its password"),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class TrunkGateway:
    """Another gateway: a SIP trunk, or a box that speaks SIP on one side and mobile on the other."""

    address: str = field(
        default="",
        metadata=key(
            SIP_URI_OR_NONE,
            "where outside calls go in an outage, before the modems; 112 too, if emergency.gateway names no other",
        ),
    )
    register: str = field(
        default="no",
        metadata=key(Choice(("yes", "no")), "whether the unit registers there, by its account in secrets.toml"),
    )
    realm: str = field(
        default="",
        metadata=key(
            Text('up to 255 letters, digits or . - _, or ""', like(r"[A-Za-z0-9._-]{0,255}")),
            'the realm of its digest, for registering; "": the host of address',
        ),
    )
    numbers: str = field(
        default="e164",
        metadata=key(Choice(("e164", "national")), "how it wants numbers: +46701234567 or 0701234567"),
    )
    prefix: str = field(
        default="", metadata=key(Text('up to 8 digits, or ""', like(r"[0-9]{0,8}")), "what is put before each number")
    )
    calls_max: int = field(default=4, metadata=key(Whole(1, 1000), "outside calls at once; 112 is never one of them"))


def gateway_account_whole(values: Values) -> Clashes:
    if values["gateway.password"] and not values["gateway.username"]:
        yield "gateway.username", "is missing", "the user whose password is given"


def data_whole(values: Values) -> Clashes:
    """What must hold of `[data]` (see firmware/config.py)."""
    own = values["data.address"]
    nodes = values["platform.data_nodes"]
    if own and not nodes:
        yield "platform.data_nodes", "is missing", "where the platform is reached from data.address"
    if own and any(
        parse_listen(entry).address == own for entry in (*values["edge.listen"], *values["edge.platform_listen"])
    ):
        yield "data.address", "is an address of the line or of the phones", "one of its own, in the tunnel"
    tunnel = {name: values[f"data.{name}"] for name in ("address", "endpoint", "allowed")}
    if not values["data.peer_key"]:
        if values["data.endpoint"] or values["data.allowed"]:
            yield "data.peer_key", "is missing", "the public key of the platform's WireGuard"
        return
    for name, found in tunnel.items():
        if not found:
            yield f"data.{name}", "is missing", "as data.peer_key is given"
    if not values["data.private_key"]:
        yield "data.private_key", "is missing", "the unit's own key, in secrets.toml"
    networks = [ipaddress.IPv4Network(entry) for entry in values["data.allowed"]]
    if any(each.prefixlen == 0 for each in networks):
        yield "data.allowed", "takes all traffic of the unit", "the networks of the data nodes alone"
    for node in nodes:
        host = parse_sip_uri(node).host
        inside = not re.fullmatch(r"[0-9.]+", host) or any(ipaddress.IPv4Address(host) in each for each in networks)
        if networks and not inside:
            yield "platform.data_nodes", f"{host} is not behind the tunnel", "an address within data.allowed"
    for node in values["platform.nodes"]:
        host = parse_sip_uri(node).host
        if re.fullmatch(r"[0-9.]+", host) and any(ipaddress.IPv4Address(host) in each for each in networks):
            yield (
                "data.allowed",
                f"takes {host}, a node by line, into the tunnel",
                "the networks of the data nodes alone",
            )


def gateway_whole(values: Values) -> Clashes:
    """What must hold of `[gateway]` (see firmware/config.py)."""
    if values["gateway.register"] == "yes":
        if not values["gateway.address"]:
            yield "gateway.address", "is missing", "where to register"
        elif not values["gateway.username"] or not values["gateway.password"]:
            yield "gateway.username", "is missing", "the unit's account there, with its password, in secrets.toml"
