"""Completion as the shells themselves do it: the files that are shipped, in bash, and read by zsh's grammar."""

import shutil
import subprocess
from pathlib import Path

import pytest

from tools.commands import COMMANDS

FOLDER = Path(__file__).parents[2] / "docs" / "completion"


def completed(*words: str) -> set[str]:
    """What bash offers after these words, the last of which is begun."""
    script = (
        f"source {FOLDER / 'rvx.bash'}; COMP_WORDS=({' '.join(words)}); COMP_CWORD={len(words) - 1}; "
        '_shtab_rvx rvx; printf "%s\\n" "${COMPREPLY[@]}"'
    )
    done = subprocess.run(["bash", "--norc", "-c", script], capture_output=True, text=True, timeout=20, check=True)
    return set(done.stdout.split())


def test_bash_offers_the_commands_and_their_actions() -> None:
    assert completed("rvx", '""') >= set(COMMANDS)
    assert completed("rvx", "do") == {"doctor"}
    assert completed("rvx", "identity", "ex") == {"export"}
    assert completed("rvx", "identity", "import", "--re") == {"--replace"}
    assert completed("rvx", "bench", "fail") == {"failover"}


@pytest.mark.skipif(shutil.which("zsh") is None, reason="zsh is not installed")
def test_zsh_reads_its_file() -> None:
    subprocess.run(["zsh", "-n", str(FOLDER / "_rvx")], timeout=20, check=True)


def test_no_file_names_the_machine_that_made_it() -> None:
    for file in FOLDER.iterdir():
        assert str(Path.home()) not in file.read_text("utf-8")
        assert str(FOLDER.parents[1]) not in file.read_text("utf-8")
