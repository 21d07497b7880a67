"""People are told of messages to them (B11): by mail, else by SMS, whoever took the message, and however late a way is
there again. What no way has brought is followed up like all others (callcontrol.plan.memo)."""

from __future__ import annotations

import logging
from datetime import datetime

from callcontrol.plan.catalogue import Words, words
from callcontrol.plan.memo import Memo, Wants
from callcontrol.plan.model import Directory, Person, Unreadable
from callcontrol.plan.number import pretty
from callcontrol.plan.schedule import STOCKHOLM
from callcontrol.trunk.smsqueue import Kind as SmsKind
from callcontrol.trunk.smsqueue import State as SmsState
from firmware.config import Config
from firmware.mail.policy import Kind, one_line
from firmware.mail.policy import State as MailState
from firmware.mail.telling import in_languages
from firmware.store.mail import SUBJECT_MAX, Mail, MailRows
from firmware.store.memos import MemoRows, mail_name
from firmware.store.mobiles import address_of
from firmware.store.people import People
from firmware.store.sms import SmsRows
from firmware.trunk.smsout import Outgoing

__all__ = ["MemoTold", "memo_text", "secret"]

AT_ONCE = 500
"""Messages looked at in one go, the oldest first."""

log = logging.getLogger("rvx")


class MemoTold:
    """Belongs to the thread that opened the store."""

    def __init__(self, config: Config, people: People) -> None:
        self._mail = config.mail
        self._modem = bool(config.modem)
        self._languages = config.announcing.languages or ("sv",)
        self._people = people
        self._memos = MemoRows(people.journal)
        self._mails = MailRows(people.journal)
        self._sms = SmsRows(people.journal)
        self._out = Outgoing(config, self._sms)
        self._site = config.unit.name

    def look(self, now: datetime) -> None:
        """Queue what tells people, and note by what they were told. Raises sqlite3.Error."""
        for memo in self._memos.taken(AT_ONCE):
            try:
                self._look_at(memo, now)
            except (Unreadable, ValueError) as error:
                log.warning("rvx-event kind=memo_untold why=%s", type(error).__name__)

    def _look_at(self, memo: Memo, now: datetime) -> None:
        person = self._told_of(memo.extension)
        by_mail = bool(self._mail.server) and self._mail.memos != "no"
        if person is not None and person.email and by_mail:
            name = mail_name(memo.id, person.email)
            known = self._mails.find(name)
            if known is None:
                self._queue(memo, person.email, name, now)
                return
            if known.state is not MailState.FAILED:
                return
        number = address_of(person.id, self._people) if person is not None else None
        if number is None or not self._modem:
            return
        # Nothing of what it says: an SMS lies open on a screen.
        name = f"memo-{memo.id}"
        sent = self._sms.find(f"{name} {number}")
        if sent is None:
            self._out.put(name, SmsKind.MESSAGE, number, words("mail", "memo_sms", (("site", self._site),)), now)
        elif sent.state in (SmsState.SENT, SmsState.DELIVERED):
            self._memos.sent(memo.id, "sms", now)

    def _told_of(self, number: str) -> Person | None:
        """Whose the phone is; of a group or a reception whoever looks after the department's telephony."""
        extension = self._people.extension(number)
        if extension is None:
            return None
        unit = self._people.unit(extension.unit)
        name = extension.person or (unit.telephony_contact if unit is not None else None)
        return self._people.person(name) if name else None

    def _queue(self, memo: Memo, to: str, name: str, now: datetime) -> None:
        bare = self._mail.memos == "bare" or secret(memo.extension, self._people)
        subject, text = memo_text(memo, self._people, bare=bare)
        taker = _taker(memo, self._people)
        mail = Mail(
            id=name, kind=Kind.MEMO, to=to, subject=one_line(subject.sv, SUBJECT_MAX),
            text=in_languages(text, self._languages), set_by=memo.taken_by, queued_at=now,
            reply_to=taker.email if taker is not None and taker.email and not bare else "",
        )  # fmt: skip
        try:
            self._mails.queue(mail)
        except OverflowError:
            log.warning("rvx-event kind=mail_no_room")


def secret(extension: str, directory: Directory) -> bool:
    """Whether it is of a unit whose matters are secret (E8), or of somebody protected: their mail says nothing."""
    known = directory.extension(extension)
    unit = directory.unit(known.unit) if known is not None else None
    person = directory.person(known.person) if known is not None and known.person else None
    return bool(unit is not None and unit.secret) or bool(person is not None and person.protected)


def _taker(memo: Memo, directory: Directory) -> Person | None:
    """Who has taken it, where they may be named (D4)."""
    taker = directory.person(memo.taken_by)
    return None if taker is None or taker.protected else taker


def memo_text(memo: Memo, directory: Directory, *, bare: bool) -> tuple[Words, Words]:
    """Subject and text of the mail that tells of one. `bare`: not from whom, nor what."""
    to = (("extension", memo.extension),)
    if bare:
        return words("mail", "memo_bare_subject"), words("mail", "memo_bare", to)
    sender = ", ".join(part for part in (memo.caller_name, pretty(memo.caller) if memo.caller else "") if part)
    taker = _taker(memo, directory)
    local = memo.taken_at.astimezone(STOCKHOLM)
    texts = []
    for at in (0, 1):
        lines = [words("mail", "memo_for", to)[at]]
        lines += [words("mail", "memo_from", (("name", sender),))[at]] if sender else []
        lines.append(words("mail", "memo_at", (("at", f"{local.day}/{local.month} {local:%H:%M}"),))[at])
        lines += [words("mail", f"memo_{memo.wants.value}")[at]] if memo.wants is not Wants.NOTHING else []
        lines += [words("mail", "memo_urgent")[at]] if memo.urgent else []
        lines += ["", memo.text] if memo.text else []
        if taker is not None:
            lines += ["", words("mail", "memo_taken_by", (("name", f"{taker.given} {taker.family}".strip()),))[at]]
        texts.append("\n".join(lines))
    key = "memo_subject" if sender else "memo_bare_subject"
    return words("mail", key, (("name", sender),) if sender else ()), Words(*texts)
