"""``rvx`` itself, as far as it can be tried without taking packages away; a bare Debian is tried in test_debian.py."""

import os
import subprocess
from pathlib import Path

from firmware import __version__

ROOT = Path(__file__).parents[2]
RVX = ROOT / "rvx"


def version(program: Path, folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [str(program), "--version"]
    env = {**os.environ, **environment}
    return subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, timeout=60, check=False)


def test_it_is_plain_sh_and_executable() -> None:
    assert os.access(RVX, os.X_OK)
    assert RVX.read_text(encoding="utf-8").startswith("#!/bin/sh\n")
    subprocess.run(["sh", "-n", str(RVX)], check=True)


def test_it_is_found_by_a_link_from_any_folder(tmp_path: Path) -> None:
    link = tmp_path / "rvx"
    link.symlink_to(RVX)
    assert version(link, tmp_path).stdout == f"rvx {__version__}\n"


def test_nothing_of_the_same_name_elsewhere_is_taken_for_ours(tmp_path: Path) -> None:
    (tmp_path / "tools").mkdir()
    (tmp_path / "tools" / "__init__.py").write_text("raise SystemExit('not ours')\n", encoding="utf-8")
    done = version(RVX, tmp_path, PYTHONPATH=str(tmp_path))
    assert (done.stdout, done.stderr) == (f"rvx {__version__}\n", "")


def test_a_second_start_sets_nothing_up(tmp_path: Path) -> None:
    version(RVX, tmp_path)
    marks = {path: path.stat().st_mtime_ns for path in (ROOT / ".venv").glob("ready-*")}
    assert version(RVX, tmp_path).stderr == ""
    assert {path: path.stat().st_mtime_ns for path in (ROOT / ".venv").glob("ready-*")} == marks
