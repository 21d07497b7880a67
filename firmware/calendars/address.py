"""Which addresses may be asked for a calendar: pure.

Somebody who may give an address could make the unit ask for things that only the unit can reach: itself, the phones, a
cupboard's switch. So by default it asks by https alone, and public addresses alone, none of them in the networks that
the unit is told of. A server that lies in the municipality's own networks, or has no https, is named by the site
(``[calendars] servers``), as ``scheme://host:port``, and then only just that one.

Names are judged by what they resolve to, once, and the connection goes to just what was judged.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import urlsplit

from firmware.bounds import Refused

__all__ = ["Origin", "Policy", "origin_of", "server"]

_PORTS = {"https": 443, "http": 80}
_NUMBER = re.compile(r"(?:[0-9]+|0[xX][0-9a-fA-F]*)")
_HOST = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]{0,251}[A-Za-z0-9])?\.?")
_EMBEDDED = (ipaddress.ip_network("64:ff9b::/96"), ipaddress.ip_network("::/96"))
"""NAT64, and addresses of old: an IPv4 address is the last four bytes."""

IPNetwork = ipaddress.IPv4Network | ipaddress.IPv6Network
IPAddress = ipaddress.IPv4Address | ipaddress.IPv6Address


@dataclass(frozen=True, slots=True)
class Origin:
    """To whom is spoken (RFC 6454)."""

    scheme: str
    host: str
    port: int

    @property
    def number(self) -> IPAddress | None:
        """The host as an address; None for a name."""
        try:
            return ipaddress.ip_address(self.host)
        except ValueError:
            return None


def origin_of(url: str) -> Origin:
    """Of an http or https address. Raises ValueError for one that is neither, or whose host may be read in two ways."""
    parts = urlsplit(url)
    host = (parts.hostname or "").lower().rstrip(".")
    if parts.scheme not in _PORTS or not host or "\\" in url:
        raise ValueError("no http or https")
    found = Origin(parts.scheme, host, parts.port or _PORTS[parts.scheme])
    # 127.1 and 0x7f000001 are addresses to some readers, and names to others.
    if found.number is None and (not _HOST.fullmatch(host) or _NUMBER.fullmatch(host.rpartition(".")[2])):
        raise ValueError("no name of a server")
    return found


def server(text: str) -> str:
    """Of the configuration. Raises Refused."""
    try:
        origin_of(text)
        parts = urlsplit(text)
    except ValueError:
        raise Refused('is no server such as "https://mail.norrby.example" or "http://10.1.2.3:5232"') from None
    if parts.path.strip("/") or parts.query or parts.fragment or parts.username:
        raise Refused("is more than scheme, host and port", f'"{parts.scheme}://{parts.netloc.rpartition("@")[2]}"')
    return text


@dataclass(frozen=True)
class Policy:
    """`servers`: those that the site names; `networks`: its own."""

    servers: frozenset[Origin]
    networks: tuple[IPNetwork, ...] = ()

    @classmethod
    def of(cls, servers: Iterable[str], networks: Iterable[str]) -> Policy:
        return cls(
            frozenset(map(origin_of, servers)), tuple(ipaddress.ip_network(one, strict=False) for one in networks)
        )

    def named(self, origin: Origin) -> bool:
        return origin in self.servers

    def may_reach(self, address: str) -> bool:
        """Whether somebody whom the site has not named may be at this address."""
        try:
            found: IPAddress = ipaddress.ip_address(address.partition("%")[0])
        except ValueError:
            return False
        return all(self._open(one) for one in (found, *_within(found)))

    def _open(self, address: IPAddress) -> bool:
        return (
            address.is_global
            and not address.is_multicast
            and not address.is_reserved
            and not (isinstance(address, ipaddress.IPv6Address) and address.is_site_local)
            and not any(address in network for network in self.networks)
        )


def _within(address: IPAddress) -> Iterable[IPAddress]:
    """The IPv4 addresses that an IPv6 one leads on to."""
    if isinstance(address, ipaddress.IPv4Address):
        return
    if address.ipv4_mapped is not None:
        yield address.ipv4_mapped
    if address.sixtofour is not None:
        yield address.sixtofour
    if address.teredo is not None:
        yield from address.teredo
    if any(address in network for network in _EMBEDDED):
        yield ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
