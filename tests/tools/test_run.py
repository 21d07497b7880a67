"""`rvx run` up to where processes are started; from there on it is tests/wire/test_run.py."""

import json
import os
import re
import socket
import stat
from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from callcontrol.digest import ha1
from callcontrol.plan.pins import fits
from firmware.config import Config, Standby, default
from firmware.edge import EdgeUnavailable
from firmware.paths import Paths
from firmware.processes import Program
from firmware.store import Directory
from firmware.store.pins import PinRows
from tools import place, run
from tools.cli import main
from tools.errors import DONE, UNKNOWN, USAGE, UserError
from tools.output import WIDTH, Output

SECRET = re.compile(r"^    (10\d\d)  (\S+)  PIN \d+$", re.M)
PIN = re.compile(r"^    (10\d\d)  \S+  PIN (\d+)$", re.M)


@pytest.fixture(autouse=True)
def started(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[list[str]]:
    """Arguments of the processes that would have been started."""
    calls: list[list[str]] = []

    async def supervise(
        out: Output, config: Config, path: Path | None, arguments: list[str], besides: Sequence[Program]
    ) -> None:
        calls.append(arguments)

    def make_state(config: Config) -> None:
        Paths(config.unit.state_dir).run.mkdir(parents=True, exist_ok=True)

    monkeypatch.setattr(run, "_supervise", supervise)
    monkeypatch.setattr(run, "make_state", make_state)  # tmp_path is closed to the edge's user
    monkeypatch.setattr(run, "check_edge", lambda config: [])
    monkeypatch.setattr(run, "_ports_free", lambda config: None)
    monkeypatch.setattr(place, "DEFAULT_CONFIG", str(tmp_path / "none.toml"))
    monkeypatch.delenv("RVX_CONFIG", raising=False)
    return calls


def state_of(tmp_path: Path) -> list[str]:
    return ["--state", str(tmp_path / "state"), "--address", "10.9.8.7"]


def test_secrets_are_made_once_shown_once_and_known_to_the_unit(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], started: list[list[str]]
) -> None:
    assert main(["run", *state_of(tmp_path)]) == DONE
    out, err = capsys.readouterr()
    given = dict(SECRET.findall(out))
    assert list(given) == [str(number) for number in range(1001, 1011)]
    assert "10.9.8.7, port 5060" in out
    assert all(len(line) <= WIDTH + 10 for line in out.splitlines() if str(tmp_path) not in line)
    assert "ended" in err
    assert started == [["--state", str(tmp_path / "state"), "--address", "10.9.8.7"]]

    kept = tmp_path / "state" / "demo-secrets.toml"
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    with closing(Directory.open(Paths(tmp_path / "state").directory)) as directory:
        known = {credential.extension: credential for credential in directory.credentials()}
    for extension, secret in given.items():
        assert known[extension].mode == 2
        assert known[extension].ha1_md5 == ha1(extension, "demo.invalid", secret, "md5")
        assert known[extension].ha1_sha256 == ha1(extension, "demo.invalid", secret, "sha256")

    pins = dict(PIN.findall(out))
    with closing(PinRows.open(Paths(tmp_path / "state").directory, Paths(tmp_path / "state").journal)) as rows:
        assert all(fits(pins[extension], rows.pin(extension)) for extension in given)
    assert "http://127.0.0.1:8080/" in out

    assert main(["people", "show", "1003", "--json", *state_of(tmp_path)[:2]]) == DONE
    assert json.loads(capsys.readouterr().out)["person"]["id"] == "1003"

    assert main(["run", *state_of(tmp_path)]) == DONE
    out, _ = capsys.readouterr()
    assert SECRET.findall(out) == []
    assert not any(secret in out for secret in (*given.values(), *pins.values()))
    assert str(kept) in out


def test_what_a_person_changed_in_the_directory_stays(tmp_path: Path) -> None:
    main(["run", *state_of(tmp_path)])
    file = Paths(tmp_path / "state").directory
    with closing(Directory.open(file)) as directory:
        directory.remove("1001")
        (old,) = (each for each in directory.credentials() if each.extension == "1002")
        directory.put_credentials([replace(old, ha1_md5="0" * 32)])
    main(["run", *state_of(tmp_path)])
    with closing(Directory.open(file)) as directory:
        held = {each.extension: each for each in directory.credentials()}
    assert held["1002"].ha1_md5 == "0" * 32
    assert held["1001"].ha1_md5 != "0" * 32


def test_damaged_secrets_are_named(tmp_path: Path, capsys: pytest.CaptureFixture[str], started: list[object]) -> None:
    main(["run", *state_of(tmp_path)])
    kept = tmp_path / "state" / "demo-secrets.toml"
    kept.write_text("1001 = \n")
    assert main(["run", *state_of(tmp_path)]) == USAGE
    err = capsys.readouterr().err
    assert "RVX-C02" in err
    assert str(kept) in err
    assert len(started) == 1


def test_json_tells_no_secret_and_nothing_but_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", "--json", *state_of(tmp_path)]) == DONE
    assert capsys.readouterr().out == ""
    assert main(["run", "--json", "--address", "nonsense", "--state", str(tmp_path)]) == USAGE
    said = json.loads(capsys.readouterr().out)
    assert said["problems"][0]["id"] == "RVX-C01"


def test_a_configuration_makes_no_demo_extensions(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], started: list[list[str]]
) -> None:
    file = tmp_path / "unit.toml"
    file.write_text(
        f'[unit]\nname = "gw-1"\nstate_dir = "{tmp_path / "state"}"\n[edge]\nlisten = ["udp:127.0.0.1:5070"]\n'
    )
    assert main(["run", "--config", str(file)]) == DONE
    out = capsys.readouterr().out
    assert "gw-1" in out
    assert SECRET.findall(out) == []
    assert not (tmp_path / "state" / "demo-secrets.toml").exists()
    assert started == [["--state", str(tmp_path / "state"), "--config", str(file)]]


def test_one_run_a_folder(tmp_path: Path, capsys: pytest.CaptureFixture[str], started: list[object]) -> None:
    paths = Paths(tmp_path / "state")
    paths.run.mkdir(parents=True)
    with place.alone_on(paths):
        assert main(["run", *state_of(tmp_path)]) == UNKNOWN
    assert "RVX-J02" in capsys.readouterr().err
    assert started == []
    assert main(["run", *state_of(tmp_path)]) == DONE


@pytest.mark.parametrize(
    ("said", "raised"),
    [(["line 7: syntax error"], None), ([], EdgeUnavailable("Kamailio is not installed"))],
    ids=["refused", "not installed"],
)
def test_an_edge_that_would_not_start_is_not_started(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    started: list[object],
    said: list[str],
    raised: Exception | None,
) -> None:
    def check(config: Config) -> list[str]:
        if raised is not None:
            raise raised
        return said

    monkeypatch.setattr(run, "check_edge", check)
    assert main(["run", *state_of(tmp_path)]) == UNKNOWN
    err = capsys.readouterr().err
    assert "RVX-E02" in err
    assert (said[0] if said else str(raised)) in err
    assert started == []


@pytest.mark.parametrize("transport", ["udp", "tcp"])
def test_a_taken_port(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, transport: str) -> None:
    monkeypatch.undo()
    kind = socket.SOCK_DGRAM if transport == "udp" else socket.SOCK_STREAM
    with socket.socket(socket.AF_INET, kind) as other:
        other.bind(("127.0.0.1", 0))
        if transport == "tcp":
            other.listen()
        port = other.getsockname()[1]
        with pytest.raises(UserError) as refused:
            run._ports_free(listening(tmp_path, f"{transport}:127.0.0.1:{port}"))
    assert refused.value.code == "RVX-E03"
    assert f"{transport}:127.0.0.1:{port}" in refused.value.detail
    run._ports_free(listening(tmp_path, f"{transport}:127.0.0.1:{port}"))


def test_an_address_of_another_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    with pytest.raises(UserError) as refused:
        run._ports_free(listening(tmp_path, "udp:192.0.2.1:5060"))
    assert refused.value.code == "RVX-E02"
    pair = Standby(shared=("192.0.2.1/24 eth0",))  # it may be the other unit's now
    run._ports_free(replace(listening(tmp_path, "udp:192.0.2.1:5060"), standby=pair))


def test_leftovers_are_ended_only_where_they_are_ours(tmp_path: Path) -> None:
    paths = Paths(tmp_path)
    paths.run.mkdir()
    pids = [run._pid_file(paths, name) for name in ("unit", "calls", "standby")]
    for file in (*pids, paths.edge_pid):
        file.write_text(str(os.getpid()))  # a number that has been given to somebody else since
    run._end_leftovers(Output(), paths)


def listening(state: Path, *entries: str) -> Config:
    config = default(state)
    return replace(config, edge=replace(config.edge, listen=entries))
