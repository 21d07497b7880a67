"""Mail in a storm: the queue is filled all along, and the server of mail (hil/smtp.py) fails in all its ways."""

from __future__ import annotations

import contextlib
import random
import sqlite3
import sys
import threading
from datetime import UTC, datetime
from pathlib import Path

from firmware.mail.policy import Kind
from firmware.paths import Paths
from firmware.store import StoreError
from firmware.store.mail import Mail, MailRows
from hil.net import Host
from hil.platform import PlatformError
from hil.platform.daemon import Daemon
from hil.smtp import FAULTS, came, mail_wrong, set_fault

__all__ = ["PORT", "Post"]

PORT = 2525
QUEUED_EVERY_S, WELL_S, ILL_S = (0.5, 4.0), (3.0, 15.0), (1.0, 6.0)
AGAIN_S = 0.5
JOIN_S = 12.0


class Post:
    """`address`: of the host on which the server runs."""

    def __init__(self, host: Host, address: str, folder: Path, paths: Paths, seed: int) -> None:
        self._folder, self._paths, self._seed = folder, paths, seed
        server = [sys.executable, "-m", "hil.smtp", address, str(PORT), str(folder)]
        self._server = Daemon(host, server, folder.with_suffix(".log"), lambda: True)
        self._over = threading.Event()
        self._promised: set[str] = set()
        self._seen: frozenset[str] = frozenset()
        self._threads: list[threading.Thread] = []

    def start(self) -> None:
        self._folder.mkdir()
        self._server.start()
        self._threads = [threading.Thread(target=work, daemon=True) for work in (self._queue, self._fail)]
        for thread in self._threads:
            thread.start()

    def rest(self) -> None:
        """Nothing more is queued, and the server is well."""
        self._over.set()
        for thread in self._threads:
            thread.join(JOIN_S)

    def stop(self) -> None:
        self.rest()
        with contextlib.suppress(PlatformError):  # it was never started
            self._server.stop()

    def arrived(self) -> int:
        return came(self._folder).total()

    def wrong(self) -> list[str]:
        """What was wrong at this look and at the one before: mail comes between one fact's being seen and another's.
        Raises sqlite3.Error."""
        promised = frozenset(self._promised)
        with contextlib.closing(sqlite3.connect(f"file:{self._paths.journal}?mode=ro", uri=True)) as journal:
            found = frozenset(mail_wrong(journal, self._folder, promised, quiet=False))
        before, self._seen = self._seen, found
        return sorted(found & before)

    def _queue(self) -> None:
        rng = random.Random(f"post {self._seed}")
        number = 0
        while not self._over.wait(rng.uniform(*QUEUED_EVERY_S)):
            number += 1
            one = Mail(
                id=f"rig-{number}", kind=Kind.MEMO, to=f"p{number}@norrby.example", subject="Ring upp",
                text="Ring 1002.", set_by="rig", queued_at=datetime.now(UTC),
            )  # fmt: skip
            while not self._over.is_set():
                with contextlib.suppress(StoreError, sqlite3.Error, OSError, OverflowError):
                    with contextlib.closing(MailRows.open(self._paths.journal)) as rows:
                        rows.queue(one)
                    self._promised.add(one.id)
                    break
                self._over.wait(AGAIN_S)

    def _fail(self) -> None:
        rng = random.Random(f"server of mail {self._seed}")
        while not self._over.wait(rng.uniform(*WELL_S)):
            set_fault(self._folder, rng.choice(tuple(FAULTS)))
            self._over.wait(rng.uniform(*ILL_S))
            set_fault(self._folder)
