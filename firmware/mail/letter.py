"""A mail as it goes over the wire (RFC 5322, MIME). Pure: the same bytes at every try."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP, SMTPUTF8
from email.utils import format_datetime

from callcontrol.plan.schedule import STOCKHOLM
from firmware.store.mail import Mail

__all__ = ["Attachment", "From", "letter"]

_TOO_BIG = "Bilagan är för stor för e-post och finns kvar i växeln."
_GONE = "Bilagan finns inte längre i växeln."


@dataclass(frozen=True, slots=True)
class From:
    """`name` is read beside the address; `host` ends the Message-ID (RFC 5322 §3.6.4)."""

    address: str
    name: str
    host: str


@dataclass(frozen=True, slots=True)
class Attachment:
    """`content` None: the file is not there any more."""

    name: str
    content: bytes | None


def letter(mail: Mail, message_id: str, sender: From, attachment: Attachment | None, size_max: int) -> bytes:
    """With the attachment, or a sentence in its place where it is gone or makes more than `size_max` bytes."""
    note = ""
    if attachment is not None and attachment.content is None:
        attachment, note = None, _GONE
    made = _letter(mail, message_id, sender, attachment, note)
    if attachment is not None and len(made) > size_max:
        return _letter(mail, message_id, sender, None, _TOO_BIG)
    return made


def _letter(mail: Mail, message_id: str, sender: From, attachment: Attachment | None, note: str) -> bytes:
    message = EmailMessage(policy=SMTP if (sender.address + mail.to + mail.reply_to).isascii() else SMTPUTF8)
    message["From"] = _address(sender.address, sender.name)
    message["To"] = _address(mail.to)
    if mail.reply_to:
        message["Reply-To"] = _address(mail.reply_to)
    message["Subject"] = mail.subject
    message["Date"] = _date(mail.queued_at)
    message["Message-ID"] = f"<{message_id}@{sender.host}>"
    # RFC 3834: nobody's absence answers it; the second is Exchange's word for that.
    message["Auto-Submitted"] = "auto-generated"
    message["X-Auto-Response-Suppress"] = "All"
    lines = [*mail.text.splitlines(), *(["", note] if note else [])]
    message.set_content("\n".join(map(_visible, lines)) + "\n", cte="quoted-printable")
    if attachment is not None and attachment.content is not None:
        kind = ("audio", "wav") if attachment.name.endswith(".wav") else ("application", "octet-stream")
        message.add_attachment(attachment.content, maintype=kind[0], subtype=kind[1], filename=attachment.name)
        # The boundary is else made by chance.
        message.set_boundary(f"=-{message_id}")
    return message.as_bytes()


def _address(text: str, name: str = "") -> Address:
    local, _, domain = text.rpartition("@")
    return Address(name, local, domain)


def _visible(line: str) -> str:
    return "".join(letter for letter in line if letter == "\t" or letter.isprintable())


def _date(moment: datetime) -> str:
    return format_datetime(moment.astimezone(STOCKHOLM).replace(microsecond=0))
