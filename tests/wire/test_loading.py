"""``rvx people load`` as a process among others, on a disk that fills, with more people than there are."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.wire.conftest import STEP_S
from tools.errors import DONE, UNKNOWN, USAGE

pytestmark = [pytest.mark.wire, pytest.mark.timeout(600)]

ROOT = Path(__file__).parents[2]
ROUNDS = 8
"""Two commands that are started at once nearly always meet."""
DISK_MB = 8
MEMORY_MAX_KB = 100 * 1024
"""Of the command, its Python included, whatever the file."""
MILLION = 1_000_000
CITY = 100_000


def people(path: Path, count: int, family: str) -> Path:
    with path.open("w", encoding="utf-8") as file:
        file.write("kommun;enhet;id;förnamn;efternamn;anknytning\n")
        file.writelines(f"Norrby;Bygg;p{n};Eva;{family}{n};{20_000_000 + n}\n" for n in range(count))
    return path


def rvx(*words: str | Path, **settings: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "tools.cli", *map(str, words)]
    pipe = subprocess.PIPE
    return subprocess.Popen(command, text=True, cwd=ROOT, stdout=pipe, stderr=pipe, env={**os.environ, **settings})


def ended(process: subprocess.Popen[str]) -> tuple[int, str]:
    out, err = process.communicate(timeout=10 * STEP_S)
    assert "Traceback" not in err
    return process.returncode, out + err


def families(state: Path, target: Path) -> set[str]:
    """What the whole directory says, by the first letter of each family name, and how many of each."""
    target.unlink(missing_ok=True)
    assert ended(rvx("people", "export", target, "--state", state))[0] == DONE
    rows = target.read_text("utf-8").splitlines()[1:]
    letters = [row.split(";")[6][0] for row in rows]
    return {f"{letters.count(letter)} {letter}" for letter in set(letters)}


def test_of_two_loads_at_once_one_is_refused_and_nothing_is_mixed(tmp_path: Path) -> None:
    state = tmp_path / "state"
    files = [people(tmp_path / "a.csv", 1_500, "A"), people(tmp_path / "b.csv", 1_600, "B")]
    whole = {"1500 A", "1600 B"}
    for _ in range(ROUNDS):
        done = [ended(one) for one in [rvx("people", "load", file, "--state", state) for file in files]]
        assert DONE in [code for code, _ in done]
        assert len(families(state, tmp_path / "out.csv") & whole) == 1
        refused = [said for code, said in done if code != DONE]
        if refused:
            assert all("RVX-K07" in said for said in refused)
            return
        shutil.rmtree(state)
    pytest.fail("they never met")


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    place = tmp_path / "disk"
    place.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={DISK_MB}m", "rvxload", str(place)], check=True)
    yield place
    subprocess.run(["umount", str(place)], check=True)


def test_a_disk_that_fills(small_disk: Path, tmp_path: Path) -> None:
    """The old directory is left as it was, or the new one is there whole."""
    state = small_disk / "state"
    few, many = people(tmp_path / "few.csv", 100, "A"), people(tmp_path / "many.csv", 4_000, "B")
    code, said = ended(rvx("people", "load", few, "--state", state))
    assert code == DONE, said
    filler = small_disk / "filler"
    for free_kb in (0, 64, 512, 1_500):
        free = os.statvfs(small_disk)
        filler.write_bytes(bytes(free.f_bavail * free.f_bsize - free_kb * 1024))
        code, said = ended(rvx("people", "load", many, "--shrunken", "--state", state))
        assert code in (USAGE, UNKNOWN), said
        assert "RVX-J0" in said
        filler.unlink()
        assert families(state, tmp_path / "out.csv") == {"100 A"}
    code, said = ended(rvx("people", "load", many, "--shrunken", "--state", state, SQLITE_TMPDIR=str(small_disk)))
    assert code == DONE or "RVX-J06" in said
    assert families(state, tmp_path / "out.csv") == ({"4000 B"} if code == DONE else {"100 A"})


_MEASURED = """
import os, sys
_, status, used = os.wait4(os.posix_spawn(sys.argv[1], sys.argv[1:], os.environ), 0)
print(used.ru_maxrss, file=sys.stderr)
sys.exit(os.waitstatus_to_exitcode(status))
"""


def measured(*words: str | Path) -> tuple[int, str, int]:
    """Exit code, what it said, and the most memory that it had, in KB. By a small program between: the kernel counts
    what a process was before its exec, too, which would be this one."""
    command = [sys.executable, "-c", _MEASURED, sys.executable, "-m", "tools.cli", *map(str, words)]
    done = subprocess.run(command, text=True, cwd=ROOT, capture_output=True, timeout=10 * STEP_S, check=False)
    said, _, kb = done.stderr.rstrip().rpartition("\n")
    return done.returncode, done.stdout + said, int(kb)


@pytest.mark.long
def test_a_million_is_refused_and_a_city_is_taken_in_little_memory(tmp_path: Path) -> None:
    state = tmp_path / "state"
    assert ended(rvx("people", "load", people(tmp_path / "few.csv", 100, "A"), "--state", state))[0] == DONE
    code, said, memory_kb = measured("people", "load", people(tmp_path / "m.csv", MILLION, "B"), "--state", state)
    assert (code, "more than 250 000 rows" in said) == (USAGE, True)
    assert memory_kb < MEMORY_MAX_KB
    assert families(state, tmp_path / "out.csv") == {"100 A"}
    code, said, memory_kb = measured("people", "load", people(tmp_path / "c.csv", CITY, "B"), "--state", state)
    assert code == DONE, said
    assert memory_kb < MEMORY_MAX_KB
    assert families(state, tmp_path / "out.csv") == {f"{CITY} B"}
