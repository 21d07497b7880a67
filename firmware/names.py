"""The platform's nodes by name: a URI with a host name stands for several addresses, asked for by SRV or A records.

Theory (RFC 3263 §4, RFC 2782). The transport is given, so NAPTR is not asked for. A name without a port is looked up by
SRV: lower priorities first, and among equals by weight, drawn once for each unit by its own name, so that many units
spread and one stays where it is. Without SRV records, or with a port, the A records are taken.

An answer is kept in the state directory. While nobody answers, and where there is nothing any more, the last one holds;
an edge that starts without DNS has it too. Addresses that are gone may still end their calls for FORMER_S.

Pure but for :class:`Names`, which asks, keeps, and tells the edge. DNS is hostile: what is no address that a platform
can have is left out, and there is an end to how many.
"""

from __future__ import annotations

import asyncio
import ipaddress
import json
import logging
import os
import random
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from callcontrol.edge.rpc import EdgeError, EdgeRpc, EdgeUnreachable
from firmware.bounds import Refused, parse_sip_uri

__all__ = ["Dns", "Kept", "Lookup", "LookupFailed", "Names", "Srv", "addresses_of", "find", "is_address"]

DEFAULT_SIP_PORT = 5060
NODES_MAX = 16
"""Addresses that one name may stand for, and former ones that are kept."""
RECORDS_MAX = 32
FORMER_S = 86_400
"""A call may last a day."""
ASK_MIN_S, ASK_MAX_S = 30.0, 300.0
"""Between two lookups, whatever the records' own time says."""
RELOAD_AGAIN_S = 6.0
"""Kamailio's dispatcher reads its list anew every 5 s at the most."""
ANSWER_S = 4.0
"""A name server that has not answered by then is unreachable."""

log = logging.getLogger("rvx")


class LookupFailed(Exception):
    """No name server answered, or none could."""


@dataclass(frozen=True)
class Srv:
    """One SRV record (RFC 2782)."""

    priority: int
    weight: int
    port: int
    target: str


class Lookup(Protocol):
    """Asks a name server; () means that there is no such record. Raises LookupFailed."""

    async def srv(self, name: str) -> tuple[Srv, ...]: ...

    async def addresses(self, name: str) -> tuple[str, ...]: ...


@dataclass(frozen=True)
class Kept:
    """What names stood for when last asked: URI as configured -> URIs with addresses; former URIs -> unix s."""

    nodes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    former: Mapping[str, float] = field(default_factory=dict)

    @classmethod
    def load(cls, file: Path) -> Kept:
        """An empty one where there is no file, or one that cannot be read."""
        try:
            document = json.loads(file.read_text("utf-8"))
            return cls(
                {name: tuple(filter(is_address, uris))[:NODES_MAX] for name, uris in document["nodes"].items()},
                {uri: float(at) for uri, at in document["former"].items() if is_address(uri)},
            )
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return cls()

    def save(self, file: Path) -> None:
        """Whole or not at all. Raises OSError."""
        part = file.with_suffix(".part")
        part.write_text(json.dumps({"nodes": self.nodes, "former": self.former}), "utf-8")
        os.replace(part, file)

    def with_answers(self, answers: Mapping[str, tuple[str, ...]], now_s: float) -> Kept:
        """The same with newer answers; what they no longer name is former for FORMER_S."""
        nodes = {**self.nodes, **{name: uris for name, uris in answers.items() if uris}}
        current = {uri for uris in nodes.values() for uri in uris}
        gone = {uri: now_s for uris in self.nodes.values() for uri in uris}
        former = {
            uri: at for uri, at in {**gone, **self.former}.items() if uri not in current and now_s - at < FORMER_S
        }
        newest = sorted(former.items(), key=lambda item: -item[1])[:NODES_MAX]
        return Kept(nodes, dict(newest))


def is_address(uri: str) -> bool:
    """Whether a node's URI names an IPv4 address that a platform can have."""
    try:
        address = ipaddress.IPv4Address(parse_sip_uri(uri).host)
    except (Refused, ValueError, TypeError):
        return False
    return not (address.is_unspecified or address.is_multicast or address.is_loopback)


def addresses_of(uris: Sequence[str], kept: Kept) -> tuple[str, ...]:
    """Nodes as the edge can use them, in order, each once; names that nothing is known of are left out."""
    found = (found for uri in uris for found in (_whole(uri) or kept.nodes.get(uri, ())))
    return tuple(dict.fromkeys(found))


async def find(uri: str, lookup: Lookup, who: str) -> tuple[str, ...]:
    """What the name in `uri` stands for, in order, for the unit `who`. Raises LookupFailed."""
    server = parse_sip_uri(uri)
    places = [(server.host, server.port or DEFAULT_SIP_PORT)]
    if server.port is None and (records := await lookup.srv(f"_sip._{server.transport}.{server.host}")):
        draw = random.Random(who).random  # noqa: S311  spreads units, keeps no secret
        places = [(one.target, one.port) for one in _ordered(records[:RECORDS_MAX], draw)]
    suffix = "" if server.transport == "udp" else f";transport={server.transport}"
    found: list[str] = []
    for target, port in places:
        for address in sorted(await lookup.addresses(target)):
            node = f"sip:{address}:{port}{suffix}"
            if is_address(node) and node not in found:
                found.append(node)
    return tuple(found[:NODES_MAX])


def _whole(uri: str) -> tuple[str, ...]:
    host = parse_sip_uri(uri).host
    return (uri,) if host.replace(".", "").isdigit() else ()


def _ordered(records: Iterable[Srv], draw: Callable[[], float]) -> list[Srv]:
    """RFC 2782: by priority, and among equals drawn by weight."""
    ordered: list[Srv] = []
    left = sorted(records, key=lambda one: (one.priority, one.weight, one.target, one.port))
    while left:
        equals = [one for one in left if one.priority == left[0].priority]
        point = draw() * sum(one.weight for one in equals)
        chosen = equals[0]
        for chosen in equals:
            point -= chosen.weight
            if point <= 0:
                break
        ordered.append(chosen)
        left.remove(chosen)
    return ordered


class Dns:
    """By dnspython; `servers` are addresses, none: the system's own."""

    def __init__(self, servers: Sequence[str]) -> None:
        # Loaded only where a node is given by name.
        from dns.asyncresolver import Resolver

        self._resolver = Resolver(configure=not servers)
        if servers:
            self._resolver.nameservers = list(servers)
        self._resolver.lifetime = ANSWER_S

    async def srv(self, name: str) -> tuple[Srv, ...]:
        records = await self._ask(name, "SRV")
        found = (Srv(r.priority, r.weight, r.port, r.target.to_text(omit_final_dot=True)) for r in records)
        return tuple(one for one in found if one.target and one.port)

    async def addresses(self, name: str) -> tuple[str, ...]:
        return tuple(record.address for record in await self._ask(name, "A"))

    async def _ask(self, name: str, kind: str):  # type: ignore[no-untyped-def]  # records differ by kind
        from dns.exception import DNSException
        from dns.resolver import NXDOMAIN, NoAnswer

        try:
            return list(await self._resolver.resolve(name, kind, search=False))[:RECORDS_MAX]
        except (NXDOMAIN, NoAnswer):
            return []
        except (DNSException, OSError, ValueError) as error:
            raise LookupFailed(f"{name} {kind}: {type(error).__name__} {error}") from error


class Names:
    """Asks for the names among `uris`, keeps the answers in `file`, and has the edge use them without touching calls.

    `listed(kept)` gives the text of the edge's dispatcher list, which lies at `list_file`."""

    def __init__(
        self,
        uris: Sequence[str],
        who: str,
        lookup: Callable[[], Lookup],
        edge: EdgeRpc,
        file: Path,
        list_file: Path,
        listed: Callable[[Kept], str],
    ) -> None:
        self._names = [uri for uri in uris if not _whole(uri)]
        self._who, self._lookup, self._edge = who, lookup, edge
        self._file, self._list_file, self._listed = file, list_file, listed

    async def run(self) -> None:
        """Until cancelled; at once over where no node is given by name."""
        if not self._names:
            return
        lookup = self._lookup()
        pause_s = ASK_MIN_S
        while True:
            answers: dict[str, tuple[str, ...]] = {}
            for name in self._names:
                try:
                    answers[name] = await find(name, lookup, self._who)
                except LookupFailed as error:
                    log.warning("rvx-event kind=dns_failed why=%s", str(error).replace(" ", "_")[:200])
            # What was not answered is asked for again soon.
            answered = all(answers.get(name) for name in self._names)
            pause_s = min(ASK_MAX_S, max(ASK_MIN_S, 2 * pause_s)) if answered else ASK_MIN_S
            try:
                await self._use(Kept.load(self._file).with_answers(answers, time.time()))
            except (OSError, EdgeUnreachable, EdgeError) as error:
                log.warning("rvx-event kind=nodes_failed why=%s", str(error).replace(" ", "_"))
                pause_s = RELOAD_AGAIN_S
            await asyncio.sleep(pause_s)

    async def _use(self, kept: Kept) -> None:
        if kept != Kept.load(self._file):
            kept.save(self._file)
        text = self._listed(kept)
        if text == self._list_file.read_text("utf-8"):
            return
        before = self._list_file.stat()
        part = self._list_file.with_suffix(".part")
        part.touch(0o600)
        part.write_text(text, "utf-8")
        os.chown(part, before.st_uid, before.st_gid)
        os.replace(part, self._list_file)
        try:
            await self._edge.call("dispatcher.reload")
        except (EdgeUnreachable, EdgeError):
            # So that it is done at the next turn.
            self._list_file.write_text("", "utf-8")
            raise
        log.warning("rvx-event kind=nodes count=%d", sum(map(len, kept.nodes.values())))
