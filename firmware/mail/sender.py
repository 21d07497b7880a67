"""Sends what is queued, one mail after the other, and queues what somebody is to be told of by mail: a thread of its
own, with its own connections to the store, so that nothing else of the process waits for a disk or a server."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import sqlite3
import threading
import time
from collections import deque
from datetime import UTC, datetime
from pathlib import Path

from firmware.config import Config
from firmware.mail.letter import Attachment, From, letter
from firmware.mail.memotold import MemoTold
from firmware.mail.policy import Happened, server_back_off
from firmware.mail.smtp import Answer, Limits, Server, Session
from firmware.mail.telling import Telling
from firmware.mail.voicemails import VoicemailTold
from firmware.store import StoreError
from firmware.store.mail import Due, MailRows
from firmware.store.people import People

__all__ = ["Sender", "server_of"]

ROUND_S = 1.0
TELL_EVERY_S = 5.0
"""What is to be told is looked for so often."""
STORE_AGAIN_S, FAULT_AGAIN_S = 5.0, 60.0
MINUTE_S = 60.0
OF_SESSION_MAX = 50
"""Mails by one connection."""
MB = 1_000_000
STOPS_WITHIN_S = 3.0
"""Then the process ends without it: what was under way is found doubtful at the next start."""

log = logging.getLogger("rvx")


def server_of(config: Config, limits: Limits | None = None) -> Server:
    mail = config.mail
    return Server(
        mail.host, mail.port, mail.security, user=mail.user, password=config.secrets.mail.password,
        ca_file=mail.ca_file, own_name=config.unit.name, limits=limits or Limits(),
    )  # fmt: skip


class Sender:
    """`run` until cancelled. Without [mail] server it sends nothing, and tells people of their messages by SMS."""

    def __init__(self, config: Config, limits: Limits | None = None) -> None:
        self._config = config
        self._session = Session(server_of(config, limits))
        self._stop = threading.Event()
        self._people: People | None = None
        self._telling: list[Telling | MemoTold | VoicemailTold] | None = None
        self._begun = False
        self._unwritten: tuple[Due, Answer] | None = None
        self._given: deque[float] = deque(maxlen=config.mail.per_minute)
        self._of_session = 0
        self._failures = 0
        self._pause_until = 0.0
        self._tell_at = 0.0

    async def run(self) -> None:
        loop, ended = asyncio.get_running_loop(), asyncio.Event()

        def work() -> None:
            try:
                self._work()
            finally:
                with contextlib.suppress(RuntimeError):  # nobody waits any more
                    loop.call_soon_threadsafe(ended.set)

        thread = threading.Thread(target=work, name="mail", daemon=True)
        thread.start()
        try:
            await ended.wait()
            raise RuntimeError("the thread of mail has ended")
        finally:
            self._stop.set()
            self._session.abort()
            await asyncio.to_thread(thread.join, STOPS_WITHIN_S)

    def _work(self) -> None:
        while not self._stop.is_set():
            try:
                pause_s = self.round(time.monotonic(), datetime.now(UTC))
            except (sqlite3.Error, StoreError, OSError) as error:
                log.error("rvx-event kind=store_fault why=%s", str(error).replace(" ", "_"))
                self.close()
                pause_s = STORE_AGAIN_S
            except Exception:
                # A fault of ours: the pages of this process go on all the same.
                log.exception("rvx-event kind=mail_fault")
                self.close()
                pause_s = FAULT_AGAIN_S
            self._stop.wait(pause_s)
        self.close()

    def round(self, clock: float, now: datetime) -> float:
        """Does what is due; after how many seconds there may be more. Raises sqlite3.Error, StoreError, OSError."""
        people = self._opened()
        rows = MailRows(people.journal)
        if self._unwritten is not None:
            # Nothing goes before it is known what became of the last: else it would go again.
            self._write(rows, *self._unwritten, clock, now)
        if not self._begun:
            if crashed := rows.crashed(now):
                log.warning("rvx-event kind=mail_doubtful count=%d", crashed)
            self._begun = True
        if clock >= self._tell_at:
            self._tell_at = clock + TELL_EVERY_S
            self._tell(people, now)
        if not self._config.mail.server:
            return TELL_EVERY_S
        rows.expire(now)
        full = len(self._given) == self._given.maxlen and clock - self._given[0] < MINUTE_S
        if clock < self._pause_until or full or (due := rows.take(now)) is None:
            self._session.close()
            self._of_session = 0
            return ROUND_S
        self._given.append(clock)
        answer = self._deliver(due)
        self._unwritten = due, answer
        self._write(rows, due, answer, clock, now)
        return 0.0

    def close(self) -> None:
        self._session.close()
        people, self._people, self._telling = self._people, None, None
        if people is not None:
            people.close()

    def _deliver(self, due: Due) -> Answer:
        config, mail = self._config, due.mail
        limit = config.mail.size_max_mb * MB
        sender = From(config.mail.sender, f"Reservväxeln {config.unit.name}", config.mail.sender.rpartition("@")[2])
        attachment = _attachment(config.paths.state, mail.attachment, limit) if mail.attachment else None
        answer = self._session.deliver(
            config.mail.sender,
            mail.to,
            lambda size: letter(mail, due.message_id, sender, attachment, min(limit, size or limit)),
        )
        self._of_session += 1
        if self._of_session >= OF_SESSION_MAX:
            self._session.close()
            self._of_session = 0
        return answer

    def _write(self, rows: MailRows, due: Due, answer: Answer, clock: float, now: datetime) -> None:
        state = rows.ended(due.attempt, answer.happened, answer.text, now)
        self._unwritten = None
        if answer.happened is Happened.UNREACHED:
            self._failures += 1
            self._pause_until = clock + server_back_off(self._failures).total_seconds()
            self._given.pop()
            log.warning("rvx-event kind=mail_server why=%s", answer.text.replace(" ", "_"))
            return
        self._failures = 0
        # Neither to whom it is nor what the server says of them is for a log.
        log.info("rvx-event kind=mail what=%s state=%s try=%d", due.mail.kind.value, state.value, due.tries)

    def _opened(self) -> People:
        if self._people is None:
            paths = self._config.paths
            self._people = People.open(paths.directory, paths.journal, self._config.numbering.local)
        return self._people

    def _tell(self, people: People, now: datetime) -> None:
        if self._telling is None:
            self._telling = [MemoTold(self._config, people)]
            if self._config.mail.server:
                self._telling += [Telling(self._config, people), VoicemailTold(self._config, people)]
        people.look_again()
        for each in self._telling:
            each.look(now)


def _attachment(state: Path, name: str, limit: int) -> Attachment:
    """Not more of it than a mail may have; none of a file that somebody has put a link in the place of."""
    path = state / name
    try:
        if not path.resolve().is_relative_to(state.resolve()):
            return Attachment(path.name, None)
        with open(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK), "rb") as file:
            return Attachment(path.name, file.read(limit + 1))
    except OSError:
        return Attachment(path.name, None)
