"""Whoever has a mailbox is told by mail that a message was left, with its sound where the site, the municipality and he
himself want that (C6). Found among the messages of a day, so that none is forgotten, whoever died in between; once, by
the mail's id."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta

from callcontrol.plan.catalogue import Words, words
from callcontrol.plan.model import Unreadable, choices_of
from callcontrol.plan.number import pretty
from callcontrol.plan.schedule import STOCKHOLM
from firmware.config import Config
from firmware.mail.memotold import secret
from firmware.mail.policy import Kind, one_line
from firmware.mail.telling import in_languages
from firmware.store.mail import SUBJECT_MAX, Mail, MailRows
from firmware.store.mailbox import Held, Mailbox, MailKind
from firmware.store.people import People

__all__ = ["VoicemailTold"]

FRESH = timedelta(days=1)
"""Of a message that was left longer ago its owner is reminded otherwise."""
AT_ONCE = 500
"""Messages looked at in one go, the newest."""
_SITE = {"no": MailKind.NO, "bare": MailKind.NOTICE, "attached": MailKind.SOUND}
_MORE = (MailKind.NO, MailKind.NOTICE, MailKind.SOUND)

log = logging.getLogger("rvx")


class VoicemailTold:
    """Belongs to the thread that opened the store."""

    def __init__(self, config: Config, people: People) -> None:
        self._site = _SITE[config.mail.voicemail]
        self._name = config.unit.name
        self._code = config.codes.voicemail
        self._languages = config.announcing.languages or ("sv",)
        self._people = people
        self._mailbox = Mailbox(people.journal)
        self._mails = MailRows(people.journal)

    def look(self, now: datetime) -> None:
        """Queue what tells people. Raises sqlite3.Error."""
        if self._site is MailKind.NO:
            return
        for held in self._mailbox.unheard_of_all(now - FRESH, AT_ONCE):
            try:
                self._look_at(held, now)
            except (Unreadable, ValueError) as error:
                log.warning("rvx-event kind=voicemail_untold why=%s", type(error).__name__)

    def _look_at(self, held: Held, now: datetime) -> None:
        extension = self._people.extension(held.extension)
        person = self._people.person(extension.person) if extension is not None and extension.person else None
        if extension is None or person is None or not person.email:
            return
        name = f"voicemail-{held.id} {person.email}"
        if self._mails.find(name) is not None:
            return  # asked every few seconds: no lock is taken for nothing
        what = self._wanted(held.extension, extension.unit)
        if what is MailKind.NO:
            return
        subject, text = self._words(held, attached=what is MailKind.SOUND)
        mail = Mail(
            id=name, kind=Kind.VOICEMAIL, to=person.email, subject=one_line(subject.sv, SUBJECT_MAX),
            text=in_languages(text, self._languages), set_by="unit", queued_at=now,
            attachment=f"messages/{held.id}.wav" if what is MailKind.SOUND else "",
        )  # fmt: skip
        try:
            self._mails.queue(mail)
        except OverflowError:
            log.warning("rvx-event kind=mail_no_room")

    def _wanted(self, number: str, unit_id: str) -> MailKind:
        """No more than the site sends, and no sound of what is secret (E8)."""
        unit = self._people.unit(unit_id)
        if not choices_of(unit.entity if unit else None, self._people).message_by_email:
            return MailKind.NO
        own = self._mailbox.settings(number).mail
        most = MailKind.NOTICE if secret(number, self._people) else MailKind.SOUND
        return min((self._site, self._site if own is MailKind.SITE else own, most), key=_MORE.index)

    def _words(self, held: Held, *, attached: bool) -> tuple[Words, Words]:
        """What it is about, and what it says; who has left it where the sound is given, too."""
        at = f"{held.left_at.astimezone(STOCKHOLM):%Y-%m-%d %H.%M}"
        where = words("mail", "voicemail_listen", (("code", self._code or "-"),))
        ends = words("mail", "from_unit", (("site", self._name),))
        if not attached:
            told = words("mail", "voicemail_bare", (("extension", held.extension), ("at", at)))
            return words("mail", "voicemail_bare_subject"), _joined(told, where, ends)
        shown = pretty(held.caller) if held.caller else ""
        names = Words(shown or "dolt nummer", shown or "a withheld number")
        length = f"{held.length_ms // 60_000}:{held.length_ms // 1000 % 60:02}"
        subject, told = (
            Words(*(words("mail", key, (("name", name), *fill))[at_] for at_, name in enumerate(names)))
            for key, fill in (
                ("voicemail_subject", ()),
                ("voicemail", (("extension", held.extension), ("at", at), ("length", length))),
            )
        )
        return subject, _joined(told, where, ends)


def _joined(*parts: Words) -> Words:
    return Words(*("\n\n".join(texts) for texts in zip(*parts, strict=True)))
