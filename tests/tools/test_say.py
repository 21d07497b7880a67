"""``rvx say``: what it writes, and how it fails."""

import json
import shutil
import wave
from pathlib import Path

import pytest

from tools.cli import main
from tools.errors import DONE, UNKNOWN

_SPEAKS = pytest.mark.skipif(shutil.which("espeak-ng") is None, reason="espeak-ng is not installed")


@_SPEAKS
def test_a_text_is_written_as_a_wav(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    target = tmp_path / "a.wav"
    (tmp_path / "sv").mkdir()
    (tmp_path / "sv" / "nothing_such.wav").write_bytes(b"")
    words = ["say", "Anna är på lunch.", "--out", str(target), "--recordings", str(tmp_path), "--json"]
    assert main(words) == DONE
    said = json.loads(capsys.readouterr().out)
    assert [piece["phrase"] for piece in said["pieces"]] == [None, "reason_lunch"]
    assert [problem["id"] for problem in said["problems"]] == ["RVX-M04"]
    with wave.open(str(target)) as file:
        assert (file.getframerate(), file.getnchannels(), file.getsampwidth()) == (8000, 1, 2)
        assert file.getnframes() / 8000 == pytest.approx(said["seconds"], abs=0.01)
    assert 0.5 < said["seconds"] < 5
    assert main(["say", "Anna", "--out", str(tmp_path / "gone" / "a.wav")]) == UNKNOWN
    assert "RVX-M03" in capsys.readouterr().err


def test_without_the_program_it_is_said_so(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("PATH", "")
    assert main(["say", "Anna", "--out", "/nowhere/a.wav"]) == UNKNOWN
    assert "RVX-M02" in capsys.readouterr().err
