"""The configuration: what is taken, what is refused, and how well that is said."""

import os
import re
import time
import tomllib
from dataclasses import replace
from ipaddress import IPv4Network
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import firmware
from firmware.config import Config, ConfigError, Edge, Key, Problem, Unit, default, known_keys, load
from firmware.document import PROBLEMS_MAX, lines_of

FOLDER = Path(firmware.__file__).parent
EXAMPLES = {"unit.toml": FOLDER / "example.toml", "secrets.toml": FOLDER / "example-secrets.toml"}
LEAST = '[unit]\nname = "gw-1"\n[edge]\nlisten = ["udp:10.0.0.1:5060"]\n'
BESIDE_ROUTER = "[standby]\nshared = ['10.0.0.1/24 south']\npeer_is = 'router'\nown = '10.0.0.2'\n"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "unit.toml"


def problems(file: Path, content: str | bytes) -> tuple[Problem, ...]:
    """Give what is wrong with a file; nothing, when it loads."""
    file.write_bytes(content.encode() if isinstance(content, str) else content)
    try:
        load(file)
    except ConfigError as error:
        return error.problems
    return ()


def only(file: Path, content: str | bytes) -> Problem:
    (problem,) = problems(file, content)
    return problem


def with_secrets(file: Path, content: str, mode: int = 0o600) -> Path:
    path = file.with_name("secrets.toml")
    path.write_text(content)
    path.chmod(mode)
    return path


def test_the_least(file: Path) -> None:
    file.write_text(LEAST)
    assert load(file) == Config(unit=Unit(name="gw-1"), edge=Edge(listen=("udp:10.0.0.1:5060",)))


# The example


def uncommented(text: str) -> str:
    return re.sub(r"^#(\w+ = )", r"\1", text, flags=re.M)


def test_the_example_loads_as_it_is_and_with_every_default_written_out(file: Path) -> None:
    load(EXAMPLES["unit.toml"])
    file.write_text(uncommented(EXAMPLES["unit.toml"].read_text()))
    with_secrets(file, uncommented(EXAMPLES["secrets.toml"].read_text()))
    assert load(file) == load(EXAMPLES["unit.toml"])


@pytest.mark.parametrize("key", known_keys(), ids=lambda key: f"{key.section}.{key.name}")
def test_every_key_is_in_the_example_with_its_default_its_meaning_and_its_bounds(key: Key) -> None:
    text = EXAMPLES[key.file].read_text()
    table = tomllib.loads(uncommented(text))[key.section]
    value = (table[0] if key.many else table)[key.name]
    head = f"[[{key.section}]]" if key.many else f"[{key.section}]"
    section = text.partition(f"\n{head}\n")[2].partition("\n[")[0]
    comment, expected, line = re.search(rf"(.*)\n(.*)\n(#?{key.name} = .*)\n", section).groups()  # type: ignore[union-attr]  # its absence fails here
    assert comment.casefold() == f"# {key.meaning}.".casefold()
    assert expected.strip("# ") == key.expected
    if line.startswith("#"):
        assert value == (list(key.default) if isinstance(key.default, tuple) else _toml(key.default))
    else:
        assert key.required or f"{key.section}.{key.name}" in (
            "platform.nodes",
            "platform.realm",
            "modem.usb_path",
            "ups.url",
            "load.what",
        )


def _toml(value: object) -> object:
    return str(value) if isinstance(value, Path) else value


def test_the_example_has_no_other_keys() -> None:
    shown = {
        (name, section, key)
        for name, path in EXAMPLES.items()
        for section, keys in tomllib.loads(uncommented(path.read_text())).items()
        for key in (keys[0] if isinstance(keys, list) else keys)
    }
    assert shown == {(key.file, key.section, key.name) for key in known_keys()}


# Modems


MODEMS = LEAST + '[[modem]]\nname = "m1"\nat = "socket://127.0.0.1:7001"\n[[modem]]\nname = "m2"\nusb_path = "1-1.4"\n'


def test_modems_in_their_order(file: Path) -> None:
    with_secrets(file, '[sim]\npins = ["m2=1234"]\n')
    file.write_text(MODEMS)
    config = load(file)
    assert [(modem.name, modem.at, modem.usb_path) for modem in config.modem] == [
        ("m1", "socket://127.0.0.1:7001", ""),
        ("m2", "", "1-1.4"),
    ]
    assert (config.secrets.sim.of("m2"), config.secrets.sim.of("m1")) == ("1234", "")
    assert "1234" not in repr(config)


@pytest.mark.parametrize(
    ("content", "line", "key", "message"),
    [
        (MODEMS.replace("m2", "m1"), 9, "modem.2.name", "m1 is there twice"),
        (MODEMS.replace("1-1.4", ""), 8, "modem.2.at", "is missing"),
        (MODEMS + "prioritet = 1\n", 11, "modem.2.prioritet", "unknown key"),
        (MODEMS + "priority = 0\n", 11, "modem.2.priority", "0 is out of bounds"),
        (MODEMS.replace("socket:", "http:"), 7, "modem.1.at", '"http://127.0.0.1:7001" is not so written'),
        (LEAST + "[modem]\nname = 'm1'\n", 5, "modem", "a table is no list of tables"),
        (LEAST + "[[modem]]\nname = 'm1'\nusb_path='1-1'\n" * 17, 5, "modem", "there are 17"),
    ],
)
def test_a_modem_that_cannot_be(file: Path, content: str, line: int, key: str, message: str) -> None:
    problem = only(file, content)
    assert (problem.line, problem.key, problem.message) == (line, key, message)


def test_a_pin_belongs_to_a_modem(file: Path) -> None:
    with_secrets(file, '[sim]\npins = ["m9=1234"]\n')
    problem = only(file, MODEMS)
    assert problem.key == "sim.pins"
    assert "1234" not in str(problem)


# One problem each


@pytest.mark.parametrize(
    ("content", "line", "key", "message", "nearest"),
    [
        (LEAST + "[survival]\nsignal_s = 11\n", 6, "survival.signal_s", "11 is out of bounds", None),
        (LEAST + "[survival]\nsignal_s = 1\n", 6, "survival.signal_s", "1 is out of bounds", None),
        (LEAST + '[survival]\nsignal_s = "6"\n', 6, "survival.signal_s", '"6" is not a whole number', None),
        (LEAST + "[survival]\nsignal_s = 6.0\n", 6, "survival.signal_s", "6.0 is not a whole number", None),
        (LEAST + "[survival]\nsignal_s = true\n", 6, "survival.signal_s", "true is not a whole number", None),
        (LEAST + "[survival]\nsignal_s = 1" + "0" * 400, 6, "survival.signal_s", "very many digits", None),
        (LEAST + "[survival]\nsignal = 6\n", 6, "survival.signal", "unknown key", "survival.signal_s"),
        (LEAST + "[survival]\nhold_down_s = 6\n", 6, "survival.hold_down_s", "[returning]", "returning.hold_down_s"),
        (LEAST + "[survival]\nxyzzy = 6\n", 6, "survival.xyzzy", "unknown key", None),
        (LEAST + "[survival]\ngod_probes = 6\n", 6, "survival.god_probes", "unknown key", "returning.good_probes"),
        (LEAST + "[survivl]\nsignal_s = 6\n", 5, "survivl", "unknown section", "[survival]"),
        (LEAST + "[gateway]\npassword = 'x'\n", 6, "gateway.password", "unknown key", None),
        ("workers = 2\n" + LEAST, 1, "workers", "it belongs in [edge]", "edge.workers"),
        ("edge = 3\n[unit]\nname = 'a'\n", 1, "edge", "3 is not a table", None),
        ("[[edge]]\n[unit]\nname = 'a'\n", 1, "edge", "is not a table", None),
        ("[edge]\nlisten = ['udp:10.0.0.1:5060']\n[unit]\n", 3, "unit.name", "is missing", None),
        ("[edge]\nlisten = ['udp:10.0.0.1:5060']\n", None, "unit.name", "is missing", None),
        (LEAST + "\"survival\".'signal_s' = 0\n", 5, "edge.survival", "unknown key", None),
        (LEAST + "[unit.zebra]\nx = 1\n", 5, "unit.zebra", "unknown key", None),
        (LEAST + '"\\u001b[2J" = 1\n', 5, 'edge."\\u001b[2J"', "unknown key", None),
        (LEAST + "[platform]\nregistration = 'pat'\n", 6, "platform.registration", '"pat" is none', '"path"'),
        (LEAST + "[platform]\nrealm = 'a\\u0022b'\n", 6, "platform.realm", "is not so written", None),
        (LEAST.replace("gw-1", "-gw"), 2, "unit.name", '"-gw" is not so written', None),
        (LEAST.replace("gw-1", "g" * 64), 2, "unit.name", "is not so written", None),
        (LEAST.replace("gw-1", "gw\\n"), 2, "unit.name", "is not so written", None),
        (LEAST.replace("10.0.0.1", "10.0.0.256"), 4, "edge.listen", "no valid IPv4 address", None),
        (LEAST.replace("10.0.0.1", "0.0.0.0"), 4, "edge.listen", "no address that a phone can send to", None),
        (LEAST.replace("5060", "65536"), 4, "edge.listen", "port that is not 1 to 65535", None),
        (LEAST.replace("udp:", "sctp:"), 4, "edge.listen", "is not so written", None),
        (LEAST.replace('"udp:10.0.0.1:5060"', ""), 4, "edge.listen", "the list has 0", None),
        (LEAST.replace('["udp:10.0.0.1:5060"]', '"udp:10.0.0.1:5060"'), 4, "edge.listen", "is not a list", None),
        (LEAST.replace('"]', '",\n  "udp:10.0.0.1:5060",\n]'), 4, "edge.listen", "is there twice", None),
        (LEAST.replace('"]', '",\n  7,\n]'), 4, "edge.listen", "7 is not a string", None),
        (LEAST + "[network]\nphone_networks = ['10.0.0.1/8']\n", 6, "network.phone_networks", "own", '"10.0.0.0/8"'),
        (LEAST + "[network]\nphone_networks = ['fd00::/8']\n", 6, "network.phone_networks", "IPv4 network", None),
        (LEAST + "[network]\nplatform_interface = 'a b'\n", 6, "network.platform_interface", "not so written", None),
        (LEAST + "[emergency]\nnumbers = ['0112']\n", 6, "emergency.numbers", "112 is not among them", None),
        (LEAST + "[emergency]\ngateway = 'sip:a@b'\n", 6, "emergency.gateway", "is not so written", None),
        (LEAST + "[emergency]\ngateway = '10.1.1.1:5060'\n", 6, "emergency.gateway", "", '"sip:10.1.1.1:5060"'),
        (LEAST + "[emergency]\ngateway = 'sip:a..b'\n", 6, "emergency.gateway", "neither", None),
        (LEAST + "[platform]\nnodes = ['sip:10.9.9.9']\n", 5, "platform.realm", "is missing", None),
        (LEAST + "[data]\npeer_key = 'x'\n", 6, "data.peer_key", "is no key of WireGuard", None),
        (LEAST + "[data]\nendpoint = 'host'\n", 6, "data.endpoint", "is not so written", None),
        (LEAST + "[data]\nendpoint = 'host:0'\n", 6, "data.endpoint", "is not so written", None),
        (LEAST + "[data]\naddress = '10.88.0.2'\n", None, "platform.data_nodes", "is missing", None),
        (LEAST + "[gateway]\nregister = 'yes'\n", 5, "gateway.address", "is missing", None),
        (LEAST + "[platform]\ndata_nodes = ['sip:a']\n", 6, "platform.data_nodes", "there are no nodes", None),
        (LEAST + "platform_listen = ['udp:10.0.0.1:5060']\n", 5, "edge.platform_listen", "taken twice", None),
        (
            LEAST.replace("10.0.0.1:5060", "127.0.0.1:5066"),
            3,
            "edge.control_port",
            "udp:127.0.0.1:5066 is taken twice",
            None,
        ),
        (
            LEAST + "[survival]\nfirst_response_min_ms = 500\n",
            5,
            "survival.first_response_initial_ms",
            "400 lies outside",
            None,
        ),
        (
            LEAST + "[returning]\nhold_down_s = 60\nhold_down_max_s = 30\n",
            6,
            "returning.hold_down_s",
            "60 is more than the longest wait",
            None,
        ),
        (LEAST + BESIDE_ROUTER + "peer = '10.0.0.3'\n", 9, "standby.peer", "a router beside has no such", None),
        (LEAST + BESIDE_ROUTER.replace("own = '10.0.0.2'\n", ""), 5, "standby.own", "is missing", None),
        (LEAST + BESIDE_ROUTER.replace("0.1/", "0.7/"), 4, "edge.listen", "is not a shared address", None),
    ],
)
def test_one_thing_wrong(
    file: Path, content: str, line: int | None, key: str, message: str, nearest: str | None
) -> None:
    problem = only(file, content)
    assert (problem.file, problem.line, problem.key) == (file, line, key)
    assert message in problem.message
    assert problem.nearest == nearest


@pytest.mark.parametrize("path", ["state", "/a\nb", "/a;b", '/a"b', "/" + "å" * 40])
def test_a_state_folder_that_would_break_something(file: Path, path: str) -> None:
    content = LEAST.replace("[edge]", f"state_dir = '''{path}'''\n[edge]")
    assert only(file, content).key == "unit.state_dir"


@pytest.mark.parametrize(
    ("content", "line", "message"),
    [
        (LEAST + "[survival\n", 5, "not TOML"),
        (LEAST + "a =\n", 5, "not TOML"),
        (LEAST + "a = [1,\n2\n", 6, "not TOML"),
        (LEAST + "[unit]\n", 5, "not TOML"),
        (LEAST + 'name = "a"\nname = "b"\n', 6, "not TOML"),
        (LEAST.encode() + b"# caf\xe9\n", 5, "is not UTF-8"),
        (LEAST + "x = " + "9" * 5000 + "\n", 5, "longer than 4096 characters"),
        (LEAST + "x = " + "9" * 4090 + "\n", None, ""),
        (LEAST + "x = " + "[" * 4000 + "]" * 4, None, ""),
        ("#" * 70_000, None, "is longer than 65536 bytes"),
    ],
)
def test_a_file_that_cannot_be_read(file: Path, content: str | bytes, line: int | None, message: str) -> None:
    problem = problems(file, content)[0]
    if line:
        assert problem.line == line
    assert message in problem.message


def test_no_file(file: Path) -> None:
    with pytest.raises(ConfigError, match="there is no such file"):
        load(file)


@pytest.mark.parametrize("make", [Path.mkdir, os.mkfifo])
def test_no_plain_file(file: Path, make: Any) -> None:
    make(file)
    with pytest.raises(ConfigError, match=r"no plain file|directory"):
        load(file)


@pytest.mark.parametrize(
    "content",
    [
        "a = 1\n" * 10_000,
        "".join(f"signal_s{n} = 1\n" for n in range(4000)),
        ("a" + ".a" * 2000 + " = 1\n") + ("b" + ".a" * 2000 + " = 1\n") * 1,
        "a = [\n" + "1,\n" * 20_000 + "]\n",
        "".join(f"[x{n}]\n" for n in range(8000)),
    ],
)
def test_a_file_made_to_take_long_takes_not_long_and_says_not_much(file: Path, content: str) -> None:
    began = time.process_time()
    found = problems(file, content)
    assert 1 <= len(found) <= PROBLEMS_MAX
    assert all(len(str(problem)) < 500 + len(str(file)) for problem in found)
    assert time.process_time() - began < 10


# All at once


def test_all_problems_at_once_each_with_its_line(file: Path) -> None:
    with_secrets(file, "[gateway]\npasswort = 'hush'\n")
    found = problems(
        file,
        '# a remark\r\n[unit]\r\nname = "a b"\r\n[survival]\r\nsignal_s = 60 # six\r\nring_signal = 4\r\n'
        "first_response_min_ms = 900\r\nfirst_response_max_ms = 600\r\n[returning]\r\nhold_down_s = 9999\r\n",
    )
    assert {(problem.file.name, problem.line, problem.key) for problem in found} == {
        ("unit.toml", 3, "unit.name"),
        ("unit.toml", 5, "survival.signal_s"),
        ("unit.toml", 6, "survival.ring_signal"),
        ("unit.toml", 4, "survival.first_response_initial_ms"),
        ("unit.toml", 10, "returning.hold_down_s"),
        ("unit.toml", None, "edge.listen"),
        ("secrets.toml", 2, "gateway.passwort"),
    }


def test_a_problem_in_words(file: Path) -> None:
    problem = only(file, LEAST + "[survival]\nring_signls = 4\n")
    assert str(problem) == f"{file}:6: survival.ring_signls: unknown key; did you mean survival.ring_signals?"
    problem = only(file, LEAST + "[survival]\nring_signals = 40\n")
    assert str(problem) == (f"{file}:6: survival.ring_signals: 40 is out of bounds; expected a whole number, 1 to 20")


def test_what_an_editor_on_windows_adds_is_no_fault(file: Path) -> None:
    assert problems(file, b"\xef\xbb\xbf" + LEAST.replace("\n", "\r\n").encode()) == ()


# Secrets


def test_secrets_are_taken_and_not_shown(file: Path) -> None:
    file.write_text(LEAST)
    with_secrets(file, '[gateway]\nusername = "unit"\npassword = "hush-hush"\n')
    config = load(file)
    assert (config.secrets.gateway.username, config.secrets.gateway.password) == ("unit", "hush-hush")
    assert "hush" not in repr(config)


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o644, 0o700, 0o4600])
def test_secrets_that_others_may_read_are_refused(file: Path, mode: int) -> None:
    path = with_secrets(file, "[gateway]\n", mode)
    problem = only(file, LEAST)
    assert problem.file == path
    assert f"{mode:04o}: chmod 0600 {path}" in problem.message


def test_secrets_of_another_user_are_refused(file: Path) -> None:
    path = with_secrets(file, "[gateway]\n")
    if os.geteuid():
        pytest.skip("only root can give a file away")
    os.chown(path, 12345, -1)
    assert "belongs to another user (number 12345)" in only(file, LEAST).message


@pytest.mark.parametrize(
    "content",
    [
        '[gateway]\nusername = "u"\npassword = "hush hush"\n',
        '[gateway]\nusername = "hush\\n"\n',
        "[gateway]\nusername = 'hush\"'\n",
        "[gateway]\nusername = 'hush\\'\n",
        '[gateway]\npassword = ["hush"]\n',
        '[gateway]\npassword = "hush"\n',
        '[gateway]\npassword = "hush\n',
    ],
)
def test_an_error_never_shows_a_secret(file: Path, content: str) -> None:
    with_secrets(file, content)
    problem = only(file, LEAST)
    assert problem.file.name == "secrets.toml"
    assert "hush" not in str(problem)


# Lines


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a.b = 1\n", {("a",): 1, ("a", "b"): 1}),
        ("\n# [a]\n[ a ] # b = 1\nb = 1\n", {("a",): 3, ("a", "b"): 4}),
        ("a = { b = 1, c = 2 }", {("a",): 1, ("a", "b"): 1, ("a", "c"): 1}),
        ('[a]\nb = """\n[c]\nd = 1\n"""\ne = 1\n', {("a",): 1, ("a", "b"): 2, ("a", "e"): 6}),
        ("[a]\nb = [\n  1, # ]\n  '''x\n]''',\n]\nc = 1\n", {("a",): 1, ("a", "b"): 2, ("a", "c"): 7}),
        ('["a b".c]\nd = 1\n[e]\nf = 1\n', {("a b",): 1, ("a b", "c"): 1, ("e",): 3, ("e", "f"): 4}),
        (
            "[[a]]\nb = 1\n[[a]]\nb = 2\n",
            {("a",): 1, ("a", "1"): 1, ("a", "1", "b"): 2, ("a", "2"): 3, ("a", "2", "b"): 4},
        ),
        ("[a.b]\nc = 1\n[a]\nd = 1\n", {("a",): 1, ("a", "b"): 1, ("a", "d"): 4}),
    ],
)
def test_lines(text: str, expected: dict[tuple[str, ...], int]) -> None:
    tomllib.loads(text)
    assert lines_of(text) == expected


@given(
    st.dictionaries(
        st.sampled_from(["unit", "edge", "survival", "other"]),
        st.dictionaries(
            st.sampled_from(["name", "signal_s", "learnt"]), st.integers() | st.text("a\n[]=#", max_size=9)
        ),
    ),
    st.lists(st.sampled_from(["", "# [edge]", "  "]), min_size=9, max_size=9),
)
def test_every_key_is_found_where_it_was_written(tables: dict[str, dict[str, object]], padding: list[str]) -> None:
    lines: list[str] = []
    expected: dict[tuple[str, ...], int] = {}
    for section, keys in tables.items():
        lines += [*padding[: len(section) % 4], f"[{section}]"]
        expected[section,] = len(lines)
        for name, value in keys.items():
            expected[section, name] = len(lines) + 1
            lines += (f"{name} = '''\n{value}'''" if isinstance(value, str) else f"{name} = {value}").split("\n")
    assert lines_of("\n".join(lines)) == expected


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(st.binary(max_size=200), st.integers(0, len(LEAST)))
def test_noise_is_refused_or_loads_but_never_breaks(file: Path, noise: bytes, at: int) -> None:
    problems(file, LEAST[:at].encode() + noise + LEAST[at:].encode())
    problems(file, LEAST[:at])


# No file


def test_default_is_this_machine_alone(tmp_path: Path) -> None:
    config = default(tmp_path, "192.168.8.20")
    assert config.unit == Unit(name="demo", state_dir=tmp_path)
    assert (config.platform.nodes, config.platform.realm) == ((), "demo.invalid")
    assert config.edge.listen == tuple(
        f"{protocol}:{address}:5060" for address in ("127.0.0.1", "192.168.8.20") for protocol in ("udp", "tcp")
    )
    assert IPv4Network(config.network.phone_networks[0]).is_loopback
    assert replace(config, edge=default(tmp_path).edge) == default(tmp_path)
    assert len(default(tmp_path, "127.0.0.1").edge.listen) == 2


@pytest.mark.parametrize(("state_dir", "address"), [("/a;b", None), ("/" + "x" * 90, None), ("/a", "::1")])
def test_default_refuses_what_would_break(state_dir: str, address: str | None) -> None:
    with pytest.raises(ConfigError, match="give another"):
        default(Path(state_dir), address)


def test_a_name_with_a_unit_is_a_whole_number() -> None:
    for key in known_keys():
        assert key.name.endswith(("_s", "_ms", "_mb")) <= isinstance(key.default, int)
