"""The power goes while voicemail is left, heard and greeted for: nothing that was promised is lost, and the replay
finds what is planted."""

from __future__ import annotations

import random
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from hil import voicemailwork
from hil.powercut import Image, PowercutError, images, record

ROOT = Path(__file__).parents[2]
CUTS = 40

pytestmark = [pytest.mark.wire, pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed")]


def cut(tmp_path: Path, *more: str) -> Sequence[Image]:
    folder = tmp_path / "state"
    folder.mkdir()
    try:
        done = record([sys.executable, "-m", "hil.voicemailwork", *more, str(folder)], folder, cwd=ROOT)
    except PowercutError as error:
        if "ptrace" in str(error):
            pytest.skip("no tracing here")
        raise
    found = list(images(done, seed=7, times=1))
    return random.Random(7).sample(found, min(CUTS, len(found)))


def wrong(tmp_path: Path, found: Sequence[Image]) -> list[str]:
    said = []
    for number, image in enumerate(found):
        disk = tmp_path / f"disk{number}"
        disk.mkdir()
        image.write(disk)
        said += [f"cut {image.cut} {image.how}: {what}" for what in voicemailwork.check(disk, image.acknowledged)]
        shutil.rmtree(disk)
    return said


def test_no_cut_loses_a_message_or_more_than_a_second(tmp_path: Path) -> None:
    assert wrong(tmp_path, cut(tmp_path)) == []


@pytest.mark.parametrize("planted", ["nosync", "early"])
def test_what_is_planted_is_found(planted: str, tmp_path: Path) -> None:
    assert wrong(tmp_path, cut(tmp_path, "--unsafe", planted))
