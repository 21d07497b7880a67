"""The edge's configuration: every word filled, nothing broken out of, taken by Kamailio; and the talk with it."""

from __future__ import annotations

import asyncio
import json
import os
import re
import shutil
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

import callcontrol.edge
from callcontrol.edge.render import BRANCHES_MAX, PAUSE_MS, dispatcher_list, render
from callcontrol.edge.rpc import EdgeError, EdgeRpc, EdgeUnreachable, remove_leftovers
from callcontrol.edge.settings import EdgeSettings, Socket, sip_host_port
from firmware.config import ConfigError, load
from firmware.edge import check_edge, edge_settings
from firmware.modes import Mode

Sections = Mapping[str, Mapping[str, object]]

BASE: dict[str, dict[str, object]] = {
    "unit": {"name": "gw-1", "state_dir": "/tmp/rvx"},
    "network": {"phone_networks": ["10.0.0.0/24", "192.168.0.0/16"]},
    "platform": {"nodes": ["sip:10.99.0.2:5060", "sip:10.99.0.3"], "realm": "region.example"},
    "edge": {"listen": ["udp:127.0.0.1:5060", "tcp:127.0.0.1:5060"]},
    "emergency": {"gateway": "sip:10.99.0.9:5070"},
}
VARIANTS: dict[str, Sections] = {
    "plain": {},
    "contact": {"platform": {"registration": "contact"}},
    "no platform": {"platform": {"nodes": [], "realm": "demo.invalid"}, "emergency": {"gateway": ""}},
    "no platform, gateway": {"platform": {"nodes": []}},
    "platform alone": {"emergency": {"gateway": ""}},
    "data nodes": {"platform": {"data_nodes": ["sip:10.77.0.2;transport=tcp", "sip:platform.example:5080"]}},
    "data": {
        "platform": {"data_nodes": ["sip:10.77.0.2;transport=tcp", "sip:10.77.0.3"]},
        "data": {"address": "10.77.0.7"},
        "trunk": {"reception": "1000"},
    },
    "data, contact": {
        "platform": {"data_nodes": ["sip:10.77.0.2"], "registration": "contact"},
        "data": {"address": "10.77.0.7"},
    },
    "gateway": {"gateway": {"address": "sip:10.99.0.8:5070"}, "emergency": {"gateway": ""}},
    "gateway, national": {"gateway": {"address": "sip:gw.example", "numbers": "national", "prefix": "9"}},
    "tcp": {
        "platform": {"nodes": ["sip:10.99.0.2;transport=tcp"]},
        "emergency": {"gateway": "sip:gw.example;transport=tcp"},
    },
    "not learnt": {"survival": {"learnt": "off"}},
    "not probed": {"platform": {"probe": "none"}},
    "two sides": {"edge": {"platform_listen": ["udp:127.0.0.2:5080", "tcp:127.0.0.2:5080"]}},
    "pair": {
        "edge": {"listen": ["udp:10.98.0.1:5060"], "platform_listen": ["udp:10.99.0.1:5060", "tcp:10.99.0.1:5060"]},
        "standby": {
            "shared": ["10.98.0.1/24 south", "10.99.0.1/24 north"],
            "own": "10.98.0.2",
            "peer": "10.98.0.3",
            "own_north": "10.99.0.11",
            "peer_north": "10.99.0.12",
        },
    },
    "router beside": {
        "edge": {"listen": ["udp:10.98.0.1:5060"], "platform_listen": ["udp:10.99.0.1:5060"]},
        "standby": {"shared": ["10.98.0.1/24 south"], "peer_is": "router", "own": "10.98.0.2"},
    },
    "many numbers": {"emergency": {"numbers": ["112", "+112", "*112#", "0-112", "999"]}},
    "most": {
        "platform": {"nodes": [f"sip:10.99.0.{n}" for n in range(1, 9)], "expires_s": 86400},
        "edge": {"register_s": 600, "workers": 16, "shared_memory_mb": 512},
        "survival": {"signal_s": 10, "ring_signals": 20, "learnt_after_s": 2_592_000},
        "emergency": {"hold_s": 120, "no_ringing_s": 30, "calls_per_phone": 10},
        "limits": {"requests_per_source_s": 100_000, "failed_auth_per_minute": 1000},
    },
    "least": {
        "platform": {"expires_s": 60},
        "edge": {"register_s": 15, "workers": 1, "shared_memory_mb": 32},
        "survival": {"signal_s": 2, "ring_signals": 1, "learnt_after_s": 0},
        "returning": {"good_probes": 1},
        "emergency": {"hold_s": 5, "no_ringing_s": 2, "calls_per_phone": 1},
        "limits": {"requests_per_source_s": 1, "failed_auth_per_minute": 1},
    },
}  # fmt: skip


PAIR_SECRETS = f'[standby]\nkey = "{"k" * 32}"\n'


def toml(*layers: Sections) -> str:
    merged: dict[str, dict[str, object]] = {}
    for layer in layers:
        for section, values in layer.items():
            merged.setdefault(section, {}).update(values)
    return "\n".join(
        f"[{section}]\n" + "".join(f"{key} = {json.dumps(value)}\n" for key, value in values.items())
        for section, values in merged.items()
    )


MODEM = '[[modem]]\nname = "m1"\nat = "socket://127.0.0.1:7001"\n'


def settings_of(*layers: Sections, secrets: str = "", more: str = MODEM) -> EdgeSettings:
    """What the edge is told by a file with these values; raises ConfigError for one that is refused."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "unit.toml"
        file.write_text(toml(BASE, *layers) + more, "utf-8")
        secrets += PAIR_SECRETS if any("standby" in layer for layer in layers) else ""
        if secrets:
            beside = file.with_name("secrets.toml")
            beside.write_text(secrets, "utf-8")
            beside.chmod(0o600)
        return edge_settings(load(file))


def code(text: str) -> str:
    """A configuration without its comments."""
    return re.sub(r"(?m)^\s*#(?!!).*$", "", text)


# Words

PART_FILES = sorted(path.name for path in files(callcontrol.edge).joinpath("cfg").iterdir())
SIP_WORDS = frozenset(
    {
        "INVITE",
        "ACK",
        "CANCEL",
        "BYE",
        "REGISTER",
        "OPTIONS",
        "SUBSCRIBE",
        "NOTIFY",
        "PUBLISH",
        "REFER",
        "UPDATE",
        "MESSAGE",
    }
    | {"SIP", "UDP", "TCP", "TLS", "URI", "WWW", "MD5", "SHA", "IP4"}
)
KAMAILIO_WORDS = frozenset(("KAMAILIO", "KAMAILIO_5", "KDMQ", "WAL", "L_ERR", "L_ALERT", "L_WARN", "L_NOTICE"))
CAPITALS = re.compile(r"(?<![A-Za-z0-9_.%])[A-Z][A-Z0-9_]{2,}(?![A-Za-z0-9_.])")


def declared(text: str) -> set[str]:
    """Names that the configuration gives itself: routes and switches."""
    return set(re.findall(r"route\[([A-Z_]+)\]", text)) | set(re.findall(r"#!(?:ifdef|ifndef|define) ([A-Z_]+)", text))


@pytest.mark.parametrize("variant", VARIANTS)
def test_every_word_is_filled_and_none_is_left(variant: str) -> None:
    text = render(settings_of(VARIANTS[variant]))
    left = set(CAPITALS.findall(code(text))) - declared(text) - SIP_WORDS - KAMAILIO_WORDS - set(Mode)
    assert left == set()


def test_every_part_is_there_once() -> None:
    text = render(settings_of())
    for name in PART_FILES:
        first_line = files(callcontrol.edge).joinpath("cfg", name).read_text("utf-8").partition("\n")[0]
        assert text.count(first_line) == 1, name


@pytest.mark.parametrize("variant", VARIANTS)
def test_every_route_that_is_named_is_there(variant: str) -> None:
    text = code(render(settings_of(VARIANTS[variant])))
    there = set(re.findall(r"route\[([A-Z_]+)\]", text))
    named = set(re.findall(r"\broute\(([A-Z_]+)\)", text)) | set(re.findall(r't_on_\w+\("([A-Z_]+)"\)', text))
    assert named <= there
    assert there <= named | {"KEEP_TABLES", "SETUPS", "MOVE_LAMPS", "ASK_FOR_ALL"}


def test_a_value_that_looks_like_a_word_is_not_filled_again() -> None:
    text = render(settings_of({"platform": {"realm": "RUN_DIR"}}))
    assert '"sip:probe@RUN_DIR"' in text


def test_switches() -> None:
    def defined(*layers: Sections) -> set[str]:
        return set(re.findall(r"(?m)^#!define (\w+)$", render(settings_of(*layers))))

    assert defined() == {"LEARNT"}
    assert defined({"platform": {"registration": "contact"}}) == {"LEARNT", "BY_CONTACT"}
    assert defined({"survival": {"learnt": "off"}}) == set()
    assert defined(VARIANTS["no platform"]) == {"LEARNT", "NO_PLATFORM"}
    assert "#!define EVENTS\n" in render(replace(settings_of(), events=True))


def test_it_listens_where_it_is_told_and_once() -> None:
    both = ["udp:127.0.0.1:5060", "udp:127.0.0.2:5060"]
    text = render(replace(settings_of({"edge": {"listen": both}}), platform_listen=(Socket.parse(both[1]),)))
    assert re.findall(r"(?m)^listen=(.*)$", text) == [
        *both,
        "udp:127.0.0.1:5066",
        "tcp:127.0.0.1:5068",
        "tcp:127.0.0.1:5069",
    ]
    assert "mhomed=1\n" in text
    assert "mhomed=0\n" in render(settings_of())


def test_ways_of_112() -> None:
    def ways(*layers: Sections, more: str = "") -> list[str]:
        return re.findall(r'\$avp\(ways\) = "([A-Z.]*)"', render(settings_of(*layers, more=more)))

    data = {"platform": {"data_nodes": ["sip:10.77.0.2"]}}
    assert ways(data) == ["GDP.", "PGD."]
    assert ways(data, more=MODEM) == ["MGDP.", "PMGD."]
    assert ways(data, more=MODEM + 'emergency = "never"\n') == ["GDP.", "PGD."]
    assert ways() == ["GP.", "PG."]
    assert ways({"emergency": {"gateway": ""}}) == ["P.", "P."]
    assert ways(VARIANTS["no platform, gateway"]) == ["G.", "G."]
    assert ways(VARIANTS["no platform"]) == [".", "."]


def test_without_a_way_112_is_not_held() -> None:
    assert "$avp(began) < 0)" in render(settings_of(VARIANTS["no platform"], more=""))


# Pauses between the rounds of 112


@given(hold_s=st.integers(5, 120), ways=st.sets(st.sampled_from("PMGD"), min_size=1))
@example(hold_s=120, ways=set("PMGD"))
@example(hold_s=50, ways=set("PG"))
def test_a_call_held_to_the_end_has_branches_enough(hold_s: int, ways: set[str]) -> None:
    settings = replace(
        _SETTINGS,
        hold_s=hold_s,
        nodes=("sip:10.99.0.2",) if "P" in ways else (),
        data_nodes=("sip:10.77.0.2",) if "D" in ways else (),
        gateway="sip:10.99.0.9" if "G" in ways else "",
        modems="M" in ways,
    )
    text = render(settings)
    pause = re.search(r"route\[SOS_HOLD\].*?t_set_fr\((\d+), \1\)", text, re.S)
    assert pause
    pause_ms = int(pause[1])
    assert pause_ms >= PAUSE_MS
    # Every way refuses at once: the pauses are all that takes time.
    tries = at_ms = 0
    while True:
        tries += len(ways)
        if at_ms // 1000 >= hold_s:
            break
        tries += 1
        at_ms += pause_ms
    assert tries <= BRANCHES_MAX
    assert f"max_branches={BRANCHES_MAX}\n" in text
    # More than one round, or holding would be no more than waiting.
    assert pause_ms < hold_s * 1000


_SETTINGS = settings_of()


# Nodes


def test_dispatcher_list_prefers_the_first() -> None:
    data = {"platform": {"data_nodes": ["sip:10.77.0.2;transport=tcp"]}}
    assert dispatcher_list(settings_of(data)).splitlines() == [
        "1 sip:10.99.0.2:5060 0 2",
        "1 sip:10.99.0.3 0 1",
        "2 sip:10.77.0.2;transport=tcp 0 1",
    ]
    assert dispatcher_list(settings_of(VARIANTS["no platform"])) == "\n"


@pytest.mark.parametrize(
    ("uri", "expected"),
    [
        ("sip:10.0.0.1", ("10.0.0.1", 5060)),
        ("sip:10.0.0.1:5070;transport=tcp", ("10.0.0.1", 5070)),
        ("sip:112@gw.example:5070", ("gw.example", 5070)),
        ("sip:[2001:db8::1]:5070", ("[2001:db8::1]", 5070)),
        ("sip:[2001:db8::1]", ("[2001:db8::1]", 5060)),
    ],
)
def test_host_and_port_of_a_uri(uri: str, expected: tuple[str, int]) -> None:
    assert sip_host_port(uri) == expected


# What cannot break out

HOSTILE = [
    '"', "\\", "'", "\n", "\r\n", "\0", "$ru", "$var(x)", ";", "#!define EVENTS", "|", "`id`", "a b", "a,b", "a)b",
    "a(b", 'x"); exit; #', "x\nlisten=udp:0.0.0.0:5060", "{", "}", "<", ">", "=", "%", "ö", "\u2028", "../..", "*",
]  # fmt: skip
PLACES: dict[str, Callable[[str], Sections]] = {
    "platform.realm": lambda text: {"platform": {"realm": text}},
    "platform.nodes": lambda text: {"platform": {"nodes": [text]}},
    "platform.nodes host": lambda text: {"platform": {"nodes": [f"sip:{text}"]}},
    "platform.nodes transport": lambda text: {"platform": {"nodes": [f"sip:10.0.0.1;transport={text}"]}},
    "platform.data_nodes": lambda text: {"platform": {"data_nodes": [f"sip:10.0.0.1{text}"]}},
    "network.phone_networks": lambda text: {"network": {"phone_networks": [f"10.0.0.0/8{text}"]}},
    "edge.listen": lambda text: {"edge": {"listen": [f"udp:127.0.0.1:5060{text}"]}},
    "edge.platform_listen": lambda text: {"edge": {"platform_listen": [f"udp:127.0.0.1:{text}"]}},
    "emergency.numbers": lambda text: {"emergency": {"numbers": ["112", text]}},
    "emergency.gateway": lambda text: {"emergency": {"gateway": f"sip:10.0.0.1{text}"}},
    "emergency.gateway user": lambda text: {"emergency": {"gateway": f"sip:{text}@10.0.0.1"}},
    "unit.state_dir": lambda text: {"unit": {"state_dir": f"/tmp/{text}"}},
}


def bones(text: str) -> tuple[int, ...]:
    """What a value cannot change unless it breaks out of its string: lines, quotes, escapes, variables, comments."""
    return text.count("\n"), *(code(text).count(char) for char in "\"'\\`$#")


@pytest.mark.parametrize("place", PLACES)
def test_what_could_break_out_is_refused(place: str) -> None:
    for text in HOSTILE:
        try:
            settings = settings_of(PLACES[place](text))
        except ConfigError:
            continue
        assert place == "unit.state_dir", f"only a path may hold {text!r}"
        plain = replace(settings, run_dir=Path("/run"), edge_dir=Path("/edge"), acc_dir=Path("/acc"))
        assert bones(render(settings)) == bones(render(plain)), text


@given(place=st.sampled_from(sorted(PLACES)), text=st.text(max_size=30))
def test_what_is_taken_changes_nothing_but_the_value(place: str, text: str) -> None:
    try:
        settings = settings_of(PLACES[place](text))
    except ConfigError:
        return
    found = render(settings)
    same = ("112",) * len(settings.emergency_numbers)
    plain = render(replace(settings, realm="r", gateway="sip:10.0.0.1", emergency_numbers=same))
    if place != "emergency.numbers":
        assert bones(found.replace("0-112", "")) == bones(plain.replace("0-112", ""))
    assert len(found.splitlines()) == len(plain.splitlines())


def test_the_gateways_account() -> None:
    """A password may hold nearly anything that prints; what is taken stays within its string."""
    plain = render(settings_of(secrets='[gateway]\nusername = "u"\npassword = "p"\n'))
    for text in (*HOSTILE, "a$rub", "$avp(x)"):
        try:
            settings = settings_of(
                secrets=f"[gateway]\nusername = {json.dumps('u' + text)}\npassword = {json.dumps('p' + text)}\n"
            )
        except ConfigError:
            continue
        assert not set(text) & set('"\\\n\r\0')
        found = render(settings)
        assert (found.count('"'), found.count("\n")) == (plain.count('"'), plain.count("\n")), text


# Kamailio's own judgement

NO_KAMAILIO = pytest.mark.skipif(shutil.which("kamailio") is None, reason="kamailio is not installed")


@NO_KAMAILIO
@pytest.mark.parametrize("variant", VARIANTS)
def test_kamailio_takes_it(variant: str, tmp_path: Path) -> None:
    file = tmp_path / "unit.toml"
    file.write_text(toml(BASE, VARIANTS[variant]))
    secrets = file.with_name("secrets.toml")
    secrets.write_text(PAIR_SECRETS if variant == "pair" else "")
    secrets.chmod(0o600)
    assert check_edge(load(file)) == []


@NO_KAMAILIO
def test_kamailio_takes_it_with_an_account_at_the_gateway(tmp_path: Path) -> None:
    (tmp_path / "unit.toml").write_text(toml(BASE))
    secrets = tmp_path / "secrets.toml"
    secrets.write_text('[gateway]\nusername = "gw-1"\npassword = "!#$%&\'()*+,-./:;<=>?@[]^_`{|}~"\n')
    secrets.chmod(0o600)
    assert check_edge(load(tmp_path / "unit.toml")) == []


@NO_KAMAILIO
def test_kamailio_takes_it_with_a_gateway_that_wants_to_be_registered_at(tmp_path: Path) -> None:
    gateway = {"gateway": {"address": "sip:10.99.0.8:5070", "register": "yes"}}
    (tmp_path / "unit.toml").write_text(toml({**BASE, **gateway}))
    secrets = tmp_path / "secrets.toml"
    secrets.write_text('[gateway]\nusername = "gw-1"\npassword = "secret"\n')
    secrets.chmod(0o600)
    assert check_edge(load(tmp_path / "unit.toml")) == []


@NO_KAMAILIO
def test_kamailio_names_what_it_refuses(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The check is one: it does not call everything good."""
    monkeypatch.setattr("firmware.edge.render", lambda settings: render(settings) + "\nroute[BROKEN] { nonsense(); }\n")
    (tmp_path / "unit.toml").write_text(toml(BASE))
    assert "nonsense" in " ".join(check_edge(load(tmp_path / "unit.toml")))


# The talk with a running edge

Answers = Callable[[dict[str, Any]], list[bytes]]


class Server:
    """A datagram server that answers each request by what `answers` makes of it, after `delay_s`."""

    def __init__(self, path: Path, answers: Answers, delay_s: Callable[[int], float] = lambda number: 0) -> None:
        self.requests: list[dict[str, Any]] = []
        self.refused = 0
        self._answers, self._delay_s = answers, delay_s
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(str(path))
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 20)
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def close(self) -> None:
        if self._socket.fileno() >= 0:
            self._socket.shutdown(socket.SHUT_RD)
            self._thread.join()
            self._socket.close()

    def _run(self) -> None:
        while True:
            data, sender = self._socket.recvfrom(1 << 16)
            if not data:
                return
            self.requests.append(json.loads(data))
            time.sleep(self._delay_s(len(self.requests)))
            for answer in self._answers(self.requests[-1]):
                try:
                    self._socket.sendto(answer, sender)
                except OSError:  # who asked has gone
                    self.refused += 1


@pytest.fixture
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="rvx") as name:  # short: it holds sockets
        yield Path(name)


@pytest.fixture
def serve(folder: Path) -> Iterator[Callable[..., Server]]:
    started: list[Server] = []

    def start(answers: Answers, **options: Any) -> Server:
        started.append(Server(folder / "edge.sock", answers, **options))
        return started[-1]

    yield start
    for server in started:
        server.close()


def result(value: object) -> Answers:
    return lambda request: [json.dumps({"jsonrpc": "2.0", "result": value, "id": request["id"]}).encode()]


async def test_a_call(serve: Callable[..., Server], folder: Path) -> None:
    server = serve(result({"a": [1, "ö"]}))
    assert await EdgeRpc(folder / "edge.sock").call("htable.sets", "st", "mode", 1) == {"a": [1, "ö"]}
    (request,) = server.requests
    assert (request["jsonrpc"], request["method"], request["params"]) == ("2.0", "htable.sets", ["st", "mode", 1])
    assert os.listdir(folder) == ["edge.sock"], "its own socket is left"


async def test_nobody_there(folder: Path) -> None:
    rpc = EdgeRpc(folder / "edge.sock")
    with pytest.raises(EdgeUnreachable, match=r"edge\.sock"):
        await rpc.call("core.uptime")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as dead:
        dead.bind(str(folder / "edge.sock"))
    with pytest.raises(EdgeUnreachable):
        await rpc.call("core.uptime")
    assert os.listdir(folder) == ["edge.sock"]


async def test_silence_is_given_up(serve: Callable[..., Server], folder: Path) -> None:
    serve(lambda request: [])
    began = time.monotonic()
    with pytest.raises(EdgeUnreachable, match="no answer"):
        await EdgeRpc(folder / "edge.sock").call("core.uptime", timeout_s=0.2)
    assert 0.15 < time.monotonic() - began < 5
    assert os.listdir(folder) == ["edge.sock"]


QUEUE_FULL_AFTER = 15
"""Datagrams; Linux holds 10 for a socket (net.unix.max_dgram_qlen)."""


async def test_a_queue_that_is_full_does_not_block_the_loop(folder: Path) -> None:
    """A stopped Kamailio reads nothing: its socket fills up."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as stopped:
        stopped.bind(str(folder / "edge.sock"))
        rpc = EdgeRpc(folder / "edge.sock")
        ticks = 0

        async def tick() -> None:
            nonlocal ticks
            while True:
                ticks += 1
                await asyncio.sleep(0.01)

        ticking = asyncio.create_task(tick())
        for _ in range(QUEUE_FULL_AFTER):
            with pytest.raises(EdgeUnreachable):
                await rpc.call("core.uptime", timeout_s=0.02)
        ticking.cancel()
        assert ticks > QUEUE_FULL_AFTER / 2


@pytest.mark.parametrize("answer", [b"", b"\xff\xfe", b"nonsense", b"[1]", b"1", b'{"result": ', b"null"], ids=repr)
async def test_garbage(serve: Callable[..., Server], folder: Path, answer: bytes) -> None:
    serve(lambda request: [answer])
    with pytest.raises(EdgeError):
        await EdgeRpc(folder / "edge.sock").call("core.uptime")


@pytest.mark.parametrize("error", [None, "text", 1, [], {}, {"code": None}, {"code": "x", "message": 1}], ids=repr)
async def test_an_error_of_whatever_form(serve: Callable[..., Server], folder: Path, error: object) -> None:
    serve(lambda request: [json.dumps({"error": error, "id": request["id"]}).encode()])
    with pytest.raises(EdgeError):
        await EdgeRpc(folder / "edge.sock").call("core.uptime")


async def test_an_error_says_code_and_words(serve: Callable[..., Server], folder: Path) -> None:
    error = {"code": 500, "message": "No such table"}
    serve(lambda request: [json.dumps({"jsonrpc": "2.0", "error": error, "id": request["id"]}).encode()])
    with pytest.raises(EdgeError, match=r"htable\.dump: 500 No such table") as raised:
        await EdgeRpc(folder / "edge.sock").call("htable.dump", "x")
    assert raised.value.code == 500


async def test_a_late_answer_is_not_the_next_calls(serve: Callable[..., Server], folder: Path) -> None:
    server = serve(lambda request: result(request["method"])(request), delay_s=lambda number: 0.4 * (number == 1))
    rpc = EdgeRpc(folder / "edge.sock")
    with pytest.raises(EdgeUnreachable):
        await rpc.call("first", timeout_s=0.1)
    assert await rpc.call("second", timeout_s=3) == "second"
    assert server.refused == 1


async def test_a_kept_socket_is_one_and_late_answers_and_edges_that_are_new_are_no_matter(
    serve: Callable[..., Server], folder: Path
) -> None:
    first = serve(lambda request: result(request["method"])(request), delay_s=lambda number: 0.4 * (number == 3))
    rpc = EdgeRpc(folder / "edge.sock", kept=True)
    assert [await rpc.call("a"), await rpc.call("b")] == ["a", "b"]
    (own,) = set(os.listdir(folder)) - {"edge.sock"}
    with pytest.raises(EdgeUnreachable):
        await rpc.call("late", timeout_s=0.1)
    assert [*await asyncio.gather(rpc.call("c", timeout_s=3), rpc.call("d", timeout_s=3))] == ["c", "d"]
    assert first.refused == 1
    assert own not in os.listdir(folder)
    first.close()
    (folder / "edge.sock").unlink()
    serve(result("new"))
    assert await rpc.call("e") == "new"
    rpc.close()
    assert os.listdir(folder) == ["edge.sock"]


async def test_two_answers_are_one(serve: Callable[..., Server], folder: Path) -> None:
    serve(lambda request: result(request["method"])(request) * 2)
    rpc = EdgeRpc(folder / "edge.sock")
    for name in ("first", "second", "third"):
        assert await rpc.call(name) == name


async def test_many_at_once(serve: Callable[..., Server], folder: Path) -> None:
    serve(lambda request: result(request["params"][0])(request))
    rpc = EdgeRpc(folder / "edge.sock")
    # Not more than its queue holds (net.unix.max_dgram_qlen, 10 by default).
    assert await asyncio.gather(*(rpc.call("echo", number) for number in range(8))) == list(range(8))
    assert os.listdir(folder) == ["edge.sock"]


async def test_the_largest_answer_and_a_larger_one(serve: Callable[..., Server], folder: Path) -> None:
    serve(lambda request: result("x" * request["params"][0])(request))
    rpc = EdgeRpc(folder / "edge.sock")
    assert await rpc.call("echo", 65_000) == "x" * 65_000
    with pytest.raises(EdgeError):
        await rpc.call("echo", 200_000)


async def test_a_socket_left_by_a_killed_process_is_no_hindrance(
    serve: Callable[..., Server], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Process ids come again, most of all at the start of a machine."""
    serve(result("here"))
    monkeypatch.setattr("callcontrol.edge.rpc._counter", iter((7, 7)))
    rpc = EdgeRpc(folder / "edge.sock")
    with monkeypatch.context() as killed:
        killed.setattr(Path, "unlink", lambda path, missing_ok=False: None)
        assert await rpc.call("first") == "here"
    assert len(os.listdir(folder)) == 2
    assert await rpc.call("second") == "here"


def test_what_killed_callers_left_is_removed(folder: Path) -> None:
    gone = subprocess.Popen(["/bin/true"])
    gone.wait()
    kept = {f"rpc-{os.getpid()}-1.sock", "edge.sock", "rpc-.sock", "rpc-1-x.sock"}
    for name in (*kept, f"rpc-{gone.pid}-3.sock"):
        (folder / name).touch()
    remove_leftovers(folder)
    assert set(os.listdir(folder)) == kept
