"""A unit's identity: what comes along, what is refused, and that it is never put in place by half."""

import dataclasses
import json
import os
import stat
from pathlib import Path
from typing import Any

import pytest

from callcontrol.digest import ha1
from callcontrol.plan.pins import kept
from firmware.config import ConfigError, load
from firmware.edge import EdgeUnavailable, make_state
from firmware.identity import Identity, IdentityError, NotBlank, gather, put_in_place, running
from firmware.paths import Paths
from firmware.store import Credential

ROUTE_KEY = "0123456789abcdef0123456789abcdef"
LEARNT = {"1004": "10.98.0.11|1700000000|1700003600"}
SECRETS = '[gateway]\nusername = "gw"\npassword = "gateway-secret"\n'


def credential(extension: str, mode: int = 2) -> Credential:
    hashed = None if mode == 4 else ha1(extension, "region.example", "secret", "md5")
    return Credential(extension, mode, hashed, None, "region.example", extension, "2026-01-01T00:00:00Z")


PINS = {"1001": kept("804715").hash}
CREDENTIALS = (credential("1001"), credential("1002", 3), credential("1004", 4))


def text_of(state: Path) -> str:
    return (
        f'[unit]\nname = "gw-1"\nstate_dir = "{state}"\n'
        '[platform]\nrealm = "region.example"\n[edge]\nlisten = ["udp:127.0.0.1:5070"]\n'
    )


@pytest.fixture
def state(tmp_path: Path) -> Path:
    return tmp_path / "state"


@pytest.fixture
def whole(state: Path) -> Identity:
    return Identity(
        unit="gw-1",
        made_at="2026-11-22T00:00:00Z",
        version="0.1.0",
        config=text_of(state),
        secrets=SECRETS,
        files={"route_key": ROUTE_KEY},
        credentials=CREDENTIALS,
        pins=PINS,
        learnt=LEARNT,
    )


def everything(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not path.name.endswith(("-wal", "-shm"))
    }


def test_a_spare_is_the_unit(whole: Identity, tmp_path: Path, state: Path) -> None:
    file = tmp_path / "etc" / "unit.toml"
    config = put_in_place(Identity.from_bytes(whole.to_bytes()), file, None, replace=False, dry=False)
    paths = Paths(state)
    assert config == load(file)
    assert config.secrets.gateway.password == "gateway-secret"
    assert paths.route_key.read_text() == ROUTE_KEY
    assert gather(file, config, whole.made_at, whole.version) == whole, "and can be exported again"
    for path in (paths.directory, paths.learnt, paths.route_key):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600, path
    assert stat.S_IMODE(file.with_name("secrets.toml").stat().st_mode) == 0o600
    assert sorted(path.name for path in state.iterdir()) == ["directory.db", "edge"]
    assert sorted(path.name for path in file.parent.iterdir()) == ["secrets.toml", "unit.toml"]


def test_secrets_stand_in_no_text_of_it(whole: Identity) -> None:
    assert "gateway-secret" not in repr(whole)
    assert ROUTE_KEY not in repr(whole)
    assert str(CREDENTIALS[0].ha1_md5) not in repr(whole)
    assert PINS["1001"] not in repr(whole)


def test_a_unit_without_extras_is_one_too(state: Path, tmp_path: Path) -> None:
    file = tmp_path / "unit.toml"
    file.write_text(text_of(state))
    found = gather(file, load(file), "now", "0.1.0")
    assert (found.secrets, found.files, found.credentials, found.learnt) == (None, {}, (), {})
    other = tmp_path / "spare" / "unit.toml"
    put_in_place(Identity.from_bytes(found.to_bytes()), other, tmp_path / "spare-state", replace=False, dry=False)
    assert not other.with_name("secrets.toml").exists()
    assert not Paths(tmp_path / "spare-state").route_key.exists(), "the edge makes one"


def alter(whole: Identity, **over: Any) -> bytes:
    return json.dumps(json.loads(whole.to_bytes()) | over).encode()


@pytest.mark.parametrize(
    ("over", "said"),
    [
        ({"schema": 2}, "^schema: 2, this rvx knows 1; written by a newer rvx"),
        ({"schema": "1"}, "^schema:"),
        ({"schema": True}, "^schema:"),
        ({"certificate": "x"}, "^certificate: is not known"),
        ({"../../etc/passwd": "x"}, "is not known"),
        ({"unit": 1}, "^unit:"),
        ({"unit": ""}, "^unit:"),
        ({"config": "x" * 70_000}, "^config:"),
        ({"config": "a\0b"}, "^config:"),
        ({"secrets": 5}, "^secrets:"),
        ({"route_key": "../../x"}, "^route_key:"),
        ({"route_key": "short"}, "^route_key:"),
        ({"credentials": {}}, "^credentials:"),
        ({"credentials": [None]}, r"^credentials\[0\]:"),
        ({"credentials": [{"extension": "1001"}]}, r"^credentials\[0\]:"),
        ({"credentials": [dataclasses.asdict(credential("1001")) | {"user": 'a"b'}]}, r"^credentials\[0\]: user"),
        ({"credentials": [dataclasses.asdict(credential("1001")) | {"mode": True}]}, r"^credentials\[0\]:"),
        ({"credentials": [dataclasses.asdict(credential("1001")) | {"realm": 7}]}, r"^credentials\[0\]:"),
        ({"credentials": [None] * 10_001}, "^credentials:"),
        ({"pins": []}, "^pins:"),
        ({"pins": {"1001": "12345678"}}, "^pins: not so written"),
        ({"pins": {"../x": PINS["1001"]}}, "^pins:"),
        ({"pins": {"1001": 5}}, "^pins:"),
        ({"learnt": []}, "^learnt:"),
        ({"learnt": {"1001": "here"}}, r"^learnt\[1001\]:"),
        ({"learnt": {"../x": "10.0.0.1|1|2"}}, "^learnt:"),
        ({"learnt": {"1001": 5}}, r"^learnt\[1001\]:"),
    ],
)
def test_what_cannot_be_so_is_refused_by_field(whole: Identity, over: dict[str, Any], said: str) -> None:
    with pytest.raises(IdentityError, match=said):
        Identity.from_bytes(alter(whole, **over))


@pytest.mark.parametrize("data", [b"", b"[]", b"null", b"{", b"[" * 100_000, b"\xff"])
def test_what_is_no_object_is_refused(data: bytes) -> None:
    with pytest.raises(IdentityError, match=r"^contents:"):
        Identity.from_bytes(data)


def test_a_field_that_is_missing_is_named(whole: Identity) -> None:
    found = json.loads(whole.to_bytes())
    del found["learnt"]
    with pytest.raises(IdentityError, match=r"^learnt: is missing"):
        Identity.from_bytes(json.dumps(found).encode())


@pytest.mark.parametrize("part", ["config", "directory", "tables"])
def test_a_machine_that_is_not_blank_is_left_alone(whole: Identity, tmp_path: Path, state: Path, part: str) -> None:
    file, paths = tmp_path / "etc" / "unit.toml", Paths(state)
    there = {"config": file, "directory": paths.directory, "tables": paths.tables}[part]
    there.parent.mkdir(parents=True)
    there.write_text("mine")
    before = everything(tmp_path)
    for dry in (True, False):
        with pytest.raises(NotBlank, match=there.name):
            put_in_place(whole, file, None, replace=False, dry=dry)
    assert everything(tmp_path) == before


def test_replacing_leaves_records_and_nothing_else(whole: Identity, tmp_path: Path, state: Path) -> None:
    file, paths = tmp_path / "etc" / "unit.toml", Paths(state)
    former = dataclasses.replace(
        whole, credentials=(credential("2001"),), learnt={"2001": "10.0.0.9|1|2"}, files={"route_key": "f" * 32}
    )
    put_in_place(former, file, None, replace=False, dry=False)
    paths.journal.write_bytes(b"records")
    paths.tables.write_bytes(b"of the former")
    paths.bindings.parent.mkdir()
    paths.bindings.write_bytes(b"of the former")
    paths.acc.mkdir()
    (paths.acc / "acc_1.log").write_bytes(b"lines")
    put_in_place(dataclasses.replace(whole, secrets=None), file, None, replace=True, dry=False)
    assert gather(file, load(file), whole.made_at, whole.version) == dataclasses.replace(whole, secrets=None)
    assert paths.journal.read_bytes() == b"records"
    assert (paths.acc / "acc_1.log").read_bytes() == b"lines"
    assert not paths.bindings.exists()
    assert not file.with_name("secrets.toml").exists()


def test_a_dry_run_changes_nothing(whole: Identity, tmp_path: Path) -> None:
    before = everything(tmp_path)
    put_in_place(whole, tmp_path / "etc" / "unit.toml", None, replace=False, dry=True)
    assert everything(tmp_path) == before


@pytest.mark.parametrize(
    ("over", "said"),
    [
        ({"config": "[unit]\nname = 5\n"}, "unit.name"),
        ({"config": "not toml"}, "not TOML"),
        ({"secrets": "[gateway]\nusername = 5\n"}, "gateway.username"),
    ],
)
def test_a_configuration_that_could_not_start_is_not_put_in_place(
    whole: Identity, tmp_path: Path, over: dict[str, Any], said: str
) -> None:
    before = everything(tmp_path)
    with pytest.raises(ConfigError, match=said):
        put_in_place(dataclasses.replace(whole, **over), tmp_path / "unit.toml", None, replace=False, dry=False)
    assert everything(tmp_path) == before


def test_a_cut_between_any_two_steps_starts_nothing_and_is_mended_by_doing_it_again(
    whole: Identity, tmp_path: Path, state: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file, paths = tmp_path / "etc" / "unit.toml", Paths(state)
    real = os.replace
    for cut_at in range(4):
        calls = 0

        def replace_until(source: Any, target: Any, last: int = cut_at) -> None:
            nonlocal calls
            if calls == last:
                raise OSError(5, "Input/output error")
            calls += 1
            real(source, target)

        monkeypatch.setattr(os, "replace", replace_until)
        with pytest.raises(OSError, match="Input/output"):
            put_in_place(whole, file, None, replace=True, dry=False)
        monkeypatch.setattr(os, "replace", real)
        assert paths.importing.exists()
        with pytest.raises(EdgeUnavailable, match="import of an identity was cut"):
            make_state(load_text(tmp_path, whole.config))
        put_in_place(whole, file, None, replace=False, dry=False)
        assert not paths.importing.exists()
        assert gather(file, load(file), whole.made_at, whole.version) == whole


def load_text(folder: Path, text: str) -> Any:
    file = folder / "told.toml"
    file.write_text(text)
    return load(file)


def test_what_runs_is_seen(tmp_path: Path) -> None:
    paths = Paths(tmp_path)
    assert running(paths) is None
    paths.run.mkdir()
    paths.edge_pid.write_text(str(os.getpid()))
    assert running(paths) is None, "another program's number by now"
    paths.edge_pid.write_text("no number")
    assert running(paths) is None
