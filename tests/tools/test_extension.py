"""``rvx extension``: secrets kept as hashes only, imports all or none."""

import io
import json
import os
import stat
import sys
from contextlib import closing
from pathlib import Path

import pytest

from callcontrol.digest import ha1
from callcontrol.plan.pins import fits, kept
from firmware.store import Directory
from firmware.store.pins import PinRows
from tools import extension
from tools.cli import main
from tools.errors import DONE, USAGE

REALM = "demo.invalid"  # of a machine without configuration
NOW = "2026-11-22T00:00:00.000000Z"
SECRET = "korrekt-häst-batteri"
RESERVED = frozenset({"112", "0112"})


@pytest.fixture(autouse=True)
def _no_configuration(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tools.place.DEFAULT_CONFIG", str(tmp_path / "none.toml"))
    monkeypatch.delenv("RVX_CONFIG", raising=False)
    monkeypatch.setenv("RVX_STATE", str(tmp_path / "state"))


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "state" / "directory.db"


def typed(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO(text))


def modes(file: Path) -> dict[str, int]:
    directory = Directory.open(file)
    try:
        return {credential.extension: credential.mode for credential in directory.credentials()}
    finally:
        directory.close()


def test_a_secret_from_standard_input_is_kept_as_hashes_only(
    file: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    typed(monkeypatch, SECRET + "\n")
    assert main(["extension", "add", "1001", "--secret-stdin"]) == DONE
    directory = Directory.open(file)
    (credential,) = directory.credentials()
    directory.close()
    assert credential.ha1_md5 == ha1("1001", REALM, SECRET, "md5")
    assert credential.ha1_sha256 == ha1("1001", REALM, SECRET, "sha256")
    assert (credential.mode, credential.realm, credential.user) == (2, REALM, "1001")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert SECRET.encode() not in b"".join(path.read_bytes() for path in file.parent.iterdir())
    streams = capsys.readouterr()
    assert SECRET not in streams.out + streams.err
    assert streams.out.startswith("1001 added, mode 2")


def test_a_generated_secret_is_shown_once_and_is_the_one_kept(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["extension", "add", "1001", "--generate", "--json"]) == DONE
    secret = json.loads(capsys.readouterr().out)["secret"]
    directory = Directory.open(file)
    assert directory.credentials()[0].ha1_sha256 == ha1("1001", REALM, secret, "sha256")
    directory.close()
    assert main(["extension", "list", "--json"]) == DONE
    listed = capsys.readouterr().out
    assert secret not in listed
    assert ha1("1001", REALM, secret, "md5") not in listed
    assert json.loads(listed)["extensions"][0]["extension"] == "1001"


def test_generated_secrets_differ_and_can_be_typed() -> None:
    made = {extension.new_secret() for _ in range(200)}
    assert len(made) == 200
    assert not set("".join(made)) & set("l1o0iO ")


def test_a_new_secret_replaces_the_old(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["extension", "add", "1001", "--generate"]) == DONE
    assert main(["extension", "add", "1001", "--mode", "4"]) == DONE
    assert "1001 changed, mode 4" in capsys.readouterr().out
    assert modes(file) == {"1001": 4}


@pytest.mark.parametrize(
    ("words", "given", "said"),
    [
        (["112", "--generate"], "", "emergency number"),
        (["10:01", "--generate"], "", "extension '10:01'"),
        (["1001", "--secret-stdin"], "short\n", "8 to 128 characters"),
        (["1001", "--secret-stdin"], "\n", "8 to 128 characters"),
        (["1001", "--secret-stdin"], "xy" * 1000, "8 to 128 characters"),
        (["1001", "--secret-stdin"], "10011001\n", "the secret is the extension"),
        (["1001", "--secret-stdin"], "aaaaaaaaaa\n", "over and over"),
        (["1001", "--secret-stdin"], "abcdef\x07ghij\n", "cannot be typed"),
        (["1001"], "abcdefghij\n", "There is no secret"),
        (["1001", "--mode", "4", "--generate"], "", "no secret"),
    ],
)
def test_what_cannot_be_so_is_refused_and_makes_no_file(
    words: list[str],
    given: str,
    said: str,
    file: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    typed(monkeypatch, given)
    assert main(["extension", "add", *words]) == USAGE
    told = capsys.readouterr().err
    assert "RVX-D01" in told
    assert said in told
    assert not file.exists()


def test_a_secret_is_no_argument(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["extension", "add", "1001", "--secret", SECRET]) == USAGE
    assert "Did you mean --secret-stdin?" in capsys.readouterr().err


def test_remove_takes_it_away_and_says_when_there_is_none(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["extension", "remove", "1001"]) == USAGE
    assert "RVX-D02" in capsys.readouterr().err
    assert not file.exists()
    main(["extension", "add", "1001", "--generate"])
    assert main(["extension", "remove", "1001"]) == DONE
    assert modes(file) == {}


def test_list_of_nothing_makes_no_file_and_counts_none(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["extension", "list"]) == DONE
    assert capsys.readouterr().out == f"0 extensions in {file}\n"
    assert not file.exists()


def csv_file(tmp_path: Path, text: str | bytes) -> Path:
    path = tmp_path / "phones.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


@pytest.mark.parametrize("mark", [",", ";"])
def test_an_import_takes_secrets_hashes_and_learnt_ones(mark: str, file: Path, tmp_path: Path) -> None:
    rows = [
        ["Extension", "mode", "secret", "ha1_md5", "user"],
        ["1001", "2", SECRET, "", ""],
        ["1002", "1", "", "A" * 32, "phone-1002"],
        ["1003", "4", "", "", ""],
        ["1004", "", '"with ; and , "', "", ""],
    ]
    path = csv_file(tmp_path, "\ufeff" + "\r\n".join(mark.join(row) for row in rows) + "\r\n")
    assert main(["extension", "import", str(path)]) == DONE
    assert modes(file) == {"1001": 2, "1002": 1, "1003": 4, "1004": 2}
    directory = Directory.open(file)
    by_number = {credential.extension: credential for credential in directory.credentials()}
    directory.close()
    assert by_number["1002"].ha1_md5 == "a" * 32
    assert by_number["1002"].user == "phone-1002"
    assert by_number["1004"].ha1_md5 == ha1("1004", REALM, "with ; and ,", "md5")


def test_a_dry_run_changes_nothing_and_counts(file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = csv_file(tmp_path, f"extension,secret\n1001,{SECRET}\n1002,{SECRET}\n")
    assert main(["extension", "import", str(path), "--dry-run"]) == DONE
    assert capsys.readouterr().out == "2 would be added, 0 would be changed\n"
    assert not file.exists()
    main(["extension", "add", "1001", "--mode", "4"])
    capsys.readouterr()
    assert main(["extension", "import", str(path), "--dry-run", "--json"]) == DONE
    counts = json.loads(capsys.readouterr().out)
    assert (counts["added"], counts["changed"], counts["dry_run"]) == (1, 1, True)
    assert modes(file) == {"1001": 4}


def test_one_faulty_line_and_nothing_is_taken(file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = csv_file(
        tmp_path, f"extension,mode,secret\n1001,2,{SECRET}\n1002,7,{SECRET}\n1001,2,{SECRET}\n1003,2,kort\n"
    )
    assert main(["extension", "import", str(path)]) == USAGE
    streams = capsys.readouterr()
    assert f"{path}:3: mode '7': expected 1 to 4" in streams.out
    assert f"{path}:4: extension 1001 is already on line 2" in streams.out
    assert f"{path}:5: the secret must have 8 to 128" in streams.out
    assert "3 faults; nothing was changed" in streams.out
    assert SECRET not in streams.out + streams.err
    assert "kort" not in streams.out
    assert not file.exists()
    assert main(["extension", "import", str(path), "--json"]) == USAGE
    assert [problem["line"] for problem in json.loads(capsys.readouterr().out)["problems"]] == [3, 4, 5]


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ("", 1, "no column extension"),
        ("extension,secret\n", 1, "no line but"),
        ("extention,secret\n1,2\n", 1, "did you mean extension?"),
        ("extension,extension\n1,2\n", 1, "occurs twice"),
        ("extension,mode\n1001,2\n", 2, "needs a secret or its hashes"),
        ("extension,mode,secret\n1001,4,abcdefghij\n", 2, "has no secret"),
        ("extension,secret\n112,abcdefghij\n", 2, "emergency number"),
        ("extension,secret\n1001,abcdefghij,x\n", 2, "more values than columns"),
        ("extension,secret,ha1_md5\n1001,abcdefghij," + "a" * 32 + "\n", 2, "give one of them"),
        ("extension,ha1_md5\n1001,xyz\n", 2, "ha1_md5: expected 32"),
        ('extension,secret\n1001,"abc"def\n', 2, "expected after"),
        ('extension,secret\n1001,"abcdefghij\n', 2, "unexpected end"),
    ],
)
def test_faults_are_named_by_line(text: str, line: int, said: str) -> None:
    _, faults = extension.parse(text, REALM, RESERVED, NOW)
    assert [fault.line for fault in faults] == [line]
    assert said in faults[0].message


def test_the_size_of_an_import_is_bounded(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    many = "extension,mode\n" + "".join(f"{number},4\n" for number in range(extension.MAX_IMPORT_ROWS + 5))
    credentials, faults = extension.parse(many, REALM, RESERVED, NOW)
    assert len(credentials) <= extension.MAX_IMPORT_ROWS
    assert "more than" in faults[-1].message
    path = csv_file(tmp_path, b"x" * (extension.MAX_IMPORT_BYTES + 1))
    assert main(["extension", "import", str(path)]) == USAGE
    assert "larger than" in capsys.readouterr().err


def test_a_file_that_is_no_text_is_refused_by_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = csv_file(tmp_path, b"extension,secret\n1001,h\xe4st-h\xe4st\n")
    assert main(["extension", "import", str(path)]) == USAGE
    assert f"{path}:2: not UTF-8" in capsys.readouterr().err


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_what_root_makes_belongs_to_the_owner_of_the_state_folder(file: Path) -> None:
    file.parent.mkdir()
    os.chown(file.parent, 4321, 4321)
    assert main(["extension", "add", "1001", "--generate"]) == DONE
    assert (file.stat().st_uid, file.stat().st_gid) == (4321, 4321)


def test_a_pin_is_kept_as_a_hash_only_and_its_extension_is_there(
    file: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    file.parent.mkdir()
    people = file.parent / "people.csv"
    people.write_text("kommun;enhet;id;förnamn;efternamn;anknytning\nNorrby;Bygg;anna;Anna;Öberg;1001\n", "utf-8")
    assert main(["people", "load", str(people)]) == DONE
    rows = PinRows.open(file, file.with_name("journal.db"))
    for pin in ("1234", "123456", "771001", "77100x", ""):
        typed(monkeypatch, pin + "\n")
        assert main(["extension", "pin", "1001", "--secret-stdin"]) == USAGE
        said = capsys.readouterr()
        assert "RVX-D01" in said.err
        assert not pin or pin not in said.err + said.out
    typed(monkeypatch, "804715\n")
    assert main(["extension", "pin", "1001", "--secret-stdin"]) == DONE
    assert "804715" not in capsys.readouterr().out
    assert fits("804715", rows.pin("1001"))
    assert b"804715" not in b"".join(path.read_bytes() for path in file.parent.iterdir() if path.is_file())
    assert main(["extension", "pin", "1001", "--generate", "--json"]) == DONE
    assert fits(json.loads(capsys.readouterr().out)["pin"], rows.pin("1001"))
    assert main(["extension", "pin", "9999", "--generate"]) == USAGE
    assert "RVX-D02" in capsys.readouterr().err
    assert main(["extension", "pin", "1001", "--remove"]) == DONE
    assert rows.pin("1001") is None
    assert main(["extension", "pin", "1001", "--remove"]) == USAGE
    with closing(Directory.open(file)) as directory:
        directory.put_pins({"1001": kept("804715")})
        assert fits("804715", rows.pin("1001"))
        assert main(["extension", "remove", "1001"]) == DONE
        assert directory.pins() == {}
    rows.close()
