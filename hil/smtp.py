"""A server of mail as a program, for a namespace of a rig: ``python -m hil.smtp ADDRESS PORT FOLDER``.

Each mail that it takes is a file of the folder, there before the sender hears that it was taken. How it behaves stands
in the folder's file ``fault``, looked at for each connection: a word of `FAULTS`, or no file.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import sqlite3
import sys
import threading
from collections import Counter
from collections.abc import Collection
from itertools import count
from pathlib import Path

from firmware.mail.policy import State
from hil.sim.mailserver import HANG_UP, RESET, SILENCE, MailServer, Taken

__all__ = ["FAULTS", "came", "mail_wrong", "set_fault"]

FAULTS: dict[str, dict[str, list[bytes]]] = {
    "away": {"greeting": [b"421 not now"]},
    "silent": {"greeting": [SILENCE]},
    "refuses_login": {"mail": [b"530 who are you?"]},
    "greylists": {"rcpt": [b"450 come again"]},
    "drops": {"data": [HANG_UP]},
    "resets": {"rcpt": [RESET]},
    "full": {"end": [b"452 no room"]},
    "dies": {"end": [HANG_UP]},  # it has taken it, and does not say so
}
LOOKED_AT_S = 0.1
_ENDING = ".eml"


def main(words: list[str] | None = None) -> int:
    """Until it is killed."""
    parser = argparse.ArgumentParser(prog="python -m hil.smtp")
    parser.add_argument("address")
    parser.add_argument("port", type=int)
    parser.add_argument("folder", type=Path)
    args = parser.parse_args(words)
    folder: Path = args.folder
    folder.mkdir(parents=True, exist_ok=True)
    numbers = count(sum(1 for _ in folder.glob(f"*{_ENDING}")))

    def keep(taken: Taken) -> None:
        path = folder / f"{next(numbers):06}{_ENDING}"
        part = path.with_suffix(".part")
        part.write_bytes(taken.content)
        part.rename(path)

    server = MailServer(address=(args.address, args.port), told=keep)
    known = None
    while not threading.Event().wait(LOOKED_AT_S):
        word = ""
        with contextlib.suppress(OSError):
            word = (folder / "fault").read_text("utf-8").strip()
        if word != known:
            known = word
            server.takes_and_dies = sys.maxsize if word == "dies" else 0
            server.say = {step: list(said) for step, said in FAULTS.get(word, {}).items()}
    return 0


def set_fault(folder: Path, word: str = "") -> None:
    """How the server of a folder is from now on; "": well."""
    part = folder / "fault.part"
    part.write_text(word, "utf-8")
    os.replace(part, folder / "fault")


def came(folder: Path) -> Counter[str]:
    """How often each mail came, by the part of its Message-ID before the @."""
    found: Counter[str] = Counter()
    for path in folder.glob(f"*{_ENDING}"):
        for line in path.read_bytes().split(b"\r\n\r\n", 1)[0].split(b"\r\n"):
            if line.lower().startswith(b"message-id:"):
                found[line.split(b"<", 1)[-1].split(b"@", 1)[0].decode("ascii", "replace")] += 1
    return found


def mail_wrong(journal: sqlite3.Connection, folder: Path, promised: Collection[str], *, quiet: bool) -> list[str]:
    """What is wrong with mail. `promised`: the ids of those whose queueing was acknowledged. Quiet: the server is well,
    and there was time for all to go."""
    arrived, wrong = came(folder), []
    rows = {
        name: (message_id, State(state), doubts)
        for name, message_id, state, doubts in journal.execute("SELECT id, message_id, state, doubts FROM mail")
    }
    wrong += [f"mail {name} was taken in, and is gone" for name in promised if name not in rows]
    for name, (message_id, state, doubts) in rows.items():
        times = arrived[message_id]
        if state is State.SENT and not times:
            wrong.append(f"mail {name} is sent, and has not come")
        # One more than there were doubts; one whose doubt is not written yet is being sent.
        if times > 1 + doubts and state is not State.SENDING:
            wrong.append(f"mail {name} came {times} times, with {doubts} doubts")
        if quiet and state in (State.WAITING, State.SENDING, State.FAILED):
            wrong.append(f"mail {name} is {state.value}, and the server is well")
    strangers = arrived.keys() - {message_id for message_id, *_ in rows.values()}
    wrong += [f"a mail that nobody queued: {name}" for name in sorted(strangers)]
    return wrong


if __name__ == "__main__":
    sys.exit(main())
