"""The book of the calls that a process leads: what would end each of them, in a file of its own while it is up.

Who leads calls may die at any moment, and so may the edge before it: then nobody else knows of them, and whoever is in
one would sit in silence. The next process finds them here. On a unit the files are in memory; they outlive processes,
not the machine."""

from __future__ import annotations

import contextlib
import itertools
import logging
import os
import secrets
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

_Half = tuple[str, str, str]
"""A dialog: two phones that have answered one call are two."""

log = logging.getLogger("rvx")


class Book:
    """`folder` is made where it is not there. A disk that fails is logged: then a call is led that is in no book."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._made = False
        self._files: dict[_Half, str] = {}
        # Of this process alone: what the one before it has left is not written over.
        self._names = (f"{secrets.token_hex(8)}-{number}" for number in itertools.count())

    def left(self) -> list[Request]:
        """What the process before this one has left, a BYE for each half of a call; asked before any call is led."""
        found = []
        for file in sorted(self._folder.glob("*"))[:LEFT_MAX]:
            try:
                bye = bye_in(file.read_bytes())
            except (OSError, RemoteError):  # it died over this very file
                _remove(str(file))
            else:
                found.append(bye)
                self._files[_half_of(bye)] = str(file)
        return found

    def turned(self, session: Session) -> None:
        """A call has come up, or is over."""
        if session.branch is None:
            return
        half = session.branch.dialog.key
        if session.phase is Phase.OVER:
            self._end(half)
            return
        try:
            bye = session.branch.dialog.last_bye([REASON]).to_bytes()
            self._write(self._files.get(half) or f"{self._folder}/{next(self._names)}", bye, half)
        except (OSError, RemoteError) as error:  # a disk, or a way back that nobody can write
            log.warning("rvx-event kind=not_booked why=%s", type(error).__name__)

    def ended(self, bye: Request) -> None:
        """Nobody is in that half any more."""
        self._end(_half_of(bye))

    def _write(self, file: str, bye: bytes, half: _Half) -> None:
        if not self._made:
            self._folder.mkdir(mode=0o700, exist_ok=True)
            self._made = True
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        try:
            self._files[half] = file
            if os.write(descriptor, bye) < len(bye):
                raise OSError("no room")
        finally:
            os.close(descriptor)

    def _end(self, half: _Half) -> None:
        if (file := self._files.pop(half, None)) is not None:
            _remove(file)


def _half_of(bye: Request) -> _Half:
    return bye.call_id, bye.from_.tag, bye.to.tag


def _remove(file: str) -> None:
    with contextlib.suppress(OSError):
        os.unlink(file)
