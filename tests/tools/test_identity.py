"""``rvx identity``: a unit goes into a sealed file and comes out of it on a blank machine, by the command line."""

import json
import os
import socket
import stat
import threading
from contextlib import closing
from pathlib import Path

import pytest

from firmware import seal
from firmware.paths import Paths
from firmware.store import Directory
from tools import place
from tools.cli import main
from tools.errors import DONE, UNKNOWN, USAGE

PASSPHRASE = "korrekt häst batteri"


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tools.place.DEFAULT_CONFIG", str(tmp_path / "none.toml"))
    monkeypatch.delenv("RVX_CONFIG", raising=False)
    monkeypatch.delenv("RVX_STATE", raising=False)
    monkeypatch.setattr(seal, "SCRYPT_N", 1 << 4)


@pytest.fixture
def unit(tmp_path: Path) -> Path:
    """The configuration of a unit with three extensions."""
    file = tmp_path / "a" / "unit.toml"
    file.parent.mkdir()
    file.write_text(
        f'[unit]\nname = "gw-1"\nstate_dir = "{tmp_path / "state"}"\n'
        '[platform]\nrealm = "region.example"\n[edge]\nlisten = ["udp:127.0.0.1:5070"]\n'
    )
    secrets = file.with_name("secrets.toml")
    secrets.write_text('[gateway]\nusername = "gw"\npassword = "gateway-secret"\n')
    secrets.chmod(0o600)
    for extension in ("1001", "1002", "1003"):
        assert main(["extension", "add", extension, "--generate", "--config", str(file)]) == DONE
    return file


@pytest.fixture
def passphrase(tmp_path: Path) -> Path:
    file = tmp_path / "passphrase"
    file.write_text(PASSPHRASE + "\n")
    return file


@pytest.fixture
def sealed(unit: Path, passphrase: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Path:
    file = tmp_path / "gw-1.rvx"
    assert main(["identity", "export", str(file), "--config", str(unit), "--passphrase-file", str(passphrase)]) == DONE
    capsys.readouterr()
    return file


def spare(tmp_path: Path) -> list[str]:
    """Where the blank machine has its things."""
    return ["--config", str(tmp_path / "b" / "unit.toml"), "--state", str(tmp_path / "b-state")]


def extensions(folder: Path) -> set[str]:
    with closing(Directory.open(Paths(folder).directory)) as directory:
        return {credential.extension for credential in directory.credentials()}


def test_a_unit_goes_over(sealed: Path, passphrase: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert stat.S_IMODE(sealed.stat().st_mode) == 0o600
    assert b"gateway-secret" not in sealed.read_bytes()
    words = ["identity", "import", str(sealed), "--passphrase-file", str(passphrase), *spare(tmp_path), "--json"]
    assert main([*words, "--dry-run"]) == DONE
    assert json.loads(capsys.readouterr().out)["dry_run"] is True
    assert not (tmp_path / "b" / "unit.toml").exists()
    assert main(words) == DONE
    streams = capsys.readouterr()
    told = json.loads(streams.out)
    assert (told["unit"], told["extensions"], told["secrets"], told["records"]) == ("gw-1", 3, True, 0)
    assert "must not be started again" not in streams.out
    assert extensions(tmp_path / "b-state") == {"1001", "1002", "1003"}
    assert "gateway-secret" in (tmp_path / "b" / "secrets.toml").read_text()
    assert "gateway-secret" not in streams.out + streams.err
    assert main(words) == USAGE, "it is a unit now"
    assert "RVX-I05" in capsys.readouterr().err
    assert main([*words, "--replace"]) == DONE


def test_a_dead_units_disk_can_be_exported_elsewhere(
    unit: Path, passphrase: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    disk = tmp_path / "mnt"
    disk.mkdir()
    capsys.readouterr()
    unit.parent.rename(disk / "etc")
    (tmp_path / "state").rename(disk / "lib")
    file = tmp_path / "gw-1.rvx"
    words = ["identity", "export", str(file), "--passphrase-file", str(passphrase), "--json"]
    assert main([*words, "--config", str(disk / "etc" / "unit.toml"), "--state", str(disk / "lib")]) == DONE
    told = json.loads(capsys.readouterr().out)
    assert (told["extensions"], told["secrets"]) == (3, True)


def test_a_made_passphrase_is_shown_once_and_opens(
    unit: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["identity", "export", str(tmp_path / "two.rvx"), "--config", str(unit), "--generate"]) == DONE
    shown = capsys.readouterr().out.split("passphrase ")[1].split()[0]
    kept = tmp_path / "kept"
    kept.write_text(shown)
    words = ["identity", "import", str(tmp_path / "two.rvx"), "--passphrase-file", str(kept)]
    assert main([*words, *spare(tmp_path)]) == DONE


def test_a_passphrase_is_no_argument(unit: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["identity", "export", str(tmp_path / "x.rvx"), "--config", str(unit)]
    assert main([*words, "--passphrase", PASSPHRASE]) == USAGE
    assert "Did you mean --passphrase-file?" in capsys.readouterr().err
    assert main(words) == USAGE, "no terminal to ask at"
    assert "RVX-I02" in capsys.readouterr().err
    assert not (tmp_path / "x.rvx").exists()


def test_a_file_that_is_there_is_not_written_over(
    unit: Path, sealed: Path, passphrase: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = sealed.read_bytes()
    words = ["identity", "export", str(sealed), "--config", str(unit), "--passphrase-file", str(passphrase)]
    assert main(words) == USAGE
    assert "RVX-I01" in capsys.readouterr().err
    assert sealed.read_bytes() == before


def test_there_is_no_identity_without_a_configuration(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["identity", "export", str(tmp_path / "x.rvx"), "--generate"]) == USAGE
    assert "RVX-C02" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda data: data[:-5], "sealed_bytes:"),
        (lambda data: data[:40], "format:"),
        (lambda data: data[:-1] + bytes([data[-1] ^ 1]), "sealed_sha256:"),
        (lambda data: data.replace(b'"version": 1', b'"version": 9'), "version: 9; written by a newer rvx"),
        (lambda data: b"PK\x03\x04" + data, "format:"),
        (lambda data: data + bytes(9 << 20), "larger than"),
    ],
    ids=["cut", "cut early", "altered", "newer", "foreign", "large"],
)
def test_a_bad_file_changes_nothing(
    sealed: Path,
    passphrase: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    spoil: object,
    said: str,
) -> None:
    assert callable(spoil)
    sealed.write_bytes(spoil(sealed.read_bytes()))
    words = ["identity", "import", str(sealed), "--passphrase-file", str(passphrase), *spare(tmp_path)]
    assert main(words) == USAGE
    told = capsys.readouterr().err
    assert "RVX-I02" in told
    assert said in told
    assert not (tmp_path / "b").exists()
    assert not (tmp_path / "b-state").exists()


def test_a_wrong_passphrase_says_so(
    sealed: Path, passphrase: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    passphrase.write_text("another passphrase")
    words = ["identity", "import", str(sealed), "--passphrase-file", str(passphrase), *spare(tmp_path)]
    assert main(words) == USAGE
    assert "passphrase: does not open the file" in capsys.readouterr().err


def test_a_unit_that_runs_is_left_alone(
    sealed: Path, passphrase: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    paths = Paths(tmp_path / "b-state")
    paths.run.mkdir(parents=True)
    words = ["identity", "import", str(sealed), "--passphrase-file", str(passphrase), *spare(tmp_path)]
    with socket.socket(socket.AF_UNIX) as unit:
        unit.bind(str(paths.unit_socket))
        unit.listen()
        assert main(words) == USAGE
    assert "RVX-I03" in capsys.readouterr().err
    with place.alone_on(paths):
        assert main(words) == UNKNOWN
    assert "RVX-J02" in capsys.readouterr().err
    assert not (tmp_path / "b" / "unit.toml").exists()


def test_the_old_unit_that_still_answers_is_seen(
    sealed: Path,
    passphrase: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("tools.identity._is_own", lambda address: False)
    words = ["identity", "import", str(sealed), "--passphrase-file", str(passphrase), *spare(tmp_path)]
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as old:
        old.bind(("127.0.0.1", 5070))
        old.settimeout(10)

        def answer() -> None:
            data, caller = old.recvfrom(2048)
            assert data.startswith(b"OPTIONS sip:127.0.0.1:5070 SIP/2.0\r\n")
            old.sendto(b"SIP/2.0 200 OK\r\n\r\n", caller)

        thread = threading.Thread(target=answer)
        thread.start()
        assert main(words) == USAGE
        thread.join()
    assert "RVX-I04" in capsys.readouterr().err
    assert not (tmp_path / "b" / "unit.toml").exists()
    assert main([*words, "--force"]) == DONE


def test_a_passphrase_from_a_descriptor(sealed: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    reader, writer = os.pipe()
    os.write(writer, (PASSPHRASE + "\n").encode())
    os.close(writer)
    words = ["identity", "import", str(sealed), "--passphrase-file", f"/dev/fd/{reader}", *spare(tmp_path)]
    assert main(words) == DONE
    os.close(reader)
    assert "this machine is now gw-1: configuration, secrets, 3 extensions" in capsys.readouterr().out
