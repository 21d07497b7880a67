"""The power goes while voicemail is left, listened to and greeted for, at any write of the disk: what a caller or an
owner was promised, and is not there after the next start, is counted (hil/voicemailwork.py, hil/powercut.py).

A promise is a message that was thanked for, whole; of one that is still spoken all but its last second; what was heard,
kept or removed; a greeting that is used."""

from __future__ import annotations

import random
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from hil import voicemailwork
from hil.powercut import images, record
from tools.bench.figures import Class, Figure, Goal, Scalar

__all__ = ["measure"]

CUTS = {True: 30, False: 1_000}
SEED = 7
ROOT = Path(__file__).parents[3]


def measure(tell: Callable[[str], None], *, quick: bool) -> tuple[list[Figure], dict[str, Scalar]]:
    """Raises PowercutError."""
    chance = random.Random(SEED)  # noqa: S311  the same cuts each time
    lost: list[str] = []
    with tempfile.TemporaryDirectory(prefix="rvx-voicemail-") as name:
        folder = Path(name) / "state"
        folder.mkdir()
        done = record([sys.executable, "-P", "-m", "hil.voicemailwork", str(folder)], folder, cwd=ROOT)
        every = list(images(done, SEED, times=1))
        found = chance.sample(every, min(CUTS[quick], len(every)))
        tell(f"voicemail: {len(done)} writes, {len(found)} of {len(every)} disks that a cut could leave")
        for number, image in enumerate(found):
            disk = Path(name) / f"cut{number}"
            disk.mkdir()
            image.write(disk)
            if wrong := voicemailwork.check(disk, image.acknowledged):
                lost.append(f"cut {image.cut} {image.how}: {wrong[0]}")
                tell(lost[-1])
    figures = [Figure("voicemail_lost", len(lost), len(found), "cuts", Class.SIMULATED, Goal(0))]
    return figures, {"cut_writes": len(done)}
