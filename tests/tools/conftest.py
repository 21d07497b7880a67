"""What tests of commands have in common."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tools.cli import main

Rvx = Callable[..., tuple[int, str, str]]


@pytest.fixture
def rvx(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Rvx:
    """Runs a command line against a state folder of its own: exit code, output, errors."""
    monkeypatch.setattr("tools.place.DEFAULT_CONFIG", str(tmp_path / "none.toml"))
    monkeypatch.delenv("RVX_CONFIG", raising=False)

    def run(*words: str) -> tuple[int, str, str]:
        capsys.readouterr()
        status = main([*words, "--state", str(tmp_path / "state")])
        streams = capsys.readouterr()
        return status, streams.out, streams.err

    return run
