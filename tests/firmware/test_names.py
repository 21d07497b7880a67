"""What a node's name stands for: the order of RFC 2782, what is kept, and answers that nobody should believe."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from firmware.names import FORMER_S, NODES_MAX, Kept, LookupFailed, Srv, addresses_of, find

NAME = "sip:platform.example"


@dataclass
class Zone:
    """A name server's records; None: it does not answer."""

    srvs: Mapping[str, tuple[Srv, ...]] | None = field(default_factory=dict)
    hosts: dict[str, tuple[str, ...]] = field(default_factory=dict)

    async def srv(self, name: str) -> tuple[Srv, ...]:
        if self.srvs is None:
            raise LookupFailed(name)
        return self.srvs.get(name, ())

    async def addresses(self, name: str) -> tuple[str, ...]:
        return self.hosts.get(name, ())


def found(uri: str, zone: Zone, who: str = "gw-1") -> tuple[str, ...]:
    return asyncio.run(find(uri, zone, who))


HOSTS = {"a.example": ("10.1.0.1",), "b.example": ("10.1.0.2", "10.1.0.3"), "platform.example": ("10.1.0.9",)}


def test_srv_by_priority_with_every_address() -> None:
    records = (Srv(20, 0, 5060, "a.example"), Srv(10, 0, 5070, "b.example"))
    zone = Zone({"_sip._udp.platform.example": records}, HOSTS)
    assert found(NAME, zone) == ("sip:10.1.0.2:5070", "sip:10.1.0.3:5070", "sip:10.1.0.1:5060")


def test_transport_names_the_service_and_stays() -> None:
    zone = Zone({"_sip._tcp.platform.example": (Srv(1, 1, 5060, "a.example"),)}, HOSTS)
    assert found(NAME + ";transport=tcp", zone) == ("sip:10.1.0.1:5060;transport=tcp",)


@pytest.mark.parametrize(("uri", "port"), [(NAME, 5060), (NAME + ":5080", 5080)])
def test_address_records_without_srv_or_with_a_port(uri: str, port: int) -> None:
    srvs = {} if port == 5060 else {"_sip._udp.platform.example": (Srv(1, 1, 1, "a.example"),)}
    assert found(uri, Zone(srvs, HOSTS)) == (f"sip:10.1.0.9:{port}",)


def test_equals_are_drawn_by_weight_and_the_same_for_one_unit() -> None:
    records = (Srv(10, 90, 5060, "a.example"), Srv(10, 10, 5060, "platform.example"))
    zone = Zone({"_sip._udp.platform.example": records}, HOSTS)
    first = [found(NAME, zone, f"gw-{number}")[0] for number in range(200)]
    assert 150 < first.count("sip:10.1.0.1:5060") < 199
    assert first == [found(NAME, zone, f"gw-{number}")[0] for number in range(200)]


def test_what_no_platform_can_have_is_left_out_and_there_is_an_end() -> None:
    bad = ("127.0.0.1", "0.0.0.0", "224.0.0.1", "x", "10.0.0.1;evil=1", "1.2.3.4 5 6")
    zone = Zone({}, {"platform.example": bad + tuple(f"10.2.0.{number}" for number in range(1, 200))})
    nodes = found(NAME, zone)
    assert len(nodes) == NODES_MAX
    assert all(node.startswith("sip:10.2.0.") for node in nodes)


def test_nobody_answers_is_told() -> None:
    with pytest.raises(LookupFailed):
        found(NAME, Zone(None))


def test_last_answer_holds_and_former_ones_end_their_calls(tmp_path: Path) -> None:
    kept = Kept().with_answers({NAME: ("sip:10.1.0.1:5060", "sip:10.1.0.2:5060")}, 1000.0)
    kept = kept.with_answers({NAME: ()}, 1100.0).with_answers({}, 1200.0)
    assert kept.nodes[NAME] == ("sip:10.1.0.1:5060", "sip:10.1.0.2:5060")
    kept = kept.with_answers({NAME: ("sip:10.1.0.2:5060",)}, 1300.0)
    assert kept.former == {"sip:10.1.0.1:5060": 1300.0}
    kept.save(tmp_path / "nodes.json")
    assert Kept.load(tmp_path / "nodes.json") == kept
    assert kept.with_answers({}, 1301.0 + FORMER_S).former == {}
    uris = ["sip:10.9.9.9:5060", NAME, "sip:unknown.example"]
    assert addresses_of(uris, kept) == ("sip:10.9.9.9:5060", "sip:10.1.0.2:5060")


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"nodes": 1, "former": 2}', '{"nodes": {"x": 1}, "former": {}}', "\x00"]
)
def test_a_file_that_is_none_is_an_empty_one(tmp_path: Path, text: str) -> None:
    (tmp_path / "nodes.json").write_text(text)
    assert Kept.load(tmp_path / "nodes.json") == Kept()
