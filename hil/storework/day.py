"""The day itself: every part's writes, round after round, each acknowledged on standard output when it is done."""

from __future__ import annotations

import argparse
import json
import os
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

from hil.storework import planted
from hil.storework.agreeing import Agreeing
from hil.storework.archiving import Archiving
from hil.storework.changing import Changing
from hil.storework.loading import PEOPLE, Loading
from hil.storework.mailing import Mailing
from hil.storework.part import Part
from hil.storework.recording import Recording
from hil.storework.speaking import Speaking
from hil.storework.subscribing import Subscribing
from hil.storework.texting import Texting

__all__ = ["BEGAN", "PARTS", "PEOPLE", "ROUNDS", "main"]

BEGAN = datetime(2026, 3, 2, 8, tzinfo=UTC)
ROUNDS = 4
PARTS: tuple[type[Part], ...] = (
    Agreeing,
    Changing,
    Speaking,
    Texting,
    Mailing,
    Subscribing,
    Recording,
    Archiving,
    Loading,
)
"""In the order in which they write."""


def main(words: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m hil.storework")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--people", type=int, default=PEOPLE)
    parser.add_argument("--unsafe", choices=planted.FAULTS, default=None)
    args = parser.parse_args(words)
    if args.unsafe is not None:
        planted.FAULTS[args.unsafe]()
    _work(args.folder, args.rounds, args.people)
    return 0


def _work(folder: Path, rounds: int, people: int) -> None:
    parts = [Loading(folder, _told, people) if part is Loading else part(folder, _told) for part in PARTS]
    for number in range(rounds):
        for part in parts:
            part.round(number, BEGAN + timedelta(minutes=number))
    for part in parts:
        part.evening(BEGAN)
    for part in parts:
        part.close()


def _told(kind: str, name: str) -> None:
    os.write(sys.stdout.fileno(), json.dumps([kind, name]).encode() + b"\n")
