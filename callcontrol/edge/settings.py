"""What the edge must know, as plain values. The unit's configuration becomes this in `firmware.app`."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

__all__ = [
    "DEFAULT_SIP_PORT",
    "DataSettings",
    "EdgeSettings",
    "GatewaySettings",
    "PairSettings",
    "Socket",
    "sip_host_port",
]

DEFAULT_SIP_PORT = 5060


@dataclass(frozen=True)
class Socket:
    """A place where the edge listens: `udp:10.0.0.1:5060`; by udp, tcp or tls."""

    transport: str
    address: str
    port: int

    @classmethod
    def parse(cls, text: str) -> Socket:
        """From `transport:address:port`; an IPv6 address stands in brackets."""
        transport, _, rest = text.partition(":")
        address, _, port = rest.rpartition(":")
        return cls(transport, address, int(port))

    def __str__(self) -> str:
        return f"{self.transport}:{self.address}:{self.port}"


@dataclass(frozen=True)
class PairSettings:
    """One of two units that share the addresses listened on: only one of them has these at a time."""

    tables: Socket
    """Of this unit alone: where the other one's tables come in."""
    peer: str
    """The other unit's address on that network."""
    probe: Socket | None
    """Of this unit alone: from here it asks the platform while it has not got the shared address there."""


@dataclass(frozen=True)
class DataSettings:
    """The way to the data nodes has an address of its own, by which SIP and sound go."""

    address: str
    port: int
    control_port: int
    """UDP port on 127.0.0.1 where places for sound are asked for."""
    reception: str
    """The extension whose calls by data go before those of others; "" for none."""

    def socket(self, transport: str) -> Socket:
        return Socket(transport, self.address, self.port)


@dataclass(frozen=True)
class GatewaySettings:
    """A gateway for calls outside; its account is that of the gateway for 112."""

    uri: str
    prefix: str
    """Put before each number."""
    national: bool
    """It wants 0701234567 instead of +46701234567."""
    calls_max: int
    registers: bool
    realm: str


@dataclass(frozen=True)
class EdgeSettings:
    """Times are in the unit that their name ends with. `nodes` and `data_nodes` are SIP URIs; empty means none."""

    run_dir: Path
    edge_dir: Path
    acc_dir: Path
    realm: str
    listen: tuple[Socket, ...]
    platform_listen: tuple[Socket, ...]
    phone_networks: tuple[str, ...]
    nodes: tuple[str, ...]
    data_nodes: tuple[str, ...]
    data: DataSettings | None
    """None: the data nodes are reached as the others are, and sound finds its own way."""
    by_contact: bool
    expires_s: int
    probe: str
    """The method of the request that nodes are asked by each second; "" asks none."""
    register_s: int
    control_port: int
    calls_port: int
    trunk_port: int
    modems: bool
    """Whether `trunk` has any, so that it is a way out."""
    late_port: int
    workers: int
    learnt: bool
    learnt_after_s: int
    ring_ms: int
    first_response_min_ms: int
    first_response_max_ms: int
    first_response_initial_ms: int
    ringing_ms: int
    good_probes: int
    registrations_per_s: int
    emergency_numbers: tuple[str, ...]
    gateway: str
    trunk_gateway: GatewaySettings | None
    codes: str
    """What is dialled to have something done: a regular expression (POSIX, extended); "" for nothing."""
    codes_noted: str
    """Those of them that are noted as they were dialled, likewise;"""
    codes_before: str
    """and what stands before a number, which is noted alone."""
    codes_observed: str
    """Those that the platform is believed to have done when it has answered them; "" for none;"""
    mailbox: str
    """The number that is the unit's own in all modes; "" for none."""
    codes_heard: bool
    """or has only let something be heard."""
    gateway_username: str
    gateway_password: str = field(repr=False)
    no_ringing_ms: int
    modem_no_ringing_ms: int
    hold_s: int
    calls_per_phone: int
    requests_per_source_s: int
    requests_per_address_s: int
    ban_s: int
    failed_auth_per_minute: int
    wrong_answers_north: int
    shared_memory_mb: int
    route_key: str = field(repr=False)
    """A secret of this unit, letters and figures: who knows our Record-Route of a call is in that call."""
    pair: PairSettings | None = None
    shares: bool = False
    """It listens at addresses that come and go (a pair's, or those that a router takes when it is dead)."""
    former_nodes: tuple[str, ...] = ()
    """Where the platform was until lately: nothing new goes there, what comes from there may end its calls."""
    events: bool = False
    """Tell registrations and calls, with numbers, in the log: for a person who looks on."""

    @property
    def tls(self) -> bool:
        """Whether the edge listens by TLS anywhere."""
        return any(socket.transport == "tls" for socket in (*self.listen, *self.platform_listen))

    @property
    def north(self) -> Socket:
        """Where the platform reaches the unit: the socket of the first node's transport."""
        sockets = self.platform_listen or self.listen
        wanted = "tcp" if self.nodes and "transport=tcp" in self.nodes[0].lower() else "udp"
        return next((s for s in sockets if s.transport == wanted), sockets[0])


def sip_host_port(uri: str) -> tuple[str, int]:
    """Host and port of `sip:[user@]host[:port][;parameters]`; 5060 where it names none (RFC 3261 §19.1.2)."""
    rest = uri.split(":", 1)[1].split(";", 1)[0].rpartition("@")[2]
    if rest.startswith("["):
        host, _, tail = rest.partition("]")
        return host + "]", int(tail[1:]) if tail.startswith(":") else DEFAULT_SIP_PORT
    host, _, port = rest.partition(":")
    return host, int(port) if port else DEFAULT_SIP_PORT
