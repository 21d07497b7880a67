"""``rvx check``: every fault by file and line; what is without faults is Kamailio's to judge."""

import json
from pathlib import Path

import pytest

from firmware.edge import EdgeUnavailable
from tools import check
from tools.cli import main
from tools.errors import DONE, UNKNOWN, USAGE

GOOD = '[unit]\nname = "gw-1"\n\n[edge]\nlisten = ["udp:127.0.0.1:5060"]\n'
FAULTY = '[unit]\nname = "gw-1"\n\n[edge]\nlisten = ["udp:127.0.0.1:5060"]\nworkerss = 2\n\n[survival]\nsignal_s = 99\n'


@pytest.fixture
def content(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What Kamailio says against the rendered configuration; empty at first."""
    said: list[str] = []
    monkeypatch.setattr(check, "check_edge", lambda config: said)
    return said


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "unit.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_every_fault_has_its_line_what_is_expected_and_the_nearest(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = written(tmp_path, FAULTY)
    assert main(["check", str(path)]) == USAGE
    lines = capsys.readouterr().out.splitlines()
    assert any(line.startswith(f"{path}:6: edge.workerss: unknown key") for line in lines)
    assert "  nearest:  edge.workers" in lines
    assert any(line.startswith(f"{path}:9: survival.signal_s: ") for line in lines)
    assert "  expected: a whole number, 2 to 10" in lines
    assert lines[-1] == "2 faults. More: rvx explain RVX-C01"


def test_json_has_the_same_and_null_for_what_is_not_there(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = written(tmp_path, FAULTY)
    assert main(["check", str(path), "--json"]) == USAGE
    document = json.loads(capsys.readouterr().out)
    assert document["verdict"] == "fail"
    found = {problem["key"]: problem for problem in document["problems"]}
    assert set(found) == {"edge.workerss", "survival.signal_s"}
    assert found["edge.workerss"]["line"] == 6
    assert found["survival.signal_s"]["nearest"] is None


def test_a_file_without_faults_is_given_to_kamailio(
    tmp_path: Path, content: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    path = written(tmp_path, GOOD)
    assert main(["check", str(path)]) == DONE
    assert capsys.readouterr().out == f"{path}: no faults, and Kamailio accepts what it renders to\n"
    content.append("edge.cfg line 3: syntax error")
    assert main(["check", str(path)]) == USAGE
    assert "syntax error\n1 complaint of Kamailio. More: rvx explain RVX-C04" in capsys.readouterr().out
    assert main(["check", str(path), "--json"]) == USAGE
    assert json.loads(capsys.readouterr().out)["problems"][0]["id"] == "RVX-C04"


@pytest.mark.parametrize(
    ("codes", "clash"),
    [
        ('park = "16*N"', "16*: extension 16"),
        ('park = "0*N"', "0*: line prefix 0"),
        ('park = "112*N"', "112*: emergency 112"),
        ('park = "*8#N"', "*8#: code *8#N"),
        ('refer = "*8*R#"', "*8*N#: code *8*R#"),
        ('sets = ["public"]\nno_answer = "#31#A"\nbusy = "#31#A"', "#31#A: code #31#A"),
    ],
)
def test_a_code_in_the_way_of_a_number_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], content: list[str], codes: str, clash: str
) -> None:
    path = written(tmp_path, GOOD + f'\n[numbering]\nextensions = ["16xx"]\n\n[codes]\n{codes}\n')
    assert main(["check", str(path)]) == USAGE
    assert clash in capsys.readouterr().out.splitlines()


def test_without_kamailio_it_could_not_find_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def unavailable(config: object) -> list[str]:
        raise EdgeUnavailable("Kamailio is not installed")

    monkeypatch.setattr(check, "check_edge", unavailable)
    assert main(["check", str(written(tmp_path, GOOD))]) == UNKNOWN
    assert "RVX-E02" in capsys.readouterr().err


@pytest.mark.parametrize("words", [["check", "absent.toml"], ["check", "--config", "absent.toml"]])
def test_a_file_that_is_not_there_has_a_code_of_its_own(
    words: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(words) == USAGE
    assert "absent.toml: there is no such file" in capsys.readouterr().out


def test_without_any_file_it_says_how(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("tools.place.DEFAULT_CONFIG", str(tmp_path / "none.toml"))
    monkeypatch.delenv("RVX_CONFIG", raising=False)
    assert main(["check"]) == USAGE
    assert "RVX-C02" in capsys.readouterr().err


def test_secrets_that_others_may_read_have_a_code_of_their_own(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = written(tmp_path, GOOD)
    secrets = tmp_path / "secrets.toml"
    secrets.write_text('[gateway]\nusername = "u"\npassword = "hidden"\n', encoding="utf-8")
    secrets.chmod(0o644)
    assert main(["check", str(path)]) == USAGE
    text = capsys.readouterr().out
    assert "RVX-C03" in text
    assert "hidden" not in text


def test_two_users_of_a_pin_are_named_with_the_pin(
    tmp_path: Path, content: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    path = written(tmp_path, f'{GOOD}\n[[ups]]\nname = "line"\nkind = "line"\npin = 2\n')
    assert main(["check", str(path)]) == USAGE
    lines = capsys.readouterr().out.splitlines()
    assert lines == [
        "ups.1.pin: pin 2 is that of i2c_sda",
        "1 pin that cannot be had. More: rvx explain RVX-C06",
    ]
    assert main(["check", str(path), "--json"]) == USAGE
    told = json.loads(capsys.readouterr().out)["problems"]
    assert [(one["id"], one["key"], one["pin"], one["other"]) for one in told] == [
        ("RVX-C06", "ups.1.pin", 2, "i2c_sda")
    ]


def test_a_map_of_pins_that_cannot_be_read_is_said(
    tmp_path: Path, content: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(check, "PINMAP", tmp_path / "none.toml")
    assert main(["check", str(written(tmp_path, GOOD))]) == USAGE
    assert "RVX-C07" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("address", "found"),
    [
        ("sip:10.1.2.3:5060", [("gateway.address", "10.1.2.3", "10.0.0.0/8")]),
        ("sip:172.16.0.9:5061;transport=tcp", [("gateway.address", "172.16.0.9", "172.16.0.0/12")]),
        ("sip:198.51.100.7", []),
        ("sip:gateway.example", []),
        ("", []),
    ],
)
def test_a_gateway_among_phones_is_told_of(
    address: str,
    found: list[tuple[str, str, str]],
    tmp_path: Path,
    content: list[str],
    capsys: pytest.CaptureFixture[str],
) -> None:
    path = written(tmp_path, f'{GOOD}\n[gateway]\naddress = "{address}"\n')
    assert main(["check", str(path), "--json"]) == DONE
    document = json.loads(capsys.readouterr().out)
    assert document["verdict"] == ("warn" if found else "ok")
    assert [(one["key"], one["observed"], one["other"]) for one in document["problems"]] == found
    assert main(["check", str(path)]) == DONE
    assert ("RVX-G06" in capsys.readouterr().out) is bool(found)
