"""The book of the calls that a process leads: what would end each of them, in a file of its own while it is up.

Who leads calls may die at any moment, and so may the edge before it: then nobody else knows of them, and whoever is in
one would sit in silence. The next process finds them here. On a unit the files are in memory; they outlive processes,
not the machine."""

from __future__ import annotations

import contextlib
import hashlib
import logging
from pathlib import Path

from callcontrol.anchored import bye_in
from callcontrol.sip.errors import RemoteError
from callcontrol.sip.message import Request
from callcontrol.sip.session import Phase, Session
from callcontrol.sip.user_agent import SESSIONS_MAX

__all__ = ["Book"]

REASON = ("Reason", 'Q.850;cause=38;text="network out of order"')
LEFT_MAX = SESSIONS_MAX
"""Halves of calls that one process may leave behind."""

log = logging.getLogger("rvx")


class Book:
    """`folder` is made where it is not there. A disk that fails is logged: then a call is led that is in no book."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def left(self) -> list[Request]:
        """What the process before this one has left, a BYE for each half of a call; asked before any call is led."""
        found = []
        for file in sorted(self._folder.glob("*"))[:LEFT_MAX]:
            try:
                found.append(bye_in(file.read_bytes()))
            except (OSError, RemoteError):  # it died over this very file
                _remove(file)
        return found

    def turned(self, session: Session) -> None:
        """A call has come up, or is over."""
        if session.branch is None:
            return
        try:
            bye = session.branch.dialog.last_bye([REASON])
            if session.phase is Phase.OVER:
                self.ended(bye)
                return
            self._folder.mkdir(mode=0o700, exist_ok=True)
            self._file(bye).write_bytes(bye.to_bytes())
        except (OSError, RemoteError) as error:  # a disk, or a way back that nobody can write
            log.warning("rvx-event kind=not_booked why=%s", type(error).__name__)

    def ended(self, bye: Request) -> None:
        """Nobody is in that half any more."""
        _remove(self._file(bye))

    def _file(self, bye: Request) -> Path:
        """By the dialog: two phones that have answered one call are two."""
        dialog = f"{bye.call_id} {bye.from_.tag} {bye.to.tag}"
        return self._folder / hashlib.sha256(dialog.encode()).hexdigest()[:32]


def _remove(file: Path) -> None:
    with contextlib.suppress(OSError):
        file.unlink()
