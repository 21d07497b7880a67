"""What a disk may hold after a cut, as a table; and our own writes, cut at every boundary."""

from __future__ import annotations

import random
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from hil.powercut import SECTOR, Disk, Image, Operation, PowercutError, _operations, images, record
from hil.storework import check

ROOT = Path(__file__).parents[2]
SECTORS_TWO = b"a" * SECTOR + b"b" * SECTOR


def make(path: str = "f") -> Operation:
    return Operation("make", path)


def write(data: bytes, offset: int = 0, path: str = "f") -> Operation:
    return Operation("write", path, data, offset)


def sync(path: str = "f") -> Operation:
    return Operation("sync", path)


FOLDER = Operation("sync_folder")
THERE = (make(), FOLDER)

ROWS: list[tuple[str, Sequence[Operation], dict[str, bytes], dict[str, bytes]]] = [
    ("nothing", (), {}, {}),
    ("a name that was not synced", (make(), write(b"x"), sync()), {}, {"f": b"x"}),
    ("a name that was", (*THERE,), {"f": b""}, {"f": b""}),
    ("bytes that were not synced", (*THERE, write(b"x")), {"f": b""}, {"f": b"x"}),
    ("bytes that were", (*THERE, write(b"x"), sync()), {"f": b"x"}, {"f": b"x"}),
    ("bytes after a sync", (*THERE, write(b"x"), sync(), write(b"y", 1)), {"f": b"x"}, {"f": b"xy"}),
    ("overwritten", (*THERE, write(b"xx"), sync(), write(b"y")), {"f": b"xx"}, {"f": b"yx"}),
    ("a hole", (*THERE, write(b"x", 3), sync()), {"f": b"\0\0\0x"}, {"f": b"\0\0\0x"}),
    (
        "cut shorter",
        (*THERE, write(b"xyz"), sync(), Operation("truncate", "f", offset=1)),
        {"f": b"xyz"},
        {"f": b"x"},
    ),
    (
        "made longer",
        (*THERE, write(b"x"), sync(), Operation("truncate", "f", offset=2), sync()),
        {"f": b"x\0"},
        {"f": b"x\0"},
    ),
    (
        "renamed, not synced",
        (*THERE, write(b"x"), sync(), Operation("rename", "f", target="g")),
        {"f": b"x"},
        {"g": b"x"},
    ),
    (
        "renamed over another",
        (*THERE, make("g"), write(b"o", path="g"), sync("g"), FOLDER, Operation("rename", "f", target="g"), FOLDER),
        {"g": b""},
        {"g": b""},
    ),
    ("removed, not synced", (*THERE, Operation("remove", "f")), {"f": b""}, {}),
    ("removed", (*THERE, Operation("remove", "f"), FOLDER), {}, {}),
    ("removed while open", (*THERE, Operation("remove", "f"), write(b"x"), sync(), FOLDER), {}, {}),
    (
        "removed and made anew",
        (*THERE, write(b"x"), sync(), Operation("remove", "f"), make(), write(b"y"), sync()),
        {"f": b"x"},
        {"f": b"y"},
    ),
    ("opened again", (*THERE, write(b"x"), sync(), make()), {"f": b"x"}, {"f": b"x"}),
]


@pytest.mark.parametrize(("done", "least", "most"), [row[1:] for row in ROWS], ids=[row[0] for row in ROWS])
def test_what_is_certain_and_what_may_be(
    done: Sequence[Operation], least: dict[str, bytes], most: dict[str, bytes]
) -> None:
    found = after(done)
    assert [image.files for image in found[:2]] == [least, most]


def after(done: Sequence[Operation], times: int = 0, seed: int = 1) -> list[Image]:
    disk = Disk()
    for operation in done:
        disk.do(operation)
    return list(disk.images(len(done), random.Random(seed), times))


def test_a_write_may_be_torn_between_sectors_and_never_within_one() -> None:
    found = {image.files["f"] for image in after((*THERE, write(SECTORS_TWO)), times=100)}
    assert found == {b"", SECTORS_TWO, b"a" * SECTOR, b"\0" * SECTOR + b"b" * SECTOR}


def test_names_change_in_their_order() -> None:
    done = (make("a"), make("b"), make("c"))
    found = {tuple(sorted(image.files)) for image in after(done, times=50)}
    assert found == {(), ("a",), ("a", "b"), ("a", "b", "c")}


def test_every_boundary_is_cut_and_what_was_promised_before_it_is_known() -> None:
    done = [*THERE, write(b"x"), sync(), Operation("acknowledge", data=b"one\ntwo\n"), write(b"y")]
    found = [image for image in images(done, seed=1, times=0) if image.how == "least"]
    assert [image.cut for image in found] == list(range(len(done) + 1))
    assert [image.acknowledged for image in found][-3:] == [(), (b"one", b"two"), (b"one", b"two")]


def test_the_same_seed_gives_the_same_disks() -> None:
    done = [*THERE, write(SECTORS_TWO), make("g")]
    assert list(images(done, 7, 3)) == list(images(done, 7, 3))


def test_an_image_is_written_as_files(tmp_path: Path) -> None:
    Image(0, "", {"f": b"x", "acc/g": b"y"}, ()).write(tmp_path)
    assert {path.name: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == {"f": b"x", "g": b"y"}


def hexed(text: str) -> str:
    return "".join(f"\\x{byte:02x}" for byte in text.encode())


def test_system_calls_as_strace_writes_them() -> None:
    path, other = "/s/a.db", "/s/b.db"
    lines = [
        f'7 openat(AT_FDCWD</>, "{hexed(path)}", O_RDWR|O_CREAT|O_CLOEXEC, 0600) = 3<{path}>',
        f'7 pwrite64(3<{path}>, "{hexed("xyz")}", 3, 512) = 2',
        f"7 fdatasync(3<{path}> <unfinished ...>",
        f'8 openat(AT_FDCWD</>, "{hexed("/other/c")}", O_RDWR|O_CREAT, 0600) = 4</other/c>',
        "7 <... fdatasync resumed>) = 0",
        f"7 ftruncate(3<{path}>, 100) = 0",
        f'7 rename("{hexed(path)}", "{hexed(other)}") = 0',
        f'7 unlink("{hexed(other)}") = 0',
        f'7 unlink("{hexed(other)}") = -1 ENOENT (No such file or directory)',
        f'7 openat(AT_FDCWD</>, "{hexed(path)}-shm", O_RDONLY) = 5<{path}-shm>',
        "7 fsync(6</s>) = 0",
        f'7 write(1<pipe:[1]>, "{hexed("done")}", 4) = 4',
        f'7 openat(AT_FDCWD</>, "{hexed("/s/log")}", O_WRONLY|O_CREAT|O_APPEND, 0600) = 4</s/log>',
        "7 lseek(4</s/log>, 0, SEEK_END) = 10",
        f'7 write(4</s/log>, "{hexed("line")}", 4) = 4',
        "7 +++ exited with 0 +++",
    ]
    assert list(_operations([line.encode() + b"\n" for line in lines], "/s")) == [
        Operation("make", "a.db"),
        Operation("write", "a.db", b"xy", 512),
        Operation("sync", "a.db"),
        Operation("truncate", "a.db", offset=100),
        Operation("rename", "a.db", target="b.db"),
        Operation("remove", "b.db"),
        Operation("sync_folder"),
        Operation("acknowledge", data=b"done"),
        Operation("make", "log"),
        Operation("write", "log", b"line", 10),
    ]


def test_a_program_that_fails_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(PowercutError, match="strace"):
        record(["true"], tmp_path)


# Our own writes

PEOPLE = 6
PROGRAM = [sys.executable, "-m", "hil.storework", "--rounds", "1", "--people", str(PEOPLE)]
FEW = 400
"""Disks looked at of one run: opening one costs 20 ms and more."""


def cut(tmp_path: Path, *unsafe: str) -> tuple[int, list[str]]:
    """How many disks were tried, and what was wrong on the first that had lost anything."""
    work, disk = tmp_path / "work", tmp_path / "disk"
    work.mkdir()
    done = list(images(record([*PROGRAM, str(work), *unsafe], work, cwd=ROOT), seed=1, times=1))
    chosen = random.Random(2).sample(done, min(FEW, len(done)))
    for tried, image in enumerate(chosen, 1):
        shutil.rmtree(disk, ignore_errors=True)
        disk.mkdir()
        image.write(disk)
        if wrong := check(disk, image.acknowledged, PEOPLE):
            return tried, [f"cut {image.cut}, {image.how}", *wrong]
    return len(chosen), []


@pytest.mark.wire
@pytest.mark.timeout(180)
def test_no_cut_loses_what_was_promised(tmp_path: Path) -> None:
    assert cut(tmp_path) == (FEW, [])


@pytest.mark.wire
@pytest.mark.timeout(180)
@pytest.mark.parametrize("fault", ["nosync", "apart", "early"])
def test_a_store_that_does_it_wrong_is_found_out(fault: str, tmp_path: Path) -> None:
    _, wrong = cut(tmp_path, "--unsafe", fault)
    assert wrong
