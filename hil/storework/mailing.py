"""Mail and messages to people: a message is taken, its mail sent, and it is handled; of another mail the answer never
comes."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import ClassVar

from callcontrol.plan.memo import Memo
from firmware.mail.policy import Happened, Kind
from firmware.store.mail import Mail, MailRows
from firmware.store.memos import MemoRows, mail_name
from hil.storework.part import Left, Part

__all__ = ["Mailing"]

ADDRESS = "anna@norrby.example"
_GIVEN = frozenset(("perhaps", "sent"))
_ALLOWED = {"mail": _GIVEN | {"waiting"}, "mail_given": _GIVEN, "mail_taken": frozenset(("sent",))}
"""States of a mail, by what was promised of it: one that was given must not go again as if it had not."""
_MEMO = ("memo", "memo_handled")


class Mailing(Part):
    judged: ClassVar = frozenset((*_ALLOWED, *_MEMO))

    def round(self, number: int, now: datetime) -> None:
        name = f"r{number}"
        with closing(MailRows.open(self.journal)) as mails, closing(MemoRows.open(self.journal)) as memos:
            memos.take(Memo(id=name, extension="1001", text="ring", taken_by="siv", taken_at=now))
            self.told("memo", name)
            for mail in (mail_name(name, ADDRESS), f"doubt-{name} {ADDRESS}"):
                kind = Kind.MEMO if mail.startswith("memo-") else Kind.VOICEMAIL
                mails.queue(Mail(id=mail, kind=kind, to=ADDRESS, subject="x", text="", set_by="siv", queued_at=now))
                self.told("mail", mail)
            while (due := mails.take(now)) is not None:
                self.told("mail_given", due.mail.id)
                if due.mail.kind is Kind.MEMO:
                    mails.ended(due.attempt, Happened.TAKEN, "250", now)
                    self.told("mail_taken", due.mail.id)
            memos.handled(name, "anna", now)
            self.told("memo_handled", name)

    @classmethod
    def recovered(cls, folder: Path, now: datetime) -> None:
        with closing(MailRows.open(folder / "journal.db")) as mails:
            mails.crashed(now)

    @classmethod
    def wrong(cls, left: Left) -> Iterable[str]:
        """What is lost, would go again, or is not told of."""
        mails = dict(left.journal.execute("SELECT id, state FROM mail"))
        steps_of = "SELECT id, state, sent_at, read_at, handled_at FROM memo"
        memos = {row[0]: row[1:] for row in left.journal.execute(steps_of)}
        for kind, name in left.promised:
            if kind in _ALLOWED and mails.get(name) not in _ALLOWED[kind]:
                yield f"{kind} {name}: {mails.get(name, 'gone')}"
            if kind in _MEMO and (name not in memos or (kind == "memo_handled" and memos[name][0] != "handled")):
                yield f"{kind} {name}: {memos.get(name, 'gone')}"
        told = Counter(
            (kind, json.loads(body)["id"])
            for kind, body in left.journal.execute("SELECT kind, body FROM outbox WHERE kind IN ('mail', 'memo')")
        )
        steps = Counter({("memo", name): 1 + sum(at is not None for at in row[1:]) for name, row in memos.items()})
        ended = left.journal.execute("SELECT id FROM mail WHERE ended_at IS NOT NULL")
        steps += Counter(("mail", name) for (name,) in ended)
        if told != steps:
            yield f"mail: {sorted(steps.items())} there, {sorted(told.items())} told of"
